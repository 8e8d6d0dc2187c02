//! What the lab asks of a running specimen.
//!
//! The specimen carries a message out in the `control` phase of a tick and answers with [`What::Applied`]: a stuck loop takes no orders.
//!
//! [`What::Applied`]: crate::telemetry::What::Applied

use serde::{Deserialize, Serialize};

use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Mitigation};

/// A fault and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FaultSetting {
    /// The next request's callback burns CPU for `busy`.
    Compute {
        /// For how long.
        busy: Nanos,
    },
    /// The next request's callback never returns.
    EndlessLoop,
    /// The next request's callback panics.
    Panic,
    /// A readable connection is read once, with a small buffer. Standing.
    ForgottenDrain {
        /// Bytes that the one read takes at most (16 to 65536).
        buffer: u32,
    },
    /// The next request's callback asks somebody who answers after `wait`, and waits for it in a blocking read.
    BlockingRead {
        /// How long the answer takes.
        wait: Nanos,
    },
    /// A connection that its peer has closed is not closed here, and no descriptor is kept in reserve. Standing.
    FdLeak,
    /// The next request waits on a promise that is rejected, and nobody handles it.
    RejectedPromise,
    /// In `/chain` as nested callbacks, one error branch answers nobody. Standing.
    ForgottenBranch,
    /// Each connection has a session and a callback of `kib` KiB that own each other. Standing.
    ClosureLeak {
        /// What the callback has taken along (1 to 4096 KiB).
        kib: u32,
    },
    /// So many more clients send the head of a request byte by byte, and never finish. Standing; the load does it.
    SlowSenders {
        /// How many (1 to 4096).
        senders: u32,
    },
    /// Requests are read on and answered into memory, whether or not the answers are read. Standing.
    UnboundedResponses,
    /// One more client, which sends requests without end and never waits for an answer. Standing; the load does it.
    GreedyPeer,
}

/// A mitigation and how it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum MitigationSetting {
    /// Computing work goes to `threads` worker threads (1 to 8).
    WorkerPool {
        /// How many.
        threads: u8,
    },
    /// Computing work is done in slices of at most `budget`, one per tick.
    Slicing {
        /// How long a slice may run.
        budget: Nanos,
    },
    /// A panic ends only the connection whose callback it was.
    CatchPanic,
    /// The lab kills the process when its loop has not come round for `deadline`, and replaces it whenever it dies. Carried out by the lab.
    Supervisor {
        /// How long a callback may hold the loop.
        deadline: Nanos,
    },
    /// A readable connection is read until the kernel has no more.
    ReadUntilEagain,
    /// Who must be waited for is registered with the loop, instead of being read from at once.
    NonBlocking,
    /// A connection whose end has been read is closed, which takes it out of the interest list.
    CloseOnEof,
    /// A connection on which nothing has happened for `after` is closed.
    IdleTimeout {
        /// How long it may be idle.
        after: Nanos,
    },
    /// One descriptor is kept in reserve, so that a connection can be turned away when there are no others.
    ReserveDescriptor,
    /// A rejection that nobody handled is written down, or ends the process.
    RejectionHook {
        /// Whether it ends the process.
        die: bool,
    },
    /// Every chain of promises ends with a handler that answers the client.
    CatchAtEnd,
    /// `/chain` is a chain of promises.
    PromiseChain,
    /// `/chain` is an async function.
    AsyncAwait,
    /// A session's callback knows its session without owning it.
    WeakReferences,
    /// A session gives up its callback when its connection closes.
    ExplicitRelease,
    /// A request that has been ready for longer than `above` when its turn comes is answered with 503, at once.
    Shedding {
        /// How long a request may have waited.
        above: Nanos,
    },
    /// A connection on which a request's head has begun, and is not whole `after` so long, gets 408 and is closed.
    HeaderTimeout {
        /// How long a head may take from its first byte on.
        after: Nanos,
    },
    /// Of a connection that has more than this unsent, nothing more is read.
    Backpressure {
        /// Bytes (1 KiB to 64 MiB).
        high_water: u32,
    },
    /// A connection is read for at most so many bytes in one tick.
    ReadBudget {
        /// How many (64 to 65536).
        bytes: u32,
    },
    /// Whoever increments the shared counter of `/count` holds a lock from the reading to the writing.
    Lock,
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Put this fault into the next request's callback; or, where it is a standing one, switch it on.
    Inject(FaultSetting),
    /// Switch this standing fault off.
    Cure(Fault),
    /// Switch this on, or change how it is set.
    Apply(MitigationSetting),
    /// Switch this off.
    Revoke(Mitigation),
    /// Close the listener and the connections and end with exit code 0.
    Stop,
}

/// An order with the number that its answer will bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The number.
    pub seq: u32,
    /// The order.
    pub control: Control,
}

impl FaultSetting {
    /// Which fault it is.
    pub fn kind(self) -> Fault {
        match self {
            Self::Compute { .. } => Fault::Compute,
            Self::EndlessLoop => Fault::EndlessLoop,
            Self::Panic => Fault::Panic,
            Self::ForgottenDrain { .. } => Fault::ForgottenDrain,
            Self::BlockingRead { .. } => Fault::BlockingRead,
            Self::FdLeak => Fault::FdLeak,
            Self::RejectedPromise => Fault::RejectedPromise,
            Self::ForgottenBranch => Fault::ForgottenBranch,
            Self::ClosureLeak { .. } => Fault::ClosureLeak,
            Self::SlowSenders { .. } => Fault::SlowSenders,
            Self::UnboundedResponses => Fault::UnboundedResponses,
            Self::GreedyPeer => Fault::GreedyPeer,
        }
    }

    /// How many slow senders it brings, where it is the load that does it.
    pub fn senders(self) -> Option<u32> {
        if let Self::SlowSenders { senders } = self { Some(senders) } else { None }
    }

    /// How long it holds a callback, where it says so.
    pub fn length(self) -> Nanos {
        match self {
            Self::Compute { busy } => busy,
            Self::BlockingRead { wait } => wait,
            _ => Nanos::ZERO,
        }
    }
}

impl MitigationSetting {
    /// Which mitigation it is.
    pub fn kind(self) -> Mitigation {
        match self {
            Self::WorkerPool { .. } => Mitigation::WorkerPool,
            Self::Slicing { .. } => Mitigation::Slicing,
            Self::CatchPanic => Mitigation::CatchPanic,
            Self::Supervisor { .. } => Mitigation::Supervisor,
            Self::ReadUntilEagain => Mitigation::ReadUntilEagain,
            Self::NonBlocking => Mitigation::NonBlocking,
            Self::CloseOnEof => Mitigation::CloseOnEof,
            Self::IdleTimeout { .. } => Mitigation::IdleTimeout,
            Self::ReserveDescriptor => Mitigation::ReserveDescriptor,
            Self::RejectionHook { .. } => Mitigation::RejectionHook,
            Self::CatchAtEnd => Mitigation::CatchAtEnd,
            Self::PromiseChain => Mitigation::PromiseChain,
            Self::AsyncAwait => Mitigation::AsyncAwait,
            Self::WeakReferences => Mitigation::WeakReferences,
            Self::ExplicitRelease => Mitigation::ExplicitRelease,
            Self::Shedding { .. } => Mitigation::Shedding,
            Self::HeaderTimeout { .. } => Mitigation::HeaderTimeout,
            Self::Backpressure { .. } => Mitigation::Backpressure,
            Self::ReadBudget { .. } => Mitigation::ReadBudget,
            Self::Lock => Mitigation::Lock,
        }
    }
}
