//! What the interface costs: the first frame, the process's own CPU in calm and under load, and from a key to a changed cell.
//!
//! `cargo bench --bench interface [-- --quick] [--assert]`. The release binary runs on a pseudo-terminal of 120×36. Promised: the first frame
//! within 300 ms of the start; at most 2 % of one core in calm and 6 % under load at 30 frames a second; from a key to a changed cell
//! at most 50 ms at the 99th percentile; at most 10 % of one core for the timeline at 200×60 at 30 frames a second under that load, fold included.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod common;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use common::{Flags, quantile, word};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

const ROWS: u16 = 36;
const COLUMNS: u16 = 120;
const FIRST_FRAME: f64 = 300.0;
const CALM: f64 = 0.02;
const LOADED: f64 = 0.06;
const KEY: f64 = 50.0;
/// The largest picture on the heaviest screen.
const LARGE: (u16, u16) = (200, 60);
const TIMELINE: f64 = 0.10;
/// Presses of `+` from 2,000 requests a second: each is half as much again.
const STEPS: usize = 6;

/// The program on a terminal, and what the terminal shows.
struct Session {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    shown: Arc<(Mutex<vt100::Parser>, Condvar)>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Session {
    fn start(args: &[&str]) -> anyhow::Result<Self> {
        Self::start_at((COLUMNS, ROWS), args)
    }

    fn start_at((cols, rows): (u16, u16), args: &[&str]) -> anyhow::Result<Self> {
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loopscope"));
        command.args(args);
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "en_US.UTF-8")] {
            command.env(name, value);
        }
        command.env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let shown = Arc::new((Mutex::new(vt100::Parser::new(rows, cols, 0)), Condvar::new()));
        let mut reader = pair.master.try_clone_reader()?;
        let theirs = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if let Ok(mut parser) = theirs.0.lock() {
                    parser.process(&bytes[..n]);
                }
                theirs.1.notify_all();
            }
        });
        let writer = pair.master.take_writer()?;
        Ok(Self { child, writer, shown, _master: pair.master })
    }

    /// Waits until the screen is so, and says how long that took.
    fn until(&self, is_so: impl Fn(&str) -> bool) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut parser = self.shown.0.lock().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        loop {
            if is_so(&parser.screen().contents()) {
                return Ok(began.elapsed());
            }
            anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "never on the screen:\n{}", parser.screen().contents());
            parser = self.shown.1.wait_timeout(parser, Duration::from_millis(200)).map_err(|_| anyhow::anyhow!("the reader panicked"))?.0;
        }
    }

    fn press(&mut self, keys: &str) -> anyhow::Result<()> {
        self.writer.write_all(keys.as_bytes())?;
        Ok(self.writer.flush()?)
    }

    /// CPU time of the program's own process so far, in seconds, to the hundredth.
    fn cpu(&self) -> anyhow::Result<f64> {
        let pid = self.child.process_id().context("it has ended")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks: f64 = [11, 12].iter().filter_map(|n| fields.get(*n)?.parse::<f64>().ok()).sum();
        Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The share of one core it takes for so long.
    fn share(&self, time: Duration) -> anyhow::Result<f64> {
        let (before, began) = (self.cpu()?, Instant::now());
        std::thread::sleep(time);
        Ok((self.cpu()? - before) / began.elapsed().as_secs_f64())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let Some(flags) = Flags::from_args() else { return Ok(ExitCode::SUCCESS) };
    let (rounds, window) = flags.windows(100, Duration::from_secs(10));

    let mut firsts = Vec::new();
    for _ in 0..rounds.div_ceil(10) {
        let began = Instant::now();
        let session = Session::start(&[])?;
        session.until(|screen| screen.contains("real"))?;
        firsts.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let first = quantile(&firsts, 0.5);
    println!(
        "first frame {first:.0} ms after the start (median of {}); promised {FIRST_FRAME}: {}",
        firsts.len(),
        word(first <= FIRST_FRAME)
    );

    let mut session = Session::start(&["run", "01-healthy-loop"])?;
    session.until(|screen| screen.contains("LIVE"))?;
    std::thread::sleep(Duration::from_secs(3));
    let calm = session.share(window)?;
    println!("calm, 2,000 requests/s: {:.1} % of one core; promised {:.0}: {}", calm * 100.0, CALM * 100.0, word(calm <= CALM));
    for _ in 0..STEPS {
        session.press("+")?;
        std::thread::sleep(Duration::from_millis(150));
    }
    std::thread::sleep(Duration::from_secs(3));
    let loaded = session.share(window)?;
    println!("about 20,000 requests/s: {:.1} % of one core; promised {:.0}: {}", loaded * 100.0, LOADED * 100.0, word(loaded <= LOADED));

    // The help opens and closes: its heading is a cell that changes with the key and with nothing else.
    let mut times = Vec::new();
    for round in 0..rounds {
        let opens = round % 2 == 0;
        session.press("?")?;
        times.push(session.until(|screen| screen.contains("What you see") == opens)?.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(37));
    }
    let (middle, late) = (quantile(&times, 0.5), quantile(&times, 0.99));
    println!("key to changed cell under that load: {middle:.1} ms, 99th percentile {late:.1} ms; promised {KEY}: {}", word(late <= KEY));
    session.press("q")?;
    drop(session);

    // A key every second keeps pictures coming at the full rate; a mark is set and taken away again.
    let mut session = Session::start_at(LARGE, &["run", "01-healthy-loop", "--fps", "30"])?;
    session.until(|screen| screen.contains("LIVE"))?;
    session.press("2")?;
    for _ in 0..STEPS {
        session.press("+")?;
        std::thread::sleep(Duration::from_millis(150));
    }
    std::thread::sleep(Duration::from_secs(3));
    let (before, began) = (session.cpu()?, Instant::now());
    while began.elapsed() < window {
        session.press("'")?;
        std::thread::sleep(Duration::from_secs(1));
    }
    let timeline = (session.cpu()? - before) / began.elapsed().as_secs_f64();
    println!(
        "the timeline at 200×60, 30 frames a second under that load: {:.1} % of one core; promised {:.0}: {}",
        timeline * 100.0,
        TIMELINE * 100.0,
        word(timeline <= TIMELINE)
    );
    session.press("q")?;
    Ok(flags.verdict(first <= FIRST_FRAME && calm <= CALM && loaded <= LOADED && late <= KEY && timeline <= TIMELINE))
}
