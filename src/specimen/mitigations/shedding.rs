//! Shedding: saying no at once to what cannot be done in time. It teaches that a queue is a promise: with more offered than served it can
//! only grow, and then everybody waits for as long as nobody wants to. A quick no costs microseconds, and keeps the queue short for the rest.

use std::io;

use super::Row;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::Shedding,
    about: "Answers 503 at once to a request that has waited for its turn longer than the mark; /stats is always answered.",
    price: "Somebody is told no, also in a short burst that could have been worked off; clients must not just ask again at once.",
    at: Point::Request,
    default: MitigationSetting::Shedding { above: Nanos::millis(50) },
    hook: |setting, _, _| {
        let MitigationSetting::Shedding { above } = setting else { unreachable!("the row of another mitigation") };
        if above < Nanos::micros(100) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a request may have waited for at least 100 µs"));
        }
        Ok(Box::new(Shedding { above }))
    },
};

struct Shedding {
    above: Nanos,
}

impl Hook for Shedding {
    fn habits(&self, habits: &mut Habits) {
        habits.sheds_above = Some(self.above);
    }
}
