//! Loading a scenario: the file, its size, its grammar, its sense. Whatever is wrong comes back as places and sentences, all of it at once.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::grammar;
use super::mistake::{Mistake, Mistakes};
use super::outline::{Outline, Place};
use super::schema::Scenario;
use super::validate::validate;

/// The largest file that is read, in bytes. The deserializer's memory can reach twelve times its input.
pub const MAX_BYTES: u64 = 256 * 1024;

/// Reads, parses and validates a scenario's file.
///
/// # Errors
/// Everything that is wrong with it. What concerns the file as a whole stands at line 1, column 1.
pub fn from_file(path: &Path) -> Result<Scenario, Mistakes> {
    let text = text_of(path)?;
    from_text(&text).map_err(|list| Mistakes { file: path.into(), list })
}

/// Reads the text of a file of ours.
///
/// # Errors
/// It cannot be read, is longer than [`MAX_BYTES`], or is not UTF-8.
pub fn text_of(path: &Path) -> Result<String, Mistakes> {
    let whole = |message: String| Mistakes { file: path.into(), list: vec![Mistake::new(1, 1, &message)] };
    let file = File::open(path).map_err(|e| whole(format!("cannot be opened: {e}")))?;
    let mut bytes = Vec::new();
    // One byte beyond the limit tells that there is more, also for what has no size of its own (a pipe, a device).
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| whole(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(whole(format!("is longer than {} KiB, which no scenario is", MAX_BYTES / 1024)));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&e.as_bytes()[..good]).into_owned();
        let (line, column) = super::outline::line_column(&before, good);
        Mistakes { file: path.into(), list: vec![Mistake::new(line, column, "is not UTF-8 text from here on")] }
    })
}

/// Parses and validates a scenario's text.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text; at least one mistake.
pub fn from_text(source: &str) -> Result<Scenario, Vec<Mistake>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let outline = Outline::read(source);
    let scenario = grammar::read(source, outline.as_ref())?;
    let place = outline.as_ref().map_or_else(|| Place::unknown(source), Outline::place);
    let mistakes = validate(&scenario, source, place);
    if mistakes.is_empty() { Ok(scenario) } else { Err(mistakes) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::base::units::Nanos;
    use crate::command::Command;
    use crate::scenario::catalogue::BUILT_IN;

    /// The example of the design, with its dots filled in.
    const EXAMPLE: &str = r#"Scenario(
    id: "04-computing-callback",
    title: { "en": "The computing callback", "zh": "占用 CPU 的回调" },
    specimens: [
        Specimen(name: "naive"),
        Specimen(name: "pool", mitigations: [WorkerPool(threads: 2)]),
    ],
    load: Load(connections: 64, rate: 2000, mix: [(path: "/", weight: 99), (path: "/compute?ms=5", weight: 1)]),
    script: [
        (at: "2s", do: Inject(Compute(busy: "800ms"))),
        (at: "5s", do: Stop),
    ],
    lesson: [
        Say({ "en": "Look." }),
        Predict(ask: { "en": "What?" }, choices: [{ "en": "a" }, { "en": "b" }], answer: 1, because: { "en": "So." }),
        Try(say: { "en": "Press." }, do: Inject(Panic), until: Dead(specimen: "naive")),
    ],
    expect: [
        Stall(specimen: "naive", at_least: "700ms", kind: Computing),
        NoStall(specimen: "pool", over: "100ms"),
        Ratio(of: P99(specimen: "naive"), to: P99(specimen: "pool"), at_least: 5.0),
    ],
)
"#;

    /// The mistakes of the example after one change, as `line:column: message`.
    fn mistakes(from: &str, to: &str) -> Vec<String> {
        assert!(EXAMPLE.contains(from), "{from}");
        let source = EXAMPLE.replacen(from, to, 1);
        let list = from_text(&source).err().unwrap_or_default();
        for mistake in &list {
            assert!(super::super::chinese::sentence(&mistake.message).1, "no Chinese for {:?}: scenario/chinese.rs", mistake.message);
        }
        list.into_iter().map(|m| format!("{}:{}: {}", m.line, m.column, m.message)).collect()
    }

    #[test]
    fn the_example_of_the_design_is_a_scenario() {
        let scenario = from_text(EXAMPLE).unwrap();
        assert_eq!((scenario.load.rate, scenario.script.len(), scenario.end()), (Some(2000.0), 2, Nanos::secs(5)));
        assert_eq!(scenario.script[1].command, Command::Stop);
        assert_eq!(scenario.stall_threshold, Nanos::millis(50));
    }

    #[test]
    fn without_a_stop_the_run_outlasts_its_last_cue() {
        let scenario = from_text(&EXAMPLE.replace("(at: \"5s\", do: Stop),", "")).unwrap();
        assert_eq!(scenario.end(), Nanos::secs(4));
    }

    #[test]
    fn every_mistake_is_named_with_its_place_and_what_would_be_right() {
        // What is changed, into what, and what the message must hold.
        let cases: &[(&str, &str, &[&str])] = &[
            (
                "specimens:",
                "specimenz:",
                &["4:5: ", "unknown field \"specimenz\" in Scenario", "valid: id, title", "did you mean \"specimens\"?"],
            ),
            ("WorkerPool(", "WorkerPol(", &["6:46: ", "unknown mitigation \"WorkerPol\"", "Slicing", "did you mean \"WorkerPool\"?"]),
            ("threads: 2", "thread: 2", &["6:57: ", "unknown field \"thread\"", "did you mean \"threads\"?"]),
            ("threads: 2", "threads: 300", &["6:66: ", "threads: 300 is out of range"]),
            ("threads: 2", "threads: 9", &["6:66: ", "threads is 9; valid: 1 to 8"]),
            ("threads: 2", "threads: \"2\"", &["6:66: ", "threads: expected a whole number, found \"2\""]),
            ("mitigations: [", "faults: [Panic], mitigations: [", &["6:41: ", "panic strikes one request; valid: standing faults"]),
            ("mitigations: [", "faults: [ForgottenDrain(buffer: 1)], mitigations: [", &["6:64: ", "buffer is 1; valid: 16 to 65536"]),
            ("\"800ms\"", "800", &["10:45: ", "busy: expected text in quotes, found 800", "\"800ms\""]),
            ("\"800ms\"", "\"800 bananas\"", &["10:45: ", "busy: \"800 bananas\" is not a time", "ns, us, ms, s, min"]),
            ("\"800ms\"", "\"20min\"", &["10:45: ", "busy is 20.0 min; valid: 1.00 µs to 60.0 s"]),
            ("do: Stop", "do: Stopp", &["11:24: ", "unknown command \"Stopp\"", "did you mean \"Stop\"?"]),
            ("do: Stop", "do: Freeze", &["11:24: ", "a script cannot do Freeze", "valid: Inject"]),
            ("do: Stop", "do: Arm(Stal(over: \"1s\"))", &["11:28: ", "unknown trigger \"Stal\"", "did you mean \"Stall\"?"]),
            ("do: Stop", "do: Arm(Stall(over: \"1us\"))", &["11:40: ", "over is 1.00 µs; valid: 100 µs to 60.0 s"]),
            ("do: Stop", "do: Arm(Panic(over: \"1s\"))", &["11:"]),
            (
                "at: \"5s\", do: Stop",
                "at: \"5s\", specimen: \"naive\", do: Disarm",
                &["11:30: ", "Disarm is for the whole run; leave specimen out"],
            ),
            ("do: Stop", "do: Rate(0)", &["11:29: ", "rate is 0; valid: more than 0"]),
            ("\"2s\"", "\"11min\"", &["10:14: ", "at is 11.0 min; valid: 0 ms to 10.0 min"]),
            ("\"2s\"", "\"6s\"", &["10:14: ", "never happens: the script stops at 5.00 s"]),
            (
                "specimen: \"pool\", over",
                "specimen: \"pol\", over",
                &["20:27: ", "no specimen is called \"pol\"", "did you mean \"pool\"?"],
            ),
            ("name: \"pool\"", "name: \"naive\"", &["6:24: ", "a second specimen is called \"naive\""]),
            ("name: \"pool\", ", "", &["6:9: ", "field \"name\" is missing in Specimen"]),
            ("rate: 2000", "rate: -1", &["8:39: ", "rate is -1; valid: more than 0, at most 1000000"]),
            ("rate: 2000", "rate: NaN", &["8:39: ", "rate is NaN"]),
            ("rate: 2000", "rate: 2000, think: \"5ms\"", &["8:52: ", "think is for a closed loop only"]),
            ("connections: 64", "connections: 60001", &["8:29: ", "connections is 60001; valid: 1 to 60000"]),
            ("rate: 2000", "churn: 1.5", &["8:40: ", "churn is 1.5; valid: 0 to 1"]),
            ("path: \"/\"", "path: \"no slash\"", &["8:58: ", "path \"no slash\"; valid: \"/\" and printable ASCII"]),
            ("weight: 99), (path: \"/compute?ms=5\", weight: 1", "weight: 0", &["8:50: ", "mix asks for nothing"]),
            ("id: \"04-", "id: \"Ünlaut 04-", &["2:9: ", "valid: 1 to 64 lower-case letters"]),
            ("title: { \"en\"", "title: { \"de\"", &["3:15: ", "unknown language \"de\" of title; valid: en, zh"]),
            ("\"zh\": \"占", "\"zh\": \"\u{202e}占", &["3:52: ", "control character (\\u{202e})"]),
            (
                "{ \"en\": \"The computing callback\", \"zh\": \"占用 CPU 的回调\" }",
                "\"x\"",
                &["3:12: ", "expected texts such as { \"en\""],
            ),
            ("answer: 1", "answer: 2", &["15:90: ", "answer is 2; valid: 0 to 1"]),
            ("do: Inject(Panic), until", "do: Mark(\"x\"), until", &["16:42: ", "Mark has no key"]),
            ("at_least: \"700ms\"", "at_least: \"7ms\"", &["19:44: ", "stall_threshold"]),
            ("over: \"100ms\"", "over: \"1ms\"", &["20:41: ", "over is 1.00 ms", "stall_threshold"]),
            ("at_least: 5.0", "at_least: \"5ms\"", &["21:80: ", "expected a number without quotes", "milliseconds"]),
            ("at_least: 5.0", "at_least: 5, at_most: 4", &["21:92: ", "nothing lies between"]),
            (", at_least: 5.0", "", &["21:9: ", "claims nothing; valid: at_least, at_most or both"]),
            ("kind: Computing", "kind: Computin", &["19:59: ", "unknown kind of stall \"Computin\"", "did you mean \"Computing\"?"]),
            ("load: Load(", "load: Loaf(", &["8:11: ", "expected Load(...), found Loaf(...)"]),
            ("specimens: [", "id: \"x\", specimens: [", &["4:5: ", "field \"id\" stands twice in Scenario"]),
            ("\"naive\"),", "\"naive\")", &["6:9: ", "expected a comma or the end of the bracket, found Specimen"]),
        ];
        let mut failed = String::new();
        for (from, to, parts) in cases {
            let found = mistakes(from, to);
            if !found.iter().any(|line| parts.iter().all(|part| line.contains(part)) && line.starts_with(parts[0])) {
                let _ = writeln!(failed, "{from} → {to}\n  wanted: {parts:?}\n  found: {found:#?}");
            }
        }
        assert!(failed.is_empty(), "{failed}");
    }

    #[test]
    fn all_mistakes_come_at_once_in_the_order_of_the_file() {
        let grammar = EXAMPLE.replace("WorkerPool(", "Pool(").replace("Inject(Compute", "Injekt(Compute").replace("NoStall(", "NoStal(");
        let lines: Vec<usize> = from_text(&grammar).unwrap_err().iter().map(|m| m.line).collect();
        assert_eq!(lines, [6, 10, 20]);
        let sense = EXAMPLE
            .replace("threads: 2", "threads: 0")
            .replace("\"2s\"", "\"1h\"")
            .replace("1h", "20min")
            .replace("answer: 1", "answer: 7");
        let lines: Vec<usize> = from_text(&sense).unwrap_err().iter().map(|m| m.line).collect();
        assert_eq!(lines, [6, 10, 10, 15], "the late cue is late and never happens");
    }

    #[test]
    fn zero_and_five_specimens_are_refused() {
        let scenario = |n: usize| {
            let list: Vec<String> = (0..n).map(|n| format!("(name: \"s{n}\")")).collect();
            from_text(&format!("(id: \"x\", title: {{ \"en\": \"x\" }}, specimens: [{}])", list.join(", ")))
        };
        assert!((1..=4).all(|n| scenario(n).is_ok()));
        for n in [0, 5] {
            assert!(scenario(n).unwrap_err()[0].message.contains(&format!("the number of specimens is {n}; valid: 1 to 4")));
        }
    }

    #[test]
    fn an_experiment_takes_the_place_of_specimens_and_what_is_wrong_with_it_is_told() {
        let whole = |rest: &str| from_text(&format!("(id: \"x\", title: {{ \"en\": \"x\" }}, {rest})"));
        assert!(whole("experiment: Selectors()").is_ok() && whole("experiment: Selectors(idle: 500, active: \"all\")").is_ok());
        assert!(whole("experiment: Selectors(), specimens: [(name: \"a\")], script: [(at: \"1s\", do: Idle(500))]").is_ok());
        let call = |by: &str, idle: u32| format!("expect: [Measure(of: Call(by: \"{by}\", idle: {idle}, active: \"1\"), at_most: 1)]");
        for (text, wanted) in [
            ("script: []".to_owned(), "the number of specimens is 0; valid: 1 to 4, or an experiment"),
            ("experiment: Selector()".into(), "\"Selector\""),
            ("experiment: Selectors(idel: 5)".into(), "did you mean \"idle\"?"),
            ("experiment: Selectors(idle: 0)".into(), "idle is 0; valid: 1 to 50000"),
            ("experiment: Selectors(active: \"7\")".into(), "active is \"7\"; valid: \"1\", \"100\", \"all\""),
            ("experiment: Selectors(), script: [(at: \"1s\", do: Idle(5))]".into(), "nothing follows a script without specimens"),
            (format!("experiment: Selectors(), {}", call("pol", 10)), "no selector is called \"pol\"; valid: epoll-level"),
            (format!("experiment: Selectors(), {}", call("poll", 60_000)), "idle is 60000; valid: 1 to 50000"),
            (format!("specimens: [(name: \"a\")], {}", call("poll", 10)), "nobody measures them; valid beside experiment: Selectors()"),
            ("specimens: [(name: \"a\")], script: [(at: \"1s\", do: MoreIdle)]".into(), "MoreIdle is for the selectors"),
        ] {
            let mistakes = whole(&text).unwrap_err();
            assert!(mistakes.iter().any(|mistake| mistake.message.contains(wanted)), "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn what_is_no_scenario_s_file_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            from_file(&path).unwrap_err().to_string()
        };
        assert!(from_file(&dir.path().join("none.ron")).unwrap_err().to_string().contains("none.ron:1:1: cannot be opened: No such file"));
        assert!(from_file(dir.path()).unwrap_err().to_string().contains(":1:1: cannot be read: Is a directory"));
        assert!(file("long.ron", &vec![b' '; MAX_BYTES as usize + 1]).contains("is longer than 256 KiB"));
        assert!(file("bytes.ron", b"(\n  id: \"\xff\"").ends_with("bytes.ron:2:8: is not UTF-8 text from here on"));
        assert!(file("empty.ron", b"").contains("empty.ron:1:1: "));
        assert!(file("deep.ron", &vec![b'['; 100_000]).contains("deep.ron:1:"));
    }

    #[test]
    fn a_byte_order_mark_is_no_mistake() {
        assert!(from_text(&format!("\u{feff}{EXAMPLE}")).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// Whatever is done to a file's bytes, it is read or refused with places inside the file, and never more than that.
        #[test]
        fn mutated_files_are_read_or_refused(
            which in 0..BUILT_IN.len(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, "[()\\[\\]{},:\"'0-9a-zA-Z_/*#!\\\\. \n\u{202e}日-]{0,6}"), 1..8),
        ) {
            let mut text: Vec<char> = BUILT_IN[which].source.chars().collect();
            for (index, kind, new) in edits {
                let at = index.index(text.len().max(1)).min(text.len());
                match kind {
                    0 => drop(text.splice(at..at, new.chars())),
                    1 => drop(text.splice(at..(at + new.len()).min(text.len()), new.chars())),
                    2 => drop(text.drain(at..(at + 20).min(text.len()))),
                    _ => text.truncate(at.max(text.len() / 2)),
                }
            }
            let text: String = text.into_iter().collect();
            if let Err(list) = from_text(&text) {
                prop_assert!(!list.is_empty());
                for mistake in list {
                    prop_assert!(mistake.line >= 1 && mistake.line <= text.matches('\n').count() + 1, "{mistake:?}");
                    prop_assert!(!mistake.message.contains(['\n', '\u{1b}', '\u{202e}']), "{mistake:?}");
                }
            }
        }
    }
}
