//! Promises on our loop: a value that is not there yet, and what is to be done when it is. They teach what a promise adds to a callback: an error
//! that nobody looks at travels down the chain by itself, to the first who does; and if nobody does, that can be told.
//!
//! As Promises/A+ and ECMAScript have it, in one thread and without `unsafe`:
//!
//! - A promise is pending, fulfilled or rejected; once settled it stays as it is. A [`Resolver`] is used up by settling, so that the
//!   compiler sees to "at most once".
//! - [`Promise::then`], [`Promise::catch`] and [`Promise::finally`] give a new promise for what the reaction returns: a `Result`, or
//!   another promise, whose state is adopted. A reaction that is not for the state passes it on untouched.
//! - A reaction never runs inside `then` nor inside settling. It is queued as a job and runs in the `tasks` phase, each as a callback of
//!   its own, first in, first out: those of one promise in the order in which they were attached, those of different promises in the order in
//!   which they were settled.
//! - What a job queues is for the next tick. (In a browser such jobs are microtasks: all of them run before anything else does,
//!   and a chain that always queues another one starves the loop. Here others have their turn in between.)
//! - A panic in a reaction is a panic, as in any callback; an error is an `Err`. (JavaScript knows only `throw`.)
//! - A promise that is rejected and dies, its last reference dropped, without ever having had a reaction, is an unhandled rejection.
//!   (Node.js says so when the jobs are done, and has to take it back if somebody attaches a reaction later. A reference count knows.)
//!
//! It knows neither sockets nor timers.

mod combine;
mod jobs;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use mio::Token;

pub use combine::{all, race};
pub use jobs::{Job, Jobs, Unhandled};

/// What a promise can be fulfilled with: every reaction gets its own.
pub trait Value: Clone + 'static {}
impl<T: Clone + 'static> Value for T {}

/// Why a promise can be rejected: it can be told in a sentence.
pub trait Reason: Clone + fmt::Display + 'static {}
impl<E: Clone + fmt::Display + 'static> Reason for E {}

/// A value that is not there yet.
pub struct Promise<T: Value, E: Reason>(Rc<Inner<T, E>>);

/// The right to settle a promise, once. Dropped without that, the promise stays pending for ever.
pub struct Resolver<T: Value, E: Reason>(Rc<Inner<T, E>>);

struct Inner<T: Value, E: Reason> {
    jobs: Rc<Jobs>,
    /// Whose request it is made for.
    owner: Token,
    state: RefCell<State<T, E>>,
    handled: Cell<bool>,
}

enum State<T: Value, E: Reason> {
    Pending(Vec<Reaction<T, E>>),
    Settled(Result<T, E>),
}

enum Reaction<T: Value, E: Reason> {
    /// Runs as a job.
    Job(Box<dyn FnOnce(Result<T, E>)>),
    /// Takes on the same state at once: nobody's code runs.
    Adopt(Resolver<T, E>),
}

/// What a reaction may return: the state of the promise that `then` gave.
pub trait Step<T: Value, E: Reason> {
    /// Settles a promise with it, now or when it is settled itself.
    fn settle(self, resolver: Resolver<T, E>);
}

impl<T: Value, E: Reason> Step<T, E> for Result<T, E> {
    fn settle(self, resolver: Resolver<T, E>) {
        resolver.settle(self);
    }
}

/// A reaction that gives nothing back has nothing that could fail.
impl<E: Reason> Step<(), E> for () {
    fn settle(self, resolver: Resolver<(), E>) {
        resolver.fulfil(());
    }
}

impl<T: Value, E: Reason> Step<T, E> for Promise<T, E> {
    fn settle(self, resolver: Resolver<T, E>) {
        // A promise that waited for itself would never be settled, and never freed: it is left pending, and free.
        if !Rc::ptr_eq(&self.0, &resolver.0) {
            self.0.react(Reaction::Adopt(resolver));
        }
    }
}

impl<T: Value, E: Reason> Clone for Promise<T, E> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: Value, E: Reason> Promise<T, E> {
    /// A pending promise, and the right to settle it. It belongs to the request whose code runs.
    pub fn new(jobs: &Rc<Jobs>) -> (Self, Resolver<T, E>) {
        Self::owned(jobs, jobs.owner())
    }

    fn owned(jobs: &Rc<Jobs>, owner: Token) -> (Self, Resolver<T, E>) {
        let state = RefCell::new(State::Pending(Vec::new()));
        let inner = Rc::new(Inner { jobs: Rc::clone(jobs), owner, state, handled: Cell::new(false) });
        (Self(Rc::clone(&inner)), Resolver(inner))
    }

    /// A promise whose state is known already.
    pub fn settled(jobs: &Rc<Jobs>, result: Result<T, E>) -> Self {
        let (promise, resolver) = Self::new(jobs);
        resolver.settle(result);
        promise
    }

    /// When it is fulfilled, runs `reaction` on the value; a rejection passes by.
    pub fn then<U: Value, R: Step<U, E>>(&self, reaction: impl FnOnce(T) -> R + 'static) -> Promise<U, E> {
        self.derive(move |result, resolver| match result {
            Ok(value) => reaction(value).settle(resolver),
            Err(reason) => resolver.reject(reason),
        })
    }

    /// When it is rejected, runs `reaction` on the reason; a value passes by.
    #[expect(clippy::return_self_not_must_use, reason = "the promise at the end of a chain is nobody's business")]
    pub fn catch<R: Step<T, E>>(&self, reaction: impl FnOnce(E) -> R + 'static) -> Self {
        self.derive(move |result, resolver| match result {
            Ok(value) => resolver.fulfil(value),
            Err(reason) => reaction(reason).settle(resolver),
        })
    }

    /// When it is settled, runs `reaction`; the state passes by.
    #[expect(clippy::return_self_not_must_use, reason = "the promise at the end of a chain is nobody's business")]
    pub fn finally(&self, reaction: impl FnOnce() + 'static) -> Self {
        self.derive(move |result, resolver| {
            reaction();
            resolver.settle(result);
        })
    }

    fn derive<U: Value>(&self, reaction: impl FnOnce(Result<T, E>, Resolver<U, E>) + 'static) -> Promise<U, E> {
        let (promise, resolver) = Promise::owned(&self.0.jobs, self.0.owner);
        self.0.react(Reaction::Job(Box::new(move |result| reaction(result, resolver))));
        promise
    }
}

impl<T: Value, E: Reason> Resolver<T, E> {
    /// Fulfils the promise.
    pub fn fulfil(self, value: T) {
        self.settle(Ok(value));
    }

    /// Rejects it.
    pub fn reject(self, reason: E) {
        self.settle(Err(reason));
    }

    /// Does the one or the other.
    pub fn settle(self, result: Result<T, E>) {
        // Those that adopt the state are settled in a loop, not one inside the other: a chain of them may be long.
        let mut next = Some((self, result));
        let mut later = Vec::new();
        while let Some((Resolver(inner), result)) = next {
            let before = inner.state.replace(State::Settled(result.clone()));
            let State::Pending(reactions) = before else { unreachable!("a resolver is used up by settling") };
            for reaction in reactions {
                match reaction {
                    Reaction::Job(run) => inner.queue(run, result.clone()),
                    Reaction::Adopt(resolver) => later.push((resolver, result.clone())),
                }
            }
            next = later.pop();
        }
    }
}

impl<T: Value, E: Reason> Inner<T, E> {
    fn react(&self, reaction: Reaction<T, E>) {
        self.handled.set(true);
        let result = match &mut *self.state.borrow_mut() {
            State::Pending(reactions) => return reactions.push(reaction),
            State::Settled(result) => result.clone(),
        };
        match reaction {
            Reaction::Job(run) => self.queue(run, result),
            Reaction::Adopt(resolver) => resolver.settle(result),
        }
    }

    fn queue(&self, run: Box<dyn FnOnce(Result<T, E>)>, result: Result<T, E>) {
        self.jobs.put(self.owner, Box::new(move || run(result)));
    }
}

impl<T: Value, E: Reason> Drop for Inner<T, E> {
    fn drop(&mut self) {
        if let State::Settled(Err(reason)) = self.state.get_mut()
            && !self.handled.get()
        {
            self.jobs.unhandled(self.owner, reason);
        }
    }
}

impl<T: Value, E: Reason> fmt::Debug for Promise<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.0.state.borrow() {
            State::Pending(_) => "Promise(pending)",
            State::Settled(Ok(_)) => "Promise(fulfilled)",
            State::Settled(Err(_)) => "Promise(rejected)",
        })
    }
}

impl<T: Value, E: Reason> fmt::Debug for Resolver<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
