//! Reading once for each edge. It teaches what edge-triggered means: the kernel says that bytes have come, once. Whoever leaves some of
//! them lying is not reminded, and waits for more from a peer that has sent everything and waits itself.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::ForgottenDrain,
    about: "A readable connection is read once, with a small buffer, instead of until the kernel has no more.",
    see: "Requests longer than the buffer hang: their bytes stay unread in the kernel, and the loop sleeps beside them.",
    at: Point::Read,
    standing: true,
    default: FaultSetting::ForgottenDrain { buffer: 1024 },
    parameters: &[],
    answers: &[Mitigation::ReadUntilEagain],
    from_request: is_standing,
    hook: |setting| {
        let FaultSetting::ForgottenDrain { buffer } = setting else { unreachable!("the row of another fault") };
        Box::new(ForgottenDrain { buffer: buffer.max(1) as usize })
    },
};

struct ForgottenDrain {
    buffer: usize,
}

impl Hook for ForgottenDrain {
    fn habits(&self, habits: &mut Habits) {
        habits.drains = false;
        habits.read_size = habits.read_size.min(self.buffer);
    }
}
