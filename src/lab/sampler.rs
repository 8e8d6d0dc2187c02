//! The kernel's side of the truth, read from /proc from outside the specimens, also while they are stuck.
//!
//! A thread of its own, because reading can take milliseconds where there are thousands of sockets or threads. It paces itself: a
//! round that cost much makes the next one wait, so that sampling never takes more than a twentieth of a core.
//! It asks only; what it cannot read (a process that has just ended) is missing from the round, not zero.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::clock::{self, Clock};
use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::lab::listener::BACKLOG;
use crate::lab::sockets::{Asking, Sockets};
use crate::telemetry::{Event, Lane, Origin, What};

/// How often CPU times and queues are read while a loop is stuck or dead.
const FAST: Nanos = Nanos::millis(50);
/// How often CPU times are read while all is calm.
const CALM: Nanos = Nanos::millis(200);
/// How often memory, descriptors and the interest list are read.
const SLOW: Nanos = Nanos::millis(500);
/// How often the queues are read while all is calm: the kernel walks its whole table of sockets for it, however few are ours.
const QUEUES: Nanos = Nanos::millis(500);
/// Threads that are asked, one by one, per specimen and round; totals cover all.
const NAMED: usize = 64;
/// How often a process is searched for an epoll instance before it is taken to have none.
const LOOKS: u32 = 3;
/// Rounds that may wait to be taken before the sampler skips one.
const ROUNDS: usize = 16;

/// Which process answers on which port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which specimen it is.
    pub specimen: SpecimenId,
    /// Which of its processes: [`Lane::Kernel`], or a worker's.
    pub lane: Lane,
    /// Whether it counts its own context switches: its threads can be too many to be asked one by one.
    pub counts_its_own: bool,
    /// Its process, if it has one.
    pub pid: Option<u32>,
    /// Its listener's port: the queue is there also while no process is.
    pub port: u16,
    /// Whether that is a port of IPv6, which has a table of its own.
    pub v6: bool,
}

/// A running sampler; dropping it ends its thread.
#[derive(Debug)]
pub struct Sampler {
    targets: Arc<Mutex<Vec<Target>>>,
    hurry: Arc<AtomicBool>,
    rounds: Receiver<Vec<Event>>,
    _alive: Sender<()>,
}

impl Sampler {
    /// Starts sampling nothing; see [`Sampler::watch`].
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(clock: Clock) -> std::io::Result<Self> {
        let targets = Arc::new(Mutex::new(Vec::new()));
        let (send, rounds) = sync_channel(ROUNDS);
        let (alive, end) = channel();
        let hurry = Arc::new(AtomicBool::new(true));
        let theirs = (Arc::clone(&targets), Arc::clone(&hurry));
        std::thread::Builder::new().name("sampler".into()).spawn(move || run(clock, &theirs.0, &theirs.1, &send, &end))?;
        Ok(Self { targets, hurry, rounds, _alive: alive })
    }

    /// Whether the queues are of interest right now: a loop is stuck, or dead.
    pub fn hurry(&self, yes: bool) {
        self.hurry.store(yes, Relaxed);
    }

    /// Samples these from the next round on.
    pub fn watch(&self, targets: Vec<Target>) {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// Appends what has been sampled since the last call.
    pub fn take(&self, into: &mut Vec<Event>) {
        into.extend(self.rounds.try_iter().flatten());
    }
}

fn run(clock: Clock, targets: &Mutex<Vec<Target>>, hurry: &AtomicBool, send: &SyncSender<Vec<Event>>, end: &Receiver<()>) {
    let mut eyes = Eyes::default();
    let (mut slow_due, mut queues_due) = (Nanos::ZERO, Nanos::ZERO);
    loop {
        let (began, used) = (clock.now(), clock::thread_cpu());
        let targets = targets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let slow = began >= slow_due;
        if slow {
            slow_due = began + SLOW;
        }
        let hurry = hurry.load(Relaxed);
        let queues = hurry || began >= queues_due;
        let depth = Depth { queues, processes: slow };
        let round = eyes.look(&clock, &targets, depth);
        // A reader that is away (suspended) misses rounds; the next one tells it where things stand.
        let _ = send.try_send(round);
        // CPU time, not time: on a busy machine the sampler waits for its turn like everybody, and must not wait twice for that.
        let cost = clock::thread_cpu().since(used);
        if queues {
            // Beside tens of thousands of sockets each look takes milliseconds: in calm not more than a two-hundredth of a core.
            queues_due = began + QUEUES.max(Nanos(cost.0.saturating_mul(200)));
        }
        let pace = if hurry { FAST } else { CALM };
        let pause = pace.since(clock.now().since(began)).0.max(cost.0.saturating_mul(19));
        match end.recv_timeout(Duration::from_nanos(pause)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What a round looks at beside CPU times.
#[derive(Clone, Copy, Debug)]
struct Depth {
    queues: bool,
    processes: bool,
}

/// What reading /proc needs from round to round: buffers, and what is found once per process.
#[derive(Debug, Default)]
struct Eyes {
    buffer: Vec<u8>,
    known: Vec<Known>,
    threads: HashMap<u32, Threads>,
    asking: Asking,
    somaxconn: Option<u32>,
}

/// The threads of one process: how often each has been switched, as last seen, and how often all of them, those that have ended included. One
/// that has come and gone between two looks was never seen.
#[derive(Debug, Default)]
struct Threads {
    each: HashMap<u32, (u32, u32)>,
    all: (u32, u32),
}

/// What does not change while a process lives.
#[derive(Clone, Debug)]
struct Known {
    pid: u32,
    epoll: Option<PathBuf>,
    limit: u32,
    /// How often it has been looked for.
    looks: u32,
}

impl Eyes {
    fn look(&mut self, clock: &Clock, targets: &[Target], depth: Depth) -> Vec<Event> {
        let mut round = Vec::with_capacity(targets.len() * 12);
        self.known.retain(|k| targets.iter().any(|t| t.pid == Some(k.pid)));
        self.threads.retain(|pid, _| targets.iter().any(|t| t.pid == Some(*pid)));
        let at = clock.now();
        // Several processes may answer on one port: what the kernel holds for it is told of the first.
        let first = |n: usize| !targets[..n].iter().any(|t| (t.port, t.v6) == (targets[n].port, targets[n].v6));
        let mut ask =
            |n: usize| if depth.queues && first(n) { self.asking.of_port(targets[n].port, targets[n].v6) } else { Sockets::default() };
        let found: Vec<Sockets> = (0..targets.len()).map(&mut ask).collect();
        let limit = *self.somaxconn.get_or_insert_with(|| {
            let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
            text.trim().parse().unwrap_or(u32::MAX).min(BACKLOG.unsigned_abs())
        });
        for (target, sockets) in targets.iter().zip(found) {
            let from = Origin { specimen: target.specimen, lane: target.lane };
            let mut say = |what| round.push(Event { at, from, what });
            if let Some(length) = sockets.accept_queue {
                say(What::AcceptQueue { length, limit });
                say(What::UnreadTotal { bytes: u32::try_from(sockets.unread).unwrap_or(u32::MAX), sockets: sockets.holding });
                for (port, bytes) in sockets.named {
                    say(What::Unread { port: u32::from(port), bytes });
                }
            }
            if let Some(pid) = target.pid {
                self.look_at_process(clock, pid, target, depth.processes, &mut round);
            }
        }
        round
    }

    fn look_at_process(&mut self, clock: &Clock, pid: u32, target: &Target, slow: bool, round: &mut Vec<Event>) {
        let from = Origin { specimen: target.specimen, lane: target.lane };
        let proc = PathBuf::from(format!("/proc/{pid}"));
        if self.read(proc.join(format!("task/{pid}/schedstat"))) {
            let at = clock.now();
            let mut numbers = self.text().split_whitespace().map_while(|n| n.parse::<u64>().ok());
            if let (Some(on_cpu), Some(delay)) = (numbers.next(), numbers.next()) {
                round.push(Event { at, from, what: What::OnCpu { high: (on_cpu >> 32) as u32, low: on_cpu as u32 } });
                round.push(Event { at, from, what: What::RunDelay { high: (delay >> 32) as u32, low: delay as u32 } });
            }
        }
        if !slow {
            return;
        }
        let at = clock.now();
        let mut say = |what| round.push(Event { at, from, what });
        let mut count = 0;
        if self.read(proc.join("status")) {
            let text = self.text();
            let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
            let number = |name: &str| status_number(text, name);
            if let (Some(resident), Some(anonymous)) = (number("VmRSS:"), number("RssAnon:")) {
                say(What::Memory { resident, anonymous });
            }
            if let (Some(voluntary), Some(involuntary)) = (number("voluntary_ctxt_switches:"), number("nonvoluntary_ctxt_switches:")) {
                say(What::Switches { voluntary, involuntary });
            }
            if let (Some(letter), Some(threads)) = (field("State:").and_then(|s| s.chars().next()), number("Threads:")) {
                say(What::ThreadState { letter: u32::from(letter), threads });
                count = threads;
            }
        }
        self.look_at_threads(&proc, target, count, at, round);
        let mut say = |what| round.push(Event { at, from, what });
        let known = self.know(pid);
        if let Some(open) = count_descriptors(&proc) {
            say(What::Descriptors { open, limit: known.limit });
        }
        if let Some(epoll) = known.epoll
            && self.read(&epoll)
        {
            let entries = self.buffer.split(|b| *b == b'\n').filter(|line| line.starts_with(b"tfd:")).count();
            say(What::InterestList { entries: entries as u32 });
        }
    }

    /// What all threads of a process have used, and where they run. Thousands of them are not asked one by one.
    fn look_at_threads(&mut self, proc: &Path, target: &Target, threads: u32, at: Nanos, round: &mut Vec<Event>) {
        let from = Origin { specimen: target.specimen, lane: target.lane };
        let (Some(pid), counts_its_own) = (target.pid.filter(|_| threads > 0), target.counts_its_own) else { return };
        let mut say = |what| round.push(Event { at, from, what });
        let mut core = None;
        if self.read(proc.join("stat")) {
            let ticks = |n: usize| stat_field(self.text(), n);
            if let (Some(user), Some(system)) = (ticks(14), ticks(15)) {
                let cpu = (user + system).saturating_mul(1_000_000_000 / rustix::param::clock_ticks_per_second().max(1));
                say(What::ProcessCpu { high: (cpu >> 32) as u32, low: cpu as u32 });
            }
            core = ticks(39);
        }
        let mut seen = core.map_or(0, core_bit);
        if threads as usize <= NAMED {
            let mut counted = self.threads.remove(&pid).unwrap_or_default();
            let ids = std::fs::read_dir(proc.join("task")).into_iter().flatten().flatten();
            for id in ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
                if !counts_its_own {
                    self.count(proc, id, &mut counted);
                }
                if threads > 1 && self.read(proc.join(format!("task/{id}/stat"))) {
                    seen |= stat_field(self.text(), 39).map_or(0, core_bit);
                }
            }
            if !counts_its_own {
                let (voluntary, involuntary) = counted.all;
                say(What::ProcessSwitches { voluntary, involuntary });
            }
            self.threads.insert(pid, counted);
        }
        if let Some(core) = core {
            say(What::Cores { last: core as u32, seen });
        }
    }

    /// How often a thread has been switched since it was last asked.
    fn count(&mut self, proc: &Path, id: u32, counted: &mut Threads) {
        if self.read(proc.join(format!("task/{id}/status"))) {
            let number = |name| status_number(self.text(), name);
            if let (Some(voluntary), Some(involuntary)) = (number("voluntary_ctxt_switches:"), number("nonvoluntary_ctxt_switches:")) {
                let before = counted.each.insert(id, (voluntary, involuntary)).unwrap_or_default();
                counted.all.0 = counted.all.0.saturating_add(voluntary.saturating_sub(before.0));
                counted.all.1 = counted.all.1.saturating_add(involuntary.saturating_sub(before.1));
            }
        }
    }

    fn know(&mut self, pid: u32) -> Known {
        let before = self.known.iter().find(|k| k.pid == pid);
        // One that has not opened its epoll instance yet is looked at again; one that never does has none.
        if let Some(known) = before.filter(|k| k.epoll.is_some() || k.looks >= LOOKS) {
            return known.clone();
        }
        let known = Known { pid, epoll: find_epoll(pid), limit: find_limit(pid), looks: before.map_or(1, |k| k.looks + 1) };
        self.known.retain(|k| k.pid != pid);
        self.known.push(known.clone());
        known
    }

    fn read(&mut self, path: impl AsRef<Path>) -> bool {
        self.buffer.clear();
        File::open(path).and_then(|mut file| file.read_to_end(&mut self.buffer)).is_ok()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.buffer).unwrap_or_default()
    }
}

/// A number of `/proc/PID/status`, by its name with the colon.
fn status_number(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// A field of `/proc/PID/stat`, counted from 1 as in proc(5). The name of the program may hold anything; what follows its last bracket is plain.
fn stat_field(text: &str, number: usize) -> Option<u64> {
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

fn core_bit(core: u64) -> u32 {
    1 << core.min(31)
}

/// Open descriptors: since Linux 6.2 the size of the directory, before that its entries.
fn count_descriptors(proc: &Path) -> Option<u32> {
    let dir = proc.join("fd");
    match std::fs::metadata(&dir).ok()?.len() {
        0 => Some(std::fs::read_dir(dir).ok()?.count() as u32),
        n => Some(n as u32),
    }
}

/// The fdinfo file of a process's first epoll instance.
fn find_epoll(pid: u32) -> Option<PathBuf> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    // It is one of the first descriptors that the process opened; thousands of connections follow it.
    let mut numbers: Vec<u32> = links.flatten().filter_map(|l| l.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .take(64)
        .find(|n| std::fs::read_link(format!("/proc/{pid}/fd/{n}")).is_ok_and(|to| to.as_os_str() == "anon_inode:[eventpoll]"))
        .map(|n| PathBuf::from(format!("/proc/{pid}/fdinfo/{n}")))
}

fn find_limit(pid: u32) -> u32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("Max open files"));
    line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)
}

/// The lab's own process: CPU time so far and resident memory.
pub fn own_cost() -> What {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * rustix::param::page_size() as u64 / 1024;
    What::OwnCost { micros: (clock::process_cpu().0 / 1000) as u32, resident: resident as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_listener_with_waiting_clients_is_seen_as_ss_sees_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        let _accepted = listener.accept().unwrap();
        (&clients[0]).write_all(b"12345").unwrap();
        let target =
            Target { specimen: SpecimenId(0), lane: Lane::Kernel, counts_its_own: false, pid: Some(std::process::id()), port, v6: false };
        let clock = Clock::start();
        let sees = |events: &[Event], what| events.iter().any(|e| e.what == what);
        let mut round = Vec::new();
        // The kernel needs a moment to deliver even on loopback.
        for _ in 0..200 {
            round = Eyes::default().look(&clock, &[target], Depth { queues: true, processes: true });
            if sees(&round, What::UnreadTotal { bytes: 5, sockets: 1 }) {
                break;
            }
            std::thread::yield_now();
        }
        assert!(round.iter().any(|e| matches!(e.what, What::AcceptQueue { length: 2, limit } if limit > 0)), "{round:?}");
        assert!(sees(&round, What::Unread { port: clients[0].local_addr().unwrap().port().into(), bytes: 5 }), "{round:?}");
        assert!(round.iter().any(|e| matches!(e.what, What::Descriptors { open, limit } if open > 3 && limit >= open)));
        assert!(round.iter().any(|e| matches!(e.what, What::Memory { resident, .. } if resident > 100)));
        assert!(round.iter().any(|e| matches!(e.what, What::OnCpu { .. })));
    }

    #[test]
    fn what_all_threads_use_is_more_than_what_one_does() {
        let target = Target {
            specimen: SpecimenId(0),
            lane: Lane::Kernel,
            counts_its_own: false,
            pid: Some(std::process::id()),
            port: 1,
            v6: false,
        };
        let (clock, mut eyes) = (Clock::start(), Eyes::default());
        let switches = |round: &[Event]| {
            round.iter().find_map(|e| if let What::ProcessSwitches { voluntary, .. } = e.what { Some(voluntary) } else { None })
        };
        let before = switches(&eyes.look(&clock, &[target], Depth { queues: false, processes: true })).unwrap();
        let (done, end) = channel::<()>();
        let sleeper = std::thread::spawn(move || {
            (0..30).for_each(|_| std::thread::sleep(Duration::from_millis(1)));
            end.recv().unwrap();
        });
        let mut round = Vec::new();
        // However long a look takes on a busy machine, the thread is there until it has been seen.
        while switches(&round).unwrap_or(0) < before + 20 {
            round = eyes.look(&clock, &[target], Depth { queues: false, processes: true });
        }
        done.send(()).unwrap();
        sleeper.join().unwrap();
        let after = switches(&eyes.look(&clock, &[target], Depth { queues: false, processes: true })).unwrap();
        assert!(after >= before + 20, "what the thread did stays after its end: {before}, {after}");
        assert!(round.iter().any(|e| matches!(e.what, What::ProcessCpu { .. })));
        assert!(round.iter().any(|e| matches!(e.what, What::Cores { last, seen } if seen & core_bit(u64::from(last)) != 0)));
        assert_eq!(stat_field("7 (a) b) S 1 2", 4), Some(1));
    }

    #[test]
    fn a_process_that_is_gone_is_missing_and_not_zero() {
        let target = Target { specimen: SpecimenId(0), lane: Lane::Kernel, counts_its_own: false, pid: Some(u32::MAX), port: 1, v6: false };
        assert!(Eyes::default().look(&Clock::start(), &[target], Depth { queues: true, processes: true }).is_empty());
    }
}
