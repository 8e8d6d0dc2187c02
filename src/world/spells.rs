//! Spells: what has been the matter for a while. No single event tells it, so it is looked for ten times a second of the world's time.
//!
//! The looks lie at fixed moments, and each sees only what was known by then: it makes no difference in how many steps time passes, and
//! a replay finds what the live run found. A state must be seen twice in a row to count, and be gone for a second to be over, so
//! that what hovers about a limit does not flicker. The rules themselves are rows of [`super::findings::FINDINGS`].

use std::collections::VecDeque;

use super::Specimen;
use super::connections::Stage;
use super::findings::{Evidence, FINDINGS, FindingKind, Judge};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;

/// Between two looks.
pub const LOOK: Nanos = Nanos::millis(100);
/// Spells that are remembered when they are over, the oldest forgotten first.
pub const MAX_SPELLS: usize = 32;
/// Looks in a row that make a spell.
const CONFIRMED: u32 = 2;
/// How long it must not have been seen to be over.
const LAPSE: Nanos = Nanos::secs(1);
/// Readings that are kept: five seconds.
const READINGS: usize = 50;
/// What has begun so long ago and is not whole is half-sent; what was left so long ago is left for good.
const LONG: Nanos = Nanos::secs(1);
/// A loop that takes longer turns has had no chance: what it has not done yet it may do next.
const TURN: Nanos = Nanos::millis(100);
/// The kernel's sockets are looked at at least once a second: what has stood still for longer has been seen standing still.
const UNTOUCHED: Nanos = Nanos::millis(1_200);

/// What was the matter with one specimen, from when to when.
#[derive(Clone, Debug, PartialEq)]
pub struct Spell {
    /// What.
    pub kind: FindingKind,
    /// When it was first seen.
    pub since: Nanos,
    /// When it was last seen.
    pub seen: Nanos,
    /// Whether it is over.
    pub over: bool,
    /// What shows it, as last seen.
    pub evidence: Evidence,
    /// What answers it.
    pub mitigations: &'static [Mitigation],
    looks: u32,
}

/// The spells of one specimen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spells {
    present: Vec<Spell>,
    /// Those that are over, oldest first.
    pub past: VecDeque<Spell>,
    readings: VecDeque<Reading>,
    census: Census,
}

/// Figures at one look, from which trends are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub at: Nanos,
    /// Anonymous memory in KiB, as last sampled.
    pub memory: u32,
    /// Bytes that the kernel has not taken, over all connections.
    pub unsent: u64,
    /// What sessions and their callbacks hold, in KiB.
    pub live: u32,
    pub open: u32,
    pub unhandled: u64,
    pub abandoned: u64,
}

/// What is told of the connections by looking at each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// The kernel holds bytes for them, and the loop has not touched them for long: so many, and how many bytes.
    pub undrained: (u32, u64),
    /// Part of a request has come, and the rest has not for long: so many, and for how long the oldest.
    pub half_sent: (u32, Nanos),
    /// Their peers closed long ago, and nothing keeps them.
    pub left: u32,
    unsent: u64,
}

/// One look at a specimen.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub specimen: &'a Specimen,
    pub now: Nanos,
    pub census: Census,
    pub readings: &'a VecDeque<Reading>,
    /// A rule before this one has found something.
    pub explained: bool,
}

impl Spells {
    /// The spells that go on.
    pub fn going_on(&self) -> impl Iterator<Item = &Spell> {
        self.present.iter().filter(|spell| spell.looks >= CONFIRMED)
    }

    /// The present or last spell of a kind.
    pub fn last(&self, kind: FindingKind) -> Option<&Spell> {
        self.going_on().find(|spell| spell.kind == kind).or_else(|| self.past.iter().rev().find(|spell| spell.kind == kind))
    }

    /// Whether something that has a name was the matter with what began then.
    pub(super) fn explains(&self, began: Nanos) -> bool {
        self.present.iter().any(|spell| spell.kind != FindingKind::Unknown)
            || self.past.iter().any(|spell| spell.kind != FindingKind::Unknown && spell.seen + LAPSE >= began)
    }

    /// The process is gone.
    pub(super) fn end(&mut self) {
        self.readings.clear();
        self.census = Census::default();
        for spell in std::mem::take(&mut self.present) {
            self.close(spell);
        }
    }

    /// Bytes beside the structure itself.
    pub(super) fn bytes(&self) -> usize {
        (self.present.capacity() + self.past.capacity()) * size_of::<Spell>() + self.readings.capacity() * size_of::<Reading>()
    }

    fn read(&mut self, reading: Reading) {
        if self.readings.len() == READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(reading);
    }

    fn saw(&mut self, now: Nanos, kind: FindingKind, evidence: Evidence, mitigations: &'static [Mitigation]) {
        match self.present.iter_mut().find(|spell| spell.kind == kind) {
            Some(spell) => {
                (spell.evidence, spell.mitigations, spell.seen) = (evidence, mitigations, now);
                spell.looks = spell.looks.saturating_add(1);
            }
            None => self.present.push(Spell { kind, since: now, seen: now, over: false, evidence, mitigations, looks: 1 }),
        }
    }

    fn settle(&mut self, now: Nanos) {
        let lapsed = |spell: &Spell| now.since(spell.seen) >= if spell.looks >= CONFIRMED { LAPSE } else { LOOK };
        while let Some(n) = self.present.iter().position(lapsed) {
            let spell = self.present.remove(n);
            self.close(spell);
        }
    }

    fn close(&mut self, spell: Spell) {
        if spell.looks < CONFIRMED {
            return;
        }
        if self.past.len() == MAX_SPELLS {
            self.past.pop_front();
        }
        self.past.push_back(Spell { over: true, ..spell });
    }
}

impl Specimen {
    /// A moment of looking has come. Everything that happened before it has been taken in.
    pub(super) fn look(&mut self, now: Nanos) {
        self.reactor.credit(now);
        if !self.is_alive() {
            return;
        }
        // Threads that wait for one connection each leave nothing behind that another could have done.
        if self.has_loop() && !self.reactor.held && self.reactor.lag < TURN {
            self.spells.census = self.census(now);
        }
        let census = self.spells.census;
        self.spells.read(Reading {
            at: now,
            memory: self.kernel.memory.map_or(0, |(_, anonymous)| anonymous),
            unsent: census.unsent,
            live: self.live.map_or(0, |(_, kib)| kib),
            open: self.connections.open,
            unhandled: self.errands.unhandled,
            abandoned: self.errands.abandoned,
        });
        let mut found = Vec::new();
        for rule in FINDINGS {
            let Judge::Lasting(judge) = rule.judge else { continue };
            let look = Look { specimen: self, now, census, readings: &self.spells.readings, explained: !found.is_empty() };
            if let Some((evidence, mitigations)) = judge(&look) {
                found.push((rule.kind, evidence, mitigations));
            }
        }
        for (kind, evidence, mitigations) in found {
            self.spells.saw(now, kind, evidence, mitigations);
        }
        self.spells.settle(now);
    }

    fn census(&self, now: Nanos) -> Census {
        let mut census = Census::default();
        let wholly_read = self.kernel.unread.is_none_or(|(bytes, _)| bytes == 0);
        for connection in self.connections.iter() {
            census.unsent += u64::from(connection.unsent);
            let rests = matches!(connection.stage, Stage::Idle | Stage::Reading) && connection.unsent == 0;
            if !rests {
                continue;
            }
            if !wholly_read && connection.unread > 0 {
                if now.since(connection.since) >= UNTOUCHED {
                    census.undrained.0 += 1;
                    census.undrained.1 += u64::from(connection.unread);
                }
                continue;
            }
            if connection.left.is_some_and(|left| now.since(left) >= LONG) {
                census.left += 1;
            } else if let Some(age) = connection.half_sent_since().map(|since| now.since(since)).filter(|age| *age >= LONG) {
                census.half_sent.0 += 1;
                census.half_sent.1 = census.half_sent.1.max(age);
            }
        }
        census
    }

    /// Whether something that has a name can have been the matter with a request that was meant to be sent then and ended now.
    #[cold]
    pub(super) fn explains(&self, intended: Nanos) -> bool {
        self.all_processes().any(|process| process.has_trouble_since(intended))
    }

    fn has_trouble_since(&self, intended: Nanos) -> bool {
        let super::Life::Running { since, .. } = self.life else { return true };
        // What a stall has left behind takes no longer to be worked off than it took, unless there is too much anyway.
        let after = |stall: &super::Stall| stall.until() + stall.length >= intended;
        since + LAPSE >= intended
            || self.stalls.current.is_some()
            || self.stalls.past.last().is_some_and(after)
            || self.reactor.held
            || self.reactor.let_go.is_some_and(|(at, length)| at + length >= intended)
            || self.lost_at.is_some_and(|at| at + LAPSE >= intended)
            || self.spells.explains(intended)
    }
}
