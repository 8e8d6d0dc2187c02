//! The selectors' chart: the time of a call against the number of idle descriptors, both axes logarithmic, one line for each selector.
//!
//! Below the chart stand the figures for the number in hand. What is where (the shape) is computed apart from the paint. The
//! panel draws what it is given: it neither measures nor knows which key moves the hand; that is
//! [`Bench`](crate::selectors::bench::Bench).

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr as _;

use crate::base::units::{Nanos, bytes};
use crate::selectors::bench::View;
use crate::selectors::kinds::{FD_SETSIZE, Refusal, SELECTORS};
use crate::selectors::limits::{Limit, Trouble};
use crate::selectors::point::Active;
use crate::selectors::series::{Outcome, Series, find};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// What has been measured, other numbers of active ones included.
    pub series: &'a [Series],
    /// The number of active ones that is shown.
    pub active: Active,
    /// The sizes that can be had: they span the axis.
    pub ladder: &'a [usize],
    /// The size in hand.
    pub hand: Option<usize>,
    /// The size that is being measured.
    pub measuring: Option<usize>,
    /// Why nothing is being measured any more.
    pub trouble: Option<&'a Trouble>,
    /// What ends the sizes that can be had.
    pub end: Option<Limit>,
    /// The words.
    pub words: &'static Words,
    /// The looks.
    pub look: Look,
}

/// How it looks. Each selector has a mark of its own beside its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The lines, in the order of [`SELECTORS`].
    pub lines: [Style; SELECTORS.len()],
    /// Figures and names.
    pub text: Style,
    /// Axes and explanations.
    pub quiet: Style,
    /// The hand.
    pub hand: Style,
    /// Only ASCII.
    pub ascii: bool,
}

impl Default for Look {
    fn default() -> Self {
        let line = |color| Style::new().fg(color);
        Self {
            lines: [line(Color::Green), line(Color::Cyan), line(Color::Yellow), line(Color::Magenta)],
            text: Style::new(),
            quiet: Style::new().add_modifier(Modifier::DIM),
            hand: Style::new().add_modifier(Modifier::BOLD),
            ascii: false,
        }
    }
}

/// What it says, in one language.
#[derive(Debug)]
pub struct Words {
    /// What the vertical axis shows.
    pub time: &'static str,
    /// So many are active, the others idle.
    pub some_active: fn(usize) -> String,
    /// All are active.
    pub all_active: &'static str,
    /// Unit of the horizontal axis where some are active.
    pub idle: &'static str,
    /// Unit of the horizontal axis where all are.
    pub descriptors: &'static str,
    /// The selectors, in the order of [`SELECTORS`].
    pub selectors: [&'static str; SELECTORS.len()],
    /// What a call copies.
    pub copies: &'static str,
    /// Finding the ready ones after the call.
    pub to_find: &'static str,
    /// Being measured.
    pub measuring: &'static str,
    /// Not yet measured.
    pub unknown: &'static str,
    /// There is no room for descriptors at all.
    pub no_room: &'static str,
    /// Why something is not possible.
    pub refusal: fn(&Refusal) -> String,
    /// Why nothing is being measured any more.
    pub trouble: fn(&Trouble) -> String,
}

/// English.
pub static ENGLISH: Words = Words {
    time: "time of a call",
    some_active: |n| format!("{n} active, the others idle"),
    all_active: "all active",
    idle: "idle",
    descriptors: "descriptors",
    selectors: ["epoll, level", "epoll, edge", "poll", "select"],
    copies: "copies",
    to_find: "to find the ready",
    measuring: "measuring",
    unknown: "not measured yet",
    no_room: "this process may not open enough descriptors (RLIMIT_NOFILE)",
    refusal: |refusal| match refusal {
        Refusal::BeyondSet { descriptor } => format!("not possible: descriptor {descriptor} does not fit (FD_SETSIZE {FD_SETSIZE})"),
        Refusal::Kernel { says } => format!("not possible: the kernel refuses: {says}"),
    },
    trouble: |trouble| match trouble {
        Trouble::Limit(limit) => format!("stopped by {limit}"),
        Trouble::System(says) => format!("the system says: {says}"),
        Trouble::Ended => "nobody measures any more".to_owned(),
    },
};

/// 简体中文.
pub static CHINESE: Words = Words {
    time: "单次调用耗时",
    some_active: |n| format!("{n} 个活跃，其余空闲"),
    all_active: "全部活跃",
    idle: "空闲",
    descriptors: "描述符",
    selectors: ["epoll 水平触发", "epoll 边缘触发", "poll", "select"],
    copies: "拷贝",
    to_find: "查找就绪者",
    measuring: "测量中",
    unknown: "尚未测量",
    no_room: "本进程可打开的描述符不足 (RLIMIT_NOFILE)",
    refusal: |refusal| match refusal {
        Refusal::BeyondSet { descriptor } => {
            format!("不可用：描述符 {descriptor} 放不进 fd_set (FD_SETSIZE {FD_SETSIZE})")
        }
        Refusal::Kernel { says } => format!("不可用：内核拒绝：{says}"),
    },
    trouble: |trouble| match trouble {
        Trouble::Limit(limit) => format!("受限于 {limit}"),
        Trouble::System(says) => format!("系统报告：{says}"),
        Trouble::Ended => "测量已中止".to_owned(),
    },
};

/// The selectors' marks, in the order of [`SELECTORS`], and the mark of a size from which a selector is not possible.
const MARKS: [&str; SELECTORS.len()] = ["○", "●", "■", "◆"];
const ASCII_MARKS: [&str; SELECTORS.len()] = ["o", "e", "p", "s"];
const WALL: &str = "×";
const ASCII_WALL: &str = "X";

/// Columns of the labels at the left.
const GUTTER: u16 = 7;
/// Lines above the chart, below it for its axis, and below that for the figures.
const TITLE: u16 = 1;
const AXIS: u16 = 2;
const FIGURES: u16 = 1 + SELECTORS.len() as u16;
/// A chart with fewer lines than this says nothing; the figures then have all the room.
const LOWEST: u16 = 4;
/// Fewer columns than this are no axis.
const NARROWEST: u16 = 12;
/// The vertical axis begins here and reaches at least so high, in powers of ten of nanoseconds: it should not jump while one drags.
const DECADES: (i32, i32) = (2, 5);

/// Where the sizes are, and which can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The cells of the chart.
    pub area: Rect,
    /// The sizes, rising.
    pub ladder: Vec<usize>,
}

/// Where everything is, in a square from (0, 0), bottom left, to (1, 1), top right.
#[derive(Clone, Debug, PartialEq)]
struct Shape {
    /// By selector: its points, and where it ends if it does.
    lines: Vec<Line>,
    /// Sizes on the horizontal axis.
    sizes: Vec<(f64, usize)>,
    /// Nanoseconds, as powers of ten, on the vertical one.
    times: Vec<(f64, i32)>,
    /// The hand.
    hand: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Line {
    dots: Vec<(f64, f64)>,
    wall: Option<(f64, f64)>,
}

impl<'a> Chart<'a> {
    /// What is in the hand.
    pub fn of(view: &View<'a>, words: &'static Words, look: Look) -> Self {
        let drag = view.drag;
        Self {
            series: drag.series(),
            active: drag.active(),
            ladder: drag.ladder(),
            hand: drag.point().map(|point| point.size),
            measuring: drag.pending().map(|point| point.size),
            trouble: drag.trouble(),
            end: view.ends(),
            words,
            look,
        }
    }

    /// Where the sizes are, for the pointer; none where there is no room for a chart, or for descriptors.
    pub fn axis(&self, area: Rect) -> Option<Axis> {
        let area = plot(area)?;
        (!self.ladder.is_empty()).then(|| Axis { area, ladder: self.ladder.to_vec() })
    }

    fn shape(&self) -> Shape {
        let (least, most) = (self.ladder.first().copied().unwrap_or(1), self.ladder.last().copied().unwrap_or(1));
        let across = |size| across(self.ladder, size);
        let costs = self.series.iter().filter(|s| s.active == self.active).flat_map(Series::costs);
        let highest = costs.map(|(_, ns)| ns.max(1.0).log10()).fold(f64::from(DECADES.1), f64::max).ceil() as i32;
        let up = |ns: f64| ((ns.max(1.0).log10() - f64::from(DECADES.0)) / f64::from(highest - DECADES.0)).clamp(0.0, 1.0);
        let line = |series: &Series| {
            let dots: Vec<_> = series.costs().map(|(size, ns)| (across(size), up(ns))).collect();
            let beyond = series.points.iter().find(|m| m.refusal().is_some());
            let height = dots.last().map_or(0.0, |dot| dot.1);
            Line { dots, wall: beyond.map(|m| (across(m.point.size), height)) }
        };
        let lines = SELECTORS.iter().map(|row| find(self.series, row.selector, self.active).map(line).unwrap_or_default());
        let powers = (0..=6).map(|power| 10_usize.pow(power)).filter(|size| (least..=most).contains(size));
        Shape {
            lines: lines.collect(),
            sizes: powers.map(|size| (across(size), size)).collect(),
            times: (DECADES.0..=highest).map(|power| (f64::from(power - DECADES.0) / f64::from(highest - DECADES.0), power)).collect(),
            hand: self.hand.map(across),
        }
    }

    fn paint_chart(&self, plot: Rect, buf: &mut Buffer) {
        let (shape, look) = (self.shape(), self.look);
        let (axis, corner, tick) = if look.ascii { ("|", "+", "+") } else { ("│", "└", "┤") };
        let below = plot.bottom();
        for y in plot.top()..plot.bottom() {
            buf.set_string(plot.x - 1, y, axis, look.quiet);
        }
        buf.set_string(plot.x - 1, below, corner, look.quiet);
        buf.set_string(plot.x, below, (if look.ascii { "-" } else { "─" }).repeat(plot.width.into()), look.quiet);
        for (up, power) in &shape.times {
            let (_, y) = cell(plot, (0.0, *up));
            let label = self.plain(&time_label(*power));
            let label = format!("{label:>width$}", width = usize::from(GUTTER) - 2);
            buf.set_string(plot.x - GUTTER, y, label, look.quiet);
            buf.set_string(plot.x - 1, y, tick, look.quiet);
        }
        for (across, size) in &shape.sizes {
            let (x, _) = cell(plot, (*across, 0.0));
            buf.set_string(x, below, if look.ascii { "+" } else { "┴" }, look.quiet);
            let label = size_label(*size);
            let x = x.min(plot.right().saturating_sub(label.len() as u16));
            buf.set_string(x, below + 1, label, look.quiet);
        }
        if let Some(hand) = shape.hand {
            let (x, _) = cell(plot, (hand, 0.0));
            for y in plot.top()..plot.bottom() {
                buf.set_string(x, y, if look.ascii { ":" } else { "┊" }, look.hand);
            }
            buf.set_string(x, below, if look.ascii { "^" } else { "▲" }, look.hand);
        }
        for (line, style) in shape.lines.iter().zip(look.lines) {
            let end = line.dots.last().copied().zip(line.wall).map(|(last, wall)| [last, wall]);
            for pair in line.dots.windows(2).chain(end.as_ref().map(|pair| &pair[..])) {
                self.paint_stroke(plot, pair[0], pair[1], style, buf);
            }
        }
        self.paint_marks(plot, &shape, buf);
    }

    /// A straight stroke of small dots, finer than a cell where the characters allow it.
    fn paint_stroke(&self, plot: Rect, from: (f64, f64), to: (f64, f64), style: Style, buf: &mut Buffer) {
        let (wide, high) = if self.look.ascii { (1, 1) } else { (2, 4) };
        let (columns, rows) = (f64::from(plot.width * wide - 1), f64::from(plot.height * high - 1));
        let steps = ((to.0 - from.0).abs() * columns).max((to.1 - from.1).abs() * rows).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let share = f64::from(step) / steps;
            let x = ((from.0 + (to.0 - from.0) * share) * columns).round() as u16;
            let y = ((1.0 - from.1 - (to.1 - from.1) * share) * rows).round() as u16;
            let Some(cell) = buf.cell_mut((plot.x + x / wide, plot.y + y / high)) else { continue };
            if self.look.ascii {
                cell.set_symbol(".");
            } else {
                let before = cell.symbol().chars().next().map_or(0, u32::from);
                let dots = if (0x2800..0x2900).contains(&before) { before } else { 0x2800 } | braille(x % 2, y % 4);
                cell.set_char(char::from_u32(dots).unwrap_or('.'));
            }
            cell.set_style(style);
        }
    }

    /// Marks on the measured points. Where two would lie on each other they stand side by side.
    fn paint_marks(&self, plot: Rect, shape: &Shape, buf: &mut Buffer) {
        let (marks, wall) = if self.look.ascii { (ASCII_MARKS, ASCII_WALL) } else { (MARKS, WALL) };
        let mut taken: Vec<(u16, u16)> = Vec::new();
        for ((line, mark), style) in shape.lines.iter().zip(marks).zip(self.look.lines) {
            let dots = line.dots.iter().map(|dot| (*dot, mark)).chain(line.wall.map(|dot| (dot, wall)));
            for (dot, mark) in dots {
                let (x, y) = cell(plot, dot);
                let free = (x..plot.right()).chain((plot.left()..x).rev()).find(|x| !taken.contains(&(*x, y)));
                let place = (free.unwrap_or(x), y);
                taken.push(place);
                buf.set_string(place.0, place.1, mark, style);
            }
        }
    }

    fn paint_figures(&self, area: Rect, buf: &mut Buffer) {
        let Self { words, look, .. } = self;
        let marks = if look.ascii { ASCII_MARKS } else { MARKS };
        let Some(hand) = self.hand else {
            self.write(buf, (area.x, area.y), area.right(), words.no_room, look.text);
            return;
        };
        let unit = if self.active == Active::All { words.descriptors } else { words.idle };
        let (left, right) = if look.ascii { ("<", ">") } else { ("◀", "▶") };
        let mut head = format!("{left} {hand} {unit} {right}");
        if let Some(trouble) = self.trouble {
            let _ = write!(head, "  {}", (words.trouble)(trouble));
        } else if let Some(size) = self.measuring {
            let _ = write!(head, "  {} {size}{}", words.measuring, if look.ascii { "..." } else { "…" });
        } else if let Some(end) = self.end.filter(|_| self.ladder.last() == Some(&hand)) {
            let said = (words.trouble)(&Trouble::Limit(end));
            // The name is what one looks for.
            let fits = head.width() + said.width() + 2 <= usize::from(area.width);
            let _ = write!(head, "  {}", if fits { &said } else { end.name() });
        }
        self.write(buf, (area.x, area.y), area.right(), &head, look.hand);
        let name_width = words.selectors.iter().map(|name| name.width()).max().unwrap_or(0);
        let after = area.x.saturating_add(3 + name_width as u16);
        let room = usize::from(area.right().saturating_sub(after));
        for (at, row) in SELECTORS.iter().enumerate() {
            let y = area.y + 1 + at as u16;
            if y >= area.bottom() {
                return;
            }
            let measured = find(self.series, row.selector, self.active).and_then(|series| series.at(hand));
            let figures = match measured.map(|m| &m.outcome) {
                Some(Outcome::Measured(cost)) => {
                    let time = Nanos(cost.call_ns.round() as u64).to_string();
                    let copied = bytes(cost.copied.into.saturating_add(cost.copied.out));
                    let found = if cost.find_ns < 10.0 { "< 10 ns".to_owned() } else { Nanos(cost.find_ns.round() as u64).to_string() };
                    let cost = format!("{time:>8}  {} {copied:>6}", words.copies);
                    // Half a column says nothing.
                    Some(format!("{cost}  {found:>7} {}", words.to_find)).filter(|whole| whole.width() <= room).unwrap_or(cost)
                }
                Some(Outcome::NotPossible(refusal)) => (words.refusal)(refusal),
                None => words.unknown.to_owned(),
            };
            self.write(buf, (area.x, y), area.right(), marks[at], look.lines[at]);
            self.write(buf, (area.x.saturating_add(2), y), area.right(), words.selectors[at], look.text);
            self.write(buf, (after, y), area.right(), &self.plain(&figures), look.text);
        }
    }

    /// Writes as much as there is room for up to `right`, and shows where it had to end: half a number would be a wrong one.
    fn write(&self, buf: &mut Buffer, (x, y): (u16, u16), right: u16, text: &str, style: Style) {
        let room = usize::from(right.saturating_sub(x));
        let cut = if self.look.ascii { "~" } else { "…" };
        if text.width() <= room {
            buf.set_stringn(x, y, text, room, style);
        } else if let Some(before) = room.checked_sub(1) {
            let (end, _) = buf.set_stringn(x, y, text, before, style);
            buf.set_string(end, y, cut, style);
        }
    }

    /// The same in ASCII, where that is wanted.
    fn plain(&self, text: &str) -> String {
        if self.look.ascii { text.replace('µ', "u") } else { text.to_owned() }
    }
}

impl Widget for &Chart<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(*buf.area());
        if area.is_empty() {
            return;
        }
        let Some(plot) = plot(area) else {
            self.paint_figures(area, buf);
            return;
        };
        let whose = match self.active {
            Active::All => self.words.all_active.to_owned(),
            Active::Count(n) => (self.words.some_active)(n),
        };
        let title = format!("{} {} {whose}", self.words.time, if self.look.ascii { "-" } else { "·" });
        self.write(buf, (area.x, area.y), area.right(), &title, self.look.quiet);
        self.paint_chart(plot, buf);
        let top = plot.bottom() + AXIS;
        self.paint_figures(Rect { y: top, height: area.bottom().saturating_sub(top), ..area }, buf);
    }
}

/// How far along the axis a size lies, from 0 to 1.
fn across(ladder: &[usize], size: usize) -> f64 {
    let log = |size: usize| (size.max(1) as f64).log10();
    let (from, to) = (ladder.first().copied().map_or(0.0, log), ladder.last().copied().map_or(0.0, log));
    if to > from { ((log(size) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 }
}

impl Axis {
    /// The size that can be had nearest to a column; those beside the axis are its ends.
    pub fn size_at(&self, x: u16) -> Option<usize> {
        let far = |size: &usize| cell(self.area, (across(&self.ladder, *size), 0.0)).0.abs_diff(x);
        self.ladder.iter().copied().min_by_key(far)
    }
}

/// Where the lines are, without axes and figures; none where there is no room for them.
fn plot(area: Rect) -> Option<Rect> {
    let height = area.height.checked_sub(TITLE + AXIS + FIGURES)?;
    let width = area.width.checked_sub(GUTTER)?;
    (height >= LOWEST && width >= NARROWEST).then_some(Rect { x: area.x + GUTTER, y: area.y + TITLE, width, height })
}

/// The cell in which a place of the square lies.
fn cell(plot: Rect, (across, up): (f64, f64)) -> (u16, u16) {
    let x = (across * f64::from(plot.width.saturating_sub(1))).round() as u16;
    let y = ((1.0 - up) * f64::from(plot.height.saturating_sub(1))).round() as u16;
    (plot.x + x, plot.y + y)
}

/// The bit of one of the 2×4 dots of a braille character.
fn braille(x: u16, y: u16) -> u32 {
    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
    BITS[usize::from(y % 4)][usize::from(x % 2)]
}

fn size_label(size: usize) -> String {
    match size {
        0..1_000 => size.to_string(),
        1_000..1_000_000 => format!("{} k", size / 1_000),
        _ => format!("{} M", size / 1_000_000),
    }
}

/// A power of ten of nanoseconds: `1 µs`.
fn time_label(power: i32) -> String {
    let power = power.clamp(0, 11) as u32;
    let unit = ["ns", "µs", "ms", "s"][power as usize / 3];
    format!("{} {unit}", 10_u32.pow(power % 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::kinds::Selector;
    use crate::selectors::point::Point;
    use crate::selectors::series::collect;
    use crate::selectors::testing::measurements;

    const ONE: Active = Active::Count(1);
    const LADDER: [usize; 11] = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];

    /// What a quiet machine says, as far as `until`.
    fn measured(active: Active, until: usize) -> Vec<Series> {
        let mut series = Vec::new();
        let sizes = LADDER.into_iter().filter(|size| *size <= until);
        collect(&mut series, sizes.flat_map(|size| measurements(Point { size, active })));
        series
    }

    fn chart(series: &[Series]) -> Chart<'_> {
        Chart {
            series,
            active: ONE,
            ladder: &LADDER,
            hand: Some(10_000),
            measuring: None,
            trouble: None,
            end: None,
            words: &ENGLISH,
            look: Look::default(),
        }
    }

    fn drawn(chart: &Chart<'_>, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        chart.render(area, &mut buf);
        let mut text = String::new();
        for y in 0..height {
            // A wide character fills two cells; the second one is not text.
            let mut skip = 0;
            let mut line = String::new();
            for x in 0..width {
                if skip == 0 {
                    line.push_str(buf[(x, y)].symbol());
                    skip = buf[(x, y)].symbol().width().saturating_sub(1);
                } else {
                    skip -= 1;
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    #[test]
    fn a_whole_chart() {
        let series = measured(ONE, 20_000);
        insta::assert_snapshot!(drawn(&chart(&series), 80, 24));
    }

    #[test]
    fn a_chart_that_grows_in_ascii() {
        let series = measured(ONE, 500);
        let look = Look { ascii: true, ..Look::default() };
        let chart = Chart { hand: Some(1000), measuring: Some(1000), look, ..chart(&series) };
        let drawn = drawn(&chart, 80, 24);
        assert!(drawn.is_ascii(), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn a_chart_in_chinese() {
        let series = measured(Active::All, 1000);
        let chart = Chart { active: Active::All, hand: Some(100), words: &CHINESE, ..chart(&series) };
        insta::assert_snapshot!(drawn(&chart, 80, 24));
    }

    #[test]
    fn nothing_measured_is_an_empty_chart_that_says_so() {
        let text = drawn(&Chart { hand: Some(10), ..chart(&[]) }, 80, 24);
        assert_eq!(text.matches(ENGLISH.unknown).count(), SELECTORS.len(), "{text}");
        assert!(!MARKS.iter().any(|mark| text.lines().take(16).any(|line| line.contains(mark))), "{text}");
        let text = drawn(&Chart { hand: None, ladder: &[], ..chart(&[]) }, 80, 24);
        assert!(text.contains("RLIMIT_NOFILE"), "{text}");
    }

    #[test]
    fn the_limit_is_named_where_the_hand_meets_it() {
        let series = measured(ONE, 20_000);
        let ended = |hand| Chart { hand: Some(hand), end: Some(Limit::Descriptors), ..chart(&series) };
        assert!(drawn(&ended(20_000), 46, 24).contains("20000 idle ▶  stopped by RLIMIT_NOFILE"));
        assert!(drawn(&ended(20_000), 30, 24).contains("20000 idle ▶  RLIMIT_NOFILE"));
        assert!(!drawn(&ended(10_000), 46, 24).contains("RLIMIT_NOFILE"));
    }

    #[test]
    fn every_size_of_the_screen_is_survived() {
        let series = measured(ONE, 20_000);
        for chart in [chart(&series), chart(&[]), Chart { hand: None, ladder: &[], ..chart(&[]) }, Chart { ladder: &[7], ..chart(&series) }]
        {
            for (width, height) in [(0, 0), (1, 1), (1, 24), (80, 1), (8, 8), (18, 12), (19, 12), (20, 11), (300, 100)] {
                drawn(&chart, width, height);
            }
        }
        // An area that lies partly or wholly outside the buffer is cut, not followed.
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 5));
        (&chart(&series)).render(Rect::new(5, 3, 80, 24), &mut buf);
        (&chart(&series)).render(Rect::new(50, 50, 80, 24), &mut buf);
    }

    #[test]
    fn what_is_too_long_is_seen_to_be_cut_or_left_out_whole() {
        let series = measured(ONE, 20_000);
        let text = drawn(&chart(&series), 50, 24);
        assert!(text.lines().last().unwrap().ends_with('…'), "{text}");
        assert!(text.contains("copies  98 KB") && !text.contains("to find"), "{text}");
        let text = drawn(&Chart { look: Look { ascii: true, ..Look::default() }, ..chart(&series) }, 50, 24);
        assert!(text.is_ascii() && text.lines().last().unwrap().ends_with('~'), "{text}");
    }

    #[test]
    fn the_shape_tells_growth_from_its_absence() {
        let series = measured(ONE, 20_000);
        let shape = chart(&series).shape();
        let line = |selector: Selector| &shape.lines[SELECTORS.iter().position(|row| row.selector == selector).unwrap()];
        let (epoll, poll, select) = (line(Selector::EpollLevel), line(Selector::Poll), line(Selector::Select));
        assert!(epoll.dots.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() < 1e-9), "flat");
        assert!(poll.dots.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 < pair[1].0), "rising");
        assert_eq!((epoll.wall, select.dots.len()), (None, 7));
        let wall = select.wall.unwrap();
        assert!(wall.0 > select.dots[6].0 && wall.0 < poll.dots[8].0, "between a thousand and five thousand");
        let inside = |(x, y): (f64, f64)| (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
        assert!(shape.lines.iter().flat_map(|l| &l.dots).all(|dot| inside(*dot)));
    }

    #[test]
    fn a_place_on_the_axis_is_found_again() {
        let area = Rect::new(3, 2, 80, 24);
        let axis = chart(&[]).axis(area).unwrap();
        for (size, across) in LADDER.iter().map(|size| (*size, across(&LADDER, *size))) {
            assert_eq!(axis.size_at(cell(axis.area, (across, 0.5)).0), Some(size));
        }
        assert_eq!((axis.size_at(0), axis.size_at(300)), (Some(10), Some(20_000)));
        assert_eq!(chart(&[]).axis(Rect::new(0, 0, 5, 5)), None);
        assert_eq!(Chart { ladder: &[], ..chart(&[]) }.axis(area), None);
    }

    #[test]
    fn labels_have_their_units() {
        assert_eq!([2, 3, 5, 6, 9].map(time_label), ["100 ns", "1 µs", "100 µs", "1 ms", "1 s"]);
        assert_eq!([10, 1_000, 50_000].map(size_label), ["10", "1 k", "50 k"]);
    }
}
