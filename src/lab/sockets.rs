//! What the kernel holds for the sockets of one port: the accept queue of its listeners, the unread bytes of its connections.
//!
//! Asked of the kernel's socket diagnosis (`NETLINK_SOCK_DIAG`, as `ss` does), which passes over whatever is of another port before it writes
//! anything. Where that is not to be had, `/proc/net/tcp` says the same, and costs a dozen times as much: it writes a line for every
//! socket of the machine, those included that only wait for their time to be up.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

/// Connections whose unread bytes are named one by one; the total covers all.
const NAMED: usize = 64;
/// States of TCP as the kernel numbers them: established, half-closed by the peer, listening.
const ESTABLISHED: u8 = 1;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;

/// What is held for one port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Connections that wait to be accepted; nothing where nobody listens.
    pub accept_queue: Option<u32>,
    /// Unread bytes over all connections.
    pub unread: u64,
    /// How many connections have any.
    pub holding: u32,
    /// Some of those, by their peers' ports.
    pub named: Vec<(u16, u32)>,
}

impl Sockets {
    fn take(&mut self, state: u8, remote: u16, waiting: u32) {
        match state {
            LISTEN => self.accept_queue = Some(self.accept_queue.unwrap_or(0) + waiting),
            // Established, and half-closed by the peer: what they hold is for the specimen to read.
            ESTABLISHED | CLOSE_WAIT if waiting > 0 => {
                self.unread += u64::from(waiting);
                self.holding += 1;
                if self.named.len() < NAMED {
                    self.named.push((remote, waiting));
                }
            }
            _ => {}
        }
    }
}

/// A way to ask. What fails once is not tried again.
#[derive(Debug)]
pub struct Asking {
    diagnosis: Option<OwnedFd>,
    buffer: Vec<u8>,
}

impl Default for Asking {
    fn default() -> Self {
        Self { diagnosis: diagnosis().ok(), buffer: vec![0; 1 << 16] }
    }
}

impl Asking {
    /// Asks for one port, of IPv4 or of IPv6.
    pub fn of_port(&mut self, port: u16, v6: bool) -> Sockets {
        if let Some(fd) = &self.diagnosis {
            match diagnosed(fd, port, v6, &mut self.buffer) {
                Ok(sockets) => return sockets,
                Err(_) => self.diagnosis = None,
            }
        }
        listed(port, v6, &mut self.buffer)
    }
}

fn diagnosis() -> rustix::io::Result<OwnedFd> {
    let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    set_socket_timeout(&fd, Timeout::Recv, Some(Duration::from_millis(500)))?;
    Ok(fd)
}

/// `linux/netlink.h` and `linux/inet_diag.h`: lengths, and where things lie.
mod wire {
    pub const HEADER: usize = 16;
    pub const REQUEST: usize = 56;
    pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
    /// A request, for all that match.
    pub const DUMP: u16 = 0x301;
    pub const ERROR: u16 = 2;
    pub const DONE: u16 = 3;
    pub const TCP: u8 = 6;
    /// Within an answer: the state, our port, the peer's port, the length of the queue.
    pub const STATE: usize = 1;
    pub const SOURCE: usize = 4;
    pub const PEER: usize = 6;
    pub const QUEUE: usize = 56;
}

/// The request: a header, then family, protocol, wanted states and a socket's identity, of which only our port is given.
fn request(port: u16, v6: bool) -> [u8; wire::HEADER + wire::REQUEST] {
    let mut bytes = [0; wire::HEADER + wire::REQUEST];
    let length = (wire::HEADER + wire::REQUEST) as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&wire::SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&wire::DUMP.to_ne_bytes());
    let wanted = &mut bytes[wire::HEADER..];
    (wanted[0], wanted[1]) = (if v6 { AddressFamily::INET6 } else { AddressFamily::INET }.as_raw() as u8, wire::TCP);
    let states = 1_u32 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << LISTEN;
    wanted[4..8].copy_from_slice(&states.to_ne_bytes());
    wanted[8..10].copy_from_slice(&port.to_be_bytes());
    // Any cookie.
    wanted[48..56].copy_from_slice(&[0xff; 8]);
    bytes
}

fn diagnosed(fd: &OwnedFd, port: u16, v6: bool, buffer: &mut [u8]) -> rustix::io::Result<Sockets> {
    send(fd, &request(port, v6), SendFlags::empty())?;
    let mut sockets = Sockets::default();
    loop {
        let (_, length) = recv(fd, &mut *buffer, RecvFlags::empty())?;
        if read_answers(&buffer[..length.min(buffer.len())], port, &mut sockets)? {
            return Ok(sockets);
        }
    }
}

/// Reads what has come. True at the end of the answer.
fn read_answers(mut bytes: &[u8], port: u16, sockets: &mut Sockets) -> rustix::io::Result<bool> {
    let u16_at = |bytes: &[u8], at: usize| bytes.get(at..at + 2).and_then(|b| b.try_into().ok());
    let u32_at = |bytes: &[u8], at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_ne_bytes);
    if bytes.is_empty() {
        return Err(rustix::io::Errno::IO);
    }
    while let (Some(length), Some(kind)) = (u32_at(bytes, 0), u16_at(bytes, 4).map(u16::from_ne_bytes)) {
        let length = length as usize;
        let Some(answer) = bytes.get(wire::HEADER..length) else { return Err(rustix::io::Errno::IO) };
        match kind {
            wire::DONE => return Ok(true),
            wire::ERROR => return Err(rustix::io::Errno::IO),
            _ => {
                let ports = [wire::SOURCE, wire::PEER].map(|at| u16_at(answer, at).map(u16::from_be_bytes));
                if let (Some(state), [Some(ours), Some(peer)], Some(queue)) = (answer.get(wire::STATE), ports, u32_at(answer, wire::QUEUE))
                    && ours == port
                {
                    sockets.take(*state, peer, queue);
                }
            }
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn listed(port: u16, v6: bool, buffer: &mut Vec<u8>) -> Sockets {
    let mut sockets = Sockets::default();
    let path = if v6 { "/proc/net/tcp6" } else { "/proc/net/tcp" };
    buffer.clear();
    if File::open(path).and_then(|mut file| file.read_to_end(buffer)).is_ok() {
        buffer.split(|b| *b == b'\n').skip(1).for_each(|line| take_line(line, port, &mut sockets));
    }
    sockets
}

/// One line of `/proc/net/tcp`: `sl local:port remote:port st tx:rx ...`, all hexadecimal.
fn take_line(line: &[u8], port: u16, sockets: &mut Sockets) {
    let mut fields = line.split(|b| *b == b' ').filter(|f| !f.is_empty()).skip(1);
    let (Some(local), Some(remote), Some(state), Some(queues)) = (fields.next(), fields.next(), fields.next(), fields.next()) else {
        return;
    };
    let state = std::str::from_utf8(state).ok().and_then(|state| u8::from_str_radix(state, 16).ok());
    if let (Some(ours), Some(peer), Some(state), Some(waiting)) = (after_colon(local), after_colon(remote), state, after_colon(queues))
        && ours == u32::from(port)
    {
        sockets.take(state, peer as u16, waiting);
    }
}

fn after_colon(field: &[u8]) -> Option<u32> {
    let colon = field.iter().rposition(|b| *b == b':')?;
    u32::from_str_radix(std::str::from_utf8(&field[colon + 1..]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn both_ways_of_asking_see_the_same() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let local = listener.local_addr().unwrap();
            let mut clients: Vec<_> = (0..4).map(|_| TcpStream::connect(local).unwrap()).collect();
            let _accepted = [listener.accept().unwrap(), listener.accept().unwrap()];
            clients[0].write_all(b"12345").unwrap();
            let wanted =
                Sockets { accept_queue: Some(2), unread: 5, holding: 1, named: vec![(clients[0].local_addr().unwrap().port(), 5)] };
            let v6 = local.is_ipv6();
            let mut asking = Asking::default();
            // The kernel needs a moment to deliver even on loopback.
            let until = |ask: &mut dyn FnMut() -> Sockets| (0..2_000).map(|_| ask()).find(|found| *found == wanted).unwrap_or_else(ask);
            assert_eq!(until(&mut || listed(local.port(), v6, &mut Vec::new())), wanted);
            assert_eq!(until(&mut || asking.of_port(local.port(), v6)), wanted);
            asking.diagnosis = None;
            assert_eq!(until(&mut || asking.of_port(local.port(), v6)), wanted, "where there is no diagnosis, the list is read");
        }
        assert_eq!(Asking::default().of_port(1, false), Sockets::default());
    }

    #[test]
    fn damaged_lines_and_answers_are_passed_over() {
        let mut sockets = Sockets::default();
        for line in ["", "0: 0100007F:001F", "1: x:001F y:zz 01 00000000:00000005", "garbage"] {
            take_line(line.as_bytes(), 0x1F, &mut sockets);
        }
        let whole = request(31, false);
        for length in 0..whole.len() {
            let _ = read_answers(&whole[..length], 31, &mut sockets);
        }
        assert!(read_answers(&[0xff; 40], 31, &mut sockets).is_err());
        assert_eq!(sockets, Sockets::default());
    }
}
