//! Blocked by computing: a callback holds the loop and the thread is on the CPU. While it does, nothing else runs.

use super::{Finding, FindingKind, of_stall, stall};
use crate::telemetry::vocabulary::{Fault, Mitigation};
use crate::world::{Specimen, StallKind, World};

/// Work that ends can be done elsewhere, or a little at a time. What never ends can only be killed.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let stall = stall(world, specimen).filter(|stall| stall.kind == StallKind::Computing)?;
    let mitigations: &[_] = match stall.fault {
        Some(Fault::EndlessLoop) => &[Mitigation::Supervisor],
        _ => &[Mitigation::WorkerPool, Mitigation::Slicing],
    };
    Some(of_stall(FindingKind::Computing, specimen, stall, mitigations))
}
