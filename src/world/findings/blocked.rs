//! Blocked: a callback holds the loop, and the kernel's clock does not yet say whether it computes. The first thing to be known of a stall.

use super::{Finding, FindingKind, of_stall, stall};
use crate::telemetry::vocabulary::{Fault, Mitigation};
use crate::world::{Specimen, StallKind, World};

/// Workers answer both kinds of stall, so they can be named before the kind is known.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let stall = stall(world, specimen).filter(|stall| stall.kind == StallKind::Unknown)?;
    let mitigations: &[_] = match stall.fault {
        Some(Fault::EndlessLoop) => &[Mitigation::Supervisor],
        _ => &[Mitigation::WorkerPool],
    };
    Some(of_stall(FindingKind::Blocked, specimen, stall, mitigations))
}
