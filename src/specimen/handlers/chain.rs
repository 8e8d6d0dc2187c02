//! `/chain`: three calls to another server, each of which needs what the one before has brought. How it is written is what
//! [`styles`](crate::specimen::styles) is about; the loop serves others while it waits.

use super::{Call, Row};
use crate::http::Method;
use crate::specimen::hooks::{Errand, Needs};
use crate::specimen::styles::Query;
use crate::telemetry::vocabulary::Handler;

/// The longest that one call can be asked to take, in milliseconds: less than a call's patience.
const LONGEST: u32 = 1_000;

pub(super) const ROW: Row = Row {
    kind: Handler::Chain,
    about: "Three dependent calls to the upstream, of so many milliseconds each; number `fail` of them fails.",
    example: "/chain?ms=10",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| query(call).map(|query| Needs::Errand(Errand::Chain(query))),
    answer: |_, _, _| unreachable!("the code that makes the calls gives the answer"),
};

fn query(call: &Call<'_, '_, '_>) -> Result<Query, &'static str> {
    let number = |name: &str, default: u32, most: u32| match call.request.head.target.parameter(name) {
        None => Some(default),
        Some(text) => text.parse().ok().filter(|n| *n <= most),
    };
    let ms = number("ms", 10, LONGEST).ok_or("The parameter ms is a whole number of milliseconds, 0 to 1000.")?;
    let fail = number("fail", 0, 3).ok_or("The parameter fail is the number of the call that fails, 1 to 3; 0 for none.")?;
    let user = number("user", 1, u32::MAX).ok_or("The parameter user is a number.")?;
    Ok(Query { ms, fail: fail as u8, user })
}
