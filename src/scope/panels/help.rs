//! The help: what this screen shows, what can be broken and what answers it, and every key. Made from the table of commands. It can be
//! searched: then it shows what has all the words that are typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::lang::Lang;
use crate::command::Command;
use crate::command::keymap::Context;
use crate::command::search::answers;
use crate::command::table::{self, COMMANDS, Group, Make, Menu, Row};
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::screens::row_of;
use crate::scope::text::{Run, width, wrap};
use crate::scope::theme::Role;
use crate::scope::ui::Reach;
use crate::scope::{Look, Scene, Screen, words};
use crate::specimen::faults::{self, FAULTS};

/// One line of the help.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A heading.
    Heading(String),
    /// Text over the whole width.
    Text(Vec<Run>),
    /// Keys with what they do; without keys what goes on from the line before.
    Keys(String, Vec<Run>),
    /// Air.
    Blank,
}

/// What belongs together, and is found or not found together.
struct Item {
    lines: Vec<Line>,
    /// What is searched in: the words of the screen's language, and the English ones.
    words: String,
}

/// Columns that keys take.
const KEYS: usize = 13;

/// The help for a screen in lines of so many columns; of it, what has all the words that are sought.
pub fn shape(screen: Screen, sought: &str, look: Look<'_>, columns: u16) -> Vec<Line> {
    let sought: Vec<&str> = sought.split_whitespace().collect();
    let found = |item: &Item| sought.iter().all(|word| answers(word, &item.words, false).is_some());
    let mut lines = Vec::new();
    for (title, items) in sections(screen, look, usize::from(columns)) {
        let mut found = items.into_iter().filter(found).peekable();
        if found.peek().is_some() {
            if !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Heading(look.text(title).into_owned()));
            lines.extend(found.flat_map(|item| item.lines));
        }
    }
    lines
}

/// All of it, by heading.
fn sections(screen: Screen, look: Look<'_>, columns: usize) -> Vec<(&'static str, Vec<Item>)> {
    let about = row_of(screen).map_or(&["help.start"][..], |row| row.about);
    let paragraph = |key: &&str| Item {
        lines: wrap(&look.keyed(key), columns).into_iter().map(Line::Text).collect(),
        words: format!("{} {}", look.keyed(key), words::text(Lang::En, key)),
    };
    let of_menu = |menu| table::menu(menu).map(|row| of_row(row, look, columns)).collect();
    let of_group = |group: Group| {
        let rows = COMMANDS.iter().filter(move |row| row.group == group && row.menu.is_none() && row.is_for_people());
        rows.map(|row| of_row(row, look, columns)).collect::<Vec<_>>()
    };
    vec![
        ("help.about", about.iter().map(paragraph).collect()),
        ("help.faults", of_menu(Menu::Faults)),
        ("help.mitigations", of_menu(Menu::Mitigations)),
        ("help.lab", of_group(Group::Lab)),
        ("help.lesson", of_group(Group::Lesson)),
        ("help.time", of_group(Group::Time)),
        ("help.triggers", of_menu(Menu::Triggers)),
        ("help.view", of_group(Group::View)),
    ]
}

/// A command: its keys and what it does; for a fault what mends it, for a mitigation what it answers.
fn of_row(row: &'static Row, look: Look<'_>, columns: usize) -> Item {
    let answers = answered(row, look);
    let label = if row.menu.is_some() { format!("`{}`: ", row.label.get(look.lang)) } else { String::new() };
    let text = format!("{label}{}", row.help.get(look.lang));
    let free = columns.saturating_sub(KEYS + 2);
    let lines = wrap(&text, free).into_iter().chain(answers.iter().flat_map(|text| wrap(text, free)));
    let keys = keys(row, look);
    let lines = lines.enumerate().map(|(n, runs)| Line::Keys(if n == 0 { keys.clone() } else { String::new() }, runs)).collect();
    let words = format!("{text} {} {} {} {}", row.id, row.label.en, row.help.en, answers.unwrap_or_default());
    Item { lines, words }
}

/// What mends a fault, or what a mitigation answers: names with their keys.
fn answered(row: &Row, look: Look<'_>) -> Option<String> {
    let list = |names: Vec<String>| (!names.is_empty()).then(|| names.join(", "));
    let keyed = |name: &str, row: Option<&'static Row>| match row.and_then(|row| look.keys.key(row, Context::Lab)) {
        Some(key) => format!("`{}` {name}", look.sign(key)),
        None => name.to_owned(),
    };
    match row.command()? {
        Command::Inject(fault) => {
            let answers = faults::row(fault.kind()).answers.iter();
            let answers = list(answers.map(|m| keyed(&words::mitigation(look.lang, *m), table::by_id(m.name()))).collect())?;
            Some(look.fill("menu.answers", &[("answers", &answers)]))
        }
        Command::Apply(setting) => {
            let faults = FAULTS.iter().filter(|fault| fault.answers.contains(&setting.kind()));
            let faults = list(faults.map(|fault| keyed(&words::fault(look.lang, fault.kind), table::by_id(fault.name()))).collect())?;
            Some(look.fill("help.mends", &[("faults", &faults)]))
        }
        _ => None,
    }
}

/// The keys of a row, each once, in the order of its bindings; how it is written in the palette where it has none.
fn keys(row: &Row, look: Look<'_>) -> String {
    let all: Vec<String> = look.keys.keys(row).into_iter().map(|key| look.sign(key)).collect();
    match (&all[..], &row.make) {
        ([], _) => format!(":{}", row.id),
        ([first, .., last], Make::Digit(_)) => format!("{first} – {last}"),
        (all, _) => all.join(" "),
    }
}

/// Draws the help of a scene over an area; says how far one can go in it.
pub fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) -> Reach {
    let (look, ui) = (scene.look, scene.ui);
    let wide = 100.min(area.width.saturating_sub(2));
    let at = Rect { x: area.x + (area.width - wide) / 2, width: wide, ..area };
    let sought = ui.line.text();
    let lines = shape(ui.screen, sought, look, wide.saturating_sub(6));
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let search = ui.searching || !sought.is_empty();
    let page = usize::from(at.height.saturating_sub(2 + u16::from(search)));
    let last = lines.len().saturating_sub(page);
    let from = ui.entry.min(last);
    let note = if last > 0 { format!("{}–{}/{} ↑↓", from + 1, (from + page).min(lines.len()), lines.len()) } else { String::new() };
    let mut inner = frame_lit(buf, at, look, &look.text("help.title"), &note, Some(Role::Accent));
    let mut pen = Pen::new(buf, inner);
    if search {
        let x = pen.text(inner.x + 2, inner.y, "/", look.style(Role::Accent)) + 1;
        let x = pen.text(x, inner.y, sought, look.style(Role::Strong));
        if ui.searching {
            pen.put(x, inner.y, '▏', look.style(Role::Accent));
        }
        inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    }
    if lines.is_empty() {
        pen.text(inner.x + 2, inner.y + 1, &look.text("palette.none"), look.style(Role::Dim));
    }
    for (n, line) in lines.iter().skip(from).take(page).enumerate() {
        let (x, y) = (inner.x + 2, inner.y + n as u16);
        match line {
            Line::Blank => {}
            Line::Heading(text) => drop(pen.text(x, y, text, look.style(Role::Accent))),
            Line::Text(runs) => draw_runs(&mut pen, x, y, runs, look),
            Line::Keys(keys, runs) => {
                let start = (x + KEYS as u16).saturating_sub(width(keys) as u16);
                pen.text(start.max(inner.x), y, keys, look.style(Role::Strong));
                draw_runs(&mut pen, x + KEYS as u16 + 2, y, runs, look);
            }
        }
        if !matches!(line, Line::Heading(_)) {
            mark(&mut pen, Rect { y, height: 1, ..inner }, sought, look);
        }
    }
    Reach { last, page }
}

fn draw_runs(pen: &mut Pen<'_>, x: u16, y: u16, runs: &[Run], look: Look<'_>) {
    let mut x = x;
    for run in runs {
        x = pen.text(x, y, &run.text, look.style(if run.marked { Role::Strong } else { Role::Text }));
    }
}

/// Marks what is sought where it stands in a line that has been drawn.
fn mark(pen: &mut Pen<'_>, line: Rect, sought: &str, look: Look<'_>) {
    let mut cells: Vec<(char, u16)> = Vec::new();
    let mut x = line.x;
    while x < line.right() {
        let symbol = pen.symbol(x, line.y);
        cells.extend(symbol.chars().next().map(|c| (c, x)));
        x += (width(symbol) as u16).max(1);
    }
    let text: String = cells.iter().map(|(c, _)| *c).collect();
    for word in sought.split_whitespace() {
        for place in answers(word, &text, false).map(|found| found.places).unwrap_or_default() {
            let (c, x) = cells[place];
            pen.style(Rect { x, width: width(c.encode_utf8(&mut [0; 4])) as u16, ..line }, look.style(Role::Chosen));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::keymap::Keymap;
    use crate::scope::{Theme, Tier};

    fn text(lines: &[Line]) -> String {
        let runs = |runs: &[Run]| runs.iter().map(|run| run.text.as_str()).collect::<String>();
        let line = |line: &Line| match line {
            Line::Heading(text) => format!("# {text}"),
            Line::Text(line) => runs(line),
            Line::Keys(keys, line) => format!("{keys:>13}  {}", runs(line)),
            Line::Blank => String::new(),
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_command_is_in_it_once_and_no_line_is_too_long() {
        let (theme, keys) = (Theme::dark(Tier::Mono), Keymap::default());
        for lang in Lang::ALL {
            let look = Look { theme: &theme, lang: *lang, keys: &keys };
            for columns in [54_u16, 72, 94] {
                let lines = shape(Screen::Scope, "", look, columns);
                let said = text(&lines).lines().map(str::to_owned).collect::<Vec<_>>();
                for line in &said {
                    assert!(width(line) <= usize::from(columns).max(KEYS + 20), "{columns}: {line}");
                }
                let joined: String = said.concat().replace(' ', "");
                for row in COMMANDS.iter().filter(|row| row.is_for_people()) {
                    let first: String = row.help.get(*lang).chars().filter(|c| *c != ' ').take(12).collect();
                    assert!(joined.contains(&first), "{lang} {columns}: no {}", row.id);
                }
            }
        }
    }

    #[test]
    fn faults_stand_with_what_mends_them_and_a_search_leaves_what_has_all_words() {
        let (theme, keys) = (Theme::dark(Tier::Mono), Keymap::default());
        let look = Look { theme: &theme, lang: Lang::En, keys: &keys };
        let said = text(&shape(Screen::Scope, "burns cpu", look, 94));
        assert!(said.contains("mended by: W worker pool, S slicing"), "{said}");
        assert!(!said.contains("panic"), "{said}");
        assert_eq!(shape(Screen::Scope, "no such thing", look, 94), []);
        let zh = Look { lang: Lang::Zh, ..look };
        assert!(text(&shape(Screen::Scope, "worker pool", zh, 94)).contains("工作线程池"), "English finds Chinese");
    }
}
