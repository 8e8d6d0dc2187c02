//! One child process of the lab: started from our own binary, spoken to over its standard input, its last words kept.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal};
use serde::Serialize;

use crate::base::channel;
use crate::base::text;

/// Bytes of standard error that are kept of each child: its last words.
const LAST_WORDS: usize = 4096;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The signal that ended it, or 0.
    pub signal: u32,
    /// Its exit code where no signal did.
    pub code: u32,
}

/// A running child.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    control: UnixStream,
    stderr: Option<ChildStderr>,
    words: Vec<u8>,
}

impl Child {
    /// Starts `subcommand` of our own binary and sends it its first message with the descriptors.
    ///
    /// `/proc/self/exe` is the very file that runs now, even where a build has replaced it on disk meanwhile. The child has a process group
    /// of its own, so that Ctrl-C and Ctrl-Z at the terminal reach only the lab, which then decides.
    ///
    /// # Errors
    /// Where the process cannot be started or the message not be sent.
    pub fn start<T: Serialize>(
        program: &ProgramPath,
        subcommand: &str,
        title: &str,
        first: &T,
        fds: &[BorrowedFd<'_>],
    ) -> anyhow::Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("a control socket")?;
        let mut process = Command::new(&program.0)
            .arg0(format!("loopscope: {title}"))
            .arg(subcommand)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {title}"))?;
        let stderr = process.stderr.take();
        if let Some(stderr) = &stderr {
            rustix::io::ioctl_fionbio(stderr, true).context("standard error of a child")?;
        }
        let child = Self { process, control: ours, stderr, words: Vec::new() };
        channel::send_with_fds(&child.control, first, fds).with_context(|| format!("telling {title} what to do"))?;
        child.control.set_nonblocking(true).context("a control socket")?;
        Ok(child)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a message.
    ///
    /// # Errors
    /// `WouldBlock` where it has not read earlier ones for so long that there is no room: it is stuck, and takes no orders.
    pub fn tell<T: Serialize>(&self, message: &T) -> io::Result<()> {
        channel::send(&self.control, message)
    }

    /// Sends it a signal. One that is already gone is no error.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.process.id() as i32) {
            // The only way this fails is that it is gone already; until we have reaped it the number is still its own.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Sends a signal to it and to the processes that it has started. Its process group is its own.
    pub fn signal_group(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.process.id() as i32) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Takes in what it has written on standard error, and tells how it ended, if it has.
    ///
    /// # Errors
    /// What `waitpid` says.
    pub fn look(&mut self) -> io::Result<Option<End>> {
        let ended = self.process.try_wait()?;
        self.listen();
        Ok(ended.map(end_of))
    }

    /// Waits until it has ended. Only for one that has been sent SIGKILL.
    ///
    /// # Errors
    /// What `waitpid` says.
    pub fn wait(&mut self) -> io::Result<End> {
        let ended = self.process.wait()?;
        self.listen();
        Ok(end_of(ended))
    }

    fn listen(&mut self) {
        let mut chunk = [0; 1024];
        while let Some(stderr) = &mut self.stderr {
            match stderr.read(&mut chunk) {
                Ok(0) => self.stderr = None,
                Ok(n) => {
                    self.words.extend_from_slice(&chunk[..n]);
                    let surplus = self.words.len().saturating_sub(LAST_WORDS);
                    self.words.drain(..surplus);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Nothing there now, or the pipe broke: either way there is nothing to add.
                Err(_) => return,
            }
        }
    }

    /// The tail of what it wrote on standard error, safe to show.
    pub fn last_words(&self) -> String {
        text::visible_lines(&String::from_utf8_lossy(&self.words))
    }
}

/// A child never outlives its handle: it is killed and reaped.
impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The binary that children are started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramPath(pub PathBuf);

impl Default for ProgramPath {
    fn default() -> Self {
        Self(PathBuf::from("/proc/self/exe"))
    }
}

fn end_of(status: ExitStatus) -> End {
    let signal = status.signal().unwrap_or(0).unsigned_abs();
    End { signal, code: status.code().unwrap_or(0).unsigned_abs() }
}

/// Borrows descriptors for [`Child::start`].
pub fn borrowed<const N: usize>(fds: [&dyn AsFd; N]) -> [BorrowedFd<'_>; N] {
    fds.map(AsFd::as_fd)
}
