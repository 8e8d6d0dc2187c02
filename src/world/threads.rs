//! Threads that serve connections, where the model has such: what is being served, for how long, and how many at once.
//!
//! A request on a thread of its own holds nobody else up, so it is no stall, however long it takes.

use super::connections::SerialMap;
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Handler};

/// Requests under way that are kept with their identity; more are not seen.
pub const MAX_SERVING: usize = 65_536;

/// What the threads do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Threads {
    /// Requests answered so far.
    pub answered: u64,
    /// The most that were under way at once.
    pub most: u32,
    /// The longest time from reading a request to its answer, of those that are answered.
    pub longest: Nanos,
    serving: SerialMap<ConnId, Serving>,
}

/// A request under way on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// What it asked for.
    pub handler: Handler,
    /// The fault that has taken hold of it.
    pub fault: Option<Fault>,
    /// Since when.
    pub since: Nanos,
}

impl Threads {
    /// Requests that are under way.
    pub fn serving(&self) -> u32 {
        self.serving.len() as u32
    }

    /// The request that has been under way longest.
    pub fn oldest(&self) -> Option<(ConnId, Serving)> {
        self.serving.iter().map(|(id, serving)| (*id, *serving)).min_by_key(|(id, serving)| (serving.since, *id))
    }

    /// Requests that are under way, those that have been so longest first, at most so many.
    pub fn oldest_first(&self, most: usize) -> Vec<(ConnId, Serving)> {
        let mut all: Vec<_> = self.serving.iter().map(|(id, serving)| (*id, *serving)).collect();
        all.sort_unstable_by_key(|(id, serving)| (serving.since, *id));
        all.truncate(most);
        all
    }

    pub(super) fn requested(&mut self, at: Nanos, conn: ConnId, handler: Handler) {
        if self.serving.len() < MAX_SERVING {
            self.serving.insert(conn, Serving { handler, fault: None, since: at });
            self.most = self.most.max(self.serving());
        }
    }

    pub(super) fn struck(&mut self, conn: ConnId, fault: Fault) {
        if let Some(serving) = self.serving.get_mut(&conn) {
            serving.fault = Some(fault);
        }
    }

    pub(super) fn responded(&mut self, at: Nanos, conn: ConnId) {
        if let Some(serving) = self.serving.remove(&conn) {
            self.answered += 1;
            self.longest = self.longest.max(at.since(serving.since));
        }
    }

    /// The connection is closed: whatever was under way on it is over.
    pub(super) fn closed(&mut self, conn: ConnId) {
        self.serving.remove(&conn);
    }

    /// The process is gone, or events were lost: what is under way is not known.
    pub(super) fn end(&mut self) {
        self.serving.clear();
    }

    /// Room for requests.
    pub(super) fn capacity(&self) -> usize {
        self.serving.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_under_way_until_it_is_answered_or_its_connection_is_gone() {
        let mut threads = Threads::default();
        threads.requested(Nanos(10), ConnId(1), Handler::Sleep);
        threads.requested(Nanos(5), ConnId(2), Handler::Compute);
        threads.struck(ConnId(2), Fault::EndlessLoop);
        let (conn, serving) = threads.oldest().unwrap();
        assert_eq!((conn, serving.fault, threads.serving()), (ConnId(2), Some(Fault::EndlessLoop), 2));
        assert_eq!(threads.oldest_first(9).iter().map(|(conn, _)| conn.0).collect::<Vec<_>>(), [2, 1]);
        threads.responded(Nanos(40), ConnId(1));
        threads.responded(Nanos(90), ConnId(1));
        threads.closed(ConnId(2));
        assert_eq!((threads.serving(), threads.most, threads.answered, threads.longest), (0, 2, 1, Nanos(30)));
    }
}
