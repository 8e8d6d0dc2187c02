//! Calm: the loop comes round, and nobody waits longer than the work takes.

use super::{Evidence, Finding, FindingKind};
use crate::world::{Life, Specimen, World};

/// Since its process began, or its last stall ended.
pub(super) fn find(_: &World, specimen: &Specimen) -> Option<Finding> {
    let Life::Running { since, .. } = specimen.life else { return None };
    let since = specimen.stalls.past.last().map_or(since, |stall| stall.until().max(since));
    let evidence = Evidence::Calm { answered: specimen.clients.rate, lag: specimen.lag().unwrap_or_default() };
    Some(Finding { kind: FindingKind::Calm, specimen: specimen.id, since, until: None, evidence, mitigations: &[] })
}
