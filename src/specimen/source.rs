//! The reactor's own text, and which line of it runs: what the code pane shows is the very file that was compiled.

use crate::telemetry::vocabulary::{Cause, Phase};

/// `reactor.rs`.
pub const REACTOR: &str = include_str!("reactor.rs");

/// The line, counted from 1, on which the loop is while it is in this phase, running this callback.
pub fn line_of(phase: Phase, cause: Option<Cause>) -> usize {
    let mark = match (cause, phase) {
        (Some(Cause::Accept), _) => "callback(server, Cause::Accept,",
        (Some(Cause::Readable), _) => "callback(server, Cause::Readable,",
        (Some(Cause::Writable), _) => "callback(server, Cause::Writable,",
        (Some(Cause::Timer), _) => "callback(server, Cause::Timer,",
        (Some(Cause::Task), _) => "callback(server, Cause::Task,",
        (Some(Cause::Completion), _) => "callback(server, Cause::Completion,",
        (None, Phase::Poll) => "server.poll(events, patience)",
        (None, Phase::Dispatch) => "for event in events.iter()",
        (None, Phase::Timers) => "server.enter(Phase::Timers,",
        (None, Phase::Tasks) => "server.enter(Phase::Tasks,",
        (None, Phase::Control) => "server.carry_out_orders()",
    };
    REACTOR.lines().position(|line| line.contains(mark)).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_place_in_the_loop_has_one_line_of_its_own() {
        let mut lines = HashSet::new();
        for phase in Phase::ALL {
            assert!(lines.insert(line_of(*phase, None)), "{phase}");
            for cause in Cause::ALL {
                assert_eq!(line_of(*phase, Some(*cause)), line_of(Phase::Dispatch, Some(*cause)));
            }
        }
        for cause in Cause::ALL {
            assert!(lines.insert(line_of(Phase::Dispatch, Some(*cause))), "{cause}");
            assert_eq!(REACTOR.matches(&format!("Cause::{cause:?}")).count(), 1, "{cause}");
        }
        for phase in Phase::ALL {
            assert_eq!(REACTOR.matches(&format!("Phase::{phase:?}")).count(), 1, "{phase}");
        }
        assert!(!lines.contains(&1), "a mark was not found");
    }

    #[test]
    fn the_file_can_be_shown_on_a_screen() {
        assert!(REACTOR.lines().count() <= 200);
        assert!(REACTOR.lines().all(|line| line.chars().count() <= 140));
    }
}
