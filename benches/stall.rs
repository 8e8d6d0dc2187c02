//! A stall of 800 ms, measured by three: the clock of the callback that burns, the world, and `strace` from outside.
//!
//! `cargo bench --bench stall [-- --quick] [--assert]`. Promised: within 2 % of each other. What `strace` sees is the time from one return of
//! `epoll_wait` to the next call of it. Each may be late by what else the machine does: the figure is the median of several stalls.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::{Child, Command as Process, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use common::{Flags, quantile, word};
use loopscope::base::ids::SpecimenId;
use loopscope::base::units::Nanos;
use loopscope::command::Command;
use loopscope::lab::child::ProgramPath;
use loopscope::lab::{Lab, Options};
use loopscope::scenario::catalogue;
use loopscope::specimen::control::FaultSetting;
use loopscope::world::Life;

const BUSY: Nanos = Nanos::millis(800);
const PROMISED: f64 = 0.02;

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (rounds, _) = flags.windows(11, Duration::ZERO);
    let scenario = catalogue::find("01-healthy-loop")?.scenario;
    let program = ProgramPath(env!("CARGO_BIN_EXE_loopscope").into());
    let mut lab = Lab::start(&scenario, &Options { port: Some(0), history: None, program, ..Options::default() })?;
    pump(&mut lab, Lab::is_ready)?;
    let (mut ours, mut outside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let Life::Running { pid, .. } = lab.world().specimens[0].life else { anyhow::bail!("the specimen does not run") };
        let log = tempfile::NamedTempFile::new()?;
        let tracer = trace(pid, log.path())?;
        let settled = lab.now() + Nanos::millis(500);
        pump(&mut lab, |lab| lab.now() >= settled)?;
        let before = lab.world().specimens[0].stalls.past.len();
        lab.carry_out(Some(SpecimenId(0)), &Command::Inject(FaultSetting::Compute { busy: BUSY }))?;
        pump(&mut lab, |lab| lab.world().specimens[0].stalls.past.len() > before)?;
        let settled = lab.now() + Nanos::millis(300);
        pump(&mut lab, |lab| lab.now() >= settled)?;
        ours.extend(lab.world().specimens[0].stalls.past.last().map(|stall| stall.length.as_millis()));
        if let Some(mut tracer) = tracer {
            // It leaves the specimen in an orderly way only when it is asked to.
            Process::new("kill").arg(tracer.id().to_string()).status()?;
            tracer.wait()?;
            outside.extend(longest_absence(&std::fs::read_to_string(log.path())?));
        }
    }
    let busy = BUSY.as_millis();
    let mut kept = report("the world", &ours, busy);
    if outside.is_empty() {
        println!("strace is not installed, or may not trace: not compared");
    } else {
        kept &= report("strace", &outside, busy);
    }
    Ok(flags.verdict(kept))
}

fn report(who: &str, lengths: &[f64], busy: f64) -> bool {
    let middle = quantile(lengths, 0.5);
    let off = middle / busy - 1.0;
    let kept = off.abs() <= PROMISED;
    println!(
        "{who}: {middle:.2} ms for {busy:.0} ms, {:+.2} % (median of {}; least {:.2}, most {:.2}); promised {:.0} %: {}",
        off * 100.0,
        lengths.len(),
        quantile(lengths, 0.0),
        quantile(lengths, 1.0),
        PROMISED * 100.0,
        word(kept)
    );
    kept
}

fn pump(lab: &mut Lab, is_so: impl Fn(&Lab) -> bool) -> anyhow::Result<()> {
    let began = lab.now();
    while !is_so(lab) {
        lab.pump()?;
        anyhow::ensure!(lab.now().since(began) < Nanos::secs(30), "it never came to that");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// `strace` on this process, writing to this file; nothing where there is none.
fn trace(pid: u32, log: &std::path::Path) -> anyhow::Result<Option<Child>> {
    let started = Process::new("strace")
        .args(["-p", &pid.to_string(), "-e", "trace=epoll_wait,epoll_pwait,epoll_pwait2", "-ttt", "-T", "-o"])
        .arg(log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("starting strace"),
    }
}

/// The longest time, in milliseconds, between a return of `epoll_wait` and the next call of it.
fn longest_absence(log: &str) -> Option<f64> {
    let calls = log.lines().filter_map(|line| {
        let called: f64 = line.split_whitespace().next()?.parse().ok()?;
        let took: f64 = line.rsplit('<').next()?.trim_end_matches('>').parse().ok()?;
        Some((called, called + took))
    });
    let calls: Vec<(f64, f64)> = calls.collect();
    calls.windows(2).map(|pair| (pair[1].0 - pair[0].1) * 1e3).max_by(f64::total_cmp)
}
