//! Where the requests to `/chain` are in their code: at which step each waits, for how long it waits there, where failures are answered
//! and where they are forgotten, and how often each style allocates.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Mitigation, Style};

use super::Specimen;
use super::connections::SerialMap;

/// Requests whose step is known at most; of more, only the past is counted.
const MAX_CHAINS: usize = 4096;
/// No call takes so long: its patience ends before.
const LOST: Nanos = Nanos::secs(10);
/// Steps of a request: three calls, the answer, and the answer that a call has failed; 0 is none.
const STEPS: usize = 8;
/// Calls of a request.
pub const CALLS: usize = 3;

/// The requests to `/chain` of one loop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chains {
    /// Each that waits, and where.
    waiting: SerialMap<ConnId, Place>,
    /// What there is to tell of each style, by [`Style`].
    pub styles: [Chain; Style::COUNT],
    /// The step that was reached last.
    pub last: Option<(ConnId, Place)>,
}

/// Where the code of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How the code is written.
    pub style: Style,
    /// Which step, as [`What::Stepped`](crate::telemetry::What::Stepped) has it.
    pub step: u16,
    /// Since when.
    pub since: Nanos,
}

/// What there is to tell of one style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// How often each step was reached.
    pub reached: [u64; STEPS],
    /// For how long requests have waited at each call, and how many have gone on from there.
    pub waited: [(Nanos, u64); CALLS + 1],
    /// Requests that have ended at this call without an answer.
    pub forgotten: [u64; CALLS + 1],
    /// Requests whose allocations were counted, and how many those were.
    pub allocated: (u64, u64),
}

impl Chain {
    /// Allocations of a request, on average; nothing where none was counted.
    pub fn allocations(&self) -> Option<f64> {
        let (requests, allocations) = self.allocated;
        (requests > 0).then(|| allocations as f64 / requests as f64)
    }

    /// Requests whose call of this number, from 1, has failed and that were told so.
    pub fn failed(&self, call: usize) -> u64 {
        self.reached.get(CALLS + 1 + call).copied().unwrap_or(0)
    }
}

impl Specimen {
    /// How `/chain` is written where it runs: as the last request had it, else as what is switched on has it.
    pub fn style(&self) -> Style {
        let on = |mitigation: Mitigation| self.mitigations[mitigation as usize];
        let set = match (on(Mitigation::AsyncAwait), on(Mitigation::PromiseChain)) {
            (true, _) => Style::AsyncAwait,
            (_, true) => Style::Promises,
            _ => Style::Callbacks,
        };
        self.loops().find_map(|process| process.errands.chains.last).map_or(set, |(_, place)| place.style)
    }

    /// Allocations of a request to `/chain` in the style that runs, on average; nothing where none was counted.
    pub fn allocations_per_chain(&self) -> Option<f64> {
        let style = self.style() as usize;
        self.loops().find_map(|process| process.errands.chains.styles[style].allocations())
    }
}

impl Chains {
    /// The request that has waited longest at its step. One whose end was lost from sight does not count.
    pub fn oldest(&self, now: Nanos) -> Option<(ConnId, Place)> {
        let waiting = self.waiting.iter().filter(|(_, place)| now.since(place.since) < LOST);
        waiting.map(|(conn, place)| (*conn, *place)).min_by_key(|(conn, place)| (place.since, conn.0))
    }

    /// Where the code of this connection's request waits, if it does.
    pub fn of(&self, conn: ConnId) -> Option<Place> {
        self.waiting.get(&conn).copied()
    }

    /// Requests that wait at this call, from 1.
    pub fn waiting_at(&self, style: Style, step: u16) -> usize {
        self.waiting.values().filter(|place| place.style == style && place.step == step).count()
    }

    /// Room for so many requests.
    pub(super) fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    pub(super) fn stepped(&mut self, at: Nanos, conn: ConnId, style: Style, step: u16) {
        self.leave(at, conn);
        if let Some(reached) = self.styles[style as usize].reached.get_mut(usize::from(step)) {
            *reached += 1;
        }
        let place = Place { style, step, since: at };
        self.last = Some((conn, place));
        if (1..=CALLS).contains(&usize::from(step)) && self.waiting.len() < MAX_CHAINS {
            self.waiting.insert(conn, place);
        }
    }

    pub(super) fn forgotten(&mut self, at: Nanos, conn: ConnId) {
        if let Some(place) = self.leave(at, conn) {
            self.styles[place.style as usize].forgotten[usize::from(place.step)] += 1;
        }
    }

    pub(super) fn allocated(&mut self, style: Style, count: u16) {
        let (requests, allocations) = &mut self.styles[style as usize].allocated;
        (*requests, *allocations) = (*requests + 1, *allocations + u64::from(count));
    }

    /// The client is gone: its request's code may run on, but nobody waits for it.
    #[inline]
    pub(super) fn closed(&mut self, conn: ConnId) {
        if !self.waiting.is_empty() {
            self.waiting.remove(&conn);
        }
    }

    /// The process is gone, and with it whatever waited.
    pub(super) fn end(&mut self) {
        self.waiting.clear();
        self.last = None;
    }

    fn leave(&mut self, at: Nanos, conn: ConnId) -> Option<Place> {
        let place = self.waiting.remove(&conn)?;
        let (waited, requests) = &mut self.styles[place.style as usize].waited[usize::from(place.step)];
        (*waited, *requests) = (*waited + at.since(place.since), *requests + 1);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_at_its_calls_and_ends_somewhere() {
        let mut chains = Chains::default();
        let [one, two] = [ConnId(1), ConnId(2)];
        chains.stepped(Nanos(10), one, Style::Callbacks, 1);
        chains.stepped(Nanos(12), two, Style::Callbacks, 1);
        assert_eq!((chains.oldest(Nanos(50)).map(|(conn, _)| conn), chains.waiting_at(Style::Callbacks, 1)), (Some(one), 2));
        chains.stepped(Nanos(30), one, Style::Callbacks, 2);
        assert_eq!(chains.oldest(Nanos(50)).map(|(conn, _)| conn), Some(two));
        chains.forgotten(Nanos(35), one);
        chains.stepped(Nanos(40), two, Style::Callbacks, 5);
        chains.allocated(Style::Callbacks, 30);
        chains.allocated(Style::Callbacks, 41);
        let told = chains.styles[Style::Callbacks as usize];
        assert_eq!((told.waited[1], told.waited[2]), ((Nanos(48), 2), (Nanos(5), 1)));
        assert_eq!((told.forgotten[2], told.failed(1), told.failed(2), told.allocations()), (1, 1, 0, Some(35.5)));
        assert_eq!((chains.oldest(Nanos(50)), chains.styles[Style::Promises as usize].allocations()), (None, None));
    }

    #[test]
    fn who_leaves_is_forgotten_and_who_comes_is_bounded() {
        let mut chains = Chains::default();
        for n in 0..2 * MAX_CHAINS as u32 {
            chains.stepped(Nanos(1), ConnId(n), Style::AsyncAwait, 1);
        }
        assert_eq!(chains.waiting.len(), MAX_CHAINS);
        chains.closed(ConnId(3));
        assert_eq!((chains.of(ConnId(3)), chains.waiting.len()), (None, MAX_CHAINS - 1));
        chains.end();
        assert_eq!((chains.oldest(Nanos(50)), chains.last), (None, None));
    }
}
