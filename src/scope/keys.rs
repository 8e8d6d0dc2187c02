//! Which key does what, as screens show it.

use crate::command::Command;

/// The key of a command, as it is shown; empty where it has none.
pub fn sign(command: &Command) -> &'static str {
    match command {
        Command::FaultMenu => "f",
        Command::MitigationMenu => "m",
        Command::Freeze => "space",
        Command::Help => "?",
        Command::Quit => "q",
        Command::NextStep => "n",
        Command::PreviousStep => "b",
        Command::NextSpecimen => "tab",
        Command::Respawn => "r",
        Command::Kill => "K",
        Command::LoadUp => "+",
        Command::LoadDown => "-",
        Command::Restart => "R",
        Command::Home => "h",
        Command::Select => "⏎",
        Command::Up => "↑",
        Command::Down => "↓",
        Command::Back => "esc",
        _ => "",
    }
}

/// The key that a lesson shows for a command.
pub fn lesson_sign(command: &Command) -> String {
    match command {
        Command::Inject(_) => "f".into(),
        Command::Apply(_) | Command::Revoke(_) => "m".into(),
        other => sign(other).into(),
    }
}
