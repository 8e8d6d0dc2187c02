//! The terminal: taken at the start, given back at every end: return, error, panic on any thread, signal, and while suspended.

use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Alternate screen, clicks, the wheel and motion while a button is held, bracketed paste, no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b[?2004h\x1b[?25l";
/// All of that back, and an update that was cut off ended.
const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?1049l\x1b[?25h";
/// A terminal that knows it shows what lies between at once; others skip it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether some thread has panicked: the terminal has been given back and stays so.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Refuses to go on without a terminal.
///
/// # Errors
/// Where standard input or output is none; says what can be done instead.
pub fn require() -> anyhow::Result<()> {
    anyhow::ensure!(
        io::stdin().is_terminal() && io::stdout().is_terminal(),
        "this is not a terminal, and the scope needs one; without a terminal: `loopscope check ID` (`loopscope list` names them)"
    );
    Ok(())
}

/// Whether the terminal has gone away.
pub fn is_lost() -> bool {
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::from_borrowed_fd(stdin, PollFlags::empty())];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(_) => fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

/// The terminal while it is ours. Dropping it gives it back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Out>>,
}

impl Screen {
    /// Takes the terminal, and sees to it that a panic on any thread gives it back before it is reported.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                PANICKED.store(true, Ordering::SeqCst);
                give_back();
                before(info);
            }));
        });
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(Out { waiting: Vec::with_capacity(1 << 16) }));
        terminal.map(|terminal| Self { terminal }).inspect_err(|_| give_back())
    }

    /// Draws a picture; sends what has changed, at once.
    ///
    /// # Errors
    /// What the terminal says, or that a thread has panicked.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer)) -> anyhow::Result<()> {
        anyhow::ensure!(!PANICKED.load(Ordering::SeqCst), "a thread of the scope has panicked");
        self.terminal.draw(|frame| draw(frame.buffer_mut())).context("drawing")?;
        Ok(())
    }

    /// The next picture is drawn whole.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn clear(&mut self) -> io::Result<()> {
        // Not `Terminal::clear`: that asks the terminal where its cursor is, and the answer would go to the input's thread.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Takes it again. What was on it is not known any more.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn reenter(&mut self) -> io::Result<()> {
        TAKEN.store(false, Ordering::SeqCst);
        take()?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Asks the terminal to put a text on the clipboard (OSC 52). It does not say whether it did: some are told not to.
///
/// # Errors
/// What the terminal says.
pub fn put_on_clipboard(text: &str) -> io::Result<()> {
    execute!(io::stdout().lock(), CopyToClipboard::to_clipboard_from(text))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout().lock();
    out.write_all(ENTER.as_bytes())?;
    out.flush()
}

/// Gives the terminal back, once. A terminal that has gone needs nothing back, so what it says is not asked.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
        let _ = disable_raw_mode();
    }
}

/// Collects one picture and writes it in one piece, as one synchronized update.
struct Out {
    waiting: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.is_empty() {
            self.waiting.extend_from_slice(BEGIN);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting.extend_from_slice(END);
        let mut out = io::stdout().lock();
        let result = out.write_all(&self.waiting).and_then(|()| out.flush());
        self.waiting.clear();
        result
    }
}
