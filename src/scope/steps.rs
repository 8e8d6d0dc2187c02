//! Which style of `/chain` runs, how long its requests wait at each call, and the request that is followed: what the code pane shows in
//! place of the reactor while there are such requests.
//!
//! A step takes milliseconds and there are many requests at once, so marking each would flicker. Live, the request is followed that waits
//! longest, once an eye can; in the past, the one that stepped last. Moved on by the world's time.

use crate::base::ids::ConnId;
use crate::base::units::Nanos;
use crate::specimen::source;
use crate::telemetry::vocabulary::Style;
use crate::world::Specimen;
use crate::world::chains::{CALLS, Chain, Place};

/// The pane stays with `/chain` for so long after the last step.
const STAYS: Nanos = Nanos::secs(3);

/// What lasts of a specimen's requests to `/chain`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// The style that runs; nothing where there are no such requests.
    pub style: Option<Style>,
    /// How long requests have waited at each call lately; nothing where none has.
    pub waits: [Option<Nanos>; CALLS + 1],
    /// The request that is followed.
    pub followed: Option<Followed>,
    /// What had been waited when that was read.
    read: [(Nanos, u64); CALLS + 1],
    /// How many requests had been forgotten, and when one more was.
    forgotten: (u64, Option<Nanos>),
}

/// A request that is followed through its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Whose.
    pub conn: ConnId,
    /// Its line in the file of its style, from 1.
    pub line: usize,
    /// For how long it has been there.
    pub age: Nanos,
}

impl Steps {
    /// Looks at a specimen. `renew`: whether figures are to be read anew, which are held in between.
    pub fn look(&mut self, specimen: &Specimen, now: Nanos, readable: Nanos, renew: bool) {
        let chains = &specimen.errands.chains;
        let lately = chains.last.filter(|(_, place)| now.since(place.since) < STAYS);
        let shown = lately.or_else(|| chains.oldest(now)).filter(|_| specimen.is_alive() && specimen.stall().is_none());
        let Some((_, Place { style, .. })) = shown else {
            *self = Self::default();
            return;
        };
        let told = &chains.styles[style as usize];
        if self.style != Some(style) {
            *self = Self { style: Some(style), forgotten: (told.forgotten.iter().sum(), None), ..Self::default() };
            // What was waited before this was looked at is better than nothing.
            self.read_waits(told);
        } else if renew {
            self.read_waits(told);
        }
        let forgotten = told.forgotten.iter().sum();
        if forgotten > self.forgotten.0 {
            self.forgotten = (forgotten, Some(now));
        }
        let follow = |(conn, place): (ConnId, Place)| {
            let age = now.since(place.since);
            Followed { conn, line: source::line_of_step(style, place.step), age }
        };
        let long = || chains.oldest(now).filter(|(_, place)| place.style == style && now.since(place.since) >= readable);
        self.followed = if readable == Nanos::ZERO { lately.map(follow) } else { long().map(follow) };
    }

    fn read_waits(&mut self, told: &Chain) {
        for ((shown, read), waited) in self.waits.iter_mut().zip(&mut self.read).zip(told.waited) {
            let (time, requests) = (waited.0.since(read.0), waited.1.saturating_sub(read.1));
            if let Some(mean) = time.0.checked_div(requests) {
                // Half old, half new, as all shares of this pane.
                *shown = Some(shown.map_or(Nanos(mean), |old| Nanos(u64::midpoint(old.0, mean))));
            }
            *read = waited;
        }
    }

    /// The line that the pane is about.
    pub fn focus(&self, now: Nanos) -> Option<f64> {
        let style = self.style?;
        let forgotten = self.forgotten.1.filter(|at| now.since(*at) < STAYS).and_then(|_| source::line_of_forgotten(style));
        let line = forgotten.or(self.followed.map(|followed| followed.line)).unwrap_or_else(|| source::line_of_step(style, 2));
        Some(line as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::Story;

    fn story() -> Story {
        Story::new(&["naive"]).calm(Nanos::millis(300))
    }

    #[test]
    fn the_request_that_waits_is_followed_once_an_eye_can() {
        let readable = Nanos::millis(100);
        let story = story().chain(Nanos::millis(400), Style::AsyncAwait, Nanos::millis(700));
        let (world, mut steps) = (story.world(), Steps::default());
        steps.look(&world.specimens[0], world.now, readable, true);
        let followed = steps.followed.unwrap();
        assert_eq!((steps.style, followed.line), (Some(Style::AsyncAwait), source::line_of_step(Style::AsyncAwait, 1)));
        assert!(followed.age >= readable && steps.focus(world.now) == Some(followed.line as f64));
        steps.look(&world.specimens[0], world.now, Nanos::secs(9), true);
        assert_eq!(steps.followed, None, "not yet");
        steps.look(&world.specimens[0], world.now, Nanos::ZERO, true);
        assert!(steps.followed.is_some(), "in the past at once");
    }

    #[test]
    fn waits_are_read_and_what_was_forgotten_comes_into_view() {
        let quick = story().chain(Nanos::millis(600), Style::Callbacks, Nanos::millis(5));
        let (world, mut steps) = (quick.world(), Steps::default());
        steps.look(&world.specimens[0], world.now, Nanos::millis(100), true);
        assert!(steps.waits[1..].iter().all(|wait| wait.is_some_and(|w| w >= Nanos::millis(5) && w < Nanos::millis(40))), "{steps:?}");
        let forgets = quick.forget(Nanos::millis(300)).world();
        steps.look(&forgets.specimens[0], forgets.now, Nanos::millis(100), true);
        assert_eq!(steps.focus(forgets.now), source::line_of_forgotten(Style::Callbacks).map(|line| line as f64));
        let mut later = forgets;
        later.advance(later.now + Nanos::secs(30));
        steps.look(&later.specimens[0], later.now, Nanos::millis(100), true);
        assert_eq!(steps.style, None, "the pane goes back to the loop");
    }
}
