//! From the arguments to the exit code, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    loopscope::cli::run(std::env::args_os())
}
