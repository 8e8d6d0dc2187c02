//! Half-sent: most of the connections hold on with a part of a request, and the rest does not come.

use super::{Evidence, Lasting};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::Look;

/// A few slow uploads are no reason to worry.
const MANY: u32 = 8;

/// Each holds a descriptor and a place; nothing else is wrong with the loop.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let (connections, oldest) = look.census.half_sent;
    let all = &look.specimen.connections;
    if connections < MANY || connections * 2 < all.open {
        return None;
    }
    let evidence = Evidence::HalfSent { connections, open: all.open, oldest, turned_away: all.accept_failed.0 };
    Some((evidence, &[Mitigation::HeaderTimeout]))
}
