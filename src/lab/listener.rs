//! The listening sockets. The lab owns them and hands them to one process after the other, so that the kernel keeps queueing connections
//! while a specimen is being replaced.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use anyhow::{Context, bail};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel queues for us at most (it may allow fewer: `net.core.somaxconn`). The standard library asks for 128.
pub const BACKLOG: i32 = 4096;
/// Where the first specimen listens if nobody says otherwise.
pub const FIRST_PORT: u16 = 7070;
/// How many ports are tried from there.
const TRIES: u16 = 200;

/// So many listening sockets on one port, each with a queue of its own (`SO_REUSEPORT`): for worker processes. The port is chosen as
/// [`listen`] does.
///
/// # Errors
/// As [`listen`].
pub fn listen_many(ip: IpAddr, wanted: Option<u16>, from: u16, count: usize) -> anyhow::Result<Vec<TcpListener>> {
    // A socket that shares its port would join whoever shares it already, and take half of their clients: so first one asks that does not.
    let alone = listen(ip, wanted, from)?;
    if count <= 1 {
        return Ok(vec![alone]);
    }
    let address = alone.local_addr().context("the listener's address")?;
    drop(alone);
    (0..count).map(|_| open(address, true).with_context(|| format!("sharing {address}"))).collect()
}

/// Listens on the wanted port, or on the first free one from `from` on.
///
/// # Errors
/// Where the wanted port (or every one that is tried) cannot be had, with the reason.
pub fn listen(ip: IpAddr, wanted: Option<u16>, from: u16) -> anyhow::Result<TcpListener> {
    if let Some(port) = wanted {
        return open(SocketAddr::new(ip, port), false).with_context(|| format!("listening on {ip} port {port}"));
    }
    for port in from..from.saturating_add(TRIES) {
        match open(SocketAddr::new(ip, port), false) {
            Ok(listener) => return Ok(listener),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => {}
            Err(e) => return Err(e).with_context(|| format!("listening on {ip} port {port}")),
        }
    }
    bail!("no free port between {from} and {} on {ip}; choose one with --port", from.saturating_add(TRIES))
}

fn open(address: SocketAddr, shares: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares)?;
    socket.set_nonblocking(true)?;
    // Accepted connections inherit it: one setsockopt here instead of one for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn those_who_share_a_port_share_it_with_nobody_else() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let all = listen_many(ip, Some(0), 0, 3).unwrap();
        let port = all[0].local_addr().unwrap().port();
        assert!(all.len() == 3 && all.iter().all(|one| one.local_addr().unwrap().port() == port));
        assert!(listen_many(ip, Some(port), 0, 3).is_err());
    }

    #[test]
    fn a_port_in_use_is_passed_over_unless_it_was_asked_for() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = listen(ip, Some(0), 0).unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(listen(ip, Some(port), 0).unwrap_err().to_string().contains(&port.to_string()));
        if port < u16::MAX - TRIES {
            assert_ne!(listen(ip, None, port).unwrap().local_addr().unwrap().port(), port);
        }
    }
}
