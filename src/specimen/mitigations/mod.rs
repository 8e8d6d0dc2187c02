//! The table of mitigations: what mends a specimen. One row and one file each.

mod async_await;
mod backpressure;
mod catch_at_end;
mod catch_panic;
mod close_on_eof;
mod explicit_release;
mod header_timeout;
mod idle_timeout;
mod lock;
mod non_blocking;
mod promise_chain;
mod read_budget;
mod read_until_eagain;
mod rejection_hook;
mod reserve_descriptor;
mod shedding;
mod slicing;
mod supervisor;
mod weak_references;
mod worker_pool;

use std::io;

use mio::Registry;

use super::control::MitigationSetting;
use super::hooks::{Ground, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

/// A mitigation.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub kind: Mitigation,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What it costs, in one sentence.
    pub price: &'static str,
    /// Where it takes hold.
    pub at: Point,
    /// How it is set if nobody says otherwise.
    pub default: MitigationSetting,
    hook: fn(MitigationSetting, &Ground, &Registry) -> io::Result<Box<dyn Hook>>,
}

impl Row {
    /// The identifier used in files and commands.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The hook that does it.
    pub(super) fn hook(&self, setting: MitigationSetting, ground: &Ground, registry: &Registry) -> io::Result<Box<dyn Hook>> {
        (self.hook)(setting, ground, registry)
    }
}

/// Every mitigation, in the order of their numbers.
pub static MITIGATIONS: &[Row] = &[
    worker_pool::ROW,
    slicing::ROW,
    catch_panic::ROW,
    supervisor::ROW,
    read_until_eagain::ROW,
    non_blocking::ROW,
    close_on_eof::ROW,
    idle_timeout::ROW,
    reserve_descriptor::ROW,
    rejection_hook::ROW,
    catch_at_end::ROW,
    promise_chain::ROW,
    async_await::ROW,
    weak_references::ROW,
    explicit_release::ROW,
    shedding::ROW,
    header_timeout::ROW,
    backpressure::ROW,
    read_budget::ROW,
    lock::ROW,
];

/// The row of a mitigation.
pub fn row(kind: Mitigation) -> &'static Row {
    &MITIGATIONS[kind as usize]
}

/// The row with this identifier.
pub fn find(name: &str) -> Option<&'static Row> {
    MITIGATIONS.iter().find(|row| row.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::faults::FAULTS;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(MITIGATIONS.len(), Mitigation::COUNT);
        for (row, kind) in MITIGATIONS.iter().zip(Mitigation::ALL) {
            assert_eq!((row.kind, row.default.kind()), (*kind, *kind));
            assert!(row.about.ends_with('.') && row.price.ends_with('.'), "{}", row.name());
            assert_eq!(find(row.name()).map(|r| r.kind), Some(*kind));
            // Overload is no fault of the server: more is asked of it than there is time. A race is in the code of /count, for threads.
            let answers_load = matches!(kind, Mitigation::Shedding | Mitigation::Lock);
            assert!(answers_load || FAULTS.iter().any(|fault| fault.answers.contains(kind)), "{} answers nothing", row.name());
        }
        assert!(find("nonsense").is_none());
    }
}
