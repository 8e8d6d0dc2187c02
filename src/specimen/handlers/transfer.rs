//! `/transfer`: moves one from an account to another, and says what they have and what their sum is.

use super::Row;
use crate::http::Method;
use crate::http::response::TEXT;
use crate::specimen::accounts::ACCOUNTS;
use crate::specimen::hooks::Needs;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Transfer,
    about: "Moves one from an account to another, in two steps; their sum stays, unless a panic comes between.",
    example: "/transfer",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |_| {
        ACCOUNTS.take();
        Ok(Needs::Nothing)
    },
    answer: |_, _, reply| {
        ACCOUNTS.give();
        let (from, to) = ACCOUNTS.balances();
        reply.send(200, TEXT, format!("{from} + {to} = {}\n", from + to).as_bytes());
        0
    },
};
