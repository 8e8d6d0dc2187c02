//! What the whole-server benches share: their flags, cores, figures, servers and client.
//!
//! A machine of this kind is noisy: nothing here gives an absolute figure that means much. Two things are measured in short
//! windows that alternate, and what counts is the median of the ratios of neighbouring windows.

#![allow(dead_code, reason = "each bench uses its part of this")]

pub mod client;
pub mod servers;

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use client::{Client, Window};
use rustix::thread::CpuSet;

/// What the command line asks for. Cargo adds `--bench`.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// Fewer and shorter windows.
    pub quick: bool,
    /// Exit code 1 where a promise is not kept.
    pub assert: bool,
}

impl Flags {
    /// From the command line. Nothing where it was not `cargo bench` that started us: `cargo test --all-targets` only wants to know that a
    /// bench can be built.
    pub fn from_args() -> Option<Self> {
        let has = |flag: &str| std::env::args().any(|arg| arg == flag);
        has("--bench").then(|| Self { quick: has("--quick"), assert: has("--assert") })
    }

    /// Pairs of windows and the length of a window.
    pub fn windows(self, pairs: usize, window: Duration) -> (usize, Duration) {
        if self.quick { (pairs.div_ceil(3), window / 2) } else { (pairs, window) }
    }

    /// The exit code for promises that were all kept, or not.
    pub fn verdict(self, kept: bool) -> ExitCode {
        if self.assert && !kept { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// The two cores that a bench uses: one for server and client, one for whoever reads the ring. The same where there is only one.
pub fn cores() -> anyhow::Result<(usize, usize)> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let first = cores.next().unwrap_or(0);
    Ok((first, cores.next_back().unwrap_or(first)))
}

/// Keeps the calling thread, and the processes it starts, on one core.
pub fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// The middle of these figures.
pub fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The figure below which this share of them lies.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1)) as f64 * share;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => low + (high - low) * at.fract(),
        _ => f64::NAN,
    }
}

/// Two or more windows' worth of alternating measurements, one column for each server.
#[derive(Debug, Default)]
pub struct Columns(pub Vec<Vec<Window>>);

impl Columns {
    /// Lets the clients take turns, so many rounds; who begins changes from round to round, so that nobody has an advantage.
    pub fn alternate(clients: &mut [&mut Client], rounds: usize, window: Duration) -> anyhow::Result<Self> {
        let mut columns = Self(vec![Vec::with_capacity(rounds); clients.len()]);
        for client in &mut *clients {
            client.run(window)?;
        }
        for round in 0..rounds {
            for turn in 0..clients.len() {
                let at = (turn + round) % clients.len();
                columns.0[at].push(clients[at].run(window)?);
            }
        }
        Ok(columns)
    }

    /// The median rate of a server, in requests a second.
    pub fn rate(&self, server: usize) -> f64 {
        median(&self.0[server].iter().map(Window::rate).collect::<Vec<_>>())
    }

    /// One server against another, window by window, for the time of the core that each had.
    pub fn ratios(&self, of: usize, to: usize) -> Ratios {
        let by = |measure: fn(&Window) -> f64| self.0[of].iter().zip(&self.0[to]).map(|(of, to)| measure(of) / measure(to)).collect();
        Ratios { core: by(Window::per_core), wall: by(Window::rate) }
    }

    /// Requests that a server answered in all windows.
    pub fn requests(&self, server: usize) -> u64 {
        self.0[server].iter().map(|window| window.requests).sum()
    }
}

/// How much one server did for each that the other did.
#[derive(Debug)]
pub struct Ratios {
    /// Per time of the core: what a promise is held against.
    pub core: Vec<f64>,
    /// Per time on the wall, which a busy machine blurs.
    pub wall: Vec<f64>,
}

impl Ratios {
    /// The figure that counts.
    pub fn median(&self) -> f64 {
        median(&self.core)
    }
}

/// The median, where the middle half of the pairs lies, and the median by the clock on the wall.
impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (quantile(&self.core, 0.25), quantile(&self.core, 0.75));
        write!(f, "{:.3} ({low:.3} to {high:.3}; by the wall {:.3})", self.median(), median(&self.wall))
    }
}

/// The word for a promise.
pub fn word(kept: bool) -> &'static str {
    if kept { "kept" } else { "NOT KEPT" }
}
