//! The reactor's own text: the very file that runs, with how much of its time the loop spends on which line, and the line that
//! holds it now.
//!
//! A loop that turns is on a line for microseconds. Marking that line would flicker and say nothing, so each marked line
//! bears its share of the time; only a line that is held for as long as an eye needs is marked as running.
//!
//! While requests to `/chain` are about, it is the file of their style in the same way: how long they wait at each call, how many were
//! answered or forgotten where, the request that is followed; and below it what the three ways of writing it cost.

use std::sync::LazyLock;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::scope::Look;
use crate::scope::eye::Gaze;
use crate::scope::pen::Pen;
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::specimen::source::{self, BLOCKING, REACTOR, line_of, line_of_forgotten, line_of_step, line_of_turn};
use crate::telemetry::vocabulary::{Cause, Phase, Style};
use crate::world::chains::CALLS;
use crate::world::{Specimen, World};

use super::styles::{self, StyleCost};
use super::wheel::{grouped, percent};

/// A piece of a line and what it is.
type Token = (&'static str, Role);

/// A line: its indentation, and its pieces.
type Line = (u16, Vec<Token>);

/// The file, cut into what its pieces are. Cut once: it is compiled in.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| REACTOR.lines().map(indented).collect());
/// The same of what each thread runs, where a specimen has no loop.
static BLOCKING_LINES: LazyLock<Vec<Line>> = LazyLock::new(|| BLOCKING.lines().map(indented).collect());
/// And of `/chain`, by [`Style`].
static STYLE_LINES: LazyLock<[Vec<Line>; Style::COUNT]> =
    LazyLock::new(|| std::array::from_fn(|n| source::style(Style::ALL[n]).text.lines().map(indented).collect()));

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "else", "enum", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod",
    "move", "mut", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait", "type", "use", "where", "while", "crate",
    "true", "false",
];

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The loop's.
    Reactor,
    /// That of a thread that serves one connection.
    Blocking,
    /// That of `/chain`, in the style that runs.
    Chain(Style),
}

/// What is known of one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Which, from 1.
    pub line: usize,
    /// Its share of the time, 0 to 1.
    pub share: f64,
    /// What is written behind it.
    pub note: String,
    /// How that looks.
    pub role: Role,
}

/// The pane as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which file.
    pub file: File,
    /// The line that is marked as running, from 1.
    pub running: Option<usize>,
    /// What is written behind that line.
    pub note: String,
    /// What is known of its lines.
    pub marks: Vec<Mark>,
    /// The line that should be in view.
    pub focus: f64,
    /// Whether a stall holds the loop: the line burns.
    pub burning: Option<f64>,
    /// What the ways of writing `/chain` come to; empty where another file is shown.
    pub costs: Vec<StyleCost>,
}

/// The code pane of a specimen.
pub fn shape(world: &World, specimen: &Specimen, gaze: &Gaze, look: Look<'_>) -> Shape {
    let shape =
        |file, focus| Shape { file, running: None, note: String::new(), marks: Vec::new(), focus, burning: None, costs: Vec::new() };
    if !specimen.has_loop() {
        // Thousands of threads are on thousands of lines: none is marked.
        return shape(File::Blocking, line_of_turn() as f64);
    }
    if let Some(style) = gaze.steps.style {
        let followed = gaze.steps.followed;
        let note = followed.map(|f| format!("{} · {}", look.fill("conn", &[("id", &f.conn.0.to_string())]), f.age));
        return Shape {
            running: followed.map(|followed| followed.line),
            note: note.unwrap_or_default(),
            marks: steps(specimen, gaze, style, look),
            costs: Style::ALL.iter().map(|of| styles::of(world, specimen, *of, style)).collect(),
            ..shape(File::Chain(style), gaze.focus)
        };
    }
    let shares = &gaze.figures.shares;
    let mut heat: Vec<_> = [Phase::Poll, Phase::Control].iter().map(|p| (line_of(*p, None), shares[*p as usize])).collect();
    heat.extend(Cause::ALL.iter().map(|c| (line_of(Phase::Dispatch, Some(*c)), gaze.causes[*c as usize])));
    if !specimen.is_alive() {
        heat.clear();
    }
    let mark = |(line, share)| {
        let note = if share >= LEAST { percent(share) } else { String::new() };
        Mark { line, share, note, role: Role::Dim }
    };
    let held = specimen.reactor.running.map(|r| world.now.since(r.since));
    Shape {
        running: gaze.line,
        note: gaze.line.and(held).map(|h| h.to_string()).unwrap_or_default(),
        marks: heat.into_iter().map(mark).collect(),
        burning: specimen.stalls.current.map(|s| world.now.since(s.began).as_secs()),
        ..shape(File::Reactor, gaze.focus)
    }
}

/// What is known of the lines of `/chain`: where requests wait and for how long, where they are answered, and where nobody answers.
fn steps(specimen: &Specimen, gaze: &Gaze, style: Style, look: Look<'_>) -> Vec<Mark> {
    let told = &specimen.errands.chains.styles[style as usize];
    let all: f64 = gaze.steps.waits.iter().flatten().map(|wait| wait.as_secs()).sum();
    let mut marks: Vec<Mark> = Vec::new();
    for call in 1..=CALLS {
        let wait = gaze.steps.waits[call];
        let mut note: Vec<String> = wait.map(|wait| wait.to_string()).into_iter().collect();
        // In the pyramid a failure is answered in a branch of its own, else it goes down from here.
        if style != Style::Callbacks && told.failed(call) > 0 {
            note.push(look.fill("code.failed", &[("n", &grouped(told.failed(call)))]));
        }
        let share = wait.map_or(0.0, |wait| wait.as_secs() / all.max(1e-12));
        marks.push(Mark { line: line_of_step(style, call as u16), share, note: note.join(" · "), role: Role::Dim });
    }
    let mut answered = |line, status: &str, many: u64, role| {
        if many > 0 {
            let note = format!("{} × {status}", grouped(many));
            marks.push(Mark { line, share: 0.0, note, role });
        }
    };
    let last = CALLS + 1;
    answered(line_of_step(style, last as u16), "200", told.reached[last], Role::Good);
    if style == Style::Callbacks {
        (1..=CALLS).for_each(|call| answered(line_of_step(style, (last + call) as u16), "502", told.failed(call), Role::Warn));
    } else {
        answered(line_of_step(style, (last + 1) as u16), "502", (1..=CALLS).map(|call| told.failed(call)).sum(), Role::Warn);
    }
    if let Some(line) = line_of_forgotten(style) {
        answered(line, &look.text("code.forgotten"), told.forgotten.iter().sum(), Role::Alarm);
    }
    marks
}

impl Shape {
    /// The path of the file, below `src`.
    pub fn file(&self) -> &'static str {
        match self.file {
            File::Reactor => "specimen/reactor.rs",
            File::Blocking => "specimen/models/blocking.rs",
            File::Chain(style) => source::style(style).file,
        }
    }

    /// What the figures behind its lines are.
    pub fn about(&self, look: Look<'_>) -> String {
        let key = match self.file {
            File::Reactor => "code.note",
            File::Blocking => "code.threads",
            File::Chain(_) => "code.waits",
        };
        look.text(key).into_owned()
    }

    fn lines(&self) -> &'static [Line] {
        match self.file {
            File::Reactor => &LINES,
            File::Blocking => &BLOCKING_LINES,
            File::Chain(style) => &STYLE_LINES[style as usize],
        }
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
pub(super) const GUTTER: u16 = 7;
/// Columns of text and note.
const WIDEST: u16 = 104;
/// Shares below this are not shown.
const LEAST: f64 = 0.0005;

impl Widget for &Code<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() {
            return;
        }
        let below = styles::draw(&mut pen, &self.shape.costs, self.look);
        let high = usize::from(area.height - below);
        let lines = self.shape.lines();
        let last = lines.len().saturating_sub(high);
        let top = (self.shape.focus.round() as usize).saturating_sub(1 + high / 3).min(last);
        let hottest = self.shape.marks.iter().map(|h| h.share).fold(0.0, f64::max);
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
        let mark = self.shape.marks.iter().find(|mark| mark.line == number);
        let over = running.then(|| look.style(Role::CodeRunning));
        if let Some(style) = over {
            pen.fill(Rect { y, height: 1, ..area }, ' ', style);
            let mark = self.shape.burning.map_or(look.style(Role::Accent), |age| look.theme.burn(age));
            pen.put(area.x, y, '▶', style.patch(mark));
        }
        let plain = |role: Role| over.unwrap_or_else(|| look.style(role));
        pen.text_right(area.x + 5, y, &number.to_string(), plain(if mark.is_some() { Role::Dim } else { Role::Faint }));
        if let Some(mark) = mark.filter(|mark| mark.share >= LEAST) {
            let strength = 0.25 + 0.75 * (mark.share / hottest.max(1e-9)).sqrt();
            pen.put(area.x + 5, y, '▐', look.theme.glow(Role::Dispatch, strength));
        }
        let note = if running && !self.shape.note.is_empty() { Some(&self.shape.note) } else { mark.map(|mark| &mark.note) };
        let note = note.filter(|note| !note.is_empty());
        // Near the code, also where the pane is very wide.
        let right = area.right().min(area.x + WIDEST);
        let end = note.map_or(area.right(), |note| right.saturating_sub(width(note) as u16 + 2));
        if let Some((indent, tokens)) = self.shape.lines().get(at) {
            let mut x = area.x + GUTTER + indent;
            for (token, role) in tokens {
                x = pen.text_until(x, y, end, token, plain(*role));
            }
        }
        if let Some(note) = note {
            let style = match self.shape.burning {
                Some(age) if running => plain(Role::Strong).patch(look.theme.burn(age)),
                _ => plain(mark.map_or(Role::Dim, |mark| mark.role)),
            };
            pen.text_right(right, y, note, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_loses_nothing() {
        let chains = Style::ALL.iter().map(|of| (source::style(*of).text, &STYLE_LINES[*of as usize]));
        for (text, lines) in chains.chain([(REACTOR, &*LINES)]) {
            for (line, tokens) in text.lines().zip(lines) {
                assert_eq!(tokens.1.iter().map(|t| t.0).collect::<String>(), line.trim_start());
            }
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
