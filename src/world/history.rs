//! The past: the last events within a stated ceiling of memory, and worlds from which any moment of it can be folded again.
//!
//! Events lie in chunks, packed into 16 bytes each; every chunk begins with a keyframe, a clone of the world as it was. To see a moment
//! is to clone the keyframe before it and fold on: at most a chunk's events. Whoever goes back step by step finds worlds nearer by, which
//! were kept on the way ([`Near`]). When the ceiling is reached the oldest chunk goes.
//! An event's number counts from the lab's beginning and stays the same when older ones are forgotten.

use std::collections::VecDeque;

use super::{MAX_LAST_WORDS, World};
use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::telemetry::event::{Event, Lane, Origin, What};
use crate::telemetry::vocabulary::Phase;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events, at most.
    pub events: usize,
    /// Bytes of events, keyframes and last words together, at most; the newest keyframe and its events are kept in any case.
    pub bytes: usize,
}

impl Default for Limits {
    /// 4 million events in 160 MiB: three minutes of 2,000 requests a second, four seconds of 100,000.
    fn default() -> Self {
        Self { events: 4_000_000, bytes: 160 << 20 }
    }
}

/// Chunks that a full history has.
const CHUNKS: usize = 64;
/// Last words that a chunk keeps.
const MAX_NOTES: usize = 64;

/// The last events.
#[derive(Debug)]
pub struct History {
    chunks: VecDeque<Chunk>,
    limits: Limits,
    /// Events of a chunk.
    chunk: usize,
    bytes: usize,
    /// The room of the chunk that was forgotten last: new pages cost more than what is written to them.
    spare: Vec<Packed>,
}

/// Worlds a little before a place of the past: the way back from it, step by step, begins at them. Of one history; at most [`MAX_NEAR`].
#[derive(Clone, Debug, Default)]
pub struct Near(Vec<(u64, World)>);

/// How many events before a place a world is kept, where the way to it was longer: the first step back folds a chunk's events, those after it
/// no more than so many. One is kept at a time: of ten thousand clients, a copy of the world costs as much as folding these events.
const STRIDE: u64 = 8_192;
/// Worlds that are kept near a place.
pub const MAX_NEAR: usize = 4;

#[derive(Debug)]
struct Chunk {
    /// The number of its first event.
    first: u64,
    /// The world before that event.
    keyframe: World,
    keyframe_bytes: usize,
    /// What the times of its events count from.
    base: Nanos,
    earliest: Nanos,
    latest: Nanos,
    events: Vec<Packed>,
    /// The specimens whose loops begin a tick among its events, as bits (bit 63: 63 and above).
    ticks: u64,
    /// Last words: after how many events of the chunk, whose, what.
    notes: Vec<(usize, SpecimenId, String)>,
}

/// An event in 16 bytes: 40 bits of time since the chunk's base, lane, specimen and kind in one word, the fact's halves in the other.
#[derive(Clone, Copy, Debug)]
struct Packed(u64, u64);

/// Times of a chunk that can be told apart, in bits of nanoseconds: 18 minutes.
const TIME_BITS: u32 = 40;
/// How much earlier than the world's present an event of a new chunk may be: rings are a little out of order.
const SLACK: Nanos = Nanos::secs(1);

impl Packed {
    fn new(base: Nanos, event: &Event) -> Option<Self> {
        let time = event.at.0.checked_sub(base.0).filter(|time| time >> TIME_BITS == 0)?;
        let lane = event.from.lane.pack();
        let (kind, a, b) = event.what.pack();
        let head = time << 24 | u64::from(lane) << 16 | u64::from(event.from.specimen.0) << 8 | u64::from(kind);
        Some(Self(head, u64::from(a) << 32 | u64::from(b)))
    }

    fn specimen(self) -> SpecimenId {
        SpecimenId((self.0 >> 8) as u8)
    }

    fn at(self, base: Nanos) -> Nanos {
        base + Nanos(self.0 >> 24)
    }

    fn event(self, base: Nanos) -> Option<Event> {
        let lane = Lane::unpack((self.0 >> 16) as u8);
        let what = What::unpack(self.0 as u8, (self.1 >> 32) as u32, self.1 as u32)?;
        Some(Event { at: self.at(base), from: Origin { specimen: self.specimen(), lane }, what })
    }
}

impl Chunk {
    fn bytes(&self) -> usize {
        self.keyframe_bytes + self.events.capacity() * size_of::<Packed>() + self.notes.iter().map(|(.., words)| words.len()).sum::<usize>()
    }
}

impl History {
    /// A history that begins with this world.
    pub fn new(world: &World, limits: Limits) -> Self {
        let chunk = (limits.events / CHUNKS).clamp(64, 1 << 20);
        let mut history = Self { chunks: VecDeque::new(), limits, chunk, bytes: 0, spare: Vec::new() };
        history.begin(world, 0, world.now.since(SLACK));
        history
    }

    /// Remembers an event. `before`: the world before it is folded (it is cloned at the beginning of each chunk).
    ///
    /// Whatever [`World::advance`] has named by then must not lie beyond an event that is still to come: a keyframe has gone as far.
    pub fn record(&mut self, before: &World, event: &Event) {
        let mut packed = None;
        if let Some(chunk) = self.chunks.back()
            && chunk.events.len() < self.chunk
        {
            packed = Packed::new(chunk.base, event);
        }
        let packed = packed.or_else(|| {
            let next = self.end();
            self.begin(before, next, before.now.min(event.at).since(SLACK).max(event.at.since(Nanos((1 << TIME_BITS) - 1))));
            Packed::new(self.chunks.back()?.base, event)
        });
        let (Some(chunk), Some(packed)) = (self.chunks.back_mut(), packed) else { return };
        if let What::Entered { phase: Phase::Poll, .. } = event.what {
            chunk.ticks |= bit(event.from.specimen);
        }
        chunk.events.push(packed);
        chunk.earliest = chunk.earliest.min(event.at);
        chunk.latest = chunk.latest.max(event.at);
        self.forget();
    }

    /// Remembers last words, which lie beside the events.
    pub fn note(&mut self, specimen: SpecimenId, words: &str) {
        let Some(chunk) = self.chunks.back_mut().filter(|chunk| chunk.notes.len() < MAX_NOTES && words.len() <= MAX_LAST_WORDS) else {
            return;
        };
        chunk.notes.push((chunk.events.len(), specimen, words.to_string()));
        self.bytes += words.len();
    }

    fn begin(&mut self, world: &World, first: u64, base: Nanos) {
        let keyframe = world.clone();
        let mut events = std::mem::take(&mut self.spare);
        self.bytes = self.bytes.saturating_sub(events.capacity() * size_of::<Packed>());
        // All at once: the system gives the pages as they are used, and growing would copy them.
        events.reserve_exact(self.chunk);
        let chunk = Chunk {
            first,
            keyframe_bytes: keyframe.bytes(),
            keyframe,
            base,
            earliest: Nanos::MAX,
            latest: Nanos::ZERO,
            events,
            ticks: 0,
            notes: Vec::new(),
        };
        self.bytes += chunk.bytes();
        self.chunks.push_back(chunk);
    }

    /// Lets the oldest go while there is more than the limits allow; the newest chunk always stays.
    fn forget(&mut self) {
        while self.chunks.len() > 1 && (self.bytes > self.limits.bytes || self.len() > self.limits.events) {
            if let Some(mut gone) = self.chunks.pop_front() {
                self.bytes = self.bytes.saturating_sub(gone.bytes());
                if self.bytes + self.chunk * size_of::<Packed>() <= self.limits.bytes {
                    gone.events.clear();
                    self.bytes = self.bytes + gone.events.capacity() * size_of::<Packed>() - self.spare.capacity() * size_of::<Packed>();
                    self.spare = gone.events;
                }
            }
        }
    }

    /// Events that are kept.
    pub fn len(&self) -> usize {
        (self.end() - self.first()) as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the history takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the oldest event that is kept.
    pub fn first(&self) -> u64 {
        self.chunks.front().map_or(0, |chunk| chunk.first)
    }

    /// The number that the next event will have: how many there have been.
    pub fn end(&self) -> u64 {
        self.chunks.back().map_or(0, |chunk| chunk.first + chunk.events.len() as u64)
    }

    /// The earliest moment that can be seen, and the latest.
    pub fn span(&self) -> (Nanos, Nanos) {
        let latest = self.chunks.iter().map(|chunk| chunk.latest.max(chunk.keyframe.now)).max();
        (self.chunks.front().map_or(Nanos::ZERO, |chunk| chunk.keyframe.now), latest.unwrap_or_default())
    }

    /// The world at a moment: all events in the order in which they came, up to the first that lies beyond it, and time passed up to it.
    ///
    /// Before the earliest moment that is kept: the world at that one.
    pub fn at(&self, moment: Nanos) -> World {
        let from = self.chunks.partition_point(|chunk| chunk.keyframe.now <= moment).saturating_sub(1);
        let mut world = self.fold(from, |_, event| event.at <= moment);
        world.advance(moment);
        world
    }

    /// The world just after event number `n`; of one that is forgotten, the earliest world that is kept.
    pub fn after(&self, n: u64) -> World {
        let from = self.chunks.partition_point(|chunk| chunk.first <= n).saturating_sub(1);
        let mut world = self.fold(from, |number, _| number <= n);
        world.advance(world.now);
        world
    }

    /// The world before event number `next`, with time passed up to its last event or beyond; of one that is forgotten, the earliest that is kept.
    /// Begins at a world that is near, where one is, and keeps some for whoever goes on backwards.
    pub fn before(&self, next: u64, near: &mut Near) -> World {
        let next = next.clamp(self.first(), self.end());
        let from = self.chunks.partition_point(|chunk| chunk.first <= next).saturating_sub(1);
        let Some(chunk) = self.chunks.get(from) else { unreachable!("a history has at least one chunk") };
        near.0.retain(|(n, _)| (self.first()..=next).contains(n));
        let (mut world, begin) = match near.0.last().filter(|(n, _)| *n > chunk.first) {
            Some((n, world)) => (world.clone(), *n),
            None => (chunk.keyframe.clone(), chunk.first),
        };
        let wanted = next.checked_sub(STRIDE).filter(|n| *n > begin);
        let keep = |number: u64, world: &World| {
            if wanted == Some(number) {
                near.0.push((number, world.clone()));
            }
        };
        self.fold_on(&mut world, (from, (begin - chunk.first) as usize, begin == chunk.first), |number, _| number < next, keep);
        if near.0.len() > MAX_NEAR {
            near.0.drain(..near.0.len() - MAX_NEAR);
        }
        world
    }

    /// Lets a world that has taken in all events before number `next` take in what follows, while it is so. Where the next one is to be found.
    ///
    /// Nothing of what follows may have been forgotten.
    pub fn go_on(&self, world: &mut World, next: u64, on: impl Fn(u64, &Event) -> bool) -> u64 {
        let from = self.chunks.partition_point(|chunk| chunk.first <= next).saturating_sub(1);
        let Some(skip) = self.chunks.get(from).and_then(|chunk| next.checked_sub(chunk.first)) else { return next };
        let mut reached = next;
        self.fold_on(world, (from, skip as usize, false), on, |number, _| reached = number + 1);
        reached
    }

    fn fold(&self, from: usize, on: impl Fn(u64, &Event) -> bool) -> World {
        let Some(start) = self.chunks.get(from) else { unreachable!("a history has at least one chunk") };
        let mut world = start.keyframe.clone();
        self.fold_on(&mut world, (from, 0, true), on, |_, _| {});
        world
    }

    /// Folds on, while it is so, from a place: which chunk, which of its events, and whether the world is fresh, that chunk's keyframe; otherwise
    /// what was said up to there is known to it. `pass` sees the world before each event that is taken in.
    fn fold_on(
        &self,
        world: &mut World,
        (from, mut skip, fresh): (usize, usize, bool),
        on: impl Fn(u64, &Event) -> bool,
        mut pass: impl FnMut(u64, &World),
    ) {
        let mut known = if fresh { None } else { Some(skip) };
        for chunk in self.chunks.range(from..) {
            let mut notes = chunk.notes.iter().skip_while(|(after, ..)| known.is_some_and(|known| *after <= known)).peekable();
            for n in skip..=chunk.events.len() {
                while let Some((_, specimen, words)) = notes.next_if(|(after, ..)| *after <= n) {
                    world.last_words(*specimen, words.clone());
                }
                let Some(event) = chunk.events.get(n).and_then(|packed| packed.event(chunk.base)) else { continue };
                let number = chunk.first + n as u64;
                if !on(number, &event) {
                    return;
                }
                pass(number, world);
                world.apply(&event);
            }
            (skip, known) = (0, None);
        }
    }

    /// The event with this number, if it is kept.
    pub fn event(&self, n: u64) -> Option<Event> {
        let chunk = self.chunks.get(self.chunks.partition_point(|chunk| chunk.first <= n).checked_sub(1)?)?;
        chunk.events.get(usize::try_from(n - chunk.first).ok()?)?.event(chunk.base)
    }

    /// The number of the first event, in the order in which they came, that lies beyond a moment; where there is none, the next number.
    pub fn position(&self, moment: Nanos) -> u64 {
        let from = self.chunks.partition_point(|chunk| chunk.keyframe.now <= moment).saturating_sub(1);
        for chunk in self.chunks.range(from..) {
            if chunk.latest > moment
                && let Some(n) = chunk.events.iter().position(|packed| packed.at(chunk.base) > moment)
            {
                return chunk.first + n as u64;
            }
        }
        self.end()
    }

    /// The number of the first event after number `n` with which a tick of this specimen's loop begins.
    pub fn next_tick(&self, n: u64, specimen: SpecimenId) -> Option<u64> {
        let after = |chunk: &&Chunk| chunk.first + chunk.events.len() as u64 > n + 1 && chunk.ticks & bit(specimen) != 0;
        self.chunks.iter().filter(after).find_map(|chunk| {
            let skip = (n + 1).saturating_sub(chunk.first) as usize;
            let found = chunk.events.iter().skip(skip).position(|packed| begins_tick(*packed, specimen))?;
            Some(chunk.first + (skip + found) as u64)
        })
    }

    /// The number of the last event before number `n` with which a tick of this specimen's loop begins.
    pub fn previous_tick(&self, n: u64, specimen: SpecimenId) -> Option<u64> {
        self.chunks.iter().rev().filter(|chunk| chunk.first < n && chunk.ticks & bit(specimen) != 0).find_map(|chunk| {
            let most = usize::try_from(n - chunk.first).unwrap_or(usize::MAX).min(chunk.events.len());
            let found = chunk.events[..most].iter().rposition(|packed| begins_tick(*packed, specimen))?;
            Some(chunk.first + found as u64)
        })
    }

    /// The events of one specimen from number `n` on, with their numbers, in the order in which they came.
    pub fn from(&self, n: u64, specimen: SpecimenId) -> impl Iterator<Item = (u64, Event)> {
        let chunks = self.chunks.iter().skip_while(move |chunk| chunk.first + chunk.events.len() as u64 <= n);
        chunks.flat_map(move |chunk| {
            let skip = usize::try_from(n.saturating_sub(chunk.first)).unwrap_or(usize::MAX);
            let numbered = chunk.events.iter().enumerate().skip(skip).filter(move |(_, packed)| packed.specimen() == specimen);
            numbered.filter_map(|(n, packed)| Some((chunk.first + n as u64, packed.event(chunk.base)?)))
        })
    }

    /// The events of a stretch of time, both ends included, with their numbers, in the order in which they came; of one specimen or of all.
    pub fn between(&self, from: Nanos, to: Nanos, specimen: Option<SpecimenId>) -> impl Iterator<Item = (u64, Event)> {
        let chunks = self.chunks.iter().filter(move |chunk| chunk.latest >= from && chunk.earliest <= to);
        chunks.flat_map(move |chunk| {
            let wanted = move |packed: Packed| {
                let at = packed.at(chunk.base);
                at >= from && at <= to && specimen.is_none_or(|one| packed.specimen() == one)
            };
            let numbered = chunk.events.iter().enumerate().filter(move |(_, packed)| wanted(**packed));
            numbered.filter_map(|(n, packed)| Some((chunk.first + n as u64, packed.event(chunk.base)?)))
        })
    }
}

/// The bit of a specimen among those of a chunk's ticks.
fn bit(specimen: SpecimenId) -> u64 {
    1 << specimen.0.min(63)
}

fn begins_tick(packed: Packed, specimen: SpecimenId) -> bool {
    let (kind, phase, _) = What::Entered { phase: Phase::Poll, detail: 0 }.pack();
    packed.0 as u8 == kind && (packed.1 >> 32) as u32 == phase && packed.specimen() == specimen
}
