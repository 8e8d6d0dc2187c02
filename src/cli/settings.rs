//! What holds for a run, once the command line, the environment, the configuration file and the defaults have had their say, in this order.

use std::net::{IpAddr, Ipv4Addr};

use super::args::View;
use super::config::Config;
use crate::base::lang::Lang;
use crate::command::keymap::Keymap;

/// Pictures a second where nobody says otherwise.
pub const FPS: u8 = 30;

/// Where specimens listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub bind: IpAddr,
    /// The port of the first one; without it 7070 or the next free one.
    pub port: Option<u16>,
}

/// How the scope is shown, and where its specimens listen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The language.
    pub lang: Lang,
    /// The theme, by name; without one, the dark one.
    pub theme: Option<String>,
    /// Pictures a second.
    pub fps: u8,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Whether it is told in lines of text, without pictures.
    pub narrate: bool,
    /// Where specimens listen.
    pub place: Place,
    /// What every key means.
    pub keys: Keymap,
}

impl Config {
    /// The language: what was asked for, else what the file says, else the locale's; English where a locale could not show its own.
    pub fn lang(&self, asked: Option<Lang>) -> Lang {
        let of_locale = || if can_show_all(environment) { Lang::of_environment(environment) } else { Lang::En };
        asked.or(self.lang).unwrap_or_else(of_locale)
    }

    /// Where specimens listen: what was asked for, else what the file says, else loopback.
    pub fn place(&self, bind: Option<IpAddr>, port: Option<u16>) -> Place {
        Place { bind: bind.or(self.bind).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: port.or(self.port) }
    }

    /// Everything, from what the command line (or the environment, which clap reads) has asked for.
    pub fn settings(&self, view: &View, lang: Lang) -> Settings {
        Settings {
            lang,
            theme: view.theme.clone().or_else(|| self.theme.clone()),
            fps: view.fps.or(self.fps).unwrap_or(FPS),
            ascii: view.ascii.or(self.ascii).unwrap_or_else(|| !can_show_all(environment)),
            narrate: view.narrate,
            place: self.place(view.bind, view.port),
            keys: self.keys.clone(),
        }
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether a locale, by an environment, is one of UTF-8. One that is set and names no charset is not; where none is set at all, nobody has
/// said so, and today's terminals are.
fn can_show_all(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_whether_more_than_ascii_can_be_shown() {
        let env = |pairs: &'static [(&str, &str)]| {
            can_show_all(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(env(&[("LANG", "en_US.UTF-8")]) && env(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]) && env(&[]));
        assert!(!env(&[("LANG", "C")]) && !env(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]) && !env(&[("LANG", "zh_CN.GBK")]));
    }

    #[test]
    fn what_is_asked_for_beats_the_file_and_the_file_beats_the_defaults() {
        let config = Config::of_text("(lang: \"zh\", theme: \"light\", fps: 12, port: 9000)").unwrap();
        let none = View { bind: None, port: None, theme: None, fps: None, ascii: None, narrate: false };
        let of_file = config.settings(&none, config.lang(None));
        assert_eq!((of_file.lang, of_file.theme.as_deref(), of_file.fps, of_file.place.port), (Lang::Zh, Some("light"), 12, Some(9000)));
        let asked = View { bind: None, port: Some(1234), theme: Some("dark".into()), fps: Some(60), ascii: Some(true), narrate: false };
        let asked = config.settings(&asked, config.lang(Some(Lang::En)));
        assert_eq!((asked.lang, asked.theme.as_deref(), asked.fps, asked.place.port), (Lang::En, Some("dark"), 60, Some(1234)));
        assert!(asked.ascii);
        let bare = Config::default().settings(&none, Lang::En);
        assert_eq!((bare.theme, bare.fps, bare.place.bind, bare.place.port), (None, FPS, IpAddr::V4(Ipv4Addr::LOCALHOST), None));
    }
}
