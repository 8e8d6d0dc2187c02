//! What the person at the keyboard has chosen and opened. Plain data; commands change it, drawing only reads it.

use super::answers::Ask;
use super::line::Line;
use super::menus;
use super::panels::selectors::Axis;
use super::pointer::{Drag, Plot};
use super::rows::{RequestOrder, RowId, Rows};
use super::screens::SCREENS;
use super::study::{Asked, Record, asked};
use super::timebase::Timebase;
use super::trigger::Lengths;
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::command::Command;
use crate::command::keymap::Context;
use crate::command::table::{self, Menu};
use crate::scenario::attempt::Attempt;
use crate::scenario::compare;
use crate::scenario::progress::{Done, Progress, Solved};
use crate::scenario::schema::{Expectation, Step};
use crate::scenario::stretch::Stretch;
use crate::scenario::{Evidence, Scenario};
use crate::telemetry::event::Event;
use crate::telemetry::vocabulary::Fault;
use crate::world::{Armed, Specimen, Strike, TriggerSetting, World};

/// Which screen is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// The list of lessons, beside a loop that runs.
    #[default]
    Start,
    /// The loop at work.
    Scope,
    /// What happened when, between seconds and microseconds.
    Timeline,
    /// The connections of a specimen.
    Connections,
    /// What the clients measured.
    Latency,
    /// Specimens side by side on one time axis.
    Compare,
    /// The lesson in full, with what was answered and how far one has come.
    Lesson,
    /// What asking the kernel costs, by the way one asks.
    Selectors,
}

/// The screen that a scenario begins with, and that one comes back to.
pub fn first_screen(scenario: &Scenario) -> Screen {
    if scenario.specimens.is_empty() { Screen::Selectors } else { Screen::Scope }
}

/// What lies open over the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Nothing.
    #[default]
    Nothing,
    /// A menu.
    Menu(Menu),
    /// The help.
    Help,
    /// The palette of commands.
    Palette,
    /// Why a request was slow.
    Why,
    /// One connection in full.
    Connection,
}

/// How far what lies open can be moved in, as it was drawn last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The last entry, or the last line that can be the first in sight.
    pub last: usize,
    /// Entries or lines in sight.
    pub page: usize,
}

/// What a loop does in the present, while one stands in the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meanwhile {
    /// It runs on.
    #[default]
    Runs,
    /// The gate holds the loop itself.
    Held,
    /// A callback holds it.
    Stalled,
    /// Its process is gone.
    Dead,
}

impl Meanwhile {
    /// That of this specimen.
    pub fn of(specimen: &Specimen) -> Self {
        match () {
            () if !specimen.is_alive() => Self::Dead,
            () if specimen.is_held() => Self::Held,
            () if specimen.stall().is_some() => Self::Stalled,
            () => Self::Runs,
        }
    }
}

/// Where in the recorded past one stands. The world that is shown with it is that of then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frozen {
    /// How far behind the present.
    pub behind: Nanos,
    /// At which part of real time it plays; nothing where it stands.
    pub speed: Option<f64>,
    /// What the loop does now.
    pub meanwhile: Meanwhile,
    /// The event that happened last, and its number.
    pub event: Option<(u64, Event)>,
    /// How long the callback that runs then will hold the loop in all, where the present knows it as a stall.
    pub ahead: Option<Nanos>,
    /// What the trigger has struck on, where this is the place.
    pub strike: Option<Strike>,
}

/// What has been chosen and opened.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ui {
    /// Which screen.
    pub screen: Screen,
    /// What lies over it.
    pub open: Open,
    /// The entry of the open menu or palette, or the first line of the open help.
    pub entry: usize,
    /// How far that can go.
    pub reach: Reach,
    /// What is typed into the palette, or searched for in the help.
    pub line: Line,
    /// Whether it is being typed what to search for in the help.
    pub searching: bool,
    /// Whether it is being typed what to look for among connections.
    pub filtering: bool,
    /// The lesson that the start screen points at.
    pub lesson: usize,
    /// The specimen that keys act on.
    pub chosen: usize,
    /// The step of the lesson; behind the last one, the questions of its review.
    pub step: usize,
    /// The step that the review was turned to from.
    pub before_review: usize,
    /// The page of that step, where it does not fit into its pane.
    pub page: usize,
    /// In how many pages it was last shown.
    pub pages: usize,
    /// When that step was turned to; `None` before the world was looked at since.
    pub step_since: Option<Nanos>,
    /// Whether what this step has one try was tried.
    pub tried: bool,
    /// What was answered, by step.
    pub answers: Vec<Option<u8>>,
    /// Which steps to try have come true, which tasks are solved, which answers of the review are open; by step.
    pub done: Vec<bool>,
    /// What else is known of each step.
    pub records: Vec<Record>,
    /// The task that this step is, while it is to be solved.
    pub attempt: Option<Attempt>,
    /// The time since this step's question was answered.
    pub since_answer: Option<Stretch>,
    /// What is chosen in tables, and in which order they stand.
    pub rows: Rows,
    /// Which stretch of time the timeline shows.
    pub timebase: Timebase,
    /// Where the timeline was drawn, for the pointer.
    pub plot: Option<Plot>,
    /// The pointer holds the timeline.
    pub drag: Option<Drag>,
    /// Where the sizes of the selectors' chart were drawn, for the pointer.
    pub axis: Option<Axis>,
    /// The pointer holds the number of idle descriptors.
    pub grip: bool,
    /// Where in the recorded past one stands; nothing: in the present.
    pub frozen: Option<Frozen>,
    /// The request that was asked about.
    pub asked: Option<Ask>,
    /// What freezes by itself, as the present has it.
    pub armed: Option<Armed>,
    /// What was armed last.
    pub last_armed: Option<Armed>,
    /// For how long the triggers of the menu wait.
    pub lengths: Lengths,
    /// Strikes of the trigger that have been seen.
    pub strikes: u32,
    /// The last of them.
    pub strike: Option<Strike>,
    /// Whether latencies are shown uncorrected: from the sending on.
    pub uncorrected: bool,
    /// The measurement that was put away: of which specimen, begun when.
    pub dismissed: Option<(usize, Nanos)>,
    /// Whether it is shown what the watching itself costs.
    pub cost: bool,
    /// One line for the person: what just happened, or why not.
    pub notice: Option<String>,
    /// What has been done of all lessons, in this run and before.
    pub progress: Progress,
}

impl Ui {
    /// The beginning of a lesson on the screen that is shown.
    #[must_use]
    pub fn for_lesson(&self, scenario: &Scenario) -> Self {
        let steps = scenario.lesson.len() + scenario.review.len();
        Self {
            screen: self.screen,
            lesson: self.lesson,
            answers: vec![None; steps],
            done: vec![false; steps],
            records: vec![Record::default(); steps],
            progress: self.progress.clone(),
            cost: self.cost,
            ..Self::default()
        }
    }

    /// Where the person is, as far as keys are concerned.
    pub fn context(&self, scenario: &Scenario) -> Context {
        match self.open {
            Open::Help if self.searching => Context::HelpSearch,
            Open::Help => Context::Help,
            Open::Palette => Context::Palette,
            Open::Why | Open::Connection => Context::Page,
            Open::Menu(Menu::Faults) => Context::FaultMenu,
            Open::Menu(Menu::Mitigations) => Context::MitigationMenu,
            Open::Menu(Menu::Triggers) => Context::TriggerMenu,
            Open::Nothing if self.types_filter() => Context::Filter,
            Open::Nothing => self.ground(scenario),
        }
    }

    /// Where the person is below what lies open.
    pub fn ground(&self, scenario: &Scenario) -> Context {
        match self.screen {
            Screen::Start => Context::Home,
            // Beside an experiment alone there is no lab whose keys would do anything.
            Screen::Lesson if scenario.specimens.is_empty() && self.is_asked(scenario) => Context::SelectorsQuestion,
            Screen::Lesson if scenario.specimens.is_empty() => Context::SelectorsLesson,
            Screen::Scope | Screen::Lesson if self.is_asked(scenario) => Context::Question,
            Screen::Scope | Screen::Lesson => Context::Lab,
            Screen::Timeline => Context::Timeline,
            Screen::Connections | Screen::Latency => Context::Table,
            Screen::Compare => Context::Compare,
            Screen::Selectors if scenario.experiment.is_none() => Context::Selectors,
            Screen::Selectors if self.is_asked(scenario) => Context::SelectorsQuestion,
            Screen::Selectors => Context::SelectorsLesson,
        }
    }

    /// Whether the lesson waits for an answer.
    pub fn is_asked(&self, scenario: &Scenario) -> bool {
        matches!(scenario.lesson.get(self.step), Some(Step::Predict { .. })) && self.answer().is_none()
    }

    /// The answer to this step's question, if it was answered.
    pub fn answer(&self) -> Option<u8> {
        self.answers.get(self.step).copied().flatten()
    }

    /// Whether this step's task has come true.
    pub fn is_done(&self) -> bool {
        self.done.get(self.step).copied().unwrap_or(false)
    }

    /// Carries out what is for the view, and returns what is left for others to do: a command of the lab, of the lessons or of the
    /// program; an entry that was taken becomes the command that it stands for.
    pub fn carry_out(&mut self, command: Command, scenario: &Scenario, world: &World, lessons: &[Scenario]) -> Option<Command> {
        match command {
            Command::FaultMenu => self.toggle(Open::Menu(Menu::Faults)),
            Command::MitigationMenu => self.toggle(Open::Menu(Menu::Mitigations)),
            Command::TriggerMenu => self.open_triggers(),
            Command::Longer | Command::Shorter => self.change_length(command == Command::Longer),
            Command::Help => self.toggle(Open::Help),
            Command::Palette => self.toggle(Open::Palette),
            Command::OwnCost => self.cost = !self.cost,
            Command::SearchHelp => self.search(),
            Command::Filter => (self.screen, self.open, self.filtering) = (Screen::Connections, Open::Nothing, true),
            Command::Type(_) | Command::Erase | Command::EraseAll => self.write(&command),
            Command::PageUp | Command::PageDown | Command::First | Command::Last => self.leaf(&command),
            Command::Select if self.searching => self.searching = false,
            Command::Back if self.open == Open::Help && (self.searching || !self.line.text().is_empty()) => {
                self.searching = false;
                self.line.clear();
                self.entry = 0;
            }
            Command::Select if self.types_filter() => self.filtering = false,
            Command::Select if self.open == Open::Connection => self.toggle(Open::Why),
            Command::Back if self.open == Open::Why && matches!(self.asked, Some(Ask::LastOf(_))) => self.toggle(Open::Connection),
            Command::Back if self.open == Open::Nothing && self.is_filtered() => {
                self.filtering = false;
                self.rows.filter.clear();
            }
            Command::Back if self.open != Open::Nothing => self.open = Open::Nothing,
            Command::Back if self.cost => self.cost = false,
            Command::Back if self.put_away(world) => {}
            Command::Back if self.screen == Screen::Start => self.screen = first_screen(scenario),
            Command::Back if self.screen != Screen::Start && self.frozen.is_some() => self.frozen = None,
            Command::Back if self.screen != first_screen(scenario) => self.screen = first_screen(scenario),
            Command::Back => return Some(Command::Home),
            Command::Home => self.screen = Screen::Start,
            // Without specimens there are two screens: what is measured, and the lesson.
            Command::NextScreen | Command::PreviousScreen if scenario.specimens.is_empty() => {
                self.screen = if self.screen == Screen::Lesson { Screen::Selectors } else { Screen::Lesson };
            }
            Command::Screen(n) => {
                self.turn_to(usize::from(n));
                if scenario.specimens.is_empty() && self.screen != Screen::Lesson {
                    self.screen = Screen::Selectors;
                }
            }
            Command::Selectors if self.screen == Screen::Selectors => self.screen = first_screen(scenario),
            Command::Selectors => self.screen = Screen::Selectors,
            Command::NextScreen => self.turn_to(self.place_of_screen().map_or(0, |n| (n + 1) % SCREENS.len())),
            Command::PreviousScreen => self.turn_to(self.place_of_screen().unwrap_or(0).checked_sub(1).unwrap_or(SCREENS.len() - 1)),
            Command::NextOrder if self.screen == Screen::Latency => self.rows.requests = self.rows.requests.next(),
            // Where no latencies are shown, the key turns to them first.
            Command::Correction if self.screen != Screen::Latency => self.screen = Screen::Latency,
            Command::Correction => self.uncorrected = !self.uncorrected,
            Command::NextOrder => self.rows.order = self.rows.order.next(),
            Command::Freeze => self.frozen = if self.frozen.is_some() { None } else { Some(Frozen::default()) },
            // Whoever arms a trigger waits for what comes: in the present.
            Command::Arm(setting) => {
                self.lengths.take(setting);
                self.frozen = None;
                return Some(command);
            }
            Command::Rearm => {
                self.frozen = None;
                return Some(Command::Arm(self.last_armed.map_or_else(|| self.first_trigger(), |armed| armed.setting)));
            }
            Command::ZoomIn => self.timebase.zoom(true, None),
            Command::ZoomOut => self.timebase.zoom(false, None),
            Command::ZoomInAt(at) => self.timebase.zoom(true, Some(at)),
            Command::ZoomOutAt(at) => self.timebase.zoom(false, Some(at)),
            Command::Pan(columns) => {
                // What is pushed aside is not the present any more.
                self.frozen.get_or_insert_default();
                self.timebase.pan(i64::from(columns), world.now);
            }
            Command::FirstMark => self.timebase.mark(0),
            Command::SecondMark => self.timebase.mark(1),
            Command::Details => self.timebase.details = !self.timebase.details,
            command if command.travels() => {
                // Whoever steps stands still first.
                self.frozen.get_or_insert_default();
                return Some(command);
            }
            Command::NextSpecimen => self.turn_to_specimen((self.chosen + 1) % world.specimens.len().max(1)),
            Command::Specimen(n) => self.turn_to_specimen(usize::from(n).min(world.specimens.len().saturating_sub(1))),
            Command::Up | Command::Down if self.has_lanes() => {
                let lanes = compare::compared(scenario, world);
                let at = lanes.iter().position(|n| *n == self.chosen).unwrap_or(0);
                let next = step(at, lanes.len(), command == Command::Down);
                self.turn_to_specimen(lanes.get(next).copied().unwrap_or(self.chosen));
            }
            Command::NextStep if self.page + 1 < self.pages => self.page += 1,
            Command::NextStep if self.is_review(scenario) && !self.is_done() => self.reveal(),
            Command::NextStep => self.turn(self.step.saturating_add(1), scenario),
            Command::PreviousStep if self.page > 0 => self.page -= 1,
            Command::PreviousStep => self.turn(self.step.saturating_sub(1), scenario),
            Command::Answer(choice) => self.take_answer(choice, scenario),
            Command::Hint => return self.hint(scenario).then_some(Command::Hint),
            Command::Review if scenario.review.is_empty() => return Some(Command::Review),
            Command::Review if self.is_review(scenario) => self.turn(self.before_review, scenario),
            Command::Review => {
                self.before_review = self.step;
                self.turn(scenario.lesson.len(), scenario);
            }
            Command::Up | Command::Down if self.has_rows() => self.rows.walk(command == Command::Down),
            Command::Pick(n) if self.has_rows() => self.rows.pick(usize::from(n)),
            Command::Up => self.walk(false, lessons.len()),
            Command::Down => self.walk(true, lessons.len()),
            Command::Select if self.has_rows() => self.ask(),
            Command::Victims => self.look_at_victims(),
            Command::Select => return self.take(self.place(), scenario, world, lessons),
            Command::Pick(n) => return self.take(usize::from(n), scenario, world, lessons),
            command => return Some(self.switch(command, world)),
        }
        None
    }

    /// Puts the measurement away that is shown, if one is.
    fn put_away(&mut self, world: &World) -> bool {
        let shown = self.screen != Screen::Start && self.frozen.is_none();
        let last = world.specimens.get(self.chosen).and_then(|specimen| specimen.measures.last).map(|last| (self.chosen, last.since));
        let found = shown && last.is_some() && last != self.dismissed;
        if found {
            self.dismissed = last;
        }
        found
    }

    /// Opens the list of triggers at the one that is armed, or was last; or closes it.
    fn open_triggers(&mut self) {
        self.toggle(Open::Menu(Menu::Triggers));
        if let Some(armed) = self.armed {
            self.lengths.take(armed.setting);
        }
        let at = self.armed.or(self.last_armed).map(|armed| Command::Arm(armed.setting));
        self.entry = at.and_then(|at| table::menu(Menu::Triggers).position(|row| table::of(&at) == Some(row))).unwrap_or(0);
    }

    /// What is armed where nothing has been so far.
    fn first_trigger(&self) -> TriggerSetting {
        let first = table::menu(Menu::Triggers).find_map(|row| match row.command() {
            Some(Command::Arm(setting)) => Some(setting),
            _ => None,
        });
        self.lengths.apply(first.unwrap_or(TriggerSetting::Panic))
    }

    /// The trigger of the chosen entry waits for more, or for less.
    fn change_length(&mut self, longer: bool) {
        if let Some(Command::Arm(setting)) = table::menu(Menu::Triggers).nth(self.entry).and_then(table::Row::command) {
            self.lengths.change(setting.kind(), longer);
        }
    }

    /// The key of a mitigation that is on switches it off.
    fn switch(&self, command: Command, world: &World) -> Command {
        let specimen = world.specimens.get(self.chosen);
        let is_on = |f: Fault| specimen.is_some_and(|s| s.faults[f as usize]);
        command.switched(|m| specimen.is_some_and(|s| s.mitigations[m as usize])).cured(is_on)
    }

    fn toggle(&mut self, what: Open) {
        self.open = if self.open == what { Open::Nothing } else { what };
        self.filtering = false;
        (self.entry, self.reach, self.searching) = (0, Reach::default(), false);
        self.line.clear();
    }

    /// Asks why the chosen request was slow; or the first in sight, where none is chosen.
    fn ask(&mut self) {
        let row = match self.screen {
            Screen::Connections => self.rows.connection,
            Screen::Timeline => self.rows.track,
            _ => self.rows.request,
        };
        let row = row.or_else(|| self.rows.shown.rows.get(self.rows.shown.first).copied());
        if let Some(row) = row {
            self.rows.choose(row);
        }
        self.asked = row.and_then(Ask::of);
        if !matches!(row, Some(RowId::OfWorker(..))) {
            self.toggle(if self.screen == Screen::Connections { Open::Connection } else { Open::Why });
        }
    }

    /// The connection that is looked at or chosen.
    pub fn connection(&self) -> Option<ConnId> {
        match (self.asked, self.rows.connection) {
            (Some(Ask::LastOf(conn)), _) if matches!(self.open, Open::Connection | Open::Why) => Some(conn),
            (_, Some(RowId::Connection(conn))) => Some(conn),
            _ => None,
        }
    }

    /// Whether it is being typed what to look for among the connections that are shown.
    fn types_filter(&self) -> bool {
        self.filtering && self.open == Open::Nothing && self.screen == Screen::Connections
    }

    /// Whether connections are looked for, or only some of them are shown.
    fn is_filtered(&self) -> bool {
        self.screen == Screen::Connections && (self.filtering || !self.rows.filter.text().is_empty())
    }

    /// Turns to the victims of the last stall.
    fn look_at_victims(&mut self) {
        (self.screen, self.open) = (Screen::Latency, Open::Nothing);
        self.rows.requests = RequestOrder::Victims;
        self.rows.request = None;
    }

    /// Opens the help, where it is not, and has one type there.
    fn search(&mut self) {
        if self.open != Open::Help {
            self.toggle(Open::Help);
        }
        self.searching = true;
    }

    /// Types into what is open.
    fn write(&mut self, command: &Command) {
        let line = if self.types_filter() { &mut self.rows.filter } else { &mut self.line };
        match command {
            Command::Type(c) => line.push(*c),
            Command::Erase => line.pop(),
            _ => line.clear(),
        }
        // What was chosen among other answers means nothing among these.
        self.entry = 0;
    }

    /// Turns whole pages of what is open.
    fn leaf(&mut self, command: &Command) {
        let page = self.reach.page.saturating_sub(1).max(1);
        self.entry = match command {
            Command::PageUp => self.entry.saturating_sub(page),
            Command::PageDown => self.entry.saturating_add(page),
            Command::First => 0,
            _ => self.reach.last,
        };
        self.entry = self.entry.min(self.reach.last);
    }

    /// Whether keys move in the rows of a table.
    fn has_rows(&self) -> bool {
        self.open == Open::Nothing && matches!(self.screen, Screen::Timeline | Screen::Connections | Screen::Latency)
    }

    /// Keys act on this one. What was chosen in another's tables is not there.
    pub fn turn_to_specimen(&mut self, n: usize) {
        self.chosen = n;
        self.rows = Rows { order: self.rows.order, requests: self.rows.requests, ..Rows::default() };
    }

    /// Whether keys move among the specimens.
    fn has_lanes(&self) -> bool {
        self.open == Open::Nothing && self.screen == Screen::Compare
    }

    /// Which of the screens of a lab is shown; nothing where it is none of them.
    fn place_of_screen(&self) -> Option<usize> {
        SCREENS.iter().position(|row| row.screen == self.screen)
    }

    fn turn_to(&mut self, screen: usize) {
        if let Some(row) = SCREENS.get(screen) {
            self.screen = row.screen;
        }
    }

    fn turn(&mut self, step: usize, scenario: &Scenario) {
        let step = step.min((scenario.lesson.len() + scenario.review.len()).saturating_sub(1));
        if step == self.step {
            return;
        }
        (self.step, self.page, self.step_since, self.tried) = (step, 0, None, false);
        (self.attempt, self.since_answer) = (None, None);
        // A step that is about one specimen turns to it: its key acts where the text says.
        if let Some(Asked { specimen: Some(name), .. }) = scenario.lesson.get(step).and_then(asked)
            && let Some(at) = scenario.specimens.iter().position(|s| s.name == name)
        {
            self.chosen = at;
        }
    }

    /// Whether a question of the review is shown.
    pub fn is_review(&self, scenario: &Scenario) -> bool {
        self.step >= scenario.lesson.len() && !scenario.review.is_empty()
    }

    /// Opens the answer of the review's question.
    fn reveal(&mut self) {
        if let Some(done) = self.done.get_mut(self.step) {
            *done = true;
            self.page = 0;
        }
    }

    /// What else is known of this step.
    pub fn record(&self) -> Option<&Record> {
        self.records.get(self.step)
    }

    /// Shows one hint more. True where there is none to be shown.
    fn hint(&mut self, scenario: &Scenario) -> bool {
        let (Some(Step::Task(task)), Some(record)) = (scenario.lesson.get(self.step), self.records.get_mut(self.step)) else { return true };
        let none = record.hints >= task.hints.len();
        if !none {
            record.hints += 1;
            // Where the newest one is; drawing sees to it that there is such a page.
            self.page = usize::MAX / 2;
        }
        none
    }

    /// What does this step's bidding, and for which specimen: what it has one try, or what solves its task. Empty where there is nothing left.
    pub fn solve(&mut self, scenario: &Scenario) -> Vec<(SpecimenId, Command)> {
        let answered = self.answer().is_some();
        let Some(asked) = scenario.lesson.get(self.step).and_then(asked) else { return Vec::new() };
        if self.is_done() || (asked.after_answer && !answered) {
            return Vec::new();
        }
        if let Some(record) = self.records.get_mut(self.step) {
            record.helped = true;
        }
        let specimen = asked.specimen.and_then(|name| scenario.specimen(name)).unwrap_or(SpecimenId(self.chosen as u8));
        asked.commands.iter().map(|command| (specimen, command.clone())).collect()
    }

    fn take_answer(&mut self, choice: u8, scenario: &Scenario) {
        let asked = matches!(scenario.lesson.get(self.step),
            Some(Step::Predict { choices, .. }) if usize::from(choice) < choices.len());
        if let Some(answer) = self.answers.get_mut(self.step).filter(|answer| asked && answer.is_none()) {
            *answer = Some(choice);
            (self.page, self.step_since, self.tried) = (0, None, false);
        }
    }

    fn place(&self) -> usize {
        if self.open == Open::Nothing { self.lesson } else { self.entry }
    }

    fn walk(&mut self, down: bool, lessons: usize) {
        match self.open {
            // These stop at their ends.
            Open::Help | Open::Palette | Open::Why | Open::Connection => {
                let here = self.entry.min(self.reach.last);
                self.entry = if down { (here + 1).min(self.reach.last) } else { here.saturating_sub(1) };
            }
            Open::Menu(menu) => self.entry = step(self.entry, table::menu(menu).count(), down),
            Open::Nothing => self.lesson = step(self.lesson, lessons, down),
        }
    }

    fn take(&mut self, entry: usize, scenario: &Scenario, world: &World, lessons: &[Scenario]) -> Option<Command> {
        match self.open {
            // What the palette offers depends on the language and the keys: whoever knows them takes it (see `palette::offers`).
            Open::Help | Open::Palette | Open::Why | Open::Connection => None,
            Open::Menu(menu) => {
                let command = menus::entries(menu, scenario).get(entry)?.1.command()?;
                self.open = Open::Nothing;
                let command = match command {
                    Command::Arm(setting) => {
                        let setting = self.lengths.apply(setting);
                        // As with every switch of a menu, what is on is switched off.
                        let is_on = self.armed.is_some_and(|armed| armed.setting == setting);
                        if is_on { Command::Disarm } else { Command::Arm(setting) }
                    }
                    command => self.switch(command, world),
                };
                // An entry may be for the view.
                self.carry_out(command, scenario, world, lessons)
            }
            Open::Nothing => {
                let lesson = lessons.get(entry)?;
                self.lesson = entry;
                Some(Command::Open(lesson.id.clone()))
            }
        }
    }

    /// Notes that a command was carried out: it may be what this step has one try.
    pub fn note(&mut self, command: &Command, scenario: &Scenario) {
        let id = |command: &Command| match command {
            // Whichever way one came there.
            Command::MoreIdle | Command::FewerIdle | Command::Idle(_) => Some("idle"),
            Command::NextActive | Command::Active(_) => Some("active"),
            command => table::of(command).map(|row| row.id),
        };
        if let Some(asked) = scenario.lesson.get(self.step).and_then(asked)
            && asked.commands.iter().any(|wanted| id(wanted) == id(command))
        {
            self.tried = true;
        }
    }

    /// What has been done of this lesson in this run.
    pub fn done_of(&self, scenario: &Scenario) -> Done {
        let steps = || (0_u16..).zip(&scenario.lesson).zip(self.records.iter().zip(&self.done));
        let solved = |step: &Step, record: &Record| match step {
            Step::Task(_) if record.helped => Some(Solved::Shown),
            Step::Task(_) => Some(Solved::Alone),
            _ => None,
        };
        let review = self.done.iter().skip(scenario.lesson.len());
        Done {
            seen: steps().filter(|(_, (record, _))| record.seen).map(|((n, _), _)| n).collect(),
            answers: steps().filter_map(|((n, _), _)| Some((n, self.answers.get(usize::from(n)).copied().flatten()?))).collect(),
            solved: steps()
                .filter(|(_, (_, done))| **done)
                .filter_map(|((n, step), (record, _))| Some((n, solved(step, record)?)))
                .collect(),
            reviewed: (0_u16..).zip(review).filter(|(_, done)| **done).map(|(n, _)| n).collect(),
        }
    }

    /// Looks whether what this step asks for has come true. Returns what the task of this step has done now, and to which specimen.
    pub fn look<'e>(&mut self, scenario: &Scenario, evidence: impl Into<Evidence<'e>>) -> Vec<(SpecimenId, Command)> {
        let evidence = evidence.into();
        let world = evidence.world;
        let fresh = self.step_since.is_none();
        let since = *self.step_since.get_or_insert(world.now);
        let Some(step) = scenario.lesson.get(self.step) else { return Vec::new() };
        let (answered, done, away) = (self.answer().is_some(), self.is_done(), self.screen == Screen::Start);
        let (Some(record), Some(is_done)) = (self.records.get_mut(self.step), self.done.get_mut(self.step)) else { return Vec::new() };
        // Behind the list of lessons a lesson runs that nobody has opened.
        record.seen |= !away;
        if fresh && !done {
            record.measure(step, scenario, |figure| figure.value(evidence));
        }
        match step {
            Step::Say(_) => {}
            Step::Predict { see: None, .. } => *is_done = answered,
            Step::Predict { see: Some(_), .. } if !answered => {}
            Step::Predict { see: Some(see), .. } => {
                let stretch = self.since_answer.get_or_insert_with(Stretch::since_now);
                stretch.look(world);
                if !done && self.tried && see.until.as_ref().is_none_or(|claim| came_true(claim, evidence, since)) {
                    (*is_done, self.page) = (true, 0);
                }
                // What has just come true goes on for a moment: the figures are those of when it has settled.
                if *is_done && record.is_settling(world.now) {
                    record.measure(step, scenario, |figure| stretch.value(figure, evidence));
                }
            }
            Step::Try { until, .. } => {
                *is_done = done || (self.tried && until.as_ref().is_none_or(|claim| came_true(claim, evidence, since)));
            }
            Step::Task(task) if !done => {
                // A world that has not begun has nothing that could be broken.
                let specimens = !world.specimens.is_empty();
                if specimens && world.specimens.iter().all(|s| s.reactor.ticks == 0 && s.is_alive()) {
                    return Vec::new();
                }
                let attempt = self.attempt.get_or_insert_with(|| Attempt::new(task));
                let orders = attempt.look(task, evidence);
                record.judge(task, attempt, evidence);
                *is_done = attempt.is_solved(task, evidence, self.tried);
                let specimen = scenario.specimen(&task.specimen).unwrap_or_default();
                return orders.into_iter().map(|order| (specimen, order)).collect();
            }
            Step::Task(_) => self.attempt = None,
        }
        Vec::new()
    }
}

/// Whether a claim has come true since a moment: an older stall does not count.
fn came_true(claim: &Expectation, evidence: Evidence<'_>, since: Nanos) -> bool {
    let world = evidence.world;
    let newer = match claim {
        Expectation::Stall { specimen, .. } => {
            let newest = |s: &Specimen| s.stalls.current.or(s.stalls.past.last().copied()).map(|stall| stall.began);
            world.specimens.iter().filter(|s| s.name == *specimen).filter_map(newest).any(|began| began >= since)
        }
        _ => true,
    };
    newer && claim.judge(evidence, crate::base::lang::Lang::En).passed
}

fn step(at: usize, count: usize, down: bool) -> usize {
    let count = count.max(1);
    (at + if down { 1 } else { count - 1 }) % count
}
