//! A single-producer, single-consumer ring of records between two processes.
//!
//! The producer publishes each record at once (`head`, released) and never waits: where the consumer lags by the whole
//! capacity the record is dropped and counted. After a SIGKILL of the producer everything below `head` is whole.
#![expect(clippy::inline_always, reason = "where it is called the kind of fact is known, and packing it folds to a constant")]

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::event::Record;
use crate::base::raw::Mapping;

const HEAD: usize = 0;
const DROPPED: usize = 1;
const TAIL: usize = 8;

/// The writing end.
#[derive(Debug)]
pub struct Producer {
    map: Arc<Mapping>,
    book: usize,
    records: usize,
    mask: u64,
    head: u64,
    /// The consumer's place when we last had to look; it only ever grows, so an old value is safe.
    tail: u64,
}

impl Producer {
    pub(super) fn new(map: Arc<Mapping>, book: usize, records: usize, capacity: usize) -> Self {
        let words = map.words();
        let (head, tail) = (words[book + HEAD].load(Acquire), words[book + TAIL].load(Acquire));
        Self { map, book, records, mask: capacity as u64 - 1, head, tail }
    }

    /// Writes and publishes a record, or drops and counts it.
    #[inline(always)]
    pub fn push(&mut self, record: Record) {
        if self.head.wrapping_sub(self.tail) > self.mask && !self.make_room() {
            return;
        }
        let words = self.map.words();
        let at = self.records + 2 * (self.head & self.mask) as usize;
        let place = &words[at..at + 2];
        place[0].store(record.0, Relaxed);
        place[1].store(record.1, Relaxed);
        self.head += 1;
        words[self.book + HEAD].store(self.head, Release);
    }

    #[cold]
    fn make_room(&mut self) -> bool {
        let words = self.map.words();
        self.tail = words[self.book + TAIL].load(Acquire);
        let room = self.head.wrapping_sub(self.tail) <= self.mask;
        if !room {
            words[self.book + DROPPED].fetch_add(1, Relaxed);
        }
        room
    }
}

/// The reading end.
#[derive(Debug)]
pub struct Consumer {
    map: Arc<Mapping>,
    book: usize,
    records: usize,
    mask: u64,
    tail: u64,
    dropped: u64,
}

impl Consumer {
    pub(super) fn new(map: Arc<Mapping>, book: usize, records: usize, capacity: usize) -> Self {
        let tail = map.words()[book + TAIL].load(Acquire);
        Self { map, book, records, mask: capacity as u64 - 1, tail, dropped: 0 }
    }

    /// Appends what has been published since the last call, at most `limit` records, and frees its place.
    ///
    /// Returns how many records were dropped since the last call.
    pub fn drain(&mut self, limit: usize, into: &mut Vec<Record>) -> u64 {
        let words = self.map.words();
        let head = words[self.book + HEAD].load(Acquire);
        // A damaged head must not make us read more than there is.
        let available = head.wrapping_sub(self.tail).min(self.mask + 1).min(limit as u64);
        into.reserve(available as usize);
        for n in self.tail..self.tail + available {
            let at = self.records + 2 * (n & self.mask) as usize;
            into.push(Record(words[at].load(Relaxed), words[at + 1].load(Relaxed)));
        }
        self.tail += available;
        words[self.book + TAIL].store(self.tail, Release);
        let dropped = words[self.book + DROPPED].load(Relaxed);
        let new = dropped.wrapping_sub(self.dropped);
        self.dropped = dropped;
        new
    }

    /// Records that wait to be read.
    pub fn waiting(&self) -> u64 {
        self.map.words()[self.book + HEAD].load(Acquire).wrapping_sub(self.tail)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Clock;
    use crate::telemetry::event::Record;
    use crate::telemetry::shared::Shared;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the order of pushes and drains: what comes out is what went in, in order, and what is missing is counted.
        #[test]
        fn nothing_is_lost_uncounted(steps in proptest::collection::vec((0_usize..40, 0_usize..40), 1..60)) {
            let (shared, _fd) = Shared::create("ring", &Clock::start(), 2, 32).unwrap();
            let (mut producer, mut consumer) = (shared.producer(1), shared.consumer(1));
            let (mut pushed, mut got, mut dropped) = (0_u64, Vec::new(), 0);
            for (pushes, limit) in steps {
                for _ in 0..pushes {
                    producer.push(Record(pushed, !pushed));
                    pushed += 1;
                }
                dropped += consumer.drain(limit, &mut got);
            }
            dropped += consumer.drain(usize::MAX, &mut got);
            prop_assert_eq!(got.len() as u64 + dropped, pushed);
            prop_assert!(got.iter().all(|r| r.1 == !r.0));
            prop_assert!(got.windows(2).all(|w| w[0].0 < w[1].0));
        }
    }

    #[test]
    fn a_reader_on_another_thread_sees_whole_records() {
        let (shared, fd) = Shared::create("ring", &Clock::start(), 1, 1 << 10).unwrap();
        let writer = std::thread::spawn(move || {
            let mut producer = shared.producer(0);
            for n in 0..200_000_u64 {
                producer.push(Record(n, n.wrapping_mul(0x9E37_79B9)));
            }
        });
        let mut consumer = Shared::open(fd).unwrap().consumer(0);
        let (mut records, mut dropped) = (Vec::new(), 0);
        loop {
            let over = writer.is_finished();
            dropped += consumer.drain(usize::MAX, &mut records);
            if over && consumer.waiting() == 0 {
                break;
            }
        }
        assert_eq!(records.len() as u64 + dropped, 200_000);
        assert!(records.iter().all(|r| r.1 == r.0.wrapping_mul(0x9E37_79B9)));
    }
}
