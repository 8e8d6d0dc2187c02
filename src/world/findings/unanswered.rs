//! Unanswered: whoever could have answered a request is gone. The loop is idle and nothing is slow; the client waits in vain.

use super::{Evidence, Lasting};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::Look;

/// For so long after the last one it is still news.
const NEWS: Nanos = Nanos::secs(1);

/// A promise that dies unhandled and a branch that forgets its answer look alike to the client, and are mended differently.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let errands = &look.specimen.errands;
    let before = look.readings.iter().find(|reading| look.now.since(reading.at) <= NEWS)?;
    let (unhandled, abandoned) = (errands.unhandled > before.unhandled, errands.abandoned > before.abandoned);
    let mitigations: &[_] = match (unhandled, abandoned) {
        (true, _) => &[Mitigation::CatchAtEnd, Mitigation::RejectionHook],
        (false, true) => &[Mitigation::PromiseChain, Mitigation::AsyncAwait],
        (false, false) => return None,
    };
    let requests = if unhandled { errands.unhandled } else { errands.abandoned };
    Some((Evidence::Unanswered { requests, rejected: unhandled, noticed: errands.noticed }, mitigations))
}
