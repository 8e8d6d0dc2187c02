//! Experiments beside the specimens: what a scenario measures of the selectors, what it may claim of them, and what claims are held against.
//!
//! It measures nothing: what was found comes from [`crate::selectors`].

use serde::{Deserialize, Serialize};

use super::Scenario;
use super::schema::{Expectation, Figure};
use crate::base::lang::Lang;
use crate::base::units::count;
use crate::selectors::bench::{View, cost};
use crate::selectors::claims::{self, Judgement};
use crate::selectors::facts::{Facts, Interest, Reader};
use crate::selectors::series::Series;
use crate::selectors::{Active, Point, SELECTORS, Selector};
use crate::world::World;

/// An experiment, in place of specimens or beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Experiment {
    /// What it costs to ask the kernel who is ready.
    Selectors {
        /// Idle descriptors at the beginning.
        #[serde(default = "fewest")]
        idle: u32,
        /// How many are active at the beginning: `"1"`, `"100"` or `"all"`.
        #[serde(default = "one")]
        active: Active,
    },
}

fn fewest() -> u32 {
    10
}

fn one() -> Active {
    Active::Count(1)
}

/// What the selectors do apart from what they cost, as a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Habit {
    /// The same unread bytes are reported with every call by what is level-triggered, and once by what is edge-triggered.
    LevelAgain,
    /// An edge-triggered reader that takes a part never hears of the rest.
    EdgePartial,
    /// Level-triggered interest in writability that nobody switched off is a busy loop.
    BusyWritable,
    /// `select` refuses descriptors from 1024 on, and no others.
    SelectWall,
}

/// A selector, written as the command line and the CSV have it: `"epoll-level"`, `"epoll-edge"`, `"poll"`, `"select"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(pub Selector);

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.row().id.to_owned()
    }
}

impl TryFrom<String> for Name {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let found = SELECTORS.iter().find(|row| row.id == text).map(|row| Self(row.selector));
        found.ok_or_else(|| format!("no selector is called {text:?}; valid: {}", SELECTORS.map(|row| row.id).join(", ")))
    }
}

/// One call: of which selector, over how many descriptors. What is left out is what the person has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Of which selector.
    pub by: Name,
    /// Idle descriptors; where all are active, descriptors.
    #[serde(default)]
    pub idle: Option<u32>,
    /// How many are active.
    #[serde(default)]
    pub active: Option<Active>,
}

impl Call {
    /// The call of a text's figure, `poll:1000:1`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(parts: &[&str]) -> Result<Self, String> {
        let [by, idle, active] = parts else { return Err("valid: {call:SELECTOR:IDLE:ACTIVE}, as {call:poll:1000:1}".to_owned()) };
        let size = idle.parse().map_err(|_| format!("{idle:?} is no number of idle descriptors"))?;
        Ok(Self { by: Name::try_from((*by).to_owned())?, idle: Some(size), active: Some(active.parse()?) })
    }

    /// Where it is made, when this is in hand.
    fn point(self, hand: Option<Point>) -> Option<Point> {
        match (self.idle, self.active, hand) {
            (Some(idle), Some(active), _) => Some(Point { size: idle as usize, active }),
            (idle, active, Some(hand)) => {
                Some(Point { size: idle.map_or(hand.size, |idle| idle as usize), active: active.unwrap_or(hand.active) })
            }
            _ => None,
        }
    }

    /// The call in words.
    pub fn words(self, lang: Lang) -> String {
        let name = self.by.0.row().id;
        let zh = lang == Lang::Zh;
        match (self.idle, self.active) {
            (Some(n), Some(Active::All)) if zh => format!("{name}({n} 个全部活跃)"),
            (Some(n), Some(Active::All)) => format!("{name}, all of {n} active"),
            (Some(n), Some(active)) if zh => format!("{name}({n} 个空闲,{active} 个活跃)"),
            (Some(n), Some(active)) => format!("{name}, {n} idle, {active} active"),
            _ if zh => format!("{name}(当前位置)"),
            _ => format!("{name}, where you are"),
        }
    }
}

/// What was found out about the selectors.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What was measured.
    pub series: &'a [Series],
    /// What was observed.
    pub facts: Option<&'a Facts>,
    /// What is in the person's hand.
    pub hand: Option<Point>,
}

impl<'a> From<View<'a>> for Found<'a> {
    fn from(view: View<'a>) -> Self {
        Self { series: view.drag.series(), facts: view.facts.and_then(|facts| facts.as_ref().ok()), hand: view.drag.point() }
    }
}

impl Found<'_> {
    /// A figure of the selectors: times in milliseconds, copies in bytes.
    pub fn value(&self, figure: &Figure) -> Option<f64> {
        match figure {
            Figure::Call(call) => Some(cost(self.series, call.by.0, call.point(self.hand)?)?.call_ns / 1e6),
            Figure::Copied(call) => {
                let copied = cost(self.series, call.by.0, call.point(self.hand)?)?.copied;
                Some(copied.into.saturating_add(copied.out) as f64)
            }
            _ => None,
        }
    }
}

/// What claims are held against.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the events add up to.
    pub world: &'a World,
    /// What was found out about the selectors, where somebody has.
    pub selectors: Option<Found<'a>>,
}

impl<'a> From<&'a World> for Evidence<'a> {
    fn from(world: &'a World) -> Self {
        Self { world, selectors: None }
    }
}

impl<'a> Evidence<'a> {
    /// A world, and the selectors as somebody watches them.
    pub fn of(world: &'a World, selectors: Option<View<'a>>) -> Self {
        Self { world, selectors: selectors.map(Found::from) }
    }
}

/// The places that a scenario's claims speak of, each once: what a check has to measure.
pub fn needs(scenario: &Scenario) -> Vec<Point> {
    let figures = scenario.expect.iter().flat_map(|claim| match claim {
        Expectation::Measure { of, .. } => vec![of],
        Expectation::Ratio { of, to, .. } => vec![of, to],
        _ => Vec::new(),
    });
    let mut points: Vec<Point> = figures
        .filter_map(|figure| match figure {
            Figure::Call(call) | Figure::Copied(call) => call.point(None),
            _ => None,
        })
        .collect();
    points.sort_unstable();
    points.dedup();
    points
}

impl Habit {
    fn id(self) -> &'static str {
        match self {
            Self::LevelAgain => "level-again",
            Self::EdgePartial => "edge-partial",
            Self::BusyWritable => "busy-writable",
            Self::SelectWall => "select-wall",
        }
    }

    /// The claim in words.
    pub fn words(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::LevelAgain, Lang::En) => "unread bytes: level reports them with every call, edge once",
            (Self::LevelAgain, Lang::Zh) => "未读的数据:水平触发每次都报告,边缘触发只报告一次",
            (Self::EdgePartial, Lang::En) => "edge: a reader that takes a part hangs; until EAGAIN, or level, does not",
            (Self::EdgePartial, Lang::Zh) => "边缘触发:只读一部分就会卡住;读到 EAGAIN 或水平触发则不会",
            (Self::BusyWritable, Lang::En) => "level-triggered EPOLLOUT that nobody switched off is a busy loop",
            (Self::BusyWritable, Lang::Zh) => "水平触发的 EPOLLOUT 没人关掉,循环就空转",
            (Self::SelectWall, Lang::En) => "select refuses descriptors from 1024 on, and no others",
            (Self::SelectWall, Lang::Zh) => "select 拒绝 1024 及以上的描述符,也只拒绝它们",
        }
    }

    /// What was found of it, and whether the claim holds; nothing where it was not observed.
    pub fn find(self, found: Found<'_>, lang: Lang) -> Option<(String, bool)> {
        let facts = found.facts?;
        let verdicts = claims::judge(&claims::Evidence { series: found.series, facts });
        let held = matches!(verdicts.iter().find(|verdict| verdict.id == self.id())?.judgement, Judgement::Held(_));
        let zh = lang == Lang::Zh;
        let text = match self {
            Self::LevelAgain => {
                let told = facts.unread.iter().map(|unread| {
                    let reports = unread.reports.map_or("–".to_owned(), |n| n.to_string());
                    format!("{} {reports}/{}", unread.selector.row().id, unread.calls)
                });
                told.collect::<Vec<_>>().join(", ")
            }
            Self::EdgePartial => {
                let hang = facts.partial.iter().find(|partial| partial.reader == Reader::EdgeOnce)?;
                if zh {
                    format!("{} 字节中 {} 字节没读,再也没有报告", hang.sent, hang.left)
                } else {
                    format!("{} of {} bytes left unread, never reported again", hang.left, hang.sent)
                }
            }
            Self::BusyWritable => {
                let calls = |interest| facts.writable.iter().find(|writable| writable.interest == interest).map(|writable| writable.calls);
                let (on, off) = (calls(Interest::LevelLeftOn)?, calls(Interest::LevelSwitchedOff)?);
                let on = count(on as f64);
                if zh { format!("没关:唤醒 {on} 次;关掉:{off} 次") } else { format!("{on} wake-ups left on, {off} switched off") }
            }
            Self::SelectWall => {
                let descriptor = facts.wall.descriptor;
                match (&facts.wall.refusal, zh) {
                    (Some(_), true) => format!("单独一个描述符 {descriptor} 就被拒绝"),
                    (Some(_), false) => format!("descriptor {descriptor} alone was refused"),
                    (None, true) => format!("本进程不能拥有描述符 {descriptor}"),
                    (None, false) => format!("this process may not have a descriptor {descriptor}"),
                }
            }
        };
        Some((text, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::from_text;
    use crate::selectors::testing::Told;
    use crate::world::Setup;

    fn scenario(expect: &str) -> Scenario {
        let text = format!("(id: \"x\", title: {{ \"en\": \"x\" }}, experiment: Selectors(), expect: [{expect}])");
        from_text(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    #[test]
    fn claims_are_held_against_what_was_measured() {
        let told = Told::with_room(60_000).at(1000, Active::Count(1));
        let world = World::new(&Setup { specimens: Vec::new(), stall_threshold: crate::base::units::Nanos::millis(50) });
        let scenario = scenario(
            "Ratio(of: Call(by: \"poll\", idle: 1000, active: \"1\"), to: Call(by: \"poll\", idle: 100, active: \"1\"), at_least: 5, at_most: 20),
             Ratio(of: Call(by: \"poll\"), to: Call(by: \"epoll-level\"), at_most: 1),
             Measure(of: Copied(by: \"poll\", idle: 1000, active: \"1\"), at_least: 9000),
             Measure(of: Call(by: \"poll\", idle: 50000, active: \"1\"), at_least: 0),
             Selectors(LevelAgain), Selectors(EdgePartial), Selectors(BusyWritable), Selectors(SelectWall)",
        );
        let passed =
            |evidence: Evidence<'_>| -> Vec<bool> { scenario.expect.iter().map(|claim| claim.judge(evidence, Lang::Zh).passed).collect() };
        assert_eq!(passed(Evidence::of(&world, Some(told.view()))), [true, false, true, false, true, true, true, true]);
        assert_eq!(passed((&world).into()), [false; 8], "what was not measured does not hold");
        let verdict = scenario.expect[0].judge(Evidence::of(&world, Some(told.view())), Lang::En);
        assert_eq!(verdict.claim, "poll, 1000 idle, 1 active / poll, 100 idle, 1 active 5.00 … 20.00");
        assert!(verdict.measured.starts_with("9.2"), "{verdict:?}");
        let sizes: Vec<usize> = needs(&scenario).into_iter().map(|point| point.size).collect();
        assert_eq!(sizes, [100, 1000, 50_000]);
    }

    #[test]
    fn every_habit_is_a_claim_of_the_experiment_s_own() {
        for habit in [Habit::LevelAgain, Habit::EdgePartial, Habit::BusyWritable, Habit::SelectWall] {
            assert!(claims::CLAIMS.iter().any(|claim| claim.id == habit.id()), "{habit:?}");
        }
    }
}
