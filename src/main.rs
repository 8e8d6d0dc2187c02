//! argv to exit code, nothing else.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some(loopscope::specimen::process::SUBCOMMAND) {
        return ExitCode::from(2);
    }
    match loopscope::specimen::process::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be left to hear it.
            let _ = writeln!(std::io::stderr(), "loopscope: {error}");
            ExitCode::FAILURE
        }
    }
}
