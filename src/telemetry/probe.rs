//! What the loop calls at its boundaries: one clock read each, one record for each fact.
//!
//! The clock is the cost of watching, so a boundary takes one stamp and everything up to the next boundary shares it: the end of
//! one callback is the beginning of the next. [`Silent`] compiles to nothing: it is how the cost of watching is measured.
#![expect(clippy::inline_always, reason = "where it is called the kind of fact is known, and packing it folds to a constant")]

use super::event::{Record, What};
use super::ring::Producer;
use super::shared::{Gate, Order, Shared};
use super::vocabulary::{Cause, Phase};
use crate::base::clock::{Clock, Stamp};
use crate::base::ids::ConnId;

/// The boundaries of a loop.
pub trait Probe {
    /// A tick begins (counted in the heartbeat); may hold here.
    fn tick(&mut self);
    /// A phase begins, and whatever ran is over. Takes a stamp. `detail` as in [`What::Entered`].
    fn enter(&mut self, phase: Phase, detail: u32);
    /// A callback begins, and the one before is over. Takes a stamp; may hold here.
    fn begin(&mut self, cause: Cause, conn: ConnId);
    /// A fact of the moment at which the last boundary was passed: no clock read.
    fn note(&mut self, what: What);
    /// A fact of right now: takes a stamp.
    fn note_now(&mut self, what: What);
}

/// Records every fact into a ring and keeps the heartbeat.
#[derive(Debug)]
pub struct Recorder {
    clock: Clock,
    ring: Producer,
    shared: Shared,
    gate: Gate,
    last: Stamp,
    phase: Phase,
    ticks: u64,
}

impl Recorder {
    /// The recorder of ring `ring` of this mapping. At most one for each ring.
    pub fn new(shared: &Shared, ring: usize) -> Self {
        let clock = shared.clock();
        Self {
            clock,
            ring: shared.producer(ring),
            gate: shared.gate(),
            shared: shared.clone(),
            last: clock.stamp(),
            phase: Phase::Poll,
            ticks: 0,
        }
    }

    /// The clock its stamps come from.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    #[inline]
    fn beat(&self, callback: u64) {
        use std::sync::atomic::Ordering::Release;
        let words = self.shared.beat();
        words[1].store(self.last.0, Release);
        words[2].store((self.phase as u64) << 40 | callback, Release);
    }

    #[inline(always)]
    fn boundary(&mut self, what: What) {
        self.last = self.clock.stamp();
        self.ring.push(Record::new(self.last, what));
    }

    #[cold]
    fn held(&mut self, before: Order) {
        self.note_now(What::Gated { held: before as u32 });
        self.gate.wait();
        self.note_now(What::Gated { held: 0 });
    }
}

impl Probe for Recorder {
    #[inline]
    fn tick(&mut self) {
        if self.gate.holds(Order::HoldTicks) {
            self.held(Order::HoldTicks);
        }
        self.ticks += 1;
        self.shared.beat()[0].store(self.ticks, std::sync::atomic::Ordering::Relaxed);
    }

    #[inline(always)]
    fn enter(&mut self, phase: Phase, detail: u32) {
        self.boundary(What::Entered { phase, detail });
        self.phase = phase;
        self.beat(0);
    }

    #[inline(always)]
    fn begin(&mut self, cause: Cause, conn: ConnId) {
        if self.gate.holds(Order::HoldCallbacks) {
            self.held(Order::HoldCallbacks);
        }
        self.boundary(What::Began { conn, cause });
        self.beat((cause as u64 + 1) << 48 | u64::from(conn.0));
    }

    #[inline(always)]
    fn note(&mut self, what: What) {
        self.ring.push(Record::new(self.last, what));
    }

    #[inline(always)]
    fn note_now(&mut self, what: What) {
        self.boundary(what);
    }
}

/// Records nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Probe for Silent {
    #[inline]
    fn tick(&mut self) {}
    #[inline]
    fn enter(&mut self, _: Phase, _: u32) {}
    #[inline]
    fn begin(&mut self, _: Cause, _: ConnId) {}
    #[inline]
    fn note(&mut self, _: What) {}
    #[inline]
    fn note_now(&mut self, _: What) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heartbeat_names_what_runs() {
        let (shared, _fd) = Shared::create("probe", &Clock::start(), 1, 64).unwrap();
        let mut probe = Recorder::new(&shared, 0);
        probe.tick();
        probe.enter(Phase::Dispatch, 1);
        probe.begin(Cause::Readable, ConnId(12));
        let beat = shared.heartbeat();
        assert_eq!((beat.tick, beat.phase, beat.callback), (1, Phase::Dispatch, Some((Cause::Readable, ConnId(12)))));
        probe.enter(Phase::Poll, 0);
        assert_eq!((shared.heartbeat().phase, shared.heartbeat().callback), (Phase::Poll, None));
    }

    #[test]
    fn facts_between_boundaries_share_a_stamp() {
        let (shared, _fd) = Shared::create("probe", &Clock::start(), 1, 64).unwrap();
        let mut probe = Recorder::new(&shared, 0);
        probe.begin(Cause::Readable, ConnId(1));
        probe.note(What::Read { conn: ConnId(1), bytes: 5 });
        probe.note_now(What::Wrote { conn: ConnId(1), bytes: 5 });
        let mut records = Vec::new();
        assert_eq!(shared.consumer(0).drain(64, &mut records), 0);
        assert_eq!(records.len(), 3);
        assert_eq!(records[0].stamp(), records[1].stamp());
        assert!(records[2].stamp() > records[1].stamp());
    }
}
