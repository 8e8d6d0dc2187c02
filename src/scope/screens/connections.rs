//! The Connections screen: every open connection of the chosen specimen, and one of them in full.
//!
//! ```text
//! head, cards
//! ╭ connections ── sorted by … ─────────────────────╮
//! │   id  fd  peer  state  reads …  waits for       │   the heading stays, the rows scroll
//! │ ▸ …                                             │
//! ╰─────────────────────────────────────────────────╯
//! ╭ connection 12 ──────────────────────────────────╮
//! ╰─────────────────────────────────────────────────╯
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::units::count;
use crate::scope::panels::connections as panel;
use crate::scope::pen::frame;
use crate::scope::{Drawn, Scene};

use super::{inset, surround};

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let body = surround(scene, buf, drawn);
    let look = scene.look;
    let Some(specimen) = scene.chosen() else { return };
    let below = if body.height >= 30 { 6 } else { 5.min(body.height / 3) };
    let table = Rect { height: body.height.saturating_sub(below), ..body };
    let details = Rect { y: table.bottom(), height: below, ..body };

    let order = look.text(panel::order(scene.ui.rows.order));
    let note = look.fill("connections.sorted", &[("n", &count(f64::from(specimen.open_connections()))), ("order", &order)]);
    let mut title = look.text("panel.connections").into_owned();
    let filter = scene.ui.rows.filter.text();
    if scene.ui.filtering || !filter.is_empty() {
        title = format!("{title} /{}{}", filter, if scene.ui.filtering { "▏" } else { "" });
    }
    let inner = inset(frame(buf, table, look, &title, &note));
    let high = usize::from(inner.height.saturating_sub(1));
    let shape = panel::shape(specimen, scene.world.now, &scene.ui.rows, high);
    drawn.shown.clone_from(&shape.shown);
    panel::Table { shape: &shape, look }.draw(inner, buf, &mut drawn.targets);

    let title = match panel::chosen(&scene.ui.rows) {
        Some(id) => look.fill("connections.one", &[("id", &id)]),
        None => look.text("connections.none_chosen").into_owned(),
    };
    let inner = inset(frame(buf, details, look, &title, ""));
    panel::details(specimen, scene.world.now, &scene.ui.rows, look, inner, buf);
}
