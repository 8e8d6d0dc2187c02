//! Putting text and glyphs into cells, clipped to an area; frames of panels; what a click on a cell means.
//!
//! Knows cells and styles, nothing of what is drawn. Coordinates are those of the whole screen; what lies outside is not drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Look;
use super::text;
use super::theme::Role;
use crate::command::Command;

/// Draws into the cells of one area and nowhere else.
pub struct Pen<'b> {
    buf: &'b mut Buffer,
    /// Where it may draw.
    pub area: Rect,
}

impl<'b> Pen<'b> {
    /// A pen for an area, as far as that lies in the buffer.
    pub fn new(buf: &'b mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area }
    }

    /// The same cells, a smaller area.
    pub fn within(&mut self, area: Rect) -> Pen<'_> {
        let area = area.intersection(self.area);
        Pen { buf: &mut *self.buf, area }
    }

    /// Whether there is nothing to draw into.
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Writes a text from a column on; returns the column behind it. What does not fit is cut off.
    pub fn text(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        let right = self.area.right();
        self.text_until(x, y, right, text, style)
    }

    /// Writes a text that ends before column `end` at the latest.
    pub fn text_until(&mut self, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
        let end = end.min(self.area.right());
        if y < self.area.top() || y >= self.area.bottom() || x < self.area.left() || x >= end {
            return x;
        }
        self.buf.set_stringn(x, y, text, usize::from(end - x), style).0
    }

    /// Writes a text that ends at a column; returns the column where it begins.
    pub fn text_right(&mut self, end: u16, y: u16, text: &str, style: Style) -> u16 {
        let x = end.saturating_sub(text::width(text) as u16).max(self.area.left());
        self.text_until(x, y, end, text, style);
        x
    }

    /// Writes a text in the middle of a line of the area.
    pub fn text_centred(&mut self, y: u16, text: &str, style: Style) {
        let free = usize::from(self.area.width).saturating_sub(text::width(text));
        self.text(self.area.left() + (free / 2) as u16, y, text, style);
    }

    /// Writes a text in the middle of the area, in as many lines as it needs.
    pub fn message(&mut self, text: &str, style: Style) {
        let lines = text::wrap(text, usize::from(self.area.width));
        let top = self.area.top() + self.area.height.saturating_sub(lines.len() as u16) / 2;
        for (n, line) in lines.iter().enumerate() {
            let line: String = line.iter().map(|run| run.text.as_str()).collect();
            self.text_centred(top.saturating_add(n as u16), &line, style);
        }
    }

    /// Whether nothing has been put into a cell of the area, or only what says that nothing was.
    pub fn is_blank(&self, x: u16, y: u16) -> bool {
        self.area.contains((x, y).into()) && matches!(self.buf[(x, y)].symbol(), " " | "·")
    }

    /// Puts one glyph of one column.
    pub fn put(&mut self, x: u16, y: u16, glyph: char, style: Style) {
        if self.area.contains((x, y).into()) {
            self.buf[(x, y)].set_char(glyph).set_style(style);
        }
    }

    /// What stands in a cell; nothing outside.
    pub fn symbol(&self, x: u16, y: u16) -> &str {
        if self.area.contains((x, y).into()) { self.buf[(x, y)].symbol() } else { "" }
    }

    /// Changes the style of cells and leaves their text.
    pub fn style(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area.intersection(self.area), style);
    }

    /// Fills cells with a glyph.
    pub fn fill(&mut self, area: Rect, glyph: char, style: Style) {
        let area = area.intersection(self.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buf[(x, y)].reset();
                self.buf[(x, y)].set_char(glyph).set_style(style);
            }
        }
    }

    /// Fills a row with a bar of a share from 0 to 1, exact to an eighth of a cell where glyphs can tell.
    pub fn bar(&mut self, area: Rect, share: f64, full: Style, track: Style) {
        const EIGHTHS: [char; 8] = ['▏', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        let eighths = (share.clamp(0.0, 1.0) * f64::from(area.width) * 8.0).round() as u16;
        // A share above nothing is always seen.
        let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
        for i in 0..area.width {
            let here = eighths.saturating_sub(i * 8);
            let (glyph, style) = match here {
                0 => ('╌', track),
                1..8 => (EIGHTHS[usize::from(here)], full),
                _ => ('█', full),
            };
            self.put(area.x + i, area.y, glyph, style);
        }
    }
}

/// The frame of a panel with a title and, at its right, a note; returns what is inside.
pub fn frame(buf: &mut Buffer, area: Rect, look: Look<'_>, title: &str, note: &str) -> Rect {
    frame_lit(buf, area, look, title, note, None)
}

/// The same with a frame in the colours of a role: a panel to look at.
pub fn frame_lit(buf: &mut Buffer, area: Rect, look: Look<'_>, title: &str, note: &str, lit: Option<Role>) -> Rect {
    let mut pen = Pen::new(buf, area);
    let area = pen.area;
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let line = look.style(lit.unwrap_or(Role::Border));
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    for x in left + 1..right {
        pen.put(x, top, '─', line);
        pen.put(x, bottom, '─', line);
    }
    for y in top + 1..bottom {
        pen.put(left, y, '│', line);
        pen.put(right, y, '│', line);
    }
    for (x, y, corner) in [(left, top, '╭'), (right, top, '╮'), (left, bottom, '╰'), (right, bottom, '╯')] {
        pen.put(x, y, corner, line);
    }
    let room = area.width.saturating_sub(4);
    let mut end = right.saturating_sub(1);
    if !title.is_empty() && room > 2 {
        let shown = text::clip(title, usize::from(room.saturating_sub(2)));
        let x = pen.text(left + 1, top, " ", line);
        let x = pen.text_until(x, top, end, &shown, look.style(lit.unwrap_or(Role::Title)));
        let x = pen.text_until(x, top, end, " ", line);
        let free = usize::from(end.saturating_sub(x));
        if !note.is_empty() && text::width(note) + 3 <= free {
            end = pen.text_right(end, top, " ", line);
            end = pen.text_right(end, top, note, look.style(Role::Dim));
            pen.text_right(end, top, " ", line);
        }
    }
    Rect { x: left + 1, y: top + 1, width: area.width - 2, height: area.height - 2 }
}

/// What clicks mean: areas with their commands, the topmost last.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<(Rect, Command)>);

impl Targets {
    /// A click into this area is this command.
    pub fn add(&mut self, area: Rect, command: Command) {
        if !area.is_empty() {
            self.0.push((area, command));
        }
    }

    /// What lies under it is covered: clicks there mean nothing any more.
    pub fn cover(&mut self) {
        self.0.clear();
    }

    /// What a click at this cell means.
    pub fn at(&self, x: u16, y: u16) -> Option<&Command> {
        self.0.iter().rev().find(|(area, _)| area.contains((x, y).into())).map(|(_, command)| command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::theme::{Theme, Tier};

    #[test]
    fn nothing_is_drawn_outside() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 2));
        let mut pen = Pen::new(&mut buf, Rect::new(1, 0, 4, 1));
        let style = Style::new();
        assert_eq!(pen.text(1, 0, "回调函数", style), 5);
        pen.text(0, 0, "x", style);
        pen.text(1, 1, "x", style);
        pen.put(5, 0, 'x', style);
        pen.text_right(3, 7, "abc", style);
        assert_eq!(buf, Buffer::with_lines([" 回调 ", "      "]));
    }

    #[test]
    fn frames_keep_their_title_in_any_size() {
        let theme = Theme::dark(Tier::Mono);
        let look = Look { theme: &theme, lang: Lang::En, keys: &Keymap::default() };
        for (w, h) in [(0, 0), (1, 1), (2, 2), (3, 3), (9, 3), (30, 4)] {
            let mut buf = Buffer::empty(Rect::new(0, 0, w, h));
            let inner = frame(&mut buf, Rect::new(0, 0, w + 5, h + 5), look, "kernel", "note");
            assert!(inner.right() <= w && inner.bottom() <= h);
        }
    }

    #[test]
    fn the_topmost_target_answers() {
        let mut targets = Targets::default();
        targets.add(Rect::new(0, 0, 5, 5), Command::Help);
        targets.add(Rect::new(1, 1, 2, 2), Command::Quit);
        assert_eq!((targets.at(1, 1), targets.at(4, 4), targets.at(9, 9)), (Some(&Command::Quit), Some(&Command::Help), None));
    }
}
