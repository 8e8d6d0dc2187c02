//! The request target in its four forms (RFC 9112, section 3.2), and the parameters of its query. Percent-escapes are left alone.

use super::head::Method;
use super::refusal::Refusal;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'b> {
    /// The path, as it came; `*` for the asterisk form.
    pub path: &'b str,
    /// What follows the first question mark, as it came; empty without one.
    pub query: &'b str,
    /// Host and port of the absolute and the authority form.
    pub authority: Option<&'b str>,
}

impl<'b> Target<'b> {
    /// Reads a target, as the method allows it.
    ///
    /// # Errors
    /// [`Refusal::Target`].
    pub fn parse(method: Method, text: &'b str) -> Result<Self, Refusal> {
        if text.bytes().any(|b| b == b'#' || !b.is_ascii_graphic()) {
            return Err(Refusal::Target);
        }
        if method == Method::Connect {
            let port = text.rsplit_once(':').map(|(_, port)| port);
            let sound = is_authority(text.as_bytes()) && port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
            return if sound { Ok(Self { path: "", query: "", authority: Some(text) }) } else { Err(Refusal::Target) };
        }
        if text.starts_with('/') {
            let (path, query) = split_query(text);
            return Ok(Self { path, query, authority: None });
        }
        if text == "*" {
            return if method == Method::Options { Ok(Self { path: text, query: "", authority: None }) } else { Err(Refusal::Target) };
        }
        let rest = after_scheme(text).ok_or(Refusal::Target)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.is_empty() || !is_authority(authority.as_bytes()) {
            return Err(Refusal::Target);
        }
        let (path, query) = split_query(rest);
        // OPTIONS for a whole server through a proxy comes as an absolute form without a path (RFC 9112, section 3.2.4).
        let path = match path {
            "" if method == Method::Options && query.is_empty() => "*",
            "" => "/",
            path => path,
        };
        Ok(Self { path, query, authority: Some(authority) })
    }

    /// The value of a parameter of the query; nothing if it is not there. The first one counts.
    pub fn parameter(&self, name: &str) -> Option<&'b str> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
}

fn split_query(text: &str) -> (&str, &str) {
    match text.bytes().position(|b| b == b'?') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn after_scheme(text: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Whether this could name a host and a port (RFC 3986, sections 3.2.2 and 3.2.3), without user information, which no request
/// may carry (RFC 9110, section 4.2.4).
#[inline]
pub fn is_authority(text: &[u8]) -> bool {
    let (host_ends, host_is_sound) = if text.first() == Some(&b'[') {
        let inner = text[1..].iter().take_while(|b| b.is_ascii_hexdigit() || b":.vV".contains(b)).count();
        (inner + 2, inner > 0 && text.get(inner + 1) == Some(&b']'))
    } else {
        (text.iter().take_while(|&&b| HOST[usize::from(b)]).count(), true)
    };
    host_is_sound
        && match &text[host_ends..] {
            [] => true,
            [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// The bytes that a registered name or an IPv4 address can have. A comma would be one, but no host has it, and lists do.
static HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~%!$&'()*+;=";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: Method, text: &str) -> Option<(&str, &str)> {
        Target::parse(method, text).ok().map(|t| (t.path, t.query))
    }

    #[test]
    fn the_four_forms() {
        for (method, text, expected) in [
            (Method::Get, "/", Some(("/", ""))),
            (Method::Get, "/a%2Fb?x=1?y", Some(("/a%2Fb", "x=1?y"))),
            (Method::Get, "http://host", Some(("/", ""))),
            (Method::Get, "HTTP://host:80/a?b", Some(("/a", "b"))),
            (Method::Get, "https://host?b", Some(("/", "b"))),
            (Method::Options, "*", Some(("*", ""))),
            (Method::Options, "http://host", Some(("*", ""))),
            (Method::Connect, "host:443", Some(("", ""))),
            (Method::Get, "*", None),
            (Method::Get, "host:443", None),
            (Method::Get, "a", None),
            (Method::Get, "http://", None),
            (Method::Get, "http:///a", None),
            (Method::Get, "http://user@host/", None),
            (Method::Get, "ftp://host/", None),
            (Method::Get, "/a#b", None),
            (Method::Get, "/\u{e4}", None),
            (Method::Connect, "/", None),
            (Method::Connect, "host", None),
        ] {
            assert_eq!(parse(method, text), expected, "{method:?} {text}");
        }
    }

    #[test]
    fn parameters_are_found_by_name() {
        let target = Target::parse(Method::Get, "/x?ms=5&n&m=&ms=6&&ms").unwrap();
        assert_eq!([target.parameter("ms"), target.parameter("n"), target.parameter("m")], [Some("5"), Some(""), Some("")]);
        assert_eq!([target.parameter("s"), Target::parse(Method::Get, "/").unwrap().parameter("a")], [None, None]);
    }

    #[test]
    fn authorities() {
        for good in ["a", "a.b:80", "127.0.0.1", "[::1]", "[::1]:8080", "", "a:", "xn--e", "a_b"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in ["a b", "a/b", "u@a", "a:b", "[", "[]", "[::1", "[::1]x", "a,b", "a\\b", "a?b", "a:1:2"] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
