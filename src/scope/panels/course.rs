//! How far one has come: the predictions of this lesson against the truth, and a line for each lesson.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::scenario::progress::Standing;
use crate::scenario::schema::{Step, words as written};
use crate::scope::pen::{Pen, Targets};
use crate::scope::rows::offset;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene};

/// One prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked.
    pub asked: String,
    /// What was answered, in this run or before.
    pub given: Option<String>,
    /// What is true, once it may be told.
    pub truth: Option<String>,
    /// Whether the answer was right, once that may be told.
    pub right: Option<bool>,
    /// Whether it is the step that is shown.
    pub here: bool,
}

/// The predictions of this lesson.
pub fn answers(scene: &Scene<'_>) -> Vec<Answer> {
    let (ui, lang) = (scene.ui, scene.look.lang);
    let before = ui.progress.of(&scene.scenario.id);
    let steps = scene.scenario.lesson.iter().enumerate();
    let questions = steps.filter_map(|(n, step)| match step {
        Step::Predict { ask, choices, answer, .. } => {
            let now = ui.answers.get(n).copied().flatten();
            let earlier = before.and_then(|done| done.answers.get(&(n as u16)).copied());
            // An earlier answer is told when it is not asked again just now.
            let given = now.or(earlier.filter(|_| ui.step != n));
            let told = if now.is_some() { ui.done.get(n) == Some(&true) } else { given.is_some() };
            let choice = |n: u8| choices.get(usize::from(n)).map(|text| written(text, lang).to_owned());
            Some(Answer {
                asked: written(ask, lang).to_owned(),
                given: given.and_then(choice),
                truth: choice(*answer).filter(|_| told),
                right: given.filter(|_| told).map(|given| given == *answer),
                here: n == ui.step,
            })
        }
        _ => None,
    });
    questions.collect()
}

/// The predictions, ready to be drawn.
pub struct Answers<'a> {
    /// Which.
    pub answers: &'a [Answer],
    /// How.
    pub look: Look<'a>,
}

impl Answers<'_> {
    /// Draws them: the question, the answer, and the truth where it is another.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let look = self.look;
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let (yours, truth) = (look.text("course.yours"), look.text("course.truth"));
        let indent = 2 + width(&yours).max(width(&truth)) as u16 + 1;
        let lines = |answer: &Answer| 1 + u16::from(answer.given.is_some()) + u16::from(answer.right == Some(false));
        // Where not all have room, those around the one that is asked now.
        let here = self.answers.iter().position(|answer| answer.here).unwrap_or(0);
        let mut first = 0;
        while first < here && self.answers[first..=here].iter().map(lines).sum::<u16>() > area.height {
            first += 1;
        }
        let mut y = area.y;
        for answer in &self.answers[first..] {
            let (mark, role) = match answer.right {
                Some(true) => ("✓", Role::Good),
                Some(false) => ("✗", Role::Alarm),
                None if answer.given.is_some() => ("…", Role::Warn),
                None => ("?", Role::Dim),
            };
            pen.text(area.x, y, mark, look.style(role));
            let strong = if answer.here { Role::Strong } else { Role::Text };
            pen.text(area.x + 2, y, &clip(&answer.asked, usize::from(area.width.saturating_sub(2))), look.style(strong));
            y += 1;
            let rest = usize::from(area.width.saturating_sub(indent));
            for (name, text, role) in [(&yours, &answer.given, role), (&truth, &answer.truth, Role::Good)] {
                let Some(text) = text else { continue };
                if name == &truth && answer.right != Some(false) {
                    continue;
                }
                pen.text(area.x + 2, y, name, look.style(Role::Dim));
                pen.text(area.x + indent, y, &clip(text, rest), look.style(role));
                y += 1;
            }
            if y >= area.bottom() {
                break;
            }
        }
    }
}

/// One lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number.
    pub number: usize,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What has been done of it; nothing where it was never opened.
    pub standing: Option<Standing>,
    /// Whether it is the one that runs.
    pub here: bool,
}

/// A line for each lesson.
pub fn lessons(scene: &Scene<'_>) -> Vec<Line> {
    let line = |(n, lesson): (usize, &crate::scenario::Scenario)| {
        let mut done = scene.ui.progress.of(&lesson.id).cloned();
        let here = lesson.id == scene.scenario.id;
        if here {
            // What was done a moment ago may not have reached the disk yet.
            done.get_or_insert_default().merge(&scene.ui.done_of(scene.scenario));
        }
        let title = written(&lesson.title, scene.look.lang).to_owned();
        Line { number: n + 1, id: lesson.id.clone(), title, standing: done.map(|done| done.standing(lesson)), here }
    };
    scene.lessons.iter().enumerate().map(line).collect()
}

/// How many are done, and how many tasks are solved.
pub fn summary(lines: &[Line], look: Look<'_>) -> String {
    let standings = || lines.iter().filter_map(|line| line.standing);
    let done = standings().filter(Standing::is_done).count().to_string();
    let solved = standings().map(|standing| standing.solved.0).sum::<usize>().to_string();
    look.fill("course.summary", &[("done", &done), ("of", &lines.len().to_string()), ("solved", &solved)])
}

/// What has been done of a lesson, in two signs: whether all of it, and whether its task is solved (filled: by own means).
pub fn marks(standing: Option<Standing>) -> [(&'static str, Role); 2] {
    let Some(standing) = standing else { return [(" ", Role::Dim); 2] };
    let done = if standing.is_done() { ("✓", Role::Good) } else { ("·", Role::Dim) };
    let solved = match standing.solved {
        (alone, _, tasks) if tasks > 0 && alone == tasks => ("◆", Role::Good),
        (_, solved, tasks) if tasks > 0 && solved == tasks => ("◇", Role::Good),
        _ => (" ", Role::Dim),
    };
    [done, solved]
}

/// The lessons, ready to be drawn.
pub struct Lessons<'a> {
    /// Which.
    pub lines: &'a [Line],
    /// How.
    pub look: Look<'a>,
}

impl Lessons<'_> {
    /// Draws them, and says what clicks on them mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let look = self.look;
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let heads = ["course.steps", "course.right", "course.task", "course.review"].map(|key| look.text(key));
        // Where it is narrow, right answers and the two signs must do.
        let wide = area.width >= 58;
        let columns: Vec<u16> = heads.iter().map(|head| width(head).max(5) as u16 + 1).collect();
        let figures: u16 = if wide { columns.iter().sum() } else { 8 };
        let right = area.right();
        let head = u16::from(wide && area.height > 4);
        if head > 0 {
            let mut x = right - figures.min(area.width);
            for (head, column) in heads.iter().zip(&columns) {
                x += column;
                pen.text_right(x, area.y, head, look.style(Role::Dim));
            }
        }
        let high = usize::from(area.height.saturating_sub(head));
        let here = self.lines.iter().position(|line| line.here);
        let first = offset(here, self.lines.len(), high);
        for (n, line) in self.lines.iter().skip(first).take(high).enumerate() {
            let y = area.y + head + n as u16;
            targets.add(Rect { y, height: 1, ..area }, Command::Open(line.id.clone()));
            let role = if line.here { Role::Strong } else { Role::Text };
            pen.text(area.x, y, if line.here { "▸" } else { " " }, look.style(Role::Accent));
            pen.text_right(area.x + 4, y, &line.number.to_string(), look.style(Role::Dim));
            let room = area.width.saturating_sub(5 + figures + 1);
            pen.text(area.x + 5, y, &clip(&line.title, usize::from(room)), look.style(role));
            let [done, solved] = marks(line.standing);
            if !wide {
                if let Some(standing) = line.standing {
                    let text = format!("{}/{}", standing.right.0, standing.right.2);
                    pen.text_right(right.saturating_sub(4), y, &text, look.style(Role::Dim));
                }
                pen.text(right.saturating_sub(3), y, done.0, look.style(done.1));
                pen.text(right.saturating_sub(1), y, solved.0, look.style(solved.1));
                continue;
            }
            let Some(standing) = line.standing else { continue };
            let part = |(part, of): (usize, usize)| (format!("{part}/{of}"), if part == of { Role::Good } else { Role::Text });
            let right_answers = part((standing.right.0, standing.right.2));
            let cells = [part(standing.steps), right_answers, (solved.0.to_owned(), solved.1), part(standing.reviewed)];
            let mut x = right - figures.min(area.width);
            for ((text, role), column) in cells.iter().zip(&columns) {
                x += column;
                pen.text_right(x, y, text, look.style(*role));
            }
        }
    }
}
