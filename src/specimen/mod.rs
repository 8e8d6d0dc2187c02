//! The server under observation: a real HTTP/1.1 server on one real epoll loop, in a process of its own.
//!
//! `reactor.rs` is the loop, and the file we teach from.

pub mod config;
pub mod control;
