//! A small executor: it runs futures on the loop that is there, and has none of its own. It teaches what `async` is: a function that can
//! be left in the middle and entered again; somebody must call it, and somebody must say when.
//!
//! A future is polled as a task of the loop. If it is not done it has left its waker with what it waits for: an upstream call, a timer.
//! When that is there, the waker queues the future, and the next `tasks` phase polls it again. Between two polls it costs nothing.
//!
//! No `unsafe`: futures are pinned in boxes, and a waker is an `Arc` that knows the future's place ([`std::task::Wake`]). A waker may be
//! called from any thread, which is why the queue is behind a lock; from another thread than the loop's, the loop is woken too.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use mio::Token;
use slab::Slab;

/// A future that nobody waits for but the executor: what comes of it, it does itself.
type Errand = Pin<Box<dyn Future<Output = ()>>>;

/// The futures of one loop.
pub struct Executor {
    slots: RefCell<Slab<Slot>>,
    ready: Arc<Ready>,
}

struct Slot {
    /// Nothing while it is being polled.
    future: Option<Errand>,
    wakeup: Arc<Wakeup>,
}

/// The futures that want to be polled, in the order in which they were woken.
struct Ready {
    queue: Mutex<VecDeque<Arc<Wakeup>>>,
    /// How many there are, for the loop to look at without the lock.
    count: AtomicUsize,
    home: ThreadId,
    from_afar: Box<dyn Fn() + Send + Sync>,
}

/// The way to wake one future.
pub struct Wakeup {
    place: usize,
    owner: Token,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Executor {
    /// An executor on this thread. `from_afar` wakes the loop where a waker is called on another one.
    pub fn new(from_afar: impl Fn() + Send + Sync + 'static) -> Self {
        let (queue, count, home) = (Mutex::default(), AtomicUsize::new(0), thread::current().id());
        Self { slots: RefCell::default(), ready: Arc::new(Ready { queue, count, home, from_afar: Box::new(from_afar) }) }
    }

    /// Takes over a future for this owner. It is polled for the first time in the next `tasks` phase.
    pub fn spawn(&self, owner: Token, future: impl Future<Output = ()> + 'static) {
        let mut slots = self.slots.borrow_mut();
        let entry = slots.vacant_entry();
        let (place, ready) = (entry.key(), Arc::clone(&self.ready));
        let wakeup = Arc::new(Wakeup { place, owner, queued: AtomicBool::new(false), ready });
        entry.insert(Slot { future: Some(Box::pin(future)), wakeup: Arc::clone(&wakeup) });
        wakeup.wake();
    }

    /// How many futures want to be polled.
    #[inline]
    pub fn due(&self) -> usize {
        self.ready.count.load(Ordering::Acquire)
    }

    /// Takes the one that was woken first.
    pub fn take(&self) -> Option<Arc<Wakeup>> {
        let mut queue = self.ready.lock();
        let wakeup = queue.pop_front()?;
        self.ready.count.store(queue.len(), Ordering::Release);
        Some(wakeup)
    }

    /// Polls a future that was taken. Once it is done it is dropped.
    pub fn poll(&self, wakeup: &Arc<Wakeup>) {
        // Woken while it runs, it is queued anew: it may have looked already.
        wakeup.queued.store(false, Ordering::Release);
        let future = {
            let mut slots = self.slots.borrow_mut();
            // Its waker can outlive it, and its place be another's by now.
            let slot = slots.get_mut(wakeup.place).filter(|slot| Arc::ptr_eq(&slot.wakeup, wakeup));
            slot.and_then(|slot| slot.future.take())
        };
        let Some(mut future) = future else { return };
        // If it panics its place is free again: half run, it cannot be entered any more.
        let mut guard = Occupied { slots: &self.slots, place: wakeup.place, keep: false };
        let waker = Waker::from(Arc::clone(wakeup));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.slots.borrow_mut()[wakeup.place].future = Some(future);
            guard.keep = true;
        }
    }

    /// Futures that are not done.
    pub fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The place of a future that is being polled.
struct Occupied<'e> {
    slots: &'e RefCell<Slab<Slot>>,
    place: usize,
    keep: bool,
}

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.slots.borrow_mut().try_remove(self.place);
        }
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Wakeup>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wakeup {
    /// Whose future it is.
    pub fn owner(&self) -> Token {
        self.owner
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let ready = Arc::clone(&self.ready);
        {
            let mut queue = ready.lock();
            queue.push_back(self);
            ready.count.store(queue.len(), Ordering::Release);
        }
        if thread::current().id() != ready.home {
            (ready.from_afar)();
        }
    }
}

/// One value that is not there yet, between who brings it and the future that waits for it.
pub struct Mailbox<T> {
    state: RefCell<Mail<T>>,
}

enum Mail<T> {
    Awaited(Option<Waker>),
    There(T),
    Taken,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self { state: RefCell::new(Mail::Awaited(None)) }
    }
}

impl<T> Mailbox<T> {
    /// Brings the value and wakes who waits.
    pub fn put(&self, value: T) {
        if let Mail::Awaited(Some(waker)) = self.state.replace(Mail::There(value)) {
            waker.wake();
        }
    }

    /// The value, if it is there; otherwise the waker is kept.
    pub fn poll(&self, context: &Context<'_>) -> Poll<T> {
        let mut state = self.state.borrow_mut();
        match &*state {
            Mail::There(_) => match std::mem::replace(&mut *state, Mail::Taken) {
                Mail::There(value) => Poll::Ready(value),
                Mail::Awaited(_) | Mail::Taken => unreachable!("it was there"),
            },
            Mail::Awaited(_) => {
                *state = Mail::Awaited(Some(context.waker().clone()));
                Poll::Pending
            }
            Mail::Taken => Poll::Pending,
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("due", &self.due()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Wakeup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakeup").field("place", &self.place).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}
