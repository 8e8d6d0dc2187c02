//! What goes wrong for longer than a callback: told on top of the load, for so long, on each specimen of a story.

use super::{CLIENTS, Server, Story};
use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;
use crate::telemetry::event::{Lane, Readiness, What};
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Outcome, Phase, Style};

/// Between two strokes of what happens again and again.
const STROKE: Nanos = Nanos::millis(20);
/// The first serial number of a connection that is none of the load's.
const STRANGERS: u32 = 1 << 20;

impl Story {
    /// One more peer sends requests without end, and the loop reads until there are no more: turns of 30 ms.
    #[must_use]
    pub fn greed(self, length: Nanos) -> Self {
        let hog = ConnId(STRANGERS);
        self.plague(length, |server, n| {
            if n == 0 {
                server.fact(What::FaultAsked { fault: Fault::GreedyPeer, millis: 0 });
                server.welcome(hog);
            }
            server.begin(hog);
            for _ in 0..60 {
                server.fact(What::Requested { conn: hog, handler: Handler::Root });
                server.now += Nanos::micros(500);
                server.fact(What::Responded { conn: hog, status_nth: (200, 1) });
            }
            server.rest();
        })
    }

    /// A peer comes and goes every 20 ms, and is never closed here.
    #[must_use]
    pub fn leak(self, length: Nanos) -> Self {
        self.plague(length, |server, n| {
            let conn = ConnId(STRANGERS + n);
            server.welcome(conn);
            server.reported(conn, Readiness::READABLE.with(Readiness::CLOSED), 0);
            server.left += 1;
        })
    }

    /// Memory grows by so many KiB every 20 ms; sessions hold it.
    #[must_use]
    pub fn grow(self, length: Nanos, kib: u32) -> Self {
        self.plague(length, |server, n| {
            server.grown += kib;
            server.fact(What::Live { objects: n, kib: server.grown });
        })
    }

    /// So many peers come, and send a byte of a head every 20 ms.
    #[must_use]
    pub fn drip(self, length: Nanos, peers: u32) -> Self {
        self.plague(length, |server, n| {
            for conn in (0..peers).map(|peer| ConnId(STRANGERS + peer)) {
                if n == 0 {
                    server.welcome(conn);
                }
                server.reported(conn, Readiness::READABLE, 1);
            }
        })
    }

    /// The body of one client's request is read once, and the rest stays in the kernel.
    #[must_use]
    pub fn undrain(self, length: Nanos) -> Self {
        self.plague(length, |server, n| {
            if n > 0 {
                return;
            }
            let Some(client) = server.free.pop_front() else { return };
            let conn = server.peers[client as usize].conn;
            server.load(What::Sent { client: ClientId(client), late: 0 });
            server.reported(conn, Readiness::READABLE, 1_024);
            server.unread.insert(client, 3_000);
        })
    }

    /// Every 200 ms nobody is left to answer a request: because its promise died unhandled, or because the code forgot to.
    #[must_use]
    pub fn forsake(self, length: Nanos, rejected: bool) -> Self {
        self.plague(length, |server, n| {
            let Some(client) = server.free.pop_front().filter(|_| n % 10 == 0) else { return };
            let conn = server.peers[client as usize].conn;
            server.load(What::Sent { client: ClientId(client), late: 0 });
            server.begin(conn);
            server.fact(What::Requested { conn, handler: Handler::Chain });
            if rejected {
                server.fact(What::Unhandled { conn, then: 0 });
            }
            server.fact(What::Abandoned { conn });
            server.rest();
        })
    }

    /// Every 20 ms somebody asks for `/chain`, which is written in this style, and each of its calls takes so long; every tenth's second
    /// call fails.
    #[must_use]
    pub fn chain(self, length: Nanos, style: Style, call: Nanos) -> Self {
        let calls = (call.0 / STROKE.0).max(1) as u32;
        self.plague(length, |server, n| {
            let asks = |request: u32| ConnId(STRANGERS + request % 4096);
            let stepped = |request, step| What::Stepped { conn: asks(request), at: (style, step) };
            server.turn(stepped(n, 1));
            for (step, ended) in (1..=3).map(|step: u16| (step, n.checked_sub(calls * u32::from(step)))) {
                let Some(request) = ended else { continue };
                let fails = request % 10 == 3;
                match (fails, step) {
                    (true, 2) => server.turn(stepped(request, 6)),
                    (true, 3) => continue,
                    _ => server.turn(stepped(request, step + 1)),
                }
                if step == 3 || fails && step == 2 {
                    let count = [37, 74, 44][style as usize];
                    server.turn(What::Allocated { conn: asks(request), by: (style, count) });
                }
            }
        })
    }

    /// Every 20 ms the second call of a request to `/chain` fails, and the branch answers nobody.
    #[must_use]
    pub fn forget(self, length: Nanos) -> Self {
        self.plague(length, |server, n| {
            let conn = ConnId(2 * STRANGERS + n);
            for step in [1, 2] {
                server.turn(What::Stepped { conn, at: (Style::Callbacks, step) });
            }
            server.turn(What::Abandoned { conn });
        })
    }

    /// Every 20 ms a client is cut off, and nothing says why.
    #[must_use]
    pub fn stray(self, length: Nanos) -> Self {
        self.plague(length, |server, _| {
            let Some(client) = server.free.pop_front() else { return };
            server.load(What::Sent { client: ClientId(client), late: 0 });
            server.load(What::Finished { client: ClientId(client), outcome: (Outcome::Reset, 0) });
            server.free.push_back(client);
        })
    }

    fn plague(self, length: Nanos, stroke: impl Fn(&mut Server, u32)) -> Self {
        self.each(|server| {
            let end = server.now + length;
            let mut n = 0;
            while server.alive && server.now < end {
                stroke(server, n);
                server.run(STROKE);
                n += 1;
            }
        })
    }
}

impl Server {
    fn fact(&mut self, what: What) {
        let lane = if matches!(what, What::FaultAsked { .. }) { Lane::Lab } else { Lane::Loop };
        self.tell(self.now, lane, what);
    }

    fn load(&mut self, what: What) {
        self.tell(self.now, Lane::Load, what);
    }

    /// A peer that is none of the load's connects.
    fn welcome(&mut self, conn: ConnId) {
        let port = 1_024 + (conn.0 - STRANGERS) as u16;
        self.fact(What::Opened { conn, port_fd: (port, port) });
    }

    fn begin(&mut self, conn: ConnId) {
        self.fact(What::Entered { phase: Phase::Poll, detail: 0 });
        self.now += Nanos::micros(2);
        self.fact(What::Entered { phase: Phase::Dispatch, detail: 1 });
        self.fact(What::Ready { conn, readiness: Readiness::READABLE });
        self.fact(What::Began { conn, cause: Cause::Readable });
    }

    fn rest(&mut self) {
        self.fact(What::Rested {});
        // What came meanwhile waits in the kernel.
        let to = self.now;
        self.pump(to);
    }

    /// A turn of somebody's code that says this.
    fn turn(&mut self, what: What) {
        self.fact(What::Entered { phase: Phase::Tasks, detail: 1 });
        self.fact(What::Began { conn: ConnId(STRANGERS), cause: Cause::Task });
        self.fact(what);
        self.now += Nanos::micros(8);
        self.rest();
    }

    /// A callback that reads so many bytes, which are no request yet.
    fn reported(&mut self, conn: ConnId, readiness: Readiness, bytes: u32) {
        self.fact(What::Entered { phase: Phase::Poll, detail: 0 });
        self.now += Nanos::micros(2);
        self.fact(What::Entered { phase: Phase::Dispatch, detail: 1 });
        self.fact(What::Ready { conn, readiness });
        self.fact(What::Began { conn, cause: Cause::Readable });
        self.fact(What::Read { conn, bytes });
        self.now += Nanos::micros(3);
        self.rest();
    }
}

// Whoever waits in vain must not be all of the load.
const _: () = assert!(CLIENTS > 32);
