//! A number of threads, and a queue of connections. It teaches the trade between the two: memory no longer grows with the connections, and
//! a thread that waits for one client serves no other.
//!
//! A thread stays with its connection while nobody else waits. Where others do, it goes on to the next one after each answer, and
//! gives a connection that says nothing a millisecond before it puts it back: blocking threads can only go round and ask. A server of
//! production lets an event loop watch the idle connections and gives the threads those that have something to say.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};

use super::blocking::{Conn, INPUT, Next};
use super::house::{House, accept, lock};
use super::{Row, Start, house};
use crate::base::clock::Clock;
use crate::specimen::config::ModelSetting;
use crate::specimen::process::leave_last_words;
use crate::specimen::server::Date;
use crate::telemetry::vocabulary::{Mitigation, Model};

/// How long a connection may say nothing while others wait.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
/// The most threads.
pub const MOST_THREADS: u16 = 256;

pub(super) const ROW: Row = Row {
    kind: Model::ThreadPool,
    about: "A fixed number of threads takes connections from a queue and serves each with blocking calls.",
    price: "When every thread waits for somebody, everybody else waits for a thread.",
    default: ModelSetting::ThreadPool { threads: 8 },
    takes: Some(&[Mitigation::CatchPanic, Mitigation::Supervisor, Mitigation::Lock]),
    stacks: 0,
    rings: |_| house::RINGS,
    serve,
};

fn serve(mut start: Start) -> io::Result<()> {
    let listener = start.listener()?;
    let ModelSetting::ThreadPool { threads: threads @ 1..=MOST_THREADS } = start.config.model else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a thread pool has 1 to {MOST_THREADS} threads")));
    };
    let clock = start.shared.clock();
    leave_last_words(clock, "a thread");
    let house = House::new(&start.config, &start.shared, &listener);
    let queue = Arc::new(Queue::new()?);
    for _ in 0..threads {
        let queue = Arc::clone(&queue);
        std::thread::Builder::new().name("pool".into()).spawn(move || work(&queue, clock))?;
    }
    accept(&house, &start.config, &start.shared, listener, start.channel, |conn| {
        queue.put(conn);
        Ok(())
    })
}

/// Connections that wait for a thread.
#[derive(Debug)]
struct Queue {
    waiting: Mutex<VecDeque<Conn>>,
    changed: Condvar,
    /// Whether any waits, for those who only want to know.
    any: AtomicBool,
    /// Readable while any waits: a thread that waits for its client's bytes waits for this too.
    bell: OwnedFd,
}

impl Queue {
    fn new() -> io::Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { waiting: Mutex::default(), changed: Condvar::new(), any: AtomicBool::new(false), bell })
    }

    fn put(&self, conn: Conn) {
        let mut waiting = lock(&self.waiting);
        waiting.push_back(conn);
        if !self.any.swap(true, Relaxed) {
            // Only its counter's overflow could make it fail, and it counts to one.
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
        drop(waiting);
        self.changed.notify_one();
    }

    fn take(&self) -> Conn {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(conn) = waiting.pop_front() {
                if waiting.is_empty() {
                    self.any.store(false, Relaxed);
                    let _ = rustix::io::read(&self.bell, &mut [0; 8]);
                }
                return conn;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until a connection has something to say; false if it has not, and others wait.
    fn listen(&self, conn: &Conn) -> bool {
        loop {
            let others = self.any.load(Relaxed);
            let mut fds = [PollFd::new(conn, PollFlags::IN), PollFd::new(&self.bell, PollFlags::IN)];
            let (count, patience) = if others { (1, Some(&PATIENCE)) } else { (2, None) };
            // An interruption is nothing: it looks again.
            let _ = rustix::event::poll(&mut fds[..count], patience);
            if !fds[0].revents().is_empty() {
                return true;
            }
            if others && self.any.load(Relaxed) {
                return false;
            }
        }
    }
}

fn work(queue: &Queue, clock: Clock) {
    let (mut input, mut date) = (vec![0; INPUT], Date::new(&clock));
    loop {
        let mut conn = queue.take();
        loop {
            if !queue.listen(&conn) {
                queue.put(conn);
                break;
            }
            if let Next::Break(reason) = conn.at_the_edge(&mut input, &mut date) {
                conn.close(reason);
                break;
            }
            if queue.any.load(Relaxed) {
                queue.put(conn);
                break;
            }
        }
    }
}
