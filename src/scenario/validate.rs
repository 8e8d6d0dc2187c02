//! What can be wrong with a scenario beyond its grammar: ranges, names, references, promises that cannot be kept.
//!
//! Every rule reports on its own and at its own place, so that one reading finds all mistakes. The limits are stated in the constants.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::attempt;
use super::experiment::Experiment;
use super::figures;
use super::mistake::{Mistake, excerpt, valid_words};
use super::outline::{Place, line_column};
use super::schema::{Cue, Expectation, Figure, Question, Role, Scenario, See, Specimen, Step, Task, Text};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::command::table;
use crate::load::plan::{CONNECTIONS, Load};
use crate::selectors::Active;
use crate::selectors::bench::{ACTIVES, MOST_IDLE};
use crate::specimen::config::ModelSetting;
use crate::specimen::control::{FaultSetting, MitigationSetting};
use crate::specimen::{faults, models};
use crate::telemetry::vocabulary::Mitigation;

/// Specimens that fit on one screen, and on a small machine.
pub const SPECIMENS: RangeInclusive<usize> = 1..=4;
/// The highest open-loop rate, requests a second.
pub const MAX_RATE: f64 = 1e6;
/// The latest moment of a script.
pub const MAX_AT: Nanos = Nanos::secs(600);
/// Threads of a thread pool.
pub const POOL: RangeInclusive<u16> = 1..=256;
/// Worker processes.
pub const PROCESSES: RangeInclusive<u8> = 1..=8;
/// Worker threads of a pool.
pub const THREADS: RangeInclusive<u8> = 1..=8;
/// The budget of a slice.
pub const BUDGET: RangeInclusive<Nanos> = Nanos::micros(10)..=Nanos::secs(1);
/// A supervisor's patience.
pub const DEADLINE: RangeInclusive<Nanos> = Nanos::millis(50)..=Nanos::secs(60);
/// How long an injected callback computes, or waits.
pub const BUSY: RangeInclusive<Nanos> = Nanos::micros(1)..=Nanos::secs(60);
/// The buffer of a connection that is read once.
pub const DRAIN_BUFFER: RangeInclusive<u32> = 16..=64 * 1024;
/// What a leaking closure has taken along, in KiB.
pub const CLOSURE: RangeInclusive<u32> = 1..=4096;
/// How long a request may have waited before it is shed.
pub const MARK: RangeInclusive<Nanos> = Nanos::millis(1)..=Nanos::secs(60);
/// Slow senders.
pub const SENDERS: RangeInclusive<u32> = 1..=4096;
/// How long a connection may be idle, and a head may take.
pub const IDLE: RangeInclusive<Nanos> = Nanos::millis(100)..=Nanos::secs(60);
/// Bytes that may be unsent before nothing more is read.
pub const HIGH_WATER: RangeInclusive<u32> = 1024..=64 * 1024 * 1024;
/// Bytes of one connection that are read in one tick.
pub const READ_BUDGET: RangeInclusive<u32> = 64..=64 * 1024;
/// Peers of one kind; what each sends, requests a second; what each reads, bytes a second.
const PEERS: RangeInclusive<u32> = 1..=1000;
const PEER_RATE: RangeInclusive<f64> = 0.1..=1e6;
const READ_RATE: RangeInclusive<f64> = 1.0..=1e9;
/// A client's patience.
pub const TIMEOUT: RangeInclusive<Nanos> = Nanos::millis(1)..=Nanos::secs(300);
/// How long something must last for a trigger to strike.
pub const TRIGGERED: RangeInclusive<Nanos> = Nanos::micros(100)..=Nanos::secs(60);
/// From which length on a callback may count as a stall.
pub const THRESHOLD: RangeInclusive<Nanos> = Nanos::millis(1)..=Nanos::secs(60);
/// Bytes of a request's head; of its body; header fields.
const HEAD: RangeInclusive<usize> = 256..=1024 * 1024;
const BODY: RangeInclusive<usize> = 0..=64 * 1024 * 1024;
const HEADERS: RangeInclusive<usize> = 1..=256;
/// A process's limit of open descriptors: fewer would not do for what it needs itself.
const DESCRIPTORS: RangeInclusive<u64> = 24..=1_048_576;
/// Bytes of body that a row of the mix may send.
const ROW_BODY: RangeInclusive<u32> = 0..=1024 * 1024;
/// Entries of any list in the file, and characters of any text.
const MAX_ENTRIES: usize = 256;
const MAX_TEXT: usize = 4000;
const MAX_NAME: usize = 24;
const MAX_PATH: usize = 2000;
/// Choices of a question: as many as keys answer it.
const CHOICES: RangeInclusive<usize> = 2..=6;
/// Hints of a task: fewer are no steps, more are a solution in instalments.
const HINTS: RangeInclusive<usize> = 2..=4;
/// For how long a task's goal must have been reached.
const OVER: RangeInclusive<Nanos> = Nanos::millis(500)..=Nanos::secs(10);
/// How often a task's faults strike again.
const EVERY: RangeInclusive<Nanos> = Nanos::millis(200)..=Nanos::secs(60);
/// Questions of a review.
pub const REVIEW: usize = 3;

/// Idle descriptors of the selectors.
const IDLE_DESCRIPTORS: RangeInclusive<u32> = 1..=MOST_IDLE as u32;

/// Everything that is wrong, in the order of the text.
pub fn validate(scenario: &Scenario, source: &str, place: Place<'_>) -> Vec<Mistake> {
    let specimens = scenario.specimens.iter().map(|s| s.name.clone()).collect();
    let mut check = Check { source, found: Vec::new(), specimens, experiment: scenario.experiment.is_some() };
    check.scenario(scenario, place);
    check.found.sort();
    check.found
}

struct Check<'a> {
    source: &'a str,
    found: Vec<Mistake>,
    specimens: Vec<String>,
    experiment: bool,
}

impl Check<'_> {
    fn wrong(&mut self, place: Place<'_>, message: impl Into<String>) {
        let (line, column) = line_column(self.source, place.offset());
        self.found.push(Mistake::new(line, column, &message.into()));
    }

    fn within<T: PartialOrd + Display>(&mut self, place: Place<'_>, what: &str, value: &T, range: &RangeInclusive<T>) {
        if !range.contains(value) {
            self.wrong(place, format!("{what} is {value}; valid: {} to {}", range.start(), range.end()));
        }
    }

    fn share(&mut self, place: Place<'_>, what: &str, value: f64) {
        self.within(place, what, &value, &(0.0..=1.0));
    }

    fn entries(&mut self, place: Place<'_>, what: &str, count: usize) {
        if count > MAX_ENTRIES {
            self.wrong(place, format!("{what} has {count} entries; valid: at most {MAX_ENTRIES}"));
        }
    }

    fn scenario(&mut self, scenario: &Scenario, place: Place<'_>) {
        let id = &scenario.id;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            let what = format!("id {:?} cannot be called by", excerpt(id));
            self.wrong(place.field("id"), format!("{what}; valid: 1 to 64 lower-case letters, digits and hyphens"));
        }
        self.text(place.field("title"), "title", &scenario.title);
        if !scenario.summary.is_empty() {
            self.text(place.field("summary"), "summary", &scenario.summary);
        }
        self.within(place.field("stall_threshold"), "stall_threshold", &scenario.stall_threshold, &THRESHOLD);
        if let Some(Experiment::Selectors { idle, active }) = &scenario.experiment {
            let place = place.field("experiment");
            self.within(place.field("idle"), "idle", idle, &IDLE_DESCRIPTORS);
            self.active(*active, place.field("active"));
        }
        self.specimens(&scenario.specimens, place.field("specimens"));
        self.load(&scenario.load, place.field("load"));
        self.script(&scenario.script, place.field("script"));
        if scenario.specimens.is_empty() && !scenario.script.is_empty() {
            self.wrong(place.field("script"), "nothing follows a script without specimens; leave it out: what the claims need is measured");
        }
        self.entries(place.field("lesson"), "lesson", scenario.lesson.len());
        for (n, step) in scenario.lesson.iter().enumerate() {
            self.step(step, place.field("lesson").item(n), scenario.stall_threshold);
        }
        if !scenario.review.is_empty() && scenario.review.len() != REVIEW {
            self.wrong(place.field("review"), format!("review has {} questions; valid: {REVIEW}, or none", scenario.review.len()));
        }
        for (n, Question { ask, answer }) in scenario.review.iter().enumerate() {
            let place = place.field("review").item(n);
            self.told(place.field("ask"), "ask", ask);
            self.told(place.field("answer"), "answer", answer);
        }
        self.entries(place.field("expect"), "expect", scenario.expect.len());
        for (n, expectation) in scenario.expect.iter().enumerate() {
            self.expectation(expectation, place.field("expect").item(n), scenario.stall_threshold);
        }
    }

    fn text(&mut self, place: Place<'_>, what: &str, text: &Text) {
        if !text.contains_key(Lang::En.code()) {
            self.wrong(place, format!("{what} has no English text; valid: {{ \"en\": \"...\", \"zh\": \"...\" }}, English is required"));
        }
        let codes: Vec<&str> = Lang::ALL.iter().map(|lang| lang.code()).collect();
        for (code, words) in text {
            if !codes.contains(&code.as_str()) {
                self.wrong(place.key(code), format!("unknown language {:?} of {what}{}", excerpt(code), valid_words(code, &codes)));
            } else if words.trim().is_empty() {
                self.wrong(place.field(code), format!("{what} is empty in {code:?}"));
            }
            if words.chars().count() > MAX_TEXT {
                self.wrong(place.field(code), format!("{what} is longer than {MAX_TEXT} characters in {code:?}"));
            }
            let hidden = words.chars().filter(|c| *c != '\n').map(|c| (c, visible(c.encode_utf8(&mut [0; 4]))));
            if let Some((_, shown)) = hidden.into_iter().find(|(c, shown)| !shown.starts_with(*c)) {
                let message = format!("{what} has a control character ({shown}) in {code:?}; valid: text and line breaks");
                self.wrong(place.field(code), message);
            }
        }
    }

    /// A text that may name figures of the run.
    fn told(&mut self, place: Place<'_>, what: &str, text: &Text) {
        self.text(place, what, text);
        for (code, words) in text {
            for wrong in figures::mistakes(words, &self.specimens) {
                self.wrong(place.field(code), format!("{what} in {code:?}: {wrong}"));
            }
        }
    }

    fn specimens(&mut self, specimens: &[Specimen], place: Place<'_>) {
        if specimens.is_empty() && !self.experiment {
            self.wrong(
                place,
                format!("the number of specimens is 0; valid: {} to {}, or an experiment", SPECIMENS.start(), SPECIMENS.end()),
            );
        } else if !specimens.is_empty() {
            self.within(place, "the number of specimens", &specimens.len(), &SPECIMENS);
        }
        let upstream = |specimen: &Specimen| specimen.role == Role::Upstream;
        if let Some(second) = specimens.iter().enumerate().filter(|(_, s)| upstream(s)).nth(1) {
            self.wrong(place.item(second.0).field("role"), "a second specimen is the upstream; valid: at most one");
        }
        if !specimens.is_empty() && specimens.iter().all(upstream) {
            self.wrong(place.item(0).field("role"), "nobody calls this upstream; valid: at least one specimen that is a server");
        }
        let mut names = HashSet::new();
        for (n, specimen) in specimens.iter().enumerate() {
            let place = place.item(n);
            let name = &specimen.name;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(plain) {
                let message = format!("specimen name {:?}; valid: 1 to {MAX_NAME} letters, digits, hyphens and underscores", excerpt(name));
                self.wrong(place.field("name"), message);
            } else if !names.insert(name) {
                self.wrong(place.field("name"), format!("a second specimen is called {name:?}; names are unique"));
            }
            if !specimen.title.is_empty() {
                self.text(place.field("title"), "title", &specimen.title);
            }
            let mut kinds = HashSet::new();
            for (m, setting) in specimen.mitigations.iter().enumerate() {
                let place = place.field("mitigations").item(m);
                if !kinds.insert(setting.kind()) {
                    self.wrong(place, format!("{} stands twice among the mitigations of {:?}", setting.kind(), excerpt(name)));
                }
                self.mitigation(*setting, place);
            }
            let mut kinds = HashSet::new();
            for (m, setting) in specimen.faults.iter().enumerate() {
                let (kind, place) = (setting.kind(), place.field("faults").item(m));
                if !faults::row(kind).standing {
                    self.wrong(place, format!("{kind} strikes one request; valid: standing faults. The script can Inject it"));
                } else if !kinds.insert(kind) {
                    self.wrong(place, format!("{kind} stands twice among the faults of {:?}", excerpt(name)));
                }
                self.fault(*setting, place);
            }
            self.model(specimen, place);
            let limits = place.field("limits");
            self.within(limits.field("head"), "limits.head", &specimen.limits.head, &HEAD);
            self.within(limits.field("headers"), "limits.headers", &specimen.limits.headers, &HEADERS);
            self.within(limits.field("body"), "limits.body", &specimen.limits.body, &BODY);
            if let Some(descriptors) = &specimen.limits.descriptors {
                self.within(limits.field("descriptors"), "limits.descriptors", descriptors, &DESCRIPTORS);
            }
        }
    }

    fn fault(&mut self, setting: FaultSetting, place: Place<'_>) {
        match setting {
            FaultSetting::Compute { busy } => self.within(place.field("busy"), "busy", &busy, &BUSY),
            FaultSetting::BlockingRead { wait } => self.within(place.field("wait"), "wait", &wait, &BUSY),
            FaultSetting::ForgottenDrain { buffer } => self.within(place.field("buffer"), "buffer", &buffer, &DRAIN_BUFFER),
            FaultSetting::EndlessLoop
            | FaultSetting::Panic
            | FaultSetting::FdLeak
            | FaultSetting::UnboundedResponses
            | FaultSetting::GreedyPeer
            | FaultSetting::RejectedPromise
            | FaultSetting::ForgottenBranch => {}
            FaultSetting::SlowSenders { senders } => self.within(place.field("senders"), "senders", &senders, &SENDERS),
            FaultSetting::ClosureLeak { kib } => self.within(place.field("kib"), "kib", &kib, &CLOSURE),
        }
    }

    fn mitigation(&mut self, setting: MitigationSetting, place: Place<'_>) {
        match setting {
            MitigationSetting::WorkerPool { threads } => self.within(place.field("threads"), "threads", &threads, &THREADS),
            MitigationSetting::Slicing { budget } => self.within(place.field("budget"), "budget", &budget, &BUDGET),
            MitigationSetting::Supervisor { deadline } => self.within(place.field("deadline"), "deadline", &deadline, &DEADLINE),
            MitigationSetting::Backpressure { high_water } => {
                self.within(place.field("high_water"), "high_water", &high_water, &HIGH_WATER);
            }
            MitigationSetting::ReadBudget { bytes } => self.within(place.field("bytes"), "bytes", &bytes, &READ_BUDGET),
            MitigationSetting::Shedding { above } => self.within(place.field("above"), "above", &above, &MARK),
            MitigationSetting::IdleTimeout { after } | MitigationSetting::HeaderTimeout { after } => {
                self.within(place.field("after"), "after", &after, &IDLE);
            }
            MitigationSetting::CatchPanic
            | MitigationSetting::Lock
            | MitigationSetting::ReadUntilEagain
            | MitigationSetting::NonBlocking
            | MitigationSetting::CloseOnEof
            | MitigationSetting::ReserveDescriptor
            | MitigationSetting::RejectionHook { .. }
            | MitigationSetting::CatchAtEnd
            | MitigationSetting::PromiseChain
            | MitigationSetting::AsyncAwait
            | MitigationSetting::WeakReferences
            | MitigationSetting::ExplicitRelease => {}
        }
    }

    fn model(&mut self, specimen: &Specimen, place: Place<'_>) {
        match specimen.model {
            ModelSetting::ThreadPool { threads } => self.within(place.field("model").field("threads"), "threads", &threads, &POOL),
            ModelSetting::Workers { processes, .. } => {
                self.within(place.field("model").field("processes"), "processes", &processes, &PROCESSES);
            }
            ModelSetting::EventLoop | ModelSetting::ThreadPerConnection => {}
        }
        let row = models::row(specimen.model.kind());
        for (n, setting) in specimen.faults.iter().enumerate().filter(|(_, setting)| !row.suffers(setting.kind())) {
            self.wrong(place.field("faults").item(n), format!("{} cannot befall a {} server", setting.kind(), row.name()));
        }
        for (n, setting) in specimen.mitigations.iter().enumerate().filter(|(_, setting)| !row.takes(setting.kind())) {
            let valid: Vec<&str> = row.mitigations().map(Mitigation::name).collect();
            let message = format!("{} means nothing to a {} server; valid: {}", setting.kind(), row.name(), valid.join(", "));
            self.wrong(place.field("mitigations").item(n), message);
        }
    }

    fn rate(&mut self, place: Place<'_>, rate: f64) {
        if !(rate > 0.0 && rate <= MAX_RATE) {
            self.wrong(place, format!("rate is {rate}; valid: more than 0, at most {MAX_RATE} requests a second (None: closed loop)"));
        }
    }

    fn load(&mut self, load: &Load, place: Place<'_>) {
        self.within(place.field("connections"), "connections", &load.connections, &CONNECTIONS);
        if let Some(rate) = load.rate {
            self.rate(place.field("rate"), rate);
            if load.think != Nanos::ZERO {
                self.wrong(place.field("think"), "think is for a closed loop only; write rate: None beside it, or leave it out");
            }
        }
        self.within(place.field("think"), "think", &load.think, &(Nanos::ZERO..=Nanos::secs(60)));
        self.within(place.field("timeout"), "timeout", &load.timeout, &TIMEOUT);
        self.within(place.field("slow_senders"), "slow_senders", &load.slow_senders, &(0..=*SENDERS.end()));
        self.share(place.field("churn"), "churn", load.churn);
        let mix = place.field("mix");
        self.entries(mix, "mix", load.mix.len());
        if load.mix.iter().map(|row| u64::from(row.weight)).sum::<u64>() == 0 {
            self.wrong(mix, "mix asks for nothing; valid: at least one row with a weight above 0");
        }
        for (n, row) in load.mix.iter().enumerate() {
            self.path(&row.path, mix.item(n).field("path"));
            self.within(mix.item(n).field("body"), "body", &row.body, &ROW_BODY);
        }
        let peers = place.field("peers");
        self.entries(peers, "peers", load.peers.len());
        for (n, peer) in load.peers.iter().enumerate() {
            let place = peers.item(n);
            self.path(&peer.path, place.field("path"));
            self.within(place.field("count"), "count", &peer.count, &PEERS);
            if let Some(rate) = peer.rate {
                self.within(place.field("rate"), "rate", &rate, &PEER_RATE);
            }
            if let Some(rate) = peer.read_rate {
                self.within(place.field("read_rate"), "read_rate", &rate, &READ_RATE);
            }
        }
    }

    fn path(&mut self, path: &str, place: Place<'_>) {
        if !path.starts_with('/') || !path.bytes().all(|b| b.is_ascii_graphic()) || path.len() > MAX_PATH {
            let message = format!("path {:?}; valid: \"/\" and printable ASCII without spaces, at most {MAX_PATH} bytes", excerpt(path));
            self.wrong(place, message);
        }
    }

    fn script(&mut self, script: &[Cue], place: Place<'_>) {
        self.entries(place, "script", script.len());
        let stop = script.iter().filter(|cue| cue.command == Command::Stop).map(|cue| cue.at).min();
        for (n, cue) in script.iter().enumerate() {
            let place = place.item(n);
            self.within(place.field("at"), "at", &cue.at, &(Nanos::ZERO..=MAX_AT));
            if let Some(stop) = stop.filter(|stop| cue.at > *stop) {
                self.wrong(place.field("at"), format!("this never happens: the script stops at {stop}"));
            }
            if let Some(name) = &cue.specimen {
                self.specimen(place.field("specimen"), name);
                if matches!(cue.command, Command::Stop | Command::Mark(_) | Command::Disarm) {
                    let message = format!("{} is for the whole run; leave specimen out", cue.command.variant());
                    self.wrong(place.field("specimen"), message);
                }
            }
            if cue.command.in_script() {
                self.command(&cue.command, place.field("do"));
            } else {
                let valid: Vec<&str> =
                    table::COMMANDS.iter().filter(|row| row.script).filter_map(|row| Some(row.sample()?.variant())).collect();
                let message = format!("a script cannot do {}{}", cue.command.variant(), valid_words("", &deduplicated(valid)));
                self.wrong(place.field("do"), message);
            }
        }
    }

    /// The ranges of a command's own values.
    fn command(&mut self, command: &Command, place: Place<'_>) {
        use Command::{Active, FewerIdle, Idle, MeasureAgain, MoreIdle, NextActive};
        match command {
            MoreIdle | FewerIdle | Idle(_) | NextActive | Active(_) | MeasureAgain if !self.experiment => {
                self.wrong(place, format!("{} is for the selectors; valid beside experiment: Selectors()", command.variant()));
            }
            Active(active) => self.active(*active, place.item(0)),
            Command::Inject(setting) => self.fault(*setting, place.item(0)),
            Command::Apply(setting) => self.mitigation(*setting, place.item(0)),
            Command::Rate(rate) => self.rate(place.item(0), *rate),
            Command::Connections(n) => self.within(place.item(0), "Connections", n, &CONNECTIONS),
            Command::Arm(setting) => {
                if let Some(over) = setting.over() {
                    self.within(place.item(0).field("over"), "over", &over, &TRIGGERED);
                }
            }
            Command::Mark(name) if name.trim().is_empty() || name.len() > 64 || name.chars().any(char::is_control) => {
                self.wrong(place.item(0), "a mark's name; valid: 1 to 64 bytes of text");
            }
            _ => {}
        }
    }

    fn active(&mut self, active: Active, place: Place<'_>) {
        if !ACTIVES.contains(&active) {
            let valid = ACTIVES.map(|active| format!("{:?}", active.to_string())).join(", ");
            self.wrong(place, format!("active is \"{active}\"; valid: {valid}"));
        }
    }

    fn step(&mut self, step: &Step, place: Place<'_>, threshold: Nanos) {
        match step {
            Step::Say(text) => self.told(place.item(0), "Say", text),
            Step::Predict { ask, choices, answer, see, found, because } => {
                self.told(place.field("ask"), "ask", ask);
                self.told(place.field("because"), "because", because);
                if let Some(found) = found {
                    self.told(place.field("found"), "found", found);
                }
                if let Some(See { say, command, specimen, until }) = see {
                    self.tried(say, command, specimen.as_ref(), until.as_ref(), place.field("see"), threshold);
                }
                self.within(place.field("choices"), "the number of choices", &choices.len(), &CHOICES);
                for (n, choice) in choices.iter().enumerate() {
                    self.told(place.field("choices").item(n), "a choice", choice);
                }
                if usize::from(*answer) >= choices.len() {
                    let last = choices.len().saturating_sub(1);
                    self.wrong(place.field("answer"), format!("answer is {answer}; valid: 0 to {last}, counted from 0"));
                }
            }
            Step::Try { say, command, specimen, until } => {
                self.tried(say, command, specimen.as_ref(), until.as_ref(), place, threshold);
            }
            Step::Task(task) => self.task(task, place, threshold),
        }
    }

    /// Something that the reader does.
    fn tried(
        &mut self,
        say: &Text,
        command: &Command,
        specimen: Option<&String>,
        until: Option<&Expectation>,
        place: Place<'_>,
        threshold: Nanos,
    ) {
        self.told(place.field("say"), "say", say);
        self.by_key(command, "Try", place.field("do"));
        if let Some(name) = specimen {
            self.specimen(place.field("specimen"), name);
        }
        if let Some(until) = until {
            self.expectation(until, place.field("until"), threshold);
        }
    }

    /// A command that the reader can ask for with a key; or a load or a number of descriptors of a certain size, which is set for them.
    fn by_key(&mut self, command: &Command, what: &str, place: Place<'_>) {
        let is_set = matches!(command, Command::Rate(_) | Command::Connections(_) | Command::Idle(_) | Command::Active(_));
        if !is_set && table::of(command).is_none_or(|row| row.keys.is_empty() && row.menu.is_none()) {
            let message = format!("{} has no key that could be pressed; valid in {what}: commands with a key", command.variant());
            self.wrong(place, message);
        }
        self.command(command, place);
    }

    fn task(&mut self, task: &Task, place: Place<'_>, threshold: Nanos) {
        let Task { say, specimen, given, every, goal, over, hints, solution } = task;
        self.told(place.field("say"), "say", say);
        let of_selectors = specimen.is_empty() && self.experiment;
        if !of_selectors {
            self.specimen(place.field("specimen"), specimen);
        }
        self.within(place.field("over"), "over", over, &OVER);
        self.within(place.field("hints"), "the number of hints", &hints.len(), &HINTS);
        for (n, hint) in hints.iter().enumerate() {
            self.told(place.field("hints").item(n), "a hint", hint);
        }
        for (field, commands) in [("given", given), ("solution", solution)] {
            self.entries(place.field(field), field, commands.len());
            for (n, command) in commands.iter().enumerate() {
                let place = place.field(field).item(n);
                if !command.in_script() || matches!(command, Command::Stop | Command::Mark(_) | Command::Arm(_) | Command::Disarm) {
                    self.wrong(place, format!("{} does nothing to a specimen or its load; valid in {field}: what does", command.variant()));
                } else if field == "solution" && !matches!(command, Command::Cure(_)) {
                    self.by_key(command, "solution", place);
                } else {
                    self.command(command, place);
                }
            }
        }
        if solution.is_empty() {
            self.wrong(place.field("solution"), "solution is empty; valid: at least one command");
        }
        if let Some(every) = every {
            self.within(place.field("every"), "every", every, &EVERY);
            if !given.iter().any(attempt::strikes) {
                self.wrong(place.field("every"), "nothing strikes again; valid: every beside a given fault that strikes one request");
            }
        }
        if goal.is_empty() {
            self.wrong(place.field("goal"), "goal is empty; valid: at least one claim");
        }
        for (n, claim) in goal.iter().enumerate() {
            let place = place.field("goal").item(n);
            self.expectation(claim, place, threshold);
            let about = match claim {
                Expectation::Ratio { of, to, .. } if of_selectors && of.is_of_selectors() && to.is_of_selectors() => continue,
                Expectation::Measure { of, .. } if of_selectors && of.is_of_selectors() => continue,
                Expectation::Measure { of, .. } => of.specimen(),
                Expectation::NoStall { specimen, .. } | Expectation::Alive { specimen } => Some(specimen.as_str()),
                _ => {
                    self.wrong(place, "cannot be a goal; valid: Measure, NoStall, Alive");
                    continue;
                }
            };
            if about != Some(specimen) {
                self.wrong(place, format!("is not about {:?}, which the task is about", excerpt(specimen)));
            }
        }
    }

    fn specimen(&mut self, place: Place<'_>, name: &str) {
        if !self.specimens.iter().any(|known| known == name) {
            let known: Vec<&str> = self.specimens.iter().map(String::as_str).collect();
            let message = format!("no specimen is called {:?}{}", excerpt(name), valid_words(name, &known));
            self.wrong(place, message);
        }
    }

    fn expectation(&mut self, expectation: &Expectation, place: Place<'_>, threshold: Nanos) {
        match expectation {
            Expectation::Stall { specimen, at_least, at_most, .. } => {
                self.specimen(place.field("specimen"), specimen);
                if *at_least < threshold {
                    let message = format!("at_least is {at_least}, and only what lasts {threshold} (stall_threshold) counts as a stall");
                    self.wrong(place.field("at_least"), message);
                }
                self.bounds(place, Some(*at_least), *at_most, false);
            }
            Expectation::NoStall { specimen, over } => {
                self.specimen(place.field("specimen"), specimen);
                if *over < threshold {
                    let message = format!("over is {over}, and only what lasts {threshold} (stall_threshold) counts as a stall");
                    self.wrong(place.field("over"), message);
                }
            }
            Expectation::Measure { of, at_least, at_most } => {
                self.figure(of, place.field("of"));
                self.bounds(place, *at_least, *at_most, true);
                if matches!(of, Figure::Answered { .. } | Figure::Cpu { .. }) {
                    for (field, bound) in [("at_least", at_least), ("at_most", at_most)] {
                        if let Some(bound) = bound {
                            self.share(place.field(field), field, *bound);
                        }
                    }
                }
            }
            Expectation::Ratio { of, to, at_least, at_most } => {
                self.figure(of, place.field("of"));
                self.figure(to, place.field("to"));
                self.bounds(place, *at_least, *at_most, true);
            }
            Expectation::Deaths { specimen, at_least, at_most } => {
                self.specimen(place.field("specimen"), specimen);
                self.bounds(place, at_least.map(f64::from), at_most.map(f64::from), true);
            }
            Expectation::Alive { specimen } | Expectation::Dead { specimen } => self.specimen(place.field("specimen"), specimen),
            Expectation::Selectors(_) => self.needs_experiment(place),
        }
    }

    fn bounds<T: PartialOrd + Display + Default>(&mut self, place: Place<'_>, at_least: Option<T>, at_most: Option<T>, needed: bool) {
        if needed && at_least.is_none() && at_most.is_none() {
            self.wrong(place, "claims nothing; valid: at_least, at_most or both");
        }
        for (field, bound) in [("at_least", &at_least), ("at_most", &at_most)] {
            // What compares with nothing (NaN) is wrong too.
            if let Some(bound) = bound
                && bound.partial_cmp(&T::default()).is_none_or(Ordering::is_lt)
            {
                self.wrong(place.field(field), format!("{field} is {bound}; valid: 0 and more"));
            }
        }
        if let (Some(low), Some(high)) = (at_least, at_most)
            && low > high
        {
            self.wrong(place.field("at_most"), format!("at_most is {high}, and at_least is {low}: nothing lies between"));
        }
    }

    fn needs_experiment(&mut self, place: Place<'_>) {
        if !self.experiment {
            self.wrong(place, "is about the selectors, and nobody measures them; valid beside experiment: Selectors()");
        }
    }

    fn figure(&mut self, figure: &Figure, place: Place<'_>) {
        if let Figure::Call(call) | Figure::Copied(call) = figure {
            self.needs_experiment(place);
            if let Some(idle) = &call.idle {
                self.within(place.field("idle"), "idle", idle, &IDLE_DESCRIPTORS);
            }
        }
        if let Some(specimen) = figure.specimen() {
            self.specimen(place.field("specimen"), specimen);
        }
    }
}

fn deduplicated(mut words: Vec<&str>) -> Vec<&str> {
    let mut seen = HashSet::new();
    words.retain(|word| seen.insert(*word));
    words
}
