//! Overloaded: more is offered than answered and what is due piles up, though no callback holds the loop.

use super::{Evidence, Finding, FindingKind};
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::{Handler, Mitigation};
use crate::world::reactor::Tally;
use crate::world::{Life, Specimen, World};

/// Below this share of what is offered, what is answered falls short: more than chance does to an open loop in a second.
const SHORT: f64 = 0.95;
/// The backlog that counts, in what is offered in so many seconds.
const PILE: f64 = 0.05;
/// What a stall or a death has left behind is being worked off for so long.
const AFTERMATH: Nanos = Nanos::secs(2);

/// Only an open loop can be overloaded: a closed one waits for its answers.
pub(super) fn find(world: &World, specimen: &Specimen) -> Option<Finding> {
    let clients = &specimen.clients;
    let offered = clients.offered?;
    let lately = |moment: Nanos| world.now.since(moment) < AFTERMATH;
    let stalled = specimen.stalls.current.is_some() || specimen.stalls.past.last().is_some_and(|stall| lately(stall.until()));
    let restarted = specimen.deaths.last().is_some() && matches!(specimen.life, Life::Running { since, .. } if lately(since));
    let (before, now) = clients.backlog_trend();
    let piles_up = now > before && f64::from(now) > offered * PILE;
    if !specimen.is_alive() || stalled || restarted || clients.rate > offered * SHORT || !piles_up {
        return None;
    }
    let (answered, backlog) = (clients.rate, clients.backlog);
    // Workers answer it where most of the loop's work can be handed to them; more of the same small work needs another loop.
    let busy = |of: &[Tally]| of.iter().fold(0_u64, |sum, tally| sum.saturating_add(tally.busy.0));
    let computing = specimen.reactor.handlers[Handler::Compute as usize].busy.0;
    let mitigations: &[_] = if computing > busy(&specimen.reactor.causes) / 2 { &[Mitigation::WorkerPool] } else { &[] };
    // At this rate it has taken so long to pile up.
    let piled = Nanos((f64::from(backlog) / (offered - answered) * 1e9) as u64);
    Some(Finding {
        kind: FindingKind::Overloaded,
        specimen: specimen.id,
        since: world.now.since(piled).max(world.started.unwrap_or_default()),
        until: None,
        evidence: Evidence::Overload { offered, answered, backlog },
        mitigations,
    })
}
