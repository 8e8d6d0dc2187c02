//! Somebody else whom a callback asks: a stand-in for a database or another service, which takes its time to answer.
//!
//! The socket is a real one and so is the wait on it: `strace` shows who sleeps in `read`. The other end is a thread that answers
//! one question, and leaves as soon as nobody waits for the answer any more.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::units::Nanos;

/// Asks. The answer is one byte, and can be read after so much time.
///
/// # Errors
/// What making the socket or the thread says; most likely that descriptors are used up.
pub fn ask(takes: Nanos) -> io::Result<UnixStream> {
    let (ours, mut theirs) = UnixStream::pair()?;
    std::thread::Builder::new().name("neighbour".into()).spawn(move || {
        let time = takes.duration();
        let patience = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
        // Nothing comes on this end but the hang-up of whoever asked.
        if poll(&mut [PollFd::new(&theirs, PollFlags::empty())], Some(&patience)) == Ok(0) {
            // Nobody may be left to hear it.
            let _ = theirs.write_all(b".");
        }
    })?;
    Ok(ours)
}

/// Asks, and waits for the answer as a blocking read does: the thread sleeps in the kernel until it comes. Where nobody can be asked there
/// is nothing to wait for.
pub fn ask_and_wait(takes: Nanos) {
    if let Ok(mut upstream) = ask(takes) {
        // A stream that ends without an answer ends the wait as well.
        let _ = upstream.read_exact(&mut [0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn the_answer_comes_after_its_time_and_not_before() {
        let clock = Clock::start();
        let begin = clock.now();
        ask_and_wait(Nanos::millis(30));
        let took = clock.now() - begin;
        assert!((Nanos::millis(30)..Nanos::secs(10)).contains(&took), "{took}");
        let upstream = ask(Nanos::secs(600)).unwrap();
        upstream.set_nonblocking(true).unwrap();
        assert_eq!((&upstream).read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
