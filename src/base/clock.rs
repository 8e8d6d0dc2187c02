//! One clock for all processes of a lab, and the only place that reads time.
//!
//! A [`Stamp`] is what a producer writes: raw ticks since the lab's [`TimeBase`]. Where the processor's counter is
//! invariant (Linux uses it as its own clock source) a tick is one cycle, 9 ns to read; elsewhere a tick is one nanosecond of
//! `CLOCK_MONOTONIC`, 21 to 35 ns. The base is made once by the lab, lies in every shared mapping and travels with
//! every recording, so that all stamps of a lab, whichever process took them, count from one moment in one unit.
//! [`Nanos`] is what everyone else sees: nanoseconds since that moment.

use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::raw;
pub use super::units::Nanos;

/// Ticks since the lab's time base. Only differences and [`TimeBase::nanos`] give it a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp(pub u64);

/// Where a lab's time begins, and how long one tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeBase {
    /// The counter's reading at the beginning.
    pub zero: u64,
    /// `CLOCK_MONOTONIC` at the beginning, in nanoseconds: what `strace -ttt` and others can be compared with.
    pub monotonic: u64,
    /// Nanoseconds per tick, in units of 2^-32.
    pub mult: u64,
    /// Whether a tick is a processor cycle (else a nanosecond).
    pub cycles: bool,
}

/// A handle that takes stamps. Copies are cheap and agree with each other, in every process.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: TimeBase,
}

impl Clock {
    /// The clock of a lab whose time base is known.
    pub fn new(base: TimeBase) -> Self {
        Self { base }
    }

    /// Starts a lab's time: measures the counter against `CLOCK_MONOTONIC` for `10 ms` where the counter is used.
    ///
    /// Two readings 10 ms apart, each exact to about 50 ns, give the length of a tick to 10 parts in a million.
    pub fn start() -> Self {
        let monotonic = monotonic_ns();
        if !counter_is_invariant() {
            return Self::new(TimeBase { zero: monotonic, monotonic, mult: 1 << 32, cycles: false });
        }
        let first = paired_reading();
        std::thread::sleep(Duration::from_millis(10));
        let last = paired_reading();
        let (ticks, ns) = (last.0 - first.0, last.1 - first.1);
        let mult = ((u128::from(ns) << 32) / u128::from(ticks.max(1))) as u64;
        Self::new(TimeBase { zero: first.0, monotonic: first.1, mult, cycles: true })
    }

    /// The time base this clock counts from.
    pub fn base(&self) -> TimeBase {
        self.base
    }

    /// Now, as a stamp: one counter read.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        let raw = if self.base.cycles { raw::cycles() } else { monotonic_ns() };
        Stamp(raw.wrapping_sub(self.base.zero))
    }

    /// Now, in nanoseconds since the lab's beginning.
    #[inline]
    pub fn now(&self) -> Nanos {
        self.base.nanos(self.stamp())
    }

    /// The stamp that lies `nanos` after the lab's beginning.
    pub fn stamp_at(&self, nanos: Nanos) -> Stamp {
        self.base.stamp(nanos)
    }
}

impl TimeBase {
    /// A stamp in nanoseconds since the lab's beginning.
    #[inline]
    pub fn nanos(&self, stamp: Stamp) -> Nanos {
        Nanos(((u128::from(stamp.0) * u128::from(self.mult)) >> 32) as u64)
    }

    /// The stamp of a moment; the inverse of [`TimeBase::nanos`] to within one tick.
    pub fn stamp(&self, nanos: Nanos) -> Stamp {
        Stamp(((u128::from(nanos.0) << 32) / u128::from(self.mult.max(1))) as u64)
    }
}

/// CPU time that this process has used so far, over all its threads.
pub fn process_cpu() -> Nanos {
    Nanos(read(rustix::time::ClockId::ProcessCPUTime))
}

/// CPU time that the calling thread has used so far.
pub fn thread_cpu() -> Nanos {
    Nanos(read(rustix::time::ClockId::ThreadCPUTime))
}

/// Seconds since 1970 began, by the machine's calendar: for the Date header, never for measuring.
pub fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether Linux itself trusts the cycle counter as its clock: then it is invariant and the same on all cores.
fn counter_is_invariant() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        cfg!(target_arch = "x86_64")
            && std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
                .is_ok_and(|source| source.trim() == "tsc")
    })
}

fn monotonic_ns() -> u64 {
    read(rustix::time::ClockId::Monotonic)
}

fn read(clock: rustix::time::ClockId) -> u64 {
    let t = rustix::time::clock_gettime(clock);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// A counter reading and a clock reading that belong together: the closest of several tries.
fn paired_reading() -> (u64, u64) {
    (0..16)
        .map(|_| {
            let before = raw::cycles();
            let ns = monotonic_ns();
            let after = raw::cycles();
            (after.wrapping_sub(before), before + after.wrapping_sub(before) / 2, ns)
        })
        .min()
        .map_or((0, 0), |(_, ticks, ns)| (ticks, ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_agrees_with_the_standard_library() {
        let clock = Clock::start();
        let (a, ia) = (clock.now(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(50));
        let (b, ib) = (clock.now(), std::time::Instant::now());
        let (ours, theirs) = ((b - a).0 as f64, (ib - ia).as_nanos() as f64);
        assert!((ours / theirs - 1.0).abs() < 0.01, "{ours} against {theirs}");
    }

    #[test]
    fn nanos_and_stamps_invert_each_other() {
        let base = TimeBase { zero: 5, monotonic: 0, mult: (1 << 32) / 3, cycles: true };
        for ns in [0, 1, 1_000, 123_456_789, 86_400_000_000_000] {
            let back = base.nanos(base.stamp(Nanos(ns))).0;
            assert!(ns.abs_diff(back) <= 1, "{ns} came back as {back}");
        }
    }
}
