//! A connection that is served with blocking I/O, by a thread that does nothing else meanwhile.
//!
//! Reading waits until there is something to read, writing until the peer has taken it, `/sleep` sleeps and `/compute` computes: one line
//! after the other, as one would write it without thinking of anybody else. Nobody else is here. That is the charm of threads, and
//! what they are paid for: as long as it waits, a thread holds a stack, and the scheduler has one more to look after.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::chain::chain;
use super::house::{House, lock, sleep};
use super::row;
use crate::base::ids::ConnId;
use crate::http::head::skip_empty_lines;
use crate::http::request::whole;
use crate::http::response::{CONTINUE, TEXT};
use crate::http::{Fed, Parts, Refusal, Reply, Request, Scratch, Whole};
use crate::specimen::accounts::ACCOUNTS;
use crate::specimen::conn::{LINGER, MOST_DRAINED, lost};
use crate::specimen::exchange::MOST_FOR_STRANGERS;
use crate::specimen::faults;
use crate::specimen::handlers::bytes::{AT_ONCE, PATTERN};
use crate::specimen::handlers::{self, Call};
use crate::specimen::hooks::{Errand, Needs};
use crate::specimen::server::Date;
use crate::specimen::stats::Stats;
use crate::specimen::work::Work;
use crate::telemetry::What;
use crate::telemetry::vocabulary::{CloseReason, Fault, Handler, Model};

/// Bytes that one read takes at most.
pub(super) const INPUT: usize = 16 * 1024;
/// Bytes of answers after which a batch is sent even though more requests are there.
const BATCH: usize = 64 * 1024;

/// Whether the connection lives on, or why not.
pub(super) type Next = ControlFlow<CloseReason>;

/// A connection.
#[derive(Debug)]
pub(super) struct Conn {
    house: Arc<House>,
    stream: TcpStream,
    id: ConnId,
    /// It may ask for what endangers others.
    trusted: bool,
    requests: u16,
    /// A request that has come in part.
    parts: Parts,
    /// Answers that are not sent yet, and how many of their bytes are whole answers.
    out: Vec<u8>,
    whole: usize,
    lingers: bool,
    closed: bool,
}

impl Conn {
    pub fn new(house: Arc<House>, stream: TcpStream, id: ConnId, trusted: bool) -> Self {
        let parts = Parts::default();
        Self { house, stream, id, trusted, requests: 0, parts, out: Vec::new(), whole: 0, lingers: false, closed: false }
    }

    /// Serves it from its beginning to its end.
    pub fn live(mut self, input: &mut [u8], date: &mut Date) {
        let reason = loop {
            if let Next::Break(reason) = self.at_the_edge(input, date) {
                break reason;
            }
        };
        self.close(reason);
    }

    /// Waits for bytes and answers them; where a mitigation catches panics, one ends the connection and not its thread.
    pub fn at_the_edge(&mut self, input: &mut [u8], date: &mut Date) -> Next {
        if !self.house.catches_panics() {
            return self.turn(input, date);
        }
        catch_unwind(AssertUnwindSafe(|| self.turn(input, date))).unwrap_or_else(|_| self.panicked(date))
    }

    /// Waits for bytes, and answers what they hold.
    fn turn(&mut self, input: &mut [u8], date: &mut Date) -> Next {
        let read = match self.stream.read(input) {
            Ok(0) => return self.ended(date),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Next::Continue(()),
            Err(error) => return Next::Break(lost(&error)),
        };
        date.refresh(&self.house.clock);
        self.house.note(self.id, &[What::Read { conn: self.id, bytes: read as u32 }]);
        lock(&self.house.stats).read += read as u64;
        self.answer(&input[..read], date)?;
        // Memory of a long answer is given back: most connections are idle most of the time.
        if self.out.capacity() > AT_ONCE as usize {
            self.out = Vec::new();
        }
        Next::Continue(())
    }

    /// Answers what these bytes hold.
    fn answer(&mut self, bytes: &[u8], date: &Date) -> Next {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.parts.is_empty() {
                rest = skip_empty_lines(rest);
                let mut scratch = Scratch::new();
                match whole(rest, &mut scratch, &self.house.limits) {
                    _ if rest.is_empty() => break,
                    Ok(Whole::Request(request, used)) => {
                        let after = &rest[used..];
                        self.lingers = !after.is_empty();
                        self.serve(&request, date)?;
                        rest = after;
                        continue;
                    }
                    Ok(Whole::Part) => {}
                    Err(refusal) => return self.refuse(refusal, date),
                }
            }
            rest = self.feed(rest, date)?;
        }
        self.flush()
    }

    /// Feeds a request that comes in parts, and gives back what belongs to the next.
    fn feed<'b>(&mut self, bytes: &'b [u8], date: &Date) -> ControlFlow<CloseReason, &'b [u8]> {
        let (used, fed) = match self.parts.feed(bytes, &self.house.limits) {
            Ok(fed) => fed,
            Err(refusal) => {
                self.refuse(refusal, date)?;
                return ControlFlow::Break(CloseReason::BadRequest);
            }
        };
        let rest = &bytes[used..];
        match fed {
            Fed::More => {}
            Fed::Continue => {
                self.out.extend_from_slice(CONTINUE);
                self.flush()?;
            }
            Fed::Complete => {
                let parts = std::mem::take(&mut self.parts);
                let mut scratch = Scratch::new();
                if let Some(request) = parts.request(&mut scratch, &self.house.limits) {
                    self.lingers = !rest.is_empty();
                    self.serve(&request, date)?;
                }
            }
        }
        ControlFlow::Continue(rest)
    }

    /// One request: what strikes it, what it needs, its answer.
    fn serve(&mut self, request: &Request<'_, '_>, date: &Date) -> Next {
        let head = &request.head;
        let found = handlers::find(head.target.path);
        let allowed = found.filter(|row| row.allows(head.method));
        let handler = allowed.map_or(Handler::Refused, |row| row.kind);
        let call = Call { request, clock: self.house.clock };
        self.began(handler);
        let mut chained = None;
        let wrong = match self.strike(request) {
            Ok(Needs::Panic) => {
                let _begun = allowed.map(|row| row.needs(&call));
                faults::panic::meet();
            }
            Ok(needs) => {
                self.have(needs)?;
                match allowed.map_or(Ok(Needs::Nothing), |row| row.needs(&call)) {
                    Ok(Needs::Work(Work::Cpu(busy))) if !self.trusted && busy > MOST_FOR_STRANGERS => {
                        Some((403, "Long computing is for clients on this machine only."))
                    }
                    Ok(Needs::Errand(Errand::Chain(query))) => {
                        self.flush()?;
                        chained = Some(chain(self.house.upstream, query));
                        None
                    }
                    Ok(needs) => {
                        self.have(needs)?;
                        None
                    }
                    Err(sentence) => Some((400, sentence)),
                }
            }
            Err(wrong) => Some(wrong),
        };
        // Copied only for whoever asks: the lock is not held while an answer is written.
        let counted = if handler == Handler::Stats { lock(&self.house.stats).clone() } else { Stats::default() };
        let mut reply = Reply::to(head, &mut self.out, &date.dated);
        let follows = match (wrong, allowed, found) {
            (Some((status, sentence)), ..) => {
                reply.explain(status, &[], sentence);
                0
            }
            (None, Some(row), _) => match chained {
                None => row.answer(&call, &counted, &mut reply),
                Some(Ok(text)) => {
                    reply.send(200, TEXT, text.as_bytes());
                    0
                }
                Some(Err(why)) => {
                    reply.explain(502, &[], &why);
                    0
                }
            },
            (None, None, Some(row)) => {
                handlers::refuse_method(head.method, row.allow, &mut reply);
                0
            }
            (None, None, None) => {
                handlers::refuse_path(head, &mut reply);
                0
            }
        };
        let (status, keeps_alive) = (reply.status(), reply.keeps_alive());
        self.answered(status);
        self.follow_with(follows)?;
        if !keeps_alive {
            self.flush()?;
            return Next::Break(CloseReason::Finished);
        }
        if self.out.len() >= BATCH { self.flush() } else { Next::Continue(()) }
    }

    /// The fault that strikes this request: one that it asks for, or one that the lab has armed.
    fn strike(&mut self, request: &Request<'_, '_>) -> Result<Needs, (u16, &'static str)> {
        let target = &request.head.target;
        let asked = if target.query.is_empty() { None } else { target.parameter("fault") };
        let setting = match asked {
            Some(_) if !self.trusted => return Err((403, "Faults are for clients on this machine only.")),
            Some(name) => {
                let row = faults::find(name).ok_or((400, "There is no fault of that name."))?;
                row.from_request(target).map_err(|sentence| (400, sentence))?
            }
            None => match self.house.take_armed() {
                Some(setting) => setting,
                None => return Ok(Needs::Nothing),
            },
        };
        let fault: Fault = setting.kind();
        if !row(Model::ThreadPerConnection).suffers(fault) {
            return Err((400, "This fault is one of event loops: there is none here."));
        }
        self.house.note(self.id, &[What::Struck { conn: self.id, fault }]);
        Ok(faults::row(fault).hook(setting).request())
    }

    /// Does on this thread what a request needs, however long it takes. What is answered already does not wait for it.
    fn have(&mut self, needs: Needs) -> Next {
        match needs {
            // Errands are a loop's; what is left of them is asked for by its handler, above.
            Needs::Nothing | Needs::Errand(_) | Needs::Panic | Needs::Beats(_) => {}
            Needs::Time(time) => {
                self.flush()?;
                sleep(time);
            }
            Needs::Work(work) => {
                self.flush()?;
                work.run(&self.house.clock);
                if let Some(fact) = work.report() {
                    self.house.note(self.id, &[fact]);
                }
            }
        }
        Next::Continue(())
    }

    fn began(&mut self, handler: Handler) {
        self.requests = self.requests.wrapping_add(1);
        self.house.note(self.id, &[What::Requested { conn: self.id, handler }]);
    }

    /// An answer has been queued.
    fn answered(&mut self, status: u16) {
        self.whole = self.out.len();
        let mut counters = lock(&self.house.stats);
        counters.answered += 1;
        counters.errors += u64::from(status >= 400);
        drop(counters);
        self.house.note(self.id, &[What::Responded { conn: self.id, status_nth: (status, self.requests) }]);
    }

    /// Sends what is queued, and waits until the kernel has taken it all.
    fn flush(&mut self) -> Next {
        if self.out.is_empty() {
            return Next::Continue(());
        }
        let sent = self.stream.write_all(&self.out);
        let bytes = self.out.len();
        self.out.clear();
        self.whole = 0;
        self.sent(bytes, sent)
    }

    fn sent(&mut self, bytes: usize, sent: io::Result<()>) -> Next {
        match sent {
            Ok(()) => {
                lock(&self.house.stats).written += bytes as u64;
                self.house.note(self.id, &[What::Wrote { conn: self.id, bytes: bytes as u32 }]);
                Next::Continue(())
            }
            Err(error) => Next::Break(lost(&error)),
        }
    }

    /// So many bytes of the pattern follow what is queued.
    fn follow_with(&mut self, bytes: u64) -> Next {
        if bytes == 0 {
            return Next::Continue(());
        }
        self.flush()?;
        let (mut left, mut at) = (bytes, AT_ONCE as usize % PATTERN.len());
        while left > 0 {
            let length = ((PATTERN.len() - at) as u64).min(left) as usize;
            let sent = self.stream.write_all(&PATTERN[at..at + length]);
            self.sent(length, sent)?;
            left -= length as u64;
            at = 0;
        }
        Next::Continue(())
    }

    // ---- the end --------------------------------------------------------------------------------------------------

    /// The request could not be read: says why. Nothing after it can be trusted.
    #[cold]
    fn refuse(&mut self, refusal: Refusal, date: &Date) -> Next {
        self.began(Handler::Refused);
        let (status, sentence) = refusal.answer();
        Reply::last(&mut self.out, &date.dated).explain(status, &[], sentence);
        self.answered(status);
        self.lingers = true;
        self.flush()?;
        Next::Break(CloseReason::BadRequest)
    }

    /// The peer has closed its half: in the middle of a request it may still hear what we think of it.
    fn ended(&mut self, date: &Date) -> Next {
        if self.parts.is_empty() {
            return Next::Break(CloseReason::PeerClosed);
        }
        let parts = std::mem::take(&mut self.parts);
        let refused = self.refuse(parts.end(&self.house.limits), date);
        self.lingers = false;
        refused
    }

    /// Its callback has panicked: answers with 500 and closes.
    #[cold]
    fn panicked(&mut self, date: &Date) -> Next {
        lock(&self.house.stats).caught += 1;
        self.house.note(self.id, &[What::Caught { conn: self.id }, ACCOUNTS.report()]);
        self.out.truncate(self.whole);
        Reply::last(&mut self.out, &date.dated).explain(500, &[], "The callback that was to answer this request panicked.");
        self.answered(500);
        self.lingers = true;
        self.flush()?;
        Next::Break(CloseReason::Panicked)
    }

    /// Closes it. Where the peer may still be sending, closing waits until it has read the answer: a socket that is closed with unread
    /// bytes sends a reset, and a reset can overtake the answer (RFC 9112, section 9.6).
    pub fn close(mut self, reason: CloseReason) {
        if self.lingers && self.stream.shutdown(Shutdown::Write).is_ok() && self.stream.set_read_timeout(Some(LINGER.duration())).is_ok() {
            let (mut chunk, mut drained) = ([0; 4096], 0);
            while let Ok(read @ 1..) = self.stream.read(&mut chunk) {
                drained += read as u64;
                if drained > MOST_DRAINED {
                    break;
                }
            }
        }
        self.gone(reason);
    }

    fn gone(&mut self, reason: CloseReason) {
        if !std::mem::replace(&mut self.closed, true) {
            lock(&self.house.stats).open -= 1;
            self.house.note(self.id, &[What::Closed { conn: self.id, reason }]);
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// A thread that ends in a panic takes its connection with it, and only that.
impl Drop for Conn {
    fn drop(&mut self) {
        self.gone(if std::thread::panicking() { CloseReason::Panicked } else { CloseReason::Failed });
    }
}
