//! The lock: whoever increments the shared counter holds it from the reading to the writing. On a loop it changes nothing, because there is
//! nobody to keep out.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::counter::COUNTER;
use crate::specimen::hooks::{Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::Lock,
    about: "Takes a lock around the counter that /count increments, from the reading to the writing.",
    price: "Whoever wants it while another holds it goes to sleep and has to be woken: the threads wait for one another.",
    at: Point::Work,
    default: MitigationSetting::Lock,
    hook: |_, _, _| Ok(Box::new(Lock::new())),
};

struct Lock;

impl Lock {
    fn new() -> Self {
        COUNTER.lock(true);
        Self
    }
}

impl Hook for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        COUNTER.lock(false);
    }
}
