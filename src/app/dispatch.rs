//! The one place where commands are carried out: on the view, the lessons, the lab, the program.

use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use super::pump::Order;
use super::{App, terminal};
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::command::Command;
use crate::lab::{OutOfRange, RATES, Refusal};
use crate::load::plan::CONNECTIONS;
use crate::scenario::Scenario;
use crate::scenario::catalogue;
use crate::scope::palette::{self, Asked, Take};
use crate::scope::ui::{Open, first_screen};
use crate::scope::{Answers, Eye, Ui, words};

/// The name of the mark that a key sets.
pub(super) const COUNTED_ANEW: &str = "counted anew by hand";

/// What comes after a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next picture can wait until it is due.
    Wait,
    /// Draw now.
    Draw,
    /// Leave; by this signal, if one asked for it.
    Quit(Option<i32>),
}

impl Flow {
    /// What comes after both.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Quit(signal), _) | (_, Self::Quit(signal)) => Self::Quit(signal),
            (Self::Draw, _) | (_, Self::Draw) => Self::Draw,
            _ => Self::Wait,
        }
    }
}

impl App {
    /// Carries out a command.
    pub fn dispatch(&mut self, command: Command) -> anyhow::Result<Flow> {
        match command {
            Command::Select if self.ui.open == Open::Palette => return self.take_offer(self.ui.entry),
            Command::Pick(n) if self.ui.open == Open::Palette => return self.take_offer(usize::from(n)),
            _ => {}
        }
        let left = {
            let stage = self.pump.stage();
            self.ui.carry_out(command, &self.scenario, stage.world(), &self.lessons)
        };
        self.stand_or_return();
        let Some(command) = left else { return Ok(Flow::Draw) };
        match command {
            command if command.travels() => self.travel(&command),
            Command::Quit => return Ok(Flow::Quit(None)),
            Command::Suspend => self.suspend()?,
            Command::Redraw => self.terminal.clear()?,
            Command::NextTheme => self.theme = self.theme.next(),
            Command::NextLanguage => self.lang = self.lang.next(),
            Command::Open(id) => self.open_id(&id),
            Command::NextLesson => self.open_id(catalogue::neighbour(&self.scenario.id, 1).id),
            Command::PreviousLesson => self.open_id(catalogue::neighbour(&self.scenario.id, -1).id),
            Command::Restart => self.open(self.scenario.clone()),
            Command::Hint => self.say(words::text(self.lang, "notice.no_hint").into_owned()),
            Command::Review => self.say(words::text(self.lang, "notice.no_review").into_owned()),
            Command::Solve => return self.solve(),
            Command::CopyTable => self.copy_table(),
            Command::CountAnew => {
                self.pump.order(Order::Carry(None, Command::Mark(COUNTED_ANEW.to_owned())));
                self.say(words::text(self.lang, "notice.counted_anew").into_owned());
            }
            // A trigger waits for whoever comes first; one that was for one specimen only is so again.
            Command::Arm(setting) => {
                self.ui.note(&command, &self.scenario);
                let only = self.ui.last_armed.filter(|armed| armed.setting == setting).and_then(|armed| armed.only);
                self.pump.order(Order::Carry(only, command));
            }
            command => {
                self.ui.note(&command, &self.scenario);
                self.pump.order(Order::Carry(Some(SpecimenId(self.ui.chosen as u8)), command));
            }
        }
        Ok(Flow::Draw)
    }

    /// Takes what the palette offers at this place, for what is typed at this moment.
    fn take_offer(&mut self, place: usize) -> anyhow::Result<Flow> {
        let mut offers = {
            let stage = self.pump.stage();
            let Self { ui, lang, keymap, scenario, lessons, theme, .. } = &*self;
            palette::offers(&Asked { ui, lang: *lang, keys: keymap, ascii: theme.ascii, scenario, lessons, world: stage.world() })
        };
        if offers.is_empty() {
            return Ok(Flow::Draw);
        }
        let offer = offers.swap_remove(place.min(offers.len() - 1));
        match (offer.take, offer.why_not) {
            (Take::Write(text), _) => self.ui.line.set(&text),
            (Take::Run(_), Some(why)) => self.say(why),
            (Take::Run(command), None) => {
                self.ui.open = Open::Nothing;
                self.ui.line.clear();
                return self.dispatch(command);
            }
        }
        Ok(Flow::Draw)
    }

    /// Does what the step asks for.
    fn solve(&mut self) -> anyhow::Result<Flow> {
        let orders = self.ui.solve(&self.scenario);
        if orders.is_empty() {
            self.say(words::text(self.lang, "notice.nothing_to_do").into_owned());
        }
        for (specimen, command) in orders {
            if command.in_script() {
                self.ui.note(&command, &self.scenario);
                self.pump.order(Order::Carry(Some(specimen), command));
            } else {
                self.dispatch(command)?;
            }
        }
        Ok(Flow::Draw)
    }

    /// Opens a lesson by its id. The one that runs goes on running.
    fn open_id(&mut self, id: &str) {
        if self.scenario.id == id {
            self.ui.screen = first_screen(&self.scenario);
            return;
        }
        match self.lessons.iter().position(|lesson| lesson.id == id) {
            Some(at) => {
                self.ui.lesson = at;
                self.open(self.lessons[at].clone());
            }
            None => self.say(words::fill(self.lang, "notice.no_lesson", &[("id", &visible(id))])),
        }
    }

    /// Starts a scenario from its beginning.
    fn open(&mut self, scenario: Scenario) {
        self.ui = Ui { screen: first_screen(&scenario), ..self.ui.for_lesson(&scenario) };
        self.eye = Eye::default();
        self.answers = Answers::default();
        self.then = None;
        self.pump.order(Order::Open(Box::new(scenario.clone())));
        self.scenario = scenario;
    }

    /// Does what a signal asks for.
    pub fn signal(&mut self, signal: i32) -> anyhow::Result<Flow> {
        match signal {
            SIGTSTP => self.suspend()?,
            // We were stopped without having been asked (SIGSTOP): whoever had the terminal meanwhile has left it otherwise.
            SIGCONT => self.terminal.reenter()?,
            SIGWINCH => {}
            signal => return Ok(Flow::Quit(Some(signal))),
        }
        Ok(Flow::Draw)
    }

    /// Gives the terminal back to the shell and stops, together with every process of the lab, until `fg`.
    fn suspend(&mut self) -> anyhow::Result<()> {
        let (done, stopped) = mpsc::channel();
        self.pump.order(Order::Suspend(done));
        // A lab that is just being started cannot be stopped yet; it is after the next turn, and the terminal does not wait for it.
        let _ = stopped.recv_timeout(Duration::from_millis(500));
        terminal::give_back();
        // The whole job, as the terminal's own Ctrl-Z would: a shell waits for the job's first process, which may be cargo.
        kill_current_process_group(Signal::STOP)?;
        self.terminal.reenter()?;
        self.pump.order(Order::Resume);
        Ok(())
    }
}

/// Why the lab said no, in the person's language.
pub fn refusal(refusal: &Refusal, lang: Lang) -> String {
    match refusal {
        Refusal::Dead(name) => words::fill(lang, "refusal.dead", &[("name", &visible(name))]),
        Refusal::Stuck(name) => words::fill(lang, "refusal.stuck", &[("name", &visible(name))]),
        Refusal::NoLoop(name) => words::fill(lang, "refusal.no_loop", &[("name", &visible(name))]),
        Refusal::TooMany(no) => no.words(lang),
        Refusal::NotForTheLab => words::text(lang, "refusal.not_for_the_lab").into_owned(),
        Refusal::NoSpecimen => words::text(lang, "refusal.no_specimen").into_owned(),
        Refusal::OutOfRange(OutOfRange::Rate(rate)) => {
            let (low, high) = (RATES.start().to_string(), RATES.end().to_string());
            words::fill(lang, "refusal.rate", &[("rate", &rate.to_string()), ("low", &low), ("high", &high)])
        }
        Refusal::OutOfRange(OutOfRange::Clients(n)) => {
            let (low, high) = (CONNECTIONS.start().to_string(), CONNECTIONS.end().to_string());
            words::fill(lang, "refusal.clients", &[("n", &n.to_string()), ("low", &low), ("high", &high)])
        }
        Refusal::OutOfRange(OutOfRange::Fault(fault, model)) => {
            words::fill(lang, "refusal.fault", &[("what", &words::fault(lang, *fault)), ("model", &words::model(lang, *model))])
        }
        Refusal::OutOfRange(OutOfRange::Mitigation(mitigation, model)) => words::fill(
            lang,
            "refusal.mitigation",
            &[("what", &words::mitigation(lang, *mitigation)), ("model", &words::model(lang, *model))],
        ),
        Refusal::OutOfRange(OutOfRange::Active(active)) => words::fill(lang, "refusal.active", &[("n", &active.to_string())]),
        Refusal::OutOfRange(OutOfRange::ClosedLoop) => words::text(lang, "reason.closed_loop").into_owned(),
        Refusal::System(why) => words::fill(lang, "refusal.system", &[("why", &visible(why))]),
    }
}
