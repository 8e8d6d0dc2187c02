//! A descriptor in reserve. It teaches the way out of a dead end: with no descriptor left the connection in the kernel's queue can
//! be neither served nor refused. One that was kept can be given up to accept it, to close it, and to be taken back.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::ReserveDescriptor,
    about: "Keeps one descriptor, so that with all others in use a new connection is closed at once instead of left waiting.",
    price: "It serves nobody: clients fail at once instead of late. And it must have been kept before it is needed.",
    at: Point::Accept,
    default: MitigationSetting::ReserveDescriptor,
    hook: |_, _, _| Ok(Box::new(ReserveDescriptor)),
};

struct ReserveDescriptor;

impl Hook for ReserveDescriptor {
    fn habits(&self, habits: &mut Habits) {
        habits.keeps_reserve = true;
    }
}
