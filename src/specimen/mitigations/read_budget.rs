//! A read budget: so many bytes of one connection in one tick, and the rest in the next. It teaches fairness: the loop serves connections in
//! turn, and a turn must have an end that the peer does not decide.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::ReadBudget,
    about: "Reads at most so many bytes of one connection in a tick; what is left has its turn in the next.",
    price: "Whoever sends much costs a system call more for each turn, to be told again of what is left.",
    at: Point::Read,
    default: MitigationSetting::ReadBudget { bytes: 512 },
    hook: |setting, _, _| {
        let MitigationSetting::ReadBudget { bytes } = setting else { unreachable!("the row of another mitigation") };
        Ok(Box::new(ReadBudget { bytes: bytes.max(1) as usize }))
    },
};

struct ReadBudget {
    bytes: usize,
}

impl Hook for ReadBudget {
    fn habits(&self, habits: &mut Habits) {
        habits.reads = 1;
        habits.read_size = habits.read_size.min(self.bytes);
    }
}
