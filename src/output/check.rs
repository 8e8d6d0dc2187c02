//! The verdicts of `check`: as a table for people, as JSON for machines.
//!
//! The JSON is a promise: fields are added, never renamed or removed, and [`SCHEMA`] counts what would break a reader. Its texts are English
//! whatever the language of the table.

use std::fmt::Write;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::base::lang::Lang;
use crate::base::units::{Nanos, count};
use crate::scenario::{Verdict, chinese};

/// The version of the JSON.
pub const SCHEMA: u32 = 1;

/// From which share of waiting for a CPU on a machine counts as busy: too busy to blame a loop for being late.
pub const BUSY: f64 = 0.2;

/// Everything that one `check` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of loopscope.
    pub version: &'static str,
    /// Whether every claim of every scenario held.
    pub passed: bool,
    /// Where it ran.
    pub environment: Environment,
    /// The scenarios, in the order in which they were asked for.
    pub scenarios: Vec<Run>,
}

/// Where a check ran: what a reader of its figures wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// The kernel's release.
    pub kernel: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// How many scenarios ran side by side.
    pub jobs: usize,
    /// Whether loopscope was built without optimization.
    pub debug_build: bool,
}

/// One scenario's run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The scenario's id.
    pub id: String,
    /// Its file; none where it is built in.
    pub file: Option<String>,
    /// Its title, in the language of the table.
    #[serde(skip)]
    pub title: String,
    /// What decided every choice and arrival time.
    pub seed: u64,
    /// Whether it ran to its end and every claim held.
    pub passed: bool,
    /// Why it did not run to its end.
    pub error: Option<String>,
    /// Whether it was run alone because something failed while others ran beside it. What is told here is then of the run alone.
    pub again_alone: bool,
    /// How long it took until servers and clients were ready, in milliseconds.
    pub ready_after_ms: f64,
    /// How long the script ran from there, in milliseconds.
    pub duration_ms: f64,
    /// How often the script was played: again where claims failed while the machine was busy. (So is the lesson; that is not counted here.)
    pub attempts: u32,
    /// The largest share of a second in which a loop could have run and waited for a CPU: above [`BUSY`], the machine was busy.
    pub cpu_wait: f64,
    /// Events that were folded.
    pub events: u64,
    /// Events that were lost.
    pub lost: u64,
    /// The claims of the scenario.
    pub expectations: Vec<Claim>,
    /// The claims of its lesson: what each thing to try is said to lead to.
    pub lesson: Vec<Claim>,
}

/// One claim and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// What was claimed, in English.
    pub claim: String,
    /// What was measured, in English, with units.
    pub measured: String,
    /// The same as a bare number where it is one: times in milliseconds, shares from 0 to 1.
    pub value: Option<f64>,
    /// Whether the claim holds.
    pub passed: bool,
    /// Claim and measurement in the language of the table.
    #[serde(skip)]
    pub shown: (String, String),
}

impl Claim {
    /// A claim from the same judgement in English and in the language of the table.
    pub fn new(english: Verdict, shown: Verdict) -> Self {
        Self {
            claim: english.claim,
            measured: english.measured,
            value: english.value.filter(|value| value.is_finite()),
            passed: english.passed,
            shown: (shown.claim, shown.measured),
        }
    }
}

impl Run {
    fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.expectations.iter().chain(&self.lesson)
    }
}

/// What the table says, by language.
struct Texts {
    expected: &'static str,
    measured: &'static str,
    holds: &'static str,
    fails: &'static str,
    lesson: &'static str,
    events: &'static str,
    lost: &'static str,
    error: &'static str,
    busy: &'static str,
    attempt: &'static str,
    alone: &'static str,
}

const fn texts(lang: Lang) -> Texts {
    match lang {
        Lang::En => Texts {
            expected: "expected",
            measured: "measured",
            holds: "ok",
            fails: "FAIL",
            lesson: "in the lesson: ",
            events: "events",
            lost: "lost",
            error: "did not run to its end: ",
            busy: "busy machine: waited for a CPU up to",
            attempt: "attempt",
            alone: "again, alone",
        },
        Lang::Zh => Texts {
            expected: "预期",
            measured: "实测",
            holds: "成立",
            fails: "不成立",
            lesson: "课程中:",
            events: "个事件",
            lost: "个丢失",
            error: "没有运行到底:",
            busy: "机器繁忙,等待 CPU 最多占",
            attempt: "尝试次数",
            alone: "单独重跑",
        },
    }
}

/// One scenario's claims and measurements, aligned. With `colour`, the marks are green and red.
pub fn table(run: &Run, lang: Lang, colour: bool) -> String {
    let texts = texts(lang);
    let rows: Vec<[String; 3]> = run
        .expectations
        .iter()
        .map(|claim| (claim, ""))
        .chain(run.lesson.iter().map(|claim| (claim, texts.lesson)))
        .map(|(claim, prefix)| {
            let mark = if claim.passed { texts.holds } else { texts.fails };
            [mark.to_owned(), format!("{prefix}{}", claim.shown.0), claim.shown.1.clone()]
        })
        .collect();
    let width = |column: usize, head: &str| rows.iter().map(|row| row[column].width()).chain([head.width()]).max().unwrap_or(0);
    let (mark_width, claim_width) = (width(0, ""), width(1, texts.expected));
    let mut text = String::new();
    let _ = writeln!(text, "{}  {}  {}", run.id, run.title, facts(run, &texts));
    if !rows.is_empty() {
        let _ = writeln!(text, "  {}  {}  {}", pad("", mark_width), pad(texts.expected, claim_width), texts.measured);
    }
    for (row, claim) in rows.iter().zip(run.claims()) {
        let mark = paint(&pad(&row[0], mark_width), colour, if claim.passed { "32" } else { "31;1" });
        let _ = writeln!(text, "  {mark}  {}  {}", pad(&row[1], claim_width), row[2]);
    }
    if let Some(error) = &run.error {
        let _ = writeln!(text, "  {}  {}{}", paint(texts.fails, colour, "31;1"), texts.error, chinese::told(error, lang));
    }
    text
}

fn facts(run: &Run, texts: &Texts) -> String {
    let duration = Nanos((run.duration_ms * 1e6) as u64);
    let mut text = format!("{duration} · seed {} · {} {}", run.seed, count(run.events as f64), texts.events);
    if run.cpu_wait >= BUSY {
        let share = (run.cpu_wait * 100.0).round();
        let _ = write!(text, " · {} {share} %", texts.busy);
    }
    if run.again_alone {
        let _ = write!(text, " · {}", texts.alone);
    }
    if run.attempts > 1 {
        let _ = write!(text, " · {} {}", texts.attempt, run.attempts);
    }
    if run.lost > 0 {
        let _ = write!(text, " · {} {}", run.lost, texts.lost);
    }
    text
}

/// The last line: how many claims of how many scenarios hold.
pub fn summary(report: &Report, lang: Lang) -> String {
    let claims = || report.scenarios.iter().flat_map(Run::claims);
    let (all, held) = (claims().count(), claims().filter(|claim| claim.passed).count());
    let scenarios = report.scenarios.len();
    let broken = report.scenarios.iter().filter(|run| run.error.is_some()).count();
    match lang {
        Lang::En => {
            let broken = if broken > 0 { format!("; {broken} did not run to the end") } else { String::new() };
            format!("{scenarios} {}, {held} of {all} expectations hold{broken}", if scenarios == 1 { "scenario" } else { "scenarios" })
        }
        Lang::Zh => {
            let broken = if broken > 0 { format!(";{broken} 个没有运行到底") } else { String::new() };
            format!("{scenarios} 个场景,{all} 条预期中 {held} 条成立{broken}")
        }
    }
}

/// The report as JSON, indented.
///
/// # Errors
/// None that a report could cause; those of the serializer.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report)
}

/// `text` with spaces behind it, up to so many columns of a terminal.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

fn paint(text: &str, colour: bool, code: &str) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(en: &str, zh: &str, passed: bool) -> Claim {
        let verdict = |claim: &str, measured: &str| Verdict {
            claim: claim.into(),
            measured: measured.into(),
            value: passed.then_some(812.0),
            passed,
        };
        Claim::new(verdict(en, "812 ms"), verdict(zh, "812 ms,占用 CPU"))
    }

    fn report() -> Report {
        let run = Run {
            id: "x".into(),
            file: None,
            title: "T".into(),
            seed: 7,
            passed: false,
            error: None,
            ready_after_ms: 210.5,
            duration_ms: 5000.0,
            again_alone: false,
            attempts: 2,
            cpu_wait: 0.456,
            events: 48_213,
            lost: 0,
            expectations: vec![
                claim("naive: a stall of ≥ 700 ms", "naive:出现 ≥ 700 ms 的停顿", true),
                claim("p: b", "naive:结束时活着", false),
            ],
            lesson: vec![claim("naive: dead at the end", "naive:结束时已死", true)],
        };
        Report {
            schema: SCHEMA,
            version: "0.0.0",
            passed: false,
            environment: Environment { kernel: "6.1".into(), processors: 2, jobs: 2, debug_build: true },
            scenarios: vec![run],
        }
    }

    #[test]
    fn the_table_is_aligned_in_columns_of_the_terminal() {
        for lang in Lang::ALL {
            let mut report = report();
            for claim in report.scenarios[0].expectations.iter_mut().chain(&mut []) {
                if *lang == Lang::En {
                    claim.shown = (claim.claim.clone(), "812 ms".into());
                }
            }
            let text = table(&report.scenarios[0], *lang, false);
            let starts: Vec<usize> =
                text.lines().filter_map(|line| line.split_once("  812 ms")).map(|(before, _)| before.width()).collect();
            assert_eq!(starts.len(), 3, "{text}");
            assert!(starts.iter().all(|start| *start == starts[0]), "{text}");
        }
    }

    #[test]
    fn the_table_says_what_holds_and_what_does_not() {
        let report = report();
        let text = table(&report.scenarios[0], Lang::Zh, false);
        assert!(text.contains("不成立  naive:结束时活着"), "{text}");
        assert!(text.contains("成立    课程中:naive:结束时已死"), "{text}");
        assert!(text.contains("5.00 s · seed 7 · 48.2 k 个事件 · 机器繁忙,等待 CPU 最多占 46 % · 尝试次数 2"), "{text}");
        assert_eq!(summary(&report, Lang::En), "1 scenario, 2 of 3 expectations hold");
        assert!(!text.contains('\x1b') && table(&report.scenarios[0], Lang::En, true).contains("\x1b[31;1mFAIL"));
    }

    #[test]
    fn the_json_keeps_its_promise() {
        let json: serde_json::Value = serde_json::from_str(&json(&report()).unwrap()).unwrap();
        assert_eq!(json["schema"], 1);
        let run = &json["scenarios"][0];
        let keys: Vec<&String> = run.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "again_alone",
                "attempts",
                "cpu_wait",
                "duration_ms",
                "error",
                "events",
                "expectations",
                "file",
                "id",
                "lesson",
                "lost",
                "passed",
                "ready_after_ms",
                "seed"
            ]
        );
        assert_eq!(run["expectations"][0]["claim"], "naive: a stall of ≥ 700 ms");
        assert_eq!((&run["expectations"][1]["passed"], &run["expectations"][1]["value"]), (&false.into(), &serde_json::Value::Null));
    }
}
