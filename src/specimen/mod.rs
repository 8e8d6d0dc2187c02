//! The server under observation: a real HTTP/1.1 server on one real epoll loop, in a process of its own.
//!
//! [`reactor`] is the loop, and the file we teach from; read it first. Then [`server`] (what its callbacks share), [`conn`] (a
//! connection's bytes), [`exchange`] (from a request to its answer), and [`hooks`] (where faults and mitigations take hold).
//! A handler that waits for others is in [`styles`]; what it is built on are [`handle`], [`promise`], [`executor`] and [`upstream`].
//! The tables are [`handlers`], [`faults`], [`mitigations`], and [`models`] (how else a server can wait for many). It knows neither the lab nor any screen.

pub mod accept;
pub mod accounts;
pub mod beats;
pub mod config;
pub mod conn;
pub mod control;
pub mod counter;
pub mod errands;
pub mod exchange;
pub mod executor;
pub mod faults;
pub mod handle;
pub mod handlers;
pub mod hooks;
mod ledger;
pub mod mitigations;
pub mod models;
mod neighbour;
pub mod orders;
pub mod pool;
pub mod process;
pub mod promise;
pub mod reactor;
pub mod server;
pub mod sessions;
pub mod source;
pub mod stats;
pub mod styles;
pub mod tasks;
pub mod timers;
pub mod upstream;
pub mod work;
