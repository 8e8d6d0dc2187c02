//! Scenarios: RON files with specimens, load, timed commands, lesson text and expectations.

pub mod schema;

pub use schema::Scenario;
