//! `loopscope docs` and `loopscope new`: how to write a lesson, with everything that a lesson can name. The lists are the program's own tables, so
//! they cannot fall behind; `docs/` holds what is printed here, and a test holds it to that.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::{Ended, complain, say};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::command::Command;
use crate::command::table::{COMMANDS, Row};
use crate::scenario::figures;
use crate::scope::words;
use crate::specimen::faults::FAULTS;
use crate::specimen::handlers::HANDLERS;
use crate::specimen::mitigations::MITIGATIONS;
use crate::telemetry::vocabulary::Handler;

/// One kind of claim, as it is written, and what it says.
#[derive(Debug)]
pub struct Claim {
    /// An example.
    pub example: &'static str,
    /// What it says, in English and in Chinese.
    pub about: (&'static str, &'static str),
}

/// Every kind of claim.
pub static CLAIMS: &[Claim] = &[
    Claim {
        example: "Stall(specimen: \"naive\", at_least: \"700ms\", kind: Computing, fault: Compute, victims: 30)",
        about: (
            "a stall of this length happened (also at_most); kind, fault and victims may be left out",
            "出现过这样长的停顿(还可写 at_most);kind、fault、victims 可省略",
        ),
    },
    Claim {
        example: "NoStall(specimen: \"pool\", over: \"200ms\")",
        about: ("no callback held the loop for longer by its own doing", "没有回调因自身原因占住循环更久"),
    },
    Claim {
        example: "Measure(of: P99(specimen: \"pool\"), at_most: 100)",
        about: ("a figure lies between two bounds, of which one will do", "某个指标在两个界限之间,只写一个也行"),
    },
    Claim {
        example: "Ratio(of: P99(specimen: \"naive\"), to: P99(specimen: \"pool\"), at_least: 4)",
        about: ("two figures stand in a ratio: what to claim wherever machines differ", "两个指标之比:凡是因机器而异的,都该这样断言"),
    },
    Claim {
        example: "Deaths(specimen: \"naive\", at_least: 1, at_most: 1)",
        about: ("so many processes of it died", "它的进程死过这么多次"),
    },
    Claim { example: "Alive(specimen: \"naive\")", about: ("it is alive at the end", "结束时活着") },
    Claim { example: "Dead(specimen: \"naive\")", about: ("it is dead at the end", "结束时已死") },
    Claim {
        example: "Selectors(LevelAgain)",
        about: (
            "the selectors behave so: LevelAgain, EdgePartial, BusyWritable, SelectWall",
            "选择器有这样的行为:LevelAgain、EdgePartial、BusyWritable、SelectWall",
        ),
    },
];

const fn pick(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// How a value is written in a lesson's file.
fn written(value: &impl Serialize) -> String {
    let text = ron::to_string(value).unwrap_or_default();
    // As people write it: a space behind colons and commas.
    let mut out = String::with_capacity(text.len() + 8);
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        out.push(c);
        if !quoted && matches!(c, ':' | ',') {
            out.push(' ');
        }
    }
    out
}

/// The commands that a script may give, and how each is written.
fn scriptable() -> impl Iterator<Item = (&'static Row, String)> {
    COMMANDS.iter().filter(|row| row.script).filter_map(|row| Some((row, written(&row.sample()?))))
}

/// The row of the command that switches a fault or a mitigation on: its words are in every language.
fn row_of(command: &Command) -> Option<&'static Row> {
    crate::command::table::of(command)
}

fn about_handler(kind: Handler, about: &'static str, lang: Lang) -> &'static str {
    let zh = match kind {
        Handler::Root => "问候;POST 则原样返回请求体。",
        Handler::Echo => "返回请求本身。",
        Handler::Bytes => "返回 n 个字节。",
        Handler::Sleep => "用定时器等 ms 毫秒,不阻塞循环。",
        Handler::Compute => "在循环上占用 CPU ms 毫秒。",
        Handler::Chain => "对上游做三次前后依赖的调用。",
        Handler::Stats => "服务器自己的计数,JSON。",
        Handler::Count => "读共享计数器,工作一会儿,再写回加一的值。",
        Handler::Transfer => "分两步从一个账户转 1 到另一个;两者之和不变,除非中间发生 panic。",
        Handler::Beats => "两个每 ms 毫秒运行一次的工作,从第一个这样的请求开始,以及各自落后多少。",
        Handler::Refused => "被拒绝的请求。",
    };
    pick(lang, about, zh)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table(out: &mut String, heads: [&str; 2], rows: impl Iterator<Item = (String, String)>) {
    let _ = writeln!(out, "| {} | {} |\n| --- | --- |", heads[0], heads[1]);
    for (what, about) in rows {
        let _ = writeln!(out, "| `{}` | {} |", cell(&what), cell(&about));
    }
    out.push('\n');
}

/// The handbook for whoever writes lessons, as Markdown.
pub fn handbook(lang: Lang) -> String {
    let mut out = String::new();
    let say = |en, zh| pick(lang, en, zh);
    let heads = [say("written", "写法"), say("what it is", "含义")];
    out.push_str(say(ENGLISH, CHINESE));

    let _ = writeln!(
        out,
        "## {}\n",
        say("Commands for `script`, `given`, `do` and `solution`", "`script`、`given`、`do`、`solution` 可用的命令")
    );
    table(&mut out, heads, scriptable().map(|(row, text)| (text, row.help.get(lang).to_owned())));

    let _ = writeln!(out, "## {}\n", say("Faults", "故障"));
    let rows = FAULTS.iter().map(|fault| {
        let help = row_of(&Command::Inject(fault.default)).map_or(fault.about, |row| row.help.get(lang));
        let standing = if fault.standing {
            say(" Standing: it may also stand among a specimen's `faults`.", " 持续存在:也可写进样本的 `faults`。")
        } else {
            ""
        };
        let answers: Vec<_> = fault.answers.iter().map(|m| words::mitigation(lang, *m)).collect();
        let mended = say("Mended by", "对策");
        (written(&fault.default), format!("{help}.{standing} {mended}: {}.", answers.join(", ")))
    });
    table(&mut out, heads, rows);

    let _ = writeln!(out, "## {}\n", say("Mitigations", "对策"));
    let rows = MITIGATIONS.iter().map(|mitigation| {
        let help = row_of(&Command::Apply(mitigation.default)).map_or(mitigation.about, |row| row.help.get(lang));
        let price = match lang {
            Lang::En => format!(" {}", mitigation.price),
            Lang::Zh => String::new(),
        };
        (written(&mitigation.default), format!("{help}.{price}"))
    });
    table(&mut out, heads, rows);

    let _ = writeln!(out, "## {}\n", say("Handlers: what a row of the load's `mix` can ask for", "处理函数:负载 `mix` 的一行可以请求什么"));
    let rows = HANDLERS.iter().map(|handler| (handler.example.to_owned(), about_handler(handler.kind, handler.about, lang).to_owned()));
    table(&mut out, heads, rows);

    let _ = writeln!(out, "## {}\n", say("Claims", "断言"));
    table(&mut out, heads, CLAIMS.iter().map(|claim| (claim.example.to_owned(), say(claim.about.0, claim.about.1).to_owned())));

    let _ = writeln!(out, "## {}\n", say("Figures", "指标"));
    out.push_str(say(
        "In a claim `P99(specimen: \"naive\")`, in a text `{p99:naive}`. Times are in milliseconds, shares from 0 to 1, memory in MiB.\n\n",
        "断言里写 `P99(specimen: \"naive\")`,文字里写 `{p99:naive}`。时间单位是毫秒,比例从 0 到 1,内存单位是 MiB。\n\n",
    ));
    let _ = writeln!(out, "| {} | {} | {} |\n| --- | --- | --- |", say("claim", "断言"), say("text", "文字"), say("what it is", "含义"));
    for row in figures::rows() {
        let kinds = (row.kinds)();
        let (of, named) = if kinds.is_empty() {
            (String::new(), format!("{{{}:naive}}", row.id))
        } else {
            (format!(" ({})", kinds.join(", ")), format!("{{{}:naive:{}}}", row.id, kinds[0]))
        };
        let _ = writeln!(out, "| `{}` | `{named}` | {}{of} |", row.variant(), cell(row.about.get(lang)));
    }
    out
}

/// Prints the handbook.
pub(super) fn docs(lang: Lang) -> anyhow::Result<Ended> {
    say(&handbook(lang)).context("standard output")?;
    Ok(Ended::Fine)
}

/// A lesson to start from: small, commented, and true as it stands.
pub fn lesson(id: &str, lang: Lang) -> String {
    let comment = |rows: &mut dyn Iterator<Item = (String, &'static str)>| {
        rows.fold(String::new(), |mut out, (text, about)| {
            let _ = writeln!(out, "//   {text:<44} {about}");
            out
        })
    };
    let faults = comment(&mut FAULTS.iter().map(|fault| {
        let help = row_of(&Command::Inject(fault.default)).map_or(fault.about, |row| row.help.get(lang));
        (written(&fault.default), help)
    }));
    let mitigations = comment(&mut MITIGATIONS.iter().map(|mitigation| {
        let help = row_of(&Command::Apply(mitigation.default)).map_or(mitigation.about, |row| row.help.get(lang));
        (written(&mitigation.default), help)
    }));
    let handlers =
        comment(&mut HANDLERS.iter().map(|handler| (handler.example.to_owned(), about_handler(handler.kind, handler.about, lang))));
    let others = comment(
        &mut scriptable()
            .filter_map(|(row, text)| (!text.starts_with("Inject(") && !text.starts_with("Apply(")).then_some((text, row.help.get(lang)))),
    );
    let claims = comment(&mut CLAIMS.iter().map(|claim| (claim.example.to_owned(), pick(lang, claim.about.0, claim.about.1))));
    let figures = comment(&mut figures::rows().map(|row| (row.variant(), row.about.get(lang))));
    pick(lang, TEMPLATE, TEMPLATE_ZH)
        .replace("<ID>", id)
        .replace("<FAULTS>\n", &faults)
        .replace("<MITIGATIONS>\n", &mitigations)
        .replace("<HANDLERS>\n", &handlers)
        .replace("<COMMANDS>\n", &others)
        .replace("<CLAIMS>\n", &claims)
        .replace("<FIGURES>\n", &figures)
        + BODY.replace("<ID>", id).as_str()
}

/// Writes a lesson to start from, where there is nothing yet.
pub(super) fn new(path: &Path, lang: Lang) -> anyhow::Result<Ended> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain = !stem.is_empty() && stem.len() <= 64 && stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let text = lesson(if plain { &stem } else { "my-lesson" }, lang);
    let shown = visible(&path.display().to_string());
    let file = File::options().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            complain(&match lang {
                Lang::En => format!("{shown} is there already, and is left as it is"),
                Lang::Zh => format!("{shown} 已经存在,没有改动"),
            });
            return Ok(Ended::Wrong);
        }
        Err(error) => return Err(error).context(shown),
    }
    say(&match lang {
        Lang::En => format!("written: {shown}\nsee it:   loopscope run {shown}\nprove it: loopscope check {shown}\n"),
        Lang::Zh => format!("已写入:{shown}\n看一看:loopscope run {shown}\n验一验:loopscope check {shown}\n"),
    })
    .context("standard output")?;
    Ok(Ended::Fine)
}

const ENGLISH: &str = "\
# Writing lessons

Made by `loopscope docs`; do not edit. `loopscope new FILE` writes a commented lesson to start from, `loopscope run FILE` shows it,
`loopscope check FILE` proves it: a lesson whose claims do not hold when it is run fails.

A lesson is one RON file. Unknown fields are refused, with line, column and the nearest valid name. Texts are `{ \"en\": \"...\", \"zh\": \"...\" }`,
English is required. Times are texts with a unit: `\"800ms\"`, `\"2s\"`.

- `specimens`: one to four servers under the same `load`, each with its `mitigations`, standing `faults`, `limits` and `model`.
- `experiment: Selectors(idle, active)`: in place of specimens or beside them, epoll, poll and select are measured. Claims about it:
  `Measure` and `Ratio` of `Call(by: \"poll\", idle: 1000, active: \"1\")` (its time) and `Copied(...)` (its bytes), by `epoll-level`, `epoll-edge`,
  `poll` or `select`; without `idle` and `active`, where the reader is. In a text: `{call:poll:1000:1}`. A `Task` about it names no specimen.
- `script`: timed commands; a headless run follows it, and then holds `expect` against what was measured.
- `lesson`: what the reader sees, step by step: predict, observe, explain.
  - `Say({...})` tells something. Say little.
  - `Predict(ask, choices, answer, see, found, because)` asks before anything is shown; let the common misconceptions be among the choices. With
    `see` (as in `Try`) the truth is told only once it has happened; `found` compares it with what was measured since the answer.
  - `Try(say, do, specimen, until)` has the reader do something, and goes on when the claim `until` holds. `check` does the same; a claim that
    held before anything was done fails.
  - `Task(specimen, say, given, every, goal, over, hints, solution)` has the reader reach a goal by own means. `given` is done when it
    begins, and its faults that strike one request strike again `every` so often; `goal` (`Measure`, `NoStall`, `Alive`) must hold over the
    last `over`; two to four `hints`, from a nudge to nearly everything. `check` solves it with `solution`: the goal must not hold before.
- `review`: three questions as an interviewer would ask them, with model answers.
- Texts may name figures of the run, `{p99:naive}`; `{{` and `}}` are braces.

Claim ratios and generous bounds: the same lesson runs on a laptop and on a busy machine with two cores.

";

const CHINESE: &str = "\
# 编写课程

由 `loopscope docs` 生成,请勿手改。`loopscope new 文件` 写出一个带注释的课程作为起点,`loopscope run 文件` 演示它,`loopscope check 文件` 验证它:
断言在运行时不成立的课程,检查不会通过。

一课就是一个 RON 文件。未知字段会被拒绝,并指出行、列和最接近的正确名称。文字写成 `{ \"en\": \"...\", \"zh\": \"...\" }`,英文必填。
时间是带单位的文字:`\"800ms\"`、`\"2s\"`。

- `specimens`:一到四个服务器,承受同样的 `load`,各有自己的 `mitigations`、持续的 `faults`、`limits` 和 `model`。
- `experiment: Selectors(idle, active)`:代替样本,或与样本并行,测量 epoll、poll 与 select。可用的断言:对
  `Call(by: \"poll\", idle: 1000, active: \"1\")`(耗时)和 `Copied(...)`(拷贝字节)写 `Measure` 与 `Ratio`,`by` 为 `epoll-level`、`epoll-edge`、
  `poll` 或 `select`;不写 `idle` 与 `active` 则指读者所在的位置。文字里写 `{call:poll:1000:1}`。关于它的 `Task` 不写 specimen。
- `script`:定时执行的命令;无界面运行时照它执行,结束后用实测来核对 `expect`。
- `lesson`:读者一步步看到的内容:预测、观察、解释。
  - `Say({...})` 说一段话。少说。
  - `Predict(ask, choices, answer, see, found, because)` 先提问再展示;选项里要有常见的误解。写了 `see`(同 `Try`),要等事情真的发生才揭晓;
    `found` 用回答之后的实测来对照。
  - `Try(say, do, specimen, until)` 让读者动手,断言 `until` 成立后继续。`check` 也会照做;动手之前就已成立的断言算失败。
  - `Task(specimen, say, given, every, goal, over, hints, solution)` 让读者自己想办法达到目标。开始时执行 `given`,其中只作用于一个请求的故障每隔
    `every` 再来一次;`goal`(`Measure`、`NoStall`、`Alive`)要在最近 `over` 的时间里成立;`hints` 二到四条,由浅入深。`check` 用 `solution` 求解:之前目标不得成立。
- `review`:三个面试官会问的问题,附参考答案。
- 文字里可以引用本次运行的指标,如 `{p99:naive}`;`{{` 和 `}}` 表示花括号本身。

断言比例和宽松的界限:同一课既要在笔记本上成立,也要在繁忙的双核机器上成立。

";

const TEMPLATE: &str = "\
// A lesson for loopscope. As it stands, `loopscope check` proves it; change it piece by piece and check again.
// `loopscope docs` explains every part. What can be named here:
//
// Faults, in Inject(...):
<FAULTS>
//
// Mitigations, in Apply(...) and in a specimen's `mitigations`:
<MITIGATIONS>
//
// Other commands for a script:
<COMMANDS>
//
// Paths for the load's mix:
<HANDLERS>
//
// Claims:
<CLAIMS>
//
// Figures, each with (specimen: \"...\"):
<FIGURES>
";

const TEMPLATE_ZH: &str = "\
// loopscope 的一课。照现在这样就能通过 `loopscope check`;一点点修改,随时再检查。
// `loopscope docs` 解释每个部分。这里可以写的名称:
//
// 故障,写在 Inject(...) 里:
<FAULTS>
//
// 对策,写在 Apply(...) 里,或样本的 `mitigations` 里:
<MITIGATIONS>
//
// 脚本可用的其他命令:
<COMMANDS>
//
// 负载 mix 可用的路径:
<HANDLERS>
//
// 断言:
<CLAIMS>
//
// 指标,各带 (specimen: \"...\"):
<FIGURES>
";

const BODY: &str = r#"Scenario(
    id: "<ID>",
    title: { "en": "My lesson", "zh": "我的课程" },
    summary: {
        "en": "One callback computes, and everybody waits; with a pool nobody does.",
        "zh": "一个回调在计算,所有人都在等;有了线程池就不用等。",
    },
    // The same load goes to each of them.
    specimens: [
        Specimen(name: "naive", title: { "en": "computes on the loop", "zh": "在循环上计算" }),
        Specimen(name: "pool", title: { "en": "hands it to 2 workers", "zh": "交给 2 个工作线程" }, mitigations: [WorkerPool(threads: 2)]),
    ],
    load: Load(connections: 32, rate: 500, mix: [(path: "/", weight: 1)]),
    // What a headless run does, and when. One after the other, so that neither pays for the other's computing.
    script: [
        (at: "1s", specimen: "naive", do: Inject(Compute(busy: "500ms"))),
        (at: "2s", specimen: "pool", do: Inject(Compute(busy: "500ms"))),
        (at: "3500ms", do: Stop),
    ],
    // What the reader sees: predict, observe, explain.
    lesson: [
        Say({
            "en": "Two servers, the same load. They differ in where they compute.",
            "zh": "两个服务器,负载相同,区别在于在哪里计算。",
        }),
        Predict(
            ask: { "en": "One callback of naive is about to compute for 500 ms. Who waits?", "zh": "naive 的一个回调马上要计算 500 ms。谁在等?" },
            choices: [
                { "en": "only its own client", "zh": "只有它自己的客户端" },
                { "en": "everybody", "zh": "所有人" },
            ],
            // Counted from 0.
            answer: 1,
            // The truth is told once this has happened.
            see: (
                say: { "en": "Let it compute, and watch the loop stand still.", "zh": "让它计算,看循环停住。" },
                do: Inject(Compute(busy: "500ms")),
                specimen: "naive",
                until: Stall(specimen: "naive", at_least: "400ms", fault: Compute),
            ),
            // Figures of this run, since the answer.
            found: {
                "en": "the loop stood still for {stall:naive}, and {victims:naive} requests waited.",
                "zh": "循环停了 {stall:naive},{victims:naive} 个请求在等。",
            },
            because: {
                "en": "While a callback runs, nobody calls epoll_wait.",
                "zh": "回调执行期间,没有谁调用 epoll_wait。",
            },
        ),
        Task(
            specimen: "naive",
            say: {
                "en": "Every second a request computes for 300 ms. Bring p99 below 100 ms.",
                "zh": "每秒有一个请求计算 300 ms。把 p99 降到 100 ms 以下。",
            },
            // What the task begins with, whatever was tried before; the fault strikes again every second.
            given: [Revoke(WorkerPool), Revoke(Slicing), Inject(Compute(busy: "300ms"))],
            every: "1s",
            goal: [Measure(of: P99(specimen: "naive"), at_most: 100)],
            over: "2s",
            hints: [
                { "en": "What does pool do with the same request?", "zh": "同样的请求,pool 是怎么处理的?" },
                { "en": "Open the mitigations with `m`.", "zh": "按 `m` 打开对策。" },
            ],
            // check solves the task with this. The goal must not hold before.
            solution: [Apply(WorkerPool(threads: 2))],
        ),
    ],
    // Three questions as an interviewer would ask them.
    review: [
        (
            ask: { "en": "What holds up an event loop?", "zh": "什么会占住事件循环?" },
            answer: { "en": "A callback that does not return soon: it computes, or it waits.", "zh": "迟迟不返回的回调:在计算,或者在等待。" },
        ),
        (
            ask: { "en": "What does a worker pool cost?", "zh": "工作线程池的代价是什么?" },
            answer: { "en": "Threads, a hand-over, and care with what they share.", "zh": "线程、交接,以及共享数据时的小心。" },
        ),
        (
            ask: { "en": "How do you notice it in production?", "zh": "生产环境里怎么发现?" },
            answer: { "en": "By the loop's lag: how late it comes to what is due.", "zh": "看循环延迟:到期的事迟了多久才处理。" },
        ),
    ],
    // What must have been true at the end of the script. Ratios hold on any machine.
    expect: [
        Stall(specimen: "naive", at_least: "400ms", fault: Compute),
        NoStall(specimen: "pool", over: "200ms"),
        Ratio(of: P99(specimen: "naive"), to: P99(specimen: "pool"), at_least: 3),
        Measure(of: Answered(specimen: "pool"), at_least: 0.99),
    ],
)
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::from_text;
    use crate::scenario::schema::{Expectation, Step};

    #[test]
    fn the_lesson_to_start_from_is_right_in_every_language() {
        for lang in Lang::ALL {
            let text = lesson("my-lesson", *lang);
            let scenario = from_text(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
            assert_eq!((scenario.id.as_str(), scenario.review.len()), ("my-lesson", 3));
            assert!(scenario.lesson.iter().any(|step| matches!(step, Step::Task(_))));
            for fault in FAULTS {
                assert!(text.contains(&written(&fault.default)), "{}", fault.name());
            }
            assert!(!text.contains('<') || !text.contains(">\n"), "everything is filled in");
        }
    }

    #[test]
    fn every_kind_of_claim_is_told_and_every_example_is_one() {
        let mut kinds = Vec::new();
        for claim in CLAIMS {
            let scenario = format!(
                "(id: \"x\", title: {{ \"en\": \"x\" }}, experiment: Selectors(), specimens: [(name: \"naive\"), (name: \"pool\")], expect: [{}])",
                claim.example
            );
            let scenario = from_text(&scenario).unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", claim.example));
            kinds.push(std::mem::discriminant(&scenario.expect[0]));
        }
        // A kind that is added must be told of: this match fails to compile until it is counted here.
        let count = |claim: &Expectation| match claim {
            Expectation::Stall { .. }
            | Expectation::NoStall { .. }
            | Expectation::Measure { .. }
            | Expectation::Ratio { .. }
            | Expectation::Deaths { .. }
            | Expectation::Alive { .. }
            | Expectation::Dead { .. }
            | Expectation::Selectors(_) => 8,
        };
        assert_eq!(kinds.len(), count(&Expectation::Alive { specimen: String::new() }));
    }

    #[test]
    fn what_the_handbook_lists_is_all_there_is() {
        for lang in Lang::ALL {
            let text = handbook(*lang);
            for row in COMMANDS.iter().filter(|row| row.script) {
                assert!(text.contains(&cell(row.help.get(*lang))), "{lang}: {}", row.id);
            }
            for row in figures::rows() {
                assert!(text.contains(&format!("`{}`", row.variant())), "{}", row.id);
            }
            for (name, fault) in FAULTS.iter().map(|fault| (fault.name(), written(&fault.default))) {
                assert!(text.contains(&format!("`{fault}`")), "{name}");
            }
        }
    }
}
