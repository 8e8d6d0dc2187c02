//! The three lines at the top: what is on, its vital signs, and the announcement: what is wrong now, or what was and what mends it.
//!
//! The announcement's line is always there, so that nothing jumps when a stall begins.

use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::units::{Nanos, count};
use crate::command::Command;
use crate::command::keymap::Context;
use crate::scope::eye::Figures;
use crate::scope::pen::Pen;
use crate::base::text::visible;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::scope::{Look, Scene, words};
use crate::world::{Death, Life, Specimen, StallKind, World};

/// The state of what is shown, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No process yet.
    Starting,
    /// It turns.
    Live,
    /// A callback holds it.
    Stalled,
    /// The gate holds it.
    Held,
    /// The process is gone.
    Dead,
    /// The picture is held, not the loop.
    Frozen,
}

impl State {
    /// The state of a specimen, in a picture that is held or not.
    pub fn of(specimen: &Specimen, frozen: bool) -> Self {
        match specimen.life {
            _ if frozen => Self::Frozen,
            Life::Dead { .. } => Self::Dead,
            Life::Starting => Self::Starting,
            Life::Running { .. } if specimen.stalls.current.is_some() => Self::Stalled,
            Life::Running { .. } if specimen.reactor.held => Self::Held,
            Life::Running { .. } => Self::Live,
        }
    }

    /// Glyph, key of the word, colour.
    pub const fn sign(self) -> (&'static str, &'static str, Role) {
        match self {
            Self::Starting => ("◌", "state.starting", Role::Dim),
            Self::Live => ("●", "state.live", Role::Good),
            Self::Stalled => ("▲", "state.stalled", Role::Alarm),
            Self::Held => ("◆", "state.held", Role::Warn),
            Self::Dead => ("✕", "state.dead", Role::Alarm),
            Self::Frozen => ("‖", "state.frozen", Role::Accent),
        }
    }
}

/// What the third line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// In which colours.
    pub role: Role,
    /// A glyph.
    pub sign: &'static str,
    /// What must be said, however narrow the screen.
    pub headline: String,
    /// What else is known, the most important first.
    pub details: Vec<String>,
    /// What can be done: the command, and in words.
    pub remedies: Vec<(Command, String)>,
}

/// The announcement for a scene.
pub fn announcement(scene: &Scene<'_>) -> Announcement {
    let look = scene.look;
    let Some(specimen) = scene.chosen() else { return calm(scene, None) };
    let mut said = match State::of(specimen, false) {
        State::Stalled => stalled(specimen, scene.world, look),
        State::Dead => dead(specimen, look),
        State::Starting => Announcement {
            role: Role::Dim,
            sign: "◌",
            headline: look.text("announce.starting").into_owned(),
            details: Vec::new(),
            remedies: Vec::new(),
        },
        State::Live | State::Held | State::Frozen => calm(scene, Some(specimen)),
    };
    if scene.ui.frozen {
        said.details.insert(0, said.headline);
        said = Announcement {
            role: Role::BannerFrozen,
            sign: "‖",
            headline: look.text("announce.frozen").into_owned(),
            details: said.details,
            remedies: vec![(Command::Freeze, look.text("announce.go_live").into_owned())],
        };
    }
    said
}

fn stalled(specimen: &Specimen, world: &World, look: Look<'_>) -> Announcement {
    let Some(stall) = specimen.stalls.current else { return quiet(look) };
    let what = words::callback(look.lang, stall.cause, stall.handler);
    let age = world.now.since(stall.began).to_string();
    let conn = stall.conn.0.to_string();
    let key = if stall.conn.is_some() { "announce.holds_for" } else { "announce.holds" };
    let mut details = vec![look.fill("announce.wait", &[("n", &stall.victims.to_string())])];
    details.insert(
        0,
        look.text(match stall.kind {
            StallKind::Computing => "announce.computing",
            StallKind::Parked => "announce.parked",
            StallKind::Unknown => "announce.kind_unknown",
        })
        .into_owned(),
    );
    if let Some(fault) = stall.fault {
        details.push(look.fill("announce.fault", &[("fault", &words::fault(look.lang, fault))]));
    }
    if stall.accept_queue > 0 {
        details.push(look.fill("announce.accept_queue", &[("n", &stall.accept_queue.to_string())]));
    }
    Announcement {
        role: Role::BannerStall,
        sign: "▲",
        headline: look.fill(key, &[("age", &age), ("what", &what), ("conn", &conn)]),
        details,
        remedies: Vec::new(),
    }
}

/// How a process ended, in words.
pub fn ending(signal: u32, code: u32, look: Look<'_>) -> String {
    match signal {
        0 => look.fill("death.exit", &[("code", &code.to_string())]),
        n => {
            let name = match n {
                4 => "SIGILL",
                6 => "SIGABRT",
                7 => "SIGBUS",
                8 => "SIGFPE",
                9 => "SIGKILL",
                11 => "SIGSEGV",
                15 => "SIGTERM",
                _ => "",
            };
            look.fill("death.signal", &[("signal", if name.is_empty() { n.to_string() } else { name.to_owned() }.as_str())])
        }
    }
}

fn dead(specimen: &Specimen, look: Look<'_>) -> Announcement {
    let Life::Dead { signal, code, .. } = specimen.life else { return quiet(look) };
    let last = specimen.deaths.last();
    let mut details = Vec::new();
    if let Some(death) = last {
        details.push(look.fill("death.cut_off", &[("n", &death.connections.to_string())]));
        details.extend(words_of(death).map(|w| format!("“{w}”")));
    }
    Announcement {
        role: Role::BannerDead,
        sign: "✕",
        headline: look.fill("announce.dead", &[("how", &ending(signal, code, look))]),
        details,
        remedies: vec![(Command::Respawn, look.text("announce.respawn").into_owned())],
    }
}

/// The last line that a process wrote and that says something.
fn words_of(death: &Death) -> Option<String> {
    death.last_words.lines().map(str::trim).find(|l| !l.is_empty()).map(visible)
}

fn quiet(look: Look<'_>) -> Announcement {
    Announcement { role: Role::Dim, sign: "✓", headline: look.text("announce.calm").into_owned(), details: Vec::new(), remedies: Vec::new() }
}

fn calm(scene: &Scene<'_>, specimen: Option<&Specimen>) -> Announcement {
    let look = scene.look;
    if let Some(notice) = &scene.ui.notice {
        return Announcement { role: Role::Text, sign: "›", headline: notice.clone(), details: Vec::new(), remedies: Vec::new() };
    }
    let mut said = quiet(look);
    if let Some(specimen) = specimen {
        said.details.push(look.fill("announce.longest", &[("lag", &specimen.reactor.lag.to_string())]));
        if let Some(last) = specimen.stalls.past.last() {
            let what = words::callback(look.lang, last.cause, last.handler);
            said = Announcement {
                role: Role::BannerFinding,
                sign: "◆",
                headline: look.fill("announce.was", &[("what", &what), ("length", &last.length.to_string())]),
                details: vec![look.fill("announce.waited", &[("n", &last.victims.to_string())])],
                remedies: vec![(Command::MitigationMenu, look.text("announce.mend").into_owned())],
            };
        }
    }
    said
}

/// The three lines, ready to be drawn.
pub struct Head<'a> {
    /// Name of the lesson.
    pub title: String,
    /// Where to find the server.
    pub address: Option<SocketAddr>,
    /// The state.
    pub state: State,
    /// Its process.
    pub pid: Option<u32>,
    /// Open connections.
    pub connections: u32,
    /// The figures that are held.
    pub figures: Figures,
    /// What is lost, if anything is.
    pub lost: u64,
    /// The name of the chosen specimen, where there are several.
    pub specimen: Option<String>,
    /// From which lag on it is a stall.
    pub threshold: Nanos,
    /// The third line.
    pub announcement: Announcement,
    /// How.
    pub look: Look<'a>,
}

impl<'a> Head<'a> {
    /// The head of a scene.
    pub fn of(scene: &Scene<'a>) -> Self {
        let chosen = scene.chosen();
        let at = chosen.map_or(0, |s| usize::from(s.id.0));
        Self {
            title: words::of(scene.look.lang, &scene.scenario.title).to_owned(),
            address: scene.addresses.get(at).copied().flatten(),
            state: chosen.map_or(State::Starting, |s| State::of(s, scene.ui.frozen)),
            pid: chosen.and_then(|s| match s.life {
                Life::Running { pid, .. } => Some(pid),
                _ => None,
            }),
            connections: chosen.map_or(0, |s| s.connections.open),
            figures: scene.eye.gaze(at).figures,
            lost: scene.world.lost,
            specimen: chosen.filter(|_| scene.world.specimens.len() > 1).map(|s| s.name.clone()),
            threshold: scene.world.stall_threshold,
            announcement: announcement(scene),
            look: scene.look,
        }
    }
}

impl Widget for &Head<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        if pen.is_empty() {
            return;
        }
        let area = pen.area;
        self.title(&mut pen, area.y);
        self.vitals(&mut pen, area.y + 1);
        announce(&mut pen, Rect { y: area.y + 2, height: 1, ..area }, &self.announcement, self.look);
    }
}

impl Head<'_> {
    fn title(&self, pen: &mut Pen<'_>, y: u16) {
        let (area, look) = (pen.area, self.look);
        let mut x = pen.text(area.x + 1, y, "◎ ", look.style(Role::Accent));
        x = pen.text(x, y, "loopscope", look.style(Role::Accent));
        if !self.title.is_empty() {
            x = pen.text(x + 2, y, &self.title, look.style(Role::Strong));
        }
        if let Some(address) = self.address {
            let call = format!("curl http://{address}/");
            if usize::from(area.right().saturating_sub(x)) > width(&call) + 3 {
                pen.text_right(area.right() - 1, y, &call, look.style(Role::Dim));
            }
        }
    }

    /// The line of vital signs.
    pub fn vitals(&self, pen: &mut Pen<'_>, y: u16) {
        let (area, look) = (pen.area, self.look);
        let (glyph, word, role) = self.state.sign();
        let mut x = pen.text(area.x + 1, y, glyph, look.style(role)) + 1;
        x = pen.text(x, y, &look.text(word), look.style(role).add_modifier(ratatui::style::Modifier::BOLD)) + 2;
        if let Some(name) = &self.specimen {
            x = pen.text(x, y, &visible(name), look.style(Role::Strong)) + 2;
        }
        let f = self.figures;
        let shown = |n: Nanos| if f.recent.count == 0 { "–".to_owned() } else { n.to_string() };
        let mut parts = vec![
            ("vital.pid", self.pid.map_or("–".into(), |p| p.to_string()), Role::Text),
            ("vital.rate", count(f.requests), Role::Strong),
            ("vital.lag", f.lag.to_string(), self.worry(f.lag)),
            ("vital.p99", shown(f.recent.p99), self.worry(f.recent.p99)),
            ("vital.connections", count(f64::from(self.connections)), Role::Text),
        ];
        if self.lost > 0 {
            parts.push(("vital.lost", count(self.lost as f64), Role::Warn));
        }
        for (label, value, role) in parts {
            let label = look.text(label);
            // Figures have a place of fixed width, so that the line stands still while they change.
            let wide = width(&value).max(7);
            if usize::from(x) + width(&label) + 1 + width(&value) > usize::from(area.right()) {
                break;
            }
            let at = pen.text(x, y, &label, look.style(Role::Dim)) + 1;
            pen.text(at, y, &value, look.style(role));
            x = at + wide as u16 + 2;
        }
    }

    fn worry(&self, length: Nanos) -> Role {
        if length >= self.threshold {
            Role::Alarm
        } else if length.0 * 4 >= self.threshold.0 {
            Role::Warn
        } else {
            Role::Strong
        }
    }
}

/// Draws an announcement into one line.
pub fn announce(pen: &mut Pen<'_>, line: Rect, said: &Announcement, look: Look<'_>) {
    let line = line.intersection(pen.area);
    if line.is_empty() {
        return;
    }
    let style = look.style(said.role);
    let loud = !matches!(said.role, Role::Dim | Role::Text);
    if loud {
        pen.fill(line, ' ', style);
    }
    let mut end = line.right().saturating_sub(1);
    // What can be done stands at the right and keeps its place; the details give way first.
    for (command, label) in said.remedies.iter().rev() {
        let key = format!(" {} ", look.key(command, Context::Lab));
        let wide = (width(&key) + width(label) + 3) as u16;
        if end.saturating_sub(wide) < line.x + line.width / 3 {
            break;
        }
        end = pen.text_right(end, line.y, label, style);
        end = pen.text_right(end.saturating_sub(1), line.y, &key, look.style(Role::Key)).saturating_sub(2);
    }
    let mut x = pen.text_until(line.x + 1, line.y, end, said.sign, style) + 1;
    x = pen.text_until(x, line.y, end, &clip(&said.headline, usize::from(end.saturating_sub(x))), style);
    for detail in &said.details {
        let free = usize::from(end.saturating_sub(x));
        if width(detail) + 3 > free {
            break;
        }
        x = pen.text_until(x, line.y, end, " · ", style);
        x = pen.text_until(x, line.y, end, detail, style);
    }
}
