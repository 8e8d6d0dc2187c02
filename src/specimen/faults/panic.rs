//! A callback that panics. It teaches that all connections of a loop share one fate: one callback's panic ends the process, and
//! cuts off every client.

use super::Row;
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Needs, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::Panic,
    about: "The next request's callback panics, in the middle of its work.",
    see: "The process dies with exit code 101 and its last words; every client is cut off.",
    at: Point::Request,
    standing: false,
    default: FaultSetting::Panic,
    parameters: &[],
    answers: &[Mitigation::CatchPanic, Mitigation::Supervisor],
    from_request: |_| Ok(FaultSetting::Panic),
    hook: |_| Box::new(Panic),
};

struct Panic;

impl Hook for Panic {
    fn request(&mut self) -> Needs {
        Needs::Panic
    }
}

/// The panic itself. What the handler does first has been done, what it does last never will be.
#[cold]
pub fn meet() -> ! {
    panic!("a callback met what it had not expected");
}
