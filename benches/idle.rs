//! What an idle connection costs: memory of the specimen, and throughput of those that are active among many idle ones.
//!
//! `cargo bench --bench idle [-- --quick] [--assert]`. Promised: at most 512 bytes of resident memory for each of 10,000 idle connections, and
//! of 50,000 where the machine allows so many (else it says which limit does not); at least 0.97 of the throughput for 64 active ones among
//! 10,000.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use common::client::Client;
use common::servers::{Specimen, wait_for};
use common::{Columns, Flags, cores, pin, word};
use loopscope::base::clock::Clock;
use loopscope::base::lang::Lang;
use loopscope::base::units::count;
use loopscope::lab::limits::{Machine, Servers};
use loopscope::specimen::config::ModelSetting;
use rustix::process::{Resource, Rlimit};

const IDLE: usize = 10_000;
const MANY: usize = 50_000;
const ACTIVE: usize = 64;
/// Bytes of resident memory for an idle connection.
const PROMISED_BYTES: f64 = 512.0;
/// What is left of the throughput.
const PROMISED: f64 = 0.97;

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (pairs, window) = flags.windows(80, Duration::from_millis(100));
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    if !allows(IDLE + 2 * ACTIVE) {
        return Ok(ExitCode::SUCCESS);
    }
    let (core, reader) = cores()?;
    pin(core)?;
    let clock = Clock::start();
    let [crowded, alone] = [Specimen::start(&clock, true, reader)?, Specimen::start(&clock, true, reader)?];
    // The active ones first, so that the memory which grows with the work is there before the idle ones come.
    let mut clients = Vec::new();
    for specimen in [&crowded, &alone] {
        wait_for(specimen.address)?;
        let mut client = Client::new(clock, specimen.process.pid(), specimen.address, ACTIVE, 1)?;
        client.run(window)?;
        clients.push(client);
    }
    let (idle, light) = weigh(clock, &crowded, IDLE)?;

    println!(
        "{ACTIVE} active connections; server and client on core {core}, reader on core {reader}; {pairs} pairs of {} ms windows",
        window.as_millis()
    );
    let columns = Columns::alternate(&mut clients.iter_mut().collect::<Vec<_>>(), pairs, window)?;
    let ratios = columns.ratios(0, 1);
    let fast = ratios.median() >= PROMISED;
    println!("  among the idle ones {:>9}/s", count(columns.rate(0)));
    println!("  without             {:>9}/s", count(columns.rate(1)));
    println!("  among/without {ratios}; promised {PROMISED}: {}", word(fast));
    drop((clients, idle, crowded, alone));

    let mut lighter = true;
    if allows(MANY) {
        let specimen = Specimen::start(&clock, true, reader)?;
        wait_for(specimen.address)?;
        lighter = weigh(clock, &specimen, MANY)?.1;
    }
    Ok(flags.verdict(light && fast && lighter))
}

/// Whether one loop, and one client, can have so many connections here. Says why where they cannot.
fn allows(connections: usize) -> bool {
    let servers = Servers::default().and(ModelSetting::EventLoop, 0);
    match Machine::here().allows(servers, u32::try_from(connections).unwrap_or(u32::MAX)) {
        Ok(()) => true,
        Err(no) => {
            println!("skipped: {}", no.words(Lang::En));
            false
        }
    }
}

/// Connects so many, tells what each costs the specimen, and whether that is what was promised.
fn weigh(clock: Clock, specimen: &Specimen, count: usize) -> anyhow::Result<(Client, bool)> {
    let memory = |line| specimen.memory(line).map(|kib| kib as f64 * 1024.0);
    let before = [memory("VmRSS")?, memory("RssAnon")?];
    // Each has had one request: a connection that was only accepted may not have cost anything yet.
    let idle = Client::new(clock, specimen.process.pid(), specimen.address, count, 1)?;
    let after = [memory("VmRSS")?, memory("RssAnon")?];
    let [resident, anonymous] = [0, 1].map(|n| (after[n] - before[n]) / count as f64);
    let light = resident <= PROMISED_BYTES;
    println!("{count} idle connections, each after one request");
    println!("  {resident:.0} bytes resident each ({anonymous:.0} anonymous); promised {PROMISED_BYTES}: {}", word(light));
    println!("  specimen: {:.1} MB before, {:.1} MB after", before[0] / 1e6, after[0] / 1e6);
    Ok((idle, light))
}
