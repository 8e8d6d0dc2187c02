//! Knowing without owning. It teaches who owns whom: the connection owns its session, the session its callback, and what points back
//! up must not own. It must be asked each time whether what it points to is still there.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::WeakReferences,
    about: "A session's callback holds a weak reference to its session: it can reach it, and does not keep it.",
    price: "Each use must ask whether the session is still there, and somebody must think of which way ownership goes.",
    at: Point::Session,
    default: MitigationSetting::WeakReferences,
    hook: |_, _, _| Ok(Box::new(WeakReferences)),
};

struct WeakReferences;

impl Hook for WeakReferences {
    fn habits(&self, habits: &mut Habits) {
        if let Some(style) = &mut habits.session {
            style.weak = true;
        }
    }
}
