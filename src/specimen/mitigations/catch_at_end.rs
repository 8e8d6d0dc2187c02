//! A handler at the end of the chain: whatever is rejected anywhere before arrives there. It teaches where errors belong in a chain of
//! promises: at its end, once.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::CatchAtEnd,
    about: "Ends each chain of promises with a catch: the client is answered with 502 and the reason.",
    price: "It has to be written at the end of every chain; one that was left out is as before.",
    at: Point::Chain,
    default: MitigationSetting::CatchAtEnd,
    hook: |_, _, _| Ok(Box::new(CatchAtEnd)),
};

struct CatchAtEnd;

impl Hook for CatchAtEnd {
    fn habits(&self, habits: &mut Habits) {
        habits.catches_at_end = true;
    }
}
