//! argv to exit code, nothing else.

use std::io::Write;
use std::process::ExitCode;

use loopscope::{load, specimen};

fn main() -> ExitCode {
    let ended = match std::env::args().nth(1).as_deref() {
        Some(specimen::process::SUBCOMMAND) => specimen::process::run(),
        Some(load::process::SUBCOMMAND) => load::process::run(),
        _ => return ExitCode::from(2),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be left to hear it.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
