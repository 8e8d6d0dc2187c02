//! What the three ways of writing `/chain` come to: told below their source, read from it and counted in this run.

use crate::scope::Look;
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::specimen::source;
use crate::telemetry::vocabulary::Style;
use crate::world::{Specimen, World};

use super::code::GUTTER;

/// From so many lines on all of them are told, not only the one that is shown.
const TALL: u16 = 16;

/// What one way of writing `/chain` comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StyleCost {
    /// Which.
    pub style: Style,
    /// Whether it is the one that is shown.
    pub shown: bool,
    /// How deep its deepest block lies.
    pub depth: usize,
    /// Branches that answer a failure.
    pub branches: usize,
    /// Lines of code.
    pub lines: usize,
    /// Allocations of a request, as counted in this run, here or on another specimen; nothing where none was served.
    pub allocations: Option<f64>,
}

/// What a style comes to, while another or the same is shown.
pub fn of(world: &World, specimen: &Specimen, style: Style, shown: Style) -> StyleCost {
    let listing = source::style(style);
    let counted = |of: &Specimen| of.errands.chains.styles[style as usize].allocations();
    let elsewhere = || world.specimens.iter().flat_map(Specimen::loops).find_map(counted);
    StyleCost {
        style,
        shown: style == shown,
        depth: listing.depth(),
        branches: listing.failure_branches(),
        lines: listing.lines(),
        allocations: counted(specimen).or_else(elsewhere),
    }
}

/// Draws them at the lower end: all where there is room, else the one that is shown. How many lines that takes.
pub fn draw(pen: &mut Pen<'_>, costs: &[StyleCost], look: Look<'_>) -> u16 {
    let area = pen.area;
    if costs.is_empty() || area.height < 4 {
        return 0;
    }
    let counted = |cost: &StyleCost| cost.allocations.map_or_else(|| "–".to_owned(), |count| format!("{count:.0}"));
    let figures = |cost: &StyleCost| [cost.depth.to_string(), cost.branches.to_string(), cost.lines.to_string(), counted(cost)];
    let heads = ["code.depth", "code.branches", "code.lines", "code.allocations"].map(|key| look.text(key));
    let names = costs.iter().map(|cost| width(cost.style.name())).max().unwrap_or(0) as u16 + GUTTER + 1;
    let wide: u16 = heads.iter().map(|head| width(head) as u16 + 2).sum();
    let rows = costs.len() as u16 + 1;
    if area.height < TALL || names + wide > area.width {
        let Some(cost) = costs.iter().find(|cost| cost.shown) else { return 0 };
        let [depth, branches, lines, allocations] = figures(cost);
        let values = [("depth", &*depth), ("branches", &*branches), ("lines", &*lines), ("allocations", &*allocations)];
        let text = look.fill("code.cost", &values);
        let text = clip(&text, usize::from(area.width.saturating_sub(1)));
        pen.text(area.x + 1, area.bottom() - 1, &text, look.style(Role::Accent));
        return 1;
    }
    let top = area.bottom() - rows;
    let role = |cost: &StyleCost| if cost.shown { Role::Strong } else { Role::Dim };
    let mut x = area.x + names;
    for (n, head) in heads.iter().enumerate() {
        x += width(head) as u16 + 2;
        pen.text_right(x, top, head, look.style(Role::Dim));
        for (row, cost) in (1..).zip(costs) {
            pen.text_right(x, top + row, &figures(cost)[n], look.style(role(cost)));
        }
    }
    for (row, cost) in (1..).zip(costs) {
        pen.text(area.x + 1, top + row, if cost.shown { "▸" } else { " " }, look.style(Role::Accent));
        pen.text(area.x + 3, top + row, cost.style.name(), look.style(role(cost)));
    }
    rows + 1
}
