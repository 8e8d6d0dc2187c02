//! `/echo`: the request as it arrived, head and body; a transfer coding is taken off.

use super::{Row, nothing};
use crate::http::Method;
use crate::http::response::TEXT;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Echo,
    about: "The request as it arrived.",
    example: "/echo",
    allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    methods: &[Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete],
    needs: nothing,
    answer: |call, _, reply| {
        let (head, body) = (call.request.head.bytes, call.request.body);
        // What a stranger sent must never be taken for a page.
        let fields = [("X-Content-Type-Options", "nosniff")];
        if reply.begin(200, TEXT, &fields, (head.len() + body.len()) as u64) {
            reply.append(head);
            reply.append(body);
        }
        0
    },
};
