//! The last line: the most important keys, as many as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::scope::pen::{Pen, Targets};
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, Screen, keys};

/// The line, ready to be drawn.
pub struct Footer<'a> {
    /// The commands with their labels, the most important first.
    pub entries: Vec<(Command, String)>,
    /// How.
    pub look: Look<'a>,
}

impl<'a> Footer<'a> {
    /// The footer of a scene.
    pub fn of(scene: &Scene<'a>) -> Self {
        let several = scene.world.specimens.len() > 1;
        let mut commands = match scene.ui.screen {
            Screen::Start => vec![
                (Command::Down, "key.choose"),
                (Command::Select, "key.open"),
                (Command::Help, "key.help"),
                (Command::Quit, "key.quit"),
                (Command::NextLanguage, "key.language"),
                (Command::NextTheme, "key.theme"),
            ],
            Screen::Scope => vec![
                (Command::FaultMenu, "key.fault"),
                (Command::MitigationMenu, "key.mitigate"),
                (Command::Freeze, "key.freeze"),
                (Command::NextStep, "key.next_step"),
                (Command::Help, "key.help"),
                (Command::Quit, "key.quit"),
                (Command::LoadUp, "key.load_up"),
                (Command::LoadDown, "key.load_down"),
                (Command::Respawn, "key.respawn"),
                (Command::Home, "key.home"),
            ],
        };
        if several && scene.ui.screen == Screen::Scope {
            commands.insert(2, (Command::NextSpecimen, "key.specimen"));
        }
        let entries = commands.into_iter().map(|(c, label)| (c, scene.look.text(label).into_owned())).collect();
        Self { entries, look: scene.look }
    }

    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        let area = pen.area;
        let mut x = area.x + 1;
        for (command, label) in &self.entries {
            let key = keys::sign(command);
            if key.is_empty() {
                continue;
            }
            let wide = (width(key) + 2 + 1 + width(label)) as u16;
            if x + wide > area.right() {
                break;
            }
            targets.add(Rect { x, width: wide, ..area }, command.clone());
            let at = pen.text(x, area.y, &format!(" {key} "), self.look.style(Role::Key)) + 1;
            x = pen.text(at, area.y, label, self.look.style(Role::KeyLabel)) + 2;
        }
    }
}

impl Widget for &Footer<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}
