//! What the clients say: latencies from the intended send, errors apart, the spectrogram.

use crate::base::ids::ClientId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Outcome;

use super::window::Window;

/// Columns of the spectrogram: the last 64 seconds in steps of [`COLUMN`].
pub const COLUMNS: usize = 256;
/// What one column of the spectrogram covers.
pub const COLUMN: Nanos = Nanos::millis(250);
/// Rows of the spectrogram: latencies from 10 µs up, four to a factor of ten; the last takes all above 100 s.
pub const ROWS: usize = 28;
/// Slow requests that are remembered for the question why.
pub const MAX_TAIL: usize = 64;

/// The clients of one specimen.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Connections that the load holds open.
    pub connected: u32,
    /// Offered requests a second; `None`: closed loop.
    pub offered: Option<f64>,
    /// Clients in all, as offered.
    pub clients: u32,
    /// The process of the load.
    pub pid: Option<u32>,
    /// Requests sent and not ended.
    pub in_flight: u32,
    /// Requests due and not sent, because every client waits.
    pub backlog: u32,
    /// Requests ended so far, by [`Outcome`].
    pub outcomes: [u64; Outcome::COUNT],
    /// Answered requests a second, over the last second.
    pub rate: f64,
    /// Latencies in nanoseconds since the beginning or the last mark.
    pub total: hdrhistogram::Histogram<u32>,
    /// Latencies of the last five seconds.
    pub recent: Window,
    /// Answers per column and latency row, oldest first.
    pub spectrogram: Spectrogram,
    /// The slowest requests so far with the parts of their latency, slowest first; at most [`MAX_TAIL`].
    pub tail: Vec<Slow>,
}

/// Answers by time and latency.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// The number of the newest column since the beginning: column `n` covers `[n, n + 1)` times [`COLUMN`].
    pub newest: u64,
    /// Column `n` lies at `n % COLUMNS`.
    pub cells: Vec<[u32; ROWS]>,
}

/// A request that was slow, and where its time went. The parts add up to the latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    /// Whose request.
    pub client: ClientId,
    /// When the client meant to send it.
    pub intended: Nanos,
    /// From the intended send to the end, as the client measured.
    pub latency: Nanos,
    /// Its parts; `None` where the loop's side of it is not known (lost events, no answer).
    pub parts: Option<Parts>,
    /// How it ended.
    pub outcome: Outcome,
}

/// The parts of a latency, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// From the intended to the actual send: the client itself was not free.
    pub queued: Nanos,
    /// From the send until `epoll_wait` reported it: in the kernel (and in the accept queue, for a new connection).
    pub kernel: Nanos,
    /// From there until its callback started: ready, waiting behind others.
    pub waiting: Nanos,
    /// From there until the response was queued, off-loop work included.
    pub running: Nanos,
    /// From there until the client had it all.
    pub writing: Nanos,
}
