//! Who is worth following: how long callbacks of each connection ran, and how long each client waited.

use std::cmp::Reverse;

use super::Wish;
use super::cells::{Grid, Span};
use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;
use crate::world::Specimen;
use crate::world::connections::SerialMap;

/// Connections, and clients, whose times are reckoned.
const MAX_SCORES: usize = 4096;

/// The times of one stretch.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores {
    grid: Grid,
    ran: SerialMap<ConnId, u64>,
    /// Since when a thread is on a connection's request.
    served: SerialMap<ConnId, Nanos>,
    /// By client: its connection when the stretch began, since when it waits, and how long it had waited before.
    waited: Vec<(ConnId, Option<Nanos>, u64)>,
}

impl Scores {
    /// Of a stretch that begins with this specimen.
    pub fn start(grid: Grid, specimen: &Specimen) -> Self {
        let mut scores = Self { grid, ..Self::default() };
        for connection in specimen.connections.iter() {
            if let Some(ClientId(n)) = specimen.clients.client_at(connection.port)
                && (n as usize) < MAX_SCORES
            {
                if n as usize >= scores.waited.len() {
                    scores.waited.resize(n as usize + 1, (ConnId::NONE, None, 0));
                }
                scores.waited[n as usize] = (connection.id, specimen.clients.waits_since(connection.port), 0);
            }
        }
        scores
    }

    /// The stretch has moved on.
    pub fn slide(&mut self, grid: Grid) {
        self.grid = grid;
    }

    fn within(&self, from: Nanos, to: Nanos) -> u64 {
        to.min(self.grid.to()).since(from.max(self.grid.from)).0
    }

    #[inline]
    pub fn ran(&mut self, span: &Span) {
        let length = self.within(span.began, span.ended);
        if length > 0 && span.conn.is_some() && (self.ran.len() < MAX_SCORES || self.ran.contains_key(&span.conn)) {
            *self.ran.entry(span.conn).or_default() += length;
        }
    }

    /// A thread has taken up the request of a connection, or answered it.
    pub fn served(&mut self, conn: ConnId, at: Nanos, begins: bool) {
        if begins && self.served.len() < MAX_SCORES {
            self.served.insert(conn, at);
        } else if let Some(began) = self.served.remove(&conn) {
            let length = self.within(began, at);
            if self.ran.len() < MAX_SCORES || self.ran.contains_key(&conn) {
                *self.ran.entry(conn).or_default() += length;
            }
        }
    }

    #[inline]
    pub fn sent(&mut self, client: ClientId, at: Nanos) {
        if let Some(one) = self.waited.get_mut(client.0 as usize) {
            one.1 = Some(at);
        }
    }

    #[inline]
    pub fn finished(&mut self, client: ClientId, at: Nanos) {
        if let Some(since) = self.waited.get_mut(client.0 as usize).and_then(|one| one.1.take()) {
            let length = self.within(since, at);
            self.waited[client.0 as usize].2 += length;
        }
    }

    /// Who is to be followed: the chosen one; those whose callbacks held the loop for longest; where there is room, those who waited longest.
    /// Whoever is followed stays until somebody was twice as busy, so that the rows stand still. `running`: the callback that is not over.
    pub fn choose(&self, wish: &Wish, followed: &[ConnId], running: Option<Span>, now: Nanos) -> Vec<ConnId> {
        let so_far = running.map(|span| (span.conn, self.within(span.began, now)));
        let so_far = so_far.filter(|(conn, _)| conn.is_some());
        let mut ran = self.ran.clone();
        if let Some((conn, length)) = so_far {
            *ran.entry(conn).or_default() += length;
        }
        let score = |conn: &ConnId| ran.get(conn).copied().unwrap_or(0);
        let room = wish.lives.saturating_sub(usize::from(wish.chosen.is_some()));
        let mut kept: Vec<ConnId> = followed.iter().copied().filter(|c| Some(*c) != wish.chosen && score(c) > 0).collect();
        kept.sort_by_key(|conn| Reverse(score(conn)));
        kept.truncate(room);
        let mut others: Vec<ConnId> = ran.keys().copied().filter(|c| Some(*c) != wish.chosen && !kept.contains(c)).collect();
        others.sort_by_key(|conn| (Reverse(score(conn)), conn.0));
        for other in others.into_iter().take(room) {
            if kept.len() < room {
                kept.push(other);
            } else if let Some(least) = kept.iter_mut().min_by_key(|conn| score(conn)).filter(|least| score(&other) > 2 * score(least)) {
                *least = other;
            }
        }
        if kept.len() < room {
            let waited = |(conn, since, before): &(ConnId, Option<Nanos>, u64)| {
                let length = since.map_or(0, |since| self.within(since, now)) + before;
                (conn.is_some() && length > 0).then_some((Reverse(length), conn.0))
            };
            let mut waiting: Vec<_> = self.waited.iter().filter_map(waited).collect();
            waiting.sort_unstable();
            let idle = followed.iter().copied().chain(waiting.into_iter().map(|(_, conn)| ConnId(conn)));
            for conn in idle {
                if kept.len() < room && !kept.contains(&conn) && Some(conn) != wish.chosen {
                    kept.push(conn);
                }
            }
        }
        kept.sort_by_key(|conn| conn.0);
        wish.chosen.into_iter().take(wish.lives).chain(kept).collect()
    }
}
