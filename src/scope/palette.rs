//! What the palette offers for what has been typed: commands by name, the best answers first, and why one cannot be carried out now.
//!
//! Made from the table of commands, in plain data. What is drawn and what Enter takes are the same list.

use super::screens::SCREENS;
use super::ui::{Screen, Ui};
use super::words;
use super::{Scene, shown_label};
use crate::base::lang::Lang;
use crate::base::text::visible;
use crate::command::keymap::{Context, Keymap};
use crate::command::search::answers;
use crate::command::spoken::{self, Unspoken};
use crate::command::table::{COMMANDS, Group, Make, Row};
use crate::command::{Command, key::Key};
use crate::scenario::Scenario;
use crate::scenario::schema::{Step, words as written};
use crate::world::{Specimen, World};

/// What is asked, and of what it is judged.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What has been typed and opened.
    pub ui: &'a Ui,
    /// The language of the screen.
    pub lang: Lang,
    /// The keys.
    pub keys: &'a Keymap,
    /// Whether only ASCII can be shown.
    pub ascii: bool,
    /// The scenario that runs.
    pub scenario: &'a Scenario,
    /// All lessons.
    pub lessons: &'a [Scenario],
    /// What is so.
    pub world: &'a World,
}

/// One command that is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// How it is written.
    pub id: String,
    /// What it is called.
    pub label: String,
    /// Which characters of the label answer what was typed.
    pub places: Vec<usize>,
    /// What it does.
    pub help: String,
    /// Its key, where it has one.
    pub key: Option<Key>,
    /// Whether it is on, for what can be switched.
    pub on: Option<bool>,
    /// What taking it means.
    pub take: Take,
    /// Why it cannot be carried out now.
    pub why_not: Option<String>,
}

/// What taking an offer means.
#[derive(Clone, Debug, PartialEq)]
pub enum Take {
    /// To carry this out.
    Run(Command),
    /// To go on writing from here.
    Write(String),
}

impl<'a> Asked<'a> {
    /// What a scene's palette is asked.
    pub fn of(scene: &Scene<'a>) -> Self {
        let Scene { world, scenario, lessons, ui, look, .. } = *scene;
        Self { ui, lang: look.lang, keys: look.keys, ascii: look.theme.ascii, scenario, lessons, world }
    }

    fn specimen(&self) -> Option<&'a Specimen> {
        self.world.specimens.get(self.ui.chosen).or_else(|| self.world.specimens.first())
    }

    fn text(&self, key: &str) -> String {
        words::text(self.lang, key).into_owned()
    }
}

/// Everything that answers what has been typed, the best first; everything there is, where nothing has been typed.
pub fn offers(asked: &Asked<'_>) -> Vec<Offer> {
    let query = asked.ui.line.text().trim();
    let sought: Vec<&str> = query.split_whitespace().collect();
    let mut found: Vec<(u32, Offer)> = COMMANDS
        .iter()
        .filter(|row| row.is_for_people())
        .flat_map(|row| of_row(asked, row))
        .filter_map(|(mut offer, english)| {
            let score = answer(&sought, &mut offer, &english)?;
            // What cannot be done now stands behind what can, unless it is exactly what was asked for.
            Some((score + u32::from(offer.why_not.is_some() && !sought.is_empty()), offer))
        })
        .collect();
    found.sort_by_key(|(score, _)| *score);
    let exact = exact(asked, query);
    let said = exact.as_ref().map(|offer| offer.id.clone());
    let rest = found.into_iter().map(|(_, offer)| offer).filter(|offer| Some(&offer.id) != said.as_ref());
    exact.into_iter().chain(rest).collect()
}

/// A command that was written out with what belongs to it: `rate 5000`.
fn exact(asked: &Asked<'_>, query: &str) -> Option<Offer> {
    let (row, take, why_not) = match spoken::command(query) {
        Ok(command) if query.contains([' ', '(']) => {
            let row = crate::command::table::of(&command)?;
            (row, Take::Run(command.clone()), why_not(asked, row, &command))
        }
        Err(Unspoken::Not(row, _)) if !matches!(row.make, Make::Fixed(_)) => {
            let usage = words::fill(asked.lang, "palette.wrong_argument", &[("usage", &spoken::usage(row))]);
            (row, Take::Write(format!("{} ", row.id)), Some(usage))
        }
        _ => return None,
    };
    let label = row.label.get(asked.lang).to_owned();
    let help = row.help.get(asked.lang).to_owned();
    Some(Offer { id: query.to_owned(), label, places: Vec::new(), help, key: None, on: None, take, why_not })
}

/// How well an offer answers all words; nothing where it does not. Marks what answers in its label.
fn answer(sought: &[&str], offer: &mut Offer, english: &[&str; 2]) -> Option<u32> {
    let mut sum = 0;
    let mut places = Vec::new();
    for word in sought {
        let label = answers(word, &offer.label, true);
        let names = [answers(word, &offer.id, true), answers(word, english[0], true)].map(|m| m.map(|m| m.score));
        let helps = [&*offer.help, english[1]].map(|help| answers(word, help, false).map(|m| m.score + 20));
        let best = label.as_ref().map(|m| m.score).into_iter().chain(names.into_iter().chain(helps).flatten()).min()?;
        if let Some(label) = label {
            places.extend(label.places);
        }
        sum += best;
    }
    places.sort_unstable();
    places.dedup();
    offer.places = places;
    Some(sum)
}

/// What a row offers, each with its English words: one thing, or one for each screen, answer or lesson.
fn of_row<'a>(asked: &Asked<'a>, row: &'static Row) -> Vec<(Offer, [&'a str; 2])> {
    let plain = |id: String, label: String, take: Take| {
        let command = match &take {
            Take::Run(command) => Some(command.clone()),
            Take::Write(_) => None,
        };
        let why_not = command.as_ref().and_then(|command| why_not(asked, row, command));
        let on = command.as_ref().and_then(|command| is_on(asked, command));
        let key = asked.keys.keys(row).first().copied().filter(|_| !matches!(row.make, Make::Digit(_)));
        Offer { id, label, places: Vec::new(), help: row.help.get(asked.lang).to_owned(), key, on, take, why_not }
    };
    let english = [row.label.en, row.help.en];
    let label = shown_label(row, asked.lang, asked.ascii);
    match (&row.make, row.sample()) {
        (_, Some(sample)) if moves_in_what_is_open(&sample) => Vec::new(),
        (Make::Fixed(command), _) => vec![(plain(row.id.into(), label.into(), Take::Run(command.clone())), english)],
        (Make::Digit(of), Some(Command::Screen(_))) => {
            let screens = SCREENS.iter().enumerate().map(|(n, screen)| {
                let label = format!("{label}: {}", asked.text(screen.name));
                let mut offer = plain(format!("{} {}", row.id, n + 1), label, Take::Run(of(n as u8)));
                // A digit answers a question that is open; elsewhere it is the key of the screen.
                offer.key = (n + 1).to_string().parse().ok().filter(|key| asked.keys.row(Context::Table, *key) == Some(row));
                (offer, english)
            });
            screens.collect()
        }
        (Make::Digit(of), Some(Command::Answer(_))) => match asked.scenario.lesson.get(asked.ui.step) {
            Some(Step::Predict { choices, .. }) if asked.ui.answer().is_none() => {
                let answers = choices.iter().enumerate().map(|(n, choice)| {
                    let label = format!("{label}: {}", written(choice, asked.lang));
                    let mut offer = plain(format!("{} {}", row.id, n + 1), label, Take::Run(of(n as u8)));
                    offer.key = (n + 1).to_string().parse().ok();
                    (offer, english)
                });
                answers.collect()
            }
            _ => vec![(plain(row.id.into(), label.into(), Take::Run(of(0))), english)],
        },
        (Make::Written(_), Some(Command::Open(_))) => {
            let lessons = asked.lessons.iter().map(|lesson| {
                let title = format!("{label}: {}", written(&lesson.title, asked.lang));
                let mut offer = plain(format!("{} {}", row.id, lesson.id), title, Take::Run(Command::Open(lesson.id.clone())));
                written(&lesson.summary, asked.lang).clone_into(&mut offer.help);
                (offer, [written(&lesson.title, Lang::En), written(&lesson.summary, Lang::En)])
            });
            lessons.collect()
        }
        (Make::Written(_), Some(command @ Command::Stop)) => vec![(plain(row.id.into(), label.into(), Take::Run(command)), english)],
        (Make::Written(_), _) => vec![(plain(spoken::usage(row), label.into(), Take::Write(format!("{} ", row.id))), english)],
        (Make::Digit(_), _) => Vec::new(),
    }
}

/// Keys of lists and lines: they mean something only in what is open, and the palette itself is what is open.
fn moves_in_what_is_open(command: &Command) -> bool {
    use Command::{Down, Erase, EraseAll, First, Last, PageDown, PageUp, Palette, Pick, SearchHelp, Select, Type, Up};
    matches!(command, Up | Down | PageUp | PageDown | First | Last | Select | Pick(_) | Palette | SearchHelp | Type(_) | Erase | EraseAll)
}

/// Whether what a command switches is on; nothing for what is no switch.
fn is_on(asked: &Asked<'_>, command: &Command) -> Option<bool> {
    let specimen = asked.specimen()?;
    match command {
        Command::Apply(setting) => Some(specimen.mitigations[setting.kind() as usize]),
        Command::Arm(setting) => Some(asked.ui.armed.is_some_and(|armed| armed.setting.kind() == setting.kind())),
        Command::Inject(setting) if crate::specimen::faults::row(setting.kind()).standing => Some(specimen.faults[setting.kind() as usize]),
        _ => None,
    }
}

/// Why a command cannot be carried out where the person is, and as the chosen specimen is.
fn why_not(asked: &Asked<'_>, row: &Row, command: &Command) -> Option<String> {
    let ground = asked.ui.ground(asked.scenario);
    let specimen = asked.specimen();
    let name = specimen.map(|s| visible(&s.name)).unwrap_or_default();
    let dead = specimen.is_some_and(|s| !s.is_alive());
    let steps = asked.scenario.lesson.len() + asked.scenario.review.len();
    let ui = asked.ui;
    let reason = match command {
        Command::Answer(_) if !ui.is_asked(asked.scenario) => "reason.question",
        Command::NextStep if ui.step + 1 >= steps && ui.page + 1 >= ui.pages => "reason.last_step",
        Command::PreviousStep if ui.step == 0 && ui.page == 0 => "reason.first_step",
        Command::NextSpecimen if asked.world.specimens.len() < 2 => "reason.one_specimen",
        Command::Inject(setting) if dead && !crate::specimen::faults::row(setting.kind()).standing => "refusal.dead",
        Command::Kill | Command::HoldLoop | Command::LetOne | Command::LetTick if dead => "refusal.dead",
        Command::HoldLoop | Command::LetOne | Command::LetTick if specimen.is_some_and(|s| !s.has_loop()) => "refusal.no_loop",
        Command::LoadUp | Command::LoadDown if specimen.is_some_and(|s| s.clients.clients > 0 && s.clients.offered.is_none()) => {
            "reason.closed_loop"
        }
        Command::Home if ui.screen == Screen::Start => "reason.there",
        Command::Screen(n) if SCREENS.get(usize::from(*n)).is_some_and(|screen| screen.screen == ui.screen) => "reason.there",
        // What acts on the lab does so from everywhere; what moves the view needs that view.
        _ if row.group != Group::Lab && !row.keys.is_empty() && !row.works_in(ground) => match ground {
            Context::Home if !matches!(command, Command::Screen(_) | Command::NextLesson | Command::PreviousLesson) => "reason.lesson",
            Context::Lab | Context::Question if !row.works_in(Context::Lab) && !row.works_in(Context::Question) => "reason.table",
            Context::Table if !row.works_in(Context::Table) => "reason.lesson_in_sight",
            _ => return None,
        },
        _ => return None,
    };
    Some(words::fill(asked.lang, reason, &[("name", &name)]))
}
