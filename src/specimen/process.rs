//! The specimen's process, from its start to its end: what it is given, what it binds itself to, its last words.

use std::io::{self, Write};
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mio::net::TcpListener;
use mio::{Interest, Poll};
use rustix::process::{Resource, Rlimit, Signal};

use super::accept::Accept;
use super::config::Config;
use super::errands::Errands;
use super::hooks::{Ground, Hooks};
use super::models::{self, Start};
use super::orders::Orders;
use super::pool::{Completions, Slots};
use super::reactor::Reactor;
use super::server::{Common, Date, LISTENER, Server, is_catching};
use super::stats::Stats;
use super::tasks::Tasks;
use super::timers::Timers;
use crate::base::channel;
use crate::base::clock::Clock;
use crate::http::Limits;
use crate::telemetry::shared::Shared;
use crate::telemetry::{Probe, Recorder, Silent};

/// The subcommand under which the lab starts its own binary as a specimen.
pub const SUBCOMMAND: &str = "__specimen";

/// The life of a specimen's process: standard input is the lab's channel, on which the configuration comes first, with the mapping
/// and the listener. Returns when the lab says stop, or is gone.
///
/// # Errors
/// What is missing or wrong at the start; afterwards only what leaves the loop unable to go on.
pub fn run() -> io::Result<()> {
    // Bound to the lab's life: without it nobody would ever end us.
    let lab = rustix::process::getppid();
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != lab {
        return Ok(());
    }
    let channel = channel::from_stdin()?;
    let (config, fds) = channel::receive_with_fds::<Config>(&channel)?;
    let (listeners, workers) = (config.model.listeners(), config.model.processes());
    if fds.len() != 1 + listeners + workers {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a specimen is started with a mapping and a listener"));
    }
    let mut fds = fds.into_iter();
    let mut next = || fds.next().ok_or(io::ErrorKind::InvalidInput);
    let shared = Shared::open(next()?)?;
    let listeners = (0..listeners).map(|_| Ok(net::TcpListener::from(next()?))).collect::<io::Result<_>>()?;
    raise_descriptor_limit(config.limits.descriptors)?;
    limit_memory(models::row(config.model.kind()).stacks)?;
    if let Some(core) = config.core {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores)?;
    }
    models::row(config.model.kind()).serve(Start { config, shared, listeners, mappings: fds.collect(), channel })
}

/// Serves as an event loop on this thread until the lab says stop, or is gone.
///
/// # Errors
/// As [`run`].
pub fn serve(config: Config, shared: Shared, listener: net::TcpListener, channel: UnixStream) -> io::Result<()> {
    let clock = shared.clock();
    leave_last_words(clock, "the loop");
    if config.watched {
        let probe = Recorder::new(&shared, 0);
        go_round(config, clock, Some(shared), probe, listener, channel)
    } else {
        go_round(config, clock, None, Silent, listener, channel)
    }
}

fn go_round<P: Probe>(
    config: Config,
    clock: Clock,
    shared: Option<Shared>,
    probe: P,
    listener: net::TcpListener,
    channel: UnixStream,
) -> io::Result<()> {
    let poll = Poll::new()?;
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let orders = Orders::new(channel, poll.registry())?;
    // A loop can call itself: it does not wait for the answer.
    let upstream = config.upstream.or_else(|| listener.local_addr().ok().map(reachable));
    let ground = Ground { clock, shared, completions: Arc::new(Completions::default()), slots: Arc::new(Slots::default()) };
    let common = Common {
        probe,
        clock,
        poll,
        limits: Limits { head: config.limits.head, headers: config.limits.headers, body: config.limits.body },
        faults_for_all: config.faults_for_all,
        timers: Timers::default(),
        tasks: Tasks::default(),
        errands: Errands::new(upstream, Arc::clone(&ground.completions)),
        hooks: Hooks::new(ground),
        stats: Stats::new(config.name, clock.now()),
        date: Date::new(&clock),
        out: Vec::new(),
        whole: 0,
        first: true,
        stale: false,
    };
    let mut server = Server::new(common, Accept::new(listener), orders);
    for setting in config.faults {
        server.inject(setting);
    }
    for setting in config.mitigations {
        server.apply(setting)?;
    }
    Reactor::new(server).run()
}

/// Where a listener is reached from here: one that is bound to every address is reached on loopback.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
        _ => address,
    }
}

/// Raises the soft limit of open descriptors to the hard one, or lowers both to what the configuration says, if that is less.
fn raise_descriptor_limit(wanted: Option<u64>) -> io::Result<()> {
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = match (wanted, hard) {
        (Some(wanted), Some(hard)) => Some(wanted.min(hard)),
        (wanted, hard) => wanted.or(hard),
    };
    Ok(rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit })?)
}

/// Faults let memory grow without a bound. This process is to die of it, not the machine that it runs on.
const MOST_MEMORY: u64 = 1 << 30;
/// Stacks that room is left for.
const MOST_STACKS: u64 = 1 << 16;

/// The stacks of threads come on top of that: they are address space, of which next to nothing is ever touched.
fn limit_memory(stack: u64) -> io::Result<()> {
    let Rlimit { maximum: hard, .. } = rustix::process::getrlimit(Resource::Data);
    let threads = rustix::process::getrlimit(Resource::Nofile).current.map_or(MOST_STACKS, |most| most.min(MOST_STACKS));
    let wanted = MOST_MEMORY.saturating_add(threads.saturating_mul(stack));
    let limit = Some(hard.map_or(wanted, |hard| hard.min(wanted)));
    Ok(rustix::process::setrlimit(Resource::Data, Rlimit { current: limit, maximum: limit })?)
}

/// A panic says where and why on standard error, in one line: the last words of a process that dies of it. Panics that are caught
/// say so too, but not more often than once a second, so that nobody must read them for the loop to go on.
pub(super) fn leave_last_words(clock: Clock, who: &'static str) {
    let spoken = AtomicU64::new(0);
    std::panic::set_hook(Box::new(move |panic| {
        let now = clock.now().0;
        let last = spoken.load(Relaxed);
        if is_catching() && last != 0 && now.saturating_sub(last) < 1_000_000_000 {
            return;
        }
        spoken.store(now, Relaxed);
        let text = panic.payload_as_str().unwrap_or("for no reason given");
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        // Nobody may be left to hear it.
        let _ = writeln!(io::stderr(), "{who} panicked{place}: {}", text.escape_debug());
    }));
}
