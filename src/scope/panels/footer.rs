//! The last line: the most important keys, as many as there is room for. Made from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::keymap::Context;
use crate::command::table::Group;
use crate::command::{Command, table};
use crate::scenario::schema::Step;
use crate::scope::pen::{Pen, Targets};
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, Screen};

/// One key with what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// How the key is written.
    pub key: String,
    /// What it does, in a word or two.
    pub label: &'static str,
    /// What a click does, where that is one thing.
    pub command: Option<Command>,
    /// How much its place matters: the highest goes first.
    pub importance: u8,
}

/// The keys of a scene for a line of so many columns, in the order of the table.
pub fn shape(scene: &Scene<'_>, columns: u16) -> Vec<Entry> {
    let several = scene.world.specimens.len() > 1;
    let choices = match scene.scenario.lesson.get(scene.ui.step) {
        Some(Step::Predict { choices, .. }) => choices.len(),
        _ => 0,
    };
    let context = scene.context();
    // The selectors have no past.
    let frozen = scene.ui.frozen.is_some() && scene.ui.screen != Screen::Selectors;
    entries(context, columns, several, choices, frozen, scene.look)
}

/// The same of its parts: whether there is another specimen, and among how many answers one can choose, and
/// whether one stands in the past: then the keys that move there take the place of those that break and mend.
fn entries(context: Context, columns: u16, several: bool, choices: usize, frozen: bool, look: Look<'_>) -> Vec<Entry> {
    let mut entries: Vec<_> = table::footer(context, look.keys)
        .filter(|(row, _, _)| several || row.command() != Some(Command::NextSpecimen))
        .filter(|(row, _, _)| several || context != Context::Compare || !matches!(row.command(), Some(Command::Up | Command::Down)))
        .filter(|(row, _, _)| match row.group {
            Group::Time => frozen || row.command() == Some(Command::Freeze),
            Group::Lab => !frozen,
            Group::Lesson | Group::View => true,
        })
        .map(|(row, key, importance)| Entry {
            key: match row.command() {
                // What takes a digit shows the range.
                None => format!("1-{choices}"),
                Some(_) => look.sign(key),
            },
            label: look.label(row),
            command: row.command(),
            importance,
        })
        .collect();
    // Measured once: there are many more keys than there is room for.
    let mut wide: usize = entries.iter().map(Entry::columns).sum();
    while wide > usize::from(columns) {
        let Some(least) = entries.iter().map(|e| e.importance).max() else { break };
        let Some(at) = entries.iter().rposition(|e| e.importance == least) else { break };
        wide -= entries.remove(at).columns();
    }
    entries
}

impl Entry {
    /// Columns that it takes, the space behind it included.
    fn columns(&self) -> usize {
        width(&self.key) + width(self.label) + 5
    }
}

/// The line, ready to be drawn.
pub struct Footer<'a> {
    /// The keys.
    pub entries: &'a [Entry],
    /// How.
    pub look: Look<'a>,
}

impl Footer<'_> {
    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let mut x = area.x + 1;
        for entry in self.entries {
            let from = x;
            x = pen.text(x, area.y, &format!(" {} ", entry.key), self.look.style(Role::Key)) + 1;
            x = pen.text(x, area.y, entry.label, self.look.style(Role::KeyLabel));
            if let Some(command) = &entry.command {
                targets.add(Rect { x: from, width: x - from, ..area }, command.clone());
            }
            x += 2;
        }
    }
}

impl Widget for &Footer<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::{Theme, Tier};

    fn entries(context: Context, columns: u16, several: bool, choices: usize, frozen: bool, lang: Lang) -> Vec<Entry> {
        let look = Look { theme: &Theme::dark(Tier::Mono), lang, keys: &Keymap::default() };
        super::entries(context, columns, several, choices, frozen, look)
    }

    #[test]
    fn what_matters_most_stays_longest() {
        let wide = entries(Context::Lab, 400, true, 3, false, Lang::En);
        let mut before = wide.len();
        for columns in (0..200).rev() {
            let entries = entries(Context::Lab, columns, true, 3, false, Lang::En);
            assert!(entries.len() <= before && entries.iter().map(Entry::columns).sum::<usize>() <= usize::from(columns));
            let dropped = wide.iter().filter(|e| !entries.contains(e)).map(|e| e.importance).min().unwrap_or(u8::MAX);
            assert!(entries.iter().all(|e| e.importance <= dropped), "{columns}");
            before = entries.len();
        }
        let past = entries(Context::Lab, 120, false, 0, true, Lang::En);
        for (wanted, there) in [(Command::NextEvent, true), (Command::Freeze, true), (Command::LoadUp, false)] {
            assert_eq!(past.iter().any(|e| e.command == Some(wanted.clone())), there, "{wanted:?}");
        }
        assert!(!wide.iter().any(|e| e.command == Some(Command::NextEvent)));
        assert!(!entries(Context::Lab, 400, false, 3, false, Lang::En).iter().any(|e| e.command == Some(Command::NextSpecimen)));
    }
}
