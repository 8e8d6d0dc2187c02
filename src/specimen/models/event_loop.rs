//! The event loop: one thread waits for all connections at once, in one system call, and serves them one after the other.
//!
//! It is the model that the rest of this program is about: [`crate::specimen::reactor`].

use super::Row;
use crate::specimen::config::ModelSetting;
use crate::specimen::pool::MOST_WORKERS;
use crate::specimen::process;
use crate::telemetry::vocabulary::Model;

pub(super) const ROW: Row = Row {
    kind: Model::EventLoop,
    about: "One thread waits for all connections at once and serves them one after the other.",
    price: "One callback that computes holds everybody up, and one core is all that it uses.",
    default: ModelSetting::EventLoop,
    takes: None,
    stacks: 0,
    rings: |_| MOST_WORKERS as usize,
    serve: |mut start| {
        let listener = start.listener()?;
        process::serve(start.config, start.shared, listener, start.channel)
    },
};
