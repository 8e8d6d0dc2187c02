//! Sessions: what a server keeps beside a connection, and the callback that is to run when it is over. It teaches how memory leaks in
//! a language that counts references: the session owns its callback, and the callback, which wants to use the session, owns it back.
//!
//! The connection's own reference is dropped when it closes. With the cycle the count then goes from two to one, and stays there: no
//! code can reach the session any more, and none will ever free it. Only the end of the process does.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::base::ids::ConnId;

/// How sessions are made and given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// What each callback has taken along, in KiB.
    pub kib: u32,
    /// Callbacks know their sessions without owning them.
    pub weak: bool,
    /// Sessions give up their callbacks when their connections close.
    pub releases: bool,
}

/// How many sessions there are in memory, and the KiB that their callbacks have taken along: counted where they are made and where they
/// are dropped, not by who still knows them.
pub type Live = (u32, u32);

/// One connection's session.
struct Session {
    conn: ConnId,
    kib: u32,
    on_close: RefCell<Option<Box<dyn Fn() -> usize>>>,
    live: Rc<Cell<Live>>,
}

impl Session {
    fn open(conn: ConnId, style: Style, live: &Rc<Cell<Live>>) -> Rc<Self> {
        let (objects, kib) = live.get();
        live.set((objects.saturating_add(1), kib.saturating_add(style.kib)));
        let session = Rc::new(Self { conn, kib: style.kib, on_close: RefCell::new(None), live: Rc::clone(live) });
        // Whatever stood around when the callback was made: a buffer, a request, half of the application. It is written to, so it is there.
        let baggage = vec![1_u8; style.kib as usize * 1024];
        let callback: Box<dyn Fn() -> usize> = if style.weak {
            let knows = Rc::downgrade(&session);
            Box::new(move || knows.upgrade().map_or(0, |session| session.summary(&baggage)))
        } else {
            let owns = Rc::clone(&session);
            Box::new(move || owns.summary(&baggage))
        };
        *session.on_close.borrow_mut() = Some(callback);
        session
    }

    /// What the callback is for: it needs the session and what it has taken along.
    fn summary(&self, baggage: &[u8]) -> usize {
        self.conn.0 as usize + baggage.len()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (objects, kib) = self.live.get();
        self.live.set((objects.saturating_sub(1), kib.saturating_sub(self.kib)));
    }
}

/// The sessions of the connections that are open.
#[derive(Default)]
pub struct Sessions {
    open: HashMap<ConnId, Rc<Session>>,
    live: Rc<Cell<Live>>,
}

impl Sessions {
    /// A connection begins. How many there are now.
    pub fn open(&mut self, conn: ConnId, style: Style) -> Live {
        self.open.insert(conn, Session::open(conn, style, &self.live));
        self.live.get()
    }

    /// A connection is over: its session's callback runs, and the last reference that can be reached is dropped. How many there are
    /// now; nothing where it had no session.
    pub fn close(&mut self, conn: ConnId, releases: bool) -> Option<Live> {
        let session = self.open.remove(&conn)?;
        if let Some(callback) = &*session.on_close.borrow() {
            callback();
        }
        if releases {
            *session.on_close.borrow_mut() = None;
        }
        drop(session);
        Some(self.live.get())
    }

    /// Whether no open connection has one.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many there are in memory.
    pub fn live(&self) -> Live {
        self.live.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_lives_on_and_either_remedy_ends_it() {
        for (weak, releases, left) in [(false, false, 10), (true, false, 0), (false, true, 0), (true, true, 0)] {
            let mut sessions = Sessions::default();
            let style = Style { kib: 4, weak, releases };
            for n in 1..=10 {
                assert_eq!(sessions.open(ConnId(n), style), (n, 4 * n));
            }
            for n in 1..=10 {
                assert!(sessions.close(ConnId(n), releases).is_some());
                assert_eq!(sessions.close(ConnId(n), releases), None, "it is gone");
            }
            assert!(sessions.is_empty());
            assert_eq!(sessions.live(), (left, 4 * left), "weak {weak}, releases {releases}");
        }
    }
}
