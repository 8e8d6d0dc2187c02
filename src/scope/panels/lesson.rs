//! The lesson beside the loop: one step of its text, a question with its choices, something to do, a task, a question of the review.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::count;
use crate::command::keymap::Context;
use crate::command::{Command, table};
use crate::scenario::schema::words as written;
use crate::scenario::schema::{Step, Task, Text};
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
    /// Which step of how many, from 1, or which question of the review; `None` without any.
    pub place: Option<(usize, usize)>,
    /// Whether it is a question of the review.
    pub review: bool,
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether a step follows, and whether all that this one asks for is done.
    pub next: Option<bool>,
}

/// The lesson's step for a pane of so many columns.
pub fn shape(scene: &Scene<'_>, columns: u16) -> Shape {
    let look = scene.look;
    let steps = &scene.scenario.lesson;
    let mut lines = Vec::new();
    let follows = scene.ui.step + 1 < steps.len() + scene.scenario.review.len();
    let next = follows.then(|| match steps.get(scene.ui.step) {
        Some(Step::Say(_)) => true,
        Some(Step::Predict { see: None, .. }) => scene.ui.answer().is_some(),
        _ => scene.ui.is_done(),
    });
    if scene.ui.is_review(scene.scenario) {
        let n = scene.ui.step - steps.len();
        question(scene, n, columns, &mut lines);
        return Shape { place: Some((n + 1, scene.scenario.review.len())), review: true, lines, next };
    }
    let Some(step) = steps.get(scene.ui.step) else {
        push(&mut lines, written(&scene.scenario.summary, look.lang), Role::Text, columns);
        return Shape { place: None, review: false, lines, next };
    };
    let told = |text: &Text| scene.ui.record().map_or_else(|| written(text, look.lang).to_owned(), |record| record.told(text, look.lang));
    match step {
        Step::Say(text) => push(&mut lines, &told(text), Role::Text, columns),
        Step::Predict { ask, choices, answer, see, found, because } => {
            push(&mut lines, &told(ask), Role::Strong, columns);
            blank(&mut lines);
            let given = scene.ui.answer();
            let revealed = given.filter(|_| see.is_none() || scene.ui.is_done());
            for (n, choice) in choices.iter().enumerate() {
                // Once it is answered, only what was answered and what is right is of interest.
                if given.is_some_and(|g| n != usize::from(g) && (revealed.is_none() || n != usize::from(*answer))) {
                    continue;
                }
                let (mark, role) = match revealed {
                    None => ("", Role::Text),
                    Some(_) if n == usize::from(*answer) => (" ✓", Role::Good),
                    Some(_) => (" ✗", Role::Alarm),
                };
                let text = format!("{}{mark}", told(choice));
                let first = lines.len();
                keyed(&mut lines, &(n + 1).to_string(), &text, role, columns, &Command::Answer(n as u8));
                if given.is_some() {
                    // One answers once.
                    lines[first..].iter_mut().for_each(|line| line.click = None);
                }
            }
            if let (Some(see), Some(_), None) = (see, given, revealed) {
                blank(&mut lines);
                push(&mut lines, &told(&see.say), Role::Text, columns);
                blank(&mut lines);
                doing(scene, &see.command, columns, &mut lines);
            }
            if let Some(given) = revealed {
                blank(&mut lines);
                let right = given == *answer;
                let verdict = look.text(if right { "lesson.right" } else { "lesson.wrong" });
                let found = found.as_ref().map(|found| format!(" {} {}", look.text("lesson.measured"), told(found))).unwrap_or_default();
                push(&mut lines, &format!("{verdict}{found}"), if right { Role::Good } else { Role::Warn }, columns);
                push(&mut lines, &told(because), Role::Text, columns);
            }
        }
        Step::Try { say, command, .. } => {
            push(&mut lines, &told(say), Role::Text, columns);
            blank(&mut lines);
            if scene.ui.is_done() {
                push(&mut lines, &look.text("lesson.done"), Role::Good, columns);
            } else {
                doing(scene, command, columns, &mut lines);
            }
        }
        Step::Task(task) => self::task(scene, task, columns, &mut lines),
    }
    Shape { place: Some((scene.ui.step + 1, steps.len())), review: false, lines, next }
}

/// A key that does something, and a click on it.
fn doing(scene: &Scene<'_>, command: &Command, columns: u16, lines: &mut Vec<Line>) {
    let look = scene.look;
    let name = match command {
        Command::Rate(rate) => look.fill("lesson.rate", &[("rate", &count(*rate))]),
        Command::Idle(idle) => look.fill("lesson.idle", &[("n", &idle.to_string())]),
        command => table::of(command).map(|row| row.label.get(look.lang).to_owned()).unwrap_or_default(),
    };
    let text = format!("{} · {name}", look.text("lesson.press"));
    // What has no key of its own is done by the one that does what a step asks for.
    let key = [Context::Lab, Context::SelectorsLesson].map(|context| look.key(command, context)).concat();
    let (key, command) = match key {
        key if key.is_empty() => (look.key(&Command::Solve, Context::Lab), &Command::Solve),
        key => (key, command),
    };
    keyed(lines, &key, &text, Role::Strong, columns, command);
}

/// A task: what is wanted, how it fares, the hints so far, and what helps.
fn task(scene: &Scene<'_>, task: &Task, columns: u16, lines: &mut Vec<Line>) {
    let (look, record, solved) = (scene.look, scene.ui.record(), scene.ui.is_done());
    let told = |text: &Text| record.map_or_else(|| written(text, look.lang).to_owned(), |record| record.told(text, look.lang));
    if solved {
        let helped = record.is_some_and(|record| record.helped);
        push(lines, &look.text(if helped { "task.shown" } else { "task.solved" }), Role::Good, columns);
    } else {
        push(lines, &format!("{} {}", look.text("task.title"), told(&task.say)), Role::Text, columns);
    }
    blank(lines);
    let over = look.fill("task.over", &[("time", &task.over.to_string())]);
    let verdicts = record.map(|record| record.verdicts(look.lang)).unwrap_or_default();
    for (n, goal) in task.goal.iter().enumerate() {
        let verdict = verdicts.get(n);
        let (mark, role) = match verdict {
            Some(verdict) if verdict.passed => ("●", Role::Good),
            Some(_) => ("○", Role::Warn),
            None => ("○", Role::Dim),
        };
        let measured = verdict.map_or_else(|| look.text("task.measuring").into_owned(), |verdict| verdict.measured.clone());
        push(lines, &format!("{mark} {} {over}: `{measured}`", goal.claim(look.lang)), role, columns);
    }
    blank(lines);
    let shown = record.map_or(0, |record| record.hints);
    for (n, hint) in task.hints.iter().take(shown).enumerate() {
        push(lines, &format!("{} {}", look.fill("task.hint", &[("n", &(n + 1).to_string())]), told(hint)), Role::Text, columns);
    }
    if solved {
        let did = task.solution.iter().filter_map(|command| table::of(command).map(|row| row.label.get(look.lang)));
        push(lines, &look.fill("task.solution", &[("did", &did.collect::<Vec<_>>().join(" · "))]), Role::Dim, columns);
        return;
    }
    if shown < task.hints.len() {
        let left = (task.hints.len() - shown).to_string();
        let text = look.fill("task.more_hints", &[("left", &left)]);
        keyed(lines, &look.key(&Command::Hint, Context::Lab), &text, Role::Dim, columns, &Command::Hint);
    }
    keyed(lines, &look.key(&Command::Solve, Context::Lab), &look.text("task.solve"), Role::Dim, columns, &Command::Solve);
}

/// A question of the review, and its answer once it is open.
fn question(scene: &Scene<'_>, n: usize, columns: u16, lines: &mut Vec<Line>) {
    let look = scene.look;
    let Some(question) = scene.scenario.review.get(n) else { return };
    push(lines, written(&question.ask, look.lang), Role::Strong, columns);
    blank(lines);
    if scene.ui.is_done() {
        push(lines, written(&question.answer, look.lang), Role::Text, columns);
    } else {
        let text = look.text("review.reveal");
        keyed(lines, &look.key(&Command::NextStep, Context::Lab), &text, Role::Dim, columns, &Command::NextStep);
    }
}

fn push(lines: &mut Vec<Line>, text: &str, role: Role, columns: u16) {
    lines.extend(wrap(text, usize::from(columns)).into_iter().map(|runs| Line { key: None, indent: 0, runs, role, click: None }));
}

fn blank(lines: &mut Vec<Line>) {
    lines.push(Line { key: None, indent: 0, runs: Vec::new(), role: Role::Text, click: None });
}

fn keyed(lines: &mut Vec<Line>, key: &str, text: &str, role: Role, columns: u16, command: &Command) {
    let indent = width(key) as u16 + 3;
    for (n, runs) in wrap(text, usize::from(columns.saturating_sub(indent))).into_iter().enumerate() {
        let key = (n == 0).then(|| format!(" {key} "));
        lines.push(Line { key, indent, runs, role, click: Some(command.clone()) });
    }
}

impl Shape {
    /// What stands over it.
    pub fn title(&self, look: Look<'_>) -> String {
        match self.place {
            Some((step, of)) => {
                let key = if self.review { "review.question" } else { "lesson.step" };
                look.fill(key, &[("step", &step.to_string()), ("of", &of.to_string())])
            }
            None => look.text("panel.lesson").into_owned(),
        }
    }

    /// What stands beside the title: the keys of a task that is still to be solved.
    pub fn keys(&self, scene: &Scene<'_>) -> String {
        let look = scene.look;
        let key = |command: &Command| {
            format!("{} {}", look.key(command, Context::Lab), table::of(command).map_or("", |row| row.label.get(look.lang)))
        };
        match scene.scenario.lesson.get(scene.ui.step) {
            Some(Step::Task(_)) if !scene.ui.is_done() => format!("{} · {}", key(&Command::Hint), key(&Command::Solve)),
            _ => String::new(),
        }
    }

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
        // In the frame below the text, which has nothing else to say there.
        let (text, role) = match self.shape.next {
            _ if page + 1 < pages => ("lesson.more", Role::Accent),
            Some(true) => ("lesson.next", Role::Accent),
            Some(false) => ("lesson.next", Role::Dim),
            None => return,
        };
        if area.height > 0 {
            let text = format!(" {} {} ", self.look.key(&Command::NextStep, Context::Lab), self.look.text(text));
            let mut pen = Pen::new(buf, Rect { height: area.height + 1, ..area });
            let x = pen.text_right(area.right(), area.bottom(), &text, self.look.style(role));
            targets.add(Rect { x, y: area.bottom(), width: area.right().saturating_sub(x), height: 1 }, Command::NextStep);
        }
    }
}

impl Widget for &Lesson<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}
