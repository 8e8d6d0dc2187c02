//! The open connections of a specimen: identity, state of the state machine, interest, traffic.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{Cause, CloseReason, Handler};

/// Connections that are kept with their identity; more are only counted.
pub const MAX_CONNECTIONS: usize = 65_536;

/// Connections whose last exchange is kept for a moment after they were closed.
const MAX_DEPARTED: usize = 256;

/// A map whose keys are serial numbers or ports.
pub type SerialMap<K, V> = HashMap<K, V, BuildHasherDefault<SerialHasher>>;

/// Spreads serial numbers: one multiplication by an odd number, under which different 32-bit keys keep different low bits.
///
/// `SipHash` costs more than the rest of an event's fold. Its protection is not needed here: the keys are our own serials, and ports,
/// of which there are too few to collide.
#[derive(Clone, Copy, Debug, Default)]
pub struct SerialHasher(u64);

impl Hasher for SerialHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// All open connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connections {
    /// Which worker process's they are, where there are such.
    pub process: Option<u8>,
    /// How many are open.
    pub open: u32,
    /// Accepted so far.
    pub accepted: u64,
    /// Closed so far, those that went with their process included.
    pub closed: u64,
    /// Closed by the server so far, by [`CloseReason`].
    pub closed_for: [u64; CloseReason::COUNT],
    /// Times that accepting failed, and the last `errno`.
    pub accept_failed: (u64, u32),
    /// Those that are kept, by identity.
    pub by_id: SerialMap<ConnId, Connection>,
    /// Which connection has which peer's port: how clients and connections find each other.
    pub by_port: SerialMap<u16, ConnId>,
    /// Those whose `unread` was set in the present round of samples.
    sampled: Vec<ConnId>,
    /// Events were lost since the process began.
    doubtful: bool,
    /// Those that were closed last: a client learns of its response's end after the server has forgotten it.
    departed: VecDeque<(u16, ConnId, Nanos, Exchange)>,
}

/// One open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its identity.
    pub id: ConnId,
    /// Its descriptor.
    pub fd: u16,
    /// Its peer's port.
    pub port: u16,
    /// Accepted when.
    pub opened: Nanos,
    /// Where in its exchange it is.
    pub stage: Stage,
    /// Since when.
    pub since: Nanos,
    /// What the loop wants to hear of.
    pub interest: Readiness,
    /// What the present or last request asked for.
    pub handler: Option<Handler>,
    /// Requests so far.
    pub requests: u32,
    /// Bytes queued and not taken by the kernel.
    pub unsent: u32,
    /// Bytes that the kernel holds for it unread, as last sampled.
    pub unread: u32,
    /// Bytes read so far.
    pub bytes_in: u64,
    /// Bytes written so far.
    pub bytes_out: u64,
    /// Since when its peer has closed, as far as the loop was told.
    pub left: Option<Nanos>,
    /// The present or last exchange.
    pub(super) exchange: Exchange,
}

/// Where in its exchange a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Waiting for the client.
    Idle,
    /// Part of a request is read.
    Reading,
    /// Ready, its callback has not started.
    Ready,
    /// Its callback runs.
    Running,
    /// Its request waits for a timer, a worker or a task.
    Pending,
    /// A response is not fully taken by the kernel.
    Writing,
}

/// The moments of the present or last request and response, as the loop saw them. A moment that was not seen is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// When the kernel first reported bytes of it.
    pub ready: Nanos,
    /// When the first callback for it began.
    pub began: Nanos,
    /// When its response was queued.
    pub responded: Nanos,
    /// Bytes were read that do not make a request yet.
    partial: bool,
    /// A request has no response yet.
    pending: bool,
}

impl Connections {
    /// The connection with this identity, if it is open and kept.
    pub fn get(&self, id: ConnId) -> Option<&Connection> {
        self.by_id.get(&id)
    }

    /// All that are kept, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.by_id.values()
    }

    pub(super) fn opened(&mut self, at: Nanos, id: ConnId, port: u16, fd: u16) {
        self.accepted += 1;
        self.open = self.open.saturating_add(1);
        if self.by_id.len() >= MAX_CONNECTIONS {
            return;
        }
        let connection = Connection {
            id,
            fd,
            port,
            opened: at,
            stage: Stage::Idle,
            since: at,
            interest: Readiness::READABLE,
            handler: None,
            requests: 0,
            unsent: 0,
            unread: 0,
            bytes_in: 0,
            bytes_out: 0,
            left: None,
            exchange: Exchange::default(),
        };
        if self.by_id.insert(id, connection).is_some() {
            self.open -= 1; // The same serial twice: its closing was lost.
        }
        if let Some(before) = self.by_port.insert(port, id)
            && self.doubtful
            && before != id
            && self.by_id.remove(&before).is_some()
        {
            self.open = self.open.saturating_sub(1).max(self.by_id.len() as u32);
        }
    }

    /// Events were lost: the closing of a connection may be among them. Who comes from its port is its successor.
    ///
    /// Without a loss they are two peers at different addresses.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
    }

    pub(super) fn closed(&mut self, id: ConnId, reason: CloseReason) {
        self.closed += 1;
        self.closed_for[reason as usize] += 1;
        if let Some(gone) = self.by_id.remove(&id) {
            if self.by_port.get(&gone.port) == Some(&id) {
                self.by_port.remove(&gone.port);
            }
            if self.departed.len() == MAX_DEPARTED {
                self.departed.pop_front();
            }
            self.departed.push_back((gone.port, gone.id, gone.opened, gone.exchange));
        }
        self.open = self.open.saturating_sub(1).max(self.by_id.len() as u32);
    }

    /// The last exchange with the peer at this port, also where the connection was closed right after it; whose it is, and when that was accepted.
    pub(super) fn exchange(&self, port: u16) -> Option<(ConnId, Nanos, Exchange)> {
        match self.by_port.get(&port).and_then(|id| self.by_id.get(id)) {
            Some(connection) => Some((connection.id, connection.opened, connection.exchange)),
            None => self.departed.iter().rev().find(|(p, ..)| *p == port).map(|(_, id, opened, exchange)| (*id, *opened, *exchange)),
        }
    }

    /// All are gone with their process. How many there were.
    pub(super) fn end(&mut self) -> u32 {
        let open = std::mem::take(&mut self.open);
        self.closed += u64::from(open);
        self.by_id.clear();
        self.by_port.clear();
        self.sampled.clear();
        self.departed.clear();
        self.doubtful = false;
        open
    }

    /// Bytes beside the two maps.
    pub(super) fn beside(&self) -> usize {
        self.sampled.capacity() * size_of::<ConnId>() + self.departed.capacity() * size_of::<(u16, ConnId, Nanos, Exchange)>()
    }

    #[inline]
    pub(super) fn of(&mut self, id: ConnId) -> Option<&mut Connection> {
        if id.is_some() { self.by_id.get_mut(&id) } else { None }
    }

    /// A new round of samples: what was unread before may have been read.
    pub(super) fn sample(&mut self) {
        for id in std::mem::take(&mut self.sampled) {
            if let Some(connection) = self.by_id.get_mut(&id) {
                connection.unread = 0;
            }
        }
    }

    pub(super) fn unread(&mut self, port: u16, bytes: u32) {
        if let Some(id) = self.by_port.get(&port)
            && let Some(connection) = self.by_id.get_mut(id)
            && self.sampled.len() < MAX_CONNECTIONS
        {
            connection.unread = bytes;
            self.sampled.push(*id);
        }
    }
}

impl Connection {
    #[inline]
    fn enter(&mut self, stage: Stage, at: Nanos) {
        if self.stage != stage {
            self.stage = stage;
            self.since = at;
        }
    }

    #[inline]
    pub(super) fn ready(&mut self, at: Nanos, readiness: Readiness) {
        if !self.exchange.partial && !self.exchange.pending && readiness.has(Readiness::READABLE) {
            self.exchange = Exchange { ready: at, ..Exchange::default() };
        }
        if readiness.has(Readiness::CLOSED) && self.left.is_none() {
            self.left = Some(at);
        }
        self.enter(Stage::Ready, at);
    }

    #[inline]
    pub(super) fn began(&mut self, at: Nanos, cause: Cause) {
        if cause == Cause::Readable && self.exchange.began == Nanos::ZERO {
            self.exchange.began = at;
        }
        self.enter(Stage::Running, at);
    }

    #[inline]
    pub(super) fn read(&mut self, bytes: u32) {
        self.bytes_in += u64::from(bytes);
        self.exchange.partial |= bytes > 0;
    }

    #[inline]
    pub(super) fn requested(&mut self, at: Nanos, handler: Handler) {
        self.handler = Some(handler);
        self.requests = self.requests.saturating_add(1);
        let exchange = &mut self.exchange;
        exchange.partial = false;
        exchange.pending = true;
        if exchange.began == Nanos::ZERO {
            exchange.began = at; // Read in the same breath as accepted, or its beginning was lost.
        }
        if exchange.ready == Nanos::ZERO {
            exchange.ready = exchange.began;
        }
    }

    #[inline]
    pub(super) fn responded(&mut self, at: Nanos) {
        self.exchange.responded = at;
        self.exchange.pending = false;
    }

    #[inline]
    pub(super) fn wrote(&mut self, bytes: u32) {
        self.bytes_out += u64::from(bytes);
        self.unsent = self.unsent.saturating_sub(bytes);
    }

    /// Work for it was put off: to a timer, a task or a worker.
    pub(super) fn put_off(&mut self, handler: Option<Handler>) {
        self.exchange.pending = true;
        self.handler = handler.or(self.handler);
    }

    /// Since when a part of its request has been there, while the rest has not.
    pub(super) fn half_sent_since(&self) -> Option<Nanos> {
        let known = [self.exchange.ready, self.exchange.began].into_iter().find(|at| *at > Nanos::ZERO);
        self.exchange.partial.then(|| known.unwrap_or(self.opened))
    }

    /// Its callback is over.
    #[inline]
    pub(super) fn rested(&mut self, at: Nanos) {
        let stage = match (self.unsent > 0, self.exchange.pending, self.exchange.partial) {
            (true, ..) => Stage::Writing,
            (_, true, _) => Stage::Pending,
            (.., true) => Stage::Reading,
            _ => Stage::Idle,
        };
        self.enter(stage, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Connections {
        let mut all = Connections::default();
        all.opened(Nanos(1), ConnId(1), 40_000, 7);
        all
    }

    #[test]
    fn a_connection_goes_through_its_stages() {
        let mut all = one();
        let stage = |all: &Connections| all.get(ConnId(1)).unwrap().stage;
        assert_eq!(stage(&all), Stage::Idle);
        all.of(ConnId(1)).unwrap().ready(Nanos(10), Readiness::READABLE);
        assert_eq!(stage(&all), Stage::Ready);
        all.of(ConnId(1)).unwrap().began(Nanos(12), Cause::Readable);
        assert_eq!(stage(&all), Stage::Running);
        all.of(ConnId(1)).unwrap().read(40);
        all.of(ConnId(1)).unwrap().rested(Nanos(13));
        assert_eq!(stage(&all), Stage::Reading);
        // The rest of the request: the exchange keeps its first moments.
        all.of(ConnId(1)).unwrap().ready(Nanos(20), Readiness::READABLE);
        all.of(ConnId(1)).unwrap().began(Nanos(21), Cause::Readable);
        all.of(ConnId(1)).unwrap().requested(Nanos(21), Handler::Sleep);
        all.of(ConnId(1)).unwrap().rested(Nanos(22));
        assert_eq!(stage(&all), Stage::Pending);
        all.of(ConnId(1)).unwrap().began(Nanos(30), Cause::Timer);
        all.of(ConnId(1)).unwrap().responded(Nanos(31));
        all.of(ConnId(1)).unwrap().unsent = 5;
        all.of(ConnId(1)).unwrap().rested(Nanos(32));
        assert_eq!(stage(&all), Stage::Writing);
        all.of(ConnId(1)).unwrap().wrote(9);
        all.of(ConnId(1)).unwrap().rested(Nanos(33));
        let connection = all.get(ConnId(1)).unwrap();
        assert_eq!((connection.stage, connection.since, connection.unsent, connection.requests), (Stage::Idle, Nanos(33), 0, 1));
        let Exchange { ready, began, responded, .. } = connection.exchange;
        assert_eq!((ready, began, responded), (Nanos(10), Nanos(12), Nanos(31)));
    }

    #[test]
    fn counts_never_fall_below_what_is_kept() {
        let mut all = one();
        all.opened(Nanos(2), ConnId(1), 40_000, 7);
        assert_eq!((all.open, all.by_id.len()), (1, 1));
        all.closed(ConnId(77), CloseReason::Finished);
        all.closed(ConnId(1), CloseReason::PeerClosed);
        all.closed(ConnId(1), CloseReason::PeerClosed);
        assert_eq!((all.open, all.closed, all.by_id.len(), all.by_port.len()), (0, 3, 0, 0));
    }

    #[test]
    fn a_port_that_was_used_again_keeps_its_new_connection() {
        let mut all = one();
        all.opened(Nanos(2), ConnId(2), 40_000, 8);
        all.closed(ConnId(1), CloseReason::PeerClosed);
        assert_eq!(all.by_port.get(&40_000), Some(&ConnId(2)));
    }

    #[test]
    fn unread_bytes_last_for_one_round() {
        let mut all = one();
        all.unread(40_000, 512);
        all.unread(50_000, 512);
        assert_eq!(all.get(ConnId(1)).unwrap().unread, 512);
        all.sample();
        assert_eq!(all.get(ConnId(1)).unwrap().unread, 0);
    }

    #[test]
    fn all_go_with_their_process() {
        let mut all = one();
        assert_eq!(all.end(), 1);
        assert_eq!((all.open, all.accepted, all.closed, all.by_id.len()), (0, 1, 1, 0));
    }
}
