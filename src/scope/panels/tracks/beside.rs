//! What is at the cursor, and what happened between the marks, in words and figures; the events around the cursor as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::percent;
use crate::base::units::{Nanos, bytes, count};
use crate::scope::panels::moment;
use crate::scope::panels::wheel::grouped;
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, words};
use crate::telemetry::vocabulary::Cause;
use crate::world::trace::Column;
use crate::world::{Life, Specimen, Stage};

/// Ready connections that are named.
const NAMED: usize = 8;

/// A line: labels and figures, or a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What stands before it.
    pub label: String,
    /// What is said.
    pub text: String,
    /// How.
    pub role: Role,
}

fn line(label: impl Into<String>, text: impl Into<String>, role: Role) -> Line {
    Line { label: label.into(), text: text.into(), role }
}

/// What is at the cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Here {
    /// In lines.
    pub lines: Vec<Line>,
    /// The events around it: how long before or after it, what, and whether it is the last that has happened.
    pub events: Vec<(String, String, bool)>,
}

impl Here {
    /// At the cursor of a scene.
    pub fn of(scene: &Scene<'_>) -> Self {
        let look = scene.look;
        let Some(specimen) = scene.chosen() else { return Self::default() };
        let Some(frozen) = scene.ui.frozen else {
            return Self { lines: in_the_present(scene), events: Vec::new() };
        };
        let at = scene.world.now;
        let mut lines = vec![line(look.text("tracks.loop"), doing(specimen, scene), Role::Strong)];
        lines.push(line(look.text("tracks.ready"), ready(specimen, at, look), Role::Text));
        let kernel = &specimen.kernel;
        let queue = kernel.accept_queue.map_or("–".to_owned(), |(n, _)| count(f64::from(n)));
        let unread = kernel.unread.map_or("–".to_owned(), |(n, _)| bytes(n));
        let ago = kernel.sampled.map_or("–".to_owned(), |sampled| at.since(sampled).to_string());
        let under_way = count(f64::from(specimen.clients.under_way()));
        lines.push(line(
            look.text("tracks.queues"),
            look.fill("tracks.queues_are", &[("queue", &queue), ("unread", &unread), ("ago", &ago), ("under_way", &under_way)]),
            Role::Text,
        ));
        if let Some(said) = connection(scene, specimen) {
            lines.push(said);
        }
        let last = frozen.event.map(|(n, _)| n);
        let events = scene.trace.listed().iter().map(|(n, event)| {
            let apart = if event.at > at { format!("+{}", event.at.since(at)) } else { format!("−{}", at.since(event.at)) };
            let said = format!("{} · {}", moment::lane(event.from.lane, look), moment::fact(event.what, look));
            (if event.at == at { "0".to_owned() } else { apart }, said, Some(*n) == last)
        });
        Self { lines, events: events.collect() }
    }
}

fn in_the_present(scene: &Scene<'_>) -> Vec<Line> {
    let look = scene.look;
    let slides = scene.ui.timebase.grid();
    let key = if slides.to().since(slides.from) >= Nanos::secs(2) { "tracks.slides" } else { "tracks.sweeps" };
    vec![
        line("", look.text(key), Role::Text),
        line("", look.text("tracks.how_to_stop"), Role::Dim),
        line("", look.text("tracks.how_to_zoom"), Role::Dim),
    ]
}

/// What the loop does at the cursor, since when, and until when.
fn doing(specimen: &Specimen, scene: &Scene<'_>) -> String {
    let (look, at) = (scene.look, scene.world.now);
    let reactor = &specimen.reactor;
    match (specimen.life, reactor.running) {
        (Life::Dead { since, .. }, _) => look.fill("tracks.is_dead", &[("ago", &at.since(since).to_string())]),
        (Life::Starting, _) => look.text("tracks.is_starting").into_owned(),
        (_, Some(running)) => {
            let what = words::callback(look.lang, running.cause, running.handler);
            let cause = words::cause(look.lang, running.cause);
            let conn = words::conn(look.lang, running.conn);
            let ago = at.since(running.since).to_string();
            let ahead = scene.ui.frozen.and_then(|frozen| frozen.ahead);
            let known = ahead.map(|all| running.since + all).or(scene.trace.turned());
            let key = if known.is_some() { "tracks.is_running" } else { "tracks.still_running" };
            let left = known.map_or_else(String::new, |end| end.since(at).to_string());
            let all = known.unwrap_or(at).since(running.since).to_string();
            look.fill(key, &[("what", &what), ("conn", &conn), ("cause", &cause), ("ago", &ago), ("left", &left), ("all", &all)])
        }
        (_, None) if reactor.held && reactor.held_whole => look.text("announce.gated_whole").into_owned(),
        (_, None) if reactor.held => look.text("announce.gated").into_owned(),
        (_, None) => {
            let phase = words::phase(look.lang, reactor.phase);
            let ago = at.since(reactor.phase_since).to_string();
            look.fill("tracks.is_in_phase", &[("phase", &phase), ("ago", &ago), ("tick", &grouped(reactor.ticks))])
        }
    }
}

/// Who is ready and has not begun, and for how long.
fn ready(specimen: &Specimen, at: Nanos, look: Look<'_>) -> String {
    let reactor = &specimen.reactor;
    if reactor.ready_count == 0 {
        return look.text("tracks.none_ready").into_owned();
    }
    let named = reactor.ready.iter().take(NAMED).map(|r| format!("{} {}", words::number(r.conn), at.since(r.since)));
    let mut out = format!("{}: {}", count(reactor.ready_count as f64), named.collect::<Vec<_>>().join(", "));
    if reactor.ready_count > NAMED {
        out.push_str(" …");
    }
    out
}

/// What is known at the cursor of the chosen track's connection.
fn connection(scene: &Scene<'_>, specimen: &Specimen) -> Option<Line> {
    use crate::scope::rows::{RowId, Track};
    let Some(RowId::Track(Track::Connection(id))) = scene.ui.rows.track else { return None };
    let look = scene.look;
    let name = look.fill("conn", &[("id", &id.0.to_string())]);
    let Some(found) = specimen.connections.get(id) else { return Some(line(name, look.text("tracks.not_open"), Role::Dim)) };
    let waits = specimen.clients.waits_since(found.port);
    let stage = match (found.stage, waits) {
        (Stage::Idle, Some(since)) => {
            look.fill("tracks.since", &[("what", &look.text("tracks.in_kernel")), ("ago", &scene.world.now.since(since).to_string())])
        }
        (stage, _) => {
            let word = look.text(crate::scope::panels::connections::stage(stage));
            look.fill("tracks.since", &[("what", &word), ("ago", &scene.world.now.since(found.since).to_string())])
        }
    };
    let requests = look.fill("tracks.requests", &[("n", &count(f64::from(found.requests)))]);
    Some(line(name, format!("{stage} · {requests} · fd {}", found.fd), Role::Text))
}

/// What happened between the marks, or in all that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// Its title.
    pub title: String,
    /// In lines.
    pub lines: Vec<Line>,
}

impl Sum {
    /// Of a scene.
    pub fn of(scene: &Scene<'_>) -> Self {
        let look = scene.look;
        let cells = scene.trace.cells();
        if let Some(measure) = scene.trace.measured() {
            let length = measure.to.since(measure.from);
            let key = if scene.ui.timebase.marks.iter().all(Option::is_some) { "tracks.between" } else { "tracks.to_cursor" };
            let mut lines = of_column(&measure.sum, length, look);
            if !measure.whole {
                lines.push(line("", look.text("tracks.not_all_kept"), Role::Warn));
            }
            return Self { title: look.fill(key, &[("length", &length.to_string())]), lines };
        }
        let mut all = Column::default();
        for column in cells.columns.iter().chain(scene.trace.loops().flat_map(|own| &own.columns)) {
            all.add(column);
        }
        let length = cells.until.since(cells.grid.from.max(cells.since));
        Self {
            title: look.fill("tracks.shown", &[("length", &cells.grid.to().since(cells.grid.from).to_string())]),
            lines: of_column(&all, length, look),
        }
    }
}

fn of_column(sum: &Column, length: Nanos, look: Look<'_>) -> Vec<Line> {
    let known = sum.known().max(1) as f64;
    let mut busy = percent(sum.busy() as f64 / known);
    let mut causes: Vec<_> = Cause::ALL.iter().filter(|c| sum.causes[**c as usize] as f64 >= known * 5e-4).collect();
    causes.sort_by_key(|c| std::cmp::Reverse(sum.causes[**c as usize]));
    let parts =
        causes.iter().take(3).map(|c| format!("{} {}", words::cause(look.lang, **c), percent(sum.causes[**c as usize] as f64 / known)));
    let parts = parts.collect::<Vec<_>>().join(", ");
    if !parts.is_empty() {
        busy = format!("{busy} ({parts})");
    }
    let rate = sum.answered as f64 / length.as_secs().max(1e-9);
    let mut answered = grouped(sum.answered);
    if length >= Nanos::millis(10) {
        answered = format!("{answered} · {}", look.fill("tracks.per_second", &[("n", &count(rate))]));
    }
    let longest = sum.longest.map_or("–".to_owned(), |span| {
        let what = words::callback(look.lang, span.cause, span.handler);
        format!("{} · {what} · {}", span.length(), words::conn(look.lang, span.conn))
    });
    let waiting = look.fill(
        "tracks.most_waiting",
        &[("ready", &sum.ready.to_string()), ("under_way", &sum.under_way.map_or("–".to_owned(), |n| n.to_string()))],
    );
    let mut lines = vec![
        line(look.text("tracks.busy"), busy, Role::Strong),
        line(look.text("tracks.callbacks"), grouped(sum.callbacks), Role::Text),
        line(look.text("tracks.answered"), answered, Role::Text),
        line(look.text("tracks.longest"), longest, Role::Text),
        line(look.text("tracks.at_most"), waiting, Role::Text),
    ];
    if sum.gap {
        lines.insert(1, line("", look.text("tracks.has_gap"), Role::Warn));
    }
    lines
}

/// Lines with their labels, ready to be drawn.
pub struct Beside<'a> {
    /// What.
    pub lines: &'a [Line],
    /// The events below them.
    pub events: &'a [(String, String, bool)],
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Beside<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        let labels = self.lines.iter().map(|line| width(&line.label)).max().unwrap_or(0) as u16;
        let mut y = area.y;
        for (n, line) in self.lines.iter().enumerate() {
            let mut x = area.x;
            if !line.label.is_empty() {
                pen.text(x, y, &line.label, look.style(Role::Dim));
                x += labels + 1;
            }
            let room = usize::from(area.right().saturating_sub(x));
            let wrapped = wrap(&line.text, room);
            // Whoever comes after must have a line, too.
            let free = usize::from(area.bottom().saturating_sub(y)).saturating_sub(self.lines.len() - n - 1).max(1);
            for runs in wrapped.into_iter().take(free) {
                let mut x = x;
                for run in runs {
                    x = pen.text(x, y, &run.text, look.style(if run.marked { Role::Strong } else { line.role }));
                }
                y += 1;
            }
        }
        if self.events.is_empty() || y >= area.bottom() {
            return;
        }
        y += u16::from(area.bottom() - y > 6);
        let room = usize::from(area.bottom() - y);
        let now = self.events.iter().position(|(.., now)| *now).unwrap_or(self.events.len() / 2);
        let first = now.saturating_sub(room / 2).min(self.events.len().saturating_sub(room));
        for (apart, text, now) in self.events.iter().skip(first).take(room) {
            let style = look.style(if *now { Role::Strong } else { Role::Dim });
            if *now {
                pen.fill(Rect { y, height: 1, ..area }, ' ', look.style(Role::Chosen));
            }
            let style = if *now { look.style(Role::Chosen) } else { style };
            pen.text(area.x, y, if *now { "▸" } else { " " }, style);
            pen.text_right(area.x + 12, y, apart, style);
            pen.text(area.x + 14, y, &clip(text, usize::from(area.width.saturating_sub(14))), style);
            y += 1;
        }
    }
}
