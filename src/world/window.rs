//! Figures over the last seconds: a histogram and counters that forget.

use crate::base::units::Nanos;

/// Slices of a window.
pub const SLICES: usize = 5;

/// A latency histogram of the last [`SLICES`] seconds, one slice a second.
#[derive(Clone, Debug)]
pub struct Window {
    /// The second that the newest slice covers.
    pub newest: u64,
    /// Slice of second `n` lies at `n % SLICES`.
    pub slices: Vec<hdrhistogram::Histogram<u32>>,
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
