//! Times along the top: ticks at round moments, in the unit that suits the stretch, counted from a round moment that is written beside them.

use crate::base::units::Nanos;
use crate::scope::panels::wheel::grouped;
use crate::world::trace::Grid;

/// Columns between two ticks, at least.
const APART: u64 = 14;

/// The ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruler {
    /// What the ticks count from; empty where they are moments since the beginning.
    pub base: String,
    /// The columns of the ticks, and what is written there.
    pub ticks: Vec<(u16, String)>,
}

/// The ruler of a stretch.
pub fn ruler(grid: &Grid) -> Ruler {
    let step = step(grid.cell);
    let unit = unit(step);
    // What is shorter than a millisecond would need too many digits: it is counted from a round moment.
    let base = if step.0 >= 1_000_000 { 0 } else { grid.from.0 / (unit * 1_000) * (unit * 1_000) };
    let first = grid.from.0.div_ceil(step.0);
    let ticks =
        (first..).map(|n| n * step.0).map_while(|at| Some((grid.column(Nanos(at))? as u16, written(at - base, step.0, unit, base > 0))));
    Ruler { base: if base > 0 { format!("{} +", moment(Nanos(base))) } else { String::new() }, ticks: ticks.collect() }
}

/// Between two ticks: one, two or five of a power of ten.
fn step(cell: Nanos) -> Nanos {
    let least = cell.0.max(1) * APART;
    let mut power = 1;
    loop {
        if let Some(n) = [1, 2, 5].into_iter().find(|n| n * power >= least) {
            return Nanos(n * power);
        }
        power *= 10;
    }
}

/// The unit in which a step is written, in nanoseconds.
const fn unit(step: Nanos) -> u64 {
    match step.0 {
        1_000_000.. => 1_000_000_000,
        1_000..1_000_000 => 1_000,
        _ => 1,
    }
}

fn written(at: u64, step: u64, unit: u64, relative: bool) -> String {
    let plus = if relative { "+" } else { "" };
    match unit {
        1_000_000_000 => {
            let digits = match step {
                1_000_000_000.. => 0,
                100_000_000.. => 1,
                10_000_000.. => 2,
                _ => 3,
            };
            format!("{:.digits$} s", at as f64 / 1e9)
        }
        1_000 => format!("{plus}{} µs", grouped(at / 1_000)),
        _ => format!("{plus}{} ns", grouped(at)),
    }
}

/// A moment since the lab's beginning, to the digit that matters: `12.345 s`, `12.345 678 s`.
pub fn moment(at: Nanos) -> String {
    let micros = at.0 / 1_000;
    let (seconds, millis, micros) = (micros / 1_000_000, micros / 1_000 % 1_000, micros % 1_000);
    if micros == 0 { format!("{seconds}.{millis:03} s") } else { format!("{seconds}.{millis:03} {micros:03} s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::timebase::CELLS;

    fn texts(from: Nanos, cell: Nanos) -> Vec<String> {
        ruler(&Grid { from, cell, columns: 60 }).ticks.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round_and_in_the_unit_that_suits() {
        assert_eq!(texts(Nanos::secs(10), Nanos::millis(50)), ["10 s", "11 s", "12 s"]);
        assert_eq!(texts(Nanos::millis(12_345), Nanos::millis(1)), ["12.36 s", "12.38 s", "12.40 s"]);
        assert_eq!(texts(Nanos::micros(12_345_990), Nanos::micros(1)), ["+1 000 µs", "+1 020 µs", "+1 040 µs"]);
        assert_eq!(ruler(&Grid { from: Nanos::micros(12_345_990), cell: Nanos::micros(1), columns: 60 }).base, "12.345 s +");
        assert_eq!(texts(Nanos(12_345_678_000), Nanos(100)), ["+678 µs", "+680 µs", "+682 µs"]);
    }

    #[test]
    fn no_two_ticks_are_written_over_each_other() {
        for cell in CELLS {
            for from in [Nanos::ZERO, Nanos(cell.0 * 123_457), Nanos(1_234_567_890_123 / cell.0 * cell.0)] {
                let ruler = ruler(&Grid { from, cell: *cell, columns: 200 });
                assert!(ruler.ticks.len() >= 2, "{cell}");
                for pair in ruler.ticks.windows(2) {
                    assert!(usize::from(pair[1].0 - pair[0].0) > pair[0].1.chars().count(), "{pair:?}");
                }
            }
        }
    }
}
