//! What outlasts a frame: figures that are held so that they can be read, the afterglow of the phases, the turn of the wheel.
//!
//! Moved on by the world's own time, never by a clock: a replay shows the same picture as the live run.

use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Phase;
use crate::world::window::{Quantiles, Window};
use crate::world::{Specimen, World};

/// How long a figure stands before it is read anew.
const HELD: Nanos = Nanos::millis(250);
/// How fast the glow of a phase fades, in seconds.
const AFTERGLOW: f64 = 0.25;
/// How fast the arcs of the wheel follow the shares, in seconds.
const EASING: f64 = 0.15;

/// What lasts from frame to frame.
#[derive(Clone, Debug, Default)]
pub struct Eye {
    seen: Option<Nanos>,
    specimens: Vec<Gaze>,
}

/// What lasts of one specimen.
#[derive(Clone, Debug)]
pub struct Gaze {
    /// The figures as they are shown.
    pub figures: Figures,
    /// How lately each phase was seen: 1 now, towards 0 as it fades.
    pub glow: [f64; Phase::COUNT],
    /// The shares of the phases, eased.
    pub shares: [f64; Phase::COUNT],
    /// Ticks in one turn of the wheel: a power of ten.
    pub turn: u64,
}

/// The figures that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// When they were read.
    pub at: Nanos,
    /// Latency of the last seconds.
    pub recent: Quantiles,
    /// Loop lag.
    pub lag: Nanos,
    /// Answered requests a second.
    pub rate: f64,
    /// Offered requests a second.
    pub offered: Option<f64>,
    /// Requests parsed a second.
    pub requests: f64,
    /// Ticks a second.
    pub ticks: f64,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests due and not sent.
    pub backlog: u32,
    /// Shares of the phases.
    pub shares: [f64; Phase::COUNT],
}

impl Default for Gaze {
    fn default() -> Self {
        Self { figures: Figures::default(), glow: [0.0; Phase::COUNT], shares: [0.0; Phase::COUNT], turn: 1000 }
    }
}

impl Eye {
    /// Looks at the world as it now is.
    pub fn look(&mut self, world: &World) {
        let first = self.seen.is_none_or(|seen| seen > world.now);
        let dt = world.now.since(self.seen.unwrap_or(world.now)).as_secs();
        if first || self.specimens.len() != world.specimens.len() {
            self.specimens = vec![Gaze::default(); world.specimens.len()];
        }
        for (gaze, specimen) in self.specimens.iter_mut().zip(&world.specimens) {
            gaze.look(specimen, world.now, dt, first);
        }
        self.seen = Some(world.now);
    }

    /// What lasts of the specimen with this place; of one that was never seen, nothing.
    pub fn gaze(&self, specimen: usize) -> Gaze {
        self.specimens.get(specimen).cloned().unwrap_or_default()
    }
}

impl Gaze {
    fn look(&mut self, specimen: &Specimen, now: Nanos, dt: f64, first: bool) {
        let reactor = &specimen.reactor;
        if first || now.since(self.figures.at) >= HELD {
            self.figures = Figures {
                at: now,
                recent: quantiles(&specimen.clients.recent, now),
                lag: reactor.lag,
                rate: specimen.clients.rate,
                offered: specimen.clients.offered,
                requests: reactor.request_rate,
                ticks: reactor.tick_rate,
                in_flight: specimen.clients.in_flight,
                backlog: specimen.clients.backlog,
                shares: reactor.shares,
            };
        }
        if specimen.stalls.current.is_some() {
            // What a stall does to the figures is to be seen as it happens.
            self.figures.lag = reactor.lag;
            self.figures.in_flight = specimen.clients.in_flight;
            self.figures.backlog = specimen.clients.backlog;
        }
        let (fade, ease) = ((-dt / AFTERGLOW).exp(), if first { 1.0 } else { 1.0 - (-dt / EASING).exp() });
        for (n, phase) in Phase::ALL.iter().enumerate() {
            self.glow[n] = if *phase == reactor.phase { 1.0 } else { self.glow[n] * fade };
            self.shares[n] += (reactor.shares[n] - self.shares[n]) * ease;
        }
        self.turn = turn(self.turn, reactor.tick_rate);
    }
}

/// Ticks in one turn of the wheel, so that it turns between once in fifteen seconds and once in one. It changes late, so as not to jump.
fn turn(present: u64, rate: f64) -> u64 {
    let present = present.max(1);
    let speed = rate / present as f64;
    if rate > 0.5 && !(0.06..=1.0).contains(&speed) {
        10_u64.saturating_pow(rate.log10().ceil().clamp(0.0, 9.0) as u32)
    } else {
        present
    }
}

/// The figures of a window, of the slices that are not older than it.
fn quantiles(window: &Window, now: Nanos) -> Quantiles {
    let _ = now;
    let mut all: Option<hdrhistogram::Histogram<u32>> = None;
    for slice in window.slices.iter().filter(|s| !s.is_empty()) {
        match &mut all {
            None => all = Some(slice.clone()),
            Some(all) => drop(all.add(slice)),
        }
    }
    let Some(all) = all else { return Quantiles::default() };
    let at = |q| Nanos(all.value_at_quantile(q));
    Quantiles { count: all.len(), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: Nanos(all.max()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_keeps_a_speed_that_eyes_can_follow() {
        let mut present = 1000;
        for rate in [0.0, 1.0, 9.0, 11.0, 900.0, 1100.0, 900.0, 48_000.0, 150_000.0, 20.0] {
            present = turn(present, rate);
            let speed = rate / present as f64;
            assert!(rate < 0.5 || (0.06..=1.0).contains(&speed), "{rate} ticks a second, {present} a turn");
        }
        assert_eq!(turn(10_000, 900.0), 10_000, "no change where none is needed");
    }
}
