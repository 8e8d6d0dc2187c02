//! What the selectors are asked about: real descriptors, as many as the machine allows, each idle or active as one likes.
//!
//! They are eventfds. An idle descriptor is idle for the kernel whatever it is made of; an eventfd is one descriptor each,
//! where a pipe or a pair of sockets takes two of the few that a process may have, it needs a few hundred bytes of kernel
//! memory and no buffer, and one write of 8 bytes makes it readable. It is also the cheapest to ask (its `poll` reads one
//! word): what `poll` and `select` cost here is the least they cost; sockets are dearer.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::limits::{self, Limit};

/// Descriptors that are left for everything else the process does while it measures.
const SPARE: usize = 64;
/// What counts as no limit at all: the kernel's own ceiling (`fs.nr_open`) is of this size.
const UNLIMITED: u64 = 1 << 20;

/// How many descriptors this process may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// `RLIMIT_NOFILE`, the hard one: what the soft one can be raised to without privilege.
    pub limit: u64,
    /// How many the experiment can have now.
    pub free: usize,
    /// What ends them there.
    pub end: Limit,
}

impl Room {
    /// Raises the soft limit of this process to the hard one and counts what is free. The limit stays raised.
    ///
    /// # Errors
    /// What `/proc/self/fd` and `setrlimit` say.
    pub fn make() -> io::Result<Self> {
        let now = getrlimit(Resource::Nofile);
        if now.current != now.maximum {
            setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum })?;
        }
        let limit = now.maximum.unwrap_or(UNLIMITED);
        // The listing holds a descriptor of its own while it is read.
        let open = std::fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
        Ok(Self::of(limit, open, limits::of_the_machine()))
    }

    /// What is left under this process's limit, where so many are open, and under one of the machine.
    fn of(limit: u64, open: usize, machine: Option<(u64, Limit)>) -> Self {
        let here = |room: u64| usize::try_from(room).unwrap_or(usize::MAX).saturating_sub(SPARE);
        let own = (here(limit).saturating_sub(open), Limit::Descriptors);
        let least = machine.map(|(room, end)| (here(room), end)).filter(|(room, _)| *room < own.0).unwrap_or(own);
        Self { limit, free: least.0, end: least.1 }
    }
}

/// A number of descriptors, all idle at first.
#[derive(Debug)]
pub struct Descriptors {
    fds: Vec<OwnedFd>,
}

impl Descriptors {
    /// Opens so many. They get the lowest free numbers, in rising order where the process has no gaps.
    ///
    /// # Errors
    /// `EMFILE` at this process's limit (where it is clear beforehand, without taking the last ones from everybody else first),
    /// `ENFILE` at the machine's.
    pub fn open(count: usize) -> io::Result<Self> {
        if getrlimit(Resource::Nofile).current.is_some_and(|limit| count as u64 > limit) {
            return Err(rustix::io::Errno::MFILE.into());
        }
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let fds = (0..count).map(|_| eventfd(0, flags)).collect::<Result<_, _>>()?;
        Ok(Self { fds })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.fds.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fds.is_empty()
    }

    /// The first `count` of them, or all where there are fewer.
    pub fn borrow(&self, count: usize) -> Vec<BorrowedFd<'_>> {
        self.fds.iter().take(count).map(AsFd::as_fd).collect()
    }

    /// The highest number among the first `count`; zero where there are none.
    pub fn highest(&self, count: usize) -> usize {
        self.fds.iter().take(count).map(|fd| usize::try_from(fd.as_raw_fd()).unwrap_or(0)).max().unwrap_or(0)
    }

    /// Something arrives at each of these places: they are readable from now on, and an edge has passed.
    ///
    /// # Errors
    /// What `write` says. Places that do not exist are passed over.
    pub fn signal(&self, places: &[usize]) -> io::Result<()> {
        for fd in places.iter().filter_map(|place| self.fds.get(*place)) {
            rustix::io::write(fd, &1_u64.to_ne_bytes())?;
        }
        Ok(())
    }

    /// Reads these places empty: they are idle from now on.
    ///
    /// # Errors
    /// What `read` says, except that an idle one has nothing to read.
    pub fn drain(&self, places: &[usize]) -> io::Result<()> {
        for fd in places.iter().filter_map(|place| self.fds.get(*place)) {
            match rustix::io::read(fd, &mut [0_u8; 8]) {
                Ok(_) | Err(rustix::io::Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Mutex, MutexGuard};

    use super::*;

    /// Tests that hold many descriptors, or that need low numbers, run one after another.
    pub fn alone() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[test]
    fn room_is_what_the_limit_leaves() {
        assert_eq!(Room::of(1024, 10, None).free, 1024 - 10 - SPARE);
        assert_eq!(Room::of(64, 10, None).free, 0);
        assert_eq!(Room::of(u64::MAX, 10, None).free, usize::MAX - 10 - SPARE);
        let machine = Some((5000, Limit::Watches));
        assert_eq!((Room::of(1024, 10, machine).end, Room::of(20_000, 10, machine).end), (Limit::Descriptors, Limit::Watches));
        assert_eq!(Room::of(20_000, 10, machine).free, 5000 - SPARE);
    }

    #[test]
    fn making_room_raises_the_soft_limit_and_counts_what_is_open() {
        let _alone = alone();
        let room = Room::make().unwrap();
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, now.maximum);
        assert_eq!(room.limit, now.maximum.unwrap_or(UNLIMITED));
        assert!(room.free as u64 + SPARE as u64 + 3 <= room.limit, "standard input, output and error are open: {room:?}");
    }

    #[test]
    fn places_that_do_not_exist_are_passed_over() {
        let _alone = alone();
        let pool = Descriptors::open(2).unwrap();
        assert_eq!((pool.len(), pool.is_empty(), pool.borrow(9).len()), (2, false, 2));
        pool.signal(&[1, 2, 1000]).unwrap();
        pool.drain(&[0, 1, 2, 1000]).unwrap();
        assert_eq!(pool.highest(0), 0);
        assert!(pool.highest(2) >= 4);
    }
}
