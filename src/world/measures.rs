//! Before and after: what a mitigation has changed, in figures of five seconds each.
//!
//! A measurement begins when a mitigation is switched on that answers something that is, or has just been, the matter. *Before* are the
//! five seconds that the matter shows in, *after* the first five whole seconds that lie wholly behind it. A fault that strikes one request
//! has to strike again, for without it every server is calm. All of it is a function of the world: a replay measures the same.

use std::collections::VecDeque;

use super::Specimen;
use super::findings::{Evidence, Finding, FindingKind};
use super::window::SLICES;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Mitigation, Outcome};

/// What one side of the comparison covers.
pub const OVER: Nanos = Nanos::secs(SLICES as u64);
/// Whole seconds that are remembered: as long as a finding stays, and some more.
const SECONDS: usize = 70;
/// What ends with the matter itself (those who waited for it) ends within so long.
const ECHO: Nanos = Nanos::secs(1);

/// The figures of the five seconds before a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The moment: a whole second.
    pub to: Nanos,
    /// Latencies: how many.
    pub count: u64,
    /// The median.
    pub p50: Nanos,
    /// The 99th percentile.
    pub p99: Nanos,
    /// The longest callback that was over or under way.
    pub longest: Nanos,
    /// Requests that were not answered, or with an error.
    pub failed: u64,
    /// By how much the process' own memory has grown, in KiB.
    pub memory: i64,
    /// By how many the open descriptors have grown.
    pub descriptors: i64,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What was switched on.
    pub mitigation: Mitigation,
    /// What it answers.
    pub kind: FindingKind,
    /// When.
    pub since: Nanos,
    /// The figures with the matter, where enough was seen of it.
    pub before: Option<Period>,
    /// What must strike again before there is an after.
    pub awaits: Option<Fault>,
    /// The figures with the mitigation, once they are there.
    pub after: Option<Period>,
    /// From when on they count.
    from: Nanos,
    struck: u32,
}

/// What is needed for measurements, and the last one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// The present or last measurement.
    pub last: Option<Measure>,
    periods: VecDeque<Period>,
    /// Figures of each of the last seconds: the longest callback, and totals at its end.
    seconds: VecDeque<Second>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Second {
    longest: Nanos,
    failed: u64,
    memory: u32,
    descriptors: u32,
}

impl Measure {
    /// How much of the time of the after-figures has passed; nothing while they wait for something, or when they are there.
    pub fn progress(&self, now: Nanos) -> Option<Nanos> {
        (self.after.is_none() && self.awaits.is_none()).then(|| now.since(self.from).min(OVER))
    }
}

impl Measures {
    /// Bytes beside the structure itself.
    pub(super) fn bytes(&self) -> usize {
        self.periods.capacity() * size_of::<Period>() + self.seconds.capacity() * size_of::<Second>()
    }

    /// The five seconds that something shows in that was over at this moment, or goes on.
    fn showing(&self, until: Option<Nanos>) -> Option<Period> {
        let whole = until.map_or(Nanos::MAX, |until| until + ECHO);
        self.periods.iter().find(|period| period.to >= whole).or(self.periods.back()).copied()
    }
}

impl Specimen {
    /// A mitigation is being switched on that answers this finding.
    pub(super) fn measure(&mut self, now: Nanos, mitigation: Mitigation, finding: &Finding) {
        let once = match &finding.evidence {
            Evidence::Stall(stall) => stall.fault,
            Evidence::Death(death) if death.last_words.contains("panicked") => Some(Fault::Panic),
            _ => None,
        };
        let awaits = once.filter(|fault| !finding.goes_on() && !self.faults[*fault as usize]);
        self.measures.last = Some(Measure {
            mitigation,
            kind: finding.kind,
            since: now,
            before: self.measures.showing(finding.until),
            awaits,
            after: None,
            from: now,
            struck: awaits.map_or(0, |fault| self.strikes(fault)),
        });
    }

    fn strikes(&self, fault: Fault) -> u32 {
        self.loops().fold(0, |sum, process| sum.saturating_add(process.reactor.struck[fault as usize]))
    }

    /// Another whole second is over, and nothing of the next has been taken in.
    pub(super) fn second(&mut self, now: Nanos) {
        let failed = Outcome::ALL
            .iter()
            .filter(|outcome| **outcome != Outcome::Answered)
            .map(|outcome| self.clients.outcomes[*outcome as usize])
            .sum();
        let longest = self.reactor.longest_since(now);
        let longest = self.processes.iter_mut().map(|process| process.reactor.longest_since(now)).fold(longest, Nanos::max);
        let descriptors = self.all_processes().filter_map(|process| process.kernel.descriptors).map(|(open, _)| open).sum();
        let second = Second { longest, failed, memory: self.memory().unwrap_or(0), descriptors };
        let seconds = &mut self.measures.seconds;
        if seconds.len() > SLICES {
            seconds.pop_front();
        }
        seconds.push_back(second);
        if let (true, Some(before)) = (seconds.len() > SLICES, seconds.front()) {
            let quantiles = self.clients.recent.quantiles();
            let grown = |now: u32, then: u32| if then == 0 { 0 } else { i64::from(now) - i64::from(then) };
            let period = Period {
                to: now,
                count: quantiles.count,
                p50: quantiles.p50,
                p99: quantiles.p99,
                longest: seconds.iter().skip(1).map(|second| second.longest).max().unwrap_or_default(),
                failed: second.failed.saturating_sub(before.failed),
                memory: grown(second.memory, before.memory),
                descriptors: grown(second.descriptors, before.descriptors),
            };
            if self.measures.periods.len() == SECONDS {
                self.measures.periods.pop_front();
            }
            self.measures.periods.push_back(period);
        }
        self.follow(now);
    }

    fn follow(&mut self, now: Nanos) {
        let Some(mut measure) = self.measures.last.filter(|measure| measure.after.is_none()) else { return };
        if let Some(fault) = measure.awaits
            && self.strikes(fault) > measure.struck
        {
            // It struck within the second that is over.
            (measure.awaits, measure.from) = (None, now - Nanos::secs(1));
        }
        if measure.awaits.is_none() && now >= measure.from + OVER {
            measure.after = self.measures.periods.back().copied().filter(|period| period.to == now);
        }
        self.measures.last = Some(measure);
    }
}

#[cfg(test)]
mod tests {
    use crate::base::ids::SpecimenId;
    use crate::telemetry::event::{Event, Lane, Origin, What};
    use crate::world::World;
    use crate::world::testing::Story;

    use super::*;

    /// A story whose specimen is mended at this moment.
    fn mended(story: &Story, at: Nanos, mitigation: Mitigation) -> Vec<Event> {
        let mut events = story.events();
        let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
        let place = events.partition_point(|event| event.at <= at);
        events.insert(place, Event { at, from, what: What::Mitigated { mitigation, on: 1 } });
        events
    }

    fn fold(story: &Story, events: &[Event]) -> World {
        let mut world = World::new(&story.setup());
        for event in events {
            world.apply(event);
        }
        world.advance(story.end());
        world
    }

    #[test]
    fn what_struck_once_is_measured_when_it_strikes_again() {
        let begin = || Story::new(&["naive"]).calm(Nanos::secs(3)).stall(Nanos::millis(800)).calm(Nanos::secs(6));
        let at = begin().end();
        let waiting = begin().calm(Nanos::secs(9));
        let world = fold(&waiting, &mended(&waiting, at, Mitigation::WorkerPool));
        let measure = world.specimens[0].measures.last.unwrap();
        assert_eq!((measure.awaits, measure.after, measure.kind), (Some(Fault::Compute), None, FindingKind::Computing));
        assert_eq!(measure.progress(world.now), None);
        let before = measure.before.unwrap();
        assert!(before.p99 >= Nanos::millis(500) && before.longest >= Nanos::millis(800), "{before:?}");

        // Sliced, so that the strike is another's work in small parts.
        let begin = || Story::new(&["naive"]).calm(Nanos::secs(3)).stall(Nanos::millis(800)).calm(Nanos::secs(6));
        let again = begin().stall(Nanos::millis(60)).calm(Nanos::secs(8));
        let events = mended(&again, at, Mitigation::Slicing);
        let world = fold(&again, &events);
        let measure = world.specimens[0].measures.last.unwrap();
        let after = measure.after.unwrap_or_else(|| panic!("{measure:?}"));
        assert!(after.longest >= Nanos::millis(60) && after.longest < Nanos::millis(70), "{after:?}");
        assert!(after.p99 < before.p99 && after.to > measure.since, "{after:?}");
        assert_eq!(fold(&again, &events).specimens[0].measures, world.specimens[0].measures);
    }

    #[test]
    fn what_lasts_is_measured_at_once_and_shows_its_progress() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(6)).grow(Nanos::secs(4), 200).calm(Nanos::secs(7));
        let at = story.end() - Nanos::secs(7);
        let events = mended(&story, at, Mitigation::WeakReferences);
        let early: Vec<_> = events.iter().filter(|event| event.at <= at + Nanos::secs(3)).copied().collect();
        let mut world = World::new(&story.setup());
        for event in &early {
            world.apply(event);
        }
        world.advance(at + Nanos::secs(3));
        let measure = world.specimens[0].measures.last.unwrap();
        assert_eq!((measure.progress(world.now), measure.after), (Some(Nanos::secs(3)), None));
        let measure = fold(&story, &events).specimens[0].measures.last.unwrap();
        let (before, after) = (measure.before.unwrap(), measure.after.unwrap());
        assert!(before.memory > 20_000 && after.memory < before.memory / 10, "{before:?} {after:?}");
    }

    #[test]
    fn nothing_is_measured_where_nothing_was_the_matter() {
        let story = Story::new(&["pool"]).calm(Nanos::secs(8));
        assert_eq!(story.world().specimens[0].measures.last, None);
        let world = fold(&story, &mended(&story, Nanos::secs(5), Mitigation::CatchPanic));
        assert_eq!(world.specimens[0].measures.last, None);
    }
}
