//! From a request to its answer: what strikes it, what must be over before it can be answered, and the answer.
//!
//! An answer that cannot be given now is pending: the request is kept, the loop goes on, and a timer, a task or a worker brings it
//! back. Requests that follow on the same connection wait: answers keep the order of their requests.

use mio::net::UnixStream;
use mio::{Interest, Token};

use super::conn::{Conn, Next};
use super::handle::Said;
use super::handlers::{self, Call};
use super::hooks::{Job, Needs, Placed};
use super::server::{Common, neighbour_of};
use super::work::Work;
use super::{faults, timers};
use crate::base::units::Nanos;
use crate::http::head::skip_empty_lines;
use crate::http::request::whole;
use crate::http::response::{CONTINUE, TEXT};
use crate::http::{Fed, Parts, Refusal, Reply, Request, Scratch, Whole};
use crate::telemetry::vocabulary::{CloseReason, Handler};
use crate::telemetry::{Probe, What};

/// Bytes of answers after which a batch is sent even though more requests are there.
const BATCH: usize = 256 * 1024;

/// How long the computing may be that a client of another machine asks for.
pub(super) const MOST_FOR_STRANGERS: Nanos = Nanos::millis(100);

/// An answer that is not there yet.
#[derive(Debug)]
pub(super) struct Pending {
    request: Parts,
    next: Stage,
}

/// What comes next for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The fault that strikes it, if one does.
    Fault,
    /// What its handler needs before it can answer.
    Needs,
    /// The answer.
    Answer,
}

/// Whether this request has waited for its turn so long that it is to be shed: all that is dispatched was ready when dispatching began.
#[inline]
fn is_late<P: Probe>(common: &Common<P>) -> bool {
    let Some(mark) = common.hooks.habits().sheds_above else { return false };
    common.clock.now().since(common.clock.base().nanos(common.date.looked)) > mark
}

/// What became of a request.
enum Served {
    Answered,
    Waits(Stage),
}

impl Conn {
    /// Answers what these bytes hold. What cannot be begun yet is kept.
    #[inline]
    pub(super) fn answer<P: Probe>(&mut self, bytes: &[u8], token: Token, common: &mut Common<P>) {
        let mut rest = bytes;
        while !rest.is_empty() && self.closing.is_none() && !self.is_full(common.hooks.habits()) && common.out.len() < BATCH {
            if self.has_part() {
                rest = self.feed_part(rest, token, common);
                continue;
            }
            rest = skip_empty_lines(rest);
            if rest.is_empty() {
                break;
            }
            let mut scratch = Scratch::new();
            match whole(rest, &mut scratch, &common.limits) {
                Ok(Whole::Request(request, used)) => {
                    rest = &rest[used..];
                    if let Served::Waits(next) = self.serve(&request, Stage::Fault, token, common) {
                        let request = Parts::complete(request.head.bytes, request.body);
                        self.rare().pending = Some(Pending { request, next });
                    }
                }
                Ok(Whole::Part) => rest = self.feed_part(rest, token, common),
                Err(refusal) => self.refuse(refusal, common),
            }
        }
        if self.closing.is_some() {
            // The peer has sent more than will be read.
            self.lingers |= !rest.is_empty();
        } else {
            self.keep(rest);
        }
    }

    /// Feeds a request that comes in parts, and gives back what belongs to the next.
    fn feed_part<'b, P: Probe>(&mut self, bytes: &'b [u8], token: Token, common: &mut Common<P>) -> &'b [u8] {
        let rare = self.rare();
        match rare.parts.feed(bytes, &common.limits) {
            Ok((used, fed)) => {
                match fed {
                    Fed::More => {}
                    Fed::Continue => {
                        common.out.extend_from_slice(CONTINUE);
                        common.whole = common.out.len();
                    }
                    Fed::Complete => {
                        rare.forget_deadline(&mut common.timers);
                        let parts = std::mem::take(&mut rare.parts);
                        self.serve_parts(parts, Stage::Fault, token, common);
                    }
                }
                &bytes[used..]
            }
            Err(refusal) => {
                rare.forget_deadline(&mut common.timers);
                rare.parts = Parts::default();
                self.refuse(refusal, common);
                bytes
            }
        }
    }

    fn serve_parts<P: Probe>(&mut self, parts: Parts, from: Stage, token: Token, common: &mut Common<P>) {
        let mut scratch = Scratch::new();
        let Some(request) = parts.request(&mut scratch, &common.limits) else { return };
        if let Served::Waits(next) = self.serve(&request, from, token, common) {
            self.rare().pending = Some(Pending { request: parts, next });
        }
    }

    /// What was waited for is over: on with the request.
    pub(super) fn answer_pending<P: Probe>(&mut self, token: Token, common: &mut Common<P>) {
        if let Some(pending) = self.rare().pending.take() {
            self.serve_parts(pending.request, pending.next, token, common);
        }
    }

    /// A worker has done its work.
    pub(super) fn work_is_done<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        self.answer_pending(token, common);
        self.go_on(token, input, common)
    }

    /// The code that serves its request has said what becomes of it.
    pub(super) fn deliver<P: Probe>(&mut self, said: Said, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        match said {
            Said::GoOn => self.answer_pending(token, common),
            Said::Text(text) => self.answer_with(common, |reply| reply.send(200, TEXT, text.as_bytes())),
            Said::Failed(why) => self.answer_with(common, |reply| reply.explain(502, &[], &why)),
            Said::Nothing => {
                common.note(What::Abandoned { conn: self.id() });
                self.rare().abandoned = true;
            }
        }
        self.go_on(token, input, common)
    }

    /// Answers the request that waits.
    fn answer_with<P: Probe>(&mut self, common: &mut Common<P>, write: impl FnOnce(&mut Reply<'_>)) {
        let Some(pending) = self.rare().pending.take() else { return };
        let mut scratch = Scratch::new();
        let Some(request) = pending.request.request(&mut scratch, &common.limits) else { return };
        let mut reply = Reply::to(&request.head, &mut common.out, &common.date.dated);
        write(&mut reply);
        let (status, keeps_alive) = (reply.status(), reply.keeps_alive());
        self.answered(status, keeps_alive, common);
    }

    /// The next slice of its work has its turn.
    pub(super) fn run_task<P: Probe>(&mut self, task: Job, input: &mut [u8], common: &mut Common<P>) -> Next {
        if self.place(task, common) {
            self.answer_pending(task.token, common);
        }
        self.go_on(task.token, input, common)
    }

    /// Takes a request through its stages, until it is answered or must wait.
    #[inline]
    fn serve<P: Probe>(&mut self, request: &Request<'_, '_>, from: Stage, token: Token, common: &mut Common<P>) -> Served {
        let head = &request.head;
        let row = handlers::find(head.target.path);
        let allowed = row.filter(|row| row.allows(head.method));
        let handler = allowed.map_or(Handler::Refused, |row| row.kind);
        let call = Call { request, clock: common.clock };
        let mut stage = from;
        if stage == Stage::Fault {
            self.requests = self.requests.wrapping_add(1);
            // The first request of a callback begins when the callback does. Those behind it in a batch end the ones before.
            common.stale |= !common.first;
            common.first = false;
            common.note(What::Requested { conn: self.id(), handler });
        }
        loop {
            let needs = match stage {
                Stage::Fault => {
                    stage = Stage::Needs;
                    if handler != Handler::Stats && is_late(common) {
                        Err((503, "There is more to do than time to do it. Ask again later."))
                    } else {
                        self.strike(request, common)
                    }
                }
                Stage::Needs => {
                    stage = Stage::Answer;
                    let needs = allowed.map_or(Ok(Needs::Nothing), |row| row.needs(&call)).map_err(|sentence| (400, sentence));
                    match needs {
                        Ok(Needs::Work(Work::Cpu(busy))) if !self.trusted && busy > MOST_FOR_STRANGERS => {
                            Err((403, "Long computing is for clients on this machine only."))
                        }
                        needs => needs,
                    }
                }
                Stage::Answer => break,
            };
            let waits = match needs {
                Ok(Needs::Nothing) => false,
                Ok(Needs::Beats(every)) => {
                    common.start_beats(every);
                    false
                }
                Ok(Needs::Time(time)) => {
                    common.probe.note_now(What::TimerSet { conn: self.id(), micros: u32::try_from(time.0 / 1_000).unwrap_or(u32::MAX) });
                    let key: timers::Key = common.timers.set(common.clock.now() + time, token);
                    self.rare().timer = Some(key);
                    true
                }
                Ok(Needs::Work(work)) => !self.place(Job { token, conn: self.id(), handler, work, is_task: false }, common),
                Ok(Needs::Panic) => {
                    let _begun = allowed.map(|row| row.needs(&call));
                    faults::panic::meet();
                }
                Ok(Needs::Errand(errand)) => {
                    common.begin_errand(errand, token, handler);
                    true
                }
                Err((status, sentence)) => {
                    let mut reply = Reply::to(head, &mut common.out, &common.date.dated);
                    reply.explain(status, &[], sentence);
                    let (status, keeps_alive) = (reply.status(), reply.keeps_alive());
                    self.answered(status, keeps_alive, common);
                    return Served::Answered;
                }
            };
            if waits {
                return Served::Waits(stage);
            }
        }
        let mut reply = Reply::to(head, &mut common.out, &common.date.dated);
        let follows = match (allowed, row) {
            (Some(row), _) => row.answer(&call, &common.stats, &mut reply),
            (None, Some(row)) => {
                handlers::refuse_method(head.method, row.allow, &mut reply);
                0
            }
            (None, None) => {
                handlers::refuse_path(head, &mut reply);
                0
            }
        };
        let (status, keeps_alive) = (reply.status(), reply.keeps_alive());
        if follows > 0 && follows <= common.hooks.habits().high_water {
            handlers::bytes::append(&mut common.out, follows, handlers::bytes::AT_ONCE);
        } else if follows > 0 {
            self.follow_with(follows, handlers::bytes::AT_ONCE);
        }
        self.answered(status, keeps_alive, common);
        Served::Answered
    }

    /// An answer has been queued.
    #[inline]
    fn answered<P: Probe>(&mut self, status: u16, keeps_alive: bool, common: &mut Common<P>) {
        common.whole = common.out.len();
        common.stats.answered += 1;
        common.stats.errors += u64::from(status >= 400);
        common.note(What::Responded { conn: self.id(), status_nth: (status, self.requests) });
        if !keeps_alive {
            self.closing.get_or_insert(CloseReason::Finished);
        }
    }

    /// The fault that strikes this request: one that it asks for, or one that the lab has armed.
    #[inline]
    fn strike<P: Probe>(&mut self, request: &Request<'_, '_>, common: &mut Common<P>) -> Result<Needs, (u16, &'static str)> {
        let target = &request.head.target;
        let asked = if target.query.is_empty() { None } else { target.parameter("fault") };
        let (fault, mut hook) = match asked {
            Some(_) if !self.trusted => return Err((403, "Faults are for clients on this machine only.")),
            Some(name) => {
                let row = faults::find(name).ok_or((400, "There is no fault of that name."))?;
                let setting = row.from_request(target).map_err(|sentence| (400, sentence))?;
                (row.kind, row.hook(setting))
            }
            None => match common.hooks.take_armed() {
                Some(armed) => armed,
                None => return Ok(Needs::Nothing),
            },
        };
        common.probe.note_now(What::Struck { conn: self.id(), fault });
        Ok(hook.request())
    }

    /// The request could not be read: says why. Nothing after it can be trusted.
    #[cold]
    fn refuse<P: Probe>(&mut self, refusal: Refusal, common: &mut Common<P>) {
        self.requests = self.requests.wrapping_add(1);
        common.stale |= !common.first;
        common.first = false;
        common.note(What::Requested { conn: self.id(), handler: Handler::Refused });
        let (status, sentence) = refusal.answer();
        Reply::last(&mut common.out, &common.date.dated).explain(status, &[], sentence);
        self.closing = Some(CloseReason::BadRequest);
        self.lingers = true;
        self.answered(status, false, common);
    }

    /// The peer has closed its half in the middle of a request.
    #[cold]
    pub(super) fn refuse_part<P: Probe>(&mut self, common: &mut Common<P>) {
        let rare = self.rare();
        rare.forget_deadline(&mut common.timers);
        let parts = std::mem::take(&mut rare.parts);
        self.refuse(parts.end(&common.limits), common);
    }

    /// Has work done: true if it is done now; else a worker, a later tick or somebody's answer brings it back.
    fn place<P: Probe>(&mut self, job: Job, common: &mut Common<P>) -> bool {
        match common.hooks.work(job) {
            Placed::Done | Placed::Untouched(_) => {
                common.stale = true;
                if let Some(fact) = job.work.report() {
                    common.note(fact);
                }
                return true;
            }
            Placed::Worker => common.probe.note_now(What::JobQueued { conn: job.conn, handler: job.handler }),
            Placed::Later(rest) => {
                common.probe.note_now(What::TaskQueued { conn: rest.conn, handler: rest.handler });
                common.tasks.put(rest);
            }
            Placed::Asked(socket) => return !self.expect_answer(socket, job.token, common),
        }
        false
    }

    /// Registers a socket that will bring an answer. False if that cannot be: then there is nothing to wait for.
    fn expect_answer<P: Probe>(&mut self, socket: std::os::unix::net::UnixStream, token: Token, common: &mut Common<P>) -> bool {
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let mut socket = UnixStream::from_std(socket);
        if common.poll.registry().register(&mut socket, neighbour_of(token), Interest::READABLE).is_err() {
            return false;
        }
        common.probe.note_now(What::Asked { conn: self.id() });
        self.rare().asked = Some(socket);
        true
    }

    /// The head of its request is not whole in time. Whoever sends like that is not waited for at the end either.
    #[cold]
    pub(super) fn refuse_late<P: Probe>(&mut self, common: &mut Common<P>) {
        self.rare().parts = Parts::default();
        self.requests = self.requests.wrapping_add(1);
        common.stale = true;
        common.note(What::Requested { conn: self.id(), handler: Handler::Refused });
        Reply::last(&mut common.out, &common.date.dated).explain(408, &[], "The head of the request took too long.");
        self.closing = Some(CloseReason::Timeout);
        self.answered(408, false, common);
    }

    /// The callback has panicked before it had answered.
    #[cold]
    pub(super) fn answer_panic<P: Probe>(&mut self, common: &mut Common<P>) {
        Reply::last(&mut common.out, &common.date.dated).explain(500, &[], "The callback that was to answer this request panicked.");
        self.closing = Some(CloseReason::Panicked);
        self.lingers = true;
        self.answered(500, false, common);
    }
}
