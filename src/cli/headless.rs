//! A scenario's run without a screen: wait until all is ready, play the script, then walk the lesson. It is told the time and told to wait,
//! and so is tested without either.

use std::fmt;

use anyhow::{Context, anyhow, bail};

use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::{Command, table};
use crate::lab::{Lab, Script};
use crate::output::check::Claim;
use crate::scenario::schema::{Expectation, Scenario, Step};
use crate::world::{Life, World};

/// How long servers and clients may take to be ready: generous, for a machine that does much else.
const READY_WITHIN: Nanos = Nanos::secs(30);
/// How long what a lesson has the reader try may take to lead to what it says.
const TRY_WITHIN: Nanos = Nanos::secs(15);
/// How long the walk stays with a step that says nothing of what it leads to.
const TRY_FOR: Nanos = Nanos::millis(500);

/// What a headless run needs of a lab.
pub trait Subject {
    /// Takes in what has happened.
    fn pump(&mut self) -> anyhow::Result<()>;
    /// What is known.
    fn world(&self) -> &World;
    /// Since the lab's start.
    fn now(&self) -> Nanos;
    /// Whether every loop runs and its clients are connected.
    fn is_ready(&self) -> bool;
    /// Carries a command out.
    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()>;
}

impl Subject for Lab {
    fn pump(&mut self) -> anyhow::Result<()> {
        self.pump()
    }
    fn world(&self) -> &World {
        self.world()
    }
    fn now(&self) -> Nanos {
        self.now()
    }
    fn is_ready(&self) -> bool {
        self.is_ready()
    }
    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()> {
        Ok(self.carry_out(target, command)?)
    }
}

/// Who is told how a run fares.
pub trait Watch {
    /// Something happened.
    fn happened(&mut self, happening: &Happening<'_>);
    /// How it looks now: `elapsed` of `end`.
    fn picture(&mut self, now: Nanos, elapsed: Nanos, end: Nanos, world: &World);
}

/// What happens in a run. Times count from when the lab was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    /// The lab is started.
    Starting,
    /// Every loop runs, every client is connected.
    Ready {
        /// Since the start.
        after: Nanos,
    },
    /// A command was carried out.
    CarriedOut {
        /// When.
        at: Nanos,
        /// What.
        what: String,
        /// On which specimen; on all without.
        specimen: Option<&'a str>,
    },
    /// The lesson is walked.
    Lesson,
    /// It is over.
    Ended {
        /// When.
        at: Nanos,
    },
}

/// Lets a little time pass; says no when the run shall end early.
pub type Wait<'a> = &'a mut dyn FnMut() -> Result<(), Interrupted>;

/// A signal asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted by signal {0}")]
pub struct Interrupted(pub u8);

/// A run that is under way: its lab, its scenario, and who watches.
pub struct Run<'a, S> {
    subject: &'a mut S,
    scenario: &'a Scenario,
    watch: &'a mut dyn Watch,
    wait: Wait<'a>,
    /// When the lab was ready.
    began: Nanos,
}

impl<'a, S: Subject> Run<'a, S> {
    /// Waits until the lab is ready.
    ///
    /// # Errors
    /// It is not ready in time (30 s), it fails, or it is interrupted.
    pub fn begin(subject: &'a mut S, scenario: &'a Scenario, watch: &'a mut dyn Watch, wait: Wait<'a>) -> anyhow::Result<Self> {
        watch.happened(&Happening::Starting);
        let mut run = Self { subject, scenario, watch, wait, began: Nanos::ZERO };
        let started = run.subject.now();
        while !run.subject.is_ready() {
            run.turn(Nanos::ZERO, scenario.end())?;
            if run.subject.now().since(started) > READY_WITHIN {
                bail!("not ready after {READY_WITHIN}: {}", Laggards(run.subject.world(), scenario.load.connections));
            }
        }
        run.began = run.subject.now();
        run.watch.happened(&Happening::Ready { after: run.began });
        Ok(run)
    }

    /// When the lab was ready, since its start.
    pub fn ready_after(&self) -> Nanos {
        self.began
    }

    /// What is known.
    pub fn world(&self) -> &World {
        self.subject.world()
    }

    fn elapsed(&self) -> Nanos {
        self.subject.now().since(self.began)
    }

    /// One turn of the headless loop.
    fn turn(&mut self, elapsed: Nanos, end: Nanos) -> anyhow::Result<()> {
        self.subject.pump()?;
        self.watch.picture(self.subject.now(), elapsed, end, self.subject.world());
        Ok((self.wait)()?)
    }

    /// Plays the script to its end, and says how long that took.
    ///
    /// # Errors
    /// A cue could not be carried out, the lab fails, or it is interrupted.
    pub fn play(&mut self) -> anyhow::Result<Nanos> {
        let mut script = Script::new(self.scenario);
        let end = script.end();
        loop {
            let elapsed = self.elapsed();
            let due: Vec<_> = script.due(elapsed).map(|(at, target, command)| (*at, *target, command.clone())).collect();
            for (at, target, command) in due {
                self.carry_out(target, &command).with_context(|| format!("the script's cue at {at}"))?;
            }
            if script.finished(elapsed) {
                self.subject.pump()?;
                self.watch.happened(&Happening::Ended { at: elapsed });
                return Ok(elapsed);
            }
            self.turn(elapsed, end)?;
        }
    }

    /// Does what the lesson has the reader try, step by step, and says whether it led to what the step says.
    ///
    /// What is for the scope alone (the next lesson, freezing) is left out. A step for the chosen specimen is done on the first.
    ///
    /// # Errors
    /// A step could not be carried out, the lab fails, or it is interrupted.
    pub fn walk(&mut self, lang: Lang) -> anyhow::Result<Vec<Claim>> {
        self.watch.happened(&Happening::Lesson);
        let mut claims = Vec::new();
        for (n, step) in self.scenario.lesson.iter().enumerate() {
            let Step::Try { command, specimen, until, .. } = step else { continue };
            if !command.in_script() {
                continue;
            }
            let target = specimen.as_deref().map_or(Some(SpecimenId(0)), |name| self.scenario.specimen(name));
            self.carry_out(target, command).with_context(|| format!("step {} of the lesson", n + 1))?;
            claims.extend(self.await_claim(until.as_ref(), lang)?);
        }
        self.watch.happened(&Happening::Ended { at: self.elapsed() });
        Ok(claims)
    }

    /// Waits until the claim holds, or for as long as that may take.
    fn await_claim(&mut self, until: Option<&Expectation>, lang: Lang) -> anyhow::Result<Option<Claim>> {
        let from = self.elapsed();
        loop {
            let elapsed = self.elapsed();
            let waited = elapsed.since(from);
            match until {
                None if waited >= TRY_FOR => return Ok(None),
                Some(until) => {
                    let world = self.subject.world();
                    let verdict = until.judge(world, Lang::En);
                    if verdict.passed || waited >= TRY_WITHIN {
                        return Ok(Some(Claim::new(verdict, until.judge(world, lang))));
                    }
                }
                None => {}
            }
            self.turn(elapsed, elapsed)?;
        }
    }

    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()> {
        let specimen = target.and_then(|id| self.scenario.specimens.get(usize::from(id.0))).map(|specimen| specimen.name.as_str());
        let what = written(command);
        self.subject.carry_out(target, command).map_err(|error| match specimen {
            Some(name) => anyhow!("{what} on {name}: {error:#}"),
            None => anyhow!("{what}: {error:#}"),
        })?;
        self.watch.happened(&Happening::CarriedOut { at: self.elapsed(), what, specimen });
        Ok(())
    }
}

/// A command as a scenario's file has it.
fn written(command: &Command) -> String {
    ron::to_string(command).unwrap_or_else(|_| table::of(command).map_or("a command", |row| row.id).to_owned())
}

/// Who keeps a lab from being ready, and why.
struct Laggards<'a>(&'a World, u32);

impl fmt::Display for Laggards<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for specimen in &self.0.specimens {
            let connected = specimen.clients.connected;
            let why = match specimen.life {
                Life::Dead { .. } => {
                    let words = specimen.deaths.last().map_or("", |death| death.last_words.lines().next_back().unwrap_or(""));
                    format!("its process is dead{}{words}", if words.is_empty() { "" } else { ": " })
                }
                Life::Starting => "its process has not started".into(),
                Life::Running { .. } if specimen.reactor.ticks == 0 => "its loop has not made a tick".into(),
                Life::Running { .. } if connected < self.1 => format!("{connected} of {} clients are connected", self.1),
                Life::Running { .. } => continue,
            };
            write!(f, "{}{}: {why}", if first { "" } else { "; " }, specimen.name)?;
            first = false;
        }
        Ok(())
    }
}
