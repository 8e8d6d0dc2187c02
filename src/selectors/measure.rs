//! How a call is timed.
//!
//! Everything that could favour one selector or one size is spread over all of them: the run goes round after round over all
//! points, and at each point the selectors take turns, batch by batch, over the same descriptors. Before every call something
//! new arrives at each active descriptor, outside the timed part, so that an edge-triggered selector has as much to report as
//! the others. A call is timed alone, between two stamps whose own cost is subtracted; a batch is the mean of some dozens of
//! calls, and the result is the median of the batches, which an interruption here and there does not move.
//!
//! It knows the table of selectors, not any one of them.

use std::io;

use super::descriptors::Descriptors;
use super::kinds::{Call, Refusal, Row, SELECTORS, Watch};
use super::point::Point;
use super::series::{Cost, Measurement, Outcome};
use crate::base::clock::{Clock, Stamp};
use crate::base::units::Nanos;

/// How much is done for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Rounds over all points.
    pub rounds: u32,
    /// Batches of each selector at each point in a round.
    pub batches: u32,
    /// About how long a batch takes, what is not timed included. It has at least two calls however long that takes.
    pub batch: Nanos,
    /// After this no further round begins; the first is always finished.
    pub at_most: Nanos,
}

impl Effort {
    /// For a table: a few seconds.
    pub const THOROUGH: Self = Self { rounds: 9, batches: 5, batch: Nanos::micros(400), at_most: Nanos::secs(10) };
    /// For a chart that follows the hand: some tens of milliseconds a point.
    pub const QUICK: Self = Self { rounds: 3, batches: 3, batch: Nanos::micros(200), at_most: Nanos::millis(250) };
}

/// The most calls in a batch.
const CALLS: u64 = 64;
/// Calls before the first timed one, on each fresh set-up: the first one touches everything for the first time.
const WARM_UP: u64 = 3;

/// Measures every selector at every point. `progress` is told what share, from 0 to 1, is done, and says whether to go on.
///
/// Points that do not fit into the machine's limits must have been cut before ([`Point::within`]).
///
/// # Errors
/// What opening the descriptors and asking says; `Interrupted` when `progress` said no.
pub fn measure(clock: &Clock, points: &[Point], effort: Effort, progress: &mut dyn FnMut(f64) -> bool) -> io::Result<Vec<Measurement>> {
    let most = points.iter().map(|point| point.total()).max().unwrap_or(0);
    let pool = Descriptors::open(most)?;
    let bench = Bench { clock: *clock, overhead: overhead(clock), effort };
    let mut cells: Vec<[Cell; SELECTORS.len()]> = points.iter().map(|_| Default::default()).collect();
    let (begin, rounds) = (clock.now(), effort.rounds.max(1));
    for round in 0..rounds {
        if round > 0 && clock.now().since(begin) > effort.at_most {
            break;
        }
        for (at, point) in points.iter().enumerate() {
            let done = (round as usize * points.len() + at) as f64 / (rounds as usize * points.len()) as f64;
            if !progress(done) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            bench.visit(&pool, *point, &mut cells[at])?;
        }
    }
    progress(1.0);
    Ok(points
        .iter()
        .zip(cells)
        .flat_map(|(point, cells)| SELECTORS.iter().zip(cells).map(|(row, cell)| cell.finish(row, *point, &pool)))
        .collect())
}

/// What has been gathered for one selector at one point.
#[derive(Default)]
struct Cell {
    call_ns: Vec<f64>,
    find_ns: Vec<f64>,
    calls: u64,
    fewest: Option<usize>,
    most: usize,
    refusal: Option<Refusal>,
}

struct Bench {
    clock: Clock,
    /// Ticks that two stamps with nothing between them are apart.
    overhead: u64,
    effort: Effort,
}

impl Bench {
    /// One round at one point: sets the selectors up over the same descriptors and lets them take turns.
    fn visit(&self, pool: &Descriptors, point: Point, cells: &mut [Cell; SELECTORS.len()]) -> io::Result<()> {
        let fds = pool.borrow(point.total());
        let active = point.active_places();
        let mut found = Vec::with_capacity(fds.len());
        let mut turns = Vec::with_capacity(SELECTORS.len());
        for (row, cell) in SELECTORS.iter().zip(cells) {
            match (row.watch)(&fds) {
                Ok(mut watch) => {
                    let fitting = self.warm_up(pool, &active, watch.as_mut(), &mut found)?;
                    turns.push((watch, cell, fitting));
                }
                Err(refusal) => cell.refusal = Some(refusal),
            }
        }
        for turn in 0..self.effort.batches.max(1) as usize {
            // Nobody is always first, and nobody always comes after the same neighbour's mess.
            if !turns.is_empty() {
                let by = turn % turns.len();
                turns.rotate_left(by);
            }
            for (watch, cell, fitting) in &mut turns {
                self.batch(pool, &active, watch.as_mut(), *fitting, &mut found, cell)?;
            }
        }
        pool.drain(&active)
    }

    /// Asks a few times untimed, and says how many calls fit into a batch.
    fn warm_up(&self, pool: &Descriptors, active: &[usize], watch: &mut dyn Watch, found: &mut Vec<usize>) -> io::Result<u64> {
        let begin = self.clock.now();
        for _ in 0..WARM_UP {
            pool.signal(active)?;
            ask(watch)?;
            found.clear();
            watch.find(found);
        }
        let one = self.clock.now().since(begin).0 / WARM_UP;
        Ok((self.effort.batch.0 / one.max(1)).clamp(2, CALLS))
    }

    fn batch(
        &self,
        pool: &Descriptors,
        active: &[usize],
        watch: &mut dyn Watch,
        calls: u64,
        found: &mut Vec<usize>,
        cell: &mut Cell,
    ) -> io::Result<()> {
        let (mut calling, mut finding) = (0, 0);
        for _ in 0..calls {
            pool.signal(active)?;
            found.clear();
            let before = self.clock.stamp();
            let returned = ask(watch)?;
            let between = self.clock.stamp();
            watch.find(found);
            let after = self.clock.stamp();
            calling += self.ticks(before, between);
            finding += self.ticks(between, after);
            // What was found is compared too, so that no compiler can leave the finding out.
            cell.fewest = Some(cell.fewest.unwrap_or(usize::MAX).min(returned).min(found.len()));
            cell.most = cell.most.max(returned).max(found.len());
        }
        let mean = |ticks: u64| self.clock.base().nanos(Stamp(ticks)).0 as f64 / calls as f64;
        cell.call_ns.push(mean(calling));
        cell.find_ns.push(mean(finding));
        cell.calls += calls;
        Ok(())
    }

    fn ticks(&self, from: Stamp, to: Stamp) -> u64 {
        to.0.saturating_sub(from.0).saturating_sub(self.overhead)
    }
}

impl Cell {
    fn finish(mut self, row: &Row, point: Point, pool: &Descriptors) -> Measurement {
        let outcome = match (self.refusal, self.fewest) {
            (Some(refusal), _) => Outcome::NotPossible(refusal),
            (None, fewest) => {
                let returned = fewest.unwrap_or(0);
                let call = Call { descriptors: point.total(), highest: pool.highest(point.total()), returned };
                self.call_ns.sort_by(f64::total_cmp);
                self.find_ns.sort_by(f64::total_cmp);
                Outcome::Measured(Cost {
                    call_ns: quantile(&self.call_ns, 0.5),
                    fast_ns: quantile(&self.call_ns, 0.1),
                    slow_ns: quantile(&self.call_ns, 0.9),
                    find_ns: quantile(&self.find_ns, 0.5),
                    copied: (row.copied)(&call),
                    returned,
                    exact: returned == point.ready() && self.most == point.ready(),
                    batches: self.call_ns.len(),
                    calls: self.calls,
                })
            }
        };
        Measurement { selector: row.selector, point, outcome }
    }
}

/// A call that a signal does not spoil.
fn ask(watch: &mut dyn Watch) -> io::Result<usize> {
    loop {
        match watch.call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// What two stamps cost: the median of many pairs, in ticks.
fn overhead(clock: &Clock) -> u64 {
    let mut pairs: Vec<u64> = (0..1001)
        .map(|_| {
            let (before, after) = (clock.stamp(), clock.stamp());
            after.0.saturating_sub(before.0)
        })
        .collect();
    pairs.sort_unstable();
    pairs[pairs.len() / 2]
}

/// The value below which this share of a sorted list lies, to a tenth: no clock here knows more. Zero for an empty list.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).map_or(0.0, |value| (value * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::descriptors::tests::alone;
    use crate::selectors::point::Active;

    #[test]
    fn quantiles_are_of_the_list_and_of_nothing_else() {
        let list: Vec<f64> = (0..=10).map(f64::from).collect();
        let tenths = |list: &[f64], share| (quantile(list, share) * 10.0).round() as u32;
        assert_eq!([0.0, 0.1, 0.5, 0.9, 1.0].map(|share| tenths(&list, share)), [0, 10, 50, 90, 100]);
        assert_eq!([tenths(&[], 0.5), tenths(&[7.26], 0.9)], [0, 73]);
    }

    #[test]
    fn every_selector_is_measured_at_every_point_and_reports_the_active_ones() {
        let _alone = alone();
        let points = [(0, Active::Count(3)), (50, Active::Count(1)), (20, Active::All), (0, Active::All)]
            .map(|(size, active)| Point { size, active });
        let mut shares = Vec::new();
        let measured = measure(&Clock::start(), &points, Effort::QUICK, &mut |share| {
            shares.push(share);
            true
        })
        .unwrap();
        assert_eq!(measured.len(), points.len() * SELECTORS.len());
        for m in &measured {
            let Outcome::Measured(cost) = &m.outcome else {
                assert_eq!(m.selector, crate::selectors::Selector::Select, "{m:?}");
                continue;
            };
            assert!(cost.exact && cost.returned == m.point.ready(), "{m:?}");
            assert!(cost.fast_ns <= cost.call_ns && cost.call_ns <= cost.slow_ns && cost.call_ns > 0.0, "{m:?}");
            assert!(cost.batches >= Effort::QUICK.batches as usize && cost.calls >= 2 * cost.batches as u64, "{m:?}");
        }
        assert!(shares.is_sorted() && shares.first() == Some(&0.0) && shares.last() == Some(&1.0), "{shares:?}");
    }

    #[test]
    fn it_can_be_stopped() {
        let _alone = alone();
        let point = Point { size: 10, active: Active::Count(1) };
        let stopped = measure(&Clock::start(), &[point], Effort::THOROUGH, &mut |_| false);
        assert_eq!(stopped.unwrap_err().kind(), io::ErrorKind::Interrupted);
    }
}
