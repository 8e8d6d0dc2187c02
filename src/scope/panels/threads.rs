//! Threads where others have a loop: how many there are, which are at work, on what and for how long.
//!
//! It stands where the wheel stands. There is nothing that turns: each thread waits for one client, or works for it, and the kernel decides
//! which of them run.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::Nanos;
use crate::scope::pen::Pen;
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::telemetry::vocabulary::Fault;
use crate::world::Specimen;

use super::wheel::grouped;

/// Requests under way that are named.
const NAMED: usize = 64;

/// A request that a thread is at.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Whose.
    pub conn: String,
    /// What it asked for.
    pub what: &'static str,
    /// The fault that has taken hold of it.
    pub fault: Option<Fault>,
    /// For how long.
    pub age: Nanos,
}

/// The panel as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Whether a process runs.
    pub alive: bool,
    /// Threads, as the kernel counts them, the one that accepts included.
    pub threads: u32,
    /// Those that are at a request now, and the most that ever were.
    pub serving: (u32, u32),
    /// Requests that have been answered, and the longest time that one took.
    pub answered: (u64, Nanos),
    /// What is under way, the oldest first.
    pub work: Vec<Work>,
    /// From which age on a request is drawn as slow.
    pub threshold: Nanos,
}

/// The threads of a specimen.
pub fn shape(specimen: &Specimen, now: Nanos, threshold: Nanos, look: Look<'_>) -> Shape {
    let threads = &specimen.threads;
    let alive = specimen.is_alive();
    let work = threads.oldest_first(NAMED).into_iter().map(|(conn, serving)| Work {
        conn: look.fill("conn", &[("id", &conn.0.to_string())]),
        what: serving.handler.name(),
        fault: serving.fault,
        age: now.since(serving.since),
    });
    Shape {
        alive,
        threads: specimen.thread_count().filter(|_| alive).unwrap_or(0),
        serving: (threads.serving(), threads.most),
        answered: (threads.answered, threads.longest),
        work: work.collect(),
        threshold,
    }
}

/// The panel, ready to be drawn.
pub struct Threads<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Threads<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look, shape) = (pen.area, self.look, self.shape);
        if area.is_empty() {
            return;
        }
        if !shape.alive {
            pen.message(&look.text("state.dead"), look.style(Role::Alarm));
            return;
        }
        let (serving, most) = shape.serving;
        let x = pen.text(area.x, area.y, &grouped(serving.into()), look.style(Role::Strong));
        let x = pen.text(x, area.y, &look.fill("threads.of", &[("n", &grouped(shape.threads.into()))]), look.style(Role::Text));
        let text = look.fill("threads.most", &[("n", &grouped(most.into()))]);
        if usize::from(area.right().saturating_sub(x)) > width(&text) + 1 {
            pen.text_right(area.right(), area.y, &text, look.style(Role::Dim));
        }
        // Not more lines of marks than leave room for what is under way.
        let lines = (area.height / 4).clamp(u16::from(area.height > 2), 6);
        let marks = self.marks(&mut pen, Rect { y: area.y + 1, height: lines, ..area });
        let mut y = area.y + 1 + marks;
        if area.bottom().saturating_sub(y) > 3 {
            y += 1;
        }
        if y < area.bottom() {
            let (answered, longest) = shape.answered;
            let x = pen.text(area.x, y, &look.fill("threads.answered", &[("n", &grouped(answered))]), look.style(Role::Dim));
            let text = look.fill("threads.longest", &[("longest", &longest.to_string())]);
            if usize::from(area.right().saturating_sub(x)) > width(&text) {
                pen.text_right(area.right(), y, &text, look.style(Role::Dim));
            }
            y += 1;
        }
        if shape.work.is_empty() && y < area.bottom() {
            pen.text(area.x, y, &look.text("threads.idle"), look.style(Role::Faint));
        }
        for work in shape.work.iter().take(usize::from(area.bottom().saturating_sub(y))) {
            self.work(&mut pen, y, work);
            y += 1;
        }
    }
}

impl Threads<'_> {
    /// A mark for each thread, as many as fit: those at work first. Tells how many lines they take.
    fn marks(&self, pen: &mut Pen<'_>, area: Rect) -> u16 {
        let look = self.look;
        let (serving, threads) = (self.shape.serving.0, self.shape.threads.max(self.shape.serving.0));
        let room = u32::from(area.width) * u32::from(area.height);
        for n in 0..threads.min(room) {
            let (x, y) = ((n % u32::from(area.width.max(1))) as u16, (n / u32::from(area.width.max(1))) as u16);
            let (mark, role) = if n < serving { ('▮', Role::Dispatch) } else { ('▯', Role::Faint) };
            pen.put(area.x + x, area.y + y, mark, look.style(role));
        }
        threads.min(room).div_ceil(u32::from(area.width.max(1))) as u16
    }

    fn work(&self, pen: &mut Pen<'_>, y: u16, work: &Work) {
        let (area, look) = (pen.area, self.look);
        let slow = work.age >= self.shape.threshold;
        let role = if slow { Role::Warn } else { Role::Text };
        pen.put(area.x, y, '●', look.style(if slow { Role::Warn } else { Role::Dispatch }));
        let x = pen.text(area.x + 2, y, &work.conn, look.style(Role::Text)) + 1;
        let age = work.age.to_string();
        let end = area.right().saturating_sub(width(&age) as u16 + 1);
        let x = pen.text_until(x, y, end, work.what, look.style(Role::Strong)) + 1;
        if let Some(fault) = work.fault {
            pen.text_until(x, y, end, &format!("· {}", words::fault(look.lang, fault)), look.style(role));
        }
        pen.text_right(area.right(), y, &age, look.style(role));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::theme::{Theme, Tier};

    #[test]
    fn it_fits_wherever_it_is_drawn() {
        let work = |n: u64| Work { conn: format!("conn {n}"), what: "/compute", fault: Some(Fault::EndlessLoop), age: Nanos::millis(n) };
        let shape = Shape {
            alive: true,
            threads: 9_001,
            serving: (12, 40),
            answered: (48_213, Nanos::millis(812)),
            work: (0..12).rev().map(|n| work(n * 40)).collect(),
            threshold: Nanos::millis(50),
        };
        let theme = Theme::load("dark", Tier::True).unwrap();
        let keys = Keymap::default();
        for shape in
            [Shape { alive: false, ..shape.clone() }, Shape { work: Vec::new(), threads: 0, serving: (0, 0), ..shape.clone() }, shape]
        {
            for (width, height) in (0..50).step_by(7).flat_map(|w| (0..14).map(move |h| (w, h))).chain([(1, 1)]) {
                let area = Rect::new(0, 0, width, height);
                let mut buf = Buffer::empty(area);
                (&Threads { shape: &shape, look: Look { theme: &theme, lang: Lang::En, keys: &keys } }).render(area, &mut buf);
            }
        }
    }
}
