//! The Timeline screen: what happened when, from seconds down to microseconds.
//!
//! ```text
//! head, cards
//! ╭ timeline ─────────────────────────────── a column is … ╮
//! │ all        ─────▬▬──────[ ]──────────────────────────── │   all that is kept, and where in it this is
//! │ 12.345 s + ┈┈╷+20 µs┈┈┈┈┈┈┈A┈┈▼┈┈╷+40 µs┈┈┈┈┈B┈┈┈┈┈┈┈┈┈ │   times, cursor, marks
//! │ events       ▼ compute      ├──── 12.3 µs ───┤          │
//! │ loop         request /  r   accept                      │
//! │              ██▄▐████·······▆▆▆                         │
//! │ …                                                       │
//! ╰─────────────────────────────────────────────────────────╯
//! ╭ at the cursor ─────────────╮╭ between A and B ──────────╮
//! ╰────────────────────────────╯╰───────────────────────────╯
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::scope::panels::tracks::{self, Room};
use crate::scope::pen::{Pen, frame};
use crate::scope::rows::{RowId, Shown};
use crate::scope::theme::Role;
use crate::scope::{Drawn, Scene, Ui};
use crate::world::trace::{MAX_LISTED, Wish};
use crate::world::{Specimen, World};

use super::{inset, surround};

/// Where everything stands: the tracks, what is at the cursor, what lies between the marks.
struct Layout {
    tracks: Rect,
    here: Rect,
    sum: Rect,
}

fn layout(body: Rect, details: bool) -> Layout {
    let below = match (details, body.height) {
        (true, high) => (high / 2).max(6),
        (false, 0..18) => 4,
        (false, 18..26) => 6,
        (false, _) => 7,
    }
    .min(body.height);
    let tracks = Rect { height: body.height - below, ..body };
    let bottom = Rect { y: tracks.bottom(), height: below, ..body };
    let here = Rect { width: if body.width < 100 { body.width / 2 } else { body.width * 11 / 20 }, ..bottom };
    Layout { tracks, here, sum: Rect { x: here.right(), width: body.width - here.width, ..bottom } }
}

/// What lies between head and footer, in a screen of this size.
fn body(area: Rect, specimens: usize) -> Rect {
    let above = 3 + if specimens > 1 { 2 } else { 0 };
    Rect { y: area.y + above.min(area.height), height: area.height.saturating_sub(above + 1), ..area }
}

fn inside(tracks: Rect) -> Rect {
    inset(Rect { x: tracks.x + 1, y: tracks.y + 1, width: tracks.width.saturating_sub(2), height: tracks.height.saturating_sub(2) })
}

/// A line for each worker and each worker process, and one for all threads that serve connections.
fn lines_of_workers(specimen: &Specimen) -> usize {
    specimen.workers.len() + specimen.processes.len() + usize::from(specimen.threads.most > 0)
}

/// What a screen of this size wants to be read from the past; `shown`: the world that it shows, `live`: the present one, `event`: the last event
/// that has happened in the one that is shown. Settles the stretch of time.
pub fn wish(area: Rect, ui: &mut Ui, lab: u64, shown: &World, live: &World) -> Wish {
    let inner = inside(layout(body(area, live.specimens.len()), ui.timebase.details).tracks);
    let specimen = live.specimens.get(ui.chosen).or(live.specimens.first());
    let room = tracks::room(inner.height, specimen.map_or(0, lines_of_workers), specimen.is_none_or(|s| s.processes.is_empty()));
    let columns = inner.width.saturating_sub(tracks::names(inner.width));
    let cursor = if ui.frozen.is_some() { shown.now } else { live.now };
    let playing = ui.frozen.is_some_and(|frozen| frozen.speed.is_some());
    ui.timebase.settle(usize::from(columns), cursor, ui.frozen.is_none(), playing);
    let event = ui.frozen.and_then(|frozen| frozen.event).map(|(n, _)| n);
    Wish {
        lab,
        specimen: specimen.map_or_else(Default::default, |s| s.id),
        grid: ui.timebase.grid(),
        chosen: match ui.rows.connection {
            Some(RowId::Connection(id)) => Some(id),
            _ => None,
        },
        lives: room.lives,
        between: ui.timebase.between(),
        around: event.map(|n| (n, if ui.timebase.details { MAX_LISTED } else { 0 })),
    }
}

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let area = surround(scene, buf, drawn);
    let (look, ui) = (scene.look, scene.ui);
    let Some(specimen) = scene.chosen() else { return };
    let at = layout(area, ui.timebase.details);
    let grid = scene.trace.cells().grid;

    let note = look.fill("tracks.cell", &[("cell", &ui.timebase.cell().to_string())]);
    frame(buf, at.tracks, look, &look.text("panel.timeline"), &note);
    let inner = inside(at.tracks);
    if scene.trace.is_of(specimen.id) {
        let room: Room =
            tracks::room(inner.height, lines_of_workers(specimen).max(scene.trace.cells().workers), scene.trace.loops().next().is_none());
        let shape = tracks::shape(scene, &room, tracks::ruler(&grid));
        let panel = tracks::Tracks { shape: &shape, room: &room, grid, trace: scene.trace, look };
        drawn.plot = panel.draw(inner, buf, &mut drawn.targets);
        drawn.shown = Shown { rows: shape.rows.iter().map(|row| RowId::Track(row.id)).collect(), first: 0 };
        tracks::legend(buf, Rect { y: at.tracks.bottom().saturating_sub(1), height: 1, ..inner }, look);
    } else {
        Pen::new(buf, inner).message(&look.text("tracks.nothing"), look.style(Role::Dim));
    }

    let title = if ui.frozen.is_some() {
        look.fill("tracks.at_cursor", &[("at", &tracks::moment(ui.timebase.cursor()))])
    } else {
        look.text("tracks.live").into_owned()
    };
    let inner = inset(frame(buf, at.here, look, &title, ""));
    let here = tracks::Here::of(scene);
    tracks::Beside { lines: &here.lines, events: &here.events, look }.render(inner, buf);

    let sum = tracks::Sum::of(scene);
    let inner = inset(frame(buf, at.sum, look, &sum.title, ""));
    tracks::Beside { lines: &sum.lines, events: &[], look }.render(inner, buf);
}
