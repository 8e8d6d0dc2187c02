//! Overloaded: more is offered than answered and what is due piles up, though no callback holds the loop.

use super::{Evidence, Lasting};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Handler, Mitigation};
use crate::world::reactor::Tally;
use crate::world::spells::Look;
use crate::world::{Life, Specimen};

/// Below this share of what is offered, what is answered falls short: more than chance does to an open loop in a second.
const SHORT: f64 = 0.95;
/// The backlog that counts, in what is offered in so many seconds.
const PILE: f64 = 0.05;
/// What a stall or a death has left behind is being worked off for so long.
const AFTERMATH: Nanos = Nanos::secs(2);

/// Only an open loop can be overloaded: a closed one waits for its answers.
pub(super) fn find(look: &Look<'_>) -> Option<Lasting> {
    let specimen = look.specimen;
    let clients = &specimen.clients;
    let offered = clients.offered?;
    let lately = |moment: Nanos| look.now.since(moment) < AFTERMATH;
    let held =
        |process: &Specimen| process.stalls.current.is_some() || process.stalls.past.last().is_some_and(|stall| lately(stall.until()));
    let stalled = specimen.loops().any(held);
    let restarted = specimen.deaths.last().is_some() && matches!(specimen.life, Life::Running { since, .. } if lately(since));
    let (before, now) = clients.backlog_trend();
    let piles_up = now > before && f64::from(now) > offered * PILE;
    if look.explained || stalled || restarted || clients.rate > offered * SHORT || !piles_up {
        return None;
    }
    // Workers answer it where most of the loop's work can be handed to them; more of the same small work needs another loop, or less of it.
    let busy = |of: &[Tally]| of.iter().fold(0_u64, |sum, tally| sum.saturating_add(tally.busy.0));
    let computing = specimen.reactor.handlers[Handler::Compute as usize].busy.0;
    let workers = computing > busy(&specimen.reactor.causes) / 2 && !specimen.mitigations[Mitigation::WorkerPool as usize];
    let mitigations: &[_] = if workers { &[Mitigation::WorkerPool, Mitigation::Shedding] } else { &[Mitigation::Shedding] };
    Some((Evidence::Overload { offered, answered: clients.rate, backlog: clients.backlog }, mitigations))
}
