//! The named places in the loop where a fault or a mitigation can take hold. Without any, each place does what it says by itself.
//!
//! A fault and a mitigation are the same kind of thing: a [`Hook`] with some methods that are not the default. The table row
//! ([`super::faults`], [`super::mitigations`]) makes it from its setting; the loop calls it at the place and knows nothing of its kind.
//!
//! Some faults strike once: they are armed, and the next request's callback takes one. Others are standing: a bad habit that lasts until it
//! is cured, in every process that runs the same code. Habits are plain values ([`Habits`]), put together when something is
//! switched, so that the places that every request passes ask no hook: first the standing faults spoil them, then the mitigations mend them.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use mio::{Registry, Token};

use super::control::{FaultSetting, MitigationSetting};
use super::pool::{Completions, Slots};
use super::server::INPUT;
use super::sessions;
use super::styles::Query;
use super::work::Work;
use super::{faults, mitigations};
use crate::base::clock::Clock;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::shared::Shared;
use crate::telemetry::vocabulary::{Fault, Handler, Mitigation, Style};

/// The places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// A request has been read; its handler is about to run ([`Hook::request`]).
    Request,
    /// Work is to be done ([`Hook::work`]).
    Work,
    /// A callback ends in a panic ([`Habits::catches_panics`]).
    Edge,
    /// A connection is readable ([`Habits::drains`], [`Habits::reads`], [`Habits::read_size`]).
    Read,
    /// Answers could not all be sent ([`Habits::high_water`]).
    Write,
    /// A connection's end has been read, or nothing happens on it any more ([`Habits::closes_at_end`], [`Habits::idle`]).
    End,
    /// A connection is to be accepted and there is no descriptor for it ([`Habits::keeps_reserve`]).
    Accept,
    /// A handler waits for others ([`Habits::style`], [`Habits::forgets_branch`], [`Habits::catches_at_end`], [`Habits::rejections`]).
    Chain,
    /// A connection begins or is over ([`Habits::session`]).
    Session,
    /// A part of a request's head has come ([`Habits::head_patience`]).
    Head,
    /// Outside the process: the load does it, and the loop only says that it knows.
    Load,
    /// Outside the process: the lab does it, and the loop only says that it knows.
    Lab,
}

/// What takes hold at some of the places. The defaults change nothing.
pub trait Hook {
    /// At [`Point::Request`]: what must be over before the handler runs. Called once for a fault, which is spent then.
    fn request(&mut self) -> Needs {
        Needs::Nothing
    }

    /// At [`Point::Work`]: does the work, places it elsewhere, or leaves it to the next one.
    fn work(&mut self, job: Job, clock: &Clock) -> Placed {
        let _ = clock;
        Placed::Untouched(job)
    }

    /// At all other places: what becomes of the loop's habits.
    fn habits(&self, habits: &mut Habits) {
        let _ = habits;
    }
}

/// How the loop goes about what it does all the time. The default is the clean loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own, switched by itself")]
pub struct Habits {
    /// A panic ends only the connection whose callback it was.
    pub catches_panics: bool,
    /// A readable connection is read until the kernel has no more; otherwise once for each edge.
    pub drains: bool,
    /// Reads of one connection in one callback, at most; the rest has its turn in the next tick.
    pub reads: u32,
    /// Bytes that one read takes at most.
    pub read_size: usize,
    /// Bytes of a connection's answers that may be unsent while more of its requests are read and answered. The clean loop allows none:
    /// what the peer does not take is not made.
    pub high_water: u64,
    /// A connection whose end has been read is closed.
    pub closes_at_end: bool,
    /// One descriptor is kept in reserve for turning connections away.
    pub keeps_reserve: bool,
    /// How long a connection may be idle before it is closed; without, for ever.
    pub idle: Option<Nanos>,
    /// How `/chain` is written.
    pub style: Style,
    /// One of its branches, as nested callbacks, answers nobody.
    pub forgets_branch: bool,
    /// A chain of promises ends with a handler.
    pub catches_at_end: bool,
    /// What becomes of a rejection that nobody handled.
    pub rejections: Rejections,
    /// What is kept beside each connection, and how; without, nothing.
    pub session: Option<sessions::Style>,
    /// How long a request may have waited for its turn before it is answered with 503; without, for ever.
    pub sheds_above: Option<Nanos>,
    /// How long a request's head may take from its first byte on; without, for ever.
    pub head_patience: Option<Nanos>,
}

/// What becomes of a rejection that nobody handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejections {
    /// Nothing.
    Unnoticed,
    /// It is written to standard error.
    Logged,
    /// The process ends.
    Fatal,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            catches_panics: false,
            drains: true,
            reads: MOST_READS,
            read_size: INPUT,
            high_water: 0,
            closes_at_end: true,
            keeps_reserve: true,
            idle: None,
            style: Style::Callbacks,
            forgets_branch: false,
            catches_at_end: false,
            rejections: Rejections::Unnoticed,
            session: None,
            sheds_above: None,
            head_patience: None,
        }
    }
}

/// What must be over before a request can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// So much time; the loop goes on meanwhile.
    Time(Nanos),
    /// So much work.
    Work(Work),
    /// What somebody's code says about it.
    Errand(Errand),
    /// Jobs that repeat, every so often; they do not keep it waiting.
    Beats(Nanos),
    /// To end in a panic in the middle of its work.
    Panic,
}

/// Code that is run for a request, and says what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Three dependent calls to the upstream.
    Chain(Query),
    /// A look for a user that is not there.
    Lookup,
}

/// Work, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The connection's place in the loop.
    pub token: Token,
    /// The connection.
    pub conn: ConnId,
    /// What its request asked for.
    pub handler: Handler,
    /// The work.
    pub work: Work,
    /// Whether it was put off before, and a task of a later tick takes it up again.
    pub is_task: bool,
}

/// What became of work.
#[derive(Debug)]
pub enum Placed {
    /// Nobody took it.
    Untouched(Job),
    /// It is done.
    Done,
    /// A worker has it; the loop will hear of it through its waker.
    Worker,
    /// This is left of it, for a later tick.
    Later(Job),
    /// It was only to wait for somebody, who has been asked; the loop will hear of it when there is something to read.
    Asked(UnixStream),
}

/// What a hook may be built on.
#[derive(Debug)]
pub struct Ground {
    /// The lab's clock.
    pub clock: Clock,
    /// The mapping, if the specimen is watched: each worker has a ring of its own.
    pub shared: Option<Shared>,
    /// Jobs that workers have done.
    pub completions: Arc<Completions>,
    /// Which worker rings are in use.
    pub slots: Arc<Slots>,
}

/// Reads that one callback of the clean loop makes at most: 1 MiB.
const MOST_READS: u32 = 16;
/// Faults that wait for a request, at most.
const MOST_ARMED: usize = 1024;

/// What has taken hold of a loop.
pub struct Hooks {
    ground: Ground,
    armed: VecDeque<FaultSetting>,
    standing: Vec<(Fault, Box<dyn Hook>)>,
    on: Vec<(Mitigation, Box<dyn Hook>)>,
    habits: Habits,
}

impl Hooks {
    /// None.
    pub fn new(ground: Ground) -> Self {
        Self { ground, armed: VecDeque::new(), standing: Vec::new(), on: Vec::new(), habits: Habits::default() }
    }

    /// Arms a fault for the next request. False if too many wait already.
    pub fn arm(&mut self, setting: FaultSetting) -> bool {
        let room = self.armed.len() < MOST_ARMED;
        if room {
            self.armed.push_back(setting);
        }
        room
    }

    /// Switches a standing fault on, or changes how it is set.
    pub fn stand(&mut self, setting: FaultSetting) {
        let kind = setting.kind();
        self.standing.retain(|(k, _)| *k != kind);
        self.standing.push((kind, faults::row(kind).hook(setting)));
        self.standing.sort_by_key(|(k, _)| *k);
        self.look();
    }

    /// Switches a standing fault off. False if it was not on.
    pub fn cure(&mut self, kind: Fault) -> bool {
        let before = self.standing.len();
        self.standing.retain(|(k, _)| *k != kind);
        self.look();
        self.standing.len() < before
    }

    /// Takes the fault that waits longest for a request.
    #[inline]
    pub fn take_armed(&mut self) -> Option<(Fault, Box<dyn Hook>)> {
        let setting = self.armed.pop_front()?;
        Some((setting.kind(), faults::row(setting.kind()).hook(setting)))
    }

    /// Switches a mitigation on, or changes how it is set.
    ///
    /// # Errors
    /// What starting it says; `InvalidInput` for a setting that cannot be. Then everything is as before.
    pub fn apply(&mut self, setting: MitigationSetting, registry: &Registry) -> io::Result<()> {
        let kind = setting.kind();
        let hook = mitigations::row(kind).hook(setting, &self.ground, registry)?;
        self.on.retain(|(k, _)| *k != kind);
        self.on.push((kind, hook));
        // In the order of their numbers, whichever came first: the pool takes work before slicing does.
        self.on.sort_by_key(|(k, _)| *k);
        self.look();
        Ok(())
    }

    /// Switches a mitigation off. False if it was not on.
    pub fn revoke(&mut self, kind: Mitigation) -> bool {
        let before = self.on.len();
        self.on.retain(|(k, _)| *k != kind);
        self.look();
        self.on.len() < before
    }

    fn look(&mut self) {
        self.habits = Habits::default();
        self.standing.iter().for_each(|(_, hook)| hook.habits(&mut self.habits));
        self.on.iter().for_each(|(_, hook)| hook.habits(&mut self.habits));
    }

    /// Which mitigations are on.
    pub fn mitigations(&self) -> impl Iterator<Item = Mitigation> {
        self.on.iter().map(|(kind, _)| *kind)
    }

    /// Which standing faults are on.
    pub fn standing(&self) -> impl Iterator<Item = Fault> {
        self.standing.iter().map(|(kind, _)| *kind)
    }

    /// The loop's habits.
    #[inline]
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// Has work done: by the first that takes it, or here and now.
    pub fn work(&mut self, mut job: Job) -> Placed {
        let clock = self.ground.clock;
        for (_, hook) in &mut self.on {
            match hook.work(job, &clock) {
                Placed::Untouched(same) => job = same,
                placed => return placed,
            }
        }
        job.work.run(&clock);
        Placed::Done
    }

    /// The next job that a worker has done.
    pub fn next_completion(&self) -> Option<Token> {
        self.ground.completions.take()
    }
}
