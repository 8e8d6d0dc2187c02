//! The same facts as plain lines of text: for screen readers, for logs, for whoever has no terminal. One fact a line, with its time; nothing
//! here moves a cursor or colours anything.
//!
//! Commands come from standard input, one a line, by the names that the palette shows or by their keys. Where commands were given, the
//! end of the input is the end of the run, once what they led to has been told; where there never were any (a log, a job in the
//! background), it goes on until a signal ends it.

mod listen;
mod narrator;
mod obey;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::SIGTSTP;

use crate::base::clock::Clock;
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::command::keymap::Keymap;
use crate::lab::{self, Lab, Script};
use crate::scenario::Scenario;
use crate::scenario::catalogue::BUILT_IN;
use crate::scenario::chinese;
use crate::scenario::progress::{Done, Store};
use crate::scenario::schema::words as written;
use crate::scope::ui::first_screen;
use crate::scope::{Answers, Eye, Look, Scene, Theme, Tier, Ui, ascii, words};
use crate::world::trace::Trace;

use listen::Heard;
use narrator::Narrator;
use obey::Then;

/// Between two looks at the rings.
const TURN: Duration = Duration::from_millis(25);
/// How long the lab may take to be ready before commands are carried out all the same.
const PATIENCE: Nanos = Nanos::secs(30);
/// How long the run goes on behind the last command when the input has ended: what it led to shall be told.
const SETTLE: Nanos = Nanos::secs(3);
/// How long at most, where something goes on and on.
const SETTLE_MOST: Nanos = Nanos::secs(15);

/// What to narrate, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The scenario to run; without one, the first lesson.
    pub scenario: Option<Scenario>,
    /// Where the specimens listen.
    pub lab: lab::Options,
    /// The language.
    pub lang: Lang,
    /// Whether only ASCII is written.
    pub ascii: bool,
    /// The keys, where a lesson names one.
    pub keys: Keymap,
    /// Where what has been done of the lessons is kept; without it, nowhere.
    pub progress: Option<Store>,
}

/// Narrates until somebody ends it. Returns the signal that did, if one did.
///
/// # Errors
/// Where the lab cannot be started or go on, or standard output fails. That its reader has gone is none: that is how a pipe ends.
pub fn run(options: Options) -> anyhow::Result<Option<i32>> {
    let lessons: Vec<Scenario> = BUILT_IN.iter().filter_map(|entry| entry.scenario().ok()).collect();
    let scenario = options.scenario.clone().or_else(|| lessons.first().cloned()).context("there is no scenario to run")?;
    let heard = listen::listen().context("listening to standard input and to signals")?;
    // Nobody goes back to the past here: it need not be kept.
    let options = Options { lab: lab::Options { history: None, ..options.lab.clone() }, ..options };
    let lab = Lab::start(&scenario, &options.lab).context("the lab did not start")?;
    let mut teller = Teller {
        lang: options.lang,
        theme: Theme::dark(Tier::Mono).in_ascii(options.ascii),
        ui: beginning(&scenario),
        lessons,
        scenario,
        lab,
        clock: Clock::start(),
        eye: Eye::default(),
        trace: Trace::default(),
        answers: Answers::default(),
        narrator: Narrator::default(),
        script: None,
        waiting: VecDeque::new(),
        rest: Nanos::ZERO,
        ready: false,
        commanded: false,
        ended: false,
        acted: Nanos::ZERO,
        kept: Done::default(),
        options,
    };
    match teller.run(&heard) {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => Ok(None),
        result => result,
    }
}

/// The beginning of a lesson, on the screen where the lesson is.
fn beginning(scenario: &Scenario) -> Ui {
    Ui { screen: first_screen(scenario), ..Ui::default().for_lesson(scenario) }
}

/// A run that is told of.
struct Teller {
    options: Options,
    lang: Lang,
    theme: Theme,
    lessons: Vec<Scenario>,
    scenario: Scenario,
    lab: Lab,
    /// Counts from the beginning, through all the lessons that are opened.
    clock: Clock,
    ui: Ui,
    eye: Eye,
    /// Empty, for there is no timeline; a scene has one.
    trace: Trace,
    /// Empty likewise.
    answers: Answers,
    narrator: Narrator,
    /// The scenario's script while it is played, and when that began in the lab's time.
    script: Option<(Script, Nanos)>,
    /// Lines that were heard and not yet obeyed.
    waiting: VecDeque<String>,
    /// Until when nothing more is obeyed.
    rest: Nanos,
    /// Whether servers and clients have been ready, or have taken too long; what dies later is no reason to wait.
    ready: bool,
    /// Whether anything was asked for.
    commanded: bool,
    /// Whether the input has ended.
    ended: bool,
    /// When something was done last.
    acted: Nanos,
    /// What of the lesson has been written down.
    kept: Done,
}

impl Teller {
    fn run(&mut self, heard: &Receiver<Heard>) -> anyhow::Result<Option<i32>> {
        self.introduce()?;
        let signal = loop {
            match heard.recv_timeout(TURN) {
                Ok(Heard::Line(line)) => self.waiting.push_back(line),
                Ok(Heard::End) => {
                    self.ended = true;
                    if !self.commanded && self.waiting.iter().all(String::is_empty) {
                        self.say(&words::text(self.lang, "narrate.alone"))?;
                    }
                }
                Ok(Heard::Signal(SIGTSTP)) => self.pause()?,
                Ok(Heard::Signal(signal)) => break Some(signal),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break None,
            }
            self.turn()?;
            if self.obeys()
                && let Some(line) = self.waiting.pop_front()
                && matches!(self.obey(&line)?, Then::Leave)
            {
                break None;
            }
            if self.has_settled() {
                break None;
            }
        };
        let lines = self.summary();
        self.say_all(&lines)?;
        self.say(&words::fill(self.lang, "narrate.bye", &[("time", &self.clock.now().to_string())]))?;
        Ok(signal)
    }

    /// Takes in what has happened, and tells it.
    fn turn(&mut self) -> anyhow::Result<()> {
        self.lab.pump()?;
        self.ui.armed = self.lab.world().triggers.armed;
        self.ui.last_armed = self.ui.armed.or(self.ui.last_armed);
        self.ready |= self.lab.is_ready() || self.lab.now() > PATIENCE;
        let orders = self.ui.look(&self.scenario, self.lab.evidence());
        for (specimen, order) in orders {
            // What a lesson's task does of itself may come too early; it asks again.
            let _ = self.lab.carry_out(Some(specimen), &order);
        }
        self.play()?;
        self.eye.look(self.lab.world());
        let addresses = self.addresses();
        let mut narrator = std::mem::take(&mut self.narrator);
        let lines = narrator.look(&self.scene(&addresses));
        self.narrator = narrator;
        self.say_all(&lines)?;
        self.keep()
    }

    /// Carries out what the script has due.
    fn play(&mut self) -> anyhow::Result<()> {
        let Some((mut script, began)) = self.script.take() else { return Ok(()) };
        let elapsed = self.lab.now().since(began);
        let due: Vec<_> = script.due(elapsed).cloned().collect();
        for (_, specimen, command) in due {
            let said = self.order(specimen, &command);
            self.say(&said)?;
        }
        self.acted = self.clock.now();
        if script.finished(elapsed) {
            return self.say(&words::text(self.lang, "narrate.played"));
        }
        self.script = Some((script, began));
        Ok(())
    }

    /// Writes down what has been done of the lesson, where that is news.
    fn keep(&mut self) -> anyhow::Result<()> {
        let done = self.ui.done_of(&self.scenario);
        if done == self.kept || done.is_empty() {
            return Ok(());
        }
        self.kept = done;
        let trouble = self.options.progress.as_ref().and_then(|store| store.merge(&self.scenario.id, &self.kept).err());
        match trouble {
            // Said once: what cannot be written now will not be a moment later either.
            Some(trouble) => {
                self.options.progress = None;
                self.say(&words::fill(
                    self.lang,
                    "notice.progress_lost",
                    &[("why", &visible(&chinese::told(&trouble.to_string(), self.lang)))],
                ))
            }
            None => Ok(()),
        }
    }

    /// Stops, together with every process of the lab, until the shell says go on.
    fn pause(&mut self) -> anyhow::Result<()> {
        self.lab.suspend();
        let stopped = kill_current_process_group(Signal::STOP);
        self.lab.resume();
        stopped.context("stopping")
    }

    fn summary(&mut self) -> Vec<String> {
        let mut narrator = std::mem::take(&mut self.narrator);
        let lines = narrator.summary(&self.scene(&self.addresses()));
        self.narrator = narrator;
        lines
    }

    fn addresses(&self) -> Vec<Option<SocketAddr>> {
        (0..self.lab.world().specimens.len()).map(|n| self.lab.address(SpecimenId(n as u8))).collect()
    }

    fn scene<'a>(&'a self, addresses: &'a [Option<SocketAddr>]) -> Scene<'a> {
        let look = Look { theme: &self.theme, lang: self.lang, keys: &self.options.keys };
        let Self { scenario, lessons, ui, eye, trace, answers, lab, .. } = self;
        let world = lab.world();
        Scene { world, around: world, scenario, lessons, ui, eye, trace, answers, cost: None, look, selectors: lab.selectors(), addresses }
    }

    /// Whether the next line may be obeyed now.
    fn obeys(&self) -> bool {
        self.ready && self.clock.now() >= self.rest
    }

    /// Whether there is nothing more to come: the input has ended, and so has what it led to.
    fn has_settled(&self) -> bool {
        if !self.ended || !self.commanded || !self.waiting.is_empty() || self.script.is_some() || !self.obeys() {
            return false;
        }
        let quiet = self.clock.now().since(self.acted);
        let goes_on = self.lab.world().specimens.iter().any(|specimen| specimen.stall().is_some());
        quiet >= if goes_on { SETTLE_MOST } else { SETTLE }
    }

    /// What is on, and how to go on.
    fn introduce(&self) -> anyhow::Result<()> {
        let (title, summary) = (written(&self.scenario.title, self.lang), written(&self.scenario.summary, self.lang));
        let title = words::fill(self.lang, "narrate.intro", &[("title", title), ("summary", summary)]);
        self.say_all(&[title, words::text(self.lang, "narrate.how").into_owned()])
    }

    /// Ends the lab and starts this scenario's.
    fn open(&mut self, scenario: Scenario) -> anyhow::Result<()> {
        self.lab.end();
        self.lab = Lab::start(&scenario, &self.options.lab).context("the lab did not start")?;
        self.ui = beginning(&scenario);
        self.ready = false;
        (self.eye, self.narrator, self.script, self.kept) = (Eye::default(), Narrator::default(), None, Done::default());
        self.scenario = scenario;
        self.introduce()
    }

    /// Has the lab carry something out; says that it did, or why it did not.
    fn order(&mut self, specimen: Option<SpecimenId>, command: &Command) -> String {
        self.ui.note(command, &self.scenario);
        match self.lab.carry_out(specimen, command) {
            Ok(()) => obey::done(command, specimen, &self.scenario, self.lang),
            Err(refusal) => super::dispatch::refusal(&refusal, self.lang),
        }
    }

    fn say(&self, line: &str) -> anyhow::Result<()> {
        self.say_all(std::slice::from_ref(&line))
    }

    /// Writes lines, each with the time, at once: whoever listens shall not wait for the next.
    fn say_all(&self, lines: &[impl AsRef<str>]) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        for line in lines.iter().map(AsRef::as_ref).filter(|line| !line.is_empty()) {
            let line = format!("{:.1} s  {}\n", self.clock.now().as_secs(), visible(line));
            let line = if self.theme.ascii { ascii::text(&line) } else { line };
            out.write_all(line.as_bytes())?;
        }
        out.flush()?;
        Ok(())
    }
}
