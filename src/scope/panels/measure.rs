//! What a mitigation has changed, in words: before and after, while it is measured and when it is.

use crate::base::units::{Nanos, bytes, count};
use crate::command::{Command, table};
use crate::scope::theme::Role;
use crate::scope::{Look, words};
use crate::world::Measure;
use crate::world::findings::FindingKind;
use crate::world::measures::{OVER, Period};

use super::head::Announcement;

/// Cells of the bar that fills while it is measured.
const BAR: usize = 10;

/// The card of a measurement.
pub fn announcement(measure: &Measure, now: Nanos, look: Look<'_>) -> Announcement {
    let mitigation = words::mitigation(look.lang, measure.mitigation);
    let name = ("mitigation", &*mitigation);
    let dismiss = || (Command::Back, look.text("measure.dismiss").into_owned());
    let mut figures = figures(measure, look).into_iter();
    let first = figures.next().unwrap_or_default();
    let (role, sign, headline, details, remedies) = match (measure.after, measure.awaits, measure.progress(now)) {
        (Some(_), ..) => {
            let each = look.fill("measure.each", &[("over", &OVER.to_string())]);
            let headline = look.fill("measure.done", &[name, ("first", &first)]);
            (Role::BannerFinding, "✓", headline, figures.chain([each]).collect(), vec![dismiss()])
        }
        (None, Some(fault), _) => {
            let said = words::fault(look.lang, fault);
            let again = table::by_id(fault.name()).and_then(table::Row::command);
            let again = again.map(|command| (command, look.text("announce.again").into_owned()));
            let headline = look.fill("measure.awaits", &[name, ("fault", &said)]);
            (Role::BannerFinding, "◆", headline, vec![first], again.into_iter().chain([dismiss()]).collect())
        }
        (None, None, progress) => {
            let done = progress.unwrap_or_default();
            let filled = (done.0 as usize * BAR / OVER.0 as usize).min(BAR);
            let bar = format!("{}{}", "▮".repeat(filled), "▯".repeat(BAR - filled));
            let seconds = |n: Nanos| format!("{:.0}", n.as_secs().floor());
            let values = [name, ("bar", &*bar), ("done", &*seconds(done)), ("all", &*seconds(OVER))];
            (Role::BannerFinding, "◆", look.fill("measure.runs", &values), vec![first], vec![dismiss()])
        }
    };
    Announcement { role, sign, headline, details, remedies }
}

/// The figures that tell most of this matter first, each as `before -> after` (or before alone, while there is no after).
fn figures(measure: &Measure, look: Look<'_>) -> Vec<String> {
    let pair = |key: &str, of: &dyn Fn(&Period) -> String| {
        let side = |period: Option<&Period>| period.map_or_else(|| "–".to_owned(), of);
        let before = side(measure.before.as_ref());
        let values = match &measure.after {
            Some(after) => format!("{before} -> {}", of(after)),
            None => before,
        };
        look.fill(key, &[("values", &values)])
    };
    let latency =
        |of: fn(&Period) -> Nanos| move |period: &Period| if period.count == 0 { "–".to_owned() } else { of(period).to_string() };
    let tail = pair("measure.p99", &latency(|period| period.p99));
    let longest = pair("measure.longest", &|period| period.longest.to_string());
    let failed = pair("measure.failed", &|period| count(period.failed as f64));
    let signed = |n: i64, said: String| if n < 0 { format!("−{said}") } else { format!("+{said}") };
    let mut said = match measure.kind {
        FindingKind::Leaking => vec![pair("measure.descriptors", &|p| signed(p.descriptors, p.descriptors.unsigned_abs().to_string()))],
        FindingKind::Growing => vec![pair("measure.memory", &|p| signed(p.memory, bytes(p.memory.unsigned_abs() * 1024)))],
        _ => Vec::new(),
    };
    said.extend([tail, longest]);
    if measure.before.iter().chain(&measure.after).any(|period| period.failed > 0) {
        // Where requests fail, their number says more than how long the others took.
        said.insert(said.len() - 1, failed);
    }
    if measure.after.is_none() {
        // One line has room for what matters; the rest comes with the result.
        said.truncate(2);
        said = vec![look.fill("measure.before", &[("figures", &said.join(", "))])];
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::{Theme, Tier};
    use crate::telemetry::vocabulary::Mitigation;
    use crate::world::testing::Story;

    #[test]
    fn before_and_after_are_told_with_their_numbers() {
        use crate::base::ids::SpecimenId;
        use crate::telemetry::event::{Event, Lane, Origin, What};
        let story = Story::new(&["naive"]).calm(Nanos::secs(3)).greed(Nanos::secs(5)).calm(Nanos::secs(7));
        let at = story.end() - Nanos::secs(7);
        let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
        let mut events = story.events();
        events.push(Event { at, from, what: What::Mitigated { mitigation: Mitigation::ReadBudget, on: 1 } });
        events.sort_by_key(|event| event.at);
        let mut world = crate::world::World::new(&story.setup());
        for event in &events {
            world.apply(event);
        }
        world.advance(story.end());
        let (theme, keys) = (Theme::dark(Tier::True), Keymap::default());
        let look = Look { theme: &theme, lang: Lang::En, keys: &keys };
        let measure = world.specimens[0].measures.last.unwrap();
        let said = announcement(&measure, world.now, look);
        let (before, after) = (measure.before.unwrap(), measure.after.unwrap());
        assert_eq!(said.headline, format!("read budget, before -> after: p99 {} -> {}", before.p99, after.p99));
        assert_eq!(said.details, [format!("longest callback {} -> {}", before.longest, after.longest), "5.00 s each".to_owned()]);
        let mut early = crate::world::World::new(&story.setup());
        for event in events.iter().take_while(|event| event.at <= at + Nanos::secs(2)) {
            early.apply(event);
        }
        let said = announcement(&early.specimens[0].measures.last.unwrap(), at + Nanos::secs(2), look);
        assert_eq!(said.headline, "measuring read budget ▮▮▮▮▯▯▯▯▯▯ 2 of 5 s");
    }
}
