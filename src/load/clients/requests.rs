//! A request from the moment it is due to its end: who carries it, when it leaves, and how it is told.

use super::{BUSY, Clients, FREE};
use crate::base::clock::Stamp;
use crate::base::ids::ClientId;
use crate::base::units::Nanos;
use crate::load::client::Carried;
use crate::load::schedule::{Choice, Due};
use crate::telemetry::What;
use crate::telemetry::vocabulary::Outcome;

impl Clients {
    /// Gives the requests that are due to the free clients, each time the one that has been free the longest.
    pub(super) fn serve(&mut self, now: Nanos) {
        while self.paused.is_none()
            && !self.due.is_empty()
            && let Some(n) = self.lists.first(FREE)
            && let Some(due) = self.due.pop_front()
        {
            self.carry(n, due, now);
        }
    }

    pub(super) fn carry(&mut self, n: usize, due: Due, now: Nanos) {
        let deadline = due.intended + self.timeout;
        self.all[n].carried = Some(Carried { due, deadline, begun: false, sent: 0 });
        self.all[n].alarm = Nanos::ZERO;
        let all = &self.all;
        let earlier = |other: usize| all[other].carried.is_none_or(|carried| carried.deadline <= deadline);
        self.lists.insert(BUSY, n, earlier);
        if due.choice.anew {
            self.hang_up(n);
            self.dial(n, now);
        } else {
            self.send(n);
        }
    }

    /// Sends the first bytes of the carried request.
    pub(super) fn send(&mut self, n: usize) {
        let at = self.clock.stamp();
        let Some(carried) = &mut self.all[n].carried else { return };
        carried.begun = true;
        let late = micros(self.clock.base().nanos(at).since(carried.due.intended));
        let row = carried.due.choice.row;
        let client = ClientId(n as u32);
        self.note(at, What::Chose { client, row });
        self.note(at, What::Sent { client, late });
        if let Err(outcome) = self.all[n].send(&self.requests) {
            self.lost(n, outcome);
        }
    }

    pub(super) fn answered(&mut self, n: usize, status: u16, reusable: bool) {
        let at = self.clock.stamp();
        let now = self.clock.base().nanos(at);
        self.finish(n, at, if status < 400 { Outcome::Answered } else { Outcome::ErrorStatus }, status);
        self.all[n].failures = 0;
        if reusable {
            self.free(n, now);
        } else {
            self.hang_up(n);
            self.redial(n, now);
        }
    }

    /// A connection is over, and with it the request that it carried.
    pub(super) fn lost(&mut self, n: usize, outcome: Outcome) {
        let at = self.clock.stamp();
        if self.all[n].carried.is_some() {
            self.finish(n, at, outcome, 0);
        }
        self.hang_up(n);
        self.redial(n, self.clock.base().nanos(at));
    }

    fn finish(&mut self, n: usize, at: Stamp, outcome: Outcome, status: u16) {
        let client = ClientId(n as u32);
        self.lists.remove(n);
        if let Some(carried) = self.all[n].carried.take() {
            if outcome == Outcome::Timeout && !carried.begun {
                return self.give_up(carried.due, Nanos::ZERO);
            }
            if !carried.begun {
                self.note(at, What::Chose { client, row: carried.due.choice.row });
            }
            self.note(at, What::Finished { client, outcome: (outcome, status) });
        }
    }

    /// A request that was never sent. It has waited for as long as it could, or would have had to wait for at least so long.
    pub(super) fn give_up(&mut self, due: Due, at_least: Nanos) {
        let at = self.clock.stamp();
        let after = micros(self.clock.base().nanos(at).since(due.intended).max(at_least));
        self.note(at, What::GaveUp { row: due.choice.row, after });
    }

    /// A client has a connection and nothing to do.
    pub(super) fn free(&mut self, n: usize, now: Nanos) {
        if n >= self.wanted {
            self.hang_up(n);
            self.lists.remove(n);
            return;
        }
        self.lists.push(FREE, n);
        if self.paused.is_some() {
            return;
        }
        if let Some(due) = self.due.pop_front() {
            // Whoever became free before this one has found the queue empty.
            self.carry(n, due, now);
        } else if self.rate.is_none() {
            self.think(n, now);
        }
    }

    /// Closed loop: the next request of this client, at once or after a thought.
    fn think(&mut self, n: usize, now: Nanos) {
        let thought = if self.think == Nanos::ZERO { Nanos::ZERO } else { self.thought(n) };
        if thought == Nanos::ZERO {
            let choice = self.choose(n);
            self.carry(n, Due { intended: now, choice }, now);
        } else {
            self.lists.remove(n);
            self.set_alarm(n, now + thought);
        }
    }

    fn thought(&mut self, n: usize) -> Nanos {
        Nanos(self.streams[n].exponential(self.think.0 as f64) as u64)
    }

    pub(super) fn choose(&mut self, n: usize) -> Choice {
        self.mix.choose(&mut self.streams[n])
    }
}

fn micros(time: Nanos) -> u32 {
    u32::try_from(time.0 / 1000).unwrap_or(u32::MAX)
}
