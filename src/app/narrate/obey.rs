//! Lines that somebody has typed: which command each is, and what comes of it. The commands are those of the table; what only moves a
//! picture says that there is none.

use super::Teller;
use crate::app::dispatch::COUNTED_ANEW;
use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::command::key::Key;
use crate::command::spoken::{self, Unspoken};
use crate::command::table::{self, COMMANDS, Group};
use crate::command::{Command, keymap::Context};
use crate::lab::Script;
use crate::scenario::Scenario;
use crate::scenario::catalogue::neighbour;
use crate::scenario::mistake::nearest;
use crate::scenario::schema::words as written;
use crate::scope::words;

/// What comes after a line.
pub(super) enum Then {
    /// The next one.
    GoOn,
    /// The end.
    Leave,
}

/// What means something only where lines are typed.
const OWN: [&str; 4] = ["status", "lesson", "play", "wait"];
/// Commands that mean something here though they are neither the lab's nor the lesson's, nor for a script.
const ALSO: [&str; 6] = ["next-specimen", "specimen", "rearm", "next-language", "help", "quit"];

impl Teller {
    /// Does what a line says, and tells how that went.
    pub(super) fn obey(&mut self, line: &str) -> anyhow::Result<Then> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(Then::GoOn);
        }
        (self.acted, self.commanded) = (self.clock.now(), true);
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "wait" => return self.wait(rest).map(|()| Then::GoOn),
            "status" => {
                let lines = self.summary();
                return self.say_all(&lines).map(|()| Then::GoOn);
            }
            "lesson" => {
                self.narrator.repeat();
                return Ok(Then::GoOn);
            }
            "play" => {
                self.script = Some((Script::new(&self.scenario), self.lab.now()));
                return self.say(&words::text(self.lang, "narrate.plays")).map(|()| Then::GoOn);
            }
            _ => {}
        }
        // `pool: panic` is for the specimen of that name.
        let named = line.split_once(':').and_then(|(name, rest)| Some((self.scenario.specimen(name.trim())?, rest)));
        let (target, said) = named.map_or((SpecimenId(self.ui.chosen as u8), line), |(target, rest)| (target, rest));
        match self.understand(said) {
            Ok(command) => self.carry_out(&command, target, named.is_some()),
            Err(unspoken) => {
                let why = self.unspoken(&unspoken);
                self.say(&why).map(|()| Then::GoOn)
            }
        }
    }

    /// The command of a line: by its name, or by a key where the lesson is read.
    fn understand(&self, line: &str) -> Result<Command, Unspoken> {
        let unspoken = match spoken::command(line) {
            Err(unspoken @ Unspoken::NoSuch(_)) => unspoken,
            understood => return understood,
        };
        let context = if self.ui.is_asked(&self.scenario) { Context::Question } else { Context::Lab };
        let key: Option<Key> = line.trim().parse().ok();
        key.and_then(|key| self.options.keys.command(context, key)).ok_or(unspoken)
    }

    fn wait(&mut self, rest: &str) -> anyhow::Result<()> {
        match Nanos::parse(rest) {
            Ok(time) => {
                self.rest = self.clock.now() + time;
                Ok(())
            }
            Err(_) => self.say(&words::fill(self.lang, "palette.wrong_argument", &[("usage", "wait 5s")])),
        }
    }

    fn carry_out(&mut self, command: &Command, target: SpecimenId, named: bool) -> anyhow::Result<Then> {
        let row = table::of(command);
        match command {
            Command::Quit | Command::Stop => return Ok(Then::Leave),
            Command::Help => return self.help().map(|()| Then::GoOn),
            Command::NextLanguage => {
                self.lang = self.lang.next();
                self.narrator.repeat();
                return self.introduce().map(|()| Then::GoOn);
            }
            Command::Home => return self.list().map(|()| Then::GoOn),
            _ => {}
        }
        if let Some(row) = row.filter(|row| !is_told(row)) {
            let why = words::fill(self.lang, "narrate.screen_only", &[("id", row.id)]);
            return self.say(&why).map(|()| Then::GoOn);
        }
        // What a lesson's step names acts where the step says; a name before the command says otherwise.
        let chosen = std::mem::replace(&mut self.ui.chosen, usize::from(target.0));
        let left = self.ui.carry_out(command.clone(), &self.scenario, self.lab.world(), &self.lessons);
        let turned = matches!(command, Command::NextSpecimen | Command::Specimen(_) | Command::NextStep | Command::PreviousStep);
        if !turned {
            self.ui.chosen = chosen;
        }
        let said = match left {
            None => match command {
                Command::NextSpecimen | Command::Specimen(_) => self.chosen(),
                _ => String::new(),
            },
            Some(Command::Open(id)) => return self.open_id(&id).map(|()| Then::GoOn),
            Some(Command::NextLesson) => return self.open_id(neighbour(&self.scenario.id, 1).id).map(|()| Then::GoOn),
            Some(Command::PreviousLesson) => return self.open_id(neighbour(&self.scenario.id, -1).id).map(|()| Then::GoOn),
            Some(Command::Restart) => return self.open(self.scenario.clone()).map(|()| Then::GoOn),
            Some(Command::Hint) => words::text(self.lang, "notice.no_hint").into_owned(),
            Some(Command::Review) => words::text(self.lang, "notice.no_review").into_owned(),
            Some(Command::CountAnew) => {
                self.order(None, &Command::Mark(COUNTED_ANEW.to_owned()));
                words::text(self.lang, "notice.counted_anew").into_owned()
            }
            Some(Command::Solve) => return self.solve(),
            // A trigger waits for whoever comes first, unless a name says otherwise.
            Some(command @ Command::Arm(_)) => self.order(Some(target).filter(|_| named), &command),
            Some(command) => self.order(Some(target), &command),
        };
        self.say(&said).map(|()| Then::GoOn)
    }

    /// Does what the step asks for.
    fn solve(&mut self) -> anyhow::Result<Then> {
        let orders = self.ui.solve(&self.scenario);
        if orders.is_empty() {
            self.say(&words::text(self.lang, "notice.nothing_to_do"))?;
        }
        for (specimen, command) in orders {
            let said = self.order(Some(specimen), &command);
            self.say(&said)?;
        }
        Ok(Then::GoOn)
    }

    /// Which specimen commands act on.
    fn chosen(&self) -> String {
        let name = self.scenario.specimens.get(self.ui.chosen).map(|s| visible(&s.name)).unwrap_or_default();
        words::fill(self.lang, "narrate.chosen", &[("name", &name)])
    }

    fn open_id(&mut self, id: &str) -> anyhow::Result<()> {
        match self.lessons.iter().find(|lesson| lesson.id == id).cloned() {
            Some(lesson) => self.open(lesson),
            None => self.say(&words::fill(self.lang, "notice.no_lesson", &[("id", &visible(id))])),
        }
    }

    fn unspoken(&self, unspoken: &Unspoken) -> String {
        match unspoken {
            Unspoken::Nothing => String::new(),
            Unspoken::NoSuch(id) => match nearest(id, spoken::ids().chain(OWN)) {
                Some(meant) => words::fill(self.lang, "narrate.no_such_but", &[("id", &visible(id)), ("meant", meant)]),
                None => words::fill(self.lang, "narrate.no_such", &[("id", &visible(id))]),
            },
            Unspoken::Needs(row) | Unspoken::Not(row, _) => {
                words::fill(self.lang, "palette.wrong_argument", &[("usage", &spoken::usage(row))])
            }
        }
    }

    /// The lessons, and how each is opened.
    fn list(&self) -> anyhow::Result<()> {
        let lines = self.lessons.iter().map(|lesson| format!("open {}: {}", lesson.id, written(&lesson.title, self.lang)));
        self.say_all(&lines.collect::<Vec<_>>())
    }

    /// Every command that means something here.
    fn help(&self) -> anyhow::Result<()> {
        let mut lines: Vec<String> = COMMANDS
            .iter()
            .filter(|row| is_told(row) && row.is_for_people())
            .map(|row| format!("{}: {}", spoken::usage(row), row.help.get(self.lang)))
            .collect();
        let own = ["narrate.help_status", "narrate.help_lesson", "narrate.help_play", "narrate.help_wait", "narrate.help_name"];
        lines.extend(own.map(|key| words::text(self.lang, key).into_owned()));
        self.say_all(&lines)
    }
}

/// Whether a command means something without a picture.
fn is_told(row: &table::Row) -> bool {
    matches!(row.group, Group::Lab | Group::Lesson) || row.script || ALSO.contains(&row.id)
}

/// That something was done: what, and to which specimen where there are several.
pub(super) fn done(command: &Command, specimen: Option<SpecimenId>, scenario: &Scenario, lang: Lang) -> String {
    let label = table::of(command).map_or("", |row| row.label.get(lang));
    let of = specimen.filter(|_| scenario.specimens.len() > 1).and_then(|SpecimenId(n)| scenario.specimens.get(usize::from(n)));
    let of = of.map(|specimen| format!(" · {}", visible(&specimen.name))).unwrap_or_default();
    words::fill(lang, "narrate.done", &[("what", &format!("{label}{of}"))])
}
