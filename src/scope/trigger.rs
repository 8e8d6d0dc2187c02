//! Triggers, as on an oscilloscope: what one waits for, and at which moment it came.
//!
//! Judged from the world alone; who freezes at that moment is none of its business.

use crate::base::units::Nanos;
use crate::world::World;

/// What freezes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A callback holds the loop for longer than the threshold.
    Stall,
    /// A process dies.
    Death,
    /// Events are lost.
    Lost,
}

/// A trigger that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// What it waits for.
    pub trigger: Trigger,
    /// What came before is not meant.
    pub since: Nanos,
}

impl Trigger {
    /// The one that a further press arms: stall, death, lost events, none.
    pub fn after(present: Option<Self>) -> Option<Self> {
        match present {
            None => Some(Self::Stall),
            Some(Self::Stall) => Some(Self::Death),
            Some(Self::Death) => Some(Self::Lost),
            Some(Self::Lost) => None,
        }
    }

    /// The key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Stall => "armed.stall",
            Self::Death => "armed.death",
            Self::Lost => "armed.lost",
        }
    }
}

impl Armed {
    /// Where and when it came, if it has: the specimen's place, and the moment at which it could first be told. The earliest, where it
    /// came to several.
    pub fn struck(self, world: &World) -> Option<(usize, Nanos)> {
        let moments = world.specimens.iter().enumerate().filter_map(|(n, specimen)| {
            let at = match self.trigger {
                Trigger::Stall => {
                    let mut stalls = specimen.stalls.past.iter().chain(&specimen.stalls.current);
                    stalls.find(|stall| stall.began >= self.since).map(|stall| stall.began + world.stall_threshold)
                }
                Trigger::Death => specimen.deaths.iter().map(|death| death.at).find(|at| *at > self.since),
                Trigger::Lost => specimen.lost_at.filter(|at| *at > self.since),
            };
            Some((n, at?))
        });
        moments.min_by_key(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn each_trigger_waits_for_its_own_and_for_what_is_new() {
        let begin = || Story::new(&["naive"]).calm(Nanos::secs(1));
        let worlds = [
            (Trigger::Stall, begin().stall(Nanos::millis(300)).calm(Nanos::millis(100)).world()),
            (Trigger::Death, begin().panic().calm(Nanos::millis(100)).world()),
            (Trigger::Lost, begin().lose(9).calm(Nanos::millis(100)).world()),
        ];
        let calm = begin().world();
        for (trigger, world) in &worlds {
            let armed = Armed { trigger: *trigger, since: Nanos::millis(500) };
            assert_eq!(armed.struck(&calm), None, "{trigger:?}");
            let (n, at) = armed.struck(world).unwrap_or_else(|| panic!("{trigger:?}"));
            assert!(n == 0 && at >= Nanos::millis(900) && at <= world.now, "{trigger:?} at {at}");
            assert_eq!(Armed { since: world.now, ..armed }.struck(world), None, "{trigger:?} was before");
        }
        assert_eq!(Armed { trigger: Trigger::Death, since: Nanos::ZERO }.struck(&worlds[0].1), None);
        // A stall that goes on is enough.
        let hanging = begin().hang(Nanos::millis(200)).world();
        assert!(Armed { trigger: Trigger::Stall, since: Nanos::ZERO }.struck(&hanging).is_some());
    }

    #[test]
    fn pressing_on_comes_back_to_none() {
        let mut armed = None;
        let round: Vec<_> = (0..4)
            .map(|_| {
                armed = Trigger::after(armed);
                armed
            })
            .collect();
        assert_eq!(round, [Some(Trigger::Stall), Some(Trigger::Death), Some(Trigger::Lost), None]);
    }
}
