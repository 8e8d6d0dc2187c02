//! The reactor's own text, and which line of it runs; and the same for `/chain` in its three styles. What the code pane shows is the very file
//! that was compiled.

use crate::telemetry::vocabulary::{Cause, Phase, Style};

/// `reactor.rs`.
pub const REACTOR: &str = include_str!("reactor.rs");

/// `models/blocking.rs`: what each thread runs, where a specimen has no loop.
pub const BLOCKING: &str = include_str!("models/blocking.rs");

/// The line, counted from 1, with which a thread's turn begins: it waits for its client.
pub fn line_of_turn() -> usize {
    BLOCKING.lines().position(|line| line.contains("fn turn(")).map_or(1, |at| at + 1)
}

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

/// A file of `/chain` in one style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its path below `src`.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The file of a style.
pub const fn style(style: Style) -> Listing {
    match style {
        Style::Callbacks => Listing { file: "specimen/styles/callbacks.rs", text: include_str!("styles/callbacks.rs") },
        Style::Promises => Listing { file: "specimen/styles/promises.rs", text: include_str!("styles/promises.rs") },
        Style::AsyncAwait => Listing { file: "specimen/styles/async_await.rs", text: include_str!("styles/async_await.rs") },
    }
}

/// The line, counted from 1, of a step of [`What::Stepped`](crate::telemetry::What::Stepped) in the file of its style.
pub fn line_of_step(of: Style, step: u16) -> usize {
    // In the pyramid the branch of the last step stands first.
    let (mark, nth) = match (step, of) {
        (1, _) => (".user()", 0),
        (2, _) => (".orders(&user)", 0),
        (3, _) => (".price(&orders)", 0),
        (4, _) => (".send(&price)", 0),
        (_, Style::Callbacks) => (".fail(&failure)", usize::from(7_u16.saturating_sub(step))),
        _ => (".fail(&failure)", 0),
    };
    let mut lines = style(of).text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let found = lines.by_ref().filter(|(_, line)| line.contains(mark)).nth(nth);
    found.map_or(1, |(at, _)| at + 1)
}

/// The line, counted from 1, of the branch that answers nobody while the fault is on; nothing in a style that has none.
pub fn line_of_forgotten(of: Style) -> Option<usize> {
    style(of).text.lines().position(|line| line.contains(".forgets_a_branch()")).map(|at| at + 1)
}

impl Listing {
    /// Lines of code: what is neither empty nor a comment nor an import.
    pub fn lines(&self) -> usize {
        let counts = |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with("use ");
        self.text.lines().map(str::trim).filter(counts).count()
    }

    /// How deep the deepest block lies; that of the function counts as one.
    pub fn depth(&self) -> usize {
        let code = self.text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.starts_with("use ")).flat_map(str::chars);
        let depths = code.scan(0_usize, |depth, c| {
            match c {
                '{' => *depth += 1,
                '}' => *depth = depth.saturating_sub(1),
                _ => {}
            }
            Some(*depth)
        });
        depths.max().unwrap_or(0)
    }

    /// Branches that answer a failure, each of which has to be remembered.
    pub fn failure_branches(&self) -> usize {
        self.text.matches(".fail(&failure)").count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_step_of_every_style_has_its_line() {
        for of in Style::ALL {
            let lines: Vec<usize> = (1..=7).map(|step| line_of_step(*of, step)).collect();
            assert!(!lines.contains(&1), "{of}: a mark was not found: {lines:?}");
            assert!(lines[..3].is_sorted(), "{of}: the steps follow one another in the text: {lines:?}");
            let failures: HashSet<usize> = lines[4..].iter().copied().collect();
            assert_eq!(failures.len(), style(*of).failure_branches(), "{of}");
            assert!(style(*of).text.lines().count() <= 40 && style(*of).text.lines().all(|line| line.chars().count() <= 140), "{of}");
        }
        assert_eq!(Style::ALL.iter().filter_map(|of| line_of_forgotten(*of)).count(), 1, "only the pyramid has a branch to be forgotten");
        let [inner, middle, outer] = [7, 6, 5].map(|step| line_of_step(Style::Callbacks, step));
        assert!(inner < middle && middle < outer);
    }

    #[test]
    fn what_the_lesson_says_of_the_styles_is_so() {
        let figures = |of| (style(of).depth(), style(of).failure_branches());
        assert_eq!(figures(Style::Callbacks), (4, 3));
        assert_eq!(figures(Style::Promises), (1, 1));
        assert_eq!(figures(Style::AsyncAwait), (2, 1));
    }

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
