//! One handler, written three times. `/chain` needs three calls to the upstream, each of which needs what the one before has brought: a user,
//! the user's orders, their price. The files hold nothing but that; they are shown on the screen as they are.
//!
//! The loop does the same for all three: the same sockets, the same requests in the same order. What differs is where the next step
//! stands in the source, and what happens to an error that nobody has thought of.

pub mod async_await;
pub mod callbacks;
pub mod promises;

use std::cell::Cell;
use std::fmt::{self, Write};
use std::rc::Rc;

use super::handle::{Answer, Fetch, Handle};
use super::promise::Promise;
use super::upstream::{Failure, Outcome};
use crate::base::ids::ConnId;
use crate::telemetry::What;
use crate::telemetry::vocabulary::Style;

/// The step at which the answer is sent.
pub const ANSWERED: u16 = 4;
/// Added to the step that failed where the failure is answered.
pub const FAILED: u16 = 4;

/// What a request to `/chain` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// How long each call takes, in milliseconds.
    pub ms: u32,
    /// Which call fails, 1 to 3; 0 for none.
    pub fail: u8,
    /// Whose orders are asked for.
    pub user: u32,
}

/// Begins the handler in this style, for the request whose code runs.
pub(super) fn begin(style: Style, handle: &Handle, query: Query, answer: Answer, forgets: bool) {
    let conn = answer.conn();
    let ask = Ask { handle: handle.clone(), query, forgets, progress: Rc::new(Progress { style, conn, step: Cell::new(0) }) };
    let reply = Reply { answer, handle: handle.clone(), progress: Rc::clone(&ask.progress) };
    let owner = handle.jobs().owner();
    match style {
        Style::Callbacks => handle.jobs().put(owner, Box::new(move || callbacks::chain(ask, reply))),
        Style::Promises => handle.jobs().put(owner, Box::new(move || promises::chain(&ask, &reply))),
        Style::AsyncAwait => handle.executor().spawn(owner, async_await::chain(ask, reply)),
    }
}

/// The path that asks for one step.
pub(super) fn path(query: Query, step: u16, say: &str) -> String {
    let Query { ms, fail, .. } = query;
    // What the upstream said comes back to it: only what cannot break a request line.
    let say: String = say.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let mut path = format!("/sleep?ms={ms}&say={say}");
    if u16::from(fail) == step {
        // Writing to a string does not fail.
        let _ = write!(path, "&status=503");
    }
    path
}

/// How far a request has come.
struct Progress {
    style: Style,
    conn: ConnId,
    step: Cell<u16>,
}

impl Progress {
    fn reached(&self, step: u16) -> What {
        What::Stepped { conn: self.conn, at: (self.style, step) }
    }
}

/// What the three calls ask.
#[derive(Clone)]
pub struct Ask {
    handle: Handle,
    query: Query,
    forgets: bool,
    progress: Rc<Progress>,
}

impl Ask {
    /// First step: who is it?
    pub fn user(&self) -> Question {
        self.step(1, &format!("user-{}", self.query.user))
    }

    /// Second step: what have they ordered?
    pub fn orders(&self, user: &str) -> Question {
        self.step(2, &format!("orders-of-{user}"))
    }

    /// Third step: what does it cost?
    pub fn price(&self, orders: &str) -> Question {
        self.step(3, &format!("price-of-{orders}"))
    }

    /// Whether the fault is on that one branch has been forgotten.
    pub fn forgets_a_branch(&self) -> bool {
        self.forgets
    }

    fn step(&self, step: u16, say: &str) -> Question {
        self.progress.step.set(step);
        self.handle.note(self.progress.reached(step));
        Question { handle: self.handle.clone(), path: path(self.query, step, say) }
    }
}

/// A question to the upstream, to be asked in the style one likes.
#[must_use = "nothing is asked until it is said how"]
pub struct Question {
    handle: Handle,
    path: String,
}

impl Question {
    /// Asks, and calls back.
    pub fn done(self, back: impl FnOnce(Outcome) + 'static) {
        self.handle.call(self.path, back);
    }

    /// Asks, and promises the outcome.
    pub fn promise(self) -> Promise<String, Failure> {
        self.handle.promise(self.path)
    }
}

/// Asks, to be awaited.
impl IntoFuture for Question {
    type Output = Outcome;
    type IntoFuture = Fetch;

    fn into_future(self) -> Fetch {
        self.handle.fetch(self.path)
    }
}

/// The answer to the client. If every branch lets go of it without having used it, the client waits in vain.
#[derive(Clone)]
pub struct Reply {
    answer: Answer,
    handle: Handle,
    progress: Rc<Progress>,
}

impl Reply {
    /// Answers.
    pub fn send(&self, price: &str) {
        self.handle.note(self.progress.reached(ANSWERED));
        self.answer.send(price.trim());
    }

    /// Answers that it failed.
    pub fn fail(&self, failure: &Failure) {
        let step = self.progress.step.get();
        self.handle.note(self.progress.reached(FAILED + step));
        self.answer.fail(&format!("Step {step} of 3 failed: {failure}"));
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("query", &self.query).finish_non_exhaustive()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("path", &self.path).finish_non_exhaustive()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("answer", &self.answer).finish_non_exhaustive()
    }
}
