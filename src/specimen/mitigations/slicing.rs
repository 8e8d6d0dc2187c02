//! Slicing: long work is cut, one slice a tick, and the loop looks around in between. It teaches cooperation: nobody interrupts a
//! callback, so it must stop by itself. Endless work has no place where it could.

use std::io;

use super::Row;
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Hook, Job, Placed, Point};
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::Slicing,
    about: "Does computing work in slices, one a tick, as tasks.",
    price: "Every other request may wait for one slice, and the work itself takes longer.",
    at: Point::Work,
    default: MitigationSetting::Slicing { budget: Nanos::millis(5) },
    hook: |setting, _, _| {
        let MitigationSetting::Slicing { budget } = setting else { unreachable!("the row of another mitigation") };
        if budget < Nanos::micros(1) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a slice has at least a microsecond"));
        }
        Ok(Box::new(Slicing { budget }))
    },
};

struct Slicing {
    budget: Nanos,
}

impl Hook for Slicing {
    fn work(&mut self, job: Job, clock: &Clock) -> Placed {
        match job.work {
            // Neither has a place where it could be cut.
            Work::Endless | Work::Count | Work::Ask(_) => Placed::Untouched(job),
            Work::Compute(_) | Work::Cpu(_) if !job.is_task => Placed::Later(job),
            Work::Compute(_) | Work::Cpu(_) => match job.work.run_slice(clock, self.budget) {
                Some(work) => Placed::Later(Job { work, ..job }),
                None => Placed::Done,
            },
        }
    }
}
