//! The specimen broken and mended: faults, mitigations, orders, and its ends.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use loopscope::base::units::Nanos;
use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::shared::Order;
use loopscope::telemetry::vocabulary::{Cause, CloseReason, Fault, Handler, Mitigation, Phase};

use crate::harness::{PATIENCE, Specimen, listener};

const BUSY: Nanos = Nanos::millis(400);
/// Long enough that nobody mistakes a busy machine for it.
const LONG: Nanos = Nanos::millis(1_200);

/// The longest time between two boundaries of the loop other than waiting in `epoll_wait`, in seconds.
fn longest_stall(specimen: &mut Specimen) -> f64 {
    let mut longest = 0.0_f64;
    let mut began: Option<f64> = None;
    for (at, what) in specimen.timed() {
        match what {
            What::Began { .. } | What::Entered { .. } => {
                if let Some(began) = began.take() {
                    longest = longest.max(at - began);
                }
                if let What::Began { .. } = what {
                    began = Some(at);
                }
            }
            _ => {}
        }
    }
    longest
}

fn with(mitigation: MitigationSetting) -> Specimen {
    Specimen::start(&Config { mitigations: vec![mitigation], ..Config::naive("mended") })
}

#[test]
fn a_computing_callback_stalls_the_loop_for_exactly_as_long_as_it_was_asked_to() {
    let mut specimen = Specimen::naive();
    let mut burnt = Vec::new();
    // It can only be longer: on a busy machine the thread may have been taken off its core near the end. Not every time, though.
    while !burnt.iter().any(|took| *took < BUSY.as_secs() * 1.02) {
        assert!(burnt.len() < 10, "{burnt:?}");
        assert!(specimen.order(Control::Inject(FaultSetting::Compute { busy: BUSY })));
        assert_eq!(specimen.connect().get("/").status, 200);
        let times = specimen.timed();
        let struck = times.iter().rposition(|(_, w)| matches!(w, What::Struck { fault: Fault::Compute, .. })).unwrap();
        let responded = times[struck..].iter().find(|(_, w)| matches!(w, What::Responded { .. })).unwrap();
        burnt.push(responded.0 - times[struck].0);
    }
    assert!(burnt.iter().all(|took| *took >= BUSY.as_secs()), "{burnt:?}");
    let begin = Instant::now();
    while longest_stall(&mut specimen) < BUSY.as_secs() {
        assert!(begin.elapsed() < PATIENCE, "the callback's end never came");
    }
    // Once is once.
    assert_eq!(specimen.connect().get("/").status, 200);
    assert_eq!(specimen.facts().iter().filter(|w| matches!(w, What::Struck { .. })).count(), burnt.len());
}

#[test]
fn who_is_ready_meanwhile_waits_for_it() {
    let mut specimen = Specimen::naive();
    let (mut first, mut second) = (specimen.connect(), specimen.connect());
    assert_eq!((first.get("/").status, second.get("/").status), (200, 200));
    first.send("GET /compute?ms=300 HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Requested { handler: Handler::Compute, .. }));
    // What the loop is in can be read while it is in it.
    let beat = specimen.shared.heartbeat();
    assert_eq!((beat.phase, beat.callback.map(|(cause, _)| cause)), (Phase::Dispatch, Some(Cause::Readable)));
    let begin = Instant::now();
    assert_eq!(second.get("/").status, 200);
    assert!(begin.elapsed() > Duration::from_millis(100));
    assert_eq!(first.answer().status, 200);
}

#[test]
fn a_pool_takes_the_work_off_the_loop() {
    let mut specimen = with(MitigationSetting::WorkerPool { threads: 2 });
    let (mut first, mut other) = (specimen.connect(), specimen.connect());
    assert_eq!(other.get("/").status, 200);
    specimen.order(Control::Inject(FaultSetting::Compute { busy: LONG }));
    // The one behind it on the same connection waits in order.
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::JobBegan { .. }));
    assert_eq!(other.get("/").status, 200);
    assert!(!specimen.facts().iter().any(|w| matches!(w, What::JobEnded { .. })), "the other was answered meanwhile");
    assert_eq!(first.answer().text(), "Hello, world!\n");
    assert!(first.answer().text().starts_with("GET /echo"));
    let facts = specimen.facts();
    for is_there in [
        |w: &What| matches!(w, What::JobQueued { handler: Handler::Root, .. }),
        |w: &What| matches!(w, What::JobEnded { .. }),
        |w: &What| matches!(w, What::Began { cause: Cause::Completion, .. }),
        |w: &What| matches!(w, What::Mitigated { mitigation: Mitigation::WorkerPool, on: 1 }),
    ] {
        assert!(facts.iter().any(is_there), "{facts:?}");
    }
    assert!(longest_stall(&mut specimen) < LONG.as_secs() / 2.0);
}

#[test]
fn slices_let_the_others_have_their_turn() {
    let mut specimen = with(MitigationSetting::Slicing { budget: Nanos::millis(5) });
    let (mut first, mut other) = (specimen.connect(), specimen.connect());
    first.send("GET /compute?ms=1200 HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::TaskQueued { handler: Handler::Compute, .. }));
    let mut answered = 0;
    while !specimen.facts().iter().any(|w| matches!(w, What::Responded { conn, .. } if conn.0 == 1)) {
        assert_eq!(other.get("/").status, 200);
        answered += 1;
    }
    assert_eq!(first.answer().text(), "Computed.\n");
    assert!(answered > 3, "{answered}");
    let slices = specimen.facts().iter().filter(|w| matches!(w, What::Began { cause: Cause::Task, .. })).count();
    assert!((2..=240).contains(&slices), "{slices}");
    assert!(longest_stall(&mut specimen) < LONG.as_secs() / 2.0);
}

#[test]
fn mitigations_are_switched_while_it_runs() {
    let mut specimen = Specimen::naive();
    assert_eq!(specimen.status("Threads"), 1);
    let pool = |threads| Control::Apply(MitigationSetting::WorkerPool { threads });
    assert!(specimen.order(pool(2)));
    assert_eq!(specimen.connect().get("/compute?ms=1").status, 200);
    assert_eq!(specimen.status("Threads"), 3);
    for refused in [0, 9] {
        assert!(!specimen.order(pool(refused)), "a pool of {refused}");
    }
    assert!(!specimen.order(Control::Apply(MitigationSetting::Slicing { budget: Nanos::ZERO })));
    // A job that was begun comes back, also when its pool is switched off meanwhile.
    let mut client = specimen.connect();
    client.send("GET /compute?ms=150 HTTP/1.1\r\nHost: a\r\n\r\n");
    let conn_2 = |w: &What| matches!(w, What::JobBegan { conn, .. } if conn.0 == 2);
    specimen.wait_for(conn_2);
    assert!(specimen.order(pool(8)));
    assert!(specimen.order(Control::Revoke(Mitigation::WorkerPool)));
    assert!(!specimen.order(Control::Revoke(Mitigation::WorkerPool)), "it is off already");
    assert_eq!(client.answer().text(), "Computed.\n");
    let begin = Instant::now();
    while specimen.status("Threads") > 1 {
        assert!(begin.elapsed() < PATIENCE, "threads stay");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(specimen.order(Control::Apply(MitigationSetting::Slicing { budget: Nanos::millis(1) })));
    assert_eq!(client.get("/compute?ms=5").status, 200);
    assert!(specimen.order(Control::Revoke(Mitigation::Slicing)));
    assert_eq!(client.get("/compute?ms=5").status, 200);
    assert!(specimen.order(Control::Apply(MitigationSetting::Supervisor { deadline: Nanos::secs(1) })));
    let stats: serde_json::Value = serde_json::from_slice(&client.get("/stats").body).unwrap();
    assert_eq!(stats["mitigations"], serde_json::json!(["supervisor"]));
    let switched: Vec<(Mitigation, u32)> = specimen
        .facts()
        .iter()
        .filter_map(|w| if let What::Mitigated { mitigation, on } = w { Some((*mitigation, *on)) } else { None })
        .collect();
    let (pool, slicing) = (Mitigation::WorkerPool, Mitigation::Slicing);
    assert_eq!(switched, [(pool, 1), (pool, 1), (pool, 0), (slicing, 1), (slicing, 0), (Mitigation::Supervisor, 1)]);
}

#[test]
fn a_panic_ends_the_process_with_its_last_words() {
    let mut specimen = Specimen::naive();
    let mut other = specimen.connect();
    assert_eq!(other.get("/").status, 200);
    assert!(specimen.order(Control::Inject(FaultSetting::Panic)));
    let mut victim = specimen.connect();
    victim.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (status, words) = specimen.wait();
    assert_eq!(status.code(), Some(101));
    assert!(words.starts_with("the loop panicked at src/specimen/faults/panic.rs:") && words.lines().count() == 1, "{words}");
    assert!(other.stream.set_nonblocking(false).is_ok() && other.is_closed(), "every client is cut off");
    let facts = specimen.facts();
    assert!(matches!(facts.last(), Some(What::Struck { fault: Fault::Panic, .. })), "{facts:?}");
}

#[test]
fn a_panic_that_is_caught_ends_its_connection_only() {
    let mut specimen = with(MitigationSetting::CatchPanic);
    let mut other = specimen.connect();
    assert_eq!(other.get("/").status, 200);
    for _ in 0..3 {
        // What was answered before it in the same batch is sent, what comes after it is not read.
        let text = specimen
            .talk("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((text.matches("HTTP/1.1 200 OK").count(), text.matches("HTTP/1.1 500 ").count()), (1, 1), "{text}");
        assert_eq!(other.get("/").status, 200);
    }
    let facts = specimen.facts();
    assert_eq!(facts.iter().filter(|w| matches!(w, What::Caught { .. })).count(), 3);
    specimen.wait_for(|w| matches!(w, What::Closed { reason: CloseReason::Panicked, .. }));
    assert!(specimen.order(Control::Stop));
    let (status, words) = specimen.wait();
    assert!(status.success() && words.starts_with("the loop panicked at "), "{words}");
}

#[test]
fn a_panic_in_a_later_callback_is_caught_too() {
    let mut specimen = with(MitigationSetting::CatchPanic);
    let mut client = specimen.connect();
    client.send("GET /sleep?ms=20 HTTP/1.1\r\nHost: a\r\n\r\nGET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((client.answer().status, client.answer().status), (200, 500));
    assert!(client.is_closed());
    assert!(specimen.order(Control::Stop));
}

#[test]
fn an_endless_loop_takes_no_orders_and_leaves_what_it_wrote() {
    let mut specimen = Specimen::naive();
    let mut victim = specimen.connect();
    victim.send("GET /echo?fault=endless-loop HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Struck { fault: Fault::EndlessLoop, .. }));
    let seq = specimen.send_order(Control::Stop);
    std::thread::sleep(Duration::from_millis(100));
    assert!(!specimen.facts().iter().any(|w| matches!(w, What::Applied { seq: s, .. } if *s == seq)));
    let beat = specimen.shared.heartbeat();
    assert_eq!(beat.callback.map(|(cause, conn)| (cause, conn.0)), Some((Cause::Readable, 1)));
    specimen.child.kill().unwrap();
    let (status, _) = specimen.wait();
    assert_eq!(status.signal(), Some(9));
    let facts = specimen.facts();
    assert!(matches!(facts.last(), Some(What::Struck { .. })), "{facts:?}");
    assert_eq!(specimen.shared.heartbeat(), beat, "the heartbeat is still there to read");
}

#[test]
fn an_endless_loop_in_a_pool_occupies_a_worker_and_not_the_loop() {
    let mut specimen = with(MitigationSetting::WorkerPool { threads: 2 });
    let mut victim = specimen.connect();
    victim.send("GET /?fault=endless-loop HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::JobBegan { .. }));
    assert_eq!(specimen.connect().get("/compute?ms=1").status, 200);
    assert!(specimen.order(Control::Revoke(Mitigation::WorkerPool)), "switching off waits for nobody");
    assert_eq!(specimen.connect().get("/").status, 200);
    assert!(specimen.order(Control::Stop));
    assert!(specimen.wait().0.success());
}

#[test]
fn faults_can_be_asked_for_by_a_request() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    assert_eq!(client.get("/?fault=compute&ms=50").text(), "Hello, world!\n");
    assert_eq!(client.get("/bytes?n=10&fault=compute&ms=1").body.len(), 10);
    assert!(longest_stall(&mut specimen) >= 0.05);
}

#[test]
fn it_ends_with_the_lab() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    assert_eq!(client.get("/").status, 200);
    assert!(specimen.order(Control::Stop));
    assert!(specimen.wait().0.success());
    assert!(client.is_closed());

    let mut specimen = Specimen::naive();
    assert_eq!(specimen.connect().get("/").status, 200);
    specimen.channel.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(specimen.wait().0.success(), "the end of the channel is the end of the lab");
}

#[test]
fn its_listener_outlives_it() {
    let listener = listener();
    let config = Config::naive("replaced");
    let mut first = Specimen::start_on(&config, &listener);
    assert_eq!(first.connect().get("/").status, 200);
    first.child.kill().unwrap();
    first.wait();
    // Nobody is there, and the kernel queues.
    let mut waiting = first.connect();
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let _second = Specimen::start_on(&config, &listener);
    assert_eq!(waiting.answer().status, 200);
}

#[test]
fn a_start_that_cannot_be_says_why() {
    let mitigations = vec![MitigationSetting::WorkerPool { threads: 9 }];
    let (status, words) = Specimen::start(&Config { mitigations, ..Config::naive("wrong") }).wait();
    assert_eq!((status.code(), words.as_str()), (Some(1), "loopscope: a pool has 1 to 8 workers\n"));
}

#[test]
fn it_can_be_held_before_each_callback() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    assert_eq!(client.get("/").status, 200);
    let gate = specimen.shared.gate();
    gate.order(Order::HoldCallbacks);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Gated { held: 1 }));
    assert!(gate.is_held());
    let requests = |specimen: &mut Specimen| specimen.facts().iter().filter(|w| matches!(w, What::Requested { .. })).count();
    assert_eq!(requests(&mut specimen), 1, "its client really waits");
    gate.step();
    assert_eq!(client.answer().status, 200);
    gate.order(Order::Run);
    assert_eq!(client.get("/").status, 200);
    assert_eq!(requests(&mut specimen), 3);
}

#[test]
fn unwatched_it_serves_the_same_and_tells_nothing() {
    let mitigations = vec![MitigationSetting::WorkerPool { threads: 1 }];
    let mut specimen = Specimen::start(&Config { watched: false, mitigations, ..Config::naive("unwatched") });
    let mut client = specimen.connect();
    assert_eq!((client.get("/").status, client.get("/compute?ms=1").status), (200, 200));
    assert!(specimen.facts().is_empty());
}

#[test]
fn a_blocking_read_parks_the_loop_and_costs_no_cpu() {
    let mut specimen = Specimen::naive();
    let (mut first, mut other) = (specimen.connect(), specimen.connect());
    assert_eq!((first.get("/").status, other.get("/").status), (200, 200));
    first.send("GET /?fault=blocking-read&ms=400 HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Struck { fault: Fault::BlockingRead, .. }));
    let begin = Instant::now();
    other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // The kernel says that its thread sleeps.
    let state = || std::fs::read_to_string(format!("/proc/{0}/task/{0}/stat", specimen.child.id())).unwrap();
    while !state().contains(") S ") {
        assert!(begin.elapsed() < PATIENCE, "{}", state());
    }
    assert_eq!(other.answer().status, 200);
    assert!(begin.elapsed() > Duration::from_millis(100));
    assert_eq!(first.answer().status, 200);
    assert!(longest_stall(&mut specimen) >= 0.4);
}

#[test]
fn registered_the_same_wait_is_an_event_of_the_loop() {
    let mut specimen = with(MitigationSetting::NonBlocking);
    let (mut first, mut other) = (specimen.connect(), specimen.connect());
    assert_eq!(other.get("/").status, 200);
    let begin = Instant::now();
    // The one behind it on the same connection waits in order.
    first.send("GET /?fault=blocking-read&ms=400 HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Asked { .. }));
    assert_eq!(other.get("/").status, 200);
    assert_eq!(specimen.facts().iter().filter(|w| matches!(w, What::Responded { conn, .. } if conn.0 == 1)).count(), 0);
    assert_eq!(first.answer().text(), "Hello, world!\n");
    assert!(begin.elapsed() >= Duration::from_millis(400));
    assert!(first.answer().text().starts_with("GET /echo"));
    assert!(longest_stall(&mut specimen) < 0.2);
    // Whom it asks is one more descriptor, for as long as the answer is waited for.
    let descriptors = |specimen: &Specimen| std::fs::read_dir(format!("/proc/{}/fd", specimen.child.id())).unwrap().count();
    drop(first);
    specimen.wait_for(|w| matches!(w, What::Closed { .. }));
    let before = descriptors(&specimen);
    let mut leaver = specimen.connect();
    leaver.send("GET /?fault=blocking-read&ms=60000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Asked { conn } if conn.0 == 3));
    assert!(descriptors(&specimen) > before + 1);
    assert!(specimen.order(Control::Stop));
    assert!(specimen.wait().0.success());
}

#[test]
fn a_worker_can_park_instead_of_the_loop() {
    let mut specimen = with(MitigationSetting::WorkerPool { threads: 1 });
    let mut first = specimen.connect();
    first.send("GET /?fault=blocking-read&ms=300 HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::JobBegan { .. }));
    assert_eq!(specimen.connect().get("/").status, 200);
    assert_eq!(first.answer().status, 200);
    assert!(longest_stall(&mut specimen) < 0.2);
}

#[test]
fn what_a_caught_panic_leaves_half_changed_stays_until_the_process_ends() {
    let sum = |specimen: &Specimen| specimen.connect().get("/transfer").text().trim().rsplit(' ').next().unwrap().parse::<u32>().unwrap();
    let mut specimen = with(MitigationSetting::CatchPanic);
    assert_eq!(sum(&specimen), 2_000_000);
    assert_eq!(specimen.connect().get("/transfer?fault=panic").status, 500);
    assert_eq!(specimen.connect().get("/?fault=panic").status, 500);
    // One transfer was between its two steps; the other request was none.
    specimen.wait_for(|what| matches!(what, What::Balanced { missing: 1, begun: 2 }));
    assert_eq!(sum(&specimen), 1_999_999);
    assert!(specimen.connect().get("/stats").text().contains("\"missing\":1"));
    assert_eq!(sum(&with(MitigationSetting::CatchPanic)), 2_000_000, "another process begins whole");
}

#[test]
fn jobs_that_repeat_drift_or_do_not() {
    let mut specimen = Specimen::naive();
    assert!(specimen.connect().get("/beats?ms=10").text().contains("0 runs"));
    let beats = |facts: &[What], of: u32| facts.iter().filter(|what| matches!(what, What::Beat { fixed, .. } if *fixed == of)).count();
    specimen.wait_until(|facts| beats(facts, 0) >= 10 && beats(facts, 1) >= 10);
    // Who counts from the last run never gets back what it has lost.
    let behind: Vec<u32> =
        specimen.facts().iter().filter_map(|what| if let What::Beat { fixed: 0, behind } = what { Some(*behind) } else { None }).collect();
    assert!(behind.is_sorted(), "{behind:?}");
    let text = specimen.connect().get("/beats?ms=10").text();
    assert!(text.contains("counted from the last run") && text.contains("counted from the first moment"), "{text}");
}
