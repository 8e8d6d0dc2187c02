//! Who had to wait for a stall: the requests that were under way while it lasted, found again by folding its stretch of the past.

use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;

use super::clients::Slow;
use super::fold::connections_of;
use super::history::History;
use super::stalls::{Stall, StallEnd};
use super::{Specimen, World};

/// For how long after a stall its victims' ends are looked for: longer than a loop takes to work off what has come meanwhile.
const AFTER: Nanos = Nanos::secs(2);
/// Events that are folded for them at most.
const MOST: u64 = 1_000_000;

impl Specimen {
    /// The requests that are under way, with the latency that they have by now; the longest first, at most [`super::clients::MAX_TAIL`].
    pub fn unanswered(&self, now: Nanos) -> Vec<Slow> {
        self.clients.unanswered(now, |port| connections_of(&self.processes, &self.connections, port))
    }
}

/// The victims of a stall with what it cost them, the slowest first, at most [`super::clients::MAX_TAIL`]; as far as they were known at the
/// moment `now`. Nothing where its events are no longer kept.
pub fn of_stall(history: &History, specimen: SpecimenId, stall: &Stall, now: Nanos) -> Option<Vec<Slow>> {
    if stall.began < history.span().0 {
        return None;
    }
    let n = usize::from(specimen.0);
    let mut world = history.at(stall.began);
    world.specimens.get_mut(n)?.clients.forget_tail();
    let until = now.min(stall.until() + AFTER);
    let first = history.position(stall.began);
    for number in first..history.end().min(first + MOST) {
        let Some(event) = history.event(number).filter(|event| event.at <= until) else { break };
        world.apply(&event);
    }
    world.advance(until);
    Some(so_far(&world, world.specimens.get(n)?, stall))
}

/// The same of a stall that goes on: those of a world's slowest and unanswered requests that were under way during a stall and are not the culprit's.
pub fn so_far(world: &World, specimen: &Specimen, stall: &Stall) -> Vec<Slow> {
    let under_way = specimen.unanswered(world.now);
    let until = if stall.end == StallEnd::Ongoing { world.now } else { stall.until() };
    let met = |slow: &Slow| slow.intended < until && slow.intended + slow.latency > stall.began && slow.conn != stall.conn;
    let mut all: Vec<Slow> = specimen.clients.tail.iter().copied().chain(under_way).filter(met).collect();
    all.sort_by_key(|slow| std::cmp::Reverse(slow.latency));
    all.truncate(super::clients::MAX_TAIL);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::{Story, recorded};

    #[test]
    fn the_victims_of_the_second_stall_are_its_own() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(900)).calm(Nanos::secs(3)).stall(Nanos::millis(200));
        let story = story.calm(Nanos::secs(3));
        let (world, history) = recorded(&story);
        let stalls = &world.specimens[0].stalls.past;
        assert_eq!(stalls.len(), 2);
        for stall in stalls {
            let victims = of_stall(&history, SpecimenId(0), stall, world.now).unwrap();
            assert!(victims.len() > 48, "{}", victims.len());
            assert!(victims.iter().all(|slow| slow.intended < stall.until() && slow.intended + slow.latency > stall.began));
            assert!(victims.iter().all(|slow| slow.outcome.is_some() && slow.conn != stall.conn));
            // In the middle of it nobody has been answered yet.
            let middle = stall.began + Nanos(stall.length.0 / 2);
            let then = history.at(middle);
            let so_far = so_far(&then, &then.specimens[0], &then.specimens[0].stalls.current.unwrap());
            assert!(so_far.len() > 40 && so_far.iter().all(|slow| slow.latency < stall.length), "{}", so_far.len());
        }
    }
}
