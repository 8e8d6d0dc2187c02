//! A thread for each connection. It teaches what a blocking program looks like, and what the kernel does for it: it waits for ten thousand
//! threads much as `epoll_wait` waits for ten thousand descriptors, it interrupts those that compute, and it uses every core.
//!
//! The price is a stack for each connection, idle or not. Ours are small: 64 KiB of address space, of which the kernel gives only the pages
//! that are touched; the default of 8 MiB would cost the same memory, but run out of address space in some settings. A server of
//! production would also set a limit to the threads; here the system's limit shows.

use std::io;

use super::blocking::INPUT;
use super::{Row, Start, house};
use crate::specimen::config::ModelSetting;
use crate::specimen::process::leave_last_words;
use crate::specimen::server::Date;
use crate::telemetry::vocabulary::{Mitigation, Model};

/// Bytes of a thread's stack.
const STACK: usize = 64 * 1024;

pub(super) const ROW: Row = Row {
    kind: Model::ThreadPerConnection,
    about: "Each connection has a thread of its own, which waits for it and nothing else.",
    price: "Each connection costs a stack, each change between them a context switch, and what they share a lock.",
    default: ModelSetting::ThreadPerConnection,
    takes: Some(&[Mitigation::CatchPanic, Mitigation::Supervisor, Mitigation::Lock]),
    // Its own, and the one on which the runtime would tell of an overflow.
    stacks: 2 * STACK as u64,
    rings: |_| house::RINGS,
    serve,
};

fn serve(mut start: Start) -> io::Result<()> {
    let listener = start.listener()?;
    leave_last_words(start.shared.clock(), "a thread");
    let house = house::House::new(&start.config, &start.shared, &listener);
    let clock = start.shared.clock();
    house::accept(&house, &start.config, &start.shared, listener, start.channel, |conn| {
        // The connection goes with the thread. Where none can be had, it is dropped with what the thread would have done: closed.
        std::thread::Builder::new().name("connection".into()).stack_size(STACK).spawn(move || {
            conn.live(&mut vec![0; INPUT], &mut Date::new(&clock));
        })?;
        Ok(())
    })
}
