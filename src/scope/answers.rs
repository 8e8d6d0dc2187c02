//! What is found out for the person from the recorded past, and not from the world: why a request was slow, whose victims there are.
//!
//! Asked anew only when something else is asked, or while the answer still grows; so a picture does not pay for it. A function of what is
//! chosen, of the world that is shown and of the history.

use crate::base::ids::{ClientId, ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::world::clients::Slow;
use crate::world::history::History;
use crate::world::life::Life;
use crate::world::why::{Question, Why};
use crate::world::{Specimen, Stall, StallEnd, World, victims};

use super::rows::{RequestOrder, RowId, Track};
use super::ui::{Open, Screen, Ui};

/// How often the victims of a stall that has just ended are looked for again.
const AGAIN: Nanos = Nanos::millis(250);
/// How long that goes on.
const SETTLED: Nanos = Nanos::secs(3);

/// How far beyond the moment in hand the end of a request is looked for.
const PATIENCE: Nanos = Nanos::secs(30);

/// A request that somebody asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// This client's, meant to be sent at this moment.
    Request(ClientId, Nanos),
    /// The last one of this connection.
    LastOf(ConnId),
}

/// What has been found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Why the request that is asked about was slow; nothing where its events are not kept.
    pub why: Option<Why>,
    /// The victims of the stall that is looked at, and which it is.
    pub victims: Option<(Stall, Vec<Slow>)>,
    /// The life of the connection that is looked at.
    pub life: Option<Life>,
    ask: Option<(SpecimenId, Ask, Nanos)>,
    question: Option<Question>,
    looked: Nanos,
}

impl Answers {
    /// Finds out what is asked of the world that is shown.
    pub fn update(&mut self, ui: &Ui, world: &World, history: Option<&History>) {
        let Some((specimen, history)) = world.specimens.get(ui.chosen).zip(history) else {
            *self = Self::default();
            return;
        };
        if ui.screen == Screen::Latency && ui.rows.requests == RequestOrder::Victims {
            self.find_victims(specimen, world, history);
        }
        self.find_life(ui, specimen, world, history);
        // In the past, the last request of a connection is that of then.
        let then = |ask| if matches!((ask, ui.frozen), (Ask::LastOf(_), Some(_))) { world.now } else { Nanos::ZERO };
        let ask = ui.asked.filter(|_| ui.open == Open::Why).map(|ask| (specimen.id, ask, then(ask)));
        if ask != self.ask {
            self.ask = ask;
            self.question = ask.and_then(|(_, ask, _)| self.question(ask, specimen, world, history));
            // In the past it is known how a request ended that was under way then: whoever asks why wants all of it.
            if ui.frozen.is_some() {
                let known = (world.now + PATIENCE).min(history.span().1);
                self.question = self.question.map(|question| question.ended(history, known));
            }
            self.why = self.question.and_then(|question| Why::of(history, &question, world.now));
        } else if let Some(question) = self.question.filter(|question| question.end.is_none()) {
            let question = question.ended(history, world.now);
            self.question = Some(question);
            self.why = Why::of(history, &question, world.now);
        }
    }

    fn question(&self, ask: Ask, specimen: &Specimen, world: &World, history: &History) -> Option<Question> {
        match ask {
            Ask::Request(client, intended) => {
                let of_victims = self.victims.iter().flat_map(|(_, victims)| victims);
                let mut known = specimen.clients.tail.iter().chain(of_victims);
                let slow = known.find(|slow| slow.client == client && slow.intended == intended)?;
                Some(Question::about(specimen.id, slow))
            }
            Ask::LastOf(conn) => {
                let client = specimen.connections.get(conn).and_then(|connection| specimen.clients.at_port(connection.port));
                Question::last_of(history, specimen.id, conn, client, world.now)
            }
        }
    }

    fn find_life(&mut self, ui: &Ui, specimen: &Specimen, world: &World, history: &History) {
        let Some(Ask::LastOf(conn)) = ui.asked.filter(|_| ui.open == Open::Connection) else {
            self.life = None;
            return;
        };
        let stands = ui.frozen.is_some();
        let known = self.life.as_ref().filter(|life| life.conn == conn).map(|life| life.span.1);
        if known.is_none_or(|at| world.now.0.abs_diff(at.0) >= if stands { 1 } else { AGAIN.0 }) {
            self.life = Some(Life::of(history, specimen.id, conn, world.now));
        }
    }

    fn find_victims(&mut self, specimen: &Specimen, world: &World, history: &History) {
        let Some(stall) = specimen.stalls.current.or_else(|| specimen.stalls.past.last().copied()) else {
            self.victims = None;
            return;
        };
        let known =
            self.victims.as_ref().filter(|(known, _)| (known.began, known.length, known.end) == (stall.began, stall.length, stall.end));
        let grows = world.now < stall.until() + SETTLED && world.now.0.abs_diff(self.looked.0) >= AGAIN.0;
        if known.is_some() && !grows {
            return;
        }
        self.looked = world.now;
        let found = if stall.end == StallEnd::Ongoing {
            Some(victims::so_far(world, specimen, &stall))
        } else {
            victims::of_stall(history, specimen.id, &stall, world.now)
        };
        self.victims = Some((stall, found.unwrap_or_default()));
    }

    /// The requests of a table in this order.
    pub fn requests(&self, order: RequestOrder, specimen: &Specimen) -> Vec<Slow> {
        let mut all: Vec<Slow> = match (order, &self.victims) {
            (RequestOrder::Victims, victims) => victims.iter().flat_map(|(_, victims)| victims).copied().collect(),
            _ => specimen.clients.tail.clone(),
        };
        if order == RequestOrder::Newest {
            all.sort_by_key(|slow| std::cmp::Reverse(slow.intended + slow.latency));
        }
        all
    }
}

impl Ask {
    /// What is asked where this row is taken, if it is about a request.
    pub fn of(row: RowId) -> Option<Self> {
        match row {
            RowId::Connection(conn) | RowId::Track(Track::Connection(conn)) => Some(Self::LastOf(conn)),
            RowId::Request(client, intended) => Some(Self::Request(client, intended)),
            // What a worker process's connection has lived through is not told.
            RowId::OfWorker(..) | RowId::Track(_) => None,
        }
    }
}
