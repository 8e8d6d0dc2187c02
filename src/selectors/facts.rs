//! What the selectors do, apart from what they cost: shown on real sockets, by doing it.
//!
//! Four experiments. *Unread*: bytes arrive and nobody reads them; who is told again? *Writable*: interest in `EPOLLOUT` is left
//! on although there is nothing to send; how often does the loop wake for nothing? *Partial*: a reader takes only a part of
//! what arrived; does it ever hear of the rest? *Wall*: `select` on a descriptor beyond its set.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::{Deserialize, Serialize};

use super::kinds::{FD_SETSIZE, Refusal, SELECTORS, Selector, Watch};
use crate::base::clock::Clock;
use crate::base::units::Nanos;

/// All four.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes that nobody reads: one row for each selector.
    pub unread: Vec<Unread>,
    /// Interest in writability with nothing to write.
    pub writable: Vec<Writable>,
    /// A reader that takes a part.
    pub partial: Vec<Partial>,
    /// `select` and a descriptor too high for it.
    pub wall: Wall,
}

/// How often the same unread bytes were reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unread {
    /// By which selector.
    pub selector: Selector,
    /// Calls, one after another, nothing read in between.
    pub calls: u32,
    /// Calls that reported the descriptor; none where the selector cannot be had.
    pub reports: Option<u32>,
}

/// How often a loop woke that had nothing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writable {
    /// How it was interested.
    pub interest: Interest,
    /// For how long it was watched.
    pub window: Nanos,
    /// Calls of `epoll_wait` in that time, the last one, which ends the window, included.
    pub calls: u64,
}

/// Interest in a socket that can be written to and has nothing to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interest {
    /// Level-triggered `EPOLLOUT` that nobody switched off.
    LevelLeftOn,
    /// Level-triggered, switched off after the last byte was sent.
    LevelSwitchedOff,
    /// Edge-triggered, left on.
    EdgeLeftOn,
}

/// What became of a request whose reader did not take all of it at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partial {
    /// How it read.
    pub reader: Reader,
    /// Bytes the peer sent before it began to wait for the answer.
    pub sent: usize,
    /// Bytes that were read.
    pub read: usize,
    /// Bytes that still lay in the socket when nothing happened any more.
    pub left: usize,
    /// How often the selector woke the reader.
    pub wakeups: u32,
    /// The whole request was read, so the peer got its answer. If not, both wait for each other for ever.
    pub answered: bool,
}

/// A way to read after having been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Edge-triggered, one read for each report.
    EdgeOnce,
    /// Edge-triggered, reads until `EAGAIN`.
    EdgeUntilEmpty,
    /// Level-triggered, one read for each report.
    LevelOnce,
}

/// `select` over a single descriptor whose number is too high.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    /// The descriptor's number.
    pub descriptor: u32,
    /// What came of it; none where the process may not have so high a descriptor at all.
    pub refusal: Option<Refusal>,
}

/// Calls of the first experiment.
const UNREAD_CALLS: u32 = 5;
/// The peer's request, and what one read takes of it.
const REQUEST: usize = 1000;
const READ: usize = 100;
/// After this time without a report nothing will come any more.
const PATIENCE: Nanos = Nanos::millis(30);

/// Does all four. Takes about three times `window` and a tenth of a second.
///
/// # Errors
/// What making sockets and epoll instances says.
pub fn observe(clock: &Clock, window: Nanos) -> io::Result<Facts> {
    let interests = [Interest::LevelLeftOn, Interest::LevelSwitchedOff, Interest::EdgeLeftOn];
    let readers = [Reader::EdgeOnce, Reader::EdgeUntilEmpty, Reader::LevelOnce];
    Ok(Facts {
        unread: SELECTORS.iter().map(|row| unread(row.selector)).collect::<io::Result<_>>()?,
        writable: interests.into_iter().map(|interest| writable(clock, interest, window)).collect::<io::Result<_>>()?,
        partial: readers.into_iter().map(partial).collect::<io::Result<_>>()?,
        wall: wall()?,
    })
}

fn unread(selector: Selector) -> io::Result<Unread> {
    let (here, there) = pair()?;
    rustix::io::write(&there, b"a request that nobody reads")?;
    let fds = [here.as_fd()];
    let reports = match (selector.row().watch)(&fds) {
        Ok(mut watch) => Some(reports(watch.as_mut())?),
        Err(_) => None,
    };
    Ok(Unread { selector, calls: UNREAD_CALLS, reports })
}

fn reports(watch: &mut dyn Watch) -> io::Result<u32> {
    let mut reports = 0;
    for _ in 0..UNREAD_CALLS {
        reports += u32::from(watch.call()? > 0);
    }
    Ok(reports)
}

fn writable(clock: &Clock, interest: Interest, window: Nanos) -> io::Result<Writable> {
    let (here, _there) = pair()?;
    let flags = match interest {
        Interest::LevelLeftOn => epoll::EventFlags::IN | epoll::EventFlags::OUT,
        Interest::LevelSwitchedOff => epoll::EventFlags::IN,
        Interest::EdgeLeftOn => epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET,
    };
    let instance = register(here.as_fd(), flags)?;
    let end = clock.now() + window;
    let mut calls = 0;
    loop {
        let left = end.since(clock.now());
        if left == Nanos::ZERO {
            return Ok(Writable { interest, window, calls });
        }
        wait(&instance, left)?;
        calls += 1;
    }
}

fn partial(reader: Reader) -> io::Result<Partial> {
    let (here, there) = pair()?;
    let trigger = match reader {
        Reader::EdgeOnce | Reader::EdgeUntilEmpty => epoll::EventFlags::ET,
        Reader::LevelOnce => epoll::EventFlags::empty(),
    };
    let instance = register(here.as_fd(), epoll::EventFlags::IN | trigger)?;
    let sent = rustix::io::write(&there, &[b'x'; REQUEST])?;
    let (mut read, mut wakeups) = (0, 0);
    while read < sent && wait(&instance, PATIENCE)? > 0 {
        wakeups += 1;
        loop {
            match rustix::io::read(&here, &mut [0; READ]) {
                Ok(bytes) => read += bytes,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(errno) => return Err(errno.into()),
            }
            if reader != Reader::EdgeUntilEmpty {
                break;
            }
        }
    }
    let left = rustix::io::ioctl_fionread(&here)? as usize;
    Ok(Partial { reader, sent, read, left, wakeups, answered: read == sent })
}

fn wall() -> io::Result<Wall> {
    let (here, _there) = pair()?;
    match rustix::io::fcntl_dupfd_cloexec(&here, FD_SETSIZE as i32) {
        Ok(high) => {
            let descriptor = u32::try_from(high.as_raw_fd()).unwrap_or(u32::MAX);
            Ok(Wall { descriptor, refusal: (Selector::Select.row().watch)(&[high.as_fd()]).err() })
        }
        // EINVAL: the limit does not allow such a number. EMFILE: it does, but all are taken.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::MFILE) => Ok(Wall { descriptor: FD_SETSIZE as u32, refusal: None }),
        Err(errno) => Err(errno.into()),
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}

fn register(fd: BorrowedFd<'_>, flags: epoll::EventFlags) -> io::Result<OwnedFd> {
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&instance, fd, epoll::EventData::new_u64(0), flags)?;
    Ok(instance)
}

/// `epoll_wait` for at most so long, rounded up to a millisecond as its interface wants it.
fn wait(instance: &OwnedFd, at_most: Nanos) -> io::Result<usize> {
    let millis = i64::try_from(at_most.0.div_ceil(1_000_000)).unwrap_or(i64::MAX);
    let timeout = Timespec { tv_sec: millis / 1000, tv_nsec: millis % 1000 * 1_000_000 };
    let mut events = Vec::with_capacity(8);
    loop {
        match epoll::wait(instance, spare_capacity(&mut events), Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::descriptors::tests::alone;

    #[test]
    fn the_four_experiments_show_what_the_manual_says() {
        let _alone = alone();
        let facts = observe(&Clock::start(), Nanos::millis(40)).unwrap();

        for fact in &facts.unread {
            match fact.selector {
                Selector::EpollEdge => assert_eq!(fact.reports, Some(1), "an edge is reported once"),
                Selector::Select if fact.reports.is_none() => {} // Other tests hold a thousand descriptors.
                selector => assert_eq!(fact.reports, Some(UNREAD_CALLS), "{selector} reports as long as it is so"),
            }
        }

        let calls = |interest| facts.writable.iter().find(|w| w.interest == interest).unwrap().calls;
        // Two calls end the window; a wait that the kernel ends a little early makes it one more.
        assert!((1..=4).contains(&calls(Interest::LevelSwitchedOff)), "{facts:?}");
        assert!((1..=5).contains(&calls(Interest::EdgeLeftOn)), "{facts:?}");
        assert!(calls(Interest::LevelLeftOn) > 500, "even a slow machine spins: {facts:?}");

        let partial = |reader| facts.partial.iter().find(|p| p.reader == reader).unwrap().clone();
        let hang = partial(Reader::EdgeOnce);
        assert_eq!((hang.answered, hang.wakeups, hang.read, hang.left), (false, 1, READ, REQUEST - READ));
        let whole = partial(Reader::EdgeUntilEmpty);
        assert_eq!((whole.answered, whole.wakeups, whole.left), (true, 1, 0));
        let level = partial(Reader::LevelOnce);
        assert_eq!((level.answered, level.wakeups, level.left), (true, (REQUEST / READ) as u32, 0));

        if let Some(refusal) = &facts.wall.refusal {
            assert!(facts.wall.descriptor >= 1024);
            assert_eq!(*refusal, Refusal::BeyondSet { descriptor: facts.wall.descriptor });
        }
    }
}
