//! A stretch of the recorded past, read again from its events: what a timeline shows between seconds and microseconds.
//!
//! The world keeps sums; the history keeps every event. A trace begins with the world as it was at the stretch's beginning and reads
//! the events of it into columns, so at a microsecond a column it shows the real single callbacks. It is kept from picture to
//! picture: while the stretch slides along with the present only what is new is read, and while nothing moves nothing is.
//!
//! It knows no screen. Everything is bounded by the number of columns.

mod cells;
mod reader;
mod scores;
#[cfg(test)]
mod tests;

pub use cells::{Cells, Column, Grid, Level, Life, Marker, Place, Span, Stay};

use reader::Reader;
use scores::Scores;

use super::history::History;
use super::{Stall, StallEnd, World};
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Origin, What};

/// How much later than its time an event may be found in the history: rings are read one after the other.
const SLACK: Nanos = Nanos::millis(30);
/// How often it is looked for who is busiest, while the stretch slides along.
const CHOOSE: Nanos = Nanos::secs(2);
/// Events at most that are listed around a moment.
pub const MAX_LISTED: usize = 64;
/// How long after a stall its victims are looked for.
const LONGEST_AFTERMATH: Nanos = Nanos::secs(10);
/// How far is looked for an event of the same specimen.
const FAR: u64 = 20_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wish {
    /// Which lab, counted from the first: another one's past is another past.
    pub lab: u64,
    /// Which specimen.
    pub specimen: SpecimenId,
    /// The stretch.
    pub grid: Grid,
    /// A connection that is followed in any case.
    pub chosen: Option<ConnId>,
    /// How many connections are followed.
    pub lives: usize,
    /// What is measured: between these two moments.
    pub between: Option<(Nanos, Nanos)>,
    /// The event around which others are listed, and how many.
    pub around: Option<(u64, usize)>,
}

/// A stretch of the past, kept from picture to picture.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    wish: Wish,
    /// What has been read for certain, and what it comes to at this moment.
    read: Cells,
    shown: Cells,
    reader: Option<Reader>,
    /// The same of each worker process that the specimen has.
    loops: Vec<Process>,
    /// The number of the next event.
    next: u64,
    /// Whether the stretch has been read to its end.
    complete: bool,
    /// When the callback that reaches beyond that is over, where it is.
    over: Option<Nanos>,
    scores: Scores,
    /// When it was last looked for who is busiest.
    chose: Nanos,
    follow: Vec<ConnId>,
    stalls: Vec<Stall>,
    deaths: Vec<Nanos>,
    measured: Option<Measure>,
    listed: Vec<(u64, Event)>,
    /// When the loop next turned to something else, after the event that is looked at.
    turned: Option<Nanos>,
    kept: (Nanos, Nanos),
}

/// When the loop next goes over to something else, from event number `n` on, where that is not too far.
fn turn_after(history: &History, specimen: SpecimenId, n: u64) -> Option<Nanos> {
    let turns = |what| matches!(what, What::Began { .. } | What::Entered { .. } | What::Rested {} | What::Gated { .. } | What::Died { .. });
    let mut next = history.from(n, specimen).take_while(|(at, _)| *at < n + FAR);
    next.find(|(_, e)| matches!(e.from.lane, Lane::Loop | Lane::Lab) && turns(e.what)).map(|(_, e)| e.at)
}

/// When the last of those who had sent before a stall was over had their answer; the end of the stall where there are none, the present where
/// it goes on.
pub fn aftermath(history: &History, live: &World, specimen: SpecimenId, stall: &Stall) -> Nanos {
    if stall.end == StallEnd::Ongoing {
        return live.now;
    }
    let over = stall.until();
    let world = history.at(over);
    let Some(mut waiting) = world.specimens.get(usize::from(specimen.0)).map(|s| s.clients.in_flight) else { return over };
    let mut last = over;
    let events = history.from(history.position(over), specimen).take_while(|(_, e)| e.at < over + LONGEST_AFTERMATH);
    for (_, event) in events {
        if waiting == 0 {
            break;
        }
        if matches!(event.what, What::Finished { .. }) {
            waiting -= 1;
            last = event.at;
        }
    }
    last
}

/// What happened between two moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// From when.
    pub from: Nanos,
    /// Until when.
    pub to: Nanos,
    /// All of it in one column, over all loops.
    pub sum: Column,
    /// Whether all of it is kept.
    pub whole: bool,
}

/// A worker process, whose loop is one of its own.
#[derive(Clone, Debug)]
struct Process {
    read: Cells,
    shown: Cells,
    reader: Reader,
}

impl Trace {
    /// The columns.
    pub fn cells(&self) -> &Cells {
        &self.shown
    }

    /// The columns of each worker process, where the specimen has such.
    pub fn loops(&self) -> impl Iterator<Item = &Cells> {
        self.loops.iter().map(|process| &process.shown)
    }

    /// The specimen's stalls, as far as they are remembered.
    pub fn stalls(&self) -> &[Stall] {
        &self.stalls
    }

    /// What was measured, where it was asked for.
    pub fn measured(&self) -> Option<&Measure> {
        self.measured.as_ref()
    }

    /// The events around the one that was asked for, with their numbers.
    pub fn listed(&self) -> &[(u64, Event)] {
        &self.listed
    }

    /// When the loop next turned to something else, after the event around which others are listed.
    pub fn turned(&self) -> Option<Nanos> {
        self.turned
    }

    /// When processes of the specimen died.
    pub fn deaths(&self) -> &[Nanos] {
        &self.deaths
    }

    /// The earliest moment that is kept, and the present.
    pub fn kept(&self) -> (Nanos, Nanos) {
        self.kept
    }

    /// Whether it shows this specimen.
    pub fn is_of(&self, specimen: SpecimenId) -> bool {
        self.reader.is_some() && self.wish.specimen == specimen
    }

    /// Looks at the past again: reads what is new, or all of it where something else is asked for. `live`: the world at the present.
    pub fn look(&mut self, wish: &Wish, history: &History, live: &World) {
        let before = std::mem::replace(&mut self.wish, *wish);
        let Some(specimen) = live.specimens.get(usize::from(wish.specimen.0)) else {
            *self = Self::default();
            return;
        };
        self.stalls.clear();
        let stalls = specimen.all_processes().flat_map(|s| s.stalls.past.iter().chain(&s.stalls.current));
        self.stalls.extend(stalls);
        self.deaths.clear();
        self.deaths.extend(specimen.deaths.iter().map(|death| death.at));
        self.kept = (history.span().0, live.now);
        if before.between != wish.between || before.lab != wish.lab || before.specimen != wish.specimen {
            self.measured = wish.between.map(|between| self.measure(between, history, specimen.processes.len()));
        }
        if before.around != wish.around || before.lab != wish.lab || before.specimen != wish.specimen {
            self.list(history);
        }
        let fresh = before.lab != wish.lab || before.specimen != wish.specimen;
        if fresh {
            self.follow.clear();
        }
        let other = self.reader.is_none() || fresh || before.chosen != wish.chosen || before.lives != wish.lives;
        let other = other || self.loops.len() != specimen.processes.len();
        let moved = !other && !self.slide(history);
        if other || moved {
            self.begin(history, live);
        }
        if !self.complete {
            self.read_on(history);
            // Whoever holds the loop is looked at, as soon as that is a stall.
            let culprit = specimen.stalls.current.map(|stall| stall.conn);
            let hidden = culprit.is_some_and(|conn| conn.is_some() && !self.follow.contains(&conn));
            let due = live.now >= self.chose + CHOOSE || live.now < self.chose || hidden;
            if (other || moved || due) && self.choose(live.now) {
                self.begin(history, live);
                self.read_on(history);
            }
            if due {
                self.chose = live.now;
            }
            self.show(live.now);
        }
    }

    /// Moves the stretch that has been read to where it is wanted, without reading any of it again. False where that cannot be.
    fn slide(&mut self, history: &History) -> bool {
        let (have, want) = (self.read.grid, self.wish.grid);
        if have == want {
            return true;
        }
        let by = want.from.since(have.from).0 / have.cell.0.max(1);
        let fits = have.cell == want.cell && have.columns == want.columns && have.start(by as usize) == want.from;
        // What came after its end was passed over, and what has been forgotten meanwhile cannot be read on from.
        if !fits || want.from < have.from || by as usize >= have.columns || self.complete || self.next < history.first() {
            return false;
        }
        self.read.slide(by as usize);
        self.loops.iter_mut().for_each(|process| process.read.slide(by as usize));
        self.scores.slide(self.read.grid);
        true
    }

    fn begin(&mut self, history: &History, live: &World) {
        let Wish { grid, specimen, .. } = self.wish;
        let processes = live.specimens.get(usize::from(specimen.0)).map_or(0, |s| s.processes.len());
        self.read = Cells::new(grid, &self.follow);
        self.complete = false;
        self.over = None;
        // What happened just when it begins belongs to it.
        let from = history.span().0.max(grid.from - Nanos(1));
        let world = history.at(from);
        self.next = history.position(from);
        self.read.since = from.max(grid.from);
        let threshold = world.stall_threshold;
        let start = world.specimens.get(usize::from(specimen.0));
        self.scores = start.map(|s| Scores::start(grid, s)).unwrap_or_default();
        self.reader = start.map(|s| Reader::start(s, threshold, from, &self.follow, &mut self.read));
        let since = self.read.since;
        let process = |n: usize| {
            let mut read = Cells { since, ..Cells::new(grid, &[]) };
            // One that had not been started is as the specimen was: without a process.
            let before = start.and_then(|s| s.processes.get(n)).or(start)?;
            let reader = Reader::start(before, threshold, from, &[], &mut read);
            Some(Process { shown: read.clone(), read, reader })
        };
        self.loops = (0..processes).filter_map(process).collect();
    }

    fn read_on(&mut self, history: &History) {
        let Some(reader) = &mut self.reader else { return };
        let end = self.read.grid.to() + SLACK;
        for (n, event) in history.from(self.next, self.wish.specimen) {
            if event.at > end {
                self.complete = true;
                break;
            }
            match event.from.lane {
                Lane::Process(process, part) => {
                    if let Some(process) = self.loops.get_mut(usize::from(process)) {
                        let own = Event { from: Origin { lane: part.lane(), ..event.from }, ..event };
                        process.reader.read(&own, &mut process.read, &mut Scores::default());
                    }
                }
                _ => reader.read(&event, &mut self.read, &mut self.scores),
            }
            self.next = n + 1;
        }
        if self.complete {
            // A stall may end farther away than is looked for; but of that the present knows.
            let held = self.reader.as_ref().and_then(Reader::running);
            let stall = held.and_then(|span| self.stalls.iter().find(|stall| stall.began == span.began && stall.end != StallEnd::Ongoing));
            self.over = stall.map(Stall::until).or_else(|| turn_after(history, self.wish.specimen, self.next));
        } else {
            // Those of others that came last need not be looked at again.
            self.next = history.end();
        }
    }

    /// The columns as they are at this moment: what goes on has gone on until now.
    fn show(&mut self, now: Nanos) {
        self.shown.clone_from(&self.read);
        let until = now.min(self.read.grid.to());
        self.shown.until = until;
        if let Some(reader) = &self.reader {
            reader.clone().go_on(until, self.over, &mut self.shown);
        }
        for process in &mut self.loops {
            process.shown.clone_from(&process.read);
            process.shown.until = until;
            process.reader.clone().go_on(until, None, &mut process.shown);
        }
    }

    /// Looks who is to be followed. True where it has changed.
    fn choose(&mut self, now: Nanos) -> bool {
        let running = self.reader.as_ref().and_then(Reader::running);
        let follow = self.scores.choose(&self.wish, &self.follow, running, now);
        let changed = follow != self.follow;
        self.follow = follow;
        changed
    }

    /// All that happened between two moments, in one column.
    fn measure(&self, (from, to): (Nanos, Nanos), history: &History, processes: usize) -> Measure {
        let grid = Grid { from, cell: Nanos(to.since(from).0.max(1)), columns: 1 };
        let mut cells = Cells::new(grid, &[]);
        let kept = history.span().0.max(from - Nanos(1));
        let world = history.at(kept);
        let mut scores = Scores::default();
        let next = history.position(kept);
        let start = world.specimens.get(usize::from(self.wish.specimen.0));
        let reader = start.map(|s| Reader::start(s, world.stall_threshold, kept, &[], &mut cells));
        // As in [`Trace::begin`]: one that had not been started is as the specimen was.
        let process = |n: usize| {
            let mut read = Cells::new(grid, &[]);
            let reader = Reader::start(start.and_then(|s| s.processes.get(n)).or(start)?, world.stall_threshold, kept, &[], &mut read);
            Some((read, reader))
        };
        let mut loops: Vec<(Cells, Reader)> = (0..processes).filter_map(process).collect();
        if let Some(mut reader) = reader {
            for (_, event) in history.from(next, self.wish.specimen) {
                if event.at > to + SLACK {
                    break;
                }
                match event.from.lane {
                    Lane::Process(process, part) => {
                        if let Some((read, reader)) = loops.get_mut(usize::from(process)) {
                            let own = Event { from: Origin { lane: part.lane(), ..event.from }, ..event };
                            reader.read(&own, read, &mut Scores::default());
                        }
                    }
                    _ => reader.read(&event, &mut cells, &mut scores),
                }
            }
            reader.go_on(to, None, &mut cells);
        }
        let mut sum = cells.columns.pop_front().unwrap_or_default();
        for (mut read, mut reader) in loops {
            reader.go_on(to, None, &mut read);
            read.columns.iter().for_each(|column| sum.add(column));
        }
        let whole = kept <= from;
        Measure { from, to, sum, whole }
    }

    /// The events of this specimen around one: half of them before it.
    fn list(&mut self, history: &History) {
        self.listed.clear();
        self.turned = None;
        let Some((around, count)) = self.wish.around else { return };
        self.turned = turn_after(history, self.wish.specimen, around + 1);
        let count = count.min(MAX_LISTED);
        let ours = |event: &Event| event.from.specimen == self.wish.specimen && !matches!(event.from.lane, Lane::Kernel);
        let before = (around.saturating_sub(FAR).max(history.first())..around).rev();
        let before = before.filter_map(|n| Some((n, history.event(n)?))).filter(|(_, e)| ours(e)).take(count / 2);
        self.listed.extend(before);
        self.listed.reverse();
        let rest = count - self.listed.len();
        let after = history.from(around, self.wish.specimen).take_while(|(n, _)| *n < around + FAR);
        self.listed.extend(after.filter(|(_, e)| ours(e)).take(rest));
    }
}
