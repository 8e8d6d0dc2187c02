//! Instructions and allocations per request, counted by callgrind: the same on every run, whatever else the machine does.
//!
//! `cargo bench --bench instructions [-- --assert] [--accept] [--keep]`. One keep-alive connection asks for `/`, N times in one run of the watched
//! specimen and 2 N times in another; the difference has neither start nor end in it. The figure must lie within the tolerance of the one in
//! `benches/instructions.toml`, which `--accept` writes; and a request must allocate nothing. `--keep` leaves the profiles to be looked at.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use common::client::Client;
use common::servers::{Specimen, wait_for};
use common::{Flags, cores, word};
use loopscope::base::clock::Clock;

/// N.
const REQUESTS: usize = 5_000;
/// What allocates.
const ALLOCATORS: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];
/// The gate, beside this file.
const GATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("skipped: valgrind is not installed, so the instructions per request were not counted");
        return Ok(ExitCode::SUCCESS);
    }
    let (few, many) = (count(REQUESTS)?, count(2 * REQUESTS)?);
    let per_request = |of: fn(&Counted) -> u64| (of(&many) as f64 - of(&few) as f64) / REQUESTS as f64;
    let (instructions, allocations) = (per_request(|c| c.instructions), per_request(|c| c.allocations));
    let rustc = rustc();

    if std::env::args().any(|arg| arg == "--accept") {
        let text = format!(
            "# What `cargo bench --bench instructions -- --assert` holds the loop to; written by `--accept`.\n\
             instructions_per_request = {instructions:.1}\ntolerance = 0.03\nrustc = \"{rustc}\"\n"
        );
        std::fs::write(GATE, text).with_context(|| format!("write {GATE}"))?;
    }
    let gate = std::fs::read_to_string(GATE).with_context(|| format!("read {GATE}"))?;
    let wanted: f64 = value(&gate, "instructions_per_request")?.parse()?;
    let tolerance: f64 = value(&gate, "tolerance")?.parse()?;

    let off = instructions / wanted - 1.0;
    let (held, lean) = (off.abs() <= tolerance, allocations < 0.01);
    println!(
        "{instructions:.1} instructions per request; the gate is {wanted:.1} ± {:.0} %: {:+.2} %, {}",
        tolerance * 100.0,
        off * 100.0,
        word(held)
    );
    println!("{allocations:.4} allocations per request; promised none: {}", word(lean));
    if !held {
        println!("if that is meant: cargo bench --bench instructions -- --accept");
        let then = value(&gate, "rustc")?;
        if then != rustc {
            println!("the gate was written with {then}, this is {rustc}");
        }
    }
    Ok(flags.verdict(held && lean))
}

struct Counted {
    instructions: u64,
    allocations: u64,
}

/// Runs the specimen under callgrind for so many requests.
fn count(requests: usize) -> anyhow::Result<Counted> {
    let place = tempfile::tempdir()?;
    let profile = place.path().join("callgrind.out");
    let clock = Clock::start();
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "-q", "--error-limit=no"]).arg(format!("--callgrind-out-file={}", profile.display()));
    command.arg(env!("CARGO_BIN_EXE_loopscope"));
    let specimen = Specimen::start_by(command, &clock, true, cores()?.1)?;
    wait_for(specimen.address)?;
    let mut client = Client::new(clock, specimen.process.pid(), specimen.address, 1, 1)?;
    client.count(requests)?;
    drop(client);
    specimen.stop()?;
    let counted = read_profile(&profile);
    if std::env::args().any(|arg| arg == "--keep") {
        println!("callgrind_annotate {}/callgrind.out", place.keep().display());
    }
    counted
}

/// The sum of all instructions, and the calls of what allocates.
fn read_profile(profile: &Path) -> anyhow::Result<Counted> {
    let text = std::fs::read_to_string(profile).context("callgrind wrote no profile")?;
    let (mut names, mut instructions, mut allocations) = (HashMap::new(), None, 0);
    let mut called = "";
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")) {
            instructions = Some(total.trim().parse()?);
        } else if let Some((key @ ("fn" | "cfn"), name)) = line.split_once('=') {
            // A name is given with its number once, and by its number from then on.
            let (number, name) = name.split_once(' ').unwrap_or((name, ""));
            let name = if name.is_empty() { names.get(number).copied().unwrap_or("") } else { name };
            names.insert(number, name);
            if key == "cfn" {
                called = name;
            }
        } else if let Some(calls) = line.strip_prefix("calls=")
            && ALLOCATORS.contains(&called)
        {
            allocations += calls.split(' ').next().unwrap_or("0").parse::<u64>()?;
        }
    }
    let instructions = instructions.context("no total in the profile")?;
    anyhow::ensure!(
        allocations > 0,
        "not one allocation since the start of the process: the names of the allocators are not in the profile"
    );
    Ok(Counted { instructions, allocations })
}

fn value<'a>(gate: &'a str, key: &str) -> anyhow::Result<&'a str> {
    let line = gate.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    Ok(line.with_context(|| format!("no {key} in {GATE}"))?.trim().trim_matches('"'))
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(|_| "an unknown rustc".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
