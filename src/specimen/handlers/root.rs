//! `/`: the least that a server can do. What it costs is what a loop costs.

use super::{Row, nothing};
use crate::http::Method;
use crate::http::response::{BYTES, TEXT};
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Root,
    about: "A greeting; to POST, the body back.",
    example: "/",
    allow: "GET, HEAD, POST, OPTIONS",
    methods: &[Method::Get, Method::Head, Method::Post],
    needs: nothing,
    answer: |call, _, reply| {
        if call.request.head.method == Method::Post {
            reply.send_with(200, BYTES, &[("X-Content-Type-Options", "nosniff")], call.request.body);
        } else {
            reply.send(200, TEXT, b"Hello, world!\n");
        }
        0
    },
};
