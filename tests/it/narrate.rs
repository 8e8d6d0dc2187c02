//! The program without pictures: lines of text as things happen, commands as lines, whatever stands on either side of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::PATIENCE;

/// A narrated run.
struct Narrated {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    heard: Vec<String>,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopscope"));
    command.args(args).env("LANG", "en_US.UTF-8").env_remove("LC_ALL").env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("XDG_STATE_HOME", format!("{}/state-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Narrated {
    fn start(args: &[&str]) -> Self {
        Self::of(command(args))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, input, lines, heard: Vec::new() }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that says this.
    fn hear(&mut self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("nobody says {words:?}: {:#?}", self.heard),
            }
        }
    }

    /// How it ends; what else it says until then is heard.
    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.heard.extend(self.lines.iter());
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {:#?}", self.heard);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Narrated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_stall_is_heard_of_from_the_command_to_its_end() {
    let mut run = Narrated::start(&["run", "04-computing-callback", "--narrate"]);
    run.hear("The computing callback.");
    let started = run.hear("naive runs as process");
    run.say("status");
    run.hear("requests/s");
    run.say("pool: compute");
    run.hear("carried out: compute 800 ms · pool");
    run.say("on-stall 100ms");
    run.hear("armed: ");
    run.say("c");
    run.hear("carried out: compute 800 ms · naive");
    run.hear("TRIGGERED: ");
    let over = run.hear("naive: request");
    assert!(over.contains("held the loop for"), "{over}");
    run.say("slicink");
    run.hear("did you mean slicing?");
    run.say("next-screen");
    run.hear("there is none here");
    run.say("next-step");
    run.hear("answer 2: ");
    run.say("answer 2");
    run.hear("compute: do it now");
    run.say("quit");
    assert_eq!(run.ended().code(), Some(0));
    for line in &run.heard {
        let (time, fact) = line.split_once(" s  ").unwrap_or_else(|| panic!("{line:?} has no time"));
        assert!(time.parse::<f64>().is_ok() && !fact.is_empty() && !line.chars().any(char::is_control), "{line:?}");
    }
    assert!(run.heard.last().unwrap().contains("the end, after"));
    let pid: u32 = started.split_once("process ").unwrap().1.split(':').next().unwrap().parse().unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "its processes end with it");
}

#[test]
fn the_end_of_the_commands_is_the_end_once_what_they_led_to_is_told() {
    let mut run = Narrated::start(&["run", "06-panic", "--narrate", "--lang", "zh", "--ascii"]);
    run.say("panic");
    drop(run.input.take());
    run.hear("已执行");
    run.hear("对策");
    assert_eq!(run.ended().code(), Some(0));
    assert!(run.heard.last().unwrap().contains("结束"), "{:#?}", run.heard);
}

#[test]
fn nobody_who_commands_is_a_log_that_a_signal_ends() {
    let mut command = command(&["run", "01-healthy-loop", "--narrate"]);
    command.stdin(Stdio::null());
    let mut run = Narrated::of(command);
    run.hear("until a signal ends it");
    run.hear("clients are connected");
    run.hear("requests/s");
    run.signal(Signal::TERM);
    assert_eq!(run.ended().code(), Some(143));
    assert!(run.heard.last().unwrap().contains("the end, after"), "{:#?}", run.heard);
    let mut run = Narrated::start(&["--narrate"]);
    run.hear("clients are connected");
    run.signal(Signal::INT);
    assert_eq!(run.ended().code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_complaint() {
    let mut child = command(&["run", "01-healthy-loop", "--narrate"]).spawn().unwrap();
    let input = child.stdin.take();
    drop(child.stdout.take());
    let mut run = Narrated { child, input, lines: channel().1, heard: Vec::new() };
    assert_eq!(run.ended().code(), Some(0));
    let mut said = String::new();
    std::io::Read::read_to_string(run.child.stderr.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(said, "");
}
