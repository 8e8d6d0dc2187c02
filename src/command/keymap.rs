//! From a key to a command, by where one is. Built from the table; knows no terminal and no screen.

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
    /// In the list of faults.
    FaultMenu,
    /// In the list of mitigations.
    MitigationMenu,
    /// In the help.
    Help,
    /// In the list of lessons.
    Home,
}

impl Context {
    /// Every one.
    pub const ALL: &'static [Self] =
        &[Self::Lab, Self::Question, Self::Table, Self::FaultMenu, Self::MitigationMenu, Self::Help, Self::Home];
}

/// What every key means.
#[derive(Debug)]
pub struct Keymap {
    rows: HashMap<(Context, Key), &'static Row>,
}

impl Default for Keymap {
    /// The keys as the table has them.
    fn default() -> Self {
        let mut rows = HashMap::new();
        for row in COMMANDS {
            for binding in row.keys {
                let keys = binding.keys.iter().filter_map(|text| text.parse::<Key>().ok());
                for key in keys {
                    rows.extend(binding.contexts.iter().map(|context| ((*context, key), row)));
                }
            }
        }
        Self { rows }
    }
}

impl Keymap {
    /// The command of a key, if it has one here.
    ///
    /// A mitigation's key always says [`Command::Apply`]: see [`Command::switched`].
    pub fn command(&self, context: Context, key: Key) -> Option<Command> {
        match &self.rows.get(&(context, key))?.make {
            Make::Fixed(command) => Some(command.clone()),
            Make::Digit(of) => Some(of(key.digit()?.checked_sub(1)?)),
            Make::Written(_) => None,
        }
    }

    /// The row of a key, if it has one here.
    pub fn row(&self, context: Context, key: Key) -> Option<&'static Row> {
        self.rows.get(&(context, key)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::control::FaultSetting;

    fn press(context: Context, key: &str) -> Option<Command> {
        Keymap::default().command(context, key.parse().unwrap())
    }

    #[test]
    fn keys_do_what_the_design_says() {
        assert_eq!(press(Context::Lab, "p"), Some(Command::Inject(FaultSetting::Panic)));
        assert_eq!(press(Context::Lab, "e"), Some(Command::Inject(FaultSetting::EndlessLoop)));
        assert_eq!(press(Context::Lab, "f"), Some(Command::FaultMenu));
        assert_eq!(press(Context::Lab, "space"), Some(Command::Freeze));
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
    fn one_can_leave_from_everywhere() {
        for context in Context::ALL {
            assert_eq!(press(*context, "q"), Some(Command::Quit));
            assert_eq!(press(*context, "ctrl+c"), Some(Command::Quit));
            assert_eq!(press(*context, "esc"), Some(Command::Back));
        }
    }

    #[test]
    fn what_later_screens_need_is_free() {
        for key in ["4", "5", "6", ".", ",", "[", "]", "left", "right", "/", ":"] {
            assert_eq!(press(Context::Lab, key), None, "{key}");
        }
    }
}
