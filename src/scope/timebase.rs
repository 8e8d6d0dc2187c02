//! Which stretch of time the timeline shows, and what is marked in it. Plain data: commands and the pointer change it, drawing reads it.
//!
//! In the present the stretch ends now and slides along; where it is so short that nobody could read it sliding, it stands for half a
//! second and then shows the newest again, as an oscilloscope's sweep does. In the past it stays where it is, and follows the cursor
//! when that leaves it.

use crate::base::units::Nanos;
use crate::world::trace::Grid;

/// What one column may cover, from the nearest to the farthest.
pub const CELLS: &[Nanos] = &[
    Nanos(100),
    Nanos(200),
    Nanos(500),
    Nanos::micros(1),
    Nanos::micros(2),
    Nanos::micros(5),
    Nanos::micros(10),
    Nanos::micros(20),
    Nanos::micros(50),
    Nanos::micros(100),
    Nanos::micros(200),
    Nanos::micros(500),
    Nanos::millis(1),
    Nanos::millis(2),
    Nanos::millis(5),
    Nanos::millis(10),
    Nanos::millis(20),
    Nanos::millis(50),
    Nanos::millis(100),
    Nanos::millis(200),
    Nanos::millis(500),
    Nanos::secs(1),
];
/// At the beginning a column covers 50 ms: some seconds in all.
const FIRST: usize = 17;
/// A stretch that is shorter stands for as long as [`SWEEP`] before it shows the newest again.
const SLIDES: Nanos = Nanos::secs(2);
/// How long a short stretch stands in the present.
const SWEEP: Nanos = Nanos::millis(500);

/// The stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timebase {
    /// Which of [`CELLS`].
    zoom: usize,
    /// Where the first column begins: a multiple of the cell.
    from: Nanos,
    /// How many columns were drawn last.
    columns: usize,
    /// The moment that the screen shows: in the present the last that was seen.
    cursor: Nanos,
    /// Whether it was the present.
    live: bool,
    /// When a short stretch was last brought up to date.
    swept: Option<Nanos>,
    /// The two marks.
    pub marks: [Option<Nanos>; 2],
    /// Whether the events around the cursor are listed.
    pub details: bool,
}

impl Default for Timebase {
    fn default() -> Self {
        Self { zoom: FIRST, from: Nanos::ZERO, columns: 0, cursor: Nanos::ZERO, live: true, swept: None, marks: [None; 2], details: false }
    }
}

impl Timebase {
    /// Its columns' times.
    pub fn grid(&self) -> Grid {
        Grid { from: self.from, cell: self.cell(), columns: self.columns }
    }

    /// What one column covers.
    pub fn cell(&self) -> Nanos {
        CELLS[self.zoom]
    }

    /// The moment that the screen shows.
    pub fn cursor(&self) -> Nanos {
        self.cursor
    }

    /// How far a step with an arrow goes, and one with shift: a column, and an eighth of them all.
    pub fn steps(&self) -> (Nanos, Nanos) {
        (self.cell(), Nanos(self.cell().0 * (self.columns as u64 / 8).max(2)))
    }

    /// Sees to it that the stretch is where it must be, for so many columns: at the present (`live`), or where the cursor is.
    pub fn settle(&mut self, columns: usize, cursor: Nanos, live: bool, playing: bool) {
        let resized = self.columns != columns;
        self.columns = columns;
        if live {
            let due = self.swept.is_none_or(|at| cursor >= at + SWEEP || cursor < at);
            if self.length() >= SLIDES || resized || !self.live || due {
                self.swept = Some(cursor);
                self.end_at(cursor);
            }
        } else if self.live && !resized {
            // It has just been frozen: the picture stays. A sweep may not have come so far.
            if cursor >= self.grid().to() {
                self.end_at(cursor);
            }
        } else if resized || cursor != self.cursor {
            self.follow(cursor, playing);
        }
        (self.cursor, self.live) = (cursor, live);
    }

    fn length(&self) -> Nanos {
        Nanos(self.cell().0.saturating_mul(self.columns as u64))
    }

    fn end_at(&mut self, at: Nanos) {
        let cell = self.cell().0;
        self.from = Nanos((at.0 / cell + 1).saturating_sub(self.columns as u64) * cell);
    }

    /// Puts a moment into this column, as far as the beginning of time allows.
    fn put(&mut self, at: Nanos, column: usize) {
        let cell = self.cell().0;
        self.from = Nanos((at.0 / cell).saturating_sub(column as u64) * cell);
    }

    fn follow(&mut self, cursor: Nanos, playing: bool) {
        let edge = self.columns / 10;
        match self.grid().column(cursor) {
            Some(column) if column < edge => self.put(cursor, edge),
            // What is played runs through the picture, and then the picture turns the page.
            Some(column) if playing && column + edge >= self.columns => self.put(cursor, edge),
            Some(column) if column + edge >= self.columns => self.put(cursor, self.columns - edge - 1),
            Some(_) => {}
            None => self.put(cursor, if playing { edge } else { self.columns / 2 }),
        }
    }

    /// Nearer, or farther; what lies at this moment stays where it is, else the cursor, else the middle.
    pub fn zoom(&mut self, nearer: bool, about: Option<Nanos>) {
        let grid = self.grid();
        let at = about.or(Some(self.cursor)).filter(|at| grid.column(*at).is_some()).unwrap_or(grid.start(self.columns / 2));
        let column = grid.column(at).unwrap_or(0);
        self.zoom = if nearer { self.zoom.saturating_sub(1) } else { (self.zoom + 1).min(CELLS.len() - 1) };
        if self.live && about.is_none() {
            self.end_at(self.cursor);
        } else {
            self.put(at, column);
        }
        self.swept = None;
    }

    /// Moves it by so many columns, later or (below zero) earlier; not beyond this moment.
    pub fn pan(&mut self, columns: i64, latest: Nanos) {
        let by = self.cell().0.saturating_mul(columns.unsigned_abs());
        let cell = self.cell().0;
        let last = Nanos(latest.0 / cell * cell);
        self.from = if columns < 0 { self.from - Nanos(by) } else { (self.from + Nanos(by)).min(last) };
    }

    /// Shows these moments, both with a little air, and puts the cursor to one.
    pub fn frame(&mut self, from: Nanos, to: Nanos, cursor: Nanos) {
        let columns = self.columns.max(8) as u64;
        let room = columns - columns / 8;
        let length = to.since(from).0;
        let fits = |cell: &Nanos| cell.0.saturating_mul(room) >= length;
        self.zoom = CELLS.iter().position(fits).unwrap_or(CELLS.len() - 1);
        let taken = (length / self.cell().0) as usize;
        self.put(from, self.columns.saturating_sub(taken) / 2);
        (self.cursor, self.live) = (cursor, false);
    }

    /// Sets a mark to the cursor; takes it away where it is there already.
    pub fn mark(&mut self, which: usize) {
        let mark = &mut self.marks[which];
        *mark = if *mark == Some(self.cursor) { None } else { Some(self.cursor) };
    }

    /// The moments between which is measured: the two marks; with one of them, it and the cursor.
    pub fn between(&self) -> Option<(Nanos, Nanos)> {
        let (a, b) = match self.marks {
            [Some(a), Some(b)] => (a, b),
            [Some(a), None] | [None, Some(a)] if !self.live => (a, self.cursor),
            _ => return None,
        };
        (a != b).then(|| (a.min(b), a.max(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(cursor: Nanos) -> Timebase {
        let mut base = Timebase::default();
        base.settle(100, cursor, true, false);
        base
    }

    #[test]
    fn in_the_present_it_ends_now() {
        let mut base = base(Nanos::millis(12_345));
        let grid = base.grid();
        assert_eq!((grid.to(), grid.cell), (Nanos::millis(12_350), Nanos::millis(50)));
        base.settle(100, Nanos::millis(12_360), true, false);
        assert_eq!(base.grid().to(), Nanos::millis(12_400));
    }

    #[test]
    fn a_short_one_stands_for_half_a_second() {
        let mut base = base(Nanos::secs(10));
        for _ in 0..9 {
            base.zoom(true, None);
        }
        base.settle(100, Nanos::secs(10), true, false);
        let before = base.grid();
        assert!(before.cell < Nanos::micros(100) && before.column(Nanos::secs(10)) == Some(99), "{before:?}");
        base.settle(100, Nanos::millis(10_400), true, false);
        assert_eq!(base.grid(), before);
        base.settle(100, Nanos::millis(10_500), true, false);
        assert_ne!(base.grid(), before);
        let held = base.grid();
        base.settle(100, Nanos::micros(10_500_001), false, false);
        assert_eq!(base.grid(), held, "freezing moves nothing");
    }

    #[test]
    fn nearer_and_farther_leave_the_moment_under_the_pointer_where_it_is() {
        let mut base = base(Nanos::secs(60));
        base.settle(100, Nanos::secs(60), false, false);
        let at = base.grid().start(37);
        for _ in 0..30 {
            base.zoom(true, Some(at));
            assert_eq!(base.grid().column(at), Some(37), "{:?}", base.grid());
        }
        assert_eq!(base.cell(), CELLS[0]);
        for _ in 0..14 {
            base.zoom(false, Some(at));
            assert_eq!(base.grid().column(at), Some(37));
        }
    }

    #[test]
    fn it_follows_the_cursor_and_not_who_only_looks_elsewhere() {
        let mut base = base(Nanos::secs(60));
        base.settle(100, Nanos::secs(60), false, false);
        base.settle(100, Nanos::secs(30), false, false);
        assert_eq!(base.grid().column(Nanos::secs(30)), Some(50));
        base.pan(-70, Nanos::secs(60));
        base.settle(100, Nanos::secs(30), false, false);
        assert_eq!(base.grid().column(Nanos::secs(30)), None);
        base.pan(100_000, Nanos::secs(60));
        assert_eq!(base.grid().from, Nanos::secs(60));
        for n in 1..200 {
            let cursor = Nanos::secs(30) + Nanos(CELLS[FIRST].0 * n);
            base.settle(100, cursor, false, n % 2 == 0);
            assert!(base.grid().column(cursor).is_some());
        }
    }

    #[test]
    fn a_framed_stall_is_all_there() {
        let mut base = base(Nanos::secs(60));
        for length in [Nanos::micros(3), Nanos::millis(812), Nanos::secs(9)] {
            let (from, cursor) = (Nanos::secs(40), Nanos::secs(40) + Nanos::micros(1));
            base.frame(from, from + length, cursor);
            base.settle(100, cursor, false, false);
            let grid = base.grid();
            let (first, last) = (grid.column(from).unwrap(), grid.column(from + length).unwrap());
            assert!(last - first >= 25 || grid.cell == CELLS[0], "{length}: {first} to {last}");
        }
    }

    #[test]
    fn marks_are_measured_in_their_order() {
        let mut base = base(Nanos::secs(60));
        base.mark(1);
        assert_eq!(base.between(), None, "in the present there is no cursor to measure to");
        base.settle(100, Nanos::secs(50), false, false);
        assert_eq!(base.between(), Some((Nanos::secs(50), Nanos::secs(60))));
        base.mark(0);
        base.settle(100, Nanos::secs(10), false, false);
        assert_eq!(base.between(), Some((Nanos::secs(50), Nanos::secs(60))));
        base.settle(100, Nanos::secs(50), false, false);
        base.mark(0);
        assert_eq!(base.marks, [None, Some(Nanos::secs(60))]);
    }
}
