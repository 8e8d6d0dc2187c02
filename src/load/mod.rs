//! The load: real TCP clients in a process of their own, on their own loop.

pub mod plan;
