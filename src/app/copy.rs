//! Copying the comparison out: onto the clipboard, and into a file, because not every terminal has a clipboard for us.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::travel::Shown;
use super::{App, terminal};
use crate::base::text::visible;
use crate::output::side_by_side;
use crate::scope::words;

/// Files of one name that are passed over before it is given up.
const TRIES: u32 = 100;

impl App {
    /// Copies what the comparison says of the moment that is shown.
    pub(super) fn copy_table(&mut self) {
        let text = {
            let Self { pump, then, ui, eye, lang, scenario, .. } = self;
            let stage = pump.stage();
            let Shown { world, .. } = super::travel::shown(then, &stage, crate::base::units::Nanos::ZERO, ui, eye, *lang);
            side_by_side::markdown(world, scenario, ui.chosen, *lang)
        };
        let name = format!("loopscope-{}", self.scenario.id);
        let written = write(Path::new("."), &name, &text).or_else(|_| write(&std::env::temp_dir(), &name, &text));
        let copied = terminal::put_on_clipboard(&text);
        let said = match (written, copied) {
            (Ok(path), _) => words::fill(self.lang, "notice.copied", &[("file", &visible(&path.display().to_string()))]),
            (Err(_), Ok(())) => words::text(self.lang, "notice.copied_to_clipboard").into_owned(),
            (Err(error), Err(_)) => words::fill(self.lang, "notice.not_copied", &[("why", &visible(&error.to_string()))]),
        };
        self.say(said);
    }
}

/// Writes a text into a new file of this name in a folder, with a number behind it where there is one already: nobody's file is
/// overwritten.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    for n in 1..=TRIES {
        let path = folder.join(if n == 1 { format!("{name}.md") } else { format!("{name}-{n}.md") });
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.md"), "mine").unwrap();
        let paths: Vec<_> = ["one", "two"].iter().map(|text| write(folder.path(), "x", text).unwrap()).collect();
        assert_eq!(paths, [folder.path().join("x-2.md"), folder.path().join("x-3.md")]);
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!([read("x.md"), read("x-2.md"), read("x-3.md")], ["mine", "one", "two"]);
        assert!(write(Path::new("/nowhere/at/all"), "x", "text").is_err());
    }
}
