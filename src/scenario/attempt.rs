//! A task that somebody is at, person or program: what is done to the specimen, how the goal fares, whether it is reached.
//!
//! It reads no clock and carries nothing out: it looks at the world, and says what is to be done.

use super::expectation::Verdict;
use super::experiment::Evidence;
use super::schema::Task;
use super::stretch::Stretch;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::specimen::faults;
use crate::world::World;

/// A task under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    window: Stretch,
    /// When what strikes again is due; nothing before it has begun.
    due: Option<Nanos>,
    /// Whether the goal was seen not to be reached: what has never been broken is not mended.
    broken: bool,
}

impl Attempt {
    /// The beginning of a task.
    pub fn new(task: &Task) -> Self {
        Self { window: Stretch::last(task.over), due: None, broken: false }
    }

    /// Looks at the world. Returns what is to be done to the task's specimen now. To be called several times a second.
    pub fn look<'e>(&mut self, task: &Task, evidence: impl Into<Evidence<'e>>) -> Vec<Command> {
        let evidence = evidence.into();
        let world = evidence.world;
        self.window.look(world);
        self.broken |= self.is_measured(world) && !self.holds(task, evidence);
        let every = task.every.unwrap_or(Nanos::MAX);
        match self.due {
            None => {
                self.due = Some(Nanos(world.now.0.saturating_add(every.0)));
                task.given.clone()
            }
            Some(due) if world.now >= due && takes_orders(task, world) => {
                self.due = Some(Nanos(world.now.0.saturating_add(every.0)));
                task.given.iter().filter(|command| strikes(command)).cloned().collect()
            }
            Some(_) => Vec::new(),
        }
    }

    /// Whether the goal's stretch of time has been watched in full since the task began: before that, nothing is judged.
    pub fn is_measured(&self, world: &World) -> bool {
        self.window.is_whole(world.now)
    }

    /// How each part of the goal fares over the last stretch of time.
    pub fn judge<'e>(&self, task: &Task, evidence: impl Into<Evidence<'e>>, lang: Lang) -> Vec<Verdict> {
        let evidence = evidence.into();
        task.goal.iter().map(|claim| claim.judge_over(&self.window, evidence, lang)).collect()
    }

    /// Whether the goal was seen not to be reached since the task began.
    pub fn was_broken(&self) -> bool {
        self.broken
    }

    /// Whether the goal is reached, after it was not; or at once, where the person was faster than the trouble and has `acted` already.
    pub fn is_solved<'e>(&self, task: &Task, evidence: impl Into<Evidence<'e>>, acted: bool) -> bool {
        let evidence = evidence.into();
        (self.broken || acted) && self.is_measured(evidence.world) && self.holds(task, evidence)
    }

    fn holds(&self, task: &Task, evidence: Evidence<'_>) -> bool {
        self.judge(task, evidence, Lang::En).iter().all(|verdict| verdict.passed)
    }
}

/// Whether a command is a fault that strikes one request.
pub fn strikes(command: &Command) -> bool {
    matches!(command, Command::Inject(setting) if !faults::row(setting.kind()).standing)
}

/// Whether the task's specimen would carry an order out now: it is alive, and nothing holds its loop. What it cannot carry out must not pile up.
fn takes_orders(task: &Task, world: &World) -> bool {
    world.specimens.iter().any(|specimen| specimen.name == task.specimen && specimen.is_alive() && specimen.stalls.current.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::{Expectation, Figure};
    use crate::specimen::control::{FaultSetting, MitigationSetting};
    use crate::telemetry::vocabulary::Mitigation;
    use crate::world::testing::Story;

    fn task() -> Task {
        let of = Figure::P99 { specimen: "naive".into() };
        Task {
            say: [("en".to_owned(), "x".to_owned())].into(),
            specimen: "naive".into(),
            given: vec![Command::Revoke(Mitigation::Slicing), Command::Inject(FaultSetting::Panic)],
            every: Some(Nanos::secs(1)),
            goal: vec![Expectation::Measure { of, at_least: None, at_most: Some(50.0) }],
            over: Nanos::secs(2),
            hints: Vec::new(),
            solution: vec![Command::Apply(MitigationSetting::CatchPanic)],
        }
    }

    /// What the attempt orders over a story, and whether it is solved at its end.
    fn watch(story: &Story) -> (Vec<Command>, bool) {
        let (task, mut world, mut orders, mut due) = (task(), World::new(&story.setup()), Vec::new(), Nanos::ZERO);
        let mut attempt = Attempt::new(&task);
        for event in story.events() {
            if event.at >= due {
                due = event.at + Nanos::millis(50);
                orders.extend(attempt.look(&task, &world));
            }
            world.apply(&event);
        }
        attempt.look(&task, &world);
        (orders, attempt.is_solved(&task, &world, false))
    }

    #[test]
    fn what_is_given_is_done_once_and_what_strikes_strikes_again() {
        let (orders, solved) = watch(&Story::new(&["naive"]).calm(Nanos::millis(3500)));
        let revoked = orders.iter().filter(|order| matches!(order, Command::Revoke(_))).count();
        assert_eq!((revoked, orders.len(), solved), (1, 5, false), "what was never broken is not mended: {orders:?}");
    }

    #[test]
    fn the_world_decides_over_the_last_stretch_of_time() {
        let stalled = Story::new(&["naive"]).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(1));
        assert!(!watch(&stalled).1);
        assert!(watch(&stalled.calm(Nanos::secs(2))).1);
        assert!(!watch(&Story::new(&["naive"]).calm(Nanos::secs(1))).1, "too early to tell");
    }

    #[test]
    fn nothing_is_ordered_of_a_loop_that_cannot_hear() {
        let (orders, _) = watch(&Story::new(&["naive"]).calm(Nanos::millis(500)).hang(Nanos::secs(4)));
        assert_eq!(orders.len(), 2, "{orders:?}");
    }
}
