//! The Lesson screen: the step in full, what was predicted against what was true, and how far one has come in all lessons.
//!
//! ```text
//! head, cards
//! ╭ title of the lesson ──────── step 3 of 7 ╮╭ predictions ──────────────╮
//! │                                          ││ yours, and the truth      │
//! │   the text, in lines of a readable       │╰───────────────────────────╯
//! │   length                                 │╭ all lessons ──────────────╮
//! │                                          ││ steps answers task review │   (below the text where it is narrow)
//! ╰──────────────────────────────────────────╯╰───────────────────────────╯
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::scenario::schema::words as written;
use crate::scope::panels::{course, lesson};
use crate::scope::pen::frame;
use crate::scope::{Drawn, Scene};

use super::{inset, surround};

/// The longest line of text: longer ones are hard to follow, on paper and on a wall.
const LINE: u16 = 78;
/// From so many columns on the panels stand beside the text.
const WIDE: u16 = 100;

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let body = surround(scene, buf, drawn);
    let look = scene.look;
    let (text, answers, all) = divide(body, course::answers(scene).len());

    let shape = lesson::shape(scene, readable(inset(inset(text))).width);
    let title = format!("{} · {}", written(&scene.scenario.title, look.lang), shape.title(look));
    let inner = inset(frame(buf, text, look, &title, &shape.keys(scene)));
    // A line of air above the text where there is room for it; the last line of the frame bears what comes after.
    let air = u16::from(inner.height > 12);
    let at = readable(Rect { y: inner.y + air, height: inner.height.saturating_sub(air), ..inner });
    drawn.pages = shape.pages(at.height);
    lesson::Lesson { shape: &shape, page: scene.ui.page, look }.draw(at, buf, &mut drawn.targets);

    let inner = inset(frame(buf, answers, look, &look.text("course.predictions"), ""));
    course::Answers { answers: &course::answers(scene), look }.draw(inner, buf);

    let lines = course::lessons(scene);
    let inner = inset(frame(buf, all, look, &look.text("course.lessons"), &course::summary(&lines, look)));
    course::Lessons { lines: &lines, look }.draw(inner, buf, &mut drawn.targets);
}

fn readable(area: Rect) -> Rect {
    let air = if area.width > LINE + 4 { 2 } else { 0 };
    Rect { x: area.x + air, width: area.width.saturating_sub(air).min(LINE), ..area }
}

/// Text, answers, lessons.
fn divide(body: Rect, questions: usize) -> (Rect, Rect, Rect) {
    if body.width < WIDE {
        let below = (body.height * 2 / 5).clamp(5, 8).min(body.height);
        let text = Rect { height: body.height - below, ..body };
        let left = body.width * 45 / 100;
        let answers = Rect { y: text.bottom(), height: below, width: left, ..body };
        let all = Rect { x: body.x + left, width: body.width - left, ..answers };
        return (text, answers, all);
    }
    let right = (body.width * 42 / 100).clamp(44, 84);
    let text = Rect { width: body.width - right, ..body };
    let wanted = (questions as u16).saturating_mul(3) + 2;
    let above = wanted.clamp(5, (body.height / 2).max(5)).min(body.height);
    let answers = Rect { x: text.right(), width: right, height: above, ..body };
    let all = Rect { y: answers.bottom(), height: body.height - above, ..answers };
    (text, answers, all)
}
