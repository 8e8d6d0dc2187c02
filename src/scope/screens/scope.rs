//! The Scope screen: the loop at work.
//!
//! ```text
//! title                                                                        where to curl
//! state · vital signs
//! announcement: what is wrong now, or what was and what mends it          (always one line)
//! card · card · card                                             (only with several specimens)
//! ╭ kernel ───────────╮╭ loop: the wheel and its legend ───╮╭ clients ─────────────────────╮
//! │                   ││                                   ││                              │
//! ╰───────────────────╯╰───────────────────────────────────╯╰──────────────────────────────╯
//! ╭ timeline ──────────────────────────────────────────────────────────────────────────────╮
//! ╰────────────────────────────────────────────────────────────────────────────────────────╯
//! ╭ code: the reactor itself ────────────────────╮╭ lesson ────────────────────────────────╮
//! ╰──────────────────────────────────────────────╯╰────────────────────────────────────────╯
//! keys
//! ```
//!
//! Height goes first to the lesson's and the timeline's least, then to the wheel, then to code and lesson. Where the load asks for `/chain`
//! the code is what it is about: then code and lesson go before the wheel.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::scope::panels::{cards, clients, code, footer, head, kernel, lesson, threads, timeline, wheel};
use crate::scope::pen::{frame, frame_lit};
use crate::scope::theme::Role;
use crate::scope::{Drawn, Scene, Screen, words};
use crate::telemetry::vocabulary::Handler;

use super::{SCREENS, inset};

/// Where everything stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Three lines.
    pub head: Rect,
    /// Cards of the specimens; empty with one.
    pub cards: Rect,
    /// The kernel's panel.
    pub kernel: Rect,
    /// The wheel's panel.
    pub wheel: Rect,
    /// The clients' panel.
    pub clients: Rect,
    /// The strip.
    pub timeline: Rect,
    /// The code pane; empty where it is too narrow for it.
    pub code: Rect,
    /// The lesson pane.
    pub lesson: Rect,
    /// The keys.
    pub footer: Rect,
}

/// Below so many columns there is no code pane.
const NARROW: u16 = 100;

/// Divides a screen of this size for so many specimens. `reads`: whether there is code to be read.
pub fn layout(area: Rect, specimens: usize, workers: bool, reads: bool) -> Layout {
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    let head = 3;
    let cards = match specimens {
        0 | 1 => 0,
        _ if area.height >= 34 => 3,
        _ => 2,
    };
    let free = area.height.saturating_sub(head + cards + 1);
    let tracks = specimens.max(1) as u16;
    // The frame, the loops and the requests under way; the axis and labels or height where there is room; workers where there are any.
    let strip_least = 2 + tracks + 1 + u16::from(free >= 16);
    let roomy = if free > 40 { tracks.max(2) } else { u16::from(tracks == 1 && free >= 24) };
    let strip_wanted = strip_least + u16::from(workers) + roomy;
    let reads = reads && area.width >= NARROW;
    let lesson_least = if reads { (free / 2).clamp(5, 22) } else { (free * 35 / 100).clamp(5, 12) };
    let most = 24.min(free * 2 / 5 + 1).max(free / 3);
    let top = free.saturating_sub(strip_wanted + lesson_least).min(most);
    // Where it would be too low to say anything, the cards and the strip must do.
    let top = if top < 4 { 0 } else { top };
    let strip = strip_wanted.min(free.saturating_sub(top + lesson_least).max(strip_least));
    let bottom = free.saturating_sub(top + strip);
    let (y_top, y_strip, y_bottom) = (head + cards, head + cards + top, head + cards + top + strip);
    let columns = |line: Rect, widths: [u16; 3]| {
        let mut x = line.x;
        widths.map(|width| {
            let rect = Rect { x, width, ..line };
            x += width;
            rect
        })
    };
    let (top_row, bottom_row) = (row(y_top, top), row(y_bottom, bottom));
    let (kernel, wheel, clients, code, lesson);
    if area.width < NARROW {
        // The code would be too narrow to be read: its place is the kernel's.
        let wheel_wide = area.width * 47 / 100;
        [wheel, clients, _] = columns(top_row, [wheel_wide, area.width - wheel_wide, 0]);
        let kernel_wide = (area.width * 2 / 5).clamp(24, 34);
        [kernel, lesson, _] = columns(bottom_row, [kernel_wide, area.width - kernel_wide, 0]);
        code = Rect { width: 0, ..bottom_row };
    } else {
        let kernel_wide = (area.width / 4).clamp(24, 44);
        let clients_wide = (area.width * 35 / 100).clamp(24, 110);
        let wheel_wide = area.width.saturating_sub(kernel_wide + clients_wide);
        [kernel, wheel, clients] = columns(top_row, [kernel_wide, wheel_wide, clients_wide]);
        let lesson_wide = (area.width * 47 / 100).clamp(36, 90);
        [code, lesson, _] = columns(bottom_row, [area.width - lesson_wide, lesson_wide, 0]);
    }
    Layout {
        head: row(0, head),
        cards: row(head, cards),
        kernel,
        wheel,
        clients,
        timeline: row(y_strip, strip),
        code,
        lesson,
        footer: row(area.height.saturating_sub(1), 1),
    }
}

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let targets = &mut drawn.targets;
    let look = scene.look;
    let world = scene.world;
    let workers = scene.chosen().is_some_and(|s| !s.workers.is_empty());
    let reads = scene.scenario.load.mix.iter().any(|row| row.path.starts_with(Handler::Chain.name()));
    let at = layout(buf.area, world.specimens.len(), workers, reads);
    head::Head::of(scene).draw(at.head, buf, targets);
    if !at.cards.is_empty() {
        let shape = cards::shape(scene);
        cards::Cards { cards: &shape, threshold: world.stall_threshold, look }.draw(at.cards, buf, targets);
    }
    let Some(specimen) = scene.chosen() else { return };
    let place = usize::from(specimen.id.0);
    let gaze = scene.eye.gaze(place);
    let stalled = specimen.stall().is_some().then_some(Role::Alarm);

    let inner = frame(buf, at.kernel, look, &look.text("panel.kernel"), "");
    let shape = kernel::shape(specimen, world.now, look);
    kernel::Kernel { shape: &shape, look }.render(inset(inner), buf);

    let shown = specimen.loop_in_view();
    if specimen.has_loop() {
        let ticks = look.fill("wheel.ticks", &[("ticks", &wheel::grouped(shown.reactor.ticks))]);
        let nth = specimen.processes.iter().position(|process| std::ptr::eq(process, shown)).map(|n| (n + 1).to_string());
        let title = match nth {
            Some(nth) => look.fill("panel.loop_of", &[("n", &nth), ("of", &specimen.processes.len().to_string())]),
            None => look.text("panel.loop").into_owned(),
        };
        let inner = frame_lit(buf, at.wheel, look, &title, &ticks, stalled);
        let shape = wheel::shape(shown, &gaze, world.now, look);
        wheel::Wheel { shape: &shape, look }.render(inset(inner), buf);
    } else {
        let inner = frame(buf, at.wheel, look, &look.text("panel.threads"), &words::model(look.lang, specimen.model.0));
        let shape = threads::shape(specimen, world.now, world.stall_threshold, look);
        threads::Threads { shape: &shape, look }.render(inset(inner), buf);
    }

    let inner = frame(buf, at.clients, look, &look.text("panel.clients"), &look.text("clients.window"));
    let shape = clients::shape(specimen, &gaze, world.stall_threshold, inner.width);
    clients::Clients { shape: &shape, look }.render(inset(inner), buf);
    if inner.height >= 8 {
        clients::legend(buf, Rect { y: inner.bottom(), height: 1, ..inset(inner) }, look);
    }

    let columns = at.timeline.width.saturating_sub(4 + timeline::NAMES);
    let shape = timeline::shape(world, place, columns, scene.ui.frozen.is_some(), look);
    let cell = look.fill("timeline.cell", &[("cell", &format!("{:.0} ms", shape.cell.as_millis()))]);
    let inner = frame_lit(buf, at.timeline, look, &look.text("panel.timeline"), &cell, None);
    timeline::Timeline { shape: &shape, look }.render(inset(inner), buf);
    if let Some(n) = SCREENS.iter().position(|row| row.screen == Screen::Timeline) {
        // The strip is the timeline in small: a click opens the large one.
        targets.add(at.timeline, Command::Screen(n as u8));
    }

    lesson_pane(scene, at.lesson, buf, drawn);

    if at.code.width >= 30 {
        let shape = code::shape(world, shown, &gaze, look);
        let title = format!("{} · {}", look.text("panel.code"), shape.file());
        let inner = inset(frame_lit(buf, at.code, look, &title, &shape.about(look), None));
        code::Code { shape: &shape, look }.render(inner, buf);
    }

    let entries = footer::shape(scene, at.footer.width.saturating_sub(1));
    footer::Footer { entries: &entries, look }.draw(at.footer, buf, &mut drawn.targets);
}

/// The lesson in its frame.
pub(super) fn lesson_pane(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let look = scene.look;
    let inner = inset(frame(buf, area, look, "", ""));
    let shape = lesson::shape(scene, inner.width);
    drawn.pages = shape.pages(inner.height);
    frame(buf, area, look, &shape.title(look), &shape.keys(scene));
    lesson::Lesson { shape: &shape, page: scene.ui.page, look }.draw(inner, buf, &mut drawn.targets);
}
