//! The three lines at the top: what is on, its vital signs, and the announcement: what is wrong now, or what was and what mends it.
//!
//! The announcement's line is always there, so that nothing jumps when a stall begins.

use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::wheel::grouped;
use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::command::keymap::Context;
use crate::command::{Command, table};
use crate::scenario::schema::words as written;
use crate::scope::eye::Figures;
use crate::scope::panels::moment;
use crate::scope::pen::{Pen, Targets};
use crate::scope::rows::RequestOrder;
use crate::scope::screens::{BESIDE, Row, SCREENS, selectors};
use crate::scope::text::{clip, width};
use crate::scope::theme::{Role, Tier};
use crate::scope::{Frozen, Look, Meanwhile, Scene, Screen, trigger, words};
use crate::specimen::models;
use crate::telemetry::vocabulary::Fault;
use crate::world::findings::{self, Evidence, Finding, FindingKind};
use crate::world::{Death, Life, Specimen, Stall, StallKind};

/// Below so many columns the announcement has no room for what else there is to say of a stall.
const NARROW: u16 = 72;

/// The sign of a trigger that has struck.
const STRUCK: &str = "◈";

/// What a stall did, where that is known.
fn kind_key(kind: StallKind) -> Option<&'static str> {
    match kind {
        StallKind::Computing => Some("announce.computing"),
        StallKind::Parked => Some("announce.parked"),
        StallKind::Unknown => None,
    }
}

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
    /// One stands in the past; the loop runs.
    Frozen,
    /// The past is played.
    Playing,
    /// It turned at the moment of the past that is shown.
    ThenLive,
    /// A callback held it then.
    ThenStalled,
    /// The gate held it then.
    ThenHeld,
    /// The process was gone then.
    ThenDead,
}

impl State {
    /// The state of a specimen, in a picture that is held or not.
    pub fn of(specimen: &Specimen, frozen: bool) -> Self {
        match specimen.life {
            _ if frozen => Self::Frozen,
            Life::Dead { .. } => Self::Dead,
            Life::Starting => Self::Starting,
            Life::Running { .. } if specimen.stall().is_some() => Self::Stalled,
            Life::Running { .. } if specimen.is_held() => Self::Held,
            Life::Running { .. } => Self::Live,
        }
    }

    /// The state of one specimen among several; where the picture is of the past, nothing in it is live.
    pub fn then(specimen: &Specimen, frozen: bool) -> Self {
        match Self::of(specimen, false) {
            state if !frozen => state,
            Self::Live => Self::ThenLive,
            Self::Stalled => Self::ThenStalled,
            Self::Held => Self::ThenHeld,
            Self::Dead => Self::ThenDead,
            state => state,
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
            Self::Frozen => ("‖", "state.frozen", Role::BannerFrozen),
            Self::Playing => ("▶", "state.playing", Role::BannerFrozen),
            Self::ThenLive => ("○", "state.then_live", Role::Text),
            Self::ThenStalled => ("△", "state.then_stalled", Role::Alarm),
            Self::ThenHeld => ("◇", "state.then_held", Role::Warn),
            Self::ThenDead => ("✕", "state.then_dead", Role::Alarm),
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

/// The announcement for a scene: what is wrong now (of the chosen specimen, else of another), else what was wrong, else that all is well.
pub fn announcement(scene: &Scene<'_>) -> Announcement {
    let look = scene.look;
    let chosen = scene.chosen().map(|s| s.id);
    if scene.scenario.specimens.is_empty() && scene.world.specimens.is_empty() {
        let said = scene.selectors.map_or_else(|| look.text("selectors.starting").into_owned(), |view| selectors::says(&view, look));
        let notice = scene.ui.notice.clone().map(|notice| plain(Role::Warn, "›", notice));
        return notice.unwrap_or_else(|| plain(Role::Text, "◆", said));
    }
    let found = findings::judge(scene.world);
    let trouble = |f: &&Finding| f.kind != FindingKind::Calm;
    let finding = found
        .iter()
        .filter(trouble)
        .min_by_key(|f| (!f.goes_on(), Some(f.specimen) != chosen))
        .or_else(|| found.iter().find(|f| Some(f.specimen) == chosen));
    let mut said = match finding {
        Some(finding) => {
            let mut said = of_finding(finding, scene);
            said.details.extend(super::finding::of_many(finding, &found, scene.world, look));
            said
        }
        None if scene.chosen().is_some_and(|s| matches!(s.life, Life::Starting)) || chosen.is_none() => {
            plain(Role::Dim, "◌", look.text("announce.starting").into_owned())
        }
        None => plain(Role::Dim, "✓", look.text("announce.calm").into_owned()),
    };
    // What a mitigation has changed is shown until it is put away, and gives way only to what cannot wait.
    let measure =
        scene.chosen().and_then(|s| s.measures.last).filter(|measure| scene.ui.dismissed != Some((scene.ui.chosen, measure.since)));
    if let Some(measure) = measure.filter(|_| !matches!(said.role, Role::BannerStall | Role::BannerDead)) {
        said = super::measure::announcement(&measure, scene.world.now, look);
    }
    if let Some(held) = scene.chosen().filter(|s| s.is_alive() && s.is_held() && scene.ui.frozen.is_none()) {
        let whole = held.loops().any(|process| process.reactor.held_whole);
        said = Announcement {
            remedies: vec![
                (Command::HoldLoop, look.text("announce.let_go").into_owned()),
                (Command::LetOne, look.text("announce.let_one").into_owned()),
                (Command::LetTick, look.text("announce.let_tick").into_owned()),
            ],
            details: vec![look.text("announce.really_wait").into_owned()],
            ..plain(
                Role::BannerFinding,
                State::Held.sign().0,
                look.text(if whole { "announce.gated_whole" } else { "announce.gated" }).into_owned(),
            )
        };
    }
    // What went wrong then can wait for an answer to whoever moves in the past.
    let urgent = matches!(said.role, Role::BannerStall | Role::BannerDead) && scene.ui.frozen.is_none();
    if let Some(notice) = scene.ui.notice.as_ref().filter(|_| !urgent) {
        said = plain(Role::Warn, "›", notice.clone());
    }
    if let Some(frozen) = scene.ui.frozen {
        let event = frozen.event.map(|(n, event)| moment::told(n, &event, scene));
        let event = event.unwrap_or_else(|| look.text("announce.frozen").into_owned());
        // What was just said to the person comes first, then what the trigger waited for, then what happened last, then what was wrong then.
        let headline = if let Some(strike) = frozen.strike.filter(|_| scene.ui.notice.is_none()) {
            let led_to = frozen.ahead.map(|length| look.fill("announce.will_hold", &[("length", &length.to_string())]));
            said.details = led_to.into_iter().chain([event]).collect();
            trigger::struck(&strike, scene)
        } else if scene.ui.notice.is_some() {
            said.details.insert(0, event);
            said.headline
        } else {
            let led_to = frozen.ahead.map(|length| look.fill("announce.will_hold", &[("length", &length.to_string())]));
            said.details.insert(0, led_to.unwrap_or(said.headline));
            event
        };
        said = Announcement {
            role: Role::BannerFrozen,
            sign: match (frozen.speed, frozen.strike) {
                (Some(_), _) => "▶",
                (None, Some(_)) => STRUCK,
                (None, None) => "‖",
            },
            headline,
            details: said.details,
            remedies: {
                let again = frozen.strike.map(|_| (Command::Rearm, look.text("announce.rearm").into_owned()));
                let live = (Command::Freeze, look.text("announce.go_live").into_owned());
                again.into_iter().chain([live]).collect()
            },
        };
    }
    said
}

fn plain(role: Role, sign: &'static str, headline: String) -> Announcement {
    Announcement { role, sign, headline, details: Vec::new(), remedies: Vec::new() }
}

/// What is said of a finding: the card, from the chosen specimen's view.
pub fn of_finding(finding: &Finding, scene: &Scene<'_>) -> Announcement {
    let look = scene.look;
    let Some(specimen) = scene.world.specimens.get(usize::from(finding.specimen.0)) else {
        return plain(Role::Dim, "✓", look.text("announce.calm").into_owned());
    };
    let mut said = match &finding.evidence {
        Evidence::Stall(stall) => of_stall(stall, finding, scene.world.now, look),
        Evidence::Death(death) => of_death(death, finding, look),
        Evidence::Respawn { pid, down, .. } => {
            plain(Role::BannerFinding, "◆", look.fill("announce.respawned", &[("pid", &pid.to_string()), ("down", &down.to_string())]))
        }
        Evidence::Overload { offered, answered, backlog } => Announcement {
            details: vec![look.fill("announce.backlog", &[("n", &count(f64::from(*backlog)))])],
            remedies: vec![(Command::LoadDown, look.text("announce.load_down").into_owned())],
            ..plain(
                Role::BannerFinding,
                "◆",
                look.fill("announce.overload", &[("offered", &count(*offered)), ("answered", &count(*answered))]),
            )
        },
        Evidence::Lost { events } => plain(Role::BannerFinding, "◆", look.fill("announce.lost", &[("n", &count(*events as f64))])),
        Evidence::Calm { .. } if !specimen.has_loop() => {
            let serving = specimen.threads.serving();
            let oldest = specimen.threads.oldest().map(|(conn, serving)| {
                let (what, age) = (serving.handler.name(), scene.world.now.since(serving.since).to_string());
                look.fill("announce.on_thread", &[("what", what), ("conn", &conn.0.to_string()), ("age", &age)])
            });
            Announcement {
                details: oldest.into_iter().collect(),
                ..plain(Role::Dim, "✓", look.fill("announce.calm_threads", &[("n", &grouped(serving.into()))]))
            }
        }
        Evidence::Calm { lag, .. } => Announcement {
            details: vec![look.fill("announce.longest", &[("lag", &lag.to_string())])],
            ..plain(Role::Dim, "✓", look.text("announce.calm").into_owned())
        },
        _ => {
            let (headline, details) = super::finding::of_state(finding, look).unwrap_or_default();
            Announcement { details, ..plain(Role::BannerFinding, "◆", headline) }
        }
    };
    if finding.kind != FindingKind::Calm && scene.world.specimens.len() > 1 {
        said.headline = format!("{}: {}", visible(&specimen.name), said.headline);
    }
    if scene.chosen().map(|s| s.id) != Some(finding.specimen) {
        // Keys act on the chosen specimen, and this is about another.
        said.remedies = vec![(Command::NextSpecimen, look.text("announce.other").into_owned())];
        return said;
    }
    if finding.kind == FindingKind::HalfChanged {
        said.remedies.push((Command::Respawn, look.text("announce.respawn").into_owned()));
    }
    said.remedies.extend(remedies(finding, specimen, look));
    let there = scene.ui.screen == Screen::Latency && scene.ui.rows.requests == RequestOrder::Victims;
    let victims = matches!(&finding.evidence, Evidence::Stall(stall) if stall.victims > 0 && !there)
        .then(|| (Command::Victims, look.text("announce.victims").into_owned()));
    let on: Vec<_> = finding.mitigations.iter().filter(|m| specimen.mitigations[**m as usize]).collect();
    if !on.is_empty() {
        // It has been answered: say so, and where it is over, offer to see that it holds.
        let names: Vec<_> = on.iter().map(|m| words::mitigation(look.lang, **m)).collect();
        said.details.insert(0, look.fill("announce.is_on", &[("mitigation", &names.join(", "))]));
        if !finding.goes_on() {
            said.remedies = again(finding, look).into_iter().collect();
        }
    }
    // Whom it cost: after what mends it.
    said.remedies.extend(victims);
    said
}

/// The mitigations that answer a finding and are not on, each with its key.
fn remedies(finding: &Finding, specimen: &Specimen, look: Look<'_>) -> Vec<(Command, String)> {
    finding
        .recommended(specimen)
        .filter(|m| models::row(specimen.model.0).takes(*m))
        .filter_map(|m| Some((table::by_id(m.name())?.command()?, words::mitigation(look.lang, m).into_owned())))
        .collect()
}

/// The same fault once more.
fn again(finding: &Finding, look: Look<'_>) -> Option<(Command, String)> {
    let fault = match &finding.evidence {
        Evidence::Stall(stall) => stall.fault?,
        Evidence::Death(death) if death.last_words.contains("panicked at") => Fault::Panic,
        _ => return None,
    };
    Some((table::by_id(fault.name())?.command()?, look.text("announce.again").into_owned()))
}

fn of_stall(stall: &Stall, finding: &Finding, now: Nanos, look: Look<'_>) -> Announcement {
    let what = words::callback(look.lang, stall.cause, stall.handler);
    let conn = words::conn(look.lang, stall.conn);
    let ongoing = finding.goes_on();
    let length = if ongoing { now.since(stall.began) } else { stall.length }.to_string();
    let key = match (ongoing, stall.conn.is_some()) {
        (true, true) => "announce.holds_for",
        (true, false) => "announce.holds",
        (false, true) => "announce.held_for",
        (false, false) => "announce.held",
    };
    let kind = kind_key(stall.kind).or(ongoing.then_some("announce.kind_unknown"));
    let mut details: Vec<_> = kind.map(|k| look.text(k).into_owned()).into_iter().collect();
    let wait = if ongoing { "announce.wait" } else { "announce.waited" };
    if let Some(starved) = stall.starved() {
        details.push(look.fill("announce.starved", &[("time", &starved.to_string())]));
    }
    details.push(look.fill(wait, &[("n", &stall.victims.to_string())]));
    if let Some(fault) = stall.fault {
        details.push(look.fill("announce.fault", &[("fault", &words::fault(look.lang, fault))]));
    }
    if stall.accept_queue > 0 {
        details.push(look.fill("announce.accept_queue", &[("n", &stall.accept_queue.to_string())]));
    }
    Announcement {
        role: if ongoing { Role::BannerStall } else { Role::BannerFinding },
        sign: if ongoing { "▲" } else { "◆" },
        headline: look.fill(key, &[("age", &length), ("what", &what), ("conn", &conn)]),
        details,
        remedies: Vec::new(),
    }
}

fn of_death(death: &Death, finding: &Finding, look: Look<'_>) -> Announcement {
    let how = ending(death.signal, death.code, look);
    let mut details = vec![look.fill("death.cut_off", &[("n", &death.connections.to_string())])];
    if death.by_watchdog {
        details.insert(0, look.text("death.watchdog").into_owned());
    }
    details.extend(last_words(death).map(|w| format!("“{w}”")));
    let gone = finding.goes_on();
    let respawn = || (Command::Respawn, look.text("announce.respawn").into_owned());
    Announcement {
        role: if gone { Role::BannerDead } else { Role::BannerFinding },
        sign: if gone { "✕" } else { "◆" },
        headline: look.fill(if gone { "announce.dead" } else { "announce.died" }, &[("how", &how), ("pid", &death.pid.to_string())]),
        details,
        remedies: gone.then(respawn).into_iter().collect(),
    }
}

/// How a process ended, in words.
pub fn ending(signal: u32, code: u32, look: Look<'_>) -> String {
    let name = match signal {
        0 => return look.fill("death.exit", &[("code", &code.to_string())]),
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        other => return look.fill("death.signal", &[("signal", &other.to_string())]),
    };
    name.to_owned()
}

/// What a process said last that tells most: a panic's message stands in the line after its place.
fn last_words(death: &Death) -> Option<String> {
    let mut lines = death.last_words.lines().map(str::trim).filter(|l| !l.is_empty());
    let first = lines.next()?;
    let said = if first.contains("panicked at") { lines.next().unwrap_or(first) } else { first };
    Some(visible(said))
}

/// The three lines, ready to be drawn.
pub struct Head<'a> {
    /// Which screen is shown.
    pub screen: Screen,
    /// Name of the lesson.
    pub title: String,
    /// Where to find the server.
    pub address: Option<SocketAddr>,
    /// The state.
    pub state: State,
    /// Whether the stall that goes on computes or is parked, where that is known.
    pub stalled: Option<StallKind>,
    /// Where in the past one stands.
    pub frozen: Option<Frozen>,
    /// What freezes by itself, in words.
    pub armed: Option<String>,
    /// What has struck, where one stands there.
    pub struck: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// Open connections.
    pub connections: u32,
    /// Threads of all its processes.
    pub threads: u32,
    /// The figures that are held.
    pub figures: Figures,
    /// What is lost, if anything is.
    pub lost: u64,
    /// The name of the chosen specimen, where there are several.
    pub specimen: Option<String>,
    /// From which lag on it is a stall.
    pub threshold: Nanos,
    /// There is no specimen and will be none: an experiment runs.
    pub no_server: bool,
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
            screen: scene.ui.screen,
            title: written(&scene.scenario.title, scene.look.lang).to_owned(),
            address: scene.addresses.get(at).copied().flatten(),
            stalled: scene.chosen().and_then(|s| s.stalls.current).map(|stall| stall.kind),
            state: match scene.ui.frozen {
                Some(Frozen { speed: Some(_), .. }) => State::Playing,
                Some(_) => State::Frozen,
                None => chosen.map_or(State::Starting, |s| State::of(s, false)),
            },
            frozen: scene.ui.frozen,
            armed: scene.ui.armed.map(|armed| trigger::armed(armed, scene.world, scene.look)),
            struck: scene.ui.frozen.and_then(|frozen| frozen.strike).map(|strike| trigger::armed(strike.armed, scene.world, scene.look)),
            pid: chosen.and_then(|s| match s.life {
                Life::Running { pid, .. } => Some(pid),
                _ => None,
            }),
            connections: chosen.map_or(0, Specimen::open_connections),
            threads: chosen.and_then(Specimen::thread_count).unwrap_or(0),
            figures: scene.eye.gaze(at).figures,
            lost: scene.world.lost,
            specimen: chosen.filter(|_| scene.world.specimens.len() > 1).map(|s| s.name.clone()),
            threshold: scene.world.stall_threshold,
            no_server: scene.scenario.specimens.is_empty() && scene.world.specimens.is_empty(),
            announcement: announcement(scene),
            look: scene.look,
        }
    }
}

impl Head<'_> {
    /// Draws it and says what clicks on it mean.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
        let mut pen = Pen::new(buf, area);
        if pen.is_empty() {
            return;
        }
        let area = pen.area;
        self.title(&mut pen, area.y, targets);
        self.vitals(&mut pen, area.y + 1);
        announce(&mut pen, Rect { y: area.y + 2, height: 1, ..area }, &self.announcement, self.look, targets);
    }

    /// The name, the lesson, the tabs, and where to call, as far as there is room: the tabs keep theirs.
    fn title(&self, pen: &mut Pen<'_>, y: u16, targets: &mut Targets) {
        let (area, look) = (pen.area, self.look);
        let tabs = self.tabs(usize::from(area.width).saturating_sub(14));
        let wide: usize = tabs.iter().map(|(tab, ..)| width(tab) + 1).sum();
        let limit = area.right().saturating_sub(wide as u16 + 1);
        let mut x = pen.text(area.x + 1, y, "◎ ", look.style(Role::Accent));
        x = pen.text(x, y, "loopscope", look.style(Role::Accent));
        if !self.title.is_empty() {
            let title = clip(&self.title, usize::from(limit.saturating_sub(x + 4)));
            x = pen.text(x + 2, y, &title, look.style(Role::Strong));
        }
        let first = limit;
        let mut at = limit;
        for (tab, chosen, command) in tabs {
            let next = pen.text(at, y, &tab, look.style(if chosen { Role::Chosen } else { Role::Dim }));
            // Where there is no other screen to go back to, its own tab leads nowhere.
            if !(chosen && self.no_server) {
                targets.add(Rect { x: at, y, width: next - at, height: 1 }, command);
            }
            at = next + 1;
        }
        if let Some(address) = self.address {
            let call = format!("curl http://{address}/");
            if usize::from(first.saturating_sub(x)) > width(&call) + 5 {
                pen.text_right(first - 2, y, &call, look.style(Role::Dim));
            }
        }
    }

    /// The tabs as they are written in so many columns: all names; that of the screen that is shown; the digits alone. Each with whether it is
    /// shown, and what a click on it means.
    fn tabs(&self, columns: usize) -> Vec<(String, bool, Command)> {
        let rows = SCREENS.iter().enumerate().filter(|(_, row)| !self.no_server || row.screen == Screen::Lesson);
        let numbered = rows.map(|(n, row)| ((n + 1).to_string(), row, Command::Screen(n as u8)));
        // What has no digit has a tab while it is shown, or where there is little else.
        let beside = (self.no_server || self.screen == BESIDE.screen)
            .then(|| (self.look.key(&Command::Selectors, Context::Selectors), &BESIDE, Command::Selectors));
        let tabs: Vec<(String, &Row, Command)> = numbered.chain(beside).collect();
        let written = |all: bool| -> Vec<(String, bool, Command)> {
            let tab = |(key, row, command): &(String, &Row, Command)| {
                let chosen = row.screen == self.screen;
                let name = self.look.text(row.name);
                let text = match (all || chosen, chosen) {
                    (true, true) => format!("▸{key} {name} "),
                    (true, false) => format!(" {key} {name} "),
                    (false, _) => format!(" {key} "),
                };
                (text, chosen, command.clone())
            };
            tabs.iter().map(tab).collect()
        };
        // The lesson's title keeps some room beside the names.
        let all = written(true);
        let wide: usize = all.iter().map(|(tab, ..)| width(tab) + 1).sum();
        if wide + width(&self.title).min(24) <= columns { all } else { written(false) }
    }

    /// The line of vital signs.
    pub fn vitals(&self, pen: &mut Pen<'_>, y: u16) {
        let (area, look) = (pen.area, self.look);
        if self.no_server {
            pen.text(
                area.x + 1,
                y,
                &clip(&look.text("selectors.no_server"), usize::from(area.width.saturating_sub(2))),
                look.style(Role::Dim),
            );
            return;
        }
        let (glyph, word, role) = self.state.sign();
        let mut x = pen.text(area.x + 1, y, glyph, look.style(role)) + 1;
        let style = look.style(role).add_modifier(Modifier::BOLD);
        x = pen.text(x, y, &look.text(word), style);
        if let Some(key) = self.stalled.and_then(kind_key).filter(|_| area.width < NARROW && self.frozen.is_none()) {
            // Below, there may be no room left for it.
            x = pen.text(x + 1, y, &look.text(key), look.style(role));
        }
        if let Some(frozen) = self.frozen {
            // One bar in a colour of its own: nobody must take the past for the present.
            pen.text(x.saturating_sub(width(&look.text(word)) as u16 + 1), y, " ", style);
            if let Some(speed) = frozen.speed {
                x = pen.text(x, y, &format!(" {}", moment::speed(speed)), style);
            }
            x = pen.text(x, y, &format!(" −{} ", frozen.behind), style);
        }
        if let Some(frozen) = self.frozen {
            // Two things at once: one stands in the past, and the loop goes on in the present, or is itself held there.
            let (glyph, word, role) = match frozen.meanwhile {
                Meanwhile::Runs => ("", "state.now_runs", Role::Dim),
                Meanwhile::Held => ("◆ ", "state.now_held", Role::Warn),
                Meanwhile::Stalled => ("▲ ", "state.now_stalled", Role::Alarm),
                Meanwhile::Dead => ("✕ ", "state.now_dead", Role::Alarm),
            };
            let style = look.style(role);
            let style = if frozen.meanwhile == Meanwhile::Runs { style } else { style.add_modifier(Modifier::BOLD) };
            x = pen.text(x + 1, y, &format!("{glyph}{}", look.text(word)), style);
        }
        if let Some(what) = &self.struck {
            x = pen.text(x + 2, y, &format!("◈ {}", look.fill("trigger.struck", &[("what", what)])), look.style(Role::Alarm));
        }
        if let Some(what) = &self.armed {
            x = pen.text(x + 2, y, &format!("◈ {}", look.fill("trigger.armed", &[("what", what)])), look.style(Role::Warn));
        }
        x += 2;
        if let Some(name) = &self.specimen {
            x = pen.text(x, y, &visible(name), look.style(Role::Strong)) + 2;
        }
        let f = self.figures;
        let shown = |n: Nanos| if f.recent.count == 0 { "–".to_owned() } else { n.to_string() };
        let mut parts = vec![
            ("vital.pid", self.pid.map_or("–".into(), |p| p.to_string()), Role::Text),
            ("vital.rate", count(f.requests), Role::Strong),
            match f.lag {
                Some(lag) => ("vital.lag", lag.to_string(), self.worry(lag)),
                None => ("vital.threads", grouped(self.threads.into()), Role::Strong),
            },
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

impl Widget for &Head<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.draw(area, buf, &mut Targets::default());
    }
}

/// Draws an announcement into one line.
pub fn announce(pen: &mut Pen<'_>, line: Rect, said: &Announcement, look: Look<'_>, targets: &mut Targets) {
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
    // What can be done stands at the right and keeps its place, the details give way first; while a stall goes on, who is stuck and
    // how many wait come first, and so does what a trigger has struck on.
    let ongoing = said.role == Role::BannerStall || said.sign == STRUCK;
    let said_first =
        width(&said.headline) + if said.role == Role::BannerStall { said.details.iter().take(2).map(|d| width(d) + 3).sum() } else { 0 };
    let least = if ongoing { said_first.min(usize::from(line.width)) } else { usize::from(line.width) * 2 / 5 } as u16 + 4;
    // Upon a reversed line a key is what is not reversed.
    let key_style = match look.theme.tier {
        Tier::Mono if loud => Style::new().remove_modifier(Modifier::REVERSED),
        _ => look.style(Role::Key),
    };
    let keys: Vec<_> = said.remedies.iter().map(|(command, _)| format!(" {} ", look.key(command, Context::Lab))).collect();
    let wide = |n: usize| width(&keys[n]) + width(&said.remedies[n].1) + 3;
    // The best remedies come first, and stay when there is no room for all.
    let mut shown = said.remedies.len();
    // On a narrow line one is enough, and what is the matter has the rest.
    let fits = |n: usize| {
        let least = if n > 1 && line.width < NARROW { least + line.width / 5 } else { least };
        usize::from(line.width.saturating_sub(least)) >= (0..n).map(wide).sum::<usize>()
    };
    while shown > 0 && !fits(shown) {
        shown -= 1;
    }
    for ((command, label), key) in said.remedies.iter().zip(&keys).take(shown).rev() {
        let label_at = end.saturating_sub(width(label) as u16);
        pen.text_until(label_at, line.y, end, label, style);
        let key_at = label_at.saturating_sub(1 + width(key) as u16);
        pen.text_until(key_at, line.y, label_at, key, key_style);
        targets.add(Rect { x: key_at, width: end - key_at, ..line }, command.clone());
        end = key_at.saturating_sub(2);
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
