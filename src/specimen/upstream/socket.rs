//! One connection to the upstream: dials without waiting, sends its call, reads until the answer is whole.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::response::{self, Found};
use super::{Call, Failure, Outcome, Reach};
use crate::base::ids::ConnId;
use crate::specimen::timers::{Key, Timers};
use crate::telemetry::{Probe, What};

/// A connection, with its call if it has one.
pub(super) struct Socket {
    pub id: ConnId,
    stream: TcpStream,
    connected: bool,
    /// The kernel tells us when it can take bytes.
    waits_to_write: bool,
    /// It has answered a call before the one that it has now.
    pub was_used: bool,
    output: Vec<u8>,
    sent: usize,
    input: Vec<u8>,
    call: Option<(Call, Key)>,
}

/// What became of it.
pub(super) enum Next {
    /// It waits.
    Wait,
    /// Its call is over, and it can take another.
    Kept(Outcome),
    /// It is of no use any more; its call, if it has one, has ended in this way.
    Ended(Outcome),
}

impl Socket {
    /// Begins to connect: whether that works shows when the socket becomes writable.
    pub fn dial(address: SocketAddr, id: ConnId, token: Token, registry: &Registry) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        // A call is one small write; waiting for more to send would only make it late. Without it, it is late.
        let _ = stream.set_nodelay(true);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            id,
            stream,
            connected: false,
            waits_to_write: true,
            was_used: false,
            output: Vec::new(),
            sent: 0,
            input: Vec::new(),
            call: None,
        })
    }

    pub fn is_idle(&self) -> bool {
        self.call.is_none()
    }

    /// For whose request its call is made, if it has one.
    pub fn owner(&self) -> Option<Token> {
        self.call.as_ref().map(|(call, _)| call.owner)
    }

    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Takes a call; its timer is set.
    pub fn begin(&mut self, call: Call, timer: Key) {
        self.output.clear();
        self.sent = 0;
        for part in ["GET ", &call.path, " HTTP/1.1\r\nHost: upstream\r\n\r\n"] {
            self.output.extend_from_slice(part.as_bytes());
        }
        self.call = Some((call, timer));
    }

    /// Gives up its call.
    pub fn end(&mut self, timers: &mut Timers) -> Option<Call> {
        let (call, timer) = self.call.take()?;
        timers.cancel(timer);
        Some(call)
    }

    /// Goes on as far as it can.
    pub fn go_on<P: Probe>(&mut self, token: Token, reach: &mut Reach<'_, P>) -> Next {
        if let Some((_, (due, _))) = &self.call
            && reach.clock.now() >= *due
        {
            return Next::Ended(Err(Failure::TimedOut));
        }
        if !self.connected {
            if self.stream.take_error().is_ok_and(|error| error.is_some()) {
                return Next::Ended(Err(Failure::Refused));
            }
            match self.stream.peer_addr() {
                Ok(_) => self.connected = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Next::Wait,
                Err(_) => return Next::Ended(Err(Failure::Refused)),
            }
        }
        if self.send(token, reach).is_err() {
            return Next::Ended(Err(Failure::Closed));
        }
        let ended = match self.read(reach) {
            Ok(ended) => ended,
            Err(failure) => return Next::Ended(Err(failure)),
        };
        if self.call.is_none() {
            // Nobody asked: whatever has come makes no sense.
            return if ended || self.has_input() { Next::Ended(Err(Failure::Closed)) } else { Next::Wait };
        }
        match response::find(&self.input) {
            Found::Whole { status, body, keeps_alive } => {
                let text = String::from_utf8_lossy(&self.input[body]).into_owned();
                let outcome = if status < 400 { Ok(text) } else { Err(Failure::Status(status)) };
                self.input.clear();
                self.was_used = true;
                if keeps_alive && !ended { Next::Kept(outcome) } else { Next::Ended(outcome) }
            }
            Found::Part if ended => Next::Ended(Err(Failure::Closed)),
            Found::Part => Next::Wait,
            Found::Nonsense => Next::Ended(Err(Failure::Garbled)),
        }
    }

    fn send<P: Probe>(&mut self, token: Token, reach: &mut Reach<'_, P>) -> io::Result<()> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(n) => {
                    self.sent += n;
                    reach.probe.note_now(What::Wrote { conn: self.id, bytes: n as u32 });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let waits = self.sent < self.output.len();
        if waits != self.waits_to_write {
            // Room to write is asked for only while it is waited for: each answer would come with an edge of it.
            let interest = if waits { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            reach.registry.reregister(&mut self.stream, token, interest)?;
            self.waits_to_write = waits;
        }
        Ok(())
    }

    /// Reads until the kernel has no more; whether the other side has closed.
    fn read<P: Probe>(&mut self, reach: &mut Reach<'_, P>) -> Result<bool, Failure> {
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(true),
                Ok(n) => {
                    reach.probe.note_now(What::Read { conn: self.id, bytes: n as u32 });
                    self.input.extend_from_slice(&chunk[..n]);
                    if self.input.len() > response::LONGEST {
                        return Err(Failure::Garbled);
                    }
                    if n < chunk.len() {
                        return Ok(false);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(Failure::Closed),
                },
            }
        }
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("id", &self.id).field("call", &self.call).finish_non_exhaustive()
    }
}
