//! One connection in full: how it stands, its life as a strip, and its events as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::rows::{RowId, Rows};
use crate::scope::text::clip;
use crate::scope::theme::Role;
use crate::scope::ui::Reach;
use crate::scope::{Scene, words};
use crate::world::Stage;

use super::{connections, moment};

/// The sign and the colour of a stage in the strip.
const fn sign(stage: Option<Stage>) -> (char, Role) {
    match stage {
        None => (' ', Role::Faint),
        Some(Stage::Idle) => ('─', Role::Faint),
        Some(Stage::Reading) => ('▁', Role::Text),
        Some(Stage::Ready) => ('▒', Role::Warn),
        Some(Stage::Running) => ('█', Role::Dispatch),
        Some(Stage::Pending) => ('▄', Role::Worker),
        Some(Stage::Writing) => ('▂', Role::Poll),
    }
}

/// Every stage, for the legend.
const STAGES: [Stage; 6] = [Stage::Idle, Stage::Reading, Stage::Ready, Stage::Running, Stage::Pending, Stage::Writing];
/// Lines of the figures.
const FIGURES: u16 = 4;

/// Draws the connection that a scene looks at over an area; says how far one can go in its events.
pub fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) -> Reach {
    let look = scene.look;
    let wide = 110.min(area.width.saturating_sub(2));
    let top = area.height.min(3);
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + top, width: wide, height: area.height - top };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let Some((life, specimen)) = scene.answers.life.as_ref().zip(scene.chosen()) else {
        let inner = frame_lit(buf, at, look, &look.text("panel.connections"), "", Some(Role::Accent));
        Pen::new(buf, inner).message(&look.text("connections.choose"), look.style(Role::Dim));
        return Reach::default();
    };
    let (from, to) = life.span;
    let note = look.fill("connections.told", &[("length", &to.since(from).to_string()), ("n", &life.events.len().to_string())]);
    let inner = frame_lit(buf, at, look, &words::conn(look.lang, life.conn), &note, Some(Role::Accent));
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let rows = Rows { connection: Some(RowId::Connection(life.conn)), ..Rows::default() };
    let figures = Rect { height: FIGURES.min(inner.height), ..inner };
    connections::details(specimen, scene.world.now, &rows, look, figures, buf);
    let mut pen = Pen::new(buf, inner);
    let mut y = inner.y + FIGURES;
    for (n, stage) in life.columns(inner.width).into_iter().enumerate() {
        let (glyph, role) = sign(stage);
        pen.put(inner.x + n as u16, y, glyph, look.style(role));
    }
    y += 1;
    let mut x = inner.x;
    for stage in STAGES {
        let (glyph, role) = sign(Some(stage));
        pen.put(x, y, glyph, look.style(role));
        x = pen.text(x + 2, y, &look.text(connections::stage(stage)), look.style(Role::Dim)) + 2;
    }
    y += 2;
    // The latest event first: that is what one looks for.
    let page = usize::from(inner.bottom().saturating_sub(y));
    let last = life.events.len().saturating_sub(page);
    let from = scene.ui.entry.min(last);
    for (n, event) in life.events.iter().rev().skip(from).take(page) {
        let text = moment::told(*n, event, scene);
        pen.text(inner.x, y, &clip(&text, usize::from(inner.width)), look.style(Role::Text));
        y += 1;
    }
    Reach { last, page }
}
