//! The jobs of one loop's promises, in the order in which they were queued, and what is known of rejections that nobody handled.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;

use mio::Token;

/// A reaction whose promise is settled.
pub type Job = Box<dyn FnOnce()>;

/// Unhandled rejections that are told by their reason; of more only the number is known.
const MOST_TOLD: usize = 64;

/// A rejection that nobody handled, and nobody can handle any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhandled {
    /// Whose request it was made for.
    pub owner: Token,
    /// Why it was rejected.
    pub reason: String,
}

/// Where promises queue their jobs.
pub struct Jobs {
    queue: RefCell<VecDeque<(Token, Job)>>,
    owner: Cell<Token>,
    unhandled: RefCell<Vec<Unhandled>>,
}

impl Jobs {
    /// None. What is made before somebody enters belongs to `nobody`.
    pub fn new(nobody: Token) -> Self {
        Self { queue: RefCell::default(), owner: Cell::new(nobody), unhandled: RefCell::default() }
    }

    /// From here on this request's code runs: what it makes is its own.
    pub fn enter(&self, owner: Token) {
        self.owner.set(owner);
    }

    /// Whose code runs.
    pub fn owner(&self) -> Token {
        self.owner.get()
    }

    /// Queues a job.
    pub fn put(&self, owner: Token, job: Job) {
        self.queue.borrow_mut().push_back((owner, job));
    }

    /// Takes the job that was queued first.
    pub fn take(&self) -> Option<(Token, Job)> {
        self.queue.borrow_mut().pop_front()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    pub(super) fn unhandled(&self, owner: Token, reason: &impl fmt::Display) {
        let mut unhandled = self.unhandled.borrow_mut();
        let reason = if unhandled.len() < MOST_TOLD { reason.to_string() } else { String::new() };
        unhandled.push(Unhandled { owner, reason });
    }

    /// The rejections that nobody handled, since this was last asked.
    pub fn take_unhandled(&self) -> Vec<Unhandled> {
        self.unhandled.take()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("queued", &self.len()).finish_non_exhaustive()
    }
}
