//! The table of models: how a server waits for many clients at once. One row and one file each.
//!
//! All of them serve the same handlers, read with the same parser, and can be struck by the same faults. What differs is who waits,
//! who computes, and what is lost when one of them fails.

mod blocking;
mod chain;
mod event_loop;
mod house;
mod thread_per_connection;
mod thread_pool;
mod workers;

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::config::{Config, ModelSetting};
use super::faults;
use super::hooks::Point;
use crate::telemetry::shared::Shared;
use crate::telemetry::vocabulary::{Fault, Mitigation, Model};

pub use house::RINGS as THREAD_RINGS;

/// A model.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub kind: Model,
    /// How it waits for many at once, in one sentence.
    pub about: &'static str,
    /// What it costs, in one sentence.
    pub price: &'static str,
    /// How large it is if nobody says otherwise.
    pub default: ModelSetting,
    /// Which mitigations mean something to it; nothing: all of them do.
    takes: Option<&'static [Mitigation]>,
    /// Bytes of address space that each connection takes for a stack of its own.
    pub stacks: u64,
    /// Rings that its mapping needs beside the first.
    rings: fn(ModelSetting) -> usize,
    serve: fn(Start) -> io::Result<()>,
}

/// What a specimen's process is given.
#[derive(Debug)]
pub struct Start {
    /// What it is told.
    pub config: Config,
    /// The mapping of this process.
    pub shared: Shared,
    /// The listening sockets, as many as [`ModelSetting::listeners`] says.
    pub listeners: Vec<TcpListener>,
    /// The mappings of the worker processes, one each.
    pub mappings: Vec<OwnedFd>,
    /// The lab's channel.
    pub channel: UnixStream,
}

/// Every model, in the order of their numbers.
pub static MODELS: &[Row] = &[event_loop::ROW, thread_per_connection::ROW, thread_pool::ROW, workers::ROW];

/// The row of a model.
pub fn row(kind: Model) -> &'static Row {
    &MODELS[kind as usize]
}

impl Row {
    /// The identifier used in machine-readable output.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether this mitigation means something to it.
    pub fn takes(&self, mitigation: Mitigation) -> bool {
        self.takes.is_none_or(|some| some.contains(&mitigation))
    }

    /// Whether this fault can befall it. What is a habit of the loop is none of a thread that reads and writes one line after the other.
    pub fn suffers(&self, fault: Fault) -> bool {
        // Nor are there promises, where nothing is put off.
        let row = faults::row(fault);
        self.takes.is_none() || row.at == Point::Load || !(row.standing || fault == Fault::RejectedPromise)
    }

    /// The mitigations that it takes.
    pub fn mitigations(&self) -> impl Iterator<Item = Mitigation> {
        Mitigation::ALL.iter().copied().filter(|mitigation| self.takes(*mitigation))
    }

    /// How many rings the mapping of its process has.
    pub fn rings(&self, setting: ModelSetting) -> usize {
        1 + (self.rings)(setting)
    }

    /// Serves until the lab says stop, or is gone.
    ///
    /// # Errors
    /// What is missing at the start, or leaves it unable to go on.
    pub fn serve(&self, start: Start) -> io::Result<()> {
        (self.serve)(start)
    }
}

impl Start {
    fn listener(&mut self) -> io::Result<TcpListener> {
        self.listeners.pop().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a specimen is started with a listener"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(MODELS.len(), Model::COUNT);
        for (row, kind) in MODELS.iter().zip(Model::ALL) {
            assert_eq!((row.kind, row.default.kind()), (*kind, *kind));
            assert!(row.about.ends_with('.') && row.price.ends_with('.'), "{}", row.name());
            assert!(row.takes(Mitigation::CatchPanic) && row.takes(Mitigation::Supervisor), "{}", row.name());
            assert!(row.rings(row.default) <= crate::telemetry::shared::MAX_RINGS);
        }
        assert_eq!(ModelSetting::default().kind(), Model::EventLoop);
    }
}
