//! The program on a terminal of its own: what it draws, and that the terminal is given back whatever ends or interrupts it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::PATIENCE;

/// Leaves the alternate screen and shows the cursor.
const LEFT: &str = "\x1b[?1049l";
const CURSOR: &str = "\x1b[?25h";

/// A terminal with the program on it.
struct Session {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
}

/// What the terminal was sent.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

/// Where these sessions keep their progress: not where the person who runs the tests does.
fn state_home() -> PathBuf {
    PathBuf::from(format!("{}/state-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id()))
}

impl Session {
    fn start(args: &[&str], columns: u16, rows: u16) -> Self {
        Self::configured(args, columns, rows, None)
    }

    /// The same with the configuration in this folder.
    fn configured(args: &[&str], columns: u16, rows: u16, config: Option<&Path>) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loopscope"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "en_US.UTF-8");
        command.env_remove("LC_ALL");
        command.env_remove("NO_COLOR");
        command.env("XDG_CONFIG_HOME", config.unwrap_or(Path::new("/nonexistent")));
        command.env("XDG_STATE_HOME", state_home());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new(Mutex::new(Seen { parser: vt100::Parser::new(rows, columns, 0), raw: Vec::new() }));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                let mut seen = shared.lock().unwrap();
                seen.parser.process(&bytes[..n]);
                seen.raw.extend_from_slice(&bytes[..n]);
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { master: Some(pair.master), writer: Some(writer), child, seen }
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().parser.screen().contents()
    }

    fn raw_since(&self, from: usize) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap().raw[from..]).into_owned()
    }

    fn received(&self) -> usize {
        self.seen.lock().unwrap().raw.len()
    }

    fn wait(&self, what: &str, until: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !until(&self.screen()) {
            assert!(begun.elapsed() < PATIENCE, "{what} did not come:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    fn send(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The state letter of a process, from /proc.
    fn state(pid: i32) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// The processes that it has started.
    fn children(&self) -> Vec<i32> {
        let pid = self.pid().as_raw_nonzero();
        let mut all = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|p| p.parse::<i32>().ok()));
        }
        all
    }

    /// That the terminal was given back, and as the last thing that was done with it.
    fn assert_given_back(&self) {
        let begun = Instant::now();
        loop {
            let raw = self.raw_since(0);
            if raw.rsplit_once(LEFT).is_some_and(|(_, after)| after.contains(CURSOR)) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the terminal was not given back");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_gone(children: &[i32]) {
    let begun = Instant::now();
    while children.iter().any(|pid| Session::state(*pid).is_some_and(|state| state != 'Z')) {
        assert!(begun.elapsed() < PATIENCE, "a child has outlived its lab");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_living_loop_is_seen_and_left() {
    let mut session = Session::start(&[], 120, 36);
    session.wait_for("The healthy loop");
    session.wait_for("LIVE");
    session.wait("figures", |screen| screen.contains("epoll_wait") && screen.contains("ticks/s"));
    let children = session.children();
    assert!(children.len() >= 2, "a specimen and its load: {children:?}");
    session.send("q");
    assert!(session.ended().success());
    session.assert_given_back();
    assert_gone(&children);
}

#[test]
fn a_stall_is_announced_while_it_lasts_and_the_finding_stays() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait_for("LIVE");
    session.wait("clients", |screen| screen.contains("conns 64"));
    session.send("c");
    session.wait_for("holds the loop");
    session.wait("the finding", |screen| screen.contains("held the loop for") && screen.contains("worker pool"));
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn a_death_is_announced_and_a_new_process_started() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    session.send("p");
    session.wait("the death", |screen| screen.contains("DEAD") && screen.contains("exit code 101") && screen.contains("panicked"));
    session.send("R");
    session.wait("a new process", |screen| screen.contains("LIVE"));
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn signals_give_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut session = Session::start(&["run", "01-healthy-loop"], 100, 30);
        session.wait_for("LIVE");
        let children = session.children();
        session.signal(signal);
        assert_eq!(session.ended().exit_code(), code);
        session.assert_given_back();
        assert_gone(&children);
    }
}

#[test]
fn one_stands_in_the_past_and_comes_back() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    // The number in "event 123 456 · ...": where in the past one stands.
    let event = |screen: &str| {
        let number = screen.lines().find_map(|l| l.split_once(" event ")?.1.split_once(" · "))?.0.replace(' ', "");
        number.parse::<u64>().ok()
    };
    session.send(" ");
    session.wait("the past", |screen| screen.contains("FROZEN −") && event(screen).is_some());
    let first = event(&session.screen()).unwrap();
    for (key, there) in [(",", first - 1), (",", first - 2), (".", first - 1)] {
        session.send(key);
        session.wait("a step", |screen| event(screen) == Some(there));
    }
    session.send("]");
    session.wait_for("PLAYING 1/1 000");
    session.send(" ");
    session.wait("the present", |screen| screen.contains("LIVE") && !screen.contains("FROZEN") && !screen.contains("PLAYING"));
    session.send("[");
    session.wait_for("PLAYING");
    session.send("\x1b");
    session.wait_for("LIVE");
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn a_trigger_freezes_at_the_next_stall() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    // The list of triggers: the first entry, twice as long, and then the entry itself.
    session.send("T");
    session.wait_for("◂ over 50 ms ▸");
    session.send("\x1b[C");
    session.wait_for("◂ over 100 ms ▸");
    session.send("\r");
    session.wait_for("armed: stall over 100 ms");
    session.send("c");
    session.wait("the moment", |screen| {
        screen.contains("FROZEN −") && screen.contains("TRIGGERED: stall over 100 ms") && screen.contains("has held the loop for 100 ms")
    });
    // Once; a key waits for the next one, in the present.
    session.send("#");
    session.wait("the present", |screen| !screen.contains("FROZEN") && screen.contains("armed: stall over 100 ms"));
    session.send("c");
    session.wait_for("TRIGGERED: stall over 100 ms");
    session.send(" ");
    session.wait("the present again", |screen| !screen.contains("FROZEN") && !screen.contains("◈"));
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn the_loop_itself_is_held_and_let_go() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    session.send("|");
    session.wait("the held loop", |screen| screen.contains("◆ LOOP HELD") && screen.contains("before its next callback"));
    session.send("\\");
    session.send("^");
    session.wait("held before a tick", |screen| screen.contains("◆ LOOP HELD") && screen.contains("before its next tick"));
    session.send(" ");
    session.wait("both at once", |screen| screen.contains("FROZEN −") && screen.contains("◆ LOOP HELD"));
    session.send(" ");
    session.send("|");
    session.wait("the present", |screen| screen.contains("LIVE") && !screen.contains("HELD"));
    session.send(" ");
    session.wait("the past alone", |screen| screen.contains("FROZEN −") && screen.contains("the loop runs on"));
    session.send(" ");
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn half_an_escape_sequence_stops_nothing() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait_for("LIVE");
    session.send("\x1b[");
    let tick =
        |session: &Session| session.screen().lines().find_map(|l| Some(l.split_once("tick ")?.1.chars().take(9).collect::<String>()));
    let before = tick(&session);
    let begun = Instant::now();
    while tick(&session) == before {
        assert!(begun.elapsed() < PATIENCE, "the picture stands still");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Whatever becomes of that sequence, it does not swallow more than a key or two.
    session.send("A");
    session.send("qq");
    assert!(session.ended().success());
}

#[test]
fn a_paste_presses_no_keys() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    session.send("\x1b[200~qqppKK\rq\x1b[201~");
    session.send("?");
    session.wait_for("What you see");
    assert!(!session.screen().contains("DEAD"));
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn it_follows_the_size_of_its_terminal() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait_for("LIVE");
    for (columns, rows, text) in [(80, 24, "kernel"), (50, 10, "60×18"), (1, 1, ""), (200, 50, "reactor.rs")] {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        session.seen.lock().unwrap().parser.screen_mut().set_size(rows, columns);
        session.master.as_ref().unwrap().resize(size).unwrap();
        session.wait_for(text);
    }
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn it_can_be_put_aside_and_taken_up_again() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    let pid = session.pid().as_raw_nonzero().get();
    let from = session.received();
    session.send("\x1a");
    let stopped = |pid| Session::state(pid) == Some('T');
    let begun = Instant::now();
    while !stopped(pid) {
        assert!(begun.elapsed() < PATIENCE, "Ctrl-Z does not stop it");
        std::thread::sleep(Duration::from_millis(20));
    }
    session.assert_given_back();
    assert!(session.raw_since(from).contains(LEFT));
    for child in session.children() {
        assert!(stopped(child), "child {child} runs on behind a stopped lab");
    }
    let from = session.received();
    session.signal(Signal::CONT);
    let begun = Instant::now();
    while !session.raw_since(from).contains("\x1b[?1049h") {
        assert!(begun.elapsed() < PATIENCE, "it does not take the terminal again");
        std::thread::sleep(Duration::from_millis(20));
    }
    session.wait_for("LIVE");
    assert!(!session.screen().contains("held the loop"), "having been put aside is no stall:\n{}", session.screen());
    session.send("q");
    assert!(session.ended().success());
    session.assert_given_back();
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 100, 30);
    session.wait_for("LIVE");
    let children = session.children();
    session.writer = None;
    session.master = None;
    // The reader thread holds the last end of the terminal; SIGHUP is what the kernel would send with it.
    session.signal(Signal::HUP);
    session.ended();
    assert_gone(&children);
}

#[test]
fn the_language_goes_round() {
    let mut session = Session::start(&["--lang", "zh"], 120, 36);
    session.wait_for("课程");
    session.send("l");
    session.wait_for("lessons");
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn commands_are_found_by_name_and_carried_out() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait("clients", |screen| screen.contains("conns 64"));
    // All in one write: what Enter takes is what was typed, not what was drawn last.
    session.send(":connections 12\r");
    session.wait("the new number of clients", |screen| screen.contains("conns 12 "));
    session.send(":");
    session.wait_for("type what you want to do");
    session.send("latenc");
    session.wait("the answer", |screen| screen.contains("screen: latency"));
    session.send("\r");
    session.wait("the screen", |screen| screen.contains("slowest requests"));
    session.send(":answer\r");
    session.wait("the reason", |screen| screen.contains("the lesson asks nothing now"));
    session.send("\x1b");
    session.wait("the screen again", |screen| !screen.contains("not now"));
    session.send(":quit\r");
    assert!(session.ended().success());
    session.assert_given_back();
}

#[test]
fn the_help_is_searched() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 80, 24);
    session.wait_for("LIVE");
    session.send("?");
    session.wait_for("What you see");
    session.send("/sigkill");
    session.wait("what answers", |screen| screen.contains("kill -9") && !screen.contains("What you see"));
    session.send("\r");
    session.send("\x1b");
    session.wait_for("What you see");
    session.send("\x1b");
    session.wait("the scope", |screen| !screen.contains("What you see"));
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn other_keys_work_and_are_shown_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("loopscope")).unwrap();
    let text = r#"Config(theme: "light", keys: { "compute": ["F5"], "fault-menu": ["F4"], "open-loop": ["c"], "help": ["F1"] })"#;
    std::fs::write(folder.path().join("loopscope/config.ron"), text).unwrap();
    let mut session = Session::configured(&["run", "01-healthy-loop"], 160, 40, Some(folder.path()));
    session.wait("clients", |screen| screen.contains("conns 64"));
    session.wait("the footer", |screen| screen.lines().last().is_some_and(|line| line.contains("F4  fault")));
    session.send("?");
    session.send("\x1bOP");
    session.wait("the help", |screen| screen.contains("What you see") && screen.contains("F5  compute 800 ms: "));
    session.send("\x1b");
    session.wait("the scope", |screen| !screen.contains("What you see"));
    session.send(":compute");
    session.wait("the palette", |screen| screen.contains("F5  │"));
    session.send("\x1b");
    session.wait("the scope", |screen| screen.contains("F4  fault"));
    session.send("\x1b[15~");
    session.wait_for("holds the loop");
    session.send("q");
    assert!(session.ended().success());
}

#[test]
fn what_was_done_of_a_lesson_outlives_a_kill_and_stands_on_the_lesson_screen() {
    let done = || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_loopscope"))
            .args(["progress", "--json"])
            .env("XDG_STATE_HOME", state_home())
            .output()
            .unwrap();
        let lessons: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        lessons.as_array().unwrap().iter().find(|lesson| lesson["id"] == "12-timers").unwrap().clone()
    };
    let mut session = Session::start(&["run", "12-timers", "--port", "0"], 120, 36);
    session.wait_for("LIVE");
    session.send("\r");
    session.wait_for("When do their callbacks run?");
    session.send("2");
    session.wait_for("Right.");
    let begun = Instant::now();
    while done()["answers_right"] != 1 {
        assert!(begun.elapsed() < PATIENCE, "{}", done());
        std::thread::sleep(Duration::from_millis(50));
    }
    session.signal(Signal::KILL);
    session.ended();
    assert_eq!(done()["answers_right"], 1);
    let mut session = Session::start(&["run", "12-timers", "--port", "0"], 120, 36);
    session.wait_for("LIVE");
    session.send("\x1b[Z");
    session.wait_for("all lessons");
    session.wait("the answer of before", |screen| screen.contains("you:") && screen.contains("a little later"));
    session.send("q");
    session.ended();
}

#[test]
fn what_watching_costs_agrees_with_what_the_kernel_says_from_outside() {
    let mut session = Session::start(&["run", "01-healthy-loop"], 120, 36);
    session.wait_for("LIVE");
    let pid = session.pid().as_raw_nonzero();
    // utime and stime, in ticks of a hundredth of a second.
    let spent = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    };
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()).unwrap() / 1024.0
    };
    // The figure that stands before these words.
    let figure = |screen: &str, words: &str| -> Option<f64> { screen.split(words).next()?.rsplit(' ').next()?.parse().ok() };
    session.send("%");
    session.wait_for("what watching costs");
    session.wait("an event's cost", |screen| !screen.contains("not measured yet"));
    let before = spent();
    let shown = |screen: &str| figure(screen, " s so far");
    session.wait("what was spent until now", |screen| shown(screen).is_some_and(|shown| shown >= before));
    let (screen, after) = (session.screen(), spent());
    assert!(shown(&screen).unwrap() <= after + 0.02, "{after} s outside:\n{screen}");
    session.wait("memory as it is", |screen| {
        screen.lines().find(|line| line.contains("its memory")).is_some_and(|line| {
            let shown = figure(line, " MB").unwrap_or(0.0);
            (shown - resident()).abs() <= 0.05 * resident() + 1.0
        })
    });
    // Its keys are those of the screen below it; the same key puts it away.
    session.send("2");
    session.wait("another screen below", |screen| screen.contains("what watching costs") && screen.contains("accept queue"));
    session.send("%");
    session.wait("its end", |screen| !screen.contains("what watching costs"));
    session.send("q");
    assert!(session.ended().success());
}
