//! A master and a number of worker processes on one port: each worker is an event loop as any other, with memory, descriptors and
//! connections of its own. It teaches how loops come to use more than one core, and what a process is a boundary for: what one worker does to
//! itself, the others do not feel.
//!
//! The master serves nobody. It holds the listening sockets, so that the kernel keeps queueing while a worker is replaced, starts a new
//! worker for one that has died, and passes on what the lab asks for. With one listener whoever is awake first takes a connection; with
//! `SO_REUSEPORT` the kernel deals them out, also to a worker that is stuck. Servers of production (nginx, gunicorn, Node's cluster) are built so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use super::{Row, Start};
use crate::base::channel::{self, Frames};
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::specimen::config::{Config, ModelSetting, Share};
use crate::specimen::control::{Control, Message};
use crate::specimen::faults;
use crate::specimen::process::SUBCOMMAND;
use crate::telemetry::vocabulary::Model;
use crate::telemetry::{Lane, Probe, Recorder, What};

/// A worker that died sooner than this after its start is replaced later each time, so that one that cannot start does not burn a core.
const TOO_SOON: Nanos = Nanos::millis(500);
/// The first and the longest such pause.
const PAUSES: (Nanos, Nanos) = (Nanos::millis(50), Nanos::secs(5));

pub(super) const ROW: Row = Row {
    kind: Model::Workers,
    about: "A master starts event-loop processes on one port and replaces those that die.",
    price: "Nothing is shared: each process has its own memory, and a slow callback still holds up the clients of its own loop.",
    default: ModelSetting::Workers { processes: 2, share: Share::Listener },
    takes: None,
    stacks: 0,
    // What the master reports of each worker lies in a ring of its own.
    rings: ModelSetting::processes,
    serve,
};

fn serve(start: Start) -> io::Result<()> {
    let Start { config, shared, listeners, mappings, channel } = start;
    let processes = config.model.processes();
    if processes == 0 || processes > usize::from(Lane::MOST_PROCESSES) || mappings.len() != processes || listeners.is_empty() {
        let what = format!("a master has 1 to {} workers, each with its mapping", Lane::MOST_PROCESSES);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    channel.set_nonblocking(true)?;
    let workers = mappings.into_iter().enumerate().map(|(n, mapping)| Worker {
        mapping,
        listener: n % listeners.len(),
        probe: Recorder::new(&shared, 1 + n),
        process: None,
        before: 0,
        started: Nanos::ZERO,
        pause: Nanos::ZERO,
        due: Some(Nanos::ZERO),
    });
    let workers = workers.collect();
    Master { clock: shared.clock(), config, listeners, workers, next: 0, channel, frames: Frames::default() }.run()
}

struct Master {
    clock: Clock,
    /// What the next worker is started with: it follows what the lab switches.
    config: Config,
    listeners: Vec<std::net::TcpListener>,
    workers: Vec<Worker>,
    /// Whose turn it is to be struck.
    next: usize,
    channel: UnixStream,
    frames: Frames,
}

/// One worker's place, and the process that is in it.
struct Worker {
    mapping: OwnedFd,
    listener: usize,
    probe: Recorder,
    process: Option<Process>,
    before: u32,
    started: Nanos,
    pause: Nanos,
    /// When the next process is to be started.
    due: Option<Nanos>,
}

struct Process {
    child: Child,
    /// Readable when it has ended.
    end: OwnedFd,
    channel: UnixStream,
}

impl Master {
    fn run(&mut self) -> io::Result<()> {
        loop {
            for n in 0..self.workers.len() {
                if self.workers[n].due.is_some_and(|due| due <= self.clock.now()) {
                    self.spawn(n)?;
                }
            }
            self.wait()?;
            for worker in &mut self.workers {
                worker.bury(&self.clock)?;
            }
            if !self.carry_out_orders() {
                return self.end();
            }
        }
    }

    /// Waits until a worker has ended, a new one is due, or the lab has something to say.
    fn wait(&self) -> io::Result<()> {
        let due = self.workers.iter().filter_map(|worker| worker.due).min();
        let patience = due.map(|due| {
            let left = due.since(self.clock.now());
            Timespec { tv_sec: (left.0 / 1_000_000_000) as i64, tv_nsec: (left.0 % 1_000_000_000) as i64 }
        });
        let ends = self.workers.iter().filter_map(|worker| worker.process.as_ref()).map(|process| process.end.as_fd());
        let mut fds: Vec<PollFd<'_>> = ends.chain([self.channel.as_fd()]).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match rustix::event::poll(&mut fds, patience.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn spawn(&mut self, n: usize) -> io::Result<()> {
        let (ours, theirs) = UnixStream::pair()?;
        let config = Config { model: ModelSetting::EventLoop, ..self.config.clone() };
        let worker = &mut self.workers[n];
        let child = Command::new("/proc/self/exe")
            .arg0(format!("loopscope: specimen {}, worker {}", config.name, n + 1))
            .arg(SUBCOMMAND)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()?;
        let pid = Pid::from_child(&child);
        let end = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let fds: [BorrowedFd<'_>; 2] = [worker.mapping.as_fd(), self.listeners[worker.listener].as_fd()];
        // One that has died already is buried in the next round, like every other.
        let _ = channel::send_with_fds(&ours, &config, &fds);
        ours.set_nonblocking(true)?;
        worker.probe.note_now(What::Spawned { pid: child.id(), before: worker.before });
        worker.before += 1;
        worker.started = self.clock.now();
        worker.due = None;
        worker.process = Some(Process { child, end, channel: ours });
        Ok(())
    }

    /// Passes on what the lab has asked for. False: it is time to end.
    fn carry_out_orders(&mut self) -> bool {
        let filled = self.frames.fill(&self.channel);
        loop {
            let message: Message = match self.frames.next() {
                Ok(Some(message)) => message,
                Ok(None) => return filled.is_ok() && !self.frames.ended(),
                Err(_) => return false,
            };
            match message.control {
                Control::Inject(fault) if faults::row(fault.kind()).standing => {
                    self.config.faults.retain(|other| other.kind() != fault.kind());
                    self.config.faults.push(fault);
                    self.tell_all(message);
                }
                Control::Cure(kind) => {
                    self.config.faults.retain(|other| other.kind() != kind);
                    self.tell_all(message);
                }
                // The next request of one worker: whose turn it is, so that each has its own.
                Control::Inject(_) => {
                    let count = self.workers.len();
                    let order = (0..count).map(|n| (self.next + n) % count);
                    let Some(n) = order.into_iter().find(|n| self.workers[*n].tell(message)) else { continue };
                    self.next = n + 1;
                }
                Control::Apply(setting) => {
                    self.config.mitigations.retain(|other| other.kind() != setting.kind());
                    self.config.mitigations.push(setting);
                    self.tell_all(message);
                }
                Control::Revoke(kind) => {
                    self.config.mitigations.retain(|other| other.kind() != kind);
                    self.tell_all(message);
                }
                Control::Stop => return false,
            }
        }
    }

    fn tell_all(&self, message: Message) {
        for worker in &self.workers {
            // One that is stuck takes no orders; its successor is started with what is set.
            worker.tell(message);
        }
    }

    /// Ends the workers, kindly where they listen; those that do not are killed with us.
    fn end(&mut self) -> io::Result<()> {
        for worker in &mut self.workers {
            if let Some(mut process) = worker.process.take() {
                process.child.kill()?;
                process.child.wait()?;
            }
        }
        Ok(())
    }
}

impl Worker {
    /// Passes an order on; false if nobody is there to take it.
    fn tell(&self, message: Message) -> bool {
        self.process.as_ref().is_some_and(|process| channel::send(&process.channel, &message).is_ok())
    }

    /// Takes note of its process's end, if it has ended.
    fn bury(&mut self, clock: &Clock) -> io::Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(status) = process.child.try_wait()? else { return Ok(()) };
        let (signal, code) = how(status);
        self.probe.note_now(What::Died { signal, code });
        self.process = None;
        let now = clock.now();
        self.pause = if now.since(self.started) < TOO_SOON { Nanos((self.pause.0 * 2).clamp(PAUSES.0.0, PAUSES.1.0)) } else { Nanos::ZERO };
        self.due = Some(now + self.pause);
        Ok(())
    }
}

fn how(status: ExitStatus) -> (u32, u32) {
    (status.signal().unwrap_or(0).unsigned_abs(), status.code().unwrap_or(0).unsigned_abs())
}
