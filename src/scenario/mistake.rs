//! What is wrong with a scenario's file, said so that it can be mended: where, what, what would be right, and what was probably meant.

use std::fmt::{self, Write};
use std::path::PathBuf;

use super::chinese;
use crate::base::lang::Lang;
use crate::base::text::visible;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong; what is valid; what was probably meant. One line, safe for a terminal.
    pub message: String,
}

impl Mistake {
    /// A mistake at this place. Whatever of the file the message repeats is made safe for a terminal here.
    pub fn new(line: usize, column: usize, message: &str) -> Self {
        Self { line, column, message: visible(message) }
    }
}

/// Everything that was found wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The file, as it was named.
    pub file: PathBuf,
    /// In the order of the file. Empty never.
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// `file:line:column: message`, one a line, in a language.
    pub fn told(&self, lang: Lang) -> String {
        let file = visible(&self.file.to_string_lossy());
        let line = |m: &Mistake| format!("{file}:{}:{}: {}", m.line, m.column, chinese::told(&m.message, lang));
        self.list.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Mistakes {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Lang::En))
    }
}

impl std::error::Error for Mistakes {}

/// What was probably meant: the nearest of the valid words, if one is near.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = (word.chars().count() / 3).max(2);
    valid
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= near && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a message about a word that is none of the valid ones: `; valid: a, b; did you mean "a"?`.
pub fn valid_words(word: &str, valid: &[&str]) -> String {
    let mut text = match valid {
        [] => String::from("; none is valid here"),
        words => format!("; valid: {}", words.join(", ")),
    };
    if let Some(meant) = nearest(word, valid.iter().copied()) {
        let _ = write!(text, "; did you mean {meant:?}?");
    }
    text
}

/// A piece of the source as it may stand in a message: short, on one line, with what a terminal would act on written out.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 32;
    let line = text.lines().next().unwrap_or_default();
    let short = visible(&line.chars().take(LONGEST).collect::<String>());
    if line.chars().count() > LONGEST { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_nothing_far() {
        let valid = ["WorkerPool", "Slicing", "CatchPanic", "Supervisor"];
        assert_eq!(nearest("WorkerPol", valid), Some("WorkerPool"));
        assert_eq!(nearest("slicng", valid), Some("Slicing"));
        assert_eq!(nearest("catchpanic", valid), Some("CatchPanic"));
        assert_eq!(nearest("Quicksort", valid), None);
        assert_eq!(nearest("", valid), None);
    }

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(excerpt("\"a\u{1b}[31m\u{202e}\"\nnext"), "\"a\\e[31m\\u{202e}\"");
        assert_eq!(excerpt(&"x".repeat(100)), format!("{}…", "x".repeat(32)));
    }
}
