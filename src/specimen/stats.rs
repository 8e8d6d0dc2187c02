//! What a specimen has counted since it started: what `/stats` shows.

use super::beats::Beats;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Mitigation};

/// Counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The specimen's name.
    pub name: String,
    /// When it started.
    pub started: Nanos,
    /// Connections that are open.
    pub open: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that had to be turned away for want of a descriptor.
    pub shed: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Of these, with a status of 400 or above.
    pub errors: u64,
    /// Bytes read.
    pub read: u64,
    /// Bytes that the kernel took.
    pub written: u64,
    /// Panics that were caught.
    pub caught: u64,
    /// Rejections that nobody handled.
    pub unhandled: u64,
    /// Sessions in memory, and what their callbacks have taken along, in KiB.
    pub live: (u32, u32),
    /// Jobs that repeat, where there are any.
    pub beats: Option<Beats>,
    /// Mitigations that are on.
    pub mitigations: Vec<Mitigation>,
    /// Standing faults that are on.
    pub faults: Vec<Fault>,
    serial: u32,
}

impl Stats {
    /// Nothing counted yet.
    pub fn new(name: String, started: Nanos) -> Self {
        Self { name, started, ..Self::default() }
    }

    /// The serial number of a new connection.
    pub fn next_conn(&mut self) -> ConnId {
        self.open += 1;
        self.accepted += 1;
        // Zero names none, also after four thousand million connections.
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        ConnId(self.serial)
    }
}
