//! Figures over the last seconds: a latency histogram and slots that forget, and the quantiles that are read from them.
//!
//! Time is cut at fixed moments (multiples of a slot's width since the lab's beginning), never relative to the first event or to
//! the moment of asking: so it makes no difference in how many steps time passes, and a replay shows the same figures.

use hdrhistogram::Histogram;

use crate::base::units::Nanos;

/// Slices of a window.
pub const SLICES: usize = 5;
/// What one slot of a rate covers; figures "over the last second" are renewed so often.
pub const SLOT: Nanos = Nanos::millis(50);
/// Complete slots that make up the last second.
pub const SLOTS: usize = 20;
/// The longest time that a histogram tells apart from longer ones.
const LONGEST: u64 = 3_600_000_000_000;

/// A latency histogram of the last [`SLICES`] seconds, one slice a second.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The second that the newest slice covers.
    pub newest: u64,
    /// Slice of second `n` lies at `n % SLICES`.
    pub slices: Vec<Histogram<u32>>,
}

/// The figures of a distribution that the screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// Median.
    pub p50: Nanos,
    /// 90th percentile.
    pub p90: Nanos,
    /// 99th percentile.
    pub p99: Nanos,
    /// 99.9th percentile.
    pub p999: Nanos,
    /// Maximum.
    pub max: Nanos,
}

/// An empty histogram of nanoseconds with two significant figures. It grows with what it is given: about 0.5 KB for each doubling.
#[expect(clippy::missing_panics_doc, reason = "a constant that is a valid precision")]
pub fn histogram() -> Histogram<u32> {
    Histogram::new(2).expect("two significant figures are a precision that histograms have")
}

/// Counts one time. Beyond an hour all are alike.
#[inline]
pub(super) fn record(histogram: &mut Histogram<u32>, time: Nanos) {
    // The only failure is a value that the histogram cannot grow to; an hour is far below that.
    histogram.record(time.0.min(LONGEST)).unwrap_or_default();
}

/// What is read off a histogram of nanoseconds. All zero where it is empty: look at `count` first.
pub fn quantiles(histogram: &Histogram<u32>) -> Quantiles {
    if histogram.is_empty() {
        return Quantiles::default();
    }
    let max = histogram.max();
    let at = |q| Nanos(histogram.value_at_quantile(q).min(max));
    Quantiles { count: histogram.len(), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: Nanos(max) }
}

impl Default for Window {
    fn default() -> Self {
        Self { newest: 0, slices: (0..SLICES).map(|_| histogram()).collect() }
    }
}

impl Window {
    /// Forgets what has become older than [`SLICES`] seconds.
    pub(super) fn slide(&mut self, now: Nanos) {
        let second = now.0 / Nanos::secs(1).0;
        let stale = second.saturating_sub(self.newest).min(SLICES as u64);
        for n in 0..stale {
            self.slices[((second - n) % SLICES as u64) as usize].reset();
        }
        self.newest = self.newest.max(second);
    }

    /// Counts one time in the newest slice.
    #[inline]
    pub(super) fn record(&mut self, time: Nanos) {
        record(&mut self.slices[(self.newest % SLICES as u64) as usize], time);
    }

    /// All slices in one histogram: the present second and the four before it.
    pub fn merged(&self) -> Histogram<u32> {
        let mut all = histogram();
        for slice in self.slices.iter().filter(|s| !s.is_empty()) {
            // Both grow by themselves, so this cannot fail.
            all.add(slice).unwrap_or_default();
        }
        all
    }

    /// The figures of the last seconds.
    pub fn quantiles(&self) -> Quantiles {
        quantiles(&self.merged())
    }
}

/// The last second and the present moment in slots of [`SLOT`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slots<T> {
    /// Number of the present slot since the beginning.
    newest: u64,
    /// Number of the slot in which this series began.
    first: u64,
    at: usize,
    ring: [T; SLOTS + 1],
}

impl<T: Copy + Default> Slots<T> {
    /// A series that begins now.
    pub fn starting(now: Nanos) -> Self {
        let newest = now.0 / SLOT.0;
        Self { newest, first: newest, at: 0, ring: [T::default(); SLOTS + 1] }
    }

    /// The present slot.
    #[inline]
    pub fn now(&mut self) -> &mut T {
        &mut self.ring[self.at]
    }

    /// Goes on to the slot that `now` lies in; the skipped ones are empty. Whether it is another one.
    pub fn slide(&mut self, now: Nanos) -> bool {
        let newest = now.0 / SLOT.0;
        let ahead = newest.saturating_sub(self.newest);
        for _ in 0..ahead.min(self.ring.len() as u64) {
            self.at = (self.at + 1) % self.ring.len();
            self.ring[self.at] = T::default();
        }
        self.newest += ahead;
        ahead > 0
    }

    /// The complete slots of the last second, in no particular order.
    pub fn past(&self) -> impl Iterator<Item = &T> {
        self.ring.iter().enumerate().filter(|(n, _)| *n != self.at).map(|(_, slot)| slot)
    }

    /// The complete slots of the first and of the second half of the last second.
    pub fn halves(&self) -> (Vec<&T>, Vec<&T>) {
        let slot = |n: usize| &self.ring[(self.at + n) % self.ring.len()];
        ((1..=SLOTS / 2).map(slot).collect(), (SLOTS / 2 + 1..=SLOTS).map(slot).collect())
    }

    /// How long the complete slots have been watched, in seconds; zero before the first is complete.
    pub fn seconds(&self) -> f64 {
        self.newest.saturating_sub(self.first).min(SLOTS as u64) as f64 * SLOT.as_secs()
    }

    /// A sum over the complete slots as a rate per second.
    pub fn rate(&self, of: impl Fn(&T) -> u64) -> f64 {
        let seconds = self.seconds();
        if seconds == 0.0 { 0.0 } else { self.past().map(of).sum::<u64>() as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_have_two_significant_figures() {
        let mut histogram = histogram();
        assert_eq!(quantiles(&histogram), Quantiles::default());
        (1..=1000).for_each(|ms| record(&mut histogram, Nanos::millis(ms)));
        let q = quantiles(&histogram);
        assert_eq!(q.count, 1000);
        for (got, want) in [(q.p50, 500.0), (q.p90, 900.0), (q.p99, 990.0), (q.p999, 999.0), (q.max, 1000.0)] {
            assert!((got.as_millis() / want - 1.0).abs() < 0.01, "{got} for {want}");
        }
        record(&mut histogram, Nanos::MAX);
        assert_eq!(histogram.len(), 1001);
    }

    #[test]
    fn a_window_forgets_after_five_seconds() {
        let mut window = Window::default();
        window.record(Nanos::millis(3));
        window.slide(Nanos::millis(4_900));
        assert_eq!(window.quantiles().count, 1);
        window.record(Nanos::millis(7));
        window.slide(Nanos::secs(5));
        assert_eq!(window.quantiles().count, 1, "only what is still within the window");
        window.slide(Nanos::secs(500));
        assert_eq!(window.quantiles().count, 0);
    }

    #[test]
    fn slots_give_the_rate_of_the_last_second_and_of_what_there_is() {
        let mut slots = Slots::<u32>::starting(Nanos::secs(3));
        assert_eq!(slots.rate(|n| u64::from(*n)).to_bits(), 0.0_f64.to_bits());
        for ms in 0..2_000 {
            slots.slide(Nanos::millis(3_000 + ms));
            *slots.now() += 2;
            if ms == 100 {
                assert!((slots.rate(|n| u64::from(*n)) - 2_000.0).abs() < 1e-6, "honest before a second has passed");
            }
        }
        assert!((slots.rate(|n| u64::from(*n)) - 2_000.0).abs() < 1e-6);
        slots.slide(Nanos::secs(60));
        assert!(slots.past().all(|n| *n == 0));
    }
}
