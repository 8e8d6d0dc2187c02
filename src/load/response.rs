//! Responses as a client reads them: bytes in, in whatever pieces, and out comes when one is complete.
//!
//! Pure: knows no socket, no time, and keeps of a response only what is needed to find its end. Bounded whatever comes.

/// The longest head of a response that is believed.
pub const MAX_HEAD: usize = 16 * 1024;
/// The most header fields of a response.
const MAX_FIELDS: usize = 64;
/// The longest line of a chunk's size, its extensions included.
const MAX_LINE: usize = 1024;
/// The most bytes of trailers.
const MAX_TRAILERS: usize = 8 * 1024;

/// What has become of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    More,
    /// It is complete.
    Done {
        /// Its status.
        status: u16,
        /// Whether the connection can take another request.
        reusable: bool,
        /// How many of the bytes just fed belong to it. A client that does not pipeline expects no more.
        used: usize,
    },
    /// It is not HTTP.
    Garbled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers(usize),
    UntilClose,
}

/// Reads responses one after another.
#[derive(Clone, Debug)]
pub struct Parser {
    state: State,
    /// A head or a line of which only a part has come.
    held: Vec<u8>,
    status: u16,
    reusable: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self { state: State::Head, held: Vec::new(), status: 0, reusable: false }
    }
}

/// A piece of work on the bytes at hand: it went on, it needs more, or it makes no sense.
enum Step {
    On(usize),
    More,
    Garbled,
}

impl Parser {
    /// Forgets what it has read: a new connection begins. Keeps no memory of the old one.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Reads on. After `Done` the next byte belongs to another response; after `Garbled` nothing can be trusted until [`Parser::reset`].
    pub fn feed(&mut self, bytes: &[u8]) -> Progress {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let step = match self.state {
                State::Head => self.head(rest),
                State::Length(left) | State::Chunk(left) => self.body(rest, left),
                State::UntilClose => Step::More,
                State::ChunkSize => self.line(rest, Self::chunk_size),
                State::ChunkEnd => self.line(rest, |this, line| {
                    this.state = State::ChunkSize;
                    line.is_empty()
                }),
                State::Trailers(so_far) => self.line(rest, |this, line| {
                    this.state = if line.is_empty() { State::Length(0) } else { State::Trailers(so_far + line.len() + 2) };
                    so_far + line.len() <= MAX_TRAILERS
                }),
            };
            match step {
                Step::On(n) => at += n,
                Step::More => return Progress::More,
                Step::Garbled => return Progress::Garbled,
            }
            if self.state == State::Length(0) {
                self.state = State::Head;
                return Progress::Done { status: self.status, reusable: self.reusable, used: at };
            }
        }
    }

    /// The connection was closed: the status, where that completes the response.
    pub fn closed(&self) -> Option<u16> {
        (self.state == State::UntilClose).then_some(self.status)
    }

    fn head(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::More;
        }
        let before = self.held.len();
        let read = if before == 0 {
            read_head(bytes)
        } else {
            let room = (MAX_HEAD + 1).saturating_sub(before);
            self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
            read_head(&self.held)
        };
        match read {
            Ok(Some((length, head))) => {
                self.held = Vec::new();
                self.status = head.status;
                self.reusable = head.reusable;
                self.state = head.state;
                Step::On(length.saturating_sub(before))
            }
            Ok(None) if before + bytes.len() > MAX_HEAD => Step::Garbled,
            Ok(None) => {
                if before == 0 {
                    self.held.extend_from_slice(bytes);
                }
                Step::More
            }
            Err(()) => Step::Garbled,
        }
    }

    fn body(&mut self, bytes: &[u8], left: u64) -> Step {
        let n = left.min(bytes.len() as u64);
        let left = left - n;
        self.state = match self.state {
            State::Chunk(_) if left == 0 => State::ChunkEnd,
            State::Chunk(_) => State::Chunk(left),
            _ => State::Length(left),
        };
        if left == 0 { Step::On(n as usize) } else { Step::More }
    }

    /// Hands the next whole line, without its CRLF, to `read`, which says whether it makes sense.
    fn line(&mut self, bytes: &[u8], read: impl FnOnce(&mut Self, &[u8]) -> bool) -> Step {
        let end = bytes.iter().position(|b| *b == b'\n');
        let piece = &bytes[..end.map_or(bytes.len(), |end| end + 1)];
        if self.held.len() + piece.len() > MAX_LINE {
            return Step::Garbled;
        }
        if end.is_none() {
            self.held.extend_from_slice(piece);
            return Step::More;
        }
        let mut held = std::mem::take(&mut self.held);
        let line = if held.is_empty() {
            piece
        } else {
            held.extend_from_slice(piece);
            &held
        };
        match line.strip_suffix(b"\r\n") {
            Some(line) if read(self, line) => Step::On(piece.len()),
            _ => Step::Garbled,
        }
    }

    fn chunk_size(&mut self, line: &[u8]) -> bool {
        let end = line.iter().position(|b| matches!(b, b';' | b' ' | b'\t')).unwrap_or(line.len());
        let Some(size) = number(&line[..end], 16) else { return false };
        self.state = if size == 0 { State::Trailers(0) } else { State::Chunk(size) };
        true
    }
}

struct Head {
    status: u16,
    reusable: bool,
    state: State,
}

/// The head at the start of these bytes and its length, nothing where it is not all there.
fn read_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, ()> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        _ => return Err(()),
    };
    let status = response.code.filter(|code| (100..=999).contains(code)).ok_or(())?;
    let (mut content, mut coded, mut chunked, mut reusable) = (None, false, false, response.version == Some(1));
    for field in response.headers.iter() {
        let values = || field.value.split(|b| *b == b',').map(<[u8]>::trim_ascii);
        if field.name.eq_ignore_ascii_case("content-length") {
            for value in values() {
                let n = number(value, 10).ok_or(())?;
                if content.replace(n).is_some_and(|before| before != n) {
                    return Err(());
                }
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            coded = true;
            chunked = values().next_back().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
        } else if field.name.eq_ignore_ascii_case("connection") {
            for value in values() {
                reusable = (reusable || value.eq_ignore_ascii_case(b"keep-alive")) && !value.eq_ignore_ascii_case(b"close");
            }
        }
    }
    let state = match status {
        // The client asks for no other protocol.
        101 => return Err(()),
        100..=199 => State::Head,
        204 | 304 => State::Length(0),
        _ => match (coded, chunked, content) {
            (true, _, Some(_)) => return Err(()),
            (true, true, None) => State::ChunkSize,
            (false, _, Some(n)) => State::Length(n),
            _ => State::UntilClose,
        },
    };
    Ok(Some((length, Head { status, reusable: reusable && state != State::UntilClose, state })))
}

/// Digits and nothing else, below 2^48.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let value =
        digits.iter().try_fold(0_u64, |n, b| Some(n.checked_mul(u64::from(radix))? + u64::from(char::from(*b).to_digit(radix)?)))?;
    (value < 1 << 48).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &[(&str, u16, bool)] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 200, false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", 200, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx", 503, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\nDigest: x\r\n\r\n", 200, true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\ncontent-length: 3\r\n\r\nabc", 200, true),
    ];

    const BAD: &[&str] = &[
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
    ];

    /// Feeds in pieces that end at `cuts`; gives the verdict and how many bytes were used in all.
    fn feed(bytes: &[u8], cuts: &[usize]) -> (Progress, usize) {
        let mut parser = Parser::default();
        let mut from = 0;
        for to in cuts.iter().copied().chain([bytes.len()]) {
            let to = to.clamp(from, bytes.len());
            match parser.feed(&bytes[from..to]) {
                Progress::More => assert!(parser.held.len() <= MAX_HEAD + 1),
                Progress::Done { status, reusable, used } => {
                    return (Progress::Done { status, reusable, used: 0 }, from + used);
                }
                Progress::Garbled => return (Progress::Garbled, 0),
            }
            from = to;
        }
        (Progress::More, bytes.len())
    }

    #[test]
    fn whole_responses_are_found() {
        for (text, status, reusable) in GOOD {
            let followed = format!("{text}HTTP/1.1 ...");
            let expected = (Progress::Done { status: *status, reusable: *reusable, used: 0 }, text.len());
            assert_eq!(feed(followed.as_bytes(), &[]), expected, "{text}");
            let every: Vec<_> = (0..text.len()).collect();
            assert_eq!(feed(text.as_bytes(), &every), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_is_garbled_and_stays_bounded() {
        for text in BAD {
            assert_eq!(feed(text.as_bytes(), &[]).0, Progress::Garbled, "{text}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MAX_HEAD));
        assert_eq!(feed(endless.as_bytes(), &[]).0, Progress::Garbled);
        assert_eq!(feed(endless.as_bytes(), &[100, 5000]).0, Progress::Garbled);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(feed(format!("{chunked}5;{}", "x".repeat(MAX_LINE)).as_bytes(), &[60]).0, Progress::Garbled);
        assert_eq!(feed(format!("{chunked}0\r\n{}", "X: y\r\n".repeat(MAX_TRAILERS)).as_bytes(), &[]).0, Progress::Garbled);
    }

    #[test]
    fn the_end_of_the_connection_can_complete_a_response() {
        let mut parser = Parser::default();
        assert_eq!(parser.closed(), None);
        assert_eq!(parser.feed(b"HTTP/1.1 200 OK\r\n\r\nsome of it"), Progress::More);
        assert_eq!(parser.closed(), Some(200));
        parser.reset();
        assert_eq!(parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"), Progress::More);
        assert_eq!(parser.closed(), None);
    }

    proptest! {
        /// However a response, or what is none, is cut into pieces, the verdict and the place of its end are the same.
        #[test]
        fn any_split_gives_the_same(
            which in 0..GOOD.len() + BAD.len(),
            flips in proptest::collection::vec((0_usize..200, any::<u8>()), 0..3),
            mut cuts in proptest::collection::vec(0_usize..200, 0..12),
        ) {
            let text = GOOD.iter().map(|g| g.0).chain(BAD.iter().copied()).nth(which).unwrap();
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte) in flips {
                if let Some(b) = bytes.get_mut(at) {
                    *b = byte;
                }
            }
            cuts.sort_unstable();
            prop_assert_eq!(feed(&bytes, &cuts), feed(&bytes, &[]));
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            feed(&bytes, &[cut]);
        }
    }
}
