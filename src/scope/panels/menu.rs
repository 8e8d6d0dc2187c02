//! The menus of faults, mitigations and triggers: what can be broken, what mends it, what freezes, what is on. Made from the table of
//! commands, in the order of [`menus`](crate::scope::menus).

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::command::keymap::Context;
use crate::command::table::{Menu, Row};
use crate::scope::menus::{self, Group};
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::text::{width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, trigger, words};
use crate::specimen::faults;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The heading that it stands under.
    pub group: Option<Group>,
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
    /// How much of it, where that can be changed here.
    pub length: Option<String>,
}

/// A menu as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which.
    pub menu: Menu,
    /// The specimen that it acts on; empty where it acts on all.
    pub specimen: String,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// The chosen one.
    pub chosen: usize,
}

/// A menu of a scene.
pub fn shape(scene: &Scene<'_>, menu: Menu) -> Shape {
    let look = scene.look;
    let context = match menu {
        Menu::Faults => Context::FaultMenu,
        Menu::Mitigations => Context::MitigationMenu,
        Menu::Triggers => Context::TriggerMenu,
    };
    let entries: Vec<_> =
        menus::entries(menu, scene.scenario).into_iter().enumerate().map(|(n, of)| entry(scene, n, of, context, look)).collect();
    let chosen = scene.ui.entry.min(entries.len().saturating_sub(1));
    let specimen = scene.chosen().filter(|_| menu != Menu::Triggers).map(|s| s.name.clone()).unwrap_or_default();
    Shape { menu, specimen, entries, chosen }
}

fn entry(scene: &Scene<'_>, n: usize, (group, row): (Option<Group>, &'static Row), context: Context, look: Look<'_>) -> Entry {
    let command = row.command();
    let length = match command {
        Some(Command::Arm(setting)) => scene.ui.lengths.apply(setting).over().map(trigger::length),
        _ => None,
    };
    let on = match &command {
        Some(Command::Apply(setting)) => Some(scene.chosen().is_some_and(|s| s.mitigations[setting.kind() as usize])),
        Some(Command::Arm(setting)) => Some(scene.ui.armed.is_some_and(|armed| armed.setting.kind() == setting.kind())),
        _ => None,
    };
    let answers = match &command {
        Some(Command::Inject(fault)) => {
            faults::row(fault.kind()).answers.iter().map(|m| words::mitigation(look.lang, *m).into_owned()).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    // Without a key of its own it has that of its place, as far as digits go.
    let digit = || if n < 9 { (n + 1).to_string() } else { String::new() };
    let key = look.keys.key(row, context).map_or_else(digit, |key| look.sign(key));
    Entry { group, key, label: row.label.get(look.lang), help: row.help.get(look.lang), on, answers, length }
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
    let heading = |n: usize| shape.entries[n].group.filter(|group| n == 0 || shape.entries[n - 1].group != Some(*group));
    let headings = (0..shape.entries.len()).filter_map(heading).count();
    // Without headings the first line is air.
    let air = usize::from(headings == 0);
    let all: usize = helps.iter().map(|lines| lines.len() + 2).sum::<usize>() + headings;
    let spread = all + 4 <= usize::from(area.height);
    let folded = shape.entries.len() + headings + helps.get(shape.chosen).map_or(0, Vec::len);
    let high = if spread { all + 2 + air } else { folded + 2 + 2 * air };
    let high = (high as u16).min(area.height);
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let (title, on) = match shape.menu {
        Menu::Faults => ("menu.faults", "menu.on"),
        Menu::Mitigations => ("menu.mitigations", "menu.on"),
        Menu::Triggers => ("menu.triggers", "menu.armed"),
    };
    let (title, word_on) = (look.text(title), look.text(on));
    let inner = frame_lit(buf, at, look, &title, &shape.specimen, Some(Role::Accent));
    let mut y = inner.y + air as u16;
    let lines: Vec<usize> = (0..shape.entries.len())
        .map(|n| {
            let own = match (spread, n == shape.chosen) {
                (true, _) => helps[n].len() + 2,
                (false, true) => helps[n].len() + 1,
                (false, false) => 1,
            };
            own + usize::from(heading(n).is_some())
        })
        .collect();
    let shown = visible(&lines, shape.chosen, usize::from(inner.height).saturating_sub(air));
    let (above, below) = (shown.start, shape.entries.len() - shown.end);
    if above + below > 0 {
        let text = format!(" ↑ {above}  ↓ {below} ");
        Pen::new(buf, at).text_right(at.right().saturating_sub(2), at.bottom().saturating_sub(1), &text, look.style(Role::Accent));
    }
    let mut pen = Pen::new(buf, inner);
    for n in shown {
        let entry = &shape.entries[n];
        let chosen = n == shape.chosen;
        if let Some(group) = heading(n) {
            let role = if group == Group::Lesson { Role::Accent } else { Role::Dim };
            let x = pen.text(inner.x + 1, y, &look.text(group.key()), look.style(role)) + 1;
            for x in x..inner.right().saturating_sub(1) {
                pen.put(x, y, '╌', look.style(Role::Faint));
            }
            y += 1;
        }
        let line = Rect { y, height: 1, ..inner };
        if chosen {
            pen.fill(line, ' ', look.style(Role::Chosen));
        }
        let over = |role: Role| if chosen { look.style(Role::Chosen) } else { look.style(role) };
        targets.add(line, Command::Pick(n as u8));
        pen.text(inner.x + 1, y, if chosen { "▸" } else { " " }, over(Role::Accent));
        pen.text(inner.x + 3, y, &format!(" {} ", entry.key), look.style(Role::Key));
        let mut x = pen.text(inner.x + 8, y, entry.label, over(Role::Strong));
        if let Some(length) = &entry.length {
            // Only the chosen one can be changed.
            let length = look.fill("menu.over", &[("over", length)]);
            x = pen.text(x + 1, y, &if chosen { format!("◂ {length} ▸") } else { format!("  {length}  ") }, over(Role::Accent));
        }
        if let Some(on) = entry.on {
            let (mark, role) = if on { ("●", Role::Good) } else { ("○", Role::Dim) };
            let word = if on { word_on.clone() } else { look.text("menu.off") };
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

/// The entries that are shown where there is room for so many lines: the chosen one whole, and as many before it as fit.
fn visible(lines: &[usize], chosen: usize, room: usize) -> Range<usize> {
    let fits = |range: Range<usize>| lines.get(range).is_some_and(|lines| lines.iter().sum::<usize>() <= room);
    let first = (0..=chosen).find(|first| fits(*first..chosen + 1)).unwrap_or(chosen);
    let end = (first..=lines.len()).rev().find(|end| fits(first..*end)).unwrap_or(first);
    first..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_entry_is_always_among_those_that_are_shown() {
        let lines = |chosen: usize| (0..21).map(|n| if n == chosen { 3 } else { 1 }).collect::<Vec<_>>();
        assert_eq!(visible(&lines(4), 4, 23), 0..21, "all of them fit");
        assert_eq!((visible(&lines(0), 0, 10), visible(&lines(20), 20, 10)), (0..8, 13..21));
        for chosen in 0..21 {
            for room in 3..30 {
                let shown = visible(&lines(chosen), chosen, room);
                assert!(shown.contains(&chosen), "{chosen} in {room}: {shown:?}");
                assert!(lines(chosen)[shown].iter().sum::<usize>() <= room);
            }
        }
        assert_eq!((visible(&[], 0, 9), visible(&[2, 2], 1, 0)), (0..0, 1..1));
    }
}
