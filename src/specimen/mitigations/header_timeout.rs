//! A time limit for a request's head. It teaches which clock to set: one that every byte resets (an idle timeout) never runs out on a
//! sender who sends one now and then. This one starts with the first byte, and only the end of the head stops it.

use std::io;

use super::Row;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::HeaderTimeout,
    about: "Answers 408 and closes where a request's head has begun and is not whole in time.",
    price: "Honest clients on very bad lines are cut off with the others; and a timer is set for each head that comes in parts.",
    at: Point::Head,
    default: MitigationSetting::HeaderTimeout { after: Nanos::secs(1) },
    hook: |setting, _, _| {
        let MitigationSetting::HeaderTimeout { after } = setting else { unreachable!("the row of another mitigation") };
        if after < Nanos::millis(10) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a head may take at least 10 ms"));
        }
        Ok(Box::new(HeaderTimeout { after }))
    },
};

struct HeaderTimeout {
    after: Nanos,
}

impl Hook for HeaderTimeout {
    fn habits(&self, habits: &mut Habits) {
        habits.head_patience = Some(self.after);
    }
}
