//! Text as a terminal shows it: how wide it is, how it is cut and wrapped.
//!
//! Knows nothing of panels, themes or worlds. Widths are columns of a terminal, so that a Chinese character counts two.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text that fits into so many columns, with `…` where something was cut off.
pub fn clip(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > columns - 1 {
            break;
        }
        out.push(c);
        used += w;
    }
    out.push('…');
    Cow::Owned(out)
}

/// A piece of a line in one manner: plain, or marked with backticks (code, keys, figures).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The text.
    pub text: String,
    /// Whether it was marked.
    pub marked: bool,
}

/// A text in lines of at most so many columns. Breaks at spaces and between wide characters, never before closing punctuation,
/// inside a word only where a word is longer than a line. A line feed begins a new line; backticks mark and vanish.
pub fn wrap(text: &str, columns: usize) -> Vec<Vec<Run>> {
    let mut lines = Vec::new();
    if columns == 0 {
        return lines;
    }
    for paragraph in text.split('\n') {
        wrap_paragraph(paragraph, columns, &mut lines);
    }
    lines
}

/// One character and whether it is marked.
type Glyph = (char, bool);

fn wrap_paragraph(text: &str, columns: usize, lines: &mut Vec<Vec<Run>>) {
    let mut marked = false;
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    for c in text.chars() {
        if c == '`' {
            marked = !marked;
        } else {
            glyphs.push((c, marked));
        }
    }
    let mut rest = &glyphs[..];
    loop {
        let (line, after) = first_line(rest, columns);
        lines.push(runs(line));
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

/// Splits off what fits into one line; the space at which it breaks belongs to neither part.
fn first_line(glyphs: &[Glyph], columns: usize) -> (&[Glyph], &[Glyph]) {
    let mut used = 0;
    // The best place to break so far: the line ends before `.0`, the next one begins at `.1`.
    let mut best: Option<(usize, usize)> = None;
    for (at, &(c, _)) in glyphs.iter().enumerate() {
        let w = c.width().unwrap_or(0);
        if c == ' ' {
            best = Some((at, at + 1));
        } else if at > 0 && may_break(glyphs[at - 1].0, c) {
            best = Some((at, at));
        }
        if used + w > columns && c != ' ' {
            let (end, next) = best.filter(|b| b.0 > 0).unwrap_or((at.max(1), at.max(1)));
            return (&glyphs[..end], &glyphs[next..]);
        }
        used += w;
    }
    (glyphs, &[])
}

/// Whether a line may end between two characters that no space parts.
fn may_break(before: char, after: char) -> bool {
    let wide = |c: char| c.width() == Some(2);
    before != ' '
        && (wide(before) || wide(after))
        && !"，。、；：！？）》」』”’…,.;:!?)]}%".contains(after)
        && !"（《「『“‘([{".contains(before)
}

fn runs(line: &[Glyph]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    for &(c, marked) in line {
        match out.last_mut() {
            Some(run) if run.marked == marked => run.text.push(c),
            _ => out.push(Run { text: c.to_string(), marked }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[Vec<Run>]) -> Vec<String> {
        lines.iter().map(|l| l.iter().map(|r| r.text.as_str()).collect()).collect()
    }

    #[test]
    fn cutting_respects_wide_characters() {
        assert_eq!(clip("callback", 8), "callback");
        assert_eq!(clip("callback", 5), "call…");
        assert_eq!(clip("回调函数", 5), "回调…");
        assert_eq!(clip("回调函数", 4), "回…");
        assert_eq!(clip("回调", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_and_between_wide_characters() {
        assert_eq!(plain(&wrap("one callback computes", 9)), ["one", "callback", "computes"]);
        assert_eq!(plain(&wrap("事件循环，停住了。", 8)), ["事件循", "环，停住", "了。"]);
        assert_eq!(plain(&wrap("a\n\nb", 9)), ["a", "", "b"]);
        assert_eq!(plain(&wrap("abcdefgh", 3)), ["abc", "def", "gh"]);
    }

    #[test]
    fn backticks_mark() {
        let lines = wrap("press `f` now", 20);
        assert_eq!(lines[0][1], Run { text: "f".into(), marked: true });
        assert_eq!(plain(&lines), ["press f now"]);
    }

    #[test]
    fn no_line_is_wider_than_asked_for_and_nothing_is_lost() {
        let text = "事件循环 the loop，stands still (当回调函数占用 CPU 时)。 Every other connection waits.";
        for columns in 2..40 {
            let lines = plain(&wrap(text, columns));
            assert!(lines.iter().all(|l| width(l) <= columns), "{columns}: {lines:?}");
            let joined: String = lines.concat().replace(' ', "");
            assert_eq!(joined, text.replace(' ', ""), "{columns}");
        }
    }
}
