//! The models with their real threads and processes, tried from outside: `/proc`, `kill`, and clients of their own.

use std::time::{Duration, Instant};

use loopscope::base::ids::SpecimenId;
use loopscope::base::units::Nanos;
use loopscope::command::Command;
use loopscope::lab::limits::{Machine, Servers};
use loopscope::lab::{Lab, Refusal};
use loopscope::load::plan::Load;
use loopscope::scenario::Scenario;
use loopscope::scenario::load::from_text;
use loopscope::specimen::config::{Config, ModelSetting};
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{CloseReason, Fault, Mitigation, Outcome};
use loopscope::world::{Life, Specimen as Seen};

use super::harness::Specimen;
use super::harness::labs::{pump_for, ready, until};

const THREADED: [ModelSetting; 3] =
    [ModelSetting::ThreadPerConnection, ModelSetting::ThreadPool { threads: 2 }, ModelSetting::ThreadPool { threads: 8 }];

fn start(model: ModelSetting) -> Specimen {
    Specimen::start(&Config { model, ..Config::naive("threads") })
}

#[test]
fn threads_speak_the_same_http_as_the_loop() {
    let naive = Specimen::naive();
    // Without the Date, which may differ by a second, and the status line of what is measured.
    let plain = |text: String| text.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n");
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(40_000));
    for talk in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
        "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET /bytes?n=300000 HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes?n=x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /sleep?ms=20 HTTP/1.1\r\nHost: a\r\n\r\nGET /compute?ms=5 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?fault=nonsense HTTP/1.1\r\nHost: a\r\n\r\nGET /?fault=compute&ms=x HTTP/1.1\r\nHost: a\r\n\r\n",
        &long,
    ] {
        let expected = plain(naive.talk(talk));
        for model in THREADED {
            assert_eq!(plain(start(model).talk(talk)), expected, "{model:?}: {talk:.80}");
        }
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_one_request() {
    for model in THREADED {
        let mut specimen = start(model);
        let mut client = specimen.connect();
        for byte in b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" {
            client.send([*byte]);
        }
        assert_eq!(client.answer().text(), "abc");
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
        assert_eq!(client.answer().status, 100, "{model:?}");
        client.send("hi");
        assert_eq!(client.answer().text(), "hi");
        assert_eq!(specimen.facts().iter().filter(|what| matches!(what, What::Requested { .. })).count(), 2);
    }
}

#[test]
fn each_connection_has_its_thread_and_a_pool_has_its_own() {
    let threads = |model: ModelSetting| {
        let specimen = start(model);
        let mut clients: Vec<_> = (0..40).map(|_| specimen.connect()).collect();
        for client in &mut clients {
            assert_eq!(client.get("/").status, 200);
        }
        specimen.status("Threads")
    };
    assert_eq!(threads(ModelSetting::EventLoop), 1);
    assert_eq!(threads(ModelSetting::ThreadPerConnection), 41);
    assert_eq!(threads(ModelSetting::ThreadPool { threads: 3 }), 4);
}

#[test]
fn a_pool_serves_more_connections_than_it_has_threads() {
    let specimen = start(ModelSetting::ThreadPool { threads: 2 });
    let mut idle: Vec<_> = (0..20).map(|_| specimen.connect()).collect();
    for _ in 0..3 {
        for client in &mut idle {
            assert_eq!(client.get("/").status, 200);
        }
    }
    // A thread that sleeps with one client leaves the others to the other thread.
    idle[0].send("GET /sleep?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    assert_eq!(idle[1].get("/").status, 200);
    assert!(begin.elapsed() < Duration::from_millis(1200), "{:?}", begin.elapsed());
    assert_eq!(idle[0].answer().text(), "Slept.\n");
}

#[test]
fn a_panic_ends_its_thread_and_its_connection_and_nothing_else() {
    let mut specimen = start(ModelSetting::ThreadPerConnection);
    let (mut one, mut other) = (specimen.connect(), specimen.connect());
    assert_eq!(other.get("/").status, 200);
    one.send("GET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(one.rest(), "");
    assert_eq!(other.get("/").status, 200);
    let reason = specimen.wait_for(|what| matches!(what, What::Closed { .. }));
    assert!(matches!(reason, What::Closed { reason: CloseReason::Panicked, .. }), "{reason:?}");
    has_threads(&specimen, 2);

    // A pool has one thread less from then on.
    let pool = start(ModelSetting::ThreadPool { threads: 2 });
    assert_eq!(pool.talk("GET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    assert!(pool.get("/").starts_with("HTTP/1.1 200"));
    has_threads(&pool, 2);
}

/// A thread is gone a moment after its connection is.
fn has_threads(specimen: &Specimen, count: u64) {
    let begin = Instant::now();
    while specimen.status("Threads") != count {
        assert!(begin.elapsed() < Duration::from_secs(10), "{} threads", specimen.status("Threads"));
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_caught_panic_is_a_500_on_threads_too() {
    for model in THREADED {
        let config = Config { model, mitigations: vec![MitigationSetting::CatchPanic], ..Config::naive("caught") };
        let mut specimen = Specimen::start(&config);
        let threads = || specimen.status("Threads");
        let before = if model == ModelSetting::ThreadPerConnection { 1 } else { threads() };
        let text = specimen.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("HTTP/1.1 500"), "{text}");
        assert!(before <= specimen.status("Threads"));
        specimen.wait_for(|what| matches!(what, What::Caught { .. }));
        assert!(specimen.order(Control::Revoke(Mitigation::CatchPanic)));
        assert_eq!(specimen.talk("GET /?fault=panic HTTP/1.1\r\nHost: a\r\n\r\n"), "", "{model:?}");
    }
}

#[test]
fn an_armed_fault_strikes_the_next_request_and_what_means_nothing_is_refused() {
    for model in THREADED {
        let mut specimen = start(model);
        assert!(specimen.order(Control::Inject(FaultSetting::Compute { busy: Nanos::millis(60) })));
        let begin = Instant::now();
        assert!(specimen.get("/").starts_with("HTTP/1.1 200"));
        assert!(begin.elapsed() >= Duration::from_millis(60));
        specimen.wait_for(|what| matches!(what, What::Struck { fault: Fault::Compute, .. }));
        assert!(!specimen.order(Control::Inject(FaultSetting::ForgottenDrain { buffer: 16 })));
        assert!(!specimen.order(Control::Apply(MitigationSetting::Slicing { budget: Nanos::millis(1) })));
        specimen.send_order(Control::Stop);
        assert!(specimen.wait().0.success());
    }
}

// ---- in a lab -----------------------------------------------------------------------------------------------------

fn scenario(specimens: &str, load: Load) -> Scenario {
    let text = format!("(id: \"test\", title: {{ \"en\": \"test\" }}, specimens: [{specimens}])");
    Scenario { load, ..from_text(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}")) }
}

fn lab(specimens: &str, load: Load) -> Lab {
    ready(&scenario(specimens, load))
}

fn seen(lab: &Lab, n: usize) -> &Seen {
    &lab.world().specimens[n]
}

fn outcomes(lab: &Lab, n: usize, outcome: Outcome) -> u64 {
    seen(lab, n).clients.outcomes[outcome as usize]
}

fn pids(lab: &Lab, n: usize) -> Vec<u32> {
    let pid = |process: &Seen| if let Life::Running { pid, .. } = process.life { pid } else { 0 };
    seen(lab, n).processes.iter().map(pid).collect()
}

fn light(connections: u32) -> Load {
    Load { connections, rate: Some(400.0), ..Load::default() }
}

#[test]
fn every_model_answers_and_the_world_sees_its_connections() {
    let specimens = "(name: \"loop\"), (name: \"each\", model: ThreadPerConnection), (name: \"pool\", model: ThreadPool(threads: 4)), \
                     (name: \"workers\", model: Workers(processes: 2))";
    let mut lab = lab(specimens, light(24));
    pump_for(&mut lab, Nanos::secs(2));
    for n in 0..4 {
        let s = seen(&lab, n);
        assert!(outcomes(&lab, n, Outcome::Answered) > 300, "{}: {:?}", s.name, s.clients.outcomes);
        assert_eq!(s.clients.outcomes.iter().sum::<u64>(), outcomes(&lab, n, Outcome::Answered), "{}", s.name);
        assert_eq!(s.open_connections(), 24, "{}", s.name);
        assert!(s.clients.tail.iter().filter(|slow| slow.parts.is_some()).count() * 2 > s.clients.tail.len(), "{}", s.name);
    }
    assert_eq!(lab.world().lost, 0);
    let threads = seen(&lab, 1).threads.answered;
    assert!(threads.abs_diff(outcomes(&lab, 1, Outcome::Answered)) <= 24, "{threads}");
    // The kernel wakes the workers as it likes; both loops run, and together they have served everybody.
    let requests: Vec<u64> = seen(&lab, 3).loops().map(|process| process.reactor.requests).collect();
    assert!(requests.iter().sum::<u64>().abs_diff(outcomes(&lab, 3, Outcome::Answered)) <= 24, "{requests:?}");
    assert!(seen(&lab, 3).loops().all(|process| process.reactor.ticks > 0));
    assert_eq!(
        lab.carry_out(Some(SpecimenId(1)), &Command::Apply(MitigationSetting::WorkerPool { threads: 1 })).map_err(|e| e.to_string()),
        Err("worker-pool means nothing to a thread-per-connection server".to_owned())
    );
}

#[test]
fn a_killed_worker_is_replaced_and_the_others_lose_nothing() {
    for share in ["Listener", "ReusePort"] {
        // As many connections as will surely fall to both.
        let load = Load { connections: 64, rate: Some(1000.0), timeout: Nanos::secs(5), ..Load::default() };
        let mut lab = lab(&format!("(name: \"workers\", model: Workers(processes: 2, share: {share}))"), load);
        pump_for(&mut lab, Nanos::millis(700));
        let before = pids(&lab, 0);
        let mut lost = 0;
        for round in 1..=3 {
            let victim = usize::from(round % 2 == 0);
            lost += u64::from(seen(&lab, 0).processes[victim].connections.open);
            let pid = pids(&lab, 0)[victim];
            rustix::process::kill_process(rustix::process::Pid::from_raw(pid as i32).unwrap(), rustix::process::Signal::KILL).unwrap();
            until(&mut lab, "it is replaced", |lab| pids(lab, 0)[victim] != pid && pids(lab, 0)[victim] != 0);
            pump_for(&mut lab, Nanos::millis(700));
        }
        let s = seen(&lab, 0);
        assert_eq!((s.all_deaths(), s.died), (3, 0), "{share}");
        assert!(pids(&lab, 0).iter().all(|pid| !before.contains(pid)), "{before:?}");
        // Only what the dead had accepted may be cut off; whoever a living one had accepted was answered.
        let cut = outcomes(&lab, 0, Outcome::Reset) + outcomes(&lab, 0, Outcome::Closed);
        assert!(cut <= lost, "{share}: {cut} cut off of {lost}");
        let others: u64 =
            [Outcome::Timeout, Outcome::Refused, Outcome::Garbled, Outcome::ErrorStatus].map(|o| outcomes(&lab, 0, o)).iter().sum();
        assert_eq!(others, 0, "{share}: {:?}", s.clients.outcomes);
        assert!(outcomes(&lab, 0, Outcome::Answered) > 1000, "{share}: {:?}", s.clients.outcomes);
        assert_eq!(lab.world().lost, 0);
    }
}

#[test]
fn a_stuck_worker_holds_up_its_own_clients_until_the_watchdog_sees_it() {
    let specimens = "(name: \"workers\", model: Workers(processes: 2, share: ReusePort)), \
                     (name: \"watched\", model: Workers(processes: 2, share: ReusePort), mitigations: [Supervisor(deadline: \"400ms\")])";
    let mut lab = lab(specimens, Load { timeout: Nanos::secs(2), ..light(48) });
    pump_for(&mut lab, Nanos::millis(300));
    lab.carry_out(None, &Command::Inject(FaultSetting::EndlessLoop)).expect("a fault");
    until(&mut lab, "the watchdog has killed one", |lab| seen(lab, 1).processes.iter().any(|p| p.deaths.iter().any(|d| d.by_watchdog)));
    until(&mut lab, "it is replaced", |lab| !pids(lab, 1).contains(&0) && seen(lab, 1).all_deaths() == 1);
    let stalled: Vec<bool> = seen(&lab, 0).processes.iter().map(|process| process.stalls.current.is_some()).collect();
    assert_eq!(stalled.iter().filter(|s| **s).count(), 1, "one is stuck, the other is not: {stalled:?}");
    let stuck = seen(&lab, 0).processes.iter().find_map(|process| process.stalls.current).expect("a stall");
    assert!(stuck.victims > 0 && stuck.fault == Some(Fault::EndlessLoop), "{stuck:?}");
    let before = outcomes(&lab, 0, Outcome::Answered);
    pump_for(&mut lab, Nanos::millis(700));
    assert!(outcomes(&lab, 0, Outcome::Answered) > before + 20, "the other goes on");
    assert_eq!(seen(&lab, 0).all_deaths(), 0);
}

#[test]
fn whoever_has_no_loop_says_so_where_it_is_to_be_held() {
    let mut lab = lab("(name: \"each\", model: ThreadPerConnection), (name: \"pool\", model: ThreadPool(threads: 2))", light(4));
    for (n, name) in [(0, "each"), (1, "pool")] {
        for command in [Command::HoldLoop, Command::LetOne, Command::LetTick] {
            assert_eq!(lab.carry_out(Some(SpecimenId(n)), &command), Err(Refusal::NoLoop(name.into())));
        }
    }
}

#[test]
fn more_connections_than_the_machine_allows_are_refused_by_the_name_of_the_limit() {
    let mut lab = lab("(name: \"each\", model: ThreadPerConnection)", light(4));
    let asked = Command::Connections(60_000);
    match Machine::here().allows(Servers::default().and(ModelSetting::ThreadPerConnection, 4), 60_000) {
        Err(no) => {
            let refused = lab.carry_out(None, &asked).unwrap_err();
            assert!(matches!(refused, Refusal::TooMany(seen) if seen.limit.name == no.limit.name), "{refused}");
            assert!(refused.to_string().contains(no.limit.name), "{refused}");
            assert_eq!(seen(&lab, 0).clients.clients, 4, "and nothing has changed");
        }
        // A machine that has enough of everything.
        Ok(()) => assert_eq!(lab.carry_out(None, &asked), Ok(())),
    }
    let most = lab.carry_out(None, &Command::Connections(60_001)).unwrap_err();
    assert!(matches!(most, Refusal::OutOfRange(_)), "{most}");
}

#[test]
fn nothing_survives_its_lab() {
    let mut lab = lab("(name: \"workers\", model: Workers(processes: 3))", light(6));
    let workers = pids(&lab, 0);
    let Life::Running { pid: master, .. } = seen(&lab, 0).life else { panic!("it does not run") };
    let alive = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(workers.iter().all(|pid| alive(*pid)) && alive(master));
    // The master's end is its workers' end, however it comes.
    rustix::process::kill_process(rustix::process::Pid::from_raw(master as i32).unwrap(), rustix::process::Signal::KILL).unwrap();
    until(&mut lab, "the master is dead", |lab| matches!(seen(lab, 0).life, Life::Dead { .. }));
    until(&mut lab, "and its workers", |_| workers.iter().all(|pid| !alive(*pid)));
    lab.carry_out(Some(SpecimenId(0)), &Command::Respawn).expect("a new master");
    until(&mut lab, "the new ones serve", |lab| !pids(lab, 0).contains(&0) && pids(lab, 0) != workers);
    let workers = pids(&lab, 0);
    drop(lab);
    let begin = Instant::now();
    while workers.iter().any(|pid| alive(*pid)) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{workers:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
