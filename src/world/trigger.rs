//! Triggers, as on an oscilloscope: what is waited for, and what came at which moment.
//!
//! A part of the fold: a replay strikes where the live run did. One-shot: what has struck is armed no more. Who stands still at that moment
//! is none of its business.

use serde::{Deserialize, Serialize};

use super::fold::connections_of;
use super::reactor::Running;
use super::{Specimen, World, clients};
use crate::base::ids::{ClientId, ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Part, What};
use crate::telemetry::vocabulary::{Fault, Outcome, Trigger};

/// How a process ends whose panic nobody caught: as a signal, or as an exit code.
const PANICKED: (u32, u32) = (6, 101);

/// What is waited for, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TriggerSetting {
    /// A callback holds the loop for longer than this.
    Stall {
        /// Than this.
        over: Nanos,
    },
    /// A request ends longer than this after it was due.
    Latency {
        /// Than this.
        over: Nanos,
    },
    /// A callback panics, caught or not.
    Panic,
    /// A process ends, in whatever way.
    Death,
    /// A client's request ends in anything but a complete response below 400.
    ClientError,
    /// Telemetry is dropped.
    LostEvents,
}

impl TriggerSetting {
    /// What is waited for, with so much of it where it has a length.
    pub fn new(kind: Trigger, over: Nanos) -> Self {
        match kind {
            Trigger::Stall => Self::Stall { over },
            Trigger::Latency => Self::Latency { over },
            Trigger::Panic => Self::Panic,
            Trigger::Death => Self::Death,
            Trigger::ClientError => Self::ClientError,
            Trigger::LostEvents => Self::LostEvents,
        }
    }

    /// What is waited for.
    pub fn kind(self) -> Trigger {
        match self {
            Self::Stall { .. } => Trigger::Stall,
            Self::Latency { .. } => Trigger::Latency,
            Self::Panic => Trigger::Panic,
            Self::Death => Trigger::Death,
            Self::ClientError => Trigger::ClientError,
            Self::LostEvents => Trigger::LostEvents,
        }
    }

    /// Longer than what, where that matters.
    pub fn over(self) -> Option<Nanos> {
        match self {
            Self::Stall { over } | Self::Latency { over } => Some(over),
            _ => None,
        }
    }
}

/// A trigger that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// What it waits for.
    pub setting: TriggerSetting,
    /// Where; without it, wherever it comes first.
    pub only: Option<SpecimenId>,
    /// Since when. What came before is not meant.
    pub at: Nanos,
}

/// What a trigger has waited for, come true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What was waited for.
    pub armed: Armed,
    /// Where it came.
    pub specimen: SpecimenId,
    /// Of which of its worker processes, where there are such.
    pub process: Option<u8>,
    /// The moment; that of a length is the moment at which it was exceeded.
    pub at: Nanos,
    /// The number of the event that it was; nothing where it lies between two.
    pub event: Option<u64>,
    /// What came.
    pub what: Struck,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// This callback has held the loop for as long as was waited for.
    Callback(Running),
    /// The callback of this connection panics.
    Panic(ConnId),
    /// The process ended: by this signal, or with this code where the signal is 0.
    Death {
        /// The signal, or 0.
        signal: u32,
        /// The exit code.
        code: u32,
    },
    /// A request ended.
    Request {
        /// Whose ([`clients::NOBODY`]: it was never sent).
        client: ClientId,
        /// On which connection of the specimen, where that is known.
        conn: ConnId,
        /// How long after it was due, where that is known.
        latency: Option<Nanos>,
        /// How.
        outcome: Outcome,
    },
    /// So many events were dropped.
    Lost(u32),
}

/// The trigger of a lab: there is one, as on an oscilloscope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    /// What waits.
    pub armed: Option<Armed>,
    /// What came last.
    pub strike: Option<Strike>,
    /// How often anything came.
    pub strikes: u32,
}

impl Triggers {
    pub(super) fn arm(&mut self, at: Nanos, kind: Trigger, only: Option<SpecimenId>, micros: u32) {
        self.armed = Some(Armed { setting: TriggerSetting::new(kind, Nanos::micros(u64::from(micros))), only, at });
    }

    fn strike(&mut self, strike: Strike) {
        (self.armed, self.strike, self.strikes) = (None, Some(strike), self.strikes.saturating_add(1));
    }
}

impl World {
    /// What an event that is about to be folded means to the trigger that waits.
    #[cold]
    pub(super) fn await_trigger(&mut self, at: Nanos, event: &Event) {
        let (id, lane) = (event.from.specimen, event.from.lane);
        let Some(armed) = self.triggers.armed.filter(|armed| armed.only.is_none_or(|only| only == id)) else { return };
        let process = if let Lane::Process(n, _) = lane { Some(n) } else { None };
        let of_lab = matches!(lane, Lane::Lab | Lane::Process(_, Part::Lab));
        let Some(specimen) = self.specimens.get(usize::from(id.0)) else { return };
        let what = match (armed.setting, event.what) {
            // What ends a callback is the last moment at which its length can be told.
            (TriggerSetting::Stall { over }, _) if matches!(lane, Lane::Loop | Lane::Process(_, Part::Loop)) => {
                return self.await_length(at, over);
            }
            (TriggerSetting::Panic, What::Struck { conn, fault: Fault::Panic } | What::Caught { conn }) => Struck::Panic(conn),
            (TriggerSetting::Panic, What::Died { signal, code }) if of_lab && (signal == PANICKED.0 || code == PANICKED.1) => {
                Struck::Death { signal, code }
            }
            (TriggerSetting::Death, What::Died { signal, code }) if of_lab => Struck::Death { signal, code },
            (TriggerSetting::ClientError | TriggerSetting::Latency { .. }, What::Finished { client, outcome: (outcome, _) }) => {
                let connections = connections_of(&specimen.processes, &specimen.connections, specimen.clients.port(client));
                let (conn, latency) = specimen.clients.about_to_end(at, client, connections);
                Struck::Request { client, conn, latency, outcome }
            }
            (TriggerSetting::ClientError | TriggerSetting::Latency { .. }, What::GaveUp { after, .. }) => Struck::Request {
                client: clients::NOBODY,
                conn: ConnId::NONE,
                latency: Some(Nanos::micros(u64::from(after))),
                outcome: Outcome::Timeout,
            },
            (TriggerSetting::LostEvents, What::Lost { events, .. }) => Struck::Lost(events),
            _ => return,
        };
        let meant = match (armed.setting, what) {
            (TriggerSetting::ClientError, Struck::Request { outcome, .. }) => outcome != Outcome::Answered,
            (TriggerSetting::Latency { over }, Struck::Request { latency, .. }) => latency.is_some_and(|latency| latency > over),
            _ => true,
        };
        if meant {
            let event = self.events.checked_sub(1);
            self.triggers.strike(Strike { armed, specimen: id, process, at, event, what });
        }
    }

    /// Looks whether a callback has held its loop for too long by now: the first that did. It makes no difference how often it is asked.
    pub(super) fn await_length(&mut self, now: Nanos, over: Nanos) {
        let Some(armed) = self.triggers.armed else { return };
        let mut first: Option<Strike> = None;
        for specimen in self.specimens.iter().filter(|specimen| armed.only.is_none_or(|only| only == specimen.id)) {
            let own = std::iter::once((None, specimen));
            let processes = (0_u8..).zip(&specimen.processes).map(|(n, process)| (Some(n), process));
            for (process, running, at) in own.chain(processes).filter_map(|(n, s)| Some((n, s.reactor.running?, s.exceeds(over, now)?))) {
                // What had lasted too long already when it was armed is not what was waited for.
                if at > armed.at && first.is_none_or(|first| at < first.at) {
                    let what = Struck::Callback(running);
                    first = Some(Strike { armed, specimen: specimen.id, process, at, event: None, what });
                }
            }
        }
        if let Some(strike) = first {
            self.triggers.strike(strike);
        }
    }
}

impl Specimen {
    /// When the callback that runs has held the loop for so long, if it has by now.
    fn exceeds(&self, over: Nanos, now: Nanos) -> Option<Nanos> {
        // One that panics has ended where it did, whenever that is told.
        let running = self.reactor.running.filter(|running| running.fault != Some(Fault::Panic))?;
        let watched = self.stalls.watched(running.since, now);
        (watched >= over).then(|| now.since(watched - over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::event::Origin;
    use crate::world::testing::Story;
    use proptest::prelude::*;

    const MS: fn(u64) -> Nanos = Nanos::millis;

    /// A calm second, the trigger armed at its end, then what a story tells.
    fn told(setting: TriggerSetting, story: impl Fn(Story) -> Story) -> World {
        let calm = |names: &[&str]| Story::new(names).calm(Nanos::secs(1));
        let before = calm(&["naive", "pool"]).events().len();
        let events = story(calm(&["naive", "pool"])).calm(MS(200)).events();
        let mut world = World::new(&calm(&["naive", "pool"]).setup());
        for (n, event) in events.iter().enumerate() {
            if n == before {
                let what = What::Armed { trigger: (setting.kind(), 0), over: setting.over().map_or(0, |over| (over.0 / 1_000) as u32) };
                world.apply(&Event { at: Nanos::secs(1), from: Origin { specimen: SpecimenId(0), lane: Lane::Lab }, what });
                assert_eq!(world.triggers.armed.map(|armed| armed.setting), Some(setting));
            }
            world.apply(event);
        }
        world
    }

    fn strike(setting: TriggerSetting, story: impl Fn(Story) -> Story) -> Option<Strike> {
        let last = told(setting, story);
        assert_eq!(last.triggers.strikes, u32::from(last.triggers.strike.is_some()), "it strikes once");
        assert_eq!(last.triggers.armed.is_none(), last.triggers.strike.is_some(), "and is armed no more");
        last.triggers.strike
    }

    #[test]
    fn a_stall_strikes_at_the_moment_at_which_it_has_lasted_too_long() {
        for over in [MS(10), MS(100), MS(299)] {
            let found = strike(TriggerSetting::Stall { over }, |story| story.stall(MS(300))).unwrap();
            let Struck::Callback(running) = found.what else { panic!("{found:?}") };
            assert_eq!((found.at, found.event), (running.since + over, None), "over {over}");
            assert!(running.since >= Nanos::secs(1));
        }
        assert_eq!(strike(TriggerSetting::Stall { over: MS(900) }, |story| story.stall(MS(300))), None);
        // A loop that never comes back says nothing; its kernel and its clients do.
        assert!(strike(TriggerSetting::Stall { over: MS(50) }, |story| story.hang(MS(500))).is_some());
    }

    #[test]
    fn others_strike_with_the_event_that_they_are() {
        let panic = strike(TriggerSetting::Panic, Story::panic).unwrap();
        assert!(matches!(panic.what, Struck::Panic(conn) if conn.is_some()), "{panic:?}");
        let death = strike(TriggerSetting::Death, |story| story.death(9)).unwrap();
        assert_eq!(death.what, Struck::Death { signal: 9, code: 0 });
        assert_eq!(strike(TriggerSetting::Panic, |story| story.death(9)), None, "that was no panic");
        let lost = strike(TriggerSetting::LostEvents, |story| story.lose(9)).unwrap();
        assert_eq!(lost.what, Struck::Lost(9));
        let error = strike(TriggerSetting::ClientError, Story::panic).unwrap();
        assert!(matches!(error.what, Struck::Request { outcome, .. } if outcome != Outcome::Answered), "{error:?}");
        let slow = strike(TriggerSetting::Latency { over: MS(100) }, |story| story.stall(MS(300))).unwrap();
        let Struck::Request { conn, latency: Some(latency), outcome: Outcome::Answered, .. } = slow.what else { panic!("{slow:?}") };
        assert!(conn.is_some() && latency > MS(100) && latency < MS(400), "{slow:?}");
        for found in [panic, death, lost, error, slow] {
            assert!(found.event.is_some() && found.at >= Nanos::secs(1), "{found:?}");
        }
        for setting in [TriggerSetting::Panic, TriggerSetting::Death, TriggerSetting::ClientError, TriggerSetting::LostEvents] {
            assert_eq!(strike(setting, |story| story.calm(Nanos::secs(1))), None, "{setting:?}");
        }
    }

    #[test]
    fn one_that_is_for_one_specimen_waits_for_that_one() {
        let arm = |only: u16| What::Armed { trigger: (Trigger::Stall, only), over: 50_000 };
        for (only, specimen, struck) in [(0, 1, true), (1, 0, true), (1, 1, false)] {
            // Only the first of the two computes.
            let events = Story::new(&["naive", "pool"]).calm(MS(500)).stall(MS(200)).calm(MS(100)).events();
            let mut world = World::new(&Story::new(&["naive", "pool"]).setup());
            let armed = Origin { specimen: SpecimenId(specimen), lane: Lane::Lab };
            world.apply(&Event { at: Nanos::ZERO, from: armed, what: arm(only) });
            for event in &events {
                world.apply(event);
            }
            assert_eq!(world.triggers.strike.is_some(), struck, "{only} {specimen}: {:?}", world.triggers);
            let disarm = Event { at: world.now, from: armed, what: What::Disarmed {} };
            world.apply(&disarm);
            assert_eq!(world.triggers.armed, None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Whoever looks more often sees the same.
        #[test]
        fn it_makes_no_difference_how_often_the_world_is_looked_at(looks in proptest::collection::vec(0_u64..1_800, 0..12), over in 1_u64..400) {
            let story = Story::new(&["naive", "pool"]).calm(MS(700)).stall(MS(300)).calm(MS(300)).park(MS(200)).calm(MS(200));
            let arm = What::Armed { trigger: (Trigger::Stall, 0), over: (over * 1_000) as u32 };
            let arm = Event { at: MS(1), from: Origin { specimen: SpecimenId(0), lane: Lane::Lab }, what: arm };
            let (mut plain, mut looked) = (World::new(&story.setup()), World::new(&story.setup()));
            plain.apply(&arm);
            looked.apply(&arm);
            let mut looks: Vec<Nanos> = looks.into_iter().map(MS).collect();
            looks.sort_unstable();
            for event in story.events() {
                while looks.first().is_some_and(|look| *look <= event.at) {
                    looked.advance(looks.remove(0));
                }
                plain.apply(&event);
                looked.apply(&event);
            }
            prop_assert_eq!(plain.triggers, looked.triggers);
        }
    }
}
