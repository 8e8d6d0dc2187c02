//! Closing what the peer has closed. It teaches the end of a connection's life: a read of no bytes is an event as any other, and
//! the answer to it is to close. Closing the last descriptor of a socket also takes it out of epoll's interest list.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::CloseOnEof,
    about: "Closes and deregisters a connection when its end has been read, also those that were forgotten before.",
    price: "A peer that only closes its sending half must have its answers before; whatever is pending has to be thought of.",
    at: Point::End,
    default: MitigationSetting::CloseOnEof,
    hook: |_, _, _| Ok(Box::new(CloseOnEof)),
};

struct CloseOnEof;

impl Hook for CloseOnEof {
    fn habits(&self, habits: &mut Habits) {
        habits.closes_at_end = true;
    }
}
