//! Requests per second of the *watched* specimen against hyper (current-thread tokio) and nginx (one worker).
//!
//! `cargo bench --bench throughput [-- --quick] [--assert]`. Client and server share one core, the reader of the specimen's ring has the
//! other; the servers take turns in short windows. Promised: 1.1 times either, with 64 and 512 keep-alive connections.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use common::client::Client;
use common::servers::{Specimen, hyper, hyper_if_asked, nginx, wait_for};
use common::{Flags, cores, median, pin, ratios, spread, word};
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
        let (_hyper, hyper_address) = hyper(&body, batch > 1)?;
        let nginx = nginx(&body)?;
        let mut rivals: Vec<(&str, SocketAddr)> = vec![("specimen", specimen.address), ("hyper", hyper_address)];
        rivals.extend(nginx.as_ref().map(|(_, address, _)| ("nginx", *address)));

        let mut clients = Vec::new();
        for (server, address) in &rivals {
            wait_for(*address)?;
            let mut client = Client::new(clock, *address, connections, batch)?;
            client.run(window)?;
            clients.push((*server, client, Vec::with_capacity(rounds)));
        }
        for round in 0..rounds {
            // Whoever begins has no advantage.
            for turn in 0..clients.len() {
                let at = (turn + round) % clients.len();
                let (_, client, rates) = &mut clients[at];
                rates.push(client.run(window)?);
            }
        }

        println!("\n{name}");
        let (read, lost) = specimen.events();
        let Some(((_, _, ours), others)) = clients.split_first() else { continue };
        println!(
            "  specimen {:>9}/s    {read} events read, {lost} lost; {} bytes a response",
            count(median(ours)),
            clients[0].1.response_length()
        );
        for (server, client, rates) in others {
            let ratios = ratios(ours, rates);
            let holds = median(&ratios) >= PROMISED;
            let verdict = if promised { format!("   promised {PROMISED}: {}", word(holds)) } else { String::new() };
            kept &= holds || !promised;
            println!(
                "  {server:<8} {:>9}/s    specimen/{server} {}{verdict}   ({} bytes)",
                count(median(rates)),
                spread(&ratios),
                client.response_length()
            );
        }
        if nginx.is_none() {
            println!("  nginx is not installed: not compared");
        }
    }
    Ok(flags.verdict(kept))
}
