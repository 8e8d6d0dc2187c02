//! The worker pool: threads that take computing work off the loop, and tell it through its waker when the work is done.
//!
//! No thread runs before a pool is switched on, and none stays after it is switched off: a second thread alone makes every system
//! call of the first one dearer, because they share a table of descriptors. A worker ends when its work does; nobody can
//! make it end earlier, so switching off never waits for it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use mio::{Registry, Token, Waker};

use super::hooks::{Ground, Job};
use super::server::WAKER;
use crate::base::clock::Clock;
use crate::telemetry::{Probe, Recorder, Silent, What};

/// The most workers there can be: as many as the mapping has rings for, beside the loop's.
pub const MOST_WORKERS: u8 = 8;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half-done under these locks, so what a panicking thread leaves behind can be used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Jobs that workers have done and the loop has not heard of. It outlives the pools: a job that was begun comes back.
#[derive(Debug, Default)]
pub struct Completions {
    done: Mutex<VecDeque<Token>>,
    waker: OnceLock<Waker>,
}

impl Completions {
    /// Makes sure that the loop can be woken.
    fn connect(&self, registry: &Registry) -> io::Result<()> {
        if self.waker.get().is_none() {
            // Only the loop's thread comes here, so nobody can have been faster.
            let _ = self.waker.set(Waker::new(registry, WAKER)?);
        }
        Ok(())
    }

    fn put(&self, token: Token) {
        lock(&self.done).push_back(token);
        self.wake();
    }

    /// Wakes the loop, if there is anybody who could have anything to tell it.
    pub fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            // It fails only where the loop is gone, and with it whoever waits.
            let _ = waker.wake();
        }
    }

    /// Takes the one that was done first.
    pub fn take(&self) -> Option<Token> {
        lock(&self.done).pop_front()
    }
}

/// Which of the workers' rings are in use. A ring has one writer: a worker of a new pool waits until one of an old pool has left it.
#[derive(Debug, Default)]
pub struct Slots {
    taken: Mutex<u8>,
    left: Condvar,
}

impl Slots {
    fn enter(&self) -> u8 {
        let mut taken = lock(&self.taken);
        loop {
            let free = taken.trailing_ones() as u8;
            if free < MOST_WORKERS {
                *taken |= 1 << free;
                return free;
            }
            taken = self.left.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn leave(&self, slot: u8) {
        *lock(&self.taken) &= !(1 << slot);
        self.left.notify_one();
    }
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// The next job; nothing when there is none left and the pool is switched off.
    fn take(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A pool that is on. Dropping it switches it off: what is queued is still done.
#[derive(Debug)]
pub struct Pool {
    queue: Arc<Queue>,
}

impl Pool {
    /// Starts so many workers.
    ///
    /// # Errors
    /// `InvalidInput` for none or more than [`MOST_WORKERS`], or more than the mapping has rings for; what starting a thread says.
    pub fn start(threads: u8, ground: &Ground, registry: &Registry) -> io::Result<Self> {
        let rings = ground.shared.as_ref().map_or(usize::from(MOST_WORKERS), |shared| shared.rings() - 1);
        if threads == 0 || threads > MOST_WORKERS || usize::from(threads) > rings {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a pool has 1 to {} workers", rings.min(8))));
        }
        ground.completions.connect(registry)?;
        let pool = Self { queue: Arc::default() };
        for _ in 0..threads {
            let (queue, completions, slots) = (Arc::clone(&pool.queue), Arc::clone(&ground.completions), Arc::clone(&ground.slots));
            let (clock, shared) = (ground.clock, ground.shared.clone());
            std::thread::Builder::new().name("worker".into()).spawn(move || {
                let slot = slots.enter();
                match shared {
                    Some(shared) => work(&queue, &completions, clock, Recorder::new(&shared, 1 + usize::from(slot))),
                    None => work(&queue, &completions, clock, Silent),
                }
                slots.leave(slot);
            })?;
        }
        Ok(pool)
    }

    /// Queues a job for the next worker that is free.
    pub fn queue(&self, job: Job) {
        lock(&self.queue.state).jobs.push_back(job);
        self.queue.changed.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.queue.state).closed = true;
        self.queue.changed.notify_all();
    }
}

fn work(queue: &Queue, completions: &Completions, clock: Clock, mut probe: impl Probe) {
    while let Some(job) = queue.take() {
        probe.note_now(What::JobBegan { conn: job.conn, handler: job.handler });
        job.work.run(&clock);
        if let Some(fact) = job.work.report() {
            probe.note_now(fact);
        }
        probe.note_now(What::JobEnded { conn: job.conn });
        completions.put(job.token);
    }
}
