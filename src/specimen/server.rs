//! What the callbacks of one loop share, and the small calls by which [`super::reactor`] drives it.
//!
//! A connection lives in a slab; its token is its place there and its serial number. Serial numbers are not used again, so an event
//! for a connection that was closed earlier in the same tick finds nobody, even if its place has been taken.

use std::cell::Cell;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};
use slab::Slab;

use super::accept::Accept;
use super::accounts::ACCOUNTS;
use super::beats::Beats;
use super::conn::{Conn, SWEEPS};
use super::errands::Errands;
use super::hooks::{Habits, Hooks, Job};
use super::orders::Orders;
use super::sessions::{Live, Sessions};
use super::stats::Stats;
use super::tasks::Tasks;
use super::timers::{Key, Timer, Timers};
use crate::base::clock::{Clock, Stamp, unix_seconds};
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::http::date::http_date;
use crate::http::{Dated, Limits};
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{Cause, CloseReason, Phase};
use crate::telemetry::{Probe, What};

/// The listener. The serial number in it is zero, so it is no connection's.
pub const LISTENER: Token = Token(0);
/// The lab's channel.
pub const CONTROL: Token = Token(1);
/// The workers' way to wake the loop.
pub const WAKER: Token = Token(2);
/// Nobody in particular.
pub const NOBODY: Token = Token(4);

/// The timers of the two jobs that repeat.
const BEATS: [Token; 2] = [Token(5), Token(6)];

/// The timer by which connections are looked through for those that have outlived their use.
pub const SWEEP: Token = Token(3);

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would be caught, or be its end.
pub(super) fn is_catching() -> bool {
    CATCHING.get()
}

/// Bytes that one read takes at most.
pub(super) const INPUT: usize = 64 * 1024;

/// The server of one loop.
pub struct Server<P> {
    pub(super) common: Common<P>,
    pub(super) conns: Slab<Conn>,
    pub(super) accept: Accept,
    pub(super) orders: Orders,
    /// Where every connection reads into: what is not yet a whole request is kept apart, and most are whole.
    input: Box<[u8]>,
    /// The moment for which timers are being run.
    now: Nanos,
    stopped: bool,
    sweep: Option<Key>,
    /// What is kept beside the connections, where anything is.
    pub(super) sessions: Sessions,
    /// The habits that have been followed up.
    habits: Habits,
    /// Why the process is to end, if that is an error.
    fate: io::Result<()>,
}

/// What a connection needs beside itself.
pub(super) struct Common<P> {
    pub probe: P,
    pub clock: Clock,
    pub poll: Poll,
    pub limits: Limits,
    /// Whether every client may ask for faults.
    pub faults_for_all: bool,
    pub timers: Timers,
    pub tasks: Tasks,
    pub hooks: Hooks,
    pub errands: Errands,
    pub stats: Stats,
    pub date: Date,
    /// Answers of the callback that runs: sent with one write, and empty between callbacks.
    pub out: Vec<u8>,
    /// Where in it the last whole answer ends.
    pub whole: usize,
    /// Whether the callback that runs has not started a request yet.
    pub first: bool,
    /// Whether time has passed since the last stamp: what follows needs one of its own.
    pub stale: bool,
}

/// The Date header, made anew once a second.
pub(super) struct Date {
    pub dated: Dated,
    until: Stamp,
    /// When it was last looked at: when the phase that runs began.
    pub looked: Stamp,
    second: Stamp,
}

impl Date {
    pub fn new(clock: &Clock) -> Self {
        Self { dated: Dated::new(http_date(unix_seconds())), until: Stamp(0), looked: Stamp(0), second: clock.stamp_at(Nanos::secs(1)) }
    }

    #[inline]
    pub fn refresh(&mut self, clock: &Clock) {
        let now = clock.stamp();
        self.looked = now;
        if now >= self.until {
            self.dated = Dated::new(http_date(unix_seconds()));
            self.until = Stamp(now.0 + self.second.0);
        }
    }
}

impl<P: Probe> Common<P> {
    /// Notes a fact with the last boundary's stamp, or with one of its own where work has taken time since.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "where it is called the kind of fact is known, and packing it folds to a constant")]
    pub fn note(&mut self, what: What) {
        if self.stale {
            self.stale = false;
            self.probe.note_now(what);
        } else {
            self.probe.note(what);
        }
    }
}

impl<P: Probe> Common<P> {
    /// Has the jobs run that repeat, from now on; they are started once.
    #[cold]
    pub fn start_beats(&mut self, every: Nanos) {
        if self.stats.beats.is_none() {
            let beats = Beats::start(self.clock.now(), every);
            self.stats.beats = Some(beats);
            for token in BEATS {
                self.timers.set(beats.first(), token);
            }
        }
    }

    /// One of them runs.
    fn beat(&mut self, job: usize) {
        let Some(beats) = &mut self.stats.beats else { return };
        let (fact, next) = beats.run(job == 1, self.clock.now());
        self.timers.set(next, BEATS[job]);
        self.probe.note_now(fact);
    }
}

/// A connection's token: its serial number and its place.
pub(super) fn token(id: ConnId, place: usize) -> Token {
    Token((id.0 as usize) << 32 | place)
}

/// In a connection's token: it is not its own socket that is meant, but that of somebody whom it has asked.
const NEIGHBOUR: usize = 1 << 28;

/// The token of whomever a connection has asked.
pub(super) fn neighbour_of(conn: Token) -> Token {
    Token(conn.0 | NEIGHBOUR)
}

pub(super) fn place(token: Token) -> usize {
    token.0 & 0xFFFF_FFFF & !NEIGHBOUR
}

pub(super) fn serial(token: Token) -> ConnId {
    ConnId((token.0 >> 32) as u32)
}

impl<P: Probe> Server<P> {
    pub(super) fn new(common: Common<P>, accept: Accept, orders: Orders) -> Self {
        let input = vec![0; INPUT].into_boxed_slice();
        Self {
            common,
            conns: Slab::new(),
            accept,
            orders,
            input,
            now: Nanos::ZERO,
            stopped: false,
            sweep: None,
            habits: Habits::default(),
            fate: Ok(()),
            sessions: Sessions::default(),
        }
    }

    // ---- what the loop asks ---------------------------------------------------------------------------------------

    /// Whether the lab has said stop, or is gone.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Ends the process on purpose, when this tick is over.
    pub(super) fn die(&mut self, why: io::Error) {
        self.fate = Err(why);
        self.stopped = true;
    }

    /// How it ends: well, or for this reason.
    ///
    /// # Errors
    /// The reason.
    pub fn end(&mut self) -> io::Result<()> {
        std::mem::replace(&mut self.fate, Ok(()))
    }

    /// A tick begins.
    #[inline]
    pub fn tick(&mut self) {
        self.common.probe.tick();
    }

    /// How long `epoll_wait` may sleep: not at all with tasks queued, else until the next timer is due.
    #[inline]
    pub fn patience(&self) -> Option<Duration> {
        if !self.common.tasks.is_empty() || self.common.errands.due() > 0 {
            return Some(Duration::ZERO);
        }
        self.common.timers.next_due().map(|due| due.since(self.common.clock.now()).duration())
    }

    /// A phase begins.
    #[inline]
    pub fn enter(&mut self, phase: Phase, detail: u32) {
        self.common.probe.enter(phase, detail);
        if phase != Phase::Poll {
            self.common.date.refresh(&self.common.clock);
        }
    }

    /// `epoll_wait`. A signal that interrupts it is nothing: the loop comes round again.
    ///
    /// # Errors
    /// What the kernel says.
    #[inline]
    pub fn poll(&mut self, events: &mut Events, patience: Option<Duration>) -> io::Result<()> {
        match self.common.poll.poll(events, patience) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes down who is ready, before the first callback runs.
    #[inline]
    pub fn note_ready(&mut self, events: &Events) {
        for event in events {
            let conn = match event.token() {
                CONTROL | WAKER => continue,
                token => serial(token),
            };
            let mut bits = u8::from(event.is_readable()) | u8::from(event.is_writable()) << 1;
            if event.is_read_closed() || event.is_error() {
                bits |= Readiness::CLOSED.0;
            }
            self.common.probe.note(What::Ready { conn, readiness: Readiness(bits) });
        }
    }

    /// Whose token this is; nothing if its connection is closed.
    #[inline]
    pub fn whose(&self, token: Token) -> Option<ConnId> {
        let id = serial(token);
        if !id.is_some() {
            return Some(ConnId::NONE);
        }
        match self.conns.get(place(token)) {
            Some(conn) => (conn.id() == id).then_some(id),
            None => self.common.errands.whose(token),
        }
    }

    /// A callback begins.
    #[inline]
    pub fn begin(&mut self, cause: Cause, conn: ConnId) {
        self.common.first = true;
        self.common.stale = false;
        self.common.probe.begin(cause, conn);
    }

    /// Runs a callback, and where a mitigation catches panics, gives up its connection instead of the process.
    #[inline]
    pub fn at_the_edge(&mut self, token: Token, run: impl FnOnce(&mut Self, Token)) {
        if self.common.hooks.habits().catches_panics {
            // Whatever the callback had begun to change is its connection's, and that is given up, or the shared buffer's, which is cut back.
            CATCHING.set(true);
            let outcome = catch_unwind(AssertUnwindSafe(|| run(self, token)));
            CATCHING.set(false);
            if outcome.is_err() {
                self.panicked(token);
            }
        } else {
            run(self, token);
        }
    }

    #[cold]
    fn panicked(&mut self, token: Token) {
        let token = self.errand_panicked(token);
        let conn = serial(token);
        self.common.stats.caught += 1;
        self.common.probe.note_now(What::Caught { conn });
        self.common.probe.note(ACCOUNTS.report());
        self.common.out.truncate(self.common.whole);
        if !conn.is_some() || self.whose(token).is_none() {
            return;
        }
        self.with_conn(token, |conn, _, common| conn.panicked(token, common));
    }

    // ---- callbacks ------------------------------------------------------------------------------------------------

    /// A connection has something to read.
    #[inline]
    pub fn readable(&mut self, token: Token, event: &Event) {
        if token.0 & NEIGHBOUR != 0 {
            let token = Token(token.0 & !NEIGHBOUR);
            return self.with_conn(token, |conn, input, common| conn.neighbour_is_readable(token, input, common));
        }
        let (ended, reset) = (event.is_read_closed(), event.is_error() || event.is_write_closed());
        self.with_conn(token, |conn, input, common| conn.readable(token, ended, reset, input, common));
    }

    /// A connection can take bytes again.
    pub fn writable(&mut self, token: Token) {
        self.with_conn(token, |conn, input, common| conn.writable(token, input, common));
    }

    /// How many timers are due.
    #[inline]
    pub fn timers_due(&mut self) -> u32 {
        if self.common.timers.is_empty() {
            return 0;
        }
        self.now = self.common.clock.now();
        self.common.timers.count_due(self.now) as u32
    }

    /// The next timer that is due.
    pub fn next_timer(&mut self) -> Option<Timer> {
        self.common.timers.take_due(self.now)
    }

    /// A timer is due.
    pub fn timer_is_due(&mut self, timer: Timer) {
        let late = self.common.clock.now().since(timer.due).0 / 1_000;
        let (conn, micros) = (serial(timer.token), u32::try_from(late).unwrap_or(u32::MAX));
        self.common.probe.note(What::TimerLate { conn, micros });
        if timer.token == LISTENER {
            self.retry_accept();
        } else if timer.token == SWEEP {
            self.sweep();
        } else if let Some(job) = BEATS.iter().position(|token| *token == timer.token) {
            self.common.beat(job);
        } else {
            self.with_conn(timer.token, |conn, input, common| conn.timer_is_due(timer, input, common));
        }
    }

    /// How many tasks this tick runs.
    #[inline]
    pub fn tasks_due(&self) -> u32 {
        self.common.tasks.due() + self.common.errands.due()
    }

    /// A slice of computing work has its turn.
    pub(super) fn run_slice(&mut self, slice: Job) {
        self.with_conn(slice.token, |conn, input, common| conn.run_task(slice, input, common));
    }

    /// The connection whose work a worker has done; nothing if there is none left.
    pub fn next_completion(&mut self) -> Option<Token> {
        self.common.hooks.next_completion()
    }

    /// A worker has done a connection's work.
    pub fn work_is_done(&mut self, token: Token) {
        self.with_conn(token, |conn, input, common| conn.work_is_done(token, input, common));
    }

    /// Calls a connection, and closes it if that is what came of it.
    #[inline]
    pub(super) fn with_conn(&mut self, token: Token, call: impl FnOnce(&mut Conn, &mut [u8], &mut Common<P>) -> ControlFlow<CloseReason>) {
        let Some(conn) = self.conns.get_mut(place(token)) else { return self.errand(token) };
        if let ControlFlow::Break(reason) = call(conn, &mut self.input, &mut self.common) {
            self.close(token, reason);
        }
    }

    /// A connection that may have a session is over.
    #[cold]
    fn end_session(&mut self, conn: ConnId) {
        let releases = self.common.hooks.habits().session.is_some_and(|style| style.releases);
        if let Some(live) = self.sessions.close(conn, releases) {
            self.lives(live);
        }
    }

    /// So many sessions are in memory.
    pub(super) fn lives(&mut self, (objects, kib): Live) {
        self.common.stats.live = (objects, kib);
        self.common.note(What::Live { objects, kib });
    }

    /// The loop's habits are others now than they were: what follows from that beside the places that go by them.
    pub(super) fn habits_changed(&mut self) {
        let habits = *self.common.hooks.habits();
        let before = std::mem::replace(&mut self.habits, habits);
        self.accept.keep_reserve(habits.keeps_reserve);
        let ends_matter = habits.closes_at_end && !before.closes_at_end;
        if ends_matter || habits.idle != before.idle {
            self.sweep_at(self.common.clock.now());
        }
    }

    fn sweep_at(&mut self, due: Nanos) {
        if let Some(key) = self.sweep.replace(self.common.timers.set(due, SWEEP)) {
            self.common.timers.cancel(key);
        }
    }

    /// Looks through all connections, closes those that have outlived their use, and comes again while idle ones are to be closed.
    fn sweep(&mut self) {
        self.sweep = None;
        let habits = *self.common.hooks.habits();
        let outlived = self.conns.iter_mut().filter_map(|(place, conn)| Some((token(conn.id(), place), conn.outlived(&habits)?)));
        for (token, reason) in outlived.collect::<Vec<_>>() {
            self.close(token, reason);
        }
        if let Some(idle) = habits.idle {
            self.sweep_at(self.common.clock.now() + Nanos(idle.0 / u64::from(SWEEPS)));
        }
    }

    /// Closes a connection. Its descriptor is the only one of its socket, so closing it takes it out of the interest list as well.
    pub(super) fn close(&mut self, token: Token, reason: CloseReason) {
        let Some(mut conn) = self.conns.try_remove(place(token)) else { return };
        conn.cancel_timer(&mut self.common.timers);
        self.common.out.clear();
        self.common.whole = 0;
        self.common.stats.open -= 1;
        drop(conn);
        self.common.note(What::Closed { conn: serial(token), reason });
        if !self.sessions.is_empty() {
            self.end_session(serial(token));
        }
        self.accept.descriptor_is_free();
    }
}
