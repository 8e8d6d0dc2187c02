//! Backpressure: above a high-water mark of unsent bytes nothing more of that connection is read. It teaches how slowness travels back to
//! where it comes from: the kernel's buffers fill, TCP's window closes, and the peer that does not read can no longer send.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::Backpressure,
    about: "Stops reading a connection while more of its answers than the high-water mark is unsent.",
    price: "A peer that reads slowly is served slowly, and the mark is memory that every connection may take.",
    at: Point::Write,
    default: MitigationSetting::Backpressure { high_water: 64 * 1024 },
    hook: |setting, _, _| {
        let MitigationSetting::Backpressure { high_water } = setting else { unreachable!("the row of another mitigation") };
        Ok(Box::new(Backpressure { high_water: u64::from(high_water) }))
    },
};

struct Backpressure {
    high_water: u64,
}

impl Hook for Backpressure {
    fn habits(&self, habits: &mut Habits) {
        habits.high_water = habits.high_water.min(self.high_water);
    }
}
