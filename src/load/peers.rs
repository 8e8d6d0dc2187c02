//! Peers: clients that send without waiting for answers, and read slowly or not. Nothing of them is measured.
//!
//! Each has a little to do whenever its time comes or its socket can be used; no turn is longer than one send and one read, so that the
//! clients that are measured are never late because of them.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::dialler::Dialler;
use super::plan::{Peers as Plan, Row};
use super::request::Requests;
use crate::base::units::Nanos;

/// In a token's number: it is a peer's, not a client's.
pub const PEER: u32 = 1 << 31;
/// How often a peer that has a rate goes on.
const PACE: Nanos = Nanos::millis(10);
/// How long a peer without a connection waits before it dials.
const RETRY: Nanos = Nanos::millis(100);
/// What one send or one read takes at most.
const AT_ONCE: usize = 64 * 1024;
/// The receive buffer of a slow reader: a large one would hide for long that it does not read.
const SMALL_BUFFER: usize = 16 * 1024;

/// All peers of a load.
#[derive(Debug)]
pub struct Peers {
    target: SocketAddr,
    dialler: Dialler,
    all: Vec<Peer>,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Peer {
    plan: Plan,
    socket: Option<OwnedFd>,
    generation: u32,
    readable: bool,
    writable: bool,
    /// Requests, one after the other, and the length of one.
    requests: Vec<u8>,
    length: usize,
    /// Where in them the next byte to send is.
    at: usize,
    /// Bytes that it may send and read by now, if it has rates.
    may_send: f64,
    may_read: f64,
    /// When it last went on, and when it may dial again.
    since: Nanos,
    dial_at: Nanos,
}

impl Peers {
    /// The peers of this plan; they dial at the first [`Peers::turn`].
    ///
    /// # Errors
    /// `InvalidInput` for a path that is none.
    pub fn new(plans: &[Plan], target: SocketAddr) -> io::Result<Self> {
        let mut peers = Self { target, dialler: Dialler::new(target), all: Vec::new(), buffer: Box::default() };
        plans.iter().try_for_each(|plan| peers.add(plan))?;
        Ok(peers)
    }

    fn add(&mut self, plan: &Plan) -> io::Result<()> {
        let row = Row { path: plan.path.clone(), weight: 1, body: 0 };
        let one = Requests::new(&[row], self.target)?.rest(0, 0).to_vec();
        let many = if plan.rate.is_some() { 1 } else { (AT_ONCE / one.len()).max(1) };
        if self.buffer.is_empty() {
            self.buffer = vec![0; AT_ONCE].into_boxed_slice();
        }
        for _ in 0..plan.count {
            self.all.push(Peer {
                plan: plan.clone(),
                socket: None,
                generation: 0,
                readable: false,
                writable: false,
                requests: one.repeat(many),
                length: one.len(),
                at: 0,
                may_send: 0.0,
                may_read: 0.0,
                since: Nanos::ZERO,
                dial_at: Nanos::ZERO,
            });
        }
        Ok(())
    }

    /// Adds a greedy peer, or takes it away.
    pub fn greedy(&mut self, on: bool) {
        let greedy = Plan::greedy();
        self.all.retain(|peer| peer.plan != greedy);
        if on {
            // Its path is one of ours.
            let _ = self.add(&greedy);
        }
    }

    /// Hangs up; no peer is left.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// An event of a peer's connection.
    pub fn ready(&mut self, n: u32, generation: u32, flags: EventFlags) {
        let Some(peer) = self.all.get_mut(n as usize).filter(|peer| peer.generation == generation) else { return };
        if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            return peer.hang_up();
        }
        peer.readable |= flags.intersects(EventFlags::IN | EventFlags::RDHUP);
        peer.writable |= flags.contains(EventFlags::OUT);
    }

    /// Each does what it can now.
    pub fn turn(&mut self, now: Nanos, poll: &OwnedFd, paused: bool) {
        for (n, peer) in self.all.iter_mut().enumerate() {
            let elapsed = now.since(peer.since.max(now.since(Nanos::secs(1)))).as_secs();
            peer.since = now;
            if peer.socket.is_none() {
                if now >= peer.dial_at {
                    peer.dial_at = now + RETRY;
                    // What fails now is tried again.
                    let _ = peer.dial(poll, n as u32, &mut self.dialler);
                }
                continue;
            }
            if peer.readable {
                peer.read(elapsed, &mut self.buffer);
            }
            if peer.writable && !paused {
                peer.send(elapsed);
            }
        }
    }

    /// When [`Peers::turn`] is next needed, if nothing happens before.
    pub fn next(&self, paused: bool) -> Nanos {
        self.all.iter().map(|peer| peer.next(paused)).min().unwrap_or(Nanos::MAX)
    }
}

impl Peer {
    fn dial(&mut self, poll: &OwnedFd, number: u32, dialler: &mut Dialler) -> io::Result<()> {
        let socket = dialler.dial(self.plan.read_rate.map(|_| SMALL_BUFFER))?;
        self.generation = self.generation.wrapping_add(1);
        let token = EventData::new_u64(u64::from(self.generation) << 32 | u64::from(number | PEER));
        epoll::add(poll, &socket, token, EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET)?;
        (self.readable, self.writable, self.at) = (false, false, 0);
        (self.may_send, self.may_read) = (0.0, 0.0);
        self.socket = Some(socket);
        Ok(())
    }

    fn hang_up(&mut self) {
        self.socket = None;
        self.dial_at = self.since + RETRY;
    }

    /// Reads once, and throws away what it reads.
    fn read(&mut self, passed: f64, buffer: &mut [u8]) {
        let Some(socket) = &self.socket else { return };
        let most = match self.plan.read_rate {
            None => buffer.len(),
            Some(rate) => {
                self.may_read = (self.may_read + rate * passed).min(rate);
                buffer.len().min(self.may_read as usize)
            }
        };
        if most == 0 {
            return;
        }
        match rustix::net::recv(socket, &mut buffer[..most], RecvFlags::empty()) {
            Ok((_, 0)) => self.hang_up(),
            Ok((_, n)) => self.may_read -= n as f64,
            Err(Errno::AGAIN) => self.readable = false,
            Err(Errno::INTR) => {}
            Err(_) => self.hang_up(),
        }
    }

    /// Sends once.
    fn send(&mut self, passed: f64) {
        let Some(socket) = &self.socket else { return };
        let rest = self.requests.len() - self.at;
        let most = match self.plan.rate {
            None => rest,
            Some(rate) => {
                let bytes = rate * self.length as f64;
                // What the kernel did not take for a while is not owed.
                self.may_send = (self.may_send + bytes * passed).min(bytes.max(self.length as f64));
                rest.min(self.may_send as usize)
            }
        };
        if most == 0 {
            return;
        }
        match rustix::net::send(socket, &self.requests[self.at..self.at + most], SendFlags::NOSIGNAL) {
            Ok(n) => {
                self.at = (self.at + n) % self.requests.len();
                self.may_send -= n as f64;
            }
            Err(Errno::AGAIN) => self.writable = false,
            Err(Errno::INTR) => {}
            Err(_) => self.hang_up(),
        }
    }

    fn next(&self, paused: bool) -> Nanos {
        if self.socket.is_none() {
            return self.dial_at;
        }
        let at_once = |can: bool, rate: Option<f64>| match rate {
            _ if !can => Nanos::MAX,
            None => Nanos::ZERO,
            Some(_) => self.since + PACE,
        };
        at_once(self.readable, self.plan.read_rate).min(at_once(self.writable && !paused, self.plan.rate))
    }
}
