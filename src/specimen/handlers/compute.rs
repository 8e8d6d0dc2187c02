//! `/compute?ms=`: an answer after computing. On the loop it stops everybody; what a mitigation makes of it is the lesson.

use super::{Row, millis};
use crate::http::Method;
use crate::http::response::TEXT;
use crate::specimen::hooks::Needs;
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Compute,
    about: "An answer after burning CPU for so many milliseconds.",
    example: "/compute?ms=5",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| millis(call).map(|busy| Needs::Work(Work::Cpu(busy))),
    answer: |_, _, reply| {
        reply.send(200, TEXT, b"Computed.\n");
        0
    },
};
