//! The open connections as a table, and one of them in full: where it is in its exchange, what it waits for, and since when.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::ids::ConnId;
use crate::base::lang::Lang;
use crate::base::units::{Nanos, bytes, count};
use crate::command::Command;
use crate::scope::pen::{Pen, Targets};
use crate::scope::rows::{self, Order, RowId, Rows, Shown};
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::telemetry::event::Readiness;
use crate::world::{Connection, Specimen, Stage};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The client: its next request.
    Client,
    /// The loop: its client has sent, and the loop has not looked.
    Loop,
    /// The client: the rest of its request.
    Rest,
    /// Its turn: it is reported ready, and other callbacks come first.
    Turn,
    /// Nothing: its callback runs.
    Nothing,
    /// A timer, a worker or a task.
    Work,
    /// The client to take what is written.
    Room,
}

impl Waits {
    /// The key of its name.
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "waits.client",
            Self::Loop => "waits.loop",
            Self::Rest => "waits.rest",
            Self::Turn => "waits.turn",
            Self::Nothing => "waits.nothing",
            Self::Work => "waits.work",
            Self::Room => "waits.room",
        }
    }

    /// Its colour.
    const fn role(self) -> Role {
        match self {
            Self::Client => Role::Dim,
            Self::Loop | Self::Turn => Role::Warn,
            Self::Nothing => Role::Dispatch,
            Self::Rest | Self::Work | Self::Room => Role::Text,
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The connection.
    pub connection: Connection,
    /// Of which worker process, counted from 0, where there are such.
    pub process: Option<u8>,
    /// What it waits for.
    pub waits: Waits,
    /// For how long it has.
    pub waited: Nanos,
    /// How long it has been open.
    pub age: Nanos,
}

impl Row {
    fn of(connection: &Connection, process: Option<u8>, specimen: &Specimen, now: Nanos) -> Self {
        let sent = specimen.clients.waits_since(connection.port).filter(|sent| *sent >= connection.opened || connection.unread > 0);
        let (waits, since) = match connection.stage {
            // What was sent since it became idle is for the loop to fetch; an older one is what was just answered.
            Stage::Idle if connection.unread > 0 || sent.is_some_and(|sent| sent >= connection.since) => {
                (Waits::Loop, sent.unwrap_or(connection.since).max(connection.since))
            }
            Stage::Idle => (Waits::Client, connection.since),
            Stage::Reading => (Waits::Rest, connection.since),
            Stage::Ready => (Waits::Turn, connection.since),
            Stage::Running => (Waits::Nothing, connection.since),
            Stage::Pending => (Waits::Work, connection.since),
            Stage::Writing => (Waits::Room, connection.since),
        };
        Self { connection: *connection, process, waits, waited: now.since(since), age: now.since(connection.opened) }
    }

    /// What it is about.
    pub fn id(&self) -> RowId {
        row_id(self.process, self.connection.id)
    }

    /// How long it has waited for us, where it does.
    fn ours(&self) -> Nanos {
        if matches!(self.waits, Waits::Client | Waits::Rest) { Nanos::ZERO } else { self.waited }
    }
}

fn row_id(process: Option<u8>, conn: ConnId) -> RowId {
    process.map_or(RowId::Connection(conn), |n| RowId::OfWorker(n, conn))
}

/// What a connection is called in the table: its number, behind that of its worker process where there are such.
fn label(process: Option<u8>, conn: ConnId) -> String {
    process.map_or_else(|| conn.0.to_string(), |n| format!("{}/{}", u32::from(n) + 1, conn.0))
}

/// What the chosen row is called, if it is a connection.
pub fn chosen(rows: &Rows) -> Option<String> {
    match rows.connection? {
        RowId::Connection(conn) => Some(label(None, conn)),
        RowId::OfWorker(n, conn) => Some(label(Some(n), conn)),
        _ => None,
    }
}

/// The connection that a row is about.
fn connection_of(specimen: &Specimen, row: RowId) -> Option<(&Connection, Option<u8>)> {
    match row {
        RowId::Connection(conn) => Some((specimen.connections.get(conn)?, None)),
        RowId::OfWorker(n, conn) => Some((specimen.processes.get(usize::from(n))?.connections.get(conn)?, Some(n))),
        _ => None,
    }
}

/// All open connections of a specimen, each with its worker process where there are such.
fn all_of(specimen: &Specimen) -> impl Iterator<Item = (&Connection, Option<u8>)> {
    let is_master = !specimen.processes.is_empty();
    specimen.loops().enumerate().flat_map(move |(n, own)| {
        let process = if is_master { u8::try_from(n).ok() } else { None };
        own.connections.iter().map(move |connection| (connection, process))
    })
}

/// The table as data: what is in sight of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Rows in sight.
    pub rows: Vec<Row>,
    /// Which of them is chosen.
    pub chosen: Option<usize>,
    /// Rows above those in sight, and rows in all.
    pub place: (usize, usize),
    /// In which order.
    pub order: Order,
    /// Whether only some are looked for.
    pub filtered: bool,
    /// For keys and clicks.
    pub shown: Shown,
}

/// The key of an order's name.
pub const fn order(order: Order) -> &'static str {
    match order {
        Order::Id => "connections.id",
        Order::Age => "connections.age",
        Order::Unread => "connections.unread",
        Order::Requests => "connections.requests",
        Order::Waiting => "connections.waiting",
    }
}

/// What a connection is sorted by, and which it is: among equals the lowest number stands first.
type Entry = (u64, Reverse<(Option<u8>, ConnId)>);

/// The connections of a specimen for a table of so many rows.
pub fn shape(specimen: &Specimen, now: Nanos, rows: &Rows, high: usize) -> Shape {
    let mut all: Vec<Entry> = Vec::with_capacity(specimen.open_connections() as usize);
    let sought: Vec<String> = rows.filter.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
    for (connection, process) in all_of(specimen) {
        if !sought.is_empty() && !found(&Row::of(connection, process, specimen, now), &sought) {
            continue;
        }
        let figure = match rows.order {
            Order::Id => 0,
            Order::Age => now.since(connection.opened).0,
            Order::Unread => u64::from(connection.unread),
            Order::Requests => u64::from(connection.requests),
            Order::Waiting => Row::of(connection, process, specimen, now).ours().0,
        };
        all.push((figure, Reverse((process, connection.id))));
    }
    // The greatest figure first, and among equals the lowest number.
    all.sort_unstable_by(|a, b| b.cmp(a));
    let id = |entry: &Entry| row_id(entry.1.0.0, entry.1.0.1);
    let chosen = all.iter().position(|entry| rows.connection == Some(id(entry)));
    let offset = rows::offset(chosen, all.len(), high);
    let in_sight = all.iter().skip(offset).take(high).filter_map(|entry| connection_of(specimen, id(entry)));
    Shape {
        rows: in_sight.map(|(connection, process)| Row::of(connection, process, specimen, now)).collect(),
        chosen: chosen.map(|at| at - offset),
        place: (offset, all.len()),
        order: rows.order,
        filtered: !sought.is_empty(),
        shown: rows::shown(all.iter().map(id), offset, high),
    }
}

/// Whether a connection has all the words that are sought: in its figures, or in what it does and waits for, in any language.
fn found(row: &Row, sought: &[String]) -> bool {
    let c = &row.connection;
    let figures = [label(row.process, c.id), c.fd.to_string(), c.port.to_string()];
    let said = Lang::ALL.iter().flat_map(|lang| [stage(c.stage), row.waits.name()].map(|key| words::text(*lang, key).to_lowercase()));
    let all: Vec<String> = figures.into_iter().chain(said).collect();
    sought.iter().all(|word| all.iter().any(|text| text.contains(word)))
}

/// The key of a stage's name.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Idle => "stage.idle",
        Stage::Reading => "stage.reading",
        Stage::Ready => "stage.ready",
        Stage::Running => "stage.running",
        Stage::Pending => "stage.pending",
        Stage::Writing => "stage.writing",
    }
}

/// The key of the word for what the loop wants to hear of.
fn interest(readiness: Readiness) -> &'static str {
    match (readiness.has(Readiness::READABLE), readiness.has(Readiness::WRITABLE)) {
        (true, true) => "interest.both",
        (true, false) => "interest.read",
        (false, true) => "interest.write",
        (false, false) => "interest.none",
    }
}

/// One column: the key of its heading, its width, how soon it is left out where room is short (the highest first), whether figures stand
/// at its right, and the order that it shows.
type Column = (&'static str, u16, u8, bool, Option<Order>);

/// The columns; the last takes the room that is left.
const COLUMNS: &[Column] = &[
    ("connections.id", 6, 0, true, Some(Order::Id)),
    ("connections.fd", 5, 4, true, None),
    ("connections.peer", 5, 3, true, None),
    ("connections.state", 8, 0, false, None),
    ("connections.interest", 8, 6, false, None),
    ("connections.unread", 8, 1, true, Some(Order::Unread)),
    ("connections.unsent", 8, 5, true, None),
    ("connections.requests", 8, 2, true, Some(Order::Requests)),
    ("connections.age", 8, 2, true, Some(Order::Age)),
];
/// Columns that the last one has at least: what it waits for, and for how long.
const WAITS: u16 = 29;
/// Columns for how long.
const WAITED: u16 = 8;

/// The table, ready to be drawn.
pub struct Table<'a> {
    /// What.
    pub shape: &'a Shape,
    /// How.
    pub look: Look<'a>,
}

impl Table<'_> {
    fn heading(&self, column: &Column) -> String {
        let sign = if column.4 == Some(self.shape.order) { "▾" } else { "" };
        format!("{}{sign}", self.look.text(column.0))
    }

    /// The columns that there is room for, each as wide as its heading needs.
    fn columns(&self, room: u16) -> Vec<(&'static Column, u16)> {
        let wide = |column: &Column| column.1.max((width(&self.look.text(column.0)) + 1) as u16);
        let mut columns: Vec<_> = COLUMNS.iter().map(|column| (column, wide(column))).collect();
        while 2 + WAITS + columns.iter().map(|(_, wide)| wide + 1).sum::<u16>() > room {
            let Some(least) = columns.iter().map(|(column, _)| column.2).max().filter(|n| *n > 0) else { break };
            columns.retain(|(column, _)| column.2 != least);
        }
        columns
    }

    fn cell(&self, column: &Column, row: &Row) -> (String, Role) {
        let c = &row.connection;
        let quantity = |n: u32, role| if n == 0 { ("–".to_owned(), Role::Faint) } else { (bytes(u64::from(n)), role) };
        match column.0 {
            "connections.id" => (label(row.process, c.id), Role::Strong),
            "connections.fd" => (c.fd.to_string(), Role::Text),
            "connections.peer" => (c.port.to_string(), Role::Text),
            "connections.state" => (self.look.text(stage(c.stage)).into_owned(), Role::Text),
            "connections.interest" => (self.look.text(interest(c.interest)).into_owned(), Role::Dim),
            "connections.unread" => quantity(c.unread, Role::Warn),
            "connections.unsent" => quantity(c.unsent, Role::Warn),
            "connections.requests" => (count(f64::from(c.requests)), Role::Text),
            _ => (row.age.to_string(), Role::Dim),
        }
    }

    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        if area.is_empty() {
            return;
        }
        if self.shape.place.1 == 0 {
            let key = if self.shape.filtered { "connections.none_found" } else { "connections.empty" };
            pen.message(&look.text(key), look.style(Role::Dim));
            return;
        }
        let columns = self.columns(area.width);
        let mut x = area.x + 2;
        for (column, wide) in &columns {
            let sorted = column.4 == Some(self.shape.order);
            let style = look.style(if sorted { Role::Accent } else { Role::Dim });
            let text = self.heading(column);
            if column.3 {
                pen.within(Rect { x, width: *wide, ..area }).text_right(x + wide, area.y, &text, style);
            } else {
                pen.text_until(x, area.y, x + wide, &text, style);
            }
            x += wide + 1;
        }
        let mut heading = look.text("connections.waits").into_owned();
        if self.shape.order == Order::Waiting {
            heading.push('▾');
        }
        let style = look.style(if self.shape.order == Order::Waiting { Role::Accent } else { Role::Dim });
        pen.text(x, area.y, &heading, style);
        targets.add(Rect { height: 1, ..area }, Command::NextOrder);
        for (n, row) in self.shape.rows.iter().enumerate() {
            let y = area.y + 1 + n as u16;
            if y >= area.bottom() {
                break;
            }
            self.row(&mut pen, y, row, &columns, self.shape.chosen == Some(n));
            if let Ok(n) = u8::try_from(n) {
                targets.add(Rect { y, height: 1, ..area }, Command::Pick(n));
            }
        }
    }

    fn row(&self, pen: &mut Pen<'_>, y: u16, row: &Row, columns: &[(&Column, u16)], chosen: bool) {
        let (area, look) = (pen.area, self.look);
        if chosen {
            pen.fill(Rect { y, height: 1, ..area }, ' ', look.style(Role::Chosen));
            pen.text(area.x, y, "▸", look.style(Role::Chosen));
        }
        let style = |role| if chosen { look.style(Role::Chosen) } else { look.style(role) };
        let mut x = area.x + 2;
        for (column, wide) in columns {
            let (text, role) = self.cell(column, row);
            let text = clip(&text, usize::from(*wide));
            if column.3 {
                pen.text_right(x + wide, y, &text, style(role));
            } else {
                pen.text_until(x, y, x + wide, &text, style(role));
            }
            x += wide + 1;
        }
        let what = look.text(row.waits.name());
        let end = area.right().min(x + 40);
        let what = clip(&what, usize::from(end.saturating_sub(x + WAITED + 1)));
        pen.text_until(x, y, end, &what, style(row.waits.role()));
        pen.text_right(end, y, &row.waited.to_string(), style(row.waits.role()));
    }
}

impl Widget for &Table<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

/// Draws the chosen connection in full, or what to do to choose one.
pub fn details(specimen: &Specimen, now: Nanos, rows: &Rows, look: Look<'_>, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let Some((chosen, name)) = rows.connection.zip(chosen(rows)) else {
        pen.message(&look.keyed("connections.choose"), look.style(Role::Dim));
        return;
    };
    let Some((connection, process)) = connection_of(specimen, chosen) else {
        pen.message(&look.fill("connections.gone", &[("id", &name)]), look.style(Role::Dim));
        return;
    };
    let row = Row::of(connection, process, specimen, now);
    let waits = format!("{} · {}", look.text(row.waits.name()), row.waited);
    let handler = connection.handler.map_or("–", |handler| handler.name());
    let pairs = [
        ("connections.state", look.text(stage(connection.stage)).into_owned(), Role::Strong),
        ("connections.waits", waits, row.waits.role()),
        ("connections.fd", connection.fd.to_string(), Role::Text),
        ("connections.peer", connection.port.to_string(), Role::Text),
        ("connections.interest", look.text(interest(connection.interest)).into_owned(), Role::Text),
        ("connections.unread", bytes(u64::from(connection.unread)), Role::Text),
        ("connections.unsent", bytes(u64::from(connection.unsent)), Role::Text),
        ("connections.requests", connection.requests.to_string(), Role::Text),
        ("connections.handler", handler.to_owned(), Role::Text),
        ("connections.bytes_in", bytes(connection.bytes_in), Role::Text),
        ("connections.bytes_out", bytes(connection.bytes_out), Role::Text),
        ("connections.age", row.age.to_string(), Role::Text),
    ];
    let area = pen.area;
    let (mut x, mut y) = (area.x, area.y);
    for (label, value, role) in pairs {
        let label = look.text(label);
        let wide = (width(&label) + 1 + width(&value)) as u16;
        if x > area.x && x + wide > area.right() {
            (x, y) = (area.x, y + 1);
        }
        let at = pen.text(x, y, &label, look.style(Role::Dim)) + 1;
        pen.text(at, y, &value, look.style(role));
        x = x.saturating_add(wide + 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    fn of(order: Order) -> Shape {
        let world = Story::new(&["naive"]).calm(Nanos::secs(2)).hang(Nanos::millis(700)).world();
        let rows = Rows { order, connection: Some(RowId::Connection(ConnId(20))), ..Rows::default() };
        shape(&world.specimens[0], world.now, &rows, 200)
    }

    #[test]
    fn every_order_has_all_connections_and_keeps_the_chosen_one() {
        for order in Order::ALL {
            let shape = of(*order);
            assert_eq!(shape.place, (0, 64));
            assert_eq!(shape.rows[shape.chosen.unwrap()].connection.id, ConnId(20), "{order:?}");
        }
    }

    #[test]
    fn connections_are_found_by_figures_and_words_of_every_language() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(2)).hang(Nanos::millis(700)).world();
        let specimen = &world.specimens[0];
        let found = |sought: &str| {
            let mut rows = Rows::default();
            rows.filter.set(sought);
            shape(specimen, world.now, &rows, 200).rows
        };
        let all = specimen.connections.iter().count();
        let one = specimen.connections.get(ConnId(20)).unwrap();
        assert_eq!(found(&one.port.to_string()).iter().map(|row| row.connection.id).collect::<Vec<_>>(), [ConnId(20)]);
        let running = found("running");
        assert_eq!((running.len(), running[0].waits), (1, Waits::Nothing));
        assert_eq!(found("运行中"), running);
        let waiting = found("Loop look").len();
        assert!(waiting > 40 && waiting < all, "{waiting} of {all}");
        assert!(found("idle").iter().all(|row| row.connection.stage == Stage::Idle));
        assert_eq!((found("no such thing").len(), found(" ").len()), (0, all));
    }

    #[test]
    fn connections_of_all_worker_processes_stand_in_one_table() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(1)).world();
        let mut master = world.specimens[0].clone();
        let worker = |n: u8| {
            let mut own = world.specimens[0].clone();
            own.connections.process = Some(n);
            own
        };
        master.processes = vec![worker(0), worker(1)];
        master.connections = crate::world::Connections::default();
        let mut rows = Rows { connection: Some(RowId::OfWorker(1, ConnId(20))), ..Rows::default() };
        let all = shape(&master, world.now, &rows, 200);
        let row = all.rows[all.chosen.unwrap()];
        assert_eq!((all.place, row.process, row.connection.id), ((0, 128), Some(1), ConnId(20)));
        assert_eq!(chosen(&rows).as_deref(), Some("2/20"));
        rows.filter.set("2/20");
        let found = shape(&master, world.now, &rows, 200);
        assert_eq!(found.rows.iter().map(Row::id).collect::<Vec<_>>(), [RowId::OfWorker(1, ConnId(20))]);
        rows.connection = Some(RowId::OfWorker(7, ConnId(20)));
        assert!(shape(&master, world.now, &rows, 200).chosen.is_none());
    }

    #[test]
    fn rows_stand_in_their_order() {
        let falls = |figures: Vec<u64>| figures.windows(2).all(|pair| pair[0] >= pair[1]);
        assert!(falls(of(Order::Age).rows.iter().map(|row| row.age.0).collect()));
        assert!(falls(of(Order::Unread).rows.iter().map(|row| u64::from(row.connection.unread)).collect()));
        assert!(falls(of(Order::Requests).rows.iter().map(|row| u64::from(row.connection.requests)).collect()));
        assert!(falls(of(Order::Waiting).rows.iter().map(|row| row.ours().0).collect()));
        assert!(falls(of(Order::Id).rows.iter().map(|row| u64::from(u32::MAX - row.connection.id.0)).collect()));
    }

    #[test]
    fn while_the_loop_is_stuck_one_runs_and_the_others_wait_for_the_loop() {
        let rows = of(Order::Waiting).rows;
        let those = |waits: Waits| rows.iter().filter(|row| row.waits == waits).count();
        assert_eq!(those(Waits::Nothing), 1);
        assert!(those(Waits::Loop) + those(Waits::Turn) > 55, "{}", those(Waits::Loop));
        assert!(rows.iter().filter(|row| row.waits == Waits::Loop).all(|row| row.waited <= Nanos::millis(760)));
    }
}
