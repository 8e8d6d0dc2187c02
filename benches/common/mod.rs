//! What the whole-server benches share: their flags, cores, figures, servers and client.
//!
//! A machine of this kind is noisy: nothing here gives an absolute figure that means much. Two things are measured in short
//! windows that alternate, and what counts is the median of the ratios of neighbouring windows.

#![allow(dead_code, reason = "each bench uses its part of this")]

pub mod client;
pub mod servers;

use std::process::ExitCode;
use std::time::Duration;

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

/// Each figure against its neighbour.
pub fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(of, to)| of / to).collect()
}

/// A ratio as it is printed: the median and where the middle half of the pairs lies.
pub fn spread(ratios: &[f64]) -> String {
    format!("{:.3} ({:.3} to {:.3})", median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75))
}

/// The word for a promise.
pub fn word(kept: bool) -> &'static str {
    if kept { "kept" } else { "NOT KEPT" }
}
