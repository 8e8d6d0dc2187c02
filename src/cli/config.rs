//! `loopscope config`, and the configuration file itself: a RON file in the XDG place that lists what differs from the defaults.
//!
//! Whatever is wrong with it is said with line and column, all of it at once, before anything runs. It is only ever read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use super::settings::FPS;
use super::{Ended, say};
use crate::base::lang::Lang;
use crate::command::key::{self, Key};
use crate::command::keymap::{Clash, Keymap};
use crate::command::table::{COMMANDS, Make, Row, by_id};
use crate::scenario::mistake::{Mistake, Mistakes, excerpt, nearest, valid_words};
use crate::scenario::outline::{Outline, Place, line_column};
use crate::scenario::{grammar, load};
use crate::scope::theme::THEMES;

/// What a configuration file says, checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The language.
    pub lang: Option<Lang>,
    /// The theme, by name.
    pub theme: Option<String>,
    /// Pictures a second.
    pub fps: Option<u8>,
    /// Whether only ASCII is drawn.
    pub ascii: Option<bool>,
    /// Where specimens listen.
    pub bind: Option<IpAddr>,
    /// The port of the first specimen.
    pub port: Option<u16>,
    /// What every key means.
    pub keys: Keymap,
}

/// The same as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Config")]
struct File {
    lang: Option<String>,
    theme: Option<String>,
    fps: Option<u64>,
    ascii: Option<bool>,
    bind: Option<String>,
    port: Option<u64>,
    keys: BTreeMap<String, Vec<String>>,
}

/// Prints the defaults, or the path.
///
/// # Errors
/// Where the path cannot be known, or standard output cannot be written.
pub fn run(only_path: bool) -> anyhow::Result<Ended> {
    let text = if only_path {
        let path = path_of(|name| std::env::var(name).ok());
        path.context("neither XDG_CONFIG_HOME nor HOME says where the configuration file would lie")?.display().to_string() + "\n"
    } else {
        defaults()
    };
    say(&text).context("standard output")?;
    Ok(Ended::Fine)
}

/// Where the file lies, by an environment. What is not an absolute path is no place (XDG Base Directory Specification).
fn path_of(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".config"));
    Some(absolute("XDG_CONFIG_HOME").or_else(home)?.join("loopscope").join("config.ron"))
}

impl Config {
    /// What the user's file says; the defaults where there is none.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of_the_user() -> Result<Self, Mistakes> {
        match path_of(|name| std::env::var(name).ok()) {
            Some(path) if path.symlink_metadata().is_ok() => Self::of_file(&path),
            _ => Ok(Self::default()),
        }
    }

    fn of_file(path: &Path) -> Result<Self, Mistakes> {
        let text = load::text_of(path)?;
        Self::of_text(&text).map_err(|list| Mistakes { file: path.into(), list })
    }

    /// What a text says.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of_text(source: &str) -> Result<Self, Vec<Mistake>> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        // An empty file differs in nothing.
        if source.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("//")) {
            return Ok(Self::default());
        }
        let outline = Outline::read(source);
        let file: File = grammar::parse(source, outline.as_ref()).map_err(|mistake| vec![mistake])?;
        let place = outline.as_ref().map_or_else(|| Place::unknown(source), Outline::place);
        let mut reader = Reader { source, mistakes: Vec::new() };
        let config = reader.read(&file, place, outline.as_ref());
        reader.mistakes.sort();
        if reader.mistakes.is_empty() { Ok(config) } else { Err(reader.mistakes) }
    }
}

/// Checks a file's values, and notes what is wrong with each.
struct Reader<'a> {
    source: &'a str,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn wrong(&mut self, place: Place<'_>, message: &str) {
        let (line, column) = line_column(self.source, place.offset());
        self.mistakes.push(Mistake::new(line, column, message));
    }

    fn read(&mut self, file: &File, place: Place<'_>, outline: Option<&Outline<'_>>) -> Config {
        let mut config = Config { ascii: file.ascii, ..Config::default() };
        if let Some(code) = &file.lang {
            let codes: Vec<&str> = Lang::ALL.iter().map(|lang| lang.code()).collect();
            config.lang = Lang::ALL.iter().copied().find(|lang| lang.code() == code);
            if config.lang.is_none() {
                self.wrong(place.field("lang"), &format!("unknown language {:?}{}", excerpt(code), valid_words(code, &codes)));
            }
        }
        if let Some(name) = &file.theme {
            let names: Vec<&str> = THEMES.iter().map(|theme| theme.0).collect();
            if names.contains(&name.as_str()) {
                config.theme = Some(name.clone());
            } else {
                self.wrong(place.field("theme"), &format!("unknown theme {:?}{}", excerpt(name), valid_words(name, &names)));
            }
        }
        if let Some(fps) = file.fps {
            config.fps = u8::try_from(fps).ok().filter(|fps| (1..=120).contains(fps));
            if config.fps.is_none() {
                self.wrong(place.field("fps"), &format!("{fps} pictures a second are not between 1 and 120"));
            }
        }
        if let Some(address) = &file.bind {
            config.bind = address.parse().ok();
            if config.bind.is_none() {
                self.wrong(place.field("bind"), &format!("{:?} is no IP address, such as \"127.0.0.1\" or \"::1\"", excerpt(address)));
            }
        }
        if let Some(port) = file.port {
            config.port = u16::try_from(port).ok().filter(|port| *port > 0);
            if config.port.is_none() {
                self.wrong(place.field("port"), &format!("{port} is no port: from 1 to {}", u16::MAX));
            }
        }
        self.twice(outline);
        let changes: Vec<_> = file.keys.iter().filter_map(|(id, keys)| self.keys(id, keys, place.field("keys"))).collect();
        match Keymap::with(&changes) {
            Ok(keys) => config.keys = keys,
            Err(clashes) => clashes.into_iter().for_each(|clash| self.clash(&clash, &changes, place.field("keys"))),
        }
        config
    }

    /// One command's keys.
    fn keys(&mut self, id: &str, texts: &[String], place: Place<'_>) -> Option<(&'static Row, Vec<Key>)> {
        let Some(row) = by_id(id) else {
            let meant = nearest(id, remappable().map(|row| row.id)).map(|id| format!("; did you mean {id:?}?")).unwrap_or_default();
            self.wrong(place.key(id), &format!("there is no command {:?}{meant} (loopscope config names them all)", excerpt(id)));
            return None;
        };
        if row.command().is_none() {
            self.wrong(place.key(id), &format!("{id:?} needs a digit or a word of its own and cannot be moved to another key"));
            return None;
        }
        let mut keys = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(key) if keys.contains(&key) => self.wrong(place.field(id).item(n), &format!("{text:?} stands twice for {id:?}")),
                Ok(key) => keys.push(key),
                Err(why) => {
                    let last = text.rsplit('+').next().unwrap_or(text);
                    let meant = nearest(last, key::names()).map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
                    self.wrong(place.field(id).item(n), &format!("{why}{meant}"));
                }
            }
        }
        if keys.is_empty() && row.id == "quit" {
            self.wrong(place.field(id), "\"quit\" needs a key: one must be able to leave");
            return None;
        }
        Some((row, keys))
    }

    /// A command that stands twice: of a map's equal keys the last one would win in silence.
    fn twice(&mut self, outline: Option<&Outline<'_>>) {
        let text = |span: &std::ops::Range<usize>| self.source.get(span.clone()).unwrap_or_default();
        let items = outline.map_or(&[][..], |outline| &outline.root().items);
        let keys = items.iter().find(|item| item.key.as_ref().is_some_and(|key| text(key) == "keys"));
        let mut seen: Vec<&str> = Vec::new();
        let mut again = Vec::new();
        for span in keys.into_iter().flat_map(|item| &item.value.items).filter_map(|item| item.key.as_ref()) {
            if seen.contains(&text(span)) {
                again.push((span.start, text(span).to_owned()));
            }
            seen.push(text(span));
        }
        for (at, id) in again {
            let (line, column) = line_column(self.source, at);
            self.mistakes.push(Mistake::new(line, column, &format!("{:?} stands twice", excerpt(&id))));
        }
    }

    /// Two commands with one key: said of the one that the file has moved there.
    fn clash(&mut self, clash: &Clash, changes: &[(&'static Row, Vec<Key>)], place: Place<'_>) {
        let moved = |row: &Row| changes.iter().find(|(changed, keys)| *changed == row && keys.contains(&clash.key));
        let (row, other) = if moved(clash.wants).is_some() { (clash.wants, clash.has) } else { (clash.has, clash.wants) };
        let n = moved(row).and_then(|(_, keys)| keys.iter().position(|key| *key == clash.key)).unwrap_or(0);
        let message = format!(
            "{:?} for {:?} is the key of {:?} already: give that one another key too, or none",
            clash.key.to_string(),
            row.id,
            other.id
        );
        self.wrong(place.field(row.id).item(n), &message);
    }
}

/// The commands that can have other keys.
fn remappable() -> impl Iterator<Item = &'static Row> {
    COMMANDS.iter().filter(|row| matches!(row.make, Make::Fixed(_)))
}

/// A file that says nothing but the defaults, with comments.
fn defaults() -> String {
    let themes: Vec<&str> = THEMES.iter().map(|theme| theme.0).collect();
    let mut text = format!(
        "// loopscope's configuration. It lies in $XDG_CONFIG_HOME/loopscope/config.ron (loopscope config --path) and lists only what\n\
         // differs: a line that says the default can go. The command line beats the environment (LOOPSCOPE_THEME=light ...), and that\n\
         // beats this file. What is chosen while the program runs is not written here.\n\
         Config(\n    \
             // The language of everything that is shown, \"en\" or \"zh\"; without this line the locale's.\n    \
             // lang: \"en\",\n\n    \
             // The colours: {}.\n    \
             theme: \"{}\",\n\n    \
             // Pictures a second while something happens, 1 to 120.\n    \
             fps: {FPS},\n\n    \
             // Whether only ASCII is drawn; without this line where the locale is not UTF-8.\n    \
             // ascii: false,\n\n    \
             // The address that specimens listen on. They are broken on purpose: think before you open them to a network.\n    \
             bind: \"127.0.0.1\",\n\n    \
             // The port of the first specimen; without this line 7070 or the next free one.\n    \
             // port: 7070,\n\n    \
             // Other keys, by command: a character, ctrl+x, alt+x, F1 to F24, {}.\n    \
             // An empty list takes the keys away. Where one types, a character stays a character. Digits cannot be moved.\n    \
             keys: {{\n",
        themes.join(", "),
        themes[0],
        key::names().collect::<Vec<_>>().join(", "),
    );
    let lines: Vec<(String, &str)> = remappable().map(|row| (format!("{:?}: [{}],", row.id, listed(row)), row.help.en)).collect();
    let wide = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    for (line, help) in lines {
        let _ = writeln!(text, "        // {line:wide$} // {help}");
    }
    text.push_str("    },\n)\n");
    text
}

fn listed(row: &'static Row) -> String {
    Keymap::default().keys(row).iter().map(|key| format!("{:?}", key.to_string())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::keymap::Context;

    fn mistakes(text: &str) -> Vec<String> {
        let list = Config::of_text(text).err().unwrap_or_default();
        for mistake in &list {
            assert!(crate::scenario::chinese::sentence(&mistake.message).1, "no Chinese for {:?}: scenario/chinese.rs", mistake.message);
        }
        list.into_iter().map(|m| format!("{}:{}: {}", m.line, m.column, m.message)).collect()
    }

    #[test]
    fn what_config_prints_can_be_read_and_changes_nothing() {
        let config = Config::of_text(&defaults()).unwrap();
        assert_eq!((config.lang, config.theme.as_deref(), config.fps, config.port), (None, Some(THEMES[0].0), Some(FPS), None));
        assert_eq!(config.bind, Some(std::net::Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn what_its_comments_say_is_so_too() {
        let bare = |line: &str| {
            let said = line.trim_start().strip_prefix("// ").filter(|rest| rest.contains(": ") && rest.trim_end().contains(','));
            let said = said.filter(|rest| {
                rest.starts_with(['"']) || rest.starts_with("lang:") || rest.starts_with("port:") || rest.starts_with("ascii: false")
            });
            said.unwrap_or(line).to_owned()
        };
        let text: String = defaults().lines().map(|line| bare(line) + "\n").collect();
        let config = Config::of_text(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
        assert_eq!((config.lang, config.port, config.ascii), (Some(Lang::En), Some(7070), Some(false)));
        for context in Context::ALL {
            for row in COMMANDS {
                assert_eq!(config.keys.key(row, *context), Keymap::default().key(row, *context), "{} in {context:?}", row.id);
                let keys = |map: &Keymap| map.keys(row).into_iter().collect::<std::collections::HashSet<_>>();
                assert_eq!(keys(&config.keys), keys(&Keymap::default()), "{}", row.id);
            }
        }
        assert_eq!(text.matches("\": [").count(), remappable().count());
    }

    #[test]
    fn every_mistake_is_named_with_its_place_and_what_was_meant() {
        for (text, wanted) in [
            (
                "(langg: \"zh\")",
                "1:2: unknown field \"langg\" in Config; valid: lang, theme, fps, ascii, bind, port, keys; did you mean \"lang\"?",
            ),
            ("(lang: \"zz\")", "1:8: unknown language \"zz\"; valid: en, zh; did you mean \"zh\"?"),
            ("(fps: 0)", "1:7: 0 pictures a second are not between 1 and 120"),
            ("(fps: fast)", "1:7: fps: "),
            ("(port: 70000)", "1:8: 70000 is no port"),
            ("(bind: \"localhost\")", "1:8: \"localhost\" is no IP address"),
            ("(keys: {\n  \"panik\": [\"c\"] })", "2:4: there is no command \"panik\"; did you mean \"panic\"?"),
            ("(keys: {\n  \"panic\": [\"F5\", \"spce\"] })", "2:19: \"spce\" is not a key"),
            ("(keys: { \"panic\": [\"c\"] })", "1:20: \"c\" for \"panic\" is the key of \"compute\" already"),
            ("(keys: { \"screen\": [\"F1\"] })", "1:11: \"screen\" needs a digit"),
            ("(keys: { \"quit\": [] })", "1:18: \"quit\" needs a key"),
            ("(keys: { \"panic\": [\"F5\"], \"panic\": [\"F6\"] })", "1:28: \"panic\" stands twice"),
            ("(keys: { \"panic\": [\"F5\", \"F5\"] })", "1:26: \"F5\" stands twice"),
            ("lang: \"zh\"", "1:1: "),
        ] {
            let found = mistakes(text);
            assert!(found.iter().any(|mistake| mistake.starts_with(wanted)), "{text}: {found:?}");
        }
        assert_eq!(mistakes("(fps: 0, theme: \"x\", keys: { \"nothing-like\": [], \"panic\": [\"no\"] })").len(), 4, "all at once");
        assert!(mistakes("(keys: { \"panic\": [\"spce\"] })")[0].ends_with("did you mean \"space\"?"));
    }

    #[test]
    fn an_empty_file_differs_in_nothing() {
        for text in ["", "\n// nothing\n", "()", "Config()"] {
            assert!(Config::of_text(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn two_commands_can_change_their_keys() {
        let config = Config::of_text("(keys: { \"compute\": [\"p\"], \"panic\": [\"c\", \"F5\"], \"restart\": [] })").unwrap();
        let press = |key: &str| config.keys.command(Context::Lab, key.parse().unwrap());
        assert_eq!(press("p"), by_id("compute").unwrap().command());
        assert_eq!((press("c"), press("r")), (by_id("panic").unwrap().command(), None));
    }

    #[test]
    fn the_file_lies_where_xdg_says() {
        let path = |pairs: &'static [(&str, &str)]| {
            path_of(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
                .map(|path| path.display().to_string())
        };
        assert_eq!(path(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]).as_deref(), Some("/x/loopscope/config.ron"));
        assert_eq!(path(&[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")]).as_deref(), Some("/h/.config/loopscope/config.ron"));
        assert_eq!(path(&[("XDG_CONFIG_HOME", "")]), None);
    }
}
