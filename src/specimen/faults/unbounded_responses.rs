//! Answers without a bound. It teaches what a slow reader does to a server that is never told to stop: what the peer does not take, the
//! server keeps, and memory is where it shows.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::UnboundedResponses,
    about: "Requests are read on and answered into memory, whether or not the peer reads the answers.",
    see: "With peers that read slowly the resident memory grows without end, and nothing else does.",
    at: Point::Write,
    standing: true,
    default: FaultSetting::UnboundedResponses,
    parameters: &[],
    answers: &[Mitigation::Backpressure],
    from_request: is_standing,
    hook: |_| Box::new(UnboundedResponses),
};

struct UnboundedResponses;

impl Hook for UnboundedResponses {
    fn habits(&self, habits: &mut Habits) {
        habits.high_water = u64::MAX;
    }
}
