//! How a check fares, on standard error: one line that is rewritten on a terminal, else one line for each thing that happens.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthChar;

use super::headless::{Happening, Watch};
use crate::base::lang::Lang;
use crate::base::units::{Nanos, count};
use crate::world::{Life, World};

/// Between two pictures of the line.
const PICTURE: Nanos = Nanos::millis(100);
/// Columns of the bar.
const BAR: usize = 16;

/// What is told of all runs of a check.
pub struct Board {
    how: How,
    lang: Lang,
    /// Scenarios to run, and how many side by side.
    total: usize,
    jobs: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    decided: usize,
    /// Who runs, how far, of how much.
    running: Vec<(String, Nanos, Nanos)>,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Not at all.
    Quiet,
    /// On a line that is rewritten.
    Line,
    /// By one line each.
    Lines,
}

impl Board {
    /// Tells of so many scenarios, so many of them side by side.
    pub fn new(total: usize, jobs: usize, quiet: bool, lang: Lang) -> Self {
        let how = match (quiet, io::stderr().is_terminal()) {
            (true, _) => How::Quiet,
            (false, true) => How::Line,
            (false, false) => How::Lines,
        };
        Self { how, lang, total, jobs, state: Mutex::default() }
    }

    /// Does something that writes, with the line taken away and kept away for so long.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        let _state = self.state();
        self.clear();
        write()
    }

    /// A run that panicked has left nothing half-done in it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear(&self) {
        if self.how == How::Line {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    fn draw(line: &str) {
        let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { 80 } else { columns.max(20) };
        let _ = write!(io::stderr().lock(), "\r{}\x1b[K", clipped(line, columns - 1));
    }
}

/// What is told of one run.
pub struct Progress<'a> {
    board: &'a Board,
    id: String,
    last: Option<Nanos>,
}

impl<'a> Progress<'a> {
    /// Tells of the run of this scenario.
    pub fn new(id: &str, board: &'a Board) -> Self {
        board.state().running.push((id.to_owned(), Nanos::ZERO, Nanos::ZERO));
        Self { board, id: id.to_owned(), last: None }
    }

    /// The run is over, and takes its part of the line away. `decided`: it will not be run again.
    pub fn finish(&self, decided: bool) {
        let mut state = self.board.state();
        state.running.retain(|(id, ..)| *id != self.id);
        state.decided += usize::from(decided);
        self.board.clear();
    }
}

impl Watch for Progress<'_> {
    fn happened(&mut self, happening: &Happening<'_>) {
        if self.board.how == How::Lines {
            let text = describe(happening, self.board.lang);
            // Progress is a courtesy: where it cannot be written the check goes on.
            let _ = writeln!(io::stderr().lock(), "{}: {text}", self.id);
        }
    }

    fn picture(&mut self, now: Nanos, elapsed: Nanos, end: Nanos, world: &World) {
        let due = self.last.is_none_or(|last| now.since(last) >= PICTURE);
        if self.board.how != How::Line || !due {
            return;
        }
        self.last = Some(now);
        let mut state = self.board.state();
        let own = (self.id.clone(), elapsed, end);
        if let Some(running) = state.running.iter_mut().find(|(id, ..)| *id == self.id) {
            *running = own;
        }
        Board::draw(&match self.board.jobs {
            1 => line(&self.id, elapsed, end, world, self.board.lang),
            _ => many(&state, self.board.total),
        });
    }
}

/// `▕█████░░░░░░░░░░░▏ 7/23  12-timers 2.10 s / 4.50 s · 13-slow-senders 400 ms / 6.00 s`
fn many(state: &State, total: usize) -> String {
    let full = (state.decided * BAR).checked_div(total).unwrap_or(BAR).min(BAR);
    let mut text = format!("▕{}{}▏ {}/{total}", "█".repeat(full), "░".repeat(BAR - full), state.decided);
    for (n, (id, elapsed, end)) in state.running.iter().enumerate() {
        let _ = write!(text, "{} {id} {elapsed} / {end}", if n == 0 { " " } else { " ·" });
    }
    text
}

fn describe(happening: &Happening<'_>, lang: Lang) -> String {
    match (happening, lang) {
        (Happening::Starting, Lang::En) => "starting servers and clients".into(),
        (Happening::Starting, Lang::Zh) => "启动服务器和客户端".into(),
        (Happening::Ready { after }, Lang::En) => format!("ready after {after}"),
        (Happening::Ready { after }, Lang::Zh) => format!("{after} 后就绪"),
        (Happening::CarriedOut { at, what, specimen }, _) => match specimen {
            Some(name) => format!("{at}: {name}: {what}"),
            None => format!("{at}: {what}"),
        },
        (Happening::Again { cpu_wait }, Lang::En) => {
            format!("claims failed while the machine was busy (a loop waited {:.0} % of a second for a CPU): once more", cpu_wait * 100.0)
        }
        (Happening::Again { cpu_wait }, Lang::Zh) => {
            format!("机器繁忙时有预期不成立(循环在一秒里有 {:.0} % 的时间在等 CPU):再来一次", cpu_wait * 100.0)
        }
        (Happening::Measuring, Lang::En) => "measuring the selectors".into(),
        (Happening::Measuring, Lang::Zh) => "测量选择器".into(),
        (Happening::Lesson, Lang::En) => "trying what the lesson has the reader try".into(),
        (Happening::Lesson, Lang::Zh) => "逐步试做课程里的操作".into(),
        (Happening::Ended { at }, Lang::En) => format!("ended at {at}"),
        (Happening::Ended { at }, Lang::Zh) => format!("{at} 结束"),
    }
}

/// `04-computing-callback ▕██████░░▏ 3.20 s / 7.50 s  naive 1.0 k/s stalled 412 ms · pool 1.0 k/s`
fn line(id: &str, elapsed: Nanos, end: Nanos, world: &World, lang: Lang) -> String {
    let share = if end == Nanos::ZERO { 1.0 } else { (elapsed.as_secs() / end.as_secs()).clamp(0.0, 1.0) };
    let full = (share * BAR as f64) as usize;
    let mut text = format!("{id} ▕{}{}▏ {elapsed} / {end}", "█".repeat(full), "░".repeat(BAR - full));
    for (n, specimen) in world.specimens.iter().enumerate() {
        let _ = write!(text, "{} {} {}/s", if n == 0 { " " } else { " ·" }, specimen.name, count(specimen.clients.rate));
        let state = match (specimen.life, &specimen.stalls.current) {
            (Life::Dead { .. }, _) => Some(pick(lang, "dead".into(), "已死".into())),
            (_, Some(stall)) => Some(pick(lang, format!("stalled {}", stall.length), format!("停顿 {}", stall.length))),
            _ => None,
        };
        if let Some(state) = state {
            let _ = write!(text, " {state}");
        }
    }
    text
}

fn pick(lang: Lang, en: String, zh: String) -> String {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// As much of the text as fits into so many columns.
fn clipped(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn the_line_of_many_says_how_many_are_done_and_who_runs() {
        let board = Board::new(4, 2, true, Lang::En);
        let (_first, second) = (Progress::new("a", &board), Progress::new("b", &board));
        second.finish(false);
        assert_eq!(many(&board.state(), 4), "▕░░░░░░░░░░░░░░░░▏ 0/4  a 0 ms / 0 ms", "b will be run again");
        let second = Progress::new("b", &board);
        board.state().running[0] = ("a".into(), Nanos::secs(1), Nanos::secs(3));
        assert_eq!(many(&board.state(), 4), "▕░░░░░░░░░░░░░░░░▏ 0/4  a 1.00 s / 3.00 s · b 0 ms / 0 ms");
        second.finish(true);
        assert_eq!(many(&board.state(), 4), "▕████░░░░░░░░░░░░▏ 1/4  a 1.00 s / 3.00 s");
        assert_eq!(many(&State::default(), 0), format!("▕{}▏ 0/0", "█".repeat(BAR)));
    }

    #[test]
    fn the_line_tells_of_everyone_and_fits() {
        let world = Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).hang(Nanos::millis(400)).world();
        let text = line("x", Nanos::secs(2), Nanos::secs(4), &world, Lang::En);
        assert!(text.starts_with("x ▕████████░░░░░░░░▏ 2.00 s / 4.00 s  naive "), "{text}");
        assert!(text.contains("/s stalled 4") && text.contains(" · pool "), "{text}");
        for columns in 0..40 {
            assert!(unicode_width::UnicodeWidthStr::width(clipped("停顿 ▕█ naive 400 ms, and more of it", columns).as_str()) <= columns);
        }
    }
}
