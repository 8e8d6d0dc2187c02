//! Whole-program tests: one binary, one module for each part.

mod harness;
mod lab;
mod server;
