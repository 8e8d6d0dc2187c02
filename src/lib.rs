//! The map of loopscope: layers, arrows, invariants, and the order in which to read the code.

rust_i18n::i18n!("assets/lang", fallback = "en");

pub mod base;
pub mod command;
pub mod load;
pub mod scenario;
pub mod scope;
pub mod specimen;
pub mod telemetry;
pub mod world;
