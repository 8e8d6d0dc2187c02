//! The lab with its real children: what a person would try with `kill`, `curl` and a stopwatch.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use loopscope::base::ids::SpecimenId;
use loopscope::base::units::Nanos;
use loopscope::command::Command;
use loopscope::lab::{Lab, Past, Refusal};
use loopscope::load::plan::Load;
use loopscope::scenario::Scenario;
use loopscope::scenario::schema;
use loopscope::selectors::{Active, Point, Selector};
use loopscope::specimen::config::{Limits, ModelSetting, Share};
use loopscope::specimen::control::{FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::event::Lane;
use loopscope::telemetry::vocabulary::{Fault, Mitigation, Outcome};
use loopscope::world::clients::Slow;
use loopscope::world::stalls::StallEnd;
use loopscope::world::victims;
use loopscope::world::why::{Meanwhile, Question, Why};
use loopscope::world::{Life, Specimen, StallKind, Struck, TriggerSetting};

use super::harness::labs::{options, pump_for, ready, until};

const NAIVE: SpecimenId = SpecimenId(0);

fn scenario(specimens: &[(&str, &[MitigationSetting])], load: Load) -> Scenario {
    Scenario {
        id: "test".into(),
        title: [("en".to_string(), "test".to_string())].into(),
        summary: schema::Text::new(),
        specimens: specimens
            .iter()
            .map(|(name, mitigations)| schema::Specimen {
                name: (*name).into(),
                title: schema::Text::new(),
                mitigations: mitigations.to_vec(),
                faults: Vec::new(),
                role: schema::Role::Server,
                limits: Limits::default(),
                model: ModelSetting::default(),
            })
            .collect(),
        load,
        stall_threshold: Nanos::millis(50),
        script: Vec::new(),
        lesson: Vec::new(),
        review: Vec::new(),
        experiment: None,
        expect: Vec::new(),
    }
}

fn start(specimens: &[(&str, &[MitigationSetting])], load: Load) -> Lab {
    ready(&scenario(specimens, load))
}

fn specimen(lab: &Lab, n: usize) -> &Specimen {
    &lab.world().specimens[n]
}

fn pid(lab: &Lab, n: usize) -> u32 {
    let Life::Running { pid, .. } = specimen(lab, n).life else { panic!("it does not run: {:?}", specimen(lab, n).life) };
    pid
}

fn answered(lab: &Lab, n: usize) -> u64 {
    specimen(lab, n).clients.outcomes[Outcome::Answered as usize]
}

fn light() -> Load {
    Load { connections: 16, rate: Some(500.0), ..Load::default() }
}

#[test]
fn a_process_begins_before_all_that_it_does() {
    let load = Load { connections: 8, ..Load::default() };
    let mut lab = Lab::start(&scenario(&[("naive", &[]), ("other", &[])], load), &options()).expect("the lab starts");
    // The lab itself gets no processor for a while, as on a busy machine: its children are at work long before it looks.
    std::thread::sleep(Duration::from_millis(200));
    until(&mut lab, "everything is up", Lab::is_ready);
    lab.carry_out(Some(NAIVE), &Command::Kill).expect("killed");
    until(&mut lab, "it is dead", |lab| matches!(lab.world().specimens[0].life, Life::Dead { .. }));
    lab.carry_out(Some(NAIVE), &Command::Respawn).expect("a new one");
    until(&mut lab, "it is up again", Lab::is_ready);
    let history = lab.history().expect("a history");
    for specimen in [NAIVE, SpecimenId(1)] {
        let (mut began, mut load_began) = (None, None);
        for (_, event) in history.from(0, specimen) {
            match (event.from.lane, event.what) {
                (_, What::Spawned { .. }) => began = Some(event.at),
                (_, What::LoadSpawned { .. }) => load_began = Some(event.at),
                (Lane::Loop, what) => assert!(began.is_some_and(|began| began < event.at), "{what:?} comes before its process"),
                (Lane::Load, what) => assert!(load_began.is_some_and(|began| began < event.at), "{what:?} comes before its process"),
                _ => {}
            }
        }
        assert!(began.is_some() && load_began.is_some());
    }
}

#[test]
fn a_held_loop_runs_one_callback_at_a_time_until_it_is_let_go() {
    let mut lab = start(&[("naive", &[])], Load { rate: Some(500.0), connections: 8, ..Load::default() });
    lab.carry_out(Some(NAIVE), &Command::HoldLoop).unwrap();
    let held = |lab: &Lab| lab.world().specimens[0].reactor.held;
    until(&mut lab, "it is held", held);
    let callbacks = |lab: &Lab| lab.world().specimens[0].reactor.causes.iter().map(|tally| tally.count).sum::<u64>();
    // The callback before is told of with the event that holds the loop.
    let before = callbacks(&lab);
    for n in 1..=3 {
        lab.carry_out(Some(NAIVE), &Command::LetOne).unwrap();
        until(&mut lab, "one callback", |lab| callbacks(lab) == before + n && held(lab));
    }
    lab.carry_out(Some(NAIVE), &Command::HoldLoop).unwrap();
    until(&mut lab, "it runs", |lab| callbacks(lab) > before + 50 && !held(lab));
    assert_eq!(lab.world().specimens[0].stalls.count, 0, "what the gate holds is no stall of the loop");
    // And one that is held when the lab ends does not outlive it.
    lab.carry_out(Some(NAIVE), &Command::HoldLoop).unwrap();
    until(&mut lab, "it is held again", held);
}

#[test]
fn a_held_loop_runs_one_tick_at_a_time_and_changes_between_the_two() {
    let mut lab = start(&[("naive", &[])], Load { rate: Some(2000.0), connections: 32, ..Load::default() });
    let gate = |lab: &Lab| (lab.world().specimens[0].reactor.held, lab.world().specimens[0].reactor.held_whole);
    let (ticks, callbacks) = (
        |lab: &Lab| lab.world().specimens[0].reactor.ticks,
        |lab: &Lab| lab.world().specimens[0].reactor.causes.iter().map(|tally| tally.count).sum::<u64>(),
    );
    // From a loop that runs it is held before its next tick; of those that it has counted the last one is whole.
    lab.carry_out(Some(NAIVE), &Command::LetTick).unwrap();
    until(&mut lab, "it is held", |lab| gate(lab) == (true, true));
    let (before, done) = (ticks(&lab), callbacks(&lab));
    // Meanwhile requests pile up: each of these ticks has several callbacks.
    pump_for(&mut lab, Nanos::millis(60));
    assert_eq!((ticks(&lab), gate(&lab)), (before, (true, true)), "it stands");
    for n in 1..=5 {
        lab.carry_out(Some(NAIVE), &Command::LetTick).unwrap();
        until(&mut lab, "one tick", |lab| ticks(lab) == before + n && gate(lab) == (true, true));
        pump_for(&mut lab, Nanos::millis(20));
        assert_eq!(ticks(&lab), before + n, "exactly one");
    }
    assert!(callbacks(&lab) >= done + 5, "ticks are whole");
    // To the first callback of the next one, and from there to its end.
    lab.carry_out(Some(NAIVE), &Command::LetOne).unwrap();
    until(&mut lab, "it is held within a tick", |lab| gate(lab) == (true, false));
    assert_eq!(ticks(&lab), before + 6);
    lab.carry_out(Some(NAIVE), &Command::LetTick).unwrap();
    until(&mut lab, "the rest of that tick", |lab| gate(lab) == (true, true));
    assert_eq!(ticks(&lab), before + 6);
    lab.carry_out(Some(NAIVE), &Command::HoldLoop).unwrap();
    until(&mut lab, "it runs", |lab| ticks(lab) > before + 50 && !gate(lab).0);
    assert_eq!(lab.world().specimens[0].stalls.count, 0, "what the gate holds is no stall of the loop");
}

#[test]
fn the_gate_holds_every_worker_process_and_no_threads() {
    let by_model = |model: ModelSetting| {
        let mut scenario = scenario(&[("server", &[])], Load { rate: Some(1000.0), connections: 32, ..Load::default() });
        scenario.specimens[0].model = model;
        let mut lab = Lab::start(&scenario, &options()).expect("the lab starts");
        until(&mut lab, "everything is up", Lab::is_ready);
        lab
    };
    let mut workers = by_model(ModelSetting::Workers { processes: 2, share: Share::Listener });
    workers.carry_out(Some(NAIVE), &Command::LetTick).unwrap();
    until(&mut workers, "both are held", |lab| specimen(lab, 0).loops().all(|process| process.reactor.held_whole));
    assert!(specimen(&workers, 0).is_held());
    workers.carry_out(Some(NAIVE), &Command::HoldLoop).unwrap();
    until(&mut workers, "they run", |lab| !specimen(lab, 0).is_held());
    let mut threads = by_model(ModelSetting::ThreadPerConnection);
    assert!(matches!(threads.carry_out(Some(NAIVE), &Command::HoldLoop), Err(Refusal::NoLoop(_))));
}

#[test]
fn a_trigger_strikes_once_at_the_moment_itself_and_can_be_armed_again() {
    let mut lab = start(&[("naive", &[]), ("other", &[])], light());
    let over = Nanos::millis(150);
    lab.carry_out(None, &Command::Arm(TriggerSetting::Stall { over })).unwrap();
    until(&mut lab, "it is armed", |lab| lab.world().triggers.armed.is_some());
    lab.carry_out(Some(SpecimenId(1)), &Command::Inject(FaultSetting::Compute { busy: Nanos::millis(500) })).unwrap();
    until(&mut lab, "the stall is over", |lab| !specimen(lab, 1).stalls.past.is_empty());
    let (stall, triggers) = (specimen(&lab, 1).stalls.past[0], lab.world().triggers);
    let strike = triggers.strike.expect("it has struck");
    assert_eq!((triggers.armed, triggers.strikes, strike.specimen, strike.at), (None, 1, SpecimenId(1), stall.began + over));
    // One stands in the middle of the callback.
    let history = lab.history().unwrap();
    let mut past = Past::freeze(history, lab.world());
    assert!(!past.is_at(&strike));
    past.stand_at(history, &strike);
    let running = past.world().specimens[1].reactor.running.expect("a callback runs there");
    assert!(past.is_at(&strike) && past.world().now.since(running.since) == over, "{running:?} at {}", past.at());
    // Another stall is nobody's business, until it is armed again: for a panic, of that specimen only.
    lab.carry_out(Some(NAIVE), &Command::Arm(TriggerSetting::Panic)).unwrap();
    lab.carry_out(Some(SpecimenId(1)), &Command::Inject(FaultSetting::Panic)).unwrap();
    until(&mut lab, "the other has died", |lab| specimen(lab, 1).died == 1);
    assert_eq!(lab.world().triggers.strikes, 1);
    lab.carry_out(Some(NAIVE), &Command::Inject(FaultSetting::Panic)).unwrap();
    until(&mut lab, "it has died, too", |lab| specimen(lab, 0).died == 1);
    let strike = lab.world().triggers.strike.filter(|strike| strike.specimen == NAIVE).expect("it has struck again");
    let history = lab.history().unwrap();
    past.stand_at(history, &strike);
    let running = past.world().specimens[0].reactor.running.expect("the callback that panics runs there");
    assert!(past.is_at(&strike) && running.fault == Some(Fault::Panic) && strike.what == Struck::Panic(running.conn), "{strike:?}");
    // What the clients see of it, and nothing at all.
    lab.carry_out(None, &Command::Arm(TriggerSetting::ClientError)).unwrap();
    until(&mut lab, "a client fails", |lab| lab.world().triggers.strikes == 3);
    lab.carry_out(None, &Command::Arm(TriggerSetting::LostEvents)).unwrap();
    until(&mut lab, "it is armed", |lab| lab.world().triggers.armed.is_some());
    lab.carry_out(None, &Command::Disarm).unwrap();
    until(&mut lab, "it is disarmed", |lab| lab.world().triggers.armed.is_none());
    assert_eq!(lab.carry_out(Some(SpecimenId(9)), &Command::Arm(TriggerSetting::Panic)), Err(Refusal::NoSpecimen));
}

#[test]
fn a_healthy_loop_answers_and_nothing_is_lost() {
    let mut lab = start(&[("naive", &[])], light());
    pump_for(&mut lab, Nanos::secs(2));
    let s = specimen(&lab, 0);
    assert!(answered(&lab, 0) > 500, "{:?}", s.clients.outcomes);
    assert_eq!(lab.world().lost, 0);
    assert_eq!((s.died, s.clients.connected), (0, 16));
    assert!((s.reactor.shares.iter().sum::<f64>() - 1.0).abs() < 0.05, "{:?}", s.reactor.shares);
    assert!(s.kernel.interest_list.is_some_and(|n| n >= 16), "{:?}", s.kernel);
    // What the loop counted is what the clients counted, but for what is under way.
    assert!(s.reactor.requests.abs_diff(answered(&lab, 0)) <= 32, "{} against {}", s.reactor.requests, answered(&lab, 0));
}

#[test]
fn a_stall_is_seen_while_it_lasts_and_measured_when_it_ends() {
    let mut lab = start(&[("naive", &[])], light());
    pump_for(&mut lab, Nanos::millis(500));
    lab.carry_out(Some(NAIVE), &Command::Inject(FaultSetting::Compute { busy: Nanos::millis(800) })).expect("a fault");
    until(&mut lab, "the stall is seen", |lab| specimen(lab, 0).stalls.current.is_some());
    let seen = specimen(&lab, 0).stalls.current.expect("a stall");
    assert_eq!((seen.fault, seen.end), (Some(Fault::Compute), StallEnd::Ongoing));
    assert!(seen.length < Nanos::millis(700), "seen only after {}", seen.length);
    // Whether it computed is known as soon as the kernel has been asked after it.
    let longest = |lab: &Lab| specimen(lab, 0).stalls.past.iter().max_by_key(|s| s.length).copied();
    until(&mut lab, "the stall ends and is judged", |lab| longest(lab).is_some_and(|stall| stall.kind != StallKind::Unknown));
    let stall = longest(&lab).expect("a stall");
    // The callback burns by the same clock, and ends a moment after: 2 % is the promise; a machine that takes the core away can only add.
    assert!(stall.length >= Nanos::millis(800) && stall.length < Nanos::millis(1200), "{stall:?}");
    assert_eq!((stall.kind, stall.end), (StallKind::Computing, StallEnd::Returned), "{stall:?}");
    assert!(stall.victims >= 8, "{stall:?}");
}

/// Asks why all of these were slow, and holds the answers to what the clients measured. How many are known from end to end.
fn every_nanosecond_is_accounted_for(lab: &Lab, requests: &[Slow]) -> usize {
    let history = lab.history().expect("a history");
    let sum = |lengths: &mut dyn Iterator<Item = Nanos>| lengths.fold(0, |sum, length| sum + length.0);
    let mut known = 0;
    for slow in requests.iter().filter(|slow| slow.outcome == Some(Outcome::Answered)) {
        let why = Why::of(history, &Question::about(NAIVE, slow), lab.now()).expect("its events are kept");
        let measured = slow.latency.0;
        let parts = sum(&mut why.parts.iter().map(|part| part.length));
        let things = sum(&mut why.parts.iter().flat_map(|part| &part.things).map(|thing| thing.length));
        for all in [parts, things] {
            assert!(all.abs_diff(measured) * 20 <= measured, "{all} of {measured} ns: {why:#?}");
        }
        // What happened before a process said its first word was seen by nobody.
        let unseen = why.parts.iter().flat_map(|part| &part.things).filter(|thing| thing.what == Meanwhile::Unseen);
        let unseen = sum(&mut unseen.map(|thing| thing.length));
        known += usize::from(why.parts.iter().all(|part| part.reached) && unseen * 20 <= measured);
    }
    known
}

#[test]
fn every_slow_request_says_behind_whom_it_has_waited() {
    let mut lab = start(&[("naive", &[])], Load { connections: 32, rate: Some(2000.0), ..Load::default() });
    until(&mut lab, "requests are answered", |lab| answered(lab, 0) > 1000);
    lab.carry_out(Some(NAIVE), &Command::PauseLoad).expect("a pause");
    until(&mut lab, "nothing is under way", |lab| specimen(lab, 0).clients.under_way() == 0);
    // The ordinary ones: the last of every connection.
    let history = lab.history().expect("a history");
    let s = specimen(&lab, 0);
    let (mut ordinary, mut whole) = (0, 0);
    for connection in s.connections.iter() {
        let client = s.clients.at_port(connection.port);
        let Some(question) = Question::last_of(history, NAIVE, connection.id, client, lab.now()).filter(|q| q.end.is_some()) else {
            continue;
        };
        let why = Why::of(history, &question, lab.now()).expect("its events are kept");
        let things = why.parts.iter().flat_map(|part| &part.things).fold(Nanos::ZERO, |sum, thing| sum + thing.length);
        assert_eq!(things, why.latency, "{why:#?}");
        ordinary += 1;
        whole += usize::from(why.parts.iter().all(|part| part.reached) && why.status == Some(200));
    }
    assert!(ordinary > 16 && whole == ordinary, "{whole} of {ordinary}");
    let known = every_nanosecond_is_accounted_for(&lab, &s.clients.tail);
    assert!(known > 48, "{known}");

    // And those that a stall has held up: they name it, and how long it has held them.
    lab.carry_out(Some(NAIVE), &Command::ResumeLoad).expect("the load");
    pump_for(&mut lab, Nanos::millis(500));
    lab.carry_out(Some(NAIVE), &Command::Inject(FaultSetting::Compute { busy: Nanos::millis(400) })).expect("a fault");
    let longest = |lab: &Lab| specimen(lab, 0).stalls.past.iter().max_by_key(|s| s.length).copied();
    until(&mut lab, "the stall ends", |lab| longest(lab).is_some_and(|stall| stall.length >= Nanos::millis(400)));
    pump_for(&mut lab, Nanos::secs(3));
    let stall = longest(&lab).expect("a stall");
    let history = lab.history().expect("a history");
    let victims = victims::of_stall(history, NAIVE, &stall, lab.now()).expect("its events are kept");
    assert!(victims.len() > 48, "{}", victims.len());
    assert!(every_nanosecond_is_accounted_for(&lab, &victims) > 48);
    for slow in &victims {
        let why = Why::of(history, &Question::about(NAIVE, slow), lab.now()).expect("its events are kept");
        let (culprit, length) = why.behind().expect("somebody held it up");
        assert_eq!((culprit.conn, culprit.began, culprit.fault), (stall.conn, stall.began, Some(Fault::Compute)), "{why:#?}");
        let held = stall.until().since(slow.intended.max(stall.began));
        assert!(length.0.abs_diff(held.0) * 20 <= held.0 + 1_000_000, "{length} of {held}: {why:#?}");
    }
}

#[test]
fn threads_and_worker_processes_say_it_too() {
    for model in [ModelSetting::ThreadPerConnection, ModelSetting::Workers { processes: 2, share: Share::default() }] {
        let mut scenario = scenario(&[("model", &[])], light());
        scenario.specimens[0].model = model;
        let mut lab = Lab::start(&scenario, &options()).expect("the lab starts");
        until(&mut lab, "requests are answered", |lab| answered(lab, 0) > 300);
        let known = every_nanosecond_is_accounted_for(&lab, &specimen(&lab, 0).clients.tail);
        assert!(known > 32, "{model:?}: {known}");
    }
}

#[test]
fn the_same_fault_offloaded_holds_nothing_up() {
    let pool = [MitigationSetting::WorkerPool { threads: 1 }];
    let mut lab = start(&[("pool", &pool)], light());
    lab.carry_out(None, &Command::Inject(FaultSetting::Compute { busy: Nanos::millis(600) })).expect("a fault");
    until(&mut lab, "the job is done", |lab| specimen(lab, 0).workers.iter().any(|w| w.done > 0));
    let longest = specimen(&lab, 0).stalls.longest;
    assert!(longest < Nanos::millis(300), "{longest}");
}

#[test]
fn a_panic_kills_the_process_and_its_last_words_are_kept() {
    let mut lab = start(&[("naive", &[])], light());
    let first = pid(&lab, 0);
    lab.carry_out(Some(NAIVE), &Command::Inject(FaultSetting::Panic)).expect("a fault");
    until(&mut lab, "it dies", |lab| {
        matches!(specimen(lab, 0).life, Life::Dead { .. }) && specimen(lab, 0).deaths.iter().any(|d| !d.last_words.is_empty())
    });
    let death = specimen(&lab, 0).deaths[0].clone();
    assert_eq!((death.pid, death.signal, death.code), (first, 0, 101));
    assert!(death.last_words.contains("panic"), "{death:?}");
    assert!(!std::path::Path::new(&format!("/proc/{first}")).exists());
    assert_eq!(lab.carry_out(Some(NAIVE), &Command::Inject(FaultSetting::Panic)), Err(Refusal::Dead("naive".into())));
    // The listening socket is the lab's: its queue is there, and is sampled, while no process is.
    until(&mut lab, "the accept queue fills", |lab| specimen(lab, 0).kernel.accept_queue.is_some_and(|(length, _)| length > 0));
    assert_eq!((specimen(&lab, 0).kernel.memory, specimen(&lab, 0).kernel.thread), (None, None));
    let before = answered(&lab, 0);
    lab.carry_out(Some(NAIVE), &Command::Respawn).expect("a new process");
    until(&mut lab, "its clients are back", |lab| answered(lab, 0) > before + 100);
    assert_ne!(pid(&lab, 0), first);
}

#[test]
fn the_supervisor_ends_an_endless_loop_and_the_clients_go_on() {
    let supervised = [MitigationSetting::Supervisor { deadline: Nanos::millis(300) }];
    let mut lab = start(&[("supervised", &supervised)], light());
    let first = pid(&lab, 0);
    lab.carry_out(None, &Command::Inject(FaultSetting::EndlessLoop)).expect("a fault");
    until(&mut lab, "it is replaced", |lab| matches!(specimen(lab, 0).life, Life::Running { pid, .. } if pid != first));
    let before = answered(&lab, 0);
    until(&mut lab, "its clients go on", |lab| answered(lab, 0) > before + 100);
    let death = &specimen(&lab, 0).deaths[0];
    assert_eq!((death.signal, death.by_watchdog), (9, true));
    assert!(specimen(&lab, 0).mitigations[Mitigation::Supervisor as usize]);
}

#[test]
fn mitigations_switch_while_it_runs() {
    let mut lab = start(&[("naive", &[])], light());
    lab.carry_out(None, &Command::Apply(MitigationSetting::CatchPanic)).expect("a mitigation");
    until(&mut lab, "it is on", |lab| specimen(lab, 0).mitigations[Mitigation::CatchPanic as usize]);
    lab.carry_out(None, &Command::Inject(FaultSetting::Panic)).expect("a fault");
    until(&mut lab, "it is caught", |lab| specimen(lab, 0).caught == 1);
    assert_eq!(specimen(&lab, 0).died, 0);
    lab.carry_out(None, &Command::Revoke(Mitigation::CatchPanic)).expect("a mitigation");
    until(&mut lab, "it is off", |lab| !specimen(lab, 0).mitigations[Mitigation::CatchPanic as usize]);
}

#[test]
fn killed_from_outside_is_a_fact_like_any_other() {
    let mut lab = start(&[("naive", &[])], light());
    let pid = pid(&lab, 0);
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill");
    until(&mut lab, "the death is known", |lab| matches!(specimen(lab, 0).life, Life::Dead { signal: 9, .. }));
}

#[test]
fn the_accept_queue_grows_while_the_loop_is_stuck() {
    let mut lab = start(&[("naive", &[])], light());
    let address = lab.address(NAIVE).expect("an address");
    lab.carry_out(None, &Command::Inject(FaultSetting::Compute { busy: Nanos::millis(1500) })).expect("a fault");
    until(&mut lab, "the stall is seen", |lab| specimen(lab, 0).stalls.current.is_some());
    let waiting: Vec<_> = (0..5).map(|_| TcpStream::connect(address).expect("the kernel queues it")).collect();
    until(&mut lab, "the queue is seen", |lab| specimen(lab, 0).kernel.accept_queue.is_some_and(|(length, _)| length >= 5));
    until(&mut lab, "they are accepted", |lab| specimen(lab, 0).kernel.accept_queue.is_some_and(|(length, _)| length == 0));
    assert_eq!(waiting.len(), 5);
}

#[test]
fn anybody_can_be_a_client() {
    let mut lab = start(&[("naive", &[])], light());
    let mut stream = TcpStream::connect(lab.address(NAIVE).expect("an address")).expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    pump_for(&mut lab, Nanos::millis(50));
}

#[test]
fn no_child_survives_its_lab() {
    let mut lab = start(&[("a", &[]), ("b", &[])], light());
    let pids: Vec<u32> = (0..2).flat_map(|n| [pid(&lab, n), specimen(&lab, n).clients.pid.expect("a load")]).collect();
    assert!(pids.iter().all(|p| std::path::Path::new(&format!("/proc/{p}")).exists()));
    lab.carry_out(None, &Command::Restart).expect("a restart");
    until(&mut lab, "everything is up again", Lab::is_ready);
    assert!(pids.iter().all(|p| !std::path::Path::new(&format!("/proc/{p}")).exists()), "{pids:?}");
    let pids: Vec<u32> = (0..2).map(|n| pid(&lab, n)).collect();
    drop(lab);
    assert!(pids.iter().all(|p| !std::path::Path::new(&format!("/proc/{p}")).exists()), "{pids:?}");
}

#[test]
fn a_suspended_lab_suspends_its_children_and_blames_nobody() {
    let mut lab = start(&[("naive", &[])], light());
    lab.suspend();
    std::thread::sleep(Duration::from_millis(400));
    lab.resume();
    let before = answered(&lab, 0);
    until(&mut lab, "it goes on", |lab| answered(lab, 0) > before + 100);
    assert_eq!(specimen(&lab, 0).stalls.count, 0, "{:?}", specimen(&lab, 0).stalls);
}

#[test]
fn the_selectors_are_measured_beside_the_specimens_and_nobody_waits_for_them() {
    let mut lab = start(&[("naive", &[])], Load { connections: 4, rate: Some(200.0), ..Load::default() });
    assert!(lab.selectors().is_none(), "nobody has asked");
    lab.carry_out(None, &Command::Idle(200)).unwrap();
    let measured = |lab: &Lab| lab.selectors().is_some_and(|view| view.is_measured());
    until(&mut lab, "the place in hand is measured", measured);
    let view = lab.selectors().unwrap();
    assert_eq!(view.drag.point(), Some(Point { size: 200, active: Active::Count(1) }));
    let (poll, epoll) = (view.cost(Selector::Poll).unwrap(), view.cost(Selector::EpollLevel).unwrap());
    assert!(poll.call_ns > epoll.call_ns, "{poll:?} {epoll:?}");
    lab.carry_out(None, &Command::NextActive).unwrap();
    lab.carry_out(None, &Command::FewerIdle).unwrap();
    until(&mut lab, "and so is the next", measured);
    assert_eq!(lab.selectors().unwrap().drag.point(), Some(Point { size: 100, active: Active::Count(100) }));
    until(&mut lab, "and what they do beside", |lab| lab.selectors().is_some_and(|view| matches!(view.facts, Some(Ok(_)))));
    assert!(matches!(lab.carry_out(None, &Command::Active(Active::Count(7))), Err(Refusal::OutOfRange(_))));
    assert!(lab.world().specimens[0].is_alive());
}
