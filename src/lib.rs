//! The map of loopscope: layers, arrows, invariants, and the order in which to read the code.

pub mod base;
pub mod command;
pub mod load;
pub mod scenario;
pub mod selectors;
pub mod specimen;
pub mod telemetry;
pub mod world;
