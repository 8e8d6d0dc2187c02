//! Holding a world against what a scenario claims. What was not measured is not zero: such a claim fails and says so.
//!
//! It reads no clock: the same world is judged the same, live or replayed.

use crate::base::lang::Lang;
use crate::base::units::{Nanos, count};
use crate::telemetry::vocabulary::Outcome;
use crate::world::stalls::{Stall, StallKind as Kind};
use crate::world::{Life, Specimen, World};

use super::schema::{Expectation, Figure, StallKind};

/// A claim and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was claimed.
    pub claim: String,
    /// What was measured, with its unit.
    pub measured: String,
    /// The same as a bare number where it is one: times in milliseconds, shares from 0 to 1.
    pub value: Option<f64>,
    /// Whether the claim holds.
    pub passed: bool,
}

impl Expectation {
    /// Holds the world against the claim. `since` is when the lab was ready: from there the run counts.
    pub fn judge(&self, world: &World, since: Nanos, lang: Lang) -> Verdict {
        let found = self.find(world, since, lang);
        Verdict { claim: self.claim(lang), measured: found.text, value: found.value, passed: found.passed }
    }

    /// The claim in words.
    pub fn claim(&self, lang: Lang) -> String {
        let say = |en: String, zh: String| pick(lang, en, zh);
        match self {
            Self::Stall { specimen, at_least, at_most, kind, fault, victims } => {
                let mut text = match at_most {
                    Some(most) => {
                        say(format!("{specimen}: a stall of {at_least} to {most}"), format!("{specimen}:出现 {at_least} 到 {most} 的停顿"))
                    }
                    None => say(format!("{specimen}: a stall of ≥ {at_least}"), format!("{specimen}:出现 ≥ {at_least} 的停顿")),
                };
                if let Some(kind) = kind {
                    text += &say(format!(", {}", kind_words(lang, kind.of_world())), format!(",{}", kind_words(lang, kind.of_world())));
                }
                if let Some(fault) = fault {
                    text += &say(format!(", by {fault}"), format!(",由 {fault} 引起"));
                }
                if let Some(victims) = victims {
                    text += &say(format!(", ≥ {victims} waiting"), format!(",≥ {victims} 个请求在等"));
                }
                text
            }
            Self::NoStall { specimen, over } => {
                say(format!("{specimen}: no callback over {over}"), format!("{specimen}:没有回调超过 {over}"))
            }
            Self::Measure { of, at_least, at_most } => {
                let bounds = bounds(*at_least, *at_most, |value| of.show(value));
                match of.specimen() {
                    Some(name) => say(format!("{name}: {} {bounds}", of.words(lang)), format!("{name}:{} {bounds}", of.words(lang))),
                    None => format!("{} {bounds}", of.words(lang)),
                }
            }
            Self::Ratio { of, to, at_least, at_most } => {
                let bounds = bounds(*at_least, *at_most, ratio);
                let of_whom = |figure: &Figure| match figure.specimen() {
                    Some(name) => say(format!("{} of {name}", figure.words(lang)), format!("{name} 的 {}", figure.words(lang))),
                    None => figure.words(lang).to_owned(),
                };
                format!("{} / {} {bounds}", of_whom(of), of_whom(to))
            }
            Self::Deaths { specimen, at_least, at_most } => {
                let bounds = bounds(at_least.map(f64::from), at_most.map(f64::from), count);
                say(format!("{specimen}: deaths {bounds}"), format!("{specimen}:进程死亡 {bounds} 次"))
            }
            Self::Alive { specimen } => say(format!("{specimen}: alive at the end"), format!("{specimen}:结束时活着")),
            Self::Dead { specimen } => say(format!("{specimen}: dead at the end"), format!("{specimen}:结束时已死")),
        }
    }

    fn find(&self, world: &World, since: Nanos, lang: Lang) -> Found {
        let specimen = |name: &str| world.specimens.iter().find(|specimen| specimen.name == name);
        match self {
            Self::Stall { specimen: name, at_least, at_most, kind, fault, victims } => {
                let Some(specimen) = specimen(name) else { return Found::nothing(lang) };
                let fits = |stall: &Stall| {
                    kind.is_none_or(|kind| kind.of_world() == stall.kind)
                        && fault.is_none_or(|fault| stall.fault == Some(fault))
                        && victims.is_none_or(|victims| stall.victims >= victims)
                        && stall.length >= *at_least
                        && at_most.is_none_or(|most| stall.length <= most)
                };
                find_stall(world, specimen, fits, lang)
            }
            Self::NoStall { specimen: name, over } => {
                let Some(specimen) = specimen(name) else { return Found::nothing(lang) };
                let longest = longest_callback(world, specimen);
                let mut text = pick(lang, format!("longest {longest}"), format!("最长 {longest}"));
                if specimen.lost > 0 {
                    text += &pick(lang, format!(" ({} events lost)", specimen.lost), format!("(丢失 {} 个事件)", specimen.lost));
                }
                let watched = specimen.reactor.ticks > 0;
                if watched { Found { text, value: Some(longest.as_millis()), passed: longest <= *over } } else { Found::nothing(lang) }
            }
            Self::Measure { of, at_least, at_most } => match of.value(world, since) {
                Some(value) => Found { text: of.show(value), value: Some(value), passed: lies_within(value, *at_least, *at_most) },
                None => Found::nothing(lang),
            },
            Self::Ratio { of, to, at_least, at_most } => match (of.value(world, since), to.value(world, since)) {
                (Some(above), Some(below)) if below > 0.0 => {
                    let value = above / below;
                    let text = format!("{} ({} / {})", ratio(value), of.show(above), to.show(below));
                    Found { text, value: Some(value), passed: lies_within(value, *at_least, *at_most) }
                }
                (Some(above), Some(below)) => {
                    Found { text: format!("{} / {}", of.show(above), to.show(below)), value: None, passed: false }
                }
                _ => Found::nothing(lang),
            },
            Self::Deaths { specimen: name, at_least, at_most } => match specimen(name) {
                Some(specimen) => {
                    let deaths = f64::from(specimen.died);
                    let passed = lies_within(deaths, at_least.map(f64::from), at_most.map(f64::from));
                    Found { text: count(deaths), value: Some(deaths), passed }
                }
                None => Found::nothing(lang),
            },
            Self::Alive { specimen: name } => specimen(name)
                .map_or_else(|| Found::nothing(lang), |specimen| find_life(specimen, lang, matches!(specimen.life, Life::Running { .. }))),
            Self::Dead { specimen: name } => specimen(name)
                .map_or_else(|| Found::nothing(lang), |specimen| find_life(specimen, lang, matches!(specimen.life, Life::Dead { .. }))),
        }
    }
}

/// What was found of one claim.
struct Found {
    text: String,
    value: Option<f64>,
    passed: bool,
}

impl Found {
    fn nothing(lang: Lang) -> Self {
        Self { text: pick(lang, "not measured".into(), "没有测到".into()), value: None, passed: false }
    }
}

fn pick(lang: Lang, en: String, zh: String) -> String {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

impl StallKind {
    fn of_world(self) -> Kind {
        match self {
            Self::Computing => Kind::Computing,
            Self::Parked => Kind::Parked,
        }
    }
}

fn kind_words(lang: Lang, kind: Kind) -> &'static str {
    match (lang, kind) {
        (Lang::En, Kind::Computing) => "computing",
        (Lang::En, Kind::Parked) => "parked",
        (Lang::En, Kind::Unknown) => "kind unknown",
        (Lang::Zh, Kind::Computing) => "占用 CPU",
        (Lang::Zh, Kind::Parked) => "睡在系统调用里",
        (Lang::Zh, Kind::Unknown) => "类型未知",
    }
}

fn find_stall(world: &World, specimen: &Specimen, fits: impl Fn(&Stall) -> bool, lang: Lang) -> Found {
    let stalls = || specimen.stalls.past.iter().chain(&specimen.stalls.current);
    let fitting = stalls().filter(|stall| fits(stall)).max_by_key(|stall| stall.length);
    if let Some(stall) = fitting.or_else(|| stalls().max_by_key(|stall| stall.length)) {
        let (length, kind, victims) = (stall.length, kind_words(lang, stall.kind), stall.victims);
        let mut text = pick(lang, format!("{length}, {kind}, {victims} waiting"), format!("{length},{kind},{victims} 个请求在等"));
        if let Some(fault) = stall.fault {
            text += &pick(lang, format!(", by {fault}"), format!(",由 {fault} 引起"));
        }
        return Found { text, value: Some(length.as_millis()), passed: fitting.is_some() };
    }
    let longest = longest_callback(world, specimen);
    let text = pick(lang, format!("no stall, longest callback {longest}"), format!("没有停顿,最长的回调 {longest}"));
    Found { text, value: None, passed: false }
}

fn find_life(specimen: &Specimen, lang: Lang, passed: bool) -> Found {
    let text = match specimen.life {
        Life::Starting => pick(lang, "starting".into(), "正在启动".into()),
        Life::Running { pid, .. } => pick(lang, format!("alive, pid {pid}"), format!("活着,pid {pid}")),
        Life::Dead { signal: 0, code, .. } => pick(lang, format!("dead, exit code {code}"), format!("已死,退出码 {code}")),
        Life::Dead { signal, .. } => pick(lang, format!("dead, signal {signal}"), format!("已死,信号 {signal}")),
    };
    Found { text, value: None, passed }
}

/// The longest callback so far, the one that runs now included.
fn longest_callback(world: &World, specimen: &Specimen) -> Nanos {
    let past = specimen.reactor.causes.iter().map(|tally| tally.max).max().unwrap_or_default();
    let running = specimen.reactor.running.map(|running| world.now - running.since).unwrap_or_default();
    let stuck = specimen.stalls.current.map(|stall| stall.length).unwrap_or_default();
    past.max(running).max(stuck).max(specimen.stalls.longest)
}

fn lies_within(value: f64, at_least: Option<f64>, at_most: Option<f64>) -> bool {
    at_least.is_none_or(|least| value >= least) && at_most.is_none_or(|most| value <= most)
}

/// `≥ 5`, `≤ 5`, `5`, or `2 to 5` as `2 … 5`.
fn bounds(at_least: Option<f64>, at_most: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match (at_least, at_most) {
        (Some(least), Some(most)) if least.total_cmp(&most).is_eq() => format!("= {}", show(least)),
        (Some(least), Some(most)) => format!("{} … {}", show(least), show(most)),
        (Some(least), None) => format!("≥ {}", show(least)),
        (None, Some(most)) => format!("≤ {}", show(most)),
        (None, None) => String::new(),
    }
}

fn ratio(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { count(value) }
}

fn share(value: f64) -> String {
    let percent = value * 100.0;
    let text = format!("{percent:.2}");
    format!("{} %", if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
}

impl Figure {
    /// Its name.
    pub fn words(&self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::P50 { .. } => ("p50", "p50 延迟"),
            Self::P99 { .. } => ("p99", "p99 延迟"),
            Self::P999 { .. } => ("p99.9", "p99.9 延迟"),
            Self::Max { .. } => ("longest latency", "最大延迟"),
            Self::Throughput { .. } => ("answers per second", "每秒响应数"),
            Self::Outcomes { outcome, .. } => match outcome {
                Outcome::Answered => ("answered requests", "得到响应的请求数"),
                Outcome::ErrorStatus => ("error responses", "错误响应数"),
                Outcome::Timeout => ("timeouts", "超时数"),
                Outcome::Reset => ("resets", "连接被重置数"),
                Outcome::Closed => ("cut off requests", "被掐断的请求数"),
                Outcome::Refused => ("refused connections", "连接被拒数"),
                Outcome::Garbled => ("garbled responses", "无法解析的响应数"),
            },
            Self::Answered { .. } => ("answered", "得到响应的比例"),
            Self::LongestCallback { .. } => ("longest callback", "最长的回调"),
            Self::Caught { .. } => ("caught panics", "捕获的 panic"),
            Self::AcceptQueue { .. } => ("longest accept queue", "最长的 accept 队列"),
            Self::Jobs { .. } => ("jobs of workers", "工作线程完成的任务数"),
            Self::Cpu { .. } => ("CPU of the loop", "循环的 CPU 占用"),
            Self::Lost => ("lost events", "丢失的事件"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// A value of it with its unit.
    pub fn show(&self, value: f64) -> String {
        match self {
            Self::P50 { .. } | Self::P99 { .. } | Self::P999 { .. } | Self::Max { .. } | Self::LongestCallback { .. } => {
                Nanos((value.clamp(0.0, 1e12) * 1e6).round() as u64).to_string()
            }
            Self::Answered { .. } | Self::Cpu { .. } => share(value),
            Self::Throughput { .. } => format!("{} /s", count(value)),
            Self::Outcomes { .. } | Self::Caught { .. } | Self::AcceptQueue { .. } | Self::Jobs { .. } | Self::Lost => count(value),
        }
    }

    /// What it is in this world; nothing where it has not been measured.
    pub fn value(&self, world: &World, since: Nanos) -> Option<f64> {
        let Some(name) = self.specimen() else { return Some(world.lost as f64) };
        let specimen = world.specimens.iter().find(|specimen| specimen.name == name)?;
        let clients = &specimen.clients;
        let quantile = |q: f64| (!clients.total.is_empty()).then(|| clients.total.value_at_quantile(q) as f64 / 1e6);
        let ended: u64 = clients.outcomes.iter().sum();
        let outcome = |outcome: Outcome| clients.outcomes[outcome as usize] as f64;
        match self {
            Self::P50 { .. } => quantile(0.5),
            Self::P99 { .. } => quantile(0.99),
            Self::P999 { .. } => quantile(0.999),
            Self::Max { .. } => (!clients.total.is_empty()).then(|| clients.total.max() as f64 / 1e6),
            Self::Throughput { .. } => {
                let seconds = world.now.since(since).as_secs();
                (seconds > 0.0).then(|| outcome(Outcome::Answered) / seconds)
            }
            Self::Outcomes { outcome: which, .. } => Some(outcome(*which)),
            Self::Answered { .. } => (ended > 0).then(|| outcome(Outcome::Answered) / ended as f64),
            Self::LongestCallback { .. } => (specimen.reactor.ticks > 0).then(|| longest_callback(world, specimen).as_millis()),
            Self::Caught { .. } => Some(f64::from(specimen.caught)),
            Self::AcceptQueue { .. } => {
                let stalls = specimen.stalls.past.iter().chain(&specimen.stalls.current).map(|stall| stall.accept_queue);
                let sampled = specimen.kernel.accept_queue.map(|(length, _)| length);
                sampled.map(|now| f64::from(stalls.max().unwrap_or(0).max(now)))
            }
            Self::Jobs { .. } => Some(specimen.workers.iter().map(|worker| worker.done).sum::<u64>() as f64),
            Self::Cpu { .. } => {
                let Life::Running { since: began, .. } = specimen.life else { return None };
                let seconds = specimen.kernel.sampled?.since(began).as_secs();
                (seconds > 0.0).then_some(specimen.kernel.on_cpu?.as_secs() / seconds)
            }
            Self::Lost => None,
        }
    }
}
