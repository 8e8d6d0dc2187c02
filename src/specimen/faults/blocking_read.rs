//! A callback that waits in a blocking read. It teaches that waiting holds the loop as firmly as computing does: the thread sleeps in the
//! kernel, the CPU is free, and nobody is served.

use super::{Parameter, Row, millis};
use crate::base::units::Nanos;
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Needs, Point};
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::{Fault, Mitigation};

const WAIT: Nanos = Nanos::millis(800);

pub(super) const ROW: Row = Row {
    kind: Fault::BlockingRead,
    about: "The next request's callback asks another service, and waits for its answer in a blocking read.",
    see: "The loop is parked in a system call at 0 % CPU, and every ready connection waits as it would for computing.",
    at: Point::Request,
    standing: false,
    default: FaultSetting::BlockingRead { wait: WAIT },
    parameters: &[Parameter { name: "ms", field: "wait", about: "after how many milliseconds the answer comes, 0 to 600000" }],
    answers: &[Mitigation::NonBlocking, Mitigation::WorkerPool],
    from_request: |target| Ok(FaultSetting::BlockingRead { wait: millis(target, "ms")?.unwrap_or(WAIT) }),
    hook: |setting| {
        let FaultSetting::BlockingRead { wait } = setting else { unreachable!("the row of another fault") };
        Box::new(BlockingRead(wait))
    },
};

struct BlockingRead(Nanos);

impl Hook for BlockingRead {
    fn request(&mut self) -> Needs {
        Needs::Work(Work::Ask(self.0))
    }
}
