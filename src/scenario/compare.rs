//! What tells specimens apart under the same load: their figures side by side, and the difference in words.
//!
//! Pure functions of a world, for the screen and for what is copied out. A difference that may be noise is not put into words: each row of
//! [`ROWS`] says from which ratio, from which distance and after how many answers on it is more than that. Figures count since the first
//! request or the last mark. What was not measured is not zero.

use std::cmp::Ordering;

use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::{Nanos, bytes, count};
use crate::command::table::Words;
use crate::world::window::quantiles;
use crate::world::{Specimen, World};

use super::Scenario;
use super::schema::Role;

/// One figure that specimens are compared by.
#[derive(Debug)]
pub struct Row {
    /// Its name in code and tests.
    pub id: &'static str,
    /// What it is called.
    pub name: Words,
    /// What it is measured in.
    pub unit: Unit,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// How a difference in it is told.
    manner: Manner,
    /// From when on a difference is more than noise.
    noise: Noise,
    /// The figure of a specimen; `None` where it was not measured.
    of: fn(&World, &Specimen) -> Option<f64>,
}

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// So many a second.
    Rate,
    /// A share, 1 being all (of a core, of the requests).
    Share,
    /// KiB.
    Memory,
    /// A number of things.
    Count,
}

/// How a difference is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Lower or higher: `p99 12 times lower`.
    Level,
    /// Less or more of it: `30 % more CPU`.
    Amount,
    /// Both values: `longest callback 2 ms against 800 ms`.
    Against,
    /// Not at all: the table says it.
    Silent,
}

/// What a difference must exceed to be more than noise.
#[derive(Clone, Copy, Debug)]
struct Noise {
    /// One must be so many times the other.
    ratio: f64,
    /// They must be so far apart, in the row's unit.
    distance: f64,
    /// Each specimen must have answered so many requests.
    answers: u64,
}

const fn noise(ratio: f64, distance: f64, answers: u64) -> Noise {
    Noise { ratio, distance, answers }
}

const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en, zh }
}

/// A millisecond in the unit of times.
const MS: f64 = 1e6;

/// From so many on, connections weigh something.
const MANY: u32 = 500;

/// The figures, in the order in which they are shown and told.
pub static ROWS: &[Row] = &[
    Row {
        id: "p50",
        name: words("p50", "p50"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Level,
        noise: noise(1.5, 2.0 * MS, 200),
        of: |_, s| latency(s, 0.5),
    },
    Row {
        id: "p99",
        name: words("p99", "p99"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Level,
        noise: noise(2.0, 5.0 * MS, 500),
        of: |_, s| latency(s, 0.99),
    },
    Row {
        id: "max",
        name: words("max", "最大"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(2.0, 5.0 * MS, 1),
        of: |_, s| latency(s, 1.0),
    },
    Row {
        id: "longest-callback",
        name: words("longest callback", "最长回调"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Against,
        // Below this a callback that lost its processor for a while looks as long as one that worked.
        noise: noise(2.0, 25.0 * MS, 1),
        of: |world, s| {
            let turning = s.loops().filter(|s| s.has_loop() && s.reactor.ticks > 0);
            turning.map(|s| s.reactor.longest_since_mark(world.now).0 as f64).reduce(f64::max)
        },
    },
    Row {
        id: "job",
        name: words("longest job", "最长的工作"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(1.05, 20.0 * MS, 1),
        of: |_, s| s.longest_job().map(|job| job.took.0 as f64),
    },
    Row {
        id: "job-turns",
        name: words("its turns", "占用循环次数"),
        unit: Unit::Count,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(2.0, 4.0, 1),
        of: |_, s| s.longest_job().map(|job| f64::from(job.turns)),
    },
    Row {
        id: "hand-over",
        name: words("its hand-over", "线程间交接"),
        unit: Unit::Time,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(2.0, 5.0 * MS, 1),
        of: |_, s| s.longest_job().and_then(|job| job.hand_over).map(|time| time.0 as f64),
    },
    Row {
        id: "answers",
        name: words("answers/s", "响应/秒"),
        unit: Unit::Rate,
        less_is_better: false,
        manner: Manner::Amount,
        noise: noise(1.1, 5.0, 1000),
        of: |world, s| s.clients.since.map(|_| s.clients.throughput(world.now)),
    },
    Row {
        id: "failed",
        name: words("failed", "失败"),
        unit: Unit::Share,
        less_is_better: true,
        manner: Manner::Against,
        noise: noise(1.5, 0.005, 200),
        of: |_, s| s.clients.failed(),
    },
    Row {
        id: "cpu",
        name: words("CPU", "CPU"),
        unit: Unit::Share,
        less_is_better: true,
        manner: Manner::Amount,
        noise: noise(1.25, 0.02, 1000),
        of: |_, s| s.cores_used(),
    },
    Row {
        id: "connections",
        name: words("connections", "连接"),
        unit: Unit::Count,
        less_is_better: false,
        manner: Manner::Silent,
        noise: noise(1.1, 100.0, 0),
        // Where there are few, the load has as many as it was told.
        of: |_, s| Some(s.open_connections()).filter(|open| *open >= MANY).map(f64::from),
    },
    Row {
        id: "resident",
        name: words("resident (RSS)", "常驻内存（RSS）"),
        unit: Unit::Memory,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(1.25, 1024.0, 0),
        of: |_, s| s.resident().map(|kib| kib as f64),
    },
    Row {
        id: "memory",
        name: words("memory", "内存"),
        unit: Unit::Memory,
        less_is_better: true,
        manner: Manner::Amount,
        noise: noise(1.25, 1024.0, 0),
        of: |_, s| s.memory().map(f64::from),
    },
    Row {
        id: "memory-per-connection",
        name: words("memory/connection", "内存/连接"),
        unit: Unit::Memory,
        less_is_better: true,
        manner: Manner::Level,
        // A few hundred connections do not move what the kernel counts in pages.
        noise: noise(2.0, 1.0, 0),
        of: |_, s| s.memory_per_connection().filter(|_| s.open_connections() >= MANY),
    },
    Row {
        id: "descriptors",
        name: words("descriptors", "描述符"),
        unit: Unit::Count,
        less_is_better: true,
        manner: Manner::Against,
        noise: noise(1.25, 16.0, 0),
        of: |_, s| sum(s.all_processes().map(|s| s.kernel.descriptors.map(|(open, _)| f64::from(open)))),
    },
    Row {
        id: "threads",
        name: words("threads", "线程"),
        unit: Unit::Count,
        less_is_better: true,
        manner: Manner::Against,
        noise: noise(1.0, 1.0, 0),
        of: |_, s| s.thread_count().map(f64::from),
    },
    Row {
        id: "switches",
        name: words("switches/s", "上下文切换/秒"),
        unit: Unit::Rate,
        less_is_better: true,
        manner: Manner::Level,
        noise: noise(3.0, 1000.0, 1000),
        of: |_, s| s.switch_rate(),
    },
    Row {
        id: "forced-switches",
        name: words("of them forced", "其中非自愿"),
        unit: Unit::Rate,
        less_is_better: true,
        manner: Manner::Silent,
        noise: noise(3.0, 100.0, 1000),
        of: |_, s| s.switch_rates().map(|(_, involuntary)| involuntary),
    },
    Row {
        id: "lost-updates",
        name: words("lost updates", "丢失的更新"),
        unit: Unit::Count,
        less_is_better: true,
        manner: Manner::Against,
        noise: noise(1.0, 1.0, 0),
        of: |_, s| s.lost_updates().map(f64::from),
    },
    Row {
        id: "deaths",
        name: words("deaths", "进程死亡"),
        unit: Unit::Count,
        less_is_better: true,
        manner: Manner::Against,
        noise: noise(1.0, 1.0, 0),
        of: |_, s| (s.is_alive() || s.died > 0).then(|| f64::from(s.all_deaths())),
    },
];

/// What those processes have together of which it is known.
fn sum(of: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    of.flatten().reduce(|a, b| a + b)
}

fn latency(specimen: &Specimen, quantile: f64) -> Option<f64> {
    let all = quantiles(&specimen.clients.total);
    let at = match quantile {
        q if q >= 1.0 => all.max,
        q if q > 0.9 => all.p99,
        _ => all.p50,
    };
    (all.count > 0).then_some(at.0 as f64)
}

impl Unit {
    /// A value with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Time => Nanos(value as u64).to_string(),
            Self::Rate | Self::Count => count(value),
            Self::Share if value > 0.0 && value < 0.0995 => format!("{:.1} %", value * 100.0),
            Self::Share => format!("{:.0} %", value * 100.0),
            Self::Memory => bytes((value * 1024.0) as u64),
        }
    }
}

impl Row {
    /// The figure of a specimen; `None` where it was not measured.
    pub fn value(&self, world: &World, specimen: &Specimen) -> Option<f64> {
        (self.of)(world, specimen)
    }

    /// The figure of a specimen as it is shown.
    pub fn shown(&self, world: &World, specimen: &Specimen) -> String {
        self.value(world, specimen).map_or_else(|| "–".to_owned(), |value| self.unit.show(value))
    }

    /// What of it tells one specimen from another; `None` where that may be noise, or was not measured.
    pub fn difference(&'static self, world: &World, of: &Specimen, from: &Specimen) -> Option<Difference> {
        let (mine, theirs) = (self.value(world, of)?, self.value(world, from)?);
        let (low, high) = if mine < theirs { (mine, theirs) } else { (theirs, mine) };
        let enough = |s: &Specimen| s.clients.answered >= self.noise.answers;
        let beyond = high - low >= self.noise.distance && high >= low * self.noise.ratio && enough(of) && enough(from);
        let better = (mine < theirs) == self.less_is_better;
        beyond.then_some(Difference { row: self, mine, theirs, better })
    }
}

/// What tells one specimen from another.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// Which figure.
    pub row: &'static Row,
    /// Its value here.
    pub mine: f64,
    /// Its value there.
    pub theirs: f64,
    /// Whether it is better here.
    pub better: bool,
}

/// The places of those that are compared: an upstream serves the others and has no load of its own.
pub fn compared(scenario: &Scenario, world: &World) -> Vec<usize> {
    let serves = |n: &usize| scenario.specimens.get(*n).is_none_or(|s| s.role == Role::Server);
    (0..world.specimens.len()).filter(serves).collect()
}

/// Whether enough has been answered for latencies to be told apart.
pub fn is_enough(specimen: &Specimen) -> bool {
    let most = ROWS.iter().filter(|row| row.unit == Unit::Time).map(|row| row.noise.answers).max();
    specimen.clients.answered >= most.unwrap_or(0)
}

/// All that tells one specimen from another and is put into words, in the order of [`ROWS`].
pub fn differences(world: &World, of: &Specimen, from: &Specimen) -> Vec<Difference> {
    ROWS.iter().filter(|row| row.manner != Manner::Silent).filter_map(|row| row.difference(world, of, from)).collect()
}

/// The differences as one sentence without its subject: what is better first, then what it costs. `None` where there are none.
pub fn sentence(differences: &[Difference], lang: Lang) -> Option<String> {
    let told = |better: bool| differences.iter().filter(move |d| d.better == better);
    let list = |better: bool| {
        let clauses: Vec<String> = told(better).map(|d| d.clause(lang)).collect();
        clauses.join(match lang {
            Lang::En => ", ",
            Lang::Zh => "，",
        })
    };
    let (gains, costs) = (list(true), list(false));
    // What is paid for with resources is a price; what is simply worse is not.
    let is_price = told(false).all(|d| d.row.manner == Manner::Amount && d.row.less_is_better);
    match (gains.is_empty(), costs.is_empty(), lang) {
        (true, true, _) => None,
        (false, true, _) => Some(gains),
        (true, false, Lang::En) if is_price => Some(format!("costs {costs}")),
        (true, false, _) => Some(costs),
        (false, false, Lang::En) if is_price => Some(format!("{gains}; costs {costs}")),
        (false, false, Lang::En) => Some(format!("{gains}; but {costs}")),
        (false, false, Lang::Zh) if is_price => Some(format!("{gains}；代价：{costs}")),
        (false, false, Lang::Zh) => Some(format!("{gains}；但{costs}")),
    }
}

impl Difference {
    /// It in a few words.
    pub fn clause(&self, lang: Lang) -> String {
        let (name, unit) = (self.row.name.get(lang), self.row.unit);
        let (low, high) = if self.mine < self.theirs { (self.mine, self.theirs) } else { (self.theirs, self.mine) };
        let less = self.mine < self.theirs;
        if self.row.manner == Manner::Against || low <= 0.0 {
            let (mine, theirs) = (unit.show(self.mine), unit.show(self.theirs));
            return match lang {
                Lang::En => format!("{name} {mine} against {theirs}"),
                Lang::Zh => format!("{name} {mine}，对方 {theirs}"),
            };
        }
        let times = high / low;
        let n = times_text(times);
        // Of the other's value: half as much is 50 % less, half as much again 50 % more.
        let percent = format!("{:.0}", (self.mine / self.theirs - 1.0).abs() * 100.0);
        let name = if self.row.manner == Manner::Amount { name.split('/').next().unwrap_or(name) } else { name };
        match (lang, self.row.manner, times.total_cmp(&2.0) != Ordering::Less, less) {
            (Lang::En, Manner::Amount, true, false) => format!("{n} times the {name}"),
            (Lang::En, Manner::Amount, false, true) => format!("{percent} % {} {name}", if name == "answers" { "fewer" } else { "less" }),
            (Lang::En, Manner::Amount, false, false) => format!("{percent} % more {name}"),
            (Lang::En, _, true, true) => format!("{name} {n} times lower"),
            (Lang::En, _, true, false) => format!("{name} {n} times higher"),
            (Lang::En, _, false, true) => format!("{name} {percent} % lower"),
            (Lang::En, _, false, false) => format!("{name} {percent} % higher"),
            (Lang::Zh, _, true, true) => format!("{name} 仅为 1/{n}"),
            (Lang::Zh, _, true, false) => format!("{name} 是 {n} 倍"),
            (Lang::Zh, Manner::Amount, false, true) => format!("{name} 少 {percent} %"),
            (Lang::Zh, Manner::Amount, false, false) => format!("{name} 多 {percent} %"),
            (Lang::Zh, _, false, true) => format!("{name} 低 {percent} %"),
            (Lang::Zh, _, false, false) => format!("{name} 高 {percent} %"),
        }
    }
}

/// `2.4`, `12`, `1.2 k`.
fn times_text(times: f64) -> String {
    if times < 9.95 { format!("{times:.1}").trim_end_matches(".0").to_owned() } else { count(times) }
}

/// What tells each of the compared specimens from the one at `reference`: its place, and a sentence where there is something to tell.
pub fn told(scenario: &Scenario, world: &World, reference: usize, lang: Lang) -> Vec<(usize, Option<String>)> {
    let Some(from) = world.specimens.get(reference) else { return Vec::new() };
    let others = compared(scenario, world).into_iter().filter(|n| *n != reference);
    others.map(|n| (n, sentence(&differences(world, &world.specimens[n], from), lang))).collect()
}

/// The name of a specimen, safe to show.
pub fn name_of(world: &World, place: usize) -> String {
    world.specimens.get(place).map(|s| visible(&s.name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    fn said(story: &Story, of: usize, lang: Lang) -> Option<String> {
        let world = story.world();
        sentence(&differences(&world, &world.specimens[of], &world.specimens[0]), lang)
    }

    fn difference(id: &str, mine: f64, theirs: f64) -> Difference {
        let row = ROWS.iter().find(|row| row.id == id).unwrap();
        Difference { row, mine, theirs, better: (mine < theirs) == row.less_is_better }
    }

    #[test]
    fn a_stall_that_one_has_and_the_other_has_not_is_said() {
        let story = Story::new(&["naive", "pool"]).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(1));
        let en = said(&story, 1, Lang::En).unwrap();
        assert!(
            en.starts_with("p99 ") && en.contains(" times lower") && en.contains("longest callback ") && en.contains(" against 8"),
            "{en}"
        );
        let zh = said(&story, 1, Lang::Zh).unwrap();
        assert!(zh.contains("p99 仅为 1/") && zh.contains("最长回调") && zh.contains("对方"), "{zh}");
    }

    #[test]
    fn what_may_be_noise_is_not_put_into_words() {
        let alike = Story::new(&["one", "other"]).calm(Nanos::secs(3));
        assert_eq!((said(&alike, 1, Lang::En), said(&alike, 1, Lang::Zh)), (None, None));
        let young = Story::new(&["naive", "pool"]).calm(Nanos::millis(60)).stall(Nanos::millis(100));
        let told = said(&young, 1, Lang::En).unwrap_or_default();
        assert!(!told.contains("p99"), "a few answers say nothing of a percentile: {told}");
        for row in ROWS {
            assert!(row.noise.ratio >= 1.0 && row.noise.distance > 0.0, "{}: any difference would be told", row.id);
        }
    }

    #[test]
    fn gains_come_first_and_what_they_cost_after() {
        let gain = difference("p99", 60.0 * MS, 720.0 * MS);
        let longest = difference("longest-callback", 2.0 * MS, 800.0 * MS);
        let (price, worse) = (difference("cpu", 0.13, 0.1), difference("failed", 0.04, 0.0));
        let en = |all: &[Difference]| sentence(all, Lang::En).unwrap();
        assert_eq!(en(&[gain, longest, price]), "p99 12 times lower, longest callback 2.00 ms against 800 ms; costs 30 % more CPU");
        assert_eq!(en(&[price]), "costs 30 % more CPU");
        assert_eq!(en(&[gain, worse]), "p99 12 times lower; but failed 4.0 % against 0 %");
        let zh = sentence(&[gain, longest, price], Lang::Zh).unwrap();
        assert_eq!(zh, "p99 仅为 1/12，最长回调 2.00 ms，对方 800 ms；代价：CPU 多 30 %");
        assert_eq!(sentence(&[], Lang::En), None);
    }

    #[test]
    fn every_figure_is_told_in_both_languages_whichever_is_more() {
        for row in ROWS {
            for (mine, theirs) in [(10.0, 12.0), (12.0, 10.0), (1.0, 400.0), (400.0, 1.0), (0.0, 3.0), (3.0, 0.0)] {
                let d = Difference { row, mine, theirs, better: true };
                let (en, zh) = (d.clause(Lang::En), d.clause(Lang::Zh));
                assert!(en.contains(row.name.en.split('/').next().unwrap()) && !en.contains("inf"), "{en}");
                assert!(zh.contains(row.name.zh.split('/').next().unwrap()) && en != zh && !zh.contains("inf"), "{zh}");
            }
        }
        assert_eq!(difference("answers", 800.0, 1000.0).clause(Lang::En), "20 % fewer answers");
        assert_eq!(difference("memory", 2000.0, 500.0).clause(Lang::En), "4 times the memory");
        assert_eq!(difference("p50", 7.0, 5.0).clause(Lang::Zh), "p50 高 40 %");
    }

    #[test]
    fn whichever_is_which_better_here_is_worse_there() {
        let world = Story::new(&["naive", "pool"]).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(1)).world();
        let (a, b) = (&world.specimens[0], &world.specimens[1]);
        let (there, back) = (differences(&world, a, b), differences(&world, b, a));
        assert!(!there.is_empty() && there.len() == back.len());
        assert!(there.iter().zip(&back).all(|(x, y)| x.better != y.better && x.mine.to_bits() == y.theirs.to_bits()));
        assert!(differences(&world, a, a).is_empty());
    }

    #[test]
    fn from_a_mark_on_only_what_comes_after_it_counts() {
        use crate::base::ids::SpecimenId;
        use crate::telemetry::event::{Event, Lane, Origin, What};
        let mut world = Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).stall(Nanos::millis(800)).panic().calm(Nanos::secs(1)).world();
        let shown = |world: &World| {
            ["longest-callback", "failed", "p99"].map(|id| ROWS.iter().find(|row| row.id == id).unwrap().value(world, &world.specimens[0]))
        };
        let before = shown(&world);
        assert!(before[0] >= Some(800.0 * MS) && before[1] > Some(0.0) && before[2].is_some(), "{before:?}");
        world.apply(&Event { at: world.now, from: Origin { specimen: SpecimenId(0), lane: Lane::Lab }, what: What::Marked { mark: 1 } });
        assert_eq!(shown(&world), [Some(0.0), None, None]);
    }

    #[test]
    fn what_was_not_measured_is_a_dash_and_no_difference() {
        let world = World::new(&Story::new(&["naive", "pool"]).setup());
        let (a, b) = (&world.specimens[0], &world.specimens[1]);
        assert!(ROWS.iter().all(|row| row.shown(&world, a) == "–"), "{:?}", ROWS.iter().map(|r| r.shown(&world, a)).collect::<Vec<_>>());
        assert!(differences(&world, a, b).is_empty() && !is_enough(a));
    }
}
