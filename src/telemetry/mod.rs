//! What is observed and how it travels: the vocabulary of events, the rings they lie in, the shared mapping, the probe.
//!
//! Facts only go up. A producer writes a 16-byte record into its own ring and goes on; it never waits, and what
//! does not fit is dropped and counted. What it had written before a SIGKILL is still there to read.

pub mod cost;
pub mod event;
pub mod probe;
pub mod ring;
pub mod shared;
pub mod vocabulary;

pub use event::{Event, Lane, Origin, Part, What};
pub use probe::{Probe, Recorder, Silent};
