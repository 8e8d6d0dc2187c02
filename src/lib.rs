//! The map of loopscope: layers, arrows, invariants, and the order in which to read the code.

pub mod base;
pub mod http;
pub mod load;
pub mod specimen;
pub mod telemetry;
