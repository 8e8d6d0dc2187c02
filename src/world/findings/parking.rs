//! Blocked by parking: a callback holds the loop and the thread sleeps in a system call. The CPU is free, and nothing runs.

use super::{Finding, FindingKind, of_stall, stall};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::{Specimen, StallKind, World};

/// Slicing is no answer: there is nothing to slice in a wait. A worker can wait without holding anybody up.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let stall = stall(world, specimen).filter(|stall| stall.kind == StallKind::Parked)?;
    Some(of_stall(FindingKind::Parking, specimen, stall, &[Mitigation::WorkerPool]))
}
