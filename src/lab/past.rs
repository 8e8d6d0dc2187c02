//! The second clock: a place in the recorded past, and the world as it was there, while the loop runs on.
//!
//! Slow the playback, never the loop. Freezing is standing still at a place; stepping, scrubbing and slow motion move it, event by event or tick
//! by tick, both ways. Forwards is folding on from where one stands; backwards is folding again from the keyframe before, or from a world
//! nearer by that was kept on the way.

use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::telemetry::Event;
use crate::world::history::{History, Near};
use crate::world::stalls::Stall;
use crate::world::{Strike, World};

/// The speeds of playback, as parts of real time: 1/100,000 up to ten times.
pub const SPEEDS: &[f64] = &[1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];

/// Where slow motion begins, in [`SPEEDS`].
const A_THOUSANDTH: usize = 2;

/// How many events a single forward move folds on before it is cheaper to begin at a keyframe.
const FOLD_ON: u64 = 150_000;

/// A place in the past.
#[derive(Clone, Debug)]
pub struct Past {
    world: World,
    /// The number of the last event that the world has taken in, and one: where the next one is to be found.
    next: u64,
    /// The moment that is shown; between two events time passes too.
    at: Nanos,
    /// Which of [`SPEEDS`] it plays at, or would.
    pace: usize,
    /// Whether it plays; otherwise it stands.
    plays: bool,
    /// What makes the way back short.
    near: Near,
}

impl Past {
    /// Stands still at the latest moment that is kept.
    pub fn freeze(history: &History, live: &World) -> Self {
        Self { world: live.clone(), next: history.end(), at: live.now, pace: A_THOUSANDTH, plays: false, near: Near::default() }
    }

    /// The world as it was.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The moment that is shown.
    pub fn at(&self) -> Nanos {
        self.at
    }

    /// The number of the event that happened last, if any did.
    pub fn event(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// How far behind the present it is.
    pub fn behind(&self, live: Nanos) -> Nanos {
        live.since(self.at)
    }

    /// The speed it plays at, as a part of real time; nothing where it stands.
    pub fn speed(&self) -> Option<f64> {
        self.plays.then(|| SPEEDS[self.pace])
    }

    /// Plays at the speed of the last time, the first time at a thousandth; or stands still again.
    pub fn play_or_stand(&mut self) {
        self.plays = !self.plays;
    }

    /// Plays faster (or slower); one that stood begins to play at the speed of the last time.
    pub fn change_speed(&mut self, faster: bool) {
        if self.plays {
            self.pace = if faster { (self.pace + 1).min(SPEEDS.len() - 1) } else { self.pace.saturating_sub(1) };
        }
        self.plays = true;
    }

    /// Lets so much real time pass for one that plays. At real time or faster it stands still when it has come to the end of what is kept.
    pub fn pass(&mut self, history: &History, real: Nanos) {
        let Some(speed) = self.speed() else { return };
        let to = self.at + Nanos((real.0 as f64 * speed) as u64);
        let end = history.span().1;
        self.seek(history, to.min(end.max(self.at)));
        // Slow motion is outrun by the present, of which more is about to be told; who is as fast has seen all there is.
        if to >= end && speed >= 1.0 {
            self.plays = false;
        }
    }

    /// Goes to a moment, or to the earliest or latest that is kept.
    pub fn seek(&mut self, history: &History, to: Nanos) {
        self.show(history, to.min(history.span().1));
    }

    /// Shows this moment, or the earliest that is kept. The present may have come to it without an event.
    fn show(&mut self, history: &History, to: Nanos) {
        let to = to.max(history.span().0);
        let next = history.position(to);
        if to < self.at || !self.fold_on(history, next, |_, event| event.at <= to) {
            self.world = history.before(next, &mut self.near);
            self.next = next;
        }
        self.world.advance(to);
        self.at = to;
    }

    /// Goes to a moment, or to the earliest or latest that is kept, and stands there.
    pub fn go_to(&mut self, history: &History, to: Nanos) {
        self.plays = false;
        self.seek(history, to);
    }

    /// Goes so much further, or back.
    pub fn scrub(&mut self, history: &History, by: Nanos, forwards: bool) {
        self.plays = false;
        self.seek(history, if forwards { self.at + by } else { self.at - by });
    }

    /// Goes to just after the next event, or takes back the last one.
    pub fn step_event(&mut self, history: &History, forwards: bool) {
        self.plays = false;
        if forwards {
            // What came next may have been forgotten meanwhile: then it is the earliest that is kept.
            self.show_through(history, self.next.max(history.first()));
        } else if let Some(n) = self.next.checked_sub(2) {
            self.show_through(history, n);
        }
    }

    /// Goes to the beginning of the next tick of this specimen's loop, or of the one before.
    pub fn step_tick(&mut self, history: &History, specimen: SpecimenId, forwards: bool) {
        self.plays = false;
        let last = self.next.saturating_sub(1).max(history.first().saturating_sub(1));
        let tick = if forwards { history.next_tick(last, specimen) } else { history.previous_tick(last, specimen) };
        if let Some(n) = tick {
            self.show_through(history, n);
        }
    }

    /// Goes to where a trigger struck: just after the event that it was, or to the moment at which a length was exceeded.
    pub fn stand_at(&mut self, history: &History, strike: &Strike) {
        self.plays = false;
        match strike.event.filter(|n| (history.first()..history.end()).contains(n)) {
            Some(n) => self.show_through(history, n),
            None => self.show(history, strike.at),
        }
    }

    /// Whether it stands exactly where a trigger struck.
    pub fn is_at(&self, strike: &Strike) -> bool {
        strike.event.map_or(self.at == strike.at, |n| self.event() == Some(n) && self.at == self.world.now)
    }

    /// Goes to the beginning of the next stall of this specimen, or of the one before, among those that `live` remembers.
    pub fn jump_to_stall(&mut self, history: &History, live: &World, specimen: SpecimenId, forwards: bool) -> Option<Stall> {
        self.plays = false;
        let stalls = &live.specimens.get(usize::from(specimen.0))?.stalls;
        let mut known = stalls.past.iter().chain(&stalls.current);
        // A moment into it, so that the callback has begun and the next jump goes on from here.
        let place = |stall: &Stall| stall.began + Nanos::micros(1);
        let found = if forwards { known.find(|stall| place(stall) > self.at) } else { known.rfind(|stall| place(stall) < self.at) };
        let stall = *found?;
        self.seek(history, place(&stall));
        Some(stall)
    }

    /// How long the callback that runs at this moment holds the loop in all, where `live` remembers it as a stall of this specimen.
    pub fn ahead(&self, live: &World, specimen: SpecimenId) -> Option<Nanos> {
        let n = usize::from(specimen.0);
        let since = self.world.specimens.get(n)?.reactor.running?.since;
        let stalls = &live.specimens.get(n)?.stalls;
        stalls.past.iter().find(|stall| stall.began == since).map(|stall| stall.length)
    }

    /// Shows the world just after event number `n`, as far as it is kept.
    fn show_through(&mut self, history: &History, n: u64) {
        if n < history.first() || n >= history.end() {
            return;
        }
        if n < self.next || !self.fold_on(history, n + 1, |number, _| number <= n) {
            self.world = history.before(n + 1, &mut self.near);
            self.next = n + 1;
        }
        self.world.advance(self.world.now);
        self.at = self.world.now;
    }

    /// Folds on while it is so, up to about event number `until`. False where what comes next is no longer kept, or too far: then nothing
    /// has been done.
    fn fold_on(&mut self, history: &History, until: u64, on: impl Fn(u64, &Event) -> bool) -> bool {
        if self.next < history.first() || until.saturating_sub(self.next) > FOLD_ON {
            return false;
        }
        self.next = history.go_on(&mut self.world, self.next, on);
        true
    }
}

/// How much later than the moment in hand the surroundings end when they are taken anew.
const AHEAD: Nanos = Nanos::secs(3);
/// How much of what lies before their end is in sight on every screen that draws them.
const IN_SIGHT: Nanos = Nanos::secs(6);

/// What lay around a moment of the past: the world a little later than it, whose strips reach back over it. It stays the same while the moment
/// moves within it, so that a picture of it stands still.
#[derive(Clone, Debug)]
pub struct Surroundings(World);

impl Surroundings {
    /// Those that end here.
    pub fn ending(world: &World) -> Self {
        Self(world.clone())
    }

    /// The world at their end.
    pub fn world(&self) -> &World {
        &self.0
    }

    /// Follows a moment that has left what is in sight.
    pub fn follow(&mut self, history: &History, at: Nanos) {
        if at > self.0.now || self.0.now.since(at) > IN_SIGHT {
            let (earliest, latest) = history.span();
            self.0 = history.at((at + AHEAD).clamp(earliest, latest.max(earliest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::history::Limits;
    use crate::world::testing::{Story, recorded, recorded_within};
    use crate::world::{Armed, Struck, TriggerSetting};
    use proptest::prelude::*;

    /// A second of calm, a stall of 400 ms, and calm again, as a history.
    fn story() -> (History, World) {
        let story = Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::millis(500));
        let (world, history) = recorded(&story);
        (history, world)
    }

    fn digest(world: &World) -> (Nanos, u64, u64, u64, u32) {
        let s = &world.specimens[0];
        (world.now, world.events, s.reactor.ticks, s.reactor.requests, s.clients.in_flight)
    }

    #[test]
    fn a_step_forwards_takes_a_step_back_back() {
        let (history, live) = story();
        let mut past = Past::freeze(&history, &live);
        past.seek(&history, Nanos::millis(700));
        let there = digest(past.world());
        for _ in 0..5 {
            past.step_event(&history, false);
        }
        assert!(past.world().events < there.1);
        for _ in 0..5 {
            past.step_event(&history, true);
        }
        assert_eq!(past.world().events, there.1);
        let ticks = past.world().specimens[0].reactor.ticks;
        past.step_tick(&history, SpecimenId(0), true);
        past.step_tick(&history, SpecimenId(0), true);
        past.step_tick(&history, SpecimenId(0), false);
        assert_eq!(past.world().specimens[0].reactor.ticks, ticks + 1);
    }

    #[test]
    fn surroundings_stand_still_until_the_moment_leaves_them_and_hold_it_again_then() {
        let story = Story::new(&["naive", "pool"]).calm(Nanos::secs(14)).stall(Nanos::millis(400)).calm(Nanos::secs(2));
        let (live, history) = recorded_within(&story, Limits { events: 1_000_000, bytes: 128 << 20 });
        let mut around = Surroundings::ending(&live);
        let end = around.world().now;
        for back in [0, 100, 5_900] {
            around.follow(&history, end - Nanos::millis(back));
            assert_eq!(around.world().now, end, "{back} ms back is still in sight");
        }
        for at in [8_000, 2_000, 9_900, 15_000, 16_300] {
            let at = Nanos::millis(at);
            around.follow(&history, at);
            let shown = around.world();
            assert!(shown.now >= at && shown.now.since(at) <= IN_SIGHT && shown.now <= end, "{at}: {}", shown.now);
            assert_eq!(shown.specimens[0].reactor.ticks, history.at(shown.now).specimens[0].reactor.ticks);
        }
    }

    #[test]
    fn playing_ends_at_the_end_and_standing_stands() {
        let (history, live) = story();
        let mut past = Past::freeze(&history, &live);
        past.seek(&history, Nanos::millis(100));
        past.pass(&history, Nanos::secs(1));
        assert_eq!(past.at(), Nanos::millis(100), "it stands");
        past.play_or_stand();
        assert_eq!(past.speed(), Some(1e-3));
        past.pass(&history, Nanos::secs(1));
        assert_eq!(past.at(), Nanos::millis(101));
        past.change_speed(true);
        past.play_or_stand();
        past.play_or_stand();
        assert_eq!(past.speed(), Some(1e-2), "it plays on as fast as it did");
        for _ in 0..9 {
            past.change_speed(true);
        }
        past.pass(&history, Nanos::secs(60));
        assert_eq!((past.speed(), past.at()), (None, history.span().1));
    }

    #[test]
    fn stalls_are_jumped_to_both_ways() {
        let (history, live) = story();
        let mut past = Past::freeze(&history, &live);
        assert_eq!(past.jump_to_stall(&history, &live, SpecimenId(0), true), None);
        let stall = past.jump_to_stall(&history, &live, SpecimenId(0), false).unwrap();
        assert!(stall.length >= Nanos::millis(400), "{stall:?}");
        assert_eq!(past.world().specimens[0].reactor.running.map(|r| r.since), Some(stall.began));
        assert_eq!(past.ahead(&live, SpecimenId(0)), Some(stall.length));
        assert_eq!(past.jump_to_stall(&history, &live, SpecimenId(0), false), None);
        past.seek(&history, Nanos::ZERO);
        assert_eq!(past.jump_to_stall(&history, &live, SpecimenId(0), true), Some(stall));
    }

    #[test]
    fn a_length_that_is_exceeded_while_nothing_is_told_is_stood_at_all_the_same() {
        let (history, live) = story();
        let mut past = Past::freeze(&history, &live);
        // The last event is a while ago when the length is over.
        let at = history.span().1 + Nanos::millis(40);
        let over = Nanos::millis(100);
        let strike = Strike {
            armed: Armed { setting: TriggerSetting::Stall { over }, only: None, at: Nanos::ZERO },
            specimen: SpecimenId(0),
            process: None,
            at,
            event: None,
            what: Struck::Death { signal: 9, code: 0 },
        };
        past.stand_at(&history, &strike);
        assert_eq!((past.at(), past.world().now, past.is_at(&strike)), (at, at, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// However one gets to a moment, it is the same world as one folded from the beginning.
        #[test]
        fn every_way_to_a_moment_ends_at_the_same_world(moves in proptest::collection::vec(0_u64..2_000, 1..8)) {
            let (history, live) = story();
            let mut past = Past::freeze(&history, &live);
            for to in moves {
                past.seek(&history, Nanos::millis(to));
                prop_assert_eq!(digest(past.world()), digest(&history.at(past.at())));
                prop_assert_eq!(past.next, history.position(past.at()));
            }
        }
    }
}
