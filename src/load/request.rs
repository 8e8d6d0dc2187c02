//! The bytes of each row of the mix, made once.
//!
//! Pure. What a scenario's author wrote as a path reaches the wire only if it cannot be mistaken for anything else.

use std::io;
use std::net::SocketAddr;

use super::plan::Row;

/// Bytes of body that are kept ready; a longer body repeats them.
const PATTERN: usize = 64 * 1024;
/// The longest path.
const MAX_PATH: usize = 8 * 1024;

/// One row's request on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    head: Vec<u8>,
    total: u64,
}

/// All rows' requests and what their bodies consist of.
#[derive(Clone, Debug)]
pub struct Requests {
    rows: Vec<Request>,
    pattern: Vec<u8>,
}

impl Requests {
    /// The requests of this mix to this server.
    ///
    /// # Errors
    /// `InvalidInput` for a mix without rows and for a path that is none.
    pub fn new(rows: &[Row], target: SocketAddr) -> io::Result<Self> {
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if rows.is_empty() {
            return wrong("the mix has no rows".into());
        }
        let pattern: Vec<u8> = (b'a'..=b'z').cycle().take(PATTERN).collect();
        let mut requests = Vec::with_capacity(rows.len());
        for row in rows {
            let path = row.path.as_str();
            if !path.starts_with('/') || path.len() > MAX_PATH || !path.bytes().all(|b| b.is_ascii_graphic()) {
                return wrong(format!("{path:?} is no path: it begins with a slash and has neither spaces nor letters outside ASCII"));
            }
            let (method, length) =
                if row.body == 0 { ("GET", String::new()) } else { ("POST", format!("Content-Length: {}\r\n", row.body)) };
            let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: loopscope\r\n{length}\r\n").into_bytes();
            let total = head.len() as u64 + u64::from(row.body);
            // A short body travels with its head: one send for the whole request.
            head.extend_from_slice(&pattern[..pattern.len().min(row.body as usize)]);
            requests.push(Request { head, total });
        }
        Ok(Self { rows: requests, pattern })
    }

    /// What is next to send of a row's request of which `sent` bytes are sent. Empty where all are.
    pub fn rest(&self, row: usize, sent: u64) -> &[u8] {
        let Some(request) = self.rows.get(row) else { return &[] };
        let ready = request.head.len() as u64;
        if sent < ready {
            return &request.head[sent as usize..];
        }
        let at = ((sent - ready) % PATTERN as u64) as usize;
        let left = (request.total - sent.min(request.total)).min((PATTERN - at) as u64) as usize;
        &self.pattern[at..at + left]
    }

    /// Whether all of a row's request is sent.
    pub fn is_sent(&self, row: usize, sent: u64) -> bool {
        self.rows.get(row).is_none_or(|request| sent >= request.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, body: u32) -> Row {
        Row { path: path.into(), weight: 1, body }
    }

    #[test]
    fn requests_are_whole_however_they_are_sent() {
        let target = "127.0.0.1:7070".parse().unwrap();
        for (body, piece) in [(0, 3), (5, 1000), (200_000, 60_000), (65_536, 65_537)] {
            let requests = Requests::new(&[row("/x?n=1", body)], target).unwrap();
            let mut bytes = Vec::new();
            while !requests.is_sent(0, bytes.len() as u64) {
                let rest = requests.rest(0, bytes.len() as u64);
                bytes.extend_from_slice(&rest[..rest.len().min(piece)]);
            }
            assert!(requests.rest(0, bytes.len() as u64).is_empty());
            let mut fields = [httparse::EMPTY_HEADER; 8];
            let mut request = httparse::Request::new(&mut fields);
            let httparse::Status::Complete(head) = request.parse(&bytes).unwrap() else { panic!("no whole head") };
            assert_eq!((request.method, request.path), (Some(if body == 0 { "GET" } else { "POST" }), Some("/x?n=1")));
            assert_eq!(bytes.len() - head, body as usize);
        }
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        let target = "127.0.0.1:7070".parse().unwrap();
        for path in ["", "x", "/a b", "/a\r\nHost: x", "/ü", &format!("/{}", "x".repeat(MAX_PATH))] {
            assert_eq!(Requests::new(&[row(path, 0)], target).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
        assert!(Requests::new(&[], target).is_err());
    }
}
