//! The load: real TCP clients in a process of their own, on their own loop.
//!
//! [`plan`] is what a load is told; [`schedule`], [`request`], [`response`] and [`lists`] are pure; [`dialler`] begins connections, [`client`] is one client's
//! connection, [`clients`] all of them and every decision; [`peers`] are others, who are not measured; [`process`] is the loop around them.

mod client;
mod clients;
mod dialler;
mod lists;
mod peers;
pub mod plan;
pub mod process;
mod request;
mod response;
mod schedule;
mod slow;
#[cfg(test)]
mod tests;
