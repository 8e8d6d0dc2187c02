//! Random ways through a long recorded past, held to a fold of the same events from their beginning.

use std::sync::LazyLock;

use loopscope::base::ids::SpecimenId;
use loopscope::base::units::Nanos;
use loopscope::lab::Past;
use loopscope::telemetry::event::{Event, Lane, Origin, What};
use loopscope::telemetry::vocabulary::{Phase, Trigger};
use loopscope::world::World;
use loopscope::world::history::{History, Limits};
use loopscope::world::testing::Story;
use proptest::prelude::*;

/// One way to go on.
#[derive(Clone, Debug)]
enum Move {
    /// To so many thousandths of what is kept.
    Seek(u64),
    /// So many microseconds on, or back.
    Scrub(u64, bool),
    /// So many events on, or back.
    Events(u8, bool),
    /// So many ticks of this specimen on, or back.
    Ticks(u8, u8, bool),
    /// So many milliseconds at real time.
    Play(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => (0_u64..1_010).prop_map(Move::Seek),
        3 => (0_u64..400_000, any::<bool>()).prop_map(|(by, on)| Move::Scrub(by, on)),
        3 => (1_u8..9, any::<bool>()).prop_map(|(n, on)| Move::Events(n, on)),
        3 => (1_u8..9, 0_u8..3, any::<bool>()).prop_map(|(n, specimen, on)| Move::Ticks(n, specimen, on)),
        1 => (0_u64..300).prop_map(Move::Play),
    ];
    proptest::collection::vec(one, 16..22)
}

/// What happened, in the order in which it came to be known.
struct Told {
    events: Vec<Event>,
    /// Last words: after how many events, whose.
    notes: Vec<(usize, SpecimenId)>,
    story: Story,
}

const WORDS: &str = "thread 'main' panicked at src/specimen/faults/panic.rs:12:5:\nthe callback panicked";

/// Three specimens with their clients and samples of the kernel: calm, stalls, deaths with their last words, new processes, and gaps.
static TOLD: LazyLock<Told> = LazyLock::new(|| {
    let story = Story::new(&["naive", "pool", "supervised"])
        .rate(300.0)
        .calm(Nanos::secs(1))
        .stall(Nanos::millis(300))
        .lose(17)
        .calm(Nanos::millis(400))
        .panic()
        .calm(Nanos::millis(300))
        .respawn()
        .calm(Nanos::millis(500))
        .park(Nanos::millis(120))
        .calm(Nanos::millis(300))
        .death(9)
        .respawn()
        .calm(Nanos::millis(700));
    let mut events = story.events();
    // A trigger waits from a second on.
    let armed = What::Armed { trigger: (Trigger::Stall, 0), over: 100_000 };
    let at = events.partition_point(|event| event.at < Nanos::secs(1));
    events.insert(at, Event { at: Nanos::secs(1), from: Origin { specimen: SpecimenId(0), lane: Lane::Lab }, what: armed });
    let died = |(n, event): (usize, &Event)| matches!(event.what, What::Died { .. }).then_some((n + 3, event.from.specimen));
    let notes = events.iter().enumerate().filter_map(died).collect();
    Told { events, notes, story }
});

impl Told {
    fn record(&self, limits: Limits) -> (World, History) {
        let mut world = World::new(&self.story.setup());
        let mut history = History::new(&world, limits);
        for (n, event) in self.events.iter().enumerate() {
            self.say(&mut world, n, |specimen| history.note(specimen, WORDS));
            history.record(&world, event);
            world.apply(event);
        }
        // As the lab leaves it after each round.
        world.advance(world.now);
        (world, history)
    }

    /// The last words that come after so many events.
    fn say(&self, world: &mut World, after: usize, mut note: impl FnMut(SpecimenId)) {
        for (_, specimen) in self.notes.iter().filter(|(n, _)| *n == after) {
            note(*specimen);
            world.last_words(*specimen, WORDS.to_owned());
        }
    }

    /// Folds all of it from the beginning and holds each place that was visited to what the world is there.
    fn compare(&self, mut visits: Vec<(u64, Nanos, World)>) -> Result<(), TestCaseError> {
        visits.sort_by_key(|(next, at, _)| (*next, *at));
        let mut world = World::new(&self.story.setup());
        let mut next = 0;
        for (place, at, found) in visits {
            while next < place as usize {
                self.say(&mut world, next, |_| {});
                world.apply(&self.events[next]);
                next += 1;
            }
            let mut wanted = world.clone();
            // What is said at this very place is known there.
            self.say(&mut wanted, next, |_| {});
            wanted.advance(at.max(wanted.now));
            if wanted != found {
                let (wanted, found) = (format!("{wanted:#?}"), format!("{found:#?}"));
                let other = wanted.lines().zip(found.lines()).find(|(a, b)| a != b);
                return Err(TestCaseError::fail(format!("after {place} events, at {at}: {other:?}")));
            }
        }
        Ok(())
    }

    /// Where the next event lies that is beyond a moment.
    fn position(&self, from: u64, moment: Nanos) -> u64 {
        let beyond = self.events[from as usize..].iter().position(|event| event.at > moment);
        beyond.map_or(self.events.len() as u64, |n| from + n as u64)
    }

    fn is_tick(&self, n: u64, specimen: u8) -> bool {
        let event = &self.events[n as usize];
        event.from.specimen == SpecimenId(specimen) && matches!(event.what, What::Entered { phase: Phase::Poll, .. })
    }
}

/// Goes a way, and holds where one stands after each move to what is plain from the list of events.
fn walk(told: &Told, history: &History, live: &World, moves: &[Move]) -> Result<(), TestCaseError> {
    let mut past = Past::freeze(history, live);
    let (first, end) = (history.first(), history.end());
    let (earliest, latest) = history.span();
    let (mut next, mut visits) = (end, Vec::new());
    for step in moves {
        let at = past.at();
        let seek = |to: Nanos| Some(told.position(first, to.clamp(earliest, latest)));
        let wanted = match *step {
            Move::Seek(thousandths) => {
                let to = earliest + Nanos(latest.since(earliest).0 * thousandths / 1_000);
                past.go_to(history, to);
                seek(to)
            }
            Move::Scrub(micros, on) => {
                let by = Nanos::micros(micros);
                past.scrub(history, by, on);
                seek(if on { at + by } else { at - by })
            }
            Move::Play(millis) => {
                past.play_or_stand();
                (0..3).for_each(|_| past.change_speed(true));
                past.pass(history, Nanos::millis(millis));
                // From a thousandth upwards it is real time; the first of them only begins to play where one stood.
                seek(past.at())
            }
            Move::Events(n, on) => {
                (0..n).for_each(|_| past.step_event(history, on));
                let by = u64::from(n);
                Some(if on { (next + by).min(end) } else { next.saturating_sub(by).max(first + 1).min(next) })
            }
            Move::Ticks(n, specimen, on) => {
                (0..n).for_each(|_| past.step_tick(history, SpecimenId(specimen), on));
                let mut place = next;
                for _ in 0..n {
                    let tick = if on {
                        (place..end).find(|n| told.is_tick(*n, specimen))
                    } else {
                        (first..place.saturating_sub(1).max(first)).rev().find(|n| told.is_tick(*n, specimen))
                    };
                    place = tick.map_or(place, |n| n + 1);
                }
                Some(place)
            }
        };
        next = past.event().map_or(0, |n| n + 1);
        prop_assert_eq!(Some(next), wanted, "{:?} from {}", step, at);
        visits.push((next, past.at(), past.world().clone()));
    }
    told.compare(visits)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 40, ..ProptestConfig::with_cases(2) })]
    /// In short chunks of which the oldest are forgotten, and in one long one, where the way back begins at worlds that were kept near.
    #[test]
    fn however_one_goes_through_the_past_it_is_as_it_was(moves in moves()) {
        static PASTS: LazyLock<[(World, History); 2]> = LazyLock::new(|| {
            let events = TOLD.events.len();
            [Limits { events: events * 2 / 3, bytes: 256 << 20 }, Limits { events: events * 40, bytes: 256 << 20 }].map(|limits| TOLD.record(limits))
        });
        let [(_, short), (_, long)] = &*PASTS;
        prop_assert!(short.first() > 0 && long.first() == 0 && TOLD.events.len() > 36_000, "{}", TOLD.events.len());
        for (live, history) in &*PASTS {
            walk(&TOLD, history, live, &moves)?;
        }
    }
}
