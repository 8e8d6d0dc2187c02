//! What the two kinds of epoll share: an instance in the kernel that keeps the interest list between calls.
//!
//! Each descriptor is handed over once (`epoll_ctl`). When one becomes ready, the kernel's wake-up puts it on the instance's
//! ready list; `epoll_wait` looks at that list only, so the idle ones cost nothing.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{Timespec, epoll};

use super::{Call, Copied, Setup, Watch};

pub(super) struct Epoll {
    instance: OwnedFd,
    /// Room for every descriptor, so that one call can report them all, as one call of `poll` does. (A server takes a fixed
    /// buffer, 1024 say: who does not fit is reported by the next call.)
    events: Vec<epoll::Event>,
}

pub(super) fn watch<'fd>(fds: &[BorrowedFd<'fd>], trigger: epoll::EventFlags) -> Setup<'fd> {
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (place, fd) in fds.iter().enumerate() {
        epoll::add(&instance, fd, epoll::EventData::new_u64(place as u64), epoll::EventFlags::IN | trigger)?;
    }
    Ok(Box::new(Epoll { instance, events: Vec::with_capacity(fds.len().max(1)) }))
}

impl Watch for Epoll {
    fn call(&mut self) -> io::Result<usize> {
        self.events.clear();
        let room = rustix::buffer::spare_capacity(&mut self.events);
        Ok(epoll::wait(&self.instance, room, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?)
    }

    fn find(&self, found: &mut Vec<usize>) {
        found.extend(self.events.iter().map(|event| event.data.u64() as usize));
    }
}

/// Nothing in; out one `epoll_event` for each that is ready: 12 bytes on x86-64, where it is packed, 16 elsewhere.
pub(super) fn copied(call: &Call) -> Copied {
    Copied { into: 0, out: (call.returned as u64).saturating_mul(size_of::<epoll::Event>() as u64) }
}
