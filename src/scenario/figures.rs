//! The table of figures: what can be measured of a run, what it is called in a text (`{p99:naive}`) and in a claim (`P99(specimen: "naive")`).
//!
//! A text that names a figure is filled in from the world. Braces stand for nothing else in a text; `{{` and `}}` are braces.

use std::fmt::Write;

use super::experiment::Call;
use super::mistake::{nearest, valid_words};
use super::schema::{Figure, Text};
use crate::base::lang::Lang;
use crate::command::table::Words;
use crate::telemetry::vocabulary::{CloseReason, Outcome};

/// One figure.
#[derive(Debug)]
pub struct Row {
    /// What it is called in a text.
    pub id: &'static str,
    /// What it is, with its unit in a claim.
    pub about: Words,
    /// What can stand behind its specimen, as in `{outcomes:naive:timeout}`.
    pub kinds: fn() -> Vec<&'static str>,
    make: fn(String, usize) -> Figure,
}

const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en, zh }
}

fn none() -> Vec<&'static str> {
    Vec::new()
}

macro_rules! rows {
    ($($id:literal $variant:ident $en:literal $zh:literal;)+) => {
        &[$(Row { id: $id, about: words($en, $zh), kinds: none, make: |specimen, _| Figure::$variant { specimen } }),+]
    };
}

/// Figures that need no more than a specimen.
static PLAIN: &[Row] = rows![
    "p50" P50 "median latency, from the intended send; ms" "延迟中位数,从计划发送的时刻算起;ms";
    "p99" P99 "99th percentile of latency; ms" "延迟的 99 分位;ms";
    "p999" P999 "99.9th percentile of latency; ms" "延迟的 99.9 分位;ms";
    "max" Max "longest latency; ms" "最大延迟;ms";
    "throughput" Throughput "answers a second" "每秒响应数";
    "answered" Answered "share of requests answered below 400; 0 to 1" "得到 400 以下响应的请求比例;0 到 1";
    "longest" LongestCallback "longest callback; ms" "最长的回调;ms";
    "stall" LongestStall "longest stall, 0 without one; ms" "最长的停顿,没有则为 0;ms";
    "victims" Victims "the most requests that one stall kept waiting" "一次停顿最多让多少请求等待";
    "lag" Lag "loop lag over the last second; ms" "最近一秒的循环延迟(loop lag);ms";
    "timer-late" TimerLate "the most that a timer was late; ms" "定时器最大延误;ms";
    "timer-late-p99" TimerLateP99 "99th percentile of how late timers were; ms" "定时器延误的 99 分位;ms";
    "calls-per-request" CallsPerRequest "system calls for each request, epoll_wait included" "每个请求的系统调用数,含 epoll_wait";
    "cpu" Cpu "share of the time that the loop thread was on a CPU; 0 to 1" "循环线程占用 CPU 的时间比例;0 到 1";
    "memory" Memory "the most resident memory sampled; MiB" "常驻内存采样的最大值;MiB";
    "live-objects" LiveObjects "sessions in memory, reachable or not" "内存中的会话数,不论是否可达";
    "descriptors" Descriptors "the most open descriptors sampled" "打开描述符采样的最大数";
    "accept-queue" AcceptQueue "the longest accept queue sampled" "accept 队列采样的最大长度";
    "accept-failures" AcceptFailures "how often accept failed" "accept 失败次数";
    "unread" Unread "the most bytes that lay unread in the kernel" "内核中未读字节的最大值";
    "caught" Caught "panics that were caught" "捕获的 panic 数";
    "jobs" Jobs "jobs done by worker threads" "工作线程完成的任务数";
    "oldest-job" OldestJob "how long the oldest job under way has run; ms" "未完成的最老任务已运行多久;ms";
    "calls" Calls "upstream calls begun" "发起的上游调用数";
    "unhandled" Unhandled "rejections that nobody handled" "无人处理的 rejection 数";
    "noticed" Noticed "of these, those that a hook noticed" "其中被钩子察觉的";
    "own-memory" OwnMemory "memory of its own, over all its processes, without text and telemetry; MiB" "自身的内存,合计所有进程,不含代码和遥测;MiB";
    "memory-per-connection" MemoryPerConnection "what each connection costs of it; KiB" "每个连接占多少内存;KiB";
    "connections" Connections "connections that it holds open" "打开的连接数";
    "threads" Threads "threads, over all its processes" "线程数,合计所有进程";
    "switches" Switches "context switches a second, of all its threads" "每秒上下文切换数,合计所有线程";
    "cpu-total" CpuTotal "CPU time of all its threads, as a share of one core" "所有线程的 CPU 时间,以一个核为 1";
    "lost-updates" LostUpdates "increments of the counter shared by /count that were lost" "/count 共享计数器丢失的更新数";
    "allocations" Allocations "allocations of a request to /chain, on average" "一个 /chain 请求平均的内存分配次数";
    "nesting" Nesting "how deep the deepest block of the code of /chain lies" "/chain 的代码最深嵌套几层";
    "error-branches" ErrorBranches "branches that answer a failure in the code of /chain" "/chain 的代码里响应失败的分支数";
    "source-lines" SourceLines "lines of the code of /chain" "/chain 的代码行数";
    "missing" Missing "what is missing from the accounts of /transfer after a caught panic" "panic 被捕获之后 /transfer 的账户少了多少";
    "job" JobTime "the longest piece of work, from its request to its answer; ms" "最长的一项工作,从请求到响应;ms";
    "job-turns" JobTurns "turns of the loop that this work needed" "这项工作占用循环的次数";
    "hand-over" HandOver "what this work waited between the threads, there and back; ms" "这项工作在线程之间往返等待的时间;ms";
    "capacity" Capacity "answers below 400 a second while more was offered than served" "请求多于所能服务时,每秒 400 以下的响应数";
    "drift" Drift "how far a job is behind that counts each run from the last one (/beats); ms" "从上次运行起算的周期性工作(/beats)落后多少;ms";
    "drift-fixed" DriftFixed "how far a job is behind that counts each run from the first moment (/beats); ms" "从最初时刻起算的周期性工作(/beats)落后多少;ms";
    "abandoned" Abandoned "requests that nobody is left to answer" "再也无人响应的请求数";
];

/// Figures that say of which kind.
static KINDS: &[Row] = &[
    Row {
        id: "outcomes",
        about: words("requests that ended in this way", "以这种方式结束的请求数"),
        kinds: || Outcome::ALL.iter().map(|outcome| outcome.name()).collect(),
        make: |specimen, n| Figure::Outcomes { specimen, outcome: Outcome::ALL[n] },
    },
    Row {
        id: "closed",
        about: words("connections that the server closed for this reason", "服务器因这个原因关闭的连接数"),
        kinds: || CloseReason::ALL.iter().map(|reason| reason.name()).collect(),
        make: |specimen, n| Figure::Closed { specimen, reason: CloseReason::ALL[n] },
    },
];

/// Every figure of a specimen.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    PLAIN.iter().chain(KINDS)
}

impl Row {
    /// What it is called in a claim.
    pub fn variant(&self) -> String {
        let figure = format!("{:?}", (self.make)(String::new(), 0));
        figure.split([' ', '{']).next().unwrap_or_default().to_owned()
    }
}

/// The figure that a text names between its braces.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn parse(name: &str, specimens: &[String]) -> Result<Figure, String> {
    let mut parts = name.split(':');
    let id = parts.next().unwrap_or_default();
    if let "call" | "copied" = id {
        let call = Call::parse(&parts.collect::<Vec<_>>())?;
        return Ok(if id == "call" { Figure::Call(call) } else { Figure::Copied(call) });
    }
    let (specimen, kind) = (parts.next(), parts.next());
    let Some(row) = rows().find(|row| row.id == id) else {
        let ids: Vec<&str> = rows().map(|row| row.id).collect();
        return Err(format!("no figure is called {id:?}{}", valid_words(id, &ids)));
    };
    let known: Vec<&str> = specimens.iter().map(String::as_str).collect();
    let Some(specimen) = specimen.filter(|specimen| known.contains(specimen)) else {
        let wrong = specimen.unwrap_or_default();
        return Err(format!("{{{id}:{wrong}}} names no specimen{}", valid_words(wrong, &known)));
    };
    let kinds = (row.kinds)();
    match (kind.and_then(|kind| kinds.iter().position(|known| *known == kind)), kinds.is_empty(), kind) {
        (Some(n), ..) => Ok((row.make)(specimen.into(), n)),
        (None, true, None) => Ok((row.make)(specimen.into(), 0)),
        (None, true, Some(kind)) => Err(format!("{{{id}:{specimen}:{kind}}} says too much; valid: {{{id}:{specimen}}}")),
        (None, false, kind) => {
            let kind = kind.unwrap_or_default();
            let meant = nearest(kind, kinds.iter().copied()).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
            Err(format!("{{{id}:{specimen}:{kind}}} does not say which; valid: {}{meant}", kinds.join(", ")))
        }
    }
}

/// A piece of a text.
enum Piece<'a> {
    Plain(&'a str),
    Named(&'a str),
    /// An opening brace without its other half, or the other way round.
    Torn,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        pieces.push(Piece::Plain(&rest[..at]));
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        rest = if let Some(after) = after.strip_prefix(brace) {
            pieces.push(Piece::Plain(brace));
            after
        } else if let Some((name, after)) = after.split_once('}').filter(|_| brace == "{") {
            pieces.push(Piece::Named(name));
            after
        } else {
            pieces.push(Piece::Torn);
            after
        };
    }
    pieces.push(Piece::Plain(rest));
    pieces
}

/// What is wrong with the figures that a text names.
pub fn mistakes(text: &str, specimens: &[String]) -> Vec<String> {
    let wrong = |piece| match piece {
        Piece::Plain(_) => None,
        Piece::Named(name) => parse(name, specimens).err(),
        Piece::Torn => Some("a brace without its other half; valid: {figure:specimen}, and {{ or }} for a brace".into()),
    };
    pieces(text).into_iter().filter_map(wrong).collect()
}

/// The figures that a text names, in every language, each once.
pub fn named(text: &Text, specimens: &[String]) -> Vec<(String, Figure)> {
    let mut found: Vec<(String, Figure)> = Vec::new();
    for words in text.values() {
        for piece in pieces(words) {
            if let Piece::Named(name) = piece
                && let Ok(figure) = parse(name, specimens)
                && found.iter().all(|(known, _)| known != name)
            {
                found.push((name.to_owned(), figure));
            }
        }
    }
    found
}

/// The text with each figure's name replaced by what is known of it.
pub fn fill(text: &str, known: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for piece in pieces(text) {
        match piece {
            Piece::Plain(words) => out.push_str(words),
            Piece::Named(name) => match known.iter().find(|(id, _)| id == name) {
                // Marked, as keys and code are: it is what this run came to.
                Some((_, value)) => {
                    let _ = write!(out, "`{value}`");
                }
                None => out.push('…'),
            },
            Piece::Torn => {}
        }
    }
    out
}

/// How a figure is shown that has been measured, or has not.
pub fn shown(figure: &Figure, value: Option<f64>, lang: Lang) -> String {
    match (value, lang) {
        (Some(value), _) => figure.show(value),
        (None, Lang::En) => "not measured".into(),
        (None, Lang::Zh) => "没有测到".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn specimens() -> Vec<String> {
        vec!["naive".into(), "pool".into()]
    }

    #[test]
    fn the_table_is_whole_and_every_row_can_be_named() {
        let mut ids = HashSet::new();
        for row in rows() {
            assert!(ids.insert(row.id) && ids.insert(Box::leak(row.variant().into_boxed_str())), "{} twice", row.id);
            assert!(!row.about.en.is_empty() && !row.about.zh.is_empty());
            let kinds = (row.kinds)();
            let name = if kinds.is_empty() { format!("{}:pool", row.id) } else { format!("{}:pool:{}", row.id, kinds[0]) };
            let figure = parse(&name, &specimens()).unwrap_or_else(|wrong| panic!("{wrong}"));
            assert_eq!(figure.specimen(), Some("pool"), "{name}");
            // What the text calls it is what a claim calls it.
            let written = ron::to_string(&figure).unwrap();
            assert!(written.starts_with(&format!("{}(", row.variant())), "{written}");
        }
    }

    #[test]
    fn texts_are_filled_in() {
        let known = [("p99:naive".to_owned(), "812 ms".to_owned())];
        assert_eq!(fill("it was {p99:naive}, {{so}} {p99:pool}", &known), "it was `812 ms`, {so} …");
        let text: Text = [("en", "{p99:naive} {p99:naive}"), ("zh", "{p50:pool}")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let names: Vec<String> = named(&text, &specimens()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["p99:naive", "p50:pool"]);
        assert_eq!(shown(&Figure::P99 { specimen: "x".into() }, None, Lang::Zh), "没有测到");
    }

    #[test]
    fn what_names_nothing_is_told_what_would_be_right() {
        for (text, parts) in [
            ("{p9:naive}", &["no figure is called \"p9\"", "did you mean \"p99\"?"][..]),
            ("{p99:naiv}", &["names no specimen", "did you mean \"naive\"?"]),
            ("{p99}", &["names no specimen; valid: naive, pool"]),
            ("{p99:naive:x}", &["says too much"]),
            ("{outcomes:naive:timeot}", &["does not say which", "did you mean \"timeout\"?"]),
            ("{call:pol:10:1}", &["no selector is called \"pol\"; valid: epoll-level"]),
            ("{call:poll:10}", &["{call:poll:1000:1}"]),
            ("{ torn", &["a brace without its other half"]),
            ("torn }", &["a brace without its other half"]),
        ] {
            let found = mistakes(text, &specimens());
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(parts.iter().all(|part| found[0].contains(part)), "{text}: {found:?}");
        }
        assert!(mistakes("{{ }} {p99:naive} {outcomes:pool:timeout} {call:poll:1000:1} {copied:select:10:all}", &specimens()).is_empty());
    }
}
