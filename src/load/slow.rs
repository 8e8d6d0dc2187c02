//! Slow senders: clients that begin a request and never finish it, a byte at a time. One such client costs its sender next to nothing,
//! and the server a connection for as long as it is patient.
//!
//! They are looked after ten times a second, all at once, and without the poll of the other clients: that is often enough for them.
//! Nothing is measured with them; the specimen reports their connections as it does any other.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::dialler::Dialler;
use crate::base::units::Nanos;

/// The most there can be.
pub const MOST: u32 = 4096;
/// A byte of each in this time.
const PACE: Nanos = Nanos::millis(100);
/// Dials that are begun at once: so they come within seconds, and do not overflow the listener's queue.
const DIALS: usize = 10;
/// How long one rests that was hung up on.
const REST: Nanos = Nanos::secs(1);
/// How a head begins. What follows is a field's value that does not end.
const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: loopscope\r\nUser-Agent: loopscope, slowly\r\nX-Value: ";

#[derive(Debug, Default)]
struct Sender {
    socket: Option<OwnedFd>,
    sent: usize,
    /// When it dials again.
    rested: Nanos,
}

/// The slow senders of one load.
#[derive(Debug)]
pub struct SlowSenders {
    dialler: Dialler,
    senders: Vec<Sender>,
    due: Nanos,
}

impl SlowSenders {
    /// None, so far.
    pub fn new(target: SocketAddr) -> Self {
        Self { dialler: Dialler::new(target), senders: Vec::new(), due: Nanos::ZERO }
    }

    /// From here on so many; those that are too many hang up.
    pub fn want(&mut self, wanted: u32) {
        self.senders.resize_with(wanted.min(MOST) as usize, Sender::default);
    }

    /// When [`SlowSenders::turn`] is next needed.
    pub fn next(&self) -> Nanos {
        if self.senders.is_empty() { Nanos::MAX } else { self.due }
    }

    /// One byte each, if it is time.
    pub fn turn(&mut self, now: Nanos) {
        if now < self.next() {
            return;
        }
        self.due = now + PACE;
        let mut dials = DIALS;
        for sender in &mut self.senders {
            match &sender.socket {
                Some(socket) => {
                    let byte = HEAD.get(sender.sent).copied().unwrap_or(b'a');
                    match trickle(socket, byte) {
                        Ok(sent) => sender.sent = sender.sent.saturating_add(sent),
                        Err(_) => *sender = Sender { rested: now + REST, ..Sender::default() },
                    }
                }
                None if dials > 0 && sender.rested <= now => {
                    dials -= 1;
                    *sender = Sender { socket: self.dialler.dial(None).ok(), sent: 0, rested: now + REST };
                }
                None => {}
            }
        }
    }

    #[cfg(test)]
    fn connected(&self) -> usize {
        self.senders.iter().filter(|sender| sender.socket.is_some()).count()
    }
}

/// Sends one byte, unless the server has said anything, even if only goodbye: then it is over.
fn trickle(socket: &OwnedFd, byte: u8) -> Result<usize, Errno> {
    match rustix::net::recv(socket, &mut [0; 16], RecvFlags::empty()) {
        Err(Errno::AGAIN | Errno::INTR | Errno::NOTCONN) => {}
        Ok(_) => return Err(Errno::CONNRESET),
        Err(error) => return Err(error),
    }
    match rustix::net::send(socket, &[byte], SendFlags::NOSIGNAL) {
        Ok(sent) => Ok(sent),
        Err(Errno::AGAIN | Errno::INTR | Errno::NOTCONN) => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_comes_byte_by_byte_and_never_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut slow = SlowSenders::new(listener.local_addr().unwrap());
        assert_eq!(slow.next(), Nanos::MAX);
        slow.want(2);
        let mut now = Nanos::secs(1);
        slow.turn(now);
        assert_eq!((slow.connected(), slow.next()), (2, now + PACE));
        let (mut server, _) = listener.accept().unwrap();
        let mut got = [0; 1];
        for expected in HEAD.iter().chain(b"aaa") {
            now += PACE;
            slow.turn(now);
            slow.turn(now);
            server.read_exact(&mut got).unwrap();
            assert_eq!(got[0], *expected);
        }
        server.set_nonblocking(true).unwrap();
        assert!(server.read(&mut got).is_err(), "one byte in its time, no more");
        // Hung up on, it notices when its turn comes, rests, and dials again.
        drop(server);
        while slow.connected() == 2 {
            now += PACE;
            slow.turn(now);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        slow.turn(now + Nanos::millis(500));
        assert_eq!(slow.connected(), 1);
        slow.turn(now + REST);
        assert_eq!(slow.connected(), 2);
        slow.want(0);
        assert_eq!((slow.connected(), slow.next()), (0, Nanos::MAX));
        slow.want(u32::MAX);
        assert_eq!(slow.senders.len(), MOST as usize);
    }
}
