//! Catching a panic at the callback's edge: the one connection is answered with 500 and closed, all others live on. It teaches where a
//! boundary belongs: at the smallest thing that can be given up whole.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::CatchPanic,
    about: "Catches a panic at the callback's edge: 500 for that connection only.",
    price: "What the callback had begun to change stays half changed, unless it was only its connection's.",
    at: Point::Edge,
    default: MitigationSetting::CatchPanic,
    hook: |_, _, _| Ok(Box::new(CatchPanic)),
};

struct CatchPanic;

impl Hook for CatchPanic {
    fn habits(&self, habits: &mut Habits) {
        habits.catches_panics = true;
    }
}
