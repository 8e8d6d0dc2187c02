//! The terminal view: a scene in, cells and click targets out.
//!
//! Drawing is a function of the [`Scene`] by shared reference. It reads no clock, asks no source and changes nothing. What must
//! outlast a frame (the afterglow of the wheel, figures that are held so that they can be read) lies in the [`Eye`], which is
//! moved on by the world's time alone. Each panel is one file: its *shape*, plain data computed from the world and tested apart,
//! and its paint.
//!
//! Reading order: [`theme`] and [`pen`] (how), `panels` (what), `screens` (where).

pub mod answers;
pub mod ascii;
pub mod cost;
pub mod eye;
pub mod line;
pub mod menus;
pub mod palette;
pub mod panels;
pub mod pen;
pub mod pointer;
pub mod rows;
pub mod screens;
pub mod steps;
pub mod study;

pub mod text;
pub mod theme;
pub mod timebase;
pub mod trigger;
pub mod ui;
pub mod words;

use std::borrow::Cow;
use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::base::lang::Lang;
use crate::command::key::Key;
use crate::command::keymap::{Context, Keymap};
use crate::command::{Command, table};
use crate::scenario::Scenario;
use crate::selectors::bench::View;
use crate::world::trace::Trace;
use crate::world::{Specimen, World};

pub use answers::Answers;
pub use cost::Cost;
pub use eye::Eye;
pub use pen::Targets;
pub use theme::{Role, Theme, Tier};
pub use ui::{Frozen, Meanwhile, Screen, Ui};

/// In which colours and which language, and with which keys.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The theme, resolved for the terminal.
    pub theme: &'a Theme,
    /// The language.
    pub lang: Lang,
    /// The keys, as the person has them.
    pub keys: &'a Keymap,
}

impl Look<'_> {
    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// How the key of a command is written where there is room for a sign only; empty where it has none.
    pub fn key(&self, command: &Command, context: Context) -> String {
        table::of(command).and_then(|row| self.keys.key(row, context)).map(|key| self.sign(key)).unwrap_or_default()
    }

    /// How a key is written: with a sign where there is one, and with its name in ASCII, where a sign could be taken for a key.
    pub fn sign(&self, key: Key) -> String {
        if self.theme.ascii { key.to_string() } else { key.sign() }
    }

    /// A row's label: one that the screen can show.
    pub fn label(&self, row: &table::Row) -> &'static str {
        shown_label(row, self.lang, self.theme.ascii)
    }

    /// The sentence under a key.
    pub fn text(&self, key: &str) -> Cow<'static, str> {
        words::text(self.lang, key)
    }

    /// The sentence under a key with the present key of a command for each `%{command-id}` in it.
    pub fn keyed(&self, key: &str) -> String {
        let text = self.text(key);
        let ids: Vec<&str> = text.split("%{").skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let sign =
            |id: &str| Some(self.keys.keys(table::by_id(id)?).first().copied().map_or_else(|| format!(":{id}"), |key| self.sign(key)));
        let signs: Vec<(&str, String)> = ids.into_iter().filter_map(|id| Some((id, sign(id)?))).collect();
        let signs: Vec<(&str, &str)> = signs.iter().map(|(id, sign)| (*id, sign.as_str())).collect();
        self.fill(key, &signs)
    }

    /// The sentence under a key with each `%{name}` filled in.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        words::fill(self.lang, key, values)
    }
}

/// A row's label in a language; its id where only ASCII is drawn and the label is another language's name for itself.
fn shown_label(row: &table::Row, lang: Lang, ascii: bool) -> &'static str {
    let label = row.label.get(lang);
    if ascii && lang == Lang::En && !label.is_ascii() { row.id } else { label }
}

/// Everything that one frame shows.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What is so.
    pub world: &'a World,
    /// Where one stands in the past, the same lab a little later: its strips tell what lay around that moment. Else what is so.
    pub around: &'a World,
    /// Which lesson is on.
    pub scenario: &'a Scenario,
    /// All lessons, for the start screen.
    pub lessons: &'a [Scenario],
    /// What the person has chosen and opened.
    pub ui: &'a Ui,
    /// What lasts from frame to frame.
    pub eye: &'a Eye,
    /// The stretch of the past that the timeline shows, read from its events.
    pub trace: &'a Trace,
    /// What was found out in the recorded past.
    pub answers: &'a Answers,
    /// What the watching itself costs, where that is shown.
    pub cost: Option<&'a Cost>,
    /// In which colours and language.
    pub look: Look<'a>,
    /// The selectors, once they are being measured.
    pub selectors: Option<View<'a>>,
    /// Where each specimen answers, once it does.
    pub addresses: &'a [Option<SocketAddr>],
}

impl<'a> Scene<'a> {
    /// The specimen that keys act on; `None` in a world without any.
    pub fn chosen(&self) -> Option<&'a Specimen> {
        self.world.specimens.get(self.ui.chosen).or_else(|| self.world.specimens.first())
    }

    /// Where the person is, as far as keys are concerned.
    pub fn context(&self) -> Context {
        self.ui.context(self.scenario)
    }
}

/// What a frame came to, beside its cells.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// What clicks mean.
    pub targets: Targets,
    /// In how many pages the lesson's step is shown.
    pub pages: usize,
    /// The rows of the table that is shown, for keys and clicks to move in.
    pub shown: rows::Shown,
    /// How far what lies open goes beyond what is in sight.
    pub reach: ui::Reach,
    /// Where the timeline was drawn.
    pub plot: Option<pointer::Plot>,
    /// Where the sizes of the selectors' chart are.
    pub axis: Option<panels::selectors::Axis>,
}

/// Draws the scene over the whole buffer.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer) -> Drawn {
    let mut drawn = Drawn::default();
    buf.set_style(buf.area, scene.look.theme.ground().patch(scene.look.style(Role::Text)));
    screens::draw(scene, buf, &mut drawn);
    if scene.look.theme.ascii {
        ascii::simplify(buf);
    }
    drawn
}
