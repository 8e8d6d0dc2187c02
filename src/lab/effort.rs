//! What the lab's own work of taking in facts takes: CPU time of the thread that does it, over about the last second.
//!
//! It is told how much was done and how long that took; it reads no clock.

use std::collections::VecDeque;

use crate::base::units::Nanos;

/// Over how long figures are taken.
const OVER: Nanos = Nanos::secs(1);
/// Rounds that are remembered at most, however quickly they follow each other.
const ROUNDS: usize = 256;

/// The rounds of the last second.
#[derive(Clone, Debug, Default)]
pub struct Effort {
    /// When each ended, the CPU time it took, and the events it took in.
    rounds: VecDeque<(Nanos, Nanos, u64)>,
}

impl Effort {
    /// Another round has ended.
    pub fn note(&mut self, at: Nanos, took: Nanos, events: u64) {
        self.rounds.push_back((at, took, events));
        while self.rounds.len() > ROUNDS || self.rounds.front().is_some_and(|(first, ..)| at.since(*first) > OVER) {
            self.rounds.pop_front();
        }
    }

    /// Nanoseconds of CPU for one event: folded into the world, and kept in the history where there is one. `None` where there were none.
    pub fn an_event(&self) -> Option<f64> {
        let events: u64 = self.rounds.iter().map(|(.., events)| events).sum();
        (events > 0).then(|| self.spent().0 as f64 / events as f64)
    }

    /// The share of one core that all of it took. `None` before there are two rounds.
    pub fn share(&self) -> Option<f64> {
        let (first, last) = (self.rounds.front()?, self.rounds.back()?);
        let over = last.0.since(first.0);
        // What the first round took lies before it.
        (over > Nanos::ZERO).then(|| self.spent().since(first.1).as_secs() / over.as_secs())
    }

    fn spent(&self) -> Nanos {
        Nanos(self.rounds.iter().map(|(_, took, _)| took.0).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_last_second() {
        let mut effort = Effort::default();
        assert_eq!((effort.an_event(), effort.share()), (None, None));
        effort.note(Nanos::millis(25), Nanos::secs(9), 7);
        for n in 1..=100 {
            effort.note(Nanos::millis(1000 + 25 * n), Nanos::micros(250), 10_000);
        }
        assert!((effort.an_event().unwrap() - 25.0).abs() < 1e-9);
        assert!((effort.share().unwrap() - 0.01).abs() < 1e-9, "{:?}", effort.share());
        (0..1000).for_each(|_| effort.note(Nanos::secs(9), Nanos::ZERO, 0));
        assert_eq!((effort.rounds.len(), effort.an_event()), (ROUNDS, None), "bounded, and nothing of a second without events");
    }
}
