//! `loopscope progress`: what has been done of the lessons, and forgetting it.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::args::Standing as Options;
use super::{Ended, complain, say};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::output::check::pad;
use crate::scenario::catalogue::{BUILT_IN, Entry};
use crate::scenario::chinese;
use crate::scenario::mistake::nearest;
use crate::scenario::progress::{Progress, Standing, Store};
use crate::scenario::schema::{Scenario, words};

/// One lesson, for machines. A promise like the JSON of `check`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a str,
    title: &'a str,
    done: bool,
    steps_seen: usize,
    steps: usize,
    answers_right: usize,
    answers_given: usize,
    questions: usize,
    tasks_solved_alone: usize,
    tasks_solved: usize,
    tasks: usize,
    reviewed: usize,
    review_questions: usize,
}

/// Shows the progress, or forgets it.
pub fn run(options: &Options, lang: Lang) -> anyhow::Result<Ended> {
    let store = Store::of(|name| std::env::var(name).ok()).context("neither XDG_STATE_HOME nor HOME says where the progress would lie")?;
    if let Some(id) = &options.reset {
        return reset(&store, id.as_deref(), options.yes, lang);
    }
    let (progress, aside) = store.load()?;
    if let Some(aside) = aside {
        let (file, aside) = (visible(&store.path().display().to_string()), visible(&aside.display().to_string()));
        complain(&match lang {
            Lang::En => format!("{file} could not be understood and now lies in {aside}"),
            Lang::Zh => format!("{file} 无法读懂,已改名保存为 {aside}"),
        });
    }
    let scenarios = BUILT_IN.iter().map(Entry::scenario).collect::<Result<Vec<Scenario>, _>>()?;
    let standings: Vec<(&Scenario, Standing)> = scenarios.iter().map(|s| (s, standing(&progress, s))).collect();
    let text = if options.json { as_json(&standings, lang)? } else { as_table(&standings, lang) };
    say(&text).context("standard output")?;
    Ok(Ended::Fine)
}

fn standing(progress: &Progress, scenario: &Scenario) -> Standing {
    progress.of(&scenario.id).cloned().unwrap_or_default().standing(scenario)
}

/// Forgets a lesson or all of them, once that is really meant.
fn reset(store: &Store, id: Option<&str>, yes: bool, lang: Lang) -> anyhow::Result<Ended> {
    let known: Vec<String> = {
        let lessons = store.load()?.0.lessons;
        BUILT_IN.iter().map(|entry| entry.id.to_owned()).chain(lessons.into_keys()).collect()
    };
    if let Some(id) = id.filter(|id| known.iter().all(|known| known != id)) {
        let meant = nearest(id, known.iter().map(String::as_str)).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
        complain(&chinese::told(&format!("there is no lesson {:?}{meant}", visible(id)), lang));
        return Ok(Ended::Wrong);
    }
    let what = match (id, lang) {
        (Some(id), Lang::En) => format!("the progress of {id}"),
        (None, Lang::En) => "the progress of all lessons".to_owned(),
        (Some(id), Lang::Zh) => format!("{id} 的学习进度"),
        (None, Lang::Zh) => "所有课程的学习进度".to_owned(),
    };
    if !yes {
        if !io::stdin().is_terminal() {
            complain(match lang {
                Lang::En => "nobody is here to be asked: say --yes to forget without a question",
                Lang::Zh => "这里没有人可以问:加上 --yes 就不再询问",
            });
            return Ok(Ended::Wrong);
        }
        let question = match lang {
            Lang::En => format!("Forget {what}? [y/N] "),
            Lang::Zh => format!("清除{what}?[y/N] "),
        };
        write!(io::stderr().lock(), "{question}").context("standard error")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).context("standard input")?;
        if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(Ended::Fine);
        }
    }
    let forgotten = store.forget(id)?;
    say(&match (forgotten, lang) {
        (true, Lang::En) => format!("forgotten: {what}\n"),
        (true, Lang::Zh) => format!("已清除:{what}\n"),
        (false, Lang::En) => "there was nothing to forget\n".to_owned(),
        (false, Lang::Zh) => "没有可清除的进度\n".to_owned(),
    })
    .context("standard output")?;
    Ok(Ended::Fine)
}

fn as_json(standings: &[(&Scenario, Standing)], lang: Lang) -> anyhow::Result<String> {
    let listed: Vec<Listed<'_>> = standings
        .iter()
        .map(|(scenario, standing)| Listed {
            id: &scenario.id,
            title: words(&scenario.title, lang),
            done: standing.is_done(),
            steps_seen: standing.steps.0,
            steps: standing.steps.1,
            answers_right: standing.right.0,
            answers_given: standing.right.1,
            questions: standing.right.2,
            tasks_solved_alone: standing.solved.0,
            tasks_solved: standing.solved.1,
            tasks: standing.solved.2,
            reviewed: standing.reviewed.0,
            review_questions: standing.reviewed.1,
        })
        .collect();
    Ok(serde_json::to_string_pretty(&listed)? + "\n")
}

fn as_table(standings: &[(&Scenario, Standing)], lang: Lang) -> String {
    let heads = match lang {
        Lang::En => ["", "lesson", "steps", "right", "task", "review"],
        Lang::Zh => ["", "课程", "步骤", "答对", "任务", "复习"],
    };
    let task = |standing: &Standing| match (standing.solved, lang) {
        ((_, _, 0), _) => "–",
        ((alone, _, all), Lang::En) if alone == all => "solved",
        ((alone, _, all), Lang::Zh) if alone == all => "已解决",
        ((_, solved, all), Lang::En) if solved == all => "shown",
        ((_, solved, all), Lang::Zh) if solved == all => "看过答案",
        _ => "",
    };
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(standings.iter().map(|(scenario, standing)| {
        [
            if standing.is_done() { "✓" } else { " " }.to_owned(),
            scenario.id.clone(),
            format!("{}/{}", standing.steps.0, standing.steps.1),
            format!("{}/{}", standing.right.0, standing.right.2),
            task(standing).to_owned(),
            format!("{}/{}", standing.reviewed.0, standing.reviewed.1),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let done = standings.iter().filter(|(_, standing)| standing.is_done()).count();
    let summary = match lang {
        Lang::En => format!("{done} of {} lessons done", standings.len()),
        Lang::Zh => format!("{} 课中已完成 {done} 课", standings.len()),
    };
    rows.iter().map(line).chain([String::new(), summary]).collect::<Vec<_>>().join("\n") + "\n"
}
