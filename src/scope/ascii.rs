//! The screen in ASCII: what stands in each cell, in a character that every terminal has.
//!
//! One pass over the finished picture, so that no panel knows of it. Text that is not ours, and Chinese, stay as they are.

use ratatui::buffer::Buffer;

/// Puts an ASCII character in the place of every glyph that is one of ours.
pub fn simplify(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let mut chars = cell.symbol().chars();
        if let (Some(c), None) = (chars.next(), chars.next())
            && !c.is_ascii()
            && let Some(plain) = plain(c)
        {
            cell.set_char(plain);
        }
    }
}

/// The same for a text, where what was one column may become more.
pub fn text(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { plain(c).unwrap_or(c) }).collect()
}

/// The character that stands for a glyph: what looks like it, or says the same.
#[expect(clippy::match_same_arms, reason = "glyphs stand together that mean the same, not that look the same here")]
fn plain(glyph: char) -> Option<char> {
    Some(match glyph {
        // Lines, corners, axes.
        '─' | '╴' | '╶' | '–' | '−' | '‐' | '·' => '-',
        '━' | '═' | '▬' => '=',
        '│' | '╵' | '╷' | '┤' | '├' | '┊' | '┆' | '‖' | '▏' | '▎' | '▐' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '┴' | '┬' | '┼' => '+',
        '╌' | '┄' | '┈' | '▯' => '.',
        // How much: rising columns, bars, shades.
        '▁' => '_',
        '▂' => '.',
        '▃' | '░' => ':',
        '▄' | '▍' | '▌' => '=',
        '▅' | '▒' => '+',
        '▆' => '*',
        '▓' => '%',
        '▀' => '"',
        '▇' | '█' | '▋' | '▊' | '▉' | '▮' | '■' => '#',
        // Signs of states and places.
        '●' | '◉' => '*',
        '◆' => '&',
        '○' | '◌' => 'o',
        '◎' | '◈' => '@',
        '✓' => '+',
        '✕' | '✗' | '×' => 'x',
        '▸' | '▶' | '→' | '›' => '>',
        '◂' | '◀' | '←' | '‹' => '<',
        '▲' | '↑' => '^',
        '▾' | '▼' | '↓' => 'v',
        '⏎' | '↳' => '>',
        '△' => 'A',
        '▽' => 'V',
        '◇' => 'D',
        '◠' => 'n',
        '⚑' => 'P',
        // Letters and punctuation.
        '…' => '~',
        '—' => '-',
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        'µ' | 'μ' => 'u',
        '≥' => '>',
        '≤' => '<',
        '≈' => '~',
        '\u{2800}'..='\u{28ff}' => dots(glyph),
        _ => return None,
    })
}

/// A braille pattern: its dots drawn with the character that has its ink in the same place.
fn dots(glyph: char) -> char {
    let bits = glyph as u32 - 0x2800;
    let rows = [0x09, 0x12, 0x24, 0xc0].map(|row: u32| (bits & row).count_ones());
    let (left, right) = ((bits & 0x47).count_ones(), (bits & 0xb8).count_ones());
    let (top, middle, bottom) = (rows[0], rows[1] + rows[2], rows[3]);
    match bits.count_ones() {
        0 => ' ',
        6.. => '#',
        4 | 5 if left.min(right) == 0 => '|',
        3.. if left == 0 || right == 0 => '|',
        5 => '*',
        3 | 4 if top == 0 && rows[1] == 0 => '_',
        3 | 4 if bottom == 0 && rows[2] == 0 => '"',
        3 | 4 => '+',
        _ if bottom > 0 && top == 0 && middle == 0 => '.',
        _ if top > 0 && bottom == 0 && middle == 0 => '\'',
        _ if top > 0 && bottom > 0 => ':',
        _ if bottom > 0 || rows[2] > rows[1] => ',',
        _ => '-',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn glyphs_of_ours_become_ascii_and_text_of_others_stays() {
        let mut buf = Buffer::with_lines(["╭─▸ ●⣿⡇⠁ ▁▄█ 停顿 é µs…"]);
        simplify(&mut buf);
        let text: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(text.replace("停 顿 ", "停顿"), "+-> *#|' _=# 停顿 é us~");
        let mut empty = Buffer::empty(Rect::new(0, 0, 0, 0));
        simplify(&mut empty);
        let mut one = Buffer::empty(Rect::new(0, 0, 1, 1));
        one.set_string(0, 0, "█", Style::new());
        simplify(&mut one);
        assert_eq!(one[(0, 0)].symbol(), "#");
    }

    #[test]
    fn every_pattern_of_dots_is_drawn_and_more_dots_never_vanish() {
        for bits in 1..=0xff_u32 {
            let c = dots(char::from_u32(0x2800 + bits).unwrap());
            assert!(c.is_ascii_graphic(), "{bits:x}");
        }
        assert_eq!(['⠁', '⢀', '⣀', '⡇', '⢸', '⣿', '⠤'].map(dots), ['\'', '.', '.', '|', '|', '#', ',']);
    }

    #[test]
    fn what_must_be_told_apart_stays_apart() {
        for glyphs in ["✓✗●", "●○◆✗", "▁▂▃▄▅▆█", " ░▒▓█", "▸◂▲▾", "╌█"] {
            let plain: Vec<char> = glyphs.chars().map(|c| plain(c).unwrap_or(c)).collect();
            let mut apart = plain.clone();
            apart.sort_unstable();
            apart.dedup();
            assert_eq!(apart.len(), plain.len(), "{glyphs}: {plain:?}");
        }
    }
}
