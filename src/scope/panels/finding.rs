//! What a finding says: one sentence for one specimen, one for many, and the figures that show it.

use crate::base::text::visible;
use crate::base::units::{bytes, count};
use crate::scope::Look;
use crate::world::World;
use crate::world::findings::{Evidence, Finding, FindingKind};

/// What is said of a state that lasts: the sentence for one specimen, and what else is known, the most important first. Nothing for those
/// that are told of a stall, a death or a moment, whose sentences name more.
pub fn of_state(finding: &Finding, look: Look<'_>) -> Option<(String, Vec<String>)> {
    let n = |n: u64| count(n as f64);
    let fill = |key: &str, values: &[(&str, &str)]| look.fill(&format!("finding.{key}"), values);
    let one = |values: &[(&str, &str)]| fill(&format!("{}.one", finding.kind.name()), values);
    let turned_away = |times: u64| (times > 0).then(|| fill("turned_away", &[("n", &n(times))]));
    Some(match finding.evidence {
        Evidence::Unfair { conn, share, turn, waiting } => (
            one(&[("conn", &conn.0.to_string()), ("share", &percent(share))]),
            vec![fill("turn", &[("turn", &turn.to_string())]), fill("under_way", &[("n", &waiting.to_string())])],
        ),
        Evidence::Unanswered { requests, rejected, noticed } => {
            (one(&[("n", &n(requests))]), vec![if rejected { fill("rejected", &[("n", &n(noticed))]) } else { fill("dropped", &[]) }])
        }
        Evidence::Undrained { connections, bytes: unread } => {
            (one(&[("n", &connections.to_string()), ("bytes", &bytes(unread))]), vec![fill("edge", &[])])
        }
        Evidence::HalfSent { connections, open, oldest, turned_away: times } => {
            let said = one(&[("n", &connections.to_string()), ("open", &open.to_string())]);
            let mut details = vec![fill("oldest", &[("age", &oldest.to_string())])];
            details.extend(turned_away(times));
            (said, details)
        }
        Evidence::Leak { left, open, limit, turned_away: times } => {
            let mut details = vec![fill("descriptors", &[("open", &open.to_string()), ("limit", &limit.to_string())])];
            details.extend(turned_away(times));
            (one(&[("n", &left.to_string())]), details)
        }
        Evidence::Growth { from, to, over, unsent, live } => {
            let kib = |n: u32| bytes(u64::from(n) * 1024);
            let said = one(&[("from", &kib(from)), ("to", &kib(to)), ("over", &over.to_string())]);
            let unsent = (unsent > 0).then(|| fill("unsent", &[("bytes", &bytes(unsent))]));
            let live = (live > 0).then(|| fill("live", &[("bytes", &kib(live))]));
            (said, unsent.into_iter().chain(live).collect())
        }
        Evidence::HalfChanged { missing, begun } => {
            (one(&[("n", &missing.to_string())]), vec![fill("transfers", &[("n", &n(begun.into()))]), fill("only_restart", &[])])
        }
        Evidence::Unknown { astray, answered, cpu_wait } => {
            let said = one(&[("n", &astray.to_string()), ("of", &answered.to_string())]);
            let wait = cpu_wait.filter(|share| *share >= 0.05).map(|share| fill("cpu_wait", &[("share", &percent(share))]));
            (said, wait.into_iter().collect())
        }
        Evidence::Stall(_)
        | Evidence::Death(_)
        | Evidence::Respawn { .. }
        | Evidence::Overload { .. }
        | Evidence::Lost { .. }
        | Evidence::Calm { .. } => return None,
    })
}

/// The sentence for many: where the same is so at two specimens or more. Nothing where it is not.
pub fn of_many(finding: &Finding, found: &[Finding], world: &World, look: Look<'_>) -> Option<String> {
    let kind = finding.kind;
    let names: Vec<_> = found
        .iter()
        .filter(|other| other.kind == kind && (other.goes_on() || kind.is_moment()))
        .filter_map(|finding| world.specimens.get(usize::from(finding.specimen.0)))
        .map(|specimen| visible(&specimen.name))
        .collect();
    let all = [("n", &*names.len().to_string()), ("names", &*names.join(", "))];
    (names.len() > 1 && kind != FindingKind::Calm && (finding.goes_on() || kind.is_moment()))
        .then(|| look.fill(&format!("finding.{}.many", kind.name()), &all))
}

/// A share of 0 to 1 in words.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
