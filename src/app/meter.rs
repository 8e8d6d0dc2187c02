//! Measures what watching costs: pictures as they are drawn, the rest when it is asked for.

use std::collections::VecDeque;

use super::pump::Stage;
use crate::base::clock::{self, Clock};
use crate::base::units::Nanos;
use crate::scope::Cost;
use crate::telemetry::cost::nanos_per_event;

/// Over how long the pictures' figures are taken.
const OVER: Nanos = Nanos::secs(1);
/// Pictures that are remembered at most.
const PICTURES: usize = 128;
/// How long figures stand, so that they can be read.
const HELD: Nanos = Nanos::millis(500);

/// Who measures.
#[derive(Debug, Default)]
pub struct Meter {
    /// When each picture was done, and the CPU time that it took.
    pictures: VecDeque<(Nanos, Nanos)>,
    /// What was measured last, and when.
    held: Option<(Nanos, Cost)>,
    /// What one event costs whoever tells it, while that is shown.
    probe: Option<f64>,
}

impl Meter {
    /// A picture is done, and took this much CPU time.
    pub fn picture(&mut self, now: Nanos, took: Nanos) {
        self.pictures.push_back((now, took));
        while self.pictures.len() > PICTURES || self.pictures.front().is_some_and(|(at, _)| now.since(*at) > OVER) {
            self.pictures.pop_front();
        }
    }

    /// The median of the last second's pictures, and the worst of them.
    fn frame(&self) -> Option<(Nanos, Nanos)> {
        let mut sorted: Vec<Nanos> = self.pictures.iter().map(|(_, took)| *took).collect();
        sorted.sort_unstable();
        Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
    }

    /// The figures, no older than half a second. What an event costs is measured when they are looked at anew.
    pub fn look(&mut self, now: Nanos, stage: &Stage) -> &Cost {
        let held = self.held.take().filter(|(at, _)| now.since(*at) < HELD);
        let measured = held.unwrap_or_else(|| (now, self.measure(stage)));
        &self.held.insert(measured).1
    }

    /// They are not looked at any more.
    pub fn rest(&mut self) {
        (self.held, self.probe) = (None, None);
    }

    fn measure(&mut self, stage: &Stage) -> Cost {
        let world = stage.world();
        self.probe = self.probe.or_else(|| nanos_per_event(&Clock::new(stage.time_base()?)).ok());
        let kept = |history: &crate::world::history::History| {
            let (from, to) = history.span();
            (history.bytes(), history.len(), to.since(from))
        };
        Cost {
            pid: std::process::id(),
            own: world.own,
            spent: clock::process_cpu(),
            events: world.events,
            lost: world.lost,
            probe: self.probe,
            fold: stage.effort(),
            frame: self.frame(),
            history: stage.history().map(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_s_figures_are_of_the_last_second() {
        let mut meter = Meter::default();
        assert_eq!(meter.frame(), None);
        meter.picture(Nanos::millis(1), Nanos::secs(5));
        for n in 1..=100 {
            meter.picture(Nanos::millis(1000 + 20 * n), Nanos::micros(n));
        }
        let (median, worst) = meter.frame().unwrap();
        assert!(worst == Nanos::micros(100) && (70..80).contains(&(median.0 / 1000)), "{median} {worst}");
        (0..1000).for_each(|_| meter.picture(Nanos::secs(9), Nanos::ZERO));
        assert!(meter.pictures.len() <= PICTURES);
    }
}
