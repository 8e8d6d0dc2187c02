//! Work: what occupies a thread and cannot be interrupted, only done here, elsewhere, or in slices. Most of it computes; some of it
//! only waits, and occupies the thread all the same.

use std::hint::black_box;

use super::counter::COUNTER;
use super::neighbour;
use crate::base::clock::{Clock, thread_cpu};
use crate::base::units::Nanos;
use crate::telemetry::What;

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Compute for so long, by the clock of the thread that does it.
    Compute(Nanos),
    /// Use the CPU for so long: where others want it too, it takes longer. A fixed amount of work, as most computing is.
    Cpu(Nanos),
    /// Compute forever.
    Endless,
    /// Increment the counter that all requests share.
    Count,
    /// Ask somebody who takes so long to answer, and wait for it.
    Ask(Nanos),
}

/// The most that one request can ask to be computed, and the longest it can ask to sleep.
pub const LONGEST: Nanos = Nanos::secs(600);

impl Work {
    /// Does all of it. Nothing can stop this.
    pub fn run(self, clock: &Clock) {
        match self {
            Self::Compute(busy) => {
                burn(clock, busy);
            }
            Self::Cpu(time) => {
                use_cpu(time);
            }
            Self::Count => COUNTER.increment(clock),
            Self::Endless => loop {
                mix(1);
            },
            Self::Ask(takes) => neighbour::ask_and_wait(takes),
        }
    }

    /// What there is to report of it when it is done.
    #[inline]
    pub fn report(self) -> Option<What> {
        (self == Self::Count).then(|| COUNTER.report())
    }

    /// Does at most `budget` of it, and says what is left. Endless work and waiting have no place where they could be cut.
    pub fn run_slice(self, clock: &Clock, budget: Nanos) -> Option<Self> {
        match self {
            Self::Compute(busy) => {
                let left = busy - burn(clock, busy.min(budget));
                (left > Nanos::ZERO).then_some(Self::Compute(left))
            }
            Self::Cpu(time) => {
                let left = time - use_cpu(time.min(budget));
                (left > Nanos::ZERO).then_some(Self::Cpu(left))
            }
            Self::Endless | Self::Count | Self::Ask(_) => {
                self.run(clock);
                None
            }
        }
    }
}

/// Computes until the clock has advanced by `busy`, and says by how much it has.
fn burn(clock: &Clock, busy: Nanos) -> Nanos {
    let begin = clock.now();
    let mut seed = begin.0;
    loop {
        seed = mix(seed);
        let so_far = clock.now() - begin;
        if so_far >= busy {
            return so_far;
        }
    }
}

/// Computes until the calling thread has used so much CPU time, and says how much it has.
fn use_cpu(time: Nanos) -> Nanos {
    let begin = thread_cpu();
    let mut seed = begin.0;
    loop {
        // Asking for a thread's own time is a system call: not after every half microsecond.
        for _ in 0..8 {
            seed = mix(seed);
        }
        let so_far = thread_cpu().since(begin);
        if so_far >= time {
            return so_far;
        }
    }
}

/// Half a microsecond of arithmetic that the compiler must not leave out.
fn mix(mut x: u64) -> u64 {
    for _ in 0..256 {
        x = black_box(x.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_as_long_as_it_says() {
        let clock = Clock::start();
        let begin = clock.now();
        Work::Compute(Nanos::millis(20)).run(&clock);
        let took = clock.now() - begin;
        assert!(took >= Nanos::millis(20) && took < Nanos::millis(2_000), "{took}");
    }

    #[test]
    fn computing_costs_what_it_says_however_busy_the_machine_is() {
        let clock = Clock::start();
        let begin = thread_cpu();
        Work::Cpu(Nanos::millis(20)).run(&clock);
        let mut work = Some(Work::Cpu(Nanos::millis(20)));
        while let Some(rest) = work {
            work = rest.run_slice(&clock, Nanos::millis(3));
        }
        let used = thread_cpu().since(begin);
        assert!(used >= Nanos::millis(40) && used < Nanos::millis(60), "{used}");
    }

    #[test]
    fn slices_add_up_to_the_whole() {
        let clock = Clock::start();
        let begin = clock.now();
        let (mut work, mut slices) = (Some(Work::Compute(Nanos::millis(20))), 0);
        while let Some(rest) = work {
            work = rest.run_slice(&clock, Nanos::millis(5));
            slices += 1;
        }
        let took = clock.now() - begin;
        assert!((1..=4).contains(&slices) && took >= Nanos::millis(20), "{slices} slices, {took}");
    }
}
