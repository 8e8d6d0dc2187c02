//! What outlasts a frame: figures that are held so that they can be read, the afterglow of the phases, the turn of the wheel.
//!
//! Moved on by the world's own time, never by a clock: a replay shows the same picture as the live run.

use crate::base::units::Nanos;
use crate::specimen::source;
use crate::telemetry::vocabulary::{Cause, Phase};
use crate::world::window::Quantiles;
use crate::world::{Specimen, World};

use super::steps::Steps;

/// How long a figure stands before it is read anew.
const HELD: Nanos = Nanos::millis(250);
/// How fast the glow of a phase fades, in seconds.
const AFTERGLOW: f64 = 0.25;
/// How long the loop must be on a line before the line is marked: three frames.
const READABLE: Nanos = Nanos::millis(100);
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
    /// The share of time that callbacks of each cause took, lately.
    pub causes: [f64; Cause::COUNT],
    /// The line of the reactor that is marked as running, where it has been running for long enough to be read.
    pub line: Option<usize>,
    /// The line of the reactor that the code pane is about: moves smoothly.
    pub focus: f64,
    /// The requests to `/chain`, where there are such.
    pub steps: Steps,
    /// Time in callbacks of each cause when their shares were read.
    busy: [Nanos; Cause::COUNT],
    /// When that was.
    busy_at: Nanos,
}

/// The figures that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// When they were read.
    pub at: Nanos,
    /// Latency of the last seconds.
    pub recent: Quantiles,
    /// The same uncorrected.
    pub uncorrected: Quantiles,
    /// Loop lag; `None` where there is no loop.
    pub lag: Option<Nanos>,
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
        Self {
            figures: Figures::default(),
            glow: [0.0; Phase::COUNT],
            shares: [0.0; Phase::COUNT],
            turn: 1000,
            causes: [0.0; Cause::COUNT],
            line: None,
            focus: resting_line(),
            steps: Steps::default(),
            busy: [Nanos::ZERO; Cause::COUNT],
            busy_at: Nanos::ZERO,
        }
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

    /// Looks at a world of the past, which stands, or moves as slowly as the person wants, forwards or back: everything as it was
    /// at that moment, nothing held and nothing eased. Time that goes backwards is no new beginning here.
    pub fn stand(&mut self, world: &World) {
        if self.specimens.len() != world.specimens.len() {
            self.specimens = vec![Gaze::default(); world.specimens.len()];
        }
        for (gaze, specimen) in self.specimens.iter_mut().zip(&world.specimens) {
            gaze.stand(specimen, world.now);
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
        let shown = specimen.loop_in_view();
        let reactor = &shown.reactor;
        let renew = first || now.since(self.figures.at) >= HELD;
        let before = self.steps.style;
        self.steps.look(shown, now, READABLE, renew);
        if renew {
            self.read_causes(shown, now, first);
            self.figures = Figures::of(specimen, now);
        }
        if specimen.stall().is_some() {
            // What a stall does to the figures is to be seen as it happens.
            self.figures.lag = specimen.lag();
            self.figures.in_flight = specimen.clients.in_flight;
            self.figures.backlog = specimen.clients.backlog;
        }
        let (fade, ease) = ((-dt / AFTERGLOW).exp(), if first { 1.0 } else { 1.0 - (-dt / EASING).exp() });
        for (n, phase) in Phase::ALL.iter().enumerate() {
            self.glow[n] = if *phase == reactor.phase { 1.0 } else { self.glow[n] * fade };
            self.shares[n] += (reactor.shares[n] - self.shares[n]) * ease;
        }
        self.turn = turn(self.turn, reactor.tick_rate);
        self.line = running_line(shown, now, READABLE);
        let target = self.steps.focus(now).unwrap_or_else(|| self.line.map_or_else(resting_line, |line| line as f64));
        self.focus += (target - self.focus) * ease.min(0.5);
        // Another file is turned to, not moved to.
        if before != self.steps.style || (target - self.focus).abs() < 0.4 {
            self.focus = target;
        }
    }

    fn stand(&mut self, specimen: &Specimen, now: Nanos) {
        let shown = specimen.loop_in_view();
        let reactor = &shown.reactor;
        self.steps.look(shown, now, Nanos::ZERO, true);
        if self.figures.at != now {
            self.figures = Figures::of(specimen, now);
        }
        if now < self.busy_at {
            // Shares of a stretch that has been left backwards stay until there is a stretch again.
            self.note_busy(shown, now);
        } else if now.since(self.busy_at) >= HELD {
            self.read_causes(shown, now, false);
        }
        self.glow = std::array::from_fn(|n| if Phase::ALL[n] == reactor.phase { 1.0 } else { 0.0 });
        self.shares = reactor.shares;
        self.turn = turn(self.turn, reactor.tick_rate);
        self.line = running_line(shown, now, Nanos::ZERO);
        self.focus = self.steps.focus(now).unwrap_or_else(|| self.line.map_or_else(resting_line, |line| line as f64));
    }

    fn note_busy(&mut self, specimen: &Specimen, now: Nanos) {
        self.busy = std::array::from_fn(|n| specimen.reactor.causes[n].busy);
        self.busy_at = now;
    }

    fn read_causes(&mut self, specimen: &Specimen, now: Nanos, first: bool) {
        let passed = now.since(self.busy_at);
        for (n, tally) in specimen.reactor.causes.iter().enumerate() {
            let share = tally.busy.since(self.busy[n]).as_secs() / passed.as_secs().max(1e-9);
            // Half old, half new: the last second, more or less.
            self.causes[n] = if first { 0.0 } else { f64::midpoint(self.causes[n], share.min(1.0)) };
        }
        self.note_busy(specimen, now);
    }
}

impl Figures {
    /// The figures of this moment.
    fn of(specimen: &Specimen, at: Nanos) -> Self {
        let (reactor, clients) = (&specimen.loop_in_view().reactor, &specimen.clients);
        Self {
            at,
            recent: clients.recent.quantiles(),
            uncorrected: clients.recent_uncorrected.quantiles(),
            lag: specimen.lag(),
            rate: clients.rate,
            offered: clients.offered,
            requests: specimen.request_rate(),
            ticks: reactor.tick_rate,
            in_flight: clients.in_flight,
            backlog: clients.backlog,
            shares: reactor.shares,
        }
    }
}

/// The line that runs, where the loop has been on it for so long.
fn running_line(specimen: &Specimen, now: Nanos, readable: Nanos) -> Option<usize> {
    let reactor = &specimen.reactor;
    if !specimen.is_alive() || reactor.ticks == 0 {
        return None;
    }
    match reactor.running {
        Some(running) if now.since(running.since) >= readable => Some(source::line_of(Phase::Dispatch, Some(running.cause))),
        None if now.since(reactor.phase_since) >= readable => Some(source::line_of(reactor.phase, None)),
        _ => None,
    }
}

/// Where the code pane rests: on the loop over what is ready, the middle of the tick.
fn resting_line() -> f64 {
    static LINE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *LINE.get_or_init(|| source::line_of(Phase::Poll, None)) as f64
}

/// Ticks in one turn of the wheel, so that it turns between once in fifteen seconds and once in one. It changes late, so as not to jump.
fn turn(present: u64, rate: f64) -> u64 {
    let present = present.max(1);
    let speed = rate / present as f64;
    if rate > 0.5 && !(0.06..=1.0).contains(&speed) { 10_u64.saturating_pow(rate.log10().ceil().clamp(0.0, 9.0) as u32) } else { present }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_may_go_backwards() {
        use crate::world::testing::Story;
        let world = |millis| Story::new(&["naive"]).calm(Nanos::millis(millis)).world();
        let mut eye = Eye::default();
        eye.look(&world(1000));
        eye.look(&world(1400));
        let before = eye.gaze(0).causes;
        assert!(before.iter().any(|share| *share > 0.0), "{before:?}");
        let past = world(700);
        eye.stand(&past);
        let gaze = eye.gaze(0);
        assert_eq!((gaze.figures.at, gaze.causes), (past.now, before), "the figures are those of then");
        assert!((gaze.glow.iter().sum::<f64>() - 1.0).abs() < 1e-9, "one phase, no afterglow");
        assert!(gaze.line.is_some(), "the line is marked at once");
        eye.stand(&world(1300));
        assert!(eye.gaze(0).causes.iter().all(|share| (0.0..=1.0).contains(share)));
        eye.look(&world(3000));
        assert_eq!(eye.gaze(0).figures.at, world(3000).now);
    }

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
