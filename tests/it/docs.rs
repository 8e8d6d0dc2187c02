//! The README's tables are made from the program's own; a README that is behind fails here.
//!
//! `UPDATE_DOCS=1 cargo test docs` writes them anew.

use std::fmt::Write;
use std::path::Path;

use loopscope::base::lang::Lang;
use loopscope::cli::teaching::handbook;
use loopscope::command::keymap::Context;
use loopscope::command::table::{COMMANDS, Group, Row};
use loopscope::scenario::catalogue::BUILT_IN;
use loopscope::specimen::faults::FAULTS;
use loopscope::specimen::mitigations::MITIGATIONS;
use loopscope::specimen::models::MODELS;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// All keys of a row, in the order of the table, each once.
fn keys_of(row: &Row, contexts: impl Fn(&Context) -> bool) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for binding in row.keys.iter().filter(|binding| binding.contexts.iter().any(&contexts)) {
        keys.extend(binding.keys.iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
    }
    keys.iter().map(|key| format!("`{}`", cell(key))).collect::<Vec<_>>().join(" ")
}

fn key_table() -> String {
    let mut table = String::from("| key | what it does |\n| --- | --- |\n");
    for (group, title) in
        [(Group::Lab, "**the lab**"), (Group::Lesson, "**the lesson**"), (Group::Time, "**the past**"), (Group::View, "**the view**")]
    {
        let _ = writeln!(table, "| {title} | |");
        for row in COMMANDS.iter().filter(|row| row.group == group) {
            let keys = keys_of(row, |_| true);
            if !keys.is_empty() {
                let _ = writeln!(table, "| {keys} | {} |", cell(row.help.get(Lang::En)));
            }
        }
    }
    table
}

fn lesson_table() -> String {
    let mut table = String::from("| lesson | what it shows |\n| --- | --- |\n");
    for entry in BUILT_IN {
        let scenario = loopscope::scenario::load::from_text(entry.source).expect("a built-in lesson can be read");
        let _ =
            writeln!(table, "| `{}` {} | {} |", entry.id, cell(&scenario.title["en"]), cell(&scenario.summary["en"].replace('\n', " ")));
    }
    table
}

fn fault_table() -> String {
    let mut table = String::from("| fault | what it does | what mends it |\n| --- | --- | --- |\n");
    for row in FAULTS {
        let answers: Vec<String> = row.answers.iter().map(|m| format!("`{}`", m.name())).collect();
        let _ = writeln!(table, "| `{}` | {} | {} |", row.name(), cell(row.about), answers.join(", "));
    }
    table.push_str("\n| mitigation | what it does | what it costs |\n| --- | --- | --- |\n");
    for row in MITIGATIONS {
        let _ = writeln!(table, "| `{}` | {} | {} |", row.name(), cell(row.about), cell(row.price));
    }
    table
}

fn model_table() -> String {
    let mut table = String::from("| model | how it waits for many | what it costs |\n| --- | --- | --- |\n");
    for row in MODELS {
        let _ = writeln!(table, "| `{}` | {} | {} |", row.name(), cell(row.about), cell(row.price));
    }
    table
}

/// The text with what stands between `<!-- name: ... -->` and `<!-- /name -->` replaced.
fn with_section(text: &str, name: &str, body: &str) -> String {
    let open = text.find(&format!("<!-- {name}:")).unwrap_or_else(|| panic!("the README has no section {name}"));
    let from = open + text[open..].find("-->").expect("an end of the comment") + 3;
    let to = from + text[from..].find(&format!("<!-- /{name} -->")).expect("an end of the section");
    format!("{}\n\n{}\n{}", &text[..from], body.trim_end(), &text[to..])
}

#[test]
fn the_readme_s_tables_are_those_of_the_program() {
    let written = std::fs::read_to_string(README).expect("the README");
    let sections = [("keys", key_table()), ("lessons", lesson_table()), ("faults", fault_table()), ("models", model_table())];
    let made = sections.iter().fold(written.clone(), |text, (name, body)| with_section(&text, name, body));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(README, &made).expect("writing the README");
    } else {
        assert!(made == written, "the README's tables are behind: UPDATE_DOCS=1 cargo test docs writes them anew");
    }
}

#[test]
fn every_picture_in_the_readme_exists() {
    let text = std::fs::read_to_string(README).expect("the README");
    let pictures: Vec<&str> = text.split("](assets/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        let path = format!("{}/assets/{picture}", env!("CARGO_MANIFEST_DIR"));
        assert!(Path::new(&path).exists(), "{path}");
    }
}

#[test]
fn the_handbook_for_teachers_is_what_the_program_prints() {
    for (lang, file) in [(Lang::En, "TEACHING.md"), (Lang::Zh, "TEACHING.zh.md")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
        let printed = handbook(lang);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &printed).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == printed, "docs/{file} is behind: UPDATE_DOCS=1 cargo test docs");
    }
}
