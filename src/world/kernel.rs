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
    /// CPU time of the whole process, and the context switches of all its threads, so far.
    pub process: Usage,
    /// The same as shares and rates over the last second: cores, and switches a second (voluntary, involuntary).
    pub process_rates: Option<(f64, (f64, f64))>,
    /// What all processes of the specimen have used since the beginning or the last mark, and in how much time: of the time between two
    /// samples in which there was load all along.
    pub used: (Usage, Nanos),
    /// Whether there is no load, and since when that is so, or not so any more.
    rest: (bool, Nanos),
    /// The core that the loop thread ran on last, and bits for all cores that any of its threads has been seen on.
    pub cores: Option<(u32, u32)>,
    /// Anonymous memory in KiB when the fewest connections were open, and when the most were: (connections, KiB).
    pub footprint: Option<((u32, u32), (u32, u32))>,
    uses: VecDeque<(Nanos, Usage)>,
    samples: VecDeque<Sample>,
    /// The last run delay reported: it may come before or after the CPU time of its round.
    delay: Option<(Nanos, Nanos)>,
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time, of all its threads.
    pub cpu: Nanos,
    /// Context switches of all its threads: they went to sleep.
    pub voluntary: u64,
    /// They were made to let others run.
    pub involuntary: u64,
}

impl Usage {
    fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.since(before.cpu),
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            involuntary: self.involuntary.saturating_sub(before.involuntary),
        }
    }

    fn plus(self, more: Self) -> Self {
        Self { cpu: self.cpu + more.cpu, voluntary: self.voluntary + more.voluntary, involuntary: self.involuntary + more.involuntary }
    }
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

    /// Cores that the specimen's process has used on average since the beginning or the last mark; `None` before there are two samples.
    pub fn cores_used(&self) -> Option<f64> {
        let (used, wall) = self.used;
        (wall > Nanos::ZERO).then(|| used.cpu.as_secs() / wall.as_secs())
    }

    /// Context switches a second of all its threads, over the same time: voluntary, involuntary.
    pub fn switch_rates(&self) -> Option<(f64, f64)> {
        let (used, wall) = self.used;
        let rate = |count: u64| count as f64 / wall.as_secs();
        (wall > Nanos::ZERO).then(|| (rate(used.voluntary), rate(used.involuntary)))
    }

    /// A mark was reached: what is used is counted from here.
    pub(super) fn mark(&mut self) {
        self.used = (Usage::default(), Nanos::ZERO);
    }

    /// There is no load from here, or there is again.
    pub(super) fn rest(&mut self, at: Nanos, rests: bool) {
        if rests != self.rest.0 {
            self.rest = (rests, at);
        }
    }

    /// Whether there is no load.
    pub(super) fn rests(&self) -> bool {
        self.rest.0
    }

    /// So many connections were open when memory was sampled.
    pub(super) fn foot(&mut self, connections: u32) {
        let Some((_, anonymous)) = self.memory else { return };
        let now = (connections, anonymous);
        let (least, most) = self.footprint.get_or_insert((now, now));
        if connections <= least.0 {
            *least = now;
        }
        if connections >= most.0 {
            *most = now;
        }
    }

    /// The totals of a round are whole: the switches come after the CPU time.
    fn totalled(&mut self, at: Nanos) {
        if let Some((last, before)) = self.uses.back().copied() {
            if at <= last {
                return;
            }
            let (rests, turned) = self.rest;
            if !rests && turned <= last {
                self.used.0 = self.used.0.plus(self.process.since(before));
                self.used.1 += at.since(last);
            }
        }
        self.uses.push_back((at, self.process));
        while self.uses.len() > 16 || self.uses.get(1).is_some_and(|(second, _)| at.since(*second) >= Nanos::secs(1)) {
            self.uses.pop_front();
        }
        if let Some((from, before)) = self.uses.front().copied().filter(|(from, _)| at > *from) {
            let (used, seconds) = (self.process.since(before), at.since(from).as_secs());
            let rate = |count: u64| count as f64 / seconds;
            self.process_rates = Some((used.cpu.as_secs() / seconds, (rate(used.voluntary), rate(used.involuntary))));
        }
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
            What::ProcessCpu { high, low } => self.process.cpu = time(high, low),
            What::ProcessSwitches { voluntary, involuntary } => {
                self.process.voluntary = u64::from(voluntary);
                self.process.involuntary = u64::from(involuntary);
                self.totalled(at);
            }
            What::Cores { last, seen } => self.cores = Some((last, seen | self.cores.map_or(0, |(_, before)| before))),
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
            used: self.used,
            rest: self.rest,
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
    fn what_all_threads_use_is_counted_from_the_last_mark() {
        let mut kernel = Kernel::default();
        for n in 0..40_u64 {
            let at = Nanos::millis(1_000 + n * 250);
            // One and a half cores, and 400 switches a second, a quarter of them involuntary.
            let cpu = n * 375_000_000;
            kernel.apply(at, What::ProcessCpu { high: (cpu >> 32) as u32, low: cpu as u32 }, Nanos::ZERO);
            kernel.apply(at, What::ProcessSwitches { voluntary: n as u32 * 75, involuntary: n as u32 * 25 }, Nanos::ZERO);
            if n == 20 {
                kernel.mark();
                assert_eq!(kernel.cores_used(), None);
            }
        }
        assert_eq!((kernel.cores_used(), kernel.switch_rates()), (Some(1.5), Some((300.0, 100.0))));
        assert_eq!(kernel.process_rates, Some((1.5, (300.0, 100.0))));
        assert_eq!(kernel.used.1, Nanos::millis(250 * 19));
        kernel.left();
        assert_eq!((kernel.cores_used(), kernel.process_rates), (Some(1.5), None));
    }

    #[test]
    fn what_is_used_while_there_is_no_load_does_not_count() {
        let mut kernel = Kernel::default();
        // A core while there is load, a tenth while there is none.
        let mut cpu = 0_u64;
        for n in 0..40_u64 {
            let at = Nanos::millis(1_000 + n * 250);
            if n % 10 == 5 {
                kernel.rest(at.since(Nanos::millis(100)), n % 20 == 5);
            }
            cpu += if kernel.rests() { 25_000_000 } else { 250_000_000 };
            kernel.apply(at, What::ProcessCpu { high: (cpu >> 32) as u32, low: cpu as u32 }, Nanos::ZERO);
            kernel.apply(at, What::ProcessSwitches { voluntary: 0, involuntary: 0 }, Nanos::ZERO);
        }
        assert_eq!(kernel.cores_used(), Some(1.0), "{:?}", kernel.used);
        assert_eq!(kernel.used.1, Nanos::millis(250 * (4 + 9 + 4)));
    }

    #[test]
    fn memory_is_remembered_with_the_connections_it_was_for() {
        let mut kernel = Kernel::default();
        kernel.foot(5);
        assert_eq!(kernel.footprint, None);
        for (connections, anonymous) in [(1, 900), (1, 1_000), (6_000, 90_000), (6_000, 91_000), (3_000, 91_000)] {
            kernel.apply(Nanos(1), What::Memory { resident: 200_000, anonymous }, Nanos::ZERO);
            kernel.foot(connections);
        }
        assert_eq!(kernel.footprint, Some(((1, 1_000), (6_000, 91_000))));
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
