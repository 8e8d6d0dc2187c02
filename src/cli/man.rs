//! `loopscope man`: one manual page for all of it, made from the arguments' definitions and the tables.

use std::io;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;

use super::args::Args;
use super::{Ended, say};
use crate::base::lang::Lang;
use crate::command::keymap::Keymap;
use crate::command::table::COMMANDS;

/// Prints it.
pub fn run() -> anyhow::Result<Ended> {
    say(&text().context("making the page")?).context("standard output")?;
    Ok(Ended::Fine)
}

fn text() -> io::Result<String> {
    let mut command = Args::command();
    command.build();
    let page = Man::new(command.clone());
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        text += &subcommand(sub)?;
    }
    text += &keys();
    text += FILES;
    let mut out = Vec::new();
    page.render_extra_section(&mut out)?;
    page.render_version_section(&mut out)?;
    Ok(text + &String::from_utf8_lossy(&out))
}

/// A subcommand as a section, its parts as sections of that.
fn subcommand(sub: &clap::Command) -> io::Result<String> {
    let page = Man::new(sub.clone());
    let mut out = Vec::new();
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    page.render_extra_section(&mut out)?;
    let parts = String::from_utf8_lossy(&out).replace(".SH ", ".SS ");
    Ok(format!(".SH \"{}\"\n{parts}", plain(&format!("loopscope {}", sub.get_name()).to_uppercase())))
}

/// Every key.
fn keys() -> String {
    let keymap = Keymap::default();
    let rows = COMMANDS.iter().filter_map(|row| {
        let keys: Vec<String> = keymap.keys(row).iter().map(ToString::to_string).collect();
        (!keys.is_empty()).then(|| format!(".TP\n\\fB{}\\fR\n{}\n", plain(&keys.join(" ")), plain(row.help.get(Lang::En))))
    });
    format!(".SH KEYS\n{}", rows.collect::<String>())
}

const FILES: &str = "\
.SH ENVIRONMENT
.TP
\\fBLOOPSCOPE_LANG\\fR, \\fBLOOPSCOPE_THEME\\fR, \\fBLOOPSCOPE_ASCII\\fR, \\fBLOOPSCOPE_NARRATE\\fR, \\fBLOOPSCOPE_FPS\\fR, \\fBLOOPSCOPE_BIND\\fR, \\fBLOOPSCOPE_PORT\\fR
What the option of the same name says, where it is not given.
.TP
\\fBNO_COLOR\\fR
Where it is set and not empty: no colours.
.SH FILES
.TP
\\fI$XDG_CONFIG_HOME/loopscope/config.ron\\fR, else \\fI~/.config/loopscope/config.ron\\fR
What differs from the defaults, keys too. It is only read; \\fBloopscope config\\fR prints one to begin with.
.TP
\\fI$XDG_STATE_HOME/loopscope/progress.json\\fR, else \\fI~/.local/state/loopscope/progress.json\\fR
What has been done of the lessons.
";

/// A text that roff takes as it is.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_and_key_is_in_it_and_nothing_hidden() {
        let text = text().unwrap();
        for words in
            [".TH loopscope", "LOOPSCOPE CHECK", "LOOPSCOPE MAN", "narrate", ".SH KEYS", "LOOPSCOPE_THEME", ".SH FILES", "Exit codes"]
        {
            assert!(text.contains(words), "no {words}:\n{text}");
        }
        assert!(!text.contains("__specimen"));
        assert_eq!([plain(". -"), plain("\\")], ["\\&. \\-", "\\e"]);
    }
}
