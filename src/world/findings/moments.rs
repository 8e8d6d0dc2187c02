//! When something began to be the matter, as far as a world remembers: the places that one jumps to in the past.
//!
//! A place is where the world of that moment already finds it: a stall once it has lasted long enough to be one, a state once it was seen twice.

use super::FindingKind;
use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::world::spells::LOOK;
use crate::world::{Specimen, StallKind, World};

/// Something began to be the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// From when on the world finds it.
    pub at: Nanos,
    /// What.
    pub kind: FindingKind,
}

/// Those of one specimen and its worker processes, in their order.
pub fn all(world: &World, specimen: &Specimen) -> Vec<Moment> {
    let mut found: Vec<Moment> = specimen.all_processes().flat_map(|process| of_process(world, process)).collect();
    found.sort_by_key(|moment| moment.at);
    found
}

/// The next one after a moment, or the last one before it.
pub fn next(world: &World, specimen: SpecimenId, at: Nanos, forwards: bool) -> Option<Moment> {
    let all = all(world, world.specimens.get(usize::from(specimen.0))?);
    if forwards { all.into_iter().find(|moment| moment.at > at) } else { all.into_iter().rfind(|moment| moment.at < at) }
}

fn of_process(world: &World, process: &Specimen) -> impl Iterator<Item = Moment> {
    let stalls = process.stalls.past.iter().chain(&process.stalls.current).map(|stall| {
        let kind = match stall.kind {
            StallKind::Computing => FindingKind::Computing,
            StallKind::Parked => FindingKind::Parking,
            StallKind::Unknown => FindingKind::Blocked,
        };
        Moment { at: stall.began + world.stall_threshold, kind }
    });
    let deaths = process.deaths.iter().map(|death| Moment { at: death.at, kind: FindingKind::Died });
    let spells = process.spells.past.iter().chain(process.spells.going_on());
    let spells = spells.map(|spell| Moment { at: spell.since + LOOK, kind: spell.kind });
    let lost = process.lost_at.map(|at| Moment { at, kind: FindingKind::LostTelemetry });
    stalls.chain(deaths).chain(spells).chain(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::vocabulary::Mitigation;
    use crate::world::findings::judge;
    use crate::world::history::Limits;
    use crate::world::testing::{Story, recorded_within};

    #[test]
    fn each_is_found_by_the_world_of_its_moment_and_one_goes_through_them_both_ways() {
        let story = Story::new(&["naive"])
            .calm(Nanos::secs(2))
            .stall(Nanos::millis(400))
            .calm(Nanos::secs(1))
            .lose(7)
            .calm(Nanos::secs(1))
            .rate(110_000.0)
            .calm(Nanos::millis(500))
            .rate(500.0)
            .calm(Nanos::secs(3))
            .mend(Mitigation::CatchPanic)
            .death(9)
            .calm(Nanos::secs(1));
        let (live, history) = recorded_within(&story, Limits { events: 2_000_000, bytes: 128 << 20 });
        let found = all(&live, &live.specimens[0]);
        let kinds: Vec<_> = found.iter().map(|moment| moment.kind).collect();
        for wanted in [FindingKind::LostTelemetry, FindingKind::Overloaded, FindingKind::Died] {
            assert!(kinds.contains(&wanted), "{wanted:?} is not among {kinds:?}");
        }
        for moment in &found {
            let then = history.at(moment.at);
            let names: Vec<_> = judge(&then).into_iter().filter(|finding| finding.goes_on() || finding.kind.is_moment()).collect();
            // Whether a stall computes is known a little later.
            let stall = |kind| matches!(kind, FindingKind::Computing | FindingKind::Parking | FindingKind::Blocked);
            let same = |kind| kind == moment.kind || (stall(kind) && stall(moment.kind));
            assert!(names.iter().any(|finding| same(finding.kind)), "{moment:?}: {names:?}");
        }
        let mut at = Nanos::ZERO;
        for moment in &found {
            let next = next(&live, SpecimenId(0), at, true).unwrap();
            assert_eq!(next.at, moment.at);
            at = next.at;
        }
        assert_eq!(next(&live, SpecimenId(0), at, true), None);
        let back = std::iter::successors(Some(at), |at| next(&live, SpecimenId(0), *at, false).map(|moment| moment.at));
        assert_eq!(back.count(), found.len());
        assert_eq!(next(&live, SpecimenId(9), at, false), None);
    }
}
