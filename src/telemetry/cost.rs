//! What one event costs the loop that tells it, measured on this machine: the events of keep-alive requests, into a ring of their own that
//! nobody else sees. It knows no lab and no screen.
//!
//! The loop pays for an event where it tells it and nowhere else: a push into shared memory, and its share of the clock reads at the
//! boundaries. So the same probe that a specimen has tells here what a specimen's tells for one request, over and over, in batches that
//! fill half of a ring of the same size; the thread's CPU time over a batch, divided by its events, is a figure, and the median of the
//! batches the result. `cargo bench --bench probe_cost` holds the same probe against a loop without one.

use std::hint::black_box;
use std::io;

use super::event::{Readiness, What};
use super::probe::{Probe, Recorder};
use super::shared::{LOOP_RING, Shared};
use super::vocabulary::{Cause, Handler, Phase};
use crate::base::clock::{Clock, thread_cpu};
use crate::base::ids::ConnId;

/// Events that one [`request`] tells.
pub const EVENTS: usize = 8;
/// Batches that are timed; each fills half of the ring, which is then read empty.
const BATCHES: usize = 5;

/// Nanoseconds of CPU that one event takes, its share of clock reads included. It takes a few milliseconds.
///
/// # Errors
/// Where a mapping cannot be had.
pub fn nanos_per_event(clock: &Clock) -> io::Result<f64> {
    let (shared, _mapping) = Shared::create("cost", clock, 1, LOOP_RING)?;
    let mut probe = Recorder::new(&shared, 0);
    let mut reader = shared.consumer(0);
    let mut read = Vec::with_capacity(LOOP_RING);
    let requests = LOOP_RING / EVENTS / 2;
    let mut figures: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let began = thread_cpu();
            for n in 0..requests {
                request(black_box(&mut probe), ConnId(n as u32 % 64 + 1));
            }
            let took = thread_cpu().since(began);
            read.clear();
            reader.drain(usize::MAX, &mut read);
            took.0 as f64 / (requests * EVENTS) as f64
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    Ok(figures[BATCHES / 2])
}

/// What a loop tells of one request on a connection that is kept alive.
#[inline(never)]
pub fn request(probe: &mut Recorder, conn: ConnId) {
    probe.tick();
    probe.enter(Phase::Poll, u32::MAX);
    probe.enter(Phase::Dispatch, 1);
    probe.note(What::Ready { conn, readiness: Readiness::READABLE });
    probe.begin(Cause::Readable, conn);
    probe.note(What::Read { conn, bytes: 40 });
    probe.note(What::Requested { conn, handler: Handler::Root });
    probe.note(What::Responded { conn, status_nth: (200, 1) });
    probe.note(What::Wrote { conn, bytes: 131 });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_as_many_events_as_are_counted() {
        let (shared, _mapping) = Shared::create("cost", &Clock::start(), 1, 64).unwrap();
        request(&mut Recorder::new(&shared, 0), ConnId(1));
        let mut read = Vec::new();
        assert_eq!(shared.consumer(0).drain(64, &mut read), 0);
        assert_eq!(read.len(), EVENTS);
    }

    #[test]
    fn an_event_costs_something_and_not_much() {
        let cost = nanos_per_event(&Clock::start()).unwrap();
        assert!(cost > 0.1 && cost < 10_000.0, "{cost} ns");
    }
}
