//! Long work as a whole: from the request that asks for it to its answer, on the loop, elsewhere, or a little at a time. How long that takes, how
//! many turns of the loop it needs, and what handing it to another thread and back costs.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Fault, Handler};

use super::connections::SerialMap;

/// Jobs under way that are followed at most.
const MAX_JOBS: usize = 4096;

/// The work of one loop's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jobs {
    open: SerialMap<ConnId, Open>,
    /// The one that took longest, of those since the beginning or the last mark; one that a fault has made long before all that only waited for it.
    pub longest: Option<Job>,
    /// Those that are over.
    pub done: u64,
}

/// A piece of work that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Whether a fault has made it what it is.
    pub struck: bool,
    /// From its request to its answer.
    pub took: Nanos,
    /// Turns of the loop that it needed.
    pub turns: u32,
    /// What it waited for a worker to begin, and for the loop to hear of its end; nothing where no worker had it.
    pub hand_over: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open {
    struck: bool,
    since: Nanos,
    turns: u32,
    queued: Option<Nanos>,
    began: Option<Nanos>,
    ended: Option<Nanos>,
    heard: Option<Nanos>,
}

impl Jobs {
    /// Whether nothing is followed: asked before each callback.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Room for so many.
    pub(super) fn capacity(&self) -> usize {
        self.open.capacity()
    }

    /// A request asks for work by itself.
    #[inline]
    pub(super) fn requested(&mut self, at: Nanos, conn: ConnId, handler: Handler) {
        if handler == Handler::Compute {
            self.begin(at, conn, false);
        }
    }

    /// A fault takes hold of a request and is work.
    pub(super) fn struck(&mut self, at: Nanos, conn: ConnId, fault: Fault) {
        if matches!(fault, Fault::Compute | Fault::BlockingRead) {
            self.begin(at, conn, true);
        }
    }

    fn begin(&mut self, at: Nanos, conn: ConnId, struck: bool) {
        if self.open.len() < MAX_JOBS {
            let open = self.open.entry(conn).or_insert(Open { since: at, turns: 1, ..Open::default() });
            open.struck |= struck;
        }
    }

    /// The loop comes to it once more.
    pub(super) fn turn(&mut self, at: Nanos, conn: ConnId) {
        if let Some(open) = self.open.get_mut(&conn) {
            open.turns += 1;
            open.heard = Some(at);
        }
    }

    /// It is handed to the workers.
    pub(super) fn queued(&mut self, at: Nanos, conn: ConnId) {
        if let Some(open) = self.open.get_mut(&conn) {
            open.queued = Some(at);
        }
    }

    /// A worker begins it, or has done it.
    pub(super) fn worked(&mut self, at: Nanos, conn: ConnId, ends: bool) {
        if let Some(open) = self.open.get_mut(&conn) {
            *(if ends { &mut open.ended } else { &mut open.began }) = Some(at);
        }
    }

    /// Its request is answered.
    pub(super) fn answered(&mut self, at: Nanos, conn: ConnId) {
        let Some(open) = self.open.remove(&conn) else { return };
        let there = open.queued.zip(open.began).map(|(queued, began)| began.since(queued));
        let back = open.ended.zip(open.heard).map(|(ended, heard)| heard.since(ended));
        let hand_over = there.zip(back).map(|(there, back)| there + back);
        let job = Job { struck: open.struck, took: at.since(open.since), turns: open.turns, hand_over };
        self.done += 1;
        if self.longest.is_none_or(|longest| (job.struck, job.took) > (longest.struck, longest.took)) {
            self.longest = Some(job);
        }
    }

    /// A connection is over, and with it whoever waited for the work.
    pub(super) fn closed(&mut self, conn: ConnId) {
        self.open.remove(&conn);
    }

    /// A mark was reached: the longest is counted from here.
    pub(super) fn mark(&mut self) {
        self.longest = None;
    }

    /// The process is gone, and with it all that was under way.
    pub(super) fn end(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    #[test]
    fn the_same_work_on_the_loop_elsewhere_and_in_slices() {
        let world = Story::new(&["naive", "pool", "sliced"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::secs(1)).world();
        let jobs: Vec<Job> = world.specimens.iter().filter_map(|specimen| specimen.jobs.longest).collect();
        let [naive, pool, sliced] = jobs[..] else { panic!("{jobs:?}") };
        assert!(jobs.iter().all(|job| job.took >= Nanos::millis(400) && job.took < Nanos::secs(1)), "{jobs:?}");
        assert_eq!((naive.turns, naive.hand_over, sliced.hand_over), (1, None, None));
        assert_eq!(pool.turns, 2, "one to hand it over, one to answer");
        assert!(pool.hand_over.is_some_and(|time| time < Nanos::millis(50)), "{pool:?}");
        assert!(sliced.turns > 50 && sliced.took > naive.took, "{sliced:?}");
        assert!(world.specimens.iter().all(|specimen| specimen.jobs.is_empty()));
    }
}
