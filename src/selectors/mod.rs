//! Selectors: what it costs to ask the kernel "who is ready?", by `epoll_wait`, `poll` and `select`, over real descriptors.
//!
//! An experiment of its own, beside the specimens: no server, no load, only descriptors, most of them idle, and the four ways
//! to ask. Read in this order: [`kinds`] (the four, one file each, one table), [`descriptors`] (what they are asked about and
//! how many this machine allows), [`measure`] (how a call is timed), [`facts`] (what they do, apart from what they cost),
//! [`claims`] (what must be true of it all), [`report`] (the same as text, CSV, JSON and Markdown), [`drag`] and [`live`]
//! (the number of idle descriptors in a person's hand), [`bench`] (both as one experiment that somebody watches), [`limits`] (which limit
//! of the machine ends it). [`run`] puts it together for the command line.
//!
//! It knows `base` and nothing else: no specimen, no world, no screen.

pub mod bench;
pub mod claims;
pub mod descriptors;
pub mod drag;
pub mod facts;
pub mod kinds;
pub mod limits;
pub mod live;
pub mod measure;
pub mod point;
pub mod report;
pub mod run;
pub mod series;
pub mod testing;

pub use kinds::{SELECTORS, Selector};
pub use point::{Active, Point};
pub use report::Report;
pub use run::{Format, Options, run};
pub use series::{Measurement, Outcome, Series};
