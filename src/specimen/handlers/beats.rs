//! `/beats?ms=`: has two jobs run every so many milliseconds from the first such request on, and says how far each is behind.

use super::{Row, millis};
use crate::http::Method;
use crate::http::response::TEXT;
use crate::specimen::hooks::Needs;
use crate::telemetry::vocabulary::Handler;

pub(super) const ROW: Row = Row {
    kind: Handler::Beats,
    about: "Two jobs that are to run every so many milliseconds, from the first such request on, and how far each is behind.",
    example: "/beats?ms=100",
    allow: "GET, HEAD, OPTIONS",
    methods: &[Method::Get, Method::Head],
    needs: |call| millis(call).map(Needs::Beats),
    answer: |_, stats, reply| {
        let text = match stats.beats {
            Some(beats) => {
                let [chained, fixed] = beats.jobs.map(|job| format!("{} runs, the last one {} behind", job.runs, job.behind));
                format!("counted from the last run: {chained}\ncounted from the first moment: {fixed}\n")
            }
            None => "There is no loop here that could be late.\n".to_owned(),
        };
        reply.send(200, TEXT, text.as_bytes());
        0
    },
};
