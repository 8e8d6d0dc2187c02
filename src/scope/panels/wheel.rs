//! The loop as a wheel: its phases around a ring with their measured shares of time, a hand that turns as the ticks pass, and in the
//! middle what holds it now.
//!
//! Waiting is a thin line, work a full band: a loop that has stopped waiting is seen to be full. The hand turns once in so many
//! ticks (the legend says how many), so that a loop that stands still is seen to stand still.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use crate::base::text::visible_lines;
use crate::base::units::{Nanos, count};
use crate::scope::eye::Gaze;
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::telemetry::vocabulary::{Cause, Phase};
use crate::world::{Life, Specimen, StallKind};

use super::head::ending;

/// What each phase has of the ring at least, in turns, so that it can be found.
const LEAST: f64 = 0.03;
/// What parts two arcs, in turns.
const GAP: f64 = 0.012;
/// How much of a turn the hand's trail is long.
const TRAIL: f64 = 0.10;

/// The colours of the phases.
pub const ROLES: [Role; Phase::COUNT] = [Role::Poll, Role::Dispatch, Role::Timers, Role::Tasks, Role::Control];
/// The marks of the phases in the legend, like their pattern in the ring.
const MARKS: [char; Phase::COUNT] = ['━', '█', '▓', '▒', '░'];

/// One phase's part of the ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// Which phase.
    pub phase: Phase,
    /// Where it begins, in turns clockwise from the top.
    pub from: f64,
    /// How much of a turn it is long.
    pub sweep: f64,
    /// How brightly it is lit, 0 to 1.
    pub strength: f64,
}

/// What state the loop is in, as far as the wheel shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    /// No event has come yet.
    Unseen,
    /// It turns.
    Turning,
    /// A callback has held it for so long.
    Stalled(Nanos),
    /// The gate holds it.
    Held,
    /// There is no process.
    Dead,
}

/// The wheel as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The state.
    pub mood: Mood,
    /// The phases in their order.
    pub arcs: [Arc; Phase::COUNT],
    /// Measured shares, as they are written.
    pub shares: [f64; Phase::COUNT],
    /// The phase that it is in.
    pub phase: Phase,
    /// Where the hand stands, in turns.
    pub hand: f64,
    /// Ticks in one turn.
    pub turn: u64,
    /// Lines in the middle, the first the most important.
    pub centre: Vec<(String, Role)>,
    /// Ticks so far and ticks a second.
    pub ticks: (u64, f64),
    /// What runs now, as a sentence.
    pub now: String,
    /// How the process ended, where it has: in words, and what it said last.
    pub death: Option<(String, String)>,
    /// Callbacks by cause: the name, how many, how long on average and at most. Only causes that there have been.
    pub callbacks: Vec<(String, u64, Nanos, Nanos)>,
}

/// The wheel of a specimen.
pub fn shape(specimen: &Specimen, gaze: &Gaze, now: Nanos, look: Look<'_>) -> Shape {
    let reactor = &specimen.reactor;
    let stall = specimen.stalls.current;
    let mood = match specimen.life {
        Life::Dead { .. } => Mood::Dead,
        _ if reactor.held => Mood::Held,
        _ if stall.is_some() => Mood::Stalled(stall.map_or(Nanos::ZERO, |s| now.since(s.began))),
        _ if reactor.ticks == 0 => Mood::Unseen,
        Life::Starting | Life::Running { .. } => Mood::Turning,
    };
    let (sum, free) = (gaze.shares.iter().sum::<f64>().max(1e-9), 1.0 - LEAST * Phase::COUNT as f64);
    let mut from = 0.0;
    let arcs = std::array::from_fn(|n| {
        let sweep = LEAST + free * if sum > 1e-6 { gaze.shares[n] / sum } else { 1.0 / Phase::COUNT as f64 };
        let arc = Arc { phase: Phase::ALL[n], from, sweep, strength: strength(mood, n, reactor.phase, gaze) };
        from += sweep;
        arc
    });
    Shape {
        mood,
        arcs,
        shares: gaze.figures.shares,
        phase: reactor.phase,
        hand: (reactor.ticks % gaze.turn.max(1)) as f64 / gaze.turn.max(1) as f64,
        turn: gaze.turn,
        centre: centre(specimen, mood, gaze, look),
        ticks: (reactor.ticks, gaze.figures.ticks),
        now: running(specimen, now, look),
        death: death(specimen, look),
        callbacks: Cause::ALL
            .iter()
            .map(|c| (*c, &reactor.causes[*c as usize]))
            .filter(|(_, tally)| tally.count > 0)
            .map(|(c, tally)| (words::cause(look.lang, c).into_owned(), tally.count, Nanos(tally.busy.0 / tally.count), tally.max))
            .collect(),
    }
}

fn strength(mood: Mood, n: usize, phase: Phase, gaze: &Gaze) -> f64 {
    match mood {
        Mood::Dead | Mood::Unseen => 0.25,
        Mood::Stalled(_) if Phase::ALL[n] == phase => 1.0,
        Mood::Stalled(_) => 0.3,
        Mood::Turning | Mood::Held if gaze.figures.shares[n] < 0.0005 && gaze.glow[n] < 0.05 => 0.3,
        Mood::Turning | Mood::Held => 0.55 + 0.45 * gaze.glow[n].max(gaze.shares[n].sqrt() * 0.8),
    }
}

fn centre(specimen: &Specimen, mood: Mood, gaze: &Gaze, look: Look<'_>) -> Vec<(String, Role)> {
    match (mood, specimen.stalls.current) {
        (Mood::Dead, _) => vec![(look.text("state.dead").into_owned(), Role::Alarm)],
        (Mood::Unseen, _) => vec![(look.text("wheel.unseen").into_owned(), Role::Dim)],
        (Mood::Held, _) => vec![(look.text("state.held").into_owned(), Role::Warn)],
        (Mood::Stalled(age), Some(stall)) => {
            let kind = match stall.kind {
                StallKind::Computing => "stall.computing",
                StallKind::Parked => "stall.parked",
                StallKind::Unknown => "stall.unknown",
            };
            vec![
                (age.to_string(), Role::Alarm),
                (stall.handler.map_or_else(|| words::cause(look.lang, stall.cause).into_owned(), |h| h.name().to_owned()), Role::Strong),
                (words::conn(look.lang, stall.conn), Role::Text),
                (look.text(kind).into_owned(), Role::Warn),
            ]
        }
        _ => vec![
            (count(gaze.figures.ticks), Role::Strong),
            (look.text("wheel.ticks_a_second").into_owned(), Role::Dim),
            // Centred in its widest, so that the line does not come and go with its figure.
            (look.fill("wheel.lag", &[("lag", &format!("{:^7}", gaze.figures.lag.unwrap_or_default().to_string()))]), Role::Dim),
        ],
    }
}

/// How a process that is dead has ended, and its last words.
fn death(specimen: &Specimen, look: Look<'_>) -> Option<(String, String)> {
    let Life::Dead { signal, code, .. } = specimen.life else { return None };
    let words = specimen.deaths.last().map(|d| visible_lines(&d.last_words)).unwrap_or_default();
    Some((ending(signal, code, look), words))
}

/// What runs now, or that the loop is asleep.
fn running(specimen: &Specimen, now: Nanos, look: Look<'_>) -> String {
    let reactor = &specimen.reactor;
    if let Life::Dead { signal, code, .. } = specimen.life {
        return ending(signal, code, look);
    }
    match reactor.running {
        Some(running) => {
            let what = words::callback(look.lang, running.cause, running.handler);
            let age = now.since(running.since).to_string();
            let key = if running.conn.is_some() { "wheel.running_for" } else { "wheel.running" };
            look.fill(key, &[("what", &what), ("conn", &words::conn(look.lang, running.conn)), ("age", &age)])
        }
        None => look.fill("wheel.in_phase", &[("phase", &words::phase(look.lang, reactor.phase))]),
    }
}

/// The wheel, ready to be drawn.
pub struct Wheel<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Wheel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() {
            return;
        }
        // The ring is as high as the panel, twice as many cells wide, and leaves room for the legend beside it.
        let high = area.height.min(area.width.saturating_sub(21) / 2).min(22);
        if high < 5 {
            self.bar(&mut pen);
            return;
        }
        let legend = 21.max(area.width / 3).min(40);
        let left = area.width.saturating_sub(high * 2 + legend) / 2;
        let ring = Rect { x: area.x + left, y: area.y + (area.height - high) / 2, width: high * 2, height: high };
        self.ring(&mut pen, ring);
        let x = ring.right() + 2;
        self.legend(&mut pen, Rect { x, width: area.right().saturating_sub(x), ..area });
    }
}

impl Wheel<'_> {
    /// One line: the shares as a bar, and one with their names.
    fn bar(&self, pen: &mut Pen<'_>) {
        let area = pen.area;
        let mut x = area.x;
        for (n, share) in self.shape.shares.iter().enumerate() {
            let wide = (share * f64::from(area.width)).round() as u16;
            let wide = if *share > 0.001 { wide.max(1) } else { wide };
            let style = self.phase_style(n, self.shape.arcs[n].strength);
            for _ in 0..wide.min(area.right().saturating_sub(x)) {
                pen.put(x, area.y, MARKS[n], style);
                x += 1;
            }
        }
        let mut x = area.x;
        // The phases that take time, as many as fit, the longest first.
        let mut order: Vec<usize> = (0..Phase::COUNT).filter(|n| self.shape.shares[*n] >= 0.0005).collect();
        order.sort_by(|a, b| self.shape.shares[*b].total_cmp(&self.shape.shares[*a]));
        for n in order {
            let phase = Phase::ALL[n];
            let name = format!("{} {}", words::phase(self.look.lang, phase), percent(self.shape.shares[n]));
            if x + 2 + width(&name) as u16 > area.right() {
                break;
            }
            x = pen.text(x, area.y + 1, &format!("{} ", MARKS[n]), self.phase_style(n, 1.0));
            let role = if phase == self.shape.phase { Role::Strong } else { Role::Dim };
            x = pen.text(x, area.y + 1, &name, self.look.style(role)) + 2;
        }
        pen.text(area.x, area.y + 2, &self.shape.now, self.look.style(Role::Text));
    }

    fn phase_style(&self, n: usize, strength: f64) -> Style {
        match self.shape.mood {
            Mood::Stalled(age) if Phase::ALL[n] == self.shape.phase => self.look.theme.burn(age.as_secs()),
            Mood::Dead => self.look.style(Role::Faint),
            _ => self.look.theme.glow(ROLES[n], strength),
        }
    }

    fn ring(&self, pen: &mut Pen<'_>, area: Rect) {
        let radius = f64::from(area.height) * 2.0 - 0.5;
        let band = (radius * 0.24).clamp(2.0, 7.0);
        let geometry = Geometry { radius, band, starts: self.shape.arcs.map(|a| clock_angle(a.from)) };
        let hand = self.shape.hand;
        let turning = matches!(self.shape.mood, Mood::Turning | Mood::Held | Mood::Stalled(_));
        for cy in 0..area.height {
            for cx in 0..area.width {
                let (mut bits, mut phase) = (0_u32, None);
                for (dot, (dx, dy)) in DOTS.into_iter().enumerate() {
                    let x = f64::from(cx) * 2.0 + dx + 0.5 - radius - 0.5;
                    let y = f64::from(cy) * 4.0 + dy + 0.5 - radius - 0.5;
                    if let Some(n) = geometry.dot(x, y, (cx * 2) as usize + dx as usize, (cy * 4) as usize + dy as usize) {
                        bits |= 1 << dot;
                        phase = Some(n);
                    }
                }
                let Some(n) = phase else { continue };
                let x = f64::from(cx) * 2.0 + 1.0 - radius - 0.5;
                let y = f64::from(cy) * 4.0 + 2.0 - radius - 0.5;
                let turn = (x.atan2(-y) / std::f64::consts::TAU).rem_euclid(1.0);
                let mut style = self.arc_style(n, turn);
                let behind = (hand - turn).rem_euclid(1.0);
                if turning && behind < TRAIL {
                    style = self.trail(n, style, behind / TRAIL);
                }
                pen.put(area.x + cx, area.y + cy, char::from_u32(0x2800 + bits).unwrap_or(' '), style);
            }
        }
        self.middle(pen, area, (radius - band) * 2.0 / 2.0);
    }

    /// The colour of an arc at a place: a burning one glows towards its end.
    fn arc_style(&self, n: usize, turn: f64) -> Style {
        let arc = self.shape.arcs[n];
        match self.shape.mood {
            Mood::Stalled(age) if arc.phase == self.shape.phase => {
                let along = ((turn - arc.from).rem_euclid(1.0) / arc.sweep.max(1e-6)).min(1.0);
                self.look.theme.burn(age.as_secs().min(1.0) * (0.35 + 0.65 * along))
            }
            Mood::Dead => self.look.style(Role::Faint),
            _ => self.phase_style(n, arc.strength),
        }
    }

    fn trail(&self, n: usize, style: Style, away: f64) -> Style {
        let theme = self.look.theme;
        if theme.has_shades() {
            let fg = theme.between(Role::Hand, ROLES[n], 0.15 + 0.85 * away).fg;
            Style { fg: fg.or(style.fg), ..style }
        } else if away < 0.6 {
            theme.style(Role::Hand).remove_modifier(Modifier::DIM)
        } else {
            style
        }
    }

    fn middle(&self, pen: &mut Pen<'_>, ring: Rect, across: f64) {
        let room = (across as u16).saturating_sub(1);
        let fits = usize::from((ring.height / 2).clamp(1, 6));
        // A figure that is cut off is wrong, and a line of the second rank can go; a name may be cut off.
        let fitting = |(n, (line, role)): &(usize, &(String, Role))| *n == 0 || *role != Role::Dim || width(line) <= usize::from(room);
        let lines: Vec<_> = self.shape.centre.iter().enumerate().filter(fitting).map(|(_, line)| line).take(fits).collect();
        let y = ring.y + (ring.height.saturating_sub(lines.len() as u16)) / 2;
        let x = ring.x + (ring.width.saturating_sub(room)) / 2;
        let mut pen = pen.within(Rect { x, width: room, ..ring });
        for (n, (line, role)) in lines.iter().enumerate() {
            let line = clip(line, usize::from(room));
            pen.text_centred(y + n as u16, &line, self.look.style(*role));
        }
    }

    fn legend(&self, pen: &mut Pen<'_>, area: Rect) {
        let look = self.look;
        let rows = Phase::COUNT as u16;
        let spare = area.height.saturating_sub(rows);
        let table = if area.width >= 36 { self.shape.callbacks.len() as u16 + 2 } else { 0 };
        let below = if self.shape.death.is_some() { 6 } else { 4 + table };
        let mut y = area.y + (spare.saturating_sub(below) / 2);
        let end = area.right().min(area.x + 26);
        for (n, phase) in Phase::ALL.iter().enumerate() {
            let active = *phase == self.shape.phase && !matches!(self.shape.mood, Mood::Dead | Mood::Unseen);
            let role = if active { Role::Strong } else { Role::Text };
            pen.put(area.x, y, MARKS[n], self.phase_style(n, self.shape.arcs[n].strength.max(0.5)));
            let name_end = pen.text(area.x + 2, y, &words::phase(look.lang, *phase), look.style(role));
            let of_time = self.shape.shares[n];
            let quiet = if of_time < 0.0005 { Role::Faint } else { role };
            pen.text_right(end, y, &percent(of_time), look.style(quiet));
            if active {
                pen.put(name_end + 1, y, '◂', self.phase_style(n, 1.0));
            }
            y += 1;
        }
        if let Some((how, said)) = &self.shape.death {
            y += 1;
            pen.text(area.x, y, how, look.style(Role::Alarm));
            for (n, line) in wrap(said, usize::from(area.width)).iter().enumerate() {
                let line: String = line.iter().map(|run| run.text.as_str()).collect();
                pen.text(area.x, y + 1 + n as u16, &line, look.style(Role::Text));
            }
            return;
        }
        if spare >= 2 {
            y += u16::from(spare >= 3);
            let ticks = look.fill("wheel.turn", &[("ticks", &grouped(self.shape.turn))]);
            pen.text(area.x, y, &ticks, look.style(Role::Dim));
            y += 1;
        }
        if spare >= 4 {
            pen.text(area.x, y, &self.shape.now, look.style(Role::Text));
            y += 2;
        }
        self.callbacks(pen, Rect { y, height: area.bottom().saturating_sub(y), ..area });
    }

    /// Where there is room: what callbacks there have been.
    fn callbacks(&self, pen: &mut Pen<'_>, area: Rect) {
        let look = self.look;
        let rows = self.shape.callbacks.len() as u16;
        if rows == 0 || area.height < rows + 1 || area.width < 36 {
            return;
        }
        let ends = [area.x + 20, area.x + 29, area.x + 38].map(|x| x.min(area.right()));
        pen.text(area.x, area.y, &look.text("wheel.callbacks"), look.style(Role::Dim));
        for (end, key) in ends.into_iter().zip(["wheel.count", "wheel.mean", "wheel.longest"]) {
            pen.text_right(end, area.y, &look.text(key), look.style(Role::Faint));
        }
        for (n, (name, times, mean, longest)) in self.shape.callbacks.iter().enumerate() {
            let y = area.y + 1 + n as u16;
            pen.text_until(area.x, y, ends[0].saturating_sub(7), name, look.style(Role::Text));
            for (end, text) in ends.into_iter().zip([count(*times as f64), mean.to_string(), longest.to_string()]) {
                pen.text_right(end, y, &text, look.style(Role::Text));
            }
        }
    }
}

/// The dots of a braille cell in the order of their bits: columns and rows within the cell.
const DOTS: [(f64, f64); 8] = [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 3.0), (1.0, 3.0)];

/// Where the ring's dots are.
struct Geometry {
    radius: f64,
    band: f64,
    /// Where each arc begins, as a [`pseudo_angle`].
    starts: [f64; Phase::COUNT],
}

impl Geometry {
    /// Which phase's dot lies here, if one does.
    fn dot(&self, x: f64, y: f64, column: usize, row: usize) -> Option<usize> {
        let square = x * x + y * y;
        let (outer, inner) = (self.radius, self.radius - self.band);
        if square > outer * outer || square < inner * inner {
            return None;
        }
        let angle = pseudo_angle(x, y);
        let n = self.starts.iter().rposition(|start| angle >= *start).unwrap_or(0);
        // What parts the arcs is a gap of even width, whatever the phases.
        let gap = 4.0 * GAP;
        if angle - self.starts[n] < gap {
            return None;
        }
        let r = square.sqrt();
        let lit = match Phase::ALL[n] {
            Phase::Poll => (r - (outer - self.band / 2.0)).abs() < (self.band * 0.18).max(0.8),
            Phase::Dispatch => true,
            Phase::Timers => (column + row).is_multiple_of(2),
            Phase::Tasks => row.is_multiple_of(2),
            Phase::Control => column.is_multiple_of(2) && row.is_multiple_of(2),
        };
        lit.then_some(n)
    }
}

/// An angle clockwise from the top that rises from 0 to 4 like the true one, without trigonometry.
fn pseudo_angle(x: f64, y: f64) -> f64 {
    let p = x / (x.abs() + y.abs()).max(1e-9);
    match (x >= 0.0, y < 0.0) {
        (true, true) => p,
        (_, false) => 2.0 - p,
        (false, true) => 4.0 + p,
    }
}

/// The pseudo-angle of a place on the ring, in turns.
fn clock_angle(turn: f64) -> f64 {
    let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
    if turn <= 0.0 { 0.0 } else { pseudo_angle(sin, -cos) }
}

/// A share as people read it: `61 %`, `0.3 %`, `–`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p < 0.05 => "–".into(),
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// A number with its digits in groups of three: `48 213`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_rise_once_around() {
        let mut last = -1.0;
        for step in 0..1000 {
            let angle = clock_angle(f64::from(step) / 1000.0);
            assert!(angle > last && (0.0..4.0).contains(&angle), "{step}: {angle} after {last}");
            last = angle;
        }
    }

    #[test]
    fn shares_and_numbers_are_short() {
        assert_eq!([0.0, 0.003, 0.0996, 0.61, 1.0].map(percent), ["–", "0.3 %", "10 %", "61 %", "100 %"]);
        assert_eq!([0, 999, 1000, 48_213, 1_234_567].map(grouped), ["0", "999", "1 000", "48 213", "1 234 567"]);
    }
}
