//! Calls to another server, on the same loop: a client's sockets, registered where the clients' own are. It teaches that a server
//! that waits for another one need not wait: a call is one more descriptor in the interest list.
//!
//! A small HTTP/1.1 client: connections are kept and used again, there are at most [`MOST_SOCKETS`], further calls wait for one, and a call
//! that takes longer than [`PATIENCE`] has failed. What a call brings is handed to a callback; promises and futures are built on that
//! ([`super::handle`]). It knows nothing of whose request a call is made for, except the token to give back.

pub(super) mod response;
mod socket;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use mio::{Registry, Token};
use slab::Slab;

use self::socket::Socket;
use super::timers::Timers;
use crate::base::clock::Clock;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::{Probe, What};

/// How long a call may take.
pub const PATIENCE: Nanos = Nanos::secs(2);
/// Connections to the upstream at most.
pub const MOST_SOCKETS: usize = 256;
/// Calls that wait for a connection at most.
const MOST_WAITING: usize = 4096;
/// The bit in a token's place that says that it is one of these sockets.
const SOCKET: usize = 1 << 31;
/// The first serial number of these sockets: half of all, so that they are never taken for a client's connection.
const FIRST: u32 = 1 << 31;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was answered with a status of 400 or above.
    #[error("upstream answered {0}")]
    Status(u16),
    /// There is nobody.
    #[error("upstream refused the connection")]
    Refused,
    /// The connection ended before the answer did.
    #[error("upstream closed the connection")]
    Closed,
    /// It took too long.
    #[error("upstream took too long")]
    TimedOut,
    /// What came back could not be read, or was too long.
    #[error("upstream answered nonsense")]
    Garbled,
    /// Too many calls wait already, or no socket is to be had.
    #[error("too many upstream calls")]
    Busy,
}

/// What a call brought.
pub type Outcome = Result<String, Failure>;

/// A call to be made.
pub struct Call {
    /// Whose request it is made for.
    pub owner: Token,
    /// The path to ask for.
    pub path: String,
    /// Whether it is made for the second time: see [`Upstream::go_on`].
    pub again: bool,
    /// What is done with the outcome.
    pub done: Box<dyn FnOnce(Outcome)>,
}

/// A call that is over.
#[derive(Debug)]
pub struct Over {
    /// The call.
    pub call: Call,
    /// What came of it.
    pub outcome: Outcome,
}

/// What of the loop a client needs.
pub(super) struct Reach<'a, P> {
    pub registry: &'a Registry,
    pub timers: &'a mut Timers,
    pub probe: &'a mut P,
    pub clock: Clock,
}

/// The client.
pub struct Upstream {
    address: Option<SocketAddr>,
    sockets: Slab<Socket>,
    /// Those that are connected and have no call; the one used last comes first, so that what is not needed grows old.
    idle: Vec<usize>,
    waiting: VecDeque<Call>,
    serial: u32,
}

impl Upstream {
    /// A client of this server.
    pub fn new(address: Option<SocketAddr>) -> Self {
        Self { address, sockets: Slab::new(), idle: Vec::new(), waiting: VecDeque::new(), serial: 0 }
    }

    /// The socket of this token, if it is one.
    pub fn whose(&self, token: Token) -> Option<ConnId> {
        if token.0 & SOCKET == 0 {
            return None;
        }
        let id = ConnId((token.0 >> 32) as u32);
        self.sockets.get(place(token)).is_some_and(|socket| socket.id == id).then_some(id)
    }

    /// For whose request the call is made that this socket has, if it has one.
    pub fn owner(&self, token: Token) -> Option<Token> {
        self.whose(token)?;
        self.sockets.get(place(token))?.owner()
    }

    /// Makes a call, as soon as there is a connection for it. The call itself, where it has failed already.
    pub(super) fn start<P: Probe>(&mut self, call: Call, reach: &mut Reach<'_, P>) -> Option<Over> {
        let Some(address) = self.address else { return Some(call.over(Err(Failure::Refused))) };
        if let Some(place) = self.idle.pop() {
            return self.use_again(place, call, reach);
        }
        if self.sockets.len() < MOST_SOCKETS {
            return self.dial(address, call, reach);
        }
        if self.waiting.len() >= MOST_WAITING {
            return Some(call.over(Err(Failure::Busy)));
        }
        self.waiting.push_back(call);
        None
    }

    fn dial<P: Probe>(&mut self, address: SocketAddr, call: Call, reach: &mut Reach<'_, P>) -> Option<Over> {
        self.serial = (self.serial + 1) % FIRST;
        let id = ConnId(FIRST | self.serial);
        let entry = self.sockets.vacant_entry();
        let place = entry.key();
        match Socket::dial(address, id, token(id, place), reach.registry) {
            Ok(socket) => {
                entry.insert(socket);
                self.begin(place, call, reach);
                None
            }
            // No descriptor is left, or no port.
            Err(_) => Some(call.over(Err(Failure::Busy))),
        }
    }

    fn use_again<P: Probe>(&mut self, place: usize, call: Call, reach: &mut Reach<'_, P>) -> Option<Over> {
        self.begin(place, call, reach);
        self.go_on(place, reach)
    }

    fn begin<P: Probe>(&mut self, place: usize, call: Call, reach: &mut Reach<'_, P>) {
        let socket = &mut self.sockets[place];
        let due = reach.clock.now() + PATIENCE;
        let timer = reach.timers.set(due, token(socket.id, place));
        if !call.again {
            reach.probe.note_now(What::Called { conn: owner(call.owner), socket: socket.id });
        }
        socket.begin(call, timer);
    }

    /// Something has happened to this socket: it is ready, or its call has waited for too long. The call that is over by that.
    pub(super) fn ready<P: Probe>(&mut self, token: Token, reach: &mut Reach<'_, P>) -> Option<Over> {
        self.whose(token)?;
        self.go_on(place(token), reach)
    }

    fn go_on<P: Probe>(&mut self, place: usize, reach: &mut Reach<'_, P>) -> Option<Over> {
        let socket = &mut self.sockets[place];
        let was_idle = socket.is_idle();
        let outcome = match socket.go_on(token(socket.id, place), reach) {
            socket::Next::Wait => return None,
            socket::Next::Kept(outcome) => outcome,
            socket::Next::Ended(outcome) => {
                let mut socket = self.sockets.remove(place);
                if was_idle {
                    self.idle.retain(|kept| *kept != place);
                    return None;
                }
                let call = socket.end(reach.timers)?;
                // The other side may have closed a kept connection just when we used it again: that is not the call's fault.
                if socket.was_used && outcome == Err(Failure::Closed) && !socket.has_input() && !call.again {
                    return self.start(Call { again: true, ..call }, reach);
                }
                return Some(Self::over(call, outcome, reach));
            }
        };
        let call = socket.end(reach.timers)?;
        self.idle.push(place);
        Some(Self::over(call, outcome, reach))
    }

    fn over<P: Probe>(call: Call, outcome: Outcome, reach: &mut Reach<'_, P>) -> Over {
        let status = match outcome {
            Ok(_) => 200,
            Err(Failure::Status(status)) => status,
            Err(_) => 0,
        };
        reach.probe.note_now(What::CallEnded { conn: owner(call.owner), status: u32::from(status) });
        call.over(outcome)
    }

    /// The next call that waits for a connection, if there is one for it now.
    pub fn next_waiting(&mut self) -> Option<Call> {
        let room = !self.idle.is_empty() || self.sockets.len() < MOST_SOCKETS;
        if room { self.waiting.pop_front() } else { None }
    }
}

impl Call {
    fn over(self, outcome: Outcome) -> Over {
        Over { call: self, outcome }
    }
}

fn token(id: ConnId, place: usize) -> Token {
    Token((id.0 as usize) << 32 | SOCKET | place)
}

fn place(token: Token) -> usize {
    token.0 & 0xFFFF_FFFF & !SOCKET
}

/// The connection whose request a call is made for.
fn owner(token: Token) -> ConnId {
    ConnId((token.0 >> 32) as u32)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("path", &self.path).finish_non_exhaustive()
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("address", &self.address).field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}
