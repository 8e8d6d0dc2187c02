//! When requests are meant to be sent and what they ask for: pure chance, decided by the seed alone.
//!
//! Knows no client and no clock. The arrivals of an open loop are a Poisson process: many independent people make one. It is kept
//! in operational time (arrivals expected so far), so that a change of rate stretches what is to come and the order of choices stays.

use crate::base::rng::Rng;
use crate::base::units::Nanos;

use super::plan::{Load, Row};

/// The highest rate, in requests a second, that is not cut: beyond it one process cannot send anyway.
pub const MAX_RATE: f64 = 1e6;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its row in the mix.
    pub row: u32,
    /// Whether its client first hangs up and dials anew.
    pub anew: bool,
}

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it is meant to be sent.
    pub intended: Nanos,
    /// What it is.
    pub choice: Choice,
}

/// The weighted mix and the churn.
#[derive(Clone, Debug)]
pub struct Mix {
    /// The sums of the weights up to each row.
    sums: Vec<u64>,
    churn: f64,
}

impl Mix {
    /// The mix of these rows. Without any weight all rows are equal.
    pub fn new(rows: &[Row], churn: f64) -> Self {
        let weighed = rows.iter().any(|row| row.weight > 0);
        let mut sum = 0;
        let sums = rows.iter().map(|row| {
            sum += if weighed { u64::from(row.weight) } else { 1 };
            sum
        });
        Self { sums: sums.collect(), churn: if churn.is_nan() { 0.0 } else { churn.clamp(0.0, 1.0) } }
    }

    /// The next choice of this stream: two draws, whatever the mix.
    pub fn choose(&self, rng: &mut Rng) -> Choice {
        let drawn = rng.below(self.sums.last().copied().unwrap_or(0));
        let row = self.sums.partition_point(|sum| *sum <= drawn);
        Choice { row: row as u32, anew: rng.unit() < self.churn }
    }
}

/// The arrivals of an open loop.
#[derive(Clone, Debug)]
pub struct Arrivals {
    gaps: Rng,
    choices: Rng,
    mix: Mix,
    /// Arrivals per nanosecond; zero while none come.
    rate: f64,
    /// Where operational time was last set against real time.
    origin: Nanos,
    /// Operational time from there to the next arrival.
    ahead: f64,
}

impl Arrivals {
    /// The arrivals of this load from `start` on.
    pub fn new(load: &Load, rate: f64, start: Nanos) -> Self {
        let seed = Rng::new(load.seed);
        let (mut gaps, choices) = (seed.fork(1), seed.fork(2));
        let ahead = gaps.exponential(1.0);
        Self { gaps, choices, mix: Mix::new(&load.mix, load.churn), rate: per_nano(rate), origin: start, ahead }
    }

    /// When the next one is due.
    pub fn next(&self) -> Nanos {
        if self.rate > 0.0 { self.origin + Nanos((self.ahead / self.rate) as u64) } else { Nanos::MAX }
    }

    /// The next one, and on to the one after it.
    pub fn take(&mut self) -> Due {
        let due = Due { intended: self.next(), choice: self.mix.choose(&mut self.choices) };
        self.ahead += self.gaps.exponential(1.0);
        // Moving the origin now and then keeps the sum small and so exact; the part of a nanosecond that is cut is not lost.
        if self.ahead > 1024.0 && self.rate > 0.0 {
            let moved = ((self.ahead - 1024.0) / self.rate).max(0.0) as u64;
            self.origin += Nanos(moved);
            self.ahead -= moved as f64 * self.rate;
        }
        due
    }

    /// From `now` on so many a second.
    pub fn set_rate(&mut self, now: Nanos, rate: f64) {
        self.ahead = (self.ahead - now.since(self.origin).0 as f64 * self.rate).max(0.0);
        self.origin = now;
        self.rate = per_nano(rate);
    }

    /// Everything to come is so much later.
    pub fn shift(&mut self, by: Nanos) {
        self.origin += by;
    }
}

fn per_nano(rate: f64) -> f64 {
    if rate.is_nan() { 0.0 } else { rate.clamp(0.0, MAX_RATE) / 1e9 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        let row = |path: &str, weight| Row { path: path.into(), weight, body: 0 };
        Load { mix: vec![row("/", 7), row("/never", 0), row("/b", 2), row("/c", 1)], churn: 0.25, seed: 42, ..Load::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let take = |seed| {
            let mut arrivals = Arrivals::new(&Load { seed, ..load() }, 2000.0, Nanos::secs(3));
            (0..5000).map(|_| arrivals.take()).collect::<Vec<_>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        assert!(take(1).windows(2).all(|w| w[0].intended <= w[1].intended));
    }

    #[test]
    fn arrivals_have_their_rate_and_spread() {
        let mut arrivals = Arrivals::new(&load(), 20_000.0, Nanos::ZERO);
        let due: Vec<_> = (0..40_000).map(|_| arrivals.take().intended.0 as f64).collect();
        let gaps: Vec<_> = due.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((mean / 50_000.0 - 1.0).abs() < 0.03, "{mean}");
        // The deviation of exponential gaps equals their mean.
        let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((deviation / mean - 1.0).abs() < 0.05, "{deviation} against {mean}");
    }

    #[test]
    fn a_change_of_rate_keeps_the_order_of_choices() {
        let (mut steady, mut changed) = (Arrivals::new(&load(), 1000.0, Nanos::ZERO), Arrivals::new(&load(), 1000.0, Nanos::ZERO));
        let mut last = Nanos::ZERO;
        for n in 0..3000 {
            if n == 1000 {
                changed.set_rate(last, 4000.0);
            }
            let due = changed.take();
            assert_eq!(due.choice, steady.take().choice);
            assert!(due.intended >= last);
            last = due.intended;
        }
        // One second at 1000, then 2000 arrivals at 4000.
        assert!((1.35..1.65).contains(&last.as_secs()), "{last}");
        changed.set_rate(last, 0.0);
        assert_eq!(changed.next(), Nanos::MAX);
        changed.set_rate(last + Nanos::secs(9), 1000.0);
        assert!(changed.next() > last + Nanos::secs(9) && changed.next() < last + Nanos::secs(10));
    }

    #[test]
    fn weights_and_churn_are_kept() {
        let mut arrivals = Arrivals::new(&load(), 1000.0, Nanos::ZERO);
        let (mut rows, mut anew) = ([0.0; 4], 0.0);
        for _ in 0..20_000 {
            let choice = arrivals.take().choice;
            rows[choice.row as usize] += 1.0 / 20_000.0;
            anew += f64::from(u8::from(choice.anew)) / 20_000.0;
        }
        for (share, expected) in rows.into_iter().chain([anew]).zip([0.7, 0.0, 0.2, 0.1, 0.25]) {
            assert!((share - expected).abs() < 0.02, "{share} for {expected}");
        }
        assert!(rows[1] < f64::EPSILON, "a row without weight is never chosen");
    }

    #[test]
    fn strange_numbers_stay_in_bounds() {
        for rate in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
            let mut arrivals = Arrivals::new(&Load { churn: rate, ..load() }, rate, Nanos::ZERO);
            for _ in 0..100 {
                arrivals.take();
            }
        }
        assert_eq!(Mix::new(&[], 0.0).choose(&mut Rng::new(1)).row, 0);
        let zeros = Mix::new(&[Row { path: "/".into(), weight: 0, body: 0 }], 0.0);
        assert_eq!(zeros.choose(&mut Rng::new(1)).row, 0);
    }
}
