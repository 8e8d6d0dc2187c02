//! Whole-program tests: one binary, one module for each part.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod cli;
mod docs;
mod harness;
mod lab;
mod layers;
mod models;
mod narrate;
mod outside;
mod past;
mod pty;
mod scope;
mod server;
mod server_chain;
mod server_faults;
mod server_habits;
mod server_leaks;
mod server_limits;
