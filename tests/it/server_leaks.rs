//! What a specimen forgets to give back, what comes of it, and what mends it.

use std::time::{Duration, Instant};

use loopscope::base::units::Nanos;
use loopscope::specimen::config::{Config, Limits};
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{CloseReason, Fault, Mitigation};

use crate::harness::{Client, PATIENCE, Specimen};

/// A specimen that leaks descriptors, and may have 40 of them.
fn leaking(mitigations: Vec<MitigationSetting>) -> Specimen {
    let limits = Limits { descriptors: Some(40), ..Limits::default() };
    Specimen::start(&Config { faults: vec![FaultSetting::FdLeak], mitigations, limits, ..Config::naive("leaking") })
}

/// Connects, asks once, hangs up, and waits until the specimen knows of it.
fn come_and_go(specimen: &mut Specimen, times: usize) {
    for _ in 0..times {
        assert_eq!(specimen.connect().get("/").status, 200);
    }
}

fn descriptors(specimen: &Specimen) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", specimen.child.id())).unwrap().count()
}

fn count(specimen: &mut Specimen, is_it: impl Fn(&What) -> bool) -> usize {
    specimen.facts().iter().filter(|what| is_it(what)).count()
}

fn wait_until(specimen: &mut Specimen, mut is_so: impl FnMut(&mut Specimen) -> bool) {
    let begin = Instant::now();
    while !is_so(specimen) {
        assert!(begin.elapsed() < PATIENCE, "it never came to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_forgotten_close_keeps_the_descriptor_until_it_is_mended() {
    let mut specimen = leaking(Vec::new());
    come_and_go(&mut specimen, 1);
    let before = descriptors(&specimen);
    come_and_go(&mut specimen, 10);
    let leaked = |w: &What| matches!(w, What::Struck { fault: Fault::FdLeak, .. });
    wait_until(&mut specimen, |s| count(s, leaked) == 11);
    assert_eq!(descriptors(&specimen), before + 10);
    assert_eq!(count(&mut specimen, |w| matches!(w, What::Closed { .. })), 0);
    // The kernel waits for us to close.
    assert!(specimen.order(Control::Apply(MitigationSetting::CloseOnEof)));
    wait_until(&mut specimen, |s| count(s, |w| matches!(w, What::Closed { reason: CloseReason::PeerClosed, .. })) == 11);
    assert!(descriptors(&specimen) < before);
    // Off again, it forgets again.
    assert!(specimen.order(Control::Revoke(Mitigation::CloseOnEof)));
    come_and_go(&mut specimen, 1);
    wait_until(&mut specimen, |s| count(s, leaked) == 12);
    // And cured, it does not, and makes up for what it forgot.
    assert!(specimen.order(Control::Cure(Fault::FdLeak)));
    wait_until(&mut specimen, |s| count(s, |w| matches!(w, What::Closed { .. })) == 12);
}

/// Leaks until accepting fails.
fn exhausted(mitigations: Vec<MitigationSetting>) -> (Specimen, Vec<Client>) {
    let mut specimen = leaking(mitigations);
    let mut clients = Vec::new();
    wait_until(&mut specimen, |s| {
        clients.push(s.connect());
        std::thread::sleep(Duration::from_millis(2));
        count(s, |w| matches!(w, What::AcceptFailed { errno: 24 })) > 0
    });
    (specimen, clients)
}

#[test]
fn without_a_reserve_new_clients_wait_and_with_one_they_are_turned_away() {
    let (mut specimen, mut clients) = exhausted(Vec::new());
    let mut late = specimen.connect();
    late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    late.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = late.stream.peek(&mut [0]).unwrap_err().kind();
    assert!(matches!(silence, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{silence}");
    // Those that it has are served on, and a loop that cannot accept does not spin over it.
    assert_eq!(clients[0].get("/").status, 200);
    let before = specimen.facts().len();
    std::thread::sleep(Duration::from_millis(300));
    assert!(specimen.facts().len() - before < 100);

    let (specimen, _clients) = exhausted(vec![MitigationSetting::ReserveDescriptor]);
    let mut late = specimen.connect();
    assert!(late.is_closed(), "turned away at once");
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let mut specimen = leaking(vec![MitigationSetting::IdleTimeout { after: Nanos::millis(200) }]);
    let mut idle = specimen.connect();
    assert_eq!(idle.get("/").status, 200);
    come_and_go(&mut specimen, 2);
    // One that waits for its answer is not idle, and one that asks now and then is not either.
    let mut waiting = specimen.connect();
    waiting.send("GET /sleep?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    let timed_out = |w: &What| matches!(w, What::Closed { reason: CloseReason::Timeout, .. });
    wait_until(&mut specimen, |s| count(s, timed_out) == 3);
    assert!(idle.is_closed());
    assert_eq!(waiting.answer().status, 200);
    assert!(specimen.order(Control::Revoke(Mitigation::IdleTimeout)));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(waiting.get("/").status, 200, "without the timeout it may stay");
    assert!(!specimen.order(Control::Apply(MitigationSetting::IdleTimeout { after: Nanos(1) })), "too short to be one");
}

#[test]
fn sessions_that_own_each_other_outlive_their_connections() {
    let kib = 256;
    let fault = FaultSetting::ClosureLeak { kib };
    let live =
        |s: &mut Specimen| s.facts().iter().rev().find_map(|w| if let What::Live { objects, .. } = w { Some(*objects) } else { None });
    let closed = |w: &What| matches!(w, What::Closed { .. });
    for (mitigations, left) in [(vec![], 60), (vec![MitigationSetting::WeakReferences], 0), (vec![MitigationSetting::ExplicitRelease], 0)] {
        let mut specimen = Specimen::start(&Config { faults: vec![fault], mitigations, ..Config::naive("sessions") });
        come_and_go(&mut specimen, 1);
        wait_until(&mut specimen, |s| count(s, closed) == 1);
        let before = specimen.status("VmRSS");
        come_and_go(&mut specimen, 59);
        wait_until(&mut specimen, |s| count(s, closed) == 60);
        assert_eq!(live(&mut specimen), Some(left));
        let grown = specimen.status("VmRSS").saturating_sub(before);
        // In KiB, by the kernel: what is live is there, and what is not has been given back, or used again.
        let expected = u64::from(kib * left);
        assert!(if left > 0 { grown > expected * 8 / 10 } else { grown < u64::from(kib) * 20 }, "{grown} KiB for {left} sessions");
        let stats: serde_json::Value = serde_json::from_slice(&specimen.connect().get("/stats").body).unwrap();
        assert_eq!(stats["sessions"]["live"], left + 1, "with that of the one who asks");
    }
}
