//! A specimen as a whole: over all its threads and worker processes, whatever model it is built on.
//!
//! A master serves nobody itself: its loops are its workers', and so are their connections, stalls and memory. Who asks for a figure of a
//! specimen asks here, and need not know its model.

use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Model;

use super::{Job, Specimen, Stall};

impl Specimen {
    /// Its event loops: itself, or each of its worker processes.
    pub fn loops(&self) -> impl Iterator<Item = &Self> {
        let own = if self.processes.is_empty() { Some(self) } else { None };
        own.into_iter().chain(&self.processes)
    }

    /// Whether its requests are served by callbacks on a loop, and not by threads of their own: only then is there anything to hold up.
    pub fn has_loop(&self) -> bool {
        !matches!(self.model.0, Model::ThreadPerConnection | Model::ThreadPool)
    }

    /// Its processes: itself, and each of its worker processes.
    pub fn all_processes(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.processes)
    }

    /// Jobs that its workers have done.
    pub fn jobs_done(&self) -> u64 {
        self.loops().flat_map(|process| &process.workers).map(|worker| worker.done).sum()
    }

    /// What is missing from the accounts that its requests share; nothing where nobody has looked.
    pub fn missing(&self) -> Option<u32> {
        self.all_processes().filter_map(|process| process.missing).map(|missing| missing.units).reduce(u32::saturating_add)
    }

    /// The piece of work that took longest, of all its loops.
    pub fn longest_job(&self) -> Option<Job> {
        self.loops().filter_map(|process| process.jobs.longest).max_by_key(|job| (job.struck, job.took))
    }

    /// Connections that are open.
    pub fn open_connections(&self) -> u32 {
        self.loops().map(|process| process.connections.open).sum()
    }

    /// Its own memory in KiB, as last sampled: the anonymous part of what is resident, which leaves out the program's text and the rings.
    pub fn memory(&self) -> Option<u32> {
        self.all_processes().filter_map(|process| process.kernel.memory).map(|(_, anonymous)| anonymous).reduce(u32::saturating_add)
    }

    /// KiB that each connection costs: what its own memory has grown by, between the fewest and the most connections that were sampled.
    pub fn memory_per_connection(&self) -> Option<f64> {
        let (mut connections, mut memory) = (0, 0.0);
        for ((few, before), (many, after)) in self.loops().filter_map(|process| process.kernel.footprint) {
            connections += many - few;
            memory += f64::from(after) - f64::from(before);
        }
        (connections > 0).then(|| memory.max(0.0) / f64::from(connections))
    }

    /// Threads, as last sampled.
    pub fn thread_count(&self) -> Option<u32> {
        self.all_processes().filter_map(|process| process.kernel.thread).map(|(_, threads)| threads).reduce(u32::saturating_add)
    }

    /// Cores that its processes have used on average since the beginning or the last mark.
    pub fn cores_used(&self) -> Option<f64> {
        self.all_processes().filter_map(|process| process.kernel.cores_used()).reduce(|sum, cores| sum + cores)
    }

    /// Context switches a second, of all threads of its processes, over the same time: voluntary, involuntary.
    pub fn switch_rates(&self) -> Option<(f64, f64)> {
        self.all_processes().filter_map(|process| process.kernel.switch_rates()).reduce(|(v, i), (more_v, more_i)| (v + more_v, i + more_i))
    }

    /// Both together.
    pub fn switch_rate(&self) -> Option<f64> {
        self.switch_rates().map(|(voluntary, involuntary)| voluntary + involuntary)
    }

    /// Increments of the shared counter that were lost; `None` where nobody has counted.
    pub fn lost_updates(&self) -> Option<u32> {
        self.loops().filter_map(|process| process.counted).map(|(value, made)| made.saturating_sub(value)).reduce(u32::saturating_add)
    }

    /// Panics caught at the callback's edge.
    pub fn panics_caught(&self) -> u32 {
        self.loops().map(|process| process.caught).sum()
    }

    /// Deaths of its processes so far.
    pub fn all_deaths(&self) -> u32 {
        self.all_processes().map(|process| process.died).sum()
    }

    /// For how long the job that a worker has been on the longest has run; nothing before any worker has been seen.
    pub fn oldest_job(&self, now: Nanos) -> Option<Nanos> {
        self.loops().flat_map(|process| &process.workers).map(|worker| worker.job.map_or(Nanos::ZERO, |(.., since)| now.since(since))).max()
    }

    /// The loop that is shown where there is room for one: itself, or the worker process that is stuck, else the first that the gate holds, else
    /// the first that lives.
    pub fn loop_in_view(&self) -> &Self {
        let stuck = self.processes.iter().filter(|process| process.stalls.current.is_some());
        let stuck = stuck.min_by_key(|process| process.stalls.current.map(|stall| stall.began));
        stuck
            .or_else(|| self.processes.iter().find(|process| process.reactor.held))
            .or_else(|| self.processes.iter().find(|process| process.is_alive()))
            .or(self.processes.first())
            .unwrap_or(self)
    }

    /// The stall that goes on, of whichever loop it is; the oldest where there are several.
    pub fn stall(&self) -> Option<&Stall> {
        self.loops().filter_map(|process| process.stalls.current.as_ref()).min_by_key(|stall| stall.began)
    }

    /// Whether the gate holds it: its loop, or one of its loops.
    pub fn is_held(&self) -> bool {
        self.loops().any(|process| process.reactor.held)
    }

    /// The longest stall so far.
    pub fn longest_stall(&self) -> Nanos {
        self.loops().map(|process| process.stalls.longest).max().unwrap_or_default()
    }

    /// How late the latest of its loops comes to what is due; `None` where it has none.
    pub fn lag(&self) -> Option<Nanos> {
        self.has_loop().then(|| self.loops().map(|process| process.reactor.lag).max()).flatten()
    }

    /// Requests parsed a second.
    pub fn request_rate(&self) -> f64 {
        self.loops().map(|process| process.reactor.request_rate).sum()
    }

    /// Cores that its processes used over the last second.
    pub fn cores_now(&self) -> Option<f64> {
        self.all_processes().filter_map(|process| process.kernel.process_rates).map(|(cores, _)| cores).reduce(|sum, cores| sum + cores)
    }

    /// Context switches a second over the last second: voluntary, involuntary.
    pub fn switches_now(&self) -> Option<(f64, f64)> {
        self.all_processes()
            .filter_map(|process| process.kernel.process_rates)
            .map(|(_, switches)| switches)
            .reduce(|(v, i), (more_v, more_i)| (v + more_v, i + more_i))
    }

    /// What is resident of it in KiB, as last sampled; what its processes share is counted for each.
    pub fn resident(&self) -> Option<u64> {
        self.all_processes().filter_map(|process| process.kernel.memory).map(|(all, _)| u64::from(all)).reduce(|sum, kib| sum + kib)
    }

    /// Open descriptors, as last sampled, and how many the one that is nearest to its limit may have.
    pub fn descriptors(&self) -> Option<(u32, u32)> {
        let sampled = || self.loops().filter_map(|process| process.kernel.descriptors);
        let (_, limit) = sampled().max_by_key(|(open, limit)| u64::from(*open) * 1_000_000 / u64::from((*limit).max(1)))?;
        Some((sampled().map(|(open, _)| open).sum(), limit))
    }

    /// The cores that its loops ran on last, or where it has none those that its threads have been seen on, as bits.
    pub fn cores(&self) -> u32 {
        let bits = |process: &Self| process.kernel.cores.map_or(0, |(last, seen)| if self.has_loop() { 1 << last.min(31) } else { seen });
        self.loops().map(bits).fold(0, |all, bits| all | bits)
    }
}
