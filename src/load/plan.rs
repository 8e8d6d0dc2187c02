//! What a load does: how many clients, how often, what they ask for.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::base::units::Nanos;

/// How many clients a load can have: fewer than there are ports that they can dial from (64,512).
pub const CONNECTIONS: RangeInclusive<u32> = 1..=60_000;

/// The clients of one specimen. Part of a scenario's file, so the fields are its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Clients, each with one connection at a time.
    pub connections: u32,
    /// Requests per second over all clients, sent at their intended times whether or not earlier ones were answered (open loop).
    /// Without it each client sends its next request when the last one is answered (closed loop).
    pub rate: Option<f64>,
    /// What they ask for.
    pub mix: Vec<Row>,
    /// Closed loop only: how long a client thinks before its next request, on average (exponentially distributed).
    pub think: Nanos,
    /// Share of requests, 0 to 1, that are sent on a new connection (the client hangs up first).
    pub churn: f64,
    /// How long a client waits for a response, from its intended send.
    pub timeout: Nanos,
    /// More clients that send the head of a request byte by byte, and never finish it. Nothing is measured with them.
    pub slow_senders: u32,
    /// What decides every choice and arrival time.
    pub seed: u64,
    /// Others, beside the clients that are measured.
    pub peers: Vec<Peers>,
}

/// Clients that no server wishes for: they never wait for an answer before they ask again, and may read slowly. They are not measured;
/// what they do to those who are is what matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// How many, each with one connection.
    #[serde(default = "one")]
    pub count: u32,
    /// What they ask for: path and query.
    pub path: String,
    /// Requests a second that each of them sends; without it, as many as the kernel takes.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Bytes a second that each of them reads; without it, whatever comes.
    #[serde(default)]
    pub read_rate: Option<f64>,
}

impl Peers {
    /// The greedy one: each of its requests is a small thing, as long as a browser's with its cookies, and there is no end of them.
    pub fn greedy() -> Self {
        Self { count: 1, path: format!("/compute?ms=1&session={:0180}", 1), rate: None, read_rate: None }
    }
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Path and query.
    pub path: String,
    /// How often, against the other rows' weights.
    #[serde(default = "one")]
    pub weight: u32,
    /// Bytes of body; with any the request is a POST.
    #[serde(default)]
    pub body: u32,
}

fn one() -> u32 {
    1
}

impl Default for Load {
    fn default() -> Self {
        Self {
            connections: 64,
            rate: Some(2000.0),
            mix: vec![Row { path: "/".into(), weight: 1, body: 0 }],
            think: Nanos::ZERO,
            churn: 0.0,
            timeout: Nanos::secs(10),
            slow_senders: 0,
            seed: 1,
            peers: Vec::new(),
        }
    }
}

/// Everything a load process is told at its start. It comes with one descriptor: the mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Whom to talk to.
    pub target: SocketAddr,
    /// What to do.
    pub load: Load,
    /// The core it is kept on, if any (benches do this).
    pub core: Option<usize>,
}

/// What the lab asks of a running load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LoadControl {
    /// From here on this open-loop rate (`None`: closed loop).
    Rate(Option<f64>),
    /// From here on so many clients.
    Connections(u32),
    /// From here on so many slow senders.
    SlowSenders(u32),
    /// Send nothing new until `Resume`.
    Pause,
    /// Go on.
    Resume,
    /// From here on with, or without, a peer that is greedy ([`Peers::greedy`]).
    Greedy(bool),
    /// Hang up and end with exit code 0.
    Stop,
}
