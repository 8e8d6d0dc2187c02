//! The fold itself: which event changes which aggregate, and how time passes for all of them.
//!
//! Two clocks meet here. What an event says of its own producer (how long a callback ran) is reckoned with the events' stamps,
//! which are in order within a ring. What is accounted slice by slice (shares, the strip) is reckoned with `passed`, which only grows:
//! an event of another ring that comes a little late never makes time run backwards or count twice.

use std::collections::VecDeque;

use super::stalls::StallEnd;
use super::strip::SLICE;
use super::window::Slots;
use super::{
    Asked, Change, Clients, Connections, Death, Errands, Jobs, Kernel, Life, MAX_CHANGES, MAX_DEATHS, MAX_LAST_WORDS, MAX_WORKERS,
    Measures, Missing, OwnCost, Reactor, Setup, Specimen, Spells, Stalls, Strip, Threads, TriggerSetting, Triggers, Worker, World,
    findings,
};
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Readiness, What};
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Mitigation, Model, Outcome, Phase};

/// Later moments are damage, not time: 146 years, far below where arithmetic would end.
const LAST: Nanos = Nanos(1 << 62);
/// The ring number of the loop in [`What::Lost`].
const LOOP_RING: u32 = 0;
/// What ends those whose master has ended.
const SIGKILL: u32 = 9;

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(setup: &Setup) -> Self {
        let specimen = |(n, name): (usize, &String)| Specimen::new(SpecimenId(n as u8), name, setup.stall_threshold);
        Self {
            now: Nanos::ZERO,
            started: None,
            stall_threshold: setup.stall_threshold,
            specimens: setup.specimens.iter().take(256).enumerate().map(specimen).collect(),
            events: 0,
            lost: 0,
            own: OwnCost::default(),
            triggers: Triggers::default(),
            boundary: SLICE,
            rate: Slots::starting(Nanos::ZERO),
            costs: VecDeque::new(),
        }
    }

    /// One more fact. Facts of one ring come in their order; those of different rings may come a little out of order.
    ///
    /// Figures over the last second, and what grows by itself (a stall's age), are as of the last whole 10 ms; [`World::advance`]
    /// brings them up to date for whoever looks.
    #[inline]
    pub fn apply(&mut self, event: &Event) {
        let at = event.at.min(LAST);
        self.events += 1;
        if at >= self.boundary {
            self.advance(at);
        }
        if at > self.now {
            self.now = at;
        }
        if self.started.is_none() {
            self.started = Some(at);
            self.rate = Slots::starting(at);
        }
        *self.rate.now() += 1;
        if self.triggers.armed.is_some() {
            self.await_trigger(at, event);
        }
        match event.what {
            What::Lost { events, .. } => self.lost = self.lost.saturating_add(u64::from(events)),
            What::OwnCost { micros, resident } => return self.cost(at, micros, resident),
            What::Armed { trigger: (trigger, only), over } => {
                self.triggers.arm(at, trigger, (only != 0).then_some(event.from.specimen), over);
            }
            What::Disarmed {} => self.triggers.armed = None,
            _ => {}
        }
        if let What::Mitigated { mitigation, on: 1 } = event.what {
            self.mends(at, event.from.specimen, mitigation);
        }
        if let Some(specimen) = self.specimens.get_mut(usize::from(event.from.specimen.0)) {
            specimen.apply(at, event.from.lane, event.what);
        }
    }

    /// It is `now`, and nothing that happened before is still to come: a callback that runs grows older, windows slide.
    ///
    /// It makes no difference to later moments in how many steps time passes.
    pub fn advance(&mut self, now: Nanos) {
        let now = now.min(LAST);
        self.now = self.now.max(now);
        if let Some(TriggerSetting::Stall { over }) = self.triggers.armed.map(|armed| armed.setting) {
            self.await_length(now, over);
        }
        for specimen in &mut self.specimens {
            specimen.advance(now);
        }
        if now >= self.boundary {
            self.boundary = Nanos((now.0 / SLICE.0 + 1) * SLICE.0);
            if self.rate.slide(now) {
                self.own.event_rate = self.rate.rate(|n| u64::from(*n));
            }
        }
    }

    /// A mitigation is about to be on. Where it was not, and answers what is the matter, it is measured what it changes.
    #[cold]
    fn mends(&mut self, at: Nanos, id: SpecimenId, mitigation: Mitigation) {
        let is_on = |specimen: &Specimen| specimen.all_processes().any(|process| process.mitigations[mitigation as usize]);
        if self.specimens.get(usize::from(id.0)).is_none_or(is_on) {
            return;
        }
        let found = findings::judge(self);
        let answered = found.iter().find(|finding| finding.specimen == id && finding.mitigations.contains(&mitigation));
        if let (Some(finding), Some(specimen)) = (answered, self.specimens.get_mut(usize::from(id.0))) {
            specimen.measure(at, mitigation, finding);
        }
    }

    /// The tail of what a process wrote on standard error, made safe for a terminal by whoever read it.
    pub fn last_words(&mut self, specimen: SpecimenId, words: String) {
        let Some(specimen) = self.specimens.get_mut(usize::from(specimen.0)) else { return };
        let mut from = words.len().saturating_sub(MAX_LAST_WORDS);
        while !words.is_char_boundary(from) {
            from += 1;
        }
        let words = if from == 0 { words } else { words[from..].to_string() };
        match specimen.deaths.last_mut() {
            Some(death) if !matches!(specimen.life, Life::Running { .. }) || death.last_words.is_empty() => death.last_words = words,
            _ => specimen.words = words,
        }
    }

    fn cost(&mut self, at: Nanos, micros: u32, resident: u32) {
        self.own.resident = resident;
        self.costs.push_back((at, micros));
        while self.costs.len() > 64 || self.costs.get(1).is_some_and(|(second, _)| at.since(*second) >= Nanos::secs(1)) {
            self.costs.pop_front();
        }
        if let Some(&(from, before)) = self.costs.front()
            && at > from
        {
            self.own.cpu = f64::from(micros.wrapping_sub(before)) / 1e6 / at.since(from).as_secs();
        }
    }
}

impl Specimen {
    fn new(id: SpecimenId, name: &str, threshold: Nanos) -> Self {
        Self {
            id,
            name: name.to_string(),
            life: Life::Starting,
            port: None,
            respawns: 0,
            reactor: Reactor::default(),
            connections: Connections::default(),
            stalls: Stalls::default(),
            changes: Vec::new(),
            measures: Measures::default(),
            spells: Spells::default(),
            kernel: Kernel::default(),
            clients: Clients::default(),
            strip: Strip::default(),
            workers: Vec::new(),
            model: (Model::EventLoop, 1),
            threads: Threads::default(),
            processes: Vec::new(),
            mitigations: [false; Mitigation::COUNT],
            faults: [false; Fault::COUNT],
            live: None,
            deaths: Vec::new(),
            died: 0,
            caught: 0,
            counted: None,
            missing: None,
            beats: None,
            jobs: Jobs::default(),
            errands: Errands::default(),
            lost: 0,
            lost_at: None,
            asked: None,
            applied: None,
            marked: None,
            threshold,
            passed: Nanos::ZERO,
            begun: (0, 0),
            queue: 0,
            watchdog: false,
            words: String::new(),
        }
    }

    /// Whether a process runs.
    pub fn is_alive(&self) -> bool {
        matches!(self.life, Life::Running { .. })
    }

    #[inline]
    fn apply(&mut self, at: Nanos, lane: Lane, what: What) {
        match lane {
            Lane::Loop => self.of_loop(at, what),
            Lane::Load => self.of_load(at, what),
            Lane::Worker(n) => self.of_worker(at, n, what),
            Lane::Kernel => self.of_kernel(at, what),
            Lane::Lab => self.of_lab(at, what),
            Lane::Threads(_) => self.of_thread(at, what),
            Lane::Process(n, part) => {
                if let Some(process) = self.processes.get_mut(usize::from(n)) {
                    process.apply(at, part.lane(), what);
                }
                // What is switched is switched for all of them.
                match what {
                    What::Mitigated { mitigation, on } => self.mitigations[mitigation as usize] = on != 0,
                    What::Faulted { fault, on } => self.faults[fault as usize] = on != 0,
                    _ => {}
                }
            }
        }
    }

    #[inline]
    fn of_loop(&mut self, at: Nanos, what: What) {
        if matches!(self.life, Life::Dead { .. }) {
            return; // Written before its end, read after it: what it had begun is over.
        }
        match what {
            What::Entered { phase, detail } => {
                self.over(at, StallEnd::Returned);
                self.reactor.entered(at, phase, detail);
            }
            What::Ready { conn, readiness } => {
                self.reactor.ready(at, conn, readiness);
                if let Some(connection) = self.connections.of(conn) {
                    connection.ready(at, readiness);
                }
            }
            What::Began { conn, cause } => self.began(at, conn, cause),
            What::Read { conn, bytes } => {
                self.reactor.calls += 1;
                if let Some(connection) = self.connections.of(conn) {
                    connection.read(bytes);
                }
            }
            What::Requested { conn, handler } => {
                self.reactor.requested(at, conn, handler);
                self.jobs.requested(at, conn, handler);
                if let Some(connection) = self.connections.of(conn) {
                    connection.requested(at, handler);
                }
            }
            What::Responded { conn, .. } => {
                if !self.jobs.is_empty() {
                    self.jobs.answered(at, conn);
                }
                if let Some(connection) = self.connections.of(conn) {
                    connection.responded(at);
                }
            }
            What::Wrote { conn, bytes } => {
                self.reactor.calls += 1;
                if let Some(connection) = self.connections.of(conn) {
                    connection.wrote(bytes);
                }
            }
            What::Blocked { conn, unsent } => {
                if let Some(connection) = self.connections.of(conn) {
                    connection.unsent = unsent;
                }
            }
            What::Interested { conn, interest } => {
                self.reactor.calls += 1;
                if let Some(connection) = self.connections.of(conn) {
                    connection.interest = interest;
                }
            }
            What::Opened { conn, port_fd: (port, fd) } => {
                self.reactor.calls += 1;
                self.connections.opened(at, conn, port, fd);
            }
            What::Closed { conn, reason } => {
                self.reactor.calls += 1;
                self.connections.closed(conn, reason);
                self.errands.closed(conn);
                self.jobs.closed(conn);
            }
            What::AcceptFailed { errno } => {
                self.connections.accept_failed = (self.connections.accept_failed.0.saturating_add(1), errno);
            }
            What::TimerSet { conn, .. } | What::Asked { conn } => self.put_off(conn, None),
            What::TaskQueued { conn, handler } => self.put_off(conn, Some(handler)),
            What::JobQueued { conn, handler } => {
                self.jobs.queued(at, conn);
                self.put_off(conn, Some(handler));
            }
            What::TimerLate { micros, .. } => self.reactor.timer_late(Nanos::micros(u64::from(micros))),
            What::Gated { held } => {
                // The gate stands before a callback or a tick: whatever ran before it is over.
                self.over(at, StallEnd::Returned);
                self.reactor.gated(at, held);
            }
            What::Rested {} => self.over(at, StallEnd::Returned),
            What::Live { objects, kib } => self.live = Some((objects, kib)),
            What::Caught { .. } => self.caught = self.caught.saturating_add(1),
            What::Beat { fixed, behind } => {
                let (last, most) = &mut self.beats.get_or_insert_default()[usize::from(fixed > 0)];
                *last = Nanos::micros(u64::from(behind));
                *most = (*most).max(*last);
            }
            What::Called { .. }
            | What::CallEnded { .. }
            | What::Stepped { .. }
            | What::Allocated { .. }
            | What::Unhandled { .. }
            | What::Abandoned { .. } => self.errands.apply(at, what),
            What::Applied { seq, done } => self.applied = Some((seq, done != 0)),
            other => self.of_any(at, other, true),
        }
    }

    fn of_worker(&mut self, at: Nanos, n: u8, what: What) {
        let n = usize::from(n);
        if !matches!(what, What::JobBegan { .. } | What::JobEnded { .. }) {
            return self.of_any(at, what, false);
        }
        if n >= MAX_WORKERS {
            return;
        }
        self.pass(at);
        if n >= self.workers.len() {
            self.workers.resize(n + 1, Worker::default());
        }
        if let What::JobBegan { conn, .. } | What::JobEnded { conn } = what {
            self.jobs.worked(at, conn, matches!(what, What::JobEnded { .. }));
        }
        let worker = &mut self.workers[n];
        if let What::JobBegan { conn, handler } = what {
            worker.job = Some((conn, handler, at));
        } else {
            worker.done += 1;
            if let Some((.., since)) = worker.job.take() {
                worker.busy += at.since(since);
            }
        }
    }

    /// A thread that serves connections. It waits in its read, so the kernel's report and the callback's beginning are one moment.
    fn of_thread(&mut self, at: Nanos, what: What) {
        if matches!(self.life, Life::Dead { .. }) {
            return;
        }
        self.pass(at);
        match what {
            What::Read { conn, bytes } => {
                if let Some(connection) = self.connections.of(conn) {
                    connection.ready(at, Readiness::READABLE);
                    connection.began(at, Cause::Readable);
                    connection.read(bytes);
                    connection.rested(at);
                }
            }
            What::Requested { conn, handler } => {
                self.threads.requested(at, conn, handler);
                self.reactor.requested(at, conn, handler);
                if let Some(connection) = self.connections.of(conn) {
                    connection.began(at, Cause::Readable);
                    connection.requested(at, handler);
                }
            }
            What::Responded { conn, .. } => {
                self.threads.responded(at, conn);
                if let Some(connection) = self.connections.of(conn) {
                    connection.responded(at);
                    connection.rested(at);
                }
            }
            What::Wrote { conn, bytes } => {
                if let Some(connection) = self.connections.of(conn) {
                    connection.wrote(bytes);
                }
            }
            What::Closed { conn, reason } => {
                self.threads.closed(conn);
                self.connections.closed(conn, reason);
            }
            What::Caught { .. } => self.caught = self.caught.saturating_add(1),
            What::Struck { conn, fault } => {
                self.threads.struck(conn, fault);
                self.of_any(at, what, false);
            }
            other => self.of_any(at, other, false),
        }
    }

    #[inline]
    fn of_load(&mut self, at: Nanos, what: What) {
        match what {
            What::Chose { client, row } => self.clients.chose(client, row),
            What::GaveUp { row, after } => {
                let due = self.clients.gave_up(at, row, Nanos::micros(u64::from(after)));
                if !self.explains(due) {
                    self.clients.unexplained();
                }
            }
            What::Sent { client, late } => {
                self.clients.sent(at, client, Nanos::micros(u64::from(late)));
                self.strip.waiting(self.clients.under_way());
            }
            What::Finished { client, outcome: (outcome, _) } => {
                let connections = connections_of(&self.processes, &self.connections, self.clients.port(client));
                let ended = self.clients.finished(at, client, outcome, connections, self.threshold);
                if ended.answered {
                    self.strip.answered();
                }
                if let Some(intended) = ended.astray
                    && !self.is_on_purpose(outcome)
                    && !self.explains(intended)
                {
                    self.clients.unexplained();
                }
            }
            What::Dialled { client, port } => self.clients.dialled(at, client, port as u16),
            What::Connected { client, port } => self.clients.connected(client, port as u16),
            What::HungUp { client, port } => self.clients.hung_up(client, port as u16),
            What::Backlog { due, in_flight } => {
                self.clients.backlog(due, in_flight);
                self.strip.waiting(self.clients.under_way());
            }
            What::Offered { millirate, connections } => {
                self.clients.curve.offered(at);
                self.clients.offered = (millirate > 0).then(|| f64::from(millirate) / 1e3);
                self.clients.clients = connections;
            }
            What::Paused { on } => self.load_rests(at, on != 0),
            What::Died { .. } => self.clients.load_began(None),
            other => self.of_any(at, other, false),
        }
    }

    fn of_kernel(&mut self, at: Nanos, what: What) {
        self.pass(at);
        let of_socket = matches!(what, What::AcceptQueue { .. } | What::Unread { .. } | What::UnreadTotal { .. });
        if matches!(self.life, Life::Dead { .. }) && !of_socket {
            // Read while it was dying: it says nothing about what is there now.
            return;
        }
        self.kernel.begin(at);
        // The socket table has been walked anew: this comes first. Rounds that look at processes alone leave it as it was.
        if matches!(what, What::AcceptQueue { .. }) {
            self.connections.sample();
            self.processes.iter_mut().for_each(|process| process.connections.sample());
        }
        match what {
            What::Unread { port, bytes } => {
                self.connections.unread(port as u16, bytes);
                self.processes.iter_mut().for_each(|process| process.connections.unread(port as u16, bytes));
            }
            What::AcceptQueue { length, .. } if self.reactor.running.is_some() => self.queue = self.queue.max(length),
            _ => {}
        }
        self.kernel.apply(at, what, self.reactor.worked);
        if matches!(what, What::Memory { .. }) {
            self.kernel.foot(self.connections.open);
        }
        if matches!(what, What::OnCpu { .. } | What::RunDelay { .. }) {
            self.stalls.sampled(self.kernel.samples());
        }
    }

    fn of_lab(&mut self, at: Nanos, what: What) {
        match what {
            What::Spawned { pid, before } => {
                self.counted = None;
                self.missing = None;
                self.beats = None;
                self.end(at, StallEnd::Died);
                self.live = None;
                self.kernel.left();
                self.stalls.settle();
                self.respawns = before;
                self.life = Life::Running { pid, since: at };
                self.strip.alive();
            }
            What::Listening { port } => self.port = Some(port as u16),
            What::Modelled { model, size } => self.modelled(model, size),
            What::Died { signal, code } => {
                self.died(at, signal, code);
                // Workers die with their master.
                self.processes.iter_mut().for_each(|process| process.died(at, SIGKILL, 0));
            }
            What::WatchdogKilled { .. } => match self.deaths.last_mut() {
                Some(death) if !matches!(self.life, Life::Running { .. }) => death.by_watchdog = true,
                _ => self.watchdog = true,
            },
            other => self.of_any(at, other, false),
        }
    }

    /// What more than one lane can say.
    fn of_any(&mut self, at: Nanos, what: What, on_loop: bool) {
        match what {
            What::Struck { conn, fault } => {
                self.reactor.struck(conn, fault, on_loop);
                if on_loop {
                    self.jobs.struck(at, conn, fault);
                }
                if let Some(asked) = self.asked.as_mut().filter(|asked| asked.fault == fault) {
                    asked.struck = true;
                }
            }
            What::Faulted { fault, on } => {
                if on == 0 && self.faults[fault as usize] {
                    self.change(at, Change::Fault(fault, false));
                }
                self.faults[fault as usize] = on != 0;
                if let Some(asked) = self.asked.as_mut().filter(|asked| asked.fault == fault) {
                    asked.struck = true;
                }
            }
            // Threads report in rings of their own, which can be a little out of order.
            What::Counted { value, made } if self.counted.is_none_or(|(_, before)| made >= before) => self.counted = Some((value, made)),
            What::Balanced { missing: units, begun } => {
                let since = self.missing.filter(|before| before.units > 0).map_or(at, |before| before.since);
                self.missing = Some(Missing { units, begun, since });
            }
            // Where threads are too many to be asked from outside, their process tells.
            What::ProcessSwitches { .. } => self.kernel.apply(at, what, self.reactor.worked),
            What::Mitigated { mitigation, on } => {
                if self.mitigations[mitigation as usize] != (on != 0) {
                    self.change(at, Change::Mitigation(mitigation, on != 0));
                }
                self.mitigations[mitigation as usize] = on != 0;
            }
            What::Lost { ring, events } => {
                self.lost = self.lost.saturating_add(u64::from(events));
                self.lost_at = Some(at);
                self.strip.gap(self.passed.min(at), at);
                if ring == LOOP_RING {
                    self.connections.doubt();
                    if self.stalls.current.is_none() {
                        // Its end may be among what was lost. (One that has long been a stall is not: a stuck loop writes nothing.)
                        self.reactor.forget();
                    }
                } else if matches!(self.model.0, Model::ThreadPerConnection | Model::ThreadPool) {
                    self.connections.doubt();
                    self.threads.end();
                    self.counted = None;
                }
            }
            What::Unwatched { millis } => {
                let from = at.since(Nanos::millis(u64::from(millis)));
                self.stalls.unwatched(from, at, self.threshold);
                self.pass(at);
                self.strip.gap(from, at);
            }
            What::FaultAsked { fault, millis } => {
                self.change(at, Change::Fault(fault, true));
                self.asked = Some(Asked { fault, at, length: Nanos::millis(u64::from(millis)), struck: false });
            }
            What::Marked { mark } => {
                self.marked = Some((mark, at));
                self.clients.reset_total(at);
                self.kernel.mark();
                self.processes.iter_mut().for_each(|process| process.kernel.mark());
                self.reactor.mark();
                self.jobs.mark();
                self.processes.iter_mut().for_each(|process| process.jobs.mark());
                self.processes.iter_mut().for_each(|process| process.reactor.mark());
            }
            What::LoadSpawned { pid } => {
                self.clients.load_began(Some(pid));
                self.load_rests(at, false);
            }
            _ => {}
        }
    }

    /// There is no load from here, or there is again: what is used meanwhile is not used for it.
    fn load_rests(&mut self, at: Nanos, rests: bool) {
        self.clients.paused(at, rests);
        self.kernel.rest(at, rests);
        self.processes.iter_mut().for_each(|process| process.kernel.rest(at, rests));
    }

    /// Each worker process is a specimen of its own, but for its clients.
    fn modelled(&mut self, model: Model, size: u32) {
        self.model = (model, size);
        let processes = if model == Model::Workers { size.min(u32::from(Lane::MOST_PROCESSES)) as usize } else { 0 };
        let (id, name, threshold, passed) = (self.id, &self.name, self.threshold, self.passed);
        let rests = self.kernel.rests();
        self.processes.truncate(processes);
        for n in self.processes.len()..processes {
            let mut process = Self::new(id, &format!("{name}/{}", n + 1), threshold);
            process.pass(passed);
            process.connections.process = Some(n as u8);
            process.kernel.rest(passed, rests);
            self.processes.push(process);
        }
    }

    /// Whether it is known why a request ends so, or is late: errors that are meant, and queues for threads.
    fn is_on_purpose(&self, outcome: Outcome) -> bool {
        let errs = || {
            self.panics_caught() > 0
                || self.loops().any(|process| process.errands.failed > 0)
                || self.mitigations[Mitigation::Shedding as usize]
        };
        match outcome {
            Outcome::Answered => !self.has_loop(),
            Outcome::ErrorStatus => errs(),
            _ => false,
        }
    }

    fn change(&mut self, at: Nanos, change: Change) {
        if self.changes.len() == MAX_CHANGES {
            self.changes.remove(0);
        }
        self.changes.push((at, change));
    }

    fn put_off(&mut self, conn: ConnId, handler: Option<Handler>) {
        if let Some(connection) = self.connections.of(conn) {
            connection.put_off(handler);
        }
    }

    #[inline]
    fn began(&mut self, at: Nanos, conn: ConnId, cause: Cause) {
        self.over(at, StallEnd::Returned);
        let mut handler = None;
        if let Some(connection) = self.connections.of(conn) {
            connection.began(at, cause);
            if matches!(cause, Cause::Timer | Cause::Task | Cause::Completion) {
                handler = connection.handler;
            }
        }
        if !self.jobs.is_empty() && matches!(cause, Cause::Task | Cause::Completion | Cause::Readable) {
            self.jobs.turn(at, conn);
        }
        self.reactor.began(at, conn, cause, handler);
        self.begun = (self.clients.in_flight, self.clients.sent);
        self.queue = 0;
    }

    fn died(&mut self, at: Nanos, signal: u32, code: u32) {
        let pid = match self.life {
            Life::Running { pid, .. } => pid,
            Life::Starting => 0,
            Life::Dead { .. } => return,
        };
        let connections = self.end(at, StallEnd::Died);
        self.kernel.left();
        self.stalls.settle();
        self.life = Life::Dead { signal, code, since: at };
        self.died = self.died.saturating_add(1);
        if self.deaths.len() == MAX_DEATHS {
            self.deaths.remove(0);
        }
        let by_watchdog = std::mem::take(&mut self.watchdog);
        self.deaths.push(Death { at, pid, signal, code, connections, by_watchdog, last_words: std::mem::take(&mut self.words) });
    }

    /// The process is gone, and everything that lived in it. How many connections there were.
    fn end(&mut self, at: Nanos, how: StallEnd) -> u32 {
        self.over(at, how);
        self.reactor.end();
        self.errands.end();
        self.jobs.end();
        self.spells.end();
        self.workers.iter_mut().for_each(|worker| worker.job = None);
        self.threads.end();
        self.connections.end()
    }

    /// Whether the loop is in `epoll_wait`, with nothing to do.
    pub fn is_polling(&self) -> bool {
        self.reactor.running.is_none() && self.reactor.phase == Phase::Poll
    }
}

/// The connections among which the one from this port is: a worker process's, or its specimen's own.
pub(super) fn connections_of<'a>(processes: &'a [Specimen], own: &'a Connections, port: u16) -> &'a Connections {
    processes.iter().map(|process| &process.connections).find(|all| all.exchange(port).is_some()).unwrap_or(own)
}
