//! The map of loopscope: an oscilloscope for event loops.
//!
//! A real HTTP server (a *specimen*) runs on a real epoll loop in a process of its own, under real load from a second process, and
//! reports every callback into shared memory. The *lab* reads along, samples the kernel, and folds it all into a *world*, which is
//! the only thing that the *scope* (the terminal), the checks and the reports look at.
//!
//! ```text
//!   keys, mouse, script ──► Command ──► lab ──► Control ────── control socket ──┐
//!                                        │                                      ▼
//!   scope ◄── World ◄── fold ◄── events ◄┴── shared-memory rings ◄── probe ◄── specimen process(es)
//!   report, check     ◄──┘                                            ▲     a real server on a real loop
//!   /proc ─► samples ─► fold                                          └──── load process(es): real TCP clients
//! ```
//!
//! A top-level module is a layer. It may import what is listed beside it and nothing else of ours; a test reads the `use` lines and
//! fails on any other arrow.
//!
//! | layer | what | may import |
//! | --- | --- | --- |
//! | [`base`] | clock, units, identities, seeded chance, the raw mapping | nothing |
//! | [`http`] | HTTP/1.1 heads to requests and responses to bytes; no I/O | base |
//! | [`telemetry`] | events, rings, the shared mapping, the probe | base |
//! | [`specimen`] | the server: reactor, connections, handlers, faults, mitigations | base http telemetry |
//! | [`load`] | plan, schedule, clients | base http telemetry |
//! | [`selectors`] | an experiment beside the specimens: what asking the kernel "who is ready?" costs | base |
//! | [`world`] | the fold: one file per aggregate; history; findings | base telemetry |
//! | [`command`] | what a user can want; the table of all commands; keys | base, selectors (how many are active), specimen (control and tables), load (plan), telemetry (vocabulary), world (findings) |
//! | [`scenario`] | RON files, validation, expectations | base command selectors specimen (config, tables and source) load (plan) telemetry (vocabulary) world |
//! | [`lab`] | processes, rings, sampler, supervisor, script | all above |
//! | [`scope`] | the terminal view: scene in, cells and click targets out | base command scenario selectors world, telemetry (vocabulary and events), specimen (tables and source) |
//! | [`output`] | the check's table and JSON | base command scenario world |
//! | [`app`] | terminal guard, input, the main loop | all above |
//! | [`cli`] | arguments and subcommands | all |
//!
//! Invariants: facts go up, control goes down. Only [`base::clock`] reads time. Only [`base::raw`] has `unsafe`. The loop never
//! waits for its observer: a full ring drops, counts, and the count is shown. Everything is bounded. A connection's error ends that
//! connection, a specimen's death is a fact; neither ends the lab.
//!
//! To read the code, begin with `specimen/reactor.rs` (the loop itself, the file that the code pane shows), then
//! [`telemetry::event`] (what it can say), [`world`] (what that adds up to), [`lab`] (what runs it all) and [`scope`].

rust_i18n::i18n!("assets/lang", fallback = "en");

pub mod app;
pub mod base;
pub mod cli;
pub mod command;
pub mod http;
pub mod lab;
pub mod load;
pub mod output;
pub mod scenario;
pub mod scope;
pub mod selectors;
pub mod specimen;
pub mod telemetry;
pub mod world;
