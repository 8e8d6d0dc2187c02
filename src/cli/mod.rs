//! The command line: arguments in, exit code out. Each subcommand is one file; what it says goes to standard output, how it fares to
//! standard error.
//!
//! Exit codes: 0 fine; 1 a claim did not hold; 2 wrong usage, a wrong file, or a run that could not be made; 128 and the signal's number where
//! a signal ended a check or a comparison.

mod args;
mod check;
mod chinese;
mod compare;
mod completions;
mod config;
mod headless;
mod list;
mod man;
mod progress;
mod scope;
mod selectors;
mod settings;
mod signal;
mod standing;
pub mod teaching;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Args, View, What};
use config::Config;

use crate::base::lang::Lang;
use crate::scenario::{Mistakes, chinese as sentences};

/// What a subcommand came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// All is well.
    Fine,
    /// A claim did not hold.
    Failed,
    /// It could not be done; why is on standard error.
    Wrong,
    /// A signal ended it.
    Interrupted(u8),
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Fine => 0,
            Ended::Failed => 1,
            Ended::Wrong => 2,
            Ended::Interrupted(signal) => 128_u8.saturating_add(signal),
        })
    }
}

/// Does what the arguments say. The first is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut lang = language_of(&arguments);
    let command = if lang == Lang::Zh { chinese::translated(Args::command()) } else { Args::command() };
    let args = match command.try_get_matches_from(arguments).and_then(|matches| Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => {
            if let Some(said) = Some(&error).filter(|_| lang == Lang::Zh).and_then(chinese::error) {
                complain(&said);
                return Ended::Wrong.into();
            }
            // Help and version come this way too, with exit code 0; a lost pipe is no reason to complain.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ended = match args.what {
        // What a lab starts, and what tells of the file, reads no file.
        Some(What::Specimen) => return child(crate::specimen::process::run()),
        Some(What::Load) => return child(crate::load::process::run()),
        Some(What::Config { path }) => config::run(path),
        Some(What::Completions { shell }) => completions::run(shell),
        Some(What::Man) => man::run(),
        Some(What::Selectors(options)) => selectors::run(&options),
        what => match Config::of_the_user() {
            Ok(config) => {
                lang = config.lang(args.lang);
                obey(what, lang, &args.view, &config)
            }
            Err(mistakes) => {
                point_at(&mistakes, lang);
                return Ended::Wrong.into();
            }
        },
    };
    match ended {
        Ok(ended) => ended.into(),
        Err(error) => {
            let said: Vec<String> = error.chain().map(|part| sentences::told(&part.to_string(), lang)).collect();
            complain(&said.join(if lang == Lang::Zh { "：" } else { ": " }));
            Ended::Wrong.into()
        }
    }
}

/// The language of what is said before anything else is known: the one that is asked for anywhere among the arguments, else the
/// environment's.
fn language_of(arguments: &[OsString]) -> Lang {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let asked = words.iter().enumerate().find_map(|(n, word)| match &**word {
        "--lang" => words.get(n + 1).map(ToString::to_string),
        word => word.strip_prefix("--lang=").map(str::to_owned),
    });
    let asked = asked.or_else(|| std::env::var("LOOPSCOPE_LANG").ok());
    Config::default().lang(asked.and_then(|code| Lang::ALL.iter().copied().find(|lang| lang.code() == code)))
}

/// Does what is asked, with what the file says where the arguments say nothing.
fn obey(what: Option<What>, lang: Lang, view: &View, config: &Config) -> anyhow::Result<Ended> {
    match what {
        Some(What::Run { scenario, view: nearer }) => scope::run(Some(&scenario), &config.settings(&nearer.or(view), lang)),
        Some(What::List { json }) => list::run(json, lang),
        Some(What::New { file }) => teaching::new(&file, lang),
        Some(What::Docs) => teaching::docs(lang),
        Some(What::Progress(options)) => standing::run(&options, lang),
        Some(What::Compare(options)) => compare::run(&options, &config.place(options.bind.or(view.bind), options.port.or(view.port)), lang),
        Some(What::Check(options)) => check::run(&options, &config.place(options.bind.or(view.bind), options.port.or(view.port)), lang),
        _ => scope::run(None, &config.settings(view, lang)),
    }
}

/// Says what is wrong with a file. Each line stands by itself, with `file:line:column` at its beginning, where editors find it.
fn point_at(mistakes: &Mistakes, lang: Lang) {
    let _ = writeln!(io::stderr().lock(), "{}", mistakes.told(lang));
}

/// What became of a child process of a lab. Its standard error is what the lab keeps as its last words.
fn child(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error what is wrong, one line or several, each with the program's name unless it names a file itself.
fn complain(message: &str) {
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "loopscope: {message}");
}

/// Writes to standard output. That its reader has gone (`| head`) is no error.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
