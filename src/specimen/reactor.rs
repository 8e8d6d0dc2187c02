//! The event loop. Everything else in this process happens inside one of the calls below.
//!
//! One thread, one `epoll` instance, and round and round: ask the kernel what is ready, run a callback for each thing that is, run the
//! timers that are due, the tasks that were queued, what the lab asked for, and ask again. A callback runs until it
//! returns. There is nobody to interrupt it: as long as it computes, whatever else is ready waits.

use std::io;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Token};

use super::server::{CONTROL, LISTENER, Server, WAKER};
use crate::telemetry::Probe;
use crate::telemetry::vocabulary::{Cause, Phase};

/// The most ready events that one tick takes from the kernel. What is left over is reported in the next one.
const EVENTS: usize = 1024;

/// The loop, and the server that it drives. The probe `P` is told what happens; [`Silent`](crate::telemetry::Silent) compiles to nothing.
pub struct Reactor<P> {
    events: Events,
    server: Server<P>,
}

impl<P: Probe> Reactor<P> {
    /// A loop that is ready to go round.
    pub fn new(server: Server<P>) -> Self {
        Self { events: Events::with_capacity(EVENTS), server }
    }

    /// Goes round until the lab says stop, or is gone.
    ///
    /// # Errors
    /// What `epoll_wait` says when it can no longer work. No error of a connection ends the loop.
    pub fn run(&mut self) -> io::Result<()> {
        while !self.server.is_stopped() {
            self.tick()?;
        }
        self.server.end()
    }

    /// One tick.
    fn tick(&mut self) -> io::Result<()> {
        let Self { events, server } = self;
        server.tick();

        // Sleep until something is ready or the next timer is due. With tasks queued, only ask.
        let patience = server.patience();
        server.enter(Phase::Poll, in_millis(patience));
        server.poll(events, patience)?;

        // The kernel has told us of all of these at once. From here on each waits for the callbacks before it.
        if !events.is_empty() {
            server.enter(Phase::Dispatch, events.iter().count() as u32);
            server.note_ready(events);
            for event in events.iter() {
                match event.token() {
                    LISTENER => callback(server, Cause::Accept, LISTENER, Server::accept),
                    CONTROL => server.expect_orders(),
                    WAKER => {
                        while let Some(done) = server.next_completion() {
                            callback(server, Cause::Completion, done, Server::work_is_done);
                        }
                    }
                    conn => {
                        if is_readable(event) {
                            callback(server, Cause::Readable, conn, |server, conn| server.readable(conn, event));
                        }
                        if event.is_writable() {
                            callback(server, Cause::Writable, conn, Server::writable);
                        }
                    }
                }
            }
        }

        // A timer is never early. It is late by as long as the callbacks before it took.
        let due = server.timers_due();
        if due > 0 {
            server.enter(Phase::Timers, due);
            while let Some(timer) = server.next_timer() {
                callback(server, Cause::Timer, timer.token, |server, _| server.timer_is_due(timer));
            }
        }

        // Work that was put off, so that others had their turn in between.
        let queued = server.tasks_due();
        if queued > 0 {
            server.enter(Phase::Tasks, queued);
            for task in server.take_tasks(queued) {
                callback(server, Cause::Task, task.token, |server, _| server.run_task(task));
            }
        }

        // The lab's messages come last, and come through the same loop: a stuck loop takes no orders.
        if server.has_orders() {
            server.enter(Phase::Control, 0);
            server.carry_out_orders();
        }
        Ok(())
    }
}

/// Runs one callback, from its beginning to its end.
#[inline]
fn callback<P: Probe>(server: &mut Server<P>, cause: Cause, token: Token, run: impl FnOnce(&mut Server<P>, Token)) {
    // Its connection may have been closed by a callback before this one, and its place taken by another: then the event is stale.
    let Some(conn) = server.whose(token) else { return };
    server.begin(cause, conn);
    // A panic in here ends the process, and with it every connection; unless somebody catches it at this edge.
    server.at_the_edge(token, run);
}

/// Whether there is something to read: bytes, the end of the stream, or an error that only reading can fetch.
fn is_readable(event: &Event) -> bool {
    event.is_readable() || event.is_read_closed() || event.is_error()
}

/// A timeout in milliseconds, as `epoll_wait` takes it: rounded up; none is the greatest number.
fn in_millis(patience: Option<Duration>) -> u32 {
    patience.map_or(u32::MAX, |p| u32::try_from(p.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX - 1))
}
