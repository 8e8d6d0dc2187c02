//! Half-changed: a panic was caught, the process lives on, and what its callbacks share is not what it should be. No catch mends that.

use super::{Evidence, Finding, FindingKind};
use crate::world::{Specimen, World};

/// For as long as that process lives: only another one begins with what is whole.
pub(super) fn find(_: &World, specimen: &Specimen) -> Option<Finding> {
    let missing = specimen.missing.filter(|missing| missing.units > 0 && specimen.is_alive())?;
    let evidence = Evidence::HalfChanged { missing: missing.units, begun: missing.begun };
    Some(Finding { kind: FindingKind::HalfChanged, specimen: specimen.id, since: missing.since, until: None, evidence, mitigations: &[] })
}
