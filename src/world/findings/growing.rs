//! Growing memory: it grows and grows while there are no more connections than before.

use super::{Evidence, Lasting};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;
use crate::world::spells::{Look, Reading};

/// For so long it must have grown, in each of its [`STEPS`].
const OVER: Nanos = Nanos::secs(2);
const STEPS: usize = 4;
/// By at least so much in that time, in KiB: allocators take room in lumps.
const LEAST: u32 = 2 * 1024;

/// What holds it decides about what mends it: answers that nobody reads, or sessions that nobody can reach.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let newest = *look.readings.back()?;
    let then = |n: usize| {
        let moment = newest.at - Nanos(OVER.0 / STEPS as u64 * n as u64);
        look.readings.iter().rev().find(|reading| reading.at <= moment).copied()
    };
    let oldest = then(STEPS)?;
    let grown = newest.memory.saturating_sub(oldest.memory);
    // A step may fall between two samples of the kernel's, so each needs a part of its share only.
    let step = |n: usize| Some(then(n)?.memory.saturating_sub(then(n + 1)?.memory) > grown / (STEPS as u32 * 4));
    let steady = (0..STEPS).all(|n| step(n) == Some(true));
    if oldest.memory == 0 || grown < LEAST || !steady || more_peers(&oldest, &newest) {
        return None;
    }
    let unsent = newest.unsent.saturating_sub(oldest.unsent) / 1024;
    let live = newest.live.saturating_sub(oldest.live);
    let mitigations: &[_] = if unsent >= u64::from(grown / 2) {
        &[Mitigation::Backpressure]
    } else if live >= grown / 2 {
        &[Mitigation::WeakReferences, Mitigation::ExplicitRelease]
    } else {
        &[]
    };
    let evidence = Evidence::Growth { from: oldest.memory, to: newest.memory, over: OVER, unsent: newest.unsent, live: newest.live };
    Some((evidence, mitigations))
}

/// More connections may well need more memory.
fn more_peers(oldest: &Reading, newest: &Reading) -> bool {
    newest.open > oldest.open + oldest.open / 8 + 2
}
