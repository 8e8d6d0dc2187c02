//! What the clients measured, as a histogram and in figures. Every latency counts from the moment a request was meant to be sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::scope::Look;
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::telemetry::vocabulary::Outcome;
use crate::world::Specimen;
use crate::world::window::{Quantiles, quantiles};

/// The lowest latency of the axis, as a power of ten of nanoseconds: 10 µs.
const LOWEST: f64 = 4.0;
/// The labels of the axis, one for each factor of ten from [`LOWEST`] on.
const LABELS: [&str; 8] = ["10µs", "100µs", "1ms", "10ms", "100ms", "1s", "10s", "100s"];

/// The histogram as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Requests of the last seconds by latency, the axis being logarithmic. What lies beyond an end belongs to that end.
    pub bins: Vec<u64>,
    /// Factors of ten that the axis covers.
    pub decades: usize,
    /// Percentiles by name, with the column that they lie in.
    pub marks: Vec<(&'static str, usize)>,
}

impl Bins {
    /// The column of a latency on an axis of so many columns and factors of ten.
    fn column(latency: Nanos, decades: usize, columns: usize) -> usize {
        let place = ((latency.0.max(1) as f64).log10() - LOWEST) / decades as f64;
        ((place.max(0.0) * columns as f64) as usize).min(columns.saturating_sub(1))
    }
}

/// The latencies of the last seconds for a plot of so many columns; `uncorrected`: from the sending on.
pub fn histogram(specimen: &Specimen, recent: Quantiles, uncorrected: bool, columns: u16) -> Bins {
    let columns = usize::from(columns);
    let clients = &specimen.clients;
    let all = if uncorrected { &clients.recent_uncorrected } else { &clients.recent }.merged();
    // To 10 s, and a factor of ten more where something lies there.
    let decades = if all.max() > 10_000_000_000 { 7 } else { 6 };
    let mut bins = vec![0_u64; columns];
    for value in all.iter_recorded() {
        if let Some(bin) = bins.get_mut(Bins::column(Nanos(value.value_iterated_to()), decades, columns)) {
            *bin += u64::from(value.count_at_value());
        }
    }
    let marks = [("p50", recent.p50), ("p99", recent.p99), ("p90", recent.p90), ("max", recent.max)];
    let marks = if recent.count == 0 { &marks[..0] } else { &marks[..] };
    Bins { bins, decades, marks: marks.iter().map(|(name, at)| (*name, Bins::column(*at, decades, columns))).collect() }
}

/// The histogram, ready to be drawn.
pub struct Histogram<'a> {
    /// What.
    pub shape: &'a Bins,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Histogram<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        if area.is_empty() {
            return;
        }
        let most = self.shape.bins.iter().max().copied().unwrap_or(0);
        if most == 0 {
            pen.message(&look.text("latency.none"), look.style(Role::Dim));
            return;
        }
        // From the bottom: the axis, the percentiles above the bars where there is room, and the bars.
        let axis = u16::from(area.height >= 2);
        let marks = u16::from(area.height >= 4);
        let bars = Rect { y: area.y + marks, height: area.height - axis - marks, ..area };
        let levels = f64::from(bars.height) * 8.0;
        for (n, bin) in self.shape.bins.iter().enumerate().filter(|(_, bin)| **bin > 0) {
            // The logarithm lets one slow request be seen beside thousands of fast ones.
            let share = ((*bin + 1) as f64).ln() / ((most + 1) as f64).ln();
            let level = ((share * levels).round() as usize).max(1);
            for up in 0..bars.height {
                let here = level.saturating_sub(usize::from(up) * 8).min(8);
                if here > 0 {
                    pen.put(area.x + n as u16, bars.bottom() - 1 - up, LEVELS[here], look.style(Role::Dispatch));
                }
            }
        }
        if marks > 0 {
            self.marks(&mut pen, area.y);
        }
        if axis > 0 {
            self.axis(&mut pen, area.bottom() - 1);
        }
    }
}

impl Histogram<'_> {
    /// The percentiles, each above its column; one that another leaves no room for is left out.
    fn marks(&self, pen: &mut Pen<'_>, y: u16) {
        let area = pen.area;
        let mut taken: Vec<(u16, u16)> = Vec::new();
        for (name, column) in &self.shape.marks {
            let wide = width(name) as u16 + 1;
            let at = area.x + *column as u16;
            // To the right of its column, or to the left of it at the right edge.
            let (from, text) =
                if at + wide <= area.right() { (at, format!("╷{name}")) } else { ((at + 1).saturating_sub(wide), format!("{name}╷")) };
            if from < area.x || taken.iter().any(|(start, end)| from < *end + 1 && from + wide + 1 > *start) {
                continue;
            }
            taken.push((from, from + wide));
            pen.text(from, y, &text, self.look.style(Role::Accent));
        }
    }

    fn axis(&self, pen: &mut Pen<'_>, y: u16) {
        let area = pen.area;
        let columns = self.shape.bins.len();
        let mut free = area.x;
        for (decade, label) in LABELS.iter().enumerate().take(self.shape.decades) {
            let x = area.x + (decade * columns / self.shape.decades.max(1)) as u16;
            if x < free || x + width(label) as u16 + 1 > area.right() {
                continue;
            }
            pen.put(x, y, '╵', self.look.style(Role::Border));
            free = pen.text(x + 1, y, label, self.look.style(Role::Faint)) + 1;
        }
    }
}

/// The figures as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Of the last seconds.
    pub recent: Quantiles,
    /// Since the first request or the last mark.
    pub total: Quantiles,
    /// Whether it is a mark that they count from.
    pub marked: bool,
    /// How requests ended: key of the name, how many.
    pub outcomes: Vec<(&'static str, u64)>,
    /// By what was asked for, since the first request or the last mark: path and figures. Only where there are several.
    pub rows: Vec<(String, Quantiles)>,
}

/// The key of an outcome's name.
pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "outcome.answered",
        Outcome::ErrorStatus => "outcome.error_status",
        Outcome::Timeout => "outcome.timeout",
        Outcome::Reset => "outcome.reset",
        Outcome::Closed => "outcome.closed",
        Outcome::Refused => "outcome.refused",
        Outcome::Garbled => "outcome.garbled",
    }
}

/// The figures of a specimen whose load asks for these paths; those of the last seconds are the held ones.
pub fn figures(specimen: &Specimen, recent: Quantiles, uncorrected: bool, mix: &[String]) -> Shape {
    let clients = &specimen.clients;
    Shape {
        recent,
        total: quantiles(if uncorrected { &clients.total_uncorrected } else { &clients.total }),
        marked: specimen.marked.is_some(),
        outcomes: Outcome::ALL.iter().map(|o| (outcome(*o), clients.outcomes[*o as usize])).collect(),
        rows: if mix.len() > 1 { mix.iter().zip(&clients.by_row).map(by_row).collect() } else { Vec::new() },
    }
}

fn by_row((path, histogram): (&String, &hdrhistogram::Histogram<u32>)) -> (String, Quantiles) {
    (visible(path), quantiles(histogram))
}

/// The figures, ready to be drawn.
pub struct Figures<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Figures<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        let (first, second) = (area.x + 6 + area.width.saturating_sub(6) / 2, area.right());
        let since = look.text(if self.shape.marked { "latency.since_mark" } else { "latency.since_start" });
        let mut line = |y: u16, name: &str, values: [String; 2], role: Role| {
            pen.text_until(area.x, y, area.x + 6, name, look.style(Role::Dim));
            for (end, value) in [first, second].into_iter().zip(values) {
                pen.text_right(end, y, &value, look.style(role));
            }
        };
        line(area.y, "", [look.text("clients.window").into_owned(), since.into_owned()], Role::Dim);
        let (recent, total) = (self.shape.recent, self.shape.total);
        let of = |q: &Quantiles, value: Nanos| if q.count == 0 { "–".to_owned() } else { value.to_string() };
        let rows = [
            ("p50", recent.p50, total.p50),
            ("p90", recent.p90, total.p90),
            ("p99", recent.p99, total.p99),
            ("p99.9", recent.p999, total.p999),
            ("max", recent.max, total.max),
        ];
        let mut y = area.y + 1;
        for (name, a, b) in rows {
            line(y, name, [of(&recent, a), of(&total, b)], Role::Strong);
            y += 1;
        }
        // Air, where all of the outcomes still have room.
        let rows = self.shape.outcomes.len().div_ceil(2) as u16;
        if y + rows < area.bottom() {
            line(y, &look.text("latency.count"), [count(recent.count as f64), count(total.count as f64)], Role::Text);
            y += 1;
        }
        if y + rows < area.bottom() {
            y += 1;
        }
        let half = area.width / 2;
        for (n, (name, many)) in self.shape.outcomes.iter().enumerate() {
            let (x, y) = (area.x + if n % 2 == 0 { 0 } else { half + 1 }, y + n as u16 / 2);
            let role = match (n, many) {
                (_, 0) => Role::Faint,
                (0, _) => Role::Good,
                _ => Role::Alarm,
            };
            let end = if n % 2 == 0 { area.x + half } else { area.right() };
            pen.text_until(x, y, end, &look.text(name), look.style(Role::Dim));
            pen.text_right(end, y, &count(*many as f64), look.style(role));
        }
        y += self.shape.outcomes.len().div_ceil(2) as u16;
        self.rows(&mut pen, y);
    }
}

impl Figures<'_> {
    /// What was asked for, with its own figures: as many as there is room for below a heading, air above.
    fn rows(&self, pen: &mut Pen<'_>, y: u16) {
        const FIGURE: u16 = 8;
        let (area, look) = (pen.area, self.look);
        if self.shape.rows.is_empty() || y + 3 > area.bottom() {
            return;
        }
        let names = area.right().saturating_sub(FIGURE * 3);
        let mut line = |y: u16, name: &str, figures: [String; 3], role: Role| {
            pen.text_until(area.x, y, names, &clip(name, usize::from(names.saturating_sub(area.x))), look.style(Role::Dim));
            for (n, figure) in (1..).zip(&figures) {
                pen.text_right(names + FIGURE * n, y, figure, look.style(role));
            }
        };
        line(y + 1, &look.text("latency.by_handler"), ["p50", "p99", "max"].map(str::to_owned), Role::Dim);
        for (n, (path, q)) in (2..area.bottom().saturating_sub(y)).zip(&self.shape.rows) {
            let said = |value: Nanos| if q.count == 0 { "–".to_owned() } else { value.to_string() };
            line(y + n, path, [said(q.p50), said(q.p99), said(q.max)], Role::Text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn the_axis_is_logarithmic_and_keeps_what_lies_beyond_it() {
        let column = |n| Bins::column(Nanos(n), 6, 60);
        assert_eq!([0, 9_000, 10_000, 100_001, 1_000_001, 1_000_000_001, u64::MAX].map(column), [0, 0, 0, 10, 20, 50, 59]);
        assert_eq!(Bins::column(Nanos(1), 6, 0), 0);
    }

    #[test]
    fn every_latency_of_the_window_is_in_a_bin_and_the_marks_lie_in_filled_ones() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(6)).stall(Nanos::millis(700)).calm(Nanos::secs(1)).world();
        let recent = world.specimens[0].clients.recent.quantiles();
        for columns in [1, 7, 40, 200] {
            let shape = histogram(&world.specimens[0], recent, false, columns);
            assert_eq!(shape.bins.iter().sum::<u64>(), recent.count, "{columns}");
            for (name, at) in &shape.marks {
                let near = at.saturating_sub(1)..=(at + 1).min(shape.bins.len() - 1);
                assert!(shape.bins[near].iter().any(|n| *n > 0), "{name} at {at} of {columns}");
            }
        }
    }
}
