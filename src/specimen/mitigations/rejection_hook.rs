//! A hook for rejections that nobody handled: it writes down the reason, or ends the process. It teaches the choice that every runtime
//! has made: browsers log, Node.js has died since version 15. Neither of them answers the client.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point, Rejections};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::RejectionHook,
    about: "Writes an unhandled rejection to standard error, or ends the process on purpose.",
    price: "The client is not answered by it; and where the process is ended, every other client is cut off too.",
    at: Point::Chain,
    default: MitigationSetting::RejectionHook { die: false },
    hook: |setting, _, _| {
        let MitigationSetting::RejectionHook { die } = setting else { unreachable!("the row of another mitigation") };
        Ok(Box::new(RejectionHook(if die { Rejections::Fatal } else { Rejections::Logged })))
    },
};

struct RejectionHook(Rejections);

impl Hook for RejectionHook {
    fn habits(&self, habits: &mut Habits) {
        habits.rejections = self.0;
    }
}
