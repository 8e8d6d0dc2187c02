//! The open connections of a specimen: identity, state of the state machine, interest, traffic.

use std::collections::HashMap;

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::Handler;

/// Connections that are kept with their identity; more are only counted.
pub const MAX_CONNECTIONS: usize = 65_536;

/// All open connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// How many are open.
    pub open: u32,
    /// Accepted so far.
    pub accepted: u64,
    /// Closed so far.
    pub closed: u64,
    /// Those that are kept, by identity.
    pub by_id: HashMap<ConnId, Connection>,
    /// Which connection has which peer's port: how clients and connections find each other.
    pub by_port: HashMap<u16, ConnId>,
}

/// One open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its identity.
    pub id: ConnId,
    /// Its descriptor.
    pub fd: u16,
    /// Its peer's port.
    pub port: u16,
    /// Accepted when.
    pub opened: Nanos,
    /// Where in its exchange it is.
    pub stage: Stage,
    /// Since when.
    pub since: Nanos,
    /// What the loop wants to hear of.
    pub interest: Readiness,
    /// What the present or last request asked for.
    pub handler: Option<Handler>,
    /// Requests so far.
    pub requests: u32,
    /// Bytes queued and not taken by the kernel.
    pub unsent: u32,
    /// Bytes that the kernel holds for it unread, as last sampled.
    pub unread: u32,
    /// Bytes read so far.
    pub bytes_in: u64,
    /// Bytes written so far.
    pub bytes_out: u64,
}

/// Where in its exchange a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Waiting for the client.
    Idle,
    /// Part of a request is read.
    Reading,
    /// Ready, its callback has not started.
    Ready,
    /// Its callback runs.
    Running,
    /// Its request waits for a timer, a worker or a task.
    Pending,
    /// A response is not fully taken by the kernel.
    Writing,
}
