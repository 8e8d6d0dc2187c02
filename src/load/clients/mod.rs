//! All clients of a load: who carries which request, who waits, who dials, and when patience ends.
//!
//! Each client stands in one place: free, busy (in the order of the deadlines), dialling, about to dial, or on its own with an
//! alarm (thinking, or waiting before it dials again). The moment is passed in; only the clock of the recorder is read here, for the stamps of
//! what has just happened. [`requests`] follows a request from due to done, [`connections`] the dialling and the hanging up.

mod connections;
mod requests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{CreateFlags, EventFlags};

use super::client::{Client, Line, Received};
use super::dialler::Dialler;
use super::lists::Lists;
use super::peers::{PEER, Peers};
use super::plan::{Load, LoadControl};
use super::request::Requests;
use super::schedule::{Arrivals, Due, Mix};
use super::slow::SlowSenders;
use crate::base::clock::{Clock, Stamp};
use crate::base::rng::Rng;
use crate::base::units::Nanos;
use crate::telemetry::What;
use crate::telemetry::event::Record;
use crate::telemetry::ring::Producer;
use crate::telemetry::vocabulary::Outcome;

/// Requests that may be due and not sent. One more is given up at once, as a timeout: it would be one.
pub const MAX_DUE: usize = 1 << 18;
/// Dials that may be under way without a request.
const MAX_DIALS: usize = 256;
/// Dials that are begun per [`DIAL_PACE`]: loopback establishes them at once, and only the pace keeps the listener's queue from overflowing.
const DIALS_AT_ONCE: u32 = 64;
const DIAL_PACE: Nanos = Nanos::millis(1);
/// A dial that has not succeeded by then met a full queue; the kernel's own next try would come too late.
const DIAL_PATIENCE: Nanos = Nanos::secs(3);
/// The first and the longest wait before a failed connection is dialled again.
const BACK_OFF: (Nanos, u32) = (Nanos::millis(1), 100);
/// How often the backlog is told at most, and how old it may be before the loop wakes only to tell it.
const REPORT: Nanos = Nanos::millis(10);
const REPORT_AT_LAST: Nanos = Nanos::millis(50);
/// What one client reads at once.
const READ: usize = 64 * 1024;

const FREE: usize = 0;
const BUSY: usize = 1;
const DIALLING: usize = 2;
const TO_DIAL: usize = 3;

/// What each client does in closed loop is a stream of its own, so that it does not depend on who is answered first.
const CLIENT_STREAMS: u64 = 16;

/// The clients of one load.
#[derive(Debug)]
pub struct Clients {
    dialler: Dialler,
    requests: Requests,
    mix: Mix,
    think: Nanos,
    timeout: Nanos,
    seed: Rng,
    poll: OwnedFd,
    clock: Clock,
    ring: Producer,
    all: Vec<Client>,
    streams: Vec<Rng>,
    lists: Lists<4>,
    /// Clients `0..wanted` take part; the others end when they are free.
    wanted: usize,
    arrivals: Arrivals,
    rate: Option<f64>,
    due: VecDeque<Due>,
    alarms: BinaryHeap<Reverse<(Nanos, u32)>>,
    paused: Option<Nanos>,
    slow: SlowSenders,
    /// From when on so many dials may be begun again, and how many still may now.
    dials: (Nanos, u32),
    told: (Nanos, u32, u32),
    peers: Peers,
    buffer: Box<[u8]>,
}

impl Clients {
    /// The clients of this load; they begin to dial at the first [`Clients::turn`].
    ///
    /// # Errors
    /// `InvalidInput` for a mix that is none; what the system says to epoll.
    pub fn new(load: &Load, target: SocketAddr, clock: Clock, ring: Producer) -> io::Result<Self> {
        let now = clock.now();
        let rate = load.rate;
        let mut clients = Self {
            dialler: Dialler::new(target),
            requests: Requests::new(&load.mix, target)?,
            mix: Mix::new(&load.mix, load.churn),
            think: load.think,
            timeout: load.timeout,
            seed: Rng::new(load.seed),
            poll: rustix::event::epoll::create(CreateFlags::CLOEXEC)?,
            clock,
            ring,
            all: Vec::new(),
            streams: Vec::new(),
            lists: Lists::default(),
            wanted: 0,
            arrivals: Arrivals::new(load, rate.unwrap_or(0.0), now),
            rate,
            due: VecDeque::new(),
            alarms: BinaryHeap::new(),
            paused: None,
            slow: SlowSenders::new(target),
            dials: (Nanos::ZERO, 0),
            told: (Nanos::ZERO, 0, 0),
            peers: Peers::new(&load.peers, target)?,
            buffer: vec![0; READ].into_boxed_slice(),
        };
        clients.want(load.connections as usize);
        clients.slow.want(load.slow_senders);
        clients.tell_offer();
        Ok(clients)
    }

    /// Where the clients' events are reported, each with its token for [`Clients::ready`].
    pub fn poll(&self) -> &OwnedFd {
        &self.poll
    }

    /// Carries out what the lab asks for. `Stop` hangs up; the caller ends.
    pub fn control(&mut self, now: Nanos, order: LoadControl) {
        match order {
            LoadControl::Rate(rate) => self.set_rate(now, rate),
            LoadControl::Connections(n) => self.want(n as usize),
            LoadControl::SlowSenders(n) => self.slow.want(n),
            LoadControl::Pause => self.pause(now),
            LoadControl::Resume => self.resume(now),
            LoadControl::Greedy(on) => self.peers.greedy(on),
            LoadControl::Stop => {
                self.slow.want(0);
                self.peers.clear();
                self.want(0);
                for n in 0..self.all.len() {
                    self.hang_up(n);
                    self.lists.remove(n);
                }
                self.rate = Some(0.0);
            }
        }
        self.tell_offer();
    }

    /// The load itself did not run for so long: what it did not send then is not owed, since nobody kept it waiting but itself.
    pub fn forgive(&mut self, lost: Nanos) {
        self.arrivals.shift(lost);
        self.due.iter_mut().for_each(|due| due.intended += lost);
    }

    /// An event of a client's connection.
    pub fn ready(&mut self, token: u64, flags: EventFlags) {
        let (number, generation) = (token as u32, (token >> 32) as u32);
        if number & PEER != 0 {
            return self.peers.ready(number & !PEER, generation, flags);
        }
        let n = number as usize;
        let Some(client) = self.all.get_mut(n) else { return };
        if client.generation != generation || client.line == Line::Down {
            return;
        }
        let closing = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if client.line == Line::Dialling {
            if flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
                self.dialled(n);
            }
            // A server that speaks or closes at once is reported in the same event, and only once.
            if self.all[n].line != Line::Up || self.all[n].generation != generation {
                return;
            }
        }
        let client = &mut self.all[n];
        if flags.contains(EventFlags::OUT)
            && let Some(carried) = client.carried
            && !self.requests.is_sent(carried.due.choice.row as usize, carried.sent)
            && let Err(outcome) = client.send(&self.requests)
        {
            // The server may have answered before it hung up (413, 400): what is there to read counts.
            match client.receive(&self.requests, true, &mut self.buffer) {
                Received::Response { status, .. } => return self.answered(n, status, false),
                _ => return self.lost(n, outcome),
            }
        }
        if flags.contains(EventFlags::IN) || closing {
            match self.all[n].receive(&self.requests, closing, &mut self.buffer) {
                Received::Nothing => {}
                Received::Response { status, reusable } => self.answered(n, status, reusable),
                Received::Over(outcome) => self.lost(n, outcome),
            }
        }
    }

    /// Everything that is due by now, except that patience ends only where `expire` says that all events have been heard.
    pub fn turn(&mut self, now: Nanos, expire: bool) {
        self.arrive(now);
        if expire {
            self.expire(now);
        }
        self.ring_alarms(now);
        self.serve(now);
        self.dial_some(now);
        self.slow.turn(now);
        self.peers.turn(now, &self.poll, self.paused.is_some());
        self.report(now);
    }

    /// Sends what is due by now, if a client is free: in the middle of many events, so that none of them delays a send.
    pub fn arrive(&mut self, now: Nanos) {
        if self.paused.is_some() {
            return;
        }
        let mut came = false;
        while self.arrivals.next() <= now {
            let due = self.arrivals.take();
            if self.due.len() < MAX_DUE {
                self.due.push_back(due);
            } else {
                // So many wait before it that its patience would end, too.
                self.give_up(due, self.timeout);
            }
            came = true;
        }
        if came {
            self.serve(now);
        }
    }

    /// When [`Clients::turn`] is next needed, if nothing happens before.
    pub fn next(&self) -> Nanos {
        let deadline = |list| self.lists.first(list).map_or(Nanos::MAX, |n: usize| self.deadline(n));
        let mut next = deadline(BUSY).min(deadline(DIALLING)).min(self.slow.next()).min(self.peers.next(self.paused.is_some()));
        if self.paused.is_none() {
            next = next.min(self.arrivals.next()).min(self.due.front().map_or(Nanos::MAX, |due| due.intended + self.timeout));
        }
        if let Some(Reverse((alarm, _))) = self.alarms.peek() {
            next = next.min(*alarm);
        }
        if self.lists.first(TO_DIAL).is_some() && self.lists.len(DIALLING) < MAX_DIALS {
            next = next.min(self.dials.0);
        }
        if self.backlog() != (self.told.1, self.told.2) {
            next = next.min(self.told.0 + REPORT_AT_LAST);
        }
        next
    }

    // ---- time -----------------------------------------------------------------------------------------------------

    fn deadline(&self, n: usize) -> Nanos {
        let client = &self.all[n];
        client.carried.map_or(client.patience, |carried| carried.deadline)
    }

    /// Ends what has waited too long, the oldest first: those that were sent before those that were not.
    fn expire(&mut self, now: Nanos) {
        while let Some(n) = self.lists.first(BUSY).filter(|n| self.deadline(*n) <= now) {
            self.lost(n, Outcome::Timeout);
        }
        while let Some(due) = self.due.front().copied().filter(|due| self.paused.is_none() && due.intended + self.timeout <= now) {
            self.due.pop_front();
            self.give_up(due, Nanos::ZERO);
        }
        while let Some(n) = self.lists.first(DIALLING).filter(|n| self.deadline(*n) <= now) {
            self.hang_up(n);
            self.redial(n, now);
        }
    }

    fn set_alarm(&mut self, n: usize, at: Nanos) {
        self.all[n].alarm = at;
        self.alarms.push(Reverse((at, n as u32)));
    }

    fn ring_alarms(&mut self, now: Nanos) {
        while let Some(Reverse((at, n))) = self.alarms.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.alarms.pop();
            let n = n as usize;
            // An alarm that was set anew, or whose client has gone another way, rings for nobody.
            if self.all[n].alarm != at || n >= self.wanted {
                continue;
            }
            self.all[n].alarm = Nanos::ZERO;
            match self.all[n].line {
                Line::Down => self.lists.push(TO_DIAL, n),
                Line::Up if self.paused.is_some() || self.rate.is_some() => self.lists.push(FREE, n),
                Line::Up => {
                    let choice = self.choose(n);
                    self.carry(n, Due { intended: now, choice }, now);
                }
                Line::Dialling => {}
            }
        }
    }

    // ---- orders ---------------------------------------------------------------------------------------------------

    fn set_rate(&mut self, now: Nanos, rate: Option<f64>) {
        let from = self.paused.unwrap_or(now);
        self.arrivals.set_rate(from, rate.unwrap_or(0.0));
        let was = std::mem::replace(&mut self.rate, rate);
        if was.is_some() && rate.is_none() {
            self.wake_free(now);
        }
    }

    /// Closed loop begins, or goes on: every free client has its next request.
    fn wake_free(&mut self, now: Nanos) {
        for _ in 0..self.lists.len(FREE) {
            if self.paused.is_none()
                && let Some(n) = self.lists.first(FREE)
            {
                self.free(n, now);
            }
        }
    }

    fn pause(&mut self, now: Nanos) {
        if self.paused.is_none() {
            self.paused = Some(now);
            self.note(self.clock.stamp(), What::Paused { on: 1 });
        }
    }

    fn resume(&mut self, now: Nanos) {
        let Some(since) = self.paused.take() else { return };
        self.note(self.clock.stamp(), What::Paused { on: 0 });
        self.forgive(now.since(since));
        self.serve(now);
        if self.rate.is_none() {
            self.wake_free(now);
        }
    }

    fn want(&mut self, n: usize) {
        self.wanted = n;
        while self.all.len() < n {
            self.streams.push(self.seed.fork(CLIENT_STREAMS + self.all.len() as u64));
            self.all.push(Client::new());
            self.lists.grow();
        }
        for n in 0..self.all.len() {
            let (idle, line) = (self.all[n].carried.is_none(), self.all[n].line);
            if n >= self.wanted && idle {
                self.hang_up(n);
                self.lists.remove(n);
                self.all[n].alarm = Nanos::ZERO;
            } else if n < self.wanted && idle && line == Line::Down && self.all[n].alarm == Nanos::ZERO && self.lists.of(n).is_none() {
                self.lists.push(TO_DIAL, n);
            }
        }
    }

    // ---- telling --------------------------------------------------------------------------------------------------

    fn note(&mut self, at: Stamp, what: What) {
        self.ring.push(Record::new(at, what));
    }

    fn backlog(&self) -> (u32, u32) {
        (self.due.len() as u32, self.lists.len(BUSY) as u32)
    }

    fn report(&mut self, now: Nanos) {
        let (due, in_flight) = self.backlog();
        if (due, in_flight) != (self.told.1, self.told.2) && now >= self.told.0 + REPORT {
            self.told = (now, due, in_flight);
            self.note(self.clock.stamp(), What::Backlog { due, in_flight });
        }
    }

    fn tell_offer(&mut self) {
        let rate = if self.paused.is_some() { 0.0 } else { self.rate.unwrap_or(0.0) };
        let (millirate, connections) = ((rate * 1000.0) as u32, self.wanted as u32);
        self.note(self.clock.stamp(), What::Offered { millirate, connections });
    }
}
