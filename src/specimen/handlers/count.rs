//! `/count`: increments a counter that all requests share, and says what it is then.

use super::{Row, nothing};
use crate::http::Method;
use crate::http::response::TEXT;
use crate::specimen::counter::COUNTER;
use crate::specimen::hooks::Needs;
use crate::specimen::work::Work;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Count,
    about: "Increments a counter that all requests share: reads it, works for 20 µs, writes it back.",
    example: "/count",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| nothing(call).map(|_| Needs::Work(Work::Count)),
    answer: |_, _, reply| {
        reply.send(200, TEXT, format!("{}\n", COUNTER.value()).as_bytes());
        0
    },
};
