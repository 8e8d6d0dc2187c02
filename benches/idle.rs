//! What an idle connection costs: memory of the specimen, and throughput of those that are active among many idle ones.
//!
//! `cargo bench --bench idle [-- --quick] [--assert]`. Promised: at most 512 bytes of resident memory for each of 10,000 idle connections, and
//! at least 0.97 of the throughput for 64 active ones among them.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use common::client::Client;
use common::servers::{Specimen, wait_for};
use common::{Columns, Flags, cores, pin, word};
use loopscope::base::clock::Clock;
use loopscope::base::units::count;
use rustix::process::{Resource, Rlimit};

const IDLE: usize = 10_000;
const ACTIVE: usize = 64;
/// Bytes of resident memory for an idle connection.
const PROMISED_BYTES: f64 = 512.0;
/// What is left of the throughput.
const PROMISED: f64 = 0.97;

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (pairs, window) = flags.windows(80, Duration::from_millis(100));
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    if limit.maximum.is_some_and(|most| most < (IDLE + 1000) as u64) {
        println!("skipped: the hard limit of descriptors ({:?}) is too low for {IDLE} connections", limit.maximum);
        return Ok(ExitCode::SUCCESS);
    }
    let (core, reader) = cores()?;
    pin(core)?;
    let clock = Clock::start();
    let [crowded, alone] = [Specimen::start(&clock, true, reader)?, Specimen::start(&clock, true, reader)?];
    // The active ones first, so that the memory which grows with the work is there before the idle ones come.
    let mut clients = Vec::new();
    for specimen in [&crowded, &alone] {
        wait_for(specimen.address)?;
        let mut client = Client::new(clock, specimen.process.pid(), specimen.address, ACTIVE, 1)?;
        client.run(window)?;
        clients.push(client);
    }
    let memory = |line| crowded.memory(line).map(|kib| kib as f64 * 1024.0);
    let before = [memory("VmRSS")?, memory("RssAnon")?];
    // Each has had one request: a connection that was only accepted may not have cost anything yet.
    let _idle = Client::new(clock, crowded.process.pid(), crowded.address, IDLE, 1)?;
    let after = [memory("VmRSS")?, memory("RssAnon")?];
    let [resident, anonymous] = [0, 1].map(|n| (after[n] - before[n]) / IDLE as f64);
    let light = resident <= PROMISED_BYTES;
    println!("{IDLE} idle connections, each after one request");
    println!("  {resident:.0} bytes resident each ({anonymous:.0} anonymous); promised {PROMISED_BYTES}: {}", word(light));
    println!("  specimen: {:.1} MB before, {:.1} MB after", before[0] / 1e6, after[0] / 1e6);

    println!(
        "{ACTIVE} active connections; server and client on core {core}, reader on core {reader}; {pairs} pairs of {} ms windows",
        window.as_millis()
    );
    let columns = Columns::alternate(&mut clients.iter_mut().collect::<Vec<_>>(), pairs, window)?;
    let ratios = columns.ratios(0, 1);
    let fast = ratios.median() >= PROMISED;
    println!("  among the idle ones {:>9}/s", count(columns.rate(0)));
    println!("  without             {:>9}/s", count(columns.rate(1)));
    println!("  among/without {ratios}; promised {PROMISED}: {}", word(fast));
    Ok(flags.verdict(light && fast))
}
