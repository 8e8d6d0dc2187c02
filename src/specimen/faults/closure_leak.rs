//! A session and a callback that own each other. It teaches what reference counting cannot do: two that hold each other are never
//! given back, though nobody else can reach either. The sessions themselves are in [`crate::specimen::sessions`].

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::specimen::sessions::Style;
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::ClosureLeak,
    about: "Each new connection gets a session and a callback that own each other, so that neither is ever given back.",
    see: "Live objects and resident memory grow with every connection, however many are open.",
    at: Point::Session,
    standing: true,
    default: FaultSetting::ClosureLeak { kib: 256 },
    parameters: &[],
    answers: &[Mitigation::WeakReferences, Mitigation::ExplicitRelease],
    from_request: is_standing,
    hook: |setting| {
        let FaultSetting::ClosureLeak { kib } = setting else { unreachable!("the row of another fault") };
        Box::new(ClosureLeak { kib: kib.clamp(1, 4096) })
    },
};

struct ClosureLeak {
    kib: u32,
}

impl Hook for ClosureLeak {
    fn habits(&self, habits: &mut Habits) {
        habits.session = Some(Style { kib: self.kib, weak: false, releases: false });
    }
}
