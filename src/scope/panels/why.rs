//! Why one request took as long as it did: its causal strip, and below it each part with what the loop did meanwhile. All of it adds up.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::units::Nanos;
use crate::command::Command;
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::text::clip;
use crate::scope::theme::Role;
use crate::scope::ui::Reach;
use crate::scope::{Look, Scene, words};
use crate::world::why::{Callback, Meanwhile, PARTS, Thing, Why};

use super::latency::outcome;
use super::slowest;

/// What each part is, in their order.
const MEANING: [&str; PARTS] = ["why.queued", "why.kernel", "why.waiting", "why.running", "why.writing"];

/// One line of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The answer in a sentence.
    Said(String),
    /// The strip.
    Strip,
    /// A part: which, what it is, how long it took; nothing where it did not come to it.
    Part(usize, String, Option<Nanos>),
    /// What happened in it, how long, and in which colour that is drawn.
    Thing(String, Nanos, Role),
    /// The sum of the parts.
    Sum(String, Nanos),
    /// Air.
    Blank,
}

/// What a callback is called: its request or cause, whose it is, and the fault in it.
fn name(callback: &Callback, look: Look<'_>) -> String {
    let mut name = words::callback(look.lang, callback.cause, callback.handler).into_owned();
    if callback.handler.is_some() || callback.conn.is_some() {
        name = format!("{name} · {}", words::conn(look.lang, callback.conn));
    }
    match callback.fault {
        Some(fault) => format!("{name} · {}", words::fault(look.lang, fault)),
        None => name,
    }
}

/// What took a stretch of a part, in words, and its colour.
fn told(n: usize, thing: &Thing, look: Look<'_>) -> (String, Role) {
    let plain = |key| (look.text(key).into_owned(), Role::Dim);
    match thing.what {
        // What is written waits for nobody: the client has to read it.
        Meanwhile::Behind(callback) if n == PARTS - 1 => (look.fill("why.meanwhile", &[("what", &name(&callback, look))]), Role::Dim),
        Meanwhile::Short(_) if n == PARTS - 1 => plain("why.meanwhile_short"),
        Meanwhile::Behind(callback) => {
            let what = name(&callback, look);
            let text = if callback.length > thing.length {
                look.fill("why.behind_part", &[("what", &what), ("length", &callback.length.to_string())])
            } else {
                look.fill("why.behind", &[("what", &what)])
            };
            (text, Role::Warn)
        }
        Meanwhile::Short(1) => (look.text("why.short_one").into_owned(), Role::Warn),
        Meanwhile::Short(n) => (look.fill("why.short", &[("n", &n.to_string())]), Role::Warn),
        Meanwhile::Own(1) => (look.text("why.own_one").into_owned(), Role::Dispatch),
        Meanwhile::Own(n) => (look.fill("why.own", &[("n", &n.to_string())]), Role::Dispatch),
        Meanwhile::Worker => (look.text("why.worker").into_owned(), Role::Worker),
        Meanwhile::Thread => (look.text("why.thread").into_owned(), Role::Worker),
        Meanwhile::System => plain("why.system"),
        Meanwhile::Polling => plain("why.polling"),
        Meanwhile::Between => plain("why.between"),
        Meanwhile::Queue => plain("why.queue"),
        Meanwhile::Timer => plain("why.timer"),
        Meanwhile::Upstream => plain("why.upstream"),
        Meanwhile::Gate => plain("why.gate"),
        Meanwhile::Dead => plain("why.dead"),
        Meanwhile::Unseen => plain("why.unseen"),
    }
}

/// The answer in one sentence.
pub fn verdict(why: &Why, look: Look<'_>) -> String {
    if let Some((callback, length)) = why.behind().filter(|(_, length)| length.0 * 2 >= why.latency.0) {
        let (length, what) = (length.to_string(), name(&callback, look));
        return look.fill("why.held", &[("length", &length), ("what", &what)]);
    }
    let longest = (0..PARTS).max_by_key(|n| why.parts[*n].length).unwrap_or(0);
    let length = why.parts[longest].length;
    let share = percent(length, why.latency);
    look.fill("why.mostly", &[("share", &share), ("part", &look.text(MEANING[longest])), ("length", &length.to_string())])
}

fn percent(part: Nanos, whole: Nanos) -> String {
    let share = part.0 as f64 * 100.0 / whole.0.max(1) as f64;
    if part > Nanos::ZERO && share < 1.0 { "<1 %".to_owned() } else { format!("{share:.0} %") }
}

/// The answer in lines.
pub fn shape(why: &Why, look: Look<'_>) -> Vec<Line> {
    let mut lines = vec![Line::Said(verdict(why, look))];
    if why.lost {
        lines.push(Line::Said(look.text("why.lost").into_owned()));
    }
    lines.extend([Line::Blank, Line::Strip, Line::Blank]);
    for (n, part) in why.parts.iter().enumerate() {
        let known = n > 0 || why.question.client.is_some();
        let length = (part.reached && known).then_some(part.length);
        lines.push(Line::Part(n, look.text(MEANING[n]).into_owned(), length));
        for thing in &part.things {
            let (text, role) = told(n, thing, look);
            lines.push(Line::Thing(text, thing.length, role));
        }
    }
    let sum = why.parts.iter().fold(Nanos::ZERO, |sum, part| sum + part.length);
    let what = match (why.question.client, why.question.end) {
        (_, None) => "why.so_far",
        (Some(_), _) => "why.measured",
        (None, _) => "why.stranger",
    };
    lines.extend([Line::Blank, Line::Sum(look.text(what).into_owned(), sum)]);
    lines
}

/// Draws the strip of a request's parts over a line: each with its letter, in proportion.
fn strip(pen: &mut Pen<'_>, line: Rect, why: &Why, look: Look<'_>) {
    let mut x = line.x;
    let lengths = std::array::from_fn(|n| why.parts[n].length);
    for ((letter, _, role), cells) in slowest::PARTS.iter().zip(slowest::cells(&lengths, line.width)) {
        for n in 0..cells {
            pen.put(x + n, line.y, if n == 0 { *letter } else { '━' }, look.style(*role));
        }
        x += cells;
    }
}

/// Whose request it is, in a few words.
fn whose(why: &Why, look: Look<'_>) -> String {
    let mut words_ = Vec::new();
    if let Some(client) = why.question.client {
        words_.push(look.fill("why.client", &[("id", &client.0.to_string())]));
    }
    if why.question.conn.is_some() {
        words_.push(words::conn(look.lang, why.question.conn));
    }
    if let Some(handler) = why.handler {
        words_.push(handler.name().to_owned());
    }
    if let Some(status) = why.status {
        // A status without an end is on its way: the loop has answered, and the client has not all of it.
        let status = status.to_string();
        let received = why.question.end.is_some();
        words_.push(if received { status } else { look.fill("why.not_received", &[("status", &status)]) });
    } else if let Some((_, Some(how))) = why.question.end {
        words_.push(look.text(outcome(how)).into_owned());
    }
    words_.join(" · ")
}

/// Draws the answer of a scene over an area; says how far one can go in it.
pub fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) -> Reach {
    let look = scene.look;
    let wide = 100.min(area.width.saturating_sub(2));
    let lines = scene.answers.why.as_ref().map(|why| shape(why, look)).unwrap_or_default();
    let high = (lines.len() as u16 + 2).clamp(12.min(area.height), area.height);
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + area.height.saturating_sub(high).min(3), width: wide, height: high };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let Some(why) = &scene.answers.why else {
        let inner = frame_lit(buf, at, look, &look.text("why.title"), "", Some(Role::Accent));
        let key = if scene.ui.asked.is_some() { "why.unknown" } else { "why.nothing" };
        Pen::new(buf, inner).message(&look.text(key), look.style(Role::Dim));
        return Reach::default();
    };
    let page = usize::from(at.height.saturating_sub(2));
    let last = lines.len().saturating_sub(page);
    let from = scene.ui.entry.min(last);
    let key = if why.question.end.is_some() { "why.took" } else { "why.takes" };
    let title = look.fill(key, &[("latency", &why.latency.to_string())]);
    let more = if last > 0 { format!(" · {}/{} ↑↓", (from + page).min(lines.len()), lines.len()) } else { String::new() };
    let note = format!("{}{more}", whose(why, look));
    let inner = frame_lit(buf, at, look, &title, &note, Some(Role::Accent));
    let mut pen = Pen::new(buf, inner);
    let (left, right) = (inner.x + 1, inner.right().saturating_sub(1));
    for (n, line) in lines.iter().skip(from).take(page).enumerate() {
        draw_line(&mut pen, Rect { x: left, y: inner.y + n as u16, width: right.saturating_sub(left), height: 1 }, line, why, look);
    }
    Reach { last, page }
}

/// Columns of a length, and of a share.
const FIGURES: (u16, u16) = (9, 7);

fn draw_line(pen: &mut Pen<'_>, at: Rect, line: &Line, why: &Why, look: Look<'_>) {
    let (y, share) = (at.y, at.right());
    let length = share.saturating_sub(FIGURES.1);
    let room = length.saturating_sub(FIGURES.0);
    let figures = |pen: &mut Pen<'_>, took: Nanos, role| {
        pen.text_right(length, y, &took.to_string(), look.style(role));
        pen.text_right(share, y, &percent(took, why.latency), look.style(Role::Dim));
    };
    match line {
        Line::Blank => {}
        Line::Said(text) => drop(pen.text(at.x, y, &clip(text, usize::from(at.width)), look.style(Role::Strong))),
        Line::Strip => strip(pen, at, why, look),
        Line::Part(n, meaning, took) => {
            let (letter, name, role) = slowest::PARTS[*n];
            let reached = took.is_some();
            let role = if reached { role } else { Role::Faint };
            let x = pen.text_until(at.x, y, room, &format!("{letter} {}", look.text(name)), look.style(role));
            let x = x.max(at.x + 12);
            let meaning = clip(meaning, usize::from(room.saturating_sub(x)));
            pen.text_until(x, y, room, &meaning, look.style(if reached { Role::Text } else { Role::Faint }));
            match took {
                Some(took) => figures(pen, *took, Role::Strong),
                None => drop(pen.text_right(length, y, "–", look.style(Role::Faint))),
            }
        }
        Line::Thing(text, took, role) => {
            let x = at.x + 4;
            let text = clip(text, usize::from(room.saturating_sub(x)));
            let end = pen.text_until(x, y, room, &text, look.style(*role));
            for x in end + 1..room {
                pen.put(x, y, '·', look.style(Role::Faint));
            }
            figures(pen, *took, *role);
        }
        Line::Sum(text, sum) => {
            let x = pen.text_right(length, y, &format!("= {sum}"), look.style(Role::Strong));
            pen.text_until(at.x, y, x.saturating_sub(1), text, look.style(Role::Dim));
        }
    }
}
