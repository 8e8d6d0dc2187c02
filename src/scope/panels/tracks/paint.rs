//! The tracks as cells: names at the left, times at the top, one line or more for each track, the cursor and the marks through all of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::{Cell, Label, Room, Row, Shape, cause_role, letter, names};
use crate::base::units::Nanos;
use crate::command::Command;
use crate::scope::pen::{Pen, Targets};
use crate::scope::pointer::Plot;
use crate::scope::rows::Track;
use crate::scope::text::{clip, width};
use crate::scope::theme::{Role, Tier};
use crate::scope::{Look, words};
use crate::telemetry::vocabulary::Cause;
use crate::world::StallKind;
use crate::world::trace::{Grid, Place, Trace};

const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];

/// The tracks, ready to be drawn.
pub struct Tracks<'a> {
    /// What.
    pub shape: &'a Shape,
    /// Which lines there are.
    pub room: &'a Room,
    /// The columns' times.
    pub grid: Grid,
    /// What is known of the whole past: from when to when it is kept, and its stalls and deaths.
    pub trace: &'a Trace,
    /// How.
    pub look: Look<'a>,
}

impl Tracks<'_> {
    /// Draws them, says what clicks on names mean, and where moments are.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) -> Option<Plot> {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let left = names(area.width);
        if area.is_empty() || area.width <= left {
            return None;
        }
        let plot = Rect { x: area.x + left, width: area.width - left, ..area };
        let mut y = area.y;
        let mut overview = Rect { height: 0, ..plot };
        if self.room.overview {
            overview = Rect { y, height: 1, ..plot };
            self.overview(&mut pen, overview);
            y += 1;
        }
        self.ruler(&mut pen, Rect { y, height: 1, ..plot });
        let top = y;
        y += 1;
        if self.room.flags {
            self.flags(&mut pen, Rect { y, height: 1, ..plot });
            y += 1;
        }
        let first = y;
        for (n, row) in self.shape.rows.iter().enumerate() {
            if y + row.high > area.bottom() {
                break;
            }
            self.row(&mut pen, Rect { y, height: row.high, ..plot }, row);
            targets.add(Rect { x: area.x, y, width: left, height: row.high }, Command::Pick(n as u8));
            y += row.high;
        }
        self.lines(&mut pen, Rect { y: top, height: y - top, ..plot });
        // Words stand upon the lines, not the lines in the words.
        y = first;
        for row in &self.shape.rows {
            if y + row.high > area.bottom() {
                break;
            }
            self.labels(&mut pen, Rect { y, height: row.high, ..plot }, row);
            y += row.high;
        }
        Some(Plot { area: Rect { y: top, height: y - top, ..plot }, grid: self.grid, overview, kept: self.trace.kept() })
    }

    fn name(&self, pen: &mut Pen<'_>, y: u16, name: &str, figure: &str, chosen: bool) {
        let (area, look) = (pen.area, self.look);
        let wide = usize::from(names(area.width)) - 1;
        let style = if chosen { look.style(Role::Chosen) } else { look.style(Role::Dim) };
        if chosen {
            pen.fill(Rect { x: area.x, y, width: wide as u16, height: 1 }, ' ', style);
        }
        let mark = if chosen { "▸" } else { "" };
        let end = area.x + wide as u16;
        let x = pen.text_until(area.x, y, end, &clip(&format!("{mark}{name}"), wide), style);
        if !figure.is_empty() && usize::from(end.saturating_sub(x)) > width(figure) {
            pen.text_right(end, y, figure, if chosen { style } else { look.style(Role::Text) });
        }
    }

    /// All that is kept in one line, the stretch in it lit.
    fn overview(&self, pen: &mut Pen<'_>, line: Rect) {
        let look = self.look;
        let (from, to) = self.trace.kept();
        let length = to.since(from).0.max(1);
        let column = |at: Nanos| {
            let n = u128::from(at.since(from).0) * u128::from(line.width) / u128::from(length);
            line.x + (n as u16).min(line.width - 1)
        };
        self.name(pen, line.y, &look.text("tracks.all"), &to.since(from).to_string(), false);
        for x in line.left()..line.right() {
            pen.put(x, line.y, '─', look.style(Role::Border));
        }
        for stall in self.trace.stalls().iter().filter(|stall| stall.until() >= from) {
            for x in column(stall.began)..=column(stall.until()) {
                pen.put(x, line.y, '▬', look.theme.burn(stall.length.as_secs()));
            }
        }
        for death in self.trace.deaths().iter().filter(|at| **at >= from) {
            pen.put(column(*death), line.y, '✕', look.style(Role::Alarm));
        }
        let (first, last) = (column(self.grid.from.max(from)), column(self.grid.to().min(to)));
        pen.style(Rect { x: first, y: line.y, width: last - first + 1, height: 1 }, look.style(Role::Chosen));
        pen.put(first, line.y, '[', look.style(Role::Chosen));
        if last > first {
            pen.put(last, line.y, ']', look.style(Role::Chosen));
        }
    }

    fn ruler(&self, pen: &mut Pen<'_>, line: Rect) {
        let look = self.look;
        self.name(pen, line.y, &self.shape.ruler.base, "", false);
        for x in line.left()..line.right() {
            pen.put(x, line.y, '┈', look.style(Role::Border));
        }
        for (n, text) in &self.shape.ruler.ticks {
            let x = line.x + n;
            pen.put(x, line.y, '╷', look.style(Role::Dim));
            // One that would be cut off, or lies under the cursor, is not written.
            let covers = |at: &u16| (*n..=*n + width(text) as u16).contains(at);
            let covered = self.shape.marks.iter().flatten().chain(&self.shape.cursor).any(covers);
            if !covered && usize::from(line.right().saturating_sub(x + 1)) >= width(text) {
                pen.text(x + 1, line.y, text, look.style(Role::Dim));
            }
        }
        if let Some(n) = self.shape.cursor {
            pen.put(line.x + n, line.y, '▼', look.style(Role::Accent));
        }
        for (mark, letter) in self.shape.marks.iter().zip(["A", "B"]) {
            if let Some(n) = mark {
                pen.text(line.x + n, line.y, letter, look.style(Role::Key));
            }
        }
    }

    /// What happened beside the loop; between two marks, how long it is from one to the other.
    fn flags(&self, pen: &mut Pen<'_>, line: Rect) {
        let look = self.look;
        self.name(pen, line.y, &look.text("tracks.events"), "", false);
        if let [Some(a), Some(b)] = self.shape.marks
            && let Some(measure) = self.trace.measured()
            && a != b
        {
            let (a, b) = (line.x + a.min(b), line.x + a.max(b));
            for x in a..=b {
                pen.put(x, line.y, '─', look.style(Role::Accent));
            }
            pen.put(a, line.y, '├', look.style(Role::Accent));
            pen.put(b, line.y, '┤', look.style(Role::Accent));
            let text = format!(" {} ", measure.to.since(measure.from));
            if usize::from(b - a) > width(&text) + 2 {
                pen.text(a + (b - a + 1 - width(&text) as u16) / 2, line.y, &text, look.style(Role::Accent));
            }
        }
        for (n, flag) in self.shape.flags.iter().enumerate() {
            let x = line.x + flag.column;
            pen.put(x, line.y, flag.sign, look.style(flag.role));
            let next = self.shape.flags.get(n + 1).map_or(line.right(), |next| line.x + next.column);
            if usize::from(next.saturating_sub(x + 2)) >= width(&flag.text) {
                pen.text(x + 1, line.y, &flag.text, look.style(flag.role));
            }
        }
    }

    fn row(&self, pen: &mut Pen<'_>, at: Rect, row: &Row) {
        let blocks = if row.id == Track::Loop { Rect { y: at.y + 1, height: at.height - 1, ..at } } else { at };
        self.name(pen, at.bottom() - 1, &row.name, &row.figure, row.chosen);
        for (n, cell) in row.cells.iter().enumerate().take(usize::from(at.width)) {
            self.cell(pen, at.x + n as u16, blocks, *cell, row.cells.get(n + 1).copied());
        }
    }

    fn labels(&self, pen: &mut Pen<'_>, at: Rect, row: &Row) {
        if row.id == Track::Loop {
            self.labels_above(pen, at.y, at, &row.labels);
        } else {
            row.labels.iter().for_each(|label| self.label_inside(pen, at, label));
        }
    }

    fn cell(&self, pen: &mut Pen<'_>, x: u16, at: Rect, cell: Cell, next: Option<Cell>) {
        let look = self.look;
        let base = at.bottom() - 1;
        let bar = |pen: &mut Pen<'_>, share: f32, style: Style, parted: bool| {
            let level = ((f64::from(share) * f64::from(at.height) * 8.0).round() as u16).max(1);
            for up in 0..at.height {
                let here = usize::from(level.saturating_sub(up * 8).min(8));
                // Half a column of air between a callback and the one before it.
                let glyph = if parted && here == 8 { '▐' } else { LEVELS[here] };
                if here > 0 {
                    pen.put(x, base - up, glyph, style);
                }
            }
        };
        match cell {
            Cell::Blank => {}
            Cell::Quiet => pen.put(x, base, '·', look.style(Role::Faint)),
            Cell::Gap => (0..at.height).for_each(|up| pen.put(x, base - up, '╌', look.style(Role::Warn))),
            Cell::Dead => pen.put(x, base, '┄', look.style(Role::Alarm)),
            Cell::Held => pen.put(x, base, '◆', look.style(Role::Warn)),
            Cell::Busy(cause, share, other) => {
                let style = look.theme.glow(cause_role(cause), 0.55 + 0.45 * f64::from(share));
                bar(pen, share, style, other && share > 0.95);
            }
            Cell::Stall(kind, seconds) => {
                // One that was parked is not solid.
                let glyph = if kind == StallKind::Parked { '▒' } else { '█' };
                (0..at.height).for_each(|up| pen.put(x, base - up, glyph, look.theme.burn(f64::from(seconds))));
            }
            Cell::Height(share, role) => bar(pen, share, look.theme.glow(role, 0.6 + 0.4 * f64::from(share)), false),
            Cell::Stands(share, role) => bar(pen, share, look.theme.glow(role, 0.45), false),
            Cell::Dense(share) => {
                let glyph = SHADES[((f64::from(share) * 4.0).ceil() as usize).clamp(1, 4) - 1];
                pen.put(x, base, glyph, look.theme.glow(Role::Waiting, 0.5 + 0.5 * f64::from(share)));
            }
            Cell::At(place, share) => {
                let same = |n: Option<Cell>| matches!(n, Some(Cell::At(p, _)) if p == place);
                let (glyph, role) = match place {
                    Place::Kernel if share > 0.5 => ('░', Role::Poll),
                    Place::Ready if share > 0.5 => ('▒', Role::Waiting),
                    Place::Running => (LEVELS[((share * 8.0).round() as usize).clamp(1, 8)], Role::Dispatch),
                    Place::Pending if share > 0.5 || same(next) => ('─', Role::Worker),
                    Place::Writing if share > 0.5 || same(next) => ('═', Role::CodeCall),
                    Place::Kernel => ('.', Role::Poll),
                    Place::Ready => (':', Role::Waiting),
                    Place::Pending => ('-', Role::Worker),
                    Place::Writing => ('=', Role::CodeCall),
                };
                // What takes next to nothing of its column is there, and no more.
                pen.put(x, base, glyph, if share < 0.04 { look.theme.glow(role, 0.5) } else { look.style(role) });
            }
        }
    }

    /// Each label begins where what it names begins, in the longest form for which there is room before the next one.
    fn labels_above(&self, pen: &mut Pen<'_>, y: u16, at: Rect, labels: &[Label]) {
        let mut free = at.x;
        for (n, label) in labels.iter().enumerate() {
            let from = (at.x + label.from).max(free);
            let until = at.x + label.to;
            let next = labels.get(n + 1).map_or(at.right(), |next| at.x + next.from);
            let room = usize::from(next.saturating_sub(from).max((until + 1).saturating_sub(from)));
            let room = room.min(usize::from(at.right().saturating_sub(from)));
            let style = self.look.style(label.role);
            if label.leans {
                // The longest form of which some stands above what it names.
                let place = |form: &&String| {
                    let x = from.min(next.checked_sub(width(form) as u16)?);
                    (x >= free && x + width(form) as u16 > from).then_some(x)
                };
                if let Some((x, form)) = label.forms.iter().find_map(|form| Some((place(&form)?, form))) {
                    free = pen.text(x, y, form, style) + 1;
                }
                continue;
            }
            let Some(text) = label.forms.iter().find(|form| width(form) < room || (width(form) == room && room == 1)) else { continue };
            free = pen.text(from, y, text, style) + 1;
        }
    }

    /// In the middle of what it names, where that is wide enough.
    fn label_inside(&self, pen: &mut Pen<'_>, at: Rect, label: &Label) {
        let wide = usize::from(label.to - label.from + 1);
        let Some(text) = label.forms.iter().find(|form| width(form) + 2 <= wide) else { return };
        let x = at.x + label.from + ((wide - width(text)) / 2) as u16;
        let mut style = self.look.style(label.role);
        if label.role == Role::OnBurn
            && let Some(colour) = self.look.style(Role::Worker).fg
        {
            style = style.bg(colour);
        }
        pen.text(x, at.bottom() - 1, text, style);
    }

    /// The cursor and the marks, through everything.
    fn lines(&self, pen: &mut Pen<'_>, at: Rect) {
        let look = self.look;
        let marks = self.shape.marks.iter().flatten().map(|n| (*n, '┊', false));
        for (n, glyph, is_cursor) in marks.chain(self.shape.cursor.map(|n| (n, '│', true))) {
            let x = at.x + n;
            for y in at.y + 1..at.bottom() {
                if pen.is_blank(x, y) {
                    pen.put(x, y, glyph, look.style(Role::Accent));
                }
            }
            if is_cursor && look.theme.tier != Tier::Mono {
                let lit = Style::new().bg(look.style(Role::Chosen).bg.unwrap_or_default());
                pen.style(Rect { x, y: at.y + 1, width: 1, height: at.height.saturating_sub(1) }, lit);
            }
        }
    }
}

/// What the colours and the glyphs mean, as far as there is room, in one line.
pub fn legend(buf: &mut Buffer, line: Rect, look: Look<'_>) {
    let mut pen = Pen::new(buf, line);
    // The kind that nearly all are of stands first, the rare ones last.
    let order = [Cause::Accept, Cause::Timer, Cause::Task, Cause::Completion, Cause::Writable];
    let cause = |c: &Cause| (format!("▆{}", letter(*c)), look.style(cause_role(*c)), words::cause(look.lang, *c).into_owned());
    let others = [
        ("░", Role::Poll, "tracks.in_kernel"),
        ("▒", Role::Waiting, "tracks.is_ready"),
        ("─", Role::Worker, "tracks.pending"),
        ("═", Role::CodeCall, "tracks.writing"),
        ("╌", Role::Warn, "tracks.gap"),
    ];
    let others = others.into_iter().map(|(sign, role, key)| (sign.to_owned(), look.style(role), look.text(key).into_owned()));
    let burn = look.theme.burn(1.0);
    let stalls = [("█", "stall.computing"), ("▒", "stall.parked")];
    let stalls = stalls.into_iter().map(|(sign, key)| (sign.to_owned(), burn, look.text(key).into_owned()));
    let mut x = line.x;
    for (sign, style, text) in std::iter::once(cause(&Cause::Readable)).chain(stalls).chain(others).chain(order.iter().map(cause)) {
        if usize::from(x) + width(&sign) + width(&text) + 3 > usize::from(line.right()) {
            continue;
        }
        x = pen.text(x, line.y, " ", look.style(Role::Border));
        x = pen.text(x, line.y, &sign, style.remove_modifier(Modifier::BOLD));
        x = pen.text(x, line.y, &format!(" {text} "), look.style(Role::Dim));
    }
}

impl Widget for &Tracks<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}
