//! From events to columns. It begins with a specimen as it was at one moment, and goes on event by event.
//!
//! Each producer's time is accounted for on its own, so an event of another ring that comes a little late spoils nothing.

use super::cells::{Cells, Column, Level, Place, Span};
use super::scores::Scores;
use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, What};
use crate::telemetry::vocabulary::{Cause, Handler, Outcome, Phase};
use crate::world::{MAX_WORKERS, Specimen, Stage};

/// The ring number of the loop in [`What::Lost`].
const LOOP_RING: u32 = 0;

/// What the loop does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    /// It has not said anything yet.
    Nothing,
    /// What it said was lost.
    Lost,
    /// It has no process.
    Dead,
    Polling,
    Between,
    Held,
    Callback(Span),
}

/// A connection that is followed.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is true on its own; where it is follows from all of them")]
struct Follow {
    conn: ConnId,
    client: Option<ClientId>,
    port: Option<u16>,
    sent: bool,
    ready: bool,
    running: bool,
    pending: bool,
    writing: bool,
    spent: Nanos,
}

impl Follow {
    fn place(&self) -> Option<Place> {
        match self {
            Self { running: true, .. } => Some(Place::Running),
            Self { ready: true, .. } => Some(Place::Ready),
            Self { pending: true, .. } => Some(Place::Pending),
            Self { writing: true, .. } => Some(Place::Writing),
            Self { sent: true, .. } => Some(Place::Kernel),
            _ => None,
        }
    }

    fn pass(&mut self, at: Nanos, n: usize, cells: &mut Cells) {
        if let Some(place) = self.place() {
            let life = &mut cells.lives[n].cells;
            cells.grid.each(self.spent, at, |column, ns| life[column][place as usize] += ns);
        }
        self.spent = self.spent.max(at);
    }
}

/// What has been read so far.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    doing: Doing,
    /// Up to when the loop's time is accounted for.
    spent: Nanos,
    threshold: Nanos,
    ready: (u32, Nanos),
    /// Requests on threads of their own, and since when so many.
    serving: (u32, Nanos),
    in_flight: u32,
    due: u32,
    load_spent: Nanos,
    workers: [Option<Span>; MAX_WORKERS],
    queue: Option<(u64, Nanos)>,
    unread: Option<(u64, Nanos)>,
    follow: Vec<Follow>,
}

impl Reader {
    /// At a moment, with a specimen as it was then.
    pub fn start(specimen: &Specimen, threshold: Nanos, at: Nanos, follow: &[ConnId], cells: &mut Cells) -> Self {
        let reactor = &specimen.reactor;
        let doing = match (&reactor.running, reactor.doing()) {
            _ if !specimen.is_alive() => Doing::Dead,
            (Some(r), _) => Doing::Callback(Span {
                began: r.since,
                ended: r.since,
                ongoing: true,
                cause: r.cause,
                conn: r.conn,
                handler: r.handler,
                fault: r.fault,
            }),
            (_, super::super::strip::Doing::Nothing) => Doing::Nothing,
            _ if reactor.held => Doing::Held,
            _ if reactor.phase == Phase::Poll => Doing::Polling,
            _ => Doing::Between,
        };
        let workers = std::array::from_fn(|n| {
            let (conn, handler, since) = specimen.workers.get(n)?.job?;
            Some(job(conn, handler, since))
        });
        cells.workers = specimen.workers.len();
        let follow = follow.iter().map(|conn| {
            let known = specimen.connections.get(*conn);
            let port = known.map(|c| c.port);
            let stage = known.map(|c| c.stage);
            Follow {
                conn: *conn,
                client: port.and_then(|port| specimen.clients.client_at(port)),
                port,
                sent: port.is_some_and(|port| specimen.clients.waits_since(port).is_some()),
                ready: stage == Some(Stage::Ready),
                running: stage == Some(Stage::Running),
                pending: stage == Some(Stage::Pending),
                writing: stage == Some(Stage::Writing),
                spent: at,
            }
        });
        let queue = specimen.kernel.accept_queue.map(|(length, _)| (u64::from(length), at));
        let unread = specimen.kernel.unread.map(|(bytes, _)| (bytes, at));
        let mut reader = Self {
            doing,
            spent: at,
            threshold,
            ready: (reactor.ready_count as u32, at),
            serving: (specimen.threads.serving(), at),
            in_flight: specimen.clients.in_flight,
            due: specimen.clients.backlog,
            load_spent: at,
            workers,
            queue,
            unread,
            follow: follow.collect(),
        };
        reader.under_way(at, cells);
        reader
    }

    /// The callback that runs, if one does.
    pub fn running(&self) -> Option<Span> {
        match self.doing {
            Doing::Callback(span) => Some(span),
            _ => None,
        }
    }

    /// One more event of this specimen.
    #[inline]
    pub fn read(&mut self, event: &Event, cells: &mut Cells, scores: &mut Scores) {
        let at = event.at;
        match event.from.lane {
            Lane::Loop => self.of_loop(at, event.what, cells, scores),
            Lane::Load => self.of_load(at, event.what, cells, scores),
            Lane::Worker(n) => self.of_worker(at, n, event.what, cells),
            Lane::Kernel => self.of_kernel(at, event.what, cells),
            Lane::Lab => self.of_lab(at, event.what, cells, scores),
            Lane::Threads(_) => self.of_thread(at, event.what, cells, scores),
            // Their loops, and the connections of each, are read on their own.
            Lane::Process(..) => {}
        }
    }

    #[inline]
    fn of_loop(&mut self, at: Nanos, what: What, cells: &mut Cells, scores: &mut Scores) {
        if self.doing == Doing::Dead {
            return; // Written before its end, read after it.
        }
        match what {
            What::Entered { phase, .. } => {
                self.turn(at, if phase == Phase::Poll { Doing::Polling } else { Doing::Between }, cells, scores);
                if phase == Phase::Poll {
                    self.none_ready(at, cells);
                }
            }
            What::Rested {} => self.turn(at, Doing::Between, cells, scores),
            What::Gated { held } => self.turn(at, if held == 0 { Doing::Between } else { Doing::Held }, cells, scores),
            What::Began { conn, cause } => {
                let span = Span { began: at, ended: at, ongoing: true, cause, conn, handler: None, fault: None };
                self.turn(at, Doing::Callback(span), cells, scores);
                if let Some(column) = column(cells, at) {
                    column.callbacks += 1;
                }
                if matches!(cause, Cause::Accept | Cause::Readable | Cause::Writable) {
                    self.ready_is(at, self.ready.0.saturating_sub(1), cells);
                }
                self.of(conn, at, cells, |f| {
                    f.running = true;
                    f.ready = false;
                    f.writing &= cause != Cause::Writable;
                    f.pending &= !matches!(cause, Cause::Timer | Cause::Task | Cause::Completion);
                });
            }
            What::Ready { conn, .. } => {
                self.ready_is(at, self.ready.0 + 1, cells);
                self.of(conn, at, cells, |f| f.ready = true);
            }
            What::Requested { conn, handler } => {
                if let Doing::Callback(span) = &mut self.doing
                    && span.conn == conn
                {
                    span.handler = Some(handler);
                }
                if let Some(column) = column(cells, at) {
                    column.requests += 1;
                }
            }
            What::Responded { conn, .. } => self.of(conn, at, cells, |f| (f.sent, f.pending) = (false, false)),
            What::Blocked { conn, unsent } => self.of(conn, at, cells, |f| f.writing = unsent > 0),
            What::TimerSet { conn, .. } | What::Asked { conn } | What::TaskQueued { conn, .. } | What::JobQueued { conn, .. } => {
                self.of(conn, at, cells, |f| f.pending = true);
            }
            What::Opened { conn, port_fd: (port, _) } => self.of(conn, at, cells, |f| f.port = Some(port)),
            What::Closed { conn, .. } => {
                self.of(conn, at, cells, |f| (f.sent, f.ready, f.pending, f.writing) = (false, false, false, false));
            }
            What::Struck { conn, fault } => {
                if let Doing::Callback(span) = &mut self.doing
                    && span.conn == conn
                {
                    span.fault = Some(fault);
                }
                cells.marker(at, what);
            }
            What::Faulted { .. } | What::Mitigated { .. } | What::Caught { .. } => cells.marker(at, what),
            _ => {}
        }
    }

    /// The loop goes over to something else.
    #[inline]
    fn turn(&mut self, at: Nanos, to: Doing, cells: &mut Cells, scores: &mut Scores) {
        self.pass_loop(at, cells);
        if let Doing::Callback(mut span) = std::mem::replace(&mut self.doing, to) {
            span.ended = at.max(span.began);
            span.ongoing = false;
            cells.span(span);
            self.of(span.conn, at, cells, |f| f.running = false);
            scores.ran(&span);
        }
    }

    fn pass_loop(&mut self, at: Nanos, cells: &mut Cells) {
        let (grid, columns) = (cells.grid, &mut cells.columns);
        match self.doing {
            Doing::Nothing => {}
            Doing::Lost => grid.each(self.spent, at, |n, _| columns[n].gap = true),
            Doing::Dead => grid.each(self.spent, at, |n, ns| columns[n].dead += ns),
            Doing::Polling => grid.each(self.spent, at, |n, ns| columns[n].polling += ns),
            Doing::Between => grid.each(self.spent, at, |n, ns| columns[n].between += ns),
            Doing::Held => grid.each(self.spent, at, |n, ns| columns[n].held += ns),
            Doing::Callback(span) => grid.each(self.spent, at, |n, ns| columns[n].causes[span.cause as usize] += ns),
        }
        self.spent = self.spent.max(at);
    }

    /// So many are ready from here.
    #[inline]
    fn ready_is(&mut self, at: Nanos, count: u32, cells: &mut Cells) {
        let (before, since) = std::mem::replace(&mut self.ready, (count, at));
        if before > 0 {
            let columns = &mut cells.columns;
            cells.grid.each(since, at, |n, _| columns[n].ready = columns[n].ready.max(before));
        }
        if let Some(column) = column(cells, at) {
            column.ready = column.ready.max(count);
        }
    }

    /// The ready list has been worked off: whatever was in it is in it no more.
    fn none_ready(&mut self, at: Nanos, cells: &mut Cells) {
        if self.ready.0 > 0 {
            self.ready_is(at, 0, cells);
        }
        for (n, follow) in self.follow.iter_mut().enumerate().filter(|(_, f)| f.ready) {
            follow.pass(at, n, cells);
            follow.ready = false;
        }
    }

    #[inline]
    fn of(&mut self, conn: ConnId, at: Nanos, cells: &mut Cells, change: impl FnOnce(&mut Follow)) {
        if let Some(n) = self.follow.iter().position(|f| f.conn == conn) {
            self.follow[n].pass(at, n, cells);
            change(&mut self.follow[n]);
        }
    }

    fn of_client(&mut self, client: ClientId, at: Nanos, cells: &mut Cells, sent: bool) {
        if let Some(n) = self.follow.iter().position(|f| f.client == Some(client)) {
            self.follow[n].pass(at, n, cells);
            self.follow[n].sent = sent;
        }
    }

    #[inline]
    fn of_load(&mut self, at: Nanos, what: What, cells: &mut Cells, scores: &mut Scores) {
        match what {
            What::Sent { client, .. } => {
                self.pass_load(at, cells);
                self.in_flight += 1;
                scores.sent(client, at);
                self.under_way(at, cells);
                self.of_client(client, at, cells, true);
            }
            What::Finished { client, outcome: (outcome, _) } => {
                self.pass_load(at, cells);
                self.in_flight = self.in_flight.saturating_sub(1);
                scores.finished(client, at);
                if matches!(outcome, Outcome::Answered | Outcome::ErrorStatus)
                    && let Some(column) = column(cells, at)
                {
                    column.answered += 1;
                }
                self.of_client(client, at, cells, false);
            }
            What::Backlog { due, in_flight } => {
                self.pass_load(at, cells);
                (self.due, self.in_flight) = (due, in_flight);
                self.under_way(at, cells);
            }
            What::Connected { client, port } => {
                for follow in self.follow.iter_mut().filter(|f| f.port.map(u32::from) == Some(port)) {
                    follow.client = Some(client);
                }
            }
            _ => {}
        }
    }

    fn pass_load(&mut self, at: Nanos, cells: &mut Cells) {
        let count = self.in_flight.saturating_add(self.due);
        let columns = &mut cells.columns;
        cells.grid.each(self.load_spent, at, |n, _| columns[n].under_way = columns[n].under_way.max(Some(count)));
        self.load_spent = self.load_spent.max(at);
    }

    #[inline]
    fn under_way(&mut self, at: Nanos, cells: &mut Cells) {
        let count = self.in_flight.saturating_add(self.due);
        if let Some(column) = column(cells, at) {
            column.under_way = column.under_way.max(Some(count));
        }
    }

    fn of_worker(&mut self, at: Nanos, n: u8, what: What, cells: &mut Cells) {
        let Some(worker) = self.workers.get_mut(usize::from(n)) else { return };
        match what {
            What::JobBegan { conn, handler } => {
                cells.workers = cells.workers.max(usize::from(n) + 1);
                *worker = Some(job(conn, handler, at));
            }
            What::JobEnded { .. } => {
                if let Some(mut span) = worker.take() {
                    span.ended = at;
                    span.ongoing = false;
                    work(n, span, cells);
                }
            }
            What::Struck { .. } => cells.marker(at, what),
            _ => {}
        }
    }

    /// A thread serves a connection of its own: from the request to its answer it is on it, and holds nobody else up.
    fn of_thread(&mut self, at: Nanos, what: What, cells: &mut Cells, scores: &mut Scores) {
        match what {
            What::Requested { conn, .. } => {
                self.serving_is(at, self.serving.0 + 1, cells);
                self.of(conn, at, cells, |f| f.running = true);
                scores.served(conn, at, true);
                if let Some(column) = column(cells, at) {
                    column.requests += 1;
                }
            }
            What::Responded { conn, .. } => {
                self.serving_is(at, self.serving.0.saturating_sub(1), cells);
                self.of(conn, at, cells, |f| (f.running, f.sent) = (false, false));
                scores.served(conn, at, false);
            }
            What::Opened { conn, port_fd: (port, _) } => self.of(conn, at, cells, |f| f.port = Some(port)),
            What::Closed { conn, .. } => self.of(conn, at, cells, |f| (f.running, f.sent) = (false, false)),
            What::Struck { .. } => cells.marker(at, what),
            _ => {}
        }
    }

    fn serving_is(&mut self, at: Nanos, count: u32, cells: &mut Cells) {
        let (before, since) = std::mem::replace(&mut self.serving, (count, at));
        let columns = &mut cells.columns;
        cells.grid.each(since, at, |n, _| columns[n].serving = columns[n].serving.max(Some(before)));
        if let Some(column) = column(cells, at) {
            column.serving = column.serving.max(Some(count));
        }
    }

    fn of_kernel(&mut self, at: Nanos, what: What, cells: &mut Cells) {
        match what {
            What::AcceptQueue { length, .. } => {
                hold(self.queue, at, cells, |column| &mut column.queue);
                sample(u64::from(length), at, cells, |column| &mut column.queue);
                self.queue = Some((u64::from(length), at));
            }
            What::UnreadTotal { bytes, .. } => {
                hold(self.unread, at, cells, |column| &mut column.unread);
                sample(u64::from(bytes), at, cells, |column| &mut column.unread);
                self.unread = Some((u64::from(bytes), at));
            }
            _ => {}
        }
    }

    fn of_lab(&mut self, at: Nanos, what: What, cells: &mut Cells, scores: &mut Scores) {
        match what {
            What::Died { .. } => {
                self.turn(at, Doing::Dead, cells, scores);
                self.none_ready(at, cells);
                for n in 0..self.follow.len() {
                    self.follow[n].pass(at, n, cells);
                    (self.follow[n].sent, self.follow[n].pending, self.follow[n].writing) = (false, false, false);
                }
                for n in 0..MAX_WORKERS {
                    self.of_worker(at, n as u8, What::JobEnded { conn: ConnId::NONE }, cells);
                }
            }
            What::Spawned { .. } => self.turn(at, Doing::Nothing, cells, scores),
            // A stuck loop writes nothing: one that has long been a stall is none of what was lost.
            What::Lost { ring: LOOP_RING, .. } if self.running().is_none_or(|span| at.since(span.began) < self.threshold) => {
                self.doing = Doing::Lost;
                self.pass_loop(at.max(self.spent + Nanos(1)), cells);
            }
            What::Unwatched { millis } => {
                let columns = &mut cells.columns;
                cells.grid.each(at.since(Nanos::millis(u64::from(millis))), at, |n, _| columns[n].gap = true);
            }
            What::LoadSpawned { .. } => (self.in_flight, self.due) = (0, 0),
            _ => {}
        }
        let told = matches!(
            what,
            What::Died { .. }
                | What::Spawned { .. }
                | What::WatchdogKilled { .. }
                | What::Lost { .. }
                | What::Unwatched { .. }
                | What::FaultAsked { .. }
                | What::Mitigated { .. }
                | What::Faulted { .. }
                | What::Marked { .. }
        );
        if told {
            cells.marker(at, what);
        }
    }

    /// It is `until`, and everything goes on as it was. `over`: when the callback that runs is over, where that is known.
    pub fn go_on(&mut self, until: Nanos, over: Option<Nanos>, cells: &mut Cells) {
        self.pass_loop(until, cells);
        if let Doing::Callback(span) = self.doing {
            cells.span(Span { ended: over.unwrap_or(until).max(span.began), ongoing: over.is_none(), ..span });
        }
        let ready = self.ready.0;
        self.ready_is(until, ready, cells);
        if cells.columns.iter().any(|column| column.serving.is_some()) || self.serving.0 > 0 {
            let serving = self.serving.0;
            self.serving_is(until, serving, cells);
        }
        self.pass_load(until, cells);
        for n in 0..self.follow.len() {
            self.follow[n].pass(until, n, cells);
        }
        for (n, span) in self.workers.iter().enumerate().filter_map(|(n, span)| Some((n, (*span)?))) {
            work(n as u8, Span { ended: until.max(span.began), ..span }, cells);
        }
        hold(self.queue, until, cells, |column| &mut column.queue);
        hold(self.unread, until, cells, |column| &mut column.unread);
    }
}

fn job(conn: ConnId, handler: Handler, began: Nanos) -> Span {
    Span { began, ended: began, ongoing: true, cause: Cause::Task, conn, handler: Some(handler), fault: None }
}

fn work(n: u8, span: Span, cells: &mut Cells) {
    let columns = &mut cells.columns;
    cells.grid.each(span.began, span.ended, |column, ns| columns[column].workers[usize::from(n)] += ns);
    cells.job(n, span);
}

#[inline]
fn column(cells: &mut Cells, at: Nanos) -> Option<&mut Column> {
    let n = cells.grid.column(at)?;
    cells.columns.get_mut(n)
}

/// A sampled figure stands until the next sample.
fn hold(last: Option<(u64, Nanos)>, at: Nanos, cells: &mut Cells, of: impl Fn(&mut Column) -> &mut Option<Level>) {
    let Some((value, since)) = last else { return };
    let columns = &mut cells.columns;
    cells.grid.each(since, at, |n, _| {
        let level = of(&mut columns[n]).get_or_insert(Level { value, sampled: false });
        level.value = level.value.max(value);
    });
}

fn sample(value: u64, at: Nanos, cells: &mut Cells, of: impl Fn(&mut Column) -> &mut Option<Level>) {
    if let Some(column) = column(cells, at) {
        let level = of(column).get_or_insert(Level { value, sampled: true });
        *level = Level { value: level.value.max(value), sampled: true };
    }
}
