//! What the kernel says of a specimen, sampled from /proc from outside, also while it is stuck.

use std::collections::VecDeque;

use crate::base::units::Nanos;
use crate::telemetry::event::What;

/// Samples of the thread's clock that are kept, at most; rates reach back as far as these, or a second.
const MAX_SAMPLES: usize = 128;
/// Samples closer together than this belong to one round.
const ROUND: Nanos = Nanos::millis(5);

/// The last samples. `None` until the first one: missing is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernel {
    /// When the last round of samples was taken.
    pub sampled: Option<Nanos>,
    /// Length and limit of the listener's accept queue.
    pub accept_queue: Option<(u32, u32)>,
    /// The longest accept queue sampled so far, over all processes of the specimen.
    pub accept_queue_max: u32,
    /// Unread bytes over all of the specimen's connections, and how many have any.
    pub unread: Option<(u64, u32)>,
    /// The most unread bytes sampled so far, over all processes of the specimen.
    pub unread_max: u64,
    /// Open descriptors and the soft limit.
    pub descriptors: Option<(u32, u32)>,
    /// The most open descriptors sampled so far, over all processes of the specimen.
    pub descriptors_max: u32,
    /// Entries of the epoll interest list.
    pub interest_list: Option<u32>,
    /// Resident memory in KiB: all, and the anonymous part.
    pub memory: Option<(u32, u32)>,
    /// The most resident memory sampled so far, in KiB, over all processes of the specimen.
    pub resident_max: u32,
    /// CPU time of the loop thread so far.
    pub on_cpu: Option<Nanos>,
    /// Share of the last second that the loop thread was on a CPU.
    pub cpu: Option<f64>,
    /// Share of the last second that it was runnable and waiting for one.
    pub run_delay: Option<f64>,
    /// Context switches a second: voluntary, involuntary.
    pub switches: Option<(f64, f64)>,
    /// The state letter of the loop thread, and the number of threads.
    pub thread: Option<(char, u32)>,
    /// CPU time between the first and the last sample, over all processes of the specimen, and the time between them.
    pub sampled_cpu: (Nanos, Nanos),
    samples: VecDeque<Sample>,
    /// The last run delay reported: it may come before or after the CPU time of its round.
    delay: Option<(Nanos, Nanos)>,
}

/// The thread's clock at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// When.
    pub at: Nanos,
    /// CPU time so far.
    pub on_cpu: Nanos,
    /// Time runnable but not running so far, where the kernel tells it.
    pub run_delay: Option<Nanos>,
    /// What the loop had spent outside `epoll_wait` by then, as its own events tell.
    pub worked: Nanos,
    pub switches: Option<(u32, u32)>,
}

impl Kernel {
    /// Share of all the sampled time that the loop thread was on a CPU; `None` before there are two samples.
    pub fn cpu_share(&self) -> Option<f64> {
        let (cpu, wall) = self.sampled_cpu;
        (wall > Nanos::ZERO).then(|| (cpu.as_secs() / wall.as_secs()).min(1.0))
    }

    /// Notes when a round of samples began.
    pub(super) fn begin(&mut self, at: Nanos) {
        if self.sampled.is_none_or(|round| at >= round + ROUND) {
            self.sampled = Some(at);
        }
    }

    /// A sample of the kernel's. `worked`: see [`Sample::worked`].
    pub(super) fn apply(&mut self, at: Nanos, what: What, worked: Nanos) {
        match what {
            What::AcceptQueue { length, limit } => {
                self.accept_queue = Some((length, limit));
                self.accept_queue_max = self.accept_queue_max.max(length);
            }
            What::UnreadTotal { bytes, sockets } => {
                self.unread = Some((u64::from(bytes), sockets));
                self.unread_max = self.unread_max.max(u64::from(bytes));
            }
            What::Descriptors { open, limit } => {
                self.descriptors = Some((open, limit));
                self.descriptors_max = self.descriptors_max.max(open);
            }
            What::InterestList { entries } => self.interest_list = Some(entries),
            What::Memory { resident, anonymous } => {
                self.memory = Some((resident, anonymous));
                self.resident_max = self.resident_max.max(resident);
            }
            What::OnCpu { high, low } => self.ran(at, time(high, low), worked),
            What::RunDelay { high, low } => self.delayed(at, time(high, low)),
            What::Switches { voluntary, involuntary } => self.switched((voluntary, involuntary)),
            What::ThreadState { letter, threads } => {
                self.thread = char::from_u32(letter).filter(char::is_ascii_graphic).map(|letter| (letter, threads));
            }
            _ => {}
        }
    }

    fn ran(&mut self, at: Nanos, on_cpu: Nanos, worked: Nanos) {
        let last = self.samples.back().copied();
        if last.is_some_and(|last| at <= last.at) {
            return;
        }
        if let Some(last) = last {
            self.sampled_cpu.0 += on_cpu.since(last.on_cpu);
            self.sampled_cpu.1 += at.since(last.at);
        }
        self.on_cpu = Some(on_cpu);
        let run_delay = self.delay.filter(|(when, _)| at.since(*when) <= ROUND).map(|(_, delay)| delay);
        self.samples.push_back(Sample { at, on_cpu, run_delay, worked, switches: None });
        // One sample a second old or older stays: it is what the last second is measured from.
        while self.samples.len() > MAX_SAMPLES || self.samples.get(1).is_some_and(|second| at.since(second.at) >= Nanos::secs(1)) {
            self.samples.pop_front();
        }
        self.cpu = self.share(|sample| Some(sample.on_cpu));
        self.run_delay = self.share(|sample| sample.run_delay);
    }

    fn delayed(&mut self, at: Nanos, run_delay: Nanos) {
        self.delay = Some((at, run_delay));
        if let Some(newest) = self.samples.back_mut()
            && at.since(newest.at) <= ROUND
        {
            newest.run_delay = Some(run_delay);
            self.run_delay = self.share(|sample| sample.run_delay);
        }
    }

    fn switched(&mut self, switches: (u32, u32)) {
        let Some(newest) = self.samples.back_mut() else { return };
        newest.switches = Some(switches);
        let to = newest.at;
        let first = self.samples.iter().find_map(|s| s.switches.map(|switches| (s.at, switches)));
        if let Some((from, before)) = first
            && to > from
        {
            let seconds = to.since(from).as_secs();
            let rate = |now: u32, then: u32| f64::from(now.saturating_sub(then)) / seconds;
            self.switches = Some((rate(switches.0, before.0), rate(switches.1, before.1)));
        }
    }

    /// How much of the time between the first and the last sample that have this figure it has grown.
    fn share(&self, of: impl Fn(&Sample) -> Option<Nanos>) -> Option<f64> {
        let first = self.samples.iter().find_map(|s| Some((s.at, of(s)?)))?;
        let last = self.samples.iter().rev().find_map(|s| Some((s.at, of(s)?)))?;
        let wall = last.0.since(first.0);
        (wall > Nanos::ZERO).then(|| (last.1.since(first.1).as_secs() / wall.as_secs()).min(1.0))
    }

    /// The samples of the thread's clock of the last second, oldest first.
    pub(super) fn samples(&self) -> &VecDeque<Sample> {
        &self.samples
    }

    /// The process is gone, or another one has come: no figure of it holds any longer. The listening socket is the lab's; its queue stays.
    pub(super) fn left(&mut self) {
        *self = Self {
            sampled: self.sampled,
            accept_queue: self.accept_queue,
            unread: self.unread,
            accept_queue_max: self.accept_queue_max,
            unread_max: self.unread_max,
            resident_max: self.resident_max,
            descriptors_max: self.descriptors_max,
            sampled_cpu: self.sampled_cpu,
            ..Self::default()
        };
    }
}

fn time(high: u32, low: u32) -> Nanos {
    Nanos(u64::from(high) << 32 | u64::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_cpu(ns: u64) -> What {
        What::OnCpu { high: (ns >> 32) as u32, low: ns as u32 }
    }

    fn run_delay(ns: u64) -> What {
        What::RunDelay { high: (ns >> 32) as u32, low: ns as u32 }
    }

    #[test]
    fn rates_need_two_samples_and_span_a_second() {
        let mut kernel = Kernel::default();
        for n in 0..60_u64 {
            let at = Nanos::millis(10_000 + n * 50);
            // On a CPU for a fifth of the first second, then for half of the time.
            let ran = Nanos::millis(n.min(20) * 10 + n.saturating_sub(20) * 25);
            kernel.apply(at, on_cpu(ran.0 + (5 << 32)), Nanos::ZERO);
            kernel.apply(at + Nanos::micros(40), run_delay(ran.0 / 5), Nanos::ZERO);
            kernel.apply(at, What::Switches { voluntary: n as u32 * 100, involuntary: 7 }, Nanos::ZERO);
            if n == 0 {
                assert_eq!((kernel.cpu, kernel.run_delay, kernel.switches), (None, None, None));
            }
            if n == 20 {
                assert!((kernel.cpu.unwrap() - 0.2).abs() < 1e-9);
            }
        }
        assert!((kernel.cpu.unwrap() - 0.5).abs() < 1e-9 && (kernel.run_delay.unwrap() - 0.1).abs() < 1e-9);
        let (voluntary, involuntary) = kernel.switches.unwrap();
        assert!((voluntary - 2_000.0).abs() < 1e-6 && involuntary.abs() < 1e-9);
        let share = kernel.cpu_share().unwrap();
        assert!((0.2..0.5).contains(&share), "{share}");
        assert!(kernel.samples.len() <= 22);
    }

    #[test]
    fn a_new_process_starts_from_nothing_known() {
        let mut kernel = Kernel::default();
        kernel.apply(Nanos(1), What::AcceptQueue { length: 9, limit: 4096 }, Nanos::ZERO);
        kernel.apply(Nanos(1), on_cpu(1_000_000), Nanos::ZERO);
        kernel.apply(Nanos(1_000_001), on_cpu(2_000_000), Nanos::ZERO);
        kernel.left();
        assert_eq!((kernel.cpu, kernel.on_cpu, kernel.accept_queue_max), (None, None, 9));
        assert_eq!(kernel.accept_queue, Some((9, 4096)), "the listening socket outlives its processes");
        kernel.apply(Nanos(2_000_001), on_cpu(10), Nanos::ZERO);
        assert_eq!(kernel.sampled_cpu, (Nanos(1_000_000), Nanos(1_000_000)), "the time between two processes is nobody's");
    }

    #[test]
    fn samples_out_of_order_are_no_samples() {
        let mut kernel = Kernel::default();
        kernel.apply(Nanos(9), on_cpu(9), Nanos::ZERO);
        kernel.apply(Nanos(8), on_cpu(8), Nanos::ZERO);
        assert_eq!((kernel.samples.len(), kernel.on_cpu), (1, Some(Nanos(9))));
        kernel.apply(Nanos(10), What::ThreadState { letter: 0x1B, threads: 1 }, Nanos::ZERO);
        assert_eq!(kernel.thread, None, "no control character reaches a screen from here");
    }
}
