//! Leaking descriptors: connections that their peers have closed are still open here, and each keeps its descriptor.

use super::{Evidence, Lasting};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::Look;

/// One that was just being closed is no leak, and one that was forgotten is not yet a habit.
const SOME: u32 = 4;

/// Judged by each connection's own end, not by how the number of descriptors grows: a server that becomes popular does not leak.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let specimen = look.specimen;
    if look.census.left < SOME {
        return None;
    }
    let (open, limit) = specimen.kernel.descriptors.unwrap_or((specimen.connections.open, 0));
    let evidence = Evidence::Leak { left: look.census.left, open, limit, turned_away: specimen.connections.accept_failed.0 };
    Some((evidence, &[Mitigation::CloseOnEof, Mitigation::IdleTimeout, Mitigation::ReserveDescriptor]))
}
