//! The number of idle descriptors in a person's hand: dragged up and down a ladder, and the series that grow with it.
//!
//! A state machine without a clock, a thread or a screen. Whoever draws calls [`Drag::pump`] once a frame with a [`Runner`]: it
//! takes what has been measured and asks for what is missing, the place in hand first, then what lies to the left of it, so
//! that dragging to the right draws the lines.

use super::limits::Trouble;
use super::live::Runner;
use super::point::{Active, Point};
use super::series::{Measurement, Series, collect};

/// The rungs: 1, 2 and 5 in every power of ten, so that they lie evenly where the axis is logarithmic.
const RUNGS: [usize; 12] = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

/// What is dragged, and what has come of it.
#[derive(Clone, Debug)]
pub struct Drag {
    room: usize,
    actives: Vec<Active>,
    active: usize,
    ladder: Vec<usize>,
    rung: usize,
    series: Vec<Series>,
    pending: Option<Point>,
    trouble: Option<Trouble>,
}

impl Drag {
    /// Begins at the lowest rung. `room` is how many descriptors there may be in all; `actives` can be gone through.
    pub fn new(room: usize, actives: &[Active]) -> Self {
        let actives = if actives.is_empty() { vec![Active::Count(1)] } else { actives.to_vec() };
        let ladder = ladder(room, actives[0]);
        Self { room, actives, active: 0, ladder, rung: 0, series: Vec::new(), pending: None, trouble: None }
    }

    /// Moves by so many rungs; the ends hold.
    pub fn step(&mut self, by: isize) {
        self.rung = self.rung.saturating_add_signed(by).min(self.ladder.len().saturating_sub(1));
    }

    /// To the highest rung that is not above so many; the lowest one where all are.
    pub fn to(&mut self, size: usize) {
        self.rung = self.ladder.partition_point(|rung| *rung <= size).saturating_sub(1);
    }

    /// The next number of active ones, round and round. The rung stays where it is, as far as the ladder reaches.
    pub fn next_active(&mut self) {
        self.turn_active((self.active + 1) % self.actives.len());
    }

    /// So many active ones, where that is one of the numbers that can be gone through. Whether it is.
    pub fn set_active(&mut self, active: Active) -> bool {
        let found = self.actives.iter().position(|one| *one == active);
        if let Some(at) = found {
            self.turn_active(at);
        }
        found.is_some()
    }

    fn turn_active(&mut self, at: usize) {
        self.active = at;
        self.ladder = ladder(self.room, self.actives[at]);
        self.step(0);
    }

    /// The number of active ones.
    pub fn active(&self) -> Active {
        self.actives[self.active]
    }

    /// The place in hand; none where there is no room for a single rung.
    pub fn point(&self) -> Option<Point> {
        Some(Point { size: *self.ladder.get(self.rung)?, active: self.active() })
    }

    /// The rungs that there is room for.
    pub fn ladder(&self) -> &[usize] {
        &self.ladder
    }

    /// Everything measured so far.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// What is being measured.
    pub fn pending(&self) -> Option<Point> {
        self.pending
    }

    /// Why the last measurement failed.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Forgets what was measured, to see it again.
    pub fn again(&mut self) {
        self.series.clear();
        self.trouble = None;
    }

    /// What is missing most: the place in hand, then what lies to the left of it, the nearest first.
    pub fn wanted(&self) -> Option<Point> {
        let missing = |size: usize| {
            let known = self.series.iter().filter(|s| s.active == self.active());
            known.clone().next().is_none() || known.into_iter().any(|s| s.at(size).is_none())
        };
        let size = self.ladder.iter().take(self.rung + 1).rev().copied().find(|size| missing(*size))?;
        Some(Point { size, active: self.active() })
    }

    /// Takes in what was measured.
    pub fn take(&mut self, measurements: impl IntoIterator<Item = Measurement>) {
        collect(&mut self.series, measurements);
        self.trouble = None;
    }

    /// Takes what the runner has and asks it for what is missing. True when something has changed that should be drawn.
    /// After a failure nothing is asked until [`Drag::again`].
    pub fn pump(&mut self, runner: &mut dyn Runner) -> bool {
        let mut changed = false;
        if let Some(answer) = runner.take() {
            self.pending = None;
            match answer {
                Ok(measurements) => self.take(measurements),
                Err(trouble) => self.trouble = Some(trouble),
            }
            changed = true;
        }
        if self.pending.is_none() && self.trouble.is_none() {
            self.pending = self.wanted().filter(|point| runner.ask(*point));
            changed |= self.pending.is_some();
        }
        changed
    }
}

/// The rungs that fit; where the room ends between two of them, it is the last one itself.
fn ladder(room: usize, active: Active) -> Vec<usize> {
    let fitting = RUNGS.iter().filter_map(|&size| Point { size, active }.within(room)).map(|point| point.size);
    let mut rungs: Vec<usize> = fitting.collect();
    rungs.dedup();
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::kinds::{Refusal, SELECTORS};
    use crate::selectors::live::Answer;
    use crate::selectors::series::Outcome;

    const ONE: Active = Active::Count(1);

    /// Answers in the frame after it was asked.
    #[derive(Default)]
    struct Immediate {
        asked: Vec<Point>,
        answer: Option<Answer>,
        fail: bool,
    }

    impl Runner for Immediate {
        fn ask(&mut self, point: Point) -> bool {
            let measured = |row: &&super::super::kinds::Row| Measurement {
                selector: row.selector,
                point,
                outcome: Outcome::NotPossible(Refusal::Kernel { says: "made up".to_owned() }),
            };
            self.asked.push(point);
            self.answer = Some(if self.fail { Err(Trouble::Ended) } else { Ok(SELECTORS.iter().map(measured).collect()) });
            true
        }

        fn take(&mut self) -> Option<Answer> {
            self.answer.take()
        }
    }

    #[test]
    fn the_ladder_ends_where_the_room_does() {
        assert_eq!(Drag::new(60_000, &[ONE]).ladder(), RUNGS);
        assert_eq!(Drag::new(1501, &[ONE]).ladder().last(), Some(&1500));
        assert_eq!(Drag::new(1001, &[ONE]).ladder().last(), Some(&1000));
        assert!(Drag::new(0, &[ONE]).ladder().is_empty());
    }

    #[test]
    fn the_ends_hold() {
        let mut drag = Drag::new(60_000, &[ONE]);
        drag.step(-5);
        assert_eq!(drag.point().unwrap().size, 10);
        drag.step(2);
        assert_eq!(drag.point().unwrap().size, 50);
        drag.step(isize::MAX);
        assert_eq!(drag.point().unwrap().size, 50_000);
        for (wanted, size) in [(0, 10), (10, 10), (999, 500), (1000, 1000), (usize::MAX, 50_000)] {
            drag.to(wanted);
            assert_eq!(drag.point().unwrap().size, size, "{wanted}");
        }
    }

    #[test]
    fn without_room_nothing_is_wanted_and_nothing_breaks() {
        let mut drag = Drag::new(0, &[]);
        drag.step(1);
        drag.to(usize::MAX);
        drag.next_active();
        assert_eq!((drag.point(), drag.wanted()), (None, None));
        let mut runner = Immediate::default();
        assert!(!drag.pump(&mut runner));
    }

    #[test]
    fn dragging_measures_the_place_in_hand_and_then_what_lies_to_its_left() {
        let (mut drag, mut runner) = (Drag::new(60_000, &[ONE]), Immediate::default());
        drag.step(3);
        while drag.pump(&mut runner) {}
        let sizes: Vec<usize> = runner.asked.iter().map(|point| point.size).collect();
        assert_eq!(sizes, [100, 50, 20, 10]);
        drag.step(-2);
        assert!(!drag.pump(&mut runner), "to the left everything is known");
        drag.step(3);
        while drag.pump(&mut runner) {}
        assert_eq!(runner.asked.len(), 5);
        assert_eq!(drag.series().len(), SELECTORS.len());
        assert!(drag.series().iter().all(|s| s.points.len() == 5));
    }

    #[test]
    fn another_number_of_active_ones_is_another_set_of_lines() {
        let (mut drag, mut runner) = (Drag::new(150, &[ONE, Active::Count(100)]), Immediate::default());
        drag.to(usize::MAX);
        while drag.pump(&mut runner) {}
        drag.next_active();
        assert_eq!(drag.active(), Active::Count(100));
        assert_eq!(drag.ladder(), [10, 20, 50]);
        assert_eq!(drag.point().unwrap().size, 50, "clamped");
        while drag.pump(&mut runner) {}
        assert_eq!(drag.series().len(), 2 * SELECTORS.len());
        assert!(drag.set_active(ONE) && !drag.set_active(Active::All));
        assert_eq!((drag.active(), drag.ladder().last()), (ONE, Some(&149)));
    }

    #[test]
    fn after_a_failure_nothing_is_asked_until_it_is_wanted_again() {
        let mut runner = Immediate { fail: true, ..Immediate::default() };
        let mut drag = Drag::new(60_000, &[ONE]);
        while drag.pump(&mut runner) {}
        assert_eq!((drag.trouble(), runner.asked.len()), (Some(&Trouble::Ended), 1));
        runner.fail = false;
        drag.again();
        while drag.pump(&mut runner) {}
        assert_eq!((drag.trouble(), runner.asked.len()), (None, 2));
    }
}
