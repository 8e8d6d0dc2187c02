//! `loopscope compare`: models, or the specimens of a scenario, side by side without a screen.
//!
//! Each comparison is a scenario that is played to the end of its script; what it came to is what the Compare screen would show then.

use std::io::IsTerminal;

use anyhow::Context;
use clap::Args as Group;

use super::check::environment;
use super::headless;
use super::progress::{Board, Progress};
use super::scope::{refuse, warn_of_address};
use super::settings::Place;
use super::signal::Signal;
use super::{Ended, complain, say};
use crate::base::clock::Clock;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::lab::limits::{Machine, Servers, TooMany};
use crate::lab::{self, Lab};
use crate::output::side_by_side::{Record, Report, SCHEMA, Sheet};
use crate::scenario::Scenario;
use crate::scenario::catalogue::{self, COMPARISONS, Entry};
use crate::scenario::schema::{Role, words};

/// All comparisons of the models together end within this time: one that would not is left out, and that is said.
const WITHIN: Nanos = Nanos::secs(60);
/// What starting its servers and clients takes on a machine that is not very busy.
const TO_START: Nanos = Nanos::secs(3);
/// Columns of text where standard output is no terminal.
const COLUMNS: usize = 100;

/// What `compare` is told.
#[derive(Clone, Debug, Group)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Compare {
    /// A scenario to compare the specimens of: an id, or a RON file; without one, the four models under three loads
    #[arg(value_name = "FILE|ID")]
    scenario: Option<String>,
    /// Tables to copy out
    #[arg(long, group = "format")]
    markdown: bool,
    /// Everything, as one JSON object
    #[arg(long, group = "format")]
    json: bool,
    /// One line for each figure
    #[arg(long, group = "format")]
    csv: bool,
    /// No progress on standard error
    #[arg(short, long)]
    quiet: bool,
    /// The address that the specimens listen on; by default 127.0.0.1
    #[arg(long, value_name = "ADDRESS", env = "LOOPSCOPE_BIND")]
    pub bind: Option<std::net::IpAddr>,
    /// The port of the first specimen; by default 7070 or the next free one
    #[arg(long, env = "LOOPSCOPE_PORT")]
    pub port: Option<u16>,
}

/// Compares, and prints what was found as soon as it is.
pub fn run(options: &Compare, place: &Place, lang: Lang) -> anyhow::Result<Ended> {
    let scenarios = match &options.scenario {
        Some(name) => match catalogue::find(name) {
            Ok(found) => vec![found.scenario],
            Err(error) => return Ok(refuse(&error, lang)),
        },
        None => COMPARISONS.iter().map(Entry::scenario).collect::<Result<Vec<Scenario>, _>>()?,
    };
    warn_of_address(place.bind, lang);
    let signal = Signal::watch().context("watching for signals")?;
    let clock = Clock::start();
    let board = Board::new(1, 1, options.quiet, lang);
    let mut comparisons = Vec::new();
    for (n, scenario) in scenarios.iter().enumerate() {
        if options.scenario.is_none() && clock.now() + scenario.end() + TO_START > WITHIN {
            complain(&out_of_time(scenario, lang));
            continue;
        }
        let (scenario, left_out) = within_limits(scenario, &Machine::here());
        let mut progress = Progress::new(&scenario.id, &board);
        let compared = match play(&scenario, place, &signal, &mut progress) {
            Ok(lab) => Ok(Compared::of(lab.as_ref(), &scenario, &left_out, lang)),
            Err(error) => Err(error),
        };
        progress.finish(false);
        let Compared { record, sheet } = match compared {
            Ok(compared) => compared,
            Err(error) => match error.downcast_ref::<headless::Interrupted>() {
                Some(interrupted) => {
                    complain(&error.to_string());
                    return Ok(Ended::Interrupted(interrupted.0));
                }
                None => return Err(error.context(scenario.id.clone())),
            },
        };
        let between = if n == 0 { "" } else { "\n" };
        if options.markdown {
            say(&format!("{between}{}", sheet.markdown())).context("standard output")?;
        } else if !options.json && !options.csv {
            say(&format!("{between}{}", sheet.text(columns()))).context("standard output")?;
        }
        comparisons.push(record);
    }
    let report = Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        environment: environment(1),
        took_ms: clock.now().as_millis(),
        comparisons,
    };
    if options.json {
        say(&report.json()?).context("standard output")?;
    } else if options.csv {
        say(&report.csv()).context("standard output")?;
    }
    Ok(Ended::Fine)
}

/// What a comparison came to, for machines and for people.
struct Compared {
    record: Record,
    sheet: Sheet,
}

impl Compared {
    fn of(lab: Option<&Lab>, scenario: &Scenario, left_out: &[(String, TooMany)], lang: Lang) -> Self {
        let words = |lang| -> Vec<String> {
            let colon = if lang == Lang::Zh { "：" } else { ": " };
            left_out.iter().map(|(name, no)| format!("{name}{colon}{}", no.words(lang))).collect()
        };
        match lab.map(Lab::world) {
            Some(world) => Self {
                record: Record::of(world, scenario, words(Lang::En)),
                sheet: Sheet::of(world, scenario, 0, lang).without(words(lang)),
            },
            None => Self { record: Record::of_nobody(scenario, words(Lang::En)), sheet: Sheet::of_nobody(scenario, lang, words(lang)) },
        }
    }
}

/// The scenario without those servers that cannot hold here what it comes to, and why they cannot.
fn within_limits(scenario: &Scenario, machine: &Machine) -> (Scenario, Vec<(String, TooMany)>) {
    let asked = scenario.script.iter().filter_map(|cue| if let Command::Connections(n) = cue.command { Some(n) } else { None });
    let wanted = asked.max().unwrap_or(0).max(scenario.load.connections);
    let (mut left, mut servers, mut left_out) = (scenario.clone(), Servers::default(), Vec::new());
    left.specimens.retain(|specimen| {
        let with = servers.and(specimen.model, 0);
        match machine.allows(with, wanted) {
            _ if specimen.role != Role::Server => true,
            Ok(()) => {
                servers = with;
                true
            }
            Err(no) => {
                left_out.push((specimen.name.clone(), no));
                false
            }
        }
    });
    left.script.retain(|cue| left_out.iter().all(|(name, _)| cue.specimen.as_ref() != Some(name)));
    (left, left_out)
}

/// Plays the script to its end; nothing where nobody is left to be loaded.
fn play(scenario: &Scenario, place: &Place, signal: &Signal, progress: &mut Progress<'_>) -> anyhow::Result<Option<Lab>> {
    if scenario.specimens.iter().all(|specimen| specimen.role != Role::Server) {
        return Ok(None);
    }
    let options = lab::Options { bind: place.bind, port: place.port, history: None, ..lab::Options::default() };
    let mut lab = Lab::start(scenario, &options).context("the lab did not start")?;
    let mut wait = || signal.wait();
    headless::Run::begin(&mut lab, scenario, progress, &mut wait)?.play()?;
    Ok(Some(lab))
}

fn columns() -> usize {
    let stdout = std::io::stdout();
    let asked = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
    asked.map_or(COLUMNS, |size| usize::from(size.ws_col)).max(40)
}

fn out_of_time(scenario: &Scenario, lang: Lang) -> String {
    let (id, title) = (&scenario.id, words(&scenario.title, lang));
    match lang {
        Lang::En => format!("{title}: left out, or all would take longer than {WITHIN}; `loopscope compare {id}` runs it alone"),
        Lang::Zh => format!("{title}：略过，否则总时间会超过 {WITHIN}；`loopscope compare {id}` 可单独运行"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_hold_what_is_asked_for_is_left_out_with_the_reason() {
        let all = |id: &str| catalogue::find(id).unwrap().scenario;
        let names = |scenario: &Scenario| scenario.specimens.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        let machine = Machine::with_threads(5_000);
        let (left, out) = within_limits(&all("models-idle"), &machine);
        assert_eq!(names(&left), ["loop", "pool", "workers"]);
        assert!(out.len() == 1 && out[0].0 == "threads" && out[0].1.limit.name == "kernel.threads-max", "{out:?}");
        // In their turns, sixteen each: all can.
        let (left, out) = within_limits(&all("models-cpu-bound"), &machine);
        assert!(left == all("models-cpu-bound") && out.is_empty());
        // The cues of who is left out go with it.
        let (left, _) = within_limits(&all("models-cpu-bound"), &Machine::with_threads(3));
        assert!(left.script.iter().all(|cue| cue.specimen.as_deref() != Some("threads")) && left.script.len() == 5, "{left:?}");
        let alone = Scenario { specimens: left.specimens.iter().filter(|s| s.name == "threads").cloned().collect(), ..left };
        let compared = Compared::of(None, &alone, &out_of(&machine), Lang::Zh);
        assert!(compared.sheet.text(80).contains("kernel.threads-max") && compared.record.left_out[0].contains("too many here"));
    }

    fn out_of(machine: &Machine) -> Vec<(String, TooMany)> {
        within_limits(&catalogue::find("models-idle").unwrap().scenario, machine).1
    }
}
