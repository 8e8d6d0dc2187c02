//! Scenarios: RON files with specimens, load, timed commands, lesson text and expectations.
//!
//! `load` reads a file (size, `grammar`, `validate`) and reports `mistake`s with their places, which `outline` knows; `catalogue` holds those that
//! are built in; `expectation` holds a world against what a scenario claims,
//! `stretch` the last seconds of it; `figures` names what can be measured; `experiment` is what is measured beside
//! specimens; `attempt` is a task that somebody is at. It runs nothing: that is the lab's.

pub mod attempt;
pub mod catalogue;
pub mod chinese;
pub mod compare;
pub mod expectation;
pub mod experiment;
pub mod figures;
pub mod grammar;
pub mod load;
pub mod mistake;
pub mod outline;
pub mod progress;
pub mod schema;
pub mod stretch;
pub mod validate;

pub use expectation::Verdict;
pub use experiment::Evidence;
pub use mistake::{Mistake, Mistakes};
pub use schema::Scenario;
