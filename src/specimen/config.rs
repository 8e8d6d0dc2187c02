//! What a specimen is started with.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::control::{FaultSetting, MitigationSetting};
use crate::telemetry::vocabulary::Model;

/// Everything a specimen's process is told at its start. It comes with two descriptors: the mapping and the listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its name in the scenario.
    pub name: String,
    /// What is on from its first tick.
    #[serde(default)]
    pub mitigations: Vec<MitigationSetting>,
    /// What is wrong with it from its first tick.
    #[serde(default)]
    pub faults: Vec<FaultSetting>,
    /// The server that `/chain` calls; without one, the specimen calls itself.
    #[serde(default)]
    pub upstream: Option<SocketAddr>,
    /// What a request may be.
    #[serde(default)]
    pub limits: Limits,
    /// Whether it is watched; without, the probe is compiled to nothing (this is how the cost of watching is measured).
    #[serde(default = "yes")]
    pub watched: bool,
    /// The core it is kept on, if any (benches do this).
    #[serde(default)]
    pub core: Option<usize>,
    /// How it waits for many clients at once.
    #[serde(default)]
    pub model: ModelSetting,
    /// Whether clients of other machines, too, may ask for faults and long computing. Whoever says so knows what it means.
    #[serde(default)]
    pub faults_for_all: bool,
}

/// A model, and how large it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ModelSetting {
    /// One thread, one loop, all connections.
    #[default]
    EventLoop,
    /// A thread for each connection.
    ThreadPerConnection,
    /// So many threads (1 to 256), and a queue of connections.
    ThreadPool {
        /// How many.
        threads: u16,
    },
    /// A master process and so many event-loop processes (1 to 8) on one port.
    Workers {
        /// How many.
        processes: u8,
        /// How they share the port.
        #[serde(default)]
        share: Share,
    },
}

/// How worker processes share a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Share {
    /// One listening socket, one queue: whoever comes first takes the connection.
    #[default]
    Listener,
    /// A listening socket and a queue for each (`SO_REUSEPORT`): the kernel chooses by the connection's addresses.
    ReusePort,
}

impl ModelSetting {
    /// Which model it is.
    pub fn kind(self) -> Model {
        match self {
            Self::EventLoop => Model::EventLoop,
            Self::ThreadPerConnection => Model::ThreadPerConnection,
            Self::ThreadPool { .. } => Model::ThreadPool,
            Self::Workers { .. } => Model::Workers,
        }
    }

    /// How many threads or processes it has; 0: as many as it takes.
    pub fn size(self) -> u32 {
        match self {
            Self::EventLoop => 1,
            Self::ThreadPerConnection => 0,
            Self::ThreadPool { threads } => u32::from(threads),
            Self::Workers { processes, .. } => u32::from(processes),
        }
    }

    /// How many event-loop processes a master looks after; 0 where there is no master.
    pub fn processes(self) -> usize {
        if let Self::Workers { processes, .. } = self { usize::from(processes) } else { 0 }
    }

    /// How many listening sockets it needs on its port.
    pub fn listeners(self) -> usize {
        if let Self::Workers { processes, share: Share::ReusePort } = self { usize::from(processes).max(1) } else { 1 }
    }
}

fn yes() -> bool {
    true
}

/// Limits of what a request may be (beyond them: 431, 413), and of what the process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request's head.
    pub head: usize,
    /// Header fields.
    pub headers: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// The limit of open descriptors that the process gives itself; without, its soft limit is raised to the hard one.
    pub descriptors: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 32 * 1024, headers: 100, body: 1024 * 1024, descriptors: None }
    }
}

impl Config {
    /// A specimen without any mitigation.
    pub fn naive(name: &str) -> Self {
        Self {
            name: name.into(),
            mitigations: Vec::new(),
            faults: Vec::new(),
            upstream: None,
            limits: Limits::default(),
            watched: true,
            core: None,
            model: ModelSetting::EventLoop,
            faults_for_all: false,
        }
    }
}
