//! `/sleep?ms=`: an answer after a timer. It teaches that waiting costs a loop nothing: a thousand can sleep at once.

use super::{Row, millis};
use crate::http::Method;
use crate::http::response::TEXT;
use crate::specimen::hooks::Needs;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Sleep,
    about: "An answer after so many milliseconds; the loop goes on meanwhile.",
    example: "/sleep?ms=100",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| millis(call).map(Needs::Time),
    answer: |_, _, reply| {
        reply.send(200, TEXT, b"Slept.\n");
        0
    },
};
