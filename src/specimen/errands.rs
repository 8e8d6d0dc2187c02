//! What handlers have asked the loop to do, carried out: upstream calls begun, alarms set, answers sent, jobs and futures given their turn.
//!
//! Nothing here is on the way of a plain request: the loop comes here for a token that is no connection's, and for a task.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::Token;
use slab::Slab;

use super::executor::{Executor, Wakeup};
use super::faults;
use super::handle::{Alarm, Handle, Said};
use super::hooks::{Errand, Habits, Job, Rejections};
use super::ledger::{Ledger, Meter};
use super::pool::Completions;
use super::promise::{self, Unhandled};
use super::server::{Common, NOBODY, Server, serial};
use super::styles;
use super::upstream::{Call, Over, Reach, Upstream};
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Handler;
use crate::telemetry::{Probe, What};

/// The bit in a token's place that says: a turn of somebody's code, and the rest is its connection's place.
const TURN: usize = 1 << 30;
/// The bit that says: an alarm, and the rest is its place among them.
const ALARM: usize = 1 << 29;
/// How often an unhandled rejection is written down at most.
const LOGGED: Nanos = Nanos::millis(100);

/// Something whose turn comes in the `tasks` phase.
pub struct Task {
    /// Whose it is.
    pub token: Token,
    turn: Turn,
}

enum Turn {
    /// A slice of computing work.
    Slice(Job),
    /// A reaction to a settled promise.
    Job(promise::Job),
    /// A future that was woken.
    Poll(Arc<Wakeup>),
}

/// What handlers have asked for.
pub(super) struct Errands {
    handle: Handle,
    upstream: Upstream,
    alarms: Slab<(Token, Alarm)>,
    ledger: Ledger,
    logged: Option<Nanos>,
}

impl Errands {
    pub fn new(upstream: Option<SocketAddr>, completions: Arc<Completions>) -> Self {
        let handle = Handle::new(NOBODY, Executor::new(move || completions.wake()));
        Self { handle, upstream: Upstream::new(upstream), alarms: Slab::new(), ledger: Ledger::default(), logged: None }
    }

    /// How many turns are due.
    #[inline]
    pub fn due(&self) -> u32 {
        (self.handle.jobs().len() + self.handle.executor().due()) as u32
    }

    /// Whose token this is that is no connection's.
    #[cold]
    pub fn whose(&self, token: Token) -> Option<ConnId> {
        if token.0 & (TURN | ALARM) != 0 { Some(serial(token)) } else { self.upstream.whose(token) }
    }

    /// Begins an errand for a request: its code has its first turn in this tick's `tasks` phase.
    fn begin(&mut self, errand: Errand, owner: Token, habits: &Habits) {
        self.handle.jobs().enter(owner);
        let (handle, answer) = (self.handle.clone(), self.handle.answer());
        match errand {
            Errand::Chain(query) => {
                self.ledger.open(owner, habits.style);
                let meter = Meter::starts();
                styles::begin(habits.style, &handle, query, answer, habits.forgets_branch);
                self.ledger.book(owner, meter);
            }
            Errand::Lookup => {
                let catches = habits.catches_at_end;
                handle.clone().jobs().put(owner, Box::new(move || faults::rejected_promise::greet(&handle, &answer, catches)));
            }
        }
    }

    fn take_turns(&mut self, n: u32, into: &mut Vec<Task>) {
        let jobs = (n as usize).min(self.handle.jobs().len());
        for _ in 0..jobs {
            let Some((owner, job)) = self.handle.jobs().take() else { break };
            into.push(Task { token: turn(owner), turn: Turn::Job(job) });
        }
        for _ in jobs..n as usize {
            let Some(wakeup) = self.handle.executor().take() else { break };
            into.push(Task { token: turn(wakeup.owner()), turn: Turn::Poll(wakeup) });
        }
    }
}

/// The token of a turn of this owner's code: its callback runs even if the connection is gone. What was promised is done.
fn turn(owner: Token) -> Token {
    if owner == NOBODY { NOBODY } else { Token(owner.0 | TURN) }
}

impl<P: Probe> Common<P> {
    /// Begins an errand for a request.
    pub(super) fn begin_errand(&mut self, errand: Errand, token: Token, handler: Handler) {
        self.probe.note_now(What::TaskQueued { conn: serial(token), handler });
        self.errands.begin(errand, token, self.hooks.habits());
    }

    fn reach(&mut self) -> (&mut Upstream, Reach<'_, P>) {
        let Self { errands, poll, timers, probe, clock, .. } = self;
        (&mut errands.upstream, Reach { registry: poll.registry(), timers, probe, clock: *clock })
    }

    fn start_call(&mut self, call: Call) -> Option<Over> {
        let (upstream, mut reach) = self.reach();
        upstream.start(call, &mut reach)
    }
}

impl<P: Probe> Server<P> {
    /// The next `n` tasks. What they queue is for a later tick.
    pub fn take_tasks(&mut self, n: u32) -> Vec<Task> {
        let slices = self.common.tasks.due().min(n);
        let mut tasks: Vec<Task> =
            self.common.tasks.take(slices).into_iter().map(|job| Task { token: job.token, turn: Turn::Slice(job) }).collect();
        self.common.errands.take_turns(n - slices, &mut tasks);
        tasks
    }

    /// A task's turn has come.
    pub fn run_task(&mut self, task: Task) {
        let owner = Token(task.token.0 & !TURN);
        let meter = Meter::starts();
        match task.turn {
            Turn::Slice(job) => return self.run_slice(job),
            Turn::Job(job) => {
                self.common.errands.handle.jobs().enter(owner);
                job();
            }
            Turn::Poll(wakeup) => {
                let handle = self.common.errands.handle.clone();
                handle.jobs().enter(owner);
                handle.executor().poll(&wakeup);
            }
        }
        self.carry_out_errands();
        self.book(owner, meter);
    }

    /// A turn of somebody's code is over.
    fn book(&mut self, owner: Token, meter: Meter) {
        self.common.errands.ledger.book(owner, meter);
        while let Some((owner, style, count)) = self.common.errands.ledger.next_over() {
            if let Some(count) = count {
                self.common.probe.note_now(What::Allocated { conn: serial(owner), by: (style, count) });
            }
        }
    }

    /// Something has happened to what is no connection: a socket of an upstream call is ready, or somebody's time has come.
    #[cold]
    pub(super) fn errand(&mut self, token: Token) {
        let meter = Meter::starts();
        let mut owner = NOBODY;
        if token.0 & ALARM != 0 {
            if let Some((of, alarm)) = self.common.errands.alarms.try_remove(token.0 & (ALARM - 1)) {
                owner = of;
                self.common.errands.handle.jobs().enter(owner);
                alarm();
            }
        } else {
            let (upstream, mut reach) = self.common.reach();
            owner = upstream.owner(token).unwrap_or(NOBODY);
            if let Some(over) = upstream.ready(token, &mut reach) {
                self.tell(over);
            }
        }
        self.carry_out_errands();
        self.book(owner, meter);
    }

    /// Tells whoever asked what has come of a call.
    fn tell(&mut self, over: Over) {
        self.common.errands.handle.jobs().enter(over.call.owner);
        (over.call.done)(over.outcome);
    }

    /// A panic came out of somebody's code: whose it was. What else it had asked for is carried out.
    #[cold]
    pub(super) fn errand_panicked(&mut self, token: Token) -> Token {
        if self.conns.contains(super::server::place(token)) || self.common.errands.whose(token).is_none() {
            return token;
        }
        let owner = self.common.errands.handle.jobs().owner();
        self.carry_out_errands();
        owner
    }

    /// Carries out what has been asked for, until nothing is left to do now.
    fn carry_out_errands(&mut self) {
        loop {
            let asked = self.common.errands.handle.take_asked();
            let unhandled = self.common.errands.handle.jobs().take_unhandled();
            let waiting = self.common.errands.upstream.next_waiting();
            if asked.is_none() && unhandled.is_empty() && waiting.is_none() {
                return;
            }
            let asked = asked.unwrap_or_default();
            for what in asked.notes {
                self.common.probe.note_now(what);
            }
            for (owner, delay, alarm) in asked.alarms {
                let place = self.common.errands.alarms.insert((owner, alarm));
                let token = Token(owner.0 >> 32 << 32 | ALARM | place);
                self.common.timers.set(self.common.clock.now() + delay, token);
                let micros = u32::try_from(delay.0 / 1_000).unwrap_or(u32::MAX);
                self.common.probe.note_now(What::TimerSet { conn: serial(owner), micros });
            }
            for call in waiting.into_iter().chain(asked.calls) {
                if let Some(over) = self.common.start_call(call) {
                    self.tell(over);
                }
            }
            for (owner, said) in asked.said {
                self.deliver(owner, said);
            }
            for one in unhandled {
                self.rejected(&one);
            }
        }
    }

    fn deliver(&mut self, owner: Token, said: Said) {
        self.common.errands.ledger.close(owner);
        // Whoever asked may be gone: then nobody waits.
        if owner == NOBODY || self.whose(owner).is_none() {
            return;
        }
        self.common.stale = true;
        self.with_conn(owner, |conn, input, common| conn.deliver(said, owner, input, common));
    }

    /// A promise was rejected, and died without anybody having handled it.
    fn rejected(&mut self, unhandled: &Unhandled) {
        let then = self.common.hooks.habits().rejections;
        let conn = serial(unhandled.owner);
        self.common.stats.unhandled += 1;
        self.common.probe.note_now(What::Unhandled { conn, then: then as u32 });
        let words = format!("unhandled rejection for connection {}: {}", conn.0, unhandled.reason.escape_debug());
        match then {
            Rejections::Unnoticed => {}
            Rejections::Logged => {
                let now = self.common.clock.now();
                if self.common.errands.logged.is_none_or(|last| now.since(last) >= LOGGED) {
                    self.common.errands.logged = Some(now);
                    // Nobody may be left to read it.
                    let _ = writeln!(io::stderr(), "{words}");
                }
            }
            Rejections::Fatal => self.die(io::Error::other(words)),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("token", &self.token).finish_non_exhaustive()
    }
}
