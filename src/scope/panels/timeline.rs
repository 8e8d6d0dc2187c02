//! The last seconds as a strip: how busy each loop was, which callbacks held it, how many requests were under way, what workers did.
//!
//! One cell is a fixed number of slices, at multiples of that number, so that what has been drawn moves but never changes. A gap is
//! drawn as a gap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::base::units::Nanos;
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::world::strip::{SLICE, SLICES};
use crate::world::{Specimen, Stall, StallKind, World};

/// Columns that the names of the rows take, the space behind them included.
pub const NAMES: u16 = 10;
/// The strip covers at least so much where the panel is wide enough.
const AT_LEAST: Nanos = Nanos::secs(8);

/// One cell of a loop's row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Busy {
    /// Nobody watched, events were lost, or nothing lived.
    #[default]
    Gap,
    /// The share of the time that was spent in callbacks.
    Share(f32),
    /// A stall held it: which one of [`Track::stalls`].
    Stall(usize),
}

/// A stall as a block: from which column to which, and what is written on it, the longest form first.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// First column.
    pub from: u16,
    /// Last column.
    pub to: u16,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Computing or parked.
    pub kind: StallKind,
    /// Whether it goes on.
    pub ongoing: bool,
    /// Its labels.
    pub labels: Vec<String>,
}

/// One specimen's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its name.
    pub name: String,
    /// Whether keys act on it.
    pub chosen: bool,
    /// One for each column.
    pub busy: Vec<Busy>,
    /// The blocks upon it.
    pub stalls: Vec<Block>,
    /// Columns in which a process of it died.
    pub deaths: Vec<u16>,
    /// The most requests under way, for each column.
    pub waiting: Vec<Option<u16>>,
    /// The share of its workers that was busy, for each column; empty without workers.
    pub workers: Vec<Option<f32>>,
}

/// The strip as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What one column covers.
    pub cell: Nanos,
    /// The specimens in their order.
    pub tracks: Vec<Track>,
    /// What the most requests under way are measured against.
    pub most_waiting: u16,
    /// The moment at its right end, where that is not the present.
    pub then: Option<Nanos>,
}

/// How many slices one cell covers, for so many columns.
pub fn slices_per_cell(columns: u16) -> u64 {
    let wanted = AT_LEAST.0 / SLICE.0;
    [1, 2, 5, 10, 20, 50].into_iter().find(|n| u64::from(columns) * n >= wanted).unwrap_or(50)
}

/// The strip of a world for a plot of so many columns; whether it is the world of `then`, or the present one.
pub fn shape(world: &World, chosen: usize, columns: u16, then: bool, look: Look<'_>) -> Shape {
    let per = slices_per_cell(columns);
    let tracks: Vec<_> = world.specimens.iter().enumerate().map(|(n, s)| track(s, n == chosen, world.now, per, columns, look)).collect();
    let most = tracks.iter().filter(|t| t.chosen).flat_map(|t| t.waiting.iter().flatten()).max().copied().unwrap_or(0);
    let clients = world.specimens.get(chosen).map_or(0, |s| s.clients.clients.min(u32::from(u16::MAX)) as u16);
    Shape { cell: Nanos(per * SLICE.0), tracks, most_waiting: most.max(clients).max(1), then: then.then_some(world.now) }
}

/// One specimen's rows up to a moment, so many slices a cell.
pub fn track(specimen: &Specimen, chosen: bool, now: Nanos, per: u64, columns: u16, look: Look<'_>) -> Track {
    let strip = &specimen.strip;
    let last = now.0 / SLICE.0 / per;
    // The oldest cell that is still wholly kept.
    let oldest = (strip.newest + 1).saturating_sub(SLICES as u64).div_ceil(per);
    let cell_of = |column: u16| (last + 1).checked_sub(u64::from(columns - column)).filter(|cell| *cell >= oldest);
    let column_of = |at: Nanos| {
        let cell = at.0 / SLICE.0 / per;
        (cell + u64::from(columns)).checked_sub(last + 1)
    };
    let (mut busy, mut waiting, mut workers) = (Vec::new(), Vec::new(), Vec::new());
    let threads: usize = specimen.loops().map(|process| process.workers.len()).sum();
    for column in 0..columns {
        let slices = cell_of(column).map(|cell| cell * per..((cell + 1) * per).min(strip.newest + 1));
        let (mut sums, mut count, mut most) = ((0_u64, 0_u64), 0_u64, 0);
        for n in slices.into_iter().flatten() {
            let Some(slice) = strip.slice(n).filter(|s| !s.gap) else { continue };
            let (busy, at_work) = work(specimen, n);
            sums = (sums.0 + busy, sums.1 + at_work);
            most = most.max(slice.waiting);
            count += 1;
        }
        let length = (count * SLICE.0 / 1_000) as f32;
        busy.push(if count == 0 { Busy::Gap } else { Busy::Share((sums.0 as f32 / length).min(1.0)) });
        waiting.push((count > 0).then_some(most));
        if threads > 0 {
            workers.push((count > 0).then(|| (sums.1 as f32 / length / threads as f32).min(1.0)));
        }
    }
    let mut stalls = Vec::new();
    let of = |process: &'_ Specimen| {
        process.stalls.past.iter().map(|s| (*s, false)).chain(process.stalls.current.map(|s| (s, true))).collect::<Vec<_>>()
    };
    for (stall, ongoing) in specimen.loops().flat_map(of) {
        let end = if ongoing { now } else { stall.began + stall.length };
        let Some(to) = column_of(end).map(|c| c.min(u64::from(columns.saturating_sub(1))) as u16) else { continue };
        let from = column_of(stall.began).unwrap_or(0).min(u64::from(to)) as u16;
        for cell in busy.get_mut(usize::from(from)..=usize::from(to)).unwrap_or_default() {
            *cell = Busy::Stall(stalls.len());
        }
        let length = end.since(stall.began);
        stalls.push(Block { from, to, seconds: length.as_secs(), kind: stall.kind, ongoing, labels: labels(&stall, length, look) });
    }
    let deaths = specimen.all_processes().flat_map(|process| &process.deaths);
    let deaths = deaths.filter_map(|d| column_of(d.at)).filter(|c| *c < u64::from(columns)).map(|c| c as u16).collect();
    Track { name: specimen.name.clone(), chosen, busy, stalls, deaths, waiting, workers }
}

/// Microseconds of a slice in callbacks, and those that workers were busy. A master's are its busiest loop's and the sum of its workers': a
/// row is full where some loop is. Where threads serve there are no callbacks; a row is full while any of them is at work.
fn work(specimen: &Specimen, slice: u64) -> (u64, u64) {
    if !specimen.has_loop() {
        return (specimen.strip.slice(slice).map_or(0, |s| u64::from(s.workers)), 0);
    }
    specimen
        .loops()
        .filter_map(|process| process.strip.slice(slice).filter(|s| !s.gap))
        .fold((0, 0), |(busy, workers), s| (busy.max(u64::from(s.busy)), workers + u64::from(s.workers)))
}

fn labels(stall: &Stall, length: Nanos, look: Look<'_>) -> Vec<String> {
    let what = words::callback(look.lang, stall.cause, stall.handler);
    let conn = words::conn(look.lang, stall.conn);
    let kind = match stall.kind {
        StallKind::Computing => format!(" · {}", look.text("stall.computing")),
        StallKind::Parked => format!(" · {}", look.text("stall.parked")),
        StallKind::Unknown => String::new(),
    };
    vec![format!("{what} {conn} · {length}{kind}"), format!("{what} {conn} · {length}"), format!("{what} {length}"), length.to_string()]
}

/// The strip, ready to be drawn.
pub struct Timeline<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Timeline<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.is_empty() || area.width <= NAMES {
            return;
        }
        let Some(chosen) = self.shape.tracks.iter().find(|t| t.chosen).or(self.shape.tracks.first()) else { return };
        let single = self.shape.tracks.len() == 1;
        // From the bottom up: the axis, then what there is room for below the loops.
        let mut below = Vec::new();
        let loops = self.shape.tracks.len() as u16;
        let mut spare = area.height.saturating_sub(loops);
        for row in [Below::Waiting, Below::Axis, Below::Workers] {
            if spare > 0 && (row != Below::Workers || !chosen.workers.is_empty()) {
                below.push(row);
                spare -= 1;
            }
        }
        let annotated = single && spare > 0;
        let tall = 1 + if single { spare.saturating_sub(1).min(2) } else { spare / loops.max(1) }.min(2);
        let mut y = area.y;
        if annotated {
            self.annotations(&mut pen, y, chosen);
            y += 1;
        }
        for track in &self.shape.tracks {
            let row = Rect { y, height: tall, ..area };
            self.busy(&mut pen, row, track, single, !annotated);
            y += tall;
        }
        below.sort();
        for row in below {
            match row {
                Below::Waiting => self.waiting(&mut pen, y, chosen),
                Below::Workers => self.workers(&mut pen, y, chosen),
                Below::Axis => self.axis(&mut pen, y),
            }
            y += 1;
        }
    }
}

/// What stands below the loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Below {
    Waiting,
    Workers,
    Axis,
}

const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

impl Timeline<'_> {
    fn name(&self, pen: &mut Pen<'_>, y: u16, name: &str, role: Role) {
        let area = pen.area;
        let name = clip(name, usize::from(NAMES - 1));
        pen.text_until(area.x, y, area.x + NAMES - 1, &name, self.look.style(role));
    }

    fn plot(area: Rect) -> u16 {
        area.x + NAMES
    }

    fn busy(&self, pen: &mut Pen<'_>, row: Rect, track: &Track, single: bool, inline: bool) {
        let look = self.look;
        let y = row.bottom().saturating_sub(1);
        if single {
            self.name(pen, y, &look.text("timeline.loop"), Role::Dim);
        } else {
            let name = format!("{} {}", if track.chosen { '▸' } else { ' ' }, track.name);
            self.name(pen, y, &name, if track.chosen { Role::Strong } else { Role::Text });
        }
        let levels = usize::from(row.height) * 8;
        for (n, cell) in track.busy.iter().enumerate() {
            let x = Self::plot(pen.area) + n as u16;
            match cell {
                Busy::Gap => pen.put(x, y, '╌', look.style(Role::Faint)),
                Busy::Share(share) => {
                    let level = ((f64::from(*share) * levels as f64).round() as usize).max(1);
                    let style = if *share > 0.85 {
                        look.style(Role::Warn)
                    } else {
                        look.theme.glow(Role::Dispatch, 0.55 + 0.45 * f64::from(*share))
                    };
                    for up in 0..row.height {
                        let here = level.saturating_sub(usize::from(up) * 8).min(8);
                        if here > 0 {
                            pen.put(x, y - up, LEVELS[here], style);
                        }
                    }
                }
                Busy::Stall(n) => {
                    let style = track.stalls.get(*n).map_or(Style::new(), |b| look.theme.burn(b.seconds));
                    for up in 0..row.height {
                        pen.put(x, y - up, '█', style);
                    }
                }
            }
        }
        for column in &track.deaths {
            pen.put(Self::plot(pen.area) + column, y, '✕', look.style(Role::Alarm));
        }
        if inline {
            for block in &track.stalls {
                self.label_inside(pen, y, block);
            }
        }
    }

    /// The longest label that fits upon its block.
    fn label_inside(&self, pen: &mut Pen<'_>, y: u16, block: &Block) {
        let wide = usize::from(block.to - block.from + 1);
        let Some(label) = block.labels.iter().find(|l| width(l) + 2 <= wide) else { return };
        let x = Self::plot(pen.area) + block.from + ((wide - width(label)) / 2) as u16;
        let burn = self.look.theme.burn(block.seconds);
        let mut style = self.look.style(Role::OnBurn);
        if let Some(colour) = burn.fg {
            style = style.bg(colour);
        }
        pen.text(x, y, label, style);
    }

    /// Labels above their blocks, the newest first where they would overlap; at the right edge they stand further to the left.
    fn annotations(&self, pen: &mut Pen<'_>, y: u16, track: &Track) {
        let area = pen.area;
        let mut free_until = area.right();
        for block in track.stalls.iter().rev() {
            let start = Self::plot(area) + block.from;
            let fits = block.labels.iter().find_map(|label| {
                let x = start.min(free_until.checked_sub(width(label) as u16)?);
                // A label must stand above some of its block.
                (x >= Self::plot(area) && x + width(label) as u16 > start).then_some((x, label))
            });
            if let Some((x, label)) = fits {
                pen.text_until(x, y, free_until, label, self.look.theme.burn(block.seconds));
                free_until = x.saturating_sub(2);
            }
        }
    }

    fn waiting(&self, pen: &mut Pen<'_>, y: u16, track: &Track) {
        self.name(pen, y, &self.look.text("timeline.waiting"), Role::Dim);
        for (n, value) in track.waiting.iter().enumerate() {
            let x = Self::plot(pen.area) + n as u16;
            match value {
                None => pen.put(x, y, '╌', self.look.style(Role::Faint)),
                Some(0) => {}
                Some(value) => {
                    let share = f64::from(*value) / f64::from(self.shape.most_waiting);
                    let level = ((share * 8.0).round() as usize).clamp(1, 8);
                    pen.put(x, y, LEVELS[level], self.look.theme.glow(Role::Waiting, 0.4 + 0.6 * share));
                }
            }
        }
    }

    fn workers(&self, pen: &mut Pen<'_>, y: u16, track: &Track) {
        self.name(pen, y, &self.look.text("timeline.workers"), Role::Dim);
        for (n, value) in track.workers.iter().enumerate() {
            let x = Self::plot(pen.area) + n as u16;
            match value {
                None => pen.put(x, y, '╌', self.look.style(Role::Faint)),
                Some(share) if *share < 0.005 => {}
                Some(share) => {
                    let level = ((f64::from(*share) * 8.0).ceil() as usize).clamp(1, 8);
                    pen.put(x, y, LEVELS[level], self.look.style(Role::Worker));
                }
            }
        }
    }

    fn axis(&self, pen: &mut Pen<'_>, y: u16) {
        let area = pen.area;
        let look = self.look;
        let cell = self.shape.cell.as_secs().max(1e-9);
        let columns = area.right().saturating_sub(Self::plot(area));
        let every = if f64::from(columns) * cell > 40.0 {
            10.0
        } else if columns < 60 {
            5.0
        } else {
            2.0
        };
        let end = self.shape.then.map_or_else(|| look.text("timeline.now").into_owned(), |then| format!("{:.3} s", then.as_secs()));
        pen.text_right(area.right(), y, &end, look.style(Role::Dim));
        let mut back = every;
        loop {
            let cells = (back / cell).round() as u16;
            if cells + 3 > columns || usize::from(cells) < width(&end) + 5 {
                break;
            }
            let x = area.right() - 1 - cells;
            pen.put(x, y, '╵', look.style(Role::Border));
            pen.text(x + 1, y, &format!("-{back:.0} s"), look.style(Role::Faint));
            back += every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_covers_what_makes_the_strip_long_enough() {
        assert_eq!([10, 20, 46, 106, 190, 300, 2000].map(slices_per_cell), [50, 50, 20, 10, 5, 5, 1]);
    }
}
