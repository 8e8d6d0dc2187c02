//! Where the panels stand: one file for each screen, with a drawing of the layout above the layout code.

mod scope;
mod start;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panels::{help, menu};
use super::pen::Pen;
use super::theme::Role;
use super::ui::Open;
use super::{Drawn, Scene, Screen, text};

/// The smallest terminal that a screen is drawn in.
pub const LEAST: (u16, u16) = (60, 18);

/// Draws the screen that is chosen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    if buf.area.width < LEAST.0 || buf.area.height < LEAST.1 {
        too_small(scene, buf);
        return;
    }
    match scene.ui.screen {
        Screen::Start => start::draw(scene, buf, &mut drawn.targets),
        Screen::Scope => scope::draw(scene, buf, drawn),
    }
    match scene.ui.open {
        Open::Nothing => {}
        Open::Menu(which) => {
            let shape = menu::shape(scene, which);
            menu::draw(&shape, scene.look, without_footer(buf.area), buf, &mut drawn.targets);
        }
        Open::Help => help::draw(scene.ui.entry, scene.ui.screen, scene.look, without_footer(buf.area), buf, &mut drawn.targets),
    }
}

/// The keys stay in sight below what is open.
fn without_footer(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(1), ..area }
}

/// One column of air at each side.
fn inset(area: Rect) -> Rect {
    Rect { x: area.x + u16::from(area.width > 2), width: area.width.saturating_sub(2), ..area }
}

/// A polite word, in as much room as there is.
fn too_small(scene: &Scene<'_>, buf: &mut Buffer) {
    let area = buf.area;
    let size = format!("{}×{}", LEAST.0, LEAST.1);
    let message = scene.look.fill("too_small", &[("least", &size), ("now", &format!("{}×{}", area.width, area.height))]);
    let lines = text::wrap(&message, usize::from(area.width.saturating_sub(2)));
    let mut pen = Pen::new(buf, area);
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (n, line) in lines.iter().enumerate() {
        let line: String = line.iter().map(|run| run.text.as_str()).collect();
        pen.text_centred(top + n as u16, &line, scene.look.style(Role::Text));
    }
}
