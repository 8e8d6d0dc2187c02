//! The loop as its ring tells it: phases and their share of time, ticks, the callback that runs, the ready list, lag.
//!
//! A callback ends where the next one, a phase, or a rest begins; so does the time of a phase. What is "of the last second" is renewed
//! every 50 ms ([`super::window::SLOT`]).

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Phase};

use super::hogs::Hogs;
use super::strip::Doing;
use super::window::{self, Slots};

/// Ready connections that are kept with their identity; more are only counted.
pub const MAX_READY: usize = 256;
/// How deep a callback's connection is looked for in the ready list: those before it have lost their beginning.
const LOOK_AHEAD: usize = 8;

/// The state of a loop and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Reactor {
    /// Ticks so far.
    pub ticks: u64,
    /// Ticks a second, over the last second.
    pub tick_rate: f64,
    /// The phase it is in.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Nanos,
    /// Share of the last second spent in each phase, by [`Phase`]; they add up to 1 once the loop has run.
    pub shares: [f64; Phase::COUNT],
    /// The callback that runs now.
    pub running: Option<Running>,
    /// Whether the gate holds it.
    pub held: bool,
    /// Whether it is held before a tick, and not before a callback.
    pub held_whole: bool,
    /// When the gate last let it go on, and how long it had held it.
    pub(super) let_go: Option<(Nanos, Nanos)>,
    held_since: Nanos,
    /// Reported by the kernel, callback not started, in the order in which they will run; at most [`MAX_READY`].
    pub ready: VecDeque<Ready>,
    /// How many are ready in all.
    pub ready_count: usize,
    /// Size of the last batch that `epoll_wait` returned.
    pub batch: u32,
    /// The largest batch of the last second.
    pub batch_max: u32,
    /// Loop lag: the longest time, over the last second, between one return of `epoll_wait` and the next call of it, the present
    /// one included. Whatever falls due in between waits as long.
    pub lag: Nanos,
    /// The most that a timer was late in the last second.
    pub timer_late: Nanos,
    /// How late timers have been so far.
    pub timers: Tally,
    /// System calls so far beside `epoll_wait`, as far as the loop's own events tell: reading, writing, accepting, registering, closing.
    pub calls: u64,
    /// Callbacks so far and the time spent in them, by [`Cause`].
    pub causes: [Tally; Cause::COUNT],
    /// The same by [`Handler`] of the request they served, where one is known. A pipelined batch counts each of its requests.
    pub handlers: [Tally; Handler::COUNT],
    /// The longest callback that is over, of those since the beginning or the last mark.
    longest: Nanos,
    /// Requests parsed, over the last second.
    pub request_rate: f64,
    /// Requests parsed so far.
    pub requests: u64,
    /// Faults that took hold of something so far, by [`Fault`].
    pub struck: [u32; Fault::COUNT],
    /// Whether the loop has said anything since its process began.
    seen: bool,
    /// The last return of `epoll_wait`, while it has not been called again.
    returned: Option<Nanos>,
    /// Time outside `epoll_wait` so far.
    pub(super) worked: Nanos,
    /// Where the present request of the callback that runs began; in a pipelined batch later than the callback.
    request_since: Nanos,
    /// The longest request of the callback that runs, of those that are over.
    heaviest: (Nanos, Option<Handler>),
    slots: Slots<Slot>,
    lagged: Nanos,
    /// Who takes its time.
    pub(super) hogs: Hogs,
    /// The longest callback since this was last asked for.
    lately: Nanos,
    /// Up to when the callback that runs has been credited to its connection, and its requests since.
    credited: (Nanos, u32),
}

/// What 50 ms add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slot {
    phases: [u32; Phase::COUNT],
    ticks: u32,
    requests: u32,
    batch: u32,
    lag: Nanos,
    timer_late: Nanos,
}

/// A callback that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Why.
    pub cause: Cause,
    /// For which connection.
    pub conn: ConnId,
    /// What the request asked for, once it is parsed.
    pub handler: Option<Handler>,
    /// The fault that has taken hold of it.
    pub fault: Option<Fault>,
    /// Since when.
    pub since: Nanos,
}

/// A connection whose callback has not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which (`ConnId::NONE`: the listener).
    pub conn: ConnId,
    /// For what.
    pub readiness: Readiness,
    /// Since when the loop knows.
    pub since: Nanos,
}

/// How often, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// For how long in all.
    pub busy: Nanos,
    /// The longest.
    pub max: Nanos,
    /// The distribution of lengths in nanoseconds (two significant figures).
    pub histogram: Histogram<u32>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { count: 0, busy: Nanos::ZERO, max: Nanos::ZERO, histogram: window::histogram() }
    }
}

impl Tally {
    #[inline]
    fn add(&mut self, length: Nanos) {
        self.count += 1;
        self.busy += length;
        self.max = self.max.max(length);
        window::record(&mut self.histogram, length);
    }
}

impl Default for Reactor {
    fn default() -> Self {
        Self {
            ticks: 0,
            tick_rate: 0.0,
            phase: Phase::Poll,
            phase_since: Nanos::ZERO,
            shares: [0.0; Phase::COUNT],
            running: None,
            held: false,
            held_whole: false,
            let_go: None,
            held_since: Nanos::ZERO,
            ready: VecDeque::new(),
            ready_count: 0,
            batch: 0,
            batch_max: 0,
            lag: Nanos::ZERO,
            timer_late: Nanos::ZERO,
            timers: Tally::default(),
            calls: 0,
            causes: std::array::from_fn(|_| Tally::default()),
            handlers: std::array::from_fn(|_| Tally::default()),
            longest: Nanos::ZERO,
            request_rate: 0.0,
            requests: 0,
            struck: [0; Fault::COUNT],
            seen: false,
            returned: None,
            worked: Nanos::ZERO,
            request_since: Nanos::ZERO,
            heaviest: (Nanos::ZERO, None),
            slots: Slots::starting(Nanos::ZERO),
            lagged: Nanos::ZERO,
            hogs: Hogs::default(),
            lately: Nanos::ZERO,
            credited: (Nanos::ZERO, 0),
        }
    }
}

impl Reactor {
    /// The longest callback so far, the one that runs now included.
    pub fn longest_callback(&self, now: Nanos) -> Nanos {
        let over = self.causes.iter().map(|t| t.max).max().unwrap_or_default();
        over.max(self.running.map_or(Nanos::ZERO, |r| now.since(r.since)))
    }

    /// The longest callback since the beginning or the last mark, the one that runs now included.
    pub fn longest_since_mark(&self, now: Nanos) -> Nanos {
        self.longest.max(self.running.map_or(Nanos::ZERO, |r| now.since(r.since)))
    }

    /// A mark was reached: the longest callback is counted from here.
    pub(super) fn mark(&mut self) {
        self.longest = Nanos::ZERO;
    }

    /// What it does while time passes.
    #[inline]
    pub(super) fn doing(&self) -> Doing {
        match (self.seen, self.running.is_some(), self.phase) {
            (false, ..) => Doing::Nothing,
            (_, true, _) => Doing::Callback,
            (.., Phase::Poll) => Doing::Polling,
            _ => Doing::Between,
        }
    }

    /// Time passes within the present slot.
    #[inline]
    pub(super) fn spend(&mut self, time: Nanos) {
        if self.seen {
            self.slots.now().phases[self.phase as usize] += time.0 as u32;
            if self.phase != Phase::Poll {
                self.worked += time;
            }
        }
    }

    /// Passes over time that no slot could show.
    pub(super) fn leap(&mut self, time: Nanos) {
        if self.seen && self.phase != Phase::Poll {
            self.worked += time;
        }
    }

    /// Goes on to the slot of `now`, and renews the figures of the last second where it is another one.
    pub(super) fn slide(&mut self, now: Nanos) {
        if !self.slots.slide(now) {
            return;
        }
        let mut phases = [0_u64; Phase::COUNT];
        let (mut batch, mut timer_late) = (0, Nanos::ZERO);
        self.lagged = Nanos::ZERO;
        for slot in self.slots.past() {
            phases.iter_mut().zip(slot.phases).for_each(|(sum, ns)| *sum += u64::from(ns));
            batch = batch.max(slot.batch);
            timer_late = timer_late.max(slot.timer_late);
            self.lagged = self.lagged.max(slot.lag);
        }
        let all = phases.iter().sum::<u64>();
        self.shares = phases.map(|ns| if all == 0 { 0.0 } else { ns as f64 / all as f64 });
        self.tick_rate = self.slots.rate(|s| u64::from(s.ticks));
        self.request_rate = self.slots.rate(|s| u64::from(s.requests));
        self.batch_max = batch;
        self.timer_late = timer_late;
        self.age(now);
    }

    /// The lag grows while `epoll_wait` is not called.
    #[inline]
    pub(super) fn age(&mut self, now: Nanos) {
        let present = self.returned.map_or(Nanos::ZERO, |returned| now.since(returned));
        self.lag = self.lagged.max(self.slots.now().lag).max(present);
    }

    #[inline]
    fn wake(&mut self, at: Nanos) {
        if !self.seen {
            self.seen = true;
            self.slots = Slots::starting(at);
        }
    }

    #[inline]
    pub(super) fn entered(&mut self, at: Nanos, phase: Phase, detail: u32) {
        self.wake(at);
        match phase {
            Phase::Poll => {
                self.ticks += 1;
                self.slots.now().ticks += 1;
                if let Some(returned) = self.returned.take() {
                    let lag = at.since(returned);
                    let slot = self.slots.now();
                    slot.lag = slot.lag.max(lag);
                    self.lag = self.lag.max(lag);
                }
                if self.ready_count > 0 {
                    self.ready.clear();
                    self.ready_count = 0;
                }
            }
            Phase::Dispatch => {
                self.returned = Some(at); // Also where the call before it was lost.
                self.batch = detail;
                let slot = self.slots.now();
                slot.batch = slot.batch.max(detail);
            }
            _ if self.phase == Phase::Poll => self.returned = Some(at),
            _ => {}
        }
        self.phase = phase;
        self.phase_since = at;
    }

    #[inline]
    pub(super) fn ready(&mut self, at: Nanos, conn: ConnId, readiness: Readiness) {
        self.ready_count += 1;
        if self.ready.len() < MAX_READY {
            self.ready.push_back(Ready { conn, readiness, since: at });
        }
    }

    /// A callback begins, for a request that is known already where its cause is not the socket.
    #[inline]
    pub(super) fn began(&mut self, at: Nanos, conn: ConnId, cause: Cause, handler: Option<Handler>) {
        self.wake(at);
        if self.ready_count > 0 && matches!(cause, Cause::Accept | Cause::Readable | Cause::Writable) {
            self.take_ready(conn);
        }
        self.running = Some(Running { cause, conn, handler, fault: None, since: at });
        self.request_since = at;
        self.heaviest = (Nanos::ZERO, None);
        self.credited = (at, 0);
    }

    #[inline]
    fn take_ready(&mut self, conn: ConnId) {
        if self.ready.is_empty() {
            self.ready_count -= 1; // One of those that were only counted.
        } else if let Some(found) = self.ready.iter().take(LOOK_AHEAD).position(|r| r.conn == conn) {
            self.ready.drain(..=found);
            self.ready_count -= found + 1;
        }
    }

    #[inline]
    pub(super) fn requested(&mut self, at: Nanos, conn: ConnId, handler: Handler) {
        self.requests += 1;
        self.slots.now().requests += 1;
        let Some(running) = &mut self.running else { return };
        if running.conn != conn {
            return;
        }
        self.credited.1 += 1;
        if let Some(before) = running.handler.replace(handler) {
            let length = at.since(self.request_since);
            self.request_since = at;
            self.request_over(before, length);
        }
    }

    #[inline]
    fn request_over(&mut self, handler: Handler, length: Nanos) {
        self.handlers[handler as usize].add(length);
        if length >= self.heaviest.0 {
            self.heaviest = (length, Some(handler));
        }
    }

    /// The callback that runs, if any, is over. In what comes back its handler is the one that took longest.
    #[inline]
    pub(super) fn over(&mut self, at: Nanos) -> Option<Running> {
        let mut running = self.running.take()?;
        let length = at.since(running.since);
        self.lately = self.lately.max(length);
        self.hogs.add(running.conn, at.since(self.credited.0), self.credited.1);
        self.causes[running.cause as usize].add(length);
        self.longest = self.longest.max(length);
        if let Some(handler) = running.handler {
            self.request_over(handler, at.since(self.request_since));
            running.handler = self.heaviest.1;
        }
        Some(running)
    }

    /// The longest callback since this was last asked for, the one that runs included.
    pub(super) fn longest_since(&mut self, now: Nanos) -> Nanos {
        let running = self.running.map_or(Nanos::ZERO, |running| now.since(running.since));
        std::mem::take(&mut self.lately).max(running)
    }

    /// Credits the callback that runs with its time so far, so that a long one counts in each window that it covers.
    pub(super) fn credit(&mut self, now: Nanos) {
        if let Some(running) = self.running {
            let (from, requests) = std::mem::replace(&mut self.credited, (now, 0));
            self.hogs.add(running.conn, now.since(from), requests);
        }
        self.hogs.slide(now);
    }

    /// Nothing is known of the callback that ran: it is not counted.
    pub(super) fn forget(&mut self) {
        self.running = None;
    }

    pub(super) fn struck(&mut self, conn: ConnId, fault: Fault, on_loop: bool) {
        self.struck[fault as usize] = self.struck[fault as usize].saturating_add(1);
        if let Some(running) = &mut self.running
            && on_loop
            && running.conn == conn
        {
            running.fault = Some(fault);
        }
    }

    /// System calls for each request so far, the waits for the next one included; nothing before the first request.
    pub fn calls_per_request(&self) -> Option<f64> {
        (self.requests > 0).then(|| (self.calls + self.ticks) as f64 / self.requests as f64)
    }

    /// The gate holds it, before a callback (1) or a tick (2), or lets it go on (0).
    pub(super) fn gated(&mut self, at: Nanos, place: u32) {
        let held = place != 0;
        self.held_whole = place == 2;
        match (self.held, held) {
            (false, true) => self.held_since = at,
            (true, false) => self.let_go = Some((at, at.since(self.held_since))),
            _ => {}
        }
        self.held = held;
    }

    pub(super) fn timer_late(&mut self, late: Nanos) {
        self.timers.add(late);
        let slot = self.slots.now();
        slot.timer_late = slot.timer_late.max(late);
        self.timer_late = self.timer_late.max(late);
    }

    /// The process is gone: what it had done stays, what it did is over.
    pub(super) fn end(&mut self) {
        self.seen = false;
        self.held = false;
        self.phase = Phase::Poll;
        self.returned = None;
        self.ready.clear();
        self.ready_count = 0;
    }
}
