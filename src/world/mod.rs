//! What the events so far add up to: a pure fold, and the only thing that screens, findings and reports look at.
//!
//! `world = events.fold(World::new(setup), apply)`: no clock, no I/O, no randomness, so that a live run, its recording and a
//! headless check see the same world. Time passes by events and, where none come (a stuck loop), by [`World::advance`].
//! Every aggregate is one file. Everything is bounded: each collection states its ceiling beside it.
//!
//! A world is cheap to clone (a keyframe of the history is a clone): no aggregate may keep the events themselves.

pub mod chains;
pub mod clients;
pub mod connections;
pub mod curve;
pub mod errands;
pub mod findings;
mod fold;
pub mod history;
mod hogs;
pub mod jobs;
pub mod kernel;
pub mod life;
pub mod measures;
mod passing;
pub mod reactor;
mod size;
pub mod spectrogram;
pub mod spells;
pub mod stalls;
pub mod strip;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod threads;
pub mod trace;
pub mod trigger;
pub mod victims;
mod whole;
pub mod why;
pub mod window;

use window::Slots;

use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Mitigation, Model};

pub use clients::Clients;
pub use connections::{Connection, Connections, Stage};
pub use errands::Errands;
pub use jobs::{Job, Jobs};
pub use kernel::Kernel;
pub use measures::{Measure, Measures};
pub use reactor::{Reactor, Running};
pub use spells::{Spell, Spells};
pub use stalls::{Stall, StallEnd, StallKind, Stalls};
pub use strip::{Slice, Strip};
pub use threads::Threads;
pub use trigger::{Armed, Strike, Struck, TriggerSetting, Triggers};

/// Deaths that are remembered with their last words.
pub const MAX_DEATHS: usize = 32;
/// Faults and mitigations that are remembered with their moments.
pub const MAX_CHANGES: usize = 64;
/// Worker threads that are kept with their identity.
pub const MAX_WORKERS: usize = 8;
/// Bytes of last words that are kept; their end is what tells.
pub const MAX_LAST_WORDS: usize = 4096;

/// How a world is set up: what the fold needs to know of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The specimens' names, in their order.
    pub specimens: Vec<String>,
    /// From which length on a callback is a stall.
    pub stall_threshold: Nanos,
}

/// All that is known of a lab at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The moment: the latest that any event or [`World::advance`] has named.
    pub now: Nanos,
    /// When the first event happened.
    pub started: Option<Nanos>,
    /// From which length on a callback is a stall.
    pub stall_threshold: Nanos,
    /// The specimens, by [`SpecimenId`].
    pub specimens: Vec<Specimen>,
    /// Events folded so far.
    pub events: u64,
    /// Events that were dropped by full rings, by now: a gap, never a zero.
    pub lost: u64,
    /// What the watching itself costs.
    pub own: OwnCost,
    /// What is waited for, and what came.
    pub triggers: Triggers,
    /// The next moment at which time passes for all specimens, not only for the one that an event is about.
    boundary: Nanos,
    /// Events in slots of the last second.
    rate: Slots<u32>,
    /// CPU time of the lab's own process, as reported: when, and how much.
    costs: std::collections::VecDeque<(Nanos, u32)>,
}

/// One specimen.
#[derive(Clone, Debug, PartialEq)]
pub struct Specimen {
    /// Its place.
    pub id: SpecimenId,
    /// Its name in the scenario.
    pub name: String,
    /// Whether it lives.
    pub life: Life,
    /// The port it answers on, once known.
    pub port: Option<u16>,
    /// Processes that it has had before the present one.
    pub respawns: u32,
    /// The loop: phases, ticks, the callback that runs, the ready list, lag.
    pub reactor: Reactor,
    /// Its open connections.
    pub connections: Connections,
    /// Stalls, past and present.
    pub stalls: Stalls,
    /// The last faults and mitigations, with their moments; at most [`MAX_CHANGES`], the oldest forgotten first.
    pub changes: Vec<(Nanos, Change)>,
    /// What mitigations have changed.
    pub measures: Measures,
    /// What has been the matter for a while.
    pub spells: Spells,
    /// What the kernel says.
    pub kernel: Kernel,
    /// What the clients say.
    pub clients: Clients,
    /// The last minute in slices of 10 ms, for the timeline strip.
    pub strip: Strip,
    /// Its worker threads (at most 8).
    pub workers: Vec<Worker>,
    /// The model that it is built on, and how many threads or processes that has (0: as many as it takes).
    pub model: (Model, u32),
    /// Its threads that serve connections, where its model has such.
    pub threads: Threads,
    /// Its worker processes, where it is a master: each with its loop, connections, stalls, deaths and samples, as a specimen by itself
    /// has them. Clients talk to the master's port, so they are here and not there. See [`Specimen::loops`].
    pub processes: Vec<Specimen>,
    /// Which mitigations are on, by [`Mitigation`].
    pub mitigations: [bool; Mitigation::COUNT],
    /// Which standing faults are on, by [`Fault`].
    pub faults: [bool; Fault::COUNT],
    /// Sessions in memory and what their callbacks have taken along, in KiB; nothing where it keeps none.
    pub live: Option<(u32, u32)>,
    /// How its processes ended; at most [`MAX_DEATHS`], the oldest forgotten first.
    pub deaths: Vec<Death>,
    /// All deaths so far.
    pub died: u32,
    /// Panics caught at the callback's edge.
    pub caught: u32,
    /// What the counter that all its requests share said last, and what it should have said: the difference is what was lost.
    pub counted: Option<(u32, u32)>,
    /// What a panic that was caught has left missing from the accounts that all its requests share; nothing before there was one.
    pub missing: Option<Missing>,
    /// How far jobs that repeat were behind when they last ran, and the most that they have been: counted from the last run, and from the first
    /// moment; nothing where there are none.
    pub beats: Option<[(Nanos, Nanos); 2]>,
    /// Long work, each piece as a whole.
    pub jobs: Jobs,
    /// What its handlers do that wait for others.
    pub errands: Errands,
    /// Events of its rings that were dropped.
    pub lost: u64,
    /// When events of its rings were last found to have been dropped.
    pub lost_at: Option<Nanos>,
    /// The last fault that somebody asked for, when, and whether it has taken hold since.
    pub asked: Option<Asked>,
    /// The last order that it has carried out, and whether it could.
    pub applied: Option<(u32, bool)>,
    /// The last mark, and when it was reached.
    pub marked: Option<(u32, Nanos)>,
    /// From which length on a callback is a stall.
    threshold: Nanos,
    /// Up to when its time has been accounted for.
    passed: Nanos,
    /// Requests under way and sent when the callback that runs began.
    begun: (u32, u64),
    /// The longest accept queue sampled since the callback that runs began.
    queue: u32,
    /// The watchdog has killed it, and its end is not reported yet.
    watchdog: bool,
    /// Last words that came before the end was reported.
    words: String,
}

/// Something was broken or mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A fault was asked for (`true`), or a standing one was cured.
    Fault(Fault, bool),
    /// A mitigation was switched on (`true`) or off.
    Mitigation(Mitigation, bool),
}

/// What is missing from accounts that are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// How much.
    pub units: u32,
    /// How many transfers had been begun.
    pub begun: u32,
    /// Since when anything is missing, or when it was looked.
    pub since: Nanos,
}

/// A fault that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub fault: Fault,
    /// When.
    pub at: Nanos,
    /// How much of it, where it has a length.
    pub length: Nanos,
    /// Whether it has taken hold of a callback since.
    pub struck: bool,
}

/// Whether a specimen lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its process has not been started yet, or is being replaced.
    Starting,
    /// It runs.
    Running {
        /// Its process.
        pid: u32,
        /// Since when.
        since: Nanos,
    },
    /// Its process has ended and none has taken its place.
    Dead {
        /// The signal, or 0.
        signal: u32,
        /// The exit code where the signal is 0.
        code: u32,
        /// Since when.
        since: Nanos,
    },
}

/// The end of one process of a specimen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When.
    pub at: Nanos,
    /// Which process.
    pub pid: u32,
    /// The signal, or 0.
    pub signal: u32,
    /// The exit code where the signal is 0.
    pub code: u32,
    /// Connections that it took with it.
    pub connections: u32,
    /// Whether the supervisor's watchdog killed it.
    pub by_watchdog: bool,
    /// The tail of what it wrote on standard error, made safe for a terminal; empty until it is known.
    pub last_words: String,
}

/// A worker thread, as its ring tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    /// The job it is on: of which connection, and since when.
    pub job: Option<(crate::base::ids::ConnId, crate::telemetry::vocabulary::Handler, Nanos)>,
    /// Jobs done.
    pub done: u64,
    /// Time spent on them.
    pub busy: Nanos,
}

/// What the lab's own process costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnCost {
    /// Share of one core over the last second, 0 to 1 and up.
    pub cpu: f64,
    /// Resident memory in KiB.
    pub resident: u32,
    /// Events a second, over the last second.
    pub event_rate: f64,
}
