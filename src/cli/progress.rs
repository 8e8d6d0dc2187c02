//! How a check fares, on standard error: one line that is rewritten on a terminal, else one line for each thing that happens.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use unicode_width::UnicodeWidthChar;

use super::headless::{Happening, Watch};
use crate::base::lang::Lang;
use crate::base::units::{Nanos, count};
use crate::world::{Life, World};

/// Between two pictures of the line.
const PICTURE: Nanos = Nanos::millis(100);
/// Columns of the bar.
const BAR: usize = 16;

/// What is told of a run.
pub struct Progress {
    how: How,
    lang: Lang,
    id: String,
    last: Option<Nanos>,
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

impl Progress {
    /// Tells of the run of this scenario.
    pub fn new(id: &str, quiet: bool, lang: Lang) -> Self {
        let how = match (quiet, io::stderr().is_terminal()) {
            (true, _) => How::Quiet,
            (false, true) => How::Line,
            (false, false) => How::Lines,
        };
        Self { how, lang, id: id.to_owned(), last: None }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if self.how == How::Line {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

impl Watch for Progress {
    fn happened(&mut self, happening: &Happening<'_>) {
        if self.how == How::Lines {
            let text = describe(happening, self.lang);
            // Progress is a courtesy: where it cannot be written the check goes on.
            let _ = writeln!(io::stderr().lock(), "{}: {text}", self.id);
        }
    }

    fn picture(&mut self, now: Nanos, elapsed: Nanos, end: Nanos, world: &World) {
        let due = self.last.is_none_or(|last| now.since(last) >= PICTURE);
        if self.how == How::Line && due {
            self.last = Some(now);
            let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
            let columns = if columns == 0 { 80 } else { columns.max(20) };
            let line = clipped(&line(&self.id, elapsed, end, world, self.lang), columns - 1);
            let _ = write!(io::stderr().lock(), "\r{line}\x1b[K");
        }
    }
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
