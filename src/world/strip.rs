//! The last minute of a loop in slices of 10 ms: what the timeline strip draws.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Cause, Handler};

use super::reactor::Running;

/// What one slice covers.
pub const SLICE: Nanos = Nanos::millis(10);
/// Slices that are kept: one minute.
pub const SLICES: usize = 6000;

/// The slices.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// The number of the newest slice since the beginning: slice `n` covers `[n, n + 1)` times [`SLICE`].
    pub newest: u64,
    /// Slice `n` lies at `n % SLICES`. Those of the time before the beginning are gaps.
    pub slices: Vec<Slice>,
    /// The newest slice in nanoseconds, so that a callback of 800 ns is not rounded away.
    present: Present,
}

/// What happened in 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Microseconds in callbacks.
    pub busy: u16,
    /// Microseconds in `epoll_wait`.
    pub polling: u16,
    /// Microseconds that workers were busy, over all workers; 65,535 stands for that and more.
    pub workers: u16,
    /// The callback that took most of it: why, for which handler and connection, and when it began (it may have begun long before).
    pub longest: Option<(Cause, Option<Handler>, ConnId, Nanos)>,
    /// Requests answered to clients.
    pub answered: u16,
    /// The most clients' requests under way at once.
    pub waiting: u16,
    /// Events were lost, nobody watched, or nothing lived: a gap.
    pub gap: bool,
}

/// What the loop does while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Not known, or not alive.
    Nothing,
    /// In `epoll_wait`.
    Polling,
    /// In a callback.
    Callback,
    /// Between callbacks.
    Between,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Present {
    busy: u64,
    polling: u64,
    workers: u64,
    longest: u64,
}

impl Default for Strip {
    fn default() -> Self {
        Self { newest: 0, slices: vec![Slice { gap: true, ..Slice::default() }; SLICES], present: Present::default() }
    }
}

impl Strip {
    /// The slice with this number; `None` where it is older than the strip, or not yet begun.
    pub fn slice(&self, n: u64) -> Option<&Slice> {
        (n <= self.newest && n + (SLICES as u64) > self.newest).then(|| &self.slices[(n % SLICES as u64) as usize])
    }

    #[inline]
    fn newest_mut(&mut self) -> &mut Slice {
        &mut self.slices[(self.newest % SLICES as u64) as usize]
    }

    /// Time passes within the newest slice.
    #[inline]
    pub(super) fn spend(&mut self, time: Nanos, doing: Doing, workers: u64) {
        match doing {
            Doing::Polling => self.present.polling += time.0,
            Doing::Callback => self.present.busy += time.0,
            Doing::Nothing | Doing::Between => {}
        }
        self.present.workers += time.0 * workers;
    }

    /// Brings the newest slice's whole microseconds up to date.
    pub(super) fn show(&mut self) {
        let Present { busy, polling, workers, .. } = self.present;
        let micros = |ns: u64| u16::try_from(ns / 1000).unwrap_or(u16::MAX);
        let slice = self.newest_mut();
        (slice.busy, slice.polling, slice.workers) = (micros(busy), micros(polling), micros(workers));
    }

    /// A callback ran until `until` (or still runs): perhaps it is the one that took most of the newest slice.
    #[inline]
    pub(super) fn callback(&mut self, running: &Running, until: Nanos) {
        let from = running.since.0.max(self.newest * SLICE.0);
        let share = until.0.saturating_sub(from);
        if share > self.present.longest || (share > 0 && share == self.present.longest) {
            self.present.longest = share;
            self.newest_mut().longest = Some((running.cause, running.handler, running.conn, running.since));
        }
    }

    /// The next slice begins, with so many requests under way.
    pub(super) fn next(&mut self, waiting: u32, gap: bool) {
        self.show();
        self.newest += 1;
        self.present = Present::default();
        *self.newest_mut() = Slice { waiting: saturated(waiting), gap, ..Slice::default() };
    }

    /// Passes over time that no strip could show: the next slice that begins has this number.
    pub(super) fn leap(&mut self, next: u64) {
        self.newest = self.newest.max(next.saturating_sub(1));
    }

    /// So many requests are under way.
    #[inline]
    pub(super) fn waiting(&mut self, waiting: u32) {
        let slice = self.newest_mut();
        slice.waiting = slice.waiting.max(saturated(waiting));
    }

    /// A request was answered.
    #[inline]
    pub(super) fn answered(&mut self) {
        let slice = self.newest_mut();
        slice.answered = slice.answered.saturating_add(1);
    }

    /// What lies between these moments was not seen.
    pub(super) fn gap(&mut self, from: Nanos, to: Nanos) {
        let first = (from.0 / SLICE.0).max((self.newest + 1).saturating_sub(SLICES as u64));
        for n in first..=(to.0 / SLICE.0).min(self.newest) {
            self.slices[(n % SLICES as u64) as usize].gap = true;
        }
    }

    /// Something lives from here: the newest slice is no gap.
    pub(super) fn alive(&mut self) {
        self.newest_mut().gap = false;
    }
}

fn saturated(n: u32) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(since: Nanos) -> Running {
        Running { cause: Cause::Readable, conn: ConnId(3), handler: None, fault: None, since }
    }

    #[test]
    fn many_short_callbacks_are_not_rounded_away() {
        let mut strip = Strip::default();
        (0..1000).for_each(|_| strip.spend(Nanos(999), Doing::Callback, 2));
        strip.next(0, false);
        let slice = strip.slice(0).unwrap();
        assert_eq!((slice.busy, slice.workers, slice.polling), (999, 1998, 0));
        assert_eq!((strip.slice(1).unwrap().busy, strip.slice(2)), (0, None));
    }

    #[test]
    fn the_callback_that_took_most_is_named_and_only_its_part_counts() {
        let mut strip = Strip::default();
        strip.next(0, false);
        let long_before = Running { conn: ConnId(9), ..running(Nanos::ZERO) };
        strip.callback(&long_before, Nanos::millis(11));
        strip.callback(&running(Nanos::millis(11)), Nanos::millis(15));
        assert_eq!(strip.slice(1).unwrap().longest.unwrap().2, ConnId(3));
        strip.callback(&running(Nanos::millis(5)), Nanos::millis(7));
        assert_eq!(strip.slice(1).unwrap().longest.unwrap().3, Nanos::millis(11), "what ended before the slice has no part in it");
    }

    #[test]
    fn gaps_are_marked_within_bounds() {
        let mut strip = Strip::default();
        (0..7000).for_each(|_| strip.next(70_000, false));
        strip.gap(Nanos::ZERO, Nanos::MAX);
        assert!(strip.slices.iter().all(|s| s.gap && (s.waiting == u16::MAX || s.waiting == 0)));
        assert_eq!((strip.slice(1000), strip.slice(1001).map(|s| s.gap)), (None, Some(true)));
    }
}
