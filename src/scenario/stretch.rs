//! The figures of a stretch of time: what has been counted between two looks at the world. A task's goal is about the last seconds, and what a
//! prediction came to is about the time since it was made; neither must be hidden by what happened before.
//!
//! It reads no clock: time is the world's.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{CloseReason, Outcome};
use crate::world::window::histogram;
use crate::world::{Specimen, World};

use super::experiment::Evidence;
use super::schema::Figure;

/// Between two looks that are kept.
const STEP: Nanos = Nanos::millis(250);

/// A stretch of time up to now, of a fixed length or since a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// How long; [`Nanos::MAX`]: since the first look.
    length: Nanos,
    /// Looks at the world, oldest first; as many as the length has steps, and one more. Bounded by the longest length that is valid (10 s).
    looks: VecDeque<Look>,
}

/// What had been counted by a moment.
#[derive(Clone, Debug, PartialEq)]
struct Look {
    at: Nanos,
    specimens: Vec<Tally>,
}

/// The same of one specimen.
#[derive(Clone, Debug, PartialEq)]
struct Tally {
    name: String,
    latencies: Histogram<u32>,
    timers: Histogram<u32>,
    callbacks: Histogram<u32>,
    outcomes: [u64; Outcome::COUNT],
    closed: [u64; CloseReason::COUNT],
    /// See [`counts`].
    counts: [u64; COUNTS],
    cpu: (Nanos, Nanos),
    /// For how long there had been load, and since when that was counted.
    loaded: (Option<Nanos>, Nanos),
    lost_updates: Option<u32>,
    levels: Levels,
}

/// What goes up and down: of a stretch, the most counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Levels {
    accept_queue: Option<u32>,
    unread: Option<u64>,
    descriptors: Option<u32>,
    resident: Option<u32>,
    live: Option<u32>,
    lag: Nanos,
}

impl Levels {
    fn of(specimen: &Specimen) -> Self {
        let of = |process: &Specimen| Self {
            accept_queue: process.kernel.accept_queue.map(|(length, _)| length),
            unread: process.kernel.unread.map(|(bytes, _)| bytes),
            descriptors: process.kernel.descriptors.map(|(open, _)| open),
            resident: process.kernel.memory.map(|(resident, _)| resident),
            live: process.live.map(|(objects, _)| objects),
            lag: process.reactor.lag,
        };
        let sum = |a: Option<u32>, b: Option<u32>| a.map_or(b, |a| Some(a.saturating_add(b.unwrap_or(0))));
        let all = |a: Self, b: Self| Self {
            accept_queue: a.accept_queue.max(b.accept_queue),
            unread: a.unread.map_or(b.unread, |bytes| Some(bytes + b.unread.unwrap_or(0))),
            descriptors: sum(a.descriptors, b.descriptors),
            resident: sum(a.resident, b.resident),
            live: sum(a.live, b.live),
            lag: a.lag.max(b.lag),
        };
        let loops = specimen.loops().map(of).fold(Self::default(), all);
        // The socket table of a specimen is walked once, whoever of its processes has the sockets.
        Self { accept_queue: loops.accept_queue.max(of(specimen).accept_queue), unread: loops.unread.max(of(specimen).unread), ..loops }
    }

    fn most(self, other: Self) -> Self {
        Self {
            accept_queue: self.accept_queue.max(other.accept_queue),
            unread: self.unread.max(other.unread),
            descriptors: self.descriptors.max(other.descriptors),
            resident: self.resident.max(other.resident),
            live: self.live.max(other.live),
            lag: self.lag.max(other.lag),
        }
    }
}

const COUNTS: usize = 10;

/// What is only ever counted up.
fn counts(specimen: &Specimen) -> [u64; COUNTS] {
    let sum = |of: fn(&Specimen) -> u64| specimen.loops().map(of).sum();
    [
        specimen.clients.outcomes[Outcome::Answered as usize] + specimen.clients.outcomes[Outcome::ErrorStatus as usize],
        sum(|process| u64::from(process.caught)),
        sum(|process| process.reactor.calls + process.reactor.ticks),
        sum(|process| process.reactor.requests),
        specimen.jobs_done(),
        sum(|process| process.connections.accept_failed.0),
        sum(|process| process.errands.calls),
        sum(|process| process.errands.unhandled),
        sum(|process| process.errands.noticed),
        sum(|process| process.errands.abandoned),
    ]
}

impl Tally {
    fn of(specimen: &Specimen, now: Nanos) -> Self {
        let (mut callbacks, mut timers) = (histogram(), histogram());
        let (mut closed, mut cpu) = ([0; CloseReason::COUNT], (Nanos::ZERO, Nanos::ZERO));
        for process in specimen.loops() {
            // All grow by themselves, so this cannot fail.
            process.reactor.causes.iter().for_each(|cause| callbacks.add(&cause.histogram).unwrap_or_default());
            timers.add(&process.reactor.timers.histogram).unwrap_or_default();
            closed.iter_mut().zip(process.connections.closed_for).for_each(|(sum, n)| *sum += n);
            cpu = (cpu.0 + process.kernel.sampled_cpu.0, cpu.1 + process.kernel.sampled_cpu.1);
        }
        Self {
            name: specimen.name.clone(),
            latencies: specimen.clients.total.clone(),
            timers,
            callbacks,
            outcomes: specimen.clients.outcomes,
            closed,
            counts: counts(specimen),
            cpu,
            loaded: (specimen.clients.since, specimen.clients.under_load(now)),
            lost_updates: specimen.lost_updates(),
            levels: Levels::of(specimen),
        }
    }
}

/// What has been added. A mark may have begun the first one anew: then all of it is new.
fn added(now: &Histogram<u32>, then: &Histogram<u32>) -> Histogram<u32> {
    let mut added = now.clone();
    if added.subtract(then).is_err() { now.clone() } else { added }
}

impl Stretch {
    /// The last stretch of this length (at most 10 s), which begins with the first look.
    pub fn last(length: Nanos) -> Self {
        Self { length, looks: VecDeque::new() }
    }

    /// All that happens from the first look on.
    pub fn since_now() -> Self {
        Self::last(Nanos::MAX)
    }

    /// Looks at the world. To be called several times a second.
    pub fn look(&mut self, world: &World) {
        let newest = self.looks.back().map(|look| look.at);
        if newest.is_some_and(|newest| world.now < newest + STEP) {
            return;
        }
        let specimens: Vec<Tally> = world.specimens.iter().map(|specimen| Tally::of(specimen, world.now)).collect();
        if let (Nanos::MAX, Some(first)) = (self.length, self.looks.front_mut()) {
            for (tally, new) in first.specimens.iter_mut().zip(specimens) {
                tally.levels = tally.levels.most(new.levels);
            }
            return;
        }
        self.looks.push_back(Look { at: world.now, specimens });
        while self.looks.get(1).is_some_and(|second| world.now.since(second.at) >= self.length) {
            self.looks.pop_front();
        }
    }

    /// When it begins.
    pub fn since(&self, now: Nanos) -> Nanos {
        self.looks.front().map_or(now, |look| look.at)
    }

    /// Whether it has been watched for as long as it should be.
    pub fn is_whole(&self, now: Nanos) -> bool {
        !self.looks.is_empty() && now.since(self.since(now)) >= self.length
    }

    /// The longest callback in it.
    pub(super) fn longest_callback(&self, specimen: &Specimen) -> Nanos {
        self.then(specimen).map_or(Nanos::ZERO, |then| {
            let callbacks = added(&Tally::of(specimen, Nanos::ZERO).callbacks, &then.callbacks);
            if callbacks.is_empty() { Nanos::ZERO } else { Nanos(callbacks.max()) }
        })
    }

    fn then(&self, specimen: &Specimen) -> Option<&Tally> {
        self.looks.front()?.specimens.iter().find(|tally| tally.name == specimen.name)
    }

    /// A figure of this stretch; nothing where it has not been measured in it.
    pub fn value<'e>(&self, figure: &Figure, evidence: impl Into<Evidence<'e>>) -> Option<f64> {
        let evidence = evidence.into();
        let world = evidence.world;
        let Some(name) = figure.specimen() else { return figure.value(evidence) };
        let specimen = world.specimens.iter().find(|specimen| specimen.name == name)?;
        let (then, now) = (self.then(specimen)?, Tally::of(specimen, world.now));
        let since = self.since(world.now);
        // A mark may have begun the count of it anew, and a pause ends it for a while.
        let loaded = if now.loaded.0 == then.loaded.0 { now.loaded.1.since(then.loaded.1) } else { world.now.since(since) };
        let seconds = loaded.as_secs();
        let quantile = |of: fn(&Tally) -> &Histogram<u32>, q: f64| {
            let added = added(of(&now), of(then));
            (!added.is_empty()).then(|| added.value_at_quantile(q).min(added.max()) as f64 / 1e6)
        };
        let latency = |q| quantile(|tally| &tally.latencies, q);
        let late = |q| quantile(|tally| &tally.timers, q);
        let count = |n: usize| now.counts[n].saturating_sub(then.counts[n]) as f64;
        let outcome = |outcome: Outcome| now.outcomes[outcome as usize].saturating_sub(then.outcomes[outcome as usize]) as f64;
        let ended: f64 = Outcome::ALL.iter().map(|o| outcome(*o)).sum();
        let tallies = self.looks.iter().flat_map(|look| &look.specimens).filter(|tally| tally.name == name);
        let levels = tallies.fold(now.levels, |most, tally| most.most(tally.levels));
        let loops = || specimen.loops().filter(|process| process.has_loop() && process.reactor.ticks > 0);
        let stalls = || {
            let all = loops().flat_map(|process| process.stalls.past.iter().chain(&process.stalls.current));
            all.filter(move |stall| stall.until() > since)
        };
        let turns = loops().next().is_some();
        match figure {
            Figure::P50 { .. } => latency(0.5),
            Figure::P99 { .. } => latency(0.99),
            Figure::P999 { .. } => latency(0.999),
            Figure::Max { .. } => latency(1.0),
            Figure::Throughput { .. } => (seconds > 0.0).then(|| count(0) / seconds),
            Figure::Outcomes { outcome: which, .. } => Some(outcome(*which)),
            Figure::Answered { .. } => (ended > 0.0).then(|| outcome(Outcome::Answered) / ended),
            Figure::LongestCallback { .. } => {
                let running = loops().filter_map(|process| process.reactor.running).map(|running| world.now.since(running.since));
                let running = running.max().unwrap_or_default();
                turns.then(|| self.longest_callback(specimen).max(running).as_millis())
            }
            Figure::Caught { .. } => Some(count(1)),
            Figure::CallsPerRequest { .. } => (count(3) > 0.0).then(|| count(2) / count(3)),
            Figure::Jobs { .. } => Some(count(4)),
            Figure::AcceptFailures { .. } => Some(count(5)),
            Figure::Calls { .. } => Some(count(6)),
            Figure::Unhandled { .. } => Some(count(7)),
            Figure::Noticed { .. } => Some(count(8)),
            Figure::Abandoned { .. } => Some(count(9)),
            Figure::AcceptQueue { .. } => levels.accept_queue.map(f64::from),
            Figure::Unread { .. } => levels.unread.map(|bytes| bytes as f64),
            Figure::Descriptors { .. } => levels.descriptors.map(f64::from),
            Figure::Memory { .. } => levels.resident.map(|kib| f64::from(kib) / 1024.0),
            Figure::LiveObjects { .. } => levels.live.map(f64::from),
            Figure::Lag { .. } => turns.then(|| levels.lag.as_millis()),
            Figure::TimerLate { .. } => late(1.0),
            Figure::TimerLateP99 { .. } => late(0.99),
            Figure::Closed { reason, .. } => Some(now.closed[*reason as usize].saturating_sub(then.closed[*reason as usize]) as f64),
            Figure::Cpu { .. } => {
                let (cpu, wall) = (now.cpu.0.since(then.cpu.0), now.cpu.1.since(then.cpu.1));
                (wall > Nanos::ZERO).then(|| (cpu.as_secs() / wall.as_secs()).min(1.0))
            }
            Figure::LostUpdates { .. } => now.lost_updates.map(|lost| f64::from(lost.saturating_sub(then.lost_updates.unwrap_or(0)))),
            Figure::LongestStall { .. } => turns.then(|| stalls().map(|stall| stall.length).max().unwrap_or_default().as_millis()),
            Figure::Victims { .. } => turns.then(|| f64::from(stalls().map(|stall| stall.victims).max().unwrap_or(0))),
            // What is of now, or of the last second, as it is.
            Figure::OldestJob { .. }
            | Figure::OwnMemory { .. }
            | Figure::MemoryPerConnection { .. }
            | Figure::Connections { .. }
            | Figure::Threads { .. }
            | Figure::Switches { .. }
            | Figure::CpuTotal { .. }
            | Figure::Allocations { .. }
            | Figure::Nesting { .. }
            | Figure::ErrorBranches { .. }
            | Figure::SourceLines { .. }
            | Figure::Missing { .. }
            | Figure::JobTime { .. }
            | Figure::JobTurns { .. }
            | Figure::HandOver { .. }
            | Figure::Capacity { .. }
            | Figure::Drift { .. }
            | Figure::DriftFixed { .. }
            | Figure::Call(_)
            | Figure::Copied(_)
            | Figure::Lost => figure.value(evidence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    fn p99() -> Figure {
        Figure::P99 { specimen: "naive".into() }
    }

    /// The world at each tenth of a second of a story, handed to the stretch.
    fn watch(stretch: &mut Stretch, story: &Story, from: Nanos) -> World {
        let mut world = World::new(&story.setup());
        let mut due = from;
        for event in story.events() {
            if event.at >= due {
                due = event.at + Nanos::millis(100);
                stretch.look(&world);
            }
            world.apply(&event);
        }
        world
    }

    #[test]
    fn the_last_seconds_forget_what_was_before() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(4));
        let mut stretch = Stretch::last(Nanos::secs(2));
        let world = watch(&mut stretch, &story, Nanos::ZERO);
        assert!(stretch.is_whole(world.now) && stretch.looks.len() <= 10, "{}", stretch.looks.len());
        let (all, last) = (p99().value(&world).unwrap(), stretch.value(&p99(), &world).unwrap());
        assert!(all > 100.0 && last < 50.0, "{all} {last}");
        assert_eq!(stretch.value(&Figure::LongestStall { specimen: "naive".into() }, &world), Some(0.0));
        let rate = stretch.value(&Figure::Throughput { specimen: "naive".into() }, &world).unwrap();
        assert!((1500.0..2500.0).contains(&rate), "{rate}");
        assert_eq!(stretch.value(&Figure::P99 { specimen: "nobody".into() }, &world), None);
    }

    #[test]
    fn since_a_moment_everything_counts_and_little_is_kept() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(800)).calm(Nanos::secs(4));
        let mut stretch = Stretch::since_now();
        let world = watch(&mut stretch, &story, Nanos::millis(500));
        assert_eq!(stretch.looks.len(), 1);
        assert!(stretch.value(&Figure::LongestStall { specimen: "naive".into() }, &world).unwrap() > 700.0);
        assert!(stretch.value(&Figure::Victims { specimen: "naive".into() }, &world).unwrap() > 10.0);
        assert!(stretch.value(&p99(), &world).unwrap() > 100.0);
    }

    #[test]
    fn a_stretch_that_has_just_begun_has_measured_nothing() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(1)).world();
        let mut stretch = Stretch::last(Nanos::secs(1));
        assert_eq!(stretch.value(&p99(), &world), None);
        stretch.look(&world);
        assert_eq!((stretch.value(&p99(), &world), stretch.is_whole(world.now)), (None, false));
    }
}
