//! From the arguments to the exit code, and nothing else.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = match std::env::args().nth(1).as_deref() {
        Some("__specimen") => loopscope::specimen::process::run(),
        Some("__load") => loopscope::load::process::run(),
        _ => Ok(()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The lab keeps what a child writes here as its last words; where nobody is left to hear it, it is lost.
            let _ = writeln!(std::io::stderr(), "loopscope: {error}");
            ExitCode::FAILURE
        }
    }
}
