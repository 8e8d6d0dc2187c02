//! What a stretch of time adds up to, column by column: plain data, filled by the reader and drawn by the timeline.

use std::collections::VecDeque;

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::What;
use crate::telemetry::vocabulary::{Cause, Fault, Handler};
use crate::world::MAX_WORKERS;

/// Marks that are kept of one stretch, the newest.
pub const MAX_MARKERS: usize = 256;

/// A stretch of time, divided into columns of equal length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Where the first column begins.
    pub from: Nanos,
    /// What one column covers.
    pub cell: Nanos,
    /// How many there are.
    pub columns: usize,
}

impl Grid {
    /// Where the last column ends.
    pub fn to(&self) -> Nanos {
        self.from + Nanos(self.cell.0.saturating_mul(self.columns as u64))
    }

    /// The column of a moment, if it lies within.
    pub fn column(&self, at: Nanos) -> Option<usize> {
        let n = at.0.checked_sub(self.from.0)?.checked_div(self.cell.0)?;
        usize::try_from(n).ok().filter(|n| *n < self.columns)
    }

    /// Where a column begins.
    pub fn start(&self, column: usize) -> Nanos {
        self.from + Nanos(self.cell.0.saturating_mul(column as u64))
    }

    /// Hands out the part of each column that lies between two moments.
    #[inline]
    pub(super) fn each(&self, from: Nanos, to: Nanos, mut part: impl FnMut(usize, u64)) {
        let (from, to) = (from.max(self.from), to.min(self.to()));
        if from >= to || self.cell.0 == 0 {
            return;
        }
        let mut column = ((from.0 - self.from.0) / self.cell.0) as usize;
        let mut at = from.0;
        while at < to.0 {
            let end = (self.from.0 + (column as u64 + 1) * self.cell.0).min(to.0);
            part(column, end - at);
            at = end;
            column += 1;
        }
    }
}

/// One callback: who held the loop, from when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: Nanos,
    /// When it was over, or until when it is known to have gone on.
    pub ended: Nanos,
    /// Whether its end is not known yet.
    pub ongoing: bool,
    /// Why it ran.
    pub cause: Cause,
    /// For which connection.
    pub conn: ConnId,
    /// What the request asked for, where it got so far.
    pub handler: Option<Handler>,
    /// The fault that took hold of it.
    pub fault: Option<Fault>,
}

impl Span {
    /// How long it ran.
    pub fn length(&self) -> Nanos {
        self.ended.since(self.began)
    }
}

/// A figure that is sampled from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The highest of the column.
    pub value: u64,
    /// Whether it was sampled in it; else it is the last one before.
    pub sampled: bool,
}

/// What happened in one column. Times are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// In callbacks, by [`Cause`].
    pub causes: [u64; Cause::COUNT],
    /// In `epoll_wait`.
    pub polling: u64,
    /// Between callbacks, or held by the gate.
    pub between: u64,
    /// Held by the gate.
    pub held: u64,
    /// Without a process.
    pub dead: u64,
    /// Events were lost, or nobody watched.
    pub gap: bool,
    /// Callbacks that began.
    pub callbacks: u64,
    /// The longest callback of which a part lies here.
    pub longest: Option<Span>,
    /// Requests parsed.
    pub requests: u64,
    /// Requests answered to clients.
    pub answered: u64,
    /// The most connections that were ready at once without their callbacks having begun.
    pub ready: u32,
    /// The most requests on threads of their own at once; nothing where the model has none.
    pub serving: Option<u32>,
    /// The most requests under way at once; nothing where it is not known.
    pub under_way: Option<u32>,
    /// The accept queue.
    pub queue: Option<Level>,
    /// Unread bytes.
    pub unread: Option<Level>,
    /// Workers on a job, by their number.
    pub workers: [u64; MAX_WORKERS],
}

impl Column {
    /// Time in callbacks.
    pub fn busy(&self) -> u64 {
        self.causes.iter().sum()
    }

    /// Time of which it is known what the loop did.
    pub fn known(&self) -> u64 {
        self.busy() + self.polling + self.between + self.held + self.dead
    }

    /// What another column, or another loop's of the same time, has seen, on top of this.
    pub fn add(&mut self, other: &Self) {
        self.causes.iter_mut().zip(other.causes).for_each(|(sum, ns)| *sum += ns);
        self.polling += other.polling;
        self.between += other.between;
        self.dead += other.dead;
        self.held += other.held;
        self.gap |= other.gap;
        self.callbacks += other.callbacks;
        self.requests += other.requests;
        self.answered += other.answered;
        self.ready = self.ready.max(other.ready);
        self.under_way = self.under_way.max(other.under_way);
        if other.longest.map(|s| s.length()) > self.longest.map(|s| s.length()) {
            self.longest = other.longest;
        }
    }
}

/// Where a connection was, as far as its request is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its client has sent, and the loop has not been told: in the kernel's buffers.
    Kernel,
    /// Reported ready, its callback not begun.
    Ready,
    /// Its callback ran.
    Running,
    /// Its request waited for a timer, a worker or somebody else.
    Pending,
    /// Its answer was not wholly taken by the kernel.
    Writing,
}

impl Place {
    /// Every one, in the order of [`Stay`].
    pub const ALL: &'static [Self] = &[Self::Kernel, Self::Ready, Self::Running, Self::Pending, Self::Writing];
}

/// Time in each [`Place`] within one column, in nanoseconds.
pub type Stay = [u64; Place::ALL.len()];

/// One connection through the stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// Which.
    pub conn: ConnId,
    /// One for each column.
    pub cells: VecDeque<Stay>,
}

/// Something that happened beside the loop: a fault, a mitigation, a death, a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marker {
    /// When.
    pub at: Nanos,
    /// What.
    pub what: What,
}

/// A stretch of time in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// Its columns' times.
    pub grid: Grid,
    /// Up to when it is told.
    pub until: Nanos,
    /// From when on it is told: what lies before is not kept.
    pub since: Nanos,
    /// The loop, the queues, the clients, the workers.
    pub columns: VecDeque<Column>,
    /// Callbacks that are at least as long as a column, in the order of their ends.
    pub spans: VecDeque<Span>,
    /// The same of workers' jobs, with the worker's number.
    pub jobs: VecDeque<(u8, Span)>,
    /// What happened beside the loop; at most [`MAX_MARKERS`].
    pub markers: VecDeque<Marker>,
    /// The connections that are followed.
    pub lives: Vec<Life>,
    /// How many workers have been seen.
    pub workers: usize,
}

impl Cells {
    pub(super) fn new(grid: Grid, follow: &[ConnId]) -> Self {
        let cells = || (0..grid.columns).map(|_| Stay::default()).collect();
        Self {
            grid,
            columns: (0..grid.columns).map(|_| Column::default()).collect(),
            lives: follow.iter().map(|conn| Life { conn: *conn, cells: cells() }).collect(),
            ..Self::default()
        }
    }

    /// Moves on by so many columns; what falls out at the left is forgotten.
    pub(super) fn slide(&mut self, by: usize) {
        let by = by.min(self.grid.columns);
        self.grid.from = self.grid.start(by);
        self.columns.drain(..by);
        self.columns.extend((0..by).map(|_| Column::default()));
        for life in &mut self.lives {
            life.cells.drain(..by);
            life.cells.extend((0..by).map(|_| Stay::default()));
        }
        let from = self.grid.from;
        self.spans.retain(|span| span.ended > from);
        self.jobs.retain(|(_, span)| span.ended > from);
        self.markers.retain(|marker| marker.at >= from);
    }

    /// A callback was over, or has come so far.
    pub(super) fn span(&mut self, span: Span) {
        let grid = self.grid;
        let (columns, length) = (&mut self.columns, span.length());
        grid.each(span.began, span.ended.max(span.began + Nanos(1)), |n, _| {
            if columns[n].longest.is_none_or(|longest| longest.length() < length) {
                columns[n].longest = Some(span);
            }
        });
        if length >= grid.cell && span.ended > grid.from && span.began < grid.to() {
            // Not more than one for each column, and those that reach in at the ends.
            if self.spans.len() > grid.columns + 2 {
                self.spans.pop_front();
            }
            self.spans.push_back(span);
        }
    }

    pub(super) fn job(&mut self, worker: u8, span: Span) {
        let grid = self.grid;
        if span.length() >= grid.cell && span.ended > grid.from && span.began < grid.to() {
            if self.jobs.len() > (grid.columns + 2) * MAX_WORKERS {
                self.jobs.pop_front();
            }
            self.jobs.push_back((worker, span));
        }
    }

    pub(super) fn marker(&mut self, at: Nanos, what: What) {
        let Some(column) = self.grid.column(at) else { return };
        // The same thing again in the same column says nothing more.
        let again = |m: &Marker| m.what == what && self.grid.column(m.at) == Some(column);
        if self.markers.iter().rev().take(8).any(again) {
            return;
        }
        if self.markers.len() == MAX_MARKERS {
            self.markers.pop_front();
        }
        self.markers.push_back(Marker { at, what });
    }
}
