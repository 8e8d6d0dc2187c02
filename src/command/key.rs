//! Keys as people write them: `c`, `K`, `space`, `ctrl+l`, `F5`, `shift+tab`. Knows no terminal library: the input thread translates.

use std::fmt;
use std::str::FromStr;

/// A key with what is held down beside it.
///
/// Always in one form, so that equal keys are equal values: a character carries its own case (no `shift`), and with `ctrl` it is
/// lower-case, because terminals cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key itself.
    code: Code,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// A key without what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character, as it would be typed.
    Char(char),
    /// A function key, 1 to 24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
}

/// The names of the keys that are no characters. `space` is a name for a character that cannot be seen.
const NAMES: &[(&str, Code)] = &[
    ("space", Code::Char(' ')),
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
];

/// The names of the keys that are no characters.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

impl Key {
    /// A key with nothing held down.
    pub fn new(code: Code) -> Self {
        Self::with(code, false, false, false)
    }

    /// A key with what is held down, brought into the one form.
    pub fn with(code: Code, ctrl: bool, alt: bool, shift: bool) -> Self {
        match code {
            Code::Char(c) => {
                let c = if ctrl { c.to_ascii_lowercase() } else { c };
                Self { code: Code::Char(c), ctrl, alt, shift: false }
            }
            code => Self { code, ctrl, alt, shift },
        }
    }

    /// The key itself.
    pub fn code(self) -> Code {
        self.code
    }

    /// The digit 1 to 9 that it is, if it is one.
    pub fn digit(self) -> Option<u8> {
        match self {
            Self { code: Code::Char(c @ '1'..='9'), ctrl: false, alt: false, .. } => Some(c as u8 - b'0'),
            _ => None,
        }
    }

    /// The character that it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self {
            Self { code: Code::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }

    /// How it is shown where room is short: arrows and Enter as signs, everything else as it is written.
    pub fn sign(self) -> String {
        let sign = match self.code {
            Code::Up => "↑",
            Code::Down => "↓",
            Code::Left => "←",
            Code::Right => "→",
            Code::Enter => "⏎",
            Code::PageUp => "PgUp",
            Code::PageDown => "PgDn",
            _ => return self.to_string(),
        };
        if self == Self::new(self.code) { sign.to_owned() } else { self.to_string() }
    }
}

impl FromStr for Key {
    type Err = String;

    /// # Errors
    /// One sentence that names what is no key.
    fn from_str(text: &str) -> Result<Self, String> {
        let (mut rest, mut ctrl, mut alt, mut shift) = (text, false, false, false);
        loop {
            let (flag, after) = match rest.split_once('+') {
                Some(("ctrl", after)) => (&mut ctrl, after),
                Some(("alt", after)) => (&mut alt, after),
                Some(("shift", after)) => (&mut shift, after),
                _ => break,
            };
            *flag = true;
            rest = after;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => Some(Code::Char(c)),
            _ => NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code).or_else(|| function_key(rest)),
        };
        match code {
            Some(Code::Char(_)) if shift => Err(format!("{text:?}: write the character that shift makes instead")),
            Some(code) => Ok(Self::with(code, ctrl, alt, shift)),
            None => Err(format!("{text:?} is not a key: write a character, a name such as space or pageup, or ctrl+x")),
        }
    }
}

fn function_key(text: &str) -> Option<Code> {
    let digits = text.strip_prefix('F')?;
    let n: u8 = digits.parse().ok()?;
    ((1..=24).contains(&n) && digits == n.to_string()).then_some(Code::F(n))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl+"), (self.alt, "alt+"), (self.shift, "shift+")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, Code::F(n)) => write!(f, "F{n}"),
            (None, _) => unreachable!("every other key has a name"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text() {
        for text in ["c", "K", "+", "=", "?", "space", "ctrl+l", "ctrl++", "F5", "shift+tab", "ctrl+alt+up", "alt+x", "pagedown", "é"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        for code in NAMES.iter().map(|(_, code)| *code).chain((1..=24).map(Code::F)) {
            let key = Key::new(code);
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "ctrl+", "hyper+x", "F0", "F25", "F+1", "spacebar", " ", "\n", "shift+a", "ctrl+shift+a"] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn one_form_for_each_key() {
        assert_eq!(Key::with(Code::Char('K'), false, false, true), "K".parse().unwrap());
        assert_eq!(Key::with(Code::Char('C'), true, false, true), "ctrl+c".parse().unwrap());
        assert_eq!(("7".parse::<Key>().unwrap().digit(), "alt+7".parse::<Key>().unwrap().digit()), (Some(7), None));
    }
}
