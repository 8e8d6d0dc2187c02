//! A counter that many may increment: read, work a little, write back. It teaches what a loop has for nothing.
//!
//! Between the reading and the writing another thread may have written; what it wrote is then overwritten, and its increment lost. Nothing
//! is unsafe about it: each access is atomic, only the three together are not. On a loop nobody else runs in between, because a callback
//! runs until it returns.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::work::Work;
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::telemetry::What;

/// What is worked between the reading and the writing: about as long as it takes to look something up.
const BETWEEN: Nanos = Nanos::micros(20);

/// The counter of this process.
pub static COUNTER: Counter = Counter::new();

/// A counter, and how often it should have counted.
#[derive(Debug)]
pub struct Counter {
    value: AtomicU32,
    made: AtomicU32,
    locks: AtomicBool,
    lock: Mutex<()>,
}

impl Counter {
    const fn new() -> Self {
        Self { value: AtomicU32::new(0), made: AtomicU32::new(0), locks: AtomicBool::new(false), lock: Mutex::new(()) }
    }

    /// Increments it: under the lock where there is one.
    pub fn increment(&self, clock: &Clock) {
        if self.locks.load(Relaxed) {
            // Nothing is left half-done: whoever panicked while holding it had not come to write.
            let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.increment_alone(clock);
        } else {
            self.increment_alone(clock);
        }
    }

    fn increment_alone(&self, clock: &Clock) {
        let read = self.value.load(Relaxed);
        Work::Compute(BETWEEN).run(clock);
        self.value.store(read.wrapping_add(1), Relaxed);
        self.made.fetch_add(1, Relaxed);
    }

    /// Whether whoever increments it takes a lock.
    pub fn lock(&self, on: bool) {
        self.locks.store(on, Relaxed);
    }

    /// What it says now, and what it should say. Exact where nobody counts at the same time, or all of them lock.
    pub fn report(&self) -> What {
        let _held = self.locks.load(Relaxed).then(|| self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        What::Counted { value: self.value.load(Relaxed), made: self.made.load(Relaxed) }
    }

    /// What it says now.
    pub fn value(&self) -> u32 {
        self.value.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(counter: &Counter, threads: u32) -> u32 {
        let clock = Clock::start();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..500).for_each(|_| counter.increment(&clock)));
            }
        });
        let What::Counted { value, made } = counter.report() else { panic!("it reports something else") };
        assert_eq!(made, threads * 500);
        made - value
    }

    #[test]
    fn alone_nothing_is_lost_and_with_a_lock_neither() {
        assert_eq!(count(&Counter::new(), 1), 0);
        let counter = Counter::new();
        counter.lock(true);
        assert_eq!(count(&counter, 4), 0);
    }

    #[test]
    fn threads_that_do_not_lock_lose_updates() {
        // Also on a single core: a thread that is interrupted between reading and writing undoes what the others did meanwhile.
        let lost = (0..20).map(|_| count(&Counter::new(), 4)).find(|lost| *lost > 0);
        assert!(lost.is_some());
    }
}
