//! What the kernel says of a specimen, sampled from /proc from outside, also while it is stuck.

use crate::base::units::Nanos;

/// The last samples. `None` until the first one: missing is not zero.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// When the last sample was taken.
    pub sampled: Option<Nanos>,
    /// Length and limit of the listener's accept queue.
    pub accept_queue: Option<(u32, u32)>,
    /// Unread bytes over all of the specimen's connections, and how many have any.
    pub unread: Option<(u64, u32)>,
    /// Open descriptors and the soft limit.
    pub descriptors: Option<(u32, u32)>,
    /// Entries of the epoll interest list.
    pub interest_list: Option<u32>,
    /// Resident memory in KiB: all, and the anonymous part.
    pub memory: Option<(u32, u32)>,
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
}
