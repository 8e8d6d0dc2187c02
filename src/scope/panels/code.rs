//! The reactor's own text: the very file that runs, with how much of its time the loop spends on which line, and the line that
//! holds it now.
//!
//! A loop that turns is on a line for microseconds. Marking that line would flicker and say nothing, so each marked line
//! bears its share of the time; only a line that is held for as long as an eye needs is marked as running.

use std::sync::LazyLock;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::scope::Look;
use crate::scope::eye::Gaze;
use crate::scope::pen::Pen;
use crate::scope::theme::Role;
use crate::specimen::source::{BLOCKING, REACTOR, line_of, line_of_turn};
use crate::telemetry::vocabulary::{Cause, Phase};
use crate::world::Specimen;

use super::wheel::percent;

/// A piece of a line and what it is.
type Token = (&'static str, Role);

/// A line: its indentation, and its pieces.
type Line = (u16, Vec<Token>);

/// The file, cut into what its pieces are. Cut once: it is compiled in.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| REACTOR.lines().map(indented).collect());
/// The same of what each thread runs, where a specimen has no loop.
static BLOCKING_LINES: LazyLock<Vec<Line>> = LazyLock::new(|| BLOCKING.lines().map(indented).collect());

const KEYWORDS: &[&str] = &[
    "as", "break", "const", "continue", "else", "enum", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut",
    "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait", "type", "use", "where", "while", "crate", "true",
    "false",
];

/// The pane as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Whether it is the text of a thread that serves one connection, and not the loop's.
    pub blocking: bool,
    /// The line that is marked as running, from 1.
    pub running: Option<usize>,
    /// What is written behind that line.
    pub note: String,
    /// Lines with their share of the loop's time.
    pub heat: Vec<(usize, f64)>,
    /// The line that should be in view.
    pub focus: f64,
    /// Whether a stall holds the loop: the line burns.
    pub burning: Option<f64>,
}

/// The code pane of a specimen.
pub fn shape(specimen: &Specimen, gaze: &Gaze, now: crate::base::units::Nanos) -> Shape {
    if !specimen.has_loop() {
        // Thousands of threads are on thousands of lines: none is marked.
        let focus = line_of_turn() as f64;
        return Shape { blocking: true, running: None, note: String::new(), heat: Vec::new(), focus, burning: None };
    }
    let shares = &gaze.figures.shares;
    let mut heat: Vec<_> = [Phase::Poll, Phase::Control].iter().map(|p| (line_of(*p, None), shares[*p as usize])).collect();
    heat.extend(Cause::ALL.iter().map(|c| (line_of(Phase::Dispatch, Some(*c)), gaze.causes[*c as usize])));
    if !specimen.is_alive() {
        heat.clear();
    }
    let held = specimen.reactor.running.map(|r| now.since(r.since));
    Shape {
        blocking: false,
        running: gaze.line,
        note: gaze.line.and(held).map(|h| h.to_string()).unwrap_or_default(),
        heat,
        focus: gaze.focus,
        burning: specimen.stalls.current.map(|s| now.since(s.began).as_secs()),
    }
}

impl Shape {
    /// The path of the file, below `src`.
    pub fn file(&self) -> &'static str {
        if self.blocking { "specimen/models/blocking.rs" } else { "specimen/reactor.rs" }
    }

    fn lines(&self) -> &'static [Line] {
        if self.blocking { &BLOCKING_LINES } else { &LINES }
    }
}

/// A line's indentation, shown at half its width so that more of the text is seen, and what is behind it.
fn indented(line: &'static str) -> Line {
    let text = line.trim_start_matches(' ');
    (((line.len() - text.len()) / 2) as u16, tokens(text))
}

/// Cuts a line into keywords, literals, calls, comments and the rest.
fn tokens(line: &'static str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (length, role) = if rest.starts_with("//") {
            (rest.len(), Role::CodeComment)
        } else if first == '"' {
            (rest[1..].find('"').map_or(rest.len(), |at| at + 2), Role::CodeLiteral)
        } else if first.is_ascii_digit() {
            (end_of(rest, |c| c.is_ascii_alphanumeric() || c == '_'), Role::CodeLiteral)
        } else if first.is_alphabetic() || first == '_' {
            let length = end_of(rest, |c| c.is_alphanumeric() || c == '_');
            let (word, after) = rest.split_at(length);
            let role = if KEYWORDS.contains(&word) {
                Role::CodeKeyword
            } else if after.starts_with(['(', '!']) && !after.starts_with("!=") {
                Role::CodeCall
            } else {
                Role::Text
            };
            (length, role)
        } else {
            (end_of(rest, |c| !(c.is_alphanumeric() || c == '_' || c == '"' || c == '/')).max(first.len_utf8()), Role::Dim)
        };
        let (token, after) = rest.split_at(length);
        out.push((token, role));
        rest = after;
    }
    out
}

fn end_of(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !inside(c)).unwrap_or(text.len())
}

/// The pane, ready to be drawn.
pub struct Code<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

/// Columns before the text: mark, number, heat.
const GUTTER: u16 = 7;
/// Columns of text and note.
const WIDEST: u16 = 104;

impl Widget for &Code<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() {
            return;
        }
        let high = usize::from(area.height);
        let lines = self.shape.lines();
        let last = lines.len().saturating_sub(high);
        let top = (self.shape.focus.round() as usize).saturating_sub(1 + high / 3).min(last);
        let hottest = self.shape.heat.iter().map(|h| h.1).fold(0.0, f64::max);
        for row in 0..high.min(lines.len()) {
            self.line(&mut pen, area.y + row as u16, top + row, hottest);
        }
    }
}

impl Code<'_> {
    fn line(&self, pen: &mut Pen<'_>, y: u16, at: usize, hottest: f64) {
        let (area, look) = (pen.area, self.look);
        let number = at + 1;
        let running = self.shape.running == Some(number);
        let heat = self.shape.heat.iter().find(|h| h.0 == number).map(|h| h.1);
        let over = running.then(|| look.style(Role::CodeRunning));
        if let Some(style) = over {
            pen.fill(Rect { y, height: 1, ..area }, ' ', style);
            let mark = self.shape.burning.map_or(look.style(Role::Accent), |age| look.theme.burn(age));
            pen.put(area.x, y, '▶', style.patch(mark));
        }
        let plain = |role: Role| over.unwrap_or_else(|| look.style(role));
        pen.text_right(area.x + 5, y, &number.to_string(), plain(if heat.is_some() { Role::Dim } else { Role::Faint }));
        if let Some(share) = heat.filter(|s| *s >= 0.0005) {
            let strength = 0.25 + 0.75 * (share / hottest.max(1e-9)).sqrt();
            pen.put(area.x + 5, y, '▐', look.theme.glow(Role::Dispatch, strength));
        }
        let note = match heat {
            _ if running && !self.shape.note.is_empty() => self.shape.note.clone(),
            Some(share) if share >= 0.0005 => percent(share),
            _ => String::new(),
        };
        // Near the code, also where the pane is very wide.
        let right = area.right().min(area.x + WIDEST);
        let end = if note.is_empty() { area.right() } else { right }.saturating_sub(if note.is_empty() {
            0
        } else {
            note.chars().count() as u16 + 2
        });
        if let Some((indent, tokens)) = self.shape.lines().get(at) {
            let mut x = area.x + GUTTER + indent;
            for (token, role) in tokens {
                x = pen.text_until(x, y, end, token, plain(*role));
            }
        }
        if !note.is_empty() {
            let style = match self.shape.burning {
                Some(age) if running => plain(Role::Strong).patch(look.theme.burn(age)),
                _ => plain(Role::Dim),
            };
            pen.text_right(right, y, &note, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_loses_nothing() {
        for (line, tokens) in REACTOR.lines().zip(LINES.iter()) {
            assert_eq!(tokens.1.iter().map(|t| t.0).collect::<String>(), line.trim_start());
        }
    }

    #[test]
    fn pieces_are_what_they_are() {
        assert_eq!(
            tokens("let n = run(7); // \"x\""),
            [
                ("let", Role::CodeKeyword),
                (" ", Role::Dim),
                ("n", Role::Text),
                (" = ", Role::Dim),
                ("run", Role::CodeCall),
                ("(", Role::Dim),
                ("7", Role::CodeLiteral),
                ("); ", Role::Dim),
                ("// \"x\"", Role::CodeComment)
            ]
        );
    }
}
