//! How time passes for a specimen: what runs grows older, what is over is counted, slices and slots are filled.
//!
//! Time is accounted for once (`passed` only grows) and cut at fixed boundaries, so it makes no difference in how many steps it passes.

use super::Specimen;
use super::reactor::Running;
use super::spells::LOOK;
use super::stalls::{Held, StallEnd};
use super::strip::{Doing, SLICE};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Fault;

/// What no strip and no window reaches back to is passed over in one step.
const REACH: Nanos = Nanos::secs(65);

impl Specimen {
    /// The callback that runs, if any, is over.
    #[inline]
    pub(super) fn over(&mut self, at: Nanos, end: StallEnd) {
        self.pass(at);
        if end == StallEnd::Died && self.reactor.running.is_some_and(|running| running.fault == Some(Fault::Panic)) {
            // It ended where it panicked, not when somebody noticed: how long it ran is not known.
            self.reactor.forget();
            self.stalls.retract();
        }
        let Some(running) = self.reactor.over(at) else { return };
        self.strip.callback(&running, at);
        if let Some(connection) = self.connections.of(running.conn) {
            connection.rested(at);
        }
        if at.since(running.since) >= self.threshold || self.stalls.current.is_some() {
            self.stalled(running, at, end);
        }
    }

    #[cold]
    fn stalled(&mut self, running: Running, at: Nanos, end: StallEnd) {
        if self.stalls.watched(running.since, at) < self.threshold {
            return self.stalls.retract();
        }
        let held = self.held(running, at);
        self.stalls.ended(&held, end, self.kernel.samples());
    }

    fn held(&self, running: Running, until: Nanos) -> Held {
        let (in_flight, sent) = self.begun;
        let since = self.clients.sent.saturating_sub(sent).min(u64::from(u32::MAX)) as u32;
        let culprit = self.connections.get(running.conn).is_some_and(|connection| self.clients.waits_at(connection.port));
        let victims = in_flight.saturating_add(since).saturating_add(self.clients.backlog).saturating_sub(u32::from(culprit));
        Held { running, until, victims, accept_queue: self.queue }
    }

    /// What grows by itself.
    pub(super) fn age(&mut self, now: Nanos) {
        self.reactor.age(now);
        self.strip.show();
        let Some(running) = self.reactor.running else { return };
        self.strip.callback(&running, self.passed);
        if self.stalls.watched(running.since, now) >= self.threshold {
            let held = self.held(running, now);
            self.stalls.goes_on(&held, self.kernel.samples());
        }
    }

    /// Time passes up to `now` for it and its worker processes, and what runs grows older.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.pass(now);
        self.age(now);
        for process in &mut self.processes {
            process.advance(now);
        }
    }

    /// Clients wait for the loop that their connection has fallen to; only the master knows who they are.
    fn count_victims(&mut self) {
        let clients = &self.clients;
        for process in &mut self.processes {
            if let Some(stall) = process.stalls.current {
                let culprit = process.connections.get(stall.conn).is_some_and(|connection| clients.waits_at(connection.port));
                let waiting = clients.waiting_on(&process.connections).saturating_sub(u32::from(culprit));
                process.stalls.waited_for_by(waiting);
            }
        }
    }

    /// Time passes up to `at`, and the loop and its workers go on with what they do.
    #[inline]
    pub(super) fn pass(&mut self, at: Nanos) {
        if at > self.passed {
            if at.0 < (self.strip.newest + 1) * SLICE.0 {
                self.spend(at);
            } else {
                self.cross(at);
            }
        }
    }

    #[inline]
    fn spend(&mut self, at: Nanos) {
        let time = at.since(self.passed);
        self.passed = at;
        self.reactor.spend(time);
        let workers = if self.workers.is_empty() { 0 } else { self.workers.iter().filter(|w| w.job.is_some()).count() as u64 };
        let workers = workers + u64::from(self.threads.serving());
        self.strip.spend(time, self.reactor.doing(), workers);
    }

    #[cold]
    fn cross(&mut self, at: Nanos) {
        if at.since(self.passed) > REACH {
            let to = Nanos((at.since(REACH).0 / SLICE.0) * SLICE.0);
            self.reactor.leap(to.since(self.passed));
            self.passed = self.passed.max(to);
            self.strip.leap(to.0 / SLICE.0);
        }
        loop {
            let boundary = Nanos((self.strip.newest + 1) * SLICE.0);
            if boundary > at {
                break;
            }
            self.spend(boundary.max(self.passed));
            if let Some(running) = &self.reactor.running {
                self.strip.callback(running, boundary);
            }
            let unknown = !self.is_alive() && self.reactor.doing() == Doing::Nothing;
            self.strip.next(self.clients.under_way(), unknown);
            self.reactor.slide(boundary);
            if boundary.0.is_multiple_of(Nanos::secs(1).0) {
                self.second(boundary);
            }
            self.clients.slide(boundary);
            if boundary.0.is_multiple_of(LOOK.0) {
                self.look(boundary);
            }
        }
        self.count_victims();
        self.spend(at);
        debug_assert!(self.strip.newest == at.0 / SLICE.0);
    }
}
