//! Specimens side by side, to copy out or to read without a screen: the load, the figures, and the difference in words.
//!
//! The figures and what is more than noise are [`crate::scenario::compare`]'s: table and screen never disagree. [`Sheet`] is one comparison in
//! words, as text or as Markdown; [`Record`] is the same for machines, in English and in bare numbers.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::check::{Environment, pad};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::count;
use crate::scenario::Scenario;
use crate::scenario::compare::{self, ROWS, Unit};
use crate::scenario::schema::words;
use crate::telemetry::vocabulary::Model;
use crate::world::World;

/// The version of the JSON.
pub const SCHEMA: u32 = 1;

/// The comparison in this language, as Markdown; the others are compared with the specimen at `reference`.
pub fn markdown(world: &World, scenario: &Scenario, reference: usize, lang: Lang) -> String {
    Sheet { summary: String::new(), ..Sheet::of(world, scenario, reference, lang) }.markdown()
}

/// One comparison in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What it is called.
    pub title: String,
    /// What it is about; may be empty.
    pub summary: String,
    /// What all of them were asked, with marks around paths.
    load: String,
    /// The specimens' names, then a line for each figure: its name, and what it is of each of them.
    rows: Vec<Vec<String>>,
    /// What tells one from the one that it is compared with.
    told: Vec<String>,
    /// Who could not take part, and why.
    left_out: Vec<String>,
}

impl Sheet {
    /// What these specimens came to, compared with the one at `reference`.
    pub fn of(world: &World, scenario: &Scenario, reference: usize, lang: Lang) -> Self {
        let places = compare::compared(scenario, world);
        let reference = if places.contains(&reference) { reference } else { places.first().copied().unwrap_or(0) };
        let specimens = || places.iter().filter_map(|n| world.specimens.get(*n));
        let line = |name: &str, of: &dyn Fn(&crate::world::Specimen) -> String| -> Vec<String> {
            std::iter::once(name.to_owned()).chain(specimens().map(of)).collect()
        };
        let mut rows = vec![line("", &|s| visible(&s.name))];
        if specimens().any(|s| s.model.0 != Model::EventLoop) {
            let head = match lang {
                Lang::En => "model",
                Lang::Zh => "模型",
            };
            rows.push(line(head, &|s| model(s.model)));
        }
        let measured = ROWS.iter().filter(|row| specimens().any(|s| row.value(world, s).is_some()));
        rows.extend(measured.map(|row| line(row.name.get(lang), &|s| row.shown(world, s))));
        let against = compare::name_of(world, reference);
        let told = compare::told(scenario, world, reference, lang).into_iter().filter_map(|(place, said)| {
            let (name, said) = (compare::name_of(world, place), said?);
            Some(match lang {
                Lang::En => format!("{name} against {against}: {said}"),
                Lang::Zh => format!("{name} 与 {against} 相比：{said}"),
            })
        });
        Self {
            title: words(&scenario.title, lang).to_owned(),
            summary: words(&scenario.summary, lang).to_owned(),
            load: load(world, scenario, lang),
            told: told.collect(),
            rows,
            left_out: Vec::new(),
        }
    }

    /// A comparison in which nobody could take part.
    pub fn of_nobody(scenario: &Scenario, lang: Lang, left_out: Vec<String>) -> Self {
        let (title, summary) = (words(&scenario.title, lang).to_owned(), words(&scenario.summary, lang).to_owned());
        Self { title, summary, load: String::new(), rows: Vec::new(), told: Vec::new(), left_out }
    }

    /// With who could not take part, and why.
    #[must_use]
    pub fn without(self, left_out: Vec<String>) -> Self {
        Self { left_out, ..self }
    }

    /// As Markdown, to copy out.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", plain(&self.title));
        for paragraph in [plain(&self.summary), self.load.clone()].iter().filter(|paragraph| !paragraph.is_empty()) {
            let _ = writeln!(text, "{paragraph}\n");
        }
        for (n, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if n == 0 {
                let _ = writeln!(text, "| ---{} |", " | ---:".repeat(row.len() - 1));
            }
        }
        for said in self.told.iter().chain(&self.left_out) {
            let _ = writeln!(text, "\n- {}", plain(said));
        }
        text
    }

    /// As text for a terminal of so many columns.
    pub fn text(&self, columns: usize) -> String {
        let mut text = format!("{}\n", visible(&self.title));
        for paragraph in [visible(&self.summary), self.load.replace('`', "")].iter().filter(|paragraph| !paragraph.is_empty()) {
            fold(&mut text, paragraph, columns, "  ", "  ");
        }
        text.push('\n');
        let wide = |n: usize| self.rows.iter().map(|row| row.get(n).map_or(0, |cell| cell.width())).max().unwrap_or(0);
        for row in &self.rows {
            let mut line = format!("  {}", pad(&row[0], wide(0)));
            for (n, cell) in row.iter().enumerate().skip(1) {
                let _ = write!(line, "  {}{cell}", " ".repeat(wide(n) - cell.width()));
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push('\n');
        for said in self.told.iter().chain(&self.left_out) {
            fold(&mut text, said, columns, "  ", "    ");
        }
        text
    }
}

/// One paragraph in so many columns. What has no spaces is broken where it must be.
fn fold(text: &mut String, paragraph: &str, columns: usize, first: &str, others: &str) {
    let most = columns.max(40);
    let mut line = first.to_owned();
    let mut empty = true;
    let mut word = |text: &mut String, word: &str, space: bool| {
        let gap = usize::from(space && !empty);
        if !empty && line.width() + gap + word.width() > most {
            let _ = writeln!(text, "{line}");
            others.clone_into(&mut line);
        } else if gap > 0 {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    };
    for part in paragraph.split_whitespace() {
        // Chinese has no spaces: it breaks between any two characters, but not before what closes a sentence.
        let mut run = String::new();
        let mut space = true;
        for c in part.chars() {
            let wide = !c.is_ascii();
            if wide && !run.is_empty() && !"，。、；：！？）".contains(c) {
                word(text, &run, space);
                run.clear();
                space = false;
            }
            run.push(c);
        }
        word(text, &run, space);
    }
    let _ = writeln!(text, "{line}");
}

fn model((model, size): (Model, u32)) -> String {
    if size > 1 { format!("{model} × {size}") } else { model.to_string() }
}

fn load(world: &World, scenario: &Scenario, lang: Lang) -> String {
    let load = &scenario.load;
    let mix: Vec<String> = load.mix.iter().map(|row| format!("`{}` × {}", row.path, row.weight)).collect();
    // The script, or a key, may have asked for more of them, or fewer.
    let clients = world.specimens.iter().map(|specimen| specimen.clients.clients).max().filter(|clients| *clients > 0);
    let (clients, seed, mix) = (clients.unwrap_or(load.connections), load.seed, mix.join(", "));
    match (lang, load.rate) {
        (Lang::En, Some(rate)) => format!("{clients} clients, {} requests/s: {mix}; seed {seed}", count(rate)),
        (Lang::En, None) => format!("{clients} clients in closed loop: {mix}; seed {seed}"),
        (Lang::Zh, Some(rate)) => format!("{clients} 个客户端，每秒 {} 个请求：{mix}；种子 {seed}", count(rate)),
        (Lang::Zh, None) => format!("{clients} 个客户端，闭环：{mix}；种子 {seed}"),
    }
}

/// Text that no table takes for its own.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// All that one `compare` found, for machines. A promise like the JSON of `check`: fields are added, never renamed or removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of loopscope.
    pub version: &'static str,
    /// Where it ran.
    pub environment: Environment,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The comparisons, in their order.
    pub comparisons: Vec<Record>,
}

/// One comparison for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// The scenario's id.
    pub id: String,
    /// Its title, in English.
    pub title: String,
    /// What all of them were asked.
    pub load: String,
    /// Events that were lost: with any, figures may be too small.
    pub lost: u64,
    /// The specimens, the one that the others are compared with first.
    pub specimens: Vec<Measured>,
    /// What tells each of the others from the first, in words.
    pub differences: Vec<String>,
    /// Who could not take part, and why.
    pub left_out: Vec<String>,
}

/// The figures of one specimen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// The model that it is built on.
    pub model: &'static str,
    /// How many threads or processes that has; 0: as many as it takes.
    pub size: u32,
    /// What was measured, by its id: times in milliseconds, rates per second, shares from 0 to 1, memory in KiB.
    pub figures: BTreeMap<&'static str, f64>,
}

impl Record {
    /// A comparison in which nobody could take part.
    pub fn of_nobody(scenario: &Scenario, left_out: Vec<String>) -> Self {
        let title = words(&scenario.title, Lang::En).to_owned();
        Self { id: scenario.id.clone(), title, load: String::new(), lost: 0, specimens: Vec::new(), differences: Vec::new(), left_out }
    }

    /// What these specimens came to.
    pub fn of(world: &World, scenario: &Scenario, left_out: Vec<String>) -> Self {
        let sheet = Sheet::of(world, scenario, 0, Lang::En);
        let places = compare::compared(scenario, world);
        let figures = |specimen| {
            let value = |row: &compare::Row| Some((row.id, row.value(world, specimen).map(|value| bare(row.unit, value))?));
            ROWS.iter().filter_map(value).filter(|(_, value)| value.is_finite()).collect()
        };
        let specimens = places.iter().filter_map(|n| world.specimens.get(*n)).map(|s| Measured {
            name: s.name.clone(),
            model: s.model.0.name(),
            size: s.model.1,
            figures: figures(s),
        });
        Self {
            id: scenario.id.clone(),
            title: sheet.title,
            load: sheet.load.replace('`', ""),
            lost: world.lost,
            specimens: specimens.collect(),
            differences: sheet.told,
            left_out,
        }
    }
}

impl Report {
    /// As JSON.
    ///
    /// # Errors
    /// None that its fields could cause.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// As CSV: a line for each figure.
    pub fn csv(&self) -> String {
        let mut text = String::from("comparison,specimen,model,figure,unit,value\n");
        for record in &self.comparisons {
            for specimen in &record.specimens {
                for row in ROWS {
                    if let Some(value) = specimen.figures.get(row.id) {
                        let _ = writeln!(text, "{},{},{},{},{},{value}", record.id, specimen.name, specimen.model, row.id, unit(row.unit));
                    }
                }
            }
        }
        text
    }
}

fn bare(unit: Unit, value: f64) -> f64 {
    if unit == Unit::Time { value / 1e6 } else { value }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "ms",
        Unit::Rate => "1/s",
        Unit::Share => "share",
        Unit::Memory => "KiB",
        Unit::Count => "count",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Nanos;
    use crate::scenario::load::from_text;
    use crate::world::testing::Story;

    fn compared(names: &str) -> (World, Scenario) {
        let names: Vec<&str> = names.split(' ').collect();
        let specimens: Vec<String> =
            names.iter().map(|name| format!("(name: \"{name}\"{})", if *name == "db" { ", role: Upstream" } else { "" })).collect();
        let scenario = from_text(&format!(
            "(id: \"x\", title: {{ \"en\": \"One | other\", \"zh\": \"比较\" }}, summary: {{ \"en\": \"What it shows, in a few words more than fit.\", \
             \"zh\": \"它说明了什么，比一行能放下的还要多几个字，所以要在合适的地方断开。\" }}, specimens: [{}], load: (connections: 64, rate: 2000))",
            specimens.join(", ")
        ));
        let scenario = scenario.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        (Story::new(&names).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(2)).world(), scenario)
    }

    fn copied(names: &str, lang: Lang, reference: usize) -> String {
        let (world, scenario) = compared(names);
        markdown(&world, &scenario, reference, lang)
    }

    #[test]
    fn the_table_is_markdown_with_a_cell_for_each_specimen_that_is_compared() {
        for lang in Lang::ALL {
            for (names, bars) in [("naive", 3), ("naive pool", 4), ("naive db pool sliced", 5)] {
                let text = copied(names, *lang, 0);
                let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
                assert!(rows.len() > 8 && rows.iter().all(|row| row.matches('|').count() == bars), "{text}");
            }
        }
        assert!(copied("naive", Lang::En, 0).starts_with("## One \\| other\n\n64 clients, 2.0 k requests/s: `/` × 1; seed 1\n"));
    }

    #[test]
    fn the_others_are_told_from_the_one_that_was_chosen() {
        let text = copied("naive pool", Lang::En, 0);
        assert!(text.contains("- pool against naive: p99 ") && text.contains("times lower"), "{text}");
        let text = copied("naive pool", Lang::En, 1);
        assert!(text.contains("- naive against pool: ") && text.contains("times higher"), "{text}");
        assert!(copied("naive pool", Lang::Zh, 0).contains("- pool 与 naive 相比："));
        assert!(copied("naive db", Lang::En, 1).lines().all(|line| !line.starts_with('-')), "an upstream is compared with nobody");
    }

    #[test]
    fn text_is_aligned_and_no_wider_than_it_may_be() {
        let (world, scenario) = compared("naive pool");
        for lang in Lang::ALL {
            for columns in [60, 80, 200] {
                let sheet = Sheet::of(&world, &scenario, 0, *lang).without(vec!["somebody: has no place".into()]);
                let text = sheet.text(columns);
                assert!(text.lines().all(|line| line.width() <= columns), "{text}");
                assert!(text.ends_with("  somebody: has no place\n") && text.contains("pool "), "{text}");
                let table: Vec<&str> = text.split("\n\n").nth(1).unwrap().lines().collect();
                assert!(table.len() > 8 && table.iter().all(|line| line.width() == table[0].width()), "{text}");
            }
        }
    }

    #[test]
    fn machines_get_bare_numbers_with_their_units() {
        let (world, scenario) = compared("naive db pool");
        let record = Record::of(&world, &scenario, vec!["x: why".into()]);
        let names: Vec<&str> = record.specimens.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["naive", "pool"]);
        let longest = record.specimens[0].figures["longest-callback"];
        assert!((800.0..900.0).contains(&longest), "in milliseconds: {longest}");
        assert!(record.differences[0].starts_with("pool against naive: "), "{:?}", record.differences);
        let environment = Environment { kernel: "6".into(), processors: 2, jobs: 1, debug_build: true };
        let report = Report { schema: SCHEMA, version: "0", environment, took_ms: 1.0, comparisons: vec![record] };
        let value: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(value["comparisons"][0]["specimens"][1]["model"], "event-loop");
        assert_eq!(value["comparisons"][0]["left_out"][0], "x: why");
        let csv = report.csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines.len() > 16 && lines.iter().all(|line| line.matches(',').count() == 5), "{csv}");
        assert!(lines.contains(&format!("x,naive,event-loop,longest-callback,ms,{longest}").as_str()), "{csv}");
    }
}
