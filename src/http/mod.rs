//! HTTP/1.1 (RFC 9110, RFC 9112) as bytes: heads and bodies to requests, answers to bytes. No I/O, no clock, no connection.
//!
//! Everything here is a function of the bytes it is given: however a stream is cut into reads, the same requests and the
//! same refusals come out of it. Where a message's framing could be read in two ways it is refused, never guessed.

pub mod chunked;
pub mod date;
pub mod head;
pub mod refusal;
pub mod request;
pub mod response;
pub mod target;

pub use head::{Framing, Head, Method, Scratch, Version};
pub use refusal::Refusal;
pub use request::{Fed, Parts, Request, Whole};
pub use response::{Dated, Reply};
pub use target::Target;

/// What a request may be at most. Beyond: 431, 414, 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head, its request line included.
    pub head: usize,
    /// Header fields, at most [`head::MAX_FIELDS`].
    pub headers: usize,
    /// Bytes of a request's body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 32 * 1024, headers: 100, body: 1024 * 1024 }
    }
}
