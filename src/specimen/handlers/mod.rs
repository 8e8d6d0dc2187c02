//! The table of handlers: what a request can ask for. One row and one file each.

mod beats;
pub mod bytes;
mod chain;
mod compute;
mod count;
mod echo;
mod root;
mod sleep;
mod stats;
mod transfer;

use super::hooks::Needs;
use super::stats::Stats;
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::http::{Head, Method, Reply, Request};
use crate::telemetry::vocabulary::Handler;

/// A request on its way to its answer.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c, 'h, 'b> {
    /// The request.
    pub request: &'c Request<'h, 'b>,
    /// The lab's clock.
    pub clock: Clock,
}

/// A handler.
#[derive(Debug)]
pub struct Row {
    /// Which; its name is its path.
    pub kind: Handler,
    /// What it answers, in one sentence.
    pub about: &'static str,
    /// A request that shows it.
    pub example: &'static str,
    /// The methods that it takes, as an Allow field has them.
    pub allow: &'static str,
    methods: &'static [Method],
    needs: fn(&Call<'_, '_, '_>) -> Result<Needs, &'static str>,
    answer: fn(&Call<'_, '_, '_>, &Stats, &mut Reply<'_>) -> u64,
}

impl Row {
    /// Its path.
    pub fn path(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether it takes this method.
    #[inline]
    pub fn allows(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }

    /// What must be over before it can answer, or what is wrong with the request.
    #[inline]
    pub(super) fn needs(&self, call: &Call<'_, '_, '_>) -> Result<Needs, &'static str> {
        (self.needs)(call)
    }

    /// Answers. So many bytes of [`bytes::PATTERN`] follow.
    #[inline]
    pub(super) fn answer(&self, call: &Call<'_, '_, '_>, stats: &Stats, reply: &mut Reply<'_>) -> u64 {
        (self.answer)(call, stats, reply)
    }
}

/// Every handler.
pub static HANDLERS: &[Row] =
    &[root::ROW, echo::ROW, bytes::ROW, sleep::ROW, compute::ROW, chain::ROW, stats::ROW, count::ROW, transfer::ROW, beats::ROW];

/// The row for this path.
#[inline]
pub fn find(path: &str) -> Option<&'static Row> {
    HANDLERS.iter().find(|row| row.path() == path)
}

/// Every method that some handler takes.
const ALLOW_ANY: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The path is there, and does not take this method; or it is asked which ones it takes.
#[cold]
pub(super) fn refuse_method(method: Method, allow: &'static str, reply: &mut Reply<'_>) {
    match method {
        Method::Options => reply.no_content(&[("Allow", allow)]),
        Method::Other => reply.explain(501, &[], "There is no such method here."),
        _ => reply.explain(405, &[("Allow", allow)], "This path does not take that method."),
    }
}

/// There is nothing at this path, or it is the whole server that is asked.
#[cold]
pub(super) fn refuse_path(head: &Head<'_, '_>, reply: &mut Reply<'_>) {
    match head.method {
        Method::Options if head.target.path == "*" => reply.no_content(&[("Allow", ALLOW_ANY)]),
        // What follows a CONNECT might be meant for somebody else.
        Method::Connect => {
            reply.close();
            reply.explain(501, &[], "This server is no proxy.");
        }
        Method::Other => reply.explain(501, &[], "There is no such method here."),
        _ => reply.explain(404, &[], "There is nothing at this path. Try /stats."),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "its type is that of the table's column")]
fn nothing(_: &Call<'_, '_, '_>) -> Result<Needs, &'static str> {
    Ok(Needs::Nothing)
}

/// The parameter `ms` of a request, which must be there.
fn millis(call: &Call<'_, '_, '_>) -> Result<Nanos, &'static str> {
    super::faults::millis(&call.request.head.target, "ms")?.ok_or("The parameter ms is missing: how many milliseconds?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        for kind in Handler::ALL {
            // `refused` stands for requests without a handler.
            let expected = *kind != Handler::Refused;
            assert_eq!(HANDLERS.iter().filter(|row| row.kind == *kind).count(), usize::from(expected), "{kind}");
        }
        for row in HANDLERS {
            assert!(row.about.ends_with('.'), "{}", row.path());
            assert_eq!(row.example.split('?').next(), Some(row.path()));
            let named: Vec<&str> = row.allow.split(", ").collect();
            let taken: Vec<&str> = row.methods.iter().map(|m| m.name()).chain(["OPTIONS"]).collect();
            assert_eq!(named, taken, "{}", row.path());
            assert_eq!(row.allows(Method::Get), row.allows(Method::Head), "{}", row.path());
            assert!(named.iter().all(|method| ALLOW_ANY.contains(method)));
        }
    }
}
