//! `loopscope` and `loopscope run`: the scope, on a terminal.

use std::io::IsTerminal;
use std::net::IpAddr;

use super::settings::Settings;
use super::{Ended, complain, point_at};
use crate::app::narrate;
use crate::base::lang::Lang;
use crate::scenario::catalogue::{self, NotFound};
use crate::scenario::chinese;
use crate::scenario::progress::Store;

/// Opens the scope on a scenario, or on the list of lessons.
pub fn run(scenario: Option<&str>, settings: &Settings) -> anyhow::Result<Ended> {
    let lang = settings.lang;
    // What is wrong with the file is said before what is wrong with the terminal: it is more to the point.
    let found = match scenario.map(catalogue::find).transpose() {
        Ok(found) => found,
        Err(error) => return Ok(refuse(&error, lang)),
    };
    if settings.narrate {
        warn_of_address(settings.place.bind, lang);
        let options = narrate::Options {
            scenario: found.map(|found| found.scenario),
            lab: crate::lab::Options { bind: settings.place.bind, port: settings.place.port, ..crate::lab::Options::default() },
            lang,
            ascii: settings.ascii,
            keys: settings.keys.clone(),
            progress: Store::of(|name| std::env::var(name).ok()),
        };
        return Ok(ended(narrate::run(options)?));
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let id = found.map_or_else(|| "ID".to_owned(), |found| found.scenario.id);
        complain(match lang {
            Lang::En => "this is not a terminal, and the scope needs one",
            Lang::Zh => "这里不是终端,而示波器需要终端",
        });
        complain(&match lang {
            Lang::En => {
                format!("without a terminal: `loopscope run {id} --narrate`, or `loopscope check {id}` (`loopscope list` names them)")
            }
            Lang::Zh => format!("没有终端时请用 `loopscope run {id} --narrate`,或 `loopscope check {id}`(编号见 `loopscope list`)"),
        });
        return Ok(Ended::Wrong);
    }
    warn_of_address(settings.place.bind, lang);
    let options = crate::app::Options {
        scenario: found.map(|found| found.scenario),
        lab: crate::lab::Options { bind: settings.place.bind, port: settings.place.port, ..crate::lab::Options::default() },
        lang,
        theme: settings.theme.clone(),
        fps: settings.fps,
        ascii: settings.ascii,
        keys: settings.keys.clone(),
        progress: Store::of(|name| std::env::var(name).ok()),
    };
    Ok(ended(crate::app::run(options)?))
}

/// By a signal, or because somebody left.
fn ended(signal: Option<i32>) -> Ended {
    signal.map_or(Ended::Fine, |signal| Ended::Interrupted(u8::try_from(signal).unwrap_or(0)))
}

/// Says what is wrong with a scenario that cannot be had. Mistakes in a file stand as `file:line:column` at the beginning of their lines,
/// where editors find them.
pub fn refuse(error: &NotFound, lang: Lang) -> Ended {
    match error {
        NotFound::NoSuch { .. } => complain(&chinese::told(&error.to_string(), lang)),
        NotFound::Wrong(mistakes) => point_at(mistakes, lang),
    }
    Ended::Wrong
}

/// A specimen is a server that is broken on purpose: anyone who reaches it may do so.
pub fn warn_of_address(bind: IpAddr, lang: Lang) {
    if !bind.is_loopback() {
        complain(&match lang {
            Lang::En => format!("warning: {bind} is not a loopback address: whoever reaches it can stall and crash these servers"),
            Lang::Zh => format!("警告:{bind} 不是回环地址:凡能连上的人都可以让这些服务器停顿、崩溃"),
        });
    }
}
