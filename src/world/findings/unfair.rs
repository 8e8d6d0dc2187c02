//! Unfair: one connection takes most of the loop's time with request after request, and everybody else waits for its turns to end.

use super::{Evidence, Lasting};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::Look;

/// The share of the loop's time from which on one connection has most of it.
const MOST: f64 = 0.5;
/// So many requests in half a second: one that computes for long is no hog, it is a stall.
const MANY: u32 = 50;
/// Longer turns make others wait.
const LONG: Nanos = Nanos::millis(10);

/// A peer with most of the time harms nobody while its turns are short and the others come between them.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let specimen = look.specimen;
    let (hog, share) = specimen.reactor.hogs.most()?;
    let turn = specimen.reactor.lag;
    if share < MOST || hog.requests < MANY || turn < LONG || specimen.connections.open < 2 {
        return None;
    }
    let waiting = specimen.clients.under_way();
    Some((Evidence::Unfair { conn: hog.conn, share, turn, waiting }, &[Mitigation::ReadBudget]))
}
