//! The live source: the processes of a lab, their rings, the sampler, the supervisor.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context;
use rustix::process::{Pid, Signal};

use super::child::{Child, End, ProgramPath, borrowed};
use super::limits::TooMany;
use super::listener;
use super::sampler::{self, Sampler, Target};
use super::source::{Fact, Source};
use super::supervisor::Supervisor;
use crate::base::clock::Clock;
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::load::plan::{CONNECTIONS, Load, LoadControl, Peers, Plan};
use crate::scenario::Scenario;
use crate::scenario::schema;
use crate::selectors::Active;
use crate::specimen::config::{Config, ModelSetting};
use crate::specimen::control::{Control, FaultSetting, Message, MitigationSetting};
use crate::specimen::{faults, models};
use crate::telemetry::ring::Consumer;
use crate::telemetry::shared::{Gate, LOOP_RING, Order, Shared};
use crate::telemetry::vocabulary::{Fault, Mitigation, Model, Phase};
use crate::telemetry::{Event, Lane, Origin, Part, What};
use crate::world::TriggerSetting;
use crate::world::history::Limits;

/// Records that are taken from one ring in one round; what is left stays in the ring for the next.
const ROUND: usize = LOOP_RING;
/// Records that a master's ring can hold: some for each worker that it starts or buries.
const MASTER_RING: usize = 1 << 12;
/// The number that the load's ring bears in [`What::Lost`].
const LOAD_RING: u32 = 255;
/// A callback that holds the loop for longer than this makes the sampler look more often.
const STUCK: Nanos = Nanos::millis(20);
/// How often the lab reports what it costs itself.
const OWN_COST: Nanos = Nanos::millis(500);

/// How a lab is set up beside its scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The address that the specimens listen on.
    pub bind: IpAddr,
    /// The first specimen's port; without it 7070 or the next that is free.
    pub port: Option<u16>,
    /// How much of the past is kept; `None`: nothing of it.
    pub history: Option<Limits>,
    /// The binary that the children are started from.
    pub program: ProgramPath,
}

impl Default for Options {
    fn default() -> Self {
        Self { bind: IpAddr::from([127, 0, 0, 1]), port: None, history: Some(Limits::default()), program: ProgramPath::default() }
    }
}

/// What becomes of a loop at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One that is held runs, one that runs is held.
    Switch,
    /// One callback is let through.
    Callback,
    /// One tick is let through.
    Tick,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Its process is dead.
    #[error("{0} is dead: start it again first")]
    Dead(String),
    /// It has not read earlier orders.
    #[error("{0} is stuck and takes no orders: only SIGKILL reaches it")]
    Stuck(String),
    /// It has no loop that could be held.
    #[error("{0} has no loop to hold: the kernel runs each of its threads when there is something for it to do")]
    NoLoop(String),
    /// More connections than this machine allows.
    #[error("{}", .0.words(Lang::En))]
    TooMany(TooMany),
    /// The order means nothing to a lab.
    #[error("that is not for the lab")]
    NotForTheLab,
    /// There is no such specimen.
    #[error("there is no such specimen")]
    NoSpecimen,
    /// A figure is out of its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The system said no.
    #[error("{0}")]
    System(String),
}

/// A figure that cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum OutOfRange {
    /// Requests a second.
    #[error("a rate of {0} is not between {low} and {high}", low = super::RATES.start(), high = super::RATES.end())]
    Rate(f64),
    /// Clients.
    #[error("{0} connections are not between {low} and {high}", low = CONNECTIONS.start(), high = CONNECTIONS.end())]
    Clients(u32),
    /// Active descriptors of the selectors' experiment.
    #[error("{0} active descriptors; there can be 1, 100 or all")]
    Active(Active),
    /// The load has no rate that could be changed.
    #[error("the loop is closed: clients send as fast as they are answered")]
    ClosedLoop,
    /// A fault that this model does not know.
    #[error("{0} cannot befall a {model} server", model = .1.name())]
    Fault(Fault, Model),
    /// A mitigation that this model has no place for.
    #[error("{0} means nothing to a {model} server", model = .1.name())]
    Mitigation(Mitigation, Model),
}

/// One specimen's processes, one after the other.
#[derive(Debug)]
struct Place {
    id: SpecimenId,
    config: schema::Specimen,
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    process: Option<Process>,
    load: Option<LoadProcess>,
    /// What is on now, and will be in the next process.
    mitigations: Vec<MitigationSetting>,
    /// The standing faults that are on now, and will be in the next process, which runs the same code.
    faults: Vec<FaultSetting>,
    supervisor: Supervisor,
    started: u32,
    /// Which worker process is killed next, where there are such.
    next: usize,
}

impl Place {
    /// Whether its queues may be growing: nobody is there to empty them, or whoever is has been busy with one thing for some time.
    fn wants_a_look(&self, clock: &Clock) -> bool {
        self.process.as_ref().is_none_or(|process| {
            [&process.shared].into_iter().chain(process.workers.iter().map(|worker| &worker.shared)).any(|shared| {
                let beat = shared.heartbeat();
                let rests = beat.phase == Phase::Poll && beat.callback.is_none();
                !rests && clock.now().since(clock.base().nanos(beat.since)) > STUCK
            })
        })
    }
}

#[derive(Debug)]
struct Process {
    child: Child,
    shared: Shared,
    /// Its rings and those of its workers, each with what it reports.
    rings: Vec<(Lane, Consumer)>,
    /// Its worker processes, where it is a master.
    workers: Vec<WorkerProcess>,
    /// The watchdog has killed it; its end is a matter of moments.
    condemned: bool,
}

/// A worker process: its master's child, which the lab watches and can kill.
#[derive(Debug)]
struct WorkerProcess {
    shared: Shared,
    /// The process that runs, as its master has told.
    pid: Option<u32>,
    watchdog: Supervisor,
    condemned: bool,
}

#[derive(Debug)]
struct LoadProcess {
    child: Child,
    ring: Consumer,
}

/// A lab's processes.
#[derive(Debug)]
pub struct Live {
    clock: Clock,
    options: Options,
    load: Load,
    places: Vec<Place>,
    sampler: Sampler,
    /// What the lab itself has to report, until the next poll.
    said: Vec<Fact>,
    /// Events stamped after the last poll's cut, until the next one.
    early: Vec<Event>,
    records: Vec<crate::telemetry::event::Record>,
    seq: u32,
    own_cost_due: Nanos,
    suspended: Option<Nanos>,
}

impl Live {
    /// Starts everything that a scenario names.
    ///
    /// # Errors
    /// Where a socket, a mapping or a process cannot be had.
    pub fn start(scenario: &Scenario, options: &Options) -> anyhow::Result<Self> {
        let clock = Clock::start();
        let sampler = Sampler::start(clock).context("starting the sampler")?;
        let mut live = Self {
            clock,
            options: options.clone(),
            load: scenario.load.clone(),
            places: Vec::new(),
            sampler,
            said: Vec::new(),
            early: Vec::new(),
            records: Vec::new(),
            seq: 0,
            own_cost_due: Nanos::ZERO,
            suspended: None,
        };
        let mut next_port = listener::FIRST_PORT;
        for (n, config) in scenario.specimens.iter().enumerate() {
            let wanted = if n == 0 { options.port } else { None };
            let listeners = listener::listen_many(options.bind, wanted, next_port, config.model.listeners())?;
            let address = listeners[0].local_addr().context("the listener's address")?;
            next_port = address.port().saturating_add(1);
            live.places.push(Place {
                id: SpecimenId(n as u8),
                config: config.clone(),
                listeners,
                address,
                process: None,
                load: None,
                mitigations: config.mitigations.clone(),
                faults: config.faults.clone(),
                supervisor: Supervisor::new(&config.mitigations),
                started: 0,
                next: 0,
            });
        }
        for n in 0..live.places.len() {
            live.spawn(n)?;
        }
        for n in 0..live.places.len() {
            if live.serves_load(n) {
                live.spawn_load(n)?;
            }
        }
        Ok(live)
    }

    /// The lab's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Where a specimen answers.
    pub fn address(&self, specimen: SpecimenId) -> Option<SocketAddr> {
        self.places.get(usize::from(specimen.0)).map(|p| p.address)
    }

    /// The gates of a specimen's loops, while it has a process: its own, or those of its workers.
    pub fn gates(&self, specimen: SpecimenId) -> Vec<Gate> {
        let process = self.places.get(usize::from(specimen.0)).and_then(|place| place.process.as_ref());
        let Some(process) = process else { return Vec::new() };
        match &process.workers[..] {
            [] => vec![process.shared.gate()],
            workers => workers.iter().map(|worker| worker.shared.gate()).collect(),
        }
    }

    /// Holds a specimen's loops, lets them go one further, or lets them run.
    ///
    /// # Errors
    /// A [`Refusal`] where there is no loop to be held.
    pub fn hold(&self, n: usize, turn: Turn) -> Result<(), Refusal> {
        let (gates, model) = (self.gates(SpecimenId(n as u8)), self.places[n].config.model.kind());
        if matches!(model, Model::ThreadPerConnection | Model::ThreadPool) {
            return Err(Refusal::NoLoop(self.places[n].config.name.clone()));
        }
        if gates.is_empty() {
            return Err(Refusal::Dead(self.places[n].config.name.clone()));
        }
        let held = |order| gates.iter().any(|gate| gate.holds(order));
        let (callbacks, ticks) = (held(Order::HoldCallbacks), held(Order::HoldTicks));
        for gate in &gates {
            match turn {
                Turn::Switch if callbacks || ticks => gate.order(Order::Run),
                // Where it is held already in this way it goes on to the next such place; otherwise it is held at the first one.
                Turn::Callback if callbacks => gate.step(),
                Turn::Tick if ticks => gate.step(),
                Turn::Switch | Turn::Callback => gate.order(Order::HoldCallbacks),
                Turn::Tick => gate.order(Order::HoldTicks),
            }
        }
        Ok(())
    }

    /// The load as it is set now.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// The model that a specimen is built on now.
    pub fn model(&self, n: usize) -> Option<ModelSetting> {
        self.places.get(n).map(|place| place.config.model)
    }

    /// Whether this specimen is there for the load, and not for the others' upstream calls.
    pub fn serves_load(&self, n: usize) -> bool {
        self.places.get(n).is_some_and(|place| place.config.role == schema::Role::Server)
    }

    fn spawn(&mut self, n: usize) -> anyhow::Result<()> {
        let upstream = (0..self.places.len()).find(|n| !self.serves_load(*n)).filter(|upstream| *upstream != n);
        let upstream = upstream.map(|n| reachable(self.places[n].address));
        let place = &mut self.places[n];
        let name = &place.config.name;
        let model = place.config.model;
        let memory = |rings: usize, capacity: usize| {
            Shared::create(name, &self.clock, rings, capacity).with_context(|| format!("telemetry memory for {name}"))
        };
        // A master serves nobody: its ring holds next to nothing.
        let capacity = if model.processes() > 0 { MASTER_RING } else { LOOP_RING };
        let (shared, fd) = memory(models::row(model.kind()).rings(model), capacity)?;
        let mut rings = lanes(model.kind(), &shared);
        let (mut workers, mut mappings) = (Vec::new(), Vec::new());
        for n in 0..model.processes() {
            let (shared, fd) = memory(models::row(Model::EventLoop).rings(ModelSetting::EventLoop), LOOP_RING)?;
            rings.extend((0..shared.rings()).map(|ring| (Lane::Process(n as u8, part(ring)), shared.consumer(ring))));
            workers.push(WorkerProcess { shared, pid: None, watchdog: Supervisor::new(&place.mitigations), condemned: false });
            mappings.push(fd);
        }
        let config = Config {
            mitigations: place.mitigations.clone(),
            faults: place.faults.clone(),
            limits: place.config.limits,
            model,
            upstream,
            ..Config::naive(name)
        };
        let fds: Vec<BorrowedFd<'_>> =
            [fd.as_fd()].into_iter().chain(place.listeners.iter().map(AsFd::as_fd)).chain(mappings.iter().map(AsFd::as_fd)).collect();
        // The child may be at work before the call that begins it returns here: its beginning is told of the moment before.
        let begin = self.clock.now();
        let child = Child::start(&self.options.program, "__specimen", &format!("specimen {name}"), &config, &fds)?;
        let pid = child.pid();
        place.process = Some(Process { child, shared, rings, workers, condemned: false });
        place.supervisor.spawned(self.clock.now());
        let (id, before, port) = (place.id, place.started, u32::from(place.address.port()));
        place.started += 1;
        for what in [What::Modelled { model: model.kind(), size: model.size() }, What::Spawned { pid, before }, What::Listening { port }] {
            self.say_then(begin, id, Lane::Lab, what);
        }
        for setting in self.places[n].mitigations.clone() {
            if setting.kind() == Mitigation::Supervisor {
                self.say(id, What::Mitigated { mitigation: Mitigation::Supervisor, on: 1 });
            }
        }
        self.watch();
        Ok(())
    }

    fn spawn_load(&mut self, n: usize) -> anyhow::Result<()> {
        let place = &mut self.places[n];
        let name = format!("load of {}", place.config.name);
        let (shared, fd) = Shared::create("load", &self.clock, 1, LOOP_RING).with_context(|| format!("telemetry memory for the {name}"))?;
        let target = reachable(place.address);
        let mut load = self.load.clone();
        if let Some(senders) = place.faults.iter().find_map(|f| f.senders()) {
            load.slow_senders = senders;
        }
        if place.faults.contains(&FaultSetting::GreedyPeer) {
            load.peers.push(Peers::greedy());
        }
        let plan = Plan { target, load, core: None };
        // As with a specimen: its first clients may be connected when the call returns.
        let begin = self.clock.now();
        let child = Child::start(&self.options.program, "__load", &name, &plan, &borrowed([&fd]))?;
        let pid = child.pid();
        place.load = Some(LoadProcess { child, ring: shared.consumer(0) });
        let id = place.id;
        self.say_then(begin, id, Lane::Lab, What::LoadSpawned { pid });
        Ok(())
    }

    fn watch(&self) {
        let mut targets = Vec::new();
        for place in &self.places {
            let (specimen, port, v6) = (place.id, place.address.port(), place.address.is_ipv6());
            let counts_its_own = matches!(place.config.model.kind(), Model::ThreadPerConnection | Model::ThreadPool);
            let target = |pid, lane| Target { specimen, lane, counts_its_own, pid, port, v6 };
            targets.push(target(place.process.as_ref().map(|process| process.child.pid()), Lane::Kernel));
            let workers = place.process.iter().flat_map(|process| process.workers.iter().enumerate());
            targets.extend(workers.filter_map(|(n, worker)| Some(target(Some(worker.pid?), Lane::Process(n as u8, Part::Kernel)))));
        }
        self.sampler.watch(targets);
    }

    fn say(&mut self, specimen: SpecimenId, what: What) {
        self.say_of(specimen, Lane::Lab, what);
    }

    fn say_of(&mut self, specimen: SpecimenId, lane: Lane, what: What) {
        self.say_then(self.clock.now(), specimen, lane, what);
    }

    /// Of a moment that is past, but not before what has been handed out already.
    fn say_then(&mut self, at: Nanos, specimen: SpecimenId, lane: Lane, what: What) {
        self.said.push(Fact::Event(Event { at, from: Origin { specimen, lane }, what }));
    }

    /// Drains a place's rings into `events`.
    fn drain(
        records: &mut Vec<crate::telemetry::event::Record>,
        clock: &Clock,
        place: &mut Place,
        events: &mut Vec<Event>,
        lost: &mut Vec<(SpecimenId, Lane, What)>,
    ) -> bool {
        let base = clock.base();
        let id = place.id;
        let mut take = |ring: &mut Consumer, lane: Lane| {
            records.clear();
            let dropped = ring.drain(ROUND, records);
            let from = Origin { specimen: id, lane };
            let before = events.len();
            events.extend(records.iter().filter_map(|r| Some(Event { at: base.nanos(r.stamp()), from, what: r.what()? })));
            if dropped > 0 {
                let (lane, ring) = loser(lane);
                lost.push((id, lane, What::Lost { ring, events: u32::try_from(dropped).unwrap_or(u32::MAX) }));
            }
            events.get(before..).is_some_and(|new| matches!(lane, Lane::Process(_, Part::Lab)) && !new.is_empty())
        };
        let mut changed = false;
        if let Some(process) = &mut place.process {
            for (lane, ring) in &mut process.rings {
                changed |= take(ring, *lane);
            }
        }
        if let Some(load) = &mut place.load {
            take(&mut load.ring, Lane::Load);
        }
        changed
    }

    /// What masters have told of their workers in these events: who runs now.
    fn follow(&mut self, events: &[Event]) {
        let now = self.clock.now();
        for event in events {
            let Lane::Process(n, Part::Lab) = event.from.lane else { continue };
            let place = self.places.get_mut(usize::from(event.from.specimen.0));
            let process = place.and_then(|place| place.process.as_mut());
            let Some(worker) = process.and_then(|process| process.workers.get_mut(usize::from(n))) else { continue };
            match event.what {
                What::Spawned { pid, .. } => {
                    worker.pid = Some(pid);
                    worker.condemned = false;
                    worker.watchdog.spawned(now);
                }
                What::Died { .. } => worker.pid = None,
                _ => {}
            }
        }
        self.watch();
    }

    /// Looks after the processes: who has ended, who must be killed, who is to be replaced.
    fn tend(&mut self) -> anyhow::Result<()> {
        for n in 0..self.places.len() {
            let now = self.clock.now();
            let place = &mut self.places[n];
            let id = place.id;
            if let Some(load) = &mut place.load
                && let Some(End { signal, code }) = load.child.look().context("waiting for a load")?
            {
                // The load is ours: if somebody kills it, it is started again; if it cannot run at all, that is an error of the lab.
                anyhow::ensure!(signal != 0 || code == 0, "the load ended with code {code}: {}", load.child.last_words());
                place.load = None;
                self.spawn_load(n)?;
                continue;
            }
            let Some(process) = &mut place.process else {
                if place.supervisor.respawn_is_due(now) {
                    self.spawn(n)?;
                }
                continue;
            };
            if process.child.look().context("waiting for a specimen")?.is_some() {
                self.bury(n)?;
            } else if self.suspended.is_none()
                && !process.condemned
                && let Some(after) = place.supervisor.watch(&process.shared, &self.clock)
            {
                process.condemned = true;
                process.child.signal(Signal::KILL);
                self.say(id, What::WatchdogKilled { after: millis(after) });
            } else if self.suspended.is_none() {
                self.tend_workers(n);
            }
        }
        Ok(())
    }

    /// Kills the worker processes that are stuck for too long; their master replaces them.
    fn tend_workers(&mut self, n: usize) {
        let place = &mut self.places[n];
        let (id, Some(process)) = (place.id, &mut place.process) else { return };
        let mut killed = Vec::new();
        for (w, worker) in process.workers.iter_mut().enumerate().filter(|(_, worker)| !worker.condemned && worker.pid.is_some()) {
            if let Some(after) = worker.watchdog.watch(&worker.shared, &self.clock) {
                worker.condemned = true;
                worker.kill();
                killed.push((w as u8, after));
            }
        }
        for (w, after) in killed {
            self.say_of(id, Lane::Process(w, Part::Lab), What::WatchdogKilled { after: millis(after) });
        }
    }

    /// A specimen's process has ended: its last events and words are taken, then it is gone.
    fn bury(&mut self, n: usize) -> anyhow::Result<()> {
        let (mut events, mut lost) = (Vec::new(), Vec::new());
        Self::drain(&mut self.records, &self.clock, &mut self.places[n], &mut events, &mut lost);
        self.early.append(&mut events);
        for (id, lane, what) in lost {
            self.say_of(id, lane, what);
        }
        let place = &mut self.places[n];
        let id = place.id;
        let Some(mut process) = place.process.take() else { return Ok(()) };
        let end = process.child.look().context("waiting for a specimen")?.unwrap_or(End { signal: 0, code: 0 });
        place.supervisor.died(self.clock.now());
        let words = process.child.last_words();
        self.say(id, What::Died { signal: end.signal, code: end.code });
        self.said.push(Fact::LastWords(id, words));
        self.watch();
        Ok(())
    }

    /// Tells a specimen, or refuses.
    fn tell(&mut self, n: usize, control: Control) -> Result<(), Refusal> {
        self.seq = self.seq.wrapping_add(1);
        let place = &self.places[n];
        let name = || place.config.name.clone();
        let process = place.process.as_ref().ok_or_else(|| Refusal::Dead(name()))?;
        process.child.tell(&Message { seq: self.seq, control }).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => Refusal::Stuck(name()),
            // It has closed its end: it is dying.
            _ => Refusal::Dead(name()),
        })
    }

    /// Puts a fault into the next request's callback, or switches a standing one on, in the running process and in those that follow it.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn inject(&mut self, n: usize, fault: FaultSetting) -> Result<(), Refusal> {
        let kind = fault.kind();
        let model = models::row(self.places[n].config.model.kind());
        if !model.suffers(kind) {
            return Err(OutOfRange::Fault(kind, model.kind).into());
        }
        if faults::row(kind).standing {
            let place = &mut self.places[n];
            place.faults.retain(|f| f.kind() != kind);
            place.faults.push(fault);
            if let Some(senders) = fault.senders() {
                self.steer(n, LoadControl::SlowSenders(senders))?;
            }
            if fault == FaultSetting::GreedyPeer {
                self.steer(n, LoadControl::Greedy(true))?;
            }
            self.tell_or_keep(n, Control::Inject(fault))?;
        } else {
            self.tell(n, Control::Inject(fault))?;
        }
        let millis = (fault.length().0 / 1_000_000) as u32;
        self.say(SpecimenId(n as u8), What::FaultAsked { fault: kind, millis });
        Ok(())
    }

    /// Switches a standing fault off.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn cure(&mut self, n: usize, fault: Fault) -> Result<(), Refusal> {
        self.places[n].faults.retain(|f| f.kind() != fault);
        if fault == Fault::SlowSenders {
            self.steer(n, LoadControl::SlowSenders(0))?;
        }
        if fault == Fault::GreedyPeer {
            self.steer(n, LoadControl::Greedy(false))?;
        }
        self.tell_or_keep(n, Control::Cure(fault))
    }

    /// Switches a mitigation on, in the running process and in those that follow it.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn apply(&mut self, n: usize, setting: MitigationSetting) -> Result<(), Refusal> {
        let place = &mut self.places[n];
        let row = models::row(place.config.model.kind());
        if !row.takes(setting.kind()) {
            return Err(OutOfRange::Mitigation(setting.kind(), row.kind).into());
        }
        place.mitigations.retain(|m| m.kind() != setting.kind());
        place.mitigations.push(setting);
        if let MitigationSetting::Supervisor { .. } = setting {
            // The lab's own: it works also on a loop that is stuck, and at once on one that is dead.
            place.supervisor = Supervisor::new(&place.mitigations);
            place.watch_workers(self.clock.now());
            if place.process.is_none() {
                place.supervisor.died(self.clock.now());
            }
            self.say(SpecimenId(n as u8), What::Mitigated { mitigation: Mitigation::Supervisor, on: 1 });
            return Ok(());
        }
        self.tell_or_keep(n, Control::Apply(setting))
    }

    /// Switches a mitigation off.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn revoke(&mut self, n: usize, mitigation: Mitigation) -> Result<(), Refusal> {
        let place = &mut self.places[n];
        place.mitigations.retain(|m| m.kind() != mitigation);
        if mitigation == Mitigation::Supervisor {
            place.supervisor = Supervisor::new(&[]);
            place.watch_workers(self.clock.now());
            self.say(SpecimenId(n as u8), What::Mitigated { mitigation, on: 0 });
            return Ok(());
        }
        self.tell_or_keep(n, Control::Revoke(mitigation))
    }

    /// A dead specimen cannot be told, but its next process will be started with what is set.
    fn tell_or_keep(&mut self, n: usize, control: Control) -> Result<(), Refusal> {
        match self.tell(n, control) {
            Err(Refusal::Dead(_)) => {
                let what = match control {
                    Control::Apply(setting) => What::Mitigated { mitigation: setting.kind(), on: 1 },
                    Control::Revoke(mitigation) => What::Mitigated { mitigation, on: 0 },
                    Control::Inject(setting) => What::Faulted { fault: setting.kind(), on: 1 },
                    Control::Cure(fault) => What::Faulted { fault, on: 0 },
                    Control::Stop => return Ok(()),
                };
                self.say(SpecimenId(n as u8), what);
                Ok(())
            }
            other => other,
        }
    }

    /// Kills a specimen's process, as `kill -9` would; of a master's workers the one whose turn it is.
    ///
    /// # Errors
    /// A [`Refusal`] where it is dead already.
    pub fn kill(&mut self, n: usize) -> Result<(), Refusal> {
        let place = &mut self.places[n];
        let process = place.process.as_ref().ok_or_else(|| Refusal::Dead(place.config.name.clone()))?;
        let count = process.workers.len();
        let worker = (0..count).map(|n| (place.next + n) % count).find(|n| process.workers[*n].pid.is_some());
        if let Some(worker) = worker {
            place.next = worker + 1;
            process.workers[worker].kill();
        } else {
            process.child.signal(Signal::KILL);
        }
        Ok(())
    }

    /// Starts a new process for a specimen; one that runs is killed first.
    ///
    /// # Errors
    /// Where the new one cannot be started.
    pub fn respawn(&mut self, n: usize) -> anyhow::Result<()> {
        if let Some(process) = &mut self.places[n].process {
            process.child.signal(Signal::KILL);
            process.child.wait().context("waiting for a specimen")?;
            self.bury(n)?;
        }
        self.spawn(n)
    }

    /// Starts a specimen again, built on the next model. What means nothing to that one is off.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn next_model(&mut self, n: usize) -> anyhow::Result<()> {
        let place = &mut self.places[n];
        let next = &models::MODELS[(place.config.model.kind() as usize + 1) % models::MODELS.len()];
        place.config.model = next.default;
        // A socket that nobody accepts from must not be dealt connections.
        place.listeners.truncate(next.default.listeners());
        place.mitigations.retain(|setting| next.takes(setting.kind()));
        place.faults.retain(|setting| next.suffers(setting.kind()));
        self.respawn(n)
    }

    /// Changes the load of one place or of all.
    ///
    /// # Errors
    /// A [`Refusal`] where the load does not take it.
    pub fn steer(&mut self, n: usize, control: LoadControl) -> Result<(), Refusal> {
        match control {
            LoadControl::Rate(rate) => self.load.rate = rate,
            LoadControl::Connections(connections) => self.load.connections = connections,
            LoadControl::SlowSenders(_) | LoadControl::Greedy(_) | LoadControl::Pause | LoadControl::Resume | LoadControl::Stop => {}
        }
        match &self.places[n].load {
            Some(load) => load.child.tell(&control).map_err(|e| Refusal::System(e.to_string())),
            None => Err(Refusal::System("the load is being started".into())),
        }
    }

    /// A named mark, as a fact about every specimen.
    pub fn mark(&mut self, mark: u32) {
        for n in 0..self.places.len() {
            self.say(SpecimenId(n as u8), What::Marked { mark });
        }
    }

    /// Waits for this from here on, on one specimen or on any; or for nothing.
    pub fn arm(&mut self, only: Option<SpecimenId>, setting: Option<TriggerSetting>) {
        let what = match setting {
            None => What::Disarmed {},
            Some(setting) => {
                let over = setting.over().map_or(0, |over| u32::try_from(over.0 / 1_000).unwrap_or(u32::MAX));
                What::Armed { trigger: (setting.kind(), u16::from(only.is_some())), over }
            }
        };
        self.say(only.unwrap_or_default(), what);
    }

    /// Ends every process and closes the listeners.
    pub fn shut(&mut self) {
        self.sampler.watch(Vec::new());
        self.places.clear();
    }

    /// How many specimens there are.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// Stops every process where it stands, because the lab itself is about to be stopped.
    pub fn suspend(&mut self) {
        self.suspended.get_or_insert(self.clock.now());
        self.signal_all(Signal::STOP);
    }

    /// Lets every process go on. What lies in between was not watched, and was not the loop's doing.
    pub fn resume(&mut self) {
        if let Some(since) = self.suspended.take() {
            self.signal_all(Signal::CONT);
            let now = self.clock.now();
            let millis = (now.since(since).0 / 1_000_000) as u32;
            for n in 0..self.places.len() {
                let place = &mut self.places[n];
                place.supervisor.excuse(now);
                place.process.iter_mut().flat_map(|process| &mut process.workers).for_each(|worker| worker.watchdog.excuse(now));
                self.say(SpecimenId(n as u8), What::Unwatched { millis });
            }
        }
    }

    fn signal_all(&self, signal: Signal) {
        for place in &self.places {
            for child in place.process.iter().map(|p| &p.child).chain(place.load.iter().map(|l| &l.child)) {
                child.signal_group(signal);
            }
        }
    }
}

impl Place {
    /// The supervisor is another one: its watchdog is each worker's.
    fn watch_workers(&mut self, now: Nanos) {
        for worker in self.process.iter_mut().flat_map(|process| &mut process.workers) {
            worker.watchdog = Supervisor::new(&self.mitigations);
            worker.watchdog.excuse(now);
        }
    }
}

impl WorkerProcess {
    fn kill(&self) {
        if let Some(pid) = self.pid.and_then(|pid| Pid::from_raw(pid as i32)) {
            // Until its master has reaped and replaced it, the number is its own; what fails here is that it is gone already.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

fn millis(time: Nanos) -> u32 {
    u32::try_from(time.0 / 1_000_000).unwrap_or(u32::MAX)
}

/// The rings of a specimen's process, each with what it reports.
fn lanes(model: Model, shared: &Shared) -> Vec<(Lane, Consumer)> {
    let lane = |ring: usize| match (ring, model) {
        (0, _) => Lane::Loop,
        (n, Model::EventLoop) => Lane::Worker(n as u8 - 1),
        (n, Model::ThreadPerConnection | Model::ThreadPool) => Lane::Threads(n as u8 - 1),
        // What a master reports of its workers.
        (n, Model::Workers) => Lane::Process(n as u8 - 1, Part::Lab),
    };
    (0..shared.rings()).map(|ring| (lane(ring), shared.consumer(ring))).collect()
}

/// What a ring of a worker process reports.
fn part(ring: usize) -> Part {
    if ring == 0 { Part::Loop } else { Part::Worker(ring as u8 - 1) }
}

/// Who says that a ring has dropped events, and the number that the ring bears there.
fn loser(lane: Lane) -> (Lane, u32) {
    let number = |lane| match lane {
        Lane::Worker(n) | Lane::Threads(n) => 1 + u32::from(n),
        Lane::Load => LOAD_RING,
        _ => 0,
    };
    match lane {
        Lane::Process(n, part) => (Lane::Process(n, Part::Lab), number(part.lane())),
        lane => (Lane::Lab, number(lane)),
    }
}

impl Source for Live {
    fn poll(&mut self, into: &mut Vec<Fact>) -> anyhow::Result<Nanos> {
        self.tend()?;
        let now = self.clock.now();
        self.sampler.hurry(self.places.iter().any(|place| place.wants_a_look(&self.clock)));
        if now >= self.own_cost_due {
            self.own_cost_due = now + OWN_COST;
            self.say(SpecimenId(0), sampler::own_cost());
        }
        // Everything stamped before this moment has been published, or will be in a moment; what is stamped later waits for the next round,
        // because a ring that was read before it was written may hold something older.
        let cut = self.clock.now();
        let mut events = std::mem::take(&mut self.early);
        let mut lost = Vec::new();
        let mut changed = false;
        for place in &mut self.places {
            changed |= Self::drain(&mut self.records, &self.clock, place, &mut events, &mut lost);
        }
        if changed {
            self.follow(&events);
        }
        self.sampler.take(&mut events);
        for (id, lane, what) in lost {
            self.say_of(id, lane, what);
        }
        let mut words = Vec::new();
        for fact in self.said.drain(..) {
            match fact {
                Fact::Event(event) => events.push(event),
                fact @ Fact::LastWords(..) => words.push(fact),
            }
        }
        // Runs that are sorted already, one per ring: a merge, not a sort.
        events.sort_by_key(|e| e.at);
        let ready = events.partition_point(|e| e.at <= cut);
        self.early = events.split_off(ready);
        into.extend(events.into_iter().map(Fact::Event));
        if self.early.iter().any(|e| matches!(e.what, What::Died { .. })) {
            // Last words belong to a death that is told in the next round.
            self.said.append(&mut words);
        } else {
            into.append(&mut words);
        }
        Ok(cut)
    }
}

/// Where the load reaches a listener: one that is bound to every address is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let ip = if address.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) };
        SocketAddr::new(ip, address.port())
    } else {
        address
    }
}
