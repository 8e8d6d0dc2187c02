//! Closing what is idle. It teaches the net under every other remedy: whatever was forgotten, and whoever has gone without a word (a
//! peer that lost its power sends no end), is found by its silence. One timer looks through all connections; none has a timer of its own.

use std::io;

use super::Row;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::IdleTimeout,
    about: "Closes connections on which nothing has happened for a while.",
    price: "Honest clients that are only slow to ask again must connect anew, and may lose a request that crosses the close.",
    at: Point::End,
    default: MitigationSetting::IdleTimeout { after: Nanos::secs(2) },
    hook: |setting, _, _| {
        let MitigationSetting::IdleTimeout { after } = setting else { unreachable!("the row of another mitigation") };
        if after < Nanos::millis(10) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a connection may be idle for at least 10 ms"));
        }
        Ok(Box::new(IdleTimeout { after }))
    },
};

struct IdleTimeout {
    after: Nanos,
}

impl Hook for IdleTimeout {
    fn habits(&self, habits: &mut Habits) {
        habits.idle = Some(self.after);
    }
}
