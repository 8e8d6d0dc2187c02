//! `loopscope completions`: what a shell needs to complete arguments, made from their definitions, and the ids of the lessons where one is wanted.

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};

use super::args::{Args, Shell};
use super::{Ended, say};
use crate::scenario::catalogue::BUILT_IN;

/// Prints them.
pub fn run(shell: Shell) -> anyhow::Result<Ended> {
    say(&text(shell)).context("standard output")?;
    Ok(Ended::Fine)
}

fn text(shell: Shell) -> String {
    let all = Args::command();
    // What is hidden is not offered either.
    let shown = all.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned();
    let mut command = Command::new("loopscope").version(env!("CARGO_PKG_VERSION")).args(all.get_arguments().cloned()).subcommands(shown);
    if shell == Shell::Bash {
        // Where no id begins like that, bash itself goes on with files.
        let ids = || PossibleValuesParser::new(BUILT_IN.iter().map(|entry| entry.id));
        command = command
            .mut_subcommand("run", |run| run.mut_arg("scenario", |arg| arg.value_parser(ids())))
            .mut_subcommand("check", |check| check.mut_arg("scenarios", |arg| arg.value_parser(ids())))
            .mut_subcommand("progress", |progress| progress.mut_arg("reset", |arg| arg.value_parser(ids())));
    }
    let shell_of = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut out = Vec::new();
    clap_complete::generate(shell_of, &mut command, "loopscope", &mut out);
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if shell == Shell::Fish {
        for entry in BUILT_IN {
            let title = entry.scenario().ok().and_then(|scenario| scenario.title.get("en").cloned()).unwrap_or_default();
            let title = title.replace(['\'', '\\'], "");
            text.extend(["complete -c loopscope -n '__fish_seen_subcommand_from run check' -a '", entry.id, "' -d '", &title, "'\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_told_of_every_subcommand_and_option_and_of_no_hidden_one() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = text(shell);
            for word in ["run", "check", "selectors", "completions", "narrate", "theme", "colour-blind"] {
                assert!(text.contains(word), "{shell:?}: no {word}");
            }
            assert_eq!(text.contains("06-panic"), shell != Shell::Zsh, "{shell:?}");
            assert!(!text.contains("__specimen"), "{shell:?} offers what is hidden");
        }
    }
}
