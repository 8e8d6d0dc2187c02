//! The interactive program: a terminal, a lab, and the loop that brings keys to the one and pictures to the other.
//!
//! Three threads beside this one, none of which draws: input (it may hang in half an escape sequence), signals, and the lab's
//! pump. They only send [`Wake`]s. This thread sleeps until one comes or the next picture is due.

mod copy;
mod dispatch;
mod input;
mod keeper;
mod meter;
pub mod narrate;
mod pump;
mod signals;
mod terminal;
mod travel;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context as _;

use crate::base::clock::{Clock, thread_cpu};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::command::keymap::Keymap;
use crate::lab;
use crate::scenario::catalogue::BUILT_IN;
use crate::scenario::chinese;
use crate::scenario::progress::{Progress, Store};
use crate::scenario::{Evidence, Scenario};
use crate::scope::screens::timeline;
use crate::scope::{self, Answers, Eye, Look, Scene, Screen, Targets, Theme, Tier, Ui, words};
use crate::world::Life;
use crate::world::trace::Trace;

use dispatch::Flow;
use input::Input;
use keeper::Keeper;
use meter::Meter;
use pump::Pump;
use terminal::Screen as Terminal;
use travel::Then;

/// What to show, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The scenario to run; without one the start screen, with the first lesson running beside it.
    pub scenario: Option<Scenario>,
    /// Where the specimens listen.
    pub lab: lab::Options,
    /// The language to begin with.
    pub lang: Lang,
    /// The theme to begin with, by name; without one, the dark one.
    pub theme: Option<String>,
    /// Pictures a second, while something happens.
    pub fps: u8,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Where what has been done of the lessons is kept; without it, nowhere.
    pub progress: Option<Store>,
    /// What every key means.
    pub keys: Keymap,
}

/// What wakes the main loop.
#[derive(Debug)]
enum Wake {
    /// Something was typed, clicked or resized.
    Input(Input),
    /// A signal came.
    Signal(i32),
    /// Something began or ended that must not wait for the next picture.
    Urgent,
    /// The lab said no, or says what it did.
    Refused(lab::Refusal),
    /// The lab cannot go on.
    Failed(anyhow::Error),
    /// What has been done of the lessons, as it has been written.
    Progress(Progress),
    /// It could not be written.
    NotKept(String),
}

/// Between two pictures while nothing happens but load: figures are held longer, and the wheel's hand needs no more.
const CALM_FRAME: Duration = Duration::from_millis(66);
/// How long after a key or an incident pictures come at the full rate.
const LIVELY: Nanos = Nanos::secs(2);
/// How often the terminal is asked whether it is still there.
const CHECK: Nanos = Nanos::millis(500);

/// Runs the scope until the person leaves. Returns the signal that ended it, if one did.
///
/// # Errors
/// Where there is no terminal, or the lab cannot be started or go on.
pub fn run(options: Options) -> anyhow::Result<Option<i32>> {
    terminal::require()?;
    let lessons: Vec<Scenario> = BUILT_IN.iter().filter_map(|entry| entry.scenario().ok()).collect();
    let asked = options.scenario.is_some();
    let scenario = options.scenario.or_else(|| lessons.first().cloned()).context("there is no scenario to run")?;
    let screen = if asked { scope::ui::first_screen(&scenario) } else { Screen::Start };
    let tier = Tier::of_environment(|name| std::env::var(name).ok());
    let theme = match options.theme.as_deref() {
        None => Theme::dark(tier),
        Some(name) => Theme::load(name, tier).with_context(|| {
            let names: Vec<_> = scope::theme::THEMES.iter().map(|t| t.0).collect();
            format!("there is no theme {name:?}; there are {}", names.join(", "))
        })?,
    }
    .in_ascii(options.ascii);
    let (sender, wakes) = mpsc::channel();
    // Before the terminal is ours: a signal that comes in between must find somebody who gives it back.
    signals::watch(sender.clone()).context("watching for signals")?;
    let terminal = Terminal::enter().context("taking the terminal")?;
    let lesson = lessons.iter().position(|l| l.id == scenario.id).unwrap_or(0);
    let (progress, notice) = known(options.progress.as_ref(), options.lang);
    let ui = Ui { screen, lesson, notice, progress, ..Ui::default().for_lesson(&scenario) };
    let keeper = Keeper::start(options.progress, sender.clone()).context("starting the progress's thread")?;
    let pump = Pump::start(scenario.clone(), options.lab, sender.clone()).context("starting the lab's thread")?;
    input::listen(sender).context("starting the input's thread")?;
    let clock = Clock::start();
    let app = App {
        terminal,
        pump,
        clock,
        keymap: options.keys,
        lessons,
        scenario,
        ui,
        keeper,
        eye: Eye::default(),
        trace: Trace::default(),
        answers: Answers::default(),
        meter: Meter::default(),
        theme,
        lang: options.lang,
        then: None,
        travelled: Nanos::ZERO,
        targets: Targets::default(),
        frame: Duration::from_secs(1) / u32::from(options.fps.max(1)),
        lively_until: LIVELY,
    };
    app.run(&wakes)
}

/// What has been done so far, and what there is to say of it.
fn known(store: Option<&Store>, lang: Lang) -> (Progress, Option<String>) {
    match store.map(Store::load) {
        None => (Progress::default(), None),
        Some(Ok((progress, None))) => (progress, None),
        Some(Ok((progress, Some(aside)))) => {
            let path = visible(&aside.display().to_string());
            (progress, Some(words::fill(lang, "notice.progress_aside", &[("path", &path)])))
        }
        Some(Err(trouble)) => {
            let why = visible(&chinese::told(&trouble.to_string(), lang));
            (Progress::default(), Some(words::fill(lang, "notice.progress_lost", &[("why", &why)])))
        }
    }
}

/// The running program.
struct App {
    terminal: Terminal,
    pump: Pump,
    clock: Clock,
    keymap: Keymap,
    lessons: Vec<Scenario>,
    scenario: Scenario,
    ui: Ui,
    keeper: Keeper,
    eye: Eye,
    trace: Trace,
    answers: Answers,
    meter: Meter,
    theme: Theme,
    lang: Lang,
    /// Where in the past one stands.
    then: Option<Then>,
    /// Up to when playback has been moved on.
    travelled: Nanos,
    targets: Targets,
    frame: Duration,
    /// Until when pictures come at the full rate.
    lively_until: Nanos,
}

impl App {
    fn run(mut self, wakes: &Receiver<Wake>) -> anyhow::Result<Option<i32>> {
        let mut drawn = Nanos::ZERO;
        let mut checked = Nanos::ZERO;
        let mut due = true;
        loop {
            let now = self.clock.now();
            if due {
                drawn = now;
                self.draw()?;
            }
            if now.since(checked) >= CHECK {
                checked = now;
                if terminal::is_lost() {
                    return Ok(Some(signal_hook::consts::SIGHUP));
                }
            }
            let wait = self.pause(now).saturating_sub(self.clock.now().since(drawn).duration());
            due = match wakes.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Ok(wake) => {
                    let mut soon = self.wake(wake)?;
                    // Whatever else has come meanwhile: a paste or a burst of keys is one picture, not a hundred.
                    while let Ok(more) = wakes.try_recv() {
                        soon = soon.and(self.wake(more)?);
                    }
                    match soon {
                        Flow::Quit(signal) => return Ok(signal),
                        Flow::Draw => true,
                        Flow::Wait => self.clock.now().since(drawn).duration() >= self.pause(self.clock.now()),
                    }
                }
            };
        }
    }

    /// How long one picture stands.
    fn pause(&self, now: Nanos) -> Duration {
        if now < self.lively_until { self.frame } else { self.frame.max(CALM_FRAME) }
    }

    fn wake(&mut self, wake: Wake) -> anyhow::Result<Flow> {
        if !matches!(wake, Wake::Signal(_)) {
            self.lively_until = self.clock.now() + LIVELY;
        }
        match wake {
            Wake::Urgent | Wake::Input(Input::Resized) => Ok(Flow::Draw),
            Wake::Failed(error) => Err(error),
            Wake::Refused(refusal) => {
                self.say(dispatch::refusal(&refusal, self.lang));
                Ok(Flow::Draw)
            }
            Wake::Progress(progress) => {
                self.ui.progress = progress;
                Ok(Flow::Draw)
            }
            Wake::NotKept(why) => {
                self.say(words::fill(self.lang, "notice.progress_lost", &[("why", &visible(&chinese::told(&why, self.lang)))]));
                Ok(Flow::Draw)
            }
            Wake::Signal(signal) => self.signal(signal),
            Wake::Input(Input::Lost) => Ok(Flow::Quit(Some(signal_hook::consts::SIGHUP))),
            Wake::Input(Input::Key(key)) => {
                self.ui.notice = None;
                match self.keymap.command(self.ui.context(&self.scenario), key) {
                    Some(command) => self.dispatch(command),
                    None => Ok(Flow::Wait),
                }
            }
            Wake::Input(Input::Pointer(act, x, y)) => {
                let Some((command, times)) = self.ui.point(act, x, y, &self.targets) else { return Ok(Flow::Wait) };
                self.ui.notice = None;
                (0..times).try_fold(Flow::Wait, |flow, _| Ok(flow.and(self.dispatch(command.clone())?)))
            }
        }
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let passed = now.since(self.travelled);
        self.travelled = now;
        let began = thread_cpu();
        let Self { terminal, pump, keymap, lessons, scenario, ui, eye, answers, meter, trace, theme, lang, then, targets, .. } = self;
        let mut lively = false;
        let mut orders = Vec::new();
        let mut wanted = false;
        terminal.draw(|buf| {
            let stage = pump.stage();
            let (live, addresses) = (stage.world(), stage.addresses());
            let selectors = stage.selectors();
            orders = ui.look(scenario, Evidence::of(live, selectors));
            let travel::Shown { world, around } = travel::shown(then, &stage, passed, ui, eye, *lang);
            lively = ui.frozen.is_some_and(|frozen| frozen.speed.is_some());
            lively |= world.specimens.iter().any(|s| s.stalls.current.is_some() || matches!(s.life, Life::Starting));
            answers.update(ui, world, stage.history());
            let look = Look { theme, lang: *lang, keys: keymap };
            if let Some(history) = stage.history().filter(|_| ui.screen == Screen::Timeline) {
                let wish = timeline::wish(buf.area, ui, stage.opened(), world, live);
                trace.look(&wish, history, live);
            }
            let cost = if ui.cost {
                Some(meter.look(now, &stage))
            } else {
                meter.rest();
                None
            };
            wanted = ui.screen == Screen::Selectors && selectors.is_none();
            lively |= ui.screen == Screen::Selectors && selectors.is_some_and(|view| view.drag.pending().is_some());
            let scene = Scene { world, around, scenario, lessons, ui, eye, answers, trace, cost, look, selectors, addresses: &addresses };
            let drawn = scope::draw(&scene, buf);
            *targets = drawn.targets;
            ui.pages = drawn.pages;
            if drawn.pages > 0 {
                ui.page = ui.page.min(drawn.pages - 1);
            }
            ui.rows.shown = drawn.shown;
            ui.reach = drawn.reach;
            ui.plot = drawn.plot;
            ui.axis = drawn.axis;
            // The lab goes on while the picture goes to the terminal.
        })?;
        self.meter.picture(self.clock.now(), thread_cpu().since(began));
        self.keeper.keep(&self.scenario.id, self.ui.done_of(&self.scenario));
        if wanted {
            self.pump.order(pump::Order::Selectors);
        }
        for (specimen, order) in orders {
            self.pump.order(pump::Order::Carry(Some(specimen), order));
        }
        if lively {
            self.lively_until = self.clock.now() + LIVELY;
        }
        Ok(())
    }

    /// One line for the person.
    fn say(&mut self, notice: String) {
        self.ui.notice = Some(notice);
    }
}
