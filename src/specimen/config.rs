//! What a specimen is started with.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::control::{FaultSetting, MitigationSetting};

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
    /// Whether clients of other machines, too, may ask for faults and long computing. Whoever says so knows what it means.
    #[serde(default)]
    pub faults_for_all: bool,
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
            faults_for_all: false,
        }
    }
}
