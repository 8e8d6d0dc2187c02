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
use crate::lab::{self, Lab};
use crate::output::side_by_side::{Record, Report, SCHEMA, Sheet};
use crate::scenario::Scenario;
use crate::scenario::catalogue::{self, COMPARISONS, Entry};
use crate::scenario::schema::words;

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
            Err(error) => return Ok(refuse(&error)),
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
        let mut progress = Progress::new(&scenario.id, &board);
        let played = play(scenario, place, &signal, &mut progress);
        progress.finish(false);
        let lab = match played {
            Ok(lab) => lab,
            Err(error) => match error.downcast_ref::<headless::Interrupted>() {
                Some(interrupted) => {
                    complain(&error.to_string());
                    return Ok(Ended::Interrupted(interrupted.0));
                }
                None => return Err(error.context(scenario.id.clone())),
            },
        };
        let record = Record::of(lab.world(), scenario, Vec::new());
        let sheet = Sheet::of(lab.world(), scenario, 0, lang);
        // Its processes end before the next comparison begins, and before anybody is kept waiting by a slow reader.
        drop(lab);
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

fn play(scenario: &Scenario, place: &Place, signal: &Signal, progress: &mut Progress<'_>) -> anyhow::Result<Lab> {
    let options = lab::Options { bind: place.bind, port: place.port, history: None, ..lab::Options::default() };
    let mut lab = Lab::start(scenario, &options).context("the lab did not start")?;
    let mut wait = || signal.wait();
    headless::Run::begin(&mut lab, scenario, progress, &mut wait)?.play()?;
    Ok(lab)
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
