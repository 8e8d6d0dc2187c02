//! Where facts come from: a live lab or a recording, behind one trait, so that whatever folds them cannot tell which.

use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::telemetry::Event;

/// What a source reports: events, and the text that does not fit into one.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// An event.
    Event(Event),
    /// What a process of this specimen wrote on standard error before its end, made safe to show.
    LastWords(SpecimenId, String),
}

/// A source of facts.
pub trait Source {
    /// Appends what has come to be known since the last call, ordered by time, and returns the moment up to which the world may
    /// advance: no later fact will be much older than it.
    ///
    /// Facts of different processes can still arrive late by the time that passes between a stamp and its publication.
    ///
    /// # Errors
    /// Where the source itself fails; the death of a specimen is a fact.
    fn poll(&mut self, into: &mut Vec<Fact>) -> anyhow::Result<Nanos>;
}
