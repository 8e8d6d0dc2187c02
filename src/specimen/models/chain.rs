//! `/chain` with blocking calls: three questions, one after the other, each of which needs what the one before has brought.
//!
//! It is the fourth way to write that handler, beside the three of [`crate::specimen::styles`], and the shortest: whoever has a thread to
//! themselves need not say what happens meanwhile.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::specimen::styles::{Query, path};
use crate::specimen::upstream::response::{Found, LONGEST, find};
use crate::specimen::upstream::{Failure, Outcome, PATIENCE};

/// The price of the user's orders, or what went wrong.
pub(super) fn chain(upstream: Option<SocketAddr>, query: Query) -> Result<String, String> {
    let mut step = 0;
    let mut ask = |say: String| {
        step += 1;
        call(upstream, &path(query, step, &say)).map_err(|failure| format!("Step {step} of 3 failed: {failure}."))
    };
    let user = ask(format!("user-{}", query.user))?;
    let orders = ask(format!("orders-of-{user}"))?;
    let price = ask(format!("price-of-{orders}"))?;
    Ok(format!("{}\n", price.trim()))
}

/// One call, on a connection of its own.
fn call(upstream: Option<SocketAddr>, path: &str) -> Outcome {
    let address = upstream.ok_or(Failure::Refused)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE.duration()).map_err(|error| failure(&error))?;
    stream.set_read_timeout(Some(PATIENCE.duration())).map_err(|error| failure(&error))?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .map_err(|error| failure(&error))?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match find(&bytes) {
            Found::Whole { status: status @ 400.., .. } => return Err(Failure::Status(status)),
            Found::Whole { body, .. } => return Ok(String::from_utf8_lossy(&bytes[body]).into_owned()),
            Found::Nonsense => return Err(Failure::Garbled),
            Found::Part if bytes.len() > LONGEST => return Err(Failure::Garbled),
            Found::Part => {}
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(Failure::Closed),
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failure(&error)),
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::TimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Busy,
    }
}
