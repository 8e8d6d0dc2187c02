//! The loop as its ring tells it: phases and their share of time, ticks, the callback that runs, the ready list, lag.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Phase};

/// Ready connections that are kept with their identity; more are only counted.
pub const MAX_READY: usize = 256;

/// The state of a loop and its figures.
#[derive(Clone, Debug)]
pub struct Reactor {
    /// Ticks so far.
    pub ticks: u64,
    /// Ticks a second, over the last second.
    pub tick_rate: f64,
    /// The phase it is in.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Nanos,
    /// Share of the last second spent in each phase, by [`Phase`]; they add up to 1 once the loop has run.
    pub shares: [f64; Phase::COUNT],
    /// The callback that runs now.
    pub running: Option<Running>,
    /// Whether the gate holds it.
    pub held: bool,
    /// Reported by the kernel, callback not started, in the order in which they will run; at most [`MAX_READY`].
    pub ready: Vec<Ready>,
    /// How many are ready in all.
    pub ready_count: usize,
    /// Size of the last batch that `epoll_wait` returned, and the largest of the last second.
    pub batch: u32,
    /// The largest batch of the last second.
    pub batch_max: u32,
    /// Loop lag: the longest time, over the last second, between one return of `epoll_wait` and the next call of it, the present
    /// one included. Whatever falls due in between waits as long.
    pub lag: Nanos,
    /// Callbacks so far and the time spent in them, by [`Cause`].
    pub causes: [Tally; Cause::COUNT],
    /// The same by [`Handler`] of the request they served (readable and completion callbacks).
    pub handlers: [Tally; Handler::COUNT],
    /// Requests parsed, over the last second.
    pub request_rate: f64,
    /// Requests parsed so far.
    pub requests: u64,
}

/// A callback that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Why.
    pub cause: Cause,
    /// For which connection.
    pub conn: ConnId,
    /// What the request asked for, once it is parsed.
    pub handler: Option<Handler>,
    /// The fault that has taken hold of it.
    pub fault: Option<Fault>,
    /// Since when.
    pub since: Nanos,
}

/// A connection whose callback has not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which (`ConnId::NONE`: the listener).
    pub conn: ConnId,
    /// For what.
    pub readiness: Readiness,
    /// Since when the loop knows.
    pub since: Nanos,
}

/// How often, and for how long.
#[derive(Clone, Debug)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// For how long in all.
    pub busy: Nanos,
    /// The longest.
    pub max: Nanos,
    /// The distribution of lengths in nanoseconds (two significant figures).
    pub histogram: hdrhistogram::Histogram<u32>,
}
