//! From a key to a command, by where one is, and from a command to its keys. Built from the table and from what a person has changed of it;
//! knows no terminal and no screen.

use std::collections::HashMap;

use super::Command;
use super::key::Key;
use super::table::{COMMANDS, Make, Row};

/// Where one is: what decides which keys work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Before the running lab, with nothing open.
    Lab,
    /// The same while the lesson waits for an answer.
    Question,
    /// Before a table of the running lab, with nothing open.
    Table,
    /// Before the timeline, with nothing open.
    Timeline,
    /// Before specimens side by side, with nothing open.
    Compare,
    /// Before the selectors, with nothing open.
    Selectors,
    /// The same beside a lesson that measures them.
    SelectorsLesson,
    /// The same while that lesson waits for an answer.
    SelectorsQuestion,
    /// In the list of faults.
    FaultMenu,
    /// In the list of mitigations.
    MitigationMenu,
    /// In the list of triggers.
    TriggerMenu,
    /// In the help.
    Help,
    /// In the help, while something is typed to search for.
    HelpSearch,
    /// In the palette of commands, where one types.
    Palette,
    /// Before the table of connections, while something is typed to look for.
    Filter,
    /// In a page about one thing.
    Page,
    /// In the list of lessons.
    Home,
}

impl Context {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::Lab,
        Self::Question,
        Self::Table,
        Self::Timeline,
        Self::Compare,
        Self::Selectors,
        Self::SelectorsLesson,
        Self::SelectorsQuestion,
        Self::FaultMenu,
        Self::MitigationMenu,
        Self::TriggerMenu,
        Self::Help,
        Self::HelpSearch,
        Self::Palette,
        Self::Filter,
        Self::Page,
        Self::Home,
    ];

    /// Whether characters are text here, not keys.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::HelpSearch | Self::Palette | Self::Filter)
    }
}

/// What every key means.
#[derive(Clone, Debug)]
pub struct Keymap {
    rows: HashMap<(Context, Key), &'static Row>,
    /// The same from the other side: where and by which keys, in the order in which they are shown.
    keys: HashMap<&'static str, Vec<(Context, Key)>>,
}

/// Two commands that ask for the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Which key.
    pub key: Key,
    /// Who has it.
    pub has: &'static Row,
    /// Who wants it too.
    pub wants: &'static Row,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Row {}

impl Default for Keymap {
    /// The keys as the table has them.
    fn default() -> Self {
        Self::build(&[]).0
    }
}

impl Keymap {
    /// The keys of the table with other ones for some commands: wherever a command has keys, it has these instead.
    ///
    /// # Errors
    /// Every two commands that would have the same key in the same place.
    pub fn with(changes: &[(&'static Row, Vec<Key>)]) -> Result<Self, Vec<Clash>> {
        let (keymap, clashes) = Self::build(changes);
        if clashes.is_empty() { Ok(keymap) } else { Err(clashes) }
    }

    fn build(changes: &[(&'static Row, Vec<Key>)]) -> (Self, Vec<Clash>) {
        let mut map = Self { rows: HashMap::new(), keys: HashMap::new() };
        let mut clashes: Vec<Clash> = Vec::new();
        for row in COMMANDS {
            let own = changes.iter().find(|(of, _)| *of == row).map(|(_, keys)| keys);
            let bindings = own.map_or_else(|| defaults(row), |keys| instead(row, keys));
            for (context, key) in &bindings {
                if let Some(has) = map.rows.insert((*context, *key), row).filter(|has| *has != row) {
                    let clash = Clash { key: *key, has, wants: row };
                    if !clashes.contains(&clash) {
                        clashes.push(clash);
                    }
                }
            }
            map.keys.insert(row.id, bindings);
        }
        (map, clashes)
    }

    /// The command of a key, if it has one here.
    ///
    /// A mitigation's key always says [`Command::Apply`]: see [`Command::switched`].
    pub fn command(&self, context: Context, key: Key) -> Option<Command> {
        let Some(row) = self.rows.get(&(context, key)) else {
            return key.typed().filter(|_| context.takes_text()).map(Command::Type);
        };
        match &row.make {
            Make::Fixed(command) => Some(command.clone()),
            Make::Digit(of) => Some(of(key.digit()?.checked_sub(1)?)),
            Make::Written(_) => None,
        }
    }

    /// The row of a key, if it has one here.
    pub fn row(&self, context: Context, key: Key) -> Option<&'static Row> {
        self.rows.get(&(context, key)).copied()
    }

    /// The key that is shown for a row in this context: its first one there.
    pub fn key(&self, row: &Row, context: Context) -> Option<Key> {
        self.bindings(row).find(|(there, _)| *there == context).map(|(_, key)| key)
    }

    /// All keys of a row, each once, in their order.
    pub fn keys(&self, row: &Row) -> Vec<Key> {
        let mut keys = Vec::new();
        for (_, key) in self.bindings(row) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn bindings(&self, row: &Row) -> impl Iterator<Item = (Context, Key)> + '_ {
        self.keys.get(row.id).into_iter().flatten().copied()
    }
}

/// A row's keys as the table has them.
fn defaults(row: &'static Row) -> Vec<(Context, Key)> {
    let mut bindings = Vec::new();
    for binding in row.keys {
        let keys: Vec<Key> = binding.keys.iter().filter_map(|text| text.parse().ok()).collect();
        bindings.extend(binding.contexts.iter().flat_map(|context| keys.iter().map(|key| (*context, *key))));
    }
    bindings
}

/// A row's places with other keys. Where text is typed, a character stays a character: if nothing else is given, what the table has
/// there stays.
fn instead(row: &'static Row, keys: &[Key]) -> Vec<(Context, Key)> {
    let mut places: Vec<Context> = Vec::new();
    for context in row.keys.iter().flat_map(|binding| binding.contexts) {
        if !places.contains(context) {
            places.push(*context);
        }
    }
    if row.keys.is_empty() {
        places.extend(super::table::LAB);
    }
    let mut bindings = Vec::new();
    for context in places {
        let fit = keys.iter().copied().filter(|key| !context.takes_text() || key.typed().is_none());
        let before = bindings.len();
        bindings.extend(fit.map(|key| (context, key)));
        if bindings.len() == before && context.takes_text() {
            bindings.extend(defaults(row).into_iter().filter(|(place, _)| *place == context));
        }
    }
    bindings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table::by_id;
    use crate::specimen::control::FaultSetting;

    fn press(context: Context, key: &str) -> Option<Command> {
        Keymap::default().command(context, key.parse().unwrap())
    }

    fn changed(changes: &[(&str, &[&str])]) -> Result<Keymap, Vec<Clash>> {
        let keys = |keys: &[&str]| keys.iter().map(|key| key.parse().unwrap()).collect();
        Keymap::with(&changes.iter().map(|(id, new)| (by_id(id).unwrap(), keys(new))).collect::<Vec<_>>())
    }

    #[test]
    fn keys_do_what_the_design_says() {
        assert_eq!(press(Context::Lab, "p"), Some(Command::Inject(FaultSetting::Panic)));
        assert_eq!(press(Context::Lab, "e"), Some(Command::Inject(FaultSetting::EndlessLoop)));
        assert_eq!(press(Context::Lab, "f"), Some(Command::FaultMenu));
        assert_eq!(press(Context::Lab, "space"), Some(Command::Freeze));
        assert_eq!(press(Context::Lab, "."), Some(Command::NextEvent));
        assert_eq!(press(Context::Question, "shift+left"), Some(Command::FarBackwards));
        assert_eq!(press(Context::Lab, "="), Some(Command::LoadUp));
        assert_eq!(press(Context::Home, "enter"), Some(Command::Select));
        assert_eq!(press(Context::Home, "p"), None);
    }

    #[test]
    fn digits_answer_a_question_pick_from_a_list_and_else_turn_to_a_screen() {
        assert_eq!(press(Context::Question, "2"), Some(Command::Answer(1)));
        assert_eq!(press(Context::FaultMenu, "1"), Some(Command::Pick(0)));
        assert_eq!(press(Context::Lab, "1"), Some(Command::Screen(0)));
        assert_eq!(press(Context::Table, "2"), Some(Command::Screen(1)));
        assert_eq!(press(Context::Question, "tab"), Some(Command::NextScreen));
    }

    #[test]
    fn the_timeline_has_its_own_keys_and_breaks_nothing_that_works_elsewhere() {
        assert_eq!(press(Context::Timeline, "pageup"), Some(Command::ZoomIn));
        assert_eq!(press(Context::Timeline, "'"), Some(Command::FirstMark));
        assert_eq!(press(Context::Lab, "pageup"), None);
        // It has nothing to put into another order or to look for, and opens its own details.
        let tables_own = ["next-order", "select", "filter"];
        for row in COMMANDS {
            for binding in row.keys.iter().filter(|b| b.contexts.contains(&Context::Table)) {
                assert!(binding.contexts.contains(&Context::Timeline) || tables_own.contains(&row.id), "{}", row.id);
            }
        }
    }

    #[test]
    fn one_can_leave_from_everywhere() {
        for context in Context::ALL {
            let letter = if context.takes_text() { Command::Type('q') } else { Command::Quit };
            assert_eq!(press(*context, "q"), Some(letter));
            assert_eq!(press(*context, "ctrl+c"), Some(Command::Quit));
            assert_eq!(press(*context, "esc"), Some(Command::Back));
        }
    }

    #[test]
    fn what_is_typed_is_text() {
        for c in [' ', '?', ':', '/', 'é', '停', '7'] {
            let key = Key::new(crate::command::key::Code::Char(c));
            assert_eq!(Keymap::default().command(Context::Palette, key), Some(Command::Type(c)));
        }
        assert_eq!(press(Context::Palette, "alt+x"), None);
        assert_eq!(press(Context::Palette, "enter"), Some(Command::Select));
        assert_eq!(press(Context::Lab, ":"), Some(Command::Palette));
    }

    #[test]
    fn the_key_of_search_searches_nothing_but_the_help() {
        assert_eq!(press(Context::Lab, "/"), None);
    }

    #[test]
    fn a_command_that_is_given_other_keys_has_those_and_no_others() {
        let map = changed(&[("compute", &["F5", "F6"]), ("restart", &["ctrl+r"]), ("stop", &[])]).unwrap();
        let press = |context, key: &str| map.command(context, key.parse().unwrap());
        let compute = by_id("compute").unwrap();
        assert_eq!(press(Context::Lab, "F5"), compute.command());
        assert_eq!(press(Context::Lab, "c"), None);
        assert_eq!(press(Context::Lab, "ctrl+r"), Some(Command::Restart));
        assert_eq!(map.key(compute, Context::Lab), "F5".parse().ok());
        assert_eq!(map.keys(compute).len(), 2);
    }

    #[test]
    fn what_is_moved_leaves_text_alone() {
        let map = changed(&[("quit", &["F10", "§"]), ("back", &["¶"])]).unwrap();
        let press = |context, key: &str| map.command(context, key.parse().unwrap());
        assert_eq!(press(Context::Lab, "§"), Some(Command::Quit));
        assert_eq!(press(Context::Palette, "§"), Some(Command::Type('§')));
        assert_eq!((press(Context::Palette, "F10"), press(Context::Palette, "ctrl+c")), (Some(Command::Quit), None));
        assert_eq!(press(Context::Palette, "esc"), Some(Command::Back));
        assert_eq!(press(Context::Lab, "esc"), None);
    }

    #[test]
    fn two_commands_cannot_have_one_key_in_one_place() {
        let clashes = changed(&[("compute", &["p"])]).unwrap_err();
        assert!(clashes.iter().any(|clash| clash.key.to_string() == "p" && clash.wants.id == "panic" && clash.has.id == "compute"));
        assert!(changed(&[("compute", &["p"]), ("panic", &["c"])]).is_ok(), "two can change places");
    }
}
