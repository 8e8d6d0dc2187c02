//! The vocabulary: every fact that a loop, a worker, a client, the kernel or the lab can report, and its 16 bytes.
//!
//! A record is two words: `stamp << 8 | kind`, and `a << 32 | b`. A stamp has 56 bits, which a 4 GHz counter fills in 208 days.
//! A fact has no end of its own where the next fact implies it: a callback ends where the next one, or a phase, begins.

use serde::{Deserialize, Serialize};

use super::vocabulary::{Cause, CloseReason, Fault, Handler, Mitigation, Model, Outcome, Phase, Style, Trigger};
use crate::base::clock::Stamp;
use crate::base::ids::{ClientId, ConnId, SpecimenId};
use crate::base::units::Nanos;

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lane {
    /// The loop thread of a specimen.
    Loop,
    /// One of its worker threads, counted from 0.
    Worker(u8),
    /// The load that talks to it.
    Load,
    /// The kernel, as the lab's sampler reads it from /proc.
    Kernel,
    /// The lab.
    Lab,
    /// Its threads that serve connections, those whose records go through this ring: threads can be thousands, and share rings.
    Threads(u8),
    /// One of its worker processes, counted from 0, and who reports about it.
    Process(u8, Part),
}

/// Who reports about a worker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Its loop thread.
    Loop,
    /// One of its worker threads, counted from 0.
    Worker(u8),
    /// The kernel.
    Kernel,
    /// Its master, or the lab.
    Lab,
}

impl Part {
    /// The lane that it would be if the process were the only one.
    pub fn lane(self) -> Lane {
        match self {
            Self::Loop => Lane::Loop,
            Self::Worker(n) => Lane::Worker(n),
            Self::Kernel => Lane::Kernel,
            Self::Lab => Lane::Lab,
        }
    }
}

impl Lane {
    /// The most rings that threads share, the most worker processes, and the most worker threads of one of those: what one byte can tell apart.
    pub const MOST_THREAD_RINGS: u8 = 64;
    /// See [`Lane::MOST_THREAD_RINGS`].
    pub const MOST_PROCESSES: u8 = 8;
    const PROCESSES: u8 = 128;
    const THREADS: u8 = 64;

    /// The lane as a byte, as recordings have it.
    pub fn pack(self) -> u8 {
        match self {
            Self::Loop => 0,
            Self::Load => 1,
            Self::Kernel => 2,
            Self::Lab => 3,
            Self::Worker(n) => 4 + n.min(Self::THREADS - 5),
            Self::Threads(n) => Self::THREADS + n.min(Self::MOST_THREAD_RINGS - 1),
            Self::Process(n, part) => {
                let part = match part {
                    Part::Loop => 0,
                    Part::Kernel => 1,
                    Part::Lab => 2,
                    Part::Worker(n) => 3 + n.min(12),
                };
                Self::PROCESSES + n.min(Self::MOST_PROCESSES - 1) * 16 + part
            }
        }
    }

    /// The inverse of [`Lane::pack`].
    pub fn unpack(byte: u8) -> Self {
        match byte {
            0 => Self::Loop,
            1 => Self::Load,
            2 => Self::Kernel,
            3 => Self::Lab,
            n if n < Self::THREADS => Self::Worker(n - 4),
            n if n < Self::PROCESSES => Self::Threads(n - Self::THREADS),
            n => {
                let part = match n % 16 {
                    0 => Part::Loop,
                    1 => Part::Kernel,
                    2 => Part::Lab,
                    n => Part::Worker(n - 3),
                };
                Self::Process((n - Self::PROCESSES) / 16, part)
            }
        }
    }
}

/// Which specimen a fact is about, and who reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The specimen concerned.
    pub specimen: SpecimenId,
    /// The reporter.
    pub lane: Lane,
}

/// One fact: when, from where, what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened, since the lab's beginning.
    pub at: Nanos,
    /// Who reports it about whom.
    pub from: Origin,
    /// The fact.
    pub what: What,
}

/// A record as it lies in a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record(pub u64, pub u64);

impl Record {
    /// Packs a fact.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "where it is called the kind of fact is known, and packing it folds to a constant")]
    pub fn new(at: Stamp, what: What) -> Self {
        let (kind, a, b) = what.pack();
        Self(at.0 << 8 | u64::from(kind), u64::from(a) << 32 | u64::from(b))
    }

    /// The stamp it was made with.
    #[inline]
    pub fn stamp(self) -> Stamp {
        Stamp(self.0 >> 8)
    }

    /// The fact, or nothing where the kind is unknown (a newer producer, a damaged file).
    #[inline]
    pub fn what(self) -> Option<What> {
        What::unpack(self.0 as u8, (self.1 >> 32) as u32, self.1 as u32)
    }
}

/// What a connection is ready for, or wants to hear of: readable and writable, as bits 0 and 1; the peer's half-close as bit 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Readiness(pub u8);

impl Readiness {
    /// Bytes to read, or a connection to accept.
    pub const READABLE: Self = Self(1);
    /// Room to write.
    pub const WRITABLE: Self = Self(2);
    /// Both.
    pub const BOTH: Self = Self(3);
    /// The peer has closed its half.
    pub const CLOSED: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Either's bits.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How one field of a fact lies in a half of the second word.
trait Field: Sized {
    fn put(self) -> u32;
    fn get(bits: u32) -> Option<Self>;
}

macro_rules! fields {
    ($($ty:ty: |$v:ident| $put:expr, |$b:ident| $get:expr;)+) => {
        $(impl Field for $ty {
            #[inline(always)]
            fn put(self) -> u32 { let $v = self; $put }
            #[inline]
            fn get($b: u32) -> Option<Self> { $get }
        })+
    };
}

fields! {
    u32: |v| v, |b| Some(b);
    ConnId: |v| v.0, |b| Some(ConnId(b));
    ClientId: |v| v.0, |b| Some(ClientId(b));
    Readiness: |v| u32::from(v.0), |b| Some(Readiness(b as u8));
    Phase: |v| v as u32, |b| Phase::from_u8(b as u8);
    Cause: |v| v as u32, |b| Cause::from_u8(b as u8);
    Handler: |v| v as u32, |b| Handler::from_u8(b as u8);
    Fault: |v| v as u32, |b| Fault::from_u8(b as u8);
    Mitigation: |v| v as u32, |b| Mitigation::from_u8(b as u8);
    CloseReason: |v| v as u32, |b| CloseReason::from_u8(b as u8);
    Model: |v| v as u32, |b| Model::from_u8(b as u8);
    (Outcome, u16): |v| u32::from(v.1) << 8 | v.0 as u32, |b| Outcome::from_u8(b as u8).map(|o| (o, (b >> 8) as u16));
    (Style, u16): |v| u32::from(v.1) << 8 | v.0 as u32, |b| Style::from_u8(b as u8).map(|s| (s, (b >> 8) as u16));
    (Trigger, u16): |v| u32::from(v.1) << 8 | v.0 as u32, |b| Trigger::from_u8(b as u8).map(|t| (t, (b >> 8) as u16));
    (u16, u16): |v| u32::from(v.0) << 16 | u32::from(v.1), |b| Some(((b >> 16) as u16, b as u16));
}

macro_rules! facts {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($field:ident: $ty:ty),* },)+) => {
        /// A plain fact in the past tense.
        #[allow(missing_docs, reason = "the fields are told in the sentence of their fact")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum What { $($(#[$doc])* $name { $($field: $ty),* },)+ }

        impl What {
            /// Its kind and its two halves.
            #[inline(always)]
            #[allow(unused_mut, reason = "a fact without fields leaves both halves zero")]
            pub fn pack(self) -> (u8, u32, u32) {
                match self { $(Self::$name { $($field),* } => {
                    let mut halves = [0_u32; 2];
                    let mut _at = 0;
                    $(halves[_at] = $field.put(); _at += 1;)*
                    ($kind, halves[0], halves[1])
                })+ }
            }

            /// The inverse of [`What::pack`]; nothing for a kind or a value that does not exist.
            #[inline]
            #[allow(unused_variables, reason = "a fact without fields reads neither half")]
            pub fn unpack(kind: u8, a: u32, b: u32) -> Option<Self> {
                match kind {
                    $($kind => {
                        let halves = [a, b];
                        let mut _at = 0;
                        $(let $field = <$ty>::get(halves[_at])?; _at += 1;)*
                        Some(Self::$name { $($field),* })
                    })+
                    _ => None,
                }
            }

            /// The fact's name, for logs and exports.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)+ }
            }
        }
    };
}

facts! {
    // ---- the loop -------------------------------------------------------------------------------------------------
    /// The loop entered a phase. `detail`: for `poll` the timeout in ms (`u32::MAX`: none), for `dispatch` the number of ready events.
    1 Entered { phase: Phase, detail: u32 },
    /// The kernel reported this connection ready; its callback has not started. `ConnId::NONE` is the listener.
    2 Ready { conn: ConnId, readiness: Readiness },
    /// A callback began. The one before it is over.
    3 Began { conn: ConnId, cause: Cause },
    /// Bytes were read from a connection.
    4 Read { conn: ConnId, bytes: u32 },
    /// A complete request was parsed and its handler started. Within a pipelined batch each one ends the one before.
    5 Requested { conn: ConnId, handler: Handler },
    /// A response was queued: its status, and how many requests this connection has had, modulo 65,536.
    6 Responded { conn: ConnId, status_nth: (u16, u16) },
    /// The kernel took bytes.
    7 Wrote { conn: ConnId, bytes: u32 },
    /// The kernel would not take all: so many bytes are left to send.
    8 Blocked { conn: ConnId, unsent: u32 },
    /// What the loop wants to hear of this connection changed.
    9 Interested { conn: ConnId, interest: Readiness },
    /// A connection was accepted: its peer's port, and its descriptor (saturating).
    10 Opened { conn: ConnId, port_fd: (u16, u16) },
    /// A connection was closed and deregistered.
    11 Closed { conn: ConnId, reason: CloseReason },
    /// Accepting failed with this `errno`.
    12 AcceptFailed { errno: u32 },
    /// A timer was set, due in so many microseconds.
    13 TimerSet { conn: ConnId, micros: u32 },
    /// The timer of the callback that runs was late by so many microseconds.
    14 TimerLate { conn: ConnId, micros: u32 },
    /// Work was queued as a task for a later tick.
    15 TaskQueued { conn: ConnId, handler: Handler },
    /// Work was handed to the worker pool.
    16 JobQueued { conn: ConnId, handler: Handler },
    /// A fault took hold of the callback that runs.
    17 Struck { conn: ConnId, fault: Fault },
    /// A panic was caught at the callback's edge.
    18 Caught { conn: ConnId },
    /// A control message was carried out: its number, and whether it could be (1) or not (0).
    19 Applied { seq: u32, done: u32 },
    /// A mitigation is on (1) or off (0) from here.
    20 Mitigated { mitigation: Mitigation, on: u32 },
    /// The gate held the loop before a callback (1) or before a tick (2), or let it go on (0).
    21 Gated { held: u32 },
    /// The phase's work is done: whatever callback ran is over, and the loop goes on to look around.
    22 Rested {},
    /// A standing fault is on (1) or off (0) from here.
    23 Faulted { fault: Fault, on: u32 },
    /// Somebody else was asked, and the loop goes on until the answer can be read.
    24 Asked { conn: ConnId },
    /// So many sessions are in memory, whether or not anybody can reach them, and their callbacks have taken along so many KiB.
    30 Live { objects: u32, kib: u32 },

    /// A call to the upstream was begun for the request of this connection, on this socket (numbered from 2^31).
    37 Called { conn: ConnId, socket: ConnId },
    /// It is over: the status of its answer, 0 where it has none.
    38 CallEnded { conn: ConnId, status: u32 },
    /// The code that serves `/chain` has reached this step: 1 to 3 a call, 4 the answer, 5 to 7 the answer that call 1 to 3 has failed.
    39 Stepped { conn: ConnId, at: (Style, u16) },
    /// A promise was rejected, and died without anybody having handled it: nobody notices (0), it is logged (1), the process ends (2).
    42 Unhandled { conn: ConnId, then: u32 },
    /// Whoever could have answered the request of this connection is gone, and has not.
    43 Abandoned { conn: ConnId },

    /// Whoever served the request to `/chain` of this connection is done with it: how the code is written, and how often it has allocated.
    130 Allocated { conn: ConnId, by: (Style, u16) },

    /// The accounts that all requests share were looked at after a panic: what is missing from their sum, and how many transfers were begun.
    131 Balanced { missing: u32, begun: u32 },

    /// A job that repeats has run: whether its time counts from the first moment (1) or from its last run (0), and how many microseconds it is behind.
    132 Beat { fixed: u32, behind: u32 },

    // ---- workers --------------------------------------------------------------------------------------------------
    /// A worker began a job.
    40 JobBegan { conn: ConnId, handler: Handler },
    /// A worker finished its job and woke the loop.
    41 JobEnded { conn: ConnId },

    // ---- the load -------------------------------------------------------------------------------------------------
    /// A client opened a connection from this local port (known once the kernel has chosen it).
    60 Dialled { client: ClientId, port: u32 },
    /// A client's connection is established.
    61 Connected { client: ClientId, port: u32 },
    /// A client sent a request, so many microseconds after it had meant to.
    62 Sent { client: ClientId, late: u32 },
    /// A client's request ended: how, and with which status (0: none).
    63 Finished { client: ClientId, outcome: (Outcome, u16) },
    /// A client's connection is gone.
    64 HungUp { client: ClientId, port: u32 },
    /// Requests that are due and not sent, because every client of their kind still waits; and those in flight.
    65 Backlog { due: u32, in_flight: u32 },
    /// The load offers this many requests a second from here, in thousandths (0: closed loop, or stopped), over so many connections.
    66 Offered { millirate: u32, connections: u32 },
    /// The request that this client's next [`What::Sent`] is about: its row in the mix.
    67 Chose { client: ClientId, row: u32 },
    /// The load sends nothing new from here (1), or goes on (0): what a server does meanwhile says nothing of how it serves.
    127 Paused { on: u32 },
    /// The patience of a client ended before its request could be sent at all: its row in the mix, and how many microseconds after it was due.
    115 GaveUp { row: u32, after: u32 },

    // ---- the kernel, sampled --------------------------------------------------------------------------------------
    /// The listener's accept queue: its length and its limit.
    80 AcceptQueue { length: u32, limit: u32 },
    /// Bytes that the kernel holds unread for the connection from this port.
    81 Unread { port: u32, bytes: u32 },
    /// All unread bytes of the specimen's connections, and over how many of them.
    82 UnreadTotal { bytes: u32, sockets: u32 },
    /// Open descriptors and the soft limit.
    83 Descriptors { open: u32, limit: u32 },
    /// Entries of the epoll interest list.
    84 InterestList { entries: u32 },
    /// Resident memory in KiB: all of it, and the anonymous part.
    85 Memory { resident: u32, anonymous: u32 },
    /// CPU time of the loop thread in nanoseconds since its start, as high and low half.
    86 OnCpu { high: u32, low: u32 },
    /// Time the loop thread was runnable but not running, in nanoseconds, as high and low half.
    87 RunDelay { high: u32, low: u32 },
    /// Context switches of the loop thread so far: voluntary, involuntary.
    88 Switches { voluntary: u32, involuntary: u32 },
    /// The loop thread's state as one ASCII letter (R, S, D, T, Z ...), and its number of threads.
    89 ThreadState { letter: u32, threads: u32 },

    /// A counter that all requests share was incremented: what it says, and what it should say.
    126 Counted { value: u32, made: u32 },
    /// CPU time of the whole process in nanoseconds since its start, all threads that it has had included, as high and low half.
    120 ProcessCpu { high: u32, low: u32 },
    /// Context switches of all its threads since the lab first looked, those of threads that have ended included: voluntary, involuntary.
    121 ProcessSwitches { voluntary: u32, involuntary: u32 },
    /// The core that the loop thread ran on last, and all cores that a sampled thread ran on last, as bits (core 31: 31 and above).
    122 Cores { last: u32, seen: u32 },

    // ---- the lab --------------------------------------------------------------------------------------------------
    /// A specimen's process was started: its PID, and how many there were before it.
    100 Spawned { pid: u32, before: u32 },
    /// It answers on this port.
    101 Listening { port: u32 },
    /// It ended: by this signal, or with this exit code where the signal is 0.
    102 Died { signal: u32, code: u32 },
    /// The supervisor killed it, having waited so many milliseconds.
    103 WatchdogKilled { after: u32 },
    /// So many events of a ring (0: loop, 1 and up: workers, 255: load) were dropped since the last report.
    104 Lost { ring: u32, events: u32 },
    /// The lab itself did not run for so many milliseconds (suspended, or starved): what lies in between was not watched.
    105 Unwatched { millis: u32 },
    /// Somebody asked for this fault.
    106 FaultAsked { fault: Fault, millis: u32 },
    /// The script or a key reached a named mark.
    107 Marked { mark: u32 },
    /// The load process was started: its PID.
    108 LoadSpawned { pid: u32 },
    /// The lab's watching: CPU time of its own process so far, in microseconds, and its resident memory in KiB.
    109 OwnCost { micros: u32, resident: u32 },
    /// From here it is waited for this, on any specimen (0) or on this one (1); over so many microseconds, where it has a length.
    140 Armed { trigger: (Trigger, u16), over: u32 },
    /// It is not waited for anything any more.
    141 Disarmed {},
    /// The specimen is built on this model, with so many threads or processes (0: as many as it takes).
    125 Modelled { model: Model, size: u32 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_sixteen_bytes_and_keeps_what_it_was_given() {
        assert_eq!(size_of::<Record>(), 16);
        let facts = [
            What::Entered { phase: Phase::Dispatch, detail: 12 },
            What::Ready { conn: ConnId(u32::MAX), readiness: Readiness::BOTH },
            What::Responded { conn: ConnId(3), status_nth: (503, 65_535) },
            What::Finished { client: ClientId(9), outcome: (Outcome::Garbled, 599) },
            What::Rested {},
        ];
        for what in facts {
            let record = Record::new(Stamp((1 << 56) - 1), what);
            assert_eq!((record.stamp(), record.what()), (Stamp((1 << 56) - 1), Some(what)));
        }
    }

    #[test]
    fn a_lane_is_a_byte_and_every_byte_a_lane() {
        for byte in 0..=u8::MAX {
            assert_eq!(Lane::unpack(byte).pack(), byte);
        }
        let last = Lane::Process(Lane::MOST_PROCESSES - 1, Part::Worker(12));
        assert_eq!((Lane::unpack(last.pack()), last.pack()), (last, u8::MAX));
    }

    #[test]
    fn no_record_can_confuse_the_reader() {
        for kind in 0..=u8::MAX {
            for half in [0, 1, 255, u32::MAX] {
                if let Some(what) = What::unpack(kind, half, half) {
                    assert_eq!(what.pack().0, kind);
                }
            }
        }
    }
}
