//! `/bytes?n=`: a long answer. It is never held whole: what the kernel does not take is remembered as a number.

use super::{Call, Row};
use crate::http::Method;
use crate::http::response::BYTES;
use crate::specimen::hooks::Needs;
use crate::telemetry::vocabulary::Handler;

/// What long answers are made of, over and over: lines of 63 characters.
pub static PATTERN: [u8; 65_536] = pattern();

/// Bytes that are sent together with the head.
pub(crate) const AT_ONCE: u64 = 16 * 1024;

/// The longest answer.
const MOST: u64 = 64 * 1024 * 1024;

#[expect(clippy::large_stack_arrays, reason = "it is made while compiling")]
const fn pattern() -> [u8; 65_536] {
    let mut bytes = [b'\n'; 65_536];
    let mut at = 0;
    while at < bytes.len() {
        if at % 64 != 63 {
            bytes[at] = b'0' + (at % 64) as u8;
        }
        at += 1;
    }
    bytes
}

/// Makes so many bytes of [`PATTERN`], of which so many went before, in memory.
pub(crate) fn append(out: &mut Vec<u8>, bytes: u64, already: u64) {
    let (mut from, mut left) = ((already % PATTERN.len() as u64) as usize, bytes as usize);
    while left > 0 {
        let length = left.min(PATTERN.len() - from);
        out.extend_from_slice(&PATTERN[from..from + length]);
        (from, left) = (0, left - length);
    }
}

fn length(call: &Call<'_, '_, '_>) -> Result<u64, &'static str> {
    const WRONG: &str = "The parameter n is a number of bytes, 0 to 67108864.";
    let n = call.request.head.target.parameter("n").ok_or(WRONG)?.parse().map_err(|_| WRONG)?;
    if n > MOST { Err(WRONG) } else { Ok(n) }
}

pub(super) const ROW: Row = Row {
    kind: Handler::Bytes,
    about: "So many bytes.",
    example: "/bytes?n=1000000",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| length(call).map(|_| Needs::Nothing),
    answer: |call, _, reply| {
        // It was a number when the request was looked at for what it needs.
        let n = length(call).unwrap_or(0);
        if !reply.begin(200, BYTES, &[], n) {
            return 0;
        }
        let at_once = n.min(AT_ONCE);
        reply.append(&PATTERN[..at_once as usize]);
        n - at_once
    },
};
