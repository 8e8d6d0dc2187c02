//! Where the panels stand: one file for each screen, with a drawing of the layout above the layout code.

mod compare;
mod connections;
mod latency;
mod lesson;
mod scope;
pub mod selectors;
mod start;
pub mod timeline;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panels::{cards, footer, head};
use super::panels::{cost, help, life, menu, palette, why};
use super::pen::Pen;
use super::theme::Role;
use super::ui::Open;
use super::{Drawn, Scene, Screen};

/// The smallest terminal that a screen is drawn in.
pub const LEAST: (u16, u16) = (60, 18);

/// One screen of a running lab.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub screen: Screen,
    /// The key of its name, as its tab says it.
    pub name: &'static str,
    /// The keys of the sentences that its help begins with.
    pub about: &'static [&'static str],
    /// Draws it.
    draw: fn(&Scene<'_>, &mut Buffer, &mut Drawn),
}

/// The screens of a running lab, in the order of their digits. A screen is a row here and a file beside this one.
pub static SCREENS: &[Row] = &[
    Row {
        screen: Screen::Scope,
        name: "screen.scope",
        about: &["help.idea", "help.wheel", "help.kernel", "help.clients", "help.timeline", "help.code"],
        draw: scope::draw,
    },
    Row {
        screen: Screen::Timeline,
        name: "screen.timeline",
        about: &["help.tracks", "help.loop_track", "help.waiting_tracks", "help.zoom", "help.marks"],
        draw: timeline::draw,
    },
    Row { screen: Screen::Connections, name: "screen.connections", about: &["help.connections", "help.stages"], draw: connections::draw },
    Row { screen: Screen::Latency, name: "screen.latency", about: &["help.latency", "help.parts"], draw: latency::draw },
    Row { screen: Screen::Compare, name: "screen.compare", about: &["help.compare", "help.differences"], draw: compare::draw },
    Row { screen: Screen::Lesson, name: "screen.lesson", about: &["help.course", "help.task", "help.progress"], draw: lesson::draw },
];

/// What stands beside the lab and has no digit: a key of its own opens it.
pub static BESIDE: Row =
    Row { screen: Screen::Selectors, name: "screen.selectors", about: &["help.selectors", "help.selector_facts"], draw: selectors::draw };

/// The row of a screen; the list of lessons has none.
pub fn row_of(screen: Screen) -> Option<&'static Row> {
    SCREENS.iter().chain([&BESIDE]).find(|row| row.screen == screen)
}

/// Draws what every screen of a running lab but the first has in common: head, cards of several specimens in their short form, footer.
/// Returns what is left between them.
fn surround(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) -> Rect {
    let area = buf.area;
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    let cards = if scene.world.specimens.len() > 1 { 2 } else { 0 };
    head::Head::of(scene).draw(row(0, 3), buf, &mut drawn.targets);
    if cards > 0 {
        let shape = cards::shape(scene);
        let panel = cards::Cards { cards: &shape, threshold: scene.world.stall_threshold, look: scene.look };
        panel.draw(row(3, cards), buf, &mut drawn.targets);
    }
    let at = row(area.height.saturating_sub(1), 1);
    let entries = footer::shape(scene, at.width.saturating_sub(1));
    footer::Footer { entries: &entries, look: scene.look }.draw(at, buf, &mut drawn.targets);
    row(3 + cards, area.height.saturating_sub(4 + cards))
}

/// Draws the screen that is chosen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    if buf.area.width < LEAST.0 || buf.area.height < LEAST.1 {
        too_small(scene, buf);
        return;
    }
    match scene.ui.screen {
        Screen::Start => start::draw(scene, buf, &mut drawn.targets),
        // Without specimens there is nothing else to look at.
        screen if scene.scenario.specimens.is_empty() && screen != Screen::Lesson => selectors::draw(scene, buf, drawn),
        screen => {
            if let Some(row) = row_of(screen) {
                (row.draw)(scene, buf, drawn);
            }
        }
    }
    match scene.ui.open {
        Open::Nothing => {}
        Open::Menu(which) => {
            let shape = menu::shape(scene, which);
            menu::draw(&shape, scene.look, without_footer(buf.area), buf, &mut drawn.targets);
        }
        Open::Help => drawn.reach = help::draw(scene, without_footer(buf.area), buf, &mut drawn.targets),
        Open::Connection => drawn.reach = life::draw(scene, without_footer(buf.area), buf, &mut drawn.targets),
        Open::Why => drawn.reach = why::draw(scene, without_footer(buf.area), buf, &mut drawn.targets),
        Open::Palette => drawn.reach = palette::draw(scene, without_footer(buf.area), buf, &mut drawn.targets),
    }
    // Over everything, and in nobody's way: keys go on meaning what they mean.
    if let Some(cost) = scene.cost {
        let shape = cost::shape(cost, scene.look);
        cost::draw(&shape, scene.look, without_footer(buf.area), buf, &mut drawn.targets);
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
    Pen::new(buf, area).message(&message, scene.look.style(Role::Text));
}
