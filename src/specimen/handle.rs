//! What a handler's own code can ask of the loop: to call the upstream, to wait, to answer. A handle is cheap to clone and to keep.
//!
//! Asking does nothing by itself. What is asked for lies here until the callback that asks has returned; then the loop carries it out
//! ([`super::errands`]). So code that is run by the loop never finds the loop in the middle of something.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use mio::Token;

use super::executor::{Executor, Mailbox};
use super::promise::{Jobs, Promise};
use super::upstream::{Call, Failure, Outcome};
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::What;

/// Something to be done when its time has come.
pub type Alarm = Box<dyn FnOnce()>;

/// What is said about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It can go on to its handler.
    GoOn,
    /// It is answered with this text.
    Text(String),
    /// It is answered with 502 and this sentence.
    Failed(String),
    /// Nobody is left who could answer it.
    Nothing,
}

/// What has been asked for and not been carried out.
#[derive(Default)]
pub(super) struct Asked {
    pub calls: Vec<Call>,
    pub alarms: Vec<(Token, Nanos, Alarm)>,
    pub said: Vec<(Token, Said)>,
    pub notes: Vec<What>,
}

struct Desk {
    jobs: Rc<Jobs>,
    executor: Executor,
    asked: RefCell<Asked>,
}

/// A handle to the loop.
#[derive(Clone)]
pub struct Handle(Rc<Desk>);

impl Handle {
    pub(super) fn new(nobody: Token, executor: Executor) -> Self {
        Self(Rc::new(Desk { jobs: Rc::new(Jobs::new(nobody)), executor, asked: RefCell::default() }))
    }

    /// The jobs of the loop's promises.
    pub fn jobs(&self) -> &Rc<Jobs> {
        &self.0.jobs
    }

    /// The loop's executor.
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// Calls the upstream; `done` is called with the outcome, exactly once.
    pub fn call(&self, path: String, done: impl FnOnce(Outcome) + 'static) {
        let call = Call { owner: self.0.jobs.owner(), path, again: false, done: Box::new(done) };
        self.0.asked.borrow_mut().calls.push(call);
    }

    /// Calls the upstream, and promises the outcome.
    pub fn promise(&self, path: String) -> Promise<String, Failure> {
        let (promise, resolver) = Promise::new(&self.0.jobs);
        self.call(path, move |outcome| resolver.settle(outcome));
        promise
    }

    /// Calls the upstream; to be awaited.
    pub fn fetch(&self, path: String) -> Fetch {
        let mailbox = Rc::new(Mailbox::default());
        let ours = Rc::clone(&mailbox);
        self.call(path, move |outcome| ours.put(outcome));
        Fetch(mailbox)
    }

    /// Does something after a while.
    pub fn after(&self, delay: Nanos, alarm: impl FnOnce() + 'static) {
        let alarm = (self.0.jobs.owner(), delay, Box::new(alarm) as Alarm);
        self.0.asked.borrow_mut().alarms.push(alarm);
    }

    /// A promise that is fulfilled after a while.
    pub fn pause(&self, delay: Nanos) -> Promise<(), Failure> {
        let (promise, resolver) = Promise::new(&self.0.jobs);
        self.after(delay, move || resolver.fulfil(()));
        promise
    }

    /// Waits; to be awaited.
    pub fn sleep(&self, delay: Nanos) -> Sleep {
        let mailbox = Rc::new(Mailbox::default());
        let ours = Rc::clone(&mailbox);
        self.after(delay, move || ours.put(()));
        Sleep(mailbox)
    }

    /// The right to answer the request whose code runs.
    pub(super) fn answer(&self) -> Answer {
        Answer(Rc::new(Right { handle: self.clone(), owner: self.0.jobs.owner(), used: false.into() }))
    }

    pub(super) fn note(&self, what: What) {
        self.0.asked.borrow_mut().notes.push(what);
    }

    fn say(&self, owner: Token, said: Said) {
        self.0.asked.borrow_mut().said.push((owner, said));
    }

    /// Takes what has been asked for; nothing if there is nothing.
    pub(super) fn take_asked(&self) -> Option<Asked> {
        let asked = self.0.asked.take();
        let empty = asked.calls.is_empty() && asked.alarms.is_empty() && asked.said.is_empty() && asked.notes.is_empty();
        (!empty).then_some(asked)
    }
}

/// An upstream call that is awaited.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Fetch(Rc<Mailbox<Outcome>>);

impl Future for Fetch {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.0.poll(context)
    }
}

/// A while that is awaited.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep(Rc<Mailbox<()>>);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

/// The right to answer a request, once. Several can hold it, as several branches of a handler do; the first one's answer counts.
///
/// If all of them let go of it and none has answered, the client waits in vain. The loop notes it: nothing else would.
#[derive(Clone)]
pub struct Answer(Rc<Right>);

struct Right {
    handle: Handle,
    owner: Token,
    used: std::cell::Cell<bool>,
}

impl Answer {
    /// Answers with a text.
    pub fn send(&self, text: &str) {
        self.say(Said::Text(format!("{text}\n")));
    }

    /// Answers that it could not be done, and why.
    pub fn fail(&self, why: &impl fmt::Display) {
        self.say(Said::Failed(format!("{why}.")));
    }

    /// Lets the request go on to its handler.
    pub fn go_on(&self) {
        self.say(Said::GoOn);
    }

    fn say(&self, said: Said) {
        if !self.0.used.replace(true) {
            self.0.handle.say(self.0.owner, said);
        }
    }

    /// The connection whose request it is.
    pub fn conn(&self) -> ConnId {
        ConnId((self.0.owner.0 >> 32) as u32)
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if !self.used.get() {
            self.handle.say(self.owner, Said::Nothing);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("conn", &self.conn()).finish_non_exhaustive()
    }
}
