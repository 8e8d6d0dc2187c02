//! `poll`: the process keeps the list and hands all of it over with every call.
//!
//! The kernel copies the list in, asks every descriptor in it, idle or not, and writes back what it found; then the process
//! looks through the whole list again. Everything grows with the number of descriptors, nothing with how many are ready.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Call, Copied, Row, Selector, Setup, Watch};

pub(super) static ROW: Row = Row { selector: Selector::Poll, id: "poll", title: "poll", call: "poll", watch, copied };

struct Poll<'fd> {
    list: Vec<PollFd<'fd>>,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature that every row has")]
fn watch<'fd>(fds: &[BorrowedFd<'fd>]) -> Setup<'fd> {
    Ok(Box::new(Poll { list: fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect() }))
}

impl Watch for Poll<'_> {
    fn call(&mut self) -> io::Result<usize> {
        Ok(rustix::event::poll(&mut self.list, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?)
    }

    fn find(&self, found: &mut Vec<usize>) {
        found.extend(self.list.iter().enumerate().filter(|(_, entry)| !entry.revents().is_empty()).map(|(place, _)| place));
    }
}

/// The whole list in, 8 bytes an entry; out only each entry's `revents`, 2 bytes (`do_sys_poll` in Linux's fs/select.c).
fn copied(call: &Call) -> Copied {
    let entries = call.descriptors as u64;
    Copied { into: entries.saturating_mul(size_of::<PollFd<'_>>() as u64), out: entries.saturating_mul(size_of::<u16>() as u64) }
}
