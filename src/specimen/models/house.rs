//! What the threads of one process share: the counters, the faults that wait for a request, the rings; and the thread that accepts.
//!
//! On a loop none of this needs a lock: there is one thread, and it finishes what it does. Here every counter does.
//!
//! A ring has one writer, and there can be thousands of threads: so there is a fixed number of rings, each behind a lock, and a
//! connection's records always go into the same one, in their order. A record costs an uncontended lock more than on a loop.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::resource::{UsageWho, getrusage};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::blocking::Conn;
use super::row;
use crate::base::channel::Frames;
use crate::base::clock::Clock;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::http::Limits;
use crate::specimen::accept::is_this_machine;
use crate::specimen::config::{Config, ModelSetting};
use crate::specimen::control::{Control, FaultSetting, Message};
use crate::specimen::counter::COUNTER;
use crate::specimen::faults;
use crate::specimen::process::reachable;
use crate::specimen::stats::Stats;
use crate::telemetry::event::Readiness;
use crate::telemetry::shared::Shared;
use crate::telemetry::vocabulary::{Cause, Fault, Mitigation, Phase};
use crate::telemetry::{Probe, Recorder, Silent, What};

/// Rings that the threads share.
pub const RINGS: usize = 16;
/// Faults that wait for a request, at most.
const MOST_ARMED: usize = 1024;
/// How often the context switches are counted.
const COUNT: Nanos = Nanos::millis(500);
const COUNT_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: COUNT.0 as i64 };
/// How long nobody is accepted after accepting failed: whatever is used up must first come free.
const RETRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half-done under these locks, so what a panicking thread leaves behind can be used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the threads share.
#[derive(Debug)]
pub(super) struct House {
    pub clock: Clock,
    pub limits: Limits,
    faults_for_all: bool,
    /// Whom `/chain` calls.
    pub upstream: Option<SocketAddr>,
    /// The threads' rings; none where nobody watches.
    rings: Vec<Mutex<Recorder>>,
    pub stats: Mutex<Stats>,
    armed: Mutex<VecDeque<FaultSetting>>,
    /// Whether any fault waits: looked at before each request, without a lock.
    any_armed: AtomicBool,
    catches_panics: AtomicBool,
}

impl House {
    /// A house for this specimen, and the probe of the thread that accepts.
    pub fn new(config: &Config, shared: &Shared, listener: &TcpListener) -> Arc<Self> {
        let clock = shared.clock();
        let rings =
            if config.watched { (1..shared.rings()).map(|ring| Mutex::new(Recorder::new(shared, ring))).collect() } else { Vec::new() };
        Arc::new(Self {
            clock,
            limits: Limits { head: config.limits.head, headers: config.limits.headers, body: config.limits.body },
            faults_for_all: config.faults_for_all,
            upstream: config.upstream.or_else(|| listener.local_addr().ok().map(reachable)),
            rings,
            stats: Mutex::new(Stats::new(config.name.clone(), clock.now())),
            armed: Mutex::default(),
            any_armed: AtomicBool::new(false),
            catches_panics: AtomicBool::new(false),
        })
    }

    /// Notes what has just happened at a connection: facts of one moment.
    pub fn note(&self, conn: ConnId, facts: &[What]) {
        if self.rings.is_empty() {
            return;
        }
        let mut ring = lock(&self.rings[conn.0 as usize % self.rings.len()]);
        // The stamp is taken under the lock, so that a ring's records are in order.
        for (n, fact) in facts.iter().enumerate() {
            if n == 0 {
                ring.note_now(*fact);
            } else {
                ring.note(*fact);
            }
        }
    }

    /// Takes the fault that waits longest for a request.
    pub fn take_armed(&self) -> Option<FaultSetting> {
        if !self.any_armed.load(Relaxed) {
            return None;
        }
        let mut armed = lock(&self.armed);
        let fault = armed.pop_front();
        self.any_armed.store(!armed.is_empty(), Relaxed);
        fault
    }

    fn arm(&self, fault: FaultSetting) -> bool {
        let mut armed = lock(&self.armed);
        let room = armed.len() < MOST_ARMED;
        if room {
            armed.push_back(fault);
            self.any_armed.store(true, Relaxed);
        }
        room
    }

    /// Whether a panic ends only the connection that it happened at, and not its thread.
    pub fn catches_panics(&self) -> bool {
        self.catches_panics.load(Relaxed)
    }
}

/// The thread that accepts: it hands every connection on, and carries out what the lab asks for.
pub(super) struct Door<'h, P> {
    house: &'h Arc<House>,
    model: ModelSetting,
    probe: P,
    listener: TcpListener,
    channel: UnixStream,
    frames: Frames,
    /// When the switches are counted next.
    count_at: Nanos,
}

/// Accepts until the lab says stop, or is gone, and gives each connection to `welcome`.
///
/// # Errors
/// What `poll` says when it can no longer work. A connection that could not be welcomed is closed and counted.
pub(super) fn accept(
    house: &Arc<House>,
    config: &Config,
    shared: &Shared,
    listener: TcpListener,
    channel: UnixStream,
    welcome: impl FnMut(Conn) -> io::Result<()>,
) -> io::Result<()> {
    let (model, frames, count_at) = (config.model, Frames::default(), Nanos::ZERO);
    if config.watched {
        Door { house, model, probe: Recorder::new(shared, 0), listener, channel, frames, count_at }.run(config, welcome)
    } else {
        Door { house, model, probe: Silent, listener, channel, frames, count_at }.run(config, welcome)
    }
}

impl<P: Probe> Door<'_, P> {
    fn run(mut self, config: &Config, mut welcome: impl FnMut(Conn) -> io::Result<()>) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        self.channel.set_nonblocking(true)?;
        for fault in &config.faults {
            if !self.break_with(*fault) {
                let what = format!("{} cannot befall {}", fault.kind(), row(self.model.kind()).name());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
        }
        for setting in &config.mitigations {
            if !self.switch(setting.kind(), true) {
                let what = format!("{} means nothing to {}", setting.kind(), row(self.model.kind()).name());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
        }
        let mut accepts = true;
        loop {
            self.probe.tick();
            self.probe.enter(Phase::Poll, u32::MAX);
            let (somebody, orders) = self.wait(accepts)?;
            accepts = true;
            self.count_switches();
            if somebody {
                self.probe.enter(Phase::Dispatch, 1);
                self.probe.note(What::Ready { conn: ConnId::NONE, readiness: Readiness::READABLE });
                self.probe.begin(Cause::Accept, ConnId::NONE);
                accepts = self.take_all(&mut welcome);
            }
            if orders {
                self.probe.enter(Phase::Control, 0);
                if !self.carry_out_orders() {
                    return Ok(());
                }
            }
        }
    }

    /// Reports the context switches of all threads, those that have ended included, as the kernel counts them for the process: nobody
    /// outside can read that sum.
    fn count_switches(&mut self) {
        let now = self.house.clock.now();
        if now < self.count_at {
            return;
        }
        self.count_at = now + COUNT;
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
            let (voluntary, involuntary) = (number(usage.voluntary_context_switches()), number(usage.involuntary_context_switches()));
            self.probe.note_now(What::ProcessSwitches { voluntary, involuntary });
        }
    }

    /// Waits until somebody is at the listener, the switches are to be counted, or the lab has something to say. Without `accepts` only a little while.
    fn wait(&self, accepts: bool) -> io::Result<(bool, bool)> {
        let mut fds = [PollFd::new(&self.channel, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        let (count, patience) = if accepts { (2, COUNT_EVERY) } else { (1, RETRY) };
        match rustix::event::poll(&mut fds[..count], Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok((!accepts || !fds[1].revents().is_empty(), !fds[0].revents().is_empty()))
    }

    /// Takes all connections that wait. False if accepting failed, and is to be left for a while.
    fn take_all(&mut self, welcome: &mut impl FnMut(Conn) -> io::Result<()>) -> bool {
        loop {
            let (stream, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return true,
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                    _ => {
                        self.failed(&error);
                        return false;
                    }
                },
            };
            let trusted = self.house.faults_for_all || is_this_machine(peer.ip());
            let fd = std::os::fd::AsRawFd::as_raw_fd(&stream.as_fd());
            let id = lock(&self.house.stats).next_conn();
            // Before it is handed on: what its thread reports comes after.
            self.probe.note_now(What::Opened { conn: id, port_fd: (peer.port(), u16::try_from(fd).unwrap_or(u16::MAX)) });
            if let Err(error) = welcome(Conn::new(Arc::clone(self.house), stream, id, trusted)) {
                lock(&self.house.stats).shed += 1;
                self.failed(&error);
                return false;
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.probe.note_now(What::AcceptFailed { errno: error.raw_os_error().unwrap_or(0).unsigned_abs() });
    }

    /// Carries out what the lab has asked for. False: it is time to end.
    fn carry_out_orders(&mut self) -> bool {
        // Whatever goes wrong with the channel: without the lab there is nothing to live for.
        let filled = self.frames.fill(&self.channel);
        loop {
            let Message { seq, control } = match self.frames.next() {
                Ok(Some(message)) => message,
                Ok(None) => return filled.is_ok() && !self.frames.ended(),
                Err(_) => return false,
            };
            let done = match control {
                Control::Inject(fault) => self.break_with(fault),
                Control::Cure(fault) => self.stand(fault, false),
                Control::Apply(setting) => self.switch(setting.kind(), true),
                Control::Revoke(kind) => self.switch(kind, false),
                Control::Stop => true,
            };
            self.probe.note_now(What::Applied { seq, done: u32::from(done) });
            if control == Control::Stop {
                return false;
            }
        }
    }

    fn break_with(&mut self, fault: FaultSetting) -> bool {
        row(self.model.kind()).suffers(fault.kind()) && (self.stand(fault.kind(), true) || self.house.arm(fault))
    }

    /// A standing fault is its clients' doing here: this only says that it knows. False if it is none.
    fn stand(&mut self, fault: Fault, on: bool) -> bool {
        let standing = faults::row(fault).standing;
        if standing {
            self.probe.note_now(What::Faulted { fault, on: u32::from(on) });
        }
        standing
    }

    fn switch(&mut self, mitigation: Mitigation, on: bool) -> bool {
        if !row(self.model.kind()).takes(mitigation) {
            return false;
        }
        if mitigation == Mitigation::CatchPanic {
            self.house.catches_panics.store(on, Relaxed);
        }
        if mitigation == Mitigation::Lock {
            COUNTER.lock(on);
        }
        let mut stats = lock(&self.house.stats);
        stats.mitigations.retain(|kind| *kind != mitigation);
        if on {
            stats.mitigations.push(mitigation);
        }
        drop(stats);
        self.probe.note_now(What::Mitigated { mitigation, on: u32::from(on) });
        true
    }
}

/// Waits so long, and does nothing else: what a thread of one's own is for.
pub(super) fn sleep(time: Nanos) {
    std::thread::sleep(time.duration());
}
