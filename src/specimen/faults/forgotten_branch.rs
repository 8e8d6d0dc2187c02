//! A pyramid of callbacks in which one branch was forgotten. It teaches what nesting costs: each step has an error branch of its own, and
//! the compiler cannot miss one that answers nobody.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::ForgottenBranch,
    about: "In /chain as nested callbacks, the error branch of the second call answers nobody.",
    see: "When the second upstream call fails, the client of that request waits in vain; the others notice nothing.",
    at: Point::Chain,
    standing: true,
    default: FaultSetting::ForgottenBranch,
    parameters: &[],
    answers: &[Mitigation::AsyncAwait, Mitigation::PromiseChain],
    from_request: is_standing,
    hook: |_| Box::new(ForgottenBranch),
};

struct ForgottenBranch;

impl Hook for ForgottenBranch {
    fn habits(&self, habits: &mut Habits) {
        habits.forgets_branch = true;
    }
}
