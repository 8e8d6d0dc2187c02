//! Specimens side by side on one time axis: a lane each, with what its loop did, how long its clients waited, and how many were answered.
//!
//! Every lane has the same columns and the same vertical scales, so that eyes can compare. While one stands in the past, one line crosses all
//! of them at that moment: what is left of it lay before, what is right of it came after. A gap is drawn as a gap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::command::Command;
use crate::scope::pen::{Pen, Targets};
use crate::scope::pointer::Plot;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, words};
use crate::telemetry::vocabulary::{Mitigation, Model};
use crate::world::clients::{COLUMN, ROWS};
use crate::world::strip::SLICE;
use crate::world::trace::Grid;
use crate::world::window::Quantiles;
use crate::world::{Specimen, StallKind, World};

use super::clients;
use super::head::State;
use super::timeline::{self, Busy, Track};

/// Columns that names and labels take at the left of every lane.
pub const NAMES: u16 = 13;
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Latencies of one cell: shares of its answers by row of the spectrogram; nothing where none was answered.
type Column = Option<[f32; ROWS]>;

/// One specimen's lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Its place in the world.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// Whether keys act on it, and others are compared with it.
    pub chosen: bool,
    /// Its state at the moment that is shown.
    pub state: State,
    /// What mends it.
    pub mitigations: Vec<Mitigation>,
    /// What its loop is in, at the moment that is shown.
    pub doing: String,
    /// Latencies of the last seconds before that moment.
    pub recent: Quantiles,
    /// Requests under way at that moment.
    pub under_way: u32,
    /// Answers a second over the last second before it.
    pub rate: f64,
    /// What its loop did, or its loops together, or its threads where it has no loop, cell by cell.
    pub track: Track,
    /// Columns in which a stall held some of its loops and not all.
    pub partly: Vec<bool>,
    /// The model that it is built on, where that is not a single loop: which, and how many threads or processes it has.
    pub model: Option<(Model, u32)>,
    /// How long its clients waited.
    pub latency: Vec<Column>,
    /// Answers in each cell; nothing where there is a gap.
    pub answered: Vec<Option<u32>>,
}

/// The lanes as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What one column covers.
    pub cell: Nanos,
    /// The specimens that are compared, in their order.
    pub lanes: Vec<Lane>,
    /// The rows of the latencies that are shown, from and to: the same for all.
    pub rows: (usize, usize),
    /// What answers are measured against: twice what is usual in the cells of all lanes, so that what is caught up after a stall does not flatten
    /// the rest.
    pub most_answered: u32,
    /// The column of the moment at which one stands in the past.
    pub cursor: Option<u16>,
    /// The moment at which the axis ends.
    pub end: Nanos,
    /// What the end of the axis is: the present, or a moment of the past.
    pub live: bool,
}

/// The lanes of these specimens for a plot of so many columns.
pub fn shape(scene: &Scene<'_>, places: &[usize], columns: u16) -> Shape {
    let per = timeline::slices_per_cell(columns);
    let around = scene.around;
    let lanes: Vec<_> = places.iter().filter_map(|n| lane(scene, *n, per, columns)).collect();
    let filled = || lanes.iter().flat_map(|lane| lane.latency.iter().flatten());
    let lowest = filled().filter_map(|c| c.iter().position(|s| *s > 0.0)).min();
    let highest = filled().filter_map(|c| c.iter().rposition(|s| *s > 0.0)).max();
    // 100 µs to 10 s, and more where something lies there.
    let rows = (if lowest.is_some_and(|r| r < 4) { 0 } else { 4 }, if highest.is_some_and(|r| r >= 24) { ROWS } else { 24 });
    let mut usual: Vec<u32> = lanes.iter().flat_map(|lane| lane.answered.iter().flatten()).copied().filter(|n| *n > 0).collect();
    usual.sort_unstable();
    let most_answered = usual.get(usual.len() / 2).map_or(0, |median| median * 2);
    let cursor = scene.ui.frozen.and_then(|_| column_at(scene.world.now, around.now, per, columns));
    Shape { cell: Nanos(per * SLICE.0), lanes, rows, most_answered, cursor, end: around.now, live: scene.ui.frozen.is_none() }
}

impl Shape {
    /// Where moments are to be pointed at when the lanes are drawn into this area: what lies before the beginning is left out.
    pub fn plot(&self, area: Rect) -> Option<Plot> {
        let columns = area.width.checked_sub(NAMES).filter(|columns| *columns > 0)?;
        let cells = self.end.0 / self.cell.0.max(1) + 1;
        let shown = u16::try_from(cells).unwrap_or(u16::MAX).min(columns);
        let from = Nanos((cells - u64::from(shown)) * self.cell.0);
        let high = area.height.saturating_sub(u16::from(area.height > self.lanes.len() as u16));
        Some(Plot {
            area: Rect { x: area.right() - shown, width: shown, height: high, ..area },
            grid: Grid { from, cell: self.cell, columns: usize::from(shown) },
            ..Plot::default()
        })
    }
}

/// The column of a moment on an axis that ends at another.
fn column_at(at: Nanos, end: Nanos, per: u64, columns: u16) -> Option<u16> {
    let cell = |at: Nanos| at.0 / SLICE.0 / per;
    let column = (cell(at) + u64::from(columns)).checked_sub(cell(end) + 1)?;
    u16::try_from(column).ok().filter(|column| *column < columns)
}

fn lane(scene: &Scene<'_>, place: usize, per: u64, columns: u16) -> Option<Lane> {
    let (then, around) = (scene.world.specimens.get(place)?, scene.around.specimens.get(place)?);
    let chosen = scene.chosen().is_some_and(|s| s.id == then.id);
    let gaze = scene.eye.gaze(place);
    let cells = || cells(scene.around, per, columns);
    let (track, partly) = track(around, chosen, scene.around.now, per, columns, scene.look);
    Some(Lane {
        place,
        name: visible(&then.name),
        chosen,
        state: State::then(then, scene.ui.frozen.is_some()),
        mitigations: Mitigation::ALL.iter().copied().filter(|m| then.mitigations[*m as usize]).collect(),
        doing: doing(then, scene.world.now, scene.ui.frozen.is_some(), scene.look),
        recent: gaze.figures.recent,
        under_way: gaze.figures.in_flight + gaze.figures.backlog,
        rate: gaze.figures.rate,
        track,
        partly,
        model: Some(then.model).filter(|(model, _)| *model != Model::EventLoop),
        latency: cells().map(|cell| latency(around, cell, per)).collect(),
        answered: cells().map(|cell| answered(around, cell, per)).collect(),
    })
}

/// What a specimen did: its loop; its loops together, where it has several processes; its threads, where it has no loop. And in which columns
/// a stall held only some of its loops.
fn track(specimen: &Specimen, chosen: bool, now: Nanos, per: u64, columns: u16, look: Look<'_>) -> (Track, Vec<bool>) {
    let of = |specimen: &Specimen| timeline::track(specimen, chosen, now, per, columns, look);
    let mut whole = of(specimen);
    let mut partly = vec![false; usize::from(columns)];
    if !specimen.has_loop() {
        let last = now.0 / SLICE.0 / per;
        for (column, cell) in whole.busy.iter_mut().enumerate() {
            let cell_number = (last + 1).checked_sub(u64::from(columns) - column as u64);
            let slices = cell_number.into_iter().flat_map(|n| n * per..(n + 1) * per);
            let shares = slices.filter_map(|n| specimen.strip.slice(n)).filter(|slice| !slice.gap).map(|slice| f64::from(slice.workers));
            let (sum, count) = shares.fold((0.0, 0_u32), |(sum, count), share| (sum + share, count + 1));
            let length = f64::from(count) * SLICE.as_secs() * 1e6;
            *cell = if count == 0 { Busy::Gap } else { Busy::Share((sum / length).min(1.0) as f32) };
        }
    }
    if !specimen.processes.is_empty() {
        let tracks: Vec<Track> = specimen.processes.iter().map(of).collect();
        whole.stalls = tracks.iter().flat_map(|track| track.stalls.clone()).collect();
        whole.deaths.extend(tracks.iter().flat_map(|track| &track.deaths));
        for (column, cell) in whole.busy.iter_mut().enumerate() {
            let (mut shares, mut stall, mut before) = (Vec::new(), None, 0);
            for track in &tracks {
                match track.busy.get(column) {
                    Some(Busy::Share(share)) => shares.push(*share),
                    Some(Busy::Stall(n)) => stall = Some(before + n),
                    Some(Busy::Gap) | None => {}
                }
                before += track.stalls.len();
            }
            partly[column] = stall.is_some() && !shares.is_empty();
            *cell = match stall {
                Some(n) => Busy::Stall(n),
                None if shares.is_empty() => Busy::Gap,
                None => Busy::Share(shares.iter().sum::<f32>() / shares.len() as f32),
            };
        }
    }
    (whole, partly)
}

/// The numbers of the cells of an axis, oldest first; nothing before the beginning.
fn cells(world: &World, per: u64, columns: u16) -> impl Iterator<Item = Option<u64>> {
    let last = world.now.0 / SLICE.0 / per;
    (0..columns).map(move |column| (last + 1).checked_sub(u64::from(columns - column)))
}

/// The latencies of a cell: of the spectrogram's column in whose time its middle lies, or of all that lie in it.
fn latency(specimen: &Specimen, cell: Option<u64>, per: u64) -> Column {
    let spectrogram = &specimen.clients.spectrogram;
    let (from, length) = (cell? * per * SLICE.0, per * SLICE.0);
    let (first, last) = if length < COLUMN.0 {
        ((from + length / 2) / COLUMN.0, (from + length / 2) / COLUMN.0)
    } else {
        (from / COLUMN.0, (from + length - 1) / COLUMN.0)
    };
    let mut sums = [0_u64; ROWS];
    for column in (first..=last).filter_map(|n| spectrogram.column(n)) {
        sums.iter_mut().zip(column).for_each(|(sum, n)| *sum += u64::from(*n));
    }
    let all: u64 = sums.iter().sum();
    (all > 0).then(|| sums.map(|n| n as f32 / all as f32))
}

fn answered(specimen: &Specimen, cell: Option<u64>, per: u64) -> Option<u32> {
    let cell = cell?;
    let slices = (cell * per..(cell + 1) * per).filter_map(|n| specimen.strip.slice(n)).filter(|slice| !slice.gap);
    slices.map(|slice| u32::from(slice.answered)).reduce(|a, b| a + b)
}

/// What a loop is in: always where one stands in the past, else only where it is stuck.
fn doing(specimen: &Specimen, now: Nanos, frozen: bool, look: Look<'_>) -> String {
    let conn = |id: crate::base::ids::ConnId| {
        if id.is_some() { format!(" {}", words::conn(look.lang, id)) } else { String::new() }
    };
    if let Some(stall) = specimen.loops().find_map(|process| process.stalls.current) {
        let what = words::callback(look.lang, stall.cause, stall.handler);
        return format!("{what}{} · {} · {}", conn(stall.conn), now.since(stall.began), kind(stall.kind, look));
    }
    if !frozen || !specimen.is_alive() {
        return String::new();
    }
    if !specimen.has_loop() {
        return look.fill("lanes.serving", &[("n", &specimen.threads.serving().to_string())]);
    }
    if specimen.reactor.ticks == 0 {
        return String::new();
    }
    let reactor = &specimen.reactor;
    match reactor.running {
        Some(running) => {
            let what = words::callback(look.lang, running.cause, running.handler);
            format!("{what}{} · {}", conn(running.conn), now.since(running.since))
        }
        None => format!("{} · {}", words::phase(look.lang, reactor.phase), now.since(reactor.phase_since)),
    }
}

fn kind(kind: StallKind, look: Look<'_>) -> String {
    match kind {
        StallKind::Computing => look.text("stall.computing").into_owned(),
        StallKind::Parked => look.text("stall.parked").into_owned(),
        StallKind::Unknown => "…".into(),
    }
}

/// Rows that a lane of some height has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    heading: u16,
    strip: u16,
    latency: u16,
    answered: u16,
}

/// How the rows of a lane are given away: the strip first, then latencies, the heading, answers; what is left goes to the latencies.
fn parts(height: u16) -> Parts {
    let rest = |taken: u16| height.saturating_sub(taken);
    match height {
        0..=2 => Parts { heading: 0, strip: height.min(1), latency: rest(1), answered: 0 },
        3..=4 => Parts { heading: 1, strip: 1, latency: rest(2), answered: 0 },
        5..=7 => Parts { heading: 1, strip: 1, latency: rest(3), answered: 1 },
        _ => Parts { heading: 1, strip: 2, latency: rest(4), answered: 1 },
    }
}

/// The lanes, ready to be drawn.
pub struct Lanes<'a> {
    /// What.
    pub shape: &'a Shape,
    /// From which length on it is a stall.
    pub threshold: Nanos,
    /// How.
    pub look: Look<'a>,
}

impl Lanes<'_> {
    /// Draws them and says what clicks on their names mean: a lane is chosen.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        if area.width <= NAMES || area.is_empty() || self.shape.lanes.is_empty() {
            return;
        }
        let lanes = self.shape.lanes.len() as u16;
        let axis = u16::from(area.height > lanes);
        let high = (area.height - axis) / lanes;
        let mut y = area.y;
        for lane in &self.shape.lanes {
            let at = Rect { y, height: high, ..area };
            self.lane(&mut pen, at, lane);
            // A lane is time: a click goes to that moment. Its heading and its names choose it.
            if !lane.chosen {
                targets.add(Rect { width: NAMES, ..at }, Command::Specimen(lane.place as u8));
                targets.add(Rect { height: parts(high).heading, ..at }, Command::Specimen(lane.place as u8));
            }
            y += high;
        }
        let drawn = Rect { height: high * lanes, ..area };
        if let Some(column) = self.shape.cursor {
            self.cursor(&mut pen, drawn, column, parts(high).heading > 0, high);
        }
        if axis > 0 {
            self.axis(&mut pen, y, self.shape.cursor);
        }
    }

    fn lane(&self, pen: &mut Pen<'_>, area: Rect, lane: &Lane) {
        let parts = parts(area.height);
        let mut y = area.y;
        if parts.heading > 0 {
            self.heading(&mut pen.within(area), y, lane);
            y += 1;
        }
        self.strip(&mut pen.within(area), Rect { y, height: parts.strip, ..area }, lane, parts.heading == 0);
        y += parts.strip;
        match parts.latency {
            0 => {}
            1 => self.worst(&mut pen.within(area), y, lane),
            height => self.spectrogram(&mut pen.within(area), Rect { y, height, ..area }, lane),
        }
        y += parts.latency;
        if parts.answered > 0 {
            self.answered(&mut pen.within(area), y, lane);
        }
    }

    /// The name with its state; with room the figures of the moment.
    fn heading(&self, pen: &mut Pen<'_>, y: u16, lane: &Lane) {
        let (area, look) = (pen.area, self.look);
        let ground = look.style(if lane.chosen { Role::Chosen } else { Role::Text });
        if lane.chosen {
            pen.fill(Rect { y, height: 1, ..area }, ' ', ground);
        }
        let on = |role: Role| if lane.chosen { ground.patch(look.style(role)) } else { look.style(role) };
        let mut x = pen.text(area.x, y, if lane.chosen { "▸ " } else { "  " }, on(Role::Accent));
        x = pen.text(x, y, &clip(&lane.name, usize::from(area.width / 3)), on(Role::Strong)) + 1;
        let (glyph, word, role) = lane.state.sign();
        x = pen.text(x, y, &format!("{glyph} {}", look.text(word)), on(role)) + 1;
        // Figures stand at the right, each in its place; what mends it and what it does give way.
        let shown = |n: Nanos| if lane.recent.count == 0 { "–".to_owned() } else { n.to_string() };
        let worry = |n: Nanos| if n >= self.threshold { Role::Alarm } else { Role::Strong };
        let figures = [
            ("lanes.rate", count(lane.rate), Role::Text),
            ("lanes.under_way", lane.under_way.to_string(), Role::Text),
            ("clients.p99", shown(lane.recent.p99), worry(lane.recent.p99)),
        ];
        let mut end = area.right();
        for (label, value, role) in figures {
            let label = look.text(label);
            let wide = (width(&label) + 1 + width(&value).max(7) + 2) as u16;
            let least = if lane.doing.is_empty() { 0 } else { (width(&lane.doing) as u16 + 2).min(area.width / 2) };
            if x + least + wide > end {
                continue;
            }
            end -= wide;
            let at = pen.text(end + 1, y, &label, on(Role::Dim)) + 1;
            pen.text(at, y, &value, on(role));
        }
        let free = |x: u16| usize::from(end.saturating_sub(x + 1));
        if !lane.doing.is_empty() && free(x) > 8 {
            let role = if matches!(lane.state, State::Stalled | State::ThenStalled) { Role::Alarm } else { Role::Text };
            x = pen.text(x + 1, y, &clip(&lane.doing, free(x)), on(role));
        }
        if let Some((model, size)) = lane.model
            && free(x) > 8
        {
            let name = words::model(look.lang, model);
            let text = if size > 1 { format!("{name} × {size}") } else { name.into_owned() };
            x = pen.text(x + 1, y, &clip(&text, free(x)), on(Role::Dim));
        }
        let mended: Vec<_> = lane.mitigations.iter().map(|m| words::mitigation(look.lang, *m)).collect();
        if !mended.is_empty() && free(x) > 8 {
            pen.text(x + 1, y, &clip(&format!("+ {}", mended.join(", ")), free(x)), on(Role::Accent));
        }
    }

    fn label(&self, pen: &mut Pen<'_>, y: u16, text: &str, role: Role) {
        let area = pen.area;
        pen.text_until(area.x, y, area.x + NAMES - 1, &clip(text, usize::from(NAMES - 1)), self.look.style(role));
    }

    /// What the loop did: its share of time in callbacks, stalls as blocks, gaps as gaps.
    fn strip(&self, pen: &mut Pen<'_>, row: Rect, lane: &Lane, named: bool) {
        let look = self.look;
        let (plot, y) = (row.x + NAMES, row.bottom().saturating_sub(1));
        if row.height == 0 {
            return;
        }
        if named {
            let (glyph, _, role) = lane.state.sign();
            let mark = if lane.chosen { "▸" } else { " " };
            self.label(pen, y, &format!("{mark}{glyph} {}", lane.name), if lane.chosen { Role::Strong } else { Role::Text });
            pen.text(row.x + 1, y, glyph, look.style(role));
        } else {
            let what = match lane.model {
                None => "timeline.loop",
                Some((Model::Workers, _)) => "lanes.loops",
                Some(_) => "lanes.threads",
            };
            self.label(pen, y, &format!("  {}", look.text(what)), Role::Dim);
        }
        let levels = f64::from(row.height) * 8.0;
        for (column, cell) in lane.track.busy.iter().enumerate() {
            let x = plot + column as u16;
            match cell {
                Busy::Gap => pen.put(x, y, '╌', look.style(Role::Faint)),
                Busy::Share(share) => {
                    let level = ((f64::from(*share) * levels).round() as u16).max(1);
                    let style = if *share > 0.85 {
                        look.style(Role::Warn)
                    } else {
                        look.theme.glow(Role::Dispatch, 0.55 + 0.45 * f64::from(*share))
                    };
                    for up in 0..row.height {
                        let here = level.saturating_sub(up * 8).min(8);
                        if here > 0 {
                            pen.put(x, y - up, LEVELS[usize::from(here)], style);
                        }
                    }
                }
                Busy::Stall(n) => {
                    let Some(block) = lane.track.stalls.get(*n) else { continue };
                    // A parked loop is asleep: its block is not solid. Where others go on, it is a half one.
                    let partly = lane.partly.get(column).is_some_and(|partly| *partly);
                    let glyph = match block.kind {
                        _ if partly => '▄',
                        StallKind::Parked => '▒',
                        _ => '█',
                    };
                    for up in 0..if partly { 1 } else { row.height } {
                        pen.put(x, y - up, glyph, look.theme.burn(block.seconds));
                    }
                }
            }
        }
        for column in &lane.track.deaths {
            pen.put(plot + column, y, '✕', look.style(Role::Alarm));
        }
        for block in &lane.track.stalls {
            let wide = usize::from(block.to - block.from + 1);
            // The line of the moment must not cut through a label.
            let (from, wide) = match self.shape.cursor {
                Some(column) if (block.from..=block.to).contains(&column) => {
                    let (left, right) = (usize::from(column - block.from), usize::from(block.to - column));
                    if left >= right { (block.from, left) } else { (column + 1, right) }
                }
                _ => (block.from, wide),
            };
            if lane.partly.get(usize::from(block.from)).is_some_and(|partly| *partly) {
                continue;
            }
            let Some(label) = block.labels.iter().find(|l| width(l) + 2 <= wide) else { continue };
            let x = plot + from + ((wide - width(label)) / 2) as u16;
            let mut style = look.style(Role::OnBurn);
            if let Some(colour) = look.theme.burn(block.seconds).fg {
                style = style.bg(colour);
            }
            pen.text(x, y, label, style);
        }
    }

    /// The slowest answer of each cell, where there is one line for latencies.
    fn worst(&self, pen: &mut Pen<'_>, y: u16, lane: &Lane) {
        let (from, to) = self.shape.rows;
        let look = self.look;
        self.label(pen, y, &format!("  {}", look.text("lanes.slowest")), Role::Dim);
        for (n, column) in lane.latency.iter().enumerate() {
            let Some(row) = column.as_ref().and_then(|c| c.iter().rposition(|share| *share > 0.0)) else { continue };
            let share = (row.saturating_sub(from) + 1) as f64 / (to - from).max(1) as f64;
            let level = ((share * 8.0).round() as usize).clamp(1, 8);
            // From 50 ms on: the row whose lower bound is 56 ms.
            let role = if crate::world::clients::ROW_BOUNDS[row] >= self.threshold.0 { Role::Warn } else { Role::Waiting };
            pen.put(pen.area.x + NAMES + n as u16, y, LEVELS[level], look.style(role));
        }
    }

    fn spectrogram(&self, pen: &mut Pen<'_>, area: Rect, lane: &Lane) {
        let label = Rect { width: NAMES - 6, height: 1, ..area };
        let text = self.look.text("lanes.latency");
        pen.text_until(label.x, label.y, label.right(), &clip(&format!("  {text}"), usize::from(label.width)), self.look.style(Role::Dim));
        let plot = Rect { x: area.x + NAMES - 6, width: area.width.saturating_sub(NAMES - 6), ..area };
        clients::spectrogram(pen, plot, &lane.latency, self.shape.rows, self.look);
    }

    fn answered(&self, pen: &mut Pen<'_>, y: u16, lane: &Lane) {
        let look = self.look;
        self.label(pen, y, &format!("  {}", look.text("lanes.answered")), Role::Dim);
        for (n, value) in lane.answered.iter().enumerate() {
            let x = pen.area.x + NAMES + n as u16;
            match value {
                None => pen.put(x, y, '╌', look.style(Role::Faint)),
                Some(0) => pen.put(x, y, '▁', look.style(Role::Alarm)),
                Some(value) => {
                    let level = (u64::from(*value) * 8).div_ceil(u64::from(self.shape.most_answered.max(1))).min(8) as usize;
                    pen.put(x, y, LEVELS[level.clamp(1, 8)], look.theme.glow(Role::Good, 0.75));
                }
            }
        }
    }

    /// One line at one moment, across all lanes but their headings.
    fn cursor(&self, pen: &mut Pen<'_>, area: Rect, column: u16, headings: bool, high: u16) {
        for n in 0..area.height {
            if !headings || n % high.max(1) != 0 {
                pen.put(area.x + NAMES + column, area.y + n, '│', self.look.style(Role::Accent));
            }
        }
    }

    /// How long before the present, or before and after the moment at which one stands.
    fn axis(&self, pen: &mut Pen<'_>, y: u16, cursor: Option<u16>) {
        let (area, look) = (pen.area, self.look);
        let plot = area.x + NAMES;
        let cell = self.shape.cell.as_secs().max(1e-9);
        let columns = area.right().saturating_sub(plot);
        let every = match f64::from(columns) * cell {
            long if long > 40.0 => 10.0,
            _ if columns < 60 => 5.0,
            _ => 2.0,
        };
        let here = cursor.unwrap_or(columns.saturating_sub(1));
        let label = format!(" {} ", look.text(if self.shape.live { "timeline.now" } else { "lanes.here" }));
        let (wide, style) = (width(&label) as u16, look.style(if self.shape.live { Role::Dim } else { Role::BannerFrozen }));
        let from = if self.shape.live {
            columns.saturating_sub(wide - 1)
        } else {
            here.saturating_sub(wide / 2).min(columns.saturating_sub(wide))
        };
        pen.text(plot + from, y, &label, style);
        let mut mark = |column: u16, text: &str| {
            let end = column + 1 + width(text) as u16;
            if end < from || (column > from + wide && end <= columns) {
                pen.put(plot + column, y, '╵', look.style(Role::Border));
                pen.text(plot + column + 1, y, text, look.style(Role::Faint));
            }
        };
        for n in 1..=60 {
            let away = every * f64::from(n);
            let cells = (away / cell).round() as u16;
            if let Some(column) = here.checked_sub(cells) {
                mark(column, &format!("-{away:.0} s"));
            }
            if here + cells < columns {
                mark(here + cells, &format!("+{away:.0} s"));
            }
        }
    }
}

impl Widget for &Lanes<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn every_row_of_a_lane_is_given_to_something() {
        for height in 0..40 {
            let p = parts(height);
            assert_eq!(p.heading + p.strip + p.latency + p.answered, height);
            assert!(height == 0 || p.strip > 0);
        }
    }

    #[test]
    fn a_moment_is_the_same_column_in_the_axis_whatever_its_end() {
        let (per, columns) = (10, 100);
        for end in [5_000, 12_345, 60_000] {
            let at = |back: u64| column_at(Nanos::millis(end - back), Nanos::millis(end), per, columns);
            assert_eq!(at(0), Some(99));
            assert_eq!(at(1000), Some(89), "{end}");
            assert_eq!(column_at(Nanos::millis(end + 200), Nanos::millis(end), per, columns), None, "beyond the end");
        }
        assert_eq!(column_at(Nanos::ZERO, Nanos::secs(60), per, columns), None, "long before");
        let cell = Nanos(per * SLICE.0);
        for end in [Nanos::millis(900), Nanos::millis(12_345)] {
            let shape = Shape { cell, lanes: Vec::new(), rows: (4, 24), most_answered: 0, cursor: None, end, live: true };
            let area = Rect::new(3, 5, columns + NAMES, 9);
            let plot = shape.plot(area).unwrap();
            for x in plot.area.left()..plot.area.right() {
                let moment = plot.moment(x, 7).unwrap();
                assert_eq!(column_at(moment, end, per, columns), Some(x - area.x - NAMES), "a click finds its column again");
            }
            assert_eq!(plot.area.right(), area.right());
        }
    }

    #[test]
    fn what_was_answered_is_in_the_cells_and_latencies_stand_where_the_stall_was() {
        let world = Story::new(&["naive", "pool"]).calm(Nanos::secs(4)).stall(Nanos::millis(900)).calm(Nanos::secs(2)).world();
        let (per, columns) = (10, 120);
        for specimen in &world.specimens {
            let sum: u32 = cells(&world, per, columns).filter_map(|cell| answered(specimen, cell, per)).sum();
            let slices = (0..=specimen.strip.newest).filter_map(|n| specimen.strip.slice(n)).map(|s| u32::from(s.answered)).sum::<u32>();
            assert_eq!(sum, slices, "{}", specimen.name);
        }
        let slow = |n: usize| {
            let columns: Vec<Column> = cells(&world, per, columns).map(|cell| latency(&world.specimens[n], cell, per)).collect();
            columns.iter().flatten().any(|c| c[18..].iter().sum::<f32>() > 0.5)
        };
        assert!(slow(0) && !slow(1), "only one of them made most of its clients wait for more than 300 ms");
        for per in [1, 20, 50] {
            let shares = cells(&world, per, 40).filter_map(|cell| latency(&world.specimens[0], cell, per));
            assert!(shares.into_iter().all(|c| (c.iter().sum::<f32>() - 1.0).abs() < 1e-3));
        }
    }
}
