//! From the arguments to the exit code, and nothing else.

use std::process::ExitCode;

/// Counts, so that a specimen can say how often its code allocates.
#[global_allocator]
static ALLOCATOR: loopscope::base::raw::Counting = loopscope::base::raw::Counting;

fn main() -> ExitCode {
    loopscope::cli::run(std::env::args_os())
}
