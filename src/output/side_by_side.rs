//! Specimens side by side, as Markdown to copy out: the load, the figures, and the difference in words.
//!
//! The figures and what is more than noise are [`crate::scenario::compare`]'s: table and screen never disagree.

use std::fmt::Write;

use crate::base::lang::Lang;
use crate::base::units::count;
use crate::scenario::Scenario;
use crate::scenario::compare::{self, ROWS};
use crate::scenario::schema::words;
use crate::telemetry::vocabulary::Model;
use crate::world::World;

/// The comparison in this language; the others are compared with the specimen at `reference`.
pub fn markdown(world: &World, scenario: &Scenario, reference: usize, lang: Lang) -> String {
    let places = compare::compared(scenario, world);
    let reference = if places.contains(&reference) { reference } else { places.first().copied().unwrap_or(0) };
    let mut text = String::new();
    let _ = writeln!(text, "## {}\n\n{}\n", plain(words(&scenario.title, lang)), load(scenario, lang));
    let mut line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    let specimens = || places.iter().filter_map(|n| world.specimens.get(*n));
    line(&mut std::iter::once(String::new()).chain(specimens().map(|s| plain(&s.name))));
    line(&mut std::iter::once("---".to_owned()).chain(specimens().map(|_| "---:".to_owned())));
    if specimens().any(|s| s.model.0 != Model::EventLoop) {
        let model = |(model, size): (Model, u32)| if size > 1 { format!("{model} × {size}") } else { model.to_string() };
        let head = match lang {
            Lang::En => "model",
            Lang::Zh => "模型",
        };
        line(&mut std::iter::once(head.to_owned()).chain(specimens().map(|s| model(s.model))));
    }
    for row in ROWS.iter().filter(|row| specimens().any(|s| row.value(world, s).is_some())) {
        line(&mut std::iter::once(row.name.get(lang).to_owned()).chain(specimens().map(|s| row.shown(world, s))));
    }
    let against = plain(&compare::name_of(world, reference));
    for (place, said) in compare::told(scenario, world, reference, lang) {
        let (name, said) = (plain(&compare::name_of(world, place)), said.map(|said| plain(&said)));
        let _ = match (lang, said) {
            (Lang::En, Some(said)) => writeln!(text, "\n- {name} against {against}: {said}"),
            (Lang::Zh, Some(said)) => writeln!(text, "\n- {name} 与 {against} 相比：{said}"),
            (_, None) => Ok(()),
        };
    }
    text
}

fn load(scenario: &Scenario, lang: Lang) -> String {
    let load = &scenario.load;
    let mix: Vec<String> = load.mix.iter().map(|row| format!("`{}` × {}", row.path, row.weight)).collect();
    let (clients, seed, mix) = (load.connections, load.seed, mix.join(", "));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Nanos;
    use crate::scenario::load::from_text;
    use crate::world::testing::Story;

    fn copied(names: &str, lang: Lang, reference: usize) -> String {
        let names: Vec<&str> = names.split(' ').collect();
        let specimens: Vec<String> =
            names.iter().map(|name| format!("(name: \"{name}\"{})", if *name == "db" { ", role: Upstream" } else { "" })).collect();
        let scenario = from_text(&format!(
            "(id: \"x\", title: {{ \"en\": \"One | other\", \"zh\": \"比较\" }}, specimens: [{}], load: (connections: 64, rate: 2000))",
            specimens.join(", ")
        ));
        let scenario = scenario.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let world = Story::new(&names).calm(Nanos::secs(2)).stall(Nanos::millis(800)).calm(Nanos::secs(2)).world();
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
}
