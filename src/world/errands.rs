//! What handlers do that wait for others: upstream calls, where their code is, promises that nobody handled, answers that nobody will give.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::telemetry::event::What;

use super::chains::Chains;

/// How it stands with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errands {
    /// Upstream calls begun so far.
    pub calls: u64,
    /// Of these, those that are over.
    pub ended: u64,
    /// Of those, those that failed or were answered with 400 or above.
    pub failed: u64,
    /// Upstream calls under way.
    pub under_way: u32,
    /// Rejections that nobody handled.
    pub unhandled: u64,
    /// Of these, those that were written down or that ended the process.
    pub noticed: u64,
    /// Requests that nobody is left to answer.
    pub abandoned: u64,
    /// The requests to `/chain`.
    pub chains: Chains,
}

impl Errands {
    pub(super) fn apply(&mut self, at: Nanos, what: What) {
        match what {
            What::Called { .. } => {
                self.calls += 1;
                self.under_way = self.under_way.saturating_add(1);
            }
            What::CallEnded { status, .. } => {
                self.ended += 1;
                self.failed += u64::from(!(200..400).contains(&status));
                self.under_way = self.under_way.saturating_sub(1);
            }
            What::Stepped { conn, at: (style, step) } => self.chains.stepped(at, conn, style, step),
            What::Allocated { by: (style, count), .. } => self.chains.allocated(style, count),
            What::Unhandled { then, .. } => {
                self.unhandled += 1;
                self.noticed += u64::from(then > 0);
            }
            What::Abandoned { conn } => {
                self.abandoned += 1;
                self.chains.forgotten(at, conn);
            }
            _ => {}
        }
    }

    /// The process is gone, and with it whatever was under way.
    pub(super) fn end(&mut self) {
        self.under_way = 0;
        self.chains.end();
    }

    /// A connection is over.
    #[inline]
    pub(super) fn closed(&mut self, conn: ConnId) {
        self.chains.closed(conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::vocabulary::Style;

    #[test]
    fn calls_and_what_nobody_handled_are_counted() {
        let conn = ConnId(7);
        let mut errands = Errands::default();
        let facts = [
            What::Called { conn, socket: ConnId(1 << 31) },
            What::Stepped { conn, at: (Style::Promises, 1) },
            What::CallEnded { conn, status: 200 },
            What::Called { conn, socket: ConnId(1 << 31) },
            What::CallEnded { conn, status: 503 },
            What::Called { conn, socket: ConnId(1 << 31) },
            What::Unhandled { conn, then: 0 },
            What::Unhandled { conn, then: 1 },
            What::Abandoned { conn },
            What::Allocated { conn, by: (Style::Promises, 74) },
        ];
        for (n, what) in facts.into_iter().enumerate() {
            errands.apply(Nanos(n as u64), what);
        }
        let told = errands.chains.styles[Style::Promises as usize];
        assert_eq!((told.forgotten[1], told.allocations()), (1, Some(74.0)));
        errands.chains = Chains::default();
        assert_eq!(
            errands,
            Errands { calls: 3, ended: 2, failed: 1, under_way: 1, unhandled: 2, noticed: 1, abandoned: 1, ..Errands::default() }
        );
        errands.end();
        assert_eq!((errands.under_way, errands.calls), (0, 3));
    }
}
