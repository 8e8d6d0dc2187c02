//! Undrained: the kernel holds bytes that the loop was told of once and has not read. It sleeps, and will not be told again.

use super::{Evidence, Lasting};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::Look;

/// Connections that have answers of their own to send are not read on purpose; they are not counted.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let (connections, bytes) = look.census.undrained;
    (connections > 0).then_some((Evidence::Undrained { connections, bytes }, &[Mitigation::ReadUntilEagain]))
}
