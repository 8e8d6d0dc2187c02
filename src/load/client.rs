//! One client: one connection at a time, and what the kernel says about it.
//!
//! Knows nothing of schedules, of the other clients and of time: [`super::clients`] decides, this dials, sends and receives.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::dialler::Dialler;
use super::request::Requests;
use super::response::{Parser, Progress};
use super::schedule::Due;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Outcome;

/// How far a client's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// There is none.
    Down,
    /// The kernel is at it.
    Dialling,
    /// It stands.
    Up,
}

/// The request a client carries.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Which, and when it was meant to be sent.
    pub due: Due,
    /// When its client's patience ends.
    pub deadline: Nanos,
    /// Whether its first byte has been sent.
    pub begun: bool,
    /// Bytes sent so far.
    pub sent: u64,
}

/// What came of receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing that completes anything.
    Nothing,
    /// A whole response, and whether the connection can be used again.
    Response {
        /// Its status.
        status: u16,
        /// Whether another request may follow on this connection.
        reusable: bool,
    },
    /// The connection is over, in this way.
    Over(Outcome),
}

/// A client.
#[derive(Debug)]
pub struct Client {
    socket: Option<OwnedFd>,
    parser: Parser,
    /// How far its connection is.
    pub line: Line,
    /// The local port of the connection, zero without one.
    pub port: u16,
    /// Tells the events of this connection from late ones of the one before.
    pub generation: u32,
    /// The request it carries.
    pub carried: Option<Carried>,
    /// When it goes on by itself: it waits before it dials again, or it thinks. Zero: it does neither.
    pub alarm: Nanos,
    /// When a dial without a request is given up.
    pub patience: Nanos,
    /// Connections in a row that brought no response.
    pub failures: u8,
}

impl Client {
    /// A client without a connection.
    pub fn new() -> Self {
        Self {
            socket: None,
            parser: Parser::default(),
            line: Line::Down,
            port: 0,
            generation: 0,
            carried: None,
            alarm: Nanos::ZERO,
            patience: Nanos::ZERO,
            failures: 0,
        }
    }

    /// Begins to connect, and asks `poll` for events, edge-triggered, under the client's number and this connection's generation.
    ///
    /// # Errors
    /// What the kernel says at once; the client has no connection then.
    pub fn dial(&mut self, poll: &OwnedFd, number: u32, dialler: &mut Dialler) -> io::Result<()> {
        let socket = dialler.dial(None)?;
        // Linux chooses the port in `connect`, not when the handshake is over.
        self.port = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?.port();
        self.generation = self.generation.wrapping_add(1);
        let token = EventData::new_u64(u64::from(self.generation) << 32 | u64::from(number));
        epoll::add(poll, &socket, token, EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET)?;
        self.socket = Some(socket);
        self.line = Line::Dialling;
        Ok(())
    }

    /// Whether the dial has come to its end: established, or the reason why not.
    pub fn dialled(&mut self) -> Result<(), Outcome> {
        let error = self.socket.as_ref().map_or(Ok(Err(Errno::NOTCONN)), rustix::net::sockopt::socket_error);
        match error {
            Ok(Ok(())) => {
                self.line = Line::Up;
                Ok(())
            }
            _ => Err(Outcome::Refused),
        }
    }

    /// Closes the connection. Whatever was read of a response is forgotten; the carried request stays.
    pub fn hang_up(&mut self) {
        self.socket = None;
        self.line = Line::Down;
        self.port = 0;
        self.parser.reset();
    }

    /// Sends what is left of the carried request, as much as the kernel takes.
    ///
    /// # Errors
    /// How the connection is over.
    pub fn send(&mut self, requests: &Requests) -> Result<(), Outcome> {
        let (Some(socket), Some(carried)) = (&self.socket, &mut self.carried) else { return Ok(()) };
        let row = carried.due.choice.row as usize;
        loop {
            let rest = requests.rest(row, carried.sent);
            if rest.is_empty() {
                return Ok(());
            }
            match rustix::net::send(socket, rest, SendFlags::NOSIGNAL) {
                Ok(n) => carried.sent += n as u64,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(outcome(error)),
            }
        }
    }

    /// Reads what is there. `closing`: the kernel has reported the end of the stream or an error, so that a short read is not the last.
    pub fn receive(&mut self, requests: &Requests, closing: bool, buffer: &mut [u8]) -> Received {
        let Some(socket) = &self.socket else { return Received::Nothing };
        loop {
            let read = rustix::net::recv(socket, &mut *buffer, RecvFlags::empty());
            let bytes = match read {
                Ok((_, 0)) => return self.ended(),
                Ok((_, n)) => &buffer[..n],
                Err(Errno::AGAIN) => return Received::Nothing,
                Err(Errno::INTR) => continue,
                Err(error) => return Received::Over(outcome(error)),
            };
            let Some(carried) = &self.carried else { return Received::Over(Outcome::Garbled) };
            match self.parser.feed(bytes) {
                Progress::More => {}
                Progress::Garbled => return Received::Over(Outcome::Garbled),
                Progress::Done { status, reusable, used } => {
                    // More than was asked for, or an answer before the question was out: what follows could not be told apart.
                    let clean = used == bytes.len() && requests.is_sent(carried.due.choice.row as usize, carried.sent);
                    return Received::Response { status, reusable: reusable && clean && !closing };
                }
            }
            // A short read has drained the socket, epoll(7) says; the next bytes are a new edge.
            if bytes.len() < buffer.len() && !closing {
                return Received::Nothing;
            }
        }
    }

    fn ended(&self) -> Received {
        match self.parser.closed() {
            Some(status) if self.carried.is_some() => Received::Response { status, reusable: false },
            _ => Received::Over(Outcome::Closed),
        }
    }
}

/// How an error of the kernel counts.
fn outcome(error: Errno) -> Outcome {
    match error {
        Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED => Outcome::Reset,
        Errno::CONNREFUSED => Outcome::Refused,
        Errno::TIMEDOUT => Outcome::Timeout,
        _ => Outcome::Closed,
    }
}
