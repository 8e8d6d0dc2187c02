//! The life of one connection as its events tell it: which stages it went through, and the events themselves; and where its requests begin.
//!
//! Read from the recorded past when somebody looks at a connection. The stages are those that the fold makes of the same events.

use std::collections::VecDeque;

use super::connections::{Connections, Stage};
use super::history::History;
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, What};
use crate::telemetry::vocabulary::Cause;

/// How far back it is told at most.
pub const REACH: Nanos = Nanos::secs(10);
/// Events of a specimen that are looked through for it.
const MOST: u64 = 300_000;
/// Events of the connection that are told.
pub const MAX_EVENTS: usize = 500;
/// Anything but rest is shown where it takes more than this part of a column.
const TELLING: u64 = 10;
/// Changes of its stage that are told.
const MAX_STAGES: usize = 20_000;

/// What is told of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// Whose.
    pub conn: ConnId,
    /// From when to when it is told.
    pub span: (Nanos, Nanos),
    /// Since when it was in which stage; nothing where it was not there or nobody saw it.
    pub stages: VecDeque<(Nanos, Option<Stage>)>,
    /// Its last events with their numbers, the oldest first; at most [`MAX_EVENTS`].
    pub events: VecDeque<(u64, Event)>,
}

impl Life {
    /// The life of a connection up to a moment, as far back as it is kept and told.
    pub fn of(history: &History, specimen: SpecimenId, conn: ConnId, now: Nanos) -> Self {
        let end = history.position(now);
        let earliest = history.event(end.saturating_sub(MOST).max(history.first())).map_or(now, |event| event.at);
        let from = earliest.max(now.since(REACH)).max(history.span().0);
        let mut life = Self { conn, span: (from, now), stages: VecDeque::new(), events: VecDeque::new() };
        let mut all = Connections::default();
        let mut runs = false;
        for (n, event) in history.between(from, now, Some(specimen)).filter(|(_, event)| event.from.lane == Lane::Loop) {
            let about = subject(event.what) == Some(conn);
            if about {
                if life.events.len() == MAX_EVENTS {
                    life.events.pop_front();
                }
                life.events.push_back((n, event));
            }
            if follow(&mut all, conn, &event, &mut runs) {
                let stage = all.get(conn).map(|connection| connection.stage);
                if life.stages.back().is_none_or(|(_, known)| *known != stage) {
                    if life.stages.len() == MAX_STAGES {
                        life.stages.pop_front();
                    }
                    life.stages.push_back((event.at, stage));
                }
            }
        }
        life
    }

    /// The stage of each of so many columns: the one that took most of it, but rest only where hardly anything else happened; nothing
    /// where it is not known.
    pub fn columns(&self, columns: u16) -> Vec<Option<Stage>> {
        let (from, to) = self.span;
        let length = u128::from(to.since(from).0);
        let edge = |n: u16| from + Nanos((length * u128::from(n) / u128::from(columns.max(1))) as u64);
        let mut stages = self.stages.iter().copied().peekable();
        let mut present: Option<Stage> = None;
        (0..columns)
            .map(|n| {
                let (begin, end) = (edge(n), edge(n + 1));
                let mut took = [(Nanos::ZERO, None); 8];
                let mut count = |stage: Option<Stage>, time: Nanos| {
                    let place = stage.map_or(0, |stage| stage as usize + 1);
                    took[place] = (took[place].0 + time, stage);
                };
                let mut at = begin;
                while let Some((since, stage)) = stages.next_if(|(since, _)| *since < end) {
                    count(present, since.since(at));
                    (at, present) = (since.max(at), stage);
                }
                count(present, end.since(at));
                let busy = took[2..].iter().max_by_key(|(time, _)| *time).filter(|(time, _)| time.0 * TELLING > end.since(begin).0);
                busy.or_else(|| took[..2].iter().max_by_key(|(time, _)| *time)).and_then(|(_, stage)| *stage)
            })
            .collect()
    }
}

/// The connection that a fact of the loop is about.
fn subject(what: What) -> Option<ConnId> {
    match what {
        What::Ready { conn, .. }
        | What::Began { conn, .. }
        | What::Read { conn, .. }
        | What::Requested { conn, .. }
        | What::Responded { conn, .. }
        | What::Wrote { conn, .. }
        | What::Blocked { conn, .. }
        | What::Interested { conn, .. }
        | What::Opened { conn, .. }
        | What::Closed { conn, .. }
        | What::TimerSet { conn, .. }
        | What::TimerLate { conn, .. }
        | What::TaskQueued { conn, .. }
        | What::JobQueued { conn, .. }
        | What::Struck { conn, .. }
        | What::Caught { conn }
        | What::Asked { conn }
        | What::Called { conn, .. }
        | What::CallEnded { conn, .. }
        | What::Stepped { conn, .. }
        | What::Abandoned { conn } => Some(conn),
        _ => None,
    }
}

/// Goes on with the connection's stage; whether anything was said that may have changed it. `runs`: whether its callback does.
fn follow(all: &mut Connections, conn: ConnId, event: &Event, runs: &mut bool) -> bool {
    let at = event.at;
    let over = matches!(event.what, What::Began { .. } | What::Entered { .. } | What::Rested {} | What::Gated { .. });
    if over
        && std::mem::take(runs)
        && let Some(connection) = all.of(conn)
    {
        connection.rested(at);
        if subject(event.what) != Some(conn) {
            return true;
        }
    }
    if subject(event.what) != Some(conn) {
        return false;
    }
    match event.what {
        What::Opened { port_fd: (port, fd), .. } => all.opened(at, conn, port, fd),
        What::Closed { reason, .. } => all.closed(conn, reason),
        what => {
            if all.get(conn).is_none() {
                // It was opened before the stretch that is told.
                all.opened(at, conn, 0, 0);
            }
            let Some(connection) = all.of(conn) else { return false };
            match what {
                What::Ready { readiness, .. } => connection.ready(at, readiness),
                What::Began { cause, .. } => {
                    *runs = true;
                    connection.began(at, cause);
                }
                What::Read { bytes, .. } => connection.read(bytes),
                What::Requested { handler, .. } => {
                    if !*runs {
                        connection.began(at, Cause::Readable);
                        *runs = true;
                    }
                    connection.requested(at, handler);
                }
                What::Responded { .. } => connection.responded(at),
                What::Wrote { bytes, .. } => connection.wrote(bytes),
                What::Blocked { unsent, .. } => connection.unsent = unsent,
                What::TimerSet { .. } | What::Asked { .. } => connection.put_off(None),
                What::TaskQueued { handler, .. } | What::JobQueued { handler, .. } => connection.put_off(Some(handler)),
                _ => {}
            }
        }
    }
    true
}

/// When the next request of a connection was parsed after a moment, or the last one before it; nothing where none is kept.
pub fn request(history: &History, specimen: SpecimenId, conn: ConnId, at: Nanos, forwards: bool) -> Option<Nanos> {
    let is_one = |n: u64| {
        let event = history.event(n)?;
        let ours = event.from.specimen == specimen && matches!(event.what, What::Requested { conn: of, .. } if of == conn);
        ours.then_some(event.at)
    };
    let place = history.position(at);
    if forwards {
        (place..history.end()).find_map(|n| is_one(n).filter(|found| *found > at))
    } else {
        (history.first()..place).rev().find_map(|n| is_one(n).filter(|found| *found < at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::{Story, recorded};

    #[test]
    fn its_last_stage_is_that_of_the_fold() {
        for story in [Story::new(&["naive"]).calm(Nanos::secs(2)), Story::new(&["naive"]).calm(Nanos::secs(1)).hang(Nanos::millis(400))] {
            let (world, history) = recorded(&story);
            let mut seen = 0;
            for connection in world.specimens[0].connections.iter() {
                let life = Life::of(&history, SpecimenId(0), connection.id, world.now);
                assert_eq!(life.stages.back().unwrap().1, Some(connection.stage), "{life:?}");
                assert_eq!(life.columns(80).len(), 80);
                assert!(life.events.iter().all(|(_, event)| subject(event.what) == Some(connection.id)));
                seen += 1;
            }
            assert_eq!(seen, 64);
        }
    }

    #[test]
    fn what_takes_a_part_of_a_column_is_seen_beside_what_rests() {
        let stages = [
            (Nanos(0), Some(Stage::Idle)),
            (Nanos(50), Some(Stage::Running)),
            (Nanos(53), Some(Stage::Idle)),
            (Nanos(80), Some(Stage::Running)),
            (Nanos(81), Some(Stage::Idle)),
        ]
        .into();
        let life = Life { conn: ConnId(1), span: (Nanos(0), Nanos(100)), stages, events: VecDeque::new() };
        assert_eq!(life.columns(4), [Some(Stage::Idle), Some(Stage::Idle), Some(Stage::Running), Some(Stage::Idle)]);
        assert_eq!(life.columns(0), []);
    }

    #[test]
    fn its_requests_are_found_both_ways() {
        let (world, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(2)));
        let (one, conn) = (SpecimenId(0), ConnId(20));
        let last = request(&history, one, conn, world.now, false).unwrap();
        let before = request(&history, one, conn, last, false).unwrap();
        assert!(before < last);
        assert_eq!(request(&history, one, conn, before, true), Some(last));
        assert_eq!(request(&history, one, conn, last, true), None);
        assert_eq!(request(&history, one, ConnId(9999), last, false), None);
    }
}
