//! The same handler as a chain of promises. It teaches that an error needs no branch at each step: it passes by whatever is not for it, down
//! to the first that is.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Mitigation, Style};

pub(super) const ROW: Row = Row {
    kind: Mitigation::PromiseChain,
    about: "Runs /chain as a chain of promises instead of nested callbacks.",
    price: "Each step allocates promises and reactions, and a reaction runs one turn later than a callback would.",
    at: Point::Chain,
    default: MitigationSetting::PromiseChain,
    hook: |_, _, _| Ok(Box::new(PromiseChain)),
};

struct PromiseChain;

impl Hook for PromiseChain {
    fn habits(&self, habits: &mut Habits) {
        habits.style = Style::Promises;
    }
}
