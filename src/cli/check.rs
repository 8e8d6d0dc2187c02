//! `loopscope check`: scenarios run headless and held to their claims.

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::Check;
use super::headless::{self, Happening, Interrupted, Watch};
use super::progress::Progress;
use super::scope::{refuse, warn_of_address};
use super::settings::Place;
use super::{Ended, complain, say};
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::lab::{Lab, Options};
use crate::output::check::{BUSY, Claim, Environment, Report, Run, SCHEMA, json, summary, table};
use crate::scenario::catalogue::{self, BUILT_IN, Found};
use crate::scenario::schema::{Step, words};

/// Between two looks at the lab.
const TURN: Duration = Duration::from_millis(10);

/// How often a script is played where the machine is too busy to judge by.
const ATTEMPTS: u32 = 3;

/// Checks what was asked for.
pub fn run(options: &Check, place: &Place, lang: Lang) -> anyhow::Result<Ended> {
    // All files are read before anything runs: a wrong one is told at once, and so are the others' mistakes.
    let Some(found) = find_all(options) else { return Ok(Ended::Wrong) };
    warn_of_address(place.bind, lang);
    let signal = Signal::watch().context("watching for signals")?;
    let mut report =
        Report { schema: SCHEMA, version: env!("CARGO_PKG_VERSION"), passed: false, environment: environment(), scenarios: Vec::new() };
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    for found in &found {
        let run = match one(found, options, place, &signal, lang) {
            Ok(run) => run,
            Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
        };
        if !options.json {
            say(&(table(&run, lang, colour) + "\n")).context("standard output")?;
        }
        report.scenarios.push(run);
    }
    report.passed = report.scenarios.iter().all(|run| run.passed);
    let last = if options.json { json(&report)? } else { summary(&report, lang) };
    say(&(last + "\n")).context("standard output")?;
    Ok(if report.scenarios.iter().any(|run| run.error.is_some()) {
        Ended::Wrong
    } else if report.passed {
        Ended::Fine
    } else {
        Ended::Failed
    })
}

/// The scenarios that were asked for; none where one is wrong, which has then been said.
fn find_all(options: &Check) -> Option<Vec<Found>> {
    let ids: Vec<&str> =
        if options.all { BUILT_IN.iter().map(|entry| entry.id).collect() } else { options.scenarios.iter().map(String::as_str).collect() };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut wrong = false;
    for id in ids.into_iter().filter(|id| seen.insert(*id)) {
        match catalogue::find(id) {
            Ok(scenario) => found.push(scenario),
            Err(error) => {
                refuse(&error);
                wrong = true;
            }
        }
    }
    (!wrong).then_some(found)
}

/// Runs one scenario. What goes wrong in it is part of its result; only an interruption ends the whole check.
fn one(found: &Found, options: &Check, place: &Place, signal: &Signal, lang: Lang) -> Result<Run, Interrupted> {
    let scenario = &found.scenario;
    let mut run = Run {
        id: scenario.id.clone(),
        file: found.file.as_ref().map(|file| file.display().to_string()),
        title: words(&scenario.title, lang).to_owned(),
        seed: scenario.load.seed,
        passed: false,
        error: None,
        ready_after_ms: 0.0,
        duration_ms: 0.0,
        attempts: 0,
        cpu_wait: 0.0,
        events: 0,
        lost: 0,
        expectations: Vec::new(),
        lesson: Vec::new(),
    };
    let mut progress = Progress::new(&scenario.id, options.quiet, lang);
    let result = play_fairly(found, place, signal, lang, &mut progress, &mut run)
        .and_then(|()| if options.no_lesson { Ok(()) } else { walk(found, place, signal, lang, &mut progress, &mut run) });
    progress.finish();
    if let Err(error) = result {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            complain(&error.to_string());
            return Err(*interrupted);
        }
        run.error = Some(format!("{error:#}"));
    }
    run.passed = run.error.is_none() && run.expectations.iter().chain(&run.lesson).all(|claim| claim.passed);
    Ok(run)
}

fn start(found: &Found, place: &Place) -> anyhow::Result<Lab> {
    let options = Options { bind: place.bind, port: place.port, history: None, ..Options::default() };
    Lab::start(&found.scenario, &options).context("the lab did not start")
}

/// Plays the script, and again where claims failed while the machine was busy with something else: a loop that was not let run proves nothing.
fn play_fairly(found: &Found, place: &Place, signal: &Signal, lang: Lang, progress: &mut Progress, result: &mut Run) -> anyhow::Result<()> {
    loop {
        result.attempts += 1;
        play(found, place, signal, lang, progress, result)?;
        let passed = result.expectations.iter().all(|claim| claim.passed);
        if passed || result.cpu_wait < BUSY || result.attempts == ATTEMPTS {
            return Ok(());
        }
        progress.happened(&Happening::Again { cpu_wait: result.cpu_wait });
    }
}

/// The script, and the scenario's claims at its end.
fn play(found: &Found, place: &Place, signal: &Signal, lang: Lang, progress: &mut Progress, result: &mut Run) -> anyhow::Result<()> {
    let mut lab = start(found, place)?;
    let mut wait = || signal.wait();
    let mut run = headless::Run::begin(&mut lab, &found.scenario, progress, &mut wait)?;
    result.ready_after_ms = run.ready_after().as_millis();
    let duration: Nanos = run.play()?;
    result.cpu_wait = run.cpu_wait();
    let world = run.world();
    result.duration_ms = duration.as_millis();
    (result.events, result.lost) = (world.events, world.lost);
    result.expectations =
        found.scenario.expect.iter().map(|claim| Claim::new(claim.judge(world, Lang::En), claim.judge(world, lang))).collect();
    Ok(())
}

/// The lesson, on a lab of its own: the script may have left nothing alive.
fn walk(found: &Found, place: &Place, signal: &Signal, lang: Lang, progress: &mut Progress, result: &mut Run) -> anyhow::Result<()> {
    let tries = |step: &Step| match step {
        Step::Try { command, .. } => command.in_script(),
        Step::Predict { see, .. } => see.as_ref().is_some_and(|see| see.command.in_script()),
        Step::Task(_) => true,
        Step::Say(_) => false,
    };
    if !found.scenario.lesson.iter().any(tries) {
        return Ok(());
    }
    // As with the script: a loop that was not let run proves nothing.
    for attempt in 1..=ATTEMPTS {
        let mut lab = start(found, place)?;
        let mut wait = || signal.wait();
        let mut run = headless::Run::begin(&mut lab, &found.scenario, progress, &mut wait)?;
        result.lesson = run.walk(lang)?;
        let cpu_wait = run.cpu_wait();
        if result.lesson.iter().all(|claim| claim.passed) || cpu_wait < BUSY || attempt == ATTEMPTS {
            break;
        }
        progress.happened(&Happening::Again { cpu_wait });
    }
    Ok(())
}

fn environment() -> Environment {
    Environment {
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(|_| "unknown".into(), |text| text.trim().to_owned()),
        processors: thread::available_parallelism().map_or(0, usize::from),
        debug_build: cfg!(debug_assertions),
    }
}

/// The signal that asked for the end, if one did. A second one ends the process where it stands; its children die with it.
struct Signal(Arc<AtomicUsize>);

impl Signal {
    fn watch() -> io::Result<Self> {
        let number = Arc::new(AtomicUsize::new(0));
        let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal finds the flag unset and sets it.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked))?;
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&number), signal as usize)?;
        }
        Ok(Self(number))
    }

    /// Lets a turn's time pass, unless a signal has come.
    fn wait(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => {
                thread::park_timeout(TURN);
                Ok(())
            }
            signal => Err(Interrupted(u8::try_from(signal).unwrap_or(0))),
        }
    }
}
