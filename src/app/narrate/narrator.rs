//! What is worth a line: told once when it begins, again and ever more seldom while it lasts, and when it is over. Made from scenes, as the
//! screen is, and with the same words; it reads no clock and writes nothing.

use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::command::{Command, table};
use crate::scope::panels::{head, lesson, measure};
use crate::scope::{Scene, Ui, trigger, words};
use crate::telemetry::vocabulary::{Fault, Mitigation, Outcome};
use crate::world::findings::{self, Evidence, Finding, FindingKind};
use crate::world::trigger::Armed;
use crate::world::{Life, Measure, Specimen, StallKind};

/// How soon a stall that lasts is told again; from then on after twice as long each time.
const AGAIN: Nanos = Nanos::secs(1);
/// How soon another finding that lasts is.
const SELDOM: Nanos = Nanos::secs(10);
/// The longest time in which nothing is said of what lasts.
const SILENCE: Nanos = Nanos::secs(60);
/// Between two summaries.
const SUMMARY: Nanos = Nanos::secs(10);
/// Stalls of one specimen that are told one by one in a summary's time; the summary counts them all.
const STALLS: u32 = 6;
/// What a step that has come true has measured is told when it has settled.
const SETTLED: Nanos = Nanos::millis(800);

/// What has been told so far.
#[derive(Debug, Default)]
pub struct Narrator {
    specimens: Vec<Seen>,
    findings: Vec<Told>,
    /// What the trigger was said to wait for, and how often it has struck.
    armed: Option<Armed>,
    strikes: u32,
    /// When the last summary was given.
    summed: Option<Nanos>,
    /// The place in the lesson that was told.
    lesson: Option<Place>,
    /// The place that is about to be told, and since when.
    settling: Option<(Place, Nanos)>,
    /// The lines of the lesson's step that have been told: none is told twice.
    step: Vec<String>,
}

/// What was seen of one specimen.
#[derive(Clone, Debug)]
struct Seen {
    pid: Option<u32>,
    connected: bool,
    held: bool,
    faults: [bool; Fault::COUNT],
    mitigations: [bool; Mitigation::COUNT],
    /// The measurement that was told, and whether it had its result.
    measure: Option<(Nanos, bool, bool)>,
    /// Stalls at the last summary, and those that were told since.
    stalls: u64,
    told: u32,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            pid: None,
            connected: false,
            held: false,
            faults: [false; Fault::COUNT],
            mitigations: [false; Mitigation::COUNT],
            measure: None,
            stalls: 0,
            told: 0,
        }
    }
}

/// A finding that is known.
#[derive(Clone, Debug)]
struct Told {
    key: (Kind, u8, Nanos),
    /// When it was told last, and how long it is not told again.
    at: Nanos,
    rest: Nanos,
    over: bool,
    /// What comes late is known: computing or parked, last words.
    known: bool,
    /// Whether it is one of too many, or comes and goes too quickly: then nothing is said of it.
    silent: bool,
}

/// Findings that are one and the same thing while more becomes known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stall,
    Other(FindingKind),
}

/// A place in a lesson, as far as it shows: the step, its answer, whether it is done, how many hints are shown.
type Place = (usize, Option<u8>, bool, usize);

impl Narrator {
    /// Looks at a scene; what is to be said of it.
    pub fn look(&mut self, scene: &Scene<'_>) -> Vec<String> {
        let mut lines = self.specimens(scene);
        self.findings(scene, &mut lines);
        self.trigger(scene, &mut lines);
        self.lesson(scene, &mut lines);
        let now = scene.world.now;
        if now.since(*self.summed.get_or_insert(now)) >= SUMMARY {
            lines.extend(self.summary(scene));
        }
        lines
    }

    /// How every specimen fares.
    pub fn summary(&mut self, scene: &Scene<'_>) -> Vec<String> {
        self.summed = Some(scene.world.now);
        let sums = scene.world.specimens.iter().enumerate().map(|(n, specimen)| {
            let stalls: u64 = specimen.loops().map(|process| process.stalls.count).sum();
            let before = self.specimens.get_mut(n).map_or(0, |seen| {
                seen.told = 0;
                std::mem::replace(&mut seen.stalls, stalls)
            });
            sum(scene, specimen, stalls.saturating_sub(before))
        });
        sums.collect()
    }

    /// The lesson's step is to be told again.
    pub fn repeat(&mut self) {
        self.lesson = None;
        self.step.clear();
    }

    fn specimens(&mut self, scene: &Scene<'_>) -> Vec<String> {
        let look = scene.look;
        let mut lines = Vec::new();
        self.specimens.resize_with(scene.world.specimens.len(), Seen::default);
        for ((n, specimen), seen) in scene.world.specimens.iter().enumerate().zip(&mut self.specimens) {
            let name = visible(&specimen.name);
            let mut say = |key: &str, values: &[(&str, &str)]| lines.push(look.fill(key, &[&[("name", name.as_str())], values].concat()));
            if let (None, Life::Running { pid, .. }) = (seen.pid, specimen.life) {
                let address = scene.addresses.get(n).copied().flatten().map(|a| format!("http://{a}/")).unwrap_or_default();
                say("narrate.runs", &[("pid", &pid.to_string()), ("address", &address)]);
                seen.pid = Some(pid);
            }
            let clients = specimen.clients.clients;
            if !seen.connected && clients > 0 && specimen.clients.connected >= clients {
                seen.connected = true;
                say("narrate.clients", &[("n", &clients.to_string())]);
            }
            let any = |on: fn(&Specimen, usize) -> bool, n: usize| specimen.all_processes().any(|process| on(process, n));
            for (n, kind) in Fault::ALL.iter().enumerate() {
                let is = any(|process, n| process.faults[n], n);
                if is != std::mem::replace(&mut seen.faults[n], is) {
                    say(if is { "narrate.fault_on" } else { "narrate.fault_off" }, &[("what", &words::fault(look.lang, *kind))]);
                }
            }
            for (n, kind) in Mitigation::ALL.iter().enumerate() {
                let is = any(|process, n| process.mitigations[n], n);
                if is != std::mem::replace(&mut seen.mitigations[n], is) {
                    let key = if is { "narrate.mitigation_on" } else { "narrate.mitigation_off" };
                    say(key, &[("what", &words::mitigation(look.lang, *kind))]);
                }
            }
            let held = specimen.loops().any(|process| process.reactor.held);
            if held != std::mem::replace(&mut seen.held, held) {
                say(if held { "narrate.held" } else { "narrate.let_go" }, &[]);
            }
            if let Some(measure) = specimen.measures.last {
                let known = Some(measured(&measure));
                // A measurement that only waits for its time to pass says nothing yet.
                if known != std::mem::replace(&mut seen.measure, known) && (measure.after.is_some() || measure.awaits.is_some()) {
                    let said = measure::announcement(&measure, scene.world.now, look);
                    let said = [vec![said.headline], said.details].concat().join(" · ");
                    say("narrate.of", &[("what", &said)]);
                }
            }
        }
        lines
    }

    fn findings(&mut self, scene: &Scene<'_>, lines: &mut Vec<String>) {
        let now = scene.world.now;
        let present = findings::judge(scene.world);
        let keys: Vec<_> = present.iter().map(key).collect();
        self.findings.retain(|told| keys.contains(&told.key));
        for finding in present.iter().filter(|finding| finding.kind != FindingKind::Calm) {
            let (key, known, over) = (key(finding), is_known(finding), !finding.goes_on());
            let Some(told) = self.findings.iter_mut().find(|told| told.key == key) else {
                let silent = !self.may_be_told(finding);
                let rest = if key.0 == Kind::Stall { AGAIN } else { SELDOM };
                self.findings.push(Told { key, at: now, rest, over, known, silent });
                if !silent {
                    lines.push(sentence(finding, scene));
                }
                continue;
            };
            let lasts = !over && finding.kind != FindingKind::Died && now.since(told.at) >= told.rest;
            // Of what is over, only the last words of a death are worth another line.
            let learned = known != told.known && (!over || finding.kind == FindingKind::Died);
            if told.over && !over {
                // It comes and goes: what has come again so soon is told when it stays.
                told.silent = now.since(told.at) < SELDOM;
            }
            if over != told.over || learned || lasts {
                told.silent &= !lasts;
                (told.over, told.known, told.at) = (over, known, now);
                told.rest = if lasts { Nanos(told.rest.0 * 2).min(SILENCE) } else { told.rest };
                if !told.silent {
                    lines.push(sentence(finding, scene));
                }
            }
        }
    }

    /// What the trigger waits for, and what has struck.
    fn trigger(&mut self, scene: &Scene<'_>, lines: &mut Vec<String>) {
        let (look, triggers) = (scene.look, &scene.world.triggers);
        if triggers.strikes != std::mem::replace(&mut self.strikes, triggers.strikes)
            && let Some(strike) = &triggers.strike
        {
            lines.push(look.fill("trigger.struck", &[("what", &trigger::struck(strike, scene))]));
        }
        if triggers.armed != std::mem::replace(&mut self.armed, triggers.armed)
            && let Some(armed) = triggers.armed
        {
            lines.push(look.fill("trigger.armed", &[("what", &trigger::armed(armed, scene.world, look))]));
        }
    }

    /// Whether this stall is not one of too many.
    fn may_be_told(&mut self, finding: &Finding) -> bool {
        match self.specimens.get_mut(usize::from(finding.specimen.0)) {
            Some(seen) if matches!(finding.evidence, Evidence::Stall(_)) => {
                seen.told += 1;
                seen.told <= STALLS
            }
            _ => true,
        }
    }

    /// The lesson's step, when it is turned to, answered or done.
    fn lesson(&mut self, scene: &Scene<'_>, lines: &mut Vec<String>) {
        let (ui, now) = (scene.ui, scene.world.now);
        let place = (ui.step, ui.answer(), ui.is_done(), ui.record().map_or(0, |record| record.hints));
        if self.lesson == Some(place) || (scene.scenario.lesson.is_empty() && scene.scenario.review.is_empty()) {
            return;
        }
        let came_true = self.lesson.is_some_and(|(step, ..)| step == place.0) && place.2 && !ui.is_review(scene.scenario);
        let since = self.settling.filter(|(settling, _)| *settling == place).map_or(now, |(_, since)| since);
        self.settling = Some((place, since));
        if came_true && now.since(since) < SETTLED {
            return;
        }
        if self.lesson.is_none_or(|(step, ..)| step != place.0) {
            self.step.clear();
        }
        self.lesson = Some(place);
        let shape = lesson::shape(scene, u16::MAX);
        let told = std::iter::once(shape.title(scene.look)).chain(shape.lines.iter().map(|line| {
            let text: String = line.runs.iter().map(|run| run.text.as_str()).collect();
            match line.click.as_ref().and_then(said) {
                Some(command) => format!("{command}: {text}"),
                None => text,
            }
        }));
        let told: Vec<String> = told.filter(|line| !line.trim().is_empty()).collect();
        lines.extend(told.iter().filter(|line| !self.step.contains(line)).cloned());
        self.step = told;
    }
}

/// What makes a measurement worth a line: a new one, one that waits for a fault, one with its result.
fn measured(measure: &Measure) -> (Nanos, bool, bool) {
    (measure.since, measure.awaits.is_some(), measure.after.is_some())
}

/// What makes a finding this one and no other.
fn key(finding: &Finding) -> (Kind, u8, Nanos) {
    match (finding.kind, &finding.evidence) {
        (_, Evidence::Stall(_)) => (Kind::Stall, finding.specimen.0, finding.since),
        (kind @ (FindingKind::Died | FindingKind::Respawned), _) => (Kind::Other(kind), finding.specimen.0, finding.since),
        // The others grow and shrink: one of them at a time.
        (kind, _) => (Kind::Other(kind), finding.specimen.0, Nanos::ZERO),
    }
}

/// Whether what comes late is known: computing or parked, last words.
fn is_known(finding: &Finding) -> bool {
    match &finding.evidence {
        Evidence::Stall(stall) => stall.kind != StallKind::Unknown,
        Evidence::Death(death) => !death.last_words.is_empty(),
        _ => true,
    }
}

/// A finding in one line: what, the details, and what answers it.
fn sentence(finding: &Finding, scene: &Scene<'_>) -> String {
    let look = scene.look;
    let at = usize::from(finding.specimen.0);
    let said = head::of_finding(finding, &Scene { ui: &Ui { chosen: at, ..Ui::default() }, ..*scene });
    // Stalls, deaths and moments have tenses of their own.
    let told = matches!(finding.evidence, Evidence::Stall(_) | Evidence::Death(_) | Evidence::Respawn { .. } | Evidence::Lost { .. });
    let headline = match finding.until {
        Some(until) if !told => look.fill("narrate.over", &[("length", &until.since(finding.since).to_string()), ("what", &said.headline)]),
        _ => said.headline,
    };
    let mut parts = vec![headline];
    parts.extend(said.details);
    // A command without a name before it acts on the chosen specimen.
    let name = scene.world.specimens.get(at).filter(|_| at != scene.ui.chosen).map(|specimen| format!("{}: ", visible(&specimen.name)));
    let remedies = said
        .remedies
        .iter()
        // What only turns to another screen answers nothing here.
        .filter(|(command, _)| *command != Command::Victims)
        .filter_map(|(command, _)| Some(format!("{}{}", name.as_deref().unwrap_or(""), self::said(command)?)));
    let remedies: Vec<String> = remedies.collect();
    if !remedies.is_empty() {
        parts.push(look.fill("narrate.answers", &[("ids", &remedies.join(", "))]));
    }
    parts.join(" · ")
}

/// A command as one types it.
fn said(command: &Command) -> Option<String> {
    match command {
        Command::Answer(n) => Some(format!("answer {}", n + 1)),
        Command::Rate(rate) => Some(format!("rate {rate}")),
        command => table::of(command).map(|row| row.id.to_owned()),
    }
}

/// How one specimen fares, in a line.
fn sum(scene: &Scene<'_>, specimen: &Specimen, stalls: u64) -> String {
    let look = scene.look;
    let clients = &specimen.clients;
    let state = head::State::of(specimen, false).sign().1;
    let recent = clients.recent.quantiles();
    let shown = |length: Nanos| if recent.count == 0 { "–".to_owned() } else { length.to_string() };
    let errors: u64 = Outcome::ALL.iter().filter(|o| **o != Outcome::Answered).map(|o| clients.outcomes[*o as usize]).sum();
    let on = |flags: fn(&Specimen, usize) -> bool, n: usize| specimen.all_processes().any(|process| flags(process, n));
    let faults = Fault::ALL.iter().enumerate().filter(|(n, _)| on(|p, n| p.faults[n], *n)).map(|(_, kind)| words::fault(look.lang, *kind));
    let mitigations = Mitigation::ALL
        .iter()
        .enumerate()
        .filter(|(n, _)| on(|p, n| p.mitigations[n], *n))
        .map(|(_, kind)| words::mitigation(look.lang, *kind));
    let standing: Vec<_> = faults.chain(mitigations).collect();
    let standing = if standing.is_empty() { String::new() } else { look.fill("narrate.standing", &[("names", &standing.join(", "))]) };
    let values = [
        ("name", visible(&specimen.name)),
        ("state", look.text(state).into_owned()),
        ("rate", count(clients.rate)),
        ("lag", specimen.lag().map_or_else(|| "–".to_owned(), |lag| lag.to_string())),
        ("p99", shown(recent.p99)),
        ("max", shown(recent.max)),
        ("conns", specimen.open_connections().to_string()),
        ("errors", errors.to_string()),
        ("stalls", stalls.to_string()),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    look.fill("narrate.summary", &values) + &standing
}
