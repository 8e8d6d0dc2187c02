//! Two accounts that all requests share, and transfers between them: taken from the one, then given to the other. Whenever no transfer is
//! under way their sum is what it was at the beginning. It teaches what an exception leaves behind.
//!
//! On a loop no lock is needed for that: a callback runs until it returns, so nobody sees the moment between the two steps. But a callback
//! that panics between them does not return. Whoever catches the panic saves the process, and keeps the half transfer in it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::telemetry::What;

/// What each account has at the beginning.
const EACH: u32 = 1_000_000;

/// The accounts of this process.
pub static ACCOUNTS: Accounts = Accounts::new();

/// Two accounts.
#[derive(Debug)]
pub struct Accounts {
    from: AtomicU32,
    to: AtomicU32,
    begun: AtomicU32,
}

impl Accounts {
    const fn new() -> Self {
        Self { from: AtomicU32::new(EACH), to: AtomicU32::new(EACH), begun: AtomicU32::new(0) }
    }

    /// The first step of a transfer: one is taken.
    pub fn take(&self) {
        self.begun.fetch_add(1, Relaxed);
        self.from.fetch_sub(1, Relaxed);
    }

    /// The second: it is given. Where everything has been moved, the two change their parts.
    pub fn give(&self) {
        self.to.fetch_add(1, Relaxed);
        if self.from.load(Relaxed) == 0 {
            let all = self.to.swap(0, Relaxed);
            self.from.store(all, Relaxed);
        }
    }

    /// What the two have.
    pub fn balances(&self) -> (u32, u32) {
        (self.from.load(Relaxed), self.to.load(Relaxed))
    }

    /// What is missing from their sum, beside the transfers that are under way.
    pub fn missing(&self) -> u32 {
        let (from, to) = self.balances();
        (2 * EACH).saturating_sub(from + to)
    }

    /// The same for whoever watches.
    pub fn report(&self) -> What {
        What::Balanced { missing: self.missing(), begun: self.begun.load(Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_transfer_changes_no_sum_and_half_of_one_does() {
        let accounts = Accounts::new();
        for _ in 0..10 {
            accounts.take();
            accounts.give();
        }
        assert_eq!((accounts.balances(), accounts.missing()), ((EACH - 10, EACH + 10), 0));
        accounts.take();
        assert_eq!(accounts.report(), What::Balanced { missing: 1, begun: 11 });
    }

    #[test]
    fn what_has_all_been_moved_is_moved_back() {
        let accounts = Accounts::new();
        for _ in 0..EACH {
            accounts.take();
            accounts.give();
        }
        assert_eq!((accounts.balances(), accounts.missing()), ((2 * EACH, 0), 0));
    }
}
