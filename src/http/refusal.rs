//! Why a request could not be read: one value for each rule that was broken, with its status and its sentence.
//!
//! After a refusal nothing that follows on the connection can be trusted: it is answered and closed.

/// A rule that a request broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The request line is none.
    RequestLine,
    /// The target has none of the four forms, or bytes that no target has.
    Target,
    /// The third word of the request line is no version.
    VersionForm,
    /// A version that exists, but not here.
    Version,
    /// A field's name is empty, has a space before its colon, is no token, or the line is folded.
    FieldName,
    /// A field's value has a control character: NUL, a bare CR, and their like.
    FieldValue,
    /// A line does not end in CR LF.
    LineEnd,
    /// HTTP/1.1 without Host.
    NoHost,
    /// More than one Host.
    ManyHosts,
    /// A Host that names no host.
    Host,
    /// A Content-Length that is no number.
    Length,
    /// More than one Content-Length.
    ManyLengths,
    /// Content-Length beside Transfer-Encoding.
    LengthAndEncoding,
    /// A Transfer-Encoding that does not end in `chunked`, or has it twice, or came with HTTP/1.0.
    Encoding,
    /// A transfer coding other than `chunked`.
    Coding,
    /// A chunk's size is no size.
    ChunkSize,
    /// A chunk is longer or shorter than its size.
    ChunkEnd,
    /// A trailer is no field.
    Trailer,
    /// The request ended in the middle.
    Incomplete,
    /// The request line is too long.
    TargetTooLong,
    /// The head is too long.
    HeadTooLong,
    /// Too many header fields.
    TooManyFields,
    /// The body is too long.
    BodyTooLong,
    /// An expectation other than `100-continue`.
    Expectation,
}

impl Refusal {
    /// Every rule.
    pub const ALL: &'static [Self] = &[
        Self::RequestLine,
        Self::Target,
        Self::VersionForm,
        Self::Version,
        Self::FieldName,
        Self::FieldValue,
        Self::LineEnd,
        Self::NoHost,
        Self::ManyHosts,
        Self::Host,
        Self::Length,
        Self::ManyLengths,
        Self::LengthAndEncoding,
        Self::Encoding,
        Self::Coding,
        Self::ChunkSize,
        Self::ChunkEnd,
        Self::Trailer,
        Self::Incomplete,
        Self::TargetTooLong,
        Self::HeadTooLong,
        Self::TooManyFields,
        Self::BodyTooLong,
        Self::Expectation,
    ];

    /// The status it is answered with, and the sentence that says why.
    pub const fn answer(self) -> (u16, &'static str) {
        match self {
            Self::RequestLine => (400, "The request line is not METHOD SP TARGET SP VERSION."),
            Self::Target => (400, "The request's target is not one that this method can have."),
            Self::VersionForm => (400, "The request line does not end in an HTTP version."),
            Self::Version => (505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."),
            Self::FieldName => (400, "A header field's name is not a token directly followed by a colon, or a line is folded."),
            Self::FieldValue => (400, "A header field's value has a control character in it."),
            Self::LineEnd => (400, "A line does not end in CR LF."),
            Self::NoHost => (400, "An HTTP/1.1 request has a Host field."),
            Self::ManyHosts => (400, "There is more than one Host field."),
            Self::Host => (400, "The Host field names no host."),
            Self::Length => (400, "Content-Length is not a number."),
            Self::ManyLengths => (400, "There is more than one Content-Length."),
            Self::LengthAndEncoding => (400, "Content-Length and Transfer-Encoding exclude each other."),
            Self::Encoding => (400, "Transfer-Encoding is not one that ends a request's body: chunked, once and last, in HTTP/1.1."),
            Self::Coding => (501, "No transfer coding but chunked is known here."),
            Self::ChunkSize => (400, "A chunk's size line is not one."),
            Self::ChunkEnd => (400, "A chunk does not end where its size says."),
            Self::Trailer => (400, "A trailer is not a header field."),
            Self::Incomplete => (400, "The request ended before it was complete."),
            Self::TargetTooLong => (414, "The request line is too long."),
            Self::HeadTooLong => (431, "The request's head is too long."),
            Self::TooManyFields => (431, "There are too many header fields."),
            Self::BodyTooLong => (413, "The request's body is too long."),
            Self::Expectation => (417, "The only expectation that can be met here is 100-continue."),
        }
    }

    /// The status it is answered with.
    pub const fn status(self) -> u16 {
        self.answer().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::reason;
    use std::collections::HashSet;

    #[test]
    fn each_refusal_has_a_status_of_its_kind_and_a_sentence_of_its_own() {
        let mut sentences = HashSet::new();
        for refusal in Refusal::ALL {
            let (status, sentence) = refusal.answer();
            assert!(matches!(status, 400..=599), "{refusal:?}");
            assert!(!reason(status).is_empty(), "{status} has no reason phrase");
            assert!(sentence.ends_with('.') && sentences.insert(sentence), "{refusal:?}");
        }
    }
}
