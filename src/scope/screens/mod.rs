//! Where the panels stand: one file for each screen, with a drawing of the layout above the layout code.

mod scope;

use ratatui::buffer::Buffer;

use super::pen::{Pen, Targets};
use super::theme::Role;
use super::{Scene, text};

/// The smallest terminal that a screen is drawn in.
pub const LEAST: (u16, u16) = (60, 18);

/// Draws the screen that is chosen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, targets: &mut Targets) {
    if buf.area.width < LEAST.0 || buf.area.height < LEAST.1 {
        too_small(scene, buf);
        return;
    }
    scope::draw(scene, buf, targets);
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
