//! Respawned: a new process has taken the place of a dead one, on the same listener.

use super::{Evidence, Finding, FindingKind, STAYS};
use crate::world::{Life, Specimen, World};

/// It is over as soon as it has happened: a finding to be read, nothing to be mended.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let death = specimen.deaths.last()?;
    let Life::Running { pid, since } = specimen.life else { return None };
    if world.now.since(since) > STAYS {
        return None;
    }
    let evidence = Evidence::Respawn { pid, before: specimen.respawns, down: since.since(death.at) };
    Some(Finding { kind: FindingKind::Respawned, specimen: specimen.id, since, until: Some(since), evidence, mitigations: &[] })
}
