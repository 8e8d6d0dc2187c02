//! The experiment from options to output: what `loopscope selectors` does. It knows no command line; it is given [`Options`].
//!
//! The command line's own struct, for whoever wires it:
//!
//! ```text
//! /// What epoll, poll and select cost as descriptors grow
//! #[derive(Debug, clap::Args)]
//! pub struct SelectorsArgs {
//!     /// Numbers of idle descriptors, separated by commas
//!     #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [10, 100, 1000, 10_000])]
//!     idle: Vec<usize>,
//!     /// How many are active: numbers, or "all" for no idle ones at all
//!     #[arg(long, value_name = "N|all,...", value_delimiter = ',', default_values_t = [Active::Count(1), Active::Count(100), Active::All])]
//!     active: Vec<Active>,
//!     /// One line for each measurement
//!     #[arg(long, group = "format")]
//!     csv: bool,
//!     /// Everything, as one JSON object
//!     #[arg(long, group = "format")]
//!     json: bool,
//!     /// Tables to copy out
//!     #[arg(long, group = "format")]
//!     markdown: bool,
//!     /// Also measure what the claims need, and fail (exit code 1) where one is broken
//!     #[arg(long)]
//!     check: bool,
//! }
//! ```
//!
//! `run` answers whether to exit with 0 (true) or 1 (false); an `Options::validate` error is wrong usage, exit code 2.

use std::io::Write;

use anyhow::Context as _;

use super::claims::{self, Evidence};
use super::descriptors::Room;
use super::facts::{self, Facts};
use super::measure::{Effort, measure};
use super::point::{Active, MOST, Point};
use super::report::{Cut, Machine, Report};
use super::series::{Series, collect};
use crate::base::clock::Clock;
use crate::base::units::Nanos;

/// What is measured and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Numbers of idle descriptors.
    pub idle: Vec<usize>,
    /// For each of them, how many are active.
    pub active: Vec<Active>,
    /// How it is shown.
    pub format: Format,
    /// Also measures what the claims need, and answers false where one is broken.
    pub check: bool,
    /// How much is done for a result.
    pub effort: Effort,
    /// For how long the busy loop is watched.
    pub window: Nanos,
}

/// A form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned tables.
    #[default]
    Text,
    /// One line for each measurement.
    Csv,
    /// One object.
    Json,
    /// Tables to copy out.
    Markdown,
}

/// The most different points in one run.
const POINTS: usize = 200;

impl Default for Options {
    fn default() -> Self {
        Self {
            idle: vec![10, 100, 1000, 10_000],
            active: vec![Active::Count(1), Active::Count(100), Active::All],
            format: Format::Text,
            check: false,
            effort: Effort::THOROUGH,
            window: Nanos::millis(100),
        }
    }
}

impl Options {
    /// Looks for what no machine could do.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub fn validate(&self) -> Result<(), String> {
        if self.idle.is_empty() || self.active.is_empty() {
            return Err("nothing to measure: give at least one number of idle and one of active descriptors".to_owned());
        }
        if let Some(size) = self.idle.iter().find(|size| **size > MOST) {
            return Err(format!("{size} idle descriptors are too many: the most is {MOST}"));
        }
        if self.active.contains(&Active::All) && self.idle.contains(&0) {
            return Err("all of 0 descriptors are none: leave 0 or \"all\" out".to_owned());
        }
        if self.idle.len().saturating_mul(self.active.len()) > POINTS {
            return Err(format!("too many points: at most {POINTS} pairs of idle and active"));
        }
        Ok(())
    }

    /// The points to measure where there is room for so many descriptors, in order, none twice; and what had to be cut for it.
    pub fn points(&self, room: usize) -> (Vec<Point>, Vec<Cut>) {
        let asked = self.idle.iter().flat_map(|&size| self.active.iter().map(move |&active| Point { size, active }));
        let mut asked: Vec<Point> = asked.chain(self.check.then(claims::needs).into_iter().flatten()).collect();
        asked.sort_unstable();
        asked.dedup();
        let measured: Vec<Option<Point>> = asked.iter().map(|point| point.within(room)).collect();
        let cut = asked.iter().zip(&measured).filter(|(asked, measured)| Some(**asked) != **measured);
        let cut = cut.map(|(asked, measured)| Cut { asked: *asked, measured: *measured }).collect();
        let mut points: Vec<Point> = measured.into_iter().flatten().collect();
        points.sort_unstable();
        points.dedup();
        (points, cut)
    }
}

/// What was measured and observed, without a judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered {
    /// What was measured.
    pub series: Vec<Series>,
    /// What was observed.
    pub facts: Facts,
}

/// How much is done for each place that a claim names: enough for a ratio, in a second or two.
const CLAIMED: Effort = Effort { rounds: 5, batches: 5, batch: Nanos::micros(300), at_most: Nanos::secs(3) };

/// Measures these places, as far as the limits of the machine go, and observes the facts.
///
/// # Errors
/// What opening descriptors and asking says; `Interrupted` when `progress` said no.
pub fn gather(clock: &Clock, points: &[Point], progress: &mut dyn FnMut(f64) -> bool) -> anyhow::Result<Gathered> {
    let room = Room::make().context("cannot find out how many descriptors this process may have")?;
    let facts = facts::observe(clock, Nanos::millis(100)).context("cannot observe what the selectors do")?;
    let points: Vec<Point> = points.iter().copied().filter(|point| point.total() <= room.free).collect();
    let mut series = Vec::new();
    collect(&mut series, measure(clock, &points, CLAIMED, progress).context("cannot measure the selectors")?);
    Ok(Gathered { series, facts })
}

/// Does the whole experiment: makes room, measures, observes, judges.
///
/// # Errors
/// Options that make no sense; what opening descriptors and asking says.
pub fn experiment(options: &Options, progress: &mut dyn FnMut(f64) -> bool) -> anyhow::Result<Report> {
    options.validate().map_err(anyhow::Error::msg)?;
    let clock = Clock::start();
    let room = Room::make().context("cannot find out how many descriptors this process may have")?;
    let (points, cut) = options.points(room.free);
    // First, while descriptors are few: select can only be asked about low ones.
    let facts = facts::observe(&clock, options.window).context("cannot observe what the selectors do")?;
    let measured = measure(&clock, &points, options.effort, progress).context("cannot measure the selectors")?;
    let mut series = Vec::new();
    collect(&mut series, measured);
    let verdicts = claims::judge(&Evidence { series: &series, facts: &facts });
    Ok(Report { machine: machine(room), cut, series, facts, verdicts })
}

/// Does it and writes it. The answer is whether it is fine: no claim broken, or none checked.
///
/// # Errors
/// As [`experiment`], and what writing says.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<bool> {
    let report = experiment(options, &mut |_| true)?;
    match options.format {
        Format::Text => report.text(out),
        Format::Csv => report.csv(out),
        Format::Json => report.json(out),
        Format::Markdown => report.markdown(out),
    }
    .context("cannot write the result")?;
    Ok(!options.check || report.holds())
}

fn machine(room: Room) -> Machine {
    let name = rustix::system::uname();
    Machine {
        kernel: format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        limit: room.limit,
        debug: cfg!(debug_assertions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::descriptors::tests::alone;

    #[test]
    fn points_are_cut_to_the_room_and_none_is_measured_twice() {
        let options =
            Options { idle: vec![50_000, 10, 20_000, 10], active: vec![Active::Count(1), Active::Count(100)], ..Options::default() };
        let (points, cut) = options.points(15_000);
        let expected = [(10, 1), (14_999, 1), (10, 100), (14_900, 100)].map(|(size, n)| Point { size, active: Active::Count(n) });
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(points, expected);
        assert_eq!(cut.len(), 4, "{cut:?}");
        let (points, cut) = options.points(50);
        assert_eq!(points, [Point { size: 10, active: Active::Count(1) }, Point { size: 49, active: Active::Count(1) }]);
        assert!(cut.iter().any(|c| c.measured.is_none()));
    }

    #[test]
    fn a_check_measures_what_the_claims_need() {
        let options = Options { idle: vec![7], active: vec![Active::Count(3)], check: true, ..Options::default() };
        let (points, _) = options.points(20_000);
        assert!(claims::needs().iter().all(|need| points.contains(need)));
        assert!(points.contains(&Point { size: 7, active: Active::Count(3) }));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let fine = Options::default();
        assert_eq!(fine.validate(), Ok(()));
        for wrong in [
            Options { idle: Vec::new(), ..fine.clone() },
            Options { active: Vec::new(), ..fine.clone() },
            Options { idle: vec![MOST + 1], ..fine.clone() },
            Options { idle: vec![0], active: vec![Active::All], ..fine.clone() },
            Options { idle: (0..=POINTS).collect(), active: vec![Active::Count(1)], ..fine.clone() },
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
            assert!(run(&wrong, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn each_format_comes_from_a_real_run() {
        let _alone = alone();
        let effort = Effort { rounds: 1, batches: 1, ..Effort::QUICK };
        let small = Options { idle: vec![0, 20], active: vec![Active::Count(2)], window: Nanos::millis(5), effort, ..Options::default() };
        for (format, start) in [
            (Format::Text, "Linux "),
            (Format::Csv, "selector,idle,active,"),
            (Format::Json, "{"),
            (Format::Markdown, "# epoll, poll and select"),
        ] {
            let mut out = Vec::new();
            assert!(run(&Options { format, ..small.clone() }, &mut out).unwrap(), "nothing was checked");
            let text = String::from_utf8(out).unwrap();
            assert!(text.starts_with(start), "{text}");
            assert!(text.contains("poll"));
        }
    }
}
