//! Specimens side by side: a card each, with its state, what mends it, and the figures that tell them apart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::command::Command;
use crate::scope::eye::Figures;
use crate::scope::pen::{Pen, Targets};
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, words};
use crate::telemetry::vocabulary::{Mitigation, Model, Phase};

use super::head::State;
use super::wheel::{ROLES, grouped};

/// One specimen's card.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Whether keys act on it.
    pub chosen: bool,
    /// The model that it is built on.
    pub model: Model,
    /// Threads of all its processes.
    pub threads: u32,
    /// Its state.
    pub state: State,
    /// How old the stall is, or how long it was, the last one.
    pub stall: Option<Nanos>,
    /// What is on.
    pub mitigations: Vec<Mitigation>,
    /// Its figures.
    pub figures: Figures,
    /// Shares of the phases.
    pub shares: [f64; Phase::COUNT],
    /// The longest stall so far.
    pub longest: Nanos,
    /// How often it died.
    pub died: u32,
}

/// The cards of a scene.
pub fn shape(scene: &Scene<'_>) -> Vec<Card> {
    let world = scene.world;
    let chosen = scene.chosen().map(|s| s.id);
    world
        .specimens
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let gaze = scene.eye.gaze(n);
            Card {
                name: visible(&s.name),
                chosen: Some(s.id) == chosen,
                state: State::then(s, scene.ui.frozen.is_some()),
                model: s.model.0,
                threads: s.thread_count().unwrap_or(0),
                stall: s.stall().map(|stall| world.now.since(stall.began)),
                mitigations: Mitigation::ALL.iter().copied().filter(|m| s.mitigations[*m as usize]).collect(),
                figures: gaze.figures,
                shares: gaze.figures.shares,
                longest: s.longest_stall(),
                died: s.all_deaths(),
            }
        })
        .collect()
}

/// The cards, ready to be drawn.
pub struct Cards<'a> {
    /// What.
    pub cards: &'a [Card],
    /// From which lag on it is a stall.
    pub threshold: Nanos,
    /// How.
    pub look: Look<'a>,
}

impl Cards<'_> {
    /// Draws them and says what clicks on them mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let area = area.intersection(buf.area);
        let n = self.cards.len().max(1) as u16;
        for (i, card) in self.cards.iter().enumerate() {
            let from = area.x + (u32::from(area.width) * i as u32 / u32::from(n)) as u16;
            let to = area.x + (u32::from(area.width) * (i as u32 + 1) / u32::from(n)) as u16;
            let mut pen = Pen::new(buf, Rect { x: from, width: (to - from).saturating_sub(u16::from(i as u16 + 1 < n)), ..area });
            if !card.chosen {
                targets.add(pen.area, Command::Specimen(i as u8));
            }
            self.card(&mut pen, card);
        }
    }

    fn card(&self, pen: &mut Pen<'_>, card: &Card) {
        let (area, look) = (pen.area, self.look);
        if area.is_empty() {
            return;
        }
        let ground = if card.chosen { look.style(Role::Chosen) } else { look.style(Role::Text) };
        pen.fill(Rect { height: 1, ..area }, ' ', ground);
        let (glyph, word, role) = card.state.sign();
        let state = look.text(word).into_owned();
        let on = |role: Role| {
            let style = look.style(role);
            if card.chosen { ground.patch(style) } else { style }
        };
        let mut x = pen.text(area.x, area.y, if card.chosen { "▸" } else { " " }, ground);
        // The name in full first, then the state's word: its sign says as much.
        let name = clip(&card.name, usize::from(area.width).saturating_sub(width(glyph) + 3));
        let word = format!("{glyph} {state}");
        let said = if width(&name) + width(&word) + 3 <= usize::from(area.width) { &*word } else { glyph };
        x = pen.text(x, area.y, &name, ground.add_modifier(Modifier::BOLD)) + 1;
        let end = pen.text_right(area.right().saturating_sub(1), area.y, said, on(role));
        if card.model != Model::EventLoop {
            let model = words::model(look.lang, card.model);
            if usize::from(end.saturating_sub(x + 1)) > width(&model) {
                x = pen.text(x, area.y, &model, on(Role::Dim)) + 1;
            }
        }
        let mended: Vec<_> = card.mitigations.iter().map(|m| words::mitigation(look.lang, *m)).collect();
        let mended = mended.join(", ");
        if !mended.is_empty() {
            let room = usize::from(end.saturating_sub(x + 1));
            pen.text(x, area.y, &clip(&format!("+ {mended}"), room), on(Role::Accent).remove_modifier(Modifier::BOLD));
        }
        if area.height > 1 {
            self.figures(pen, area.y + 1, card);
        }
        if area.height > 2 {
            self.shares(pen, area.y + 2, card);
        }
    }

    fn figures(&self, pen: &mut Pen<'_>, y: u16, card: &Card) {
        let look = self.look;
        let worry = |n: Nanos| if n >= self.threshold { Role::Alarm } else { Role::Strong };
        let f = card.figures;
        let p99 = if f.recent.count == 0 { "–".to_owned() } else { f.recent.p99.to_string() };
        let mut parts = vec![
            match f.lag {
                Some(lag) => ("vital.lag", lag.to_string(), worry(lag)),
                None => ("vital.threads", grouped(card.threads.into()), Role::Strong),
            },
            ("vital.p99", p99, worry(f.recent.p99)),
            ("vital.rate", count(f.requests), Role::Text),
        ];
        if card.died > 0 {
            parts.push(("vital.deaths", card.died.to_string(), Role::Alarm));
        }
        let mut x = pen.area.x + 1;
        for (label, value, role) in parts {
            let label = look.text(label);
            if usize::from(x) + width(&label) + 1 + width(&value) > usize::from(pen.area.right()) {
                break;
            }
            x = pen.text(x, y, &label, look.style(Role::Dim)) + 1;
            let wide = width(&value).max(7) as u16;
            pen.text(x, y, &value, look.style(role));
            x += wide + 1;
        }
    }

    /// The loop's time as a bar: what it spends in callbacks in its colours, waiting as a line.
    fn shares(&self, pen: &mut Pen<'_>, y: u16, card: &Card) {
        let (area, look) = (pen.area, self.look);
        let wide = area.width.saturating_sub(2);
        let mut x = area.x + 1;
        let stop = x + wide;
        for (n, phase) in Phase::ALL.iter().enumerate().skip(1).chain([(0, &Phase::Poll)]) {
            let cells = if *phase == Phase::Poll { stop.saturating_sub(x) } else { (card.shares[n] * f64::from(wide)).round() as u16 };
            let style = match (card.stall, phase) {
                (Some(age), Phase::Dispatch) => look.theme.burn(age.as_secs()),
                _ => look.theme.glow(ROLES[n], 0.9),
            };
            for _ in 0..cells.min(stop.saturating_sub(x)) {
                pen.put(x, y, if *phase == Phase::Poll { '─' } else { '▬' }, style);
                x += 1;
            }
        }
    }
}

impl Widget for &Cards<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}
