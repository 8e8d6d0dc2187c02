//! What the fold costs: nanoseconds per event under full load, a clone of the world, bytes per event of the past, the way to any moment of it,
//! and steps back from there.
//!
//! `cargo bench --bench fold [-- --quick] [--assert]`. The mix is that of keep-alive requests: for each, seven facts of the loop (its share of the
//! phases' included) and three of its client; every 50 ms the kernel is sampled, connection by connection, and every second a callback holds the
//! loop for 80 ms. All figures are CPU time of the thread. What is printed is the median of several runs, each over events that lie in memory, as
//! they do when a ring is drained.
//! Promised: 60 ns an event; 4 million events in 160 MiB; any moment of them within 50 ms, and a step of a tick back within 5 ms.
#![allow(clippy::print_stdout, reason = "a bench reports on its standard output")]

mod common;

use std::hint::black_box;
use std::process::ExitCode;

use common::{Flags, median, quantile, word};
use loopscope::base::clock::thread_cpu;
use loopscope::base::ids::{ClientId, ConnId, SpecimenId};
use loopscope::base::units::Nanos;
use loopscope::lab::Past;
use loopscope::telemetry::event::{Event, Lane, Origin, Readiness, What};
use loopscope::telemetry::vocabulary::{Cause, Handler, Outcome, Phase};
use loopscope::world::history::{History, Limits};
use loopscope::world::{Setup, World};

/// Runs, of which the median counts.
const RUNS: usize = 15;
/// Events of a run, about.
const EVENTS: usize = 1_000_000;
/// Nanoseconds an event, at most.
const MOST_FOLD: f64 = 60.0;
/// Events that are kept, at least, of 4 million: whole chunks are forgotten.
const LEAST_KEPT: usize = 3_800_000;
/// Bytes that they take, at most.
const MOST_BYTES: usize = 160 << 20;
/// The way to any moment, at most, in milliseconds.
const MOST_SEEK: f64 = 50.0;
/// A step back of a tick, at most.
const MOST_STEP: f64 = 5.0;

/// What the kernel says of each connection, and of the process.
fn sample(tell: &mut impl FnMut(Nanos, Lane, What), at: Nanos, clients: u32) {
    tell(at, Lane::Kernel, What::AcceptQueue { length: 0, limit: 4096 });
    for n in (0..clients).step_by(4) {
        tell(at, Lane::Kernel, What::Unread { port: 20_000 + n, bytes: 60 });
    }
    let cpu = at.0 / 2;
    for what in [
        What::UnreadTotal { bytes: 15 * clients, sockets: clients },
        What::Descriptors { open: clients + 12, limit: 1 << 20 },
        What::InterestList { entries: clients + 3 },
        What::Memory { resident: 6_000, anonymous: 2_000 },
        What::OnCpu { high: (cpu >> 32) as u32, low: cpu as u32 },
        What::RunDelay { high: 0, low: 1_000 },
        What::Switches { voluntary: 9, involuntary: 1 },
        What::ThreadState { letter: u32::from(b'R'), threads: 1 },
    ] {
        tell(at, Lane::Kernel, what);
    }
}

/// Full load: `clients` keep-alive connections, served in batches of `batch`, a request every 8 µs.
fn full_load(clients: u32, batch: u32) -> Vec<Event> {
    let mut events = Vec::with_capacity(EVENTS + 64);
    let mut now = Nanos::millis(1);
    let mut tell = |at, lane, what| events.push(Event { at, from: Origin { specimen: SpecimenId(0), lane }, what });
    tell(now, Lane::Lab, What::Spawned { pid: 1, before: 0 });
    for n in 0..clients {
        tell(now, Lane::Load, What::Connected { client: ClientId(n), port: 20_000 + n });
        tell(now, Lane::Loop, What::Opened { conn: ConnId(n + 1), port_fd: (20_000 + n as u16, n as u16) });
    }
    let (mut next, mut told) = (0, 0);
    let (mut sampled, mut stalled) = (now, now);
    while told < EVENTS {
        if now.since(sampled) >= Nanos::millis(50) {
            sampled = now;
            sample(&mut tell, now, clients);
        }
        tell(now, Lane::Loop, What::Entered { phase: Phase::Poll, detail: 0 });
        for n in 0..batch {
            let client = ClientId((next + n) % clients);
            tell(now + Nanos(u64::from(n)), Lane::Load, What::Chose { client, row: 0 });
            tell(now + Nanos(u64::from(n)), Lane::Load, What::Sent { client, late: 3 });
        }
        now += Nanos::micros(2);
        tell(now, Lane::Loop, What::Entered { phase: Phase::Dispatch, detail: batch });
        for n in 0..batch {
            tell(now, Lane::Loop, What::Ready { conn: ConnId((next + n) % clients + 1), readiness: Readiness::READABLE });
        }
        for n in 0..batch {
            let (client, conn) = (ClientId((next + n) % clients), ConnId((next + n) % clients + 1));
            tell(now, Lane::Loop, What::Began { conn, cause: Cause::Readable });
            tell(now, Lane::Loop, What::Read { conn, bytes: 60 });
            tell(now, Lane::Loop, What::Requested { conn, handler: Handler::Root });
            tell(now, Lane::Loop, What::Responded { conn, status_nth: (200, 1) });
            tell(now, Lane::Loop, What::Wrote { conn, bytes: 130 });
            now += Nanos(7_000 + u64::from((next + n) * 37 % 2_000));
            if now.since(stalled) >= Nanos::secs(1) {
                now += Nanos::millis(80);
                stalled = now;
            }
            tell(now, Lane::Load, What::Finished { client, outcome: (Outcome::Answered, 200) });
        }
        next += batch;
        told += 2 + 9 * batch as usize;
        tell(now, Lane::Loop, What::Rested {});
    }
    events
}

fn main() -> ExitCode {
    let Some(flags) = Flags::from_args() else { return ExitCode::SUCCESS };
    let runs = if flags.quick { RUNS / 3 } else { RUNS };
    // CPU time: what others do on this machine is not what is measured.
    let time = |f: &mut dyn FnMut()| {
        let from = thread_cpu();
        f();
        thread_cpu().since(from).0 as f64
    };
    let setup = Setup { specimens: vec!["naive".into()], stall_threshold: Nanos::millis(50) };
    let mut kept = true;
    for (clients, batch) in [(64, 4), (64, 64), (512, 32), (10_000, 256)] {
        let events = full_load(clients, batch);
        let mut world = World::new(&setup);
        let fold: Vec<f64> = (0..runs)
            .map(|_| {
                world = World::new(&setup);
                time(&mut || events.iter().for_each(|event| world.apply(black_box(event)))) / events.len() as f64
            })
            .collect();
        let clone: Vec<f64> = (0..runs).map(|_| time(&mut || drop(black_box(world.clone())))).collect();
        println!(
            "{clients:>6} clients, batches of {batch:>3}: {:>5.1} ns/event over {} events ({}); a clone of the world takes {:.0} µs",
            median(&fold),
            events.len(),
            word(median(&fold) <= MOST_FOLD),
            median(&clone) / 1e3
        );
        kept &= median(&fold) <= MOST_FOLD;
    }
    for (clients, batch) in [(512, 32), (10_000, 256)] {
        kept &= past(&time, clients, batch, flags);
    }
    flags.verdict(kept)
}

/// A full history of three specimens side by side: what it takes, how long the way to any moment of it is, and how long steps back are. Whether
/// it is as promised.
fn past(time: &dyn Fn(&mut dyn FnMut()) -> f64, clients: u32, batch: u32, flags: Flags) -> bool {
    let names = ["naive", "pool", "sliced"];
    let setup = Setup { specimens: names.map(String::from).to_vec(), stall_threshold: Nanos::millis(50) };
    let mut world = World::new(&setup);
    let mut history = History::new(&world, Limits::default());
    let mix = full_load(clients, batch);
    let length = mix.last().map_or(Nanos::ZERO, |event| event.at);
    let mut recorded = 0_usize;
    let took = time(&mut || {
        for round in 0..5_u64 {
            for (n, event) in mix.iter().enumerate() {
                let from = Origin { specimen: SpecimenId((n / 4_096 % names.len()) as u8), ..event.from };
                let event = Event { at: event.at + Nanos(length.0 * round), from, what: event.what };
                history.record(&world, &event);
                world.apply(&event);
                recorded += 1;
            }
        }
    });
    let (len, bytes) = (history.len(), history.bytes());
    println!(
        "{clients} clients: {:.1} ns/event to fold and record; {len} events kept in {:.1} MiB, {:.1} bytes each; a world takes {} KiB",
        took / recorded as f64,
        bytes as f64 / f64::from(1 << 20),
        bytes as f64 / len as f64,
        world.bytes() >> 10
    );
    // Of so many clients the worlds are large, and the ceiling of memory comes first.
    let mut kept = bytes <= MOST_BYTES && (len >= LEAST_KEPT || clients > 1_000);
    let (from, to) = history.span();
    let places = if flags.quick { 50 } else { 200_u64 };
    let mut past = Past::freeze(&history, &world);
    let (mut seeks, mut steps, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..places {
        let moment = from + Nanos(to.since(from).0 * (n * 79 % places) / places);
        seeks.push(time(&mut || past.seek(&history, moment)) / 1e6);
        let specimen = SpecimenId((n % names.len() as u64) as u8);
        for step in 0..40 {
            let took = time(&mut || past.step_tick(&history, specimen, false)) / 1e6;
            if step == 0 { first.push(took) } else { steps.push(took) }
        }
    }
    let most = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    let all: Vec<f64> = first.iter().chain(&steps).copied().collect();
    // What is promised of steps is promised of 4 million events: copies of larger worlds take longer by themselves.
    let of_steps = len >= LEAST_KEPT;
    for (what, figures, promised) in [("seek", &seeks, Some(MOST_SEEK)), ("tick back", &all, of_steps.then_some(MOST_STEP))] {
        let verdict = promised.map(|promised| (promised, most(figures) <= promised));
        println!(
            "  {what}: {:.2} ms in the middle, {:.2} ms at the 99th percentile, {:.2} ms at most, of {}{}",
            median(figures),
            quantile(figures, 0.99),
            most(figures),
            figures.len(),
            verdict.map_or_else(String::new, |(promised, is_kept)| format!(" (promised: {promised} ms, {})", word(is_kept)))
        );
        kept &= verdict.is_none_or(|(_, is_kept)| is_kept);
    }
    println!("  the first step back at a place: {:.2} ms in the middle; those after it: {:.2} ms", median(&first), median(&steps));
    kept
}
