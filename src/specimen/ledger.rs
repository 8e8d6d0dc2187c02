//! How often the code of `/chain` allocates for one request: whoever keeps something between two steps must put it somewhere.
//!
//! Between its steps a request has no stack. Each turn of its code is booked on it: what the turn itself allocates, and what the loop does
//! in it because it was asked to (calls, answers). Other requests' turns come in between and are booked on theirs.

use std::collections::HashMap;

use mio::Token;

use crate::base::raw::allocations;
use crate::telemetry::vocabulary::Style;

/// The requests to `/chain` under way: as many as there are connections at most.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: HashMap<Token, Account>,
    /// Those whose answer is known, to be told when the turn that gave it is over.
    over: Vec<Token>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    style: Style,
    allocations: u64,
}

/// What had been allocated when a turn began.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(super) struct Meter(Option<u64>);

impl Meter {
    /// A turn begins now.
    pub fn starts() -> Self {
        Self(allocations())
    }

    /// How often this thread has allocated in it; nothing where nobody counts.
    fn allocations(self) -> Option<u64> {
        allocations().zip(self.0).map(|(now, then)| now - then)
    }
}

impl Ledger {
    /// The code of a request to `/chain` begins, written in this style.
    pub fn open(&mut self, owner: Token, style: Style) {
        self.open.insert(owner, Account { style, allocations: 0 });
    }

    /// Its answer is known, or that there will be none.
    pub fn close(&mut self, owner: Token) {
        if self.open.contains_key(&owner) {
            self.over.push(owner);
        }
    }

    /// A turn of this request's code is over.
    pub fn book(&mut self, owner: Token, meter: Meter) {
        if let Some((account, count)) = self.open.get_mut(&owner).zip(meter.allocations()) {
            account.allocations += count;
        }
    }

    /// A request that is over: whose, written how, and how often it has allocated; without that where nobody counts.
    pub fn next_over(&mut self) -> Option<(Token, Style, Option<u16>)> {
        let owner = self.over.pop()?;
        let account = self.open.remove(&owner)?;
        let count = allocations().map(|_| u16::try_from(account.allocations).unwrap_or(u16::MAX));
        Some((owner, account.style, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_booked_on_whose_they_are() {
        let (one, two, mut ledger) = (Token(1), Token(2), Ledger::default());
        ledger.open(one, Style::Promises);
        ledger.open(two, Style::AsyncAwait);
        for (owner, boxes) in [(one, 3), (two, 5), (one, 4)] {
            let room = Vec::with_capacity(boxes);
            let meter = Meter::starts();
            let kept: Vec<Box<u8>> = (0..boxes as u8).map(Box::new).fold(room, |mut kept, one| {
                kept.push(one);
                kept
            });
            ledger.book(owner, meter);
            drop(kept);
        }
        assert!(ledger.next_over().is_none(), "both go on");
        ledger.close(one);
        ledger.close(Token(3));
        assert_eq!(ledger.next_over(), Some((one, Style::Promises, Some(7))));
        ledger.close(two);
        assert_eq!(ledger.next_over(), Some((two, Style::AsyncAwait, Some(5))));
        assert!(ledger.next_over().is_none() && ledger.open.is_empty());
    }
}
