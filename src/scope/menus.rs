//! In which order the menus of faults and of mitigations stand: what the lesson is about first, the rest by what it is about.
//!
//! A fault and what mends it stand under the same heading, so that whoever has found the one finds the other.

use crate::command::Command;
use crate::command::table::{self, Menu, Row};
use crate::scenario::Scenario;
use crate::scenario::schema::Step;
use crate::telemetry::vocabulary::{Fault, Mitigation};

/// What a heading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the lesson breaks, or mends.
    Lesson,
    /// A callback that holds the loop.
    Held,
    /// A process that ends.
    Ended,
    /// A client that waits in vain.
    Unanswered,
    /// What is never given back.
    Leaked,
    /// A peer that asks for too much, or takes too long.
    Peers,
    /// What threads share.
    Shared,
}

impl Group {
    /// The key of its heading.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Lesson => "menu.group_lesson",
            Self::Held => "menu.group_held",
            Self::Ended => "menu.group_ended",
            Self::Unanswered => "menu.group_unanswered",
            Self::Leaked => "menu.group_leaked",
            Self::Peers => "menu.group_peers",
            Self::Shared => "menu.group_shared",
        }
    }

    const fn of_fault(fault: Fault) -> Self {
        match fault {
            Fault::Compute | Fault::EndlessLoop | Fault::BlockingRead => Self::Held,
            Fault::Panic => Self::Ended,
            Fault::ForgottenDrain | Fault::RejectedPromise | Fault::ForgottenBranch => Self::Unanswered,
            Fault::FdLeak | Fault::ClosureLeak => Self::Leaked,
            Fault::SlowSenders | Fault::UnboundedResponses | Fault::GreedyPeer => Self::Peers,
        }
    }

    const fn of_mitigation(mitigation: Mitigation) -> Self {
        match mitigation {
            Mitigation::WorkerPool | Mitigation::Slicing | Mitigation::NonBlocking => Self::Held,
            Mitigation::CatchPanic | Mitigation::Supervisor => Self::Ended,
            Mitigation::ReadUntilEagain
            | Mitigation::RejectionHook
            | Mitigation::CatchAtEnd
            | Mitigation::PromiseChain
            | Mitigation::AsyncAwait => Self::Unanswered,
            Mitigation::CloseOnEof
            | Mitigation::IdleTimeout
            | Mitigation::ReserveDescriptor
            | Mitigation::WeakReferences
            | Mitigation::ExplicitRelease => Self::Leaked,
            Mitigation::Shedding | Mitigation::HeaderTimeout | Mitigation::Backpressure | Mitigation::ReadBudget => Self::Peers,
            Mitigation::Lock => Self::Shared,
        }
    }

    fn of(command: &Command) -> Self {
        match command {
            Command::Inject(fault) => Self::of_fault(fault.kind()),
            Command::Apply(setting) => Self::of_mitigation(setting.kind()),
            // A process is killed, or started.
            _ => Self::Ended,
        }
    }
}

/// The entries of a menu in the order in which they stand, each with its heading; triggers have none.
pub fn entries(menu: Menu, scenario: &Scenario) -> Vec<(Option<Group>, &'static Row)> {
    if menu == Menu::Triggers {
        return table::menu(menu).map(|row| (None, row)).collect();
    }
    let of_lesson: Vec<&str> = commands(scenario).filter_map(table::of).map(|row| row.id).collect();
    let mended = |row: &Row| scenario.specimens.iter().flat_map(|s| &s.mitigations).any(|setting| setting.kind().name() == row.id);
    let broken = |row: &Row| scenario.specimens.iter().flat_map(|s| &s.faults).any(|setting| setting.kind().name() == row.id);
    let heading = |row: &'static Row| {
        let is_lesson = of_lesson.contains(&row.id) || mended(row) || broken(row);
        row.command().map(|command| (Some(if is_lesson { Group::Lesson } else { Group::of(&command) }), row))
    };
    let mut entries: Vec<_> = table::menu(menu).filter_map(heading).collect();
    entries.sort_by_key(|(group, _)| *group);
    entries
}

/// What the script and the lesson of a scenario do, or have somebody do.
fn commands(scenario: &Scenario) -> impl Iterator<Item = &Command> {
    let steps = scenario.lesson.iter().flat_map(|step| match step {
        Step::Say(_) | Step::Predict { see: None, .. } => Vec::new(),
        Step::Predict { see: Some(see), .. } => vec![&see.command],
        Step::Try { command, .. } => vec![command],
        Step::Task(task) => task.given.iter().chain(&task.solution).collect(),
    });
    scenario.script.iter().map(|cue| &cue.command).chain(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::catalogue::BUILT_IN;

    #[test]
    fn every_entry_stands_once_and_the_lessons_come_first() {
        for built_in in BUILT_IN {
            let scenario = built_in.scenario().unwrap();
            for menu in [Menu::Faults, Menu::Mitigations, Menu::Triggers] {
                let entries = entries(menu, &scenario);
                let mut ids: Vec<_> = entries.iter().map(|(_, row)| row.id).collect();
                assert!(entries.is_sorted_by_key(|(group, _)| *group), "{}", scenario.id);
                ids.sort_unstable();
                let mut all: Vec<_> = table::menu(menu).map(|row| row.id).collect();
                all.sort_unstable();
                assert_eq!(ids, all, "{}", scenario.id);
            }
        }
    }

    #[test]
    fn a_lesson_s_own_faults_and_remedies_are_its_own() {
        let of = |lesson: &str, menu| {
            let scenario = BUILT_IN.iter().map(|b| b.scenario().unwrap()).find(|s| s.id.contains(lesson)).unwrap();
            let own = entries(menu, &scenario).into_iter().filter(|(group, _)| *group == Some(Group::Lesson));
            own.map(|(_, row)| row.id).collect::<Vec<_>>()
        };
        assert_eq!(of("computing-callback", Menu::Faults), ["compute"]);
        assert_eq!(of("04-computing", Menu::Mitigations), ["worker-pool", "slicing"]);
        assert_eq!(of("06-panic", Menu::Mitigations), ["catch-panic", "supervisor", "respawn"]);
        assert_eq!(of("08-callback", Menu::Mitigations), ["promise-chain", "async-await"]);
    }
}
