//! Dialling: a socket that has begun to connect, also where the kernel has no port of its own left to give.
//!
//! `connect` chooses a port from `net.ipv4.ip_local_port_range` (28,232 ports on most machines), and each that a connection to the same server
//! still holds is taken: by an idle client, or for a minute after a close. A load of tens of thousands of clients comes to the end of
//! them. The ports beside that range are as good, only that one has to name them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::{fs, io};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// What the kernel chooses from, as it is told.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// What it chooses from if nobody has told it otherwise.
const USUAL: RangeInclusive<u16> = 32_768..=60_999;
/// Ports below are for those who may do more than we.
const FIRST: u16 = 1024;

/// Begins connections to one server.
#[derive(Debug)]
pub struct Dialler {
    target: SocketAddr,
    /// The port to try next where the kernel has none, and the ports that it had; none before that happened.
    beside: Option<(u16, RangeInclusive<u16>)>,
}

impl Dialler {
    /// Of connections to this address.
    pub fn new(target: SocketAddr) -> Self {
        Self { target, beside: None }
    }

    /// A socket that does not block and has begun to connect; its port is known. `buffer`: how much it shall receive at most before it is
    /// read, in bytes.
    ///
    /// # Errors
    /// What the kernel says at once. `EADDRNOTAVAIL`: each port of this machine has a connection to that server, or had one a moment ago.
    pub fn dial(&mut self, buffer: Option<usize>) -> io::Result<OwnedFd> {
        match self.connect(None, buffer) {
            Err(Errno::ADDRNOTAVAIL) => Ok(self.dial_beside(buffer)?),
            other => Ok(other?),
        }
    }

    /// From the next port beside the kernel's range that is free.
    fn dial_beside(&mut self, buffer: Option<usize>) -> Result<OwnedFd, Errno> {
        let (mut port, range) = self.beside.take().unwrap_or_else(|| {
            let range = kernels_range();
            (successor(u16::MAX, &range), range)
        });
        let mut result = Err(Errno::ADDRNOTAVAIL);
        // Once around.
        for _ in FIRST..=u16::MAX {
            if range.contains(&port) {
                break;
            }
            result = self.connect(Some(port), buffer);
            port = successor(port, &range);
            if !matches!(result, Err(Errno::ADDRINUSE | Errno::ADDRNOTAVAIL)) {
                break;
            }
        }
        self.beside = Some((port, range));
        result
    }

    fn connect(&self, port: Option<u16>, buffer: Option<usize>) -> Result<OwnedFd, Errno> {
        let (family, any) = match self.target.ip() {
            IpAddr::V4(_) => (AddressFamily::INET, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (AddressFamily::INET6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        };
        let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        if let Some(bytes) = buffer {
            sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
        }
        if let Some(port) = port {
            // The port may have connections to other servers, and old ones to this.
            sockopt::set_socket_reuseaddr(&socket, true)?;
            rustix::net::bind(&socket, &SocketAddr::new(any, port))?;
        }
        match rustix::net::connect(&socket, &self.target) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
            Err(error) => Err(error),
        }
    }
}

/// What the kernel chooses ports from; for IPv6 too, in spite of the name.
fn kernels_range() -> RangeInclusive<u16> {
    let told = fs::read_to_string(RANGE).ok();
    let mut words = told.iter().flat_map(|text| text.split_whitespace()).map_while(|word| word.parse().ok());
    words.next().zip(words.next()).map_or(USUAL, |(first, last)| first..=last)
}

/// The port to try after this one: upwards, around, and over the kernel's own. Where that leaves none, one of its own.
fn successor(port: u16, range: &RangeInclusive<u16>) -> u16 {
    let above = |port: u16| port.checked_add(1).unwrap_or(FIRST).max(FIRST);
    let next = above(port);
    if range.contains(&next) { above(*range.end()) } else { next }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn ports_beside_the_range_come_in_turn_and_none_of_the_range() {
        let range = 32_768..=60_999;
        assert_eq!(successor(u16::MAX, &range), 1024);
        assert_eq!(successor(0, &range), 1024);
        assert_eq!(successor(32_767, &range), 61_000);
        assert_eq!(successor(61_000, &range), 61_001);
        // A range to the very end, from the very beginning, and of all that there is.
        assert_eq!(successor(9_999, &(10_000..=u16::MAX)), 1024);
        assert_eq!(successor(u16::MAX, &(0..=20_000)), 20_001);
        assert!((0..=u16::MAX).contains(&successor(7, &(0..=u16::MAX))));
    }

    #[test]
    fn where_the_kernel_has_no_port_left_there_are_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap();
        let mut dialler = Dialler::new(target);
        let range = kernels_range();
        let mut held = Vec::new();
        for _ in 0..20 {
            let socket = dialler.dial_beside(None).unwrap();
            let (server, from) = listener.accept().unwrap();
            assert!(!range.contains(&from.port()) && from.port() >= FIRST, "{from} is of {range:?}");
            assert!(held.iter().all(|(_, _, port)| *port != from.port()));
            held.push((socket, server, from.port()));
        }
        // As if every one beside were taken: around once, and no further.
        dialler.beside = Some((FIRST, FIRST..=u16::MAX));
        assert_eq!(dialler.dial_beside(None).unwrap_err(), Errno::ADDRNOTAVAIL);
    }

    #[test]
    fn what_the_server_says_is_not_taken_for_a_lack_of_ports() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut dialler = Dialler::new(listener.local_addr().unwrap());
        assert!(dialler.dial(Some(4096)).is_ok());
        assert!(dialler.beside.is_none(), "the kernel had a port");
    }
}
