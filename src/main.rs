//! From the arguments to the exit code, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = match std::env::args().nth(1).as_deref() {
        Some("__load") => loopscope::load::process::run(),
        _ => Ok(()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the lab keeps what a child writes here as its last words")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}
