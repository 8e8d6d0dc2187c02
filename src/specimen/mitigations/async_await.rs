//! The same handler with `async` and `await`. It teaches that a function can be left in the middle and entered again, and that `?` is an error
//! branch that nobody can forget.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Mitigation, Style};

pub(super) const ROW: Row = Row {
    kind: Mitigation::AsyncAwait,
    about: "Runs /chain as an async function on the loop's own executor instead of nested callbacks.",
    price: "A future is polled in a turn of its own, and it keeps everything that it needs between two steps.",
    at: Point::Chain,
    default: MitigationSetting::AsyncAwait,
    hook: |_, _, _| Ok(Box::new(AsyncAwait)),
};

struct AsyncAwait;

impl Hook for AsyncAwait {
    fn habits(&self, habits: &mut Habits) {
        habits.style = Style::AsyncAwait;
    }
}
