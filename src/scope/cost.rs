//! What watching costs: the figures of the observer itself, as plain data.
//!
//! Who measures, and how, is not known here. What has not been measured is nothing, never zero.

use crate::base::units::Nanos;
use crate::world::OwnCost;

/// What the observer costs. Figures that move are of the last second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// This process.
    pub pid: u32,
    /// Its CPU time and memory as the kernel counts them, and the events that it takes in a second.
    pub own: OwnCost,
    /// CPU time of all its threads since it was started.
    pub spent: Nanos,
    /// Events taken in so far.
    pub events: u64,
    /// Events lost so far.
    pub lost: u64,
    /// Nanoseconds of CPU that one event costs whoever tells it.
    pub probe: Option<f64>,
    /// Nanoseconds of CPU that one event costs the lab, and the share of a core that all of them do.
    pub fold: Option<(f64, f64)>,
    /// CPU time of a picture, the terminal's part included: the median, and the worst.
    pub frame: Option<(Nanos, Nanos)>,
    /// The recorded past: bytes, events, and how far it reaches back.
    pub history: Option<(usize, usize, Nanos)>,
}
