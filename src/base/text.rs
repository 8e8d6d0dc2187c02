//! Text from outside, made safe to show: nothing from a client or a dying process reaches a terminal unescaped.

use std::fmt::Write;

/// Makes every character visible that could steer a terminal or reorder a line: control characters, bidirectional overrides and
/// isolates, line and paragraph separators, and invisible formatting. Everything else stays. Tabs become a space.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            c if c.is_control() || is_steering(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// The same for several lines: the line breaks stay.
pub fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

fn is_steering(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_becomes_visible_and_the_rest_stays() {
        assert_eq!(visible("\x1b[31mred\x07"), "\\e[31mred\\u{7}");
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(visible("占用 CPU ✓ é"), "占用 CPU ✓ é");
        assert_eq!(visible_lines("one\r\ntwo\tend"), "one\ntwo end");
    }

    proptest! {
        #[test]
        fn nothing_steering_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(|c| c.is_control() || is_steering(c)));
        }
    }
}
