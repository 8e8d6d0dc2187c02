//! The load's process: what it is told at its start, its loop, and its end.
//!
//! The loop asks `epoll_pwait2` itself rather than through mio, which rounds a wait below a millisecond up to one: at 20,000 requests a
//! second they would leave in bunches of twenty, half a millisecond late on average, and that would be our lateness, not the server's.

use std::io;
use std::num::NonZeroU64;
use std::os::unix::net::UnixStream;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal};
use rustix::time::Timespec;

use super::clients::Clients;
use super::plan::{LoadControl, Plan};
use crate::base::channel::{self, Frames};
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::telemetry::shared::Shared;

/// Events taken from the kernel at once.
const EVENTS: usize = 256;
/// The token of the channel to the lab; no client has this number.
const LAB: u64 = u64::MAX;
/// Descriptors that are not connections: standard streams, channel, epoll, mapping and room to spare.
const OTHER_DESCRIPTORS: u64 = 32;
/// How long the loop may come back too late before it says that it was itself stopped (a debugger, SIGSTOP, a suspended machine).
const STOPPED: Nanos = Nanos::secs(2);
/// How exactly the kernel is to wake us, in nanoseconds; its own choice is 50,000.
const TIMER_SLACK: u64 = 1_000;

/// The hidden subcommand by which our own binary becomes a load.
pub const SUBCOMMAND: &str = "__load";

/// Runs the load until the lab says so or is gone. Standard input is the channel to the lab.
///
/// # Errors
/// What the system says while it starts; `InvalidInput` for a plan that cannot be carried out.
pub fn run() -> io::Result<()> {
    let lab = channel::from_stdin()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The lab may have died before we asked to be told. The socket knows who made it.
    let maker = rustix::net::sockopt::socket_peercred(&lab)?.pid;
    if rustix::process::getppid() != Some(maker) {
        return Ok(());
    }
    let (plan, mut fds): (Plan, _) = channel::receive_with_fds(&lab)?;
    let mapping = fds.pop().ok_or_else(|| invalid("the plan came without its mapping"))?;
    if let Some(core) = plan.core {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores)?;
    }
    rustix::thread::set_current_timer_slack(NonZeroU64::new(TIMER_SLACK))?;
    let most = raise_descriptor_limit()?.saturating_sub(OTHER_DESCRIPTORS);
    if u64::from(plan.load.connections) > most {
        return Err(invalid(&format!(
            "{} connections need as many descriptors, and the hard limit allows {most}; raise it (ulimit -Hn)",
            plan.load.connections
        )));
    }
    Loop::new(lab, &plan, &Shared::open(mapping)?, most as u32)?.run()
}

pub(super) struct Loop {
    lab: UnixStream,
    frames: Frames,
    clock: Clock,
    clients: Clients,
    /// The most clients that the descriptor limit allows.
    most: u32,
    /// When the loop last looked at the clock.
    looked: Nanos,
}

impl Loop {
    pub(super) fn new(lab: UnixStream, plan: &Plan, shared: &Shared, most: u32) -> io::Result<Self> {
        let clock = shared.clock();
        let clients = Clients::new(&plan.load, plan.target, clock, shared.producer(0))?;
        Ok(Self { lab, frames: Frames::default(), clock, clients, most, looked: clock.now() })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        self.lab.set_nonblocking(true)?;
        epoll::add(self.clients.poll(), &self.lab, EventData::new_u64(LAB), EventFlags::IN)?;
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let sleep = self.clients.next().since(self.look(Nanos::ZERO));
            events.clear();
            wait(&self.clients, &mut events, sleep)?;
            self.look(sleep);
            for event in &events {
                let (token, flags) = (event.data.u64(), event.flags);
                if token != LAB {
                    self.clients.ready(token, flags);
                    let now = self.look(Nanos::ZERO);
                    self.clients.arrive(now);
                } else if !self.orders()? {
                    return Ok(());
                }
            }
            let now = self.look(Nanos::ZERO);
            self.clients.turn(now, events.len() < EVENTS);
        }
    }

    /// Now; and where since the last look much more than `asked` went by, somebody has stopped this process.
    fn look(&mut self, asked: Nanos) -> Nanos {
        let now = self.clock.now();
        let lost = now.since(self.looked + asked);
        if lost > STOPPED {
            self.clients.forgive(lost);
        }
        self.looked = now;
        now
    }

    /// Carries out what the lab has sent. False: it is time to end.
    fn orders(&mut self) -> io::Result<bool> {
        self.frames.fill(&self.lab)?;
        while let Some(order) = self.frames.next::<LoadControl>()? {
            let order = match order {
                LoadControl::Connections(n) => LoadControl::Connections(n.min(self.most)),
                LoadControl::SlowSenders(n) => LoadControl::SlowSenders(n.min(self.most)),
                other => other,
            };
            self.clients.control(self.clock.now(), order);
            if order == LoadControl::Stop {
                return Ok(false);
            }
        }
        Ok(!self.frames.ended())
    }
}

/// Waits for events, at most so long (an hour, then the loop looks again).
///
/// To the nanosecond only because rustix is built with `linux_5_11`: without, it rounds up to milliseconds.
fn wait(clients: &Clients, events: &mut Vec<epoll::Event>, most: Nanos) -> io::Result<()> {
    let timeout = Timespec { tv_sec: (most.0 / 1_000_000_000).min(3600) as i64, tv_nsec: (most.0 % 1_000_000_000) as i64 };
    match epoll::wait(clients.poll(), spare_capacity(events), Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Raises the soft limit of open descriptors to the hard one, and tells it.
fn raise_descriptor_limit() -> io::Result<u64> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum.unwrap_or(u64::from(u32::MAX)))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
