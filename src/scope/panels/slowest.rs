//! The slowest requests, each as one strip: where its time went, from the intended send to the last byte. The parts add up to the latency.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::Nanos;
use crate::command::Command;
use crate::scope::Look;
use crate::scope::answers::Answers;
use crate::scope::pen::{Pen, Targets};
use crate::scope::rows::{self, RequestOrder, RowId, Rows, Shown};
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::world::Specimen;
use crate::world::clients::{Parts, Slow};

use super::latency::outcome;

/// The parts of a latency in their order: a letter, the key of the name, a colour.
pub(super) const PARTS: [(char, &str, Role); 5] = [
    ('Q', "part.queued", Role::Dim),
    ('K', "part.kernel", Role::Poll),
    ('W', "part.waiting", Role::Warn),
    ('R', "part.running", Role::Dispatch),
    ('O', "part.writing", Role::Worker),
];

/// Lines around the rows: the heading and the sum.
pub const AROUND: u16 = 2;

/// The key of an order's name.
pub const fn order(order: RequestOrder) -> &'static str {
    match order {
        RequestOrder::Slowest => "latency.slowest_first",
        RequestOrder::Newest => "latency.newest_first",
        RequestOrder::Victims => "latency.victims",
    }
}

const fn lengths(parts: &Parts) -> [Nanos; 5] {
    [parts.queued, parts.kernel, parts.waiting, parts.running, parts.writing]
}

/// How many cells of a strip each part takes: in proportion, and all of them together exactly the strip.
pub(super) fn cells(lengths: &[Nanos; 5], columns: u16) -> [u16; 5] {
    let total = lengths.iter().map(|length| u128::from(length.0)).sum::<u128>().max(1);
    let (mut sum, mut before) = (0_u128, 0);
    lengths.map(|length| {
        sum += u128::from(length.0);
        let end = ((sum * u128::from(columns) + total / 2) / total).min(u128::from(columns)) as u16;
        let cells = end.saturating_sub(before);
        before = end;
        cells
    })
}

/// The slowest requests as data: what is in sight of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Rows in sight.
    pub rows: Vec<Slow>,
    /// Which of them is chosen.
    pub chosen: Option<usize>,
    /// The moment.
    pub now: Nanos,
    /// For keys and clicks.
    pub shown: Shown,
}

/// What a request's row is about.
fn id(slow: &Slow) -> RowId {
    RowId::Request(slow.client, slow.intended)
}

/// The slowest requests of a specimen for so many rows.
pub fn shape(specimen: &Specimen, answers: &Answers, now: Nanos, rows: &Rows, high: usize) -> Shape {
    let all = answers.requests(rows.requests, specimen);
    let chosen = all.iter().position(|slow| rows.request == Some(id(slow)));
    let offset = rows::offset(chosen, all.len(), high);
    Shape {
        rows: all.iter().skip(offset).take(high).copied().collect(),
        chosen: chosen.map(|at| at - offset),
        now,
        shown: rows::shown(all.iter().map(id), offset, high),
    }
}

/// The panel, ready to be drawn.
pub struct Slowest<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

/// Columns of the latency, of how long ago it ended, and of its client.
const FIGURES: [u16; 3] = [8, 8, 6];

impl Slowest<'_> {
    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        if area.is_empty() {
            return;
        }
        if self.shape.rows.is_empty() && self.shape.shown.rows.is_empty() {
            pen.message(&look.text("latency.none"), look.style(Role::Dim));
            return;
        }
        self.heading(&mut pen);
        targets.add(Rect { height: 1, ..area }, Command::NextOrder);
        for (n, slow) in self.shape.rows.iter().enumerate() {
            let y = area.y + 1 + n as u16;
            if y >= area.bottom() {
                break;
            }
            self.row(&mut pen, y, slow, self.shape.chosen == Some(n));
            if let Ok(n) = u8::try_from(n) {
                targets.add(Rect { y, height: 1, ..area }, Command::Pick(n));
            }
        }
        // The chosen one, or the first in sight, in figures.
        if let Some(slow) = self.shape.rows.get(self.shape.chosen.unwrap_or(0))
            && area.height > AROUND
        {
            self.sum(&mut pen, area.bottom() - 1, slow);
        }
    }

    fn heading(&self, pen: &mut Pen<'_>) {
        let (area, look) = (pen.area, self.look);
        let mut x = area.x + 2;
        for (wide, name) in FIGURES.into_iter().zip(["latency.latency", "latency.ago", "latency.client"]) {
            pen.within(Rect { x, width: wide.min(area.right().saturating_sub(x)), ..area }).text_right(
                x + wide,
                area.y,
                &look.text(name),
                look.style(Role::Dim),
            );
            x += wide + 1;
        }
        x += 1;
        let names: Vec<_> = PARTS.iter().map(|(letter, name, role)| (format!("{letter} {}", look.text(name)), *role)).collect();
        // Closer together where there would be no room for the last.
        let wide: usize = names.iter().map(|(text, _)| width(text) + 2).sum();
        let apart = if usize::from(area.right().saturating_sub(x)) + 2 < wide { 1 } else { 2 };
        for (text, role) in names {
            if x + width(&text) as u16 > area.right() {
                break;
            }
            x = pen.text(x, area.y, &text, look.style(role)) + apart;
        }
    }

    fn row(&self, pen: &mut Pen<'_>, y: u16, slow: &Slow, chosen: bool) {
        let (area, look) = (pen.area, self.look);
        let style = |role| look.style(if chosen { Role::Chosen } else { role });
        if chosen {
            let wide = FIGURES.iter().sum::<u16>() + 5;
            pen.fill(Rect { y, width: wide.min(area.width), height: 1, ..area }, ' ', style(Role::Chosen));
            pen.text(area.x, y, "▸", style(Role::Chosen));
        }
        let ended = self.shape.now.since(slow.intended + slow.latency);
        let figures = [(slow.latency.to_string(), Role::Strong), (ended.to_string(), Role::Dim), (slow.client.0.to_string(), Role::Text)];
        let mut x = area.x + 2;
        for (wide, (text, role)) in FIGURES.into_iter().zip(figures) {
            pen.text_right((x + wide).min(area.right()), y, &text, style(role));
            x += wide + 1;
        }
        x += 1;
        let columns = area.right().saturating_sub(x);
        let Some(parts) = &slow.parts else {
            let why = match slow.outcome {
                Some(how) => look.fill("latency.unknown", &[("outcome", &look.text(outcome(how)))]),
                None => look.text("latency.under_way").into_owned(),
            };
            pen.text(x, y, &why, look.style(Role::Dim));
            return;
        };
        for ((letter, _, role), cells) in PARTS.iter().zip(cells(&lengths(parts), columns)) {
            for n in 0..cells {
                pen.put(x + n, y, if n == 0 { *letter } else { '━' }, look.style(*role));
            }
            x += cells;
        }
    }

    /// The parts of one request in figures, and that they are its latency.
    fn sum(&self, pen: &mut Pen<'_>, y: u16, slow: &Slow) {
        let (area, look) = (pen.area, self.look);
        let Some(parts) = &slow.parts else { return };
        let name = |named: bool, at: usize| {
            let (letter, name, _) = PARTS[at];
            if named { format!("{letter} {} ", look.text(name)) } else { format!("{letter} ") }
        };
        let figures = lengths(parts).map(|length| length.to_string());
        let total = format!("= {}", slow.latency);
        let wide = |named: bool| (0..5).map(|n| width(&name(named, n)) + width(&figures[n]) + 3).sum::<usize>() + width(&total) + 2;
        let named = wide(true) <= usize::from(area.width);
        let plus = if wide(false) <= usize::from(area.width) { " + " } else { "+" };
        let mut x = area.x + 2;
        for (n, figure) in figures.iter().enumerate() {
            if n > 0 {
                x = pen.text(x, y, plus, look.style(Role::Dim));
            }
            x = pen.text(x, y, &name(named, n), look.style(PARTS[n].2));
            x = pen.text(x, y, figure, look.style(Role::Text));
        }
        pen.text(x + 1, y, &total, look.style(Role::Strong));
    }
}

impl Widget for &Slowest<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn the_cells_of_a_strip_are_all_of_it_in_proportion() {
        let us = Nanos::micros;
        let parts = [us(500), us(1), us(250), us(249), Nanos::ZERO];
        assert_eq!(cells(&parts, 100), [50, 0, 25, 25, 0]);
        for columns in 0..300 {
            assert_eq!(cells(&parts, columns).iter().sum::<u16>(), columns);
        }
        assert_eq!(cells(&[Nanos::ZERO; 5], 40), [0; 5], "nothing took no time");
    }

    #[test]
    fn the_parts_of_the_slowest_requests_add_up_to_what_the_client_measured() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(2)).stall(Nanos::millis(700)).calm(Nanos::secs(2)).world();
        let none = Answers::default();
        let shape = shape(&world.specimens[0], &none, world.now, &Rows::default(), 64);
        let known: Vec<_> = shape.rows.iter().filter_map(|slow| Some((slow, slow.parts?))).collect();
        assert!(known.len() > 32, "{} of {}", known.len(), shape.rows.len());
        for (slow, parts) in known {
            assert_eq!(lengths(&parts).into_iter().fold(Nanos::ZERO, |sum, part| sum + part), slow.latency);
        }
        assert!(shape.rows.windows(2).all(|pair| pair[0].latency >= pair[1].latency));
        let rows = Rows { requests: RequestOrder::Newest, ..Rows::default() };
        let newest = super::shape(&world.specimens[0], &none, world.now, &rows, 64);
        assert!(newest.rows.windows(2).all(|pair| pair[0].intended + pair[0].latency >= pair[1].intended + pair[1].latency));
    }
}
