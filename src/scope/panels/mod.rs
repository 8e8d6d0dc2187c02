//! The panels: one file each, with its shape (plain data, computed and tested apart) and its paint.

pub mod cards;
pub mod clients;
pub mod code;
pub mod connections;
pub mod cost;
pub mod course;
pub mod finding;
pub mod footer;
pub mod head;
pub mod help;
pub mod kernel;
pub mod lanes;
pub mod latency;
pub mod lesson;
pub mod life;
pub mod measure;
pub mod menu;
pub mod moment;
pub mod palette;
pub mod side_by_side;
pub mod slowest;
pub mod threads;
pub mod timeline;
pub mod tracks;
pub mod wheel;
pub mod why;
