//! Non-blocking I/O: whoever must be waited for becomes one more descriptor of the loop, and its answer one more event. It teaches what the
//! loop is: the one place where the thread may wait, for all of them at once.

use super::Row;
use crate::base::clock::Clock;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Hook, Job, Placed, Point};
use crate::specimen::neighbour;
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::NonBlocking,
    about: "Makes the socket non-blocking and registers it: the loop goes on, and a callback reads the answer when it is there.",
    price: "What was one function becomes two callbacks, and what the first one knew must be kept for the second.",
    at: Point::Work,
    default: MitigationSetting::NonBlocking,
    hook: |_, _, _| Ok(Box::new(NonBlocking)),
};

struct NonBlocking;

impl Hook for NonBlocking {
    fn work(&mut self, job: Job, _: &Clock) -> Placed {
        let Work::Ask(takes) = job.work else { return Placed::Untouched(job) };
        match neighbour::ask(takes) {
            Ok(socket) => Placed::Asked(socket),
            // Nobody can be asked, so there is nothing to wait for.
            Err(_) => Placed::Done,
        }
    }
}
