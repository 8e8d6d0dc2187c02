//! Died: the process has ended, and every client was cut off.

use super::{Evidence, Finding, FindingKind, STAYS};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::{Life, Specimen, World};

/// What a process says and ends with when a panic has unwound its main thread.
const PANICKED: (&str, u32) = ("panicked at", 101);

/// The last death: for as long as nothing has taken the place of the process, and a while longer.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let death = specimen.deaths.last()?;
    let until = match specimen.life {
        Life::Running { since, .. } => Some(since),
        Life::Starting | Life::Dead { .. } => None,
    };
    if until.is_some_and(|until| world.now.since(until) > STAYS) || (death.signal == 0 && death.code == 0) {
        return None;
    }
    let panicked = (death.signal == 0 && death.code == PANICKED.1) || death.last_words.contains(PANICKED.0);
    let mitigations: &[_] = if panicked { &[Mitigation::CatchPanic, Mitigation::Supervisor] } else { &[Mitigation::Supervisor] };
    let evidence = Evidence::Death(death.clone());
    Some(Finding { kind: FindingKind::Died, specimen: specimen.id, since: death.at, until, evidence, mitigations })
}
