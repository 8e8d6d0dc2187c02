//! What one picture costs: CPU of a frame of every screen at 200×60, under 20,000 requests a second.
//!
//! `cargo bench --bench frames [-- --quick] [--assert]`. A story of that load is recorded as the lab records it; then each screen is drawn
//! again and again while the story goes on at 30 pictures a second: reading the past for the timeline, drawing, comparing with the picture
//! before, and writing what has changed, to a test backend and to a real pseudo-terminal. The median counts. Promised: at most 2 ms.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read};
use std::process::ExitCode;

use anyhow::Context;
use common::{Flags, quantile, word};
use loopscope::base::clock::thread_cpu;
use loopscope::base::lang::Lang;
use loopscope::base::units::Nanos;
use loopscope::command::keymap::Keymap;
use loopscope::scenario::Scenario;
use loopscope::scenario::catalogue::BUILT_IN;
use loopscope::scope::screens::{SCREENS, timeline};
use loopscope::scope::{self, Answers, Eye, Frozen, Look, Scene, Screen, Theme, Tier, Ui};
use loopscope::telemetry::event::Event;
use loopscope::world::World;
use loopscope::world::history::{History, Limits};
use loopscope::world::testing::Story;
use loopscope::world::trace::Trace;
use portable_pty::{MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend, TestBackend};

const SIZE: (u16, u16) = (200, 60);
const RATE: f64 = 20_000.0;
const PROMISED: f64 = 2.0;
/// Before the first picture, so that histograms, strips and windows are full.
const BEFORE: Nanos = Nanos::secs(6);
/// Between two pictures.
const FRAME: Nanos = Nanos(33_333_333);

/// The story so far.
struct Told {
    events: Vec<Event>,
    next: usize,
    world: World,
    history: History,
}

impl Told {
    fn begin(story: &Story) -> Self {
        let world = World::new(&story.setup());
        let history = History::new(&world, Limits::default());
        Self { events: story.events(), next: 0, world, history }
    }

    fn until(&mut self, now: Nanos) {
        while let Some(event) = self.events.get(self.next).filter(|event| event.at <= now) {
            self.history.record(&self.world, event);
            self.world.apply(event);
            self.next += 1;
        }
        self.world.advance(now);
    }
}

/// What is drawn.
struct Case {
    name: String,
    screen: Screen,
    /// Steps nearer on the timeline.
    nearer: usize,
    frozen: bool,
    details: bool,
}

/// CPU milliseconds of each frame of a case, drawn to this backend.
fn frames<B: Backend>(backend: B, case: &Case, story: &Story, scenario: &Scenario, count: usize) -> anyhow::Result<Vec<f64>>
where
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let mut terminal = Terminal::new(backend)?;
    let mut told = Told::begin(story);
    told.until(BEFORE);
    let (theme, keys) = (Theme::dark(Tier::True), Keymap::default());
    let mut ui = Ui { screen: case.screen, ..Ui::default().for_lesson(scenario) };
    let (mut eye, mut trace, mut answers) = (Eye::default(), Trace::default(), Answers::default());
    ui.timebase.settle(usize::from(SIZE.0), told.world.now, true, false);
    (0..case.nearer).for_each(|_| ui.timebase.zoom(true, None));
    ui.timebase.details = case.details;
    let event = told.history.event(told.history.end() - 1).map(|event| (told.history.end() - 1, event));
    ui.frozen = case.frozen.then(|| Frozen { event, ..Frozen::default() });
    let past = case.frozen.then(|| told.world.clone());
    let addresses = vec![Some("127.0.0.1:7070".parse()?); told.world.specimens.len()];
    let mut costs = Vec::with_capacity(count);
    for n in 0..count as u64 {
        told.until(BEFORE + Nanos(FRAME.0 * (n + 1)));
        let began = thread_cpu();
        terminal.draw(|frame| {
            let buf = frame.buffer_mut();
            let world = past.as_ref().unwrap_or(&told.world);
            ui.look(scenario, &told.world);
            if past.is_some() {
                eye.stand(world);
            } else {
                eye.look(world);
            }
            if case.screen == Screen::Timeline {
                let wish = timeline::wish(buf.area, &mut ui, 1, world, &told.world);
                trace.look(&wish, &told.history, &told.world);
            }
            answers.update(&ui, world, Some(&told.history));
            let look = Look { theme: &theme, lang: Lang::En, keys: &keys };
            let lessons = std::slice::from_ref(scenario);
            let scene = Scene {
                world,
                around: world,
                scenario,
                lessons,
                ui: &ui,
                eye: &eye,
                answers: &answers,
                trace: &trace,
                cost: None,
                look,
                selectors: None,
                addresses: &addresses,
            };
            scope::draw(&scene, buf);
        })?;
        costs.push(thread_cpu().since(began).as_millis());
    }
    Ok(costs)
}

/// A pseudo-terminal of this size whose other side is read.
fn pty() -> anyhow::Result<(File, Box<dyn MasterPty + Send>)> {
    let pair = native_pty_system().openpty(PtySize { rows: SIZE.1, cols: SIZE.0, pixel_width: 0, pixel_height: 0 })?;
    let name = pair.master.tty_name().context("the terminal has no name")?;
    let file = OpenOptions::new().read(true).write(true).open(name)?;
    let mut reader = pair.master.try_clone_reader()?;
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        while matches!(reader.read(&mut bytes), Ok(1..)) {}
    });
    Ok((file, pair.master))
}

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let count = if flags.quick { 60 } else { 240 };
    let scenario = BUILT_IN.iter().find(|entry| entry.id.contains("healthy")).context("no lesson")?.scenario()?;
    let length = BEFORE + Nanos(FRAME.0 * (count as u64 + 1));
    let story = Story::new(&["naive"]).rate(RATE).calm(length);
    println!(
        "{} events; a screen of {}×{}, {RATE} requests/s, {count} frames each, milliseconds of CPU",
        story.events().len(),
        SIZE.0,
        SIZE.1
    );
    println!("{:<28} {:>12} {:>8} {:>12} {:>8}", "", "test backend", "worst", "terminal", "worst");

    let mut cases: Vec<Case> = SCREENS
        .iter()
        .map(|row| Case { name: format!("{:?}", row.screen), screen: row.screen, nearer: 0, frozen: false, details: false })
        .collect();
    for (name, nearer, frozen, details) in [
        ("Timeline, 1 ms a column", 5, false, false),
        ("Timeline, 1 µs, frozen", 14, true, true),
        ("Timeline, 50 ms, frozen", 0, true, false),
    ] {
        cases.push(Case { name: name.to_owned(), screen: Screen::Timeline, nearer, frozen, details });
    }
    let mut kept = true;
    for case in &cases {
        let test = frames(TestBackend::new(SIZE.0, SIZE.1), case, &story, &scenario, count)?;
        let (file, _master) = pty()?;
        let real = frames(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, file)), case, &story, &scenario, count)?;
        let median = |costs: &[f64]| quantile(costs, 0.5);
        let good = median(&test) <= PROMISED && median(&real) <= PROMISED;
        kept &= good;
        println!(
            "{:<28} {:>12.2} {:>8.2} {:>12.2} {:>8.2}   {}",
            case.name,
            median(&test),
            quantile(&test, 1.0),
            median(&real),
            quantile(&real, 1.0),
            word(good)
        );
    }
    println!("promised: a median of at most {PROMISED} ms: {}", word(kept));
    Ok(flags.verdict(kept))
}
