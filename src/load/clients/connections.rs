//! Connections: dialled at a pace that overflows no queue, and after a failure not at once.

use super::{BACK_OFF, Clients, DIAL_PACE, DIAL_PATIENCE, DIALLING, DIALS_AT_ONCE, MAX_DIALS, TO_DIAL};
use crate::base::ids::ClientId;
use crate::base::units::Nanos;
use crate::load::client::{Carried, Line};
use crate::load::schedule::Due;
use crate::telemetry::What;
use crate::telemetry::vocabulary::Outcome;

impl Clients {
    pub(super) fn dial(&mut self, n: usize, now: Nanos) {
        let at = self.clock.stamp();
        let client = &mut self.all[n];
        client.patience = now + DIAL_PATIENCE;
        client.alarm = Nanos::ZERO;
        if client.dial(&self.poll, n as u32, &mut self.dialler).is_ok() {
            let (client, port) = (ClientId(n as u32), u32::from(client.port));
            self.note(at, What::Dialled { client, port });
            if self.all[n].carried.is_none() {
                self.lists.push(DIALLING, n);
            }
        } else {
            self.refused(n);
        }
    }

    /// The kernel has something to say about a dial.
    pub(super) fn dialled(&mut self, n: usize) {
        if self.all[n].dialled().is_err() {
            return self.refused(n);
        }
        let (client, port) = (ClientId(n as u32), u32::from(self.all[n].port));
        let at = self.clock.stamp();
        self.note(at, What::Connected { client, port });
        if self.all[n].carried.is_some() {
            self.send(n);
        } else {
            self.free(n, self.clock.base().nanos(at));
        }
    }

    /// A dial has failed. The request that waited for it, or the first that waits for anyone, has met a server that is not there.
    fn refused(&mut self, n: usize) {
        let now = self.clock.now();
        if self.all[n].carried.is_none() && self.paused.is_none() && n < self.wanted {
            let due = self.due.pop_front().or_else(|| self.rate.is_none().then(|| Due { intended: now, choice: self.choose(n) }));
            self.all[n].carried = due.map(|due| Carried { due, deadline: now, begun: false, sent: 0 });
        }
        self.lost(n, Outcome::Refused);
    }

    pub(super) fn hang_up(&mut self, n: usize) {
        let (client, port) = (ClientId(n as u32), u32::from(self.all[n].port));
        if self.all[n].line != Line::Down {
            self.all[n].hang_up();
            self.note(self.clock.stamp(), What::HungUp { client, port });
        }
    }

    /// A client without a connection gets one: at once after a response, else after a wait that doubles from failure to failure.
    pub(super) fn redial(&mut self, n: usize, now: Nanos) {
        self.lists.remove(n);
        if n >= self.wanted {
            return;
        }
        let failures = self.all[n].failures;
        self.all[n].failures = failures.saturating_add(1);
        if failures == 0 {
            self.lists.push(TO_DIAL, n);
        } else {
            let times = 1_u32.checked_shl(u32::from(failures) - 1).unwrap_or(u32::MAX).min(BACK_OFF.1);
            self.set_alarm(n, now + Nanos(BACK_OFF.0.0 * u64::from(times)));
        }
    }

    pub(super) fn dial_some(&mut self, now: Nanos) {
        if now >= self.dials.0 {
            self.dials.1 = DIALS_AT_ONCE;
        }
        while self.dials.1 > 0
            && self.lists.len(DIALLING) < MAX_DIALS
            && let Some(n) = self.lists.first(TO_DIAL)
        {
            if self.dials.1 == DIALS_AT_ONCE {
                self.dials.0 = now + DIAL_PACE;
            }
            self.dials.1 -= 1;
            self.lists.remove(n);
            self.dial(n, now);
        }
    }
}
