//! Unknown: clients fail or wait for long, and nothing that has a name explains it. Better said than hidden behind a calm face.

use super::{Evidence, Lasting};
use crate::world::spells::Look;

/// Fewer in a second are chance.
const SOME: u32 = 5;
/// And so is a smaller share.
const SHARE: f64 = 0.02;

/// Only what began while nothing else was the matter, and where no rule before this one has found anything.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let (astray, answered) = look.specimen.clients.astray();
    let all = astray.max(answered);
    if look.explained || astray < SOME || f64::from(astray) < f64::from(all) * SHARE {
        return None;
    }
    let cpu_wait = look.specimen.kernel.run_delay;
    Some((Evidence::Unknown { astray, answered, cpu_wait }, &[]))
}
