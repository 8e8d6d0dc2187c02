//! How many bytes a world takes: what the history's ceiling is reckoned with.

use hdrhistogram::Histogram;

use super::chains::Place;
use super::clients::{Client, ROWS};
use super::connections::Connection;
use super::curve::Point;
use super::reactor::{Ready, Tally};
use super::strip::Slice;
use super::threads::Serving;
use super::{Change, Clients, Connections, Specimen, Stall, World};
use crate::base::ids::{ClientId, ConnId};
use crate::base::units::Nanos;

/// Room that a hash map takes for each entry beside the entry itself: a byte of control, and a load of at most 7/8.
fn table<T>(capacity: usize) -> usize {
    capacity * 8 / 7 * (size_of::<T>() + 1)
}

fn histogram(histogram: &Histogram<u32>) -> usize {
    histogram.distinct_values() * size_of::<u32>()
}

impl World {
    /// Bytes that it takes, within a few per cent.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.specimens.iter().map(Specimen::bytes).sum::<usize>()
    }
}

impl Specimen {
    fn bytes(&self) -> usize {
        let tallies = self
            .reactor
            .causes
            .iter()
            .chain(&self.reactor.handlers)
            .chain([&self.reactor.timers])
            .map(|tally: &Tally| histogram(&tally.histogram));
        size_of::<Self>()
            + tallies.sum::<usize>()
            + self.reactor.ready.capacity() * size_of::<Ready>()
            + self.stalls.past.capacity() * size_of::<Stall>()
            + self.strip.slices.capacity() * size_of::<Slice>()
            + self.deaths.iter().map(|death| size_of_val(death) + death.last_words.capacity()).sum::<usize>()
            + self.changes.capacity() * size_of::<(Nanos, Change)>()
            + self.spells.bytes()
            + self.measures.bytes()
            + self.connections.bytes()
            + self.clients.bytes()
            + table::<(ConnId, Serving)>(self.threads.capacity())
            + table::<(ConnId, [Nanos; 8])>(self.jobs.capacity())
            + table::<(ConnId, Place)>(self.errands.chains.capacity())
            + self.processes.iter().map(Self::bytes).sum::<usize>()
            + 128 * 72 // The kernel's samples.
    }
}

impl Connections {
    fn bytes(&self) -> usize {
        table::<(ConnId, Connection)>(self.by_id.capacity()) + table::<(u16, ConnId)>(self.by_port.capacity()) + self.beside()
    }
}

impl Clients {
    fn bytes(&self) -> usize {
        let (each, by_port) = self.capacities();
        let histograms = self
            .recent
            .slices
            .iter()
            .chain(&self.recent_uncorrected.slices)
            .chain([&self.total, &self.total_uncorrected])
            .chain(&self.by_row)
            .map(histogram)
            .sum::<usize>();
        let spectrogram = self.spectrogram.cells.capacity() * size_of::<[u32; ROWS]>();
        histograms
            + spectrogram
            + self.curve.points.capacity() * size_of::<Point>()
            + size_of_val(&self.tail[..])
            + each * size_of::<Client>()
            + table::<(u16, ClientId)>(by_port)
    }
}
