//! Commands as people write them, one on a line: `panic`, `rate 5000`, `revoke worker-pool`, `screen 2`, or RON as in a scenario's script.
//!
//! Only what was written is understood here; whether it can be done now, others say.

use super::Command;
use super::table::{COMMANDS, Make, Row, by_id};
use crate::base::units::Nanos;
use crate::world::TriggerSetting;

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unspoken {
    /// Nothing was said.
    Nothing,
    /// There is no such command; what was said.
    NoSuch(String),
    /// The command needs one word more.
    Needs(&'static Row),
    /// The command and what follows it do not go together.
    Not(&'static Row, String),
}

/// The command of a line.
///
/// # Errors
/// Why it is none.
pub fn command(line: &str) -> Result<Command, Unspoken> {
    let line = line.trim();
    let line = line.strip_prefix(':').unwrap_or(line).trim_start();
    if line.is_empty() {
        return Err(Unspoken::Nothing);
    }
    let (id, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(id, rest)| (id, rest.trim()));
    match by_id(id) {
        Some(row) => of_row(row, rest),
        None => ron::from_str(line).map_err(|_| Unspoken::NoSuch(id.to_owned())),
    }
}

fn of_row(row: &'static Row, rest: &str) -> Result<Command, Unspoken> {
    let not = || Unspoken::Not(row, rest.to_owned());
    match &row.make {
        Make::Fixed(command) if rest.is_empty() => Ok(command.clone()),
        // What has a length may be followed by another one.
        Make::Fixed(Command::Arm(setting)) if setting.over().is_some() => {
            Nanos::parse(rest).map(|over| Command::Arm(TriggerSetting::new(setting.kind(), over))).map_err(|_| not())
        }
        Make::Fixed(_) => Err(not()),
        Make::Digit(_) if rest.is_empty() => Err(Unspoken::Needs(row)),
        Make::Digit(of) => {
            let number: u8 = rest.parse().map_err(|_| not())?;
            number.checked_sub(1).map(of).ok_or_else(not)
        }
        Make::Written(example) => {
            let Some((variant, _)) = example.split_once('(') else {
                return if rest.is_empty() { ron::from_str(example).map_err(|_| not()) } else { Err(not()) };
            };
            if rest.is_empty() {
                return Err(Unspoken::Needs(row));
            }
            // As it is (a number, a word of RON), as the word that a kebab-case name stands for, or as a text.
            let camel = Some(camel(rest)).filter(|_| rest.starts_with(char::is_alphabetic));
            let forms = [Some(rest.to_owned()), camel, Some(format!("{rest:?}"))];
            forms.iter().flatten().find_map(|form| ron::from_str(&format!("{variant}({form})")).ok()).ok_or_else(not)
        }
    }
}

/// `worker-pool` as RON has it: `WorkerPool`.
fn camel(kebab: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    kebab.split('-').map(word).collect()
}

/// How a row is written: its id, and what stands for what has to follow.
pub fn usage(row: &Row) -> String {
    match &row.make {
        Make::Fixed(_) => row.id.to_owned(),
        Make::Digit(_) => format!("{} N", row.id),
        Make::Written(example) => match example.split_once('(') {
            Some((_, argument)) => format!("{} {}", row.id, argument.trim_end_matches(')').trim_matches('"')),
            None => row.id.to_owned(),
        },
    }
}

/// The ids of all commands that can be said.
pub fn ids() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|row| row.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::control::FaultSetting;
    use crate::telemetry::vocabulary::{Fault, Mitigation};

    #[test]
    fn lines_are_commands() {
        assert_eq!(command("panic"), Ok(Command::Inject(FaultSetting::Panic)));
        assert_eq!(command(" : rate 5000 "), Ok(Command::Rate(5000.0)));
        assert_eq!(command("connections 128"), Ok(Command::Connections(128)));
        assert_eq!(command("mark after the fault"), Ok(Command::Mark("after the fault".into())));
        assert_eq!(command("revoke worker-pool"), Ok(Command::Revoke(Mitigation::WorkerPool)));
        assert_eq!(command("cure FdLeak"), Ok(Command::Cure(Fault::FdLeak)));
        assert_eq!(command("open 06-panic"), Ok(Command::Open("06-panic".into())));
        assert_eq!(command("screen 2"), Ok(Command::Screen(1)));
        assert_eq!(command("stop"), Ok(Command::Stop));
        assert_eq!(command("on-stall 30ms"), Ok(Command::Arm(TriggerSetting::Stall { over: Nanos::millis(30) })));
        assert_eq!(command("on-panic"), Ok(Command::Arm(TriggerSetting::Panic)));
        assert_eq!(command("Inject(Panic)"), Ok(Command::Inject(FaultSetting::Panic)));
    }

    #[test]
    fn what_is_no_command_is_told_apart() {
        assert_eq!(command("  "), Err(Unspoken::Nothing));
        assert_eq!(command("panik"), Err(Unspoken::NoSuch("panik".into())));
        assert_eq!(command("rate"), Err(Unspoken::Needs(by_id("rate").unwrap())));
        for wrong in [
            "rate fast",
            "panic now",
            "screen 0",
            "screen -1",
            "revoke nothing",
            "connections 1.5",
            "connections -3",
            "on-stall soon",
            "on-panic 5ms",
        ] {
            assert!(matches!(command(wrong), Err(Unspoken::Not(..))), "{wrong}");
        }
    }

    #[test]
    fn every_command_can_be_said() {
        for row in COMMANDS.iter().filter(|row| row.id != "type") {
            let said = match row.make {
                Make::Digit(_) => format!("{} 1", row.id),
                _ => usage(row),
            };
            assert_eq!(command(&said).ok(), row.sample(), "{said}");
        }
    }

    #[test]
    fn any_line_is_read() {
        use proptest::prelude::*;
        proptest!(|(line in any::<String>())| { let _ = command(&line); });
    }
}
