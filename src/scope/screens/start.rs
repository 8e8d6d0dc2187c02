//! The start screen: the lessons, beside a loop that is running already.
//!
//! ```text
//!  ╷ ╭─╮╭─╮╭─╮ ...     (the name)                    where to curl
//!  what it is, in a line
//! ╭ lessons ──────────────────────╮╭ this loop is real, and runs now ─────────────╮
//! │ ▸ 1  title                    ││          the wheel and its legend            │
//! │      summary                  ││                                              │
//! │   2  title                    ││                                              │
//! │                               │╰──────────────────────────────────────────────╯
//! │                               │╭ timeline ────────────────────────────────────╮
//! ╰───────────────────────────────╯╰──────────────────────────────────────────────╯
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::scenario::progress::Standing;
use crate::scenario::schema::words as written;
use crate::scope::panels::{course, footer, head, timeline, wheel};
use crate::scope::pen::{Pen, Targets, frame, frame_lit};
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Drawn, Scene};

use super::{inset, selectors};

/// The name, as it is drawn where there is room for it.
const NAME: [&str; 3] =
    ["╷   ╭─╮ ╭─╮ ╭─╮ ╭── ╭── ╭─╮ ╭─╮ ╭─╴", "│   │ │ │ │ ├─╯ ╰─╮ │   │ │ ├─╯ ├─ ", "╰── ╰─╯ ╰─╯ ╵   ──╯ ╰── ╰─╯ ╵   ╰─╴"];

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, targets: &mut Targets) {
    let area = buf.area;
    let look = scene.look;
    let head = if area.height >= 24 { 6 } else { 3 };
    let rows = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    name(scene, buf, rows(0, head));
    let body = rows(head, area.height.saturating_sub(head + 1));
    let left = (area.width * 42 / 100).clamp(34, 72);
    let lessons_at = Rect { width: left, ..body };
    let right = Rect { x: body.x + left, width: body.width - left, ..body };
    lessons(scene, buf, lessons_at, targets);

    if let Some(specimen) = scene.chosen() {
        let place = usize::from(specimen.id.0);
        let gaze = scene.eye.gaze(place);
        let strip = if right.height >= 20 { 7 } else { 5.min(right.height / 3) };
        let wheel_at = Rect { height: right.height - strip, ..right };
        let (glyph, word, _) = head::State::of(specimen, scene.ui.frozen.is_some()).sign();
        let stalled = specimen.stalls.current.is_some().then_some(Role::Alarm);
        let note = format!("{glyph} {}", look.text(word));
        let inner = inset(frame_lit(buf, wheel_at, look, &look.text("start.living"), &note, stalled));
        let shape = wheel::shape(specimen, &gaze, scene.world.now, look);
        wheel::Wheel { shape: &shape, look }.render(Rect { height: inner.height.saturating_sub(2), ..inner }, buf);
        vitals(scene, buf, Rect { y: inner.bottom().saturating_sub(2), height: 2.min(inner.height), ..inner });
        let strip_at = Rect { y: wheel_at.bottom(), height: strip, ..right };
        let columns = strip_at.width.saturating_sub(4 + timeline::NAMES);
        let shape = timeline::shape(scene.world, place, columns, false, look);
        let inner = inset(frame(buf, strip_at, look, &look.text("panel.timeline"), ""));
        timeline::Timeline { shape: &shape, look }.render(inner, buf);
    }
    if scene.scenario.specimens.is_empty() {
        selectors::chart(scene, right, buf, &mut Drawn::default());
    }
    let entries = footer::shape(scene, area.width.saturating_sub(1));
    footer::Footer { entries: &entries, look }.draw(rows(area.height.saturating_sub(1), 1), buf, targets);
}

fn name(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let look = scene.look;
    let mut pen = Pen::new(buf, area);
    let tagline = look.text("start.tagline");
    if area.height >= 6 {
        for (n, line) in NAME.iter().enumerate() {
            pen.text(area.x + 3, area.y + 1 + n as u16, line, look.style(Role::Accent));
        }
        let x = area.x + 3 + NAME[0].chars().count() as u16 + 4;
        let lines = wrap(&tagline, usize::from(area.right().saturating_sub(x + 1)));
        for (n, line) in lines.iter().take(4).enumerate() {
            let text: String = line.iter().map(|run| run.text.as_str()).collect();
            let role = if n == 0 && lines.len() == 1 { Role::Text } else { Role::Dim };
            pen.text(x, area.y + 1 + n as u16, &text, look.style(role));
        }
    } else {
        pen.text(area.x + 2, area.y, "◎ loopscope", look.style(Role::Accent));
        for (n, line) in wrap(&tagline, usize::from(area.width.saturating_sub(4))).iter().take(2).enumerate() {
            let text: String = line.iter().map(|run| run.text.as_str()).collect();
            pen.text(area.x + 2, area.y + 1 + n as u16, &text, look.style(Role::Dim));
        }
    }
}

fn lessons(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, targets: &mut Targets) {
    let look = scene.look;
    let standings: Vec<Option<Standing>> =
        scene.lessons.iter().map(|lesson| scene.ui.progress.of(&lesson.id).map(|done| done.standing(lesson))).collect();
    let done = standings.iter().flatten().filter(|standing| standing.is_done()).count().to_string();
    let note = look.fill("start.done", &[("done", &done), ("of", &scene.lessons.len().to_string())]);
    let inner = inset(frame(buf, area, look, &look.text("start.lessons"), &note));
    let mut pen = Pen::new(buf, inner);
    let columns = usize::from(inner.width.saturating_sub(5));
    let blocks: Vec<Vec<String>> = scene
        .lessons
        .iter()
        .map(|lesson| {
            let lines = wrap(written(&lesson.summary, look.lang), columns);
            lines.into_iter().map(|line| line.into_iter().map(|run| run.text).collect()).collect()
        })
        .collect();
    // All summaries where there is room; else the chosen one's only.
    let all: usize = blocks.iter().map(|b| b.len() + 2).sum();
    let spread = all <= usize::from(inner.height);
    let mut y = inner.y + u16::from(inner.height > 12);
    for (n, (lesson, block)) in scene.lessons.iter().zip(&blocks).enumerate() {
        let chosen = n == scene.ui.lesson;
        let line = Rect { y, height: 1, ..inner };
        if chosen {
            pen.fill(line, ' ', look.style(Role::Chosen));
        }
        let over = |role: Role| if chosen { look.style(Role::Chosen) } else { look.style(role) };
        targets.add(line, Command::Pick(n as u8));
        pen.text(inner.x, y, if chosen { "▸" } else { " " }, over(Role::Accent));
        pen.text_right(inner.x + 3, y, &(n + 1).to_string(), over(Role::Dim));
        // What has been done of it: answers right where there is room, all of it, its task.
        let right = standings[n].filter(|_| inner.width >= 44).map(|standing| format!("{}/{}", standing.right.0, standing.right.2));
        let [all, task] = course::marks(standings[n]);
        let room = inner.width.saturating_sub(4 + 4 + right.as_ref().map_or(0, |right| right.len() as u16 + 1));
        pen.text(inner.x + 4, y, &clip(written(&lesson.title, look.lang), usize::from(room)), over(Role::Strong));
        if let Some(right) = right {
            pen.text_right(inner.right().saturating_sub(4), y, &right, over(Role::Dim));
        }
        pen.text(inner.right().saturating_sub(3), y, all.0, over(all.1));
        pen.text(inner.right().saturating_sub(1), y, task.0, over(task.1));
        y += 1;
        if spread || chosen {
            for text in block {
                pen.text(inner.x + 4, y, text, look.style(if chosen { Role::Text } else { Role::Dim }));
                y += 1;
            }
        }
        y += u16::from(spread);
    }
}

fn vitals(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let look = scene.look;
    let head = head::Head::of(scene);
    let mut pen = Pen::new(buf, area);
    head.vitals(&mut pen, area.y);
    if let Some(address) = head.address {
        let call = format!("curl http://{address}/");
        let long = look.fill("start.try", &[("call", &call)]);
        let text = if width(&long) < usize::from(area.width) { long } else { call };
        if width(&text) < usize::from(area.width) {
            pen.text(area.x + 1, area.y + 1, &text, look.style(Role::Dim));
        }
    }
}
