//! Latency against offered load: each half second of this run is two points, median and 99th percentile, above what was offered then.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::{Nanos, count};
use crate::scope::Look;
use crate::scope::pen::Pen;
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::world::Specimen;
use crate::world::curve::Point;

/// So many rates make a curve.
const RATES: usize = 3;
/// Columns before the first point: the axis of latencies.
const AXIS: u16 = 6;

/// The panel as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The points, oldest first.
    pub points: Vec<Point>,
    /// What the axis of rates ends with.
    pub most: f64,
    /// The powers of ten of nanoseconds that the axis of latencies begins and ends with.
    pub decades: (u32, u32),
    /// What is served a second at most, where it shows.
    pub capacity: Option<f64>,
}

/// The curve of a specimen; nothing before enough rates were offered.
pub fn shape(specimen: &Specimen) -> Option<Shape> {
    let curve = &specimen.clients.curve;
    let rates = curve.rates();
    let most = rates.last().copied().filter(|_| rates.len() >= RATES)?;
    let decade = |time: Nanos| time.0.max(1).ilog10();
    let low = curve.points.iter().map(|point| decade(point.p50)).min()?;
    let high = curve.points.iter().map(|point| decade(point.p99) + 1).max()?;
    Some(Shape { points: curve.points.iter().copied().collect(), most: most * 1.04, decades: (low, high), capacity: curve.capacity() })
}

/// The panel, ready to be drawn.
pub struct Curve<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Curve<'_> {
    fn column(&self, plot: Rect, rate: f64) -> u16 {
        plot.x + (rate / self.shape.most * f64::from(plot.width.saturating_sub(1))).round() as u16
    }

    fn row(&self, plot: Rect, time: Nanos) -> u16 {
        let (low, high) = self.shape.decades;
        let share = ((time.0.max(1) as f64).log10() - f64::from(low)) / f64::from(high - low).max(1.0);
        plot.bottom() - 1 - (share.clamp(0.0, 1.0) * f64::from(plot.height.saturating_sub(1))).round() as u16
    }

    fn axes(&self, pen: &mut Pen<'_>, plot: Rect) {
        let look = self.look;
        let (low, high) = self.shape.decades;
        let mut free = plot.bottom();
        for decade in low..=high {
            let y = self.row(plot, Nanos(10_u64.pow(decade.min(18))));
            if y < free {
                pen.text_right(plot.x - 1, y, &label(decade), look.style(Role::Faint));
                pen.put(plot.x - 1, y, '┤', look.style(Role::Border));
                free = y;
            }
        }
        let mut rates: Vec<f64> = self.shape.points.iter().map(|point| point.offered).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        // From the right: the highest matters most.
        let mut free = plot.right();
        for rate in rates.into_iter().rev() {
            let (x, label) = (self.column(plot, rate), count(rate));
            let wide = width(&label) as u16;
            let from = (x + 1).saturating_sub(wide / 2 + 1).min(plot.right().saturating_sub(wide)).max(plot.x);
            if from + wide < free || free == plot.right() {
                pen.text(from, plot.bottom(), &label, look.style(Role::Faint));
                free = from;
            }
        }
    }
}

/// A power of ten of nanoseconds, short enough for the axis.
fn label(decade: u32) -> String {
    let unit = ["ns", "µs", "ms", "s"][(decade as usize / 3).min(3)];
    format!("{}{unit}", 10_u64.pow(decade - 3 * (decade / 3).min(3)))
}

impl Widget for &Curve<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        if area.width < AXIS + 8 || area.height < 3 {
            return;
        }
        let plot = Rect { x: area.x + AXIS, y: area.y, width: area.width - AXIS, height: area.height - 1 };
        if let Some(capacity) = self.shape.capacity {
            let x = self.column(plot, capacity);
            for y in plot.y..plot.bottom() {
                pen.put(x, y, '┊', look.style(Role::Warn));
            }
            let text = look.fill("latency.capacity", &[("rate", &count(capacity))]);
            let wide = width(&text) as u16;
            if plot.x + wide < x {
                pen.text(x - wide - 1, plot.y, &text, look.style(Role::Warn));
            } else if x + 1 + wide < plot.right() {
                pen.text(x + 2, plot.y, &text, look.style(Role::Warn));
            }
        }
        self.axes(&mut pen, plot);
        // The newest points lie above older ones, and medians above percentiles.
        for point in &self.shape.points {
            pen.put(self.column(plot, point.offered), self.row(plot, point.p99), '●', look.style(Role::Warn));
        }
        for point in &self.shape.points {
            pen.put(self.column(plot, point.offered), self.row(plot, point.p50), '○', look.style(Role::Accent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::theme::{Theme, Tier};
    use crate::world::testing::Story;

    #[test]
    fn axes_are_named_in_round_times() {
        assert_eq!([4, 5, 6, 8, 9, 10].map(label), ["10µs", "100µs", "1ms", "100ms", "1s", "10s"]);
    }

    #[test]
    fn it_needs_several_rates_and_fits_wherever_it_is_drawn() {
        let begin = || Story::new(&["naive"]).calm(Nanos::secs(2));
        assert_eq!(shape(&begin().world().specimens[0]), None);
        let story = begin().rate(3_000.0).calm(Nanos::secs(2)).rate(110_000.0).calm(Nanos::secs(2));
        let shape = shape(&story.world().specimens[0]).unwrap();
        assert!(shape.decades.0 < shape.decades.1 && shape.capacity.is_some(), "{shape:?}");
        let (theme, keys) = (Theme::load("dark", Tier::True).unwrap(), Keymap::default());
        for (width, height) in (0..90).step_by(7).flat_map(|w| (0..20).map(move |h| (w, h))).chain([(1, 1)]) {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            (&Curve { shape: &shape, look: Look { theme: &theme, lang: Lang::En, keys: &keys } }).render(area, &mut buf);
            let drawn = buf.content.iter().any(|cell| cell.symbol() == "○");
            assert_eq!(drawn, width >= AXIS + 8 && height >= 3, "{width}x{height}");
        }
    }
}
