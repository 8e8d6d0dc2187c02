//! What the clients see: latencies from the intended send, what went wrong, and the spectrogram of the last seconds.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::base::units::{Nanos, count};
use crate::scope::eye::{Figures, Gaze};
use crate::scope::pen::Pen;
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::telemetry::vocabulary::Outcome;
use crate::world::clients::{COLUMN, COLUMNS, ROWS};
use crate::world::strip::SLICES;
use crate::world::{Change, Specimen};

/// The panel as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Whether there are clients at all.
    pub any: bool,
    /// The held figures.
    pub figures: Figures,
    /// How p99 is to be looked at.
    pub tail: Role,
    /// Requests that did not end well: the key of the name, how many, and whether that is bad.
    pub troubles: Vec<(&'static str, u64)>,
    /// Answers per tenth of a second, oldest first; `None` is a gap.
    pub answered: Vec<Option<u32>>,
    /// The spectrogram: columns oldest first, shares of their column by latency row; `None` where none was answered.
    pub columns: Vec<Option<[f32; ROWS]>>,
    /// The rows that are shown: from, to.
    pub rows: (usize, usize),
}

/// The clients of a specimen, for a panel of so many columns.
pub fn shape(specimen: &Specimen, gaze: &Gaze, stall_threshold: Nanos, columns: u16) -> Shape {
    let clients = &specimen.clients;
    let figures = gaze.figures;
    let p99 = figures.recent.p99;
    let tail = if p99 >= stall_threshold {
        Role::Alarm
    } else if p99.0 * 4 >= stall_threshold.0 {
        Role::Warn
    } else {
        Role::Strong
    };
    let of = |outcome: Outcome| clients.outcomes[outcome as usize];
    let troubles = vec![
        ("clients.errors", of(Outcome::ErrorStatus) + of(Outcome::Garbled)),
        ("clients.timeouts", of(Outcome::Timeout)),
        ("clients.resets", of(Outcome::Reset) + of(Outcome::Closed)),
        ("clients.refused", of(Outcome::Refused)),
    ];
    let spectrum = spectrum(specimen, columns);
    let lowest = spectrum.iter().flatten().filter_map(|c| c.iter().position(|s| *s > 0.0)).min();
    let highest = spectrum.iter().flatten().filter_map(|c| c.iter().rposition(|s| *s > 0.0)).max();
    // 100 µs to 10 s, and a decade more where something lies there.
    let rows = (if lowest.is_some_and(|r| r < 4) { 0 } else { 4 }, if highest.is_some_and(|r| r >= 24) { ROWS } else { 24 });
    Shape {
        any: clients.clients > 0 || clients.connected > 0 || clients.outcomes.iter().any(|n| *n > 0),
        figures,
        tail,
        troubles,
        answered: answered(specimen, columns),
        columns: spectrum,
        rows,
    }
}

fn spectrum(specimen: &Specimen, columns: u16) -> Vec<Option<[f32; ROWS]>> {
    let spectrogram = &specimen.clients.spectrogram;
    let wanted = u64::from(columns).min(COLUMNS as u64 - 1);
    (0..wanted)
        .map(|i| {
            let n = (spectrogram.newest + 1).checked_sub(wanted - i)?;
            let cells = spectrogram.column(n)?;
            let total: u32 = cells.iter().fold(0, |a, c| a.saturating_add(*c));
            (total > 0).then(|| cells.map(|c| c as f32 / total as f32))
        })
        .collect()
}

/// Answers per tenth of a second.
fn answered(specimen: &Specimen, columns: u16) -> Vec<Option<u32>> {
    let strip = &specimen.strip;
    let newest = strip.newest / 10;
    let wanted = u64::from(columns).min(SLICES as u64 / 10 - 1);
    (0..wanted)
        .map(|i| {
            // The newest tenth is still being filled.
            let tenth = newest.checked_sub(wanted - i)?;
            let mut sum = 0;
            for n in tenth * 10..tenth * 10 + 10 {
                let slice = strip.slice(n)?;
                if slice.gap {
                    return None;
                }
                sum += u32::from(slice.answered);
            }
            Some(sum)
        })
        .collect()
}

/// Columns of the spectrogram's axis.
const AXIS: u16 = 6;

/// What the shades of the spectrogram mean, at the right of a line.
pub fn legend(buf: &mut Buffer, line: Rect, look: Look<'_>) {
    let mut pen = Pen::new(buf, line);
    let (rare, often) = (look.text("clients.rare"), look.text("clients.often"));
    let mut x = line.right().saturating_sub((width(&rare) + width(&often) + 12) as u16);
    if x <= line.x {
        return;
    }
    x = pen.text(x, line.y, &format!(" {rare} "), look.style(Role::Dim));
    for n in 1..=8 {
        let share = f64::from(n) / 8.0;
        match look.theme.shade(share) {
            Some(colour) if look.theme.has_halves() => pen.put(x, line.y, '▄', Style::new().fg(colour)),
            _ => {
                let (glyph, style) = look.theme.shade_cell(share);
                pen.text(x, line.y, glyph, style);
            }
        }
        x += 1;
    }
    pen.text(x, line.y, &format!(" {often} "), look.style(Role::Dim));
}

/// How latencies are laid out: so many pixels for so many factors of ten, and a label at every so many of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    pixels: usize,
    decades: usize,
    every: usize,
}

impl Scale {
    /// The largest regular scale with which at least so many factors of ten fit into so many pixels, of which `halves` make a cell.
    fn of(pixels: usize, halves: usize, decades: usize) -> Self {
        let decades = decades.max(1);
        match pixels / decades {
            // Several share a pixel.
            0 => {
                let shared = decades.div_ceil(pixels.max(1));
                Self { pixels: 1, decades: shared, every: shared * halves }
            }
            // A label stands at the beginning of a cell: an odd number of half-cells takes two factors of ten to come to one.
            each => Self { pixels: each, decades: 1, every: if each.is_multiple_of(halves) { 1 } else { halves } },
        }
    }
}

/// The spectrogram alone, ready to be drawn.
pub struct Spectrogram<'a> {
    /// What.
    pub shape: &'a Shape,
    /// The number of its newest column.
    pub newest: u64,
    /// What was broken and mended, and when.
    pub changes: &'a [(Nanos, Change)],
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Spectrogram<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.width <= AXIS || area.height < 2 {
            return;
        }
        // One line of its own for what was broken and mended, where the plot keeps its height.
        let marks = u16::from(area.height >= 5);
        if marks > 0 {
            self.marks(&mut pen, area);
        }
        let area = Rect { y: area.y + marks, height: area.height - marks, ..area };
        spectrogram(&mut pen, area, &self.shape.columns, self.shape.rows, self.look);
    }
}

impl Spectrogram<'_> {
    /// Each change above its column, with its name where the next one leaves room for it.
    fn marks(&self, pen: &mut Pen<'_>, area: Rect) {
        let look = self.look;
        let column = |at: Nanos| {
            let ago = self.newest.saturating_sub(at.0 / COLUMN.0);
            let x = u64::from(area.right()).checked_sub(ago + 1)?;
            u16::try_from(x).ok().filter(|x| *x >= area.x + AXIS)
        };
        let seen: Vec<_> = self.changes.iter().filter_map(|(at, change)| Some((column(*at)?, *change))).collect();
        let mut free = area.x + AXIS;
        for (n, (x, change)) in seen.iter().enumerate() {
            let (sign, name, role) = match *change {
                Change::Fault(fault, true) => ('▼', words::fault(look.lang, fault), Role::Alarm),
                Change::Fault(fault, false) => ('▽', words::fault(look.lang, fault), Role::Dim),
                Change::Mitigation(mitigation, true) => ('◆', words::mitigation(look.lang, mitigation), Role::Good),
                Change::Mitigation(mitigation, false) => ('◇', words::mitigation(look.lang, mitigation), Role::Dim),
            };
            pen.put(*x, area.y, sign, look.style(role));
            let room = seen.get(n + 1).map_or(area.right(), |(next, _)| *next).saturating_sub(x + 2);
            let wide = width(&name) as u16;
            if room >= wide {
                free = pen.text(x + 1, area.y, &name, look.style(Role::Dim));
            } else if x.saturating_sub(wide) >= free {
                pen.text(x - wide, area.y, &name, look.style(Role::Dim));
                free = x + 1;
            } else {
                free = x + 1;
            }
        }
    }
}

/// The panel, ready to be drawn.
pub struct Clients<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Clients<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() {
            return;
        }
        if !self.shape.any {
            pen.message(&self.look.text("clients.none"), self.look.style(Role::Dim));
            return;
        }
        let mut y = area.y;
        self.latencies(&mut pen, y);
        y += 1;
        self.flow(&mut pen, y);
        y += 1;
        if area.height >= 4 {
            self.troubles(&mut pen, y);
            y += 1;
        }
        if area.height >= 8 {
            self.sparkline(&mut pen, y);
            y += 1;
        }
        if area.bottom() >= y + 3 {
            let at = Rect { y, height: area.bottom() - y, ..area };
            spectrogram(&mut pen, at, &self.shape.columns, self.shape.rows, self.look);
        }
    }
}

impl Clients<'_> {
    /// Label and figure pairs in a row, each figure in a place of fixed width; what does not fit is left out from the right.
    fn pairs(&self, pen: &mut Pen<'_>, y: u16, pairs: &[(&str, String, Role)]) {
        let area = pen.area;
        let labels: Vec<_> = pairs.iter().map(|(label, _, _)| self.look.text(label)).collect();
        let widths: Vec<_> = labels.iter().zip(pairs).map(|(l, (_, value, _))| width(l) + 1 + width(value).max(7)).collect();
        let mut shown = pairs.len();
        let needed = |n: usize| widths[..n].iter().sum::<usize>() + n.saturating_sub(1);
        while shown > 1 && needed(shown) > usize::from(area.width) {
            shown -= 1;
        }
        let spare = usize::from(area.width).saturating_sub(needed(shown)) / shown.max(1);
        let mut x = area.x;
        for n in 0..shown {
            let at = pen.text(x, y, &labels[n], self.look.style(Role::Dim)) + 1;
            pen.text(at, y, &pairs[n].1, self.look.style(pairs[n].2));
            x += (widths[n] + 1 + spare.min(6)) as u16;
        }
    }

    fn latencies(&self, pen: &mut Pen<'_>, y: u16) {
        let recent = self.shape.figures.recent;
        let shown = |n: Nanos| if recent.count == 0 { "–".to_owned() } else { n.to_string() };
        self.pairs(
            pen,
            y,
            &[
                ("clients.p50", shown(recent.p50), Role::Strong),
                ("clients.p99", shown(recent.p99), self.shape.tail),
                ("clients.max", shown(recent.max), Role::Text),
            ],
        );
    }

    fn flow(&self, pen: &mut Pen<'_>, y: u16) {
        let f = self.shape.figures;
        let rate = match f.offered {
            Some(offered) if pen.area.width >= 56 => {
                self.look.fill("clients.of", &[("rate", &count(f.rate)), ("offered", &count(offered))])
            }
            _ => count(f.rate),
        };
        let short = f.offered.is_some_and(|offered| f.rate < offered * 0.8);
        self.pairs(
            pen,
            y,
            &[
                ("clients.rate", rate, if short { Role::Warn } else { Role::Text }),
                ("clients.in_flight", f.in_flight.to_string(), Role::Text),
                ("clients.backlog", f.backlog.to_string(), if f.backlog > 0 { Role::Warn } else { Role::Text }),
            ],
        );
    }

    fn troubles(&self, pen: &mut Pen<'_>, y: u16) {
        let pairs: Vec<_> = self
            .shape
            .troubles
            .iter()
            .take(if pen.area.width < 44 { 3 } else { 4 })
            .map(|(name, n)| (*name, count(*n as f64), if *n > 0 { Role::Alarm } else { Role::Faint }))
            .collect();
        self.pairs(pen, y, &pairs);
    }

    fn sparkline(&self, pen: &mut Pen<'_>, y: u16) {
        const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let area = pen.area;
        let label_end = pen.text(area.x, y, &self.look.text("clients.answered"), self.look.style(Role::Dim)) + 1;
        let room = usize::from(area.right().saturating_sub(label_end));
        let values = &self.shape.answered[self.shape.answered.len().saturating_sub(room)..];
        let most = values.iter().flatten().max().copied().unwrap_or(0).max(1);
        for (n, value) in values.iter().enumerate() {
            let x = label_end + (room - values.len() + n) as u16;
            match value {
                None => pen.put(x, y, '·', self.look.style(Role::Faint)),
                Some(0) => pen.put(x, y, '▁', self.look.style(Role::Alarm)),
                Some(value) => {
                    let level = (u64::from(*value) * 7 / u64::from(most)) as usize;
                    pen.put(x, y, LEVELS[level.min(7)], self.look.style(Role::Dispatch));
                }
            }
        }
    }
}

/// Latencies over time: latency upwards, time to the right up to the right edge, shade for the share of the column; its axis takes the first
/// six columns. Half-cells where colours can be mixed.
pub fn spectrogram(pen: &mut Pen<'_>, area: Rect, columns: &[Option<[f32; ROWS]>], rows: (usize, usize), look: Look<'_>) {
    let plot = Rect { x: area.x + AXIS, width: area.width.saturating_sub(AXIS), ..area };
    let (from, to) = rows;
    let halves = if look.theme.has_halves() { 2 } else { 1 };
    let pixels = usize::from(plot.height) * halves;
    let scale = Scale::of(pixels, halves, (to - from).div_ceil(4));
    let of_pixel = |pixel: usize| {
        let low = from + pixel * 4 * scale.decades / scale.pixels;
        (low, (from + (pixel + 1) * 4 * scale.decades / scale.pixels).max(low + 1))
    };
    // Every label as far from the next as that one from the one after it: a scale that can be read by counting.
    for n in 0.. {
        let (decade, pixel) = (from / 4 + n * scale.every, n * scale.every * scale.pixels / scale.decades);
        if pixel >= pixels || decade >= ROWS.div_ceil(4) {
            break;
        }
        let y = area.bottom() - 1 - (pixel / halves) as u16;
        let label = ["10µs", "100µs", "1ms", "10ms", "100ms", "1s", "10s"].get(decade).copied().unwrap_or("");
        pen.text_right(area.x + AXIS - 1, y, label, look.style(Role::Faint));
        pen.put(area.x + AXIS - 1, y, '┤', look.style(Role::Border));
    }
    let shown = &columns[columns.len().saturating_sub(usize::from(plot.width))..];
    for (n, column) in shown.iter().enumerate() {
        let x = plot.right() - (shown.len() - n) as u16;
        let Some(shares) = column else { continue };
        let share = |pixel: usize| {
            let (low, high) = of_pixel(pixel);
            // The root brings out the few that were slow: they are what one looks for.
            f64::from(shares[low.min(ROWS)..high.min(ROWS)].iter().sum::<f32>()).sqrt()
        };
        for cell in 0..plot.height {
            let y = plot.bottom() - 1 - cell;
            if halves == 2 {
                half_cells(pen, (x, y), share(usize::from(cell) * 2), share(usize::from(cell) * 2 + 1), look);
            } else if share(usize::from(cell)) > 0.0 {
                let (glyph, style) = look.theme.shade_cell(share(usize::from(cell)));
                pen.text(x, y, glyph, style);
            }
        }
    }
}

fn half_cells(pen: &mut Pen<'_>, (x, y): (u16, u16), lower: f64, upper: f64, look: Look<'_>) {
    let theme = look.theme;
    match (theme.shade(lower), theme.shade(upper)) {
        (None, None) => {}
        (Some(l), None) => pen.put(x, y, '▄', Style::new().fg(l)),
        (None, Some(u)) => pen.put(x, y, '▀', Style::new().fg(u)),
        (Some(l), Some(u)) => pen.put(x, y, '▀', Style::new().fg(u).bg(l)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_evenly_spaced_whatever_the_height() {
        for halves in [1, 2] {
            for height in 1..60 {
                for decades in [5, 6, 7] {
                    let scale = Scale::of(height * halves, halves, decades);
                    // A step from label to label is a whole number of cells, and what must be seen fits.
                    let step = scale.every * scale.pixels;
                    assert!(step.is_multiple_of(scale.decades) && (step / scale.decades).is_multiple_of(halves), "{scale:?}");
                    assert!(height * halves * scale.decades >= decades * scale.pixels, "{height} {scale:?}");
                }
            }
        }
    }
}
