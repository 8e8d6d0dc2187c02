//! `loopscope check`: scenarios run headless and held to their claims.

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use anyhow::Context;

use super::args::Check;
use super::headless::{self, Happening, Interrupted, Watch};
use super::progress::{Board, Progress};
use super::scope::{refuse, warn_of_address};
use super::settings::Place;
use super::signal::Signal;
use super::{Ended, complain, say};
use crate::base::clock::Clock;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::lab::{Lab, Options};
use crate::output::check::{BUSY, Claim, Environment, Report, Run, SCHEMA, json, summary, table};
use crate::scenario::catalogue::{self, BUILT_IN, Found};
use crate::scenario::chinese;
use crate::scenario::schema::{Step, words};
use crate::scenario::{Evidence, experiment};
use crate::selectors::run::{self, Gathered};
use crate::world::{Setup, World};

/// How many scenarios run side by side where nobody says how many: each is some processes, and measures times.
const JOBS: usize = 4;

/// How often a script is played where the machine is too busy to judge by.
const ATTEMPTS: u32 = 3;

/// Checks what was asked for.
pub fn run(options: &Check, place: &Place, lang: Lang) -> anyhow::Result<Ended> {
    // All files are read before anything runs: a wrong one is told at once, and so are the others' mistakes.
    let Some(found) = find_all(options, lang) else { return Ok(Ended::Wrong) };
    warn_of_address(place.bind, lang);
    let signal = Signal::watch().context("watching for signals")?;
    let jobs = jobs(options, found.len());
    let check = Checking { options, place, signal: &signal, lang, board: Board::new(found.len(), jobs, options.quiet, lang) };
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let tell = |run: &Run| {
        if options.json { Ok(()) } else { check.board.aside(|| say(&(table(run, lang, colour) + "\n"))).context("standard output") }
    };
    let runs = match check.all(&found, jobs, &tell)? {
        Ok(runs) => runs,
        Err(interrupted) => {
            complain(&chinese::told(&interrupted.to_string(), lang));
            return Ok(Ended::Interrupted(interrupted.0));
        }
    };
    let report = Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        passed: runs.iter().all(|run| run.passed),
        environment: environment(jobs),
        scenarios: runs,
    };
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

/// How many run side by side.
fn jobs(options: &Check, scenarios: usize) -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    // Who names a port wants the specimens there, one scenario's after the other's.
    let usual = if options.port.is_some() { 1 } else { processors.min(JOBS) };
    options.jobs.map_or(usual, usize::from).clamp(1, scenarios.max(1))
}

/// The scenarios that were asked for; none where one is wrong, which has then been said.
fn find_all(options: &Check, lang: Lang) -> Option<Vec<Found>> {
    let ids: Vec<&str> =
        if options.all { BUILT_IN.iter().map(|entry| entry.id).collect() } else { options.scenarios.iter().map(String::as_str).collect() };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut wrong = false;
    for id in ids.into_iter().filter(|id| seen.insert(*id)) {
        match catalogue::find(id) {
            Ok(scenario) => found.push(scenario),
            Err(error) => {
                refuse(&error, lang);
                wrong = true;
            }
        }
    }
    (!wrong).then_some(found)
}

/// What all runs of one check have in common.
struct Checking<'a> {
    options: &'a Check,
    place: &'a Place,
    signal: &'a Signal,
    lang: Lang,
    board: Board,
}

/// Who else runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Nobody of ours: what fails is judged by this.
    Nobody,
    /// Other scenarios: what fails is run again later.
    Others,
}

impl Checking<'_> {
    /// Runs all, so many side by side, then again alone what failed beside others. Tells of each as soon as it is decided, in their order
    /// but for those that are run again. In the end, all of them in the order of `found`.
    fn all(
        &self,
        found: &[Found],
        jobs: usize,
        tell: &impl Fn(&Run) -> anyhow::Result<()>,
    ) -> anyhow::Result<Result<Vec<Run>, Interrupted>> {
        let beside = if jobs > 1 { Beside::Others } else { Beside::Nobody };
        let mut runs: Vec<Option<Run>> = vec![None; found.len()];
        let (next, (results, arrivals)) = (AtomicUsize::new(0), mpsc::channel());
        let interrupted = thread::scope(|scope| {
            for _ in 0..jobs {
                let (next, results) = (&next, results.clone());
                scope.spawn(move || {
                    while let Some((n, found)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, found.get(n)?))) {
                        let run = self.one(found, beside, None);
                        let ended = run.is_err();
                        if results.send((n, run)).is_err() || ended {
                            return;
                        }
                    }
                });
            }
            drop(results);
            let mut told = 0;
            for (n, run) in arrivals {
                match run {
                    Ok(run) => runs[n] = Some(run),
                    Err(interrupted) => return Ok(Some(interrupted)),
                }
                while let Some(Some(run)) = runs.get(told) {
                    if run.passed || beside == Beside::Nobody {
                        tell(run)?;
                    }
                    told += 1;
                }
            }
            anyhow::Ok(None)
        })?;
        if let Some(interrupted) = interrupted {
            return Ok(Err(interrupted));
        }
        let mut all = Vec::with_capacity(found.len());
        for (found, run) in found.iter().zip(runs) {
            let run = match run {
                Some(run) if beside == Beside::Others && !run.passed => match self.one(found, Beside::Nobody, Some(run)) {
                    Ok(run) => {
                        tell(&run)?;
                        run
                    }
                    Err(interrupted) => return Ok(Err(interrupted)),
                },
                Some(run) => run,
                None => continue,
            };
            all.push(run);
        }
        Ok(Ok(all))
    }

    /// Runs one scenario, or of one that was run `before` what did not hold. What goes wrong in it is part of its result; only an
    /// interruption ends the whole check.
    fn one(&self, found: &Found, beside: Beside, before: Option<Run>) -> Result<Run, Interrupted> {
        let scenario = &found.scenario;
        let holds = |claims: &[Claim]| !claims.is_empty() && claims.iter().all(|claim| claim.passed);
        // A run that did not come to its end has shown nothing.
        let (played, walked) = match &before {
            Some(run) if run.error.is_none() => (holds(&run.expectations), holds(&run.lesson)),
            _ => (false, false),
        };
        let again_alone = before.is_some();
        let mut run = before.unwrap_or_else(|| Run {
            id: scenario.id.clone(),
            file: found.file.as_ref().map(|file| file.display().to_string()),
            title: words(&scenario.title, self.lang).to_owned(),
            seed: scenario.load.seed,
            passed: false,
            error: None,
            again_alone: false,
            ready_after_ms: 0.0,
            duration_ms: 0.0,
            attempts: 0,
            cpu_wait: 0.0,
            events: 0,
            lost: 0,
            expectations: Vec::new(),
            lesson: Vec::new(),
        });
        (run.again_alone, run.error) = (again_alone, None);
        let attempts = if beside == Beside::Nobody { ATTEMPTS } else { 1 };
        let mut running = Running { check: self, found, attempts, progress: Progress::new(&scenario.id, &self.board), result: run };
        let ended = (if played { Ok(()) } else { running.play_fairly() })
            .and_then(|()| if walked || self.options.no_lesson { Ok(()) } else { running.walk() });
        let Running { progress, result: mut run, .. } = running;
        if let Err(error) = ended {
            if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                progress.finish(false);
                return Err(*interrupted);
            }
            run.error = Some(format!("{error:#}"));
        }
        run.passed = run.error.is_none() && run.expectations.iter().chain(&run.lesson).all(|claim| claim.passed);
        progress.finish(run.passed || beside == Beside::Nobody);
        Ok(run)
    }
}

/// One scenario's run: what is run, how often where the machine is too busy, and what came of it.
struct Running<'a> {
    check: &'a Checking<'a>,
    found: &'a Found,
    attempts: u32,
    progress: Progress<'a>,
    result: Run,
}

impl Running<'_> {
    fn start(&self) -> anyhow::Result<Lab> {
        let place = self.check.place;
        let options = Options { bind: place.bind, port: place.port, history: None, ..Options::default() };
        Lab::start(&self.found.scenario, &options).context("the lab did not start")
    }

    /// Plays the script, and again where claims failed while the machine was busy with something else: a loop that was not let run proves
    /// nothing.
    fn play_fairly(&mut self) -> anyhow::Result<()> {
        for attempt in 1..=self.attempts {
            self.result.attempts += 1;
            self.play()?;
            let (claims, cpu_wait) = (&self.result.expectations, self.result.cpu_wait);
            if self.is_settled(claims, cpu_wait, attempt) {
                break;
            }
            self.progress.happened(&Happening::Again { cpu_wait });
        }
        Ok(())
    }

    /// The script, and the scenario's claims at its end.
    fn play(&mut self) -> anyhow::Result<()> {
        let (signal, lang, scenario) = (self.check.signal, self.check.lang, &self.found.scenario);
        // First, while nothing else of this scenario runs.
        let measured = scenario.experiment.map(|_| self.measure()).transpose()?;
        let selectors = measured.as_ref().map(|(_, gathered)| found_of(gathered));
        let judge = |world: &World| -> Vec<Claim> {
            let evidence = Evidence { world, selectors };
            scenario.expect.iter().map(|claim| Claim::new(claim.judge(evidence, Lang::En), claim.judge(evidence, lang))).collect()
        };
        if scenario.specimens.is_empty() {
            self.result.duration_ms = measured.as_ref().map_or(0.0, |(took, _)| took.as_millis());
            self.result.expectations = judge(&World::new(&Setup { specimens: Vec::new(), stall_threshold: scenario.stall_threshold }));
            return Ok(());
        }
        let mut lab = self.start()?;
        let mut wait = || signal.wait();
        let mut run = headless::Run::begin(&mut lab, &self.found.scenario, &mut self.progress, &mut wait)?;
        self.result.ready_after_ms = run.ready_after().as_millis();
        let duration: Nanos = run.play()?;
        self.result.cpu_wait = run.cpu_wait();
        let world = run.world();
        self.result.duration_ms = duration.as_millis();
        (self.result.events, self.result.lost) = (world.events, world.lost);
        self.result.expectations = judge(world);
        Ok(())
    }

    /// Measures what the claims need of the selectors. Also says how long that took.
    fn measure(&mut self) -> anyhow::Result<(Nanos, Gathered)> {
        self.progress.happened(&Happening::Measuring);
        let clock = Clock::start();
        let begin = clock.now();
        let mut interrupted = None;
        let gathered = run::gather(&clock, &experiment::needs(&self.found.scenario), &mut |_| {
            interrupted = self.check.signal.wait().err();
            interrupted.is_none()
        });
        match interrupted {
            Some(interrupted) => Err(interrupted.into()),
            None => Ok((clock.now().since(begin), gathered?)),
        }
    }

    /// The lesson, on a lab of its own: the script may have left nothing alive.
    fn walk(&mut self) -> anyhow::Result<()> {
        let tries = |step: &Step| match step {
            Step::Try { command, .. } => command.in_script(),
            Step::Predict { see, .. } => see.as_ref().is_some_and(|see| see.command.in_script()),
            Step::Task(_) => true,
            Step::Say(_) => false,
        };
        if !self.found.scenario.lesson.iter().any(tries) {
            return Ok(());
        }
        // As with the script: a loop that was not let run proves nothing.
        for attempt in 1..=self.attempts {
            let mut lab = self.start()?;
            let (signal, lang) = (self.check.signal, self.check.lang);
            let mut wait = || signal.wait();
            let mut run = headless::Run::begin(&mut lab, &self.found.scenario, &mut self.progress, &mut wait)?;
            self.result.lesson = run.walk(lang)?;
            let cpu_wait = run.cpu_wait();
            if self.is_settled(&self.result.lesson, cpu_wait, attempt) {
                break;
            }
            self.progress.happened(&Happening::Again { cpu_wait });
        }
        Ok(())
    }

    fn is_settled(&self, claims: &[Claim], cpu_wait: f64, attempt: u32) -> bool {
        // Who measures nanoseconds is disturbed by less than a loop is.
        let calm = cpu_wait < BUSY && self.found.scenario.experiment.is_none();
        claims.iter().all(|claim| claim.passed) || calm || attempt == self.attempts
    }
}

/// What was gathered, as claims are held against it: nobody has anything in hand.
fn found_of(gathered: &Gathered) -> experiment::Found<'_> {
    experiment::Found { series: &gathered.series, facts: Some(&gathered.facts), hand: None }
}

/// Where this runs, and how many scenarios side by side.
pub(super) fn environment(jobs: usize) -> Environment {
    Environment {
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(|_| "unknown".into(), |text| text.trim().to_owned()),
        processors: thread::available_parallelism().map_or(0, usize::from),
        jobs,
        debug_build: cfg!(debug_assertions),
    }
}
