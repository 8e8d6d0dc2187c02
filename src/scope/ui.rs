//! What the person at the keyboard has chosen and opened. Plain data; commands change it, drawing only reads it.

use crate::command::Command;
use crate::scenario::Scenario;
use crate::scenario::schema::Step;

/// Which screen is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// The list of lessons, beside a loop that runs.
    #[default]
    Start,
    /// The loop at work.
    Scope,
}

/// What lies open over the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Nothing.
    #[default]
    Nothing,
    /// The menu of faults.
    Faults,
    /// The menu of mitigations.
    Mitigations,
    /// The help.
    Help,
}

/// What has been chosen and opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ui {
    /// Which screen.
    pub screen: Screen,
    /// What lies over it.
    pub open: Open,
    /// The entry of the open menu.
    pub entry: usize,
    /// The lesson that the start screen points at.
    pub lesson: usize,
    /// The specimen that keys act on.
    pub chosen: usize,
    /// The step of the lesson.
    pub step: usize,
    /// What was answered, by step.
    pub answers: Vec<Option<u8>>,
    /// Which steps to try have come true, by step.
    pub done: Vec<bool>,
    /// Whether the picture is held.
    pub frozen: bool,
    /// One line for the person: what just happened, or why not.
    pub notice: Option<String>,
}

impl Ui {
    /// The beginning of a lesson.
    #[must_use]
    pub fn for_lesson(&self, scenario: &Scenario) -> Self {
        Self {
            screen: self.screen,
            lesson: self.lesson,
            answers: vec![None; scenario.lesson.len()],
            done: vec![false; scenario.lesson.len()],
            ..Self::default()
        }
    }

    /// The answer to this step's question, if it was answered.
    pub fn answer(&self) -> Option<u8> {
        self.answers.get(self.step).copied().flatten()
    }

    /// Whether this step's task has come true.
    pub fn is_done(&self) -> bool {
        self.done.get(self.step).copied().unwrap_or(false)
    }

    /// Carries out a command of the view; whether it was one.
    pub fn carry_out(&mut self, command: &Command, scenario: &Scenario, specimens: usize, entries: usize, lessons: usize) -> bool {
        let steps = scenario.lesson.len();
        match command {
            Command::FaultMenu => self.toggle(Open::Faults),
            Command::MitigationMenu => self.toggle(Open::Mitigations),
            Command::Help => self.toggle(Open::Help),
            Command::Back => self.open = Open::Nothing,
            Command::Freeze => self.frozen = !self.frozen,
            Command::NextSpecimen => self.chosen = (self.chosen + 1) % specimens.max(1),
            Command::NextStep => self.step = (self.step + 1).min(steps.saturating_sub(1)),
            Command::PreviousStep => self.step = self.step.saturating_sub(1),
            Command::Answer(choice) => {
                let asked = matches!(scenario.lesson.get(self.step),
                    Some(Step::Predict { choices, .. }) if usize::from(*choice) < choices.len());
                if let Some(answer) = self.answers.get_mut(self.step).filter(|a| asked && a.is_none()) {
                    *answer = Some(*choice);
                }
            }
            Command::Up | Command::Down => {
                let (at, count) =
                    if self.open == Open::Nothing { (&mut self.lesson, lessons) } else { (&mut self.entry, entries) };
                let step = if *command == Command::Up { count.saturating_sub(1) } else { 1 };
                *at = (*at + step) % count.max(1);
            }
            _ => return false,
        }
        true
    }

    fn toggle(&mut self, what: Open) {
        self.open = if self.open == what { Open::Nothing } else { what };
        self.entry = 0;
    }
}
