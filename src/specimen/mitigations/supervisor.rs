//! The supervisor: somebody outside who kills what is stuck and replaces what has died. The process itself can do nothing for it;
//! it only says that it knows, so that the recording does.

use super::Row;
use crate::base::units::Nanos;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::Supervisor,
    about: "The lab kills the process when its loop is stuck for too long, and starts a new one whenever it dies.",
    price: "Every connection of the killed process is lost, and clients wait in the kernel's queue for the new one.",
    at: Point::Lab,
    default: MitigationSetting::Supervisor { deadline: Nanos::secs(2) },
    hook: |_, _, _| Ok(Box::new(Supervised)),
};

struct Supervised;

impl Hook for Supervised {}
