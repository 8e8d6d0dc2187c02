//! Lost telemetry: a ring was full and events were dropped. Nothing is the matter with the specimen; what is shown of it has a gap.

use super::{Evidence, Finding, FindingKind, STAYS};
use crate::world::{Specimen, World};

/// The last loss, and how much there has been in all.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let at = specimen.lost_at.filter(|at| world.now.since(*at) <= STAYS)?;
    let evidence = Evidence::Lost { events: specimen.lost };
    Some(Finding { kind: FindingKind::LostTelemetry, specimen: specimen.id, since: at, until: Some(at), evidence, mitigations: &[] })
}
