//! A connection that is never closed. It teaches that a descriptor belongs to whoever opened it: the peer's hanging up does not give it
//! back. One that leaks costs nothing to speak of; the one that finds none left stops the whole service.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::FdLeak,
    about: "A connection that its peer has closed is not closed here, and no descriptor is kept in reserve.",
    see: "Open descriptors grow to the limit, accepting fails with EMFILE, and new clients wait in the kernel's queue.",
    at: Point::End,
    standing: true,
    default: FaultSetting::FdLeak,
    parameters: &[],
    answers: &[Mitigation::CloseOnEof, Mitigation::IdleTimeout, Mitigation::ReserveDescriptor],
    from_request: is_standing,
    hook: |_| Box::new(FdLeak),
};

struct FdLeak;

impl Hook for FdLeak {
    fn habits(&self, habits: &mut Habits) {
        habits.closes_at_end = false;
        habits.keeps_reserve = false;
    }
}
