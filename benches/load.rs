//! What the load itself costs, how many requests it can send, and how late it is in sending them.
//!
//! `cargo bench --bench load [-- --quick] [--assert]`. Load and server (hyper, so that only the load is measured) each have a core.
//! Promised: 20,000 requests a second in open loop. What a request costs is mostly the price of waking up twice for it, once to send and
//! once to receive, which differs from 3 µs on bare metal to 30 in a virtual machine; sending in bunches would be cheaper and late.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use common::client::on_cpu;
use common::servers::{Load, hyper, hyper_if_asked, wait_for};
use common::{Flags, cores, pin, quantile, word};
use loopscope::base::clock::Clock;
use loopscope::base::units::{Nanos, count};
use loopscope::load::plan::{self, Plan};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::Outcome;

fn main() -> anyhow::Result<ExitCode> {
    hyper_if_asked()?;
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let span = Duration::from_secs(if flags.quick { 2 } else { 6 });
    let (core, other) = cores()?;
    pin(other)?;
    let clock = Clock::start();
    let (_server, target) = hyper("Hello from hyper.\n", false)?;
    wait_for(target)?;
    println!("load on core {core}, server on core {other}, {} s each", span.as_secs());

    let mut kept = true;
    for (rate, promised) in [(Some(200.0), false), (Some(2_000.0), false), (Some(20_000.0), true), (None, false)] {
        let load = plan::Load { connections: 64, rate, ..plan::Load::default() };
        let mut load = Load::start(&clock, &Plan { target, load, core: Some(core) })?;
        let pid = load.process.pid();
        std::thread::sleep(Duration::from_millis(500));
        let mut records = Vec::new();
        load.ring.drain(usize::MAX, &mut records);
        records.clear();
        let (begin, used) = (clock.now(), on_cpu(pid)?);
        let mut lost = 0;
        while clock.now() < begin + Nanos::from(span) {
            std::thread::sleep(Duration::from_millis(16));
            lost += load.ring.drain(usize::MAX, &mut records);
        }
        let (time, used) = (clock.now() - begin, on_cpu(pid)? - used);
        load.stop()?;

        let late: Vec<f64> = records
            .iter()
            .filter_map(|r| if let Some(What::Sent { late, .. }) = r.what() { Some(f64::from(late)) } else { None })
            .collect();
        let answered =
            records.iter().filter(|r| matches!(r.what(), Some(What::Finished { outcome: (Outcome::Answered, 200), .. }))).count() as f64;
        let achieved = answered / time.as_secs();
        let share = used.as_secs() / time.as_secs() * 100.0;
        let holds = rate.is_none_or(|rate| achieved > 0.98 * rate);
        kept &= holds || !promised;
        println!(
            "  {:>11}: {:>7}/s answered, {share:>5.1} % of a core ({:.1} µs a request), late {:.0} µs median, {:.0} µs at 99 %, {lost} events lost{}",
            rate.map_or("closed loop".into(), |rate| format!("{}/s", count(rate))),
            count(achieved),
            share * 1e4 / achieved,
            quantile(&late, 0.5),
            quantile(&late, 0.99),
            if promised { format!("; promised: {}", word(holds)) } else { String::new() }
        );
    }
    Ok(flags.verdict(kept))
}
