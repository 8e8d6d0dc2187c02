//! The experiment as text, CSV, JSON and Markdown. It renders what was measured and judges nothing.
//!
//! Text and Markdown show the same grids: for each number of active descriptors the time of a call, and what a call copies and
//! leaves to be searched; then the facts and the claims. CSV has one line for each measurement, JSON has everything.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::claims::{Judgement, Verdict};
use super::facts::{Facts, Interest, Reader};
use super::kinds::{SELECTORS, Selector};
use super::point::{Active, Point};
use super::series::{Cost, Measurement, Outcome, Series, find};
use crate::base::units::{Nanos, bytes};

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where it was measured.
    pub machine: Machine,
    /// Points that this machine's limits made smaller, or impossible.
    pub cut: Vec<Cut>,
    /// What was measured.
    pub series: Vec<Series>,
    /// What was observed.
    pub facts: Facts,
    /// What was judged.
    pub verdicts: Vec<Verdict>,
}

/// Below this many nanoseconds the clock itself is all that a single time shows.
const FINEST: f64 = 10.0;

/// Where it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The kernel's name and release.
    pub kernel: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The hard limit on this process's descriptors (`RLIMIT_NOFILE`).
    pub limit: u64,
    /// Whether the program was built without optimization: then finding the ready ones takes much longer than it should.
    pub debug: bool,
}

/// A point that did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// What was asked for.
    pub asked: Point,
    /// What was measured instead; nothing where not even the active ones fit.
    pub measured: Option<Point>,
}

impl Report {
    /// Whether no claim is broken.
    pub fn holds(&self) -> bool {
        !self.verdicts.iter().any(|v| matches!(v.judgement, Judgement::Broken(_)))
    }

    /// As aligned text, for people.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in self.heading() {
            writeln!(out, "{line}")?;
        }
        for section in self.sections() {
            writeln!(out, "\n{}\n", section.title)?;
            section.grid.text(out)?;
            for note in &section.notes {
                writeln!(out, "  {note}")?;
            }
        }
        Ok(())
    }

    /// As Markdown, to copy out.
    pub fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# epoll, poll and select")?;
        for line in self.heading() {
            writeln!(out, "\n{line}")?;
        }
        for section in self.sections() {
            writeln!(out, "\n## {}\n", section.title)?;
            section.grid.markdown(out)?;
            if !section.notes.is_empty() {
                writeln!(out)?;
            }
            for note in &section.notes {
                writeln!(out, "- {}", escaped(note))?;
            }
        }
        Ok(())
    }

    /// One line for each measurement, times in nanoseconds; empty fields where it was not possible, and the reason at the end.
    pub fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "selector,idle,active,call_ns,fast_ns,slow_ns,find_ns,bytes_into,bytes_out,returned,exact,batches,calls,not_possible"
        )?;
        for m in self.series.iter().flat_map(|series| &series.points) {
            write!(out, "{},{},{},", m.selector.row().id, m.point.idle(), m.point.ready())?;
            match &m.outcome {
                Outcome::Measured(c) => writeln!(
                    out,
                    "{:.1},{:.1},{:.1},{:.1},{},{},{},{},{},{},",
                    c.call_ns, c.fast_ns, c.slow_ns, c.find_ns, c.copied.into, c.copied.out, c.returned, c.exact, c.batches, c.calls
                )?,
                Outcome::NotPossible(refusal) => {
                    writeln!(out, ",,,,,,,,,,\"{}\"", refusal.to_string().replace('"', "\"\""))?;
                }
            }
        }
        Ok(())
    }

    /// Everything, as one JSON object.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Where it was measured, and what the limits have cut: a sentence each.
    fn heading(&self) -> Vec<String> {
        let Machine { kernel, cores, limit, debug } = &self.machine;
        let mut lines = vec![format!("{kernel}, {cores} cores, at most {limit} descriptors (RLIMIT_NOFILE).")];
        if *debug {
            lines.push("Built without optimization: the times to find the ready ones are too long.".to_owned());
        }
        for Cut { asked, measured } in &self.cut {
            let what = match (asked.active, measured) {
                (Active::All, Some(m)) => format!("{} active descriptors do not fit; {} were measured", asked.size, m.size),
                (Active::Count(n), Some(m)) => {
                    format!("{} idle descriptors beside {n} active do not fit; {} were measured", asked.size, m.size)
                }
                (_, None) => format!("{} active descriptors do not fit and were not measured", asked.ready()),
            };
            lines.push(format!("The limit of {limit}: {what}."));
        }
        lines
    }

    fn sections(&self) -> Vec<Section> {
        let mut actives: Vec<Active> = self.series.iter().map(|series| series.active).collect();
        actives.dedup();
        let mut sections: Vec<Section> = actives.into_iter().flat_map(|active| [self.times(active), self.rest(active)]).collect();
        sections.push(self.facts());
        sections.push(self.claims());
        sections
    }

    fn times(&self, active: Active) -> Section {
        let whose = match active {
            Active::All => "all active".to_owned(),
            Active::Count(n) => format!("{n} active, the others idle"),
        };
        let grid = self.grid(active, &|cost| Nanos(cost.call_ns.round() as u64).to_string());
        Section { title: format!("Time of a call, {whose} (median)"), grid, notes: self.refusals(active) }
    }

    fn rest(&self, active: Active) -> Section {
        let whose = match active {
            Active::All => "all active".to_owned(),
            Active::Count(n) => format!("{n} active"),
        };
        let grid = self.grid(active, &|cost| {
            let copied = bytes(cost.copied.into.saturating_add(cost.copied.out));
            let find = if cost.find_ns < FINEST { format!("< {FINEST} ns") } else { Nanos(cost.find_ns.round() as u64).to_string() };
            format!("{copied} · {find} · {}", cost.returned)
        });
        let title = format!("Bytes a call copies in and out · then finding the ready ones · how many it reported, {whose}");
        Section { title, grid, notes: Vec::new() }
    }

    fn grid(&self, active: Active, cell: &dyn Fn(&Cost) -> String) -> Grid {
        let mut sizes: Vec<usize> =
            self.series.iter().filter(|s| s.active == active).flat_map(|s| &s.points).map(|m| m.point.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let first = if active == Active::All { "active" } else { "idle" };
        let head = std::iter::once(first.to_owned()).chain(SELECTORS.iter().map(|row| row.title.to_owned())).collect();
        let show = |measurement: Option<&Measurement>| match measurement.map(|m| &m.outcome) {
            Some(Outcome::Measured(cost)) => cell(cost),
            Some(Outcome::NotPossible(_)) => "not possible".to_owned(),
            None => "not measured".to_owned(),
        };
        let rows = sizes
            .into_iter()
            .map(|size| {
                let cells = SELECTORS.iter().map(|row| show(find(&self.series, row.selector, active).and_then(|s| s.at(size))));
                std::iter::once(size.to_string()).chain(cells).collect()
            })
            .collect();
        Grid { head, rows, numbers: true }
    }

    /// Why something was not possible, once for each selector: the first size at which it was not.
    fn refusals(&self, active: Active) -> Vec<String> {
        let first = |selector: Selector| {
            let series = find(&self.series, selector, active)?;
            let m = series.points.iter().find(|m| m.refusal().is_some())?;
            Some(format!("{selector} is not possible with {} descriptors: {}", m.point.total(), m.refusal()?))
        };
        SELECTORS.iter().filter_map(|row| first(row.selector)).collect()
    }

    fn facts(&self) -> Section {
        let mut rows = Vec::new();
        for u in &self.facts.unread {
            let reports = u.reports.map_or("not possible".to_owned(), |n| format!("reported by {n} of {} calls", u.calls));
            rows.push(vec!["unread bytes that nobody reads".to_owned(), u.selector.title().to_owned(), reports]);
        }
        for w in &self.facts.writable {
            let how = match w.interest {
                Interest::LevelLeftOn => "level, left on",
                Interest::LevelSwitchedOff => "level, switched off",
                Interest::EdgeLeftOn => "edge, left on",
            };
            rows.push(vec![
                "EPOLLOUT with nothing to send".to_owned(),
                how.to_owned(),
                format!("{} in {}", plural(w.calls, "call"), w.window),
            ]);
        }
        for p in &self.facts.partial {
            let how = match p.reader {
                Reader::EdgeOnce => "edge, one read a report",
                Reader::EdgeUntilEmpty => "edge, until EAGAIN",
                Reader::LevelOnce => "level, one read a report",
            };
            let end = if p.answered { "answered" } else { "hangs" };
            let told = format!("{end}: {} of {} bytes read in {}, {} left", p.read, p.sent, plural(p.wakeups.into(), "wake-up"), p.left);
            rows.push(vec!["request larger than one read".to_owned(), how.to_owned(), told]);
        }
        let wall = &self.facts.wall;
        let refused =
            wall.refusal.as_ref().map_or("this process may not have one".to_owned(), |refusal| format!("not possible: {refusal}"));
        rows.push(vec![format!("one descriptor, number {}", wall.descriptor), "select".to_owned(), refused]);
        let head = ["what", "how", "what came of it"].map(str::to_owned).to_vec();
        Section { title: "What they do".to_owned(), grid: Grid { head, rows, numbers: false }, notes: Vec::new() }
    }

    fn claims(&self) -> Section {
        let rows = self
            .verdicts
            .iter()
            .map(|v| {
                let (mark, because) = match &v.judgement {
                    Judgement::Held(because) => ("holds", because),
                    Judgement::Broken(because) => ("BROKEN", because),
                    Judgement::NotMeasured(because) => ("not measured", because),
                };
                vec![mark.to_owned(), v.says.clone(), because.clone()]
            })
            .collect();
        let head = ["verdict", "claim", "because"].map(str::to_owned).to_vec();
        Section { title: "Claims".to_owned(), grid: Grid { head, rows, numbers: false }, notes: Vec::new() }
    }
}

struct Section {
    title: String,
    grid: Grid,
    notes: Vec<String>,
}

struct Grid {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns of numbers stand to the right.
    numbers: bool,
}

impl Grid {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let wide = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.head.len()).map(wide).collect();
        for row in lines() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let _ = if self.numbers { write!(line, "  {cell:>width$}") } else { write!(line, "  {cell:<width$}") };
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let line = |row: &[String]| format!("| {} |", row.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "));
        writeln!(out, "{}", line(&self.head))?;
        let rule = if self.numbers { "---:" } else { "---" };
        writeln!(out, "|{}", format!(" {rule} |").repeat(self.head.len()))?;
        for row in &self.rows {
            writeln!(out, "{}", line(row))?;
        }
        Ok(())
    }
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Text that Markdown does not take for a table's edge or a tag.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::facts::{Partial, Unread, Wall, Writable};
    use crate::selectors::kinds::{Copied, Refusal};
    use crate::selectors::series::collect;

    fn report() -> Report {
        let point = |size, active| Point { size, active };
        let cost = |call_ns| {
            let copied = Copied { into: 80_000, out: 20_000 };
            Outcome::Measured(Cost {
                call_ns,
                fast_ns: (call_ns * 0.9).round(),
                slow_ns: (call_ns * 1.1).round(),
                find_ns: 5_000.0,
                copied,
                returned: 1,
                exact: true,
                batches: 45,
                calls: 2880,
            })
        };
        let mut series = Vec::new();
        for (size, active) in [(100, Active::Count(1)), (10_000, Active::Count(1)), (100, Active::All)] {
            collect(
                &mut series,
                SELECTORS.iter().map(|row| {
                    let outcome = match row.selector {
                        Selector::Select if size > 1000 => Outcome::NotPossible(Refusal::BeyondSet { descriptor: 1024 }),
                        Selector::Poll => cost(size as f64 * 33.6),
                        _ => cost(290.0),
                    };
                    Measurement { selector: row.selector, point: point(size, active), outcome }
                }),
            );
        }
        let facts = Facts {
            unread: vec![Unread { selector: Selector::EpollEdge, calls: 5, reports: Some(1) }],
            writable: vec![Writable { interest: Interest::LevelLeftOn, window: Nanos::millis(100), calls: 300_000 }],
            partial: vec![Partial { reader: Reader::EdgeOnce, sent: 1000, read: 100, left: 900, wakeups: 1, answered: false }],
            wall: Wall { descriptor: 1024, refusal: Some(Refusal::BeyondSet { descriptor: 1024 }) },
        };
        let verdict = |judgement| Verdict { id: "id".to_owned(), says: "a | claim".to_owned(), judgement };
        Report {
            machine: Machine { kernel: "Linux 6.18".to_owned(), cores: 2, limit: 20_000, debug: false },
            cut: vec![
                Cut { asked: point(50_000, Active::Count(1)), measured: Some(point(19_900, Active::Count(1))) },
                Cut { asked: point(10, Active::Count(30_000)), measured: None },
            ],
            series,
            facts,
            verdicts: vec![verdict(Judgement::Held("figures".to_owned())), verdict(Judgement::NotMeasured("no figures".to_owned()))],
        }
    }

    fn rendered(render: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        render(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_aligned() {
        insta::assert_snapshot!(rendered(|out| report().text(out)));
    }

    #[test]
    fn markdown_can_be_copied_out() {
        insta::assert_snapshot!(rendered(|out| report().markdown(out)));
    }

    #[test]
    fn every_line_of_csv_has_every_field() {
        let csv = rendered(|out| report().csv(out));
        let fields = csv.lines().next().unwrap().split(',').count();
        assert_eq!(csv.lines().count(), 1 + 3 * SELECTORS.len());
        for line in csv.lines() {
            // No field of ours has a comma inside; a quoted reason would be the only one that may.
            assert_eq!(line.split(',').count(), fields, "{line}");
        }
        assert!(csv.contains("select,10000,1,,,,,,,,,,,\"descriptor 1024"), "{csv}");
        assert!(csv.contains("poll,10000,1,336000.0,302400.0,369600.0,5000.0,80000,20000,1,true,45,2880,"), "{csv}");
    }

    #[test]
    fn json_comes_back_as_it_was() {
        let report = report();
        let back: Report = serde_json::from_str(&rendered(|out| report.json(out))).unwrap();
        assert_eq!(back, report);
    }

    #[test]
    fn one_broken_claim_is_enough() {
        let mut report = report();
        assert!(report.holds());
        report.verdicts[1].judgement = Judgement::Broken("figures".to_owned());
        assert!(!report.holds());
        assert!(rendered(|out| report.text(out)).contains("BROKEN"));
    }
}
