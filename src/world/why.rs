//! Why a request took as long as it did: its moments, from the intended send to the last byte, and what the loop did in between.
//!
//! A pure function over the events from its intended send to its end. Every nanosecond of it belongs to one part and, within the part, to
//! one thing: a callback of its own, a callback of somebody else that it waited behind, a worker, a timer, `epoll_wait`. So the things
//! add up to the parts, and the parts to what the client measured. It knows no world: what the fold has forgotten can still be asked for.

use crate::base::ids::{ClientId, ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Origin, Readiness, What};
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Outcome, Phase};

use super::clients::Slow;
use super::history::History;

/// Callbacks that are named singly in one part; the shorter ones are summed.
const MAX_NAMED: usize = 6;
/// What is named singly takes at least this part of the whole request.
const LEAST: u64 = 50;
/// Parts of a request.
pub const PARTS: usize = 5;

/// Which request is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of which specimen.
    pub specimen: SpecimenId,
    /// Whose it is; nothing where a stranger sent it, of whom only the loop's side is known.
    pub client: Option<ClientId>,
    /// On which connection; [`ConnId::NONE`] where the loop has not accepted it yet.
    pub conn: ConnId,
    /// Of which worker process's loop, where the specimen has such.
    pub process: Option<u8>,
    /// When it was meant to be sent; of a stranger's, when the loop heard of it.
    pub from: Nanos,
    /// When and how it ended; nothing while it is under way.
    pub end: Option<(Nanos, Option<Outcome>)>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// What was asked.
    pub question: Question,
    /// From the intended send to the end, or to now.
    pub latency: Nanos,
    /// What it asked for, once it was parsed.
    pub handler: Option<Handler>,
    /// The status that it was answered with.
    pub status: Option<u16>,
    /// Its parts, in their order; their lengths add up to the latency.
    pub parts: [Part; PARTS],
    /// Events of the loop were lost meanwhile, so it may have been otherwise.
    pub lost: bool,
}

/// One part: queued, in the kernel, waiting, running, writing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// How long.
    pub length: Nanos,
    /// Whether it came to this part at all.
    pub reached: bool,
    /// What happened in it; adds up to its length.
    pub things: Vec<Thing>,
}

/// What took a stretch of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What.
    pub what: Meanwhile,
    /// How much of the part.
    pub length: Nanos,
}

/// What a request can spend its time with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// A callback of somebody else ran.
    Behind(Callback),
    /// So many short callbacks of others ran.
    Short(u32),
    /// Callbacks of its own ran, so many.
    Own(u32),
    /// The loop was in `epoll_wait`.
    Polling,
    /// The loop was between two callbacks.
    Between,
    /// It waited for a worker to be free.
    Queue,
    /// A worker had it.
    Worker,
    /// It waited for its timer.
    Timer,
    /// It waited for somebody else's answer.
    Upstream,
    /// The gate held the loop.
    Gate,
    /// There was no process.
    Dead,
    /// A thread of its own served it.
    Thread,
    /// The system had it: its socket, or the queue of threads to run.
    System,
    /// Nobody saw what the loop did.
    Unseen,
}

/// A callback that others waited behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Why it ran.
    pub cause: Cause,
    /// For which connection.
    pub conn: ConnId,
    /// What its first request asked for, where one was parsed.
    pub handler: Option<Handler>,
    /// The fault that took hold of it.
    pub fault: Option<Fault>,
    /// When it began.
    pub began: Nanos,
    /// How long it ran in all, inside and outside of the request (so far, if it still did).
    pub length: Nanos,
}

impl Question {
    /// About a request that a client has told of.
    pub fn about(specimen: SpecimenId, slow: &Slow) -> Self {
        let end = slow.outcome.map(|outcome| (slow.intended + slow.latency, Some(outcome)));
        Self { specimen, client: Some(slow.client), conn: slow.conn, process: slow.process, from: slow.intended, end }
    }

    /// An event as if the worker process that it is about were the only one; nothing where another one reports.
    fn of_process(&self, event: Event) -> Option<Event> {
        let lane = match (self.process, event.from.lane) {
            (Some(n), Lane::Process(of, part)) if n == of => part.lane(),
            (Some(_), lane @ Lane::Load) | (None, lane) => lane,
            (Some(_), _) => return None,
        };
        Some(Event { from: Origin { lane, ..event.from }, ..event })
    }

    /// The same, with its end where that has come by now.
    #[must_use]
    pub fn ended(self, history: &History, now: Nanos) -> Self {
        let mut sent = false;
        let events = history.between(self.from, now, Some(self.specimen));
        let end = events.map(|(_, event)| event).find_map(|event| match event.what {
            What::Sent { client, .. } if Some(client) == self.client => {
                sent = true;
                None
            }
            What::Finished { client, outcome: (outcome, _) } if Some(client) == self.client && sent => Some((event.at, Some(outcome))),
            What::Wrote { conn, .. } | What::Closed { conn, .. } if self.client.is_none() && conn == self.conn => Some((event.at, None)),
            _ => None,
        });
        Self { end: self.end.or(end), ..self }
    }

    /// About the last request of a connection by this moment, which has this client; nothing where none is kept.
    pub fn last_of(history: &History, specimen: SpecimenId, conn: ConnId, client: Option<ClientId>, now: Nanos) -> Option<Self> {
        let mut end = None;
        for n in back(history, now) {
            let Some(event) = history.event(n).filter(|event| event.from.specimen == specimen && event.at <= now) else { continue };
            match (event.from.lane, event.what) {
                (Lane::Load, What::Finished { client: who, outcome: (outcome, _) }) if Some(who) == client && end.is_none() => {
                    end = Some((event.at, Some(outcome)));
                }
                (Lane::Load, What::Sent { client: who, late }) if Some(who) == client => {
                    let from = event.at.since(Nanos::micros(u64::from(late)));
                    return Some(Self { specimen, client, conn, process: None, from, end });
                }
                (Lane::Loop, What::Wrote { conn: of, .. } | What::Closed { conn: of, .. }) if client.is_none() && of == conn => {
                    end = end.or(Some((event.at, None)));
                }
                (Lane::Loop, What::Requested { conn: of, .. }) if client.is_none() && of == conn => {
                    let from = heard(history, specimen, conn, n).unwrap_or(event.at);
                    return Some(Self { specimen, client, conn, process: None, from, end });
                }
                (Lane::Loop, What::Opened { conn: of, .. }) if client.is_none() && of == conn => return None,
                _ => {}
            }
        }
        None
    }
}

/// Numbers of the events up to a moment, the latest first.
fn back(history: &History, now: Nanos) -> impl Iterator<Item = u64> + use<> {
    (history.first()..history.position(now)).rev()
}

/// When the loop first heard of the request whose parsing is event number `n`.
fn heard(history: &History, specimen: SpecimenId, conn: ConnId, n: u64) -> Option<Nanos> {
    let mut found = None;
    for n in (history.first()..n).rev() {
        let Some(event) = history.event(n).filter(|event| event.from.specimen == specimen && event.from.lane == Lane::Loop) else {
            continue;
        };
        match event.what {
            What::Ready { conn: of, readiness } if of == conn && readiness.has(Readiness::READABLE) => found = Some(event.at),
            What::Responded { conn: of, .. } | What::Opened { conn: of, .. } if of == conn => return found,
            // Others' events say nothing; a tick further back is another report.
            What::Entered { phase: Phase::Poll, .. } if found.is_some() => return found,
            _ => {}
        }
    }
    found
}

impl Why {
    /// Why this request took as long as it did (or has by now), as far as its events are kept.
    pub fn of(history: &History, question: &Question, now: Nanos) -> Option<Self> {
        if question.from < history.span().0 {
            return None;
        }
        let until = question.end.map_or(now, |(at, _)| at);
        let before = doing_before(history, question, question.from);
        Some(Self::over(question, now, || history.between(before, until, Some(question.specimen)).map(|(_, event)| event)))
    }

    /// The same over the specimen's events, which begin before the request does and go on to its end at least. They are gone through twice.
    pub fn over<I: Iterator<Item = Event>>(question: &Question, now: Nanos, events: impl Fn() -> I) -> Self {
        let end = question.end.map_or(now, |(at, _)| at).max(question.from);
        let mut moments = Moments { conn: question.conn, ..Moments::default() };
        let events = || events().filter(|event| event.at <= end).filter_map(|event| question.of_process(event));
        events().for_each(|event| moments.note(question, &event));
        let bounds = moments.bounds(question, end);
        let mut account = Account::new(&moments, bounds);
        events().for_each(|event| account.note(&event));
        let reached = [true, moments.sent.is_some() || question.client.is_none()]
            .into_iter()
            .chain([moments.ready, moments.began, moments.responded].map(|moment| moment.is_some()));
        let mut parts = account.parts(end);
        for (part, reached) in parts.iter_mut().zip(reached) {
            part.reached = reached;
        }
        Self {
            question: Question { conn: moments.conn, ..*question },
            latency: end.since(question.from),
            handler: moments.handler,
            status: moments.status,
            parts,
            lost: moments.lost.is_some(),
        }
    }

    /// The callback that it waited behind for longest, in any part, and for how long.
    pub fn behind(&self) -> Option<(Callback, Nanos)> {
        let mut longest: Option<(Callback, Nanos)> = None;
        for thing in self.parts.iter().flat_map(|part| &part.things) {
            let Meanwhile::Behind(callback) = thing.what else { continue };
            // The same one may reach over several parts.
            let before = longest.filter(|(known, _)| known.began == callback.began).map_or(Nanos::ZERO, |(_, length)| length);
            if longest.is_none_or(|(_, length)| before + thing.length > length) {
                longest = Some((callback, before + thing.length));
            }
        }
        longest
    }
}

/// When the callback or phase began that the loop was in at a moment.
fn doing_before(history: &History, question: &Question, at: Nanos) -> Nanos {
    let specimen = question.specimen;
    let found = back(history, at).filter_map(|n| question.of_process(history.event(n)?)).find(|event| {
        let said = matches!(event.what, What::Began { .. } | What::Entered { .. } | What::Gated { .. });
        (event.from.specimen == specimen && event.from.lane == Lane::Loop && said && event.at <= at) || is_another_process(event, specimen)
    });
    found.map_or(at, |event| event.at)
}

/// Whether a specimen's process ended or began with this event: what its loop did before does not matter any more.
fn is_another_process(event: &Event, specimen: SpecimenId) -> bool {
    event.from.specimen == specimen && event.from.lane == Lane::Lab && matches!(event.what, What::Died { .. } | What::Spawned { .. })
}

/// The moments of a request, as the client and the loop told them.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    conn: ConnId,
    port: Option<u16>,
    dialled: Option<Nanos>,
    sent: Option<Nanos>,
    ready: Option<Nanos>,
    began: Option<Nanos>,
    responded: Option<Nanos>,
    handler: Option<Handler>,
    status: Option<u16>,
    partial: bool,
    pending: bool,
    /// When events of the loop were found to be lost.
    lost: Option<Nanos>,
    /// Threads serve it, and no loop.
    threads: bool,
}

impl Moments {
    fn note(&mut self, question: &Question, event: &Event) {
        match event.from.lane {
            Lane::Load => self.of_load(question, event),
            Lane::Loop => self.of_loop(question, event),
            Lane::Threads(_) => self.of_thread(question, event),
            Lane::Lab if matches!(event.what, What::Lost { ring: 0, .. }) && event.at >= question.from => self.lost = Some(event.at),
            _ => {}
        }
    }

    fn of_load(&mut self, question: &Question, event: &Event) {
        match event.what {
            What::Dialled { client, port } if Some(client) == question.client => {
                self.port = Some(port as u16).filter(|port| *port != 0);
                self.dialled = Some(event.at).filter(|at| *at >= question.from && self.sent.is_none());
            }
            What::Sent { client, late }
                if Some(client) == question.client && event.at.since(Nanos::micros(u64::from(late))) == question.from =>
            {
                self.sent = Some(event.at);
            }
            _ => {}
        }
    }

    /// A thread of its own reads, runs and writes: what it has read is ready, and begins.
    fn of_thread(&mut self, question: &Question, event: &Event) {
        if let What::Read { conn, .. } | What::Requested { conn, .. } = event.what
            && self.begins_with(conn, Readiness::READABLE)
            && event.at >= question.from
        {
            self.threads = true;
            (self.ready, self.began, self.responded) = (Some(event.at), Some(event.at), None);
        }
        self.of_loop(question, event);
    }

    /// The same that [`super::connections`] makes of it.
    fn of_loop(&mut self, question: &Question, event: &Event) {
        let at = event.at;
        if at < question.from {
            return;
        }
        match event.what {
            What::Opened { conn, port_fd: (port, _) } if !self.conn.is_some() && self.port == Some(port) => self.conn = conn,
            What::Ready { conn, readiness } if self.begins_with(conn, readiness) => {
                (self.ready, self.began, self.responded) = (Some(at), None, None);
            }
            What::Began { conn, cause: Cause::Readable } if conn == self.conn => self.began = self.began.or(Some(at)),
            What::Read { conn, bytes } if conn == self.conn => self.partial |= bytes > 0,
            What::Requested { conn, handler } if conn == self.conn => {
                (self.partial, self.pending) = (false, true);
                (self.handler, self.status) = (Some(handler), None);
                self.began = self.began.or(Some(at));
                self.ready = self.ready.or(self.began);
            }
            What::Responded { conn, status_nth: (status, _) } if conn == self.conn => {
                self.responded = Some(at);
                self.status = Some(status);
                self.pending = false;
            }
            _ => {}
        }
    }

    /// Whether another exchange of its connection begins with this report.
    fn begins_with(&self, conn: ConnId, readiness: Readiness) -> bool {
        conn.is_some() && conn == self.conn && !self.partial && !self.pending && readiness.has(Readiness::READABLE)
    }

    /// Where its parts begin, and the end of the last. Each moment is held between its neighbours; one that did not come is the end.
    fn bounds(&mut self, question: &Question, end: Nanos) -> [Nanos; PARTS + 1] {
        let from = question.from;
        // What the loop did before the sending was for another request.
        if self.responded.is_some_and(|responded| self.sent.is_some_and(|sent| responded < sent))
            || (question.client.is_some() && self.sent.is_none())
        {
            (self.ready, self.began, self.responded, self.handler, self.status) = (None, None, None, None, None);
        }
        let sent = if question.client.is_none() { Some(from) } else { self.sent };
        let left = self.dialled.filter(|at| sent.is_none_or(|sent| *at <= sent)).or(sent).unwrap_or(end).clamp(from, end);
        let ready = self.ready.unwrap_or(end).clamp(left, end);
        let began = self.began.unwrap_or(end).clamp(ready, end);
        let responded = self.responded.unwrap_or(end).clamp(began, end);
        [from, left, ready, began, responded, end]
    }
}

/// What the loop does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Callback(Callback),
    Plain(Meanwhile),
}

/// Whoever has the request while no callback of its own runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elsewhere {
    Queue,
    Worker,
    Upstream,
    Timer(Nanos),
}

/// Gives every stretch of the request to what took it.
struct Account {
    conn: ConnId,
    threads: bool,
    /// The upstream socket that serves it.
    socket: ConnId,
    bounds: [Nanos; PARTS + 1],
    /// From which length on a callback is named.
    least: Nanos,
    at: Nanos,
    doing: Doing,
    elsewhere: Option<Elsewhere>,
    /// How much of each part the callback that runs has taken.
    share: [Nanos; PARTS],
    /// Everything but callbacks of others; of each kind one.
    plain: [Vec<Thing>; PARTS],
    named: [Vec<Thing>; PARTS],
    short: [(u32, Nanos); PARTS],
    own: [(u32, Nanos); PARTS],
}

impl Account {
    fn new(moments: &Moments, bounds: [Nanos; PARTS + 1]) -> Self {
        Self {
            conn: moments.conn,
            threads: moments.threads,
            socket: ConnId::NONE,
            bounds,
            least: Nanos(bounds[PARTS].since(bounds[0]).0 / LEAST),
            at: Nanos::ZERO,
            doing: Doing::Plain(Meanwhile::Unseen),
            elsewhere: None,
            share: [Nanos::ZERO; PARTS],
            plain: Default::default(),
            named: Default::default(),
            short: Default::default(),
            own: Default::default(),
        }
    }

    fn is_own(&self, conn: ConnId) -> bool {
        conn.is_some() && (conn == self.conn || conn == self.socket)
    }

    fn note(&mut self, event: &Event) {
        let at = event.at.max(self.at);
        self.spend(at);
        match event.from.lane {
            Lane::Loop => self.of_loop(at, event.what),
            Lane::Worker(_) => match event.what {
                What::JobBegan { conn, .. } if self.is_own(conn) => self.elsewhere = Some(Elsewhere::Worker),
                What::JobEnded { conn } if self.is_own(conn) => self.elsewhere = None,
                _ => {}
            },
            Lane::Lab => match event.what {
                What::Died { .. } => self.turn_to(Doing::Plain(Meanwhile::Dead)),
                What::Spawned { .. } | What::Lost { ring: 0, .. } => self.turn_to(Doing::Plain(Meanwhile::Unseen)),
                _ => {}
            },
            Lane::Load | Lane::Kernel | Lane::Threads(_) | Lane::Process(..) => {}
        }
    }

    fn of_loop(&mut self, at: Nanos, what: What) {
        match what {
            What::Entered { phase: Phase::Poll, .. } => self.turn_to(Doing::Plain(Meanwhile::Polling)),
            What::Entered { .. } | What::Rested {} | What::Gated { held: 0 } => self.turn_to(Doing::Plain(Meanwhile::Between)),
            What::Gated { .. } => self.turn_to(Doing::Plain(Meanwhile::Gate)),
            What::Began { conn, cause } => {
                if self.is_own(conn) {
                    self.elsewhere = None;
                }
                self.turn_to(Doing::Callback(Callback { cause, conn, handler: None, fault: None, began: at, length: Nanos::ZERO }));
            }
            What::Requested { handler, .. } => {
                if let Doing::Callback(callback) = &mut self.doing {
                    callback.handler = callback.handler.or(Some(handler));
                }
            }
            What::Struck { fault, .. } => {
                if let Doing::Callback(callback) = &mut self.doing {
                    callback.fault = Some(fault);
                }
            }
            What::JobQueued { conn, .. } if conn == self.conn => self.elsewhere = Some(Elsewhere::Queue),
            What::Asked { conn } if conn == self.conn => self.elsewhere = Some(Elsewhere::Upstream),
            What::Called { conn, socket } if conn == self.conn => {
                (self.elsewhere, self.socket) = (Some(Elsewhere::Upstream), socket);
            }
            What::CallEnded { conn, .. } if conn == self.conn => self.elsewhere = None,
            What::TimerSet { conn, micros } if conn == self.conn => {
                self.elsewhere = Some(Elsewhere::Timer(at + Nanos::micros(u64::from(micros))));
            }
            _ => {}
        }
    }

    /// What the loop did is over, and something else begins.
    fn turn_to(&mut self, next: Doing) {
        let before = std::mem::replace(&mut self.doing, next);
        let share = std::mem::take(&mut self.share);
        let Doing::Callback(mut callback) = before else { return };
        callback.length = self.at.since(callback.began);
        let own = self.is_own(callback.conn);
        let all = share.iter().fold(Nanos::ZERO, |sum, length| sum + *length);
        for (n, length) in share.into_iter().enumerate().filter(|(_, length)| *length > Nanos::ZERO) {
            if own {
                self.own[n] = (self.own[n].0 + 1, self.own[n].1 + length);
            } else {
                self.behind(n, callback, length, all >= self.least);
            }
        }
    }

    fn behind(&mut self, n: usize, callback: Callback, length: Nanos, is_long: bool) {
        let (named, short) = (&mut self.named[n], &mut self.short[n]);
        let mut thing = Thing { what: Meanwhile::Behind(callback), length };
        if is_long {
            if named.len() < MAX_NAMED {
                return named.push(thing);
            }
            // The shortest of those that are named makes room.
            if let Some(least) = (0..named.len()).min_by_key(|i| named[*i].length).filter(|i| named[*i].length < length) {
                named.push(thing);
                thing = named.remove(least);
            }
        }
        *short = (short.0 + 1, short.1 + thing.length);
    }

    /// Time passes up to `to`.
    fn spend(&mut self, to: Nanos) {
        if let Some(Elsewhere::Timer(due)) = self.elsewhere
            && due < to
        {
            self.stretch(due.max(self.at));
            // It is due, and the loop has not come to it.
            self.elsewhere = None;
        }
        self.stretch(to);
    }

    fn stretch(&mut self, to: Nanos) {
        let from = self.at;
        self.at = to.max(from);
        if to <= self.bounds[0] || from >= self.bounds[PARTS] {
            return;
        }
        for n in 0..PARTS {
            let length = to.min(self.bounds[n + 1]).since(from.max(self.bounds[n]));
            if length == Nanos::ZERO {
                continue;
            }
            if self.threads {
                self.plain(n, if n == RUNNING { Meanwhile::Thread } else { Meanwhile::System }, length);
                continue;
            }
            let elsewhere = match self.elsewhere.filter(|_| n == RUNNING) {
                Some(Elsewhere::Queue) => Some(Meanwhile::Queue),
                Some(Elsewhere::Worker) => Some(Meanwhile::Worker),
                Some(Elsewhere::Upstream) => Some(Meanwhile::Upstream),
                Some(Elsewhere::Timer(_)) => Some(Meanwhile::Timer),
                None => None,
            };
            match (self.doing, elsewhere) {
                (Doing::Callback(callback), _) if self.is_own(callback.conn) => self.share[n] += length,
                (_, Some(what)) | (Doing::Plain(what), None) => self.plain(n, what, length),
                (Doing::Callback(_), None) => self.share[n] += length,
            }
        }
    }

    fn plain(&mut self, n: usize, what: Meanwhile, length: Nanos) {
        match self.plain[n].iter_mut().find(|thing| thing.what == what) {
            Some(thing) => thing.length += length,
            None => self.plain[n].push(Thing { what, length }),
        }
    }

    fn parts(mut self, end: Nanos) -> [Part; PARTS] {
        self.spend(end);
        self.turn_to(Doing::Plain(Meanwhile::Unseen));
        std::array::from_fn(|n| {
            let mut things = std::mem::take(&mut self.named[n]);
            let (short, own) = (self.short[n], self.own[n]);
            if short.0 > 0 {
                things.push(Thing { what: Meanwhile::Short(short.0), length: short.1 });
            }
            if own.0 > 0 {
                things.insert(0, Thing { what: Meanwhile::Own(own.0), length: own.1 });
            }
            things.append(&mut self.plain[n]);
            Part { length: self.bounds[n + 1].since(self.bounds[n]), reached: false, things }
        })
    }
}

/// The part in which others than the loop can have the request.
const RUNNING: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::{Story, recorded};

    fn us(n: u64) -> Nanos {
        Nanos::micros(n)
    }

    fn event(at: u64, lane: Lane, what: What) -> Event {
        Event { at: us(at), from: Origin { specimen: SpecimenId(0), lane }, what }
    }

    const MINE: ConnId = ConnId(7);
    const CLIENT: ClientId = ClientId(3);

    fn question(from: u64, end: u64) -> Question {
        let end = Some((us(end), Some(Outcome::Answered)));
        Question { specimen: SpecimenId(0), client: Some(CLIENT), conn: MINE, process: None, from: us(from), end }
    }

    /// Every part's things add up to it, and the parts to the latency.
    fn adds_up(why: &Why) {
        let sum = |lengths: &mut dyn Iterator<Item = Nanos>| lengths.fold(Nanos::ZERO, |sum, length| sum + length);
        for part in &why.parts {
            assert_eq!(sum(&mut part.things.iter().map(|thing| thing.length)), part.length, "{why:#?}");
        }
        assert_eq!(sum(&mut why.parts.iter().map(|part| part.length)), why.latency, "{why:#?}");
    }

    #[test]
    fn every_stretch_is_given_to_what_took_it() {
        let began = |at, conn, cause| event(at, Lane::Loop, What::Began { conn: ConnId(conn), cause });
        let entered = |at, phase| event(at, Lane::Loop, What::Entered { phase, detail: 0 });
        let events = [
            entered(0, Phase::Dispatch),
            began(10, 2, Cause::Readable),
            event(10, Lane::Loop, What::Requested { conn: ConnId(2), handler: Handler::Compute }),
            event(20, Lane::Loop, What::Struck { conn: ConnId(2), fault: Fault::Compute }),
            event(110, Lane::Load, What::Sent { client: CLIENT, late: 10 }),
            entered(500, Phase::Poll),
            entered(520, Phase::Dispatch),
            event(530, Lane::Loop, What::Ready { conn: ConnId(1), readiness: Readiness::READABLE }),
            event(530, Lane::Loop, What::Ready { conn: MINE, readiness: Readiness::READABLE }),
            began(540, 1, Cause::Readable),
            event(540, Lane::Loop, What::Requested { conn: ConnId(1), handler: Handler::Root }),
            began(560, 9, Cause::Writable),
            began(561, 7, Cause::Readable),
            event(561, Lane::Loop, What::Requested { conn: MINE, handler: Handler::Compute }),
            event(570, Lane::Loop, What::JobQueued { conn: MINE, handler: Handler::Compute }),
            entered(580, Phase::Poll),
            event(600, Lane::Worker(0), What::JobBegan { conn: MINE, handler: Handler::Compute }),
            event(900, Lane::Worker(0), What::JobEnded { conn: MINE }),
            entered(905, Phase::Dispatch),
            began(910, 7, Cause::Completion),
            event(930, Lane::Loop, What::Responded { conn: MINE, status_nth: (200, 1) }),
            event(940, Lane::Loop, What::Wrote { conn: MINE, bytes: 9 }),
            entered(950, Phase::Poll),
            event(1100, Lane::Load, What::Finished { client: CLIENT, outcome: (Outcome::Answered, 200) }),
        ];
        let why = Why::over(&question(100, 1100), us(5000), || events.iter().copied());
        adds_up(&why);
        assert_eq!((why.latency, why.handler, why.status), (us(1000), Some(Handler::Compute), Some(200)));
        let told = |n: usize| why.parts[n].things.iter().map(|thing| (thing.what, thing.length.0 / 1000)).collect::<Vec<_>>();
        let culprit = Callback {
            cause: Cause::Readable,
            conn: ConnId(2),
            handler: Some(Handler::Compute),
            fault: Some(Fault::Compute),
            began: us(10),
            length: us(490),
        };
        assert_eq!(told(0), [(Meanwhile::Behind(culprit), 10)]);
        assert_eq!(told(1), [(Meanwhile::Behind(culprit), 390), (Meanwhile::Polling, 20), (Meanwhile::Between, 10)]);
        let other =
            Callback { cause: Cause::Readable, conn: ConnId(1), handler: Some(Handler::Root), fault: None, began: us(540), length: us(20) };
        assert_eq!(told(2), [(Meanwhile::Behind(other), 20), (Meanwhile::Short(1), 1), (Meanwhile::Between, 10)]);
        assert_eq!(
            told(3),
            [(Meanwhile::Own(2), 39), (Meanwhile::Queue, 20), (Meanwhile::Worker, 300), (Meanwhile::Polling, 5), (Meanwhile::Between, 5)]
        );
        assert_eq!(told(4), [(Meanwhile::Own(1), 20), (Meanwhile::Polling, 150)]);
        assert_eq!(why.behind(), Some((culprit, us(400))));
        assert!(why.parts.iter().all(|part| part.reached));
    }

    #[test]
    fn one_that_is_never_looked_at_is_in_the_kernel_to_its_end() {
        let events = [
            event(10, Lane::Loop, What::Began { conn: ConnId(2), cause: Cause::Readable }),
            event(100, Lane::Load, What::Sent { client: CLIENT, late: 0 }),
        ];
        let why = Why::over(&Question { end: None, ..question(100, 0) }, us(900), || events.iter().copied());
        adds_up(&why);
        assert_eq!((why.latency, why.parts[1].length), (us(800), us(800)));
        assert_eq!(why.parts.each_ref().map(|part| part.reached), [true, true, false, false, false]);
        assert!(matches!(why.parts[1].things[..], [Thing { what: Meanwhile::Behind(_), .. }]), "{why:?}");
    }

    #[test]
    fn many_callbacks_are_summed_and_the_longest_named() {
        let mut events = vec![event(100, Lane::Load, What::Sent { client: CLIENT, late: 0 })];
        for n in 0..40_u64 {
            events.push(event(100 + n * n, Lane::Loop, What::Began { conn: ConnId(100 + n as u32), cause: Cause::Readable }));
        }
        let why = Why::over(&question(100, 100 + 40 * 40), us(5000), || events.iter().copied());
        adds_up(&why);
        let named = why.parts[1].things.iter().filter_map(|thing| match thing.what {
            Meanwhile::Behind(callback) => Some(callback.conn.0),
            _ => None,
        });
        assert_eq!(named.collect::<Vec<_>>(), (134..140).collect::<Vec<_>>(), "the longest, in their order");
        assert!(why.parts[1].things.iter().any(|thing| thing.what == Meanwhile::Short(34)));
    }

    #[test]
    fn it_says_the_same_parts_as_the_fold_and_names_the_stall() {
        let (world, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::secs(2)));
        let specimen = &world.specimens[0];
        let stall = specimen.stalls.past[0];
        let mut compared = 0;
        for slow in &specimen.clients.tail {
            let why = Why::of(&history, &Question::about(SpecimenId(0), slow), world.now).unwrap();
            adds_up(&why);
            assert_eq!(why.latency, slow.latency);
            if let Some(parts) = slow.parts {
                let lengths = why.parts.each_ref().map(|part| part.length);
                assert_eq!(lengths, [parts.queued, parts.kernel, parts.waiting, parts.running, parts.writing]);
                compared += 1;
            }
            if slow.conn != stall.conn && slow.intended > stall.began && slow.intended < stall.until() {
                let (culprit, length) = why.behind().unwrap();
                assert_eq!((culprit.conn, culprit.began, culprit.length), (stall.conn, stall.began, stall.length));
                assert_eq!(length, stall.until().since(slow.intended), "all of the stall from the intended send on");
            }
        }
        assert!(compared > 32, "{compared}");
    }

    #[test]
    fn the_last_request_of_a_connection_is_found_while_it_waits_and_when_it_is_over() {
        let (world, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)).hang(Nanos::millis(500)));
        let specimen = &world.specimens[0];
        let (mut waiting, mut over) = (0, 0);
        for connection in specimen.connections.iter() {
            let client = specimen.clients.at_port(connection.port);
            let Some(question) = Question::last_of(&history, SpecimenId(0), connection.id, client, world.now) else { continue };
            let why = Why::of(&history, &question, world.now).unwrap();
            adds_up(&why);
            match question.end {
                None => {
                    waiting += 1;
                    assert_eq!(why.question.from + why.latency, world.now);
                }
                Some((at, _)) => {
                    over += 1;
                    // Asked about while it was under way, it finds its end.
                    assert_eq!(Question { end: None, ..question }.ended(&history, world.now).end.unwrap().0, at);
                    assert!(why.parts.iter().all(|part| part.reached), "{why:?}");
                }
            }
        }
        assert!(waiting > 40 && waiting + over == 64, "{waiting} {over}");
    }
}
