//! Stalls: callbacks longer than the threshold, with their culprit, their victims, and whether they computed or parked.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Cause, Fault, Handler};

/// Stalls that are remembered, the oldest forgotten first.
pub const MAX_STALLS: usize = 64;

/// Stalls, past and present.
#[derive(Clone, Debug, Default)]
pub struct Stalls {
    /// The one that goes on now.
    pub current: Option<Stall>,
    /// Those that are over, oldest first; at most [`MAX_STALLS`].
    pub past: Vec<Stall>,
    /// How many there have been, the present one included.
    pub count: u64,
    /// The longest, the present one included.
    pub longest: Nanos,
}

/// One stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When its callback began.
    pub began: Nanos,
    /// How long the callback held the loop (so far, if it still does).
    pub length: Nanos,
    /// Why the callback ran.
    pub cause: Cause,
    /// Whose callback it is.
    pub conn: ConnId,
    /// What the request asked for.
    pub handler: Option<Handler>,
    /// The fault that took hold of it, if one did.
    pub fault: Option<Fault>,
    /// Computing or parked.
    pub kind: StallKind,
    /// CPU time that the loop thread got during it, as sampled from the kernel.
    pub on_cpu: Nanos,
    /// Clients' requests that were under way at some time during it, other than the culprit's: those who had to wait.
    pub victims: u32,
    /// The longest accept queue sampled during it.
    pub accept_queue: u32,
    /// How it ended.
    pub end: StallEnd,
}

/// What the loop thread did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StallKind {
    /// On the CPU (or runnable and waiting for one).
    Computing,
    /// Off the CPU: it slept in a system call.
    Parked,
    /// Not yet known: no two samples of the kernel's clock lie in it.
    Unknown,
}

/// How a stall ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StallEnd {
    /// It goes on.
    Ongoing,
    /// The callback returned.
    Returned,
    /// The process died in it.
    Died,
}
