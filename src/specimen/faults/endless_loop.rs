//! A callback that never returns. It teaches that a stuck loop takes no orders: only the kernel can end it, from outside.

use super::Row;
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Needs, Point};
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::EndlessLoop,
    about: "The next request's callback never returns.",
    see: "The loop stands still for good; the accept queue grows, and only SIGKILL ends it.",
    at: Point::Request,
    standing: false,
    default: FaultSetting::EndlessLoop,
    parameters: &[],
    answers: &[Mitigation::Supervisor, Mitigation::WorkerPool],
    from_request: |_| Ok(FaultSetting::EndlessLoop),
    hook: |_| Box::new(EndlessLoop),
};

struct EndlessLoop;

impl Hook for EndlessLoop {
    fn request(&mut self) -> Needs {
        Needs::Work(Work::Endless)
    }
}
