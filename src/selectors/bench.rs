//! The experiment while somebody watches it: what is in the person's hand, the thread that measures it, and what came of it all.
//!
//! It knows no command, no clock of its own and no screen: whoever runs it calls [`Bench::pump`] several times a second.

use std::io;

use super::descriptors::Room;
use super::drag::Drag;
use super::facts::Facts;
use super::limits::{Limit, Trouble};
use super::live::Background;
use super::measure::Effort;
use super::point::{Active, Point};
use super::series::{Cost, Series, find};
use super::{SELECTORS, Selector};
use crate::base::clock::Clock;

/// How many can be active.
pub const ACTIVES: [Active; 3] = [Active::Count(1), Active::Count(100), Active::All];
/// The most idle descriptors that are asked for.
pub const MOST_IDLE: usize = 50_000;
/// Where it begins: a line from the first picture on, and most of the way still to go.
const BEGIN: usize = 100;

/// The experiment. Dropping it ends its thread.
#[derive(Debug)]
pub struct Bench {
    drag: Drag,
    room: Room,
    runner: Background,
    facts: Option<Result<Facts, Trouble>>,
    observing: bool,
}

/// The experiment as it is seen: nothing of it can be changed.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What is in the hand, and what has been measured.
    pub drag: &'a Drag,
    /// What the selectors do apart from what they cost; nothing before it has been observed.
    pub facts: Option<&'a Result<Facts, Trouble>>,
    /// How many descriptors there can be, and why not more.
    pub room: Room,
}

impl Bench {
    /// Starts it: raises this process's limit of descriptors as far as it may, and starts the thread. The limit stays raised.
    ///
    /// # Errors
    /// Descriptors cannot be counted, or the thread cannot be had.
    pub fn start(clock: Clock, effort: Effort) -> io::Result<Self> {
        let room = Room::make()?;
        let mut drag = Drag::new(room.free, &ACTIVES);
        drag.to(BEGIN);
        Ok(Self { drag, room, runner: Background::start(clock, effort)?, facts: None, observing: false })
    }

    /// What is in the hand.
    pub fn drag(&mut self) -> &mut Drag {
        &mut self.drag
    }

    /// Forgets all that was measured and observed, to measure it again.
    pub fn again(&mut self) {
        self.drag.again();
        self.facts = None;
    }

    /// Takes what has been measured and asks for what is missing; the facts come last.
    pub fn pump(&mut self) {
        self.drag.pump(&mut self.runner);
        if let Some(facts) = self.runner.take_facts() {
            self.observing = false;
            self.facts = Some(facts);
        }
        if self.facts.is_none() && !self.observing && self.drag.pending().is_none() {
            self.observing = self.runner.observe();
        }
    }

    /// As it is now.
    pub fn view(&self) -> View<'_> {
        View { drag: &self.drag, facts: self.facts.as_ref(), room: self.room }
    }
}

impl<'a> View<'a> {
    /// What one selector costs at the place in hand, where it has been measured.
    pub fn cost(&self, selector: Selector) -> Option<&'a Cost> {
        cost(self.drag.series(), selector, self.drag.point()?)
    }

    /// Whether every selector has been asked at the place in hand.
    pub fn is_measured(&self) -> bool {
        let Some(point) = self.drag.point() else { return false };
        let known = |selector| find(self.drag.series(), selector, point.active).is_some_and(|series| series.at(point.size).is_some());
        SELECTORS.iter().all(|row| known(row.selector))
    }

    /// The limit that keeps the number of idle descriptors below [`MOST_IDLE`], where one does.
    pub fn ends(&self) -> Option<Limit> {
        (self.drag.ladder().last().is_none_or(|most| *most < MOST_IDLE)).then_some(self.room.end)
    }
}

/// What one selector costs at a place, where that has been measured.
pub fn cost(series: &[Series], selector: Selector, point: Point) -> Option<&Cost> {
    find(series, selector, point.active)?.at(point.size)?.cost()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::descriptors::tests::alone;

    #[test]
    fn what_is_in_hand_is_measured_first_and_the_facts_last() {
        let _alone = alone();
        let effort = Effort { rounds: 1, batches: 1, ..Effort::QUICK };
        let mut bench = Bench::start(Clock::start(), effort).unwrap();
        assert!(!bench.view().is_measured() && bench.view().facts.is_none());
        let patient = |bench: &mut Bench, until: fn(&View<'_>) -> bool| {
            for _ in 0..2000 {
                bench.pump();
                if until(&bench.view()) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            panic!("not within ten seconds: {:?}", bench.view());
        };
        patient(&mut bench, |view| view.cost(Selector::Select).is_some());
        assert!(bench.view().facts.is_none(), "what is in hand comes first");
        patient(&mut bench, |view| view.facts.is_some());
        assert!(matches!(bench.view().facts, Some(Ok(_))));
        assert!(bench.view().cost(Selector::Poll).is_some_and(|poll| poll.call_ns > 0.0));
        assert_eq!(bench.view().drag.wanted(), None, "everything to the left of the hand is measured too");
        bench.again();
        assert!(!bench.view().is_measured() && bench.view().facts.is_none());
        bench.drag().to(usize::MAX);
        let (most, ends) = (bench.view().drag.point().unwrap().size, bench.view().ends());
        assert_eq!(ends.is_none(), most == MOST_IDLE, "{most} {ends:?}");
    }
}
