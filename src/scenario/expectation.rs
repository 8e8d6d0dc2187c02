//! Holding a world against what a scenario claims. What was not measured is not zero: such a claim fails and says so.
//!
//! It reads no clock: the same world is judged the same, live or replayed.

use crate::base::lang::Lang;
use crate::base::units::{Nanos, bytes, count};
use crate::specimen::source::{Listing, style};
use crate::telemetry::vocabulary::{CloseReason, Outcome};
use crate::world::stalls::{Stall, StallKind as Kind};
use crate::world::{Errands, Life, Specimen, World};

use super::experiment::Evidence;
use super::schema::{Expectation, Figure, StallKind};
use super::stretch::Stretch;

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
    /// Holds the world against the claim.
    pub fn judge<'e>(&self, evidence: impl Into<Evidence<'e>>, lang: Lang) -> Verdict {
        let found = self.find(evidence.into(), None, lang);
        Verdict { claim: self.claim(lang), measured: found.text, value: found.value, passed: found.passed }
    }

    /// Holds the last stretch of time against the claim: figures and stalls count from its beginning on.
    pub fn judge_over<'e>(&self, stretch: &Stretch, evidence: impl Into<Evidence<'e>>, lang: Lang) -> Verdict {
        let found = self.find(evidence.into(), Some(stretch), lang);
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
                    None => format!("{} {bounds}", of.told(lang)),
                }
            }
            Self::Ratio { of, to, at_least, at_most } => {
                let bounds = bounds(*at_least, *at_most, ratio);
                let of_whom = |figure: &Figure| match figure.specimen() {
                    Some(name) => {
                        let words = figure.words(lang);
                        let space = if words.is_ascii() || words.starts_with(|c: char| c.is_ascii()) { " " } else { "" };
                        say(format!("{words} of {name}"), format!("{name} 的{space}{words}"))
                    }
                    None => figure.told(lang),
                };
                format!("{} / {} {bounds}", of_whom(of), of_whom(to))
            }
            Self::Deaths { specimen, at_least, at_most } => {
                let bounds = bounds(at_least.map(f64::from), at_most.map(f64::from), count);
                say(format!("{specimen}: deaths {bounds}"), format!("{specimen}:进程死亡 {bounds} 次"))
            }
            Self::Alive { specimen } => say(format!("{specimen}: alive"), format!("{specimen}:活着")),
            Self::Dead { specimen } => say(format!("{specimen}: dead"), format!("{specimen}:已死")),
            Self::Selectors(habit) => habit.words(lang).to_owned(),
        }
    }

    fn find(&self, evidence: Evidence<'_>, stretch: Option<&Stretch>, lang: Lang) -> Found {
        let world = evidence.world;
        let value = |figure: &Figure| stretch.map_or_else(|| figure.value(evidence), |stretch| stretch.value(figure, evidence));
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
                let of = |own| stretch.map_or_else(|| longest(world, own), |stretch| longest_since(stretch, world, own));
                let Some(Longest { length, own }) = loops_of(specimen).map(of).max_by_key(|longest| longest.own) else {
                    return Found::nothing(lang);
                };
                let mut text = pick(lang, format!("longest {length}"), format!("最长 {length}"));
                if own < length {
                    text += &pick(lang, format!(", {own} of it its own (busy machine)"), format!(",其中自身 {own}(机器繁忙)"));
                }
                if specimen.lost > 0 {
                    text += &pick(lang, format!(" ({} events lost)", specimen.lost), format!("(丢失 {} 个事件)", specimen.lost));
                }
                Found { text, value: Some(own.as_millis()), passed: own <= *over }
            }
            Self::Measure { of, at_least, at_most } => match value(of) {
                Some(value) => Found { text: of.show(value), value: Some(value), passed: lies_within(value, *at_least, *at_most) },
                None => Found::nothing(lang),
            },
            Self::Ratio { of, to, at_least, at_most } => match (value(of), value(to)) {
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
                    let deaths = f64::from(specimen.all_deaths());
                    let passed = lies_within(deaths, at_least.map(f64::from), at_most.map(f64::from));
                    Found { text: count(deaths), value: Some(deaths), passed }
                }
                None => Found::nothing(lang),
            },
            Self::Alive { specimen: name } => specimen(name)
                .map_or_else(|| Found::nothing(lang), |specimen| find_life(specimen, lang, matches!(specimen.life, Life::Running { .. }))),
            Self::Dead { specimen: name } => specimen(name)
                .map_or_else(|| Found::nothing(lang), |specimen| find_life(specimen, lang, matches!(specimen.life, Life::Dead { .. }))),
            Self::Selectors(habit) => match evidence.selectors.and_then(|found| habit.find(found, lang)) {
                Some((text, passed)) => Found { text, value: None, passed },
                None => Found::nothing(lang),
            },
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
    let stalls = || specimen.loops().flat_map(|process| process.stalls.past.iter().chain(&process.stalls.current));
    let fitting = stalls().filter(|stall| fits(stall)).max_by_key(|stall| stall.length);
    if let Some(stall) = fitting.or_else(|| stalls().max_by_key(|stall| stall.length)) {
        let (length, kind, victims) = (stall.length, kind_words(lang, stall.kind), stall.victims);
        let mut text = pick(lang, format!("{length}, {kind}, {victims} waiting"), format!("{length},{kind},{victims} 个请求在等"));
        if let Some(fault) = stall.fault {
            text += &pick(lang, format!(", by {fault}"), format!(",由 {fault} 引起"));
        }
        return Found { text, value: Some(length.as_millis()), passed: fitting.is_some() };
    }
    let Some(longest) = longest_callback(specimen, world.now) else { return Found::nothing(lang) };
    let text = pick(lang, format!("no stall, longest callback {longest}"), format!("没有停顿,最长的回调 {longest}"));
    Found { text, value: None, passed: false }
}

/// The callback that held the loop longest by its own doing.
struct Longest {
    /// How long it held the loop.
    length: Nanos,
    /// The same without the time that its thread could have run and the kernel ran others: that is the machine's doing.
    own: Nanos,
}

fn longest(world: &World, specimen: &Specimen) -> Longest {
    let raw = specimen.reactor.longest_callback(world.now).max(specimen.stalls.longest);
    let remembered = || specimen.stalls.past.iter().chain(&specimen.stalls.current);
    // What is shorter than a stall needs no excuse, and what has been forgotten gets none.
    let forgotten = specimen.stalls.count > remembered().count() as u64;
    let whole = Longest { length: raw, own: raw };
    if raw < world.stall_threshold || (forgotten && remembered().all(|stall| stall.length < raw)) {
        return whole;
    }
    remembered().map(|stall| Longest { length: stall.length, own: own(stall) }).max_by_key(|longest| longest.own).unwrap_or(whole)
}

/// The same among what has gone on since the beginning of a stretch.
fn longest_since(stretch: &Stretch, world: &World, specimen: &Specimen) -> Longest {
    let since = stretch.since(world.now);
    let stalls = specimen.stalls.past.iter().chain(&specimen.stalls.current).filter(|stall| stall.until() > since);
    let calm = Nanos(stretch.longest_callback(specimen).0.min(world.stall_threshold.0));
    let longest = stalls.map(|stall| Longest { length: stall.length, own: own(stall) }).max_by_key(|longest| longest.own);
    longest.unwrap_or(Longest { length: calm, own: calm })
}

/// How long a stall held the loop by its own doing.
fn own(stall: &Stall) -> Nanos {
    match stall.kind {
        Kind::Computing if stall.on_cpu > Nanos::ZERO => stall.on_cpu.min(stall.length),
        _ => stall.length,
    }
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

/// A count of upstream calls and what came of them, over all its loops.
fn errands(specimen: &Specimen, count: impl Fn(&Errands) -> u64) -> f64 {
    specimen.loops().map(|process| count(&process.errands)).sum::<u64>() as f64
}

/// How far the jobs that repeat are behind: that which counts from its last run, or from the first moment.
fn beats(specimen: &Specimen, job: usize) -> Option<f64> {
    specimen.loops().filter_map(|process| process.beats).map(|beats| beats[job].0.as_millis()).reduce(f64::max)
}

/// What the source comes to of the style in which it runs `/chain`.
fn source(specimen: &Specimen, of: fn(&Listing) -> usize) -> Option<f64> {
    specimen.has_loop().then(|| of(&style(specimen.style())) as f64)
}

/// Its loops that have run. Where requests are served by threads there is none: the thread that accepts holds nobody up.
fn loops_of(specimen: &Specimen) -> impl Iterator<Item = &Specimen> {
    specimen.loops().filter(|process| process.has_loop() && process.reactor.ticks > 0)
}

/// The longest callback of any of its loops; `None` where it has none, or none has run yet.
fn longest_callback(specimen: &Specimen, now: Nanos) -> Option<Nanos> {
    loops_of(specimen).map(|process| process.reactor.longest_callback(now)).max()
}

fn lies_within(value: f64, at_least: Option<f64>, at_most: Option<f64>) -> bool {
    at_least.is_none_or(|least| value >= least) && at_most.is_none_or(|most| value <= most)
}

/// `≥ 5`, `≤ 5`, `5`, or `2 to 5` as `2 … 5`.
fn bounds(at_least: Option<f64>, at_most: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match (at_least, at_most) {
        (Some(least), Some(most)) if least.total_cmp(&most).is_eq() => format!("= {}", show(least)),
        // Nothing that is measured here is below zero.
        (None, Some(0.0)) => format!("= {}", show(0.0)),
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
            Self::Unread { .. } => ("most unread bytes", "最多的未读字节"),
            Self::TimerLate { .. } => ("latest timer, late by", "定时器最大延误"),
            Self::TimerLateP99 { .. } => ("p99 of timers, late by", "定时器延误的 p99"),
            Self::CallsPerRequest { .. } => ("system calls per request", "每个请求的系统调用数"),
            Self::Jobs { .. } => ("jobs of workers", "工作线程完成的任务数"),
            Self::OldestJob { .. } => ("oldest job under way", "未完成的最老任务"),
            Self::Descriptors { .. } => ("most open descriptors", "打开描述符的最大数"),
            Self::AcceptFailures { .. } => ("failed accepts", "accept 失败次数"),
            Self::Closed { reason, .. } => match reason {
                CloseReason::Finished => ("connections closed at their end", "正常结束而关闭的连接数"),
                CloseReason::PeerClosed => ("connections closed after their peers", "随对端关闭的连接数"),
                CloseReason::Reset => ("connections reset by their peers", "被对端重置的连接数"),
                CloseReason::BadRequest => ("connections closed for a bad request", "因坏请求关闭的连接数"),
                CloseReason::Timeout => ("connections closed for taking too long", "因超时关闭的连接数"),
                CloseReason::Failed => ("connections that failed", "出错关闭的连接数"),
                CloseReason::Panicked => ("connections closed after a panic", "panic 后关闭的连接数"),
            },
            Self::LiveObjects { .. } => ("live sessions", "内存中的会话数"),
            Self::Memory { .. } => ("most memory", "内存占用的最大值"),
            Self::Cpu { .. } => ("CPU of the loop", "循环的 CPU 占用"),
            Self::OwnMemory { .. } => ("own memory", "自有内存"),
            Self::MemoryPerConnection { .. } => ("memory per connection", "每个连接的内存"),
            Self::Connections { .. } => ("open connections", "打开的连接数"),
            Self::Threads { .. } => ("threads", "线程数"),
            Self::Switches { .. } => ("context switches", "上下文切换"),
            Self::LostUpdates { .. } => ("lost updates", "丢失的更新"),
            Self::CpuTotal { .. } => ("CPU of all threads", "全部线程的 CPU 占用"),
            Self::Calls { .. } => ("upstream calls", "上游调用数"),
            Self::Unhandled { .. } => ("unhandled rejections", "未处理的 rejection 数"),
            Self::Noticed { .. } => ("unhandled rejections noticed", "被察觉的未处理 rejection 数"),
            Self::Abandoned { .. } => ("requests nobody will answer", "再也无人响应的请求数"),
            Self::Allocations { .. } => ("allocations per request to /chain", "每个 /chain 请求的分配次数"),
            Self::Nesting { .. } => ("nesting of the code of /chain", "/chain 代码的嵌套层数"),
            Self::ErrorBranches { .. } => ("error branches of the code of /chain", "/chain 代码的错误分支数"),
            Self::SourceLines { .. } => ("lines of the code of /chain", "/chain 的代码行数"),
            Self::Missing { .. } => ("missing from the shared accounts", "共享账户缺少的数目"),
            Self::JobTime { .. } => ("longest job", "最长的工作"),
            Self::JobTurns { .. } => ("turns of the longest job", "最长的工作占用循环的次数"),
            Self::HandOver { .. } => ("hand-over of the longest job", "最长的工作的交接时间"),
            Self::Capacity { .. } => ("served per second at most", "每秒最多服务"),
            Self::Drift { .. } => ("drift of the job counted from its last run", "从上次运行起算的工作的漂移"),
            Self::DriftFixed { .. } => ("drift of the job counted from the first moment", "从最初时刻起算的工作的漂移"),
            Self::LongestStall { .. } => ("longest stall", "最长的停顿"),
            Self::Victims { .. } => ("requests that one stall kept waiting", "一次停顿里等待的请求数"),
            Self::Lag { .. } => ("loop lag", "循环的延迟"),
            Self::Call(_) => ("time of a call", "单次调用耗时"),
            Self::Copied(_) => ("bytes copied by a call", "单次调用拷贝的字节"),
            Self::Lost => ("lost events", "丢失的事件"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// What it is called where it is no specimen's.
    fn told(&self, lang: Lang) -> String {
        match self {
            Self::Call(call) => call.words(lang),
            Self::Copied(call) => pick(lang, format!("bytes copied: {}", call.words(lang)), format!("拷贝的字节:{}", call.words(lang))),
            _ => self.words(lang).to_owned(),
        }
    }

    /// A value of it with its unit.
    pub fn show(&self, value: f64) -> String {
        match self {
            Self::P50 { .. }
            | Self::P99 { .. }
            | Self::P999 { .. }
            | Self::Max { .. }
            | Self::TimerLate { .. }
            | Self::TimerLateP99 { .. }
            | Self::LongestCallback { .. }
            | Self::LongestStall { .. }
            | Self::Lag { .. }
            | Self::JobTime { .. }
            | Self::HandOver { .. }
            | Self::Drift { .. }
            | Self::DriftFixed { .. }
            | Self::Call(_)
            | Self::OldestJob { .. } => Nanos((value.clamp(0.0, 1e12) * 1e6).round() as u64).to_string(),
            Self::Copied(_) => bytes(value as u64),
            Self::CallsPerRequest { .. } => format!("{value:.2}"),
            Self::Allocations { .. } => format!("{value:.0}"),
            Self::Answered { .. } | Self::Cpu { .. } | Self::CpuTotal { .. } => share(value),
            Self::Throughput { .. } | Self::Switches { .. } | Self::Capacity { .. } => format!("{} /s", count(value)),
            Self::Memory { .. } | Self::OwnMemory { .. } => format!("{value:.1} MiB"),
            Self::MemoryPerConnection { .. } if value < 1.0 => format!("{:.0} B", value * 1024.0),
            Self::MemoryPerConnection { .. } => format!("{value:.1} KiB"),
            Self::Outcomes { .. }
            | Self::Caught { .. }
            | Self::AcceptQueue { .. }
            | Self::Unread { .. }
            | Self::Jobs { .. }
            | Self::LiveObjects { .. }
            | Self::Descriptors { .. }
            | Self::AcceptFailures { .. }
            | Self::Closed { .. }
            | Self::Connections { .. }
            | Self::Threads { .. }
            | Self::LostUpdates { .. }
            | Self::Calls { .. }
            | Self::Unhandled { .. }
            | Self::Noticed { .. }
            | Self::Abandoned { .. }
            | Self::Victims { .. }
            | Self::Nesting { .. }
            | Self::ErrorBranches { .. }
            | Self::SourceLines { .. }
            | Self::Missing { .. }
            | Self::JobTurns { .. }
            | Self::Lost => count(value),
        }
    }

    /// What it is in this world, or of the selectors; nothing where it has not been measured.
    pub fn value<'e>(&self, evidence: impl Into<Evidence<'e>>) -> Option<f64> {
        let Evidence { world, selectors } = evidence.into();
        if self.is_of_selectors() {
            return selectors.and_then(|found| found.value(self));
        }
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
            Self::Throughput { .. } => clients.since.map(|_| clients.throughput(world.now)),
            Self::Outcomes { outcome: which, .. } => Some(outcome(*which)),
            Self::Answered { .. } => (ended > 0).then(|| outcome(Outcome::Answered) / ended as f64),
            Self::LongestCallback { .. } => longest_callback(specimen, world.now).map(Nanos::as_millis),
            Self::Caught { .. } => Some(f64::from(specimen.panics_caught())),
            Self::AcceptQueue { .. } => specimen.kernel.accept_queue.map(|_| f64::from(specimen.kernel.accept_queue_max)),
            Self::Unread { .. } => specimen.kernel.unread.map(|_| specimen.kernel.unread_max as f64),
            Self::TimerLate { .. } => (specimen.reactor.timers.count > 0).then(|| specimen.reactor.timers.max.as_millis()),
            Self::TimerLateP99 { .. } => {
                let timers = &specimen.reactor.timers;
                (timers.count > 0).then(|| timers.histogram.value_at_quantile(0.99) as f64 / 1e6)
            }
            Self::CallsPerRequest { .. } => specimen.reactor.calls_per_request(),
            Self::Jobs { .. } => Some(specimen.jobs_done() as f64),
            Self::OldestJob { .. } => specimen.oldest_job(world.now).map(Nanos::as_millis),
            Self::Descriptors { .. } => {
                let sampled = specimen.loops().filter(|process| process.kernel.descriptors.is_some());
                sampled.map(|process| f64::from(process.kernel.descriptors_max)).reduce(|sum, open| sum + open)
            }
            Self::AcceptFailures { .. } => Some(specimen.loops().map(|process| process.connections.accept_failed.0).sum::<u64>() as f64),
            Self::Closed { reason, .. } => {
                Some(specimen.loops().map(|process| process.connections.closed_for[*reason as usize]).sum::<u64>() as f64)
            }
            Self::Cpu { .. } => specimen.loops().filter_map(|process| process.kernel.cpu_share()).reduce(f64::max),
            Self::OwnMemory { .. } => specimen.memory().map(|kib| f64::from(kib) / 1024.0),
            Self::MemoryPerConnection { .. } => specimen.memory_per_connection(),
            Self::Connections { .. } => Some(f64::from(specimen.open_connections())),
            Self::Threads { .. } => specimen.thread_count().map(f64::from),
            Self::Switches { .. } => specimen.switch_rate(),
            Self::LostUpdates { .. } => specimen.lost_updates().map(f64::from),
            Self::CpuTotal { .. } => specimen.cores_used(),
            Self::LiveObjects { .. } => {
                specimen.loops().filter_map(|process| process.live).map(|(objects, _)| f64::from(objects)).reduce(|sum, n| sum + n)
            }
            Self::Memory { .. } => {
                let sampled = specimen.loops().filter(|process| process.kernel.memory.is_some());
                sampled.map(|process| f64::from(process.kernel.resident_max) / 1024.0).reduce(|sum, mib| sum + mib)
            }
            Self::Calls { .. } => Some(errands(specimen, |errands| errands.calls)),
            Self::Unhandled { .. } => Some(errands(specimen, |errands| errands.unhandled)),
            Self::Noticed { .. } => Some(errands(specimen, |errands| errands.noticed)),
            Self::Abandoned { .. } => Some(errands(specimen, |errands| errands.abandoned)),
            Self::LongestStall { .. } => loops_of(specimen).map(|process| process.stalls.longest.as_millis()).reduce(f64::max),
            Self::Victims { .. } => {
                let most = |process: &Specimen| {
                    let stalls = process.stalls.past.iter().chain(&process.stalls.current);
                    f64::from(stalls.map(|stall| stall.victims).max().unwrap_or(0))
                };
                loops_of(specimen).map(most).reduce(f64::max)
            }
            Self::Allocations { .. } => specimen.allocations_per_chain(),
            Self::Nesting { .. } => source(specimen, Listing::depth),
            Self::ErrorBranches { .. } => source(specimen, Listing::failure_branches),
            Self::SourceLines { .. } => source(specimen, Listing::lines),
            Self::Missing { .. } => specimen.missing().map(f64::from),
            Self::JobTime { .. } => specimen.longest_job().map(|job| job.took.as_millis()),
            Self::JobTurns { .. } => specimen.longest_job().map(|job| f64::from(job.turns)),
            Self::HandOver { .. } => specimen.longest_job().and_then(|job| job.hand_over).map(Nanos::as_millis),
            Self::Capacity { .. } => specimen.clients.curve.capacity(),
            Self::Drift { .. } => beats(specimen, 0),
            Self::DriftFixed { .. } => beats(specimen, 1),
            Self::Lag { .. } => loops_of(specimen).map(|process| process.reactor.lag.as_millis()).reduce(f64::max),
            Self::Call(_) | Self::Copied(_) | Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::vocabulary::Fault;
    use crate::world::testing::Story;

    fn expectation(text: &str) -> Expectation {
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME).from_str(text).unwrap()
    }

    /// Whether the claim holds, and what is said of it.
    fn judge(world: &World, text: &str) -> (bool, String) {
        let verdict = expectation(text).judge(world, Lang::En);
        (verdict.passed, format!("{} | {}", verdict.claim, verdict.measured))
    }

    fn stalled() -> World {
        Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).stall(Nanos::millis(800)).calm(Nanos::secs(2)).world()
    }

    #[test]
    fn claims_that_are_true_hold_and_their_opposites_fail() {
        let world = stalled();
        for (text, holds) in [
            ("Stall(specimen: \"naive\", at_least: \"700ms\")", true),
            ("Stall(specimen: \"naive\", at_least: \"700ms\", kind: Computing, fault: Compute, victims: 30)", true),
            ("Stall(specimen: \"naive\", at_least: \"700ms\", kind: Parked)", false),
            ("Stall(specimen: \"naive\", at_least: \"700ms\", fault: Panic)", false),
            ("Stall(specimen: \"naive\", at_least: \"900ms\")", false),
            ("Stall(specimen: \"naive\", at_least: \"100ms\", at_most: \"700ms\")", false),
            ("Stall(specimen: \"pool\", at_least: \"50ms\")", false),
            ("NoStall(specimen: \"pool\", over: \"100ms\")", true),
            ("NoStall(specimen: \"naive\", over: \"100ms\")", false),
            ("Measure(of: Max(specimen: \"naive\"), at_least: 600)", true),
            ("Measure(of: Max(specimen: \"pool\"), at_least: 600)", true),
            ("Measure(of: P99(specimen: \"pool\"), at_most: 100)", true),
            ("Measure(of: P50(specimen: \"naive\"), at_most: 0)", false),
            ("Ratio(of: P99(specimen: \"naive\"), to: P99(specimen: \"pool\"), at_least: 4)", true),
            ("Ratio(of: P99(specimen: \"pool\"), to: P99(specimen: \"naive\"), at_least: 1)", false),
            ("Measure(of: Answered(specimen: \"naive\"), at_least: 0.999)", true),
            ("Measure(of: Throughput(specimen: \"pool\"), at_least: 1500, at_most: 2500)", true),
            ("Measure(of: LongestCallback(specimen: \"naive\"), at_least: 790, at_most: 900)", true),
            ("Measure(of: Jobs(specimen: \"pool\"), at_least: 1)", true),
            ("Measure(of: Jobs(specimen: \"naive\"), at_least: 1)", false),
            ("Measure(of: OldestJob(specimen: \"pool\"), at_most: 0)", true),
            ("Measure(of: OldestJob(specimen: \"naive\"), at_most: 0)", false),
            ("Measure(of: Cpu(specimen: \"naive\"), at_least: 0.1, at_most: 0.9)", true),
            ("Measure(of: Lost, at_most: 0)", true),
            ("Deaths(specimen: \"naive\", at_most: 0)", true),
            ("Alive(specimen: \"naive\")", true),
            ("Dead(specimen: \"naive\")", false),
            ("Alive(specimen: \"nobody\")", false),
        ] {
            let (passed, said) = judge(&world, text);
            assert_eq!(passed, holds, "{text}: {said}");
        }
    }

    #[test]
    fn the_death_of_a_process_can_be_claimed() {
        let world = Story::new(&["naive", "caught", "supervised"]).calm(Nanos::secs(1)).panic().calm(Nanos::secs(2)).world();
        for text in [
            "Deaths(specimen: \"naive\", at_least: 1, at_most: 1)",
            "Dead(specimen: \"naive\")",
            "Alive(specimen: \"caught\")",
            "Measure(of: Caught(specimen: \"caught\"), at_least: 1, at_most: 1)",
            "Measure(of: Outcomes(specimen: \"caught\", outcome: ErrorStatus), at_least: 1)",
            "Deaths(specimen: \"supervised\", at_least: 1)",
            "Alive(specimen: \"supervised\")",
        ] {
            let (passed, said) = judge(&world, text);
            assert!(passed, "{text}: {said}");
        }
    }

    #[test]
    fn a_stall_that_goes_on_counts() {
        let world = Story::new(&["naive"]).calm(Nanos::secs(1)).hang(Nanos::secs(2)).world();
        assert!(judge(&world, "Stall(specimen: \"naive\", at_least: \"1s\", fault: EndlessLoop)").0);
        assert!(!judge(&world, "NoStall(specimen: \"naive\", over: \"1s\")").0);
    }

    #[test]
    fn a_callback_is_not_blamed_for_a_busy_machine() {
        let mut world = stalled();
        let stall = &mut world.specimens[0].stalls.past[0];
        stall.on_cpu = Nanos::millis(30);
        let (passed, said) = judge(&world, "NoStall(specimen: \"naive\", over: \"100ms\")");
        assert!(passed && said.ends_with(", 30.0 ms of it its own (busy machine)"), "{said}");
        world.specimens[0].stalls.past[0].kind = Kind::Parked;
        assert!(!judge(&world, "NoStall(specimen: \"naive\", over: \"100ms\")").0, "whoever sleeps holds the loop");
    }

    #[test]
    fn what_was_not_measured_is_not_zero() {
        let world = World::new(&Story::new(&["naive"]).setup());
        for figure in ["P99", "Answered", "Throughput", "LongestCallback", "Cpu", "AcceptQueue"] {
            let (passed, said) = judge(&world, &format!("Measure(of: {figure}(specimen: \"naive\"), at_most: 1000)"));
            assert!(!passed && said.ends_with("not measured"), "{figure}: {said}");
        }
        assert!(!judge(&world, "NoStall(specimen: \"naive\", over: \"1s\")").0);
        let nobody = "Ratio(of: P99(specimen: \"naive\"), to: P99(specimen: \"nobody\"), at_most: 1)";
        assert!(!judge(&world, nobody).0);
    }

    #[test]
    fn lost_events_are_mentioned_where_they_could_hide_something() {
        let world = Story::new(&["pool"]).calm(Nanos::secs(1)).lose(7).world();
        assert!(judge(&world, "NoStall(specimen: \"pool\", over: \"1s\")").1.ends_with("(7 events lost)"));
        assert!(!judge(&world, "Measure(of: Lost, at_most: 0)").0);
    }

    #[test]
    fn verdicts_are_short_sentences_with_units() {
        let world = stalled();
        let (_, said) = judge(&world, "Stall(specimen: \"naive\", at_least: \"700ms\", kind: Computing, fault: Compute, victims: 30)");
        assert!(said.starts_with("naive: a stall of ≥ 700 ms, computing, by compute, ≥ 30 waiting | 8"), "{said}");
        assert!(said.contains(" ms, computing, ") && said.ends_with(" waiting, by compute"), "{said}");
        let (_, said) = judge(&world, "Measure(of: Answered(specimen: \"naive\"), at_least: 0.999)");
        assert_eq!(said, "naive: answered ≥ 99.9 % | 100 %");
        let (_, said) = judge(&world, "Ratio(of: P99(specimen: \"naive\"), to: P99(specimen: \"pool\"), at_least: 4)");
        assert!(said.starts_with("p99 of naive / p99 of pool ≥ 4.00 | "), "{said}");
        let zh = expectation("Stall(specimen: \"naive\", at_least: \"700ms\", fault: Compute)").judge(&world, Lang::Zh);
        assert_eq!(zh.claim, format!("naive:出现 ≥ 700 ms 的停顿,由 {} 引起", Fault::Compute));
    }
}
