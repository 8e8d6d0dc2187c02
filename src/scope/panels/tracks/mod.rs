//! The timeline's tracks: what the loop, its queues, its workers and some of its connections did, column by column.
//!
//! Shapes are made here from the columns of a [`Trace`]; `paint` puts them into cells, `ruler` measures them out, `beside` says in words what
//! is at the cursor and between the marks. One column may hold many callbacks or a part of one: what is drawn is the share of its time. The
//! longest callback of each column has a track of its own, so that none is lost among short ones.

mod beside;
mod paint;
mod ruler;

pub use beside::{Beside, Here, Sum};
pub use paint::{Tracks, legend};
pub use ruler::{Ruler, moment, ruler};

use crate::base::units::{Nanos, bytes, count};
use crate::scope::rows::{RowId, Track};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, trigger, words};
use crate::telemetry::event::What;
use crate::telemetry::vocabulary::Cause;
use crate::world::trace::{Cells, Column, Level, Place, Span, Stay, Trace};
use crate::world::{Stall, StallKind};

/// One cell of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cell {
    /// It has not happened yet, or is not kept.
    #[default]
    Blank,
    /// Nothing was going on.
    Quiet,
    /// Events were lost, or nobody watched.
    Gap,
    /// There was no process.
    Dead,
    /// The gate held the loop.
    Held,
    /// In callbacks for this share of the time, most of it for this reason; and whether another callback than in the column before.
    Busy(Cause, f32, bool),
    /// In a callback that was a stall, of this kind, after so many seconds.
    Stall(StallKind, f32),
    /// A height between 0 and 1, in a colour.
    Height(f32, Role),
    /// A height that was sampled before and is taken to stand.
    Stands(f32, Role),
    /// A density between 0 and 1.
    Dense(f32),
    /// A connection was here for this share of the time.
    At(Place, f32),
}

/// Words upon or above cells: from which column to which, and the longest form first.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// First column.
    pub from: u16,
    /// Last column of what it names.
    pub to: u16,
    /// How it may be written.
    pub forms: Vec<String>,
    /// In which colour.
    pub role: Role,
    /// Whether it may stand further to the left, where it would be cut short at the right.
    pub leans: bool,
}

/// One track.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which.
    pub id: Track,
    /// What it is called.
    pub name: String,
    /// The figure beside its name.
    pub figure: String,
    /// Lines that it takes.
    pub high: u16,
    /// One for each column.
    pub cells: Vec<Cell>,
    /// What is written upon it, or above it where it is the loop's.
    pub labels: Vec<Label>,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

/// Something that happened beside the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// In which column.
    pub column: u16,
    /// A glyph.
    pub sign: char,
    /// In which colour.
    pub role: Role,
    /// In words.
    pub text: String,
}

/// The tracks as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// From the top.
    pub rows: Vec<Row>,
    /// What happened beside the loop.
    pub flags: Vec<Flag>,
    /// The column of the cursor, in the past.
    pub cursor: Option<u16>,
    /// The columns of the marks.
    pub marks: [Option<u16>; 2],
    /// The measures at the top.
    pub ruler: Ruler,
}

/// Columns that the names take in a panel of this width.
pub const fn names(width: u16) -> u16 {
    if width >= 100 { 20 } else { 15 }
}

/// The tracks beside those of connections and workers, the most important first; and their lines.
const FIXED: [(Track, u16); 6] =
    [(Track::Loop, 2), (Track::Ready, 1), (Track::UnderWay, 1), (Track::Unread, 1), (Track::Queue, 1), (Track::Longest, 1)];
/// The order in which they stand.
const ORDER: [Track; 6] = [Track::Loop, Track::Longest, Track::Ready, Track::Queue, Track::Unread, Track::UnderWay];

/// What there is room for in so many lines: the lines above the tracks, the loop's lines, the tracks, and how many connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// A line that shows all that is kept.
    pub overview: bool,
    /// A line for what happened beside the loop.
    pub flags: bool,
    /// Lines of the loop's track, its labels included.
    pub tall: u16,
    /// Which of the tracks that are always meant to be there.
    pub fixed: Vec<Track>,
    /// Worker threads; one more where there are threads that serve connections, which share a line.
    pub workers: usize,
    /// Connections.
    pub lives: usize,
}

/// Divides so many lines.
pub fn room(high: u16, workers: usize, own_loop: bool) -> Room {
    // The ruler is always there.
    let mut free = high.saturating_sub(1);
    let mut take = |lines: u16| {
        let fits = free >= lines;
        free -= if fits { lines } else { 0 };
        fits
    };
    let mut room = Room::default();
    for (track, lines) in FIXED {
        // A master of worker processes has no loop of its own.
        let of_loop = matches!(track, Track::Loop | Track::Longest | Track::Ready);
        if (own_loop || !of_loop) && take(lines) {
            room.fixed.push(track);
        }
    }
    room.tall = 2;
    room.flags = take(1);
    while room.workers < workers && take(1) {
        room.workers += 1;
    }
    room.overview = take(1);
    let lives = usize::from(free).min(3);
    free -= lives as u16;
    if free >= 1 && own_loop {
        room.tall += 1;
        free -= 1;
    }
    if free >= 12 && own_loop {
        room.tall += 1;
        free -= 1;
    }
    room.lives = (lives + usize::from(free)).min(MAX_LIVES);
    room
}

/// Connections that are shown at most.
pub const MAX_LIVES: usize = 24;

/// The tracks of a scene for so many lines and columns.
pub fn shape(scene: &Scene<'_>, room: &Room, ruler: Ruler) -> Shape {
    let (look, trace, ui) = (scene.look, scene.trace, scene.ui);
    let cells = trace.cells();
    let chosen = |id: Track| ui.rows.track == Some(RowId::Track(id));
    let mut rows = Vec::new();
    if let Some(specimen) = scene.chosen().filter(|s| trace.is_of(s.id)) {
        let mut add = |id: Track, figure: String, high: u16, row: Vec<Cell>, labels: Vec<Label>| {
            rows.push(Row { id, name: name(id, look), figure, high, cells: row, labels, chosen: chosen(id) });
        };
        for id in ORDER.iter().copied().filter(|id| room.fixed.contains(id)) {
            match id {
                Track::Loop => {
                    add(id, percent(busy_share(cells)), room.tall, loop_cells(cells, trace, scene), labels(cells, trace, scene));
                }
                Track::Longest => {
                    let longest = cells.columns.iter().filter_map(|c| c.longest).map(|s| s.length()).max();
                    add(id, longest.map_or_else(String::new, |n| n.to_string()), 1, longest_cells(cells, scene), Vec::new());
                }
                Track::Ready => {
                    let most = cells.columns.iter().map(|c| c.ready).max().unwrap_or(0);
                    let row = known(cells, |c| if c.ready == 0 { Cell::Quiet } else { Cell::Dense(share(c.ready, most)) });
                    add(id, most_of(f64::from(most), look), 1, row, Vec::new());
                }
                Track::UnderWay => {
                    let most = cells.columns.iter().filter_map(|c| c.under_way).max();
                    let row = known(cells, |c| match c.under_way {
                        None => Cell::Blank,
                        Some(0) => Cell::Quiet,
                        Some(n) => Cell::Height(share(n, most.unwrap_or(0)), Role::Waiting),
                    });
                    add(id, most.map_or_else(String::new, |n| most_of(f64::from(n), look)), 1, row, Vec::new());
                }
                Track::Queue => {
                    let most = level_most(cells, |c| c.queue, |n| most_of(n as f64, look));
                    add(id, most, 1, levels(cells, |c| c.queue), Vec::new());
                }
                _ => add(id, level_most(cells, |c| c.unread, bytes), 1, levels(cells, |c| c.unread), Vec::new()),
            }
        }
        let processes = trace.loops().count();
        for (n, own) in trace.loops().enumerate().take(room.workers) {
            let labels = labels(own, trace, scene).into_iter().filter(|label| label.leans).collect();
            add(Track::Process(n as u8), percent(busy_share(own)), 1, loop_cells(own, trace, scene), labels);
        }
        if processes == 0 && room.workers > cells.workers {
            let most = cells.columns.iter().filter_map(|c| c.serving).max().unwrap_or(0);
            let row = known(cells, |c| match c.serving {
                None => Cell::Blank,
                Some(0) => Cell::Quiet,
                Some(n) => Cell::Height(share(n, most), Role::Worker),
            });
            add(Track::Threads, most_of(f64::from(most), look), 1, row, Vec::new());
        }
        for n in 0..room.workers.saturating_sub(processes).min(cells.workers) {
            let time: u64 = cells.columns.iter().map(|c| c.workers[n]).sum();
            let all = cells.until.since(cells.since.max(cells.grid.from)).0.max(1);
            let row = known(cells, |c| {
                let share = c.workers[n] as f32 / cells.grid.cell.0.max(1) as f32;
                if share > 0.0 { Cell::Height(share.min(1.0), Role::Worker) } else { Cell::Quiet }
            });
            add(Track::Worker(n as u8), percent(time as f64 / all as f64), 1, row, jobs(cells, n as u8, look));
        }
        for life in cells.lives.iter().take(room.lives) {
            let row: Vec<Cell> = life.cells.iter().enumerate().map(|(n, stay)| place_of(cells, n, stay)).collect();
            let labels = runs(&row, cells.grid.cell, look);
            let figure = specimen
                .connections
                .get(life.conn)
                .map_or_else(String::new, |c| look.fill("tracks.requests", &[("n", &count(f64::from(c.requests)))]));
            add(Track::Connection(life.conn), figure, 1, row, labels);
        }
    }
    let column = |at: Nanos| cells.grid.column(at).map(|n| n as u16);
    let mut flags = flags(cells, look);
    // Where the trigger struck stays in sight also for whoever has gone on from there.
    if let Some((strike, column)) = ui.strike.and_then(|strike| Some((strike, column(strike.at)?))) {
        let text = look.fill("trigger.struck", &[("what", &trigger::awaited(strike.armed.setting, look))]);
        let place = flags.partition_point(|flag| flag.column <= column);
        flags.insert(place, Flag { column, sign: '◈', role: Role::Alarm, text });
    }
    let cursor = ui.frozen.and_then(|_| column(ui.timebase.cursor()));
    Shape { rows, flags, cursor, marks: ui.timebase.marks.map(|mark| mark.and_then(column)), ruler }
}

/// What a track is called.
pub fn name(id: Track, look: Look<'_>) -> String {
    match id {
        Track::Loop => look.text("tracks.loop").into_owned(),
        Track::Longest => look.text("tracks.longest").into_owned(),
        Track::Ready => look.text("tracks.ready").into_owned(),
        Track::Threads => look.text("tracks.threads").into_owned(),
        Track::UnderWay => look.text("tracks.under_way").into_owned(),
        Track::Queue => look.text("tracks.queue").into_owned(),
        Track::Unread => look.text("tracks.unread").into_owned(),
        Track::Process(n) => look.fill("tracks.process", &[("n", &(u32::from(n) + 1).to_string())]),
        Track::Worker(n) => look.fill("tracks.worker", &[("n", &(u32::from(n) + 1).to_string())]),
        Track::Connection(conn) => look.fill("conn", &[("id", &conn.0.to_string())]),
    }
}

fn share(n: u32, most: u32) -> f32 {
    n as f32 / most.max(1) as f32
}

/// A share as people say it.
fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0995 { format!("{:.1} %", share * 100.0) } else { format!("{:.0} %", share * 100.0) }
}

fn most_of(n: f64, look: Look<'_>) -> String {
    if n == 0.0 {
        return "0".into();
    }
    look.fill("tracks.most", &[("n", &count(n))])
}

fn busy_share(cells: &Cells) -> f64 {
    let known: u64 = cells.columns.iter().map(Column::known).sum();
    let busy: u64 = cells.columns.iter().map(Column::busy).sum();
    busy as f64 / known.max(1) as f64
}

/// Whether a column lies in what is told: neither before what is kept nor after now.
fn is_told(cells: &Cells, n: usize) -> bool {
    let (from, to) = (cells.grid.start(n), cells.grid.start(n + 1));
    to > cells.since && from < cells.until
}

fn known(cells: &Cells, cell: impl Fn(&Column) -> Cell) -> Vec<Cell> {
    let one = |(n, column): (usize, &Column)| match column {
        _ if !is_told(cells, n) => Cell::Blank,
        column if column.gap => Cell::Gap,
        column => cell(column),
    };
    cells.columns.iter().enumerate().map(one).collect()
}

/// The stall that a callback was, if it was one.
fn stall_of<'a>(trace: &'a Trace, span: &Span) -> Option<&'a Stall> {
    trace.stalls().iter().find(|stall| stall.began == span.began)
}

fn loop_cells(cells: &Cells, trace: &Trace, scene: &Scene<'_>) -> Vec<Cell> {
    let (cell, threshold) = (cells.grid.cell.0.max(1), scene.world.stall_threshold);
    let mut last: Option<Span> = None;
    let one = |(n, column): (usize, &Column)| {
        let longest = column.longest;
        let other = last.is_some() && longest.map(|s| s.began) != last.map(|s| s.began);
        last = longest;
        if !is_told(cells, n) {
            return Cell::Blank;
        }
        if column.gap {
            return Cell::Gap;
        }
        let busy = column.busy();
        if let Some(span) = longest.filter(|s| s.length() >= threshold && busy * 2 >= cell) {
            let kind = stall_of(trace, &span).map_or(StallKind::Unknown, |stall| stall.kind);
            return Cell::Stall(kind, cells.grid.start(n + 1).since(span.began).as_secs() as f32);
        }
        if column.dead * 2 > cell {
            return Cell::Dead;
        }
        if column.held * 2 > cell {
            return Cell::Held;
        }
        if busy == 0 {
            return if column.known() == 0 { Cell::Blank } else { Cell::Quiet };
        }
        let most = (0..Cause::COUNT).max_by_key(|n| column.causes[*n]).unwrap_or(0);
        Cell::Busy(Cause::ALL[most], (busy as f32 / cell as f32).min(1.0), other)
    };
    cells.columns.iter().enumerate().map(one).collect()
}

/// The longest callback of each column, from a microsecond to a second in equal steps of magnitude.
fn longest_cells(cells: &Cells, scene: &Scene<'_>) -> Vec<Cell> {
    let threshold = scene.world.stall_threshold;
    known(cells, |column| match column.longest {
        None => Cell::Quiet,
        Some(span) => {
            let height = ((span.length().0.max(1) as f64 / 1e3).log10() / 6.0).clamp(0.05, 1.0);
            let role = match span.length() {
                n if n >= threshold => Role::Alarm,
                n if n.0 * 4 >= threshold.0 => Role::Warn,
                _ => Role::Title,
            };
            Cell::Height(height as f32, role)
        }
    })
}

fn levels(cells: &Cells, of: impl Fn(&Column) -> Option<Level>) -> Vec<Cell> {
    let most = cells.columns.iter().filter_map(&of).map(|level| level.value).max().unwrap_or(0).max(1);
    let one = |(n, column): (usize, &Column)| match of(column) {
        _ if !is_told(cells, n) => Cell::Blank,
        None => Cell::Blank,
        Some(Level { value: 0, .. }) => Cell::Quiet,
        Some(Level { value, sampled }) => {
            let height = (value as f64 / most as f64) as f32;
            if sampled { Cell::Height(height, Role::Poll) } else { Cell::Stands(height, Role::Poll) }
        }
    };
    cells.columns.iter().enumerate().map(one).collect()
}

fn level_most(cells: &Cells, of: impl Fn(&Column) -> Option<Level>, say: impl Fn(u64) -> String) -> String {
    cells.columns.iter().filter_map(of).map(|level| level.value).max().map_or_else(String::new, say)
}

fn place_of(cells: &Cells, n: usize, stay: &Stay) -> Cell {
    if !is_told(cells, n) {
        return Cell::Blank;
    }
    if cells.columns.get(n).is_some_and(|column| column.gap) {
        return Cell::Gap;
    }
    let total: u64 = stay.iter().sum();
    if total == 0 {
        return Cell::Blank;
    }
    let (running, cell) = (stay[Place::Running as usize], cells.grid.cell.0.max(1));
    // Whoever runs is seen, however long the others had waited in the same column.
    let most = if running * 4 >= total {
        Place::Running
    } else {
        Place::ALL.iter().copied().max_by_key(|p| stay[*p as usize]).unwrap_or(Place::Kernel)
    };
    Cell::At(most, (total as f32 / cell as f32).min(1.0))
}

/// What is written above the loop's track: each callback that is as long as a column, stalls with what they were, gaps.
fn labels(cells: &Cells, trace: &Trace, scene: &Scene<'_>) -> Vec<Label> {
    let look = scene.look;
    let last = cells.grid.columns.saturating_sub(1);
    let column = |at: Nanos| if at < cells.grid.from { 0 } else { cells.grid.column(at).unwrap_or(last) };
    let mut out: Vec<Label> = Vec::new();
    for span in &cells.spans {
        let stall = stall_of(trace, span);
        let what = words::callback(look.lang, span.cause, span.handler);
        let (length, conn) = (span.length().to_string(), words::conn(look.lang, span.conn));
        let kind = match stall.map(|s| s.kind) {
            Some(StallKind::Computing) => Some(look.text("stall.computing")),
            Some(StallKind::Parked) => Some(look.text("stall.parked")),
            _ => None,
        };
        let mut forms = Vec::new();
        if let Some(kind) = &kind {
            forms.push(format!("{what} · {conn} · {length} · {kind}"));
            forms.push(format!("{what} · {length} · {kind}"));
            forms.push(format!("{length} {kind}"));
        } else {
            forms.push(format!("{what} · {conn} · {length}"));
            forms.push(format!("{what} · {length}"));
        }
        forms.extend([format!("{what} {}", words::number(span.conn)), what.into_owned(), length, letter(span.cause).to_string()]);
        let role = if stall.is_some() { Role::Warn } else { cause_role(span.cause) };
        out.push(Label { from: column(span.began) as u16, to: column(span.ended) as u16, forms, role, leans: stall.is_some() });
    }
    let mut gap = None;
    for (n, told) in cells.columns.iter().map(|c| c.gap).chain([false]).enumerate() {
        match (told, gap) {
            (true, None) => gap = Some(n),
            (false, Some(from)) => {
                let text = look.text("tracks.gap").into_owned();
                out.push(Label { from: from as u16, to: n as u16 - 1, forms: vec![text, "?".into()], role: Role::Warn, leans: true });
                gap = None;
            }
            _ => {}
        }
    }
    out.sort_by_key(|label| label.from);
    out
}

fn jobs(cells: &Cells, worker: u8, look: Look<'_>) -> Vec<Label> {
    let last = cells.grid.columns.saturating_sub(1);
    let column = |at: Nanos| if at < cells.grid.from { 0 } else { cells.grid.column(at).unwrap_or(last) };
    let ours = cells.jobs.iter().filter(|(n, _)| *n == worker);
    let label = |(_, span): &(u8, Span)| {
        let what = words::callback(look.lang, span.cause, span.handler);
        let conn = look.fill("conn", &[("id", &span.conn.0.to_string())]);
        let forms = vec![format!("{what} · {conn} · {}", span.length()), format!("{what} · {conn}"), format!("{}", span.conn.0)];
        Label { from: column(span.began) as u16, to: column(span.ended) as u16, forms, role: Role::OnBurn, leans: false }
    };
    ours.map(label).collect()
}

/// Where a connection stayed for many columns at one place, it says so.
fn runs(row: &[Cell], cell: Nanos, look: Look<'_>) -> Vec<Label> {
    let mut out = Vec::new();
    let mut from = 0;
    let place = |n: usize| match row.get(n) {
        Some(Cell::At(place, share)) if *share > 0.5 => Some(*place),
        _ => None,
    };
    for n in 1..=row.len() {
        if n < row.len() && place(n) == place(from) {
            continue;
        }
        if let Some(at) = place(from) {
            let length = Nanos(cell.0 * (n - from) as u64).to_string();
            let word = look.text(place_name(at));
            let forms = vec![format!(" {word} · {length} "), format!(" {word} "), format!(" {length} ")];
            out.push(Label { from: from as u16, to: n as u16 - 1, forms, role: Role::Text, leans: false });
        }
        from = n;
    }
    out
}

/// The key of a place's name.
const fn place_name(place: Place) -> &'static str {
    match place {
        Place::Kernel => "tracks.in_kernel",
        Place::Ready => "tracks.is_ready",
        Place::Running => "tracks.runs",
        Place::Pending => "tracks.pending",
        Place::Writing => "tracks.writing",
    }
}

/// The letter that stands for a kind of callback where there is no room for more.
const fn letter(cause: Cause) -> char {
    match cause {
        Cause::Accept => 'a',
        Cause::Readable => 'r',
        Cause::Writable => 'w',
        Cause::Timer => 't',
        Cause::Task => 'k',
        Cause::Completion => 'c',
    }
}

/// The colour of a kind of callback.
const fn cause_role(cause: Cause) -> Role {
    match cause {
        Cause::Accept => Role::CodeKeyword,
        Cause::Readable => Role::Dispatch,
        Cause::Writable => Role::CodeCall,
        Cause::Timer => Role::Timers,
        Cause::Task => Role::Tasks,
        Cause::Completion => Role::Hand,
    }
}

fn flags(cells: &Cells, look: Look<'_>) -> Vec<Flag> {
    let flag = |(at, what): (Nanos, What)| {
        let (sign, role, text) = match what {
            What::FaultAsked { fault, .. } => ('▽', Role::Warn, look.fill("tracks.asked", &[("fault", &words::fault(look.lang, fault))])),
            What::Struck { fault, .. } | What::Faulted { fault, on: 1.. } => {
                ('▼', Role::Alarm, words::fault(look.lang, fault).into_owned())
            }
            What::Faulted { fault, on: 0 } => ('△', Role::Good, look.fill("tracks.off", &[("what", &words::fault(look.lang, fault))])),
            What::Mitigated { mitigation, on: 1.. } => ('◆', Role::Accent, words::mitigation(look.lang, mitigation).into_owned()),
            What::Mitigated { mitigation, on: 0 } => {
                ('◇', Role::Dim, look.fill("tracks.off", &[("what", &words::mitigation(look.lang, mitigation))]))
            }
            What::Died { .. } => ('✕', Role::Alarm, look.text("tracks.died").into_owned()),
            What::WatchdogKilled { .. } => ('✕', Role::Alarm, look.text("tracks.watchdog").into_owned()),
            What::Spawned { .. } => ('◎', Role::Good, look.text("tracks.spawned").into_owned()),
            What::Lost { events, .. } => ('╌', Role::Warn, look.fill("tracks.lost", &[("n", &count(f64::from(events)))])),
            What::Unwatched { .. } => ('╌', Role::Warn, look.text("tracks.unwatched").into_owned()),
            What::Caught { .. } => ('◠', Role::Warn, look.text("tracks.caught").into_owned()),
            What::Marked { .. } => ('⚑', Role::Strong, look.text("tracks.marked").into_owned()),
            _ => return None,
        };
        Some(Flag { column: cells.grid.column(at)? as u16, sign, role, text })
    };
    cells.markers.iter().filter_map(|m| flag((m.at, m.what))).collect()
}
