//! The lesson beside the loop: one step of its text, a question with its choices, or something to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::command::keymap::Context;
use crate::scenario::schema::Step;
use crate::scenario::schema::words as written;
use crate::scope::pen::{Pen, Targets};
use crate::scope::text::{Run, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene};

/// One line of the pane.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What stands before the text, in the role of keys.
    pub key: Option<String>,
    /// Columns by which the text is set in.
    pub indent: u16,
    /// The text.
    pub runs: Vec<Run>,
    /// How it looks.
    pub role: Role,
    /// What a click on it means.
    pub click: Option<Command>,
}

/// The pane as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which step of how many, from 1; `None` without any.
    pub place: Option<(usize, usize)>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The lesson's step for a pane of so many columns.
pub fn shape(scene: &Scene<'_>, columns: u16) -> Shape {
    let look = scene.look;
    let steps = &scene.scenario.lesson;
    let mut lines = Vec::new();
    let Some(step) = steps.get(scene.ui.step) else {
        push(&mut lines, written(&scene.scenario.summary, look.lang), Role::Text, columns);
        return Shape { place: None, lines };
    };
    match step {
        Step::Say(text) => push(&mut lines, written(text, look.lang), Role::Text, columns),
        Step::Predict { ask, choices, answer, because } => {
            push(&mut lines, written(ask, look.lang), Role::Strong, columns);
            blank(&mut lines);
            let given = scene.ui.answer();
            for (n, choice) in choices.iter().enumerate() {
                // Once it is answered, only what was answered and what is right is of interest.
                if given.is_some_and(|g| n != usize::from(g) && n != usize::from(*answer)) {
                    continue;
                }
                let (mark, role) = match given {
                    None => ("", Role::Text),
                    Some(_) if n == usize::from(*answer) => (" ✓", Role::Good),
                    Some(_) => (" ✗", Role::Alarm),
                };
                let text = format!("{}{mark}", written(choice, look.lang));
                keyed(&mut lines, &(n + 1).to_string(), &text, role, columns, Command::Answer(n as u8));
            }
            if let Some(given) = given {
                blank(&mut lines);
                let right = given == *answer;
                let verdict = look.text(if right { "lesson.right" } else { "lesson.wrong" });
                push(&mut lines, &format!("{verdict} {}", written(because, look.lang)), Role::Text, columns);
            }
        }
        Step::Try { say, command, .. } => {
            push(&mut lines, written(say, look.lang), Role::Text, columns);
            blank(&mut lines);
            if scene.ui.is_done() {
                push(&mut lines, &look.text("lesson.done"), Role::Good, columns);
            } else {
                keyed(&mut lines, &look.key(command, Context::Lab), &look.text("lesson.press"), Role::Strong, columns, command.clone());
            }
        }
    }
    Shape { place: Some((scene.ui.step + 1, steps.len())), lines }
}

fn push(lines: &mut Vec<Line>, text: &str, role: Role, columns: u16) {
    lines.extend(wrap(text, usize::from(columns)).into_iter().map(|runs| Line { key: None, indent: 0, runs, role, click: None }));
}

fn blank(lines: &mut Vec<Line>) {
    lines.push(Line { key: None, indent: 0, runs: Vec::new(), role: Role::Text, click: None });
}

fn keyed(lines: &mut Vec<Line>, key: &str, text: &str, role: Role, columns: u16, command: Command) {
    let indent = width(key) as u16 + 3;
    for (n, runs) in wrap(text, usize::from(columns.saturating_sub(indent))).into_iter().enumerate() {
        let key = (n == 0).then(|| format!(" {key} "));
        lines.push(Line { key, indent, runs, role, click: Some(command.clone()) });
    }
}

impl Shape {
    /// In how many pages it is shown in a pane of so many lines.
    pub fn pages(&self, height: u16) -> usize {
        self.lines.len().saturating_sub(1) / usize::from(height.max(1)) + 1
    }
}

/// The pane, ready to be drawn.
pub struct Lesson<'a> {
    /// What.
    pub shape: &'a Shape,
    /// Which page of it, from 0.
    pub page: usize,
    /// How.
    pub look: Look<'a>,
}

impl Lesson<'_> {
    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let (high, pages) = (usize::from(area.height), self.shape.pages(area.height));
        let page = self.page.min(pages - 1);
        for (n, line) in self.shape.lines.iter().skip(page * high).take(high).enumerate() {
            let y = area.y + n as u16;
            if let Some(key) = &line.key {
                pen.text(area.x, y, key, self.look.style(Role::Key));
            }
            if let Some(command) = &line.click {
                targets.add(Rect { y, height: 1, ..area }, command.clone());
            }
            let mut x = area.x + line.indent;
            for run in &line.runs {
                let role = if run.marked { Role::Accent } else { line.role };
                x = pen.text(x, y, &run.text, self.look.style(role));
            }
        }
        if page + 1 < pages && area.height > 0 {
            // In the frame below the text, which has nothing else to say there.
            let key = format!(" {} {} ", self.look.key(&Command::NextStep, Context::Lab), self.look.text("lesson.more"));
            let mut pen = Pen::new(buf, Rect { height: area.height + 1, ..area });
            pen.text_right(area.right(), area.bottom(), &key, self.look.style(Role::Accent));
        }
    }
}

impl Widget for &Lesson<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}
