//! What must be true of the measurements and facts, as one table: each claim is judged as a ratio, so that it holds on any machine.
//!
//! Bounds are generous: they separate "grows with the idle ones" from "does not", not one machine from another. A claim whose
//! points were not measured is neither held nor broken, and says so.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Interest, Reader};
use super::kinds::{FD_SETSIZE, Refusal, Selector};
use super::point::{Active, Point};
use super::series::{Outcome, Series, find};

/// All claims, in the order in which they are shown.
pub static CLAIMS: [Claim; 11] = [
    Claim { id: "exact", says: "every selector reports exactly the active descriptors", judge: exact },
    Claim { id: "poll-grows", says: "poll's time grows in proportion to the idle descriptors", judge: poll_grows },
    Claim {
        id: "poll-linear",
        says: "poll's time is a straight line in them (slope 1 where both axes are logarithmic)",
        judge: poll_linear,
    },
    Claim {
        id: "epoll-level-flat",
        says: "epoll's time, level-triggered, does not grow with them",
        judge: |e| flat(e, Selector::EpollLevel),
    },
    Claim { id: "epoll-edge-flat", says: "epoll's time, edge-triggered, does not grow with them", judge: |e| flat(e, Selector::EpollEdge) },
    Claim { id: "idle-cost", says: "with one active among the most idle ones, poll costs many times what epoll does", judge: idle_cost },
    Claim { id: "all-active", says: "where all of a hundred are active, poll is the cheaper call", judge: all_active },
    Claim { id: "select-wall", says: "select refuses every set with a descriptor from 1024 on, and no other", judge: select_wall },
    Claim { id: "level-again", says: "level reports unread bytes with every call, edge once", judge: level_again },
    Claim { id: "busy-writable", says: "level-triggered EPOLLOUT that nobody switched off is a busy loop", judge: busy_writable },
    Claim { id: "edge-partial", says: "edge and a partial read hang; until EAGAIN, or level, does not", judge: edge_partial },
];

/// One claim.
#[derive(Debug)]
pub struct Claim {
    /// Its name.
    pub id: &'static str,
    /// What it says, as a sentence without its full stop.
    pub says: &'static str,
    /// Whether it is so.
    judge: fn(&Evidence<'_>) -> Judgement,
}

/// What a claim is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was measured.
    pub series: &'a [Series],
    /// What was observed.
    pub facts: &'a Facts,
}

/// A claim, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which claim.
    pub id: String,
    /// What it says.
    pub says: String,
    /// Whether it is so.
    pub judgement: Judgement,
}

/// Whether a claim is so, with the figures that say it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It is so.
    Held(String),
    /// It is not so.
    Broken(String),
    /// What it needs was not measured.
    NotMeasured(String),
}

/// Judges every claim.
pub fn judge(evidence: &Evidence<'_>) -> Vec<Verdict> {
    CLAIMS.iter().map(|c| Verdict { id: c.id.to_owned(), says: c.says.to_owned(), judgement: (c.judge)(evidence) }).collect()
}

/// The points without which some claim cannot be judged. Where the machine's limits cut them, the claims take what there is.
pub fn needs() -> Vec<Point> {
    let one = [10, 100, 1000, 10_000].map(|size| Point { size, active: Active::Count(1) });
    one.into_iter().chain([ALL_OF_A_HUNDRED]).collect()
}

const ONE: Active = Active::Count(1);
const ALL_OF_A_HUNDRED: Point = Point { size: 100, active: Active::All };
/// Below this number of descriptors the fixed cost of a call hides what an idle one adds.
const GROWING_FROM: usize = 100;
/// Sizes must be this far apart before their times say how a call grows.
const SPAN: usize = 10;

fn judged(held: bool, because: String) -> Judgement {
    if held { Judgement::Held(because) } else { Judgement::Broken(because) }
}

fn not_measured(what: &str) -> Judgement {
    Judgement::NotMeasured(what.to_owned())
}

/// The smallest and the largest size from `from` on, with their times, where they are far enough apart.
fn ends(series: &[Series], selector: Selector, from: usize) -> Option<[(usize, f64); 2]> {
    let costs = find(series, selector, ONE)?.costs().filter(|(size, _)| *size >= from);
    let all: Vec<_> = costs.collect();
    let (first, last) = (*all.first()?, *all.last()?);
    (last.0 / SPAN >= first.0 && first.0 > 0).then_some([first, last])
}

fn poll_grows(e: &Evidence<'_>) -> Judgement {
    let Some([small, big]) = ends(e.series, Selector::Poll, GROWING_FROM) else {
        return not_measured("needs poll with one active among a hundred and among ten times as many");
    };
    let (times, sizes) = (big.1 / small.1, big.0 as f64 / small.0 as f64);
    judged(
        (sizes / 4.0..=sizes * 4.0).contains(&times),
        format!(
            "{sizes:.0} times the idle descriptors ({} → {}), {times:.1} times the time (wanted {:.1} to {:.0})",
            small.0,
            big.0,
            sizes / 4.0,
            sizes * 4.0
        ),
    )
}

fn poll_linear(e: &Evidence<'_>) -> Judgement {
    let Some(_) = ends(e.series, Selector::Poll, GROWING_FROM) else {
        return not_measured("needs poll with one active among a hundred and among ten times as many");
    };
    let poll = find(e.series, Selector::Poll, ONE).map(|s| s.costs().filter(|(size, _)| *size >= GROWING_FROM).collect::<Vec<_>>());
    let slope = slope(&poll.unwrap_or_default());
    judged((0.7..=1.3).contains(&slope), format!("slope {slope:.2} (wanted 0.7 to 1.3)"))
}

/// The slope of the straight line nearest to the points (least squares) where both axes are logarithmic: the exponent of the growth.
pub fn slope(points: &[(usize, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(size, ns)| *size > 0 && *ns > 0.0).map(|(size, ns)| ((*size as f64).ln(), ns.ln())).collect();
    let n = logs.len() as f64;
    let (mx, my) = logs.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xy, xx) = logs.iter().fold((0.0, 0.0), |(xy, xx), p| (xy + (p.0 - mx) * (p.1 - my), xx + (p.0 - mx).powi(2)));
    if xx > 0.0 { xy / xx } else { 0.0 }
}

fn flat(e: &Evidence<'_>, selector: Selector) -> Judgement {
    let Some([small, big]) = ends(e.series, selector, 1) else {
        return not_measured("needs two sizes, one ten times the other, with one active");
    };
    let times = big.1 / small.1;
    judged(times <= 2.0, format!("{} → {} idle: {:.0} → {:.0} ns, {times:.2} times (wanted at most 2)", small.0, big.0, small.1, big.1))
}

fn idle_cost(e: &Evidence<'_>) -> Judgement {
    let both = ends(e.series, Selector::Poll, 1).zip(ends(e.series, Selector::EpollLevel, 1));
    let Some(([_, poll], [_, epoll])) = both.filter(|([_, poll], [_, epoll])| poll.0 == epoll.0 && poll.0 >= 1000) else {
        return not_measured("needs poll and epoll with one active among at least a thousand");
    };
    // An eventfd adds some 10 ns to a call of poll; a tenth of that would still pass.
    let (times, wanted) = (poll.1 / epoll.1, poll.0 as f64 / 400.0);
    judged(
        times >= wanted,
        format!("{} idle: {:.0} against {:.0} ns, {times:.0} times (wanted at least {wanted:.1})", poll.0, poll.1, epoll.1),
    )
}

fn all_active(e: &Evidence<'_>) -> Judgement {
    let ns = |selector| Some(find(e.series, selector, Active::All)?.at(ALL_OF_A_HUNDRED.size)?.cost()?.call_ns);
    let (Some(epoll), Some(poll)) = (ns(Selector::EpollLevel), ns(Selector::Poll)) else {
        return not_measured("needs a hundred descriptors, all of them active");
    };
    let times = epoll / poll;
    judged(times > 1.0, format!("{poll:.0} against {epoll:.0} ns for epoll, {times:.2} times (wanted more than 1)"))
}

fn exact(e: &Evidence<'_>) -> Judgement {
    let costs = || e.series.iter().flat_map(|s| &s.points).filter_map(|m| Some((m, m.cost()?)));
    match costs().find(|(_, cost)| !cost.exact) {
        Some((m, cost)) => {
            Judgement::Broken(format!("{} at {} idle, {} active reported {}", m.selector, m.point.idle(), m.point.ready(), cost.returned))
        }
        None if costs().count() == 0 => not_measured("nothing was measured"),
        None => Judgement::Held(format!("in {} calls", costs().map(|(_, cost)| cost.calls).sum::<u64>())),
    }
}

fn select_wall(e: &Evidence<'_>) -> Judgement {
    let wrongly = e.series.iter().filter(|s| s.selector == Selector::Select).flat_map(|s| &s.points).find(|m| match &m.outcome {
        Outcome::NotPossible(Refusal::BeyondSet { descriptor }) => (*descriptor as usize) < FD_SETSIZE,
        Outcome::NotPossible(Refusal::Kernel { .. }) => true,
        // So many descriptors cannot all have numbers below the end of the set, standard input, output and error being open.
        Outcome::Measured(_) => m.point.total() > FD_SETSIZE,
    });
    match (wrongly, &e.facts.wall.refusal) {
        (Some(m), _) => Judgement::Broken(format!("{} descriptors: {:?}", m.point.total(), m.outcome)),
        (None, Some(Refusal::BeyondSet { descriptor })) => Judgement::Held(format!("descriptor {descriptor} alone was refused")),
        (None, Some(other)) => Judgement::Broken(other.to_string()),
        (None, None) => not_measured("this process may not have a descriptor 1024"),
    }
}

fn level_again(e: &Evidence<'_>) -> Judgement {
    let told: Vec<String> = e
        .facts
        .unread
        .iter()
        .map(|u| format!("{} {} of {}", u.selector, u.reports.map_or("not possible,".to_owned(), |n| n.to_string()), u.calls))
        .collect();
    let held = e.facts.unread.iter().all(|u| match (u.selector, u.reports) {
        (Selector::EpollEdge, reports) => reports == Some(1),
        (Selector::Select, None) => true,
        (_, reports) => reports == Some(u.calls),
    });
    judged(held, told.join(", "))
}

fn busy_writable(e: &Evidence<'_>) -> Judgement {
    let calls = |interest| e.facts.writable.iter().find(|w| w.interest == interest).map(|w| w.calls);
    let (Some(on), Some(off), Some(edge)) = (calls(Interest::LevelLeftOn), calls(Interest::LevelSwitchedOff), calls(Interest::EdgeLeftOn))
    else {
        return not_measured("needs the writable experiment");
    };
    let quiet = off.max(edge).max(1);
    judged(on / quiet >= 100, format!("{on} calls left on, {off} switched off, {edge} edge-triggered (wanted 100 times as many)"))
}

fn edge_partial(e: &Evidence<'_>) -> Judgement {
    let Some(hang) = e.facts.partial.iter().find(|p| p.reader == Reader::EdgeOnce) else {
        return not_measured("needs the partial read");
    };
    let others = e.facts.partial.iter().filter(|p| p.reader != Reader::EdgeOnce).all(|p| p.answered && p.left == 0);
    judged(
        others && !hang.answered && hang.left > 0,
        format!("{} of {} bytes read, {} left unread and never reported again", hang.read, hang.sent, hang.left),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::clock::Clock;
    use crate::base::units::Nanos;
    use crate::selectors::descriptors::Room;
    use crate::selectors::descriptors::tests::alone;
    use crate::selectors::facts;
    use crate::selectors::kinds::Copied;
    use crate::selectors::measure::{Effort, measure};
    use crate::selectors::series::{Cost, Measurement, collect};

    fn made_up(selector: Selector, size: usize, call_ns: f64) -> Measurement {
        let cost = Cost {
            call_ns,
            fast_ns: call_ns,
            slow_ns: call_ns,
            find_ns: 1.0,
            copied: Copied::default(),
            returned: 1,
            exact: true,
            batches: 1,
            calls: 1,
        };
        Measurement { selector, point: Point { size, active: ONE }, outcome: Outcome::Measured(cost) }
    }

    fn made_up_facts() -> Facts {
        let wall = facts::Wall { descriptor: 1024, refusal: None };
        Facts { unread: Vec::new(), writable: Vec::new(), partial: Vec::new(), wall }
    }

    fn judgement(id: &str, measurements: impl IntoIterator<Item = Measurement>) -> Judgement {
        let mut series = Vec::new();
        collect(&mut series, measurements);
        let facts = made_up_facts();
        judge(&Evidence { series: &series, facts: &facts }).into_iter().find(|v| v.id == id).unwrap().judgement
    }

    #[test]
    fn every_claim_has_a_name_of_its_own_and_says_something() {
        let ids: BTreeSet<_> = CLAIMS.iter().map(|c| c.id).collect();
        assert_eq!(ids.len(), CLAIMS.len());
        assert!(CLAIMS.iter().all(|c| !c.says.is_empty() && !c.says.ends_with('.')));
    }

    #[test]
    fn growth_is_told_from_its_absence() {
        let line = |selector, power: f64| [10, 100, 1000, 10_000].map(|size| made_up(selector, size, 200.0 * (size as f64).powf(power)));
        for (power, grows) in [(1.0, true), (0.0, false), (2.0, false)] {
            for id in ["poll-grows", "poll-linear"] {
                let judgement = judgement(id, line(Selector::Poll, power));
                assert_eq!(matches!(judgement, Judgement::Held(_)), grows, "{id} at power {power}: {judgement:?}");
            }
        }
        for (power, held) in [(0.0, true), (0.05, true), (1.0, false)] {
            let judgement = judgement("epoll-level-flat", line(Selector::EpollLevel, power));
            assert_eq!(matches!(judgement, Judgement::Held(_)), held, "at power {power}: {judgement:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_neither_held_nor_broken() {
        for claim in &CLAIMS {
            if !["level-again", "exact"].contains(&claim.id) {
                assert!(matches!(judgement(claim.id, []), Judgement::NotMeasured(_)), "{}", claim.id);
            }
        }
        assert!(matches!(judgement("poll-grows", [made_up(Selector::Poll, 100, 1.0)]), Judgement::NotMeasured(_)));
    }

    #[test]
    fn a_report_of_the_wrong_ones_breaks_the_first_claim() {
        let mut wrong = made_up(Selector::Poll, 10, 1.0);
        if let Outcome::Measured(cost) = &mut wrong.outcome {
            cost.exact = false;
        }
        assert!(matches!(judgement("exact", [wrong]), Judgement::Broken(_)));
    }

    #[test]
    fn the_slope_of_a_power_is_its_exponent() {
        let points = |power: f64| [1, 10, 100, 1000].map(|size| (size, 7.0 * (size as f64).powf(power)));
        for power in [0.0, 0.5, 1.0, 2.0] {
            assert!((slope(&points(power)) - power).abs() < 1e-9);
        }
        assert_eq!(slope(&[]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(slope(&[(5, 5.0)]).to_bits(), 0.0_f64.to_bits());
    }

    /// The claims on this machine, as it is at this moment. Fewer descriptors than the command line takes: other tests need some too.
    #[test]
    fn the_claims_hold_here() {
        let _alone = alone();
        let clock = Clock::start();
        let room = Room::make().unwrap().free / 2;
        let points: Vec<Point> = needs().into_iter().filter_map(|p| p.within(room.min(4000))).collect();
        let effort = Effort { rounds: 5, ..Effort::THOROUGH };
        let mut series = Vec::new();
        collect(&mut series, measure(&clock, &points, effort, &mut |_| true).unwrap());
        let facts = facts::observe(&clock, Nanos::millis(50)).unwrap();
        let verdicts = judge(&Evidence { series: &series, facts: &facts });
        for verdict in &verdicts {
            assert!(!matches!(verdict.judgement, Judgement::Broken(_)), "{verdict:?}\n{series:#?}");
        }
        let held = verdicts.iter().filter(|v| matches!(v.judgement, Judgement::Held(_))).count();
        assert!(held >= CLAIMS.len() - 1 || room < 1000, "{verdicts:#?}");
    }
}
