//! Timers: what is due when. An ordered map, so that setting, cancelling and taking the earliest all cost the logarithm of their number.
//!
//! A wheel would be faster with very many; a map is exact, and can be read.

use std::collections::BTreeMap;

use mio::Token;

use crate::base::units::Nanos;

/// What identifies a timer: when it is due, and a number that tells those of one moment apart.
pub type Key = (Nanos, u64);

/// A timer that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// When it was due.
    pub due: Nanos,
    /// Whose it is.
    pub token: Token,
    /// What it was set under.
    pub key: Key,
}

/// The timers of one loop.
#[derive(Debug, Default)]
pub struct Timers {
    map: BTreeMap<Key, Token>,
    set: u64,
}

impl Timers {
    /// Sets a timer for a moment. Keep the key to cancel it.
    pub fn set(&mut self, due: Nanos, token: Token) -> Key {
        self.set += 1;
        let key = (due, self.set);
        self.map.insert(key, token);
        key
    }

    /// Cancels a timer, if it has not been taken.
    pub fn cancel(&mut self, key: Key) {
        self.map.remove(&key);
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Nanos> {
        self.map.first_key_value().map(|((due, _), _)| *due)
    }

    /// How many are due at this moment.
    pub fn count_due(&self, now: Nanos) -> usize {
        self.map.range(..=(now, u64::MAX)).count()
    }

    /// Takes the earliest that is due at this moment.
    pub fn take_due(&mut self, now: Nanos) -> Option<Timer> {
        let entry = self.map.first_entry()?;
        let key = *entry.key();
        (key.0 <= now).then(|| Timer { due: key.0, token: entry.remove(), key })
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_cancelled_ones_never() {
        let mut timers = Timers::default();
        let keys: Vec<Key> = [30, 10, 20, 10].into_iter().enumerate().map(|(n, due)| timers.set(Nanos(due), Token(n))).collect();
        assert_eq!((timers.next_due(), timers.count_due(Nanos(20)), timers.len()), (Some(Nanos(10)), 3, 4));
        timers.cancel(keys[2]);
        let taken: Vec<usize> = std::iter::from_fn(|| timers.take_due(Nanos(29))).map(|t| t.token.0).collect();
        assert_eq!(taken, [1, 3]);
        assert_eq!(timers.take_due(Nanos(30)), Some(Timer { due: Nanos(30), token: Token(0), key: keys[0] }));
        timers.cancel(keys[0]);
        assert!(timers.is_empty() && timers.next_due().is_none());
    }
}
