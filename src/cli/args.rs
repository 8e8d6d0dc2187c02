//! What can be said on the command line, and its help.

use std::net::IpAddr;

use clap::builder::{FalseyValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as Group, Parser, Subcommand, ValueEnum};

use crate::base::lang::Lang;
use crate::scope::theme::THEMES;

const EXAMPLES: &str = "\
Examples:
  loopscope                          pick a lesson and go
  loopscope run 04-computing-callback
  loopscope run my-lesson.ron --port 8080
  loopscope run 06-panic --narrate   the same as lines of text, for screen readers and logs
  loopscope list
  loopscope progress                 what you have done of them
  loopscope check --all              run every lesson without a terminal, and hold it to its claims
  loopscope new my-lesson.ron        a commented lesson to start from; loopscope docs explains it
  loopscope check my-lesson.ron --json
  loopscope compare --markdown       loop, threads, pool and worker processes under the same load: figures, and the difference in words
  loopscope selectors --idle 10,1000,10000 --active 1

Exit codes: 0 fine, 1 a claim did not hold, 2 wrong usage or file.";

const CHECK_HELP: &str = "\
Each scenario is run headless: its servers and clients are started, its script is played, and its claims are held against what was
measured; where claims fail while the machine is busy with something else, it is played again, up to three times. Then its lesson is walked: every step that has the reader try something is tried, and must
lead to what it says; every task is solved with its own solution, and must not have been solved before. This, too, is done again while the machine is busy.

Examples:
  loopscope check 06-panic
  loopscope check scenarios/*.ron
  loopscope check --all --json > verdicts.json

Exit codes: 0 every claim holds, 1 one does not, 2 a file is wrong or a scenario could not be run.";

const COMPARE_HELP: &str = "\
Event loop, thread per connection, thread pool and worker processes under the same seeded load: computing only, waiting only, and ten thousand
idle connections; then fifty thousand on one event loop. One comparison after the other, in less than a minute. Each ends with a table and with
what tells the others from the event loop, where that is more than noise. Figures cover all threads and processes of a server, and the time in
which it had load. A server that cannot hold so many connections here is left out, and the limit that says so is named.

Examples:
  loopscope compare
  loopscope compare --markdown > models.md
  loopscope compare models-io-bound --json       one of them: models-cpu-bound, models-io-bound, models-idle, loop-50000-idle
  loopscope compare 04-computing-callback        the specimens of a lesson, or of a file of yours, at the end of its script
  loopscope run models-io-bound                  the same in the scope

Exit codes: 0 fine, 2 a file is wrong or a comparison could not be run, 128 and the signal's number where a signal ended it.";

const CONFIG_HELP: &str = "\
The file is $XDG_CONFIG_HOME/loopscope/config.ron, else ~/.config/loopscope/config.ron. It lists only what differs from the defaults, keys
too. The command line beats the environment (LOOPSCOPE_...), and that beats the file. Nothing is ever written to it by the program.";

const COMPLETIONS_HELP: &str = "\
Examples:
  loopscope completions bash > ~/.local/share/bash-completion/completions/loopscope
  loopscope completions zsh > ~/.zfunc/_loopscope        a folder of your fpath
  loopscope completions fish > ~/.config/fish/completions/loopscope.fish";

const MAN_HELP: &str = "\
Examples:
  loopscope man | man -l -
  loopscope man > ~/.local/share/man/man1/loopscope.1";

/// An oscilloscope for event loops: a real server on a real epoll loop, under real load, seen down to the single callback.
#[derive(Debug, Parser)]
#[command(name = "loopscope", version, after_help = EXAMPLES, max_term_width = 120)]
pub struct Args {
    #[command(subcommand)]
    pub what: Option<What>,
    #[command(flatten)]
    pub view: View,
    /// The language of everything that is shown; by default the locale's
    #[arg(long, global = true, env = "LOOPSCOPE_LANG", value_parser = languages())]
    pub lang: Option<Lang>,
}

#[derive(Debug, Subcommand)]
pub enum What {
    /// Run a scenario in the scope
    Run {
        /// The id of a built-in scenario (loopscope list), or a RON file
        #[arg(value_name = "FILE|ID")]
        scenario: String,
        #[command(flatten)]
        view: View,
    },
    /// List the built-in scenarios
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what has been done of the lessons, or forget it
    Progress(Standing),
    /// Write a commented lesson to start from; what is there already is left as it is
    New {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: std::path::PathBuf,
    },
    /// Print how to write lessons, with all commands, faults, mitigations, handlers, claims and figures, as Markdown
    Docs,
    /// Run scenarios without a terminal and hold them to their claims
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Compare the four models, or the specimens of a scenario, without a terminal
    #[command(after_help = COMPARE_HELP)]
    Compare(super::compare::Compare),
    /// Print the settings of the configuration file with their defaults, or say where that file lies
    #[command(after_help = CONFIG_HELP)]
    Config {
        /// Only the path of the file, whether or not there is one
        #[arg(long)]
        path: bool,
    },
    /// Print what a shell needs to complete arguments
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = MAN_HELP)]
    Man,
    /// Measure what epoll, poll and select cost as descriptors grow
    Selectors(super::selectors::Selectors),
    /// The process of a specimen, started by a lab
    #[command(name = "__specimen", hide = true)]
    Specimen,
    /// The process of a load, started by a lab
    #[command(name = "__load", hide = true)]
    Load,
}

/// The shells whose completions are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
}

/// How the scope is shown, and where its specimens listen.
#[derive(Clone, Debug, Group)]
pub struct View {
    /// The address that the specimens listen on. They are broken on purpose: think before you open them to a
    /// network; by default 127.0.0.1
    #[arg(long, value_name = "ADDRESS", env = "LOOPSCOPE_BIND")]
    pub bind: Option<IpAddr>,
    /// The port of the first specimen; by default 7070 or the next free one
    #[arg(long, env = "LOOPSCOPE_PORT")]
    pub port: Option<u16>,
    /// The colours
    #[arg(long, value_name = "NAME", env = "LOOPSCOPE_THEME", value_parser = themes())]
    pub theme: Option<String>,
    /// Draw with ASCII only; by default where the locale is not UTF-8
    #[arg(long, value_name = "BOOL", env = "LOOPSCOPE_ASCII", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub ascii: Option<bool>,
    /// No pictures, but plain lines of text as things happen, for screen readers and logs; commands are read from standard input
    #[arg(long, env = "LOOPSCOPE_NARRATE", value_parser = FalseyValueParser::new())]
    pub narrate: bool,
    /// Pictures a second, 1 to 120; by default 30
    #[arg(long, value_name = "N", env = "LOOPSCOPE_FPS", value_parser = clap::value_parser!(u8).range(1..=120))]
    pub fps: Option<u8>,
}

#[derive(Clone, Debug, Group)]
pub struct Standing {
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Forget what has been done of this lesson; without an id, of all
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    #[expect(clippy::option_option, reason = "clap's way to say: not at all, without a value, with one")]
    pub reset: Option<Option<String>>,
    /// Do not ask before forgetting
    #[arg(long, requires = "reset")]
    pub yes: bool,
}

#[derive(Clone, Debug, Group)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Check {
    /// Ids of built-in scenarios, or RON files
    #[arg(value_name = "FILE|ID", required_unless_present = "all")]
    pub scenarios: Vec<String>,
    /// Every built-in scenario
    #[arg(long, conflicts_with = "scenarios")]
    pub all: bool,
    /// The verdicts as JSON
    #[arg(long)]
    pub json: bool,
    /// Only the script: do not try what the lesson has the reader try
    #[arg(long)]
    pub no_lesson: bool,
    /// No progress on standard error
    #[arg(short, long)]
    pub quiet: bool,
    /// How many scenarios run side by side; by default one for each processor, at most 4, and one where --port is given.
    /// What fails beside others is run again alone, and judged by that
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub jobs: Option<u8>,
    /// The address that the specimens listen on. They are broken on purpose: think before you open them to a
    /// network; by default 127.0.0.1
    #[arg(long, value_name = "ADDRESS", env = "LOOPSCOPE_BIND")]
    pub bind: Option<IpAddr>,
    /// The port of the first specimen; by default 7070 or the next free one
    #[arg(long, env = "LOOPSCOPE_PORT")]
    pub port: Option<u16>,
}

impl View {
    /// What is said here, and where nothing is, what the other says.
    pub fn or(self, other: &Self) -> Self {
        Self {
            bind: self.bind.or(other.bind),
            port: self.port.or(other.port),
            theme: self.theme.or_else(|| other.theme.clone()),
            ascii: self.ascii.or(other.ascii),
            narrate: self.narrate || other.narrate,
            fps: self.fps.or(other.fps),
        }
    }
}

fn themes() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(THEMES.iter().map(|theme| match theme.0 {
        name @ "colour-blind" => PossibleValue::new(name).alias("color-blind"),
        name => PossibleValue::new(name),
    }))
    .map(|name| name.replace("color", "colour"))
}

fn languages() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(Lang::ALL.iter().map(|lang| lang.code())).map(|code| Lang::of_locale(&code).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_agree_with_each_other() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn arguments_are_understood() {
        let args = Args::try_parse_from(["loopscope", "--port", "8080", "--lang", "zh"]).unwrap();
        assert_eq!((args.view.port, args.lang, args.view.fps), (Some(8080), Some(Lang::Zh), None));
        let args = Args::try_parse_from(["loopscope", "check", "a.ron", "b", "--json", "--lang", "en"]).unwrap();
        assert!(matches!(args.what, Some(What::Check(check)) if check.scenarios == ["a.ron", "b"] && check.json && !check.all));
        // Before the subcommand or behind it: what is said nearer to it counts.
        let args = Args::try_parse_from(["loopscope", "--lang", "zh", "--port", "1", "--ascii", "run", "x", "--port", "2"]).unwrap();
        let Some(What::Run { view, .. }) = args.what else { panic!("no run") };
        let view = view.or(&args.view);
        assert_eq!((view.port, view.ascii, args.lang), (Some(2), Some(true), Some(Lang::Zh)));
        for wrong in [
            &["check"][..],
            &["check", "--all", "x"],
            &["run"],
            &["--lang", "de"],
            &["--fps", "0"],
            &["--port", "70000"],
            &["--theme", "drak"],
            &["--bind", "localhost"],
            &["nonsense"],
        ] {
            let error = Args::try_parse_from([&["loopscope"], wrong].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
