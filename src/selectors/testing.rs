//! Measurements of a quiet machine, made up, for tests and pictures: the shape is the real one, the figures never change.

use super::bench::{ACTIVES, View};
use super::descriptors::Room;
use super::drag::Drag;
use super::facts::{Facts, Interest, Partial, Reader, Unread, Wall, Writable};
use super::kinds::{Copied, FD_SETSIZE, Refusal};
use super::limits::{Limit, Trouble};
use super::live::{Answer, Runner};
use super::point::{Active, Point};
use super::series::{Cost, Measurement, Outcome};
use super::{SELECTORS, Selector};
use crate::base::units::Nanos;

/// What a quiet machine says of a place.
pub fn measurements(point: Point) -> Vec<Measurement> {
    let (total, ready) = (point.total() as f64, point.ready());
    let of = |selector| {
        let (call_ns, find_ns, into, out) = match selector {
            Selector::EpollLevel => (310.0 + 80.0 * ready as f64, 1.0, 0, 12 * ready as u64),
            Selector::EpollEdge => (300.0 + 68.0 * ready as f64, 1.0, 0, 12 * ready as u64),
            Selector::Poll => (240.6 + 29.6 * total, 0.47 * total, 8 * point.total() as u64, 2 * point.total() as u64),
            Selector::Select => (400.0 + 30.0 * total, 1.4 * total, point.total() as u64 / 8, point.total() as u64 / 8),
        };
        if selector == Selector::Select && point.total() > FD_SETSIZE {
            return Outcome::NotPossible(Refusal::BeyondSet { descriptor: 1024 });
        }
        let copied = Copied { into, out };
        Outcome::Measured(Cost {
            call_ns,
            fast_ns: call_ns,
            slow_ns: call_ns,
            find_ns,
            copied,
            returned: ready,
            exact: true,
            batches: 9,
            calls: 100,
        })
    };
    SELECTORS.iter().map(|row| Measurement { selector: row.selector, point, outcome: of(row.selector) }).collect()
}

/// What everybody sees who observes the facts.
pub fn facts() -> Facts {
    let unread = |row: &&super::kinds::Row| {
        let reports = if row.selector == Selector::EpollEdge { 1 } else { 5 };
        Unread { selector: row.selector, calls: 5, reports: Some(reports) }
    };
    let partial = |(reader, read, wakeups)| Partial { reader, sent: 1000, read, left: 1000 - read, wakeups, answered: read == 1000 };
    let writable = |(interest, calls)| Writable { interest, window: Nanos::millis(100), calls };
    Facts {
        unread: SELECTORS.iter().map(unread).collect(),
        writable: [(Interest::LevelLeftOn, 212_000), (Interest::LevelSwitchedOff, 2), (Interest::EdgeLeftOn, 2)].map(writable).to_vec(),
        partial: [(Reader::EdgeOnce, 100, 1), (Reader::EdgeUntilEmpty, 1000, 1), (Reader::LevelOnce, 1000, 10)].map(partial).to_vec(),
        wall: Wall { descriptor: 1024, refusal: Some(Refusal::BeyondSet { descriptor: 1024 }) },
    }
}

/// Answers at once.
#[derive(Debug, Default)]
struct AtOnce(Option<Point>);

impl Runner for AtOnce {
    fn ask(&mut self, point: Point) -> bool {
        self.0 = Some(point);
        true
    }

    fn take(&mut self) -> Option<Answer> {
        self.0.take().map(|point| Ok(measurements(point)))
    }
}

/// An experiment without a thread.
#[derive(Clone, Debug)]
pub struct Told {
    /// What is in the hand.
    pub drag: Drag,
    /// What has been observed.
    pub facts: Option<Result<Facts, Trouble>>,
    /// What there is room for.
    pub room: Room,
}

impl Told {
    /// With room for so many descriptors, and nothing measured.
    pub fn with_room(free: usize) -> Self {
        Self { drag: Drag::new(free, &ACTIVES), facts: None, room: Room { limit: free as u64 + 72, free, end: Limit::Descriptors } }
    }

    /// The hand at this place, everything up to it measured, and the facts observed.
    #[must_use]
    pub fn at(mut self, size: usize, active: Active) -> Self {
        self.drag.set_active(active);
        self.drag.to(size);
        let mut runner = AtOnce::default();
        while self.drag.pump(&mut runner) {}
        self.facts = Some(Ok(facts()));
        self
    }

    /// As it is seen.
    pub fn view(&self) -> View<'_> {
        View { drag: &self.drag, facts: self.facts.as_ref(), room: self.room }
    }
}
