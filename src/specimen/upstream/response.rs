//! An answer of the upstream: where it ends, and what of it is the body. Only what our own server sends: a head and a `Content-Length`.

use std::ops::Range;

/// Bytes of an answer, head and body, at most.
pub const LONGEST: usize = 256 * 1024;
/// Header fields at most.
const FIELDS: usize = 64;

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An answer, and where its body is.
    Whole { status: u16, body: Range<usize>, keeps_alive: bool },
    /// The beginning of one.
    Part,
    /// None at all, or one that is framed as our server never does.
    Nonsense,
}

/// Looks for an answer at the beginning of these bytes.
pub fn find(bytes: &[u8]) -> Found {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let head = match answer.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Found::Part,
        Err(_) => return Found::Nonsense,
    };
    let status = answer.code.unwrap_or(0);
    let field = |name: &str| answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value);
    if status < 200 || field("Transfer-Encoding").is_some() {
        return Found::Nonsense;
    }
    let length = match field("Content-Length") {
        Some(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<usize>().ok()),
        None if status == 204 || status == 304 => Some(0),
        None => None,
    };
    let Some(length) = length.filter(|length| *length <= LONGEST) else { return Found::Nonsense };
    if bytes.len() - head < length {
        return Found::Part;
    }
    let closes = field("Connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    // What follows a whole answer was not asked for: the connection is not used again.
    let keeps_alive = answer.version == Some(1) && !closes && bytes.len() == head + length;
    Found::Whole { status, body: head..head + length, keeps_alive }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_when_it_is_whole_and_not_before() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for end in 0..text.len() {
            assert_eq!(find(&text[..end]), Found::Part, "{end}");
        }
        assert_eq!(find(text), Found::Whole { status: 200, body: text.len() - 5..text.len(), keeps_alive: true });
    }

    #[test]
    fn a_connection_is_used_again_only_if_nothing_speaks_against_it() {
        let keeps = |text: &str| match find(text.as_bytes()) {
            Found::Whole { keeps_alive, .. } => Some(keeps_alive),
            _ => None,
        };
        assert_eq!(keeps("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"), Some(true));
        assert_eq!(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), Some(false));
        assert_eq!(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), Some(false));
        assert_eq!(keeps("HTTP/1.1 204 No Content\r\n\r\n"), Some(true));
        assert_eq!(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore"), Some(false));
    }

    #[test]
    fn what_cannot_be_framed_is_nonsense() {
        for text in [
            "hello\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(find(text.as_bytes()), Found::Nonsense, "{text:?}");
        }
    }
}
