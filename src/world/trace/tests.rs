//! The trace against stories: every column adds up, single callbacks are where the events put them, and sliding along reads the same as
//! reading at once.

use proptest::prelude::*;

use super::*;
use crate::telemetry::event::Part;
use crate::telemetry::vocabulary::{Cause, Model};
use crate::world::history::Limits;
use crate::world::testing::{Story, recorded};

fn grid(from: Nanos, cell: Nanos, columns: usize) -> Grid {
    Grid { from, cell, columns }
}

fn look(grid: Grid, history: &History, live: &World) -> Trace {
    let mut trace = Trace::default();
    trace.look(&Wish { grid, lives: 6, ..Wish::default() }, history, live);
    trace
}

/// The callbacks of a history, by hand: from each beginning to the next thing that the loop says.
fn callbacks(history: &History) -> Vec<(Nanos, Nanos)> {
    let mut out = Vec::new();
    let mut began = None;
    for (_, event) in history.from(0, SpecimenId(0)).filter(|(_, e)| e.from.lane == Lane::Loop) {
        let ends = matches!(event.what, What::Began { .. } | What::Entered { .. } | What::Rested {} | What::Gated { .. });
        if ends && let Some(from) = began.take() {
            out.push((from, event.at));
        }
        if matches!(event.what, What::Began { .. }) {
            began = Some(event.at);
        }
    }
    out
}

#[test]
fn at_a_microsecond_each_callback_is_where_its_events_put_it() {
    let (live, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)));
    let all = callbacks(&history);
    let from = all[all.len() / 2].0 - Nanos::micros(20);
    let trace = look(grid(from, Nanos(1_000), 3_000), &history, &live);
    let wanted: Vec<_> =
        all.iter().copied().filter(|(b, e)| *e > from && *b < trace.cells().grid.to() && e.since(*b) >= Nanos(1_000)).collect();
    let found: Vec<_> = trace.cells().spans.iter().map(|s| (s.began, s.ended)).collect();
    assert!(wanted.len() > 3, "{wanted:?}");
    assert_eq!(found, wanted);
}

#[test]
fn a_stall_fills_its_columns_and_its_victims_wait_in_the_kernel() {
    let (live, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::millis(300)));
    let stall = live.specimens[0].stalls.past[0];
    let trace = look(grid(stall.began, Nanos::millis(10), 40), &history, &live);
    let cells = trace.cells();
    for column in cells.columns.iter().take(39) {
        assert_eq!((column.busy(), column.longest.map(|s| s.began)), (Nanos::millis(10).0, Some(stall.began)), "{column:?}");
    }
    assert_eq!(trace.stalls(), [stall]);
    let waits = |life: &Life| life.cells.iter().map(|c| c[Place::Kernel as usize]).sum::<u64>();
    let culprit = cells.lives.iter().find(|life| life.conn == stall.conn).unwrap();
    assert!(culprit.cells.iter().map(|c| c[Place::Running as usize]).sum::<u64>() >= Nanos::millis(390).0);
    assert!(cells.lives.iter().filter(|life| life.conn != stall.conn).any(|life| waits(life) > Nanos::millis(200).0));
}

#[test]
fn a_gap_is_a_gap_and_a_death_is_none() {
    let story = Story::new(&["naive"]).calm(Nanos::millis(500)).lose(7).calm(Nanos::millis(200)).death(9).calm(Nanos::millis(300));
    let (live, history) = recorded(&story);
    let trace = look(grid(Nanos::ZERO, Nanos::millis(10), 120), &history, &live);
    let columns = &trace.cells().columns;
    assert!(columns.iter().any(|c| c.gap));
    assert!(columns.iter().any(|c| c.dead == Nanos::millis(10).0 && !c.gap));
    let kinds: Vec<_> = trace.cells().markers.iter().map(|m| m.what.name()).collect();
    assert!(kinds.contains(&"Lost") && kinds.contains(&"Died"), "{kinds:?}");
}

#[test]
fn what_lies_between_two_marks_is_measured() {
    let (live, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(2)));
    let (from, to) = (Nanos::millis(1_003), Nanos::millis(1_517));
    let wish = Wish { grid: grid(Nanos::secs(1), Nanos::millis(10), 80), between: Some((from, to)), ..Wish::default() };
    let mut trace = Trace::default();
    trace.look(&wish, &history, &live);
    let sum = &trace.measured().unwrap().sum;
    let within = callbacks(&history).into_iter().filter(|(b, _)| *b >= from && *b < to).count() as u64;
    assert_eq!((sum.callbacks, sum.known()), (within, to.since(from).0));
    let busy: u64 = callbacks(&history).into_iter().map(|(b, e)| e.min(to).since(b.max(from)).0).sum();
    assert_eq!((sum.busy(), sum.causes[Cause::Writable as usize]), (busy, 0));
    assert!(sum.answered > 900 && sum.requests > 900, "{sum:?}");
}

#[test]
fn events_are_listed_around_one_of_them() {
    let (live, history) = recorded(&Story::new(&["naive", "pool"]).calm(Nanos::millis(300)));
    let around = history.end() / 2;
    let mut trace = Trace::default();
    let one = SpecimenId(1);
    trace.look(
        &Wish { specimen: one, around: Some((around, 20)), grid: grid(Nanos::ZERO, Nanos(1), 1), ..Wish::default() },
        &history,
        &live,
    );
    let listed = trace.listed();
    assert_eq!(listed.len(), 20);
    assert!(listed.iter().all(|(_, e)| e.from.specimen == one) && listed.windows(2).all(|w| w[0].0 < w[1].0));
    assert_eq!(listed.iter().filter(|(n, _)| *n < around).count(), 10);
}

#[test]
fn a_stall_s_victims_have_their_answers_soon_after_it() {
    let (live, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::secs(1)));
    let stall = live.specimens[0].stalls.past[0];
    let after = aftermath(&history, &live, SpecimenId(0), &stall);
    assert!(after > stall.until() && after < stall.until() + Nanos::millis(200), "{after:?}");
    let ongoing = Stall { end: StallEnd::Ongoing, ..stall };
    assert_eq!(aftermath(&history, &live, SpecimenId(0), &ongoing), live.now);
}

#[test]
fn each_worker_process_has_a_loop_of_its_own() {
    let story = Story::new(&["naive"]).calm(Nanos::millis(300)).stall(Nanos::millis(200)).calm(Nanos::millis(300));
    let (alone_live, alone) = recorded(&story);
    // The same story, told by the second of two worker processes.
    let modelled = Event {
        at: Nanos::ZERO,
        from: Origin { specimen: SpecimenId(0), lane: Lane::Lab },
        what: What::Modelled { model: Model::Workers, size: 2 },
    };
    let of_worker = |event: Event| match event.from.lane {
        Lane::Loop => Event { from: Origin { lane: Lane::Process(1, Part::Loop), ..event.from }, ..event },
        Lane::Lab => Event { from: Origin { lane: Lane::Process(1, Part::Lab), ..event.from }, ..event },
        _ => event,
    };
    let mut live = World::new(&story.setup());
    let mut history = History::new(&live, Limits { events: 400_000, bytes: 64 << 20 });
    for event in std::iter::once(modelled).chain(story.events().into_iter().map(of_worker)) {
        history.record(&live, &event);
        live.apply(&event);
    }
    live.advance(story.end());
    let grid = grid(Nanos::millis(100), Nanos::millis(10), 60);
    let (own, trace) = (look(grid, &alone, &alone_live), look(grid, &history, &live));
    let loops: Vec<_> = trace.loops().collect();
    assert_eq!(loops.len(), 2);
    let busy = |cells: &Cells| cells.columns.iter().map(|c| (c.causes, c.longest)).collect::<Vec<_>>();
    assert_eq!(busy(loops[1]), busy(own.cells()));
    assert!(loops[0].columns.iter().all(|c| c.busy() == 0) && trace.cells().columns.iter().all(|c| c.busy() == 0));
    assert!(trace.stalls().iter().any(|stall| stall.length >= Nanos::millis(200)), "its stall is known by name");
    // What lies between two marks, too, is what its loop did.
    let measured = |history: &History, live: &World| {
        let mut trace = Trace::default();
        trace.look(&Wish { grid, between: Some((Nanos::millis(203), Nanos::millis(417))), ..Wish::default() }, history, live);
        let sum = trace.measured().unwrap().sum.clone();
        (sum.causes, sum.callbacks, sum.longest, sum.requests)
    };
    assert_eq!(measured(&history, &live), measured(&alone, &alone_live));
    assert!(measured(&history, &live).0.iter().sum::<u64>() > Nanos::millis(100).0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn sliding_along_reads_the_same_as_reading_at_once(
        steps in prop::collection::vec(1..70_u64, 1..30),
        cell in prop::sample::select(vec![Nanos::micros(100), Nanos::millis(1), Nanos::millis(7)]),
        columns in 2..90_usize,
        stall in 60..300_u64,
    ) {
        let story = Story::new(&["pool"]).calm(Nanos::millis(400)).stall(Nanos::millis(stall)).calm(Nanos::millis(200));
        let mut live = World::new(&story.setup());
        let mut history = History::new(&live, Limits { events: 6_000, bytes: 64 << 20 });
        let events = story.events();
        let (mut trace, mut now, mut n) = (Trace::default(), Nanos::millis(350), 0);
        for step in steps {
            now += Nanos::millis(step);
            while let Some(event) = events.get(n).filter(|e| e.at <= now) {
                history.record(&live, event);
                live.apply(event);
                n += 1;
            }
            live.advance(now);
            let from = Nanos((now.0 / cell.0 + 1).saturating_sub(columns as u64) * cell.0);
            let wish = Wish { grid: grid(from, cell, columns), ..Wish::default() };
            trace.look(&wish, &history, &live);
            let mut at_once = Trace::default();
            at_once.look(&wish, &history, &live);
            let (mine, other) = (trace.cells(), at_once.cells());
            // What is longer ago than the history reaches, the one that slid along still knows.
            let kept = other.since;
            for (k, (a, b)) in mine.columns.iter().zip(&other.columns).enumerate() {
                if mine.grid.start(k) > kept {
                    prop_assert_eq!(a, b, "column {} at {:?}", k, mine.grid.start(k));
                }
            }
            let total: u64 = mine.columns.iter().map(Column::known).sum();
            prop_assert!(total <= mine.grid.to().since(mine.grid.from).0);
        }
    }
}

#[test]
fn a_stall_that_reaches_beyond_the_stretch_has_its_whole_length() {
    let (live, history) = recorded(&Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::millis(500)));
    let stall = live.specimens[0].stalls.past[0];
    let trace = look(grid(stall.began - Nanos::millis(1), Nanos::micros(10), 300), &history, &live);
    let held = trace.cells().spans.iter().find(|span| span.began == stall.began).map(|span| (span.ended, span.ongoing));
    assert_eq!(held, Some((stall.until(), false)));
}
