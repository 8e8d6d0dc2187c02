//! Whole-program tests: one binary, one module for each part.

mod docs;
mod harness;
mod lab;
mod server;
