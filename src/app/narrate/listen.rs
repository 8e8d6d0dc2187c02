//! Standard input and signals, each on a thread of its own: reading may wait for ever.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

/// The longest line that is read, in bytes; what is longer is no command.
const LONGEST: u64 = 1024;
/// Lines that wait to be taken; then their writer waits.
const LINES: usize = 64;

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line.
    Line(String),
    /// There will be no more lines.
    End,
    /// A signal that asks for the end, or for a pause.
    Signal(i32),
}

/// Begins to listen.
///
/// # Errors
/// Where a thread or a handler cannot be had.
pub fn listen() -> io::Result<Receiver<Heard>> {
    let (sender, receiver) = sync_channel(LINES);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP])?;
    let of_signals = sender.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if of_signals.send(Heard::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    std::thread::Builder::new().name("input".into()).spawn(move || {
        // In the background of a shell the terminal is not ours to read. Blocked, the signal that would stop the whole job makes of
        // reading an error, which is the end of what can be heard; the narration goes on.
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTTIN);
        let _ = stop.thread_block();
        read(io::stdin().lock(), &sender);
    })?;
    Ok(receiver)
}

/// Reads lines until there are no more, or nobody wants to hear.
fn read(mut input: impl BufRead, sender: &SyncSender<Heard>) {
    loop {
        let mut line = Vec::new();
        let heard = match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => Heard::End,
            Ok(_) => Heard::Line(String::from_utf8_lossy(&line).trim().to_owned()),
        };
        let over = heard == Heard::End;
        if sender.send(heard).is_err() || over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_heard_in_their_order_and_the_end_too() {
        let (sender, receiver) = sync_channel(LINES);
        let long = "x".repeat(3000);
        read(format!("compute\r\n\n{long}\nlast").as_bytes(), &sender);
        drop(sender);
        let heard: Vec<Heard> = receiver.iter().collect();
        assert_eq!(heard[..2], [Heard::Line("compute".into()), Heard::Line(String::new())]);
        assert!(heard.iter().all(|heard| !matches!(heard, Heard::Line(line) if line.len() > LONGEST as usize)));
        assert_eq!(heard[heard.len() - 2..], [Heard::Line("last".into()), Heard::End]);
    }
}
