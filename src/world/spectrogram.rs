//! Latency over time: one column a quarter of a second, one row a quarter of a factor of ten, a count in each cell.

use crate::base::units::Nanos;

/// Columns of the spectrogram: the last 64 seconds in steps of [`COLUMN`].
pub const COLUMNS: usize = 256;
/// What one column of the spectrogram covers.
pub const COLUMN: Nanos = Nanos::millis(250);
/// Rows of the spectrogram: latencies from 10 µs up, four to a factor of ten; the last takes all above 56 s.
pub const ROWS: usize = 28;
/// The lower bounds of the spectrogram's rows in nanoseconds: 10 µs times 10^(n/4). The first row takes what is below, too.
pub const ROW_BOUNDS: [u64; ROWS] = {
    let quarter = [10_000, 17_783, 31_623, 56_234];
    let (mut bounds, mut n, mut decade) = ([0; ROWS], 0, 1);
    while n < ROWS {
        bounds[n] = quarter[n % 4] * decade;
        n += 1;
        if n % 4 == 0 {
            decade *= 10;
        }
    }
    bounds
};

/// Answers by time and latency.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    /// The number of the newest column since the beginning: column `n` covers `[n, n + 1)` times [`COLUMN`].
    pub newest: u64,
    /// Column `n` lies at `n % COLUMNS`.
    pub cells: Vec<[u32; ROWS]>,
}

impl Default for Spectrogram {
    fn default() -> Self {
        Self { newest: 0, cells: vec![[0; ROWS]; COLUMNS] }
    }
}

impl Spectrogram {
    /// The column with this number; `None` where it is older than the spectrogram, or not yet begun.
    pub fn column(&self, n: u64) -> Option<&[u32; ROWS]> {
        (n <= self.newest && n + (COLUMNS as u64) > self.newest).then(|| &self.cells[(n % COLUMNS as u64) as usize])
    }

    /// The row that a latency belongs to.
    #[inline]
    pub fn row(latency: Nanos) -> usize {
        ROW_BOUNDS.partition_point(|bound| *bound <= latency.0).saturating_sub(1)
    }

    pub(super) fn slide(&mut self, now: Nanos) {
        let column = now.0 / COLUMN.0;
        for n in 0..column.saturating_sub(self.newest).min(COLUMNS as u64) {
            self.cells[((column - n) % COLUMNS as u64) as usize] = [0; ROWS];
        }
        self.newest = self.newest.max(column);
    }

    #[inline]
    pub(super) fn count(&mut self, latency: Nanos) {
        let cell = &mut self.cells[(self.newest % COLUMNS as u64) as usize][Self::row(latency)];
        *cell = cell.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_four_to_a_factor_of_ten() {
        for (latency, row) in [(0, 0), (10_000, 0), (17_783, 1), (100_000, 4), (1_000_000, 8), (999_999_999, 19), (u64::MAX, 27)] {
            assert_eq!(Spectrogram::row(Nanos(latency)), row, "{latency}");
        }
    }

    #[test]
    fn columns_are_forgotten_in_their_turn() {
        let mut spectrogram = Spectrogram::default();
        spectrogram.count(Nanos::millis(1));
        spectrogram.slide(Nanos::millis(250));
        assert_eq!((spectrogram.column(0).unwrap()[8], spectrogram.column(1).unwrap()[8], spectrogram.column(2)), (1, 0, None));
        spectrogram.slide(Nanos::secs(64));
        assert_eq!((spectrogram.newest, spectrogram.column(0)), (256, None));
        assert!(spectrogram.cells.iter().flatten().all(|count| *count == 0));
    }
}
