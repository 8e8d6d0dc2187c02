//! What watching costs: the same loop with every event recorded and with the probe compiled to nothing.
//!
//! `cargo bench --bench probe_cost [-- --quick] [--assert]`. Promised: at most 1 % of throughput between the two, as the median over pairs of
//! windows that alternate; and at most 10 ns an event with its share of clock reads, over the events of a keep-alive request.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use common::client::Client;
use common::servers::{Reader, Specimen, wait_for};
use common::{Columns, Flags, cores, median, pin, word};
use loopscope::base::clock::Clock;
use loopscope::base::ids::ConnId;
use loopscope::base::units::count;
use loopscope::telemetry::Recorder;
use loopscope::telemetry::cost::{EVENTS, request};
use loopscope::telemetry::shared::{LOOP_RING, Shared};

/// What watching may cost of the throughput.
const PROMISED: f64 = 0.01;
/// What an event may cost, in nanoseconds.
const PROMISED_NS: f64 = 10.0;
/// Connections: few enough that every request is dear.
const CONNECTIONS: usize = 64;

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (core, reader) = cores()?;
    pin(core)?;
    let clock = Clock::start();
    let event = nanos_per_event(&clock, reader, flags.quick)?;
    println!(
        "one event: {event:.1} ns with its share of clock reads, over the events of a keep-alive request; promised {PROMISED_NS}: {}",
        word(event <= PROMISED_NS)
    );

    let (pairs, window) = flags.windows(600, Duration::from_millis(25));
    println!(
        "server and client on core {core}, reader on core {reader}; {pairs} pairs of {} ms windows, {CONNECTIONS} connections each",
        window.as_millis()
    );
    let watched = Specimen::start(&clock, true, reader)?;
    let silent = Specimen::start(&clock, false, reader)?;
    // Two that are the same differ too: by that much this measurement can be trusted.
    let control = Specimen::start(&clock, false, reader)?;
    let mut clients = Vec::new();
    for specimen in [&watched, &silent, &control] {
        wait_for(specimen.address)?;
        clients.push(Client::new(clock, specimen.process.pid(), specimen.address, CONNECTIONS, 1)?);
    }
    let before = watched.events().0;
    let columns = Columns::alternate(&mut clients.iter_mut().collect::<Vec<_>>(), pairs, window)?;
    let (read, lost) = watched.events();
    anyhow::ensure!(silent.events() == (0, 0), "what is not watched must not tell");
    let warm_up = (pairs + 1) as f64 / pairs as f64;
    let per_request = (read - before) as f64 / (columns.requests(0) as f64 * warm_up);
    println!("  watched     {:>9}/s    {per_request:.1} events a request, {lost} lost", count(columns.rate(0)));
    println!("  not watched {:>9}/s", count(columns.rate(1)));
    let ratios = columns.ratios(0, 1);
    let cost = 1.0 - ratios.median();
    let kept = cost <= PROMISED;
    println!("  watched/not watched {ratios}: {:.2} % of throughput; promised {} %: {}", cost * 100.0, PROMISED * 100.0, word(kept));
    println!("  not watched/not watched {}", columns.ratios(2, 1));
    Ok(flags.verdict(kept && event <= PROMISED_NS))
}

/// The events of one keep-alive request, as the reactor emits them, in a tight loop.
///
/// A tick that finds one request has more phases and clock reads to an event than any other, so this is the dearest mixture.
fn nanos_per_event(clock: &Clock, reader: usize, quick: bool) -> anyhow::Result<f64> {
    let (shared, _mapping) = Shared::create("probe", clock, 1, LOOP_RING)?;
    let mut probe = Recorder::new(&shared, 0);
    let reader = Reader::start(shared, reader);
    // One batch of what the ring can hold; the reader has emptied it before the next.
    let batch = LOOP_RING / EVENTS / 2;
    let mut figures = Vec::new();
    for _ in 0..if quick { 20 } else { 60 } {
        std::thread::sleep(Duration::from_millis(20));
        let begin = clock.now();
        for n in 0..batch {
            request(std::hint::black_box(&mut probe), ConnId(n as u32 % 64 + 1));
        }
        figures.push((clock.now() - begin).0 as f64 / (batch * EVENTS) as f64);
    }
    let (_, lost) = reader.events();
    anyhow::ensure!(lost == 0, "{lost} events were dropped, which is cheaper than to record them");
    Ok(median(&figures))
}
