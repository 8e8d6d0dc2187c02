//! The fold as a whole: hand-written events through every aggregate, and properties that hold for any events at all.

use proptest::prelude::*;

use super::history::{History, Limits};
use super::testing::Story;
use super::*;
use crate::base::ids::{ClientId, ConnId};
use crate::base::rng::Rng;
use crate::telemetry::event::{Event, Lane, Origin, Readiness, What};
use crate::telemetry::vocabulary::{Cause, Handler, Outcome, Phase};

const ONE: ConnId = ConnId(1);
const TWO: ConnId = ConnId(2);

/// One specimen and the events that it is told, in microseconds.
struct Bench {
    world: World,
}

impl Bench {
    fn new() -> Self {
        let setup = Setup { specimens: vec!["naive".into()], stall_threshold: Nanos::millis(50) };
        let mut bench = Self { world: World::new(&setup) };
        bench.lab(0, What::Spawned { pid: 7, before: 0 });
        bench
    }

    fn tell(&mut self, micros: u64, lane: Lane, what: What) -> &mut Self {
        let from = Origin { specimen: SpecimenId(0), lane };
        self.world.apply(&Event { at: Nanos::micros(micros), from, what });
        self
    }

    fn lab(&mut self, micros: u64, what: What) -> &mut Self {
        self.tell(micros, Lane::Lab, what)
    }

    fn on_loop(&mut self, micros: u64, what: What) -> &mut Self {
        self.tell(micros, Lane::Loop, what)
    }

    fn enter(&mut self, micros: u64, phase: Phase, detail: u32) -> &mut Self {
        self.on_loop(micros, What::Entered { phase, detail })
    }

    fn ready(&mut self, micros: u64, conn: ConnId) -> &mut Self {
        self.on_loop(micros, What::Ready { conn, readiness: Readiness::READABLE })
    }

    fn begin(&mut self, micros: u64, conn: ConnId, cause: Cause) -> &mut Self {
        self.on_loop(micros, What::Began { conn, cause })
    }

    fn request(&mut self, micros: u64, conn: ConnId, handler: Handler) -> &mut Self {
        self.on_loop(micros, What::Requested { conn, handler })
    }

    fn it(&self) -> &Specimen {
        &self.world.specimens[0]
    }
}

#[test]
fn a_tick_is_told_as_it_goes() {
    let mut bench = Bench::new();
    bench.enter(1_000, Phase::Poll, u32::MAX);
    bench.on_loop(1_000, What::Opened { conn: ONE, port_fd: (40_000, 9) });
    bench.enter(11_000, Phase::Dispatch, 2).ready(11_000, ONE).ready(11_000, TWO);
    assert_eq!((bench.it().reactor.ready_count, bench.it().reactor.batch), (2, 2));
    bench.begin(11_010, ONE, Cause::Readable).request(11_010, ONE, Handler::Bytes);
    let reactor = &bench.it().reactor;
    assert_eq!(reactor.running.map(|r| (r.conn, r.handler)), Some((ONE, Some(Handler::Bytes))));
    assert_eq!((reactor.ready.front().map(|r| r.conn), reactor.ready_count), (Some(TWO), 1));
    bench.begin(11_510, TWO, Cause::Readable).on_loop(12_510, What::Rested {});
    assert_eq!((bench.it().reactor.running, bench.it().reactor.phase), (None, Phase::Dispatch));
    bench.enter(12_600, Phase::Poll, u32::MAX);
    let reactor = &bench.it().reactor;
    assert_eq!((reactor.ticks, reactor.lag), (2, Nanos::micros(1_600)));
    assert_eq!((reactor.causes[Cause::Readable as usize].count, reactor.causes[Cause::Readable as usize].busy), (2, Nanos::micros(1_500)));
    assert_eq!(reactor.handlers[Handler::Bytes as usize].max, Nanos::micros(500));
    assert_eq!(bench.it().connections.get(ONE).unwrap().stage, Stage::Pending, "it was asked and has not answered");
}

#[test]
fn shares_and_rates_are_those_of_the_last_second() {
    let mut bench = Bench::new();
    for tick in 0..3_000_u64 {
        let at = 1_000 + tick * 1_000;
        bench.enter(at, Phase::Poll, 0).enter(at + 700, Phase::Dispatch, 1);
        bench.begin(at + 700, ONE, Cause::Readable).request(at + 700, ONE, Handler::Root);
        bench.enter(at + 900, Phase::Timers, 0);
    }
    bench.world.advance(Nanos::millis(3_000));
    let reactor = &bench.it().reactor;
    for (phase, share) in [(Phase::Poll, 0.7), (Phase::Dispatch, 0.2), (Phase::Timers, 0.1)] {
        assert!((reactor.shares[phase as usize] - share).abs() < 0.001, "{:?}", reactor.shares);
    }
    assert!((reactor.tick_rate - 1_000.0).abs() < 2.0 && (reactor.request_rate - 1_000.0).abs() < 2.0);
    assert_eq!((reactor.lag, reactor.batch_max), (Nanos::micros(300), 1));
    let strip = &bench.it().strip;
    let slice = strip.slice(strip.newest - 5).unwrap();
    assert_eq!((slice.busy, slice.polling, slice.gap), (2_000, 7_000, false));
    // Nothing comes any more: the loop sleeps, and the last second forgets.
    bench.world.advance(Nanos::millis(9_000));
    let reactor = &bench.it().reactor;
    assert!(reactor.tick_rate.abs() < 1e-9 && reactor.lag >= Nanos::secs(5), "its last fact was a phase that is not poll");
}

#[test]
fn a_batch_of_pipelined_requests_is_split_by_its_requests() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 1).begin(100, ONE, Cause::Readable).request(100, ONE, Handler::Root);
    bench.request(130, ONE, Handler::Compute).request(60_130, ONE, Handler::Root).on_loop(60_140, What::Rested {});
    let reactor = &bench.it().reactor;
    assert_eq!((reactor.requests, reactor.causes[Cause::Readable as usize].count), (3, 1));
    assert_eq!(reactor.handlers[Handler::Root as usize].busy, Nanos::micros(40));
    assert_eq!(reactor.handlers[Handler::Compute as usize].busy, Nanos::micros(60_000));
    let stall = bench.it().stalls.past[0];
    assert_eq!((stall.handler, stall.length), (Some(Handler::Compute), Nanos::micros(60_040)), "the one that took longest is to blame");
}

#[test]
fn a_callback_grows_old_while_nothing_comes() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 1).begin(1_000, ONE, Cause::Readable).request(1_000, ONE, Handler::Compute);
    bench.world.advance(Nanos::millis(50));
    assert_eq!(bench.it().stalls.current, None);
    bench.world.advance(Nanos::millis(51));
    assert_eq!(bench.it().stalls.current.unwrap().length, Nanos::millis(50));
    bench.world.advance(Nanos::millis(500));
    let it = bench.it();
    assert_eq!((it.stalls.current.unwrap().length, it.reactor.lag), (Nanos::millis(499), Nanos::millis(500)));
    assert_eq!(it.reactor.longest_callback(bench.world.now), Nanos::millis(499));
    let slice = it.strip.slice(30).unwrap();
    assert_eq!((slice.busy, slice.longest.map(|l| (l.2, l.3))), (10_000, Some((ONE, Nanos::millis(1)))));
    assert!(it.reactor.shares[Phase::Dispatch as usize] > 0.99);
    bench.on_loop(801_000, What::Rested {});
    let it = bench.it();
    assert_eq!((it.stalls.current, it.stalls.past[0].length, it.stalls.count), (None, Nanos::millis(800), 1));
}

#[test]
fn victims_are_those_under_way_without_the_culprit() {
    let mut bench = Bench::new();
    for (n, port) in [(0_u32, 40_000_u16), (1, 40_001), (2, 40_002)] {
        bench.tell(10, Lane::Load, What::Connected { client: ClientId(n), port: u32::from(port) });
        bench.on_loop(20, What::Opened { conn: ConnId(n + 1), port_fd: (port, 9) });
    }
    bench.tell(100, Lane::Load, What::Sent { client: ClientId(0), late: 0 });
    bench.tell(100, Lane::Load, What::Sent { client: ClientId(1), late: 0 });
    bench.enter(110, Phase::Dispatch, 2).begin(111, ONE, Cause::Readable);
    bench.tell(5_000, Lane::Load, What::Sent { client: ClientId(2), late: 0 });
    bench.tell(9_000, Lane::Load, What::Backlog { due: 5, in_flight: 3 });
    bench.tell(20_000, Lane::Kernel, What::AcceptQueue { length: 4, limit: 4096 });
    bench.on_loop(100_000, What::Rested {});
    let stall = bench.it().stalls.past[0];
    assert_eq!((stall.victims, stall.accept_queue), (7, 4), "one in flight, one sent, five due");
}

#[test]
fn rings_may_be_a_little_out_of_order() {
    let mut bench = Bench::new();
    bench.enter(1_000, Phase::Poll, 0);
    bench.tell(90_000, Lane::Load, What::Sent { client: ClientId(0), late: 0 });
    // The loop's ring comes late, with what happened long before.
    bench.enter(20_000, Phase::Dispatch, 1).begin(20_000, ONE, Cause::Readable).on_loop(20_400, What::Rested {});
    bench.tell(80_000, Lane::Load, What::Finished { client: ClientId(0), outcome: (Outcome::Answered, 200) });
    let it = bench.it();
    assert_eq!((it.stalls.count, it.clients.in_flight), (0, 0));
    assert_eq!(it.reactor.causes[Cause::Readable as usize].max, Nanos::micros(400), "its length is told by its own ring");
    assert_eq!(bench.world.now, Nanos::micros(90_000));
}

#[test]
fn a_stall_whose_end_comes_late_is_taken_back() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 1).begin(1_000, ONE, Cause::Readable);
    bench.world.advance(Nanos::millis(90));
    assert_eq!(bench.it().stalls.count, 1);
    bench.on_loop(2_000, What::Rested {});
    assert_eq!((bench.it().stalls.count, bench.it().stalls.longest, bench.it().stalls.current), (0, Nanos::ZERO, None));
}

#[test]
fn a_death_in_the_middle_of_a_callback_ends_everything() {
    let mut bench = Bench::new();
    bench.on_loop(5, What::Opened { conn: ONE, port_fd: (40_000, 9) });
    bench.enter(10, Phase::Dispatch, 2).ready(10, TWO).begin(11, ONE, Cause::Readable).request(11, ONE, Handler::Root);
    bench.tell(20, Lane::Worker(1), What::JobBegan { conn: TWO, handler: Handler::Compute });
    bench.lab(1_500_000, What::WatchdogKilled { after: 1_000 }).lab(1_500_100, What::Died { signal: 9, code: 0 });
    bench.world.last_words(SpecimenId(0), "killed".into());
    // What its ring still held, and a second report of the same end.
    bench.begin(12, TWO, Cause::Readable).lab(1_500_200, What::Died { signal: 9, code: 0 });
    let it = bench.it();
    assert_eq!((it.reactor.running, it.reactor.ready_count, it.connections.open, it.workers[1].job), (None, 0, 0, None));
    assert_eq!(it.stalls.past[0].end, StallEnd::Died);
    let death = &it.deaths[0];
    assert_eq!((it.died, death.pid, death.signal, death.connections, death.by_watchdog), (1, 7, 9, 1, true));
    assert_eq!(death.last_words, "killed");
    bench.world.advance(Nanos::secs(3));
    let it = bench.it();
    assert!(
        it.strip.slice(it.strip.newest).unwrap().gap && it.reactor.shares.iter().sum::<f64>() == 0.0,
        "nothing lives, nothing is shown"
    );
    assert_eq!(it.reactor.lag, Nanos::ZERO, "a dead loop is not late");

    bench.tell(3_000_100, Lane::Kernel, What::Memory { resident: 1, anonymous: 1 });
    bench.lab(3_100_000, What::Spawned { pid: 8, before: 1 });
    assert_eq!((bench.it().respawns, bench.it().kernel.memory, bench.it().is_alive()), (1, None, true));
    bench.on_loop(3_100_010, What::Opened { conn: ONE, port_fd: (40_000, 9) });
    assert_eq!((bench.it().connections.open, bench.it().connections.accepted), (1, 2));
}

#[test]
fn a_panic_is_no_stall_however_late_it_is_noticed() {
    let mut bench = Bench::new();
    bench.enter(10, Phase::Dispatch, 1).begin(100, ONE, Cause::Readable).on_loop(100, What::Struck { conn: ONE, fault: Fault::Panic });
    bench.world.advance(Nanos::millis(150));
    bench.lab(200_000, What::Died { signal: 0, code: 101 });
    let it = bench.it();
    assert_eq!((it.stalls.count, it.stalls.current, it.died), (0, None, 1));
    assert_eq!((it.reactor.longest_callback(bench.world.now), it.reactor.struck[Fault::Panic as usize]), (Nanos::ZERO, 1));
}

#[test]
fn what_was_lost_is_a_gap_and_no_stall() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 1).begin(1_000, ONE, Cause::Readable);
    bench.lab(30_000, What::Lost { ring: 0, events: 900 });
    bench.world.advance(Nanos::millis(400));
    let it = bench.it();
    assert_eq!((it.stalls.count, it.lost, bench.world.lost, it.reactor.running), (0, 900, 900, None));
    assert!(it.strip.slice(3).unwrap().gap && !it.strip.slice(20).unwrap().gap);
}

#[test]
fn what_nobody_watched_is_a_gap_and_no_stall() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 1).begin(100_000, ONE, Cause::Readable);
    bench.world.advance(Nanos::millis(2_090));
    bench.on_loop(2_100_000, What::Rested {});
    assert_eq!(bench.it().stalls.count, 1, "nothing tells it from a stall yet");
    bench.lab(2_100_010, What::Unwatched { millis: 1_990 });
    let it = bench.it();
    assert_eq!((it.stalls.count, it.stalls.past.len(), it.stalls.longest), (0, 0, Nanos::ZERO));
    assert!(it.strip.slice(100).unwrap().gap);
    bench.begin(2_200_000, ONE, Cause::Readable).on_loop(2_260_000, What::Rested {});
    assert_eq!(bench.it().stalls.count, 1, "what was watched counts");
}

#[test]
fn the_gate_holds_no_callback_and_is_no_stall() {
    let mut bench = Bench::new();
    bench.enter(0, Phase::Dispatch, 2).begin(100, ONE, Cause::Readable).on_loop(200, What::Gated { held: 1 });
    bench.world.advance(Nanos::secs(5));
    assert_eq!((bench.it().stalls.count, bench.it().reactor.held), (0, true));
    bench.on_loop(5_000_000, What::Gated { held: 0 }).begin(5_000_000, TWO, Cause::Readable);
    assert_eq!((bench.it().stalls.count, bench.it().reactor.held), (0, false));
}

#[test]
fn workers_marks_and_the_lab_s_own_cost() {
    let mut bench = Bench::new();
    bench.tell(100, Lane::Worker(0), What::JobBegan { conn: ONE, handler: Handler::Compute });
    bench.tell(25_100, Lane::Worker(0), What::JobEnded { conn: ONE }).tell(26_000, Lane::Worker(200), What::JobEnded { conn: ONE });
    assert_eq!((bench.it().jobs_done(), bench.it().workers[0].busy), (1, Nanos::millis(25)));
    assert_eq!(bench.it().strip.slice(1).unwrap().workers, 10_000);
    bench.lab(30_000, What::Marked { mark: 3 }).lab(40_000, What::FaultAsked { fault: Fault::Compute, millis: 800 });
    assert_eq!(bench.it().marked, Some((3, Nanos::millis(30))));
    assert_eq!(bench.it().asked.map(|asked| asked.struck), Some(false));
    bench.begin(41_000, ONE, Cause::Readable).on_loop(41_000, What::Struck { conn: ONE, fault: Fault::Compute });
    assert_eq!((bench.it().asked.map(|a| a.struck), bench.it().reactor.running.unwrap().fault), (Some(true), Some(Fault::Compute)));
    bench
        .lab(100_000, What::OwnCost { micros: u32::MAX - 9_999, resident: 9 })
        .lab(1_100_000, What::OwnCost { micros: 10_000, resident: 9 });
    assert!((bench.world.own.cpu - 0.02).abs() < 1e-9, "{:?}", bench.world.own);
}

#[test]
fn last_words_are_bounded_and_find_their_death() {
    let mut bench = Bench::new();
    bench.world.last_words(SpecimenId(0), "é".repeat(MAX_LAST_WORDS));
    bench.lab(10, What::Died { signal: 0, code: 101 });
    let words = &bench.it().deaths[0].last_words;
    assert!(words.len() <= MAX_LAST_WORDS && words.len() > MAX_LAST_WORDS - 2 && words.chars().all(|c| c == 'é'));
    bench.world.last_words(SpecimenId(9), "nobody".into());
}

/// The events of a story, the rings a little out of order.
fn shuffled(story: &Story, seed: u64) -> Vec<Event> {
    let mut rng = Rng::new(seed);
    let mut keyed: Vec<_> = story.events().into_iter().map(|event| (event.at + Nanos(delay(event.from.lane, &mut rng)), event)).collect();
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, event)| event).collect()
}

/// The same for all events of a millisecond of one ring would be more like the truth; this is harder on the fold.
fn delay(lane: Lane, rng: &mut Rng) -> u64 {
    match lane {
        Lane::Loop => 0,
        _ => rng.below(300_000),
    }
}

fn stories() -> Vec<Story> {
    vec![
        Story::new(&["naive", "supervised"]).calm(Nanos::millis(200)).stall(Nanos::millis(150)).panic().calm(Nanos::millis(300)),
        Story::new(&["pool", "sliced"]).calm(Nanos::millis(200)).stall(Nanos::millis(120)).lose(9).park(Nanos::millis(90)).death(9),
        Story::new(&["naive"]).calm(Nanos::millis(100)).hang(Nanos::millis(400)).death(9).respawn().calm(Nanos::millis(300)),
    ]
}

fn check(world: &World) {
    for it in &world.specimens {
        let shares: f64 = it.reactor.shares.iter().sum();
        assert!(shares <= 1.0 + 1e-9 && it.reactor.shares.iter().all(|share| (0.0..=1.0).contains(share)), "{:?}", it.reactor.shares);
        assert!(it.reactor.ready_count >= it.reactor.ready.len() && it.reactor.ready.len() <= reactor::MAX_READY);
        assert!(it.connections.open as usize >= it.connections.by_id.len());
        assert!(it.stalls.past.len() <= stalls::MAX_STALLS && it.stalls.count >= it.stalls.past.len() as u64);
        assert!(it.stalls.past.iter().chain(&it.stalls.current).all(|stall| stall.length <= it.stalls.longest));
        assert!(it.clients.tail.is_sorted_by(|a, b| a.latency >= b.latency) && it.clients.tail.len() <= clients::MAX_TAIL);
        for slow in &it.clients.tail {
            assert!(slow.parts.is_none_or(|parts| parts.sum() == slow.latency), "{slow:?}");
        }
        assert!(it.strip.slices.iter().all(|s| s.busy <= 10_000 && s.polling <= 10_000 && s.busy + s.polling <= 10_000));
        assert!(it.kernel.cpu.is_none_or(|cpu| (0.0..=1.0).contains(&cpu)));
        assert!(it.workers.len() <= MAX_WORKERS && it.deaths.len() <= MAX_DEATHS);
        assert!(it.clients.rate >= 0.0 && it.reactor.tick_rate >= 0.0);
    }
    findings::judge(world);
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Loop), Just(Lane::Load), Just(Lane::Kernel), Just(Lane::Lab), (0..4_u8).prop_map(Lane::Worker)]
}

/// Any facts in any order from any lane, at times that mostly go on and sometimes leap.
fn anything() -> impl Strategy<Value = Vec<Event>> {
    let half = || prop_oneof![0..4_u32, 0..100_000_u32, any::<u32>()];
    let step = prop_oneof![60 => 0..1_000_u64, 20 => 0..100_000_000_u64, 1 => 0..200_000_000_000_u64];
    let one = (step, any::<bool>(), 0..3_u8, lane(), any::<u8>(), half(), half());
    proptest::collection::vec(one, 0..600).prop_map(|steps| {
        let mut at = 0_u64;
        let mut events = Vec::new();
        for (step, back, specimen, lane, kind, a, b) in steps {
            at = if back { at.saturating_sub(step / 8) } else { at.saturating_add(step) };
            events.extend(What::unpack(kind % 110, a, b).map(|what| {
                let from = Origin { specimen: SpecimenId(specimen), lane };
                Event { at: Nanos(at), from, what }
            }));
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_events_at_all_can_break_the_fold(events in anything()) {
        let setup = Setup { specimens: vec!["a".into(), "b".into()], stall_threshold: Nanos::millis(50) };
        let mut world = World::new(&setup);
        for event in &events {
            world.apply(event);
        }
        check(&world);
        let now = world.now;
        world.advance(now + Nanos::secs(100));
        check(&world);
        world.advance(Nanos::MAX);
        world.apply(&Event { at: Nanos::MAX, from: Origin { specimen: SpecimenId(0), lane: Lane::Loop }, what: What::Rested {} });
        check(&world);
    }

    #[test]
    fn any_history_keeps_its_events_and_its_ceiling(events in anything()) {
        let setup = Setup { specimens: vec!["a".into(), "b".into()], stall_threshold: Nanos::millis(50) };
        let mut world = World::new(&setup);
        let limits = Limits { events: 64 * 32, bytes: 24 << 20 };
        let mut history = History::new(&world, limits);
        for event in &events {
            history.record(&world, event);
            world.apply(event);
            prop_assert!(history.bytes() <= limits.bytes, "{} bytes", history.bytes());
        }
        prop_assert_eq!(history.end(), events.len() as u64);
        for n in history.first()..history.end() {
            prop_assert_eq!(history.event(n), Some(events[n as usize]));
        }
    }
}

#[test]
fn it_makes_no_difference_in_how_many_steps_time_passes() {
    for story in stories() {
        let events = story.events();
        let (mut plain, mut stepped) = (World::new(&story.setup()), World::new(&story.setup()));
        let mut rng = Rng::new(5);
        for (n, event) in events.iter().enumerate() {
            plain.apply(event);
            stepped.apply(event);
            if rng.below(40) == 0 {
                let next = events.get(n + 1).map_or(event.at, |next| next.at);
                stepped.advance(Nanos(event.at.0 + rng.below(next.since(event.at).0 + 1)));
            }
        }
        let end = story.end() + Nanos::millis(37);
        plain.advance(end);
        stepped.advance(end);
        check(&plain);
        assert_eq!(plain, stepped);
    }
}

#[test]
fn seeking_anywhere_is_folding_from_the_start() {
    for (seed, story) in stories().into_iter().enumerate() {
        let events = shuffled(&story, seed as u64);
        let mut world = World::new(&story.setup());
        let mut history = History::new(&world, Limits { events: 100_000, bytes: 256 << 20 });
        for event in &events {
            history.record(&world, event);
            world.apply(event);
        }
        assert!(history.len() == events.len() && history.first() == 0 && events.len() > 3 * 100_000 / 32);
        let mut rng = Rng::new(seed as u64);
        for _ in 0..12 {
            let moment = Nanos(rng.below(story.end().0 + 1_000_000));
            let mut folded = World::new(&story.setup());
            for event in events.iter().take_while(|event| event.at <= moment) {
                folded.apply(event);
            }
            folded.advance(moment);
            assert_eq!(history.at(moment), folded, "at {moment}");
            let n = rng.below(events.len() as u64);
            let mut folded = World::new(&story.setup());
            for event in &events[..=n as usize] {
                folded.apply(event);
            }
            folded.advance(folded.now);
            assert_eq!(history.after(n), folded, "after {n}");
            assert_eq!(history.event(n), Some(events[n as usize]));
        }
    }
}

#[test]
fn the_past_is_walked_by_events_ticks_and_stretches() {
    let story = Story::new(&["naive", "pool"]).calm(Nanos::secs(1));
    let (mut world, events) = (World::new(&story.setup()), story.events());
    let mut history = History::new(&world, Limits { events: 50_000, bytes: 64 << 20 });
    for event in &events {
        history.record(&world, event);
        world.apply(event);
    }
    let moment = Nanos::millis(700);
    let here = history.position(moment);
    assert_eq!(here as usize, events.iter().position(|event| event.at > moment).unwrap());
    let is_tick = |event: &Event| event.from.specimen == SpecimenId(1) && matches!(event.what, What::Entered { phase: Phase::Poll, .. });
    let want = events.iter().skip(here as usize + 1).position(is_tick).unwrap() as u64 + here + 1;
    assert_eq!(history.next_tick(here, SpecimenId(1)), Some(want));
    let want = events[..here as usize].iter().rposition(is_tick).unwrap() as u64;
    assert_eq!(history.previous_tick(here, SpecimenId(1)), Some(want));
    assert_eq!((history.next_tick(history.end(), SpecimenId(1)), history.previous_tick(0, SpecimenId(1))), (None, None));
    let (from, to) = (Nanos::millis(300), Nanos::millis(310));
    let got: Vec<_> = history.between(from, to, Some(SpecimenId(0))).map(|(_, event)| event).collect();
    let of = |event: &&Event| event.at >= from && event.at <= to && event.from.specimen == SpecimenId(0);
    assert!(got.len() > 50 && got.iter().eq(events.iter().filter(of)));
    assert!(history.between(from, to, None).all(|(n, event)| history.event(n) == Some(event)));
}

#[test]
fn the_oldest_is_forgotten_and_the_ceiling_holds() {
    let story = Story::new(&["naive"]).calm(Nanos::secs(2)).panic().calm(Nanos::millis(100));
    let mut world = World::new(&story.setup());
    let limits = Limits { events: 8_000, bytes: 6 << 20 };
    let mut history = History::new(&world, limits);
    for event in &story.events() {
        history.record(&world, event);
        world.apply(event);
        assert!(history.len() <= limits.events && history.bytes() <= limits.bytes);
    }
    world.last_words(SpecimenId(0), "oh".into());
    history.note(SpecimenId(0), "oh");
    assert!(history.first() > 0 && history.len() > 1_000);
    let (earliest, latest) = history.span();
    assert!(earliest > Nanos::millis(500) && history.at(Nanos::ZERO).now == earliest);
    world.advance(latest);
    assert_eq!(history.at(latest), world, "last words included");
    assert_eq!((history.event(0), history.event(history.end())), (None, None));
}

#[test]
fn a_round_that_looks_at_processes_alone_leaves_what_is_unread() {
    let mut bench = Bench::new();
    bench.on_loop(1_000, What::Opened { conn: ONE, port_fd: (40_000, 9) });
    let unread = |bench: &Bench| bench.it().connections.get(ONE).unwrap().unread;
    bench.tell(10_000, Lane::Kernel, What::AcceptQueue { length: 0, limit: 4096 });
    bench.tell(10_000, Lane::Kernel, What::Unread { port: 40_000, bytes: 60 });
    bench.tell(60_000, Lane::Kernel, What::OnCpu { high: 0, low: 7 });
    assert_eq!(unread(&bench), 60);
    bench.tell(110_000, Lane::Kernel, What::AcceptQueue { length: 0, limit: 4096 });
    assert_eq!(unread(&bench), 0);
}
