//! Answers as bytes, appended to whatever buffer the caller sends from. Nothing is allocated unless that buffer must grow.

use super::date::HttpDate;
use super::head::{Head, Method, Version};

/// The reason phrase of a status that is used here; empty for others.
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// What lets a waiting client send its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// The type of text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The type of bytes of which nothing is known.
pub const BYTES: &str = "application/octet-stream";
/// The type of JSON.
pub const JSON: &str = "application/json";

const OK: &[u8; 23] = b"HTTP/1.1 200 OK\r\nDate: ";

/// What the answers of one second have in common: the date, and how the most frequent of them begins.
#[derive(Debug)]
pub struct Dated {
    ok: [u8; OK.len() + 29],
}

impl Dated {
    /// For this second.
    pub fn new(date: HttpDate) -> Self {
        let mut ok = [0; OK.len() + 29];
        ok[..OK.len()].copy_from_slice(OK);
        ok[OK.len()..].copy_from_slice(&date);
        Self { ok }
    }

    fn date(&self) -> &[u8] {
        &self.ok[OK.len()..]
    }
}

/// The answer to one request.
#[derive(Debug)]
pub struct Reply<'o> {
    out: &'o mut Vec<u8>,
    dated: &'o Dated,
    version: Version,
    head_only: bool,
    /// Whether the connection lives on.
    keep_alive: bool,
    status: u16,
}

impl<'o> Reply<'o> {
    /// The answer to this request, appended to `out`. The connection lives on if the request lets it.
    #[inline]
    pub fn to(head: &Head<'_, '_>, out: &'o mut Vec<u8>, dated: &'o Dated) -> Self {
        Self { out, dated, version: head.version, head_only: head.method == Method::Head, keep_alive: head.keep_alive, status: 0 }
    }

    /// An answer after which the connection is closed: the request could not be read, or its callback failed.
    pub fn last(out: &'o mut Vec<u8>, dated: &'o Dated) -> Self {
        Self { out, dated, version: Version::Http11, head_only: false, keep_alive: false, status: 0 }
    }

    /// Closes the connection after this answer.
    pub fn close(&mut self) {
        self.keep_alive = false;
    }

    /// Whether the connection lives on.
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// The status of the answer; 0 as long as there is none.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Answers with a body. To HEAD goes only what would be its head.
    #[inline]
    pub fn send(&mut self, status: u16, content_type: &str, body: &[u8]) {
        self.send_with(status, content_type, &[], body);
    }

    /// Answers with a body and more fields.
    #[inline]
    pub fn send_with(&mut self, status: u16, content_type: &str, fields: &[(&str, &str)], body: &[u8]) {
        if self.begin(status, content_type, fields, body.len() as u64) {
            self.out.extend_from_slice(body);
        }
    }

    /// Answers with a sentence, as errors do: the status again, and why.
    pub fn explain(&mut self, status: u16, fields: &[(&str, &str)], sentence: &str) {
        let title = reason(status);
        let length = 3 + 1 + title.len() + 2 + sentence.len() + 1;
        if self.begin(status, TEXT, fields, length as u64) {
            let mut digits = [0; 20];
            for part in [decimal(u64::from(status), &mut digits), b" ", title.as_bytes(), b": ", sentence.as_bytes(), b"\n"] {
                self.out.extend_from_slice(part);
            }
        }
    }

    /// Answers without a body: 204, which has not even a length (RFC 9110, section 8.6).
    pub fn no_content(&mut self, fields: &[(&str, &str)]) {
        self.head(204);
        self.out.extend_from_slice(b"\r\n");
        self.fields(fields);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Begins an answer whose body of `length` bytes the caller appends or sends afterwards, if this says so: to HEAD goes no body.
    #[inline]
    pub fn begin(&mut self, status: u16, content_type: &str, fields: &[(&str, &str)], length: u64) -> bool {
        self.head(status);
        let mut digits = [0; 20];
        let length = decimal(length, &mut digits);
        for part in [b"\r\nContent-Type: ", content_type.as_bytes(), b"\r\nContent-Length: ", length, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
        self.fields(fields);
        self.out.extend_from_slice(b"\r\n");
        !self.head_only
    }

    /// Appends a part of a body that was begun.
    pub fn append(&mut self, part: &[u8]) {
        self.out.extend_from_slice(part);
    }

    #[inline]
    fn head(&mut self, status: u16) {
        self.status = status;
        // Once for all of the parts that follow.
        self.out.reserve(256);
        if status == 200 {
            self.out.extend_from_slice(&self.dated.ok);
        } else {
            let mut digits = [0; 20];
            for part in [b"HTTP/1.1 ", decimal(u64::from(status), &mut digits), b" ", reason(status).as_bytes(), b"\r\nDate: "] {
                self.out.extend_from_slice(part);
            }
            self.out.extend_from_slice(self.dated.date());
        }
        match (self.keep_alive, self.version) {
            (true, Version::Http11) => {}
            (true, Version::Http10) => self.out.extend_from_slice(b"\r\nConnection: keep-alive"),
            (false, _) => self.out.extend_from_slice(b"\r\nConnection: close"),
        }
    }

    fn fields(&mut self, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                self.out.extend_from_slice(part);
            }
        }
    }
}

/// A number in decimal digits, at the end of `digits`.
fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;
    use crate::http::date::http_date;
    use crate::http::head::{Scratch, parse};

    fn answer(request: &str, with: impl Fn(&mut Reply<'_>)) -> String {
        let mut scratch = Scratch::new();
        let head = parse(request.as_bytes(), &mut scratch, &Limits::default()).unwrap().unwrap();
        let (mut out, dated) = (Vec::new(), Dated::new(http_date(0)));
        with(&mut Reply::to(&head, &mut out, &dated));
        String::from_utf8(out).unwrap().replace("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "")
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn answers_as_bytes() {
        let hello = |r: &mut Reply<'_>| r.send(200, TEXT, b"hello");
        let head = "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(answer(GET, hello), format!("HTTP/1.1 200 OK\r\n{head}hello"));
        assert_eq!(answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", hello), format!("HTTP/1.1 200 OK\r\n{head}"));
        assert_eq!(answer("GET / HTTP/1.0\r\n\r\n", hello), format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{head}hello"));
        assert_eq!(
            answer("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", hello),
            format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n{head}hello")
        );
        assert_eq!(answer(GET, |r| r.no_content(&[("Allow", "GET")])), "HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n");
    }

    #[test]
    fn an_explanation_is_as_long_as_it_says() {
        let text = answer(GET, |r| r.explain(404, &[], "Nothing is here."));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "404 Not Found: Nothing is here.\n");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
    }

    #[test]
    fn numbers_are_decimal() {
        for n in [0, 9, 10, 65_536, u64::MAX] {
            assert_eq!(decimal(n, &mut [0; 20]), n.to_string().as_bytes());
        }
    }
}
