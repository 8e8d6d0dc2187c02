//! The worker pool: computing work is handed to threads, and the answer is given by a callback when the work comes back.
//! It teaches what a loop is for: waiting for many. Computing is somebody else's job.

use super::Row;
use crate::base::clock::Clock;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Hook, Job, Placed, Point};
use crate::specimen::pool::Pool;
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::WorkerPool,
    about: "Hands computing work to worker threads; the answer follows by a callback when they are done.",
    price: "More threads make every system call of the loop a little dearer, and a full pool makes computing requests queue.",
    at: Point::Work,
    default: MitigationSetting::WorkerPool { threads: 2 },
    hook: |setting, ground, registry| {
        let MitigationSetting::WorkerPool { threads } = setting else { unreachable!("the row of another mitigation") };
        Ok(Box::new(WorkerPool(Pool::start(threads, ground, registry)?)))
    },
};

struct WorkerPool(Pool);

impl Hook for WorkerPool {
    fn work(&mut self, job: Job, _: &Clock) -> Placed {
        self.0.queue(job);
        Placed::Worker
    }
}
