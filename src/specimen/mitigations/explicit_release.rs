//! Letting go by hand. It teaches the older remedy: at the end of the connection's life the cycle is cut at one place, and everything
//! else follows by itself.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::ExplicitRelease,
    about: "When its connection closes, a session gives up its callback, and with it the cycle.",
    price: "Every path that ends a connection must come by that line; one that does not, leaks as before.",
    at: Point::Session,
    default: MitigationSetting::ExplicitRelease,
    hook: |_, _, _| Ok(Box::new(ExplicitRelease)),
};

struct ExplicitRelease;

impl Hook for ExplicitRelease {
    fn habits(&self, habits: &mut Habits) {
        if let Some(style) = &mut habits.session {
            style.releases = true;
        }
    }
}
