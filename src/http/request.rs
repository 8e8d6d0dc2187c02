//! Requests out of a stream of bytes: whole from one read where they lie whole in it, put together from parts where not.
//!
//! The first way borrows and allocates nothing; it is the way of nearly every request. The second takes each byte
//! once, however the stream is cut, and gives the same request or the same refusal.

use super::Limits;
use super::chunked::Chunked;
use super::head::{Framing, Head, Scratch, parse};
use super::refusal::Refusal;

/// A complete request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'h, 'b> {
    /// Its head.
    pub head: Head<'h, 'b>,
    /// Its body, without any transfer coding.
    pub body: &'b [u8],
}

/// What lies at the beginning of some bytes.
#[derive(Debug)]
pub enum Whole<'h, 'b> {
    /// A request, and the bytes it takes up.
    Request(Request<'h, 'b>, usize),
    /// A part of one, or one that must be put together: [`Parts`] does.
    Part,
}

/// Takes a request that lies whole at the beginning of `bytes`.
///
/// # Errors
/// The first rule that it breaks.
#[inline]
pub fn whole<'h, 'b>(bytes: &'b [u8], scratch: &'h mut Scratch<'b>, limits: &Limits) -> Result<Whole<'h, 'b>, Refusal> {
    let Some(head) = parse(bytes, scratch, limits)? else { return Ok(Whole::Part) };
    let Framing::Length(length) = head.framing else { return Ok(Whole::Part) };
    let rest = &bytes[head.bytes.len()..];
    if rest.len() < length || head.expects_continue {
        return Ok(Whole::Part);
    }
    Ok(Whole::Request(Request { head, body: &rest[..length] }, head.bytes.len() + length))
}

/// A request that arrives in parts.
#[derive(Debug, Default)]
pub struct Parts {
    head: Vec<u8>,
    body: Vec<u8>,
    at: At,
}

#[derive(Debug)]
enum At {
    /// In the head; it was last looked at when it had so many bytes.
    Head {
        looked_at: usize,
    },
    /// In a body of which so many bytes are missing.
    Length {
        missing: usize,
    },
    Chunked(Chunked),
    Complete,
}

impl Default for At {
    fn default() -> Self {
        Self::Head { looked_at: 0 }
    }
}

/// What became of a request by the bytes that it was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// More is needed.
    More,
    /// The client waits for a `100 Continue`. Say it, and feed what is left.
    Continue,
    /// It is complete.
    Complete,
}

impl Parts {
    /// A request that was put together before, to be read again.
    pub fn complete(head: &[u8], body: &[u8]) -> Self {
        Self { head: head.to_vec(), body: body.to_vec(), at: At::Complete }
    }

    /// Whether nothing of a request has arrived.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Whether a head has begun and is not whole.
    pub fn is_in_head(&self) -> bool {
        !self.head.is_empty() && matches!(self.at, At::Head { .. })
    }

    /// Takes bytes, and says how many and what became of it. What is not taken belongs to what follows.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn feed(&mut self, input: &[u8], limits: &Limits) -> Result<(usize, Fed), Refusal> {
        match &mut self.at {
            At::Head { .. } => self.feed_head(input, limits),
            At::Length { missing } => {
                let taken = input.len().min(*missing);
                self.body.extend_from_slice(&input[..taken]);
                *missing -= taken;
                Ok((taken, if *missing == 0 { self.completed() } else { Fed::More }))
            }
            At::Chunked(chunked) => {
                let taken = chunked.decode(input, &mut self.body, limits.body)?;
                let done = chunked.is_done();
                Ok((taken, if done { self.completed() } else { Fed::More }))
            }
            At::Complete => Ok((0, Fed::Complete)),
        }
    }

    fn feed_head(&mut self, input: &[u8], limits: &Limits) -> Result<(usize, Fed), Refusal> {
        let At::Head { looked_at } = self.at else { return Ok((0, Fed::More)) };
        if self.head == b"\r" && input.first() == Some(&b'\n') {
            // An empty line before the request, cut in half.
            *self = Self::default();
            return Ok((1, Fed::More));
        }
        let before = self.head.len();
        let input = &input[..input.len().min(limits.head.saturating_sub(before))];
        self.head.extend_from_slice(input);
        // A client that sends byte by byte must not make us read its head anew for each: only at the end of a line, or when
        // there is twice as much.
        let look = looked_at == 0 || self.head.len() >= (2 * looked_at).min(limits.head) || input.contains(&b'\n');
        if !look {
            return Ok((input.len(), Fed::More));
        }
        self.at = At::Head { looked_at: self.head.len() };
        let (length, framing, expects_continue) = match parse(&self.head, &mut Scratch::new(), limits)? {
            Some(head) => (head.bytes.len(), head.framing, head.expects_continue),
            None => return Ok((input.len(), Fed::More)),
        };
        self.head.truncate(length);
        let next = if expects_continue { Fed::Continue } else { Fed::More };
        let fed = match framing {
            Framing::Length(0) => self.completed(),
            Framing::Length(missing) => {
                self.at = At::Length { missing };
                next
            }
            Framing::Chunked => {
                self.at = At::Chunked(Chunked::default());
                next
            }
        };
        Ok((length.saturating_sub(before), fed))
    }

    /// Why it can never be complete, now that the stream has ended: the rule it broke, or that it is not whole.
    pub fn end(&self, limits: &Limits) -> Refusal {
        match self.at {
            At::Head { .. } => parse(&self.head, &mut Scratch::new(), limits).err().unwrap_or(Refusal::Incomplete),
            _ => Refusal::Incomplete,
        }
    }

    fn completed(&mut self) -> Fed {
        self.at = At::Complete;
        Fed::Complete
    }

    /// The request, once it is complete.
    pub fn request<'h, 'b>(&'b self, scratch: &'h mut Scratch<'b>, limits: &Limits) -> Option<Request<'h, 'b>> {
        if !matches!(self.at, At::Complete) {
            return None;
        }
        let head = parse(&self.head, scratch, limits).ok()??;
        Some(Request { head, body: &self.body })
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::skip_empty_lines;
    use super::*;
    use proptest::prelude::*;

    /// Everything that a stream holds, as the loop would take it, cut into these pieces.
    fn read(pieces: &[&[u8]], limits: &Limits) -> Vec<String> {
        let (mut parts, mut got) = (Parts::default(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                if parts.is_empty() {
                    rest = skip_empty_lines(rest);
                    if rest.is_empty() {
                        break;
                    }
                    match whole(rest, &mut Scratch::new(), limits) {
                        Ok(Whole::Request(request, used)) => {
                            got.push(told(&request));
                            rest = &rest[used..];
                            continue;
                        }
                        Ok(Whole::Part) => {}
                        Err(refusal) => {
                            got.push(format!("{refusal:?}"));
                            return got;
                        }
                    }
                }
                match parts.feed(rest, limits) {
                    Ok((used, fed)) => {
                        rest = &rest[used..];
                        match fed {
                            Fed::More => {}
                            Fed::Continue => got.push("continue".into()),
                            Fed::Complete => {
                                got.push(told(&parts.request(&mut Scratch::new(), limits).unwrap()));
                                parts = Parts::default();
                            }
                        }
                    }
                    Err(refusal) => {
                        got.push(format!("{refusal:?}"));
                        return got;
                    }
                }
            }
        }
        if !parts.is_empty() {
            got.push(format!("{:?}", parts.end(limits)));
        }
        got
    }

    fn told(request: &Request<'_, '_>) -> String {
        let head = &request.head;
        let body = request.body.escape_ascii();
        format!("{:?} {} {} {:?} {} {body}", head.method, head.target.path, head.target.query, head.framing, head.keep_alive)
    }

    fn fragment() -> impl Strategy<Value = Vec<u8>> {
        let fixed = |text: &'static str| Just(text.as_bytes().to_vec());
        prop_oneof![
            8 => fixed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            4 => fixed("POST /echo?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
            4 => fixed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: u\r\n\r\n"),
            2 => fixed("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
            2 => fixed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            1 => fixed("\r\n"),
            1 => fixed("\r"),
            1 => fixed("\n"),
            1 => fixed(" "),
            1 => fixed("GET / HTTP/2.0\r\n\r\n"),
            1 => fixed("GET / HTTP/1.1\r\n"),
            1 => fixed("Transfer-Encoding: gzip\r\n"),
            1 => fixed("0\r\n\r\n"),
            1 => Just(vec![b'a'; 300]),
            1 => Just(b"a: b\r\n".repeat(20)),
            1 => proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        /// However a stream is cut into reads, the same requests and the same refusals come out of it.
        #[test]
        fn the_cut_does_not_matter(
            fragments in proptest::collection::vec(fragment(), 1..6),
            mut cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
            change in proptest::option::weighted(0.3, (any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let limits = Limits { head: 400, headers: 15, body: 64 };
            let mut stream = fragments.concat();
            if let (Some((at, byte)), false) = (change, stream.is_empty()) {
                let at = at.index(stream.len());
                stream[at] = byte;
            }
            let mut ends: Vec<usize> = cuts.drain(..).map(|cut| cut.index(stream.len() + 1)).collect();
            ends.push(stream.len());
            ends.sort_unstable();
            let mut at = 0;
            let pieces: Vec<&[u8]> = ends.iter().map(|&end| { let piece = &stream[at..end]; at = end; piece }).collect();
            let all = read(&[&stream], &limits);
            prop_assert_eq!(&read(&pieces, &limits), &all);
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&read(&bytes, &limits), &all);
        }

        /// No bytes at all make it panic, and what is taken is never more than was given.
        #[test]
        fn arbitrary_bytes_are_only_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            read(&[&bytes], &Limits::default());
            let mut parts = Parts::default();
            if let Ok((used, _)) = parts.feed(&bytes, &Limits::default()) {
                prop_assert!(used <= bytes.len());
            }
        }
    }

    #[test]
    fn a_pipelined_batch_is_one_request_after_the_other() {
        let stream =
            b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.0\r\n\r\nGET x";
        let got = read(&[stream], &Limits::default());
        let none = Framing::Length(0);
        assert_eq!(
            got,
            [
                format!("Get /a  {none:?} true "),
                format!("Post /b  {:?} true hi", Framing::Length(2)),
                format!("Get /c  {none:?} false "),
                "Incomplete".into(),
            ]
        );
    }

    #[test]
    fn a_head_sent_byte_by_byte_is_not_read_anew_for_each() {
        // 32,000 bytes in one line: if each byte made a look, this would take minutes.
        let mut parts = Parts::default();
        let limits = Limits::default();
        let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\nx: ".to_vec();
        bytes.resize(32_000, b'y');
        bytes.extend_from_slice(b"\r\n\r\n");
        let begin = std::time::Instant::now();
        for byte in &bytes {
            parts.feed(&[*byte], &limits).unwrap();
        }
        assert!(parts.request(&mut Scratch::new(), &limits).is_some());
        assert!(begin.elapsed().as_secs() < 5);
    }
}
