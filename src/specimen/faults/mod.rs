//! The table of faults: what breaks a specimen. One row and one file each.

mod blocking_read;
mod closure_leak;
mod compute;
mod endless_loop;
mod fd_leak;
mod forgotten_branch;
mod forgotten_drain;
mod greedy_peer;
pub(super) mod panic;
pub(super) mod rejected_promise;
mod slow_senders;
mod unbounded_responses;

use super::control::FaultSetting;
use super::hooks::{Hook, Point};
use super::work::LONGEST;
use crate::base::units::Nanos;
use crate::http::Target;
use crate::telemetry::vocabulary::{Fault, Mitigation};

/// A fault.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub kind: Fault,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What to look at.
    pub see: &'static str,
    /// Where it takes hold.
    pub at: Point,
    /// Whether it is a standing one, which lasts until it is cured. The others strike one request each.
    pub standing: bool,
    /// How it is set if nobody says otherwise.
    pub default: FaultSetting,
    /// What can be set: the query parameters of a request that asks for it.
    pub parameters: &'static [Parameter],
    /// What mends it, the best first.
    pub answers: &'static [Mitigation],
    from_request: fn(&Target<'_>) -> Result<FaultSetting, &'static str>,
    hook: fn(FaultSetting) -> Box<dyn Hook>,
}

/// Something that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in a query.
    pub name: &'static str,
    /// Its name in a file.
    pub field: &'static str,
    /// What it means, with its unit and its range.
    pub about: &'static str,
}

impl Row {
    /// The identifier used in files, commands and queries.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// How a request's parameters set it.
    ///
    /// # Errors
    /// A sentence for the client.
    pub fn from_request(&self, target: &Target<'_>) -> Result<FaultSetting, &'static str> {
        (self.from_request)(target)
    }

    /// The hook that does it.
    pub(super) fn hook(&self, setting: FaultSetting) -> Box<dyn Hook> {
        (self.hook)(setting)
    }
}

/// Every fault, in the order of their numbers.
pub static FAULTS: &[Row] = &[
    compute::ROW,
    endless_loop::ROW,
    panic::ROW,
    forgotten_drain::ROW,
    blocking_read::ROW,
    fd_leak::ROW,
    rejected_promise::ROW,
    forgotten_branch::ROW,
    closure_leak::ROW,
    slow_senders::ROW,
    unbounded_responses::ROW,
    greedy_peer::ROW,
];

/// The row of a fault.
pub fn row(kind: Fault) -> &'static Row {
    &FAULTS[kind as usize]
}

/// The row with this identifier.
pub fn find(name: &str) -> Option<&'static Row> {
    FAULTS.iter().find(|row| row.name() == name)
}

/// What a request hears that asks for a standing fault.
pub(super) fn is_standing(_: &Target<'_>) -> Result<FaultSetting, &'static str> {
    Err("This fault is a habit of the server, not one request's: the lab switches it on.")
}

/// A parameter in milliseconds.
pub(super) fn millis(target: &Target<'_>, name: &str) -> Result<Option<Nanos>, &'static str> {
    const WRONG: &str = "The parameter ms is a whole number of milliseconds, 0 to 600000.";
    let Some(text) = target.parameter(name) else { return Ok(None) };
    let ms: u64 = text.parse().map_err(|_| WRONG)?;
    let time = Nanos(ms.saturating_mul(1_000_000));
    if time > LONGEST { Err(WRONG) } else { Ok(Some(time)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(FAULTS.len(), Fault::COUNT);
        for (row, kind) in FAULTS.iter().zip(Fault::ALL) {
            assert_eq!((row.kind, row.default.kind()), (*kind, *kind));
            assert!(row.about.ends_with('.') && row.see.ends_with('.'), "{}", row.name());
            assert!(!row.answers.is_empty(), "{} has no answer", row.name());
            assert_eq!(find(row.name()).map(|r| r.kind), Some(*kind));
            let bare = Target::parse(Method::Get, "/").unwrap();
            let asked = row.from_request(&bare);
            if row.standing {
                assert!(asked.is_err() && row.parameters.is_empty(), "{} is no request's", row.name());
            } else {
                assert_eq!(asked, Ok(row.default), "without parameters it is as by default");
            }
        }
        assert!(find("nonsense").is_none());
    }

    #[test]
    fn parameters_are_range_checked() {
        for (query, expected) in [("ms=0", Ok(0)), ("ms=800", Ok(800)), ("ms=600001", Err(())), ("ms=-1", Err(())), ("ms=", Err(()))] {
            let text = format!("/?{query}");
            let target = Target::parse(Method::Get, &text).unwrap();
            let got = row(Fault::Compute).from_request(&target).map_err(|_| ());
            assert_eq!(got, expected.map(|ms| FaultSetting::Compute { busy: Nanos::millis(ms) }), "{query}");
        }
    }
}
