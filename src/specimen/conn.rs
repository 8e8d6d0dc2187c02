//! A connection: reads until the kernel has no more, sends until it takes no more, and keeps apart what is only partly there.
//!
//! An idle connection is a few dozen bytes. What it needs beyond that ([`Rare`]) it has only while a request has come in part, an answer is
//! pending or could not all be sent. As long as an answer is pending or unsent nothing more is read: the
//! kernel's buffers fill, and the peer feels it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Token};

use super::exchange::Pending;
use super::handlers::bytes::PATTERN;
use super::hooks::Habits;
use super::server::Common;
use super::timers::{Key, Timer, Timers};
use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::http::Parts;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{CloseReason, Fault};
use crate::telemetry::{Probe, What};

/// Bytes of one answer that one callback sends at most. The rest has its turn in the next tick.
const MOST_SENT: u64 = 1024 * 1024;
/// How long a closed connection is listened to, so that its peer can read the last answer before it hears of the end.
pub(super) const LINGER: Nanos = Nanos::secs(2);
/// How often the server looks through its connections in the time that one of them may be idle.
pub(super) const SWEEPS: u8 = 4;
/// Bytes that are read and thrown away meanwhile, at most.
pub(super) const MOST_DRAINED: u64 = 8 * 1024 * 1024;

/// One connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing, and they vary independently; an enum would be their product")]
pub struct Conn {
    stream: TcpStream,
    id: ConnId,
    /// Requests so far, modulo 65,536.
    pub(super) requests: u16,
    /// It may ask for what endangers others.
    pub(super) trusted: bool,
    /// There may be bytes to read: the last edge has not been used up.
    unread: bool,
    /// The kernel has reported the end of the peer's stream; it lies behind what is unread.
    ending: bool,
    /// The end has been read.
    ended: bool,
    /// The kernel tells us when it can take bytes again.
    waits_to_write: bool,
    /// The server has looked through its connections so often since anything happened on this one.
    quiet: u8,
    /// No request is read any more; when everything is sent, the connection is closed for this reason.
    pub(super) closing: Option<CloseReason>,
    /// The peer may still be sending, so closing must wait until it has read the answer.
    pub(super) lingers: bool,
    lingering: bool,
    rare: Option<Box<Rare>>,
}

/// What most connections do not need most of the time.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Bytes that were read and wait behind an answer.
    backlog: Vec<u8>,
    /// A request that has come in part.
    pub parts: Parts,
    /// An answer that is not there yet.
    pub pending: Option<Pending>,
    /// Nobody is left who could answer.
    pub abandoned: bool,
    /// What it waits for, if it is time.
    pub timer: Option<Key>,
    /// When its head must be whole, if there is a limit.
    pub deadline: Option<Key>,
    /// What it waits for, if it is somebody's answer. The loop drops it from its interest list when it is closed.
    pub asked: Option<UnixStream>,
    /// Bytes of answers, of which `sent` are sent.
    unsent: Vec<u8>,
    sent: usize,
    /// Bytes of [`PATTERN`], over and over, that follow, and how many went before.
    fill: u64,
    filled: u64,
    /// Bytes thrown away while lingering.
    drained: u64,
}

impl Rare {
    /// Whether an answer is pending or not all sent: nothing else is begun then.
    fn is_busy(&self) -> bool {
        self.pending.is_some() || self.owes() > 0
    }

    /// Whether nothing more is to be begun: the answers keep their order, and no more of them may be unsent.
    fn is_full(&self, high_water: u64) -> bool {
        self.pending.is_some() || self.fill > 0 || self.owes() > high_water
    }

    fn owes(&self) -> u64 {
        (self.unsent.len() - self.sent) as u64 + self.fill
    }

    /// The head is whole, or will not be.
    pub fn forget_deadline(&mut self, timers: &mut Timers) {
        if let Some(key) = self.deadline.take() {
            timers.cancel(key);
        }
    }

    fn is_empty(&self) -> bool {
        !self.is_busy() && self.backlog.is_empty() && self.parts.is_empty() && self.timer.is_none() && self.deadline.is_none()
    }
}

/// Whether the connection lives on, or why not.
pub(super) type Next = ControlFlow<CloseReason>;

impl Conn {
    pub(super) fn new(id: ConnId, stream: TcpStream, trusted: bool) -> Self {
        Self {
            stream,
            id,
            requests: 0,
            trusted,
            unread: false,
            ending: false,
            ended: false,
            waits_to_write: false,
            quiet: 0,
            closing: None,
            lingers: false,
            lingering: false,
            rare: None,
        }
    }

    /// Its serial number.
    #[inline]
    pub fn id(&self) -> ConnId {
        self.id
    }

    #[inline]
    pub(super) fn is_busy(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_busy())
    }

    #[inline]
    pub(super) fn is_full(&self, habits: &Habits) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_full(habits.high_water))
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether a request has come in part.
    #[inline]
    pub(super) fn has_part(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.parts.is_empty())
    }

    /// Nothing of it is waited for any more.
    pub(super) fn cancel_timer(&mut self, timers: &mut Timers) {
        if let Some(rare) = &mut self.rare {
            rare.timer.take().into_iter().chain(rare.deadline.take()).for_each(|key| timers.cancel(key));
        }
    }

    // ---- callbacks ------------------------------------------------------------------------------------------------

    #[inline]
    pub(super) fn readable<P: Probe>(&mut self, token: Token, ending: bool, reset: bool, input: &mut [u8], common: &mut Common<P>) -> Next {
        self.unread = true;
        self.quiet = 0;
        self.ending |= ending;
        if reset && !self.lingering {
            // What it was lies in the socket; both halves closed without an error is the peer's doing, too.
            let error = self.stream.take_error().ok().flatten();
            return Next::Break(error.map_or(CloseReason::Reset, |error| lost(&error)));
        }
        self.go_on(token, input, common)
    }

    pub(super) fn writable<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        self.quiet = 0;
        self.go_on(token, input, common)
    }

    pub(super) fn timer_is_due<P: Probe>(&mut self, timer: Timer, input: &mut [u8], common: &mut Common<P>) -> Next {
        let token = timer.token;
        let rare = self.rare();
        if rare.deadline == Some(timer.key) {
            rare.deadline = None;
            self.refuse_late(common);
            return self.go_on(token, input, common);
        }
        rare.timer = None;
        if self.lingering {
            return Next::Break(self.closing.unwrap_or(CloseReason::Timeout));
        }
        self.answer_pending(token, common);
        self.go_on(token, input, common)
    }

    /// Somebody who was asked has answered, or is gone. It is never read before it is readable, so nothing waits here; what can
    /// still come is `EAGAIN`, if the event was about nothing.
    pub(super) fn neighbour_is_readable<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        let Some(asked) = self.rare.as_mut().and_then(|rare| rare.asked.as_mut()) else { return Next::Continue(()) };
        if matches!(asked.read(&mut input[..1]), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            return Next::Continue(());
        }
        self.rare().asked = None;
        self.answer_pending(token, common);
        self.go_on(token, input, common)
    }

    /// Goes on as far as it can: sends, answers what was read, reads more, until nothing is left or something must be waited for.
    #[inline]
    pub(super) fn go_on<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        if self.lingering {
            return self.drain(input);
        }
        let mut reads = 0;
        loop {
            self.flush(token, common)?;
            if self.closing.is_some() || self.is_full(common.hooks.habits()) {
                break;
            }
            if let Some(rare) = &mut self.rare
                && !rare.backlog.is_empty()
            {
                let backlog = std::mem::take(&mut rare.backlog);
                self.answer(&backlog, token, common);
                continue;
            }
            if !self.unread {
                break;
            }
            if reads == common.hooks.habits().reads {
                // Asking anew makes an edge of what is still there.
                self.listen(token, common)?;
                break;
            }
            reads += 1;
            let size = common.hooks.habits().read_size.min(input.len());
            match self.stream.read(&mut input[..size]) {
                Ok(0) => {
                    self.ended = true;
                    self.unread = false;
                }
                Ok(n) => {
                    // A short read has emptied a stream socket: there is no need to be told so by another one (epoll(7)).
                    // Only the end of the stream, which the kernel has announced, can lie behind it.
                    self.unread = (n == size || self.ending) && common.hooks.habits().drains;
                    common.stats.read += n as u64;
                    common.note(What::Read { conn: self.id, bytes: n as u32 });
                    self.answer(&input[..n], token, common);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.unread = false,
                    io::ErrorKind::Interrupted => {}
                    _ => return Next::Break(lost(&error)),
                },
            }
        }
        self.settle(token, input, common)
    }

    /// Everything that could be done is done: closes, half-closes, or waits for the next event.
    #[inline]
    fn settle<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        if self.is_busy() {
            // Nobody will answer, and the peer has stopped waiting.
            let forsaken = self.ending && self.rare.as_ref().is_some_and(|rare| rare.abandoned);
            return if forsaken { Next::Break(CloseReason::PeerClosed) } else { Next::Continue(()) };
        }
        if self.ended && self.closing.is_none() {
            if !self.has_part() {
                return self.end(common);
            }
            // The peer has closed its half in the middle of a request, and may still hear what we think of it.
            self.refuse_part(common);
            self.flush(token, common)?;
        }
        if let Some(reason) = self.closing {
            if self.is_busy() {
                return Next::Continue(());
            }
            return if (self.lingers || self.unread) && !self.ended { self.linger(token, input, common) } else { Next::Break(reason) };
        }
        if let Some(rare) = &mut self.rare {
            let in_time = !rare.parts.is_in_head();
            if in_time {
                rare.forget_deadline(&mut common.timers);
            }
            if rare.is_empty() {
                self.rare = None;
            } else if !in_time && let Some(patience) = common.hooks.habits().head_patience {
                self.limit_head(patience, token, common);
            }
        }
        Next::Continue(())
    }

    /// A part of a head has come: from its first on there is so much time for the whole.
    fn limit_head<P: Probe>(&mut self, patience: Nanos, token: Token, common: &mut Common<P>) {
        let rare = self.rare();
        if rare.deadline.is_none() {
            rare.deadline = Some(common.timers.set(common.clock.now() + patience, token));
            common.note(What::TimerSet { conn: self.id, micros: u32::try_from(patience.0 / 1_000).unwrap_or(u32::MAX) });
        }
    }

    /// Keeps bytes that were read until the answer before them is on its way.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.rare().backlog.extend_from_slice(bytes);
        }
    }

    // ---- sending --------------------------------------------------------------------------------------------------

    /// So many bytes of [`PATTERN`] follow what is in the shared buffer.
    pub(super) fn follow_with(&mut self, bytes: u64, already: u64) {
        let rare = self.rare();
        rare.fill = bytes;
        rare.filled = already;
    }

    /// Sends what there is to send: what is left from before, then this callback's answers with one write, then what follows them.
    #[inline]
    fn flush<P: Probe>(&mut self, token: Token, common: &mut Common<P>) -> Next {
        if self.rare.as_ref().is_some_and(|rare| rare.sent < rare.unsent.len()) {
            let out = std::mem::take(&mut common.out);
            let rare = self.rare();
            if !out.is_empty() && rare.sent * 2 >= rare.unsent.len() {
                // More is queued behind what was begun: what is sent of it need not be kept.
                rare.unsent.drain(..rare.sent);
                rare.sent = 0;
            }
            rare.unsent.extend_from_slice(&out);
            common.out = out;
            let unsent = std::mem::take(&mut rare.unsent);
            let sent = rare.sent;
            let wrote = self.send(&unsent[sent..], common)?;
            let rare = self.rare();
            rare.sent = sent + wrote;
            if rare.sent < unsent.len() {
                rare.unsent = unsent;
            } else {
                rare.sent = 0;
            }
        } else if !common.out.is_empty() {
            let out = std::mem::take(&mut common.out);
            let wrote = self.send(&out, common)?;
            if wrote < out.len() {
                self.rare().unsent.extend_from_slice(&out[wrote..]);
            }
            common.out = out;
        }
        common.out.clear();
        common.whole = 0;
        let full = if self.rare.as_ref().is_some_and(|rare| rare.fill > 0) { self.send_fill(common)? } else { true };
        let owes = self.rare.as_ref().map_or(0, |rare| rare.owes());
        if owes > 0 {
            common.note(What::Blocked { conn: self.id, unsent: u32::try_from(owes).unwrap_or(u32::MAX) });
        }
        // Where there is room still, and only the turn is over, asking anew makes an edge of that room.
        if (owes > 0) != self.waits_to_write || (owes > 0 && !full) {
            self.waits_to_write = owes > 0;
            self.listen(token, common)?;
        }
        Next::Continue(())
    }

    /// One write. A short one means that the kernel takes no more for now.
    #[inline]
    fn send<P: Probe>(&mut self, bytes: &[u8], common: &mut Common<P>) -> ControlFlow<CloseReason, usize> {
        loop {
            match self.stream.write(bytes) {
                Ok(n) => {
                    common.stats.written += n as u64;
                    common.note(What::Wrote { conn: self.id, bytes: n as u32 });
                    return ControlFlow::Continue(n);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return ControlFlow::Continue(0),
                    io::ErrorKind::Interrupted => {}
                    _ => return ControlFlow::Break(lost(&error)),
                },
            }
        }
    }

    /// Sends of the pattern what the kernel takes, if nothing else is left before it. Whether it would take no more.
    fn send_fill<P: Probe>(&mut self, common: &mut Common<P>) -> ControlFlow<CloseReason, bool> {
        let mut budget = MOST_SENT;
        while let Some(rare) = &mut self.rare
            && rare.fill > 0
            && rare.unsent.is_empty()
        {
            let from = (rare.filled % PATTERN.len() as u64) as usize;
            let length = ((PATTERN.len() - from) as u64).min(rare.fill).min(budget) as usize;
            if length == 0 {
                return ControlFlow::Continue(false);
            }
            // Each of these takes its time: the fact needs a stamp of its own.
            common.stale = true;
            let wrote = self.send(&PATTERN[from..from + length], common)?;
            let rare = self.rare();
            rare.fill -= wrote as u64;
            rare.filled += wrote as u64;
            budget -= wrote as u64;
            if wrote < length {
                break;
            }
        }
        ControlFlow::Continue(true)
    }

    /// Tells the kernel what we want to hear of: always what there is to read, and room to write only as long as we wait for it.
    fn listen<P: Probe>(&mut self, token: Token, common: &mut Common<P>) -> Next {
        let (interest, readiness) = if self.waits_to_write {
            (Interest::READABLE | Interest::WRITABLE, Readiness::BOTH)
        } else {
            (Interest::READABLE, Readiness::READABLE)
        };
        if common.poll.registry().reregister(&mut self.stream, token, interest).is_err() {
            return Next::Break(CloseReason::Failed);
        }
        common.note(What::Interested { conn: self.id, interest: readiness });
        Next::Continue(())
    }

    // ---- closing --------------------------------------------------------------------------------------------------

    /// The peer has closed and wants nothing more.
    fn end<P: Probe>(&mut self, common: &mut Common<P>) -> Next {
        if common.hooks.habits().closes_at_end {
            return Next::Break(CloseReason::PeerClosed);
        }
        // Nothing will ever happen on it again, and nothing will remind us of it.
        common.note(What::Struck { conn: self.id, fault: Fault::FdLeak });
        Next::Continue(())
    }

    /// The server looks through its connections: whether this one has outlived its use. One with an answer to come has not.
    pub(super) fn outlived(&mut self, habits: &Habits) -> Option<CloseReason> {
        if self.is_busy() || self.closing.is_some() {
            return None;
        }
        if self.ended && habits.closes_at_end {
            return Some(CloseReason::PeerClosed);
        }
        habits.idle?;
        self.quiet = self.quiet.saturating_add(1);
        (self.quiet > SWEEPS).then_some(CloseReason::Timeout)
    }

    /// Closes our half and goes on reading for a while. A socket that is closed with unread bytes sends a reset, and a
    /// reset can overtake the answer and take it from the peer (RFC 9112, section 9.6).
    fn linger<P: Probe>(&mut self, token: Token, input: &mut [u8], common: &mut Common<P>) -> Next {
        if self.stream.shutdown(std::net::Shutdown::Write).is_err() {
            return Next::Break(self.closing.unwrap_or(CloseReason::Reset));
        }
        self.lingering = true;
        let due = common.clock.now() + LINGER;
        let key = common.timers.set(due, token);
        common.note(What::TimerSet { conn: self.id, micros: (LINGER.0 / 1_000) as u32 });
        let rare = self.rare();
        rare.backlog = Vec::new();
        rare.timer = Some(key);
        self.drain(input)
    }

    fn drain(&mut self, input: &mut [u8]) -> Next {
        let reason = self.closing.unwrap_or(CloseReason::Finished);
        loop {
            match self.stream.read(input) {
                Ok(0) => return Next::Break(reason),
                Ok(n) => {
                    let rare = self.rare();
                    rare.drained += n as u64;
                    if rare.drained > MOST_DRAINED {
                        return Next::Break(reason);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Next::Continue(()),
                    io::ErrorKind::Interrupted => {}
                    _ => return Next::Break(reason),
                },
            }
        }
    }

    /// Its callback has panicked: answers with 500, unless a part of another answer is on its way already, and closes.
    pub(super) fn panicked<P: Probe>(&mut self, token: Token, common: &mut Common<P>) -> Next {
        let started = self.rare.as_ref().is_some_and(|rare| rare.owes() > 0);
        if started || self.lingering {
            return Next::Break(CloseReason::Panicked);
        }
        self.cancel_timer(&mut common.timers);
        self.rare = None;
        self.answer_panic(common);
        self.flush(token, common)?;
        if self.is_busy() { Next::Continue(()) } else { self.linger(token, &mut [0; 4096], common) }
    }
}

/// What an error of a read or a write says about the connection.
pub(super) fn lost(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => CloseReason::Reset,
        io::ErrorKind::TimedOut => CloseReason::Timeout,
        _ => CloseReason::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Conn>() <= 40, "{}", size_of::<Conn>());
    }
}
