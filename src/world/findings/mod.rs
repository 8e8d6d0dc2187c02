//! Findings: what is the matter with a specimen, with the evidence and the mitigations that answer it.
//!
//! One rule, one file, one row. A rule judges a world, by the world's own time, so that a replay judges alike. No prose: what is
//! said of a finding is written from its evidence by whoever shows it, in the reader's language.

mod blocked;
mod calm;
mod computing;
mod died;
mod lost;
mod overloaded;
mod parking;
mod respawned;

use super::{Death, Specimen, Stall, World};
use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;

/// How long a finding stays after what it tells of has ended, if nothing newer of its kind takes its place.
pub const STAYS: Nanos = Nanos::secs(60);

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The process is dead, or has been.
    Died,
    /// A callback holds the loop, or held it, by computing.
    Computing,
    /// A callback holds the loop, or held it, asleep in a system call.
    Parking,
    /// A callback holds the loop, or held it, and it is not known whether it computes.
    Blocked,
    /// More is offered than answered, without a stall.
    Overloaded,
    /// A new process has taken the place of a dead one.
    Respawned,
    /// Events were dropped: what is shown has a gap.
    LostTelemetry,
    /// Nothing is the matter.
    Calm,
}

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it finds.
    pub kind: FindingKind,
    /// Its identifier, for files and machine-readable output.
    pub name: &'static str,
    /// Judges one specimen of a world.
    pub find: fn(&World, &Specimen) -> Option<Finding>,
}

/// A diagnosis.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// Where.
    pub specimen: SpecimenId,
    /// Since when it has been so.
    pub since: Nanos,
    /// Until when; `None`: it goes on.
    pub until: Option<Nanos>,
    /// What shows it.
    pub evidence: Evidence,
    /// What answers it, the best first.
    pub mitigations: &'static [Mitigation],
}

/// The figures that show it.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The stall.
    Stall(Stall),
    /// The death.
    Death(Death),
    /// The new process.
    Respawn {
        /// Its PID.
        pid: u32,
        /// Processes before it.
        before: u32,
        /// How long there was none.
        down: Nanos,
    },
    /// More than it can do.
    Overload {
        /// Requests a second that are offered.
        offered: f64,
        /// Complete responses a second.
        answered: f64,
        /// Requests due and not sent.
        backlog: u32,
    },
    /// What was dropped.
    Lost {
        /// Events so far.
        events: u64,
    },
    /// What goes on when nothing is the matter.
    Calm {
        /// Complete responses a second.
        answered: f64,
        /// Loop lag.
        lag: Nanos,
    },
}

/// All rules, the most important first; that nothing is the matter comes last, and only where no other rule has found anything.
pub const FINDINGS: &[Rule] = &[
    Rule { kind: FindingKind::Died, name: "died", find: died::find },
    Rule { kind: FindingKind::Computing, name: "blocked-by-computing", find: computing::find },
    Rule { kind: FindingKind::Parking, name: "blocked-by-parking", find: parking::find },
    Rule { kind: FindingKind::Blocked, name: "blocked", find: blocked::find },
    Rule { kind: FindingKind::Overloaded, name: "overloaded", find: overloaded::find },
    Rule { kind: FindingKind::Respawned, name: "respawned", find: respawned::find },
    Rule { kind: FindingKind::LostTelemetry, name: "lost-telemetry", find: lost::find },
    Rule { kind: FindingKind::Calm, name: "calm", find: calm::find },
];

impl FindingKind {
    /// The identifier used in files and machine-readable output.
    pub fn name(self) -> &'static str {
        FINDINGS.iter().find(|rule| rule.kind == self).map_or("unknown", |rule| rule.name)
    }
}

impl Finding {
    /// Whether it is so now.
    pub fn goes_on(&self) -> bool {
        self.until.is_none()
    }
}

/// What is the matter, the most important first: what goes on before what is over, then by the order of [`FINDINGS`], then by specimen.
pub fn judge(world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for specimen in &world.specimens {
        let before = findings.len();
        for process in &specimen.processes {
            // What clients see is their master's.
            let rules = FINDINGS.iter().filter(|rule| !matches!(rule.kind, FindingKind::Overloaded | FindingKind::Calm));
            findings.extend(rules.filter_map(|rule| (rule.find)(world, process)));
        }
        for rule in FINDINGS {
            if rule.kind != FindingKind::Calm || findings.len() == before {
                findings.extend((rule.find)(world, specimen));
            }
        }
    }
    findings.sort_by_key(|finding| (finding.kind == FindingKind::Calm, !finding.goes_on(), finding.kind, finding.specimen));
    findings
}

/// The stall that goes on, or the last one while it stays.
fn stall(world: &World, specimen: &Specimen) -> Option<Stall> {
    let last = specimen.stalls.past.last().filter(|stall| world.now.since(stall.until()) <= STAYS);
    specimen.stalls.current.or_else(|| last.copied())
}

/// A finding of a stall.
fn of_stall(kind: FindingKind, specimen: &Specimen, stall: Stall, mitigations: &'static [Mitigation]) -> Finding {
    let until = (stall.end != super::StallEnd::Ongoing).then(|| stall.until());
    Finding { kind, specimen: specimen.id, since: stall.began, until, evidence: Evidence::Stall(stall), mitigations }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::vocabulary::Fault;
    use crate::world::testing::Story;
    use crate::world::{StallEnd, StallKind};

    fn kinds(story: &Story) -> Vec<(u8, FindingKind, bool)> {
        judge(&story.world()).iter().map(|f| (f.specimen.0, f.kind, f.goes_on())).collect()
    }

    fn calm(names: &[&str]) -> Story {
        Story::new(names).calm(Nanos::secs(2))
    }

    #[test]
    fn the_table_has_one_row_for_each_kind_in_its_order() {
        assert!(FINDINGS.is_sorted_by_key(|rule| rule.kind));
        let mut names: Vec<_> = FINDINGS.iter().map(|rule| rule.kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FINDINGS.len());
        assert_eq!(FindingKind::Calm as usize + 1, FINDINGS.len());
    }

    #[test]
    fn nothing_is_the_matter_with_a_healthy_loop() {
        assert_eq!(kinds(&calm(&["naive", "pool"])), [(0, FindingKind::Calm, true), (1, FindingKind::Calm, true)]);
    }

    #[test]
    fn a_stall_is_found_while_it_goes_on_and_stays() {
        let story = calm(&["naive"]).hang(Nanos::millis(900));
        let world = story.world();
        let finding = judge(&world).remove(0);
        assert_eq!((finding.kind, finding.goes_on(), finding.mitigations[0]), (FindingKind::Computing, true, Mitigation::Supervisor));

        let story = calm(&["naive", "pool"]).stall(Nanos::millis(800)).calm(Nanos::secs(3));
        assert_eq!(kinds(&story), [(0, FindingKind::Computing, false), (1, FindingKind::Calm, true)]);
        let world = story.world();
        let finding = judge(&world).remove(0);
        assert_eq!(finding.mitigations, [Mitigation::WorkerPool, Mitigation::Slicing]);
        let Evidence::Stall(stall) = finding.evidence else { panic!() };
        assert_eq!((stall.kind, stall.end, stall.fault), (StallKind::Computing, StallEnd::Returned, Some(Fault::Compute)));

        let mut later = world.clone();
        later.advance(world.now + STAYS);
        assert_eq!(judge(&later)[0].kind, FindingKind::Calm, "it does not stay for ever");
    }

    #[test]
    fn a_parked_callback_has_other_mitigations() {
        let found = judge(&calm(&["naive"]).park(Nanos::millis(700)).calm(Nanos::secs(1)).world()).remove(0);
        assert_eq!((found.kind, found.mitigations), (FindingKind::Parking, &[Mitigation::NonBlocking, Mitigation::WorkerPool][..]));
    }

    #[test]
    fn a_stall_that_no_sample_covers_is_found_all_the_same() {
        let story = calm(&["naive"]).hang(Nanos::millis(400));
        let mut world = World::new(&story.setup());
        for event in story.events().iter().filter(|e| e.from.lane != crate::telemetry::Lane::Kernel) {
            world.apply(event);
        }
        world.advance(story.end());
        assert_eq!(judge(&world)[0].kind, FindingKind::Blocked);
    }

    #[test]
    fn a_death_is_found_and_what_came_after() {
        let story = calm(&["naive", "caught", "supervised"]).panic().calm(Nanos::secs(1));
        assert_eq!(
            kinds(&story),
            [(0, FindingKind::Died, true), (2, FindingKind::Died, false), (2, FindingKind::Respawned, false), (1, FindingKind::Calm, true)]
        );
        let findings = judge(&story.world());
        assert_eq!(findings[0].mitigations, [Mitigation::CatchPanic, Mitigation::Supervisor]);
        let Evidence::Respawn { before: 1, down, .. } = findings[2].evidence else { panic!("{findings:?}") };
        assert!((Nanos::millis(100)..Nanos::millis(200)).contains(&down), "{down}");
        let killed = judge(&calm(&["naive"]).death(9).calm(Nanos::secs(1)).world()).remove(0);
        assert_eq!(killed.mitigations, [Mitigation::Supervisor]);
    }

    #[test]
    fn more_than_it_can_do_is_overload_and_what_a_stall_left_is_not() {
        let found = judge(&calm(&["naive"]).rate(110_000.0).calm(Nanos::millis(500)).world()).remove(0);
        let Evidence::Overload { offered, answered, backlog } = found.evidence else { panic!("{found:?}") };
        assert!(offered > 1.2 * answered && backlog > 1_000, "{found:?}");
        let stalled = judge(&calm(&["naive"]).stall(Nanos::secs(1)).calm(Nanos::millis(10)).world());
        assert_eq!(stalled.len(), 1, "{stalled:?}");
    }

    #[test]
    fn what_was_dropped_is_said() {
        assert_eq!(kinds(&calm(&["naive"]).lose(700).calm(Nanos::secs(1))), [(0, FindingKind::LostTelemetry, false)]);
    }
}
