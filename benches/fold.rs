//! What the fold costs: nanoseconds per event under full load, a clone of the world, bytes per event of the past and the way back to it.
//!
//! The mix is that of keep-alive requests: for each, seven facts of the loop (its share of the phases' included) and three of its client.
//! `cargo bench --bench fold` prints the median of several runs, each over events that lie in memory, as they do when a ring is drained.
#![allow(clippy::print_stdout, reason = "a bench reports on its standard output")]

use std::hint::black_box;

use loopscope::base::clock::Clock;
use loopscope::base::ids::{ClientId, ConnId, SpecimenId};
use loopscope::base::units::Nanos;
use loopscope::telemetry::event::{Event, Lane, Origin, Readiness, What};
use loopscope::telemetry::vocabulary::{Cause, Handler, Outcome, Phase};
use loopscope::world::history::{History, Limits};
use loopscope::world::{Setup, World};

/// Runs, of which the median counts.
const RUNS: usize = 15;
/// Events of a run, about.
const EVENTS: usize = 1_000_000;

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
    while told < EVENTS {
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
            tell(now, Lane::Load, What::Finished { client, outcome: (Outcome::Answered, 200) });
        }
        next += batch;
        told += 2 + 9 * batch as usize;
        tell(now, Lane::Loop, What::Rested {});
    }
    events
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() {
    let clock = Clock::start();
    let time = |f: &mut dyn FnMut()| {
        let from = clock.now();
        f();
        clock.now().since(from).0 as f64
    };
    let setup = Setup { specimens: vec!["naive".into()], stall_threshold: Nanos::millis(50) };
    for (clients, batch) in [(64, 4), (64, 64), (512, 32), (10_000, 256)] {
        let events = full_load(clients, batch);
        let mut world = World::new(&setup);
        let fold = (0..RUNS)
            .map(|_| {
                world = World::new(&setup);
                time(&mut || events.iter().for_each(|event| world.apply(black_box(event)))) / events.len() as f64
            })
            .collect();
        let clone = (0..RUNS).map(|_| time(&mut || drop(black_box(world.clone())))).collect();
        println!(
            "{clients:>6} clients, batches of {batch:>3}: {:>5.1} ns/event over {} events; a clone of the world takes {:.0} µs",
            median(fold),
            events.len(),
            median(clone) / 1e3
        );
    }
    past(&time);
}

/// A full history of three specimens side by side: what it takes, and how long the way to any moment of it is.
fn past(time: &dyn Fn(&mut dyn FnMut()) -> f64) {
    let names = ["naive", "pool", "sliced"];
    let setup = Setup { specimens: names.map(String::from).to_vec(), stall_threshold: Nanos::millis(50) };
    let mut world = World::new(&setup);
    let mut history = History::new(&world, Limits::default());
    let mix = full_load(512, 32);
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
    let record = time(&mut || mix.iter().for_each(|event| history.record(&world, &Event { at: event.at + world.now, ..*event })));
    println!(
        "history: {:.1} ns/event to fold and record, {:.1} to record; {} events kept in {:.1} MiB, {:.1} bytes each; a world takes {} KiB",
        took / recorded as f64,
        record / mix.len() as f64,
        history.len(),
        history.bytes() as f64 / f64::from(1 << 20),
        history.bytes() as f64 / history.len() as f64,
        world.bytes() >> 10
    );
    let (from, to) = history.span();
    let mut seeks: Vec<f64> = (0..200_u64)
        .map(|n| {
            let moment = from + Nanos(to.since(from).0 * (n * 79 % 200) / 200);
            time(&mut || drop(black_box(history.at(moment))))
        })
        .collect();
    seeks.sort_by(f64::total_cmp);
    println!("seek: {:.1} ms in the middle, {:.1} ms at most, of 200", seeks[100] / 1e6, seeks[199] / 1e6);
}
