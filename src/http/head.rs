//! The head of a request: borrowed views of its bytes, and the framing of the body that follows.

use std::mem::MaybeUninit;

use super::Limits;
use super::refusal::Refusal;
use super::target::{Target, is_authority};

/// The most header fields that any limit can allow.
pub const MAX_FIELDS: usize = 256;

/// Room for the header fields of one request. It lives on the stack of whoever parses.
#[derive(Debug)]
pub struct Scratch<'b> {
    fields: [MaybeUninit<httparse::Header<'b>>; MAX_FIELDS],
}

impl Scratch<'_> {
    /// Empty room; costs nothing.
    #[inline]
    #[expect(clippy::new_without_default, reason = "a default would suggest that it is a value")]
    pub fn new() -> Self {
        Self { fields: [const { MaybeUninit::uninit() }; MAX_FIELDS] }
    }
}

/// A request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Patch,
    Options,
    Trace,
    Connect,
    /// A method of which nothing is known here: 501.
    Other,
}

impl Method {
    fn parse(text: &str) -> Self {
        match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "PATCH" => Self::Patch,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// As it is written; empty for one of which nothing is known.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
            Self::Other => "",
        }
    }
}

/// The two versions that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Version {
    Http10,
    Http11,
}

/// Where a request's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none, or it has so many bytes.
    Length(usize),
    /// It comes in chunks.
    Chunked,
}

/// A request's head.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h, 'b> {
    /// All of it, as it came, with the empty line.
    pub bytes: &'b [u8],
    /// The method.
    pub method: Method,
    /// What it asks for.
    pub target: Target<'b>,
    /// The version.
    pub version: Version,
    /// The header fields, in their order.
    pub fields: &'h [httparse::Header<'b>],
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the connection may serve another request after this one.
    pub keep_alive: bool,
    /// Whether the client waits for a `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

impl<'b> Head<'_, 'b> {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&'b [u8]> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value)
    }
}

/// Without the empty lines that may stand before a request (RFC 9112, section 2.2).
#[inline]
pub fn skip_empty_lines(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    bytes
}

/// Reads a head from the beginning of `bytes`; nothing if its end is not there yet.
///
/// # Errors
/// The first rule that it breaks.
pub fn parse<'h, 'b>(bytes: &'b [u8], scratch: &'h mut Scratch<'b>, limits: &Limits) -> Result<Option<Head<'h, 'b>>, Refusal> {
    // Never look beyond the limit: what is there by chance must not change the answer.
    let bytes = &bytes[..bytes.len().min(limits.head)];
    if skip_empty_lines(bytes).first() == Some(&b'\n') {
        return Err(Refusal::LineEnd);
    }
    let mut request = httparse::Request::new(&mut []);
    let room = &mut scratch.fields[..limits.headers.min(MAX_FIELDS)];
    let length = match request.parse_with_uninit_headers(bytes, room) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < limits.head => return Ok(None),
        Ok(httparse::Status::Partial) => {
            let line = skip_empty_lines(bytes);
            return Err(match (line.contains(&b'\n'), line.contains(&b' ')) {
                (true, _) => Refusal::HeadTooLong,
                (false, true) => Refusal::TargetTooLong,
                // No method is as long as that.
                (false, false) => Refusal::RequestLine,
            });
        }
        // What stands for a version is judged when the line has come to its end: half of `HTTP/2.0` is no wrong version yet.
        Err(httparse::Error::Version) if !skip_empty_lines(bytes).contains(&b'\n') => {
            return if bytes.len() < limits.head { Ok(None) } else { Err(Refusal::TargetTooLong) };
        }
        Err(error) => return Err(refusal(error, bytes)),
    };
    let bytes = &bytes[..length];
    let (Some(method), Some(path), Some(version)) = (request.method, request.path, request.version) else {
        return Err(Refusal::RequestLine);
    };
    if !lines_end_in_crlf(bytes, path, request.headers) {
        return Err(Refusal::LineEnd);
    }
    let method = Method::parse(method);
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let target = Target::parse(method, path)?;
    let fields: &'h [httparse::Header<'b>] = request.headers;
    let said = Said::collect(fields, version)?;
    let framing = match (said.encoding, said.length) {
        (None, length) => Framing::Length(length.unwrap_or(0)),
        (Some(_), Some(_)) => return Err(Refusal::LengthAndEncoding),
        (Some(_), None) if version == Version::Http10 => return Err(Refusal::Encoding),
        (Some(encoding), None) => encoding.framing()?,
    };
    match (version, said.hosts) {
        (Version::Http11, 0) => return Err(Refusal::NoHost),
        (_, 2..) => return Err(Refusal::ManyHosts),
        _ => {}
    }
    if let Framing::Length(length) = framing
        && length > limits.body
    {
        return Err(Refusal::BodyTooLong);
    }
    let keep_alive = !said.close && (version == Version::Http11 || said.keep_alive);
    // HTTP/1.0 knows no expectations (RFC 9110, section 10.1.1); one without a body to wait for is met already.
    let expects_continue = said.expects && version == Version::Http11 && framing != Framing::Length(0);
    Ok(Some(Head { bytes, method, target, version, fields, framing, keep_alive, expects_continue }))
}

/// Whether every line of a head ends in CR LF: the parser lets a bare LF pass. It has found where the lines end, so nothing is searched again.
#[inline]
fn lines_end_in_crlf(head: &[u8], target: &str, fields: &[httparse::Header<'_>]) -> bool {
    // Where a part of the head ends in it.
    let end = |part: &[u8]| (part.as_ptr().addr() + part.len()).wrapping_sub(head.as_ptr().addr());
    let version_end = end(target.as_bytes()).wrapping_add(" HTTP/1.1".len());
    head.get(version_end) == Some(&b'\r')
        && head.ends_with(b"\r\n")
        && fields.iter().all(|field| {
            // Behind the value, or behind the colon where there is none, only white space can stand.
            let from = if field.value.is_empty() { end(field.name.as_bytes()) + 1 } else { end(field.value) };
            head.get(from..).and_then(|rest| rest.iter().find(|&&b| b != b' ' && b != b'\t')) == Some(&b'\r')
        })
}

/// What the fields that concern the connection say.
#[derive(Default)]
struct Said {
    hosts: u32,
    length: Option<usize>,
    encoding: Option<Encoding>,
    close: bool,
    keep_alive: bool,
    expects: bool,
}

impl Said {
    #[inline]
    fn collect(fields: &[httparse::Header<'_>], version: Version) -> Result<Self, Refusal> {
        let mut said = Self::default();
        for field in fields {
            // Most fields are none of these; their length alone tells.
            match field.name.len() {
                4 if field.name.eq_ignore_ascii_case("host") => {
                    said.hosts += 1;
                    // A URI of this scheme without a host is none (RFC 9110, section 4.2.1).
                    if field.value.is_empty() || !is_authority(field.value) {
                        return Err(Refusal::Host);
                    }
                }
                6 if field.name.eq_ignore_ascii_case("expect") => {
                    if version == Version::Http11 && !field.value.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Refusal::Expectation);
                    }
                    said.expects = true;
                }
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    for option in list(field.value) {
                        said.close |= option.eq_ignore_ascii_case(b"close");
                        said.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    if said.length.is_some() {
                        return Err(Refusal::ManyLengths);
                    }
                    said.length = Some(length(field.value)?);
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    said.encoding.get_or_insert_default().add(field.value);
                }
                _ => {}
            }
        }
        Ok(said)
    }
}

/// The transfer codings of a request, over all its fields.
#[derive(Default)]
struct Encoding {
    chunked: u32,
    others: u32,
    empty: u32,
    chunked_is_last: bool,
}

impl Encoding {
    fn add(&mut self, value: &[u8]) {
        for coding in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
            self.chunked_is_last = coding.eq_ignore_ascii_case(b"chunked");
            match (self.chunked_is_last, coding) {
                (true, _) => self.chunked += 1,
                (false, []) => self.empty += 1,
                (false, _) => self.others += 1,
            }
        }
    }

    fn framing(&self) -> Result<Framing, Refusal> {
        match self {
            Self { chunked: 1, others: 0, empty: 0, .. } => Ok(Framing::Chunked),
            Self { chunked: 1, chunked_is_last: true, empty: 0, .. } => Err(Refusal::Coding),
            _ => Err(Refusal::Encoding),
        }
    }
}

/// A Content-Length: digits and nothing else, and a number that can be held.
fn length(value: &[u8]) -> Result<usize, Refusal> {
    if value.contains(&b',') {
        return Err(Refusal::ManyLengths);
    }
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Length);
    }
    let digits = std::str::from_utf8(value).map_err(|_| Refusal::Length)?;
    digits.parse().map_err(|_| Refusal::Length)
}

fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii)
}

fn refusal(error: httparse::Error, bytes: &[u8]) -> Refusal {
    match error {
        httparse::Error::HeaderName => Refusal::FieldName,
        httparse::Error::HeaderValue => Refusal::FieldValue,
        httparse::Error::NewLine => Refusal::LineEnd,
        httparse::Error::TooManyHeaders => Refusal::TooManyFields,
        httparse::Error::Version => version_refusal(bytes),
        _ => Refusal::RequestLine,
    }
}

/// Whether the request line's last word has the form of a version at all: `HTTP/` digit `.` digit.
fn version_refusal(bytes: &[u8]) -> Refusal {
    let line = skip_empty_lines(bytes);
    let word = line.splitn(3, |&b| b == b' ').nth(2).unwrap_or_default();
    match word {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b'\r' | b'\n', ..] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Refusal::Version
        }
        _ => Refusal::VersionForm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Short<'b> = Result<Option<(Method, &'b str, Framing, bool)>, Refusal>;

    fn short(text: &str) -> Short<'_> {
        parse(text.as_bytes(), &mut Scratch::new(), &Limits::default())
            .map(|head| head.map(|h| (h.method, h.target.path, h.framing, h.keep_alive)))
    }

    fn with(fields: &str) -> String {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    }

    #[test]
    fn heads_that_are_sound() {
        let none = Framing::Length(0);
        for (text, expected) in [
            (with(""), (Method::Get, "/", none, true)),
            (format!("\r\n\r\n{}", with("")), (Method::Get, "/", none, true)),
            (with("Connection: close\r\n"), (Method::Get, "/", none, false)),
            (with("Connection: TE, Close\r\n"), (Method::Get, "/", none, false)),
            (with("Content-Length: 5\r\n"), (Method::Get, "/", Framing::Length(5), true)),
            (with("Content-Length: \t005 \r\n"), (Method::Get, "/", Framing::Length(5), true)),
            (with("Transfer-Encoding: Chunked\r\n"), (Method::Get, "/", Framing::Chunked, true)),
            (with("Empty:\r\n"), (Method::Get, "/", none, true)),
            (with("Expect: 100-Continue\r\n"), (Method::Get, "/", none, true)),
            ("GET /x HTTP/1.0\r\n\r\n".into(), (Method::Get, "/x", none, false)),
            ("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(), (Method::Get, "/x", none, true)),
            ("GET /x HTTP/1.0\r\nExpect: 1\r\n\r\n".into(), (Method::Get, "/x", none, false)),
            ("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n".into(), (Method::Get, "/x", none, true)),
            ("OPTIONS * HTTP/1.1\r\nHost: a:80\r\n\r\n".into(), (Method::Options, "*", none, true)),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n".into(), (Method::Other, "/", none, true)),
        ] {
            assert_eq!(short(&text), Ok(Some(expected)), "{text:?}");
        }
    }

    #[test]
    fn each_rule_is_kept() {
        let long = "a".repeat(40_000);
        for (text, expected) in [
            ("GET /\r\n\r\n".into(), Refusal::RequestLine),
            ("GET  / HTTP/1.1\r\n\r\n".into(), Refusal::RequestLine),
            (" GET / HTTP/1.1\r\n\r\n".into(), Refusal::RequestLine),
            ("G\0T / HTTP/1.1\r\n\r\n".into(), Refusal::RequestLine),
            ("GET /\0 HTTP/1.1\r\n\r\n".into(), Refusal::RequestLine),
            ("GET x HTTP/1.1\r\nHost: a\r\n\r\n".into(), Refusal::Target),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".into(), Refusal::Version),
            ("GET / HTTP/9.9\r\nHost: a\r\n\r\n".into(), Refusal::Version),
            ("GET / HTTP/1\r\nHost: a\r\n\r\n".into(), Refusal::VersionForm),
            ("GET / http/1.1\r\nHost: a\r\n\r\n".into(), Refusal::VersionForm),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n".into(), Refusal::LineEnd),
            ("GET / HTTP/1.1\nHost: a\n\n".into(), Refusal::LineEnd),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n".into(), Refusal::LineEnd),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".into(), Refusal::LineEnd),
            ("GET / HTTP/1.1\r\n\r\n".into(), Refusal::NoHost),
            (with("Host: a\r\n"), Refusal::ManyHosts),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".into(), Refusal::Host),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".into(), Refusal::Host),
            (with("A : b\r\n"), Refusal::FieldName),
            (with(": b\r\n"), Refusal::FieldName),
            (with("A\r\n"), Refusal::FieldName),
            (with("A[]: b\r\n"), Refusal::FieldName),
            (with("A: b\r\n c\r\n"), Refusal::FieldName),
            (with("A: b\rc\r\n"), Refusal::FieldValue),
            (with("A: b\0c\r\n"), Refusal::FieldValue),
            (with("A: b\x7fc\r\n"), Refusal::FieldValue),
            (with("Content-Length: -1\r\n"), Refusal::Length),
            (with("Content-Length: +1\r\n"), Refusal::Length),
            (with("Content-Length: 0x1\r\n"), Refusal::Length),
            (with("Content-Length: 1 1\r\n"), Refusal::Length),
            (with("Content-Length:\r\n"), Refusal::Length),
            (with("Content-Length: 5, 5\r\n"), Refusal::ManyLengths),
            (with("Content-Length: 5\r\nContent-Length: 6\r\n"), Refusal::ManyLengths),
            (with("Content-Length: 1048577\r\n"), Refusal::BodyTooLong),
            (with("Content-Length: 99999999999999999999999\r\n"), Refusal::Length),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n".into(), Refusal::Host),
            (with("Transfer-Encoding: , chunked\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding: chunked,\r\n"), Refusal::Encoding),
            (format!("{long} / HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::RequestLine),
            (with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Refusal::LengthAndEncoding),
            (with("Transfer-Encoding: gzip, chunked\r\n"), Refusal::Coding),
            (with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), Refusal::Coding),
            (with("Transfer-Encoding: chunked, gzip\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding: chunked, chunked\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding: gzip\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding: chunked;q=1\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding: xchunked\r\n"), Refusal::Encoding),
            (with("Transfer-Encoding:\r\n"), Refusal::Encoding),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), Refusal::Encoding),
            (with("Expect: 200-ok\r\n"), Refusal::Expectation),
            (with(&"a: b\r\n".repeat(100)), Refusal::TooManyFields),
            (with(&format!("a: {long}\r\n")), Refusal::HeadTooLong),
            (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::TargetTooLong),
        ] {
            assert_eq!(short(&text), Err(expected), "{:?}", &text[..text.len().min(100)]);
        }
    }

    #[test]
    fn what_is_not_complete_is_waited_for() {
        let whole = with("A: b\r\n");
        for end in 0..whole.len() {
            assert_eq!(short(&whole[..end]), Ok(None), "{:?}", &whole[..end]);
        }
        let later = "GET / HTTP/2.0\r";
        assert!((0..later.len()).all(|end| short(&later[..end]) == Ok(None)));
    }
}
