//! The chunked transfer coding (RFC 9112, section 7.1), byte by byte and strictly: every leniency here is somebody's way to
//! smuggle a request past somebody else.

use super::refusal::Refusal;

/// The most bytes that size lines, extensions and trailers of one body may have together.
const MAX_OVERHEAD: usize = 64 * 1024;
/// The most hexadecimal digits of a size: more would not fit into 64 bits.
const MAX_DIGITS: u8 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Size { digits: u8, value: usize },
    SpaceBeforeExtension { value: usize },
    Extension { value: usize, in_it: Extension },
    SizeLf { value: usize },
    Data { left: usize },
    DataCr,
    DataLf,
    LineStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// Where in a chunk's extension: `;name=value`, with white space wherever it stands between these, and the value a token or quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    AfterValue,
}

impl Extension {
    #[expect(clippy::match_same_arms, reason = "each arm is a rule of the grammar; merged they could not be read")]
    fn step(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::BeforeName, b' ' | b'\t') => Self::BeforeName,
            (Self::BeforeName | Self::Name, _) if is_token(byte) => Self::Name,
            (Self::Name | Self::AfterName, b' ' | b'\t') => Self::AfterName,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeValue, b' ' | b'\t') => Self::BeforeValue,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::BeforeValue | Self::Value, _) if is_token(byte) => Self::Value,
            (Self::Quoted, b'"') => Self::AfterValue,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted | Self::Escaped, b'\t' | b' '..=b'~' | 0x80..) => Self::Quoted,
            (Self::Value | Self::AfterValue, b' ' | b'\t') => Self::AfterValue,
            (Self::Name | Self::AfterName | Self::Value | Self::AfterValue, b';') => Self::BeforeName,
            _ => return None,
        })
    }

    /// Whether a line can end here.
    fn is_whole(self) -> bool {
        matches!(self, Self::Name | Self::Value | Self::AfterValue)
    }
}

/// Where in a chunked body the decoder is.
#[derive(Clone, Debug)]
pub struct Chunked {
    at: At,
    overhead: usize,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, value: 0 }, overhead: 0 }
    }
}

impl Chunked {
    /// Whether the body's end has been seen.
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Takes what it can of `input`, appends the content to `body`, and says how many bytes it took. Trailers are checked and dropped.
    ///
    /// # Errors
    /// The first rule that is broken; a body over `limit` bytes.
    pub fn decode(&mut self, input: &[u8], body: &mut Vec<u8>, limit: usize) -> Result<usize, Refusal> {
        let mut taken = 0;
        while taken < input.len() && !self.is_done() {
            if let At::Data { left } = self.at {
                let n = left.min(input.len() - taken);
                body.extend_from_slice(&input[taken..taken + n]);
                taken += n;
                self.at = if n == left { At::DataCr } else { At::Data { left: left - n } };
                continue;
            }
            self.overhead += 1;
            if self.overhead > MAX_OVERHEAD {
                return Err(Refusal::BodyTooLong);
            }
            self.at = self.step(input[taken], body.len(), limit)?;
            taken += 1;
        }
        Ok(taken)
    }

    /// Where one byte of the framing leads.
    #[expect(clippy::match_same_arms, reason = "each arm is a rule of the grammar; merged they could not be read")]
    fn step(&self, byte: u8, so_far: usize, limit: usize) -> Result<At, Refusal> {
        Ok(match (self.at, byte) {
            (At::Size { digits, value }, _) if byte.is_ascii_hexdigit() => {
                if digits == MAX_DIGITS {
                    return Err(Refusal::ChunkSize);
                }
                let digit = (byte as char).to_digit(16).unwrap_or(0) as usize;
                At::Size { digits: digits + 1, value: value << 4 | digit }
            }
            // A size is too long only when it is one: what has too many digits is none.
            (At::Size { digits: 1.., value }, b';' | b' ' | b'\t' | b'\r') if value > limit.saturating_sub(so_far) => {
                return Err(Refusal::BodyTooLong);
            }
            (At::Size { digits: 1.., value } | At::SpaceBeforeExtension { value }, b';') => {
                At::Extension { value, in_it: Extension::BeforeName }
            }
            (At::Size { digits: 1.., value } | At::SpaceBeforeExtension { value }, b' ' | b'\t') => At::SpaceBeforeExtension { value },
            (At::Size { digits: 1.., value }, b'\r') => At::SizeLf { value },
            (At::Extension { value, in_it }, b'\r') if in_it.is_whole() => At::SizeLf { value },
            (At::Extension { value, in_it }, _) => At::Extension { value, in_it: in_it.step(byte).ok_or(Refusal::ChunkSize)? },
            (At::SizeLf { value: 0 }, b'\n') => At::LineStart,
            (At::SizeLf { value }, b'\n') => At::Data { left: value },
            (At::Size { .. } | At::SpaceBeforeExtension { .. } | At::SizeLf { .. }, _) => {
                return Err(Refusal::ChunkSize);
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size { digits: 0, value: 0 },
            (At::DataCr | At::DataLf, _) => return Err(Refusal::ChunkEnd),
            (At::LineStart, b'\r') => At::LastLf,
            (At::LineStart | At::TrailerName, _) if is_token(byte) => At::TrailerName,
            (At::TrailerName, b':') => At::TrailerValue,
            (At::TrailerValue, b'\r') => At::TrailerLf,
            (At::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => At::TrailerValue,
            (At::TrailerLf, b'\n') => At::LineStart,
            (At::LastLf, b'\n') => At::Done,
            (At::LineStart | At::TrailerName | At::TrailerValue | At::TrailerLf | At::LastLf, _) => return Err(Refusal::Trailer),
            (At::Data { .. } | At::Done, _) => self.at,
        })
    }
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, and how many bytes were left over.
    fn decode(text: &str, step: usize) -> Result<Option<(String, usize)>, Refusal> {
        let (mut chunked, mut body, mut at) = (Chunked::default(), Vec::new(), 0);
        for piece in text.as_bytes().chunks(step) {
            at += chunked.decode(piece, &mut body, 100)?;
            if chunked.is_done() {
                return Ok(Some((String::from_utf8(body).unwrap(), text.len() - at)));
            }
        }
        Ok(None)
    }

    #[test]
    fn bodies_that_are_sound_whatever_the_pieces() {
        for (text, expected) in [
            ("0\r\n\r\n", Some((String::new(), 0))),
            ("5\r\nhello\r\n0\r\n\r\nrest", Some(("hello".into(), 4))),
            ("00005\r\nhello\r\n000\r\n\r\n", Some(("hello".into(), 0))),
            ("A\r\n0123456789\r\n1\r\n!\r\n0\r\nX: y\r\nZ:\r\n\r\n", Some(("0123456789!".into(), 0))),
            ("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", Some(("hello".into(), 0))),
            ("5 ; a = b ;c=\"\\\"\"\r\nhello\r\n0\r\n\r\n", Some(("hello".into(), 0))),
            ("5\r\nhello\r\n0\r\n", None),
            ("5\r\nhel", None),
        ] {
            for step in 1..=text.len() {
                let whole = decode(text, step).unwrap().map(|(body, left)| (body, if step == text.len() { left } else { 0 }));
                let expected = expected.clone().map(|(body, left)| (body, if step == text.len() { left } else { 0 }));
                assert_eq!(whole, expected, "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn bodies_that_are_not() {
        for (text, refusal) in [
            ("\r\n", Refusal::ChunkSize),
            ("x\r\n", Refusal::ChunkSize),
            ("0x5\r\n", Refusal::ChunkSize),
            ("-5\r\n", Refusal::ChunkSize),
            ("+5\r\n", Refusal::ChunkSize),
            (" 5\r\n", Refusal::ChunkSize),
            ("5 \r\n", Refusal::ChunkSize),
            ("5_0\r\n", Refusal::ChunkSize),
            ("5\n", Refusal::ChunkSize),
            ("5\rhello", Refusal::ChunkSize),
            ("5;\r\nhello", Refusal::ChunkSize),
            ("5;a\nhello", Refusal::ChunkSize),
            ("5;a\0\r\n", Refusal::ChunkSize),
            ("5;a[=b\r\n", Refusal::ChunkSize),
            ("5;a=\r\n", Refusal::ChunkSize),
            ("5;a=\"b\r\n", Refusal::ChunkSize),
            ("5;a=b c\r\n", Refusal::ChunkSize),
            ("00000000000000000\r\n", Refusal::ChunkSize),
            ("ffffffffffffffffff\r\n", Refusal::ChunkSize),
            ("ffffffffffffffff\r\n", Refusal::BodyTooLong),
            ("65\r\n", Refusal::BodyTooLong),
            ("5\r\nhelloX", Refusal::ChunkEnd),
            ("5\r\nhello\n", Refusal::ChunkEnd),
            ("5\r\nhello\r0", Refusal::ChunkEnd),
            ("0\r\n\n", Refusal::Trailer),
            ("0\r\nX y\r\n", Refusal::Trailer),
            ("0\r\nX\r\n", Refusal::Trailer),
            ("0\r\n X: y\r\n", Refusal::Trailer),
            ("0\r\nX: y\n\n", Refusal::Trailer),
            ("0\r\nX: \0\r\n\r\n", Refusal::Trailer),
        ] {
            for step in 1..=text.len() {
                assert_eq!(decode(text, step), Err(refusal), "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn framing_without_end_is_bounded() {
        let long = format!("1;{}", "a".repeat(MAX_OVERHEAD));
        assert_eq!(decode(&long, 1000), Err(Refusal::BodyTooLong));
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(MAX_OVERHEAD / 6 + 1));
        assert_eq!(decode(&trailers, 1000), Err(Refusal::BodyTooLong));
    }
}
