//! The scenarios that are built in: the lessons in the order of the curriculum, and what `compare` runs; how one is found by its id or its file.

use std::path::{Path, PathBuf};

use super::load;
use super::mistake::{Mistakes, nearest};
use super::schema::Scenario;

/// One built-in scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id, which is also the name of its file.
    pub id: &'static str,
    /// Its text.
    pub source: &'static str,
}

macro_rules! built_in {
    ($folder:literal: $($id:literal),+ $(,)?) => {
        &[$(Entry { id: $id, source: include_str!(concat!("../../scenarios/", $folder, $id, ".ron")) }),+]
    };
}

/// What the models are compared under, in this order: no lessons, and they teach nothing by themselves.
pub const COMPARISONS: &[Entry] = built_in!["comparisons/": "models-cpu-bound", "models-io-bound", "models-idle", "loop-50000-idle"];

/// All lessons, in their order.
pub const BUILT_IN: &[Entry] = built_in!["":
    "01-healthy-loop",
    "02-non-blocking",
    "03-drain",
    "04-computing-callback",
    "05-endless-loop",
    "06-panic",
    "07-rejected-promise",
    "08-callback-pyramid",
    "09-descriptor-leak",
    "10-closure-leak",
    "11-fairness",
    "12-timers",
    "13-slow-senders",
    "14-overload",
    "15-backpressure",
    "16-ten-thousand-idle",
    "17-cpu-bound",
    "18-io-bound",
    "19-computing-callback-by-model",
    "20-blast-radius",
    "21-shared-state",
    "22-workers",
    "23-selectors",
];

/// A scenario and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The scenario.
    pub scenario: Scenario,
    /// Its file; nothing where it is built in.
    pub file: Option<PathBuf>,
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// Neither an id nor a file.
    #[error("{}", no_such(name))]
    NoSuch {
        /// What was asked for.
        name: String,
    },
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

impl Entry {
    /// The scenario itself.
    ///
    /// # Errors
    /// What is wrong with its text; for those that are built in, the tests see to it that nothing is.
    pub fn scenario(&self) -> Result<Scenario, Mistakes> {
        load::from_text(self.source).map_err(|list| Mistakes { file: format!("scenarios/{}.ron", self.id).into(), list })
    }
}

/// The scenario of an id, or of a file: the id wins; what holds a `/` or ends in `.ron` is a file.
///
/// # Errors
/// There is none, or it is wrong.
pub fn find(name: &str) -> Result<Found, NotFound> {
    if let Some(entry) = BUILT_IN.iter().chain(COMPARISONS).find(|entry| entry.id == name) {
        return Ok(Found { scenario: entry.scenario()?, file: None });
    }
    let path = Path::new(name);
    let is_file = name.contains('/') || path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("ron"));
    if !is_file && !path.is_file() {
        return Err(NotFound::NoSuch { name: name.into() });
    }
    Ok(Found { scenario: load::from_file(path)?, file: Some(path.into()) })
}

fn no_such(name: &str) -> String {
    let ids: Vec<&str> = BUILT_IN.iter().chain(COMPARISONS).map(|entry| entry.id).collect();
    // A word of an id is as good as the id: "panic" means "06-panic".
    let meant = nearest(name, ids.iter().copied()).or_else(|| ids.iter().copied().find(|id| !name.is_empty() && id.contains(name)));
    let hint = meant.map(|id| format!("; did you mean {id:?}?")).unwrap_or_default();
    format!("{name:?} is neither a file nor a built-in scenario; built in: {}{hint}", ids.join(", "))
}

/// The entry after, or before, the one of this id, going round.
pub fn neighbour(id: &str, step: isize) -> &'static Entry {
    let count = BUILT_IN.len() as isize;
    let at = BUILT_IN.iter().position(|entry| entry.id == id).map_or(if step > 0 { -1 } else { 0 }, |at| at as isize);
    &BUILT_IN[(at + step).rem_euclid(count) as usize]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::base::lang::Lang;
    use crate::base::units::Nanos;
    use crate::command::Command;
    use crate::scenario::schema::{Step, Text};
    use crate::scenario::validate::REVIEW;
    use crate::telemetry::vocabulary::{Fault, Model};

    fn all() -> Vec<Scenario> {
        BUILT_IN.iter().map(|entry| entry.scenario().unwrap_or_else(|mistakes| panic!("{mistakes}"))).collect()
    }

    #[test]
    fn every_scenario_is_right_and_called_by_the_name_of_its_file() {
        let mut ids = HashSet::new();
        for (entry, scenario) in BUILT_IN.iter().zip(all()) {
            assert_eq!(entry.id, scenario.id);
            assert!(ids.insert(entry.id), "{} twice", entry.id);
            assert!(!scenario.expect.is_empty(), "{} claims nothing", entry.id);
            assert!(!scenario.lesson.is_empty(), "{} teaches nothing", entry.id);
        }
        assert!(BUILT_IN.is_sorted_by_key(|entry| entry.id), "the numbers are the order");
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        for (folder, table) in [(folder.clone(), BUILT_IN), (folder.join("comparisons"), COMPARISONS)] {
            for path in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                assert!(table.iter().any(|entry| entry.id == stem), "{stem} is not built in");
            }
        }
    }

    #[test]
    fn the_comparisons_put_all_models_under_one_load_each_within_their_time() {
        let mut time = Nanos::ZERO;
        for entry in COMPARISONS {
            let scenario = entry.scenario().unwrap_or_else(|mistakes| panic!("{mistakes}"));
            assert_eq!((entry.id, scenario.lesson.len()), (scenario.id.as_str(), 0));
            assert!(!scenario.expect.is_empty() && find(entry.id).unwrap().scenario == scenario);
            let models: Vec<Model> = scenario.specimens.iter().map(|specimen| specimen.model.kind()).collect();
            let compared = if entry.id.starts_with("models-") { Model::ALL } else { &[Model::EventLoop] };
            assert_eq!(models, compared, "{}", entry.id);
            for lang in Lang::ALL {
                let texts = scenario.specimens.iter().map(|specimen| &specimen.title).chain([&scenario.title, &scenario.summary]);
                assert!(texts.into_iter().all(|text| text.contains_key(lang.code())), "{}", entry.id);
            }
            time += scenario.end();
        }
        assert!(time <= Nanos::secs(45), "with what it takes to start everything, it must end within a minute: {time}");
    }

    #[test]
    fn every_text_is_there_in_every_language() {
        let complete = |text: &Text, what: &str| {
            for lang in Lang::ALL {
                assert!(text.contains_key(lang.code()), "{what}: no {lang} beside {text:?}");
            }
        };
        for scenario in all() {
            complete(&scenario.title, &scenario.id);
            complete(&scenario.summary, &scenario.id);
            for specimen in &scenario.specimens {
                complete(&specimen.title, &scenario.id);
            }
            for step in &scenario.lesson {
                match step {
                    Step::Say(text) => complete(text, &scenario.id),
                    Step::Predict { ask, choices, because, see, found, .. } => {
                        let see = see.as_ref().map(|see| &see.say);
                        choices.iter().chain([ask, because]).chain(see).chain(found).for_each(|text| complete(text, &scenario.id));
                    }
                    Step::Try { say, .. } => complete(say, &scenario.id),
                    Step::Task(task) => task.hints.iter().chain([&task.say]).for_each(|text| complete(text, &scenario.id)),
                }
            }
            scenario.review.iter().for_each(|q| [&q.ask, &q.answer].into_iter().for_each(|text| complete(text, &scenario.id)));
        }
    }

    #[test]
    fn every_lesson_predicts_measures_sets_a_task_and_asks_three_questions() {
        for scenario in all() {
            let steps = |is: fn(&Step) -> bool| scenario.lesson.iter().filter(|step| is(step)).count();
            assert!(steps(|step| matches!(step, Step::Predict { .. })) >= 1, "{} asks nothing", scenario.id);
            let compared = steps(|step| matches!(step, Step::Predict { found: Some(_), .. }));
            assert!(compared >= 1, "{} compares no answer with what was measured", scenario.id);
            assert_eq!(steps(|step| matches!(step, Step::Task(_))), 1, "{} has no task, or several", scenario.id);
            assert_eq!(scenario.review.len(), REVIEW, "{}", scenario.id);
        }
    }

    /// Faults whose lesson is still to be written. The test fails when one of them has got its lesson.
    const WITHOUT_LESSON: &[Fault] = &[];

    #[test]
    fn every_fault_has_its_lesson() {
        let shown: HashSet<Fault> = all()
            .iter()
            .flat_map(|scenario| {
                let injected = scenario.script.iter().filter_map(|cue| match cue.command {
                    Command::Inject(setting) => Some(setting.kind()),
                    _ => None,
                });
                let standing = scenario.specimens.iter().flat_map(|specimen| specimen.faults.iter().map(|setting| setting.kind()));
                injected.chain(standing).collect::<Vec<_>>()
            })
            .collect();
        for fault in Fault::ALL {
            assert_eq!(!shown.contains(fault), WITHOUT_LESSON.contains(fault), "{fault}");
        }
    }

    #[test]
    fn a_scenario_is_found_by_its_id_or_its_file() {
        assert_eq!(find("06-panic").unwrap().file, None);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/06-panic.ron");
        assert_eq!(find(file).unwrap().scenario, find("06-panic").unwrap().scenario);
        let message = |name: &str| find(name).unwrap_err().to_string();
        assert!(message("06-pannic").contains("did you mean \"06-panic\"?"));
        assert!(message("panic").contains("did you mean \"06-panic\"?"));
        assert!(message("zzz").contains("built in: 01-healthy-loop, "));
        assert!(message("none.ron").contains("none.ron:1:1: cannot be opened"));
    }

    #[test]
    fn lessons_follow_one_another_in_a_round() {
        let (first, last) = (BUILT_IN[0], BUILT_IN[BUILT_IN.len() - 1]);
        assert_eq!((*neighbour(last.id, 1), *neighbour(first.id, -1)), (first, last));
        assert_eq!(*neighbour("someone's own", 1), first);
        assert_eq!(*neighbour("someone's own", -1), last);
    }
}
