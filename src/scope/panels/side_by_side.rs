//! Specimens side by side in figures, and what tells them apart in words.
//!
//! The figures and the judgement of what is more than noise are [`crate::scenario::compare`]'s; here they get their places. The chosen
//! specimen is the one that the others are compared with.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::scenario::compare::{self, ROWS, Row};
use crate::scope::pen::{Pen, Targets};
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene};

/// The figures as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The names, each with its place and whether it is the one that is compared with.
    pub names: Vec<(usize, String, bool)>,
    /// The figures that were measured of anyone.
    pub lines: Vec<Line>,
    /// What tells each of the others from the chosen one.
    pub told: Vec<Told>,
}

/// One figure of all specimens.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is called.
    pub name: &'static str,
    /// What it is of each; and whether that is better or worse than the chosen one's, beyond noise.
    pub cells: Vec<(String, Option<bool>)>,
}

/// What tells one specimen from the chosen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// The difference in words.
    pub words: Words,
}

/// A difference in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// It is this.
    Said(String),
    /// Nothing that is more than noise.
    Alike,
    /// Too little was answered to say.
    TooEarly,
}

/// The order in which figures are left out where there is no room for all: these last.
const FIRST: [&str; 6] = ["p99", "longest-callback", "answers", "cpu", "memory", "p50"];

/// The comparison of these specimens, in at most so many lines.
pub fn shape(scene: &Scene<'_>, places: &[usize], most: u16) -> Shape {
    let (world, lang) = (scene.world, scene.look.lang);
    let chosen = chosen(scene, places);
    let reference = world.specimens.get(chosen);
    let of_row = |row: &'static Row| {
        let cells = places.iter().filter_map(|n| world.specimens.get(*n)).map(|specimen| {
            let difference = reference.filter(|from| from.id != specimen.id).and_then(|from| row.difference(world, specimen, from));
            (row.shown(world, specimen), difference.map(|d| d.better))
        });
        Line { name: row.name.get(lang), cells: cells.collect() }
    };
    let measured = |row: &&Row| world.specimens.iter().any(|s| row.value(world, s).is_some());
    let mut rows: Vec<&'static Row> = ROWS.iter().filter(measured).collect();
    if rows.len() > usize::from(most) {
        let rank = |row: &Row| FIRST.iter().position(|id| *id == row.id).unwrap_or(FIRST.len());
        let mut ranked = rows.clone();
        ranked.sort_by_key(|row| rank(row));
        ranked.truncate(usize::from(most));
        rows.retain(|row| ranked.iter().any(|kept| kept.id == row.id));
    }
    let told = compare::told(scene.scenario, world, chosen, lang).into_iter().filter(|(n, _)| places.contains(n)).map(|(n, said)| Told {
        name: compare::name_of(world, n),
        words: match said {
            Some(said) => Words::Said(said),
            None if reference.is_some_and(compare::is_enough) && compare::is_enough(&world.specimens[n]) => Words::Alike,
            None => Words::TooEarly,
        },
    });
    Shape {
        names: places.iter().map(|n| (*n, compare::name_of(world, *n), *n == chosen)).collect(),
        lines: rows.into_iter().map(of_row).collect(),
        told: told.collect(),
    }
}

/// The place of the one that the others are compared with: the chosen one, where it takes part.
pub fn chosen(scene: &Scene<'_>, places: &[usize]) -> usize {
    let chosen = scene.chosen().map_or(0, |s| usize::from(s.id.0));
    if places.contains(&chosen) { chosen } else { places.first().copied().unwrap_or(0) }
}

/// The figures, ready to be drawn.
pub struct Table<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Table<'_> {
    /// Columns of the names of figures.
    fn first(&self) -> u16 {
        self.shape.lines.iter().map(|line| width(line.name)).max().unwrap_or(0) as u16 + 1
    }

    /// Columns that it needs.
    pub fn columns(&self) -> u16 {
        let names = self.shape.names.iter().map(|(_, name, _)| width(name) as u16 + 3).max().unwrap_or(0).clamp(10, 16);
        self.first() + names * self.shape.names.len() as u16
    }

    /// Draws it and says what clicks on it mean: a column is chosen.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        let first = self.first();
        let columns = self.shape.names.len() as u16;
        if columns == 0 || area.width <= first {
            return;
        }
        let wide = ((area.width - first) / columns).min(20);
        let at = |n: usize| area.x + first + wide * n as u16;
        for (n, (place, name, chosen)) in self.shape.names.iter().enumerate() {
            let mark = if *chosen { "▸" } else { "" };
            let name = format!("{mark}{}", clip(name, usize::from(wide.saturating_sub(2))));
            let style = look.style(if *chosen { Role::Accent } else { Role::Strong }).add_modifier(Modifier::BOLD);
            pen.text_right(at(n) + wide, area.y, &name, style);
            if !chosen {
                targets.add(Rect { x: at(n), width: wide, ..area }.intersection(area), Command::Specimen(*place as u8));
            }
        }
        for (row, line) in self.shape.lines.iter().enumerate() {
            let y = area.y + 1 + row as u16;
            pen.text_until(area.x, y, area.x + first, line.name, look.style(Role::Dim));
            for (n, (value, better)) in line.cells.iter().enumerate() {
                let (sign, role) = match better {
                    None => ("", Role::Text),
                    Some(true) => ("✓ ", Role::Good),
                    Some(false) => ("! ", Role::Warn),
                };
                let text = if width(sign) + width(value) < usize::from(wide) { format!("{sign}{value}") } else { value.clone() };
                pen.text_right(at(n) + wide, y, &clip(&text, usize::from(wide.saturating_sub(1))), look.style(role));
            }
        }
    }
}

impl Widget for &Table<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

/// The words, ready to be drawn.
pub struct Differences<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Differences<'_> {
    /// Each specimen's lines in so many columns: how they look, and the text.
    fn paragraphs(&self, columns: u16) -> Vec<(usize, Role, Vec<String>)> {
        let look = self.look;
        let colon = match look.lang {
            crate::base::lang::Lang::En => ": ",
            crate::base::lang::Lang::Zh => "：",
        };
        let paragraph = |told: &Told| {
            let (role, words) = match &told.words {
                Words::Said(said) => (Role::Text, said.clone()),
                Words::Alike => (Role::Dim, look.text("compare.alike").into_owned()),
                Words::TooEarly => (Role::Dim, look.text("compare.too_early").into_owned()),
            };
            let head = format!("{}{colon}", told.name);
            let lines = wrap(&format!("{head}{words}"), usize::from(columns));
            (width(&head), role, lines.into_iter().map(|line| line.into_iter().map(|run| run.text).collect()).collect())
        };
        self.shape.told.iter().map(paragraph).collect()
    }

    /// Lines that it needs in so many columns.
    pub fn lines(&self, columns: u16) -> u16 {
        self.paragraphs(columns).iter().map(|(_, _, lines)| lines.len() as u16).sum()
    }
}

impl Widget for &Differences<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        let mut paragraphs = self.paragraphs(area.width);
        let mut lines: usize = paragraphs.iter().map(|(_, _, lines)| lines.len()).sum();
        if lines > usize::from(area.height) {
            // Better the beginning of each than all of the first.
            paragraphs = self.paragraphs(u16::MAX);
            lines = paragraphs.len();
        }
        // Air between them, where there is room for it.
        let air = u16::from(lines + paragraphs.len() <= usize::from(area.height));
        let mut y = area.y;
        for (head, role, lines) in &paragraphs {
            for (n, line) in lines.iter().enumerate() {
                pen.text(area.x, y, &clip(line, usize::from(area.width)), look.style(*role));
                if n == 0 {
                    pen.style(Rect { y, height: 1, width: (*head as u16).min(area.width), ..area }, look.style(Role::Strong));
                }
                y += 1;
            }
            y += air;
        }
    }
}
