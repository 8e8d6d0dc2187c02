//! Stories for tests: what a lab with these specimens would have reported, made up event by event, and folded for real.
//!
//! A small simulation of the same load on each specimen: 64 clients that send 2000 requests a second at their intended times, a
//! loop that serves them in batches, the kernel's samples every 50 ms, deaths and respawns. The same story always gives the same events.
//! A specimen's name says what it is mended with: `pool`, `sliced`, `caught`, `supervised` (anything else: with nothing).
//!
//! ```
//! use loopscope::base::units::Nanos;
//! use loopscope::world::testing::Story;
//! let world = Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).stall(Nanos::millis(800)).calm(Nanos::secs(1)).world();
//! assert_eq!((world.specimens[0].stalls.count, world.specimens[1].stalls.count), (1, 0));
//! ```

mod plague;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::history::{History, Limits};
use super::{Setup, World};
use crate::base::ids::{ClientId, ConnId, SpecimenId};
use crate::base::rng::Rng;
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Origin, Readiness, What};
use crate::telemetry::vocabulary::{Cause, CloseReason, Fault, Handler, Mitigation, Outcome, Phase};

/// Clients of each specimen.
pub const CLIENTS: u32 = 64;
/// Requests a second on each specimen.
pub const RATE: f64 = 2000.0;
/// Between two samples of the kernel's.
const SAMPLING: Nanos = Nanos::millis(50);
/// What a slice of a sliced computation takes.
const BUDGET: Nanos = Nanos::millis(5);
/// How long a client waits.
const PATIENCE: Nanos = Nanos::secs(10);

/// A story that is being told.
#[derive(Debug)]
pub struct Story {
    names: Vec<String>,
    servers: Vec<Server>,
}

impl Story {
    /// Specimens with these names are started, and their clients connect.
    pub fn new(names: &[&str]) -> Self {
        let servers = names.iter().enumerate().map(|(n, name)| Server::start(SpecimenId(n as u8), name)).collect();
        Self { names: names.iter().map(ToString::to_string).collect(), servers }
    }

    /// Time passes with nothing but load (on those that live).
    #[must_use]
    pub fn calm(self, length: Nanos) -> Self {
        self.each(|server| server.run(length))
    }

    /// One request on each specimen computes for so long: on the loop, on a worker, or in slices, as each is mended.
    #[must_use]
    pub fn stall(self, length: Nanos) -> Self {
        self.each(|server| server.strike(Trouble::Compute(length, true)))
    }

    /// One callback on each specimen sleeps in a system call for so long.
    #[must_use]
    pub fn park(self, length: Nanos) -> Self {
        self.each(|server| server.strike(Trouble::Compute(length, false)))
    }

    /// One callback never returns; the story goes on for so long. (A watchdog, where there is one, kills it after a second.)
    #[must_use]
    pub fn hang(self, length: Nanos) -> Self {
        self.each(|server| server.strike(Trouble::Hang(length)))
    }

    /// One callback panics on each specimen.
    #[must_use]
    pub fn panic(self) -> Self {
        self.each(|server| server.strike(Trouble::Panic))
    }

    /// Each process is ended by this signal, in `epoll_wait`. A supervisor, where there is one, replaces it.
    #[must_use]
    pub fn death(self, signal: u32) -> Self {
        self.each(|server| server.die(signal, 0, true))
    }

    /// New processes for those that are dead.
    #[must_use]
    pub fn respawn(self) -> Self {
        self.each(|server| {
            if !server.alive {
                server.spawn();
            }
        })
    }

    /// So many events of each loop's ring were dropped.
    #[must_use]
    pub fn lose(self, events: u32) -> Self {
        self.each(|server| {
            let at = server.now;
            server.tell(at, Lane::Lab, What::Lost { ring: 0, events });
        })
    }

    /// A mitigation is switched on, on each specimen.
    #[must_use]
    pub fn mend(self, mitigation: Mitigation) -> Self {
        self.each(|server| {
            let at = server.now;
            server.tell(at, Lane::Loop, What::Mitigated { mitigation, on: 1 });
            server.mended.push(mitigation);
        })
    }

    /// From here so many requests a second are offered.
    #[must_use]
    pub fn rate(self, rate: f64) -> Self {
        self.each(|server| server.offer(rate))
    }

    /// How its world is set up.
    pub fn setup(&self) -> Setup {
        Setup { specimens: self.names.clone(), stall_threshold: Nanos::millis(50) }
    }

    /// All events in the order of their time.
    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<_> = self.servers.iter().flat_map(|server| &server.events).filter(|e| e.at <= self.end()).copied().collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// When it ends.
    pub fn end(&self) -> Nanos {
        self.servers.iter().map(|server| server.now).max().unwrap_or_default()
    }

    /// The world at its end.
    pub fn world(&self) -> World {
        self.fold().0
    }

    /// The world at a moment before its end.
    pub fn world_at(&self, moment: Nanos) -> World {
        let mut world = World::new(&self.setup());
        self.events().iter().filter(|event| event.at <= moment).for_each(|event| world.apply(event));
        world.advance(moment);
        world
    }

    /// The world at its end, and the number of events that it took.
    pub fn fold(&self) -> (World, usize) {
        let mut world = World::new(&self.setup());
        let events = self.events();
        for event in &events {
            world.apply(event);
        }
        world.advance(self.end());
        for server in self.servers.iter().filter(|server| server.panicked) {
            world.last_words(server.id, "thread 'main' panicked at src/specimen/faults/panic.rs:12:5:\nthe callback panicked".to_string());
        }
        (world, events.len())
    }

    fn each(mut self, act: impl Fn(&mut Server)) -> Self {
        self.servers.iter_mut().for_each(act);
        // Side by side: whoever is through first goes on under load until the others are.
        let end = self.end();
        self.servers.iter_mut().for_each(|server| server.run(end.since(server.now)));
        self
    }
}

/// The world at the end of a story, and its past as the lab would have recorded it, in chunks that are not too long to have several.
pub fn recorded(story: &Story) -> (World, History) {
    recorded_within(story, Limits { events: 400_000, bytes: 128 << 20 })
}

/// The same with so much of the past.
pub fn recorded_within(story: &Story, limits: Limits) -> (World, History) {
    let mut world = World::new(&story.setup());
    let mut history = History::new(&world, limits);
    for event in story.events() {
        history.record(&world, &event);
        world.apply(&event);
    }
    world.advance(story.end());
    (world, history)
}

/// What happens to the next request's callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It holds the loop for so long; on the CPU?
    Compute(Nanos, bool),
    Hang(Nanos),
    Panic,
}

/// What is due in the world around the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A client means to send.
    Arrival,
    /// The request of this client reaches the server.
    Deliver(u32),
    /// The response reaches it.
    Receive(u32, Outcome),
    /// The connection of this client reaches the listener.
    Connect(u32),
    /// The kernel is looked at.
    Sample,
    /// A worker is done with the job of this connection.
    Done(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    conn: ConnId,
    port: u16,
    waits: bool,
    /// Counts its requests, so that what was meant for an earlier one is not taken for a later one's.
    intended: Nanos,
}

#[derive(Debug)]
struct Server {
    id: SpecimenId,
    mended: Vec<Mitigation>,
    events: Vec<Event>,
    rng: Rng,
    now: Nanos,
    alive: bool,
    /// In a callback that never returns.
    stuck: bool,
    panicked: bool,
    spawned: u32,
    serial: u32,
    rate: f64,
    /// Asleep in callbacks of the present tick.
    slept: Nanos,
    agenda: BinaryHeap<Reverse<(Nanos, Due)>>,
    peers: Vec<Peer>,
    free: VecDeque<u32>,
    backlog: VecDeque<Nanos>,
    /// Delivered and not reported: client, or (from `CLIENTS` on) a worker's completion for it.
    readable: VecDeque<u32>,
    accepting: VecDeque<u32>,
    slices: VecDeque<(u32, Nanos)>,
    trouble: Option<Trouble>,
    on_cpu: Nanos,
    /// Since when a worker is on a job, and how long workers have been on jobs before.
    offloaded: (Option<Nanos>, Nanos),
    /// What holds the loop while time passes: on the CPU since when, or asleep.
    burning: Option<Nanos>,
    next_port: u16,
    unread: BTreeMap<u32, u32>,
    /// Connections that are open beside those of the load.
    left: u32,
    /// Memory beyond that of the beginning, in KiB.
    grown: u32,
}

impl Server {
    fn start(id: SpecimenId, name: &str) -> Self {
        let known = [
            ("pool", Mitigation::WorkerPool),
            ("sliced", Mitigation::Slicing),
            ("caught", Mitigation::CatchPanic),
            ("supervised", Mitigation::Supervisor),
        ];
        let mut server = Self {
            id,
            mended: known.iter().filter(|(word, _)| name.contains(word)).map(|(_, m)| *m).collect(),
            events: Vec::new(),
            rng: Rng::new(1),
            now: Nanos::millis(1),
            alive: false,
            stuck: false,
            panicked: false,
            spawned: 0,
            serial: 0,
            rate: RATE,
            slept: Nanos::ZERO,
            agenda: BinaryHeap::new(),
            peers: vec![Peer::default(); CLIENTS as usize],
            free: VecDeque::new(),
            backlog: VecDeque::new(),
            readable: VecDeque::new(),
            accepting: VecDeque::new(),
            slices: VecDeque::new(),
            trouble: None,
            on_cpu: Nanos::ZERO,
            offloaded: (None, Nanos::ZERO),
            burning: None,
            next_port: 40_000,
            unread: BTreeMap::new(),
            left: 0,
            grown: 0,
        };
        server.spawn();
        server.tell(Nanos::millis(20), Lane::Lab, What::LoadSpawned { pid: 4_300 + u32::from(id.0) });
        server.offer(RATE);
        (0..CLIENTS).for_each(|client| server.dial(Nanos::millis(25) + Nanos::micros(u64::from(client) * 30), client));
        server.due(Nanos::millis(30), Due::Arrival);
        server.due(Nanos::millis(40), Due::Sample);
        server
    }

    fn tell(&mut self, at: Nanos, lane: Lane, what: What) {
        self.events.push(Event { at, from: Origin { specimen: self.id, lane }, what });
    }

    fn due(&mut self, at: Nanos, due: Due) {
        self.agenda.push(Reverse((at, due)));
    }

    fn has(&self, mitigation: Mitigation) -> bool {
        self.mended.contains(&mitigation)
    }

    fn between(&mut self, least: u64, most: u64) -> Nanos {
        Nanos(least + self.rng.below(most - least))
    }

    fn offer(&mut self, rate: f64) {
        self.rate = rate;
        let at = self.now;
        self.tell(at, Lane::Load, What::Offered { millirate: (rate * 1e3) as u32, connections: CLIENTS });
    }

    fn spawn(&mut self) {
        let (at, before) = (self.now, self.spawned);
        self.spawned += 1;
        self.alive = true;
        self.serial = 0;
        self.on_cpu = Nanos::ZERO;
        self.tell(at, Lane::Lab, What::Spawned { pid: 4_200 + u32::from(self.id.0) * 10 + before, before });
        self.tell(at, Lane::Lab, What::Listening { port: 7_070 + u32::from(self.id.0) });
        self.now += Nanos::millis(8);
        let up = self.now;
        for mitigation in self.mended.clone() {
            self.tell(up, Lane::Loop, What::Mitigated { mitigation, on: 1 });
        }
    }

    fn dial(&mut self, at: Nanos, client: u32) {
        let port = self.next_port;
        self.next_port = if port >= 60_000 { 40_000 } else { port + 1 };
        self.peers[client as usize].port = port;
        self.peers[client as usize].conn = ConnId::NONE;
        let (client_id, port) = (ClientId(client), u32::from(port));
        self.tell(at, Lane::Load, What::Dialled { client: client_id, port });
        self.tell(at + Nanos::micros(18), Lane::Load, What::Connected { client: client_id, port });
        self.due(at + Nanos::micros(20), Due::Connect(client));
    }

    /// The world around the loop goes on until `to`.
    fn pump(&mut self, to: Nanos) {
        while let Some(&Reverse((at, due))) = self.agenda.peek() {
            if at > to {
                break;
            }
            self.agenda.pop();
            match due {
                Due::Arrival => {
                    let next = at + Nanos(self.rng.exponential(1e9 / self.rate) as u64);
                    self.due(next, Due::Arrival);
                    self.backlog.push_back(at);
                    self.send(at);
                }
                Due::Connect(client) => {
                    self.accepting.push_back(client);
                    self.free.push_back(client);
                    self.send(at);
                }
                Due::Deliver(client) => {
                    self.unread.insert(client, 60);
                    self.readable.push_back(client);
                }
                Due::Receive(client, outcome) => self.receive(at, client, outcome),
                Due::Done(client) => {
                    let conn = self.peers[client as usize].conn;
                    self.tell(at, Lane::Worker(0), What::JobEnded { conn });
                    if let Some(since) = self.offloaded.0.take() {
                        self.offloaded.1 += at.since(since);
                    }
                    self.readable.push_back(client + CLIENTS);
                }
                Due::Sample => {
                    self.sample(at);
                    self.due(at + SAMPLING, Due::Sample);
                }
            }
        }
    }

    /// Free clients send what is due.
    fn send(&mut self, at: Nanos) {
        while let Some((intended, client)) = self.backlog.front().copied().zip(self.free.front().copied()) {
            self.backlog.pop_front();
            self.free.pop_front();
            let id = ClientId(client);
            let late = (at.since(intended).0 / 1_000) as u32;
            self.tell(at, Lane::Load, What::Chose { client: id, row: 0 });
            self.tell(at, Lane::Load, What::Sent { client: id, late });
            let peer = &mut self.peers[client as usize];
            peer.waits = true;
            peer.intended = intended;
            self.due(intended.max(at) + Nanos::micros(9), Due::Deliver(client));
            self.due(at + PATIENCE, Due::Receive(client, Outcome::Timeout));
        }
        let (due, waiting) = (self.backlog.len() as u32, self.peers.iter().filter(|peer| peer.waits).count() as u32);
        if due > 0 && due.is_multiple_of(16) {
            self.tell(at, Lane::Load, What::Backlog { due, in_flight: waiting });
        }
    }

    fn receive(&mut self, at: Nanos, client: u32, outcome: Outcome) {
        let peer = self.peers[client as usize];
        if !peer.waits || (outcome == Outcome::Timeout && at < peer.intended + PATIENCE) {
            return; // Answered before its patience ended.
        }
        self.peers[client as usize].waits = false;
        let id = ClientId(client);
        let status = match outcome {
            Outcome::Answered => 200,
            Outcome::ErrorStatus => 500,
            _ => 0,
        };
        self.tell(at, Lane::Load, What::Finished { client: id, outcome: (outcome, status) });
        if status == 200 {
            self.free.push_back(client);
        } else {
            self.tell(at, Lane::Load, What::HungUp { client: id, port: u32::from(peer.port) });
            self.dial(at + Nanos::millis(1), client);
        }
        let had = self.backlog.len();
        self.send(at);
        if had > 0 && self.backlog.is_empty() {
            self.tell(at, Lane::Load, What::Backlog { due: 0, in_flight: 1 });
        }
    }

    fn sample(&mut self, at: Nanos) {
        let kernel = Lane::Kernel;
        self.tell(at, kernel, What::AcceptQueue { length: self.accepting.len() as u32, limit: 4096 });
        let unread: Vec<_> = self.unread.iter().map(|(client, bytes)| (self.peers[*client as usize].port, *bytes)).collect();
        let all = unread.iter().map(|(_, bytes)| bytes).sum();
        for (port, bytes) in &unread {
            self.tell(at, kernel, What::Unread { port: u32::from(*port), bytes: *bytes });
        }
        self.tell(at, kernel, What::UnreadTotal { bytes: all, sockets: unread.len() as u32 });
        if !self.alive {
            return;
        }
        let ran = (self.on_cpu + self.burning.map_or(Nanos::ZERO, |since| at.since(since))).0;
        self.tell(at, kernel, What::OnCpu { high: (ran >> 32) as u32, low: ran as u32 });
        // All threads together: what a worker has done so far of its job counts too.
        let offloaded = self.offloaded.1 + self.offloaded.0.map_or(Nanos::ZERO, |since| at.since(since));
        let all = ran + offloaded.0;
        self.tell(at, kernel, What::ProcessCpu { high: (all >> 32) as u32, low: all as u32 });
        self.tell(at, kernel, What::RunDelay { high: 0, low: (ran / 50) as u32 });
        let open = self.left + self.peers.iter().filter(|peer| peer.conn.is_some()).count() as u32;
        self.tell(at, kernel, What::Descriptors { open: open + 9, limit: 1_048_576 });
        self.tell(at, kernel, What::InterestList { entries: open + 3 });
        self.tell(at, kernel, What::Memory { resident: 3_400 + self.grown, anonymous: 700 + self.grown });
        self.tell(at, kernel, What::Switches { voluntary: (at.0 / 700_000) as u32, involuntary: (at.0 / 50_000_000) as u32 });
        let switches = (at.0 / 700_000, at.0 / 50_000_000);
        self.tell(at, kernel, What::ProcessSwitches { voluntary: switches.0 as u32, involuntary: switches.1 as u32 });
        let letter = if self.burning.is_some() { 'R' } else { 'S' };
        let threads = if self.has(Mitigation::WorkerPool) { 3 } else { 1 };
        self.tell(at, kernel, What::ThreadState { letter: letter as u32, threads });
    }

    /// Lives on under load for so long.
    fn run(&mut self, length: Nanos) {
        let end = self.now + length;
        while self.alive && !self.stuck && self.now < end {
            self.tick(end);
        }
        if self.now < end {
            self.pump(end);
            self.now = end;
        }
    }

    fn strike(&mut self, trouble: Trouble) {
        if !self.alive || self.stuck {
            return;
        }
        let at = self.now;
        let (fault, millis) = match trouble {
            Trouble::Compute(length, _) => (Fault::Compute, length.as_millis() as u32),
            Trouble::Hang(_) => (Fault::EndlessLoop, 0),
            Trouble::Panic => (Fault::Panic, 0),
        };
        self.tell(at, Lane::Lab, What::FaultAsked { fault, millis });
        self.trouble = Some(trouble);
        while self.alive && !self.stuck && (self.trouble.is_some() || !self.slices.is_empty()) {
            self.tick(Nanos::MAX);
        }
    }

    /// One iteration of the loop, which waits for its next event no longer than `until`.
    fn tick(&mut self, until: Nanos) {
        let poll = self.now;
        let idle = self.slices.is_empty();
        self.tell(poll, Lane::Loop, What::Entered { phase: Phase::Poll, detail: if idle { u32::MAX } else { 0 } });
        self.pump(poll);
        while idle && self.readable.is_empty() && self.accepting.is_empty() {
            let Some(&Reverse((next, _))) = self.agenda.peek() else { break };
            if next > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            self.pump(next);
        }
        let work = self.between(1_500, 3_000);
        self.now += work;
        let woken = self.now;
        let mut batch: Vec<u32> = Vec::new();
        if !self.accepting.is_empty() {
            batch.push(u32::MAX);
        }
        batch.extend(self.readable.drain(..));
        self.tell(woken, Lane::Loop, What::Entered { phase: Phase::Dispatch, detail: batch.len() as u32 });
        for &client in &batch {
            let conn = self.peers.get((client % CLIENTS) as usize).filter(|_| client < CLIENTS).map_or(ConnId::NONE, |peer| peer.conn);
            if client < CLIENTS || client == u32::MAX {
                self.tell(woken, Lane::Loop, What::Ready { conn, readiness: Readiness::READABLE });
            }
        }
        for client in batch {
            match client {
                u32::MAX => self.accept(),
                client if client < CLIENTS => self.serve(client),
                client => self.complete(client - CLIENTS, Cause::Completion),
            }
            if !self.alive || self.stuck {
                return;
            }
        }
        if let Some((client, left)) = self.slices.pop_front() {
            let at = self.now;
            self.tell(at, Lane::Loop, What::Entered { phase: Phase::Tasks, detail: 0 });
            self.slice(client, left);
        }
        let at = self.now;
        self.tell(at, Lane::Loop, What::Rested {});
        let slept = std::mem::take(&mut self.slept);
        self.on_cpu += at.since(woken.since(work)).since(slept);
    }

    fn accept(&mut self) {
        let at = self.now;
        self.tell(at, Lane::Loop, What::Began { conn: ConnId::NONE, cause: Cause::Accept });
        while let Some(client) = self.accepting.pop_front() {
            self.serial += 1;
            let (conn, fd) = (ConnId(self.serial), 8 + self.serial as u16);
            let peer = &mut self.peers[client as usize];
            peer.conn = conn;
            let port_fd = (peer.port, fd);
            self.now += Nanos::micros(4);
            self.tell(at, Lane::Loop, What::Opened { conn, port_fd });
        }
    }

    fn serve(&mut self, client: u32) {
        let (at, conn) = (self.now, self.peers[client as usize].conn);
        if !conn.is_some() {
            // Not accepted yet: the kernel keeps the bytes.
            self.readable.push_back(client);
            return;
        }
        self.unread.remove(&client);
        let trouble = self.trouble.take();
        let handler = Handler::Root;
        self.tell(at, Lane::Loop, What::Began { conn, cause: Cause::Readable });
        self.tell(at, Lane::Loop, What::Read { conn, bytes: 60 });
        self.tell(at, Lane::Loop, What::Requested { conn, handler });
        match trouble {
            Some(Trouble::Compute(length, true)) if self.has(Mitigation::WorkerPool) => {
                self.struck(conn, Fault::Compute);
                self.tell(at, Lane::Loop, What::JobQueued { conn, handler });
                let began = at + Nanos::micros(30);
                self.tell(began, Lane::Worker(0), What::JobBegan { conn, handler });
                self.offloaded.0 = Some(began);
                self.due(began + length, Due::Done(client));
                self.now += Nanos::micros(8);
                return;
            }
            Some(Trouble::Compute(length, true)) if self.has(Mitigation::Slicing) => {
                self.struck(conn, Fault::Compute);
                self.tell(at, Lane::Loop, What::TaskQueued { conn, handler });
                self.slices.push_back((client, length));
                self.now += Nanos::micros(8);
                return;
            }
            Some(Trouble::Compute(length, burns)) => {
                if burns {
                    self.struck(conn, Fault::Compute);
                }
                self.hold(length, burns);
            }
            Some(Trouble::Hang(length)) => {
                self.struck(conn, Fault::EndlessLoop);
                let watched = self.has(Mitigation::Supervisor);
                let began = self.now;
                self.hold(if watched { length.min(Nanos::secs(1)) } else { length }, true);
                (self.stuck, self.burning) = (true, Some(began));
                if watched && length >= Nanos::secs(1) {
                    let at = self.now;
                    self.tell(at, Lane::Lab, What::WatchdogKilled { after: 1_000 });
                    self.die(9, 0, true);
                }
                return;
            }
            Some(Trouble::Panic) if self.has(Mitigation::CatchPanic) => {
                self.struck(conn, Fault::Panic);
                self.now += Nanos::micros(60);
                let at = self.now;
                self.tell(at, Lane::Loop, What::Caught { conn });
                self.tell(at, Lane::Loop, What::Responded { conn, status_nth: (500, 1) });
                self.tell(at, Lane::Loop, What::Closed { conn, reason: CloseReason::Panicked });
                self.due(at + Nanos::micros(15), Due::Receive(client, Outcome::ErrorStatus));
                return;
            }
            Some(Trouble::Panic) => {
                self.struck(conn, Fault::Panic);
                self.panicked = true;
                self.now += Nanos::micros(90);
                self.die(0, 101, true);
                return;
            }
            None => {}
        }
        let cost = self.between(9_000, 16_000);
        self.now += cost;
        self.answer(client);
    }

    /// The loop is held for so long, and everything around it goes on.
    fn hold(&mut self, length: Nanos, burns: bool) {
        let from = self.now;
        self.burning = burns.then_some(from);
        self.now += length;
        let to = self.now;
        self.pump(to);
        self.burning = None;
        if !burns {
            self.slept += length;
        }
    }

    fn struck(&mut self, conn: ConnId, fault: Fault) {
        let at = self.now;
        self.tell(at, Lane::Loop, What::Struck { conn, fault });
    }

    fn slice(&mut self, client: u32, left: Nanos) {
        let (at, conn) = (self.now, self.peers[client as usize].conn);
        self.tell(at, Lane::Loop, What::Began { conn, cause: Cause::Task });
        let slice = left.min(BUDGET);
        self.now += slice;
        let to = self.now;
        self.pump(to);
        if left > slice {
            self.tell(to, Lane::Loop, What::TaskQueued { conn, handler: Handler::Root });
            self.slices.push_back((client, left.since(slice)));
        } else {
            self.answer(client);
        }
    }

    fn complete(&mut self, client: u32, cause: Cause) {
        let (at, conn) = (self.now, self.peers[client as usize].conn);
        self.tell(at, Lane::Loop, What::Began { conn, cause });
        let cost = self.between(5_000, 9_000);
        self.now += cost;
        self.answer(client);
    }

    fn answer(&mut self, client: u32) {
        let (at, conn) = (self.now, self.peers[client as usize].conn);
        self.tell(at, Lane::Loop, What::Responded { conn, status_nth: (200, 1) });
        self.tell(at, Lane::Loop, What::Wrote { conn, bytes: 132 });
        let back = self.between(12_000, 30_000);
        self.due(at + back, Due::Receive(client, Outcome::Answered));
    }

    /// The process ends; its clients are cut off and dial again. A supervisor replaces it.
    fn die(&mut self, signal: u32, code: u32, replaced: bool) {
        if !self.alive {
            return;
        }
        let at = self.now;
        (self.alive, self.stuck, self.burning) = (false, false, None);
        self.trouble = None;
        self.slices.clear();
        self.readable.clear();
        self.unread.clear();
        self.tell(at, Lane::Lab, What::Died { signal, code });
        let kept: Vec<_> = self.agenda.drain().filter(|Reverse((_, due))| matches!(due, Due::Arrival | Due::Sample)).collect();
        self.agenda.extend(kept);
        self.free.clear();
        self.accepting.clear();
        for client in 0..CLIENTS {
            let cut = at + Nanos::micros(40 + u64::from(client));
            let peer = &mut self.peers[client as usize];
            let port = u32::from(peer.port);
            if std::mem::take(&mut peer.waits) {
                self.tell(cut, Lane::Load, What::Finished { client: ClientId(client), outcome: (Outcome::Reset, 0) });
            }
            self.tell(cut, Lane::Load, What::HungUp { client: ClientId(client), port });
            self.dial(cut + Nanos::millis(10), client);
        }
        if replaced && self.has(Mitigation::Supervisor) {
            self.run(Nanos::millis(120));
            self.spawn();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Life, StallEnd, StallKind};

    #[test]
    fn a_calm_loop_is_calm() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(3)).world();
        let it = &world.specimens[0];
        assert!(matches!(it.life, Life::Running { .. }));
        assert_eq!((it.connections.open, it.clients.connected, it.connections.by_id.len()), (64, 64, 64));
        assert!((1_700.0..2_300.0).contains(&it.clients.rate), "{}", it.clients.rate);
        assert!((1_700.0..2_300.0).contains(&it.reactor.request_rate), "{}", it.reactor.request_rate);
        assert!((it.reactor.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && it.reactor.shares[0] > 0.8, "{:?}", it.reactor.shares);
        assert_eq!((it.stalls.count, it.clients.backlog), (0, 0));
        let q = crate::world::window::quantiles(&it.clients.total);
        assert!(q.p50 < Nanos::micros(200) && q.count > 5_000, "{q:?}");
        assert!(it.clients.tail.iter().all(|slow| slow.parts.is_some_and(|parts| parts.sum() == slow.latency)), "{:?}", it.clients.tail);
        assert!(it.kernel.cpu.is_some_and(|cpu| (0.01..0.3).contains(&cpu)), "{:?}", it.kernel.cpu);
    }

    #[test]
    fn one_stalls_and_the_others_do_not() {
        let world = Story::new(&["naive", "pool", "sliced"]).calm(Nanos::secs(1)).stall(Nanos::millis(800)).calm(Nanos::secs(1)).world();
        let [naive, pool, sliced] = &world.specimens[..] else { panic!() };
        let stall = naive.stalls.past[0];
        assert!((stall.length.as_millis() / 800.0 - 1.0).abs() < 0.02, "{stall:?}");
        assert_eq!((stall.kind, stall.end, stall.fault), (StallKind::Computing, StallEnd::Returned, Some(Fault::Compute)));
        assert!(stall.victims > 1_000, "{stall:?}");
        assert_eq!((pool.stalls.count, sliced.stalls.count, pool.jobs_done()), (0, 0, 1));
        assert!(naive.clients.tail[10].parts.is_some());
    }

    #[test]
    fn a_parked_callback_is_told_from_a_computing_one() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(1)).park(Nanos::millis(600)).calm(Nanos::secs(1)).world();
        assert_eq!(world.specimens[0].stalls.past[0].kind, StallKind::Parked);
    }

    #[test]
    fn a_hang_goes_on_and_a_watchdog_ends_it() {
        let world = Story::new(&["naive", "supervised"]).calm(Nanos::secs(1)).hang(Nanos::secs(3)).world();
        let [naive, supervised] = &world.specimens[..] else { panic!() };
        let stall = naive.stalls.current.unwrap();
        assert!(stall.length >= Nanos::millis(2_900) && stall.kind == StallKind::Computing, "{stall:?}");
        assert_eq!((supervised.died, supervised.respawns, supervised.deaths[0].by_watchdog), (1, 1, true));
        assert_eq!(supervised.stalls.past[0].end, StallEnd::Died);
        assert!(supervised.is_alive() && supervised.connections.open == 64);
    }

    #[test]
    fn a_panic_kills_unless_it_is_caught() {
        let world = Story::new(&["naive", "caught", "supervised"]).calm(Nanos::secs(1)).panic().calm(Nanos::secs(1)).world();
        let [naive, caught, supervised] = &world.specimens[..] else { panic!() };
        assert!(matches!(naive.life, Life::Dead { signal: 0, code: 101, .. }));
        assert_eq!((naive.died, naive.deaths[0].connections, naive.connections.open), (1, 64, 0));
        assert!(naive.deaths[0].last_words.contains("panicked"));
        assert!(naive.kernel.accept_queue.unwrap().0 > 50 && naive.clients.backlog > 500, "{:?}", naive.kernel);
        assert_eq!((caught.died, caught.caught, caught.clients.outcomes[Outcome::ErrorStatus as usize]), (0, 1, 1));
        assert_eq!((supervised.died, supervised.respawns, supervised.is_alive()), (1, 1, true));
        assert!(supervised.clients.rate > 1_000.0);
    }
}
