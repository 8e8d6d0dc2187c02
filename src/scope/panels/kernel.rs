//! What the kernel holds for a specimen: its queues, descriptors, memory, the loop thread's state, and who is ready and waits.
//!
//! Sampled from outside, so it is as true while the loop is stuck as when it turns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::{Nanos, bytes, count};
use crate::scope::pen::Pen;
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::telemetry::event::Readiness;
use crate::world::Specimen;

use super::wheel::{grouped, percent};

/// One line: what, how much, and where it has a limit how near to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The key of its name.
    pub name: &'static str,
    /// The figure, with its limit where it has one.
    pub value: String,
    /// How near to the limit, 0 to 1.
    pub share: Option<f64>,
    /// How it looks.
    pub role: Role,
}

/// A connection that is ready and waits for its callback.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Whose callback.
    pub who: String,
    /// For what.
    pub what: &'static str,
    /// For how long.
    pub wait: Nanos,
}

/// The panel as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Whether there was a sample at all.
    pub sampled: bool,
    /// The figures, the most important first.
    pub rows: Vec<Row>,
    /// How many are ready; `None` where there is no loop that would be told.
    pub ready: Option<usize>,
    /// Sockets with unread bytes that the loop has not been told of.
    pub unseen: u32,
    /// Those who have waited longest, oldest first.
    pub waiting: Vec<Waiting>,
}

/// The kernel's side of a specimen.
pub fn shape(specimen: &Specimen, now: Nanos, look: Look<'_>) -> Shape {
    let kernel = &specimen.kernel;
    let mut rows = Vec::with_capacity(8);
    let mut row = |name, value: Option<String>, share: Option<f64>, role| {
        let (value, role) = value.map_or(("–".to_owned(), Role::Faint), |v| (v, role));
        rows.push(Row { name, value, share, role });
    };
    let pressed = |share: f64| {
        if share >= 0.8 {
            Role::Alarm
        } else if share >= 0.3 {
            Role::Warn
        } else {
            Role::Text
        }
    };
    let queue = kernel.accept_queue.map(|(n, limit)| (n, limit, f64::from(n) / f64::from(limit.max(1))));
    row(
        "kernel.accept_queue",
        queue.map(|(n, limit, _)| format!("{n}/{limit}")),
        Some(queue.map_or(0.0, |q| q.2)),
        queue.map_or(Role::Faint, |q| if q.0 == 0 { Role::Text } else { pressed(q.2.max(0.3)) }),
    );
    row(
        "kernel.unread",
        kernel.unread.map(|(n, sockets)| {
            if sockets == 0 { bytes(n) } else { look.fill("kernel.unread_in", &[("bytes", &bytes(n)), ("sockets", &sockets.to_string())]) }
        }),
        None,
        if kernel.unread.is_some_and(|u| u.1 > 0) { Role::Warn } else { Role::Text },
    );
    // What is left of a process that is dead is what the kernel holds for its listener; the rest was of another time.
    let alive = specimen.is_alive();
    let on = cores(specimen.cores());
    let (threads, name) = threads(specimen, look);
    let threads = threads.filter(|_| alive).map(|what| {
        if on.is_empty() {
            what
        } else {
            format!("{what} · {} {on}", look.text(if on.len() > 2 { "kernel.cores" } else { "kernel.core" }))
        }
    });
    let runs = specimen.has_loop() && specimen.loops().any(|process| process.kernel.thread.is_some_and(|t| t.0 == 'R'));
    row(name, threads, None, if runs { Role::Strong } else { Role::Text });
    let one_loop = specimen.has_loop() && specimen.processes.is_empty();
    if one_loop {
        let cpu = kernel.cpu.filter(|_| alive);
        row("kernel.cpu", cpu.map(percent), Some(cpu.unwrap_or(0.0)), pressed(cpu.unwrap_or(0.0) - 0.15));
        row("kernel.interest", kernel.interest_list.filter(|_| alive).map(|n| grouped(n.into())), None, Role::Text);
    } else {
        // More than one core can be used: a share of one, which may be more than all of it, and no bar.
        row("kernel.cpu", specimen.cores_now().filter(|_| alive).map(percent), None, Role::Text);
    }
    let fds = specimen.descriptors().filter(|_| alive).map(|(n, limit)| (n, limit, f64::from(n) / f64::from(limit.max(1))));
    row(
        "kernel.descriptors",
        fds.map(|(n, limit, _)| format!("{}/{}", grouped(n.into()), grouped(limit.into()))),
        None,
        fds.map_or(Role::Faint, |f| pressed(f.2)),
    );
    row("kernel.memory", specimen.resident().filter(|_| alive).map(|kib| bytes(kib * 1024)), None, Role::Text);
    let switches = specimen.switches_now().filter(|_| alive);
    let rate = |rate: f64| format!("{} /s", count(rate));
    row("kernel.switches", switches.map(|(voluntary, involuntary)| rate(voluntary + involuntary)), None, Role::Text);
    row("kernel.preempted", switches.map(|(_, involuntary)| rate(involuntary)), None, Role::Text);
    let mut waiting: Vec<_> = specimen.loops().flat_map(|process| &process.reactor.ready).collect();
    waiting.sort_by_key(|r| r.since);
    let waiting = waiting
        .into_iter()
        .take(32)
        .map(|r| Waiting {
            who: words::conn(look.lang, r.conn),
            what: if r.readiness.has(Readiness::READABLE) { "cause.readable" } else { "cause.writable" },
            wait: now.since(r.since),
        })
        .collect();
    let unseen = if specimen.stall().is_some() { kernel.unread.map_or(0, |u| u.1) } else { 0 };
    let ready = specimen.has_loop().then(|| specimen.loops().map(|process| process.reactor.ready_count).sum());
    Shape { sampled: kernel.sampled.is_some(), rows, unseen, ready, waiting }
}

/// Its threads or processes in a few words, and what they are called: a loop's state says whether it works, of many threads only the number can
/// be said.
fn threads(specimen: &Specimen, look: Look<'_>) -> (Option<String>, &'static str) {
    if !specimen.processes.is_empty() {
        let running = specimen.all_processes().filter(|process| process.is_alive()).count();
        return (Some(running.to_string()), "kernel.processes");
    }
    let Some((letter, threads)) = specimen.kernel.thread else { return (None, "kernel.thread") };
    if !specimen.has_loop() {
        return (Some(grouped(threads.into())), "kernel.threads");
    }
    let state = look.text(match letter {
        'R' => "kernel.state_r",
        'S' => "kernel.state_s",
        'D' => "kernel.state_d",
        'T' | 't' => "kernel.state_t",
        'Z' | 'X' => "kernel.state_z",
        _ => "kernel.state_other",
    });
    (Some(if threads > 1 { format!("{letter} {state} ×{threads}") } else { format!("{letter} {state}") }), "kernel.thread")
}

/// The cores of these bits, as `0 1 3`, or `0–3` where they follow one another.
fn cores(bits: u32) -> String {
    let all: Vec<u32> = (0..32).filter(|core| bits >> core & 1 == 1).collect();
    match all[..] {
        [first, .., last] if last - first + 1 == all.len() as u32 && all.len() > 2 => format!("{first}–{last}"),
        _ => all.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
    }
}

/// The panel, ready to be drawn.
pub struct Kernel<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Kernel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() {
            return;
        }
        let look = self.look;
        if !self.shape.sampled {
            pen.message(&look.text("kernel.unsampled"), look.style(Role::Dim));
            return;
        }
        // The ready list gets a third of the height at least; the figures are in the order of their weight.
        let least = match area.height {
            _ if self.shape.ready.is_none() => 0,
            0..5 => 1,
            height => (height / 4).max(2),
        };
        let rows = self.shape.rows.len().min(usize::from(area.height.saturating_sub(least)));
        let mut y = area.y;
        for row in &self.shape.rows[..rows] {
            self.row(&mut pen, y, row);
            y += 1;
        }
        if area.bottom() > y + 4 {
            y += 1;
        }
        if let Some(ready) = self.shape.ready {
            self.ready(&mut pen, y, ready);
        }
    }
}

impl Kernel<'_> {
    fn row(&self, pen: &mut Pen<'_>, y: u16, row: &Row) {
        let (area, look) = (pen.area, self.look);
        let name_end = pen.text(area.x, y, &look.text(row.name), look.style(Role::Dim));
        // Where there is no room for all of a value, its first part says most.
        let fits = |value: &&str| usize::from(name_end.saturating_sub(area.x)) + 1 + width(value) <= usize::from(area.width);
        let mut value = row.value.as_str();
        while let Some((first, _)) = value.rsplit_once(" · ").filter(|_| !fits(&value)) {
            value = first;
        }
        let start = pen.text_right(area.right(), y, value, look.style(row.role));
        if let Some(share) = row.share {
            let x = name_end.max(area.x + 13) + 1;
            let wide = start.saturating_sub(x + 1).min(10);
            if wide >= 3 {
                pen.bar(Rect { x, y, width: wide, height: 1 }, share, look.style(row.role), look.style(Role::Faint));
            }
        }
    }

    fn ready(&self, pen: &mut Pen<'_>, mut y: u16, ready: usize) {
        let (area, look) = (pen.area, self.look);
        let role = if ready > 0 { Role::Waiting } else { Role::Dim };
        let x = pen.text(area.x, y, &look.text("kernel.ready"), look.style(Role::Dim)) + 1;
        let start = pen.text_right(area.right(), y, &grouped(ready as u64), look.style(role));
        // One mark for each that waits, as far as they go.
        let room = usize::from(start.saturating_sub(x + 1));
        for n in 0..ready.min(room) {
            pen.put(x + n as u16, y, '▮', look.style(Role::Waiting));
        }
        y += 1;
        if self.shape.waiting.is_empty() {
            // While the loop is stuck it does not ask: who waits is known to the kernel only.
            if self.shape.unseen > 0 {
                let text = look.fill("kernel.unseen", &[("n", &self.shape.unseen.to_string())]);
                pen.text(area.x, y, &text, look.style(Role::Waiting));
            } else {
                pen.text(area.x, y, &look.text("kernel.none_ready"), look.style(Role::Faint));
            }
            return;
        }
        let longest = self.shape.waiting.first().map_or(1.0, |w| w.wait.as_secs().max(1e-9));
        for waiting in self.shape.waiting.iter().take(usize::from(area.bottom().saturating_sub(y))) {
            let strength = waiting.wait.as_secs() / longest;
            pen.put(area.x, y, '●', look.theme.glow(Role::Waiting, 0.4 + 0.6 * strength));
            let x = pen.text(area.x + 2, y, &waiting.who, look.style(Role::Text)) + 1;
            let wait = waiting.wait.to_string();
            let start = area.right().saturating_sub(wait.len() as u16 + 1);
            pen.text_until(x, y, start, &look.text(waiting.what), look.style(Role::Dim));
            pen.text_right(area.right(), y, &wait, look.style(Role::Text));
            y += 1;
        }
    }
}
