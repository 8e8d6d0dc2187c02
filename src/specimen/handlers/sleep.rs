//! `/sleep?ms=`: an answer after a timer. It teaches that waiting costs a loop nothing: a thousand can sleep at once.
//!
//! With `say` and `status` it stands for any server that takes its time: `/chain` calls it as its upstream.

use super::{Call, Row, millis};
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
    needs: |call| {
        status(call)?;
        say(call)?;
        millis(call).map(Needs::Time)
    },
    answer: |call, _, reply| {
        // Both were looked at before the timer was set.
        let (status, say) = (status(call).unwrap_or(200), say(call).unwrap_or("Slept."));
        if status >= 400 {
            reply.explain(status, &[], "This was asked for.");
        } else if reply.begin(status, TEXT, &[], say.len() as u64 + 1) {
            reply.append(say.as_bytes());
            reply.append(b"\n");
        }
        0
    },
};

fn status(call: &Call<'_, '_, '_>) -> Result<u16, &'static str> {
    const WRONG: &str = "The parameter status is 200, or 400 to 599.";
    let Some(text) = call.request.head.target.parameter("status") else { return Ok(200) };
    text.parse().ok().filter(|status| matches!(status, 200 | 400..=599)).ok_or(WRONG)
}

fn say<'b>(call: &Call<'_, '_, 'b>) -> Result<&'b str, &'static str> {
    let Some(text) = call.request.head.target.parameter("say") else { return Ok("Slept.") };
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain && text.len() <= 64 { Ok(text) } else { Err("The parameter say is at most 64 letters, digits and hyphens.") }
}
