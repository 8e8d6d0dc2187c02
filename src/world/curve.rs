//! Latency against offered load: for each half second in which the rate did not change, what was offered, what was served, and how long that
//! took. What no single figure tells: where it bends, and where it becomes a wall.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use super::window::{self, quantiles};
use crate::base::units::Nanos;

/// What one point covers. Cut at fixed moments, so that it makes no difference in how many steps time passes.
pub const STEP: Nanos = Nanos::millis(500);
/// Points that are kept, the oldest forgotten first: five minutes.
pub const MAX_POINTS: usize = 600;
/// Below this share of what is offered, what is served falls short.
const SHORT: f64 = 0.9;

/// The points so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Oldest first.
    pub points: VecDeque<Point>,
    /// The step that is being counted, and the last one in which the rate was changed.
    step: u64,
    changed: u64,
    latencies: Histogram<u32>,
    served: u32,
}

/// One point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Requests a second that were offered.
    pub offered: f64,
    /// Answers below 400 a second.
    pub served: f64,
    /// Median of the latencies that ended in this time.
    pub p50: Nanos,
    /// Their 99th percentile.
    pub p99: Nanos,
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: VecDeque::new(), step: 0, changed: 0, latencies: window::histogram(), served: 0 }
    }
}

impl Curve {
    /// The rates that were offered, each once, from low to high.
    pub fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> = self.points.iter().map(|point| point.offered).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        rates
    }

    /// What is served a second at most, on average over the points at which more was offered; nothing where there is none.
    pub fn capacity(&self) -> Option<f64> {
        let short = || self.points.iter().filter(|point| point.served < point.offered * SHORT);
        let count = short().count();
        (count > 0).then(|| short().map(|point| point.served).sum::<f64>() / count as f64)
    }

    /// Goes on to the step of `now`, at which so much is offered.
    #[inline]
    pub(super) fn slide(&mut self, now: Nanos, offered: Option<f64>) {
        let step = now.0 / STEP.0;
        if step > self.step {
            self.close(step, offered);
        }
    }

    #[cold]
    fn close(&mut self, step: u64, offered: Option<f64>) {
        let whole = self.changed < self.step && !self.latencies.is_empty();
        if let Some(offered) = offered.filter(|_| whole) {
            if self.points.len() == MAX_POINTS {
                self.points.pop_front();
            }
            let of = quantiles(&self.latencies);
            self.points.push_back(Point { offered, served: f64::from(self.served) / STEP.as_secs(), p50: of.p50, p99: of.p99 });
        }
        (self.step, self.served) = (step, 0);
        self.latencies.reset();
    }

    /// From here something else is offered.
    pub(super) fn offered(&mut self, at: Nanos) {
        self.changed = at.0 / STEP.0;
    }

    /// A request ended after so long.
    #[inline]
    pub(super) fn ended(&mut self, latency: Nanos) {
        window::record(&mut self.latencies, latency);
    }

    /// It was answered below 400.
    #[inline]
    pub(super) fn served(&mut self) {
        self.served += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::base::units::Nanos;
    use crate::world::testing::Story;

    #[test]
    fn each_rate_has_its_points_and_the_wall_is_found() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(3)).rate(4_000.0).calm(Nanos::secs(2)).rate(110_000.0).calm(Nanos::secs(2));
        let world = story.world();
        let curve = &world.specimens[0].clients.curve;
        assert_eq!(curve.rates(), [2_000.0, 4_000.0, 110_000.0], "{:?}", curve.points);
        let at =
            |rate: f64| curve.points.iter().filter(|point| point.offered.total_cmp(&rate).is_eq()).map(|point| point.p99).max().unwrap();
        assert!(at(110_000.0) > Nanos(at(2_000.0).0 * 20), "{:?}", curve.points);
        let served = curve.capacity().unwrap();
        assert!((2_000.0..100_000.0).contains(&served), "{served}");
        let calm = Story::new(&["naive"]).calm(Nanos::secs(3)).world();
        assert_eq!(calm.specimens[0].clients.curve.capacity(), None, "where all is served nothing is known of it");
    }
}
