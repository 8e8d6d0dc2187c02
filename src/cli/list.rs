//! `loopscope list`: the built-in scenarios.

use anyhow::Context;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{Ended, say};
use crate::base::lang::Lang;
use crate::output::check::pad;
use crate::scenario::catalogue::{BUILT_IN, Entry};
use crate::scenario::schema::{Scenario, words};

/// One scenario, for machines. A promise like the JSON of `check`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a str,
    title: &'a str,
    summary: &'a str,
    specimens: Vec<&'a str>,
    duration_ms: f64,
    expectations: usize,
}

/// Lists them.
pub fn run(json: bool, lang: Lang) -> anyhow::Result<Ended> {
    let scenarios = BUILT_IN.iter().map(Entry::scenario).collect::<Result<Vec<Scenario>, _>>()?;
    let text = if json { as_json(&scenarios, lang)? } else { as_table(&scenarios, lang) };
    say(&text).context("standard output")?;
    Ok(Ended::Fine)
}

fn as_json(scenarios: &[Scenario], lang: Lang) -> anyhow::Result<String> {
    let listed: Vec<Listed<'_>> = scenarios
        .iter()
        .map(|scenario| Listed {
            id: &scenario.id,
            title: words(&scenario.title, lang),
            summary: words(&scenario.summary, lang),
            specimens: scenario.specimens.iter().map(|specimen| specimen.name.as_str()).collect(),
            duration_ms: scenario.end().as_millis(),
            expectations: scenario.expect.len(),
        })
        .collect();
    Ok(serde_json::to_string_pretty(&listed)? + "\n")
}

fn as_table(scenarios: &[Scenario], lang: Lang) -> String {
    let width = |column: &dyn Fn(&Scenario) -> usize| scenarios.iter().map(column).max().unwrap_or(0);
    let (ids, titles) = (width(&|s| s.id.width()), width(&|s| words(&s.title, lang).width()));
    let line = |scenario: &Scenario| {
        let (id, title) = (pad(&scenario.id, ids), pad(words(&scenario.title, lang), titles));
        format!("{id}  {title}  {}", words(&scenario.summary, lang))
    };
    scenarios.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}
