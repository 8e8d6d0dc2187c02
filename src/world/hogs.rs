//! Who takes the loop's time: the connections that took most of the last half second, in little room.
//!
//! The sketch is that of Misra and Gries ("Finding repeated elements", 1982) with time for weight: with [`KEPT`] counters whoever took
//! more than one part in `KEPT + 1` is among those kept, and is credited with at most that part too little; never with too much.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;

/// Connections that are kept.
const KEPT: usize = 7;
/// What a window covers.
const WINDOW: Nanos = Nanos::millis(500);

/// The connections that took most of the time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hogs {
    present: Sketch,
    past: Sketch,
    /// Number of the present window since the beginning.
    window: u64,
}

/// The share of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hog {
    pub conn: ConnId,
    /// At least so much of the loop's time.
    pub busy: Nanos,
    /// Requests that were parsed in that time.
    pub requests: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sketch {
    kept: [Hog; KEPT],
}

impl Hogs {
    /// A connection had the loop for so long.
    #[inline]
    pub fn add(&mut self, conn: ConnId, busy: Nanos, requests: u32) {
        if conn.is_some() && busy > Nanos::ZERO {
            self.present.add(conn, busy, requests);
        }
    }

    /// Goes on to the window that `now` lies in.
    pub fn slide(&mut self, now: Nanos) {
        let window = now.0 / WINDOW.0;
        if window > self.window {
            let before = std::mem::take(&mut self.present);
            self.past = if window == self.window + 1 { before } else { Sketch::default() };
            self.window = window;
        }
    }

    /// Who took most of the last complete window, and which share of all its time.
    pub fn most(&self) -> Option<(Hog, f64)> {
        let hog = self.past.kept.iter().max_by_key(|hog| hog.busy).filter(|hog| hog.busy > Nanos::ZERO)?;
        Some((*hog, (hog.busy.as_secs() / WINDOW.as_secs()).min(1.0)))
    }
}

impl Sketch {
    #[inline]
    fn add(&mut self, conn: ConnId, busy: Nanos, requests: u32) {
        if let Some(hog) = self.kept.iter_mut().find(|hog| hog.conn == conn && hog.busy > Nanos::ZERO) {
            hog.busy += busy;
            hog.requests = hog.requests.saturating_add(requests);
            return;
        }
        // Whoever has the least makes room where there is none, and all give as much as is taken away.
        let mut left = busy;
        loop {
            if let Some(free) = self.kept.iter_mut().find(|hog| hog.busy == Nanos::ZERO) {
                *free = Hog { conn, busy: left, requests };
                return;
            }
            let least = self.kept.iter().map(|hog| hog.busy).min().unwrap_or_default().min(left);
            self.kept.iter_mut().for_each(|hog| hog.busy = hog.busy.since(least));
            left = left.since(least);
            if left == Nanos::ZERO {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_more_than_half_is_told_and_never_with_too_much() {
        let mut hogs = Hogs::default();
        for n in 0..1_000_u32 {
            hogs.add(ConnId(1_000 + n), Nanos(200), 1);
            hogs.add(ConnId(7), Nanos(300), 4);
        }
        assert_eq!(hogs.most(), None, "the window is not over");
        hogs.slide(WINDOW);
        let (hog, share) = hogs.most().unwrap();
        assert_eq!(hog.conn, ConnId(7));
        // 300,000 of 500,000 ns; the sketch may take an eighth of all away.
        assert!((Nanos(237_500)..=Nanos(300_000)).contains(&hog.busy), "{hog:?}");
        assert!(hog.requests > 1_000 && share < 0.001, "{hog:?} {share}");
        hogs.slide(Nanos(WINDOW.0 * 5));
        assert_eq!(hogs.most(), None, "nothing was told of the last window");
    }

    #[test]
    fn among_many_nobody_has_most() {
        let mut hogs = Hogs::default();
        (0..64_000_u32).for_each(|n| hogs.add(ConnId(1 + n % 64), Nanos(5_000), 1));
        hogs.slide(WINDOW);
        assert!(hogs.most().is_none_or(|(_, share)| share < 0.1), "{:?}", hogs.most());
    }
}
