//! The supervisor: a watchdog with a deadline that kills a stuck process, and replaces whichever died.

use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::telemetry::shared::Shared;
use crate::telemetry::vocabulary::Phase;

/// A process that died sooner than this after its start is replaced later each time, so that one that cannot start does not burn a core.
const TOO_SOON: Nanos = Nanos::millis(500);
/// The longest such pause.
const LONGEST_PAUSE: Nanos = Nanos::secs(5);

/// The supervisor of one specimen; without a deadline it does nothing.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    deadline: Option<Nanos>,
    /// Nothing before this moment counts against the process: it was not there, or it was stopped on purpose.
    innocent_until: Nanos,
    spawned: Nanos,
    respawn_at: Option<Nanos>,
    pause: Nanos,
}

impl Supervisor {
    /// The supervisor that these settings name, if one does.
    pub fn new(settings: &[MitigationSetting]) -> Self {
        let deadline =
            settings.iter().find_map(|m| if let MitigationSetting::Supervisor { deadline } = m { Some(*deadline) } else { None });
        Self { deadline, ..Self::default() }
    }

    /// A process was started.
    pub fn spawned(&mut self, now: Nanos) {
        self.spawned = now;
        self.innocent_until = now;
        self.respawn_at = None;
    }

    /// What came before is not the process's fault.
    pub fn excuse(&mut self, now: Nanos) {
        self.innocent_until = now;
    }

    /// The process died.
    pub fn died(&mut self, now: Nanos) {
        if self.deadline.is_none() {
            return;
        }
        self.pause =
            if now.since(self.spawned) < TOO_SOON { Nanos((self.pause.0 * 2).clamp(50_000_000, LONGEST_PAUSE.0)) } else { Nanos::ZERO };
        self.respawn_at = Some(now + self.pause);
    }

    /// Whether a new process is to be started now.
    pub fn respawn_is_due(&self, now: Nanos) -> bool {
        self.respawn_at.is_some_and(|at| at <= now)
    }

    /// Whether the process has held its loop beyond the deadline, and for how long. A loop in `epoll_wait` is at rest, and one that
    /// the gate holds is held by us.
    pub fn watch(&self, shared: &Shared, clock: &Clock) -> Option<Nanos> {
        let deadline = self.deadline?;
        let beat = shared.heartbeat();
        if beat.phase == Phase::Poll && beat.callback.is_none() || shared.gate().is_held() {
            return None;
        }
        let since = clock.base().nanos(beat.since).max(self.innocent_until);
        let held = clock.now().since(since);
        (held > deadline).then_some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ConnId;
    use crate::telemetry::vocabulary::Cause;
    use crate::telemetry::{Probe, Recorder};

    fn supervisor(deadline: Nanos) -> Supervisor {
        Supervisor::new(&[MitigationSetting::CatchPanic, MitigationSetting::Supervisor { deadline }])
    }

    #[test]
    fn only_a_loop_that_is_held_too_long_is_killed() {
        let clock = Clock::start();
        let (shared, _fd) = Shared::create("t", &clock, 1, 64).unwrap();
        let mut probe = Recorder::new(&shared, 0);
        let mut s = supervisor(Nanos::millis(20));
        s.spawned(clock.now());
        probe.enter(Phase::Poll, 0);
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(s.watch(&shared, &clock), None, "at rest");
        probe.begin(Cause::Readable, ConnId(1));
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert!(s.watch(&shared, &clock).is_some_and(|held| held >= Nanos::millis(30)));
        s.excuse(clock.now());
        assert_eq!(s.watch(&shared, &clock), None, "excused");
        assert_eq!(Supervisor::new(&[]).watch(&shared, &clock), None, "no supervisor");
    }

    #[test]
    fn one_that_dies_at_once_is_replaced_ever_later() {
        let mut s = supervisor(Nanos::secs(1));
        let mut now = Nanos::secs(10);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            s.spawned(now);
            now += Nanos::millis(1);
            s.died(now);
            pauses.push(s.pause);
            assert!(!s.respawn_is_due(now) && s.respawn_is_due(now + s.pause));
            now += s.pause;
        }
        assert!(pauses.is_sorted() && pauses[11] == LONGEST_PAUSE, "{pauses:?}");
        s.spawned(now);
        s.died(now + Nanos::secs(1));
        assert!(s.respawn_is_due(now + Nanos::secs(1)));
    }
}
