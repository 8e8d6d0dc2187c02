//! The words of a scenario file, version 1, as they are read. What can be wrong beyond the grammar is found by validation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::experiment::{Call, Experiment, Habit};
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::load::plan::Load;
use crate::specimen::config::{Limits, ModelSetting};
use crate::specimen::control::{FaultSetting, MitigationSetting};
use crate::telemetry::vocabulary::{CloseReason, Fault, Outcome};

/// Text in the languages it is written in: `{ "en": "...", "zh": "..." }`. English is required.
pub type Text = BTreeMap<String, String>;

/// How long a run goes on after its last cue, where the script does not say when it stops: long enough for what the cue did to be seen.
pub const AFTERMATH: Nanos = Nanos::secs(2);

/// The words of a text in this language, in English where it has none.
pub fn words(text: &Text, lang: Lang) -> &str {
    text.get(lang.code()).or_else(|| text.get(Lang::En.code())).map_or("", String::as_str)
}

/// One lesson or experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called by on the command line: lower-case letters, digits and hyphens.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// One or two sentences: what it shows.
    #[serde(default)]
    pub summary: Text,
    /// One to four specimens; none where there is an experiment.
    #[serde(default)]
    pub specimens: Vec<Specimen>,
    /// What is measured in place of specimens, or beside them.
    #[serde(default)]
    pub experiment: Option<Experiment>,
    /// The load, the same for each specimen.
    #[serde(default)]
    pub load: Load,
    /// From which length on a callback is a stall.
    #[serde(default = "default_threshold")]
    pub stall_threshold: Nanos,
    /// What happens when (a headless run follows it; in the scope the person at the keyboard does it instead, or lets it play).
    #[serde(default)]
    pub script: Vec<Cue>,
    /// What the lesson says.
    #[serde(default)]
    pub lesson: Vec<Step>,
    /// Questions as an interviewer would ask them, for the end of the lesson.
    #[serde(default)]
    pub review: Vec<Question>,
    /// What must have been true when the script has ended.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

impl Scenario {
    /// When a headless run ends, since the lab was ready: at the first `Stop`; without one, [`AFTERMATH`] after the last cue.
    pub fn end(&self) -> Nanos {
        let stop = self.script.iter().filter(|cue| cue.command == Command::Stop).map(|cue| cue.at).min();
        stop.unwrap_or_else(|| self.script.iter().map(|cue| cue.at).max().unwrap_or_default() + AFTERMATH)
    }

    /// The place of the specimen of this name.
    pub fn specimen(&self, name: &str) -> Option<SpecimenId> {
        let at = self.specimens.iter().position(|specimen| specimen.name == name)?;
        u8::try_from(at).ok().map(SpecimenId)
    }
}

fn default_threshold() -> Nanos {
    Nanos::millis(50)
}

/// One server under observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specimen {
    /// Its name, unique in the scenario.
    pub name: String,
    /// What it is called on the screen, where its name is not enough.
    #[serde(default)]
    pub title: Text,
    /// What is on from the beginning.
    #[serde(default)]
    pub mitigations: Vec<MitigationSetting>,
    /// What is wrong with it from the beginning: standing faults.
    #[serde(default)]
    pub faults: Vec<FaultSetting>,
    /// What it is there for.
    #[serde(default)]
    pub role: Role,
    /// What a request may be.
    #[serde(default)]
    pub limits: Limits,
    /// How it waits for many clients at once.
    #[serde(default)]
    pub model: ModelSetting,
}

/// What a specimen is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// It serves the load.
    #[default]
    Server,
    /// It serves the other specimens' upstream calls (`/chain`) and has no load of its own. What is meant for all passes it by. At most one;
    /// without one, a specimen calls itself.
    Upstream,
}

/// One timed command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// When, since the lab is up and its clients are connected.
    pub at: Nanos,
    /// For which specimen; without it, for all.
    #[serde(default)]
    pub specimen: Option<String>,
    /// What.
    #[serde(rename = "do")]
    pub command: Command,
}

/// A question with its model answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked.
    pub ask: Text,
    /// What one would like to hear.
    pub answer: Text,
}

/// One step of a lesson. Its texts may name figures of the run, as `{p99:naive}`; see [`figures`](super::figures).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Says something.
    Say(Text),
    /// Asks what will happen.
    Predict {
        /// The question.
        ask: Text,
        /// The choices, two to six.
        choices: Vec<Text>,
        /// Which one is right, from 0.
        answer: u8,
        /// What lets it happen. With it, the truth is told once it has happened; without, as soon as the question is answered.
        #[serde(default)]
        see: Option<See>,
        /// What was measured: a text that names figures, which count from the answer on.
        #[serde(default)]
        found: Option<Text>,
        /// Why.
        because: Text,
    },
    /// Has the person do something, and goes on when it is so.
    Try {
        /// What to do.
        say: Text,
        /// The command that does it: its key is shown, and a headless run carries it out.
        #[serde(rename = "do")]
        command: Command,
        /// For which specimen; without it, for the chosen one.
        #[serde(default)]
        specimen: Option<String>,
        /// When it is done.
        #[serde(default)]
        until: Option<Expectation>,
    },
    /// Has the person reach a goal by own means.
    Task(Task),
}

/// What lets a prediction come true, or not: done by the person, as in a [`Step::Try`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct See {
    /// What to do, and what to look at.
    pub say: Text,
    /// The command that does it.
    #[serde(rename = "do")]
    pub command: Command,
    /// For which specimen; without it, for the chosen one.
    #[serde(default)]
    pub specimen: Option<String>,
    /// When it has happened.
    #[serde(default)]
    pub until: Option<Expectation>,
}

/// A goal to be reached by own means: solved when the world says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What is wrong, and what is wanted.
    pub say: Text,
    /// The specimen that it is about. All keys act on it. Empty where it is about the selectors.
    #[serde(default)]
    pub specimen: String,
    /// What is done to it when the task begins: whatever the task needs, so that it does not depend on what was tried before.
    #[serde(default)]
    pub given: Vec<Command>,
    /// How often the faults among these that strike one request strike again until the task is solved; without it, they strike once.
    #[serde(default)]
    pub every: Option<Nanos>,
    /// What must be so: measures of this specimen, that no callback is long, that it is alive.
    pub goal: Vec<Expectation>,
    /// For how long it must have been so: the figures are those of this last stretch of time.
    pub over: Nanos,
    /// Help, from a nudge to nearly everything; two to four.
    pub hints: Vec<Text>,
    /// What solves it.
    pub solution: Vec<Command>,
}

/// A claim about the world that can be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expectation {
    /// A stall of this length happened.
    Stall {
        /// Where.
        specimen: String,
        /// At least so long.
        at_least: Nanos,
        /// At most so long.
        #[serde(default)]
        at_most: Option<Nanos>,
        /// Computing or parked.
        #[serde(default)]
        kind: Option<StallKind>,
        /// Caused by this fault.
        #[serde(default)]
        fault: Option<Fault>,
        /// At least so many clients' requests had to wait.
        #[serde(default)]
        victims: Option<u32>,
    },
    /// No callback held the loop for longer. Time that its thread could have run and the kernel ran others does not count: that is the
    /// machine's doing, and the verdict says so.
    NoStall {
        /// Where.
        specimen: String,
        /// Than this.
        over: Nanos,
    },
    /// A figure lies between two bounds.
    Measure {
        /// Which figure.
        of: Figure,
        /// At least.
        #[serde(default)]
        at_least: Option<f64>,
        /// At most.
        #[serde(default)]
        at_most: Option<f64>,
    },
    /// Two figures stand in a ratio.
    Ratio {
        /// The one above the line.
        of: Figure,
        /// The one below it.
        to: Figure,
        /// At least.
        #[serde(default)]
        at_least: Option<f64>,
        /// At most.
        #[serde(default)]
        at_most: Option<f64>,
    },
    /// The process of this specimen died so often.
    Deaths {
        /// Where.
        specimen: String,
        /// At least.
        #[serde(default)]
        at_least: Option<u32>,
        /// At most.
        #[serde(default)]
        at_most: Option<u32>,
    },
    /// It is alive at the end.
    Alive {
        /// Which.
        specimen: String,
    },
    /// It is dead at the end.
    Dead {
        /// Which.
        specimen: String,
    },
    /// The selectors behave so.
    Selectors(Habit),
}

/// Computing or parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StallKind {
    /// On the CPU.
    Computing,
    /// Asleep in a system call.
    Parked,
}

/// A figure of a specimen. Times are in milliseconds, rates per second, shares from 0 to 1, memory in MiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Figure {
    /// Median latency, from the intended send, over the whole run.
    P50 {
        /// Where.
        specimen: String,
    },
    /// 99th percentile of the same.
    P99 {
        /// Where.
        specimen: String,
    },
    /// 99.9th percentile of the same.
    P999 {
        /// Where.
        specimen: String,
    },
    /// Its maximum.
    Max {
        /// Where.
        specimen: String,
    },
    /// Answered requests a second of the time in which there was load: a pause of it does not count.
    Throughput {
        /// Where.
        specimen: String,
    },
    /// Requests that ended in this way.
    Outcomes {
        /// Where.
        specimen: String,
        /// How.
        outcome: Outcome,
    },
    /// Share of requests that were answered below 400.
    Answered {
        /// Where.
        specimen: String,
    },
    /// The longest callback so far.
    LongestCallback {
        /// Where.
        specimen: String,
    },
    /// Panics that were caught.
    Caught {
        /// Where.
        specimen: String,
    },
    /// The longest accept queue sampled.
    AcceptQueue {
        /// Where.
        specimen: String,
    },
    /// The most bytes that lay unread in the kernel, as sampled.
    Unread {
        /// Where.
        specimen: String,
    },
    /// The most that a timer was late.
    TimerLate {
        /// Where.
        specimen: String,
    },
    /// 99th percentile of how late timers were.
    TimerLateP99 {
        /// Where.
        specimen: String,
    },
    /// System calls for each request, the waits for the next one included.
    CallsPerRequest {
        /// Where.
        specimen: String,
    },
    /// Jobs done by worker threads.
    Jobs {
        /// Where.
        specimen: String,
    },
    /// How long the job that a worker thread has been on for the longest has run by now; 0 with none under way.
    OldestJob {
        /// Where.
        specimen: String,
    },
    /// The most open descriptors sampled.
    Descriptors {
        /// Where.
        specimen: String,
    },
    /// How often accepting failed, for want of a descriptor or otherwise.
    AcceptFailures {
        /// Where.
        specimen: String,
    },
    /// Connections that the server closed for this reason.
    Closed {
        /// Where.
        specimen: String,
        /// Why.
        reason: CloseReason,
    },
    /// Sessions that are in memory, reachable or not.
    LiveObjects {
        /// Where.
        specimen: String,
    },
    /// The most resident memory sampled.
    Memory {
        /// Where.
        specimen: String,
    },
    /// Most time the (busiest) loop thread was on a CPU, as a share of the run.
    Cpu {
        /// Where.
        specimen: String,
    },
    /// Upstream calls that were begun.
    Calls {
        /// Where.
        specimen: String,
    },
    /// Rejections of promises that nobody handled.
    Unhandled {
        /// Where.
        specimen: String,
    },
    /// Of these, those that were written down or that ended the process.
    Noticed {
        /// Where.
        specimen: String,
    },
    /// Requests that nobody was left to answer.
    Abandoned {
        /// Where.
        specimen: String,
    },
    /// Its own memory, in MiB, over all its processes: what is resident without the program's text and the telemetry's rings.
    OwnMemory {
        /// Where.
        specimen: String,
    },
    /// What each connection costs of it, in KiB: its growth between the fewest and the most connections that were sampled.
    MemoryPerConnection {
        /// Where.
        specimen: String,
    },
    /// Connections that it holds open at the end.
    Connections {
        /// Where.
        specimen: String,
    },
    /// Threads at the end, over all its processes.
    Threads {
        /// Where.
        specimen: String,
    },
    /// Context switches a second of all its threads, since the beginning or the last mark, while there was load.
    Switches {
        /// Where.
        specimen: String,
    },
    /// Increments of the counter that all requests to `/count` share that were lost.
    LostUpdates {
        /// Where.
        specimen: String,
    },
    /// CPU time of all its threads, as a share of one core (2: both of two cores all the time), since the beginning or the last mark, while
    /// there was load.
    CpuTotal {
        /// Where.
        specimen: String,
    },
    /// The longest stall; 0 without one.
    LongestStall {
        /// Where.
        specimen: String,
    },
    /// The most requests that one stall kept waiting; 0 without one.
    Victims {
        /// Where.
        specimen: String,
    },
    /// Loop lag over the last second: the longest time between a return of `epoll_wait` and the next call of it.
    Lag {
        /// Where.
        specimen: String,
    },
    /// How often the code of `/chain` allocates for one request, on average.
    Allocations {
        /// Where.
        specimen: String,
    },
    /// How deep the deepest block lies in the source of the style in which `/chain` runs.
    Nesting {
        /// Where.
        specimen: String,
    },
    /// Branches that answer a failure in that source.
    ErrorBranches {
        /// Where.
        specimen: String,
    },
    /// Lines of code of that source.
    SourceLines {
        /// Where.
        specimen: String,
    },
    /// What is missing from the accounts that all requests to `/transfer` share, after a panic was caught; not measured before one was.
    Missing {
        /// Where.
        specimen: String,
    },
    /// How long the longest piece of work took from its request to its answer (`/compute`, and faults that work or wait).
    JobTime {
        /// Where.
        specimen: String,
    },
    /// Turns of the loop that this work needed.
    JobTurns {
        /// Where.
        specimen: String,
    },
    /// What this work waited for a worker to begin it, and for the loop to hear of its end; not measured where no worker had it.
    HandOver {
        /// Where.
        specimen: String,
    },
    /// Answers below 400 a second, on average over the times at which more was offered than served; not measured where all was served.
    Capacity {
        /// Where.
        specimen: String,
    },
    /// How far a job that repeats is behind when each run is counted from the last one (`/beats`).
    Drift {
        /// Where.
        specimen: String,
    },
    /// The same when each is counted from the first moment: how late its last run was.
    DriftFixed {
        /// Where.
        specimen: String,
    },
    /// Time of one call of a selector.
    Call(Call),
    /// Bytes that one call of a selector copies between process and kernel.
    Copied(Call),
    /// Telemetry that was lost, in events.
    Lost,
}

impl Figure {
    /// Whether it is one of the selectors.
    pub fn is_of_selectors(&self) -> bool {
        matches!(self, Self::Call(_) | Self::Copied(_))
    }

    /// The specimen whose figure it is, where it is one's.
    pub fn specimen(&self) -> Option<&str> {
        match self {
            Self::P50 { specimen }
            | Self::P99 { specimen }
            | Self::P999 { specimen }
            | Self::Max { specimen }
            | Self::Throughput { specimen }
            | Self::Outcomes { specimen, .. }
            | Self::Answered { specimen }
            | Self::LongestCallback { specimen }
            | Self::Caught { specimen }
            | Self::AcceptQueue { specimen }
            | Self::Unread { specimen }
            | Self::TimerLate { specimen }
            | Self::TimerLateP99 { specimen }
            | Self::CallsPerRequest { specimen }
            | Self::Jobs { specimen }
            | Self::OldestJob { specimen }
            | Self::LiveObjects { specimen }
            | Self::Memory { specimen }
            | Self::Descriptors { specimen }
            | Self::AcceptFailures { specimen }
            | Self::Closed { specimen, .. }
            | Self::Calls { specimen }
            | Self::Unhandled { specimen }
            | Self::Noticed { specimen }
            | Self::Abandoned { specimen }
            | Self::LongestStall { specimen }
            | Self::Victims { specimen }
            | Self::Lag { specimen }
            | Self::DriftFixed { specimen }
            | Self::Drift { specimen }
            | Self::Capacity { specimen }
            | Self::HandOver { specimen }
            | Self::JobTurns { specimen }
            | Self::JobTime { specimen }
            | Self::Missing { specimen }
            | Self::SourceLines { specimen }
            | Self::ErrorBranches { specimen }
            | Self::Nesting { specimen }
            | Self::Allocations { specimen }
            | Self::Cpu { specimen }
            | Self::OwnMemory { specimen }
            | Self::MemoryPerConnection { specimen }
            | Self::Connections { specimen }
            | Self::Threads { specimen }
            | Self::Switches { specimen }
            | Self::LostUpdates { specimen }
            | Self::CpuTotal { specimen } => Some(specimen),
            Self::Call(_) | Self::Copied(_) | Self::Lost => None,
        }
    }
}
