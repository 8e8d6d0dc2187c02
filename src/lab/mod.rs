//! One set-up that runs: specimens, load, script, supervisor; and the world that their facts add up to.
//!
//! The producer is a handle: the scope, the headless check and the tests are equal customers of [`Lab`].

pub mod child;
pub mod effort;
pub mod limits;
pub mod listener;
pub mod live;
pub mod past;
pub mod sampler;
pub mod script;
pub mod sockets;
pub mod source;
pub mod supervisor;

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::base::clock::{TimeBase, thread_cpu};
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::load::plan::{CONNECTIONS, LoadControl};
use crate::scenario::experiment::Experiment;
use crate::scenario::schema::Role;
use crate::scenario::{Evidence, Scenario};
use crate::selectors::bench::{Bench, View};
use crate::selectors::measure;
use crate::telemetry::shared::Gate;
use crate::world::history::History;
use crate::world::{self, Setup, World};
use live::Turn;

pub use effort::Effort;
use limits::{Machine, Servers};
pub use live::{Live, Options, OutOfRange, Refusal};
pub use past::{Past, Surroundings};
pub use script::Script;
pub use source::{Fact, Source};

/// How much one key changes the load.
const LOAD_STEP: f64 = 1.5;
/// The least and the most that a load can offer, in requests a second.
pub const RATES: std::ops::RangeInclusive<f64> = 1.0..=1_000_000.0;

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    scenario: Scenario,
    options: Options,
    live: Live,
    world: World,
    history: Option<History>,
    facts: Vec<Fact>,
    effort: Effort,
    marks: Vec<String>,
    /// The selectors, once somebody has asked for them.
    bench: Option<Bench>,
}

impl Lab {
    /// Starts what the scenario names.
    ///
    /// # Errors
    /// Where a socket, a mapping or a process cannot be had, its clients are more than this machine allows, or the selectors of an experiment
    /// cannot be measured.
    pub fn start(scenario: &Scenario, options: &Options) -> anyhow::Result<Self> {
        let serving = scenario.specimens.iter().filter(|specimen| specimen.role == Role::Server);
        let servers = serving.fold(Servers::default(), |all, specimen| all.and(specimen.model, 0));
        Machine::here().allows(servers, scenario.load.connections).map_err(|no| anyhow::anyhow!(no.words(Lang::En)))?;
        let setup =
            Setup { specimens: scenario.specimens.iter().map(|s| s.name.clone()).collect(), stall_threshold: scenario.stall_threshold };
        let live = Live::start(scenario, options)?;
        let world = World::new(&setup);
        let mut lab = Self {
            scenario: scenario.clone(),
            options: options.clone(),
            live,
            history: options.history.map(|limits| History::new(&world, limits)),
            world,
            facts: Vec::new(),
            effort: Effort::default(),
            marks: Vec::new(),
            bench: None,
        };
        if let Some(Experiment::Selectors { idle, active }) = scenario.experiment {
            let bench = lab.watch_selectors().context("measuring the selectors")?;
            bench.drag().set_active(active);
            bench.drag().to(idle as usize);
        }
        Ok(lab)
    }

    /// Takes in what has happened, looks after the processes, and advances the world to now. To be called about every 10 ms.
    ///
    /// # Errors
    /// Where the lab itself fails; the death of a specimen is none.
    pub fn pump(&mut self) -> anyhow::Result<()> {
        let until = self.live.poll(&mut self.facts)?;
        let (before, began) = (self.world.events, thread_cpu());
        for fact in self.facts.drain(..) {
            match fact {
                Fact::Event(event) => {
                    if let Some(history) = &mut self.history {
                        history.record(&self.world, &event);
                    }
                    self.world.apply(&event);
                }
                Fact::LastWords(specimen, words) => {
                    if let Some(history) = &mut self.history {
                        history.note(specimen, &words);
                    }
                    self.world.last_words(specimen, words);
                }
            }
        }
        self.world.advance(until);
        self.effort.note(until, thread_cpu().since(began), self.world.events - before);
        if let Some(bench) = &mut self.bench {
            bench.pump();
        }
        Ok(())
    }

    /// The selectors as they are measured; nothing before somebody has asked for them.
    pub fn selectors(&self) -> Option<View<'_>> {
        self.bench.as_ref().map(Bench::view)
    }

    /// What claims are held against.
    pub fn evidence(&self) -> Evidence<'_> {
        Evidence::of(&self.world, self.selectors())
    }

    /// Begins to measure the selectors, where that has not begun.
    ///
    /// # Errors
    /// A [`Refusal`] that says why they cannot be measured.
    pub fn watch_selectors(&mut self) -> Result<&mut Bench, Refusal> {
        if self.bench.is_none() {
            let started = Bench::start(self.live.clock(), measure::Effort::QUICK);
            self.bench = Some(started.map_err(|error| Refusal::System(error.to_string()))?);
        }
        self.bench.as_mut().ok_or(Refusal::NotForTheLab)
    }

    /// Carries out what is for the selectors; false where it is for something else.
    fn drag(&mut self, command: &Command) -> Result<bool, Refusal> {
        use Command::{Active, FewerIdle, Idle, MeasureAgain, MoreIdle, NextActive};
        if !matches!(command, MoreIdle | FewerIdle | Idle(_) | NextActive | Active(_) | MeasureAgain) {
            return Ok(false);
        }
        let bench = self.watch_selectors()?;
        match command {
            MoreIdle => bench.drag().step(1),
            FewerIdle => bench.drag().step(-1),
            Idle(size) => bench.drag().to(*size as usize),
            NextActive => bench.drag().next_active(),
            Active(active) if !bench.drag().set_active(*active) => {
                return Err(OutOfRange::Active(*active).into());
            }
            MeasureAgain => bench.again(),
            _ => {}
        }
        Ok(true)
    }

    /// What is known.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What taking in the facts of the last second has taken.
    pub fn effort(&self) -> &Effort {
        &self.effort
    }

    /// The past, where it is kept.
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The scenario that runs.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Since the lab's start.
    pub fn now(&self) -> Nanos {
        self.live.clock().now()
    }

    /// What all its stamps count from.
    pub fn time_base(&self) -> TimeBase {
        self.live.clock().base()
    }

    /// Where a specimen answers.
    pub fn address(&self, specimen: SpecimenId) -> Option<SocketAddr> {
        self.live.address(specimen)
    }

    /// The gates of a specimen's loops, while it has a process.
    pub fn gates(&self, specimen: SpecimenId) -> Vec<Gate> {
        self.live.gates(specimen)
    }

    /// Whether every specimen's loop runs and its clients are connected.
    pub fn is_ready(&self) -> bool {
        let clients = self.live.load().connections;
        let ready = |(n, s): (usize, &world::Specimen)| {
            s.loops().all(|l| l.reactor.ticks > 0) && (s.clients.connected >= clients || !self.live.serves_load(n))
        };
        self.world.specimens.iter().enumerate().all(ready)
    }

    /// Carries out what is for the lab, on one specimen or on all.
    ///
    /// # Errors
    /// A [`Refusal`] that says why not; what could be done for other specimens has been done.
    pub fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> Result<(), Refusal> {
        if self.drag(command)? {
            return Ok(());
        }
        match command {
            Command::Restart => return self.restart(),
            Command::Mark(name) => {
                let number = self.marks.iter().position(|m| m == name).unwrap_or_else(|| {
                    self.marks.push(name.clone());
                    self.marks.len() - 1
                });
                self.live.mark(number as u32);
                return Ok(());
            }
            Command::Arm(_) if target.is_some_and(|SpecimenId(n)| usize::from(n) >= self.live.places()) => return Err(Refusal::NoSpecimen),
            Command::Arm(setting) => {
                self.live.arm(target, Some(*setting));
                return Ok(());
            }
            Command::Disarm => {
                self.live.arm(None, None);
                return Ok(());
            }
            _ => {}
        }
        if *command == Command::LoadOnly {
            let n = target.map_or(0, |SpecimenId(n)| usize::from(n));
            let order = |other| if other == n { LoadControl::Resume } else { LoadControl::Pause };
            return each((0..self.live.places()).collect(), |other| self.live.steer(other, order(other)));
        }
        let control = self.load_control(command)?;
        let serving: Vec<usize> = (0..self.live.places()).filter(|n| self.live.serves_load(*n)).collect();
        let places = match target {
            // What is meant for all is meant for those that are compared.
            None => serving.clone(),
            Some(SpecimenId(n)) if usize::from(n) < self.live.places() => vec![usize::from(n)],
            Some(_) => return Err(Refusal::NoSpecimen),
        };
        // The load is the same for all specimens, whichever is chosen: otherwise they could not be compared.
        if let Some(control) = control {
            return each(serving, |n| self.live.steer(n, control));
        }
        each(places, |n| match command {
            Command::Inject(fault) => self.live.inject(n, *fault),
            Command::Cure(fault) => self.live.cure(n, *fault),
            Command::Apply(setting) => self.live.apply(n, *setting),
            Command::Revoke(mitigation) => self.live.revoke(n, *mitigation),
            Command::Kill => self.live.kill(n),
            Command::NextModel => self.live.next_model(n).map_err(|e| Refusal::System(format!("{e:#}"))),
            Command::Respawn => self.live.respawn(n).map_err(|e| Refusal::System(format!("{e:#}"))),
            Command::HoldLoop => self.live.hold(n, Turn::Switch),
            Command::LetOne => self.live.hold(n, Turn::Callback),
            Command::LetTick => self.live.hold(n, Turn::Tick),
            _ => Err(Refusal::NotForTheLab),
        })
    }

    fn load_control(&self, command: &Command) -> Result<Option<LoadControl>, Refusal> {
        let rate = self.live.load().rate;
        let within = |rate: f64| rate.clamp(*RATES.start(), *RATES.end());
        Ok(Some(match command {
            Command::Rate(rate) if RATES.contains(rate) => LoadControl::Rate(Some(*rate)),
            Command::Rate(rate) => {
                return Err(OutOfRange::Rate(*rate).into());
            }
            Command::ClosedLoop => LoadControl::Rate(None),
            Command::Connections(n) if CONNECTIONS.contains(n) => {
                let allowed = Machine::here().allows(self.servers(), *n);
                allowed.map_err(Refusal::TooMany)?;
                LoadControl::Connections(*n)
            }
            Command::Connections(n) => {
                return Err(OutOfRange::Clients(*n).into());
            }
            Command::LoadUp | Command::LoadDown => {
                let Some(rate) = rate else {
                    return Err(OutOfRange::ClosedLoop.into());
                };
                LoadControl::Rate(Some(within(if *command == Command::LoadUp { rate * LOAD_STEP } else { rate / LOAD_STEP })))
            }
            Command::PauseLoad => LoadControl::Pause,
            Command::ResumeLoad => LoadControl::Resume,
            _ => return Ok(None),
        }))
    }

    /// Ends every process and closes every listener; nothing can be asked of it any more.
    pub fn end(&mut self) {
        self.live.shut();
    }

    /// The servers that have load, with the connections that they have by now.
    fn servers(&self) -> Servers {
        let serving = (0..self.live.places()).filter(|n| self.live.serves_load(*n));
        serving.fold(Servers::default(), |all, n| match (self.live.model(n), self.world.specimens.get(n)) {
            (Some(model), Some(specimen)) => all.and(model, specimen.open_connections()),
            _ => all,
        })
    }

    /// Ends every process and starts again from the scenario, on the same ports.
    fn restart(&mut self) -> Result<(), Refusal> {
        let port = self.address(SpecimenId(0)).map(|a| a.port());
        // The old processes and listeners must be gone before their ports can be had again; the new lab takes their place whole.
        self.live.shut();
        let options = Options { port, ..self.options.clone() };
        let fresh = Self::start(&self.scenario, &options).map_err(|e| Refusal::System(format!("{e:#}")))?;
        let options = std::mem::take(&mut self.options);
        *self = Self { options, ..fresh };
        Ok(())
    }

    /// Stops every process where it stands, because the lab itself is about to be stopped (Ctrl-Z).
    pub fn suspend(&mut self) {
        self.live.suspend();
    }

    /// Lets every process go on.
    pub fn resume(&mut self) {
        self.live.resume();
    }
}

/// Does it for each, and reports the first that refused.
fn each(places: Vec<usize>, what: impl FnMut(usize) -> Result<(), Refusal>) -> Result<(), Refusal> {
    places.into_iter().map(what).fold(Ok(()), Result::and)
}
