//! What was measured, as plain data: a measurement for each selector at each point, and series of them along one axis.

use serde::{Deserialize, Serialize};

use super::kinds::{Copied, Refusal, Selector};
use super::point::{Active, Point};

/// One selector at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Which selector.
    pub selector: Selector,
    /// Where.
    pub point: Point,
    /// What came of it.
    pub outcome: Outcome,
}

/// A cost, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It could be measured.
    Measured(Cost),
    /// This selector cannot be had over these descriptors.
    NotPossible(Refusal),
}

/// What a call costs. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// One call: the median of the batches' means.
    pub call_ns: f64,
    /// The tenth part of the batches were faster than this.
    pub fast_ns: f64,
    /// The tenth part of the batches were slower than this.
    pub slow_ns: f64,
    /// Finding out, in what the call left behind, who is ready: median again.
    pub find_ns: f64,
    /// What a call copies, by the interface's definition.
    pub copied: Copied,
    /// How many a call reported: the fewest of all calls.
    pub returned: usize,
    /// Every call reported exactly the active ones.
    pub exact: bool,
    /// Batches.
    pub batches: usize,
    /// Timed calls in all of them.
    pub calls: u64,
}

/// The measurements of one selector, one number of active descriptors, along the number of descriptors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Which selector.
    pub selector: Selector,
    /// How many are active.
    pub active: Active,
    /// By rising size; no size twice.
    pub points: Vec<Measurement>,
}

impl Measurement {
    /// The cost, where there is one.
    pub fn cost(&self) -> Option<&Cost> {
        match &self.outcome {
            Outcome::Measured(cost) => Some(cost),
            Outcome::NotPossible(_) => None,
        }
    }

    /// The reason, where it was not possible.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.outcome {
            Outcome::Measured(_) => None,
            Outcome::NotPossible(refusal) => Some(refusal),
        }
    }
}

impl Series {
    /// The sizes at which there is a cost, with the time of a call in nanoseconds.
    pub fn costs(&self) -> impl DoubleEndedIterator<Item = (usize, f64)> + '_ {
        self.points.iter().filter_map(|m| m.cost().map(|cost| (m.point.size, cost.call_ns)))
    }

    /// What was measured at this size.
    pub fn at(&self, size: usize) -> Option<&Measurement> {
        self.points.binary_search_by_key(&size, |m| m.point.size).ok().map(|at| &self.points[at])
    }
}

/// Sorts measurements into series, those of one number of active descriptors together. A later one takes the place of an earlier one.
pub fn collect(series: &mut Vec<Series>, measurements: impl IntoIterator<Item = Measurement>) {
    for measurement in measurements {
        let key = (measurement.point.active, measurement.selector);
        let at = match series.binary_search_by_key(&key, |one| (one.active, one.selector)) {
            Ok(at) => at,
            Err(at) => {
                series.insert(at, Series { selector: key.1, active: key.0, points: Vec::new() });
                at
            }
        };
        let points = &mut series[at].points;
        match points.binary_search_by_key(&measurement.point.size, |m| m.point.size) {
            Ok(at) => points[at] = measurement,
            Err(at) => points.insert(at, measurement),
        }
    }
}

/// The series of this selector and number of active descriptors.
pub fn find(series: &[Series], selector: Selector, active: Active) -> Option<&Series> {
    series.iter().find(|one| one.selector == selector && one.active == active)
}
