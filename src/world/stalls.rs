//! Stalls: callbacks longer than the threshold, with their culprit, their victims, and whether they computed or parked.

use std::collections::VecDeque;

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Cause, Fault, Handler};

use super::kernel::Sample;
use super::reactor::Running;

/// Stalls that are remembered, the oldest forgotten first.
pub const MAX_STALLS: usize = 64;
/// A stretch of a stall shorter than this says nothing: the kernel brings a thread's clock up to date at its own ticks (4 ms at 250 Hz).
const LEAST: Nanos = Nanos::millis(10);
/// Unwatched periods that are remembered.
const MAX_UNWATCHED: usize = 8;

/// Stalls, past and present.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stalls {
    /// The one that goes on now.
    pub current: Option<Stall>,
    /// Those that are over, oldest first; at most [`MAX_STALLS`].
    pub past: Vec<Stall>,
    /// How many there have been, the present one included.
    pub count: u64,
    /// The longest, the present one included.
    pub longest: Nanos,
    /// The kernel's clock just before and at the beginning of each stall that it can still say something about; the newest last.
    watch: VecDeque<Watch>,
    unwatched: VecDeque<(Nanos, Nanos)>,
    /// Clients that wait for the present stall, where they are counted elsewhere: those of a worker process are its master's.
    waiting: u32,
}

/// One stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When its callback began.
    pub began: Nanos,
    /// How long the callback held the loop (so far, if it still does).
    pub length: Nanos,
    /// Why the callback ran.
    pub cause: Cause,
    /// Whose callback it is.
    pub conn: ConnId,
    /// What the request asked for.
    pub handler: Option<Handler>,
    /// The fault that took hold of it, if one did.
    pub fault: Option<Fault>,
    /// Computing or parked.
    pub kind: StallKind,
    /// CPU time that the loop thread got during it, as sampled from the kernel.
    pub on_cpu: Nanos,
    /// Clients' requests that were under way at some time during it, other than the culprit's: those who had to wait.
    pub victims: u32,
    /// The longest accept queue sampled during it.
    pub accept_queue: u32,
    /// How it ended.
    pub end: StallEnd,
}

/// What the loop thread did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StallKind {
    /// On the CPU (or runnable and waiting for one).
    Computing,
    /// Off the CPU: it slept in a system call.
    Parked,
    /// Not yet known: no two samples of the kernel's clock lie in or around it.
    Unknown,
}

/// How a stall ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StallEnd {
    /// It goes on.
    Ongoing,
    /// The callback returned.
    Returned,
    /// The process died in it.
    Died,
}

/// What the rest of the world knows of the callback that holds the loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub running: Running,
    /// Until when: now, or its end.
    pub until: Nanos,
    pub victims: u32,
    pub accept_queue: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Watch {
    began: Nanos,
    /// The last sample before it, and the first one in it.
    before: Option<Sample>,
    first: Option<Sample>,
    /// How many stalls there were, and how long the longest was, before it.
    others: (u64, Nanos),
    /// Whether the last sample that can say anything about it has been seen.
    settled: bool,
}

impl Stall {
    /// When it ended, or until when it is known to go on.
    pub fn until(&self) -> Nanos {
        self.began + self.length
    }

    /// How much of it the thread was starved: it could have run, and the kernel ran others. Nothing where that is too little to speak of, and where
    /// it is not known what the thread did.
    pub fn starved(&self) -> Option<Nanos> {
        let known = self.kind == StallKind::Computing && self.on_cpu > Nanos::ZERO;
        let starved = self.length.since(self.on_cpu);
        (known && starved.0 >= self.length.0 / 4).then_some(starved)
    }
}

impl Stalls {
    /// A callback has held the loop for longer than the threshold and goes on. `samples`: the kernel's clock of late.
    pub(super) fn goes_on(&mut self, held: &Held, samples: &VecDeque<Sample>) {
        let began = held.running.since;
        if self.current.is_none_or(|stall| stall.began != began) {
            self.begin(began, samples);
        }
        let mut stall = self.described(held, StallEnd::Ongoing);
        self.judge(&mut stall, samples);
        self.longest = self.longest.max(stall.length);
        self.current = Some(stall);
    }

    /// A callback that was longer than the threshold is over.
    pub(super) fn ended(&mut self, held: &Held, end: StallEnd, samples: &VecDeque<Sample>) {
        self.goes_on(held, samples);
        if let Some(stall) = self.current.take() {
            if self.past.len() == MAX_STALLS {
                self.past.remove(0);
            }
            self.past.push(Stall { end, ..stall });
        }
    }

    /// The process is gone: later samples are another one's, and say nothing of its stalls.
    pub(super) fn settle(&mut self) {
        for watch in &mut self.watch {
            watch.settled = true;
        }
    }

    /// What looked like a stall was none: its end had been reported late, or nobody had watched.
    pub(super) fn retract(&mut self) {
        if self.current.take().is_some()
            && let Some(watch) = self.watch.pop_back()
        {
            (self.count, self.longest) = watch.others;
        }
    }

    /// New samples of the kernel's clock may settle what an earlier stall was.
    pub(super) fn sampled(&mut self, samples: &VecDeque<Sample>) {
        if self.watch.iter().all(|watch| watch.settled) {
            return;
        }
        let (mut past, mut current) = (std::mem::take(&mut self.past), self.current);
        for stall in past.iter_mut().rev().take(self.watch.len()).chain(current.as_mut()) {
            self.judge(stall, samples);
        }
        (self.past, self.current) = (past, current);
    }

    /// Nobody watched between these moments: what is no stall without them is no stall.
    pub(super) fn unwatched(&mut self, from: Nanos, to: Nanos, threshold: Nanos) {
        if self.unwatched.len() == MAX_UNWATCHED {
            self.unwatched.pop_front();
        }
        self.unwatched.push_back((from, to));
        if self.current.is_some_and(|stall| self.watched(stall.began, stall.until()) < threshold) {
            self.retract();
        }
        let before = self.past.len();
        let mut past = std::mem::take(&mut self.past);
        past.retain(|stall| self.watched(stall.began, stall.until()) >= threshold);
        let gone = before - past.len();
        if gone > 0 {
            self.count = self.count.saturating_sub(gone as u64);
            self.longest = past.iter().chain(&self.current).map(|stall| stall.length).max().unwrap_or_default();
        }
        self.past = past;
    }

    /// How much of this time was watched.
    pub(super) fn watched(&self, from: Nanos, to: Nanos) -> Nanos {
        let missed = self.unwatched.iter().map(|(a, b)| (*b).min(to).since((*a).max(from))).fold(Nanos::ZERO, |sum, n| sum + n);
        to.since(from).since(missed)
    }

    fn begin(&mut self, began: Nanos, samples: &VecDeque<Sample>) {
        let others = (self.count, self.longest);
        let before = samples.iter().rev().find(|s| s.at <= began).copied();
        self.watch.push_back(Watch { began, before, first: None, others, settled: false });
        if self.watch.len() > 4 {
            self.watch.pop_front();
        }
        self.count += 1;
        self.waiting = 0;
    }

    /// So many clients wait for the present stall, as somebody else counts them.
    pub(super) fn waited_for_by(&mut self, clients: u32) {
        if let Some(stall) = &mut self.current {
            self.waiting = self.waiting.max(clients);
            stall.victims = stall.victims.max(self.waiting);
        }
    }

    fn described(&self, held: &Held, end: StallEnd) -> Stall {
        let Running { cause, conn, handler, fault, since } = held.running;
        let known = self.current.filter(|stall| stall.began == since);
        Stall {
            began: since,
            length: held.until.since(since),
            cause,
            conn,
            handler,
            fault,
            kind: known.map_or(StallKind::Unknown, |stall| stall.kind),
            on_cpu: known.map_or(Nanos::ZERO, |stall| stall.on_cpu),
            victims: held.victims.max(if known.is_some() { self.waiting } else { 0 }),
            accept_queue: held.accept_queue,
            end,
        }
    }

    /// Computing or parked, by the thread's own clock.
    ///
    /// Where two samples lie within the stall and span at least half of it, they say it alone. Else the nearest ones around it do,
    /// less what the loop did outside the stall, which its own events tell and which is taken to have been computing.
    fn judge(&mut self, stall: &mut Stall, samples: &VecDeque<Sample>) {
        let Some(watch) = self.watch.iter_mut().find(|watch| watch.began == stall.began && !watch.settled) else { return };
        let (began, until) = (stall.began, stall.until());
        // What a thread waited for a CPU is told after what it used of one: until then a sample would take waiting for sleeping.
        let whole = |s: &Sample| s.run_delay.is_some() || samples.back().is_some_and(|newest| newest.at > s.at);
        let mut inside = samples.iter().filter(|s| s.at > began && s.at <= until && whole(s)).copied();
        if watch.first.is_none() {
            watch.first = inside.next();
        }
        let last_in = inside.next_back().or(watch.first);
        let after = samples.iter().find(|s| s.at >= until).copied().filter(|s| stall.end != StallEnd::Ongoing && whole(s));
        watch.settled = after.is_some();

        let inside = watch.first.zip(last_in).filter(|(a, b)| b.at.since(a.at).0 >= (stall.length.0 / 2).max(LEAST.0));
        let around = watch.before.or(watch.first).zip(after.or(last_in)).filter(|(a, b)| b.at > a.at);
        let Some((a, b)) = inside.or(around) else { return };
        let covered = b.at.min(until).since(a.at.max(began));
        if covered < LEAST {
            return;
        }
        let elsewhere = b.worked.since(a.worked).since(covered);
        let cpu = b.on_cpu.since(a.on_cpu);
        let delay = b.run_delay.zip(a.run_delay).map_or(Nanos::ZERO, |(b, a)| b.since(a));
        let here = |time: Nanos| time.since(elsewhere).min(covered);
        stall.kind = if here(cpu + delay).0 * 2 >= covered.0 { StallKind::Computing } else { StallKind::Parked };
        // What the samples do not cover went on at the same rate.
        stall.on_cpu = Nanos((u128::from(here(cpu).0) * u128::from(stall.length.0) / u128::from(covered.0)) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CULPRIT: Running =
        Running { cause: Cause::Readable, conn: ConnId(12), handler: Some(Handler::Compute), fault: None, since: Nanos::millis(1_000) };

    fn held(until: u64) -> Held {
        Held { running: CULPRIT, until: Nanos::millis(until), victims: 63, accept_queue: 2 }
    }

    /// At these milliseconds the thread had been on the CPU for so many, and outside `epoll_wait` for so many.
    fn samples(of: &[(u64, u64, u64)]) -> VecDeque<Sample> {
        of.iter()
            .map(|&(at, cpu, worked)| Sample {
                at: Nanos::millis(at),
                on_cpu: Nanos::millis(cpu),
                run_delay: Some(Nanos::ZERO),
                worked: Nanos::millis(worked),
                ..Sample::default()
            })
            .collect()
    }

    #[test]
    fn a_stall_is_current_then_past() {
        let mut stalls = Stalls::default();
        let none = VecDeque::new();
        stalls.goes_on(&held(1_060), &none);
        stalls.goes_on(&held(1_400), &none);
        let current = stalls.current.unwrap();
        assert_eq!((current.length, current.end, current.kind), (Nanos::millis(400), StallEnd::Ongoing, StallKind::Unknown));
        stalls.ended(&held(1_800), StallEnd::Returned, &none);
        assert_eq!((stalls.current, stalls.past.len(), stalls.count, stalls.longest), (None, 1, 1, Nanos::millis(800)));
        assert_eq!((stalls.past[0].victims, stalls.past[0].end), (63, StallEnd::Returned));
    }

    #[test]
    fn one_whose_end_was_late_is_taken_back() {
        let mut stalls = Stalls::default();
        stalls.ended(&held(1_100), StallEnd::Returned, &VecDeque::new());
        let later = Held { running: Running { since: Nanos::secs(5), ..CULPRIT }, until: Nanos::secs(6), ..held(0) };
        stalls.goes_on(&later, &VecDeque::new());
        assert_eq!((stalls.count, stalls.longest), (2, Nanos::secs(1)));
        stalls.retract();
        assert_eq!((stalls.count, stalls.longest, stalls.current), (1, Nanos::millis(100), None));
    }

    #[test]
    fn the_thread_s_clock_tells_computing_from_parked() {
        for (step, kind) in [(48, StallKind::Computing), (2, StallKind::Parked)] {
            let mut stalls = Stalls::default();
            let clock: Vec<_> = (0..20).map(|n| (975 + n * 50, 100 + n * step, 100 + n * 50)).collect();
            stalls.goes_on(&held(1_080), &samples(&clock[..3]));
            assert_eq!(stalls.current.unwrap().kind, kind, "known while it goes on");
            stalls.ended(&held(1_800), StallEnd::Returned, &samples(&clock[..17]));
            let past = stalls.past[0];
            assert_eq!((past.kind, past.starved()), (kind, None), "nobody else wanted its core");
            let want = 800.0 * step as f64 / 50.0;
            assert!((past.on_cpu.as_millis() - want).abs() < 0.1 * want, "{}", past.on_cpu);
        }
    }

    #[test]
    fn whoever_waits_for_a_cpu_is_computing_also_before_the_kernel_has_said_how_long() {
        let mut stalls = Stalls::default();
        let mut clock = samples(&[(975, 100, 100)]);
        for n in 1..=17 {
            let at = Nanos::millis(975 + n * 50);
            // One tenth of the time on a CPU, the rest waiting for one; the waiting is told a moment after.
            let sample =
                Sample { at, on_cpu: Nanos::millis(100 + n * 5), run_delay: None, worked: Nanos::millis(100 + n * 50), ..clock[0] };
            clock.push_back(sample);
            stalls.goes_on(&held(975 + n * 50 + 30), &clock);
            if let Some(last) = clock.back_mut() {
                last.run_delay = Some(Nanos::millis(n * 45));
            }
            stalls.sampled(&clock);
            assert_ne!(stalls.current.unwrap().kind, StallKind::Parked, "after {n}");
        }
        stalls.ended(&held(1_860), StallEnd::Returned, &clock);
        let past = stalls.past[0];
        assert_eq!(past.kind, StallKind::Computing);
        assert!(past.starved().is_some_and(|time| time.0 > past.length.0 / 2), "it was starved rather: {past:?}");
    }

    #[test]
    fn a_short_one_is_settled_by_the_sample_after_it() {
        // Between the two samples the loop worked for 60 ms in the stall and for 10 ms elsewhere, and slept in epoll_wait for the rest.
        for (cpu, kind) in [(70, StallKind::Computing), (12, StallKind::Parked)] {
            let mut stalls = Stalls::default();
            stalls.ended(&held(1_060), StallEnd::Returned, &samples(&[(990, 500, 500)]));
            assert_eq!(stalls.past[0].kind, StallKind::Unknown);
            stalls.sampled(&samples(&[(990, 500, 500), (1_190, 500 + cpu, 570)]));
            assert_eq!(stalls.past[0].kind, kind);
            let settled = stalls.past[0];
            stalls.sampled(&samples(&[(990, 500, 500), (1_190, 500 + cpu, 570), (1_390, 5_000, 600)]));
            assert_eq!(stalls.past[0], settled, "later samples say nothing of it");
        }
    }

    #[test]
    fn the_clock_of_the_next_process_says_nothing_of_it() {
        let mut stalls = Stalls::default();
        let clock: Vec<_> = (0..17).map(|n| (975 + n * 50, 100 + n * 48, 100 + n * 50)).collect();
        stalls.ended(&held(1_800), StallEnd::Died, &samples(&clock));
        stalls.settle();
        stalls.sampled(&samples(&[(1_850, 1, 1), (1_900, 2, 2)]));
        assert_eq!(stalls.past[0].kind, StallKind::Computing);
    }

    #[test]
    fn what_nobody_watched_is_no_stall() {
        let mut stalls = Stalls::default();
        let threshold = Nanos::millis(50);
        stalls.ended(&held(1_070), StallEnd::Returned, &VecDeque::new());
        stalls.ended(&Held { running: Running { since: Nanos::secs(9), ..CULPRIT }, ..held(20_000) }, StallEnd::Returned, &VecDeque::new());
        stalls.unwatched(Nanos::millis(9_010), Nanos::millis(19_990), threshold);
        assert_eq!((stalls.past.len(), stalls.count, stalls.longest), (1, 1, Nanos::millis(70)));
        assert_eq!(stalls.watched(Nanos::secs(9), Nanos::secs(20)), Nanos::millis(20));
    }

    #[test]
    fn the_past_is_bounded() {
        let mut stalls = Stalls::default();
        for n in 0..200 {
            let running = Running { since: Nanos::secs(n), ..CULPRIT };
            stalls.ended(&Held { running, until: Nanos::secs(n) + Nanos::millis(60), ..held(0) }, StallEnd::Died, &VecDeque::new());
        }
        assert_eq!((stalls.past.len(), stalls.count, stalls.past[63].began), (MAX_STALLS, 200, Nanos::secs(199)));
    }
}
