//! The architecture, held to what the map in `lib.rs` says: which layer may import which, who may use `unsafe`, read the clock, sleep or exit.
//!
//! It reads the source as text: what stands in comments, in strings and behind `#[cfg(test)]` does not count.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A layer and what it may import: a layer, or a part of one (`layer::module`). `*` is everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("http", &["base"]),
    ("telemetry", &["base"]),
    ("selectors", &["base"]),
    ("specimen", &["base", "http", "telemetry"]),
    ("load", &["base", "http", "telemetry"]),
    ("world", &["base", "telemetry"]),
    (
        "command",
        &[
            "base",
            "selectors",
            "specimen::control",
            "specimen::faults",
            "specimen::mitigations",
            "load::plan",
            "telemetry::vocabulary",
            "world",
        ],
    ),
    (
        "scenario",
        &[
            "base",
            "command",
            "selectors",
            "specimen::config",
            "specimen::control",
            "specimen::faults",
            "specimen::mitigations",
            "specimen::models",
            "specimen::source",
            "load::plan",
            "telemetry::vocabulary",
            "world",
        ],
    ),
    ("lab", &["base", "http", "telemetry", "selectors", "specimen", "load", "world", "command", "scenario"]),
    (
        "scope",
        &[
            "base",
            "command",
            "scenario",
            "world",
            "selectors",
            "telemetry::vocabulary",
            "telemetry::event",
            "specimen::control",
            "specimen::faults",
            "specimen::handlers",
            "specimen::mitigations",
            "specimen::models",
            "specimen::config",
            "specimen::source",
        ],
    ),
    ("output", &["base", "command", "scenario", "world", "telemetry::vocabulary"]),
    ("app", &["base", "http", "telemetry", "selectors", "specimen", "load", "world", "command", "scenario", "lab", "scope", "output"]),
    ("cli", &["*"]),
];

/// Something that only some files may use.
struct Rule {
    /// What must not stand in the code.
    words: &'static [&'static str],
    /// Files and folders (ending in `/`) where it may stand all the same, each with its reason.
    except: &'static [(&'static str, &'static str)],
    /// What the rule says.
    says: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        words: &["unsafe "],
        except: &[("base/raw.rs", "maps shared memory and reads the cycle counter")],
        says: "only base::raw is unsafe",
    },
    Rule {
        words: &["Instant", "SystemTime", "clock_gettime"],
        except: &[("base/clock.rs", "is the clock")],
        says: "only base::clock reads time",
    },
    Rule {
        words: &["thread::sleep"],
        except: &[
            ("specimen/faults/", "a fault may park the loop"),
            ("specimen/models/house.rs", "a thread that serves one connection waits with it"),
            ("base/clock.rs", "measures the counter over 10 ms"),
        ],
        says: "only faults sleep, and threads that hold nobody up",
    },
    Rule { words: &["process::exit"], except: &[], says: "only main ends the process, by returning" },
];

/// A source file with everything taken out that is no code of the program's own; its lines keep their numbers.
struct Source {
    /// Below `src/`.
    path: String,
    text: String,
    code: String,
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let all: Vec<Source> = paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let code = code_of(&text);
            Source { path: path.strip_prefix(&root).unwrap().to_string_lossy().into_owned(), text, code }
        })
        .collect();
    let of_tests: Vec<String> = all.iter().flat_map(test_modules).collect();
    all.into_iter().filter(|source| !of_tests.contains(&source.path)).collect()
}

/// The files that belong to a module which exists in tests only: `#[cfg(test)] mod tests;`.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.rsplit_once('/') {
        Some((folder, "mod.rs")) => format!("{folder}/"),
        Some((folder, file)) => format!("{folder}/{}/", file.trim_end_matches(".rs")),
        None => String::new(),
    };
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].split_once("mod ")?.1.strip_suffix(';'))
        .flat_map(|name| [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")])
        .collect()
}

/// The code without comments, without what stands in strings, and without what is compiled for tests only.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                let hashes = code.chars().rev().take_while(|c| *c == '#').count();
                let raw = code.trim_end_matches('#').ends_with('r');
                code.push('"');
                let mut run = None;
                while let Some(c) = chars.next() {
                    if c == '\n' {
                        code.push('\n');
                    }
                    match c {
                        '\\' if !raw => {
                            if chars.next() == Some('\n') {
                                code.push('\n');
                            }
                        }
                        '"' if !raw || hashes == 0 => break,
                        '"' => run = Some(0),
                        '#' if run.is_some() => {
                            run = run.map(|n| n + 1);
                            if run == Some(hashes) {
                                break;
                            }
                        }
                        _ => run = None,
                    }
                }
                code.push('"');
            }
            '\'' if !previous.is_alphanumeric() => {
                // A character, or a lifetime, which has no closing quote.
                let ahead: String = chars.clone().take(12).collect();
                let literal = ahead.strip_prefix('\\').and_then(|rest| rest.find('\'')).map(|n| n + 2);
                let length = literal.or_else(|| (ahead.chars().nth(1) == Some('\'')).then_some(2));
                for _ in 0..length.unwrap_or(0) {
                    chars.next();
                }
            }
            c => code.push(c),
        }
        previous = c;
    }
    without_tests(&code)
}

/// The code without its inline modules of tests; their lines stay, empty.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, tests) = rest.split_at(at);
        kept.push_str(before);
        let opens = tests.find(['{', ';']).unwrap_or(tests.len());
        let mut depth = 0;
        let end = tests[opens..].char_indices().find(|(_, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        let end = end.map_or(tests.len(), |(n, _)| opens + n + 1);
        kept.extend(tests[..end].chars().filter(|c| *c == '\n'));
        rest = &tests[end..];
    }
    kept + rest
}

/// What a piece of code imports from the top: `layer::first`, each with its line. Both `crate::` and as many `super::` as lead there.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let parts = source.path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    let up = "super::".repeat(parts);
    let mut found = Vec::new();
    for root in ["crate::", up.as_str()] {
        for (at, _) in source.code.match_indices(root) {
            let before = source.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                continue;
            }
            let line = source.code[..at].matches('\n').count() + 1;
            for path in heads(&source.code[at + root.len()..], 2) {
                found.push((line, path));
            }
        }
    }
    found
}

/// The beginnings of a path, so many words long; a group in braces has several.
fn heads(text: &str, words: usize) -> Vec<String> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut entries = vec![String::new()];
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    entries.push(String::new());
                    continue;
                }
                _ => {}
            }
            if let Some(entry) = entries.last_mut() {
                entry.push(c);
            }
        }
        return entries.iter().filter(|entry| !entry.trim().is_empty()).flat_map(|entry| heads(entry, words)).collect();
    }
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = &text[word.len()..];
    match rest.strip_prefix("::") {
        Some(rest) if words > 1 => heads(rest, words - 1).into_iter().map(|tail| format!("{word}::{tail}")).collect(),
        _ => vec![word],
    }
}

#[test]
fn arrows_only_point_where_the_map_says() {
    let mut wrong = String::new();
    for source in sources() {
        let Some((layer, _)) = source.path.split_once('/') else {
            assert!(["lib.rs", "main.rs"].contains(&source.path.as_str()), "src/{} is in no layer", source.path);
            continue;
        };
        let Some((_, may)) = ARROWS.iter().find(|(name, _)| *name == layer) else {
            let _ = writeln!(wrong, "src/{}: {layer} is no layer of the map", source.path);
            continue;
        };
        for (line, path) in imports(&source) {
            let target = path.split("::").next().unwrap_or_default();
            let fine = target == layer
                || may.contains(&"*")
                || may.contains(&target)
                || may.contains(&path.as_str())
                // A name that is no layer: a macro, or an item at the top.
                || !ARROWS.iter().any(|(name, _)| *name == target);
            if !fine {
                let _ = writeln!(wrong, "src/{}:{line}: {layer} must not import {path}", source.path);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_layer_is_in_the_map() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for module in map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(ARROWS.iter().any(|(name, _)| *name == module), "{module} has no arrows");
        assert!(map.contains(&format!("//! | [`{module}`]")), "{module} is not in the map at the head of lib.rs");
    }
}

#[test]
fn what_only_some_may_do_nobody_else_does() {
    let mut wrong = String::new();
    for source in sources() {
        for rule in RULES {
            if rule.except.iter().any(|(path, _)| source.path == *path || (path.ends_with('/') && source.path.starts_with(path))) {
                continue;
            }
            for (n, line) in source.code.lines().enumerate() {
                if let Some(word) = rule.words.iter().find(|word| line.contains(**word)) {
                    let _ = writeln!(wrong, "src/{}:{}: {}, and here stands {}", source.path, n + 1, rule.says, word.trim());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_exception_is_still_needed() {
    let sources = sources();
    for rule in RULES {
        for (path, reason) in rule.except {
            let mut files = sources.iter().filter(|s| s.path == *path || (path.ends_with('/') && s.path.starts_with(path)));
            let used = files.any(|source| rule.words.iter().any(|word| source.code.contains(word)));
            assert!(used || path.ends_with('/'), "{path} ({reason}) no longer needs its exception from: {}", rule.says);
        }
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    let without: Vec<String> = sources().into_iter().filter(|source| !source.text.starts_with("//!")).map(|source| source.path).collect();
    assert!(without.is_empty(), "these files do not open with //! : {without:?}");
}

#[test]
fn the_reader_of_sources_sees_code_and_nothing_else() {
    let code = code_of(
        "use crate::a::b; // crate::comment\nlet s = \"crate::string \\\" \";\nlet r = r#\"crate::raw\"#;\nlet c = '\"'; let l: &'a str;\n#[cfg(test)]\nmod tests {\n  use crate::test;\n}\nuse crate::after;\n",
    );
    let source = Source { path: "x/y.rs".into(), text: String::new(), code };
    assert_eq!(imports(&source), [(1, "a::b".to_owned()), (9, "after".to_owned())]);
    assert_eq!(heads("{a::b::c, d::{e, f::g}}", 2), ["a::b", "d::e", "d::f"]);
    let up = Source { path: "x/y.rs".into(), text: String::new(), code: "super::super::z::k; super::near::k;".into() };
    assert_eq!(imports(&up), [(1, "z::k".to_owned())]);
}
