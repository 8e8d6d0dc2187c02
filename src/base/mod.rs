//! The ground everything stands on: time, units, identities, seeded chance and the raw mapping.
//!
//! Imports nothing of ours. Only [`clock`] reads time; only [`raw`] is allowed `unsafe`.

pub mod channel;
pub mod clock;
pub mod ids;
pub mod lang;
pub mod raw;
pub mod rng;
pub mod text;
pub mod units;
