//! A callback that burns CPU. It teaches what a loop has one of: time. Everybody else waits for as long as this takes.

use super::{Parameter, Row, millis};
use crate::base::units::Nanos;
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Needs, Point};
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::{Fault, Mitigation};

const BUSY: Nanos = Nanos::millis(800);

pub(super) const ROW: Row = Row {
    kind: Fault::Compute,
    about: "The next request's callback burns CPU before it answers.",
    see: "One callback holds the loop; every other ready connection waits until it returns.",
    at: Point::Request,
    standing: false,
    default: FaultSetting::Compute { busy: BUSY },
    parameters: &[Parameter { name: "ms", field: "busy", about: "for how many milliseconds, 0 to 600000" }],
    answers: &[Mitigation::WorkerPool, Mitigation::Slicing],
    from_request: |target| Ok(FaultSetting::Compute { busy: millis(target, "ms")?.unwrap_or(BUSY) }),
    hook: |setting| {
        let FaultSetting::Compute { busy } = setting else { unreachable!("the row of another fault") };
        Box::new(Compute(busy))
    },
};

struct Compute(Nanos);

impl Hook for Compute {
    fn request(&mut self) -> Needs {
        Needs::Work(Work::Compute(self.0))
    }
}
