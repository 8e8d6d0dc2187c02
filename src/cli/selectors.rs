//! `loopscope selectors`: what epoll, poll and select cost as descriptors grow, without a terminal.

use std::io::{self, Write};

use clap::Args as Group;

use super::{Ended, complain};
use crate::selectors::measure::Effort;
use crate::selectors::point::Active;
use crate::selectors::run::{Format, Options};

/// What `selectors` is told.
#[derive(Clone, Debug, Group)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Selectors {
    /// Numbers of idle descriptors, separated by commas
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = Options::default().idle)]
    idle: Vec<usize>,
    /// How many are active: numbers, or "all" for no idle ones at all
    #[arg(long, value_name = "N|all,...", value_delimiter = ',', default_values_t = Options::default().active)]
    active: Vec<Active>,
    /// One line for each measurement
    #[arg(long, group = "format")]
    csv: bool,
    /// Everything, as one JSON object
    #[arg(long, group = "format")]
    json: bool,
    /// Tables to copy out
    #[arg(long, group = "format")]
    markdown: bool,
    /// Also measure what the claims need, and fail (exit code 1) where one is broken
    #[arg(long)]
    check: bool,
    /// Measure less: about a second, and less exact
    #[arg(long)]
    quick: bool,
}

impl Selectors {
    fn options(&self) -> Options {
        let format = match (self.csv, self.json, self.markdown) {
            (true, ..) => Format::Csv,
            (_, true, _) => Format::Json,
            (_, _, true) => Format::Markdown,
            _ => Format::Text,
        };
        let effort = if self.quick { Effort::QUICK } else { Effort::THOROUGH };
        Options { idle: self.idle.clone(), active: self.active.clone(), format, check: self.check, effort, ..Options::default() }
    }
}

/// Measures and shows it.
///
/// # Errors
/// Where descriptors cannot be had, or standard output cannot be written.
pub(super) fn run(selectors: &Selectors) -> anyhow::Result<Ended> {
    let options = selectors.options();
    if let Err(wrong) = options.validate() {
        complain(&wrong);
        return Ok(Ended::Wrong);
    }
    let mut out = Quiet(io::stdout().lock());
    Ok(if crate::selectors::run(&options, &mut out)? { Ended::Fine } else { Ended::Failed })
}

/// Standard output, where a reader that has gone (`| head`) is no error.
struct Quiet<W>(W);

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}
