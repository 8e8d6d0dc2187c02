//! The help: what this screen shows, and every key. Made from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::command::key::Key;
use crate::command::keymap::Context;
use crate::command::table::{COMMANDS, Group, Row};
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::screens::SCREENS;
use crate::scope::text::{Run, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Screen};

/// One line of the help.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A heading.
    Heading(String),
    /// Text.
    Text(Vec<Run>),
    /// Keys with what they do.
    Keys(String, String),
    /// Air.
    Blank,
}

/// The help for a screen, in lines of so many columns.
pub fn shape(screen: Screen, look: Look<'_>, columns: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let about = SCREENS.iter().find(|row| row.screen == screen).map_or(&["help.start"][..], |row| row.about);
    lines.push(Line::Heading(look.text("help.about").into_owned()));
    for key in about {
        lines.extend(wrap(&look.text(key), usize::from(columns)).into_iter().map(Line::Text));
    }
    for (group, title) in [(Group::Lab, "help.lab"), (Group::Lesson, "help.lesson"), (Group::View, "help.view")] {
        lines.push(Line::Blank);
        lines.push(Line::Heading(look.text(title).into_owned()));
        for row in COMMANDS.iter().filter(|row| row.group == group && !row.keys.is_empty()) {
            let free = usize::from(columns).saturating_sub(KEYS + 2);
            for (n, line) in wrap(row.help.get(look.lang), free).into_iter().enumerate() {
                let text = line.into_iter().map(|run| run.text).collect();
                lines.push(Line::Keys(if n == 0 { keys(row) } else { String::new() }, text));
            }
        }
    }
    lines
}

/// Columns that keys take.
const KEYS: usize = 12;

/// The keys of a row, each once, in the order of its bindings.
fn keys(row: &Row) -> String {
    let mut all: Vec<String> = Vec::new();
    for context in Context::ALL {
        for binding in row.keys.iter().filter(|b| b.contexts.contains(context)) {
            for key in binding.keys {
                let sign = key.parse::<Key>().map_or_else(|_| (*key).to_owned(), Key::sign);
                if !all.contains(&sign) {
                    all.push(sign);
                }
            }
        }
    }
    match &all[..] {
        [first, .., last] if all.len() > 3 => format!("{first} – {last}"),
        all => all.join(" "),
    }
}

/// Draws the help over an area, from the given line on.
pub fn draw(from: usize, screen: Screen, look: Look<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
    let wide = 88.min(area.width.saturating_sub(2));
    let lines = shape(screen, look, wide.saturating_sub(6));
    let high = (lines.len() as u16 + 2).min(area.height);
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let shown = usize::from(high.saturating_sub(2));
    let from = from.min(lines.len().saturating_sub(shown));
    let note = if lines.len() > shown {
        format!("{}–{}/{} ↑↓", from + 1, (from + shown).min(lines.len()), lines.len())
    } else {
        String::new()
    };
    let inner = frame_lit(buf, at, look, &look.text("help.title"), &note, Some(Role::Accent));
    let mut pen = Pen::new(buf, inner);
    for (n, line) in lines.iter().skip(from).take(shown).enumerate() {
        let (x, y) = (inner.x + 2, inner.y + n as u16);
        match line {
            Line::Blank => {}
            Line::Heading(text) => drop(pen.text(x, y, text, look.style(Role::Accent))),
            Line::Text(runs) => {
                let mut x = x;
                for run in runs {
                    x = pen.text(x, y, &run.text, look.style(if run.marked { Role::Strong } else { Role::Text }));
                }
            }
            Line::Keys(keys, text) => {
                if !keys.is_empty() {
                    let start = (x + KEYS as u16).saturating_sub(width(keys) as u16);
                    pen.text(start, y, keys, look.style(Role::Strong));
                }
                pen.text(x + KEYS as u16 + 2, y, text, look.style(Role::Text));
            }
        }
    }
}
