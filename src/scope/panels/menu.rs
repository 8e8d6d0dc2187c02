//! The menus of faults and of mitigations: what can be broken, what mends it, what is on. Made from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::command::key::Key;
use crate::command::keymap::Context;
use crate::command::table::{self, Menu, Row};
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::text::{width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, words};
use crate::specimen::faults;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its own key, which works without the menu too.
    pub key: String,
    /// What it is.
    pub label: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// Whether it is on; `None` for what cannot be switched.
    pub on: Option<bool>,
    /// What mends it, for a fault: names with their keys.
    pub answers: String,
}

/// A menu as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which.
    pub menu: Menu,
    /// The specimen that it acts on.
    pub specimen: String,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// The chosen one.
    pub chosen: usize,
}

/// A menu of a scene.
pub fn shape(scene: &Scene<'_>, menu: Menu) -> Shape {
    let look = scene.look;
    let context = if menu == Menu::Faults { Context::FaultMenu } else { Context::MitigationMenu };
    let entries: Vec<_> = table::menu(menu).map(|row| entry(scene, row, context, look)).collect();
    let chosen = scene.ui.entry.min(entries.len().saturating_sub(1));
    Shape { menu, specimen: scene.chosen().map(|s| s.name.clone()).unwrap_or_default(), entries, chosen }
}

fn entry(scene: &Scene<'_>, row: &'static Row, context: Context, look: Look<'_>) -> Entry {
    let command = row.command();
    let on = match &command {
        Some(Command::Apply(setting)) => Some(scene.chosen().is_some_and(|s| s.mitigations[setting.kind() as usize])),
        _ => None,
    };
    let answers = match &command {
        Some(Command::Inject(fault)) => {
            faults::row(fault.kind()).answers.iter().map(|m| words::mitigation(look.lang, *m).into_owned()).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let key = look.keys.key(row, context).map(Key::sign).unwrap_or_default();
    Entry { key, label: row.label.get(look.lang), help: row.help.get(look.lang), on, answers }
}

/// Draws a menu in the middle of an area, over what is there.
pub fn draw(shape: &Shape, look: Look<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
    let wide = 70.min(area.width.saturating_sub(4));
    let text_wide = usize::from(wide.saturating_sub(10));
    let helps: Vec<Vec<String>> = shape
        .entries
        .iter()
        .map(|entry| {
            let mut lines = plain(entry.help, text_wide);
            if !entry.answers.is_empty() {
                lines.extend(plain(&look.fill("menu.answers", &[("answers", &entry.answers)]), text_wide));
            }
            lines
        })
        .collect();
    // Each entry in one line; the chosen one says what it does. Where there is room, all do.
    let all: usize = helps.iter().map(|lines| lines.len() + 2).sum();
    let spread = all + 4 <= usize::from(area.height);
    let high = if spread { all + 3 } else { shape.entries.len() + helps.get(shape.chosen).map_or(0, Vec::len) + 4 };
    let high = (high as u16).min(area.height);
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let title = look.text(if shape.menu == Menu::Faults { "menu.faults" } else { "menu.mitigations" });
    let inner = frame_lit(buf, at, look, &title, &shape.specimen, Some(Role::Accent));
    let mut pen = Pen::new(buf, inner);
    let mut y = inner.y + 1;
    for (n, entry) in shape.entries.iter().enumerate() {
        let chosen = n == shape.chosen;
        let line = Rect { y, height: 1, ..inner };
        if chosen {
            pen.fill(line, ' ', look.style(Role::Chosen));
        }
        let over = |role: Role| if chosen { look.style(Role::Chosen) } else { look.style(role) };
        targets.add(line, Command::Pick(n as u8));
        pen.text(inner.x + 1, y, if chosen { "▸" } else { " " }, over(Role::Accent));
        pen.text(inner.x + 3, y, &format!(" {} ", entry.key), look.style(Role::Key));
        let mut x = pen.text(inner.x + 8, y, entry.label, over(Role::Strong));
        if let Some(on) = entry.on {
            let (mark, role) = if on { ("●", Role::Good) } else { ("○", Role::Dim) };
            let word = look.text(if on { "menu.on" } else { "menu.off" });
            let wide = width(&word) as u16 + 2;
            x = inner.right().saturating_sub(wide + 1).max(x + 1);
            let style = if chosen { look.style(Role::Chosen).patch(look.style(role)) } else { look.style(role) };
            x = pen.text(x, y, mark, style) + 1;
            pen.text(x, y, &word, style);
        }
        y += 1;
        if spread || chosen {
            for line in &helps[n] {
                pen.text(inner.x + 8, y, line, look.style(Role::Dim));
                y += 1;
            }
            y += u16::from(spread);
        }
    }
}

fn plain(text: &str, columns: usize) -> Vec<String> {
    wrap(text, columns).into_iter().map(|line| line.into_iter().map(|run| run.text).collect()).collect()
}
