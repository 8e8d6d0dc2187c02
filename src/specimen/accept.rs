//! The listener: accepts until the kernel has no more, and goes on when it runs out of descriptors.
//!
//! An edge-triggered listener that stops in the middle is not reported again before the next connection comes. So where accepting
//! fails, something else must bring it back: here a timer. And where descriptors are used up, the connection in the kernel's queue
//! can be neither served nor refused; a descriptor kept in reserve lets it at least be closed, so that its client knows.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};
use rustix::io::Errno;

use super::conn::Conn;
use super::server::{LISTENER, Server, token};
use super::timers::Key;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::CloseReason;
use crate::telemetry::{Probe, What};

/// How long a listener waits that could not accept.
const RETRY: Nanos = Nanos::millis(50);

/// The listener, and a descriptor that can be spared.
#[derive(Debug)]
pub struct Accept {
    listener: TcpListener,
    reserve: Option<File>,
    keeps_reserve: bool,
    /// The timer that brings back accepting after it has failed: one, however often it fails meanwhile.
    retry: Option<Key>,
}

impl Accept {
    /// Accepts from this listener, which is registered already.
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, reserve: spare(), keeps_reserve: true, retry: None }
    }

    /// Whether to keep a descriptor in reserve from here on. It can only be kept if there is one.
    pub fn keep_reserve(&mut self, keeps: bool) {
        self.keeps_reserve = keeps;
        if keeps {
            self.descriptor_is_free();
        } else {
            self.reserve = None;
        }
    }

    /// A descriptor has become free: keep it, if the reserve was used up.
    #[inline]
    pub fn descriptor_is_free(&mut self) {
        if self.reserve.is_none() && self.keeps_reserve {
            self.reserve = spare();
        }
    }

    /// Accepts one connection on the reserve's descriptor, to close it. Nothing if there is no reserve; else whether there was one.
    ///
    /// The kernel says that descriptors are used up before it looks whether anybody waits: only this tells.
    fn turn_away(&mut self) -> Option<bool> {
        self.reserve.take()?;
        let somebody = self.listener.accept().is_ok();
        self.reserve = spare();
        Some(somebody)
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl<P: Probe> Server<P> {
    /// It is time to try again.
    pub(super) fn retry_accept(&mut self) {
        self.accept.retry = None;
        self.accept(LISTENER);
    }

    /// The listener has connections: takes them all.
    pub fn accept(&mut self, _: Token) {
        loop {
            match self.accept.listener.accept() {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    // The peer was gone before we came to it, or a signal: on to the next.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    _ if !self.cannot_accept(&error) => break,
                    _ => {}
                },
            }
        }
    }

    fn welcome(&mut self, mut stream: TcpStream, peer: SocketAddr) {
        let fd = stream.as_raw_fd();
        let (port, fd) = (peer.port(), u16::try_from(fd).unwrap_or(u16::MAX));
        let trusted = self.common.faults_for_all || is_this_machine(peer.ip());
        let id = self.common.stats.next_conn();
        let entry = self.conns.vacant_entry();
        let token = token(id, entry.key());
        self.common.probe.note(What::Opened { conn: id, port_fd: (port, fd) });
        // Readable is all that we ever want to hear, until something could not be written.
        if self.common.poll.registry().register(&mut stream, token, Interest::READABLE).is_ok() {
            self.common.probe.note(What::Interested { conn: id, interest: Readiness::READABLE });
            entry.insert(Conn::new(id, stream, trusted));
            if let Some(style) = self.common.hooks.habits().session {
                let live = self.sessions.open(id, style);
                self.lives(live);
            }
        } else {
            self.common.stats.open -= 1;
            self.common.probe.note(What::Closed { conn: id, reason: CloseReason::Failed });
        }
    }

    /// Accepting failed. True if the next one can be tried at once.
    #[cold]
    fn cannot_accept(&mut self, error: &io::Error) -> bool {
        let errno = error.raw_os_error().unwrap_or(0);
        let out_of_descriptors = [Errno::MFILE, Errno::NFILE].iter().any(|e| e.raw_os_error() == errno);
        let turned_away = if out_of_descriptors { self.accept.turn_away() } else { None };
        if turned_away == Some(false) {
            return false;
        }
        self.common.probe.note(What::AcceptFailed { errno: errno.unsigned_abs() });
        if turned_away == Some(true) {
            self.common.stats.shed += 1;
            return true;
        }
        if self.accept.retry.is_some() {
            return false;
        }
        let due = self.common.clock.now() + RETRY;
        self.accept.retry = Some(self.common.timers.set(due, LISTENER));
        self.common.probe.note(What::TimerSet { conn: ConnId::NONE, micros: (RETRY.0 / 1_000) as u32 });
        false
    }
}

/// Whether a peer of this address is on this machine.
pub(super) fn is_this_machine(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for (ip, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::", false),
        ] {
            assert_eq!(is_this_machine(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
