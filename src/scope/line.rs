//! One line that a person types: the palette's and the search's. Bounded, and free of whatever a terminal would act on.

use crate::base::text::visible;

/// The most characters of it.
pub const LONGEST: usize = 72;

/// A line that is being typed. One types at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// What has been typed.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Adds a character, where it is one that can be shown and there is room for it.
    pub fn push(&mut self, c: char) {
        let shown = visible(c.encode_utf8(&mut [0; 4])).chars().eq([c]);
        if shown && self.0.chars().count() < LONGEST {
            self.0.push(c);
        }
    }

    /// Takes the last character back.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// Takes all of it back.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Has this stand there instead.
    pub fn set(&mut self, text: &str) {
        self.clear();
        text.chars().for_each(|c| self.push(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_cannot_be_typed() {
        let mut line = Line::default();
        line.set("a\u{1b}[31m\u{202e}停 b\n");
        assert_eq!(line.text(), "a[31m停 b");
        line.pop();
        line.pop();
        assert_eq!(line.text(), "a[31m停");
        line.set(&"x".repeat(1000));
        assert_eq!(line.text().len(), LONGEST);
    }
}
