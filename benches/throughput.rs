//! Requests per second of the *watched* specimen against hyper (current-thread tokio) and nginx (one worker).
//!
//! `cargo bench --bench throughput [-- --quick] [--assert]`. Client and server share one core, the reader of the specimen's ring has the
//! other; the servers take turns in short windows. Promised: 1.1 times either, with 64 and 512 keep-alive connections.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use common::client::Client;
use common::servers::{Specimen, hyper, hyper_if_asked, nginx, wait_for};
use common::{Columns, Flags, cores, pin, word};
use loopscope::base::clock::Clock;
use loopscope::base::units::count;

/// What is promised against every other server.
const PROMISED: f64 = 1.1;

/// How the servers are asked: connections, requests sent at once, and whether something is promised of it.
const SHAPES: [(&str, usize, usize, bool); 3] = [
    ("keep-alive, 64 connections", 64, 1, true),
    ("keep-alive, 512 connections", 512, 1, true),
    ("pipelined by 16, 64 connections", 64, 16, false),
];

fn main() -> anyhow::Result<ExitCode> {
    hyper_if_asked()?;
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (rounds, window) = flags.windows(15, Duration::from_millis(500));
    let (core, reader) = cores()?;
    pin(core)?;
    let clock = Clock::start();
    println!("server and client on core {core}, reader on core {reader}; {rounds} rounds of {} ms windows", window.as_millis());

    let mut kept = true;
    for (name, connections, batch, promised) in SHAPES {
        let specimen = Specimen::start(&clock, true, reader)?;
        let body = String::from_utf8(wait_for(specimen.address)?)?;
        let (hyper, hyper_address) = hyper(&body, batch > 1)?;
        let nginx = nginx(&body)?;
        let mut servers = vec![("specimen", specimen.process.pid(), specimen.address), ("hyper", hyper.pid(), hyper_address)];
        servers.extend(nginx.as_ref().map(|(process, address, _)| ("nginx", process.pid(), *address)));

        let mut clients = Vec::new();
        for (_, pid, address) in &servers {
            wait_for(*address)?;
            clients.push(Client::new(clock, *pid, *address, connections, batch)?);
        }
        let columns = Columns::alternate(&mut clients.iter_mut().collect::<Vec<_>>(), rounds, window)?;

        println!("\n{name}");
        for (at, ((server, ..), client)) in servers.iter().zip(&clients).enumerate() {
            print!("  {server:<8} {:>9}/s, {} bytes a response", count(columns.rate(at)), client.response_length());
            if at == 0 {
                let (read, lost) = specimen.events();
                println!("; {read} events read, {lost} lost");
                continue;
            }
            let ratios = columns.ratios(0, at);
            let holds = ratios.median() >= PROMISED;
            kept &= holds || !promised;
            let verdict = if promised { format!("; promised {PROMISED}: {}", word(holds)) } else { String::new() };
            println!("   specimen/{server} {ratios}{verdict}");
        }
        if nginx.is_none() {
            println!("  nginx is not installed: not compared");
        }
    }
    Ok(flags.verdict(kept))
}
