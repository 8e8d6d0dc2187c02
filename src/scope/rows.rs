//! Choosing a row of a table by what it is about, not by where it stands: the choice survives another order and rows that come and go.
//!
//! Drawing says which rows are shown; keys and clicks move among those. So a key means what the person sees, whatever has changed since.

use super::line::Line;
use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A connection.
    Connection(ConnId),
    /// A connection of a worker process, counted from 0: each numbers its own.
    OfWorker(u8, ConnId),
    /// A request: whose, and when it was meant to be sent.
    Request(ClientId, Nanos),
    /// A track of the timeline.
    Track(Track),
}

/// A track of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// What the loop did.
    Loop,
    /// The longest callback of each column.
    Longest,
    /// What was ready and had not begun.
    Ready,
    /// Requests on threads of their own.
    Threads,
    /// Requests under way.
    UnderWay,
    /// The accept queue.
    Queue,
    /// Unread bytes.
    Unread,
    /// A worker, counted from 0.
    Worker(u8),
    /// The loop of a worker process, counted from 0.
    Process(u8),
    /// A connection.
    Connection(ConnId),
}

/// By what a table of connections is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By serial number.
    #[default]
    Id,
    /// The oldest first.
    Age,
    /// Those with the most unread bytes first.
    Unread,
    /// Those with the most requests first.
    Requests,
    /// Those that have waited longest for something of ours first.
    Waiting,
}

impl Order {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Id, Self::Age, Self::Unread, Self::Requests, Self::Waiting];

    /// The next one; after the last the first.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// Which requests a table shows, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestOrder {
    /// The slowest so far, the slowest first.
    #[default]
    Slowest,
    /// The same, the newest first.
    Newest,
    /// Those that had to wait for the last stall, the slowest first.
    Victims,
}

impl RequestOrder {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Slowest, Self::Newest, Self::Victims];

    /// The next one; after the last the first.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// The rows of a table as they were drawn last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Those in sight, and one more at each end where there is one.
    pub rows: Vec<RowId>,
    /// Where the first that is in sight lies in `rows`.
    pub first: usize,
}

/// What is chosen in tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// In which order connections stand.
    pub order: Order,
    /// Which requests are shown, and in which order.
    pub requests: RequestOrder,
    /// What connections are looked for by.
    pub filter: Line,
    /// The chosen connection.
    pub connection: Option<RowId>,
    /// The chosen request.
    pub request: Option<RowId>,
    /// The chosen track of the timeline.
    pub track: Option<RowId>,
    /// What was drawn last.
    pub shown: Shown,
}

impl Rows {
    /// Whether this row is the chosen one.
    pub fn is_chosen(&self, row: RowId) -> bool {
        [self.connection, self.request, self.track].contains(&Some(row))
    }

    /// Goes to the row above or below the chosen one; to the first in sight where none is chosen.
    pub fn walk(&mut self, down: bool) {
        let rows = &self.shown.rows;
        let next = match rows.iter().position(|row| self.is_chosen(*row)) {
            Some(at) if down => at + 1,
            Some(at) => at.saturating_sub(1),
            None => self.shown.first,
        };
        if let Some(row) = rows.get(next).copied() {
            self.choose(row);
        }
    }

    /// Chooses the row of this number among those in sight, from 0.
    pub fn pick(&mut self, n: usize) {
        if let Some(row) = self.shown.rows.get(self.shown.first + n).copied() {
            self.choose(row);
        }
    }

    /// Chooses this row.
    pub fn choose(&mut self, row: RowId) {
        match row {
            RowId::Connection(_) | RowId::OfWorker(..) => self.connection = Some(row),
            RowId::Request(..) => self.request = Some(row),
            RowId::Track(_) => self.track = Some(row),
        }
    }
}

/// From which row on so many rows are shown: the chosen one in the middle, as far as the ends of the table allow.
pub fn offset(chosen: Option<usize>, count: usize, high: usize) -> usize {
    chosen.map_or(0, |at| at.saturating_sub(high / 2)).min(count.saturating_sub(high))
}

/// What is in sight of these rows from an offset on.
pub fn shown(rows: impl ExactSizeIterator<Item = RowId>, offset: usize, high: usize) -> Shown {
    let first = offset.min(1);
    Shown { rows: rows.skip(offset - first).take(high + first + 1).collect(), first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: impl IntoIterator<Item = u32>) -> Vec<RowId> {
        n.into_iter().map(|n| RowId::Connection(ConnId(n))).collect()
    }

    #[test]
    fn the_choice_follows_its_row_into_another_order() {
        let all = ids(0..10);
        let mut rows = Rows { shown: shown(all.iter().copied(), 0, 5), ..Rows::default() };
        rows.walk(true);
        rows.walk(true);
        assert!(rows.is_chosen(all[1]));
        rows.shown = shown(ids((0..10).rev()).into_iter(), offset(Some(8), 10, 5), 5);
        assert!(rows.is_chosen(all[1]));
        rows.walk(true);
        assert!(rows.is_chosen(all[0]));
        rows.walk(true);
        assert!(rows.is_chosen(all[0]), "it stops at the end");
        rows.walk(false);
        assert!(rows.is_chosen(all[1]));
    }

    #[test]
    fn keys_go_on_beyond_what_is_in_sight_and_clicks_do_not_miss() {
        let all = ids(0..10);
        let mut rows = Rows { shown: shown(all.iter().copied(), 3, 4), ..Rows::default() };
        assert_eq!((rows.shown.first, &rows.shown.rows[..]), (1, &all[2..8]));
        rows.pick(3);
        assert!(rows.is_chosen(all[6]));
        rows.walk(true);
        assert!(rows.is_chosen(all[7]));
        rows.pick(99);
        assert!(rows.is_chosen(all[7]));
    }

    #[test]
    fn the_chosen_row_is_in_sight() {
        for count in 0..20 {
            for high in 1..8 {
                for at in 0..count {
                    let from = offset(Some(at), count, high);
                    assert!(from <= at && at < from + high && (from + high <= count || from == 0), "{count} {high} {at}");
                }
            }
        }
    }
}
