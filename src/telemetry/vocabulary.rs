//! The closed sets of things that an event can name. Each is one byte in a record and one word on the screen.
//!
//! The tables of the layers above (handlers, faults, mitigations) have one row for each value here; their tests hold
//! them to it. The names are identifiers: files, commands and the machine-readable output use them; screens translate them.

use serde::{Deserialize, Serialize};

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of its numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The identifier used in files, commands and machine-readable output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value with this number, as it stands in a record.
            #[inline]
            pub fn from_u8(n: u8) -> Option<Self> {
                Self::ALL.get(usize::from(n)).copied()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

vocabulary! {
    /// Where in a tick the loop is.
    Phase {
        /// In `epoll_wait`, asleep or asking.
        Poll = "poll",
        /// Running the callbacks of the ready list.
        Dispatch = "dispatch",
        /// Running the callbacks of timers that are due.
        Timers = "timers",
        /// Running queued tasks.
        Tasks = "tasks",
        /// Carrying out what the lab asked for.
        Control = "control",
    }
}

vocabulary! {
    /// Why a callback runs.
    Cause {
        /// The listener has connections to accept.
        Accept = "accept",
        /// A connection has bytes to read, or its peer has closed.
        Readable = "readable",
        /// A connection can take bytes again.
        Writable = "writable",
        /// A timer is due.
        Timer = "timer",
        /// A task was queued for a later tick.
        Task = "task",
        /// A worker has finished a job.
        Completion = "completion",
    }
}

vocabulary! {
    /// What a request asked for: a row of the specimen's handler table, or what stood in for one.
    Handler {
        /// `/`: a greeting; POST: the body back.
        Root = "/",
        /// `/echo`: the request back.
        Echo = "/echo",
        /// `/bytes?n=`: so many bytes.
        Bytes = "/bytes",
        /// `/sleep?ms=`: an answer after a timer.
        Sleep = "/sleep",
        /// `/compute?ms=`: an answer after burning CPU.
        Compute = "/compute",
        /// `/chain`: three dependent upstream calls.
        Chain = "/chain",
        /// `/stats`: the specimen's own counters.
        Stats = "/stats",
        /// No such path, a method that is not allowed, or a request that could not be read.
        Refused = "refused",
        /// `/count`: increments a counter that all requests share.
        Count = "/count",
        /// `/transfer`: moves one from an account to another, in two steps.
        Transfer = "/transfer",
        /// `/beats?ms=`: two jobs that are to run every so many milliseconds, and how far they are behind.
        Beats = "/beats",
    }
}

vocabulary! {
    /// What breaks a specimen.
    Fault {
        /// A callback burns CPU for a while.
        Compute = "compute",
        /// A callback never returns.
        EndlessLoop = "endless-loop",
        /// A callback panics.
        Panic = "panic",
        /// A connection is read once for each edge.
        ForgottenDrain = "forgotten-drain",
        /// A callback waits in a blocking read.
        BlockingRead = "blocking-read",
        /// A connection that its peer has closed is never closed here.
        FdLeak = "fd-leak",
        /// A promise is rejected, and nobody handles it.
        RejectedPromise = "rejected-promise",
        /// One error branch of nested callbacks answers nobody.
        ForgottenBranch = "forgotten-branch",
        /// A connection's session and its callback own each other.
        ClosureLeak = "closure-leak",
        /// Clients that send the head of a request byte by byte, and never finish.
        SlowSenders = "slow-senders",
        /// Answers are queued in memory, whether or not they are read.
        UnboundedResponses = "unbounded-responses",
        /// One peer sends requests without end.
        GreedyPeer = "greedy-peer",
    }
}

vocabulary! {
    /// What mends it.
    Mitigation {
        /// Hand long work to worker threads; the completion comes back through the waker.
        WorkerPool = "worker-pool",
        /// Do long work in slices, one per tick.
        Slicing = "slicing",
        /// Catch a panic at the callback's edge: 500 for that connection only.
        CatchPanic = "catch-panic",
        /// The lab kills a stuck process and starts a new one for a dead one.
        Supervisor = "supervisor",
        /// Read until the kernel has no more.
        ReadUntilEagain = "read-until-eagain",
        /// Wait for a readable descriptor instead of in a read.
        NonBlocking = "non-blocking",
        /// Close and deregister a connection when its peer has closed.
        CloseOnEof = "close-on-eof",
        /// Close connections on which nothing has happened for a while.
        IdleTimeout = "idle-timeout",
        /// Keep one descriptor to be able to turn a connection away.
        ReserveDescriptor = "reserve-descriptor",
        /// Write an unhandled rejection down, or die of it on purpose.
        RejectionHook = "rejection-hook",
        /// End each chain of promises with a handler.
        CatchAtEnd = "catch-at-end",
        /// Write dependent steps as a chain of promises.
        PromiseChain = "promise-chain",
        /// Write dependent steps with async and await.
        AsyncAwait = "async-await",
        /// A callback knows its session without owning it.
        WeakReferences = "weak-references",
        /// A session gives up its callback when its connection closes.
        ExplicitRelease = "explicit-release",
        /// Answer 503 at once to whoever has waited too long already.
        Shedding = "shedding",
        /// Close connections whose request's head is not whole in time.
        HeaderTimeout = "header-timeout",
        /// Stop reading above a high-water mark of what is unsent.
        Backpressure = "backpressure",
        /// Read at most so much of a connection in one tick.
        ReadBudget = "read-budget",
        /// Hold a lock from the reading to the writing of what threads share.
        Lock = "lock",
    }
}

vocabulary! {
    /// How the handler of `/chain` is written.
    Style {
        /// Nested callbacks.
        Callbacks = "callbacks",
        /// A chain of promises.
        Promises = "promises",
        /// An async function.
        AsyncAwait = "async-await",
    }
}

vocabulary! {
    /// Why a connection of the specimen ended.
    CloseReason {
        /// The last response was sent and the exchange said close.
        Finished = "finished",
        /// The peer closed in an orderly way.
        PeerClosed = "peer-closed",
        /// The peer reset the connection.
        Reset = "reset",
        /// The request could not be trusted any further.
        BadRequest = "bad-request",
        /// It took too long.
        Timeout = "timeout",
        /// The kernel reported another error.
        Failed = "failed",
        /// The callback panicked.
        Panicked = "panicked",
    }
}

vocabulary! {
    /// How a client's request ended, as the client saw it.
    Outcome {
        /// A complete response below 400.
        Answered = "answered",
        /// A complete response of 400 or above.
        ErrorStatus = "error-status",
        /// No complete response within the client's patience.
        Timeout = "timeout",
        /// The connection was reset.
        Reset = "reset",
        /// The connection was closed before the response was complete.
        Closed = "closed",
        /// The connection could not be made.
        Refused = "refused",
        /// What came back was not HTTP.
        Garbled = "garbled",
    }
}

vocabulary! {
    /// What the picture can be frozen by.
    Trigger {
        /// A callback holds the loop for too long.
        Stall = "stall",
        /// A request takes too long.
        Latency = "latency",
        /// A callback panics.
        Panic = "panic",
        /// A process ends.
        Death = "death",
        /// A client's request fails.
        ClientError = "client-error",
        /// Telemetry is dropped.
        LostEvents = "lost-events",
    }
}

vocabulary! {
    /// How a server waits for many clients at once.
    Model {
        /// One thread, one loop, all connections.
        EventLoop = "event-loop",
        /// A thread for each connection.
        ThreadPerConnection = "thread-per-connection",
        /// A number of threads, and a queue of connections.
        ThreadPool = "thread-pool",
        /// A master process and a number of event-loop processes.
        Workers = "workers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_unique_and_round_trip() {
        for (n, phase) in Phase::ALL.iter().enumerate() {
            assert_eq!(Phase::from_u8(n as u8), Some(*phase));
        }
        assert_eq!(Phase::from_u8(Phase::COUNT as u8), None);
        let names: HashSet<_> = Fault::ALL.iter().map(|f| f.name()).chain(Mitigation::ALL.iter().map(|m| m.name())).collect();
        assert_eq!(names.len(), Fault::COUNT + Mitigation::COUNT);
    }
}
