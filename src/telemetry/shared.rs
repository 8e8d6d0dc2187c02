//! The layout of the shared mapping: time base, heartbeat, gate, and one ring for each producing thread.
//!
//! ```text
//! first page (32-bit words)   0 gate order   1 gate turns   2 gate waiting
//! words (64-bit)              0 magic  1 shape (rings << 32 | capacity)  2..6 time base
//!                             8 tick  9 busy since  10 what the loop is in      (heartbeat, one cache line)
//!                             64.. for each ring: 8 words of producer (head, dropped), 8 of consumer (tail)
//!                             then the records of each ring, two words each
//! ```
//!
//! The heartbeat tells what a stuck loop is stuck *in*, even where its ring is full.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::thread::futex;

use super::ring::{Consumer, Producer};
use super::vocabulary::{Cause, Phase};
use crate::base::clock::{Clock, Stamp, TimeBase};
use crate::base::ids::ConnId;
use crate::base::raw::Mapping;

const MAGIC: u64 = u64::from_le_bytes(*b"loopscp1");
const HEARTBEAT: usize = 8;
const RINGS: usize = 64;
/// Words of bookkeeping of one ring: a cache line for the producer and one for the consumer.
pub(super) const RING_HEAD: usize = 16;
/// The most rings a mapping can have.
pub const MAX_RINGS: usize = 256;

/// Records a loop's ring can hold: 4 MiB, a fifth of a second of a loop that answers 200,000 requests a second.
pub const LOOP_RING: usize = 1 << 18;

/// Records of every ring but the first (workers): 128 KiB each.
const SIDE_RING: usize = 1 << 13;

const ORDER: usize = 0;
const TURNS: usize = 1;
const WAITING: usize = 2;

/// Words that a mapping of this shape has behind its first page.
fn size(rings: usize, capacity: usize) -> usize {
    RINGS + rings * RING_HEAD + 2 * (capacity + (rings - 1) * capacity.min(SIDE_RING))
}

/// The mapping of one process that is observed.
#[derive(Clone, Debug)]
pub struct Shared {
    map: Arc<Mapping>,
    rings: usize,
    capacity: usize,
}

/// What the loop is in, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Ticks so far.
    pub tick: u64,
    /// Since when.
    pub since: Stamp,
    /// The phase.
    pub phase: Phase,
    /// The callback that runs, if one does.
    pub callback: Option<(Cause, ConnId)>,
}

impl Shared {
    /// A new mapping with `rings` rings: the first of `capacity` records (a power of two), the others of at most 8192.
    ///
    /// # Errors
    /// What the system says to memfd and mmap; `InvalidInput` for a shape that cannot be.
    pub fn create(name: &str, clock: &Clock, rings: usize, capacity: usize) -> io::Result<(Self, OwnedFd)> {
        if !capacity.is_power_of_two() || rings == 0 || rings > MAX_RINGS || capacity > 1 << 24 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a mapping has 1 to 256 rings of a power of two of records"));
        }
        let (map, fd) = Mapping::create(name, size(rings, capacity))?;
        let base = clock.base();
        let words = map.words();
        words[1].store((rings as u64) << 32 | capacity as u64, Relaxed);
        for (at, value) in [base.zero, base.monotonic, base.mult, u64::from(base.cycles)].into_iter().enumerate() {
            words[2 + at].store(value, Relaxed);
        }
        words[0].store(MAGIC, Release);
        Ok((Self { map: Arc::new(map), rings, capacity }, fd))
    }

    /// Opens what another process created.
    ///
    /// # Errors
    /// What the system says, or `InvalidData` where it is not such a mapping.
    pub fn open(fd: OwnedFd) -> io::Result<Self> {
        let map = Mapping::open(fd)?;
        let words = map.words();
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "not a telemetry mapping of this version");
        if words.len() < RINGS || words[0].load(Acquire) != MAGIC {
            return Err(wrong());
        }
        let shape = words[1].load(Relaxed);
        let (rings, capacity) = ((shape >> 32) as usize, (shape & 0xFFFF_FFFF) as usize);
        if rings == 0 || rings > MAX_RINGS || !capacity.is_power_of_two() || capacity > 1 << 24 || words.len() < size(rings, capacity) {
            return Err(wrong());
        }
        Ok(Self { map: Arc::new(map), rings, capacity })
    }

    /// The clock of the lab that made the mapping.
    pub fn clock(&self) -> Clock {
        let word = |at: usize| self.map.words()[at].load(Relaxed);
        Clock::new(TimeBase { zero: word(2), monotonic: word(3), mult: word(4), cycles: word(5) != 0 })
    }

    /// How many rings it has.
    pub fn rings(&self) -> usize {
        self.rings
    }

    /// Where a ring's bookkeeping and its records begin, and how many records it holds.
    fn ring_at(&self, ring: usize) -> (usize, usize, usize) {
        let side = self.capacity.min(SIDE_RING);
        let before = if ring == 0 { 0 } else { self.capacity + (ring - 1) * side };
        let records = RINGS + self.rings * RING_HEAD + 2 * before;
        (RINGS + ring * RING_HEAD, records, if ring == 0 { self.capacity } else { side })
    }

    /// The writing end of a ring. At most one thread may hold it; a second one would overwrite the first one's records.
    ///
    /// # Panics
    /// Where there is no such ring.
    pub fn producer(&self, ring: usize) -> Producer {
        assert!(ring < self.rings, "ring {ring} of {}", self.rings);
        let (book, records, capacity) = self.ring_at(ring);
        Producer::new(Arc::clone(&self.map), book, records, capacity)
    }

    /// The reading end of a ring. At most one thread may hold it.
    ///
    /// # Panics
    /// Where there is no such ring.
    pub fn consumer(&self, ring: usize) -> Consumer {
        assert!(ring < self.rings, "ring {ring} of {}", self.rings);
        let (book, records, capacity) = self.ring_at(ring);
        Consumer::new(Arc::clone(&self.map), book, records, capacity)
    }

    /// What the loop is in right now; read while it runs, so `tick` may be one ahead of the rest.
    pub fn heartbeat(&self) -> Heartbeat {
        let words = self.beat();
        let mut state = words[2].load(Acquire);
        let since = loop {
            let since = words[1].load(Acquire);
            let again = words[2].load(Acquire);
            if again == state {
                break since;
            }
            state = again;
        };
        let phase = Phase::from_u8((state >> 40) as u8).unwrap_or(Phase::Poll);
        let callback =
            ((state >> 48) & 0xFF).checked_sub(1).and_then(|c| Cause::from_u8(c as u8)).map(|cause| (cause, ConnId(state as u32)));
        Heartbeat { tick: words[0].load(Relaxed), since: Stamp(since), phase, callback }
    }

    #[inline]
    pub(super) fn beat(&self) -> &[AtomicU64] {
        &self.map.words()[HEARTBEAT..HEARTBEAT + 3]
    }

    /// The gate, by which the lab holds the loop.
    pub fn gate(&self) -> Gate {
        Gate { map: Arc::clone(&self.map) }
    }
}

/// How far the gate lets the loop go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Order {
    /// The gate is open.
    Run = 0,
    /// Hold before each callback.
    HoldCallbacks = 1,
    /// Hold before each tick.
    HoldTicks = 2,
}

/// Holds a loop before a callback or a tick, and lets it go one at a time. While it is held its clients really wait.
#[derive(Clone, Debug)]
pub struct Gate {
    map: Arc<Mapping>,
}

impl Gate {
    fn word(&self, at: usize) -> &AtomicU32 {
        &self.map.halves()[at]
    }

    /// The lab's side: from here on hold the loop in this way, or let it run.
    pub fn order(&self, order: Order) {
        self.word(ORDER).store(order as u32, Release);
        self.step();
    }

    /// The lab's side: let the loop go on to the next place where it is held.
    pub fn step(&self) {
        self.word(TURNS).fetch_add(1, Release);
        // Nobody may be waiting; then there is nobody to wake.
        let _ = futex::wake(self.word(TURNS), futex::Flags::empty(), u32::MAX);
    }

    /// Whether the loop stands at the gate now.
    pub fn is_held(&self) -> bool {
        self.word(WAITING).load(Acquire) != 0
    }

    /// The loop's side: whether the gate is set to hold before this kind of place.
    #[inline]
    pub fn holds(&self, place: Order) -> bool {
        self.word(ORDER).load(Relaxed) == place as u32
    }

    /// The loop's side: stand here until the lab lets it go one further.
    pub fn wait(&self) {
        let turn = self.word(TURNS).load(Acquire);
        self.word(WAITING).store(1, Release);
        while self.word(ORDER).load(Acquire) != Order::Run as u32 && self.word(TURNS).load(Acquire) == turn {
            // Interrupted, or the word changed before we slept: look again.
            let _ = futex::wait(self.word(TURNS), futex::Flags::empty(), turn, None);
        }
        self.word(WAITING).store(0, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_one_side_creates_the_other_opens() {
        let clock = Clock::start();
        let (ours, fd) = Shared::create("test", &clock, 3, 64).unwrap();
        let theirs = Shared::open(fd).unwrap();
        assert_eq!((theirs.rings(), theirs.clock().base()), (3, clock.base()));
        assert_eq!(ours.heartbeat().callback, None);
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let clock = Clock::start();
        for (rings, capacity) in [(0, 64), (1, 63), (MAX_RINGS + 1, 64), (1, 0)] {
            assert!(Shared::create("test", &clock, rings, capacity).is_err());
        }
    }

    #[test]
    fn the_gate_lets_one_turn_through() {
        let (shared, _fd) = Shared::create("gate", &Clock::start(), 1, 64).unwrap();
        let gate = shared.gate();
        gate.order(Order::HoldCallbacks);
        assert!(gate.holds(Order::HoldCallbacks) && !gate.holds(Order::HoldTicks));
        let passed = Arc::new(AtomicU32::new(0));
        let looping = std::thread::spawn({
            let (gate, passed) = (shared.gate(), Arc::clone(&passed));
            move || {
                for _ in 0..3 {
                    gate.wait();
                    passed.fetch_add(1, Release);
                }
            }
        });
        let until = |n: u32| {
            for _ in 0..2000 {
                if passed.load(Acquire) == n && (n == 3 || gate.is_held()) {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            false
        };
        assert!(until(0));
        gate.step();
        assert!(until(1));
        gate.order(Order::Run);
        assert!(until(3));
        looping.join().unwrap();
    }
}
