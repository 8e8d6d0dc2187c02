//! The panels: one file each, with its shape (plain data, computed and tested apart) and its paint.

pub mod cards;
pub mod clients;
pub mod footer;
pub mod head;
pub mod kernel;
pub mod lesson;
pub mod timeline;
pub mod wheel;
