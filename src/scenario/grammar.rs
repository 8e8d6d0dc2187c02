//! From RON text to a [`Scenario`], or to everything that keeps it from being one.
//!
//! The deserializer stops at its first error. So that a file's errors come all at once, a text that is RON at all is then read again part by
//! part (each specimen, each cue, each step, each expectation) and each part may have its own.

use ron::error::SpannedError;
use serde::de::DeserializeOwned;

use super::experiment::Experiment;
use super::mistake::{Mistake, excerpt, valid_words};
use super::outline::{Outline, line_column, offset_of};
use super::schema::{Cue, Expectation, Question, Scenario, Specimen, Step, Text};
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::command::table::COMMANDS;
use crate::load::plan::Load;

/// RON as scenarios use it: a value stands for `Some` of it, and `Task(...)` for a step that is a task.
fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME | ron::extensions::Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// Reads a scenario's text.
///
/// # Errors
/// Every mistake that was found, in the order of the text; at least one.
pub fn read(source: &str, outline: Option<&Outline<'_>>) -> Result<Scenario, Vec<Mistake>> {
    let first = match options().from_str(source) {
        Ok(scenario) => return Ok(scenario),
        Err(error) => mistake(source, outline, &error, 0),
    };
    let mut mistakes = outline.map(|outline| part_by_part(source, outline)).unwrap_or_default();
    if !mistakes.contains(&first) {
        mistakes.push(first);
    }
    mistakes.sort();
    Err(mistakes)
}

/// Reads any text of this kind that is one value; its first mistake where it is none.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse<T: DeserializeOwned>(source: &str, outline: Option<&Outline<'_>>) -> Result<T, Mistake> {
    options().from_str(source).map_err(|error| mistake(source, outline, &error, 0))
}

/// The mistakes of each part by itself.
fn part_by_part(source: &str, outline: &Outline<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for item in &outline.root().items {
        let (Some(key), value) = (item.key.clone().and_then(|key| source.get(key)), &item.value) else { continue };
        let elements = value.items.iter().map(|element| &element.value);
        let whole = std::iter::once(value);
        let list = source[value.span.clone()].starts_with('[');
        match key {
            "id" => each::<String>(source, outline, whole, &mut found),
            "title" | "summary" => each::<Text>(source, outline, whole, &mut found),
            "experiment" => each::<Option<Experiment>>(source, outline, whole, &mut found),
            "load" => each::<Load>(source, outline, whole, &mut found),
            "stall_threshold" => each::<Nanos>(source, outline, whole, &mut found),
            "specimens" if list => each::<Specimen>(source, outline, elements, &mut found),
            "script" if list => each::<Cue>(source, outline, elements, &mut found),
            "lesson" if list => each::<Step>(source, outline, elements, &mut found),
            "review" if list => each::<Question>(source, outline, elements, &mut found),
            "expect" if list => each::<Expectation>(source, outline, elements, &mut found),
            _ => {}
        }
    }
    found
}

fn each<'n, T: DeserializeOwned>(
    source: &str,
    outline: &Outline<'_>,
    nodes: impl Iterator<Item = &'n super::outline::Node>,
    found: &mut Vec<Mistake>,
) {
    for node in nodes {
        let text = source.get(node.span.clone()).unwrap_or_default();
        if let Err(error) = options().from_str::<T>(text) {
            found.push(mistake(source, Some(outline), &error, node.span.start));
        }
    }
}

/// The deserializer's error in our words. `base` is where the text that it read begins in the source.
fn mistake(source: &str, outline: Option<&Outline<'_>>, error: &SpannedError, base: usize) -> Mistake {
    use ron::Error as E;
    let read = source.get(base..).unwrap_or_default();
    let mut offset = base + offset_of(read, error.span.start.line, error.span.start.col);
    // Some errors stand before the white space that precedes what they speak of.
    offset += source.get(offset..).unwrap_or_default().bytes().take_while(u8::is_ascii_whitespace).count();
    let here = source.get(offset..).unwrap_or_default();
    let found = outline.map_or(here, |outline| {
        let node = outline.around(offset);
        if node.span.start == offset { source.get(node.span.clone()).unwrap_or(here) } else { here }
    });
    let found = if found.trim().is_empty() { "the end of the file".to_owned() } else { excerpt(found) };
    let what = outline.and_then(|outline| outline.key_around(offset)).map(|key| format!("{key}: ")).unwrap_or_default();
    let message = match &error.code {
        E::NoSuchStructField { expected, found, outer } => {
            format!("unknown field {found:?}{}{}", in_outer(outer.as_deref()), valid_words(found, expected))
        }
        E::NoSuchEnumVariant { expected, found, outer } => {
            let kind = outer.as_deref().map_or("word", kind_of);
            let valid: Vec<&str> = if kind == "command" { scriptable(expected) } else { expected.to_vec() };
            format!("unknown {kind} {found:?}{}", valid_words(found, &valid))
        }
        E::MissingStructField { field, outer } => {
            if let Some(outline) = outline {
                offset = outline.around(offset).span.start;
            }
            format!("field {field:?} is missing{}", in_outer(outer.as_deref()))
        }
        E::DuplicateStructField { field, outer } => format!("field {field:?} stands twice{}", in_outer(outer.as_deref())),
        E::ExpectedDifferentStructName { expected, found } => {
            format!("expected {expected}(...), found {}(...); the word may be left out", excerpt(found))
        }
        E::ExpectedFloat if found.starts_with('"') => {
            format!("{what}expected a number without quotes, found {found}; times of figures are in milliseconds, shares from 0 to 1")
        }
        E::InvalidValueForType { expected, found } => format!("{what}expected {expected}, found {}", excerpt(found)),
        E::IntegerOutOfBounds => format!("{what}{found} is out of range"),
        E::ExpectedInteger => format!("{what}expected a whole number, found {found}"),
        E::ExpectedFloat => format!("{what}expected a number, found {found}"),
        E::ExpectedString if found.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{what}expected text in quotes, found {found}; a time has its unit, such as \"{found}ms\" or \"{found}s\"")
        }
        E::ExpectedString => format!("{what}expected text in quotes, found {found}"),
        E::ExpectedMap => format!("{what}expected texts such as {{ \"en\": \"...\", \"zh\": \"...\" }}, found {found}"),
        E::ExpectedArray => format!("{what}expected a list in [ ], found {found}"),
        E::ExpectedBoolean => format!("{what}expected true or false, found {found}"),
        E::ExpectedComma => format!("{what}expected a comma or the end of the bracket, found {found}"),
        E::ExpectedNamedStructLike(name) => format!("{what}expected {name}(...), found {found}"),
        E::Message(text) => {
            if let Some(outline) = outline {
                offset = outline.around(offset).span.start;
            }
            format!("{what}{}", visible(text))
        }
        other => {
            let other = other.to_string();
            let rest = other.trim_start_matches(char::is_uppercase);
            format!("{what}{}{rest}, found {found}", other[..other.len() - rest.len()].to_lowercase())
        }
    };
    let (line, column) = line_column(source, offset);
    Mistake::new(line, column, &message)
}

fn in_outer(outer: Option<&str>) -> String {
    outer.map(|outer| format!(" in {outer}")).unwrap_or_default()
}

/// The commands among these words that a script may use: no use in offering the others.
fn scriptable(words: &[&'static str]) -> Vec<&'static str> {
    let in_script = |word: &str| COMMANDS.iter().any(|row| row.script && row.sample().is_some_and(|sample| sample.variant() == word));
    words.iter().copied().filter(|word| in_script(word)).collect()
}

/// What a set of words is called outside of the code.
fn kind_of(outer: &str) -> &str {
    match outer {
        "MitigationSetting" | "Mitigation" => "mitigation",
        "FaultSetting" | "Fault" => "fault",
        "Command" => "command",
        "Expectation" => "expectation",
        "Step" => "lesson step",
        "Figure" => "figure",
        "StallKind" => "kind of stall",
        "ModelSetting" => "model",
        "Share" => "way to share a port",
        "Outcome" => "outcome",
        "TriggerSetting" => "trigger",
        "Habit" => "habit of the selectors",
        other => other,
    }
}
