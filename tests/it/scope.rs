//! Whole frames of the scope, made from stories and compared as text; every widget in no room at all; any size and any key.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use loopscope::base::ids::{ConnId, SpecimenId};
use loopscope::base::lang::Lang;
use loopscope::base::units::Nanos;
use loopscope::command::Command;
use loopscope::command::key::Key;
use loopscope::command::keymap::{Context, Keymap};
use loopscope::command::table::{COMMANDS, Menu};
use loopscope::scenario::Scenario;
use loopscope::scenario::catalogue::BUILT_IN;
use loopscope::scenario::progress::{Done, Progress, Solved};
use loopscope::scenario::schema::Step;
use loopscope::scope::answers::Ask;
use loopscope::scope::line::Line;
use loopscope::scope::panels::{
    cards, clients, code, connections, cost, footer, head, kernel, lanes, latency, lesson, side_by_side, slowest, timeline, tracks, wheel,
};
use loopscope::scope::pointer::Act;
use loopscope::scope::rows::{Order, RequestOrder, RowId, Rows, Track};
use loopscope::scope::screens::{SCREENS, timeline as timeline_screen};
use loopscope::scope::study::Record;
use loopscope::scope::theme::THEMES;
use loopscope::scope::ui::Open;
use loopscope::scope::{Answers, Cost, Drawn, Eye, Frozen, Look, Meanwhile, Scene, Screen, Targets, Theme, Tier, Ui, draw, text};
use loopscope::selectors::Active;
use loopscope::selectors::testing::Told;
use loopscope::telemetry::event::{Event, Lane, Origin, Part, What};
use loopscope::telemetry::vocabulary::{Cause, Fault, Mitigation, Model, Phase, Style as Written};
use loopscope::world::findings::{FINDINGS, FindingKind};
use loopscope::world::history::History;
use loopscope::world::testing::{Story, recorded};
use loopscope::world::trace::Trace;
use loopscope::world::{Armed, OwnCost, Strike, Struck, TriggerSetting, World};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::widgets::Widget;

/// A buffer as a terminal would be told to show it.
fn ansi(buf: &Buffer) -> String {
    let colour = |c: Color, ground: u32| match c {
        Color::Reset => format!("{}", ground + 9),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", ground + 8),
        Color::Indexed(n) => format!("{};5;{n}", ground + 8),
        named => {
            let named16 = [
                Color::Black,
                Color::Red,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::Magenta,
                Color::Cyan,
                Color::Gray,
                Color::DarkGray,
                Color::LightRed,
                Color::LightGreen,
                Color::LightYellow,
                Color::LightBlue,
                Color::LightMagenta,
                Color::LightCyan,
                Color::White,
            ];
            let n = named16.iter().position(|c| *c == named).unwrap() as u32;
            if n < 8 { format!("{}", ground + n) } else { format!("{}", ground + 60 + n - 8) }
        }
    };
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut skip = 0;
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let cell = &buf[(x, y)];
            skip = text::width(cell.symbol()).saturating_sub(1);
            let mut codes = vec!["0".to_owned(), colour(cell.fg, 30), colour(cell.bg, 40)];
            for (modifier, code) in [
                (Modifier::BOLD, "1"),
                (Modifier::DIM, "2"),
                (Modifier::ITALIC, "3"),
                (Modifier::UNDERLINED, "4"),
                (Modifier::REVERSED, "7"),
            ] {
                if cell.modifier.contains(modifier) {
                    codes.push(code.into());
                }
            }
            out.extend(["\x1b[", &codes.join(";"), "m", cell.symbol()]);
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

fn scenario(name: &str) -> Scenario {
    BUILT_IN.iter().map(|e| e.scenario().unwrap()).find(|s| s.id.contains(name)).unwrap()
}

static LESSONS: LazyLock<Vec<Scenario>> = LazyLock::new(|| BUILT_IN.iter().map(|e| e.scenario().unwrap()).collect());
static KEYS: LazyLock<Keymap> = LazyLock::new(Keymap::default);
static STATES: LazyLock<Vec<State>> = LazyLock::new(states);

/// What watching costs on a day like any other.
const COST: Cost = Cost {
    pid: 41_233,
    own: OwnCost { cpu: 0.0512, resident: 61_234, event_rate: 42_345.0 },
    spent: Nanos::millis(12_345),
    events: 3_123_456,
    lost: 1_234,
    probe: Some(4.23),
    fold: Some((13.7, 0.000_58)),
    frame: Some((Nanos::micros(623), Nanos::micros(1_420))),
    history: Some((96 << 20, 3_100_000, Nanos::secs(74))),
};

/// Hands a scene of this state, on a screen of this size, to whoever wants one.
fn with_scene<T>(state: &State, ui: &Ui, size: (u16, u16), theme: &Theme, lang: Lang, then: impl FnOnce(&Scene<'_>) -> T) -> T {
    let mut ui = ui.clone();
    let mut past = None;
    let mut trace = Trace::default();
    if let Some(history) = &state.history {
        let live = &state.world;
        past = ui.frozen.map(|_| history.at(state.then.unwrap_or(live.now)));
        if ui.screen == Screen::Timeline {
            let wish = timeline_screen::wish(Rect::new(0, 0, size.0, size.1), &mut ui, 1, past.as_ref().unwrap_or(live), live);
            trace.look(&wish, history, live);
        }
    }
    let world = past.as_ref().unwrap_or(&state.world);
    let mut eye = Eye::default();
    eye.look(world);
    let addresses = vec![Some("127.0.0.1:7070".parse().unwrap()); world.specimens.len()];
    let look = Look { theme, lang, keys: &KEYS };
    let around = state.around.as_ref().unwrap_or(world);
    let mut answers = Answers::default();
    // What is asked about is found with the help of what is shown, so it is shown first.
    answers.update(&Ui { open: Open::Nothing, ..ui.clone() }, world, state.history.as_ref());
    answers.update(&ui, world, state.history.as_ref());
    let answers = &answers;
    then(&Scene {
        world,
        around,
        scenario: &state.scenario,
        lessons: &LESSONS,
        ui: &ui,
        eye: &eye,
        answers,
        trace: &trace,
        cost: ui.cost.then_some(&COST),
        look,
        selectors: state.bench.as_ref().map(Told::view),
        addresses: &addresses,
    })
}

/// What a frame of this state comes to.
fn picture(state: &State, ui: &Ui, size: (u16, u16), theme: &Theme, lang: Lang) -> (Drawn, Buffer) {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    let drawn = with_scene(state, ui, size, theme, lang, |scene| draw(scene, &mut buf));
    (drawn, buf)
}

fn frame(state: &State, size: (u16, u16), theme: &Theme, lang: Lang) -> Buffer {
    picture(state, &state.ui, size, theme, lang).1
}

/// A frame as text, and below it one number for all of its styles.
fn told(buf: &Buffer) -> String {
    let mut out = String::new();
    let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
    for y in 0..buf.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buf.area.width {
            let cell = &buf[(x, y)];
            for byte in format!("{:?}{:?}{:?}", cell.fg, cell.bg, cell.modifier).bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = text::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    format!("{out}styles {digest:016x}\n")
}

struct State {
    name: &'static str,
    world: World,
    /// Where one stands in the past: the world a little later.
    around: Option<World>,
    ui: Ui,
    scenario: Scenario,
    /// What the timeline is read from.
    history: Option<History>,
    /// The moment that is shown where one stands in the past.
    then: Option<Nanos>,
    /// The selectors, where they are measured.
    bench: Option<Told>,
}

/// The timeline of a story: at this moment of the past, or in the present; a column covers what is left after so many steps nearer.
fn timeline_state(name: &'static str, story: &Story, then: Option<Nanos>, nearer: usize, ui: Ui, scenario: &Scenario) -> State {
    let (world, history) = recorded(story);
    let mut ui = Ui { screen: Screen::Timeline, ..ui };
    ui.timebase.settle(100, then.unwrap_or(world.now), then.is_none(), false);
    for _ in 0..nearer {
        ui.timebase.zoom(true, None);
    }
    if let Some(at) = then {
        let n = history.position(at) - 1;
        let event = history.event(n).map(|event| (n, event));
        ui.frozen = Some(Frozen { behind: world.now.since(at), event, ..Frozen::default() });
    }
    State { name, world, around: None, ui, scenario: scenario.clone(), history: Some(history), then, bench: None }
}

/// The second specimen of a story is built on threads, the third on two worker processes, of which the first serves everybody.
fn by_model(story: &Story) -> World {
    let mut world = World::new(&story.setup());
    let tell = |world: &mut World, at, specimen, lane, what| {
        world.apply(&Event { at, from: Origin { specimen: SpecimenId(specimen), lane }, what });
    };
    for (n, model, size) in [(1, Model::ThreadPerConnection, 0), (2, Model::Workers, 2)] {
        tell(&mut world, Nanos(0), n, Lane::Lab, What::Modelled { model, size });
    }
    for event in story.events() {
        let (at, Origin { specimen: SpecimenId(n), lane }, what) = (event.at, event.from, event.what);
        let of_conn = matches!(
            what,
            What::Read { .. }
                | What::Requested { .. }
                | What::Responded { .. }
                | What::Wrote { .. }
                | What::Struck { .. }
                | What::Closed { .. }
        );
        match (n, lane) {
            (1, Lane::Loop) if of_conn => tell(&mut world, at, n, Lane::Threads(0), what),
            (1, Lane::Loop) if !matches!(what, What::Opened { .. }) => {}
            (2, Lane::Loop) => tell(&mut world, at, n, Lane::Process(0, Part::Loop), what),
            _ => world.apply(&event),
        }
        match what {
            What::Spawned { pid, before } if n == 2 => {
                for worker in 0..2 {
                    let what = What::Spawned { pid: pid + 1 + u32::from(worker), before };
                    tell(&mut world, at, n, Lane::Process(worker, Part::Lab), what);
                }
            }
            What::ThreadState { letter, .. } => {
                // A tenth of a core for the loop, more for the others.
                let (cpu, millis) = (at.0 * u64::from(1 + n) / 10, (at.0 / 1_000_000) as u32);
                let lanes: &[Lane] =
                    if n == 2 { &[Lane::Process(0, Part::Kernel), Lane::Process(1, Part::Kernel)] } else { &[Lane::Kernel] };
                for (core, lane) in (0..).zip(lanes) {
                    for what in [
                        What::ThreadState { letter, threads: if n == 1 { 65 } else { 1 } },
                        What::ProcessCpu { high: (cpu >> 32) as u32, low: cpu as u32 },
                        What::ProcessSwitches { voluntary: millis * (1 + u32::from(n)), involuntary: millis / 20 },
                        What::Cores { last: core, seen: if n == 1 { 3 } else { 1 << core } },
                        What::Memory { resident: 5_300, anonymous: 1_100 },
                        What::Descriptors { open: 40, limit: 1_048_576 },
                    ] {
                        tell(&mut world, at, n, *lane, what);
                    }
                }
            }
            _ => {}
        }
    }
    world.advance(story.end());
    world
}

/// A place in the past.
fn frozen(speed: Option<f64>) -> Frozen {
    let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
    let event = Event { at: Nanos(11_998_765_432), from, what: What::Began { conn: ConnId(17), cause: Cause::Readable } };
    Frozen { behind: Nanos::millis(2310), speed, event: Some((123_456, event)), ..Frozen::default() }
}

/// A trigger that waits.
fn armed() -> Armed {
    Armed { setting: TriggerSetting::Stall { over: Nanos::millis(100) }, only: None, at: Nanos::secs(1) }
}

/// The trigger has struck in the first stall of a story; nothing is armed any more.
fn triggered(name: &'static str, story: &Story, ui: Ui, scenario: &Scenario) -> State {
    let (live, history) = recorded(story);
    let stall = live.specimens[0].stalls.past[0];
    let at = stall.began + Nanos::millis(100);
    let then = history.at(at);
    let what = Struck::Callback(then.specimens[0].reactor.running.unwrap());
    let strike = Strike { armed: armed(), specimen: SpecimenId(0), process: None, at, event: None, what };
    let n = history.position(at) - 1;
    let event = history.event(n).map(|event| (n, event));
    let frozen = Frozen { behind: live.now.since(at), event, ahead: Some(stall.length), strike: Some(strike), ..Frozen::default() };
    let ui = Ui { frozen: Some(frozen), ..ui };
    State { name, world: then, around: None, ui, scenario: scenario.clone(), history: None, then: None, bench: None }
}

/// The gate holds the loop before a tick: in the present, or in one that is not looked at.
fn gated(name: &'static str, story: &Story, past: bool, ui: Ui, scenario: &Scenario) -> State {
    let mut world = story.world();
    if !past {
        let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
        world.apply(&Event { at: world.now, from, what: What::Gated { held: 2 } });
        world.advance(world.now + Nanos::millis(300));
    }
    let frozen = past.then(|| Frozen { meanwhile: Meanwhile::Held, ..frozen(None) });
    State { name, world, around: None, ui: Ui { frozen, ..ui }, scenario: scenario.clone(), history: None, then: None, bench: None }
}

/// What somebody has typed.
fn typed(text: &str) -> Line {
    let mut line = Line::default();
    line.set(text);
    line
}

/// What is known of a lesson whose every task has shown so many hints.
fn hints(scenario: &Scenario, hints: usize) -> Vec<Record> {
    vec![Record { hints, ..Record::default() }; scenario.lesson.len()]
}

/// The present of a story that is recorded.
fn remembered(name: &'static str, story: &Story, ui: Ui, scenario: &Scenario) -> State {
    let (world, history) = recorded(story);
    State { name, world, around: None, ui, scenario: scenario.clone(), history: Some(history), then: None, bench: None }
}

/// Somebody asks why a request of this story was slow: the slowest but ten that is answered, or one that waits.
fn asked(name: &'static str, story: &Story, ui: &Ui, scenario: &Scenario) -> State {
    let mut state = remembered(name, story, ui.clone(), scenario);
    let specimen = &state.world.specimens[0];
    let waiting = specimen.unanswered(state.world.now);
    let row = match waiting.get(3).filter(|slow| slow.latency > Nanos::millis(100)) {
        Some(slow) => RowId::Connection(slow.conn),
        None => RowId::Request(specimen.clients.tail[10].client, specimen.clients.tail[10].intended),
    };
    state.ui = Ui { screen: Screen::Latency, open: Open::Why, asked: Ask::of(row), ..state.ui };
    state.ui.rows.choose(row);
    state
}

/// Two lessons done, the second with the solution shown; a third begun.
fn progress() -> Progress {
    let mut progress = Progress::default();
    for (lesson, solved) in LESSONS.iter().zip([Some(Solved::Alone), Some(Solved::Shown), None]) {
        let steps = || (0_u16..).zip(&lesson.lesson);
        let answers = steps().filter_map(|(n, step)| match step {
            Step::Predict { answer, .. } if solved.is_some() || n < 3 => Some((n, if n == 1 { 0 } else { *answer })),
            _ => None,
        });
        let tasks = steps().filter_map(|(n, step)| matches!(step, Step::Task(_)).then_some((n, solved?)));
        let seen = steps().map(|(n, _)| n).filter(|n| solved.is_some() || *n < 3);
        let done = Done { seen: seen.collect(), answers: answers.collect(), solved: tasks.collect(), reviewed: [0, 1].into() };
        progress.merge(&lesson.id, &done);
    }
    progress
}

/// The states that a picture is taken of.
fn states() -> Vec<State> {
    let one = || Story::new(&["naive"]).calm(Nanos::secs(12));
    let three = || Story::new(&["naive", "pool", "sliced"]).calm(Nanos::secs(11));
    let computing = scenario("computing");
    let models = || Story::new(&["loop", "threads", "workers"]).calm(Nanos::secs(4));
    let base = Ui { screen: Screen::Scope, ..Ui::default().for_lesson(&computing) };
    let pyramid = scenario("pyramid");
    let at_pyramid = |step: usize| Ui { screen: Screen::Scope, step, ..Ui::default().for_lesson(&pyramid) };
    let chained = |style| Story::new(&["nested"]).calm(Nanos::secs(6)).chain(Nanos::millis(800), style, Nanos::millis(20));
    let task = computing.lesson.iter().position(|step| matches!(step, Step::Task(_))).unwrap();
    let at = |step: usize| Ui { step, ..base.clone() };
    let state = |name, world, ui, scenario: &Scenario| State {
        name,
        world,
        around: None,
        ui,
        scenario: scenario.clone(),
        history: None,
        then: None,
        bench: None,
    };
    // What is recorded for the timeline is short: it is read again for every picture.
    let short = || Story::new(&["naive"]).calm(Nanos::millis(2_500));
    let stalled = || short().stall(Nanos::millis(612)).calm(Nanos::millis(2300));
    let mended = || one().stall(Nanos::millis(612)).calm(Nanos::secs(3)).mend(Mitigation::Slicing);
    let stall = stalled().world().specimens[0].stalls.past[0];
    let marked = |a: Nanos, b: Nanos| {
        let mut ui = at(0);
        ui.timebase.marks = [Some(a), Some(b)];
        ui
    };
    let healthy = scenario("healthy");
    let selectors = |name, world, bench| State { bench, ..state(name, world, Ui { screen: Screen::Selectors, ..at(0) }, &computing) };
    let measured = scenario("23-selectors");
    let experiment = |name, bench, screen, step| {
        let ui = Ui { screen, step, lesson: 22, records: hints(&measured, 1), ..Ui::default().for_lesson(&measured) };
        State { bench, ..state(name, World::new(&Story::new(&[]).setup()), ui, &measured) }
    };
    let several = |n: usize| Story::new(&["naive", "pool", "sliced", "caught"][..n]);
    let compare = |chosen: usize| Ui { screen: Screen::Compare, chosen, ..at(0) };
    vec![
        state("start", one().world(), Ui { screen: Screen::Start, progress: progress(), ..base.clone() }, &healthy),
        state("calm", one().world(), at(0), &computing),
        state("stalled", one().hang(Nanos::millis(612)).world(), at(1), &computing),
        state(
            "after",
            one().stall(Nanos::millis(812)).calm(Nanos::millis(2300)).world(),
            Ui { answers: vec![None, Some(0), None], done: vec![true; 9], ..at(1) },
            &computing,
        ),
        state("foreseen", one().world(), Ui { answers: vec![None, Some(0), None], ..at(1) }, &computing),
        state("task", three().world(), Ui { records: hints(&computing, 2), ..at(task) }, &computing),
        state("review", one().world(), Ui { done: vec![true; 20], ..at(computing.lesson.len() + 1) }, &computing),
        state("dead", one().panic().calm(Nanos::millis(1700)).world(), at(2), &computing),
        state("three", three().stall(Nanos::millis(800)).calm(Nanos::millis(1500)).world(), at(2), &computing),
        state("threads", by_model(&models().hang(Nanos::millis(300))), Ui { chosen: 1, ..at(0) }, &computing),
        state("workers", by_model(&models().stall(Nanos::millis(700)).calm(Nanos::millis(900))), Ui { chosen: 2, ..at(0) }, &computing),
        state(
            "connections-workers",
            by_model(&models().calm(Nanos::millis(300))),
            Ui { chosen: 2, screen: Screen::Connections, ..at(0) },
            &computing,
        ),
        state("worker-stalled", by_model(&models().hang(Nanos::millis(300))), Ui { chosen: 2, ..at(0) }, &computing),
        state("chain", chained(Written::Callbacks).forget(Nanos::millis(500)).world(), at_pyramid(2), &pyramid),
        state(
            "chain-waits",
            chained(Written::AsyncAwait).chain(Nanos::millis(600), Written::AsyncAwait, Nanos::secs(1)).world(),
            at_pyramid(1),
            &pyramid,
        ),
        state("unseen", World::new(&Story::new(&["naive"]).setup()), at(0), &computing),
        state("faults", one().world(), Ui { open: Open::Menu(Menu::Faults), ..at(0) }, &computing),
        state("mitigations", three().world(), Ui { open: Open::Menu(Menu::Mitigations), chosen: 1, ..at(0) }, &computing),
        state("triggers", three().world(), Ui { open: Open::Menu(Menu::Triggers), armed: Some(armed()), ..at(0) }, &computing),
        {
            let mut state = timeline_state("timeline-triggered", &stalled(), Some(stall.began + Nanos::millis(100)), 4, at(0), &computing);
            state.ui.strike = triggered("", &stalled(), at(0), &computing).ui.frozen.and_then(|frozen| frozen.strike);
            state
        },
        triggered("triggered", &three().stall(Nanos::millis(812)), at(0), &computing),
        state("help", one().world(), Ui { open: Open::Help, ..at(0) }, &computing),
        state("help-searched", one().world(), Ui { open: Open::Help, searching: true, line: typed("eagain"), ..at(0) }, &computing),
        state("palette", one().world(), Ui { open: Open::Palette, entry: 2, ..at(0) }, &computing),
        state("palette-typed", three().world(), Ui { open: Open::Palette, line: typed("pan"), chosen: 1, ..at(0) }, &computing),
        state("cost", one().hang(Nanos::millis(612)).world(), Ui { cost: true, ..at(1) }, &computing),
        state("small", one().world(), at(0), &computing),
        state(
            "connections",
            one().hang(Nanos::millis(612)).world(),
            Ui {
                screen: Screen::Connections,
                rows: Rows { order: Order::Waiting, connection: Some(RowId::Connection(ConnId(40))), ..Rows::default() },
                ..at(0)
            },
            &computing,
        ),
        state(
            "connections-three",
            three().world(),
            Ui { screen: Screen::Connections, chosen: 1, rows: Rows { order: Order::Requests, ..Rows::default() }, ..at(0) },
            &computing,
        ),
        state(
            "latency",
            one().stall(Nanos::millis(812)).calm(Nanos::millis(2300)).world(),
            Ui { screen: Screen::Latency, ..at(0) },
            &computing,
        ),
        state(
            "latency-uncorrected",
            mended().stall(Nanos::millis(300)).calm(Nanos::millis(2300)).world(),
            Ui { screen: Screen::Latency, uncorrected: true, ..at(0) },
            &computing,
        ),
        state("measure-awaits", mended().calm(Nanos::secs(1)).world(), at(0), &computing),
        state("measuring", mended().stall(Nanos::millis(300)).calm(Nanos::millis(2300)).world(), at(0), &computing),
        state("measured", mended().stall(Nanos::millis(300)).calm(Nanos::secs(7)).world(), at(0), &computing),
        state("unfair", one().greed(Nanos::secs(2)).world(), at(0), &computing),
        state(
            "latency-curve",
            one().rate(2_600.0).calm(Nanos::secs(2)).rate(9_000.0).calm(Nanos::secs(2)).rate(110_000.0).calm(Nanos::millis(2_500)).world(),
            Ui { screen: Screen::Latency, ..at(0) },
            &scenario("overload"),
        ),
        state("latency-three", three().world(), Ui { screen: Screen::Latency, chosen: 2, ..at(0) }, &computing),
        state("latency-none", World::new(&Story::new(&["naive"]).setup()), Ui { screen: Screen::Latency, ..at(0) }, &computing),
        state(
            "lesson",
            three().world(),
            Ui { screen: Screen::Lesson, progress: progress(), answers: vec![None, Some(0)], ..at(1) },
            &computing,
        ),
        state(
            "lesson-task",
            one().world(),
            Ui { screen: Screen::Lesson, progress: progress(), records: hints(&computing, 3), ..at(task) },
            &computing,
        ),
        state("connections-none", World::new(&Story::new(&["naive"]).setup()), Ui { screen: Screen::Connections, ..at(0) }, &computing),
        timeline_state("timeline", &stalled(), None, 0, at(0), &computing),
        timeline_state("timeline-hangs", &short().hang(Nanos::millis(612)), None, 2, at(0), &computing),
        timeline_state(
            "timeline-stall",
            &stalled(),
            Some(stall.began + Nanos::millis(300)),
            4,
            marked(stall.began, stall.until()),
            &computing,
        ),
        // After the stall there are many callbacks to run, one after the other.
        timeline_state("timeline-micro", &stalled(), Some(stall.until() + Nanos::micros(90)), 14, at(0), &computing),
        timeline_state(
            "timeline-events",
            &Story::new(&["naive", "pool", "sliced"])
                .calm(Nanos::secs(2))
                .stall(Nanos::millis(300))
                .lose(12)
                .calm(Nanos::millis(100))
                .death(9)
                .respawn()
                .calm(Nanos::millis(900)),
            Some(Nanos::millis(2_400)),
            1,
            {
                let mut ui = Ui { chosen: 1, ..at(0) };
                ui.timebase.details = true;
                ui.rows.track = Some(RowId::Track(Track::Ready));
                ui
            },
            &computing,
        ),
        state("timeline-none", World::new(&Story::new(&["naive"]).setup()), Ui { screen: Screen::Timeline, ..at(0) }, &computing),
        asked("why", &one().stall(Nanos::millis(812)).calm(Nanos::millis(2300)), &at(0), &computing),
        asked("why-unanswered", &one().hang(Nanos::millis(612)), &at(0), &computing),
        remembered(
            "connection",
            &one().stall(Nanos::millis(612)).calm(Nanos::millis(300)),
            Ui { screen: Screen::Connections, open: Open::Connection, asked: Some(Ask::LastOf(ConnId(20))), ..at(0) },
            &computing,
        ),
        remembered(
            "connections-found",
            &one().hang(Nanos::millis(612)),
            Ui { screen: Screen::Connections, filtering: true, rows: Rows { filter: typed("loop 2"), ..Rows::default() }, ..at(0) },
            &computing,
        ),
        remembered(
            "victims",
            &one().stall(Nanos::millis(812)).calm(Nanos::millis(2300)),
            Ui { screen: Screen::Latency, rows: Rows { requests: RequestOrder::Victims, ..Rows::default() }, ..at(0) },
            &computing,
        ),
        state("compare-one", one().world(), compare(0), &computing),
        state("compare-two", several(2).calm(Nanos::secs(9)).world(), compare(0), &computing),
        state("compare-stalled", several(2).calm(Nanos::secs(9)).hang(Nanos::millis(612)).world(), compare(1), &computing),
        state(
            "compare-three",
            several(3).calm(Nanos::secs(8)).stall(Nanos::millis(800)).calm(Nanos::secs(2)).world(),
            compare(0),
            &computing,
        ),
        state(
            "compare-four",
            several(4).calm(Nanos::secs(8)).park(Nanos::millis(700)).calm(Nanos::secs(2)).world(),
            compare(2),
            &computing,
        ),
        State {
            around: Some(several(4).calm(Nanos::secs(8)).stall(Nanos::millis(800)).calm(Nanos::secs(2)).world()),
            ..state(
                "compare-frozen",
                several(4).calm(Nanos::secs(8)).stall(Nanos::millis(800)).world_at(Nanos::millis(8_400)),
                Ui { frozen: Some(frozen(None)), ..compare(0) },
                &computing,
            )
        },
        state("compare-none", World::new(&Story::new(&["naive", "pool"]).setup()), compare(0), &computing),
        selectors("selectors", one().world(), Some(Told::with_room(60_000).at(20_000, Active::Count(1)))),
        selectors("selectors-all", three().world(), Some(Told::with_room(19_928).at(100, Active::All))),
        selectors("selectors-none", one().world(), None),
        experiment("selectors-lesson", Some(Told::with_room(19_928).at(10, Active::Count(1))), Screen::Selectors, 1),
        experiment("selectors-end", Some(Told::with_room(19_928).at(20_000, Active::Count(1))), Screen::Selectors, 2),
        experiment("selectors-task", Some(Told::with_room(19_928).at(1000, Active::Count(1))), Screen::Selectors, 5),
        experiment("selectors-start", Some(Told::with_room(60_000).at(5000, Active::Count(100))), Screen::Start, 0),
        experiment("selectors-course", None, Screen::Lesson, 2),
        state("frozen", one().world(), Ui { frozen: Some(frozen(None)), ..at(0) }, &computing),
        gated("held", &one(), false, at(0), &computing),
        gated("held-frozen", &one(), true, at(0), &computing),
        state("playing", one().hang(Nanos::millis(300)).world(), Ui { frozen: Some(frozen(Some(1e-3))), ..at(0) }, &computing),
    ]
}

/// Writes every picture into the directory that LOOK names, for eyes.
#[test]
fn pictures() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    let only = std::env::var("ONLY").unwrap_or_default();
    for state in STATES.iter() {
        for size in [(60, 18), (80, 24), (120, 36), (200, 60), (300, 80)] {
            for (tier_name, tier) in [("true", Tier::True), ("256", Tier::Indexed), ("16", Tier::Basic), ("mono", Tier::Mono)] {
                for lang in [Lang::En, Lang::Zh] {
                    let file = format!("{}-{}x{}-{tier_name}-{lang}", state.name, size.0, size.1);
                    if only.split(',').any(|o| file.contains(o)) {
                        let buf = frame(state, size, &Theme::dark(tier), lang);
                        std::fs::write(format!("{dir}/{file}.ans"), ansi(&buf)).unwrap();
                    }
                }
            }
        }
    }
}

fn snapshots(size: (u16, u16)) {
    let theme = Theme::dark(Tier::True);
    for state in STATES.iter() {
        let name = format!("{}-{}x{}", state.name, size.0, size.1);
        insta::assert_snapshot!(name, told(&frame(state, size, &theme, Lang::En)));
    }
}

#[test]
fn every_state_at_80_by_24() {
    snapshots((80, 24));
}

#[test]
fn every_state_at_120_by_36() {
    snapshots((120, 36));
}

#[test]
fn every_state_at_200_by_60() {
    snapshots((200, 60));
}

#[test]
fn every_state_in_chinese() {
    let theme = Theme::dark(Tier::True);
    for state in STATES.iter() {
        insta::assert_snapshot!(format!("{}-zh", state.name), told(&frame(state, (120, 36), &theme, Lang::Zh)));
    }
}

#[test]
fn a_stall_without_colours() {
    let stalled = STATES.iter().find(|s| s.name == "stalled").unwrap();
    let buf = frame(stalled, (120, 36), &Theme::dark(Tier::Mono), Lang::En);
    assert!(buf.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let text = told(&buf);
    for said in ["STALLED", "STALL 612 ms", "computing", "requests wait"] {
        assert!(text.contains(said), "{said} is said by colour alone:\n{text}");
    }
}

#[test]
fn nothing_is_said_by_colour_alone() {
    let theme = Theme::load("mono", Tier::True).unwrap();
    let story = || Story::new(&["naive"]).calm(Nanos::secs(12));
    let computing = scenario("computing");
    let of = |world: World, ui: Ui| {
        let buf = frame(
            &State { name: "", world, around: None, ui, scenario: computing.clone(), history: None, then: None, bench: None },
            (120, 36),
            &theme,
            Lang::En,
        );
        assert!(buf.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        told(&buf)
    };
    let lab = || Ui { screen: Screen::Scope, ..Ui::default().for_lesson(&computing) };
    // Computing or parked.
    let computed = of(story().stall(Nanos::millis(400)).calm(Nanos::millis(300)).world(), lab());
    let parked = of(story().park(Nanos::millis(400)).calm(Nanos::millis(300)).world(), lab());
    assert!(computed.contains("computing") && !computed.contains("parked"), "{computed}");
    assert!(parked.contains("parked"), "{parked}");
    // What breaks and what mends.
    let menu = |menu| of(story().world(), Ui { open: Open::Menu(menu), ..lab() });
    assert!(menu(Menu::Faults).contains("break it") && menu(Menu::Mitigations).contains("mend it"));
    // What is on and what is off.
    let palette = of(story().world(), Ui { open: Open::Palette, line: typed("worker-pool"), ..lab() });
    assert!(palette.contains("○ off"), "{palette}");
    // What went well and what did not.
    let answered = |right: bool| {
        let ask = computing.lesson.iter().position(|step| matches!(step, Step::Predict { .. })).unwrap();
        let Step::Predict { answer, .. } = &computing.lesson[ask] else { unreachable!() };
        let given = if right { *answer } else { u8::from(*answer == 0) };
        let mut ui = Ui { step: ask, ..lab() };
        (ui.answers[ask], ui.done[ask]) = (Some(given), true);
        of(story().world(), ui)
    };
    assert!(answered(true).contains("Right.") && answered(true).contains('✓'));
    assert!(answered(false).contains("Not quite.") && answered(false).contains('✗'));
    let latency = of(story().panic().calm(Nanos::secs(1)).world(), Ui { screen: Screen::Latency, ..lab() });
    assert!(latency.contains("resets") || latency.contains("reset"), "{latency}");
}

#[test]
fn in_ascii_every_frame_is_ascii() {
    for state in STATES.iter() {
        for name in ["dark", "mono"] {
            for size in [(50, 9), (80, 24), (200, 60)] {
                let theme = Theme::load(name, Tier::True).unwrap().in_ascii(true);
                let buf = frame(state, size, &theme, Lang::En);
                let foreign: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).filter(|symbol| !symbol.is_ascii()).collect();
                assert!(foreign.is_empty(), "{} in {name} at {size:?}: {foreign}\n{}", state.name, told(&buf));
            }
        }
    }
}

#[test]
fn in_ascii_what_matters_can_still_be_seen() {
    let theme = Theme::dark(Tier::True).in_ascii(true);
    for name in ["calm", "stalled", "latency", "connections", "start"] {
        let state = STATES.iter().find(|s| s.name == name).unwrap();
        insta::assert_snapshot!(format!("{name}-ascii"), told(&frame(state, (120, 36), &theme, Lang::En)));
    }
}

#[test]
fn what_matters_is_on_every_screen_that_is_large_enough() {
    let theme = Theme::dark(Tier::True);
    let says = |name: &str, size: (u16, u16), words: &[&str]| {
        let state = STATES.iter().find(|s| s.name == name).unwrap();
        let text = told(&frame(state, size, &theme, Lang::En));
        for word in words {
            assert!(text.contains(word), "{name} at {size:?} does not say {word:?}:\n{text}");
        }
    };
    for size in [(60, 18), (80, 24), (120, 36), (200, 60), (300, 80)] {
        says("calm", size, &["LIVE", "4200", "loop", "clients", "timeline", "lesson", "quit"]);
        says("stalled", size, &["STALLED", "STALL 612 ms", "holds the loop", "computing"]);
        says("dead", size, &["DEAD", "exit code 101", "new process"]);
        says("after", size, &["held", "worker pool"]);
        says("unseen", size, &["STARTING"]);
        says("frozen", size, &["FROZEN −2.31 s", "callback begins", "space"]);
        says("compare-two", size, &["naive", "pool", "p99", "threads 3 against 1"]);
        says("compare-three", size, &["naive", "pool", "sliced", "times lower", "longest callback", "quit"]);
        says("compare-stalled", size, &["STALLED", "naive", "pool", "p99"]);
        says("compare-frozen", size, &["FROZEN", "−2.31 s", "this moment", "naive", "caught"]);
        says("compare-one", size, &["nothing to compare", "Read until EAGAIN"]);
        says("playing", size, &["PLAYING 1/1 000 −2.31 s", "callback begins", "space"]);
        says("selectors", size, &["poll", "20000 idle", "epoll", "select", "quit"]);
        says("selectors-all", size, &["poll", "100 descriptors"]);
        says("selectors-lesson", size, &["10 idle", "step 2", "no server here", "4"]);
        says("selectors-task", size, &["1000 idle", "epoll", "Task"]);
        says("selectors-end", size, &["19927 idle", "RLIMIT_NOFILE"]);
        says("start", size, &["lessons", "The healthy loop", "LIVE"]);
    }
    says("small", (59, 18), &["60×18", "59×18"]);
}

#[test]
fn what_watching_costs_is_on_every_screen_in_full() {
    let state = STATES.iter().find(|s| s.name == "cost").unwrap();
    for size in [(60, 18), (80, 24), (120, 36), (200, 60)] {
        for lang in Lang::ALL {
            for screen in SCREENS.iter().map(|row| row.screen).chain([Screen::Start]) {
                let ui = Ui { screen, ..state.ui.clone() };
                let (drawn, buf) = picture(state, &ui, size, &Theme::dark(Tier::True), *lang);
                let said = told(&buf);
                for figure in [
                    "42.3 k/", "1.2 k", "3.1 M", "4.2 ns", "0.02 %", "13.7 ns", "0.06 %", "623 µs", "1.42 ms", "5.1 %", "12.35", "60 MB",
                    "74.0 s",
                ] {
                    assert!(said.contains(figure), "{figure} at {size:?}:\n{said}");
                }
                assert_eq!(drawn.targets.at(size.0 - 2, size.1 - 4), Some(&Command::OwnCost));
                assert_eq!(
                    said.contains("41233") && said.contains("/proc/41233/status"),
                    size.0 >= 120,
                    "how it is known, where there is room"
                );
            }
        }
    }
}

#[test]
fn widgets_draw_into_no_room_at_all() {
    let theme = Theme::dark(Tier::True);
    for (w, h) in [(0, 0), (1, 1), (0, 5), (5, 0), (2, 1), (1, 9), (3, 3), (9, 2)] {
        for state in STATES.iter() {
            with_scene(state, &state.ui, (w, h), &theme, Lang::Zh, |scene| {
                let (look, world) = (scene.look, scene.world);
                let Some(specimen) = scene.chosen() else { return };
                let gaze = scene.eye.gaze(0);
                let area = Rect::new(0, 0, w, h);
                let mut buf = Buffer::empty(area);
                head::Head::of(scene).render(area, &mut buf);
                let shape = kernel::shape(specimen, world.now, look);
                kernel::Kernel { shape: &shape, look }.render(area, &mut buf);
                let shape = wheel::shape(specimen, &gaze, world.now, look);
                wheel::Wheel { shape: &shape, look }.render(area, &mut buf);
                let shape = clients::shape(specimen, &gaze, world.stall_threshold, w);
                clients::Clients { shape: &shape, look }.render(area, &mut buf);
                let shape = timeline::shape(world, 0, w, false, look);
                timeline::Timeline { shape: &shape, look }.render(area, &mut buf);
                let shape = code::shape(world, specimen, &gaze, look);
                code::Code { shape: &shape, look }.render(area, &mut buf);
                let shape = lesson::shape(scene, w);
                lesson::Lesson { shape: &shape, page: 3, look }.render(area, &mut buf);
                let cards = cards::shape(scene);
                cards::Cards { cards: &cards, threshold: world.stall_threshold, look }.render(area, &mut buf);
                let shape = cost::shape(&Cost::default(), look);
                cost::draw(&shape, look, area, &mut buf, &mut Targets::default());
                let entries = footer::shape(scene, 400);
                footer::Footer { entries: &entries, look }.render(area, &mut buf);
                let shape = connections::shape(specimen, world.now, &state.ui.rows, usize::from(h));
                connections::Table { shape: &shape, look }.render(area, &mut buf);
                connections::details(specimen, world.now, &state.ui.rows, look, area, &mut buf);
                let shape = latency::histogram(specimen, gaze.figures.recent, h % 2 == 0, w);
                latency::Histogram { shape: &shape, look }.render(area, &mut buf);
                let shape =
                    latency::figures(specimen, gaze.figures.recent, h % 2 == 0, &["/".to_owned(), "/a-rather-long-path".to_owned()]);
                latency::Figures { shape: &shape, look }.render(area, &mut buf);
                let shape = slowest::shape(specimen, scene.answers, world.now, &state.ui.rows, usize::from(h));
                slowest::Slowest { shape: &shape, look }.render(area, &mut buf);
                let shape = clients::shape(specimen, &gaze, world.stall_threshold, w);
                clients::Spectrogram { shape: &shape, newest: u64::from(w), changes: &specimen.changes, look }.render(area, &mut buf);
                let grid = scene.trace.cells().grid;
                let (room, ruler) = (tracks::room(h, 2, h % 2 == 0), tracks::ruler(&grid));
                let shape = tracks::shape(scene, &room, ruler);
                tracks::Tracks { shape: &shape, room: &room, grid, trace: scene.trace, look }.render(area, &mut buf);
                let here = tracks::Here::of(scene);
                tracks::Beside { lines: &here.lines, events: &here.events, look }.render(area, &mut buf);
                let places: Vec<usize> = (0..world.specimens.len()).collect();
                let shape = lanes::shape(scene, &places, w);
                lanes::Lanes { shape: &shape, threshold: world.stall_threshold, look }.render(area, &mut buf);
                let shape = side_by_side::shape(scene, &places, h);
                side_by_side::Table { shape: &shape, look }.render(area, &mut buf);
                side_by_side::Differences { shape: &shape, look }.render(area, &mut buf);
                // And where the area lies partly outside of the buffer.
                let outside = Rect::new(w / 2, h / 2, 40, 12);
                let shape = timeline::shape(world, 0, 40, false, look);
                timeline::Timeline { shape: &shape, look }.render(outside.intersection(buf.area), &mut buf);
            });
        }
    }
}

#[test]
fn every_screen_has_a_digit_and_a_tab_that_can_be_clicked() {
    let keymap = Keymap::default();
    let calm = STATES.iter().find(|s| s.name == "calm").unwrap();
    for size in [(60, 18), (80, 24), (120, 36), (200, 60)] {
        let mut ui = Ui { screen: Screen::Scope, ..calm.ui.clone() };
        for (n, row) in SCREENS.iter().enumerate() {
            let key: Key = (n + 1).to_string().parse().unwrap();
            assert_eq!(keymap.command(Context::Table, key), Some(Command::Screen(n as u8)));
            let (drawn, _) = picture(calm, &ui, size, &Theme::dark(Tier::Mono), Lang::En);
            let click = (0..size.0).find_map(|x| drawn.targets.at(x, 0).filter(|c| **c == Command::Screen(n as u8)).cloned());
            ui.carry_out(click.unwrap(), &calm.scenario, &calm.world, &LESSONS);
            assert_eq!(ui.screen, row.screen);
        }
        let beyond = keymap.command(Context::Table, (SCREENS.len() + 1).to_string().parse().unwrap());
        assert!(!matches!(beyond, Some(Command::Screen(_))), "{beyond:?}");
        // Round and back.
        ui.carry_out(Command::NextScreen, &calm.scenario, &calm.world, &LESSONS);
        assert_eq!(ui.screen, Screen::Scope);
        ui.carry_out(Command::PreviousScreen, &calm.scenario, &calm.world, &LESSONS);
        assert_eq!(ui.screen, SCREENS.last().unwrap().screen);
        ui.carry_out(Command::Back, &calm.scenario, &calm.world, &LESSONS);
        assert_eq!(ui.screen, Screen::Scope);
    }
}

#[test]
fn a_click_chooses_the_row_under_it_and_keys_go_on_from_there() {
    let state = STATES.iter().find(|s| s.name == "connections").unwrap();
    let mut ui = state.ui.clone();
    let shown = |ui: &Ui| {
        let (drawn, buf) = picture(state, ui, (120, 36), &Theme::dark(Tier::True), Lang::En);
        (drawn, told(&buf))
    };
    let (drawn, _) = shown(&ui);
    let click = drawn.targets.at(30, 8).cloned().unwrap();
    ui.rows.shown = drawn.shown;
    ui.carry_out(click, &state.scenario, &state.world, &LESSONS);
    let Some(RowId::Connection(id)) = ui.rows.connection else { panic!("nothing is chosen") };
    assert_ne!(id, ConnId(40));
    let (drawn, text) = shown(&ui);
    assert!(text.contains(&format!("connection {}", id.0)), "{text}");
    ui.rows.shown = drawn.shown;
    ui.carry_out(Command::NextOrder, &state.scenario, &state.world, &LESSONS);
    assert_eq!(ui.rows.connection, Some(RowId::Connection(id)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_size_and_any_keys_make_a_picture(
        state in 0..64_usize,
        keys in prop::collection::vec(0..200_usize, 0..24),
        sizes in prop::collection::vec((0..320_u16, 0..90_u16), 1..4),
        theme in 0..THEMES.len(),
        ascii in any::<bool>(),
        tier in prop::sample::select(vec![Tier::True, Tier::Indexed, Tier::Basic, Tier::Mono]),
        zh in any::<bool>(),
    ) {
        let state = &STATES[state % STATES.len()];
        let lang = if zh { Lang::Zh } else { Lang::En };
        let theme = Theme::load(THEMES[theme].0, tier).unwrap().in_ascii(ascii);
        let all: Vec<Key> =
            COMMANDS.iter().flat_map(|row| row.keys).flat_map(|b| b.keys).filter_map(|k| k.parse().ok()).collect();
        let keymap = Keymap::default();
        let mut ui = state.ui.clone();
        for key in keys {
            let key = all[key % all.len()];
            if let Some(command) = keymap.command(ui.context(&state.scenario), key) {
                if matches!(command, Command::Up | Command::Down | Command::Last | Command::PageDown) {
                    // Keys move among the rows that were drawn.
                    let (drawn, _) = picture(state, &ui, (80, 24), &theme, lang);
                    (ui.rows.shown, ui.reach) = (drawn.shown, drawn.reach);
                }
                let left = ui.carry_out(command, &state.scenario, &state.world, &LESSONS);
                if let Some(command) = left {
                    ui.note(&command, &state.scenario);
                }
            }
            ui.look(&state.scenario, &state.world);
        }
        for (w, h) in sizes {
            let (drawn, buf) = picture(state, &ui, (w, h), &theme, lang);
            for x in 0..w {
                drawn.targets.at(x, h / 2);
            }
            prop_assert!(buf.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
        }
    }
}

/// The interface as it is at work: what was drawn last decides what the pointer means, and what is left over is done as the program does it.
struct Session<'a> {
    state: &'a State,
    ui: Ui,
    size: (u16, u16),
    then: Option<Nanos>,
    drawn: Drawn,
    keymap: Keymap,
}

impl<'a> Session<'a> {
    fn start(state: &'a State, size: (u16, u16)) -> Self {
        let mut session = Self { state, ui: state.ui.clone(), size, then: state.then, drawn: Drawn::default(), keymap: Keymap::default() };
        session.draw();
        session
    }

    fn draw(&mut self) {
        let theme = Theme::dark(Tier::True);
        let mut buf = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let state = self.state;
        let (mut past, mut trace) = (None, Trace::default());
        if let Some(history) = &state.history {
            past = self.ui.frozen.map(|_| history.at(self.then.unwrap_or(state.world.now)));
            if self.ui.screen == Screen::Timeline {
                let wish = timeline_screen::wish(buf.area, &mut self.ui, 1, past.as_ref().unwrap_or(&state.world), &state.world);
                trace.look(&wish, history, &state.world);
            }
        }
        let world = past.as_ref().unwrap_or(&state.world);
        let mut eye = Eye::default();
        eye.look(world);
        let look = Look { theme: &theme, lang: Lang::En, keys: &KEYS };
        let scenario = &state.scenario;
        let addresses = vec![None; world.specimens.len()];
        let mut answers = Answers::default();
        answers.update(&self.ui, world, state.history.as_ref());
        let (ui, eye, answers) = (&self.ui, &eye, &answers);
        let scene = Scene {
            world,
            around: world,
            scenario,
            lessons: &LESSONS,
            ui,
            eye,
            answers,
            trace: &trace,
            cost: None,
            look,
            selectors: state.bench.as_ref().map(Told::view),
            addresses: &addresses,
        };
        self.drawn = draw(&scene, &mut buf);
        self.ui.pages = self.drawn.pages;
        self.ui.rows.shown = self.drawn.shown.clone();
        self.ui.reach = self.drawn.reach;
        self.ui.plot = self.drawn.plot;
        self.ui.axis = self.drawn.axis.clone();
    }

    /// Carries out a command; what others would have to do, if anything.
    fn dispatch(&mut self, command: Command) -> Option<Command> {
        let left = self.ui.carry_out(command, &self.state.scenario, &self.state.world, &LESSONS);
        if self.ui.frozen.is_none() {
            self.then = None;
        }
        if let (Some(Command::Seek(to)), Some(history)) = (&left, &self.state.history) {
            let (from, until) = history.span();
            self.then = Some((*to).clamp(from, until));
        }
        if let Some(command) = &left {
            self.ui.note(command, &self.state.scenario);
        }
        left
    }

    fn press(&mut self, key: Key) {
        if let Some(command) = self.keymap.command(self.ui.context(&self.state.scenario), key) {
            self.dispatch(command);
        }
    }

    fn point(&mut self, act: Act, x: u16, y: u16) {
        if let Some((command, times)) = self.ui.point(act, x, y, &self.drawn.targets) {
            (0..times).for_each(|_| drop(self.dispatch(command.clone())));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn any_keys_and_any_pointer_break_nothing(
        state in 0..64_usize,
        inputs in prop::collection::vec((0..9_usize, 0..400_usize, 0..210_u16, 0..64_u16), 1..24),
        size in prop::sample::select(vec![(60, 18), (80, 24), (120, 36), (200, 60), (7, 3), (0, 0)]),
    ) {
        let mut session = Session::start(&STATES[state % STATES.len()], size);
        let all: Vec<Key> = COMMANDS.iter().flat_map(|row| row.keys).flat_map(|b| b.keys).filter_map(|k| k.parse().ok()).collect();
        for (what, key, x, y) in inputs {
            match what {
                0 => session.point(Act::Press, x, y),
                1 => session.point(Act::Drag, x, y),
                2 => session.point(Act::Release, x, y),
                3 => session.point(Act::WheelUp, x, y),
                4 => session.point(Act::WheelDown, x, y),
                _ => session.press(all[key % all.len()]),
            }
            session.draw();
            let cells = session.ui.plot.map(|plot| plot.grid);
            prop_assert!(cells.is_none_or(|grid| grid.cell.0 > 0 && grid.to() > grid.from));
        }
    }
}

#[test]
fn whatever_can_be_clicked_does_something() {
    for state in STATES.iter() {
        for size in [(80, 24), (120, 36)] {
            let session = Session::start(state, size);
            let mut commands = Vec::new();
            for (x, y) in (0..size.0).flat_map(|x| (0..size.1).map(move |y| (x, y))) {
                if let Some(command) = session.drawn.targets.at(x, y)
                    && !commands.contains(command)
                {
                    commands.push(command.clone());
                }
            }
            assert!(commands.len() > 3 || state.name == "small" || state.ui.open != Open::Nothing, "{}: {commands:?}", state.name);
            for command in commands {
                let mut session = Session::start(state, size);
                let before = session.ui.clone();
                let left = session.dispatch(command.clone());
                // The tab of the screen that is shown, and the row that is chosen, are where one is already.
                let already = matches!(command, Command::Screen(n) if SCREENS[usize::from(n)].screen == before.screen)
                    || matches!(command, Command::Pick(_));
                assert!(left.is_some() || session.ui != before || already, "{} at {size:?}: {command:?}", state.name);
            }
        }
    }
}

#[test]
fn the_timeline_is_dragged_zoomed_and_clicked() {
    let state = STATES.iter().find(|s| s.name == "timeline").unwrap();
    let mut session = Session::start(state, (120, 36));
    let plot = session.ui.plot.unwrap();
    let (x, y) = (plot.area.x + 30, plot.area.y + 4);
    let at = plot.moment(x, y).unwrap();
    session.point(Act::Press, x, y);
    session.point(Act::Release, x, y);
    session.draw();
    assert_eq!((session.ui.frozen.is_some(), session.then), (true, Some(at)), "a click stands still at its moment");
    assert_eq!(session.ui.plot.unwrap().grid, plot.grid, "and moves nothing");
    session.point(Act::WheelUp, x, y);
    session.draw();
    let nearer = session.ui.plot.unwrap();
    assert!(nearer.grid.cell < plot.grid.cell && nearer.grid.column(at) == Some(30), "{nearer:?}");
    session.point(Act::Press, x, y);
    session.point(Act::Drag, x + 7, y);
    session.point(Act::Release, x + 7, y);
    session.draw();
    assert_eq!(session.ui.plot.unwrap().grid.column(at), Some(37), "what is dragged follows the pointer");
    assert_eq!(session.then, Some(at));
    // The third card of three is the third specimen.
    let state = STATES.iter().find(|s| s.name == "three").unwrap();
    let mut session = Session::start(state, (120, 36));
    session.point(Act::Press, 100, 3);
    assert_eq!(session.ui.chosen, 2);
}

/// The keys of a language's file with the placeholders of each.
fn sentences(file: &str) -> Vec<(String, BTreeSet<String>)> {
    fn walk(value: &serde_json::Value, path: &str, into: &mut Vec<(String, BTreeSet<String>)>) {
        match value {
            serde_json::Value::Object(map) => {
                for (name, value) in map {
                    walk(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
                }
            }
            serde_json::Value::String(text) => {
                assert!(!text.trim().is_empty(), "{path} is empty");
                let names = text.split("%{").skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
                into.push((path.to_owned(), names));
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(&serde_json::from_str(file).unwrap(), "", &mut out);
    out
}

#[test]
fn every_sentence_is_there_in_both_languages_with_the_same_placeholders() {
    let en = sentences(include_str!("../../assets/lang/en.json"));
    let zh = sentences(include_str!("../../assets/lang/zh.json"));
    let by_key = |list: &[(String, BTreeSet<String>)]| list.iter().cloned().collect::<std::collections::BTreeMap<_, _>>();
    let (en, zh) = (by_key(&en), by_key(&zh));
    for (key, names) in &en {
        // Which of two endings of a sentence is used may differ; what is named may not.
        assert_eq!(zh.get(key), Some(names), "{key}");
    }
    assert_eq!(en.len(), zh.len(), "{:?}", zh.keys().filter(|k| !en.contains_key(*k)).collect::<Vec<_>>());
}

#[test]
fn every_sentence_that_the_code_names_is_there_and_every_one_there_is_named() {
    use std::fs;
    let en: BTreeSet<String> = sentences(include_str!("../../assets/lang/en.json")).into_iter().map(|s| s.0).collect();
    let tops: BTreeSet<&str> = en.iter().map(|k| k.split('.').next().unwrap()).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut named = BTreeSet::new();
    let mut folders = vec![root.join("scope"), root.join("app")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let source = fs::read_to_string(path).unwrap();
                let literals = source.split('"').skip(1).step_by(2).map(str::to_owned);
                named.extend(literals.filter(|l| {
                    let mut parts = l.splitn(2, '.');
                    let top = parts.next().unwrap_or_default();
                    let rest = parts.next();
                    tops.contains(top)
                        && rest.is_none_or(|r| !r.is_empty() && r.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
                        && (rest.is_some() || en.contains(top))
                }));
            }
        }
    }
    for key in &named {
        assert!(en.contains(key), "the code names {key:?}, and no language has it");
    }
    // What is named by a value: phases, causes, faults, mitigations.
    let by_value = ["model.", "phase.", "cause.", "fault.", "mitigation.", "event.", "finding."];
    for key in en.iter().filter(|k| !by_value.iter().any(|v| k.starts_with(v))) {
        assert!(named.contains(key), "nobody says {key:?}");
    }
    let values = Phase::ALL.iter().map(|v| format!("phase.{v}")).chain(Cause::ALL.iter().map(|v| format!("cause.{v}")));
    let values =
        values.chain(Fault::ALL.iter().map(|v| format!("fault.{v}"))).chain(Mitigation::ALL.iter().map(|v| format!("mitigation.{v}")));
    let found = FINDINGS.iter().filter(|rule| rule.kind != FindingKind::Calm).map(|rule| format!("finding.{}.many", rule.name));
    let values = values.chain(Model::ALL.iter().map(|v| format!("model.{v}")));
    for key in values.chain(found) {
        assert!(en.contains(&key), "{key}");
    }
}
