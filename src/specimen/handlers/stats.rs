//! `/stats`: what the specimen has counted, as JSON.

use super::{Row, nothing};
use crate::http::Method;
use crate::http::response::JSON;
use crate::specimen::accounts::ACCOUNTS;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Stats,
    about: "What the specimen has counted, as JSON.",
    example: "/stats",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: nothing,
    answer: |call, stats, reply| {
        let mut body = serde_json::json!({
            "name": stats.name,
            "pid": std::process::id(),
            "uptime_ms": call.clock.now().since(stats.started).as_millis(),
            "connections": { "open": stats.open, "accepted": stats.accepted, "shed": stats.shed },
            "requests": { "answered": stats.answered, "errors": stats.errors },
            "bytes": { "read": stats.read, "written": stats.written },
            "sessions": { "live": stats.live.0, "kib": stats.live.1 },
            "panics_caught": stats.caught,
            "accounts": { "from": ACCOUNTS.balances().0, "to": ACCOUNTS.balances().1, "missing": ACCOUNTS.missing() },
            "rejections_unhandled": stats.unhandled,
            "faults": stats.faults.iter().map(|f| f.name()).collect::<Vec<_>>(),
            "mitigations": stats.mitigations.iter().map(|m| m.name()).collect::<Vec<_>>(),
        })
        .to_string();
        body.push('\n');
        reply.send_with(200, JSON, &[("Cache-Control", "no-store")], body.as_bytes());
        0
    },
};
