//! The Compare screen: two to four specimens under the same load, on one time axis.
//!
//! ```text
//! head
//! ╭ one time axis ─────────────────────────────────────────╮
//! │ ▸ name ● LIVE  what it does            figures          │
//! │   loop      ▂▂▂███████▂▂▂                               │   a lane each, one scale for all;
//! │   latency   ░░░▒▒▓▓██░░░                                │   in the past, one line across them
//! │   answers   ▇▇▇▁▁▁▁▁▇▇▇                                 │
//! │             -4 s        -2 s                        now │
//! ╰────────────────────────────────────────────────────────╯
//! ╭ figures ──────────────────────╮╭ against … ────────────╮
//! │           one   other         ││ other: p99 12 times … │   (without room for both beside each other,
//! ╰───────────────────────────────╯╰───────────────────────╯    the words stand above the figures)
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::command::keymap::Context;
use crate::scenario::compare;
use crate::scenario::schema::{Role as Part, words as written};
use crate::scope::panels::{footer, head, lanes, side_by_side};
use crate::scope::pen::{Pen, frame};
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Drawn, Scene};

use super::inset;

/// Below so many columns the words stand above the figures.
const BESIDE: u16 = 30;
/// A lane is not made higher than this.
const TALLEST: u16 = 20;

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let area = buf.area;
    let look = scene.look;
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    head::Head::of(scene).draw(row(0, 3), buf, &mut drawn.targets);
    let at = row(area.height.saturating_sub(1), 1);
    let entries = footer::shape(scene, at.width.saturating_sub(1));
    footer::Footer { entries: &entries, look }.draw(at, buf, &mut drawn.targets);
    let body = row(3, area.height.saturating_sub(4));

    let places = compare::compared(scene.scenario, scene.world);
    if places.len() < 2 {
        alone(scene, body, buf, drawn);
        return;
    }
    let lanes = places.len() as u16;
    // The frame, a heading and the figures; at least the six that say most.
    let wanted = 3 + compare::ROWS.len() as u16;
    let below = (body.height * 2 / 5).clamp(6, wanted);
    let high = (body.height.saturating_sub(below + 3) / lanes).clamp(1, TALLEST);
    let above = Rect { height: (3 + lanes * high).min(body.height), ..body };
    let below = Rect { y: above.bottom(), height: body.height - above.height, ..body };

    let columns = above.width.saturating_sub(4 + lanes::NAMES);
    let shape = lanes::shape(scene, &places, columns);
    let cell = look.fill("timeline.cell", &[("cell", &format!("{:.0} ms", shape.cell.as_millis()))]);
    let inner = inset(frame(buf, above, look, &look.text("compare.axis"), &cell));
    drawn.plot = shape.plot(inner);
    lanes::Lanes { shape: &shape, threshold: scene.world.stall_threshold, look }.draw(inner, buf, &mut drawn.targets);
    figures(scene, &places, below, buf, drawn);
}

/// The figures and the words, beside each other or above each other.
fn figures(scene: &Scene<'_>, places: &[usize], area: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let look = scene.look;
    let marked = places.iter().any(|n| scene.world.specimens[*n].marked.is_some());
    let since = look.text(if marked { "latency.since_mark" } else { "latency.since_start" });
    let title = look.fill("compare.figures", &[("since", &since)]);
    let key = |command: &Command| look.key(command, Context::Compare);
    let note = look.fill("compare.keys", &[("copy", &key(&Command::CopyTable)), ("anew", &key(&Command::CountAnew))]);
    let full = side_by_side::shape(scene, places, area.height.saturating_sub(3));
    let table = side_by_side::Table { shape: &full, look };
    let wide = (table.columns() + 4).max(width(&title) as u16 + width(&note) as u16 + 9).min(area.width);
    let reference = compare::name_of(scene.world, side_by_side::chosen(scene, places));
    let against = look.fill("compare.against", &[("name", &reference)]);
    if area.width >= wide + BESIDE {
        // The words need more than the figures do, up to a point.
        let wide = wide.max(area.width * 2 / 5);
        let left = Rect { width: wide, ..area };
        let right = Rect { x: left.right(), width: area.width - wide, ..area };
        let inner = inset(frame(buf, left, look, &title, &note));
        table.draw(inner, buf, &mut drawn.targets);
        let key = key(&Command::NextSpecimen);
        let inner = inset(frame(buf, right, look, &against, &look.fill("compare.other", &[("key", &key)])));
        side_by_side::Differences { shape: &full, look }.render(inner, buf);
        return;
    }
    let words = side_by_side::Differences { shape: &full, look };
    let inner = inset(frame(buf, area, look, &against, &note));
    // A line for each of the others at least; one is left for the names, and two for figures.
    let lines = words.lines(inner.width).clamp(full.told.len() as u16, (full.told.len() as u16).max(inner.height.saturating_sub(4)));
    let lines = lines.min(inner.height.saturating_sub(3));
    words.render(Rect { height: lines, ..inner }, buf);
    let rest = Rect { y: inner.y + lines, height: inner.height.saturating_sub(lines), ..inner };
    let shape = side_by_side::shape(scene, places, rest.height.saturating_sub(1));
    side_by_side::Table { shape: &shape, look }.draw(rest, buf, &mut drawn.targets);
}

/// With nothing to compare with: how to get a second one.
fn alone(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let look = scene.look;
    let inner = inset(frame(buf, area, look, &look.text("compare.axis"), ""));
    let mut pen = Pen::new(buf, inner);
    let key = |command: &Command| look.key(command, Context::Compare);
    let text = look.fill("compare.alone", &[("next", &key(&Command::NextLesson)), ("list", &key(&Command::Home))]);
    let mut y = inner.y + inner.height / 8;
    let mut say = |pen: &mut Pen<'_>, text: &str, role: Role| {
        for line in wrap(text, usize::from(inner.width)) {
            let mut x = inner.x;
            for run in line {
                x = pen.text(x, y, &run.text, look.style(if run.marked { Role::Accent } else { role }));
            }
            y += 1;
        }
        y
    };
    say(&mut pen, &text, Role::Text);
    say(&mut pen, "", Role::Text);
    let mut y = say(&mut pen, &look.text("compare.lessons"), Role::Dim);
    let serves = |lesson: &&crate::scenario::Scenario| lesson.specimens.iter().filter(|s| s.role == Part::Server).count() > 1;
    for lesson in scene.lessons.iter().filter(serves) {
        // The last lines belong to the file of one's own.
        if y + 4 > inner.bottom() {
            break;
        }
        let names: Vec<_> = lesson.specimens.iter().filter(|s| s.role == Part::Server).map(|s| s.name.as_str()).collect();
        let number = lesson.id.split('-').next().unwrap_or_default();
        let at = pen.text(inner.x + 2, y, number, look.style(Role::Dim)) + 1;
        let x = pen.text(at, y, written(&lesson.title, look.lang), look.style(Role::Strong)) + 2;
        let free = usize::from(inner.right().saturating_sub(x));
        pen.text(x, y, &clip(&names.join(" · "), free), look.style(Role::Dim));
        drawn.targets.add(Rect { y, height: 1, ..inner }, Command::Open(lesson.id.clone()));
        y += 1;
    }
    let mut pen = Pen::new(buf, inner);
    let own = wrap(&look.text("compare.own"), usize::from(inner.width));
    for (n, line) in own.into_iter().take(usize::from(inner.bottom().saturating_sub(y + 1))).enumerate() {
        let mut x = inner.x;
        for run in line {
            x = pen.text(x, y + 1 + n as u16, &run.text, look.style(if run.marked { Role::Accent } else { Role::Dim }));
        }
    }
}
