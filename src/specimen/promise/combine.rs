//! Many promises as one.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Jobs, Promise, Reason, Resolver, Value};

/// Fulfilled with the values of all, in the order of the promises, when the last one is; rejected as soon as the first one is.
pub fn all<T: Value, E: Reason>(jobs: &Rc<Jobs>, promises: &[Promise<T, E>]) -> Promise<Vec<T>, E> {
    let (promise, resolver) = Promise::new(jobs);
    if promises.is_empty() {
        resolver.fulfil(Vec::new());
        return promise;
    }
    let gathered =
        Rc::new(Gather { values: RefCell::new(promises.iter().map(|_| None).collect()), resolver: RefCell::new(Some(resolver)) });
    for (n, one) in promises.iter().enumerate() {
        let (kept, lost) = (Rc::clone(&gathered), Rc::clone(&gathered));
        // What comes after the first rejection is handled, and of no consequence.
        one.then(move |value| kept.keep(n, value)).catch(move |reason| lost.settle(Err(reason)));
    }
    promise
}

/// Settled as the first one is. Of none, it stays pending.
pub fn race<T: Value, E: Reason>(jobs: &Rc<Jobs>, promises: &[Promise<T, E>]) -> Promise<T, E> {
    let (promise, resolver) = Promise::new(jobs);
    let race = Rc::new(RefCell::new(Some(resolver)));
    for one in promises {
        let (won, lost) = (Rc::clone(&race), Rc::clone(&race));
        one.then(move |value| first(&won, Ok(value))).catch(move |reason| first(&lost, Err(reason)));
    }
    promise
}

struct Gather<T: Value, E: Reason> {
    values: RefCell<Vec<Option<T>>>,
    resolver: RefCell<Option<Resolver<Vec<T>, E>>>,
}

impl<T: Value, E: Reason> Gather<T, E> {
    fn keep(&self, n: usize, value: T) {
        let mut values = self.values.borrow_mut();
        values[n] = Some(value);
        if values.iter().all(Option::is_some) {
            self.settle(Ok(values.drain(..).flatten().collect()));
        }
    }

    fn settle(&self, result: Result<Vec<T>, E>) {
        first(&self.resolver, result);
    }
}

fn first<T: Value, E: Reason>(resolver: &RefCell<Option<Resolver<T, E>>>, result: Result<T, E>) {
    if let Some(resolver) = resolver.take() {
        resolver.settle(result);
    }
}
