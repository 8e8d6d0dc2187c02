//! `select`: one bit for each possible descriptor, in sets of fixed length.
//!
//! The kernel walks the bits up to the highest descriptor and overwrites the sets with its answer, so they must be filled
//! anew before each call. The sets end at descriptor 1023 (`FD_SETSIZE`). In C, `FD_SET` with a higher one writes behind the
//! set without a word; here it is refused before it can happen. The limit is on the descriptor's *number*: a process with two
//! thousand open files cannot `select` on the newest one, even alone.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

use super::{Call, Copied, FD_SETSIZE, Refusal, Row, Selector, Setup, Watch};

pub(super) static ROW: Row = Row { selector: Selector::Select, id: "select", title: "select", call: "select", watch, copied };

struct Select<'fd> {
    fds: Vec<BorrowedFd<'fd>>,
    /// One more than the highest descriptor, as the call wants it.
    nfds: i32,
    wanted: FdSet<'fd>,
    /// What the kernel made of the set in the last call.
    answer: FdSet<'fd>,
}

fn watch<'fd>(fds: &[BorrowedFd<'fd>]) -> Setup<'fd> {
    let mut wanted = FdSet::new();
    let mut nfds = 0;
    for fd in fds {
        let number = fd.as_raw_fd();
        if !usize::try_from(number).is_ok_and(|number| number < FD_SETSIZE) {
            return Err(Refusal::BeyondSet { descriptor: u32::try_from(number).unwrap_or(u32::MAX) });
        }
        wanted.insert(*fd);
        nfds = nfds.max(number + 1);
    }
    Ok(Box::new(Select { fds: fds.to_vec(), nfds, wanted, answer: FdSet::new() }))
}

impl<'fd> Watch for Select<'fd> {
    fn call(&mut self) -> io::Result<usize> {
        // Filling the set anew, a copy of 128 bytes, is part of every call.
        self.answer = self.wanted;
        let mut at_once = TimeVal::zero();
        let none: Option<&mut FdSet<'fd>> = None;
        let none_either: Option<&mut FdSet<'fd>> = None;
        let ready = select(self.nfds, &mut self.answer, none, none_either, &mut at_once)?;
        Ok(usize::try_from(ready).unwrap_or(0))
    }

    fn find(&self, found: &mut Vec<usize>) {
        found.extend(self.fds.iter().enumerate().filter(|(_, fd)| self.answer.contains(**fd)).map(|(place, _)| place));
    }
}

/// Each set that is handed over goes in and comes out, in whole words of 64 bits up to the highest descriptor (`FDS_BYTES` in
/// Linux's fs/select.c). A call may hand over three sets; this one hands over the readable one only.
fn copied(call: &Call) -> Copied {
    let bytes = if call.descriptors == 0 { 0 } else { (call.highest as u64 / 64 + 1) * 8 };
    Copied { into: bytes, out: bytes }
}
