//! What the clients say: latencies from the intended send, errors apart, the spectrogram.
//!
//! Which outcomes are a latency: complete responses, whatever their status, and timeouts, which count with the full time that the client
//! waited: leaving them out would hide the worst of the tail. That holds for those that were never sent, too, because every client
//! waited: corrected for coordinated omission a latency counts from when the request was due. The *uncorrected* figures are those that a
//! tool shows which counts from the sending: what was never sent does not exist for it, and what waited to be sent was fast. Connections that were reset, closed or refused are counted, and
//! are no latency: they say nothing of how long an answer takes.

use hdrhistogram::Histogram;

use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Outcome;

use super::connections::{Connections, SerialMap};
use super::curve::Curve;
pub use super::spectrogram::{COLUMN, COLUMNS, ROW_BOUNDS, ROWS, Spectrogram};
use super::window::{self, Slots, Window};

/// Slow requests that are remembered for the question why.
pub const MAX_TAIL: usize = 64;
/// Rows of the mix whose latencies are told apart.
pub const MAX_ROWS: usize = 16;
/// The client of a request that nobody was free for.
pub const NOBODY: ClientId = ClientId(u32::MAX);
/// Clients that are kept with their identity; requests of more are only counted.
pub const MAX_CLIENTS: usize = 65_536;

/// The clients of one specimen.
#[derive(Clone, Debug, PartialEq)]
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
    /// Requests sent so far.
    pub sent: u64,
    /// Requests ended so far, by [`Outcome`].
    pub outcomes: [u64; Outcome::COUNT],
    /// Complete responses a second, whatever their status, over the last second.
    pub rate: f64,
    /// When the first complete response came.
    pub first_answer: Option<Nanos>,
    /// Since when [`Clients::total`] and [`Clients::answered`] count: the first request, or the last mark.
    pub since: Option<Nanos>,
    /// Since when the load sends nothing new, while it does not.
    paused: Option<Nanos>,
    /// For how long in all it did not, since [`Clients::since`] and until it went on last.
    rested: Nanos,
    /// Complete responses since then.
    pub answered: u64,
    /// Those that had ended, by [`Outcome`], at the last mark.
    before_mark: [u64; Outcome::COUNT],
    /// Latencies in nanoseconds since the beginning or the last mark.
    pub total: Histogram<u32>,
    /// Latencies of the last five seconds.
    pub recent: Window,
    /// The same two uncorrected: from the sending on, and only of what was sent.
    pub total_uncorrected: Histogram<u32>,
    /// Uncorrected latencies of the last five seconds.
    pub recent_uncorrected: Window,
    /// Latencies by row of the mix since the beginning or the last mark; rows beyond the first [`MAX_ROWS`] are not told apart.
    pub by_row: Vec<Histogram<u32>>,
    /// Latency against offered load.
    pub curve: Curve,
    /// Answers per column and latency row, oldest first.
    pub spectrogram: Spectrogram,
    /// The slowest requests so far with the parts of their latency, slowest first; at most [`MAX_TAIL`].
    pub tail: Vec<Slow>,
    each: Vec<Client>,
    by_port: SerialMap<u16, ClientId>,
    slots: Slots<Slot>,
}

/// What 50 ms add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slot {
    answered: u32,
    /// Requests that failed, or were late, and nothing explains it.
    unexplained: u32,
    /// The longest backlog reported.
    backlog: u32,
}

/// How a request ended, for whoever asks why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Whether a complete response came.
    pub answered: bool,
    /// When it was meant to be sent, where it failed or waited for long.
    pub astray: Option<Nanos>,
}

/// One client. A moment that was not seen is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    port: u16,
    /// When it dialled the connection it has, until its first request on it ends.
    dialled: Nanos,
    sent: Nanos,
    late: Nanos,
    connected: bool,
    waits: bool,
    row: u32,
}

/// A request that was slow, and where its time went. The parts add up to the latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    /// Whose request.
    pub client: ClientId,
    /// On which connection of the specimen, where that is known.
    pub conn: ConnId,
    /// Of which worker process's loop, where there are such.
    pub process: Option<u8>,
    /// When the client meant to send it.
    pub intended: Nanos,
    /// From the intended send to the end, as the client measured; to now, where it is under way.
    pub latency: Nanos,
    /// Its parts; `None` where the loop's side of it is not known (lost events, no answer).
    pub parts: Option<Parts>,
    /// How it ended; nothing while it is under way.
    pub outcome: Option<Outcome>,
    /// What it asked for: its row in the mix.
    pub row: u32,
}

/// The parts of a latency, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// From the intended to the actual send (on a new connection: to the dialling): the client itself was not free.
    pub queued: Nanos,
    /// From there until `epoll_wait` reported it: in the kernel (and in the accept queue, for a new connection).
    pub kernel: Nanos,
    /// From there until its callback started: ready, waiting behind others.
    pub waiting: Nanos,
    /// From there until the response was queued, off-loop work included.
    pub running: Nanos,
    /// From there until the client had it all.
    pub writing: Nanos,
}

impl Parts {
    /// All of them: the latency.
    pub fn sum(&self) -> Nanos {
        self.queued + self.kernel + self.waiting + self.running + self.writing
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            connected: 0,
            offered: None,
            clients: 0,
            pid: None,
            in_flight: 0,
            backlog: 0,
            sent: 0,
            outcomes: [0; Outcome::COUNT],
            rate: 0.0,
            first_answer: None,
            since: None,
            paused: None,
            rested: Nanos::ZERO,
            answered: 0,
            before_mark: [0; Outcome::COUNT],
            total: window::histogram(),
            recent: Window::default(),
            total_uncorrected: window::histogram(),
            recent_uncorrected: Window::default(),
            by_row: Vec::new(),
            curve: Curve::default(),
            spectrogram: Spectrogram::default(),
            tail: Vec::new(),
            each: Vec::new(),
            by_port: SerialMap::default(),
            slots: Slots::starting(Nanos::ZERO),
        }
    }
}

impl Clients {
    /// For how long there has been load since the first request or the last mark: without the time in which it was paused.
    pub fn under_load(&self, now: Nanos) -> Nanos {
        let Some(since) = self.since else { return Nanos::ZERO };
        let pause = self.paused.map_or(Nanos::ZERO, |from| now.since(from.max(since)));
        Nanos(now.since(since).0.saturating_sub(self.rested.0 + pause.0))
    }

    /// Complete responses a second of load since the first request or the last mark, at this moment.
    pub fn throughput(&self, now: Nanos) -> f64 {
        let seconds = self.under_load(now).as_secs();
        if seconds == 0.0 { 0.0 } else { self.answered as f64 / seconds }
    }

    /// The load sends nothing new from here, or goes on.
    pub(super) fn paused(&mut self, at: Nanos, paused: bool) {
        if paused {
            self.paused.get_or_insert(at);
        } else if let (Some(from), since) = (self.paused.take(), self.since.unwrap_or(at)) {
            self.rested += at.since(from.max(since));
        }
    }

    /// The share of the requests that ended without an answer below 400 since the beginning or the last mark; `None` where none has ended.
    pub fn failed(&self) -> Option<f64> {
        let since = |n: usize| self.outcomes[n] - self.before_mark[n];
        let all: u64 = (0..Outcome::COUNT).map(since).sum();
        (all > 0).then(|| (all - since(Outcome::Answered as usize)) as f64 / all as f64)
    }

    /// Requests under way: sent and not ended, or due and not sent.
    pub fn under_way(&self) -> u32 {
        self.in_flight.saturating_add(self.backlog)
    }

    /// The longest backlog that was reported in the first and in the second half of the last second, the present one included.
    pub fn backlog_trend(&self) -> (u32, u32) {
        let (older, newer) = self.slots.halves();
        let most = |slots: &mut dyn Iterator<Item = &Slot>| slots.map(|s| s.backlog).max().unwrap_or(0);
        (most(&mut older.into_iter()), most(&mut newer.into_iter()).max(self.backlog))
    }

    /// Starts [`Clients::total`] and the throughput anew: a mark was reached.
    pub fn reset_total(&mut self, at: Nanos) {
        self.total.reset();
        self.before_mark = self.outcomes;
        self.total_uncorrected.reset();
        self.by_row.clear();
        self.answered = 0;
        self.since = Some(at);
        self.rested = Nanos::ZERO;
    }

    /// Goes on to the second, the column and the slot of `now`.
    pub(super) fn slide(&mut self, now: Nanos) {
        self.recent.slide(now);
        self.recent_uncorrected.slide(now);
        self.spectrogram.slide(now);
        self.curve.slide(now, self.offered);
        if self.slots.slide(now) {
            self.rate = self.slots.rate(|s| u64::from(s.answered));
            self.slots.now().backlog = self.backlog;
        }
    }

    #[inline]
    fn client(&mut self, id: ClientId) -> Option<&mut Client> {
        let n = id.0 as usize;
        if n >= self.each.len() {
            if n >= MAX_CLIENTS {
                return None;
            }
            self.each.resize(n + 1, Client::default());
        }
        Some(&mut self.each[n])
    }

    pub(super) fn dialled(&mut self, at: Nanos, id: ClientId, port: u16) {
        if let Some(client) = self.client(id) {
            client.dialled = at;
            client.port = port;
        }
    }

    pub(super) fn connected(&mut self, id: ClientId, port: u16) {
        let Some(client) = self.client(id) else { return };
        client.port = port;
        let new = !std::mem::replace(&mut client.connected, true);
        self.connected += u32::from(new);
        self.by_port.insert(port, id);
    }

    pub(super) fn hung_up(&mut self, id: ClientId, port: u16) {
        let Some(client) = self.client(id) else { return };
        let was = std::mem::replace(&mut client.connected, false);
        self.connected = self.connected.saturating_sub(u32::from(was));
        if self.by_port.get(&port) == Some(&id) {
            self.by_port.remove(&port);
        }
    }

    pub(super) fn chose(&mut self, id: ClientId, row: u32) {
        if let Some(client) = self.client(id) {
            client.row = row;
        }
    }

    #[inline]
    pub(super) fn sent(&mut self, at: Nanos, id: ClientId, late: Nanos) {
        if self.since.is_none() {
            self.since = Some(at);
            self.slots = Slots::starting(at);
        }
        self.sent += 1;
        let Some(client) = self.client(id) else { return };
        client.sent = at;
        client.late = late.min(at);
        if !std::mem::replace(&mut client.waits, true) {
            self.in_flight += 1;
        }
    }

    /// Requests of the last second that failed or were late though nothing explains it, and answers in all.
    pub fn astray(&self) -> (u32, u32) {
        self.slots.past().fold((0, 0), |(astray, all), slot| (astray + slot.unexplained, all + slot.answered))
    }

    /// The request that has just ended went astray, and nothing explains it.
    pub(super) fn unexplained(&mut self) {
        let slot = self.slots.now();
        slot.unexplained = slot.unexplained.saturating_add(1);
    }

    /// A request ended. `slow`: from which delay on it is worth asking why.
    #[inline]
    pub(super) fn finished(&mut self, at: Nanos, id: ClientId, outcome: Outcome, connections: &Connections, slow: Nanos) -> Ended {
        self.outcomes[outcome as usize] += 1;
        let answered = matches!(outcome, Outcome::Answered | Outcome::ErrorStatus);
        if outcome == Outcome::Answered {
            self.curve.served();
        }
        if answered {
            self.answered += 1;
            self.slots.now().answered += 1;
            if self.first_answer.is_none() {
                self.first_answer = Some(at);
            }
        }
        let failed = outcome != Outcome::Answered;
        let unseen = Ended { answered, astray: failed.then_some(at) };
        let Some(client) = self.client(id) else { return unseen };
        let request = *client;
        client.dialled = Nanos::ZERO;
        if !std::mem::replace(&mut client.waits, false) {
            return unseen; // Its sending was lost, so its latency is not known.
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        let intended = request.sent.since(request.late);
        let latency = at.since(intended);
        if answered || outcome == Outcome::Timeout {
            self.count(latency, request.row);
            let uncorrected = at.since(request.sent);
            window::record(&mut self.total_uncorrected, uncorrected);
            self.recent_uncorrected.record(uncorrected);
        }
        if self.tail.len() < MAX_TAIL || self.tail.last().is_some_and(|least| latency > least.latency) {
            let conn = request.conn(connections);
            let parts = if answered { parts(&request, at, connections) } else { None };
            self.remember(Slow {
                client: id,
                conn,
                process: connections.process,
                intended,
                latency,
                parts,
                outcome: Some(outcome),
                row: request.row,
            });
        }
        // Work that takes long takes long; what waits for long is another matter.
        let waited = |parts: Parts| latency.since(parts.running) >= slow;
        let late = !failed && latency >= slow && parts(&request, at, connections).is_some_and(waited);
        Ended { answered, astray: (failed || late).then_some(intended) }
    }

    /// On which connection the request of a client is that is about to end, as far as that is known, and how long after it was due that is.
    pub(super) fn about_to_end(&self, at: Nanos, id: ClientId, connections: &Connections) -> (ConnId, Option<Nanos>) {
        let Some(client) = self.each.get(id.0 as usize).filter(|client| client.waits) else { return (ConnId::NONE, None) };
        (client.conn(connections), Some(at.since(client.sent.since(client.late))))
    }

    /// A latency, corrected.
    #[inline]
    fn count(&mut self, latency: Nanos, row: u32) {
        window::record(&mut self.total, latency);
        self.recent.record(latency);
        self.spectrogram.count(latency);
        self.curve.ended(latency);
        let row = row as usize;
        if row >= self.by_row.len() && row < MAX_ROWS {
            self.by_row.resize_with(row + 1, window::histogram);
        }
        if let Some(of_row) = self.by_row.get_mut(row) {
            window::record(of_row, latency);
        }
    }

    /// A request was never sent: nobody was free for it in time. When it was due.
    pub(super) fn gave_up(&mut self, at: Nanos, row: u32, after: Nanos) -> Nanos {
        self.outcomes[Outcome::Timeout as usize] += 1;
        let intended = at.since(after);
        self.count(after, row);
        if self.tail.len() < MAX_TAIL || self.tail.last().is_some_and(|least| after > least.latency) {
            let parts = Some(Parts { queued: at.since(intended), ..Parts::default() });
            self.remember(Slow {
                client: NOBODY,
                conn: ConnId::NONE,
                process: None,
                intended,
                latency: at.since(intended),
                parts,
                outcome: Some(Outcome::Timeout),
                row,
            });
        }
        intended
    }

    #[cold]
    fn remember(&mut self, slow: Slow) {
        let place = self.tail.partition_point(|other| other.latency >= slow.latency);
        self.tail.truncate(MAX_TAIL - 1);
        self.tail.insert(place, slow);
    }

    pub(super) fn backlog(&mut self, due: u32, in_flight: u32) {
        self.backlog = due;
        let slot = self.slots.now();
        slot.backlog = slot.backlog.max(due);
        if in_flight == 0 && self.in_flight > 0 {
            self.forget(); // Ends of requests were lost.
        }
    }

    /// The load's process is another one, or gone: what was under way is not any more.
    pub(super) fn load_began(&mut self, pid: Option<u32>) {
        self.pid = pid;
        self.connected = 0;
        self.backlog = 0;
        self.each.iter_mut().for_each(|client| *client = Client::default());
        self.by_port.clear();
        self.in_flight = 0;
    }

    /// Room for clients, and for ports.
    pub(super) fn capacities(&self) -> (usize, usize) {
        (self.each.capacity(), self.by_port.capacity())
    }

    fn forget(&mut self) {
        self.each.iter_mut().for_each(|client| client.waits = false);
        self.in_flight = 0;
    }

    /// The port of a client's connection.
    pub(super) fn port(&self, id: ClientId) -> u16 {
        self.each.get(id.0 as usize).map_or(0, |client| client.port)
    }

    /// How many clients wait for an answer on these connections.
    pub(super) fn waiting_on(&self, connections: &Connections) -> u32 {
        connections.by_port.keys().filter(|port| self.waits_at(**port)).count() as u32
    }

    /// The client at this port.
    pub fn client_at(&self, port: u16) -> Option<ClientId> {
        self.by_port.get(&port).copied()
    }

    /// Since when the client at this port waits for an answer, if it does.
    pub fn waits_since(&self, port: u16) -> Option<Nanos> {
        let client = self.by_port.get(&port).and_then(|id| self.each.get(id.0 as usize))?;
        client.waits.then_some(client.sent)
    }

    /// The client at this port, if it is one of these.
    pub fn at_port(&self, port: u16) -> Option<ClientId> {
        self.by_port.get(&port).copied()
    }

    /// The requests that are under way, with the latency that they have by now; the longest first, at most [`MAX_TAIL`].
    pub(super) fn unanswered<'a>(&self, now: Nanos, connections: impl Fn(u16) -> &'a Connections) -> Vec<Slow> {
        let waiting = self.each.iter().enumerate().filter(|(_, client)| client.waits);
        let mut all: Vec<Slow> = waiting
            .map(|(n, client)| {
                let intended = client.sent.since(client.late);
                let connections = connections(client.port);
                Slow {
                    client: ClientId(n as u32),
                    conn: client.conn(connections),
                    process: connections.process,
                    intended,
                    latency: now.since(intended),
                    parts: None,
                    outcome: None,
                    row: client.row,
                }
            })
            .collect();
        all.sort_by_key(|slow| slow.intended);
        all.truncate(MAX_TAIL);
        all
    }

    /// Forgets the slowest requests, so that those of a stretch of time can be found.
    pub(super) fn forget_tail(&mut self) {
        self.tail.clear();
    }

    /// Whether the connection from this port belongs to one of these clients, which waits for an answer.
    pub(super) fn waits_at(&self, port: u16) -> bool {
        self.by_port.get(&port).and_then(|id| self.each.get(id.0 as usize)).is_some_and(|client| client.waits)
    }
}

impl Client {
    /// The connection of the specimen that carries its request.
    fn conn(&self, connections: &Connections) -> ConnId {
        // One from before the dialling was another client's.
        let found = connections.exchange(self.port).filter(|(_, opened, _)| *opened >= self.dialled);
        found.map_or(ConnId::NONE, |(conn, ..)| conn)
    }
}

/// Where the time went, where the loop's side of the request is known. Each moment is held between its neighbours, so the
/// parts add up whatever the clocks of two processes did.
fn parts(request: &Client, end: Nanos, connections: &Connections) -> Option<Parts> {
    let (_, opened, exchange) = connections.exchange(request.port)?;
    let fresh = request.dialled > Nanos::ZERO;
    // An exchange from before the sending is another request's; a connection from before the dialling is another client's.
    if exchange.responded < request.sent || (fresh && opened < request.dialled) {
        return None;
    }
    let intended = request.sent.since(request.late);
    let left = if fresh { request.dialled.max(intended).min(request.sent) } else { request.sent };
    let ready = exchange.ready.max(left).min(end);
    let began = exchange.began.max(ready).min(end);
    let responded = exchange.responded.max(began).min(end);
    Some(Parts {
        queued: left.since(intended),
        kernel: ready.since(left),
        waiting: began.since(ready),
        running: responded.since(began),
        writing: end.since(responded),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::event::Readiness;
    use crate::telemetry::vocabulary::{Cause, Handler};

    const ONE: ClientId = ClientId(1);
    const SLOW: Nanos = Nanos::millis(50);

    fn us(n: u64) -> Nanos {
        Nanos::micros(n)
    }

    /// Client 1 on port 40,000, connected from the beginning, its request served as these moments say (µs).
    fn served([ready, began, responded]: [u64; 3]) -> (Clients, Connections) {
        let (mut clients, mut connections) = (Clients::default(), Connections::default());
        clients.dialled(us(1), ONE, 0);
        clients.connected(ONE, 40_000);
        connections.opened(us(2), ConnId(1), 40_000, 9);
        let connection = connections.of(ConnId(1)).unwrap();
        connection.ready(us(ready), Readiness::READABLE);
        connection.began(us(began), Cause::Readable);
        connection.requested(us(began), Handler::Root);
        connection.responded(us(responded));
        (clients, connections)
    }

    #[test]
    fn the_parts_of_a_latency_add_up() {
        let (mut clients, connections) = served([130, 180, 190]);
        clients.dialled(Nanos::ZERO, ONE, 40_000);
        clients.sent(us(120), ONE, us(20));
        assert_eq!(clients.in_flight, 1);
        assert!(clients.finished(us(200), ONE, Outcome::Answered, &connections, SLOW).answered);
        let slow = clients.tail[0];
        assert_eq!((slow.intended, slow.latency, clients.in_flight), (us(100), us(100), 0));
        let parts = slow.parts.unwrap();
        assert_eq!(parts, Parts { queued: us(20), kernel: us(10), waiting: us(50), running: us(10), writing: us(10) });
        assert_eq!(parts.sum(), slow.latency);
    }

    #[test]
    fn a_new_connection_is_in_the_kernel_from_its_dialling() {
        let (mut clients, mut connections) = served([130, 180, 190]);
        clients.dialled(us(105), ONE, 40_000);
        connections.by_id.get_mut(&ConnId(1)).unwrap().opened = us(125);
        clients.sent(us(120), ONE, us(20));
        clients.finished(us(200), ONE, Outcome::ErrorStatus, &connections, SLOW);
        let parts = clients.tail[0].parts.unwrap();
        assert_eq!((parts.queued, parts.kernel, parts.sum()), (us(5), us(25), us(100)));
    }

    #[test]
    fn clocks_that_disagree_still_add_up_and_what_is_not_known_is_not_told() {
        let (mut clients, connections) = served([90, 250, 190]);
        clients.dialled(Nanos::ZERO, ONE, 40_000);
        clients.sent(us(120), ONE, us(20));
        clients.finished(us(200), ONE, Outcome::Answered, &connections, SLOW);
        assert_eq!(clients.tail[0].parts.unwrap().sum(), us(100));
        // The next request: nothing was seen of it.
        clients.sent(us(300), ONE, us(0));
        clients.finished(us(1_000), ONE, Outcome::Answered, &connections, SLOW);
        assert_eq!((clients.tail[0].latency, clients.tail[0].parts), (us(700), None));
    }

    #[test]
    fn a_timeout_is_a_latency_and_a_reset_is_none() {
        let mut clients = Clients::default();
        for (outcome, n) in [(Outcome::Timeout, 1), (Outcome::Reset, 1), (Outcome::Answered, 2)] {
            clients.sent(us(100), ONE, Nanos::ZERO);
            clients.finished(us(10_000_100), ONE, outcome, &Connections::default(), SLOW);
            assert_eq!(clients.total.len(), n);
        }
        assert_eq!((clients.outcomes[Outcome::Reset as usize], clients.answered, clients.tail.len()), (1, 1, 3));
    }

    #[test]
    fn what_was_never_sent_counts_until_its_patience_ended_and_not_uncorrected() {
        let mut clients = Clients::default();
        clients.sent(us(900), ONE, us(800));
        clients.finished(us(1_000), ONE, Outcome::Answered, &Connections::default(), SLOW);
        assert_eq!(clients.gave_up(us(10_000_100), 3, us(10_000_000)), us(100));
        assert_eq!((clients.total.len(), clients.by_row[3].len(), clients.by_row[0].len()), (2, 1, 1));
        assert!(clients.total.max() >= 10_000_000_000);
        assert_eq!(clients.total_uncorrected.len(), 1);
        assert!(clients.recent_uncorrected.quantiles().max <= us(101) && clients.recent.quantiles().p50 >= us(890));
        let slow = clients.tail[0];
        assert_eq!((slow.client, slow.latency, slow.parts.unwrap().sum()), (NOBODY, us(10_000_000), us(10_000_000)));
        assert_eq!((clients.outcomes[Outcome::Timeout as usize], clients.in_flight), (1, 0));
    }

    #[test]
    fn lost_events_leave_no_debt() {
        let mut clients = Clients::default();
        clients.finished(us(5), ONE, Outcome::Answered, &Connections::default(), SLOW);
        assert_eq!((clients.in_flight, clients.total.len(), clients.answered), (0, 0, 1));
        clients.sent(us(10), ONE, Nanos::MAX);
        clients.sent(us(20), ONE, Nanos::ZERO);
        assert_eq!(clients.in_flight, 1);
        clients.backlog(0, 0);
        assert_eq!(clients.in_flight, 0);
        clients.hung_up(ONE, 7);
        assert_eq!(clients.connected, 0);
        clients.connected(ONE, 7);
        clients.connected(ONE, 7);
        assert_eq!(clients.connected, 1);
        clients.sent(us(30), ONE, Nanos::ZERO);
        assert!(clients.waits_at(7));
        assert_eq!((clients.waits_since(7), clients.waits_since(8)), (Some(us(30)), None));
        clients.load_began(Some(5));
        assert_eq!((clients.connected, clients.in_flight, clients.waits_at(7)), (0, 0, false));
    }

    #[test]
    fn the_tail_keeps_the_slowest() {
        let mut clients = Clients::default();
        for n in 0..1_000_u64 {
            let latency = (n * 7_919) % 1_000;
            clients.sent(us(10_000), ONE, Nanos::ZERO);
            clients.finished(us(10_000 + latency), ONE, Outcome::Answered, &Connections::default(), SLOW);
        }
        let latencies: Vec<_> = clients.tail.iter().map(|slow| slow.latency).collect();
        assert_eq!(latencies, (1_000 - MAX_TAIL as u64..1_000).rev().map(us).collect::<Vec<_>>());
    }

    #[test]
    fn a_mark_starts_the_figures_of_the_run_anew() {
        let mut clients = Clients::default();
        for at in [0, 1_000] {
            clients.sent(Nanos::millis(at), ONE, Nanos::ZERO);
            clients.finished(Nanos::millis(at + 1), ONE, Outcome::Answered, &Connections::default(), SLOW);
        }
        assert!((clients.throughput(Nanos::secs(2)) - 1.0).abs() < 1e-9);
        clients.reset_total(Nanos::secs(2));
        assert_eq!((clients.total.len(), clients.answered), (0, 0));
        assert!(clients.throughput(Nanos::secs(3)).abs() < 1e-9);
    }

    #[test]
    fn a_pause_of_the_load_is_no_time_in_which_little_was_answered() {
        let mut clients = Clients::default();
        let answer = |clients: &mut Clients, at: Nanos| {
            clients.sent(at, ONE, Nanos::ZERO);
            clients.finished(at, ONE, Outcome::Answered, &Connections::default(), SLOW);
        };
        // A pause before the first request is none of its time.
        clients.paused(Nanos::ZERO, true);
        clients.paused(Nanos::secs(1), false);
        (1..3).for_each(|at| answer(&mut clients, Nanos::secs(at)));
        clients.paused(Nanos::secs(3), true);
        assert!((clients.throughput(Nanos::secs(9)) - 1.0).abs() < 1e-9, "{}", clients.under_load(Nanos::secs(9)));
        clients.paused(Nanos::secs(9), false);
        (9..13).for_each(|at| answer(&mut clients, Nanos::secs(at)));
        assert_eq!(clients.under_load(Nanos::secs(13)), Nanos::secs(6));
        // Nor is one that goes on over a mark.
        clients.paused(Nanos::secs(13), true);
        clients.reset_total(Nanos::secs(14));
        assert_eq!(clients.under_load(Nanos::secs(20)), Nanos::ZERO);
        clients.paused(Nanos::secs(20), false);
        answer(&mut clients, Nanos::secs(20));
        assert!((clients.throughput(Nanos::secs(21)) - 1.0).abs() < 1e-9);
    }
}
