//! The Selectors screen: what it costs to ask the kernel who is ready, measured while one drags the number of idle descriptors.
//!
//! ```text
//! head
//! ╭ selectors ───────────── what ends it ╮╭ in words ───────────╮
//! │ the chart,                           ││ (or the lesson that │
//! │                                      ││ measures them)      │
//! │                                      │╰─────────────────────╯
//! │                                      │╭ level against edge ─╮
//! │ and the figures in hand              ││                     │
//! ╰──────────────────────────────────────╯╰─────────────────────╯
//! keys
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::lang::Lang;
use crate::base::units::{Nanos, bytes};
use crate::scope::panels::selector_facts;
use crate::scope::panels::selectors::{CHINESE, Chart, ENGLISH, Look as Lines};
use crate::scope::panels::wheel::grouped;
use crate::scope::pen::{Pen, frame};
use crate::scope::text::wrap;
use crate::scope::theme::Role;
use crate::scope::{Drawn, Look, Scene};
use crate::selectors::bench::View;
use crate::selectors::limits::{Limit, Trouble};
use crate::selectors::{Active, Selector};

use super::scope::lesson_pane;
use super::{inset, surround};

/// How much of the width is the chart's, in percent.
const CHART: u16 = 58;

/// Lines that all facts take with their headings, the frame included.
const WHOLE: u16 = 17;

/// Lines that the facts which differ most take, the frame included.
const FEW: u16 = 8;

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let body = surround(scene, buf, drawn);
    let look = scene.look;
    let left = Rect { width: body.width * CHART / 100, ..body };
    let right = Rect { x: left.right(), width: body.width - left.width, ..body };
    chart(scene, left, buf, drawn);

    if scene.scenario.experiment.is_some() {
        // The facts come with their headings, or as the lines that tell most.
        let below = if right.height >= 2 * WHOLE { WHOLE } else { right.height * 2 / 5 };
        let above = Rect { height: right.height - below, ..right };
        lesson_pane(scene, above, buf, drawn);
        facts(scene, Rect { y: above.bottom(), height: below, ..right }, buf);
        return;
    }
    let view = scene.selectors;
    let said: Vec<String> = view.map_or_else(|| vec![look.text("selectors.starting").into_owned()], |view| told(&view, look));
    // The facts keep room for what differs most. A sentence that does not fit whole is left out, but for the first.
    let most = usize::from(right.height.saturating_sub(2 + FEW));
    let mut lines = Vec::new();
    for text in &said {
        let more = wrap(text, usize::from(right.width.saturating_sub(4)));
        if lines.is_empty() || lines.len() + more.len() <= most {
            lines.extend(more);
        }
    }
    let above = Rect { height: (lines.len() as u16 + 2).min(right.height.saturating_sub(FEW)), ..right };
    let inner = inset(frame(buf, above, look, &look.text("selectors.in_words"), ""));
    let mut pen = Pen::new(buf, inner);
    for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
        let text: String = line.iter().map(|run| run.text.as_str()).collect();
        pen.text(inner.x, y, &text, look.style(Role::Text));
    }
    facts(scene, Rect { y: above.bottom(), height: right.height - above.height, ..right }, buf);
}

/// The chart in its frame, and where the pointer can take hold of it.
pub fn chart(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let look = scene.look;
    let note = scene.selectors.map(|view| ends(&view, look)).unwrap_or_default();
    let inner = inset(frame(buf, area, look, &look.text("selectors.title"), &note));
    match scene.selectors {
        Some(view) => {
            let words = match look.lang {
                Lang::En => &ENGLISH,
                Lang::Zh => &CHINESE,
            };
            let chart = Chart::of(&view, words, lines(look));
            drawn.axis = chart.axis(inner);
            chart.render(inner, buf);
        }
        None => Pen::new(buf, inner).message(&look.text("selectors.starting"), look.style(Role::Dim)),
    }
}

/// What the selectors do, apart from what they cost.
fn facts(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let look = scene.look;
    let inner = inset(frame(buf, area, look, &look.text("facts.title"), ""));
    match scene.selectors.and_then(|view| view.facts) {
        Some(Ok(facts)) => {
            let lines = selector_facts::shape(facts, look, inner.height);
            selector_facts::Panel { lines: &lines, look }.render(inner, buf);
        }
        Some(Err(trouble)) => {
            let why = match trouble {
                Trouble::Limit(limit) => limit.name().to_owned(),
                Trouble::System(says) => says.clone(),
                Trouble::Ended => String::new(),
            };
            Pen::new(buf, inner).message(&look.fill("facts.trouble", &[("why", &why)]), look.style(Role::Alarm));
        }
        None => Pen::new(buf, inner).message(&look.text("facts.observing"), look.style(Role::Dim)),
    }
}

/// The chart's lines in the theme's colours.
fn lines(look: Look<'_>) -> Lines {
    Lines {
        lines: [Role::Good, Role::Dispatch, Role::Warn, Role::Tasks].map(|role| look.style(role)),
        text: look.style(Role::Text),
        quiet: look.style(Role::Dim),
        hand: look.style(Role::Accent),
        ascii: look.theme.ascii,
    }
}

/// Which limit ends the axis, in a word or two; empty where none does.
fn ends(view: &View<'_>, look: Look<'_>) -> String {
    let most = view.drag.ladder().last().copied().unwrap_or(0);
    view.ends().map(|limit| look.fill("selectors.up_to", &[("most", &grouped(most as u64)), ("limit", limit.name())])).unwrap_or_default()
}

/// What the figures say: what a call takes, what it copies, and what limit there is.
fn told(view: &View<'_>, look: Look<'_>) -> Vec<String> {
    let mut said = vec![says(view, look)];
    if let (Some(poll), Some(epoll)) = (view.cost(Selector::Poll), view.cost(Selector::EpollLevel)) {
        let copied = |cost: &crate::selectors::series::Cost| bytes(cost.copied.into.saturating_add(cost.copied.out));
        said.push(look.fill("selectors.copied", &[("poll", &copied(poll)), ("epoll", &copied(epoll))]));
    }
    if let Some(limit) = view.ends() {
        let most = grouped(view.drag.ladder().last().copied().unwrap_or(0) as u64);
        let key = if limit == Limit::Descriptors { "selectors.own_limit" } else { "selectors.machine_limit" };
        said.push(look.fill(key, &[("most", &most), ("limit", limit.name()), ("of", &grouped(view.room.limit))]));
    }
    said
}

/// What the figures in hand say, in one sentence.
pub fn says(view: &View<'_>, look: Look<'_>) -> String {
    let Some(point) = view.drag.point() else { return look.text("selectors.no_room").into_owned() };
    let (Some(poll), Some(epoll)) = (view.cost(Selector::Poll), view.cost(Selector::EpollLevel)) else {
        return look.fill("selectors.measuring", &[("n", &grouped(point.total() as u64))]);
    };
    let (poll, epoll) = (poll.call_ns, epoll.call_ns);
    let shown = |ns: f64| Nanos(ns.round() as u64).to_string();
    let times = poll.max(epoll) / poll.min(epoll).max(1.0);
    let figure = if times < 9.95 { format!("{times:.1}") } else { grouped(times.round() as u64) };
    let size = grouped(point.size as u64);
    let whose = match point.active {
        Active::All => look.fill("selectors.all", &[("n", &size)]),
        Active::Count(n) => look.fill("selectors.some", &[("n", &size), ("active", &n.to_string())]),
    };
    let key = match () {
        // A fifth more or less is the machine's mood.
        () if times < 1.2 => "selectors.alike",
        () if poll > epoll => "selectors.poll_dearer",
        () => "selectors.poll_cheaper",
    };
    look.fill(key, &[("of", &whose), ("times", &figure), ("poll", &shown(poll)), ("epoll", &shown(epoll))])
}
