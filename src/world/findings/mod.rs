//! Findings: what is the matter with a specimen, with the evidence and the mitigations that answer it.
//!
//! One rule, one file, one row. A rule judges a world, by the world's own time, so that a replay judges alike. Some are read off what the
//! world remembers anyway (a stall, a death); those of a state that must last are looked for by the fold ([`super::spells`]). No prose: what
//! is said of a finding is written from its evidence by whoever shows it, in the reader's language.

mod blocked;
mod calm;
mod computing;
mod died;
mod growing;
mod half_changed;
mod half_sent;
mod leaking;
mod lost;
pub mod moments;
mod overloaded;
mod parking;
mod respawned;
mod unanswered;
mod undrained;
mod unfair;
mod unknown;

use super::spells::Look;
use super::{Death, Specimen, Stall, World};
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;

/// How long a finding stays after what it tells of has ended, if nothing newer of its kind takes its place.
pub const STAYS: Nanos = Nanos::secs(60);

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The process is dead, or has been.
    Died,
    /// One connection takes most of the loop's time while others wait.
    Unfair,
    /// A callback holds the loop, or held it, by computing.
    Computing,
    /// A callback holds the loop, or held it, asleep in a system call.
    Parking,
    /// A callback holds the loop, or held it, and it is not known whether it computes.
    Blocked,
    /// Nobody is left who could answer a request.
    Unanswered,
    /// The kernel holds bytes that the loop will not be told of again.
    Undrained,
    /// Most connections hold on with half a request.
    HalfSent,
    /// Connections that their peers have closed stay open.
    Leaking,
    /// Memory grows and grows.
    Growing,
    /// More is offered than answered, without a stall.
    Overloaded,
    /// A panic was caught, and what callbacks share is left half changed.
    HalfChanged,
    /// A new process has taken the place of a dead one.
    Respawned,
    /// Events were dropped: what is shown has a gap.
    LostTelemetry,
    /// Clients fail or wait, and nothing explains it.
    Unknown,
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
    /// How it judges.
    pub(super) judge: Judge,
}

/// How a rule judges.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judge {
    /// From what the world remembers.
    Told(fn(&World, &Specimen) -> Option<Finding>),
    /// From one look: whether it is so at this moment. The fold remembers from when to when it was.
    Lasting(fn(&Look<'_>) -> Option<Lasting>),
}

/// What a look has found, and what answers it.
pub(super) type Lasting = (Evidence, &'static [Mitigation]);

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
    /// Who takes the time.
    Unfair {
        /// Whose connection.
        conn: ConnId,
        /// At least so much of the loop's time, 0 to 1.
        share: f64,
        /// The longest time that the loop did not look around.
        turn: Nanos,
        /// Requests under way.
        waiting: u32,
    },
    /// Who will not be answered.
    Unanswered {
        /// How many so far.
        requests: u64,
        /// Whether promises died unhandled; otherwise the code has dropped what could answer.
        rejected: bool,
        /// Of those, how many somebody noticed.
        noticed: u64,
    },
    /// What is not read.
    Undrained {
        /// Of so many connections.
        connections: u32,
        /// So many bytes.
        bytes: u64,
    },
    /// Who has sent half a request.
    HalfSent {
        /// So many connections.
        connections: u32,
        /// Of so many.
        open: u32,
        /// For how long the oldest.
        oldest: Nanos,
        /// Times that accepting has failed.
        turned_away: u64,
    },
    /// What is not closed.
    Leak {
        /// Connections that their peers have closed.
        left: u32,
        /// Open descriptors.
        open: u32,
        /// And their limit; 0: not known.
        limit: u32,
        /// Times that accepting has failed.
        turned_away: u64,
    },
    /// How memory has grown.
    Growth {
        /// Anonymous memory before, in KiB.
        from: u32,
        /// And now.
        to: u32,
        /// In how long.
        over: Nanos,
        /// Bytes of answers that the kernel has not taken.
        unsent: u64,
        /// What sessions and their callbacks hold, in KiB.
        live: u32,
    },
    /// What nobody can explain.
    Unknown {
        /// Requests of the last second that failed or were late.
        astray: u32,
        /// Answers of the last second.
        answered: u32,
        /// The share of a second for which the loop's thread waited for a CPU, where it is known.
        cpu_wait: Option<f64>,
    },
    /// What a panic that was caught has left behind.
    HalfChanged {
        /// What is missing from the sum of the accounts that all requests share.
        missing: u32,
        /// Transfers that were begun.
        begun: u32,
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
    Rule { kind: FindingKind::Died, name: "died", judge: Judge::Told(died::find) },
    Rule { kind: FindingKind::Unfair, name: "unfair", judge: Judge::Lasting(unfair::find) },
    Rule { kind: FindingKind::Computing, name: "blocked-by-computing", judge: Judge::Told(computing::find) },
    Rule { kind: FindingKind::Parking, name: "blocked-by-parking", judge: Judge::Told(parking::find) },
    Rule { kind: FindingKind::Blocked, name: "blocked", judge: Judge::Told(blocked::find) },
    Rule { kind: FindingKind::Unanswered, name: "unanswered", judge: Judge::Lasting(unanswered::find) },
    Rule { kind: FindingKind::Undrained, name: "undrained", judge: Judge::Lasting(undrained::find) },
    Rule { kind: FindingKind::HalfSent, name: "half-sent", judge: Judge::Lasting(half_sent::find) },
    Rule { kind: FindingKind::Leaking, name: "leaking-descriptors", judge: Judge::Lasting(leaking::find) },
    Rule { kind: FindingKind::Growing, name: "growing-memory", judge: Judge::Lasting(growing::find) },
    Rule { kind: FindingKind::Overloaded, name: "overloaded", judge: Judge::Lasting(overloaded::find) },
    Rule { kind: FindingKind::HalfChanged, name: "half-changed", judge: Judge::Told(half_changed::find) },
    Rule { kind: FindingKind::Respawned, name: "respawned", judge: Judge::Told(respawned::find) },
    Rule { kind: FindingKind::LostTelemetry, name: "lost-telemetry", judge: Judge::Told(lost::find) },
    Rule { kind: FindingKind::Unknown, name: "unknown", judge: Judge::Lasting(unknown::find) },
    Rule { kind: FindingKind::Calm, name: "calm", judge: Judge::Told(calm::find) },
];

impl FindingKind {
    /// The identifier used in files and machine-readable output.
    pub fn name(self) -> &'static str {
        FINDINGS.iter().find(|rule| rule.kind == self).map_or("unknown", |rule| rule.name)
    }

    /// Whether it is judged by what clients see.
    pub fn is_of_clients(self) -> bool {
        matches!(self, Self::Overloaded | Self::Unknown | Self::Calm)
    }

    /// Whether it tells of something that is over as soon as it has happened.
    pub fn is_moment(self) -> bool {
        matches!(self, Self::Respawned | Self::LostTelemetry)
    }
}

impl Rule {
    /// Judges one specimen of a world.
    pub fn find(&self, world: &World, specimen: &Specimen) -> Option<Finding> {
        let Judge::Told(find) = self.judge else { return lasting(self.kind, world, specimen) };
        find(world, specimen)
    }
}

impl Finding {
    /// What answers it and is not on: what to recommend. What is on already has been recommended enough.
    pub fn recommended(&self, specimen: &Specimen) -> impl Iterator<Item = Mitigation> {
        let on = specimen.mitigations;
        self.mitigations.iter().copied().filter(move |mitigation| !on[*mitigation as usize])
    }

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
            let rules = FINDINGS.iter().filter(|rule| !rule.kind.is_of_clients());
            findings.extend(rules.filter_map(|rule| rule.find(world, process)));
        }
        for rule in FINDINGS {
            if rule.kind != FindingKind::Calm || findings.len() == before {
                findings.extend(rule.find(world, specimen));
            }
        }
    }
    findings.sort_by_key(|finding| (finding.kind == FindingKind::Calm, !finding.goes_on(), finding.kind, finding.specimen));
    findings
}

/// The spell that goes on, or the last one while it stays.
fn lasting(kind: FindingKind, world: &World, specimen: &Specimen) -> Option<Finding> {
    let spell = specimen.spells.last(kind).filter(|spell| !spell.over || world.now.since(spell.seen) <= STAYS)?;
    let until = spell.over.then_some(spell.seen);
    let (since, evidence, mitigations) = (spell.since, spell.evidence.clone(), spell.mitigations);
    Some(Finding { kind, specimen: specimen.id, since, until, evidence, mitigations })
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
    fn what_a_caught_panic_has_left_half_changed_is_found_until_another_process_runs() {
        use crate::telemetry::event::{Event, Lane, Origin, What};
        let story = calm(&["caught"]).panic().calm(Nanos::secs(1));
        let mut world = story.world();
        let mut tell = |lane, what| {
            let from = Origin { specimen: SpecimenId(0), lane };
            world.apply(&Event { at: story.end(), from, what });
            judge(&world).iter().map(|found| (found.kind, found.goes_on())).collect::<Vec<_>>()
        };
        assert_eq!(tell(Lane::Loop, What::Balanced { missing: 0, begun: 8 }), [(FindingKind::Calm, true)]);
        assert_eq!(tell(Lane::Loop, What::Balanced { missing: 1, begun: 9 }), [(FindingKind::HalfChanged, true)]);
        let after = tell(Lane::Lab, What::Spawned { pid: 7, before: 1 });
        assert!(after.iter().all(|(kind, _)| *kind != FindingKind::HalfChanged), "{after:?}");
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

    /// What each lesson breaks, and what must be found of it, with what answers it first.
    #[test]
    fn the_fault_of_each_lesson_is_found() {
        let begin = || calm(&["naive"]);
        let two = Nanos::secs(2);
        let cases = [
            ("02", begin().park(Nanos::millis(800)), FindingKind::Parking, Some(Mitigation::NonBlocking)),
            ("03", begin().undrain(two), FindingKind::Undrained, Some(Mitigation::ReadUntilEagain)),
            ("04, 12", begin().stall(Nanos::millis(800)), FindingKind::Computing, Some(Mitigation::WorkerPool)),
            ("05", begin().hang(two), FindingKind::Computing, Some(Mitigation::Supervisor)),
            ("06", begin().panic(), FindingKind::Died, Some(Mitigation::CatchPanic)),
            ("07", begin().forsake(two, true), FindingKind::Unanswered, Some(Mitigation::CatchAtEnd)),
            ("08", begin().forsake(two, false), FindingKind::Unanswered, Some(Mitigation::PromiseChain)),
            ("09", begin().leak(two), FindingKind::Leaking, Some(Mitigation::CloseOnEof)),
            ("10", begin().grow(Nanos::secs(3), 200), FindingKind::Growing, Some(Mitigation::WeakReferences)),
            ("11", begin().greed(two), FindingKind::Unfair, Some(Mitigation::ReadBudget)),
            ("13", begin().drip(two, 120), FindingKind::HalfSent, Some(Mitigation::HeaderTimeout)),
            ("14", begin().rate(110_000.0).calm(Nanos::millis(500)), FindingKind::Overloaded, Some(Mitigation::Shedding)),
            ("none", begin().stray(two), FindingKind::Unknown, None),
        ];
        for (lesson, story, kind, mitigation) in cases {
            let found = judge(&story.world());
            let finding = found.first().unwrap_or_else(|| panic!("lesson {lesson}: nothing is found"));
            assert_eq!((finding.kind, finding.mitigations.first().copied()), (kind, mitigation), "lesson {lesson}: {found:?}");
            let names = [FindingKind::Unknown, FindingKind::Calm];
            assert!(found.len() == 1 || !found.iter().any(|f| names.contains(&f.kind)), "lesson {lesson}: {found:?}");
        }
    }

    #[test]
    fn what_is_cured_is_over_and_stays_for_a_while() {
        for story in
            [calm(&["naive"]).greed(Nanos::secs(2)), calm(&["naive"]).grow(Nanos::secs(3), 200), calm(&["naive"]).stray(Nanos::secs(2))]
        {
            let began = story.end();
            let world = story.calm(Nanos::secs(4)).world();
            let found = judge(&world);
            assert!(found[0].until.is_some_and(|until| until <= began + Nanos::secs(2) && until > found[0].since), "{found:?}");
            let mut later = world;
            later.advance(later.now + STAYS);
            assert_eq!(judge(&later)[0].kind, FindingKind::Calm);
        }
    }

    /// Work that is done elsewhere or a little at a time, faults that are caught, load that is only heavier: nothing of it is an alarm.
    #[test]
    fn what_is_mended_is_no_alarm() {
        let mended = || Story::new(&["pool", "sliced"]).calm(Nanos::secs(1));
        for story in
            [mended().stall(Nanos::secs(3)), mended().rate(6_000.0).calm(Nanos::secs(3)), mended().rate(100.0).calm(Nanos::secs(3))]
        {
            assert!(judge(&story.world()).iter().all(|f| f.kind == FindingKind::Calm), "{:?}", judge(&story.world()));
        }
        // What a stall leaves behind explains those who had to wait for it.
        let stalled = judge(&calm(&["naive"]).stall(Nanos::secs(2)).calm(Nanos::secs(5)).world());
        assert_eq!(stalled.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::Computing]);
    }

    /// Whatever is found, and whatever is on.
    #[test]
    fn nothing_is_recommended_that_is_on() {
        let two = Nanos::secs(2);
        let stories: [fn(Story) -> Story; 6] = [
            |s| s.stall(Nanos::millis(800)),
            |s| s.panic(),
            |s| s.leak(Nanos::secs(2)),
            |s| s.greed(Nanos::secs(2)),
            |s| s.drip(Nanos::secs(2), 120),
            |s| s.rate(110_000.0).calm(Nanos::millis(500)),
        ];
        for story in stories {
            let mut world = story(calm(&["naive"])).world();
            let all = judge(&world);
            assert!(all.iter().any(|finding| finding.recommended(&world.specimens[0]).next().is_some()), "{all:?}");
            for mitigation in Mitigation::ALL {
                world.specimens[0].mitigations = [false; Mitigation::COUNT];
                world.specimens[0].mitigations[*mitigation as usize] = true;
                assert!(judge(&world).iter().all(|finding| finding.recommended(&world.specimens[0]).all(|m| m != *mitigation)));
            }
        }
        let overloaded = calm(&["naive"]).mend(Mitigation::Shedding).rate(110_000.0).calm(two).world();
        let found = judge(&overloaded).remove(0);
        assert_eq!((found.kind, found.recommended(&overloaded.specimens[0]).count()), (FindingKind::Overloaded, 0));
    }

    /// In however many steps time passes, and whether live or folded again from a keyframe.
    #[test]
    fn a_replay_finds_what_was_found_live() {
        use crate::world::history::{History, Limits};
        let story = calm(&["naive", "pool"]).greed(Nanos::secs(1)).stray(Nanos::secs(1)).leak(Nanos::secs(1)).calm(Nanos::secs(1));
        let mut live = World::new(&story.setup());
        let mut history = History::new(&live, Limits { events: 40_000, bytes: 64 << 20 });
        let mut seen = Vec::new();
        for (n, event) in story.events().iter().enumerate() {
            history.record(&live, event);
            live.apply(event);
            if n % 997 == 0 {
                // Looked at now and then, as a screen does: it makes no difference.
                live.advance(event.at);
                seen.push((live.now, judge(&live)));
            }
        }
        assert!(seen.iter().any(|(_, found)| found.iter().any(|f| f.kind == FindingKind::Unfair && f.goes_on())));
        let kept = history.span().0;
        for (at, found) in seen.iter().filter(|(at, _)| *at > kept) {
            assert_eq!(judge(&history.at(*at)), *found, "at {at}");
        }
    }
}
