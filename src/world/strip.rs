//! The last minute of a loop in slices of 10 ms: what the timeline strip draws.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Cause, Handler};

/// What one slice covers.
pub const SLICE: Nanos = Nanos::millis(10);
/// Slices that are kept: one minute.
pub const SLICES: usize = 6000;

/// The slices.
#[derive(Clone, Debug)]
pub struct Strip {
    /// The number of the newest slice since the beginning: slice `n` covers `[n, n + 1)` times [`SLICE`].
    pub newest: u64,
    /// Slice `n` lies at `n % SLICES`.
    pub slices: Vec<Slice>,
}

/// What happened in 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Microseconds in callbacks.
    pub busy: u16,
    /// Microseconds in `epoll_wait`.
    pub polling: u16,
    /// Microseconds that workers were busy, over all workers.
    pub workers: u16,
    /// The callback that took most of it: why, for which handler and connection, and when it began (it may have begun long before).
    pub longest: Option<(Cause, Option<Handler>, ConnId, Nanos)>,
    /// Requests answered to clients.
    pub answered: u16,
    /// The most clients' requests under way at once.
    pub waiting: u16,
    /// Events were lost, nobody watched, or nothing lived: a gap.
    pub gap: bool,
}
