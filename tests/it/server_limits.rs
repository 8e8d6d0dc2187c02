//! The specimen at its limits: descriptors, memory, many connections.

use std::time::{Duration, Instant};

use loopscope::base::rng::Rng;
use loopscope::base::units::Nanos;
use loopscope::specimen::config::{Config, Limits};
use loopscope::specimen::control::MitigationSetting;
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{CloseReason, Handler, Phase};

use crate::harness::{Client, PATIENCE, Specimen};

#[test]
fn without_descriptors_it_turns_away_and_goes_on() {
    let mut specimen = Specimen::start(&Config { limits: Limits { descriptors: Some(24), ..Limits::default() }, ..Config::naive("poor") });
    let mut kept: Vec<Client> = Vec::new();
    let mut turned_away = 0;
    for _ in 0..40 {
        let mut client = specimen.connect();
        // A connection that is turned away is closed or reset, at once and without a word.
        if std::io::Write::write_all(&mut client.stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok()
            && client.stream.peek(&mut [0; 1]).is_ok_and(|n| n == 1)
        {
            assert_eq!(client.answer().status, 200);
            kept.push(client);
        } else {
            turned_away += 1;
        }
    }
    assert!(kept.len() >= 8 && turned_away >= 8, "{} kept, {turned_away} turned away", kept.len());
    let failures = |facts: &[What]| facts.iter().filter(|w| matches!(w, What::AcceptFailed { errno: 24 })).count();
    specimen.wait_until(|facts| failures(facts) >= turned_away);
    // It does not spin over it.
    let before = specimen.facts().len();
    std::thread::sleep(Duration::from_millis(300));
    assert!(specimen.facts().len() - before < 50);
    for client in &mut kept {
        assert_eq!(client.get("/").status, 200, "those it has are served on");
    }
    drop(kept);
    let begin = Instant::now();
    loop {
        let mut client = specimen.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if client.stream.peek(&mut [0; 1]).is_ok_and(|n| n == 1) {
            assert_eq!(client.answer().status, 200, "and so are new ones, as soon as there is room");
            break;
        }
        assert!(begin.elapsed() < PATIENCE);
    }
}

#[test]
fn idle_connections_cost_next_to_nothing() {
    let specimen = Specimen::naive();
    let mut first = specimen.connect();
    assert_eq!(first.get("/").status, 200);
    let (soft, wanted) = (rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(65_536), 3000);
    let many = wanted.min(soft as usize / 2);
    let before = specimen.status("VmRSS") * 1024;
    let mut idle: Vec<Client> = Vec::with_capacity(many);
    for _ in 0..many {
        let mut client = specimen.connect();
        assert_eq!(client.get("/").status, 200);
        idle.push(client);
    }
    let each = (specimen.status("VmRSS") * 1024).saturating_sub(before) as f64 / many as f64;
    assert!(each <= 512.0, "{each} bytes for each of {many}");
    assert_eq!(first.get("/").status, 200);
}

#[test]
fn a_part_of_a_request_is_all_that_is_kept_of_it() {
    let mut specimen = Specimen::naive();
    let mut clients: Vec<Client> = (0..200).map(|_| specimen.connect()).collect();
    for client in &mut clients {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    }
    specimen.wait_until(|facts| facts.iter().filter(|w| matches!(w, What::Read { .. })).count() == 200);
    for client in &mut clients {
        client.send("world");
        assert_eq!(client.answer().text(), "helloworld");
    }
}

#[test]
fn whatever_bytes_come_it_lives_on() {
    let mut specimen = Specimen::naive();
    let mut rng = Rng::new(7);
    let sound = b"POST /echo?a=b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\n";
    for round in 0..400 {
        let mut bytes = sound.repeat(1 + round % 3);
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(3) {
                0 => bytes[at] = rng.next_u64() as u8,
                1 => bytes.truncate(at),
                _ => bytes.insert(at, rng.next_u64() as u8),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        // Every conversation comes to an end, and nothing but answers comes back.
        let text = specimen.talk(&bytes);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 "), "{} to {}", text.escape_debug(), bytes.escape_ascii());
    }
    assert_eq!(specimen.connect().get("/").status, 200);
    specimen.wait_until(|facts| {
        let count = |is_it: fn(&What) -> bool| facts.iter().filter(|w| is_it(w)).count();
        count(|w| matches!(w, What::Opened { .. })) == count(|w| matches!(w, What::Closed { .. }))
    });
}

#[test]
fn an_idle_loop_does_not_wake() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    assert_eq!(client.get("/").status, 200);
    let asleep = |facts: &[What]| matches!(facts, [.., What::Wrote { .. }, What::Entered { phase: Phase::Poll, .. }]);
    specimen.wait_until(asleep);
    let before = specimen.facts().len();
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(specimen.facts().len(), before);
    // And while it runs, phases without anything to do are not entered.
    let idle = specimen.facts().iter().any(|w| matches!(w, What::Entered { phase: Phase::Timers | Phase::Tasks | Phase::Control, .. }));
    assert!(!idle);
}

#[test]
fn a_closed_connections_timer_is_gone() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    client.send("GET /sleep?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|w| matches!(w, What::Requested { handler: Handler::Sleep, .. }));
    socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    specimen.wait_for(|w| matches!(w, What::Closed { .. }));
    std::thread::sleep(Duration::from_millis(400));
    assert!(!specimen.facts().iter().any(|w| matches!(w, What::Entered { phase: Phase::Timers, .. })));
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let mut specimen = Specimen::naive();
    let descriptors = |specimen: &Specimen| std::fs::read_dir(format!("/proc/{}/fd", specimen.child.id())).unwrap().count();
    let before = {
        assert_eq!(specimen.connect().get("/").status, 200);
        specimen.wait_for(|w| matches!(w, What::Closed { .. }));
        descriptors(&specimen)
    };
    for round in 0..300 {
        let text = match round % 3 {
            0 => specimen.get("/"),
            1 => specimen.talk("nonsense\r\n\r\n"),
            _ => specimen.talk("GET / HTTP/1.1\r\nHost: a\r\n"),
        };
        assert!(text.starts_with("HTTP/1.1 "));
    }
    specimen.wait_until(|facts| facts.iter().filter(|w| matches!(w, What::Closed { .. })).count() == 301);
    assert_eq!(descriptors(&specimen), before);
}

#[test]
fn what_has_waited_too_long_is_shed_and_the_rest_served() {
    for (mitigations, sheds) in [(vec![MitigationSetting::Shedding { above: Nanos::millis(50) }], true), (vec![], false)] {
        let specimen = Specimen::start(&Config { mitigations, ..Config::naive("busy") });
        let mut clients: Vec<Client> = (0..40).map(|_| specimen.connect()).collect();
        for client in &mut clients {
            client.send("GET /compute?ms=20 HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        let mut stats = specimen.connect();
        stats.send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
        let answers: Vec<u16> = clients.iter_mut().map(|client| client.answer().status).collect();
        let served = answers.iter().filter(|status| **status == 200).count();
        let shed = answers.iter().filter(|status| **status == 503).count();
        assert_eq!(served + shed, 40);
        assert!(if sheds { shed >= 5 && served >= 1 } else { shed == 0 }, "{served} served, {shed} shed");
        assert_eq!(stats.answer().status, 200, "who asks how it goes is told");
        assert_eq!(clients[39].get("/").status, 200, "a connection outlives a no");
    }
}

#[test]
fn a_head_that_is_not_whole_in_time_is_answered_with_408() {
    let after = Nanos::millis(300);
    let mut specimen =
        Specimen::start(&Config { mitigations: vec![MitigationSetting::HeaderTimeout { after }], ..Config::naive("guarded") });
    let mut slow = specimen.connect();
    // Each byte comes in time, and the whole does not.
    let begin = Instant::now();
    let mut bytes =
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Value: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".iter();
    slow.stream.set_nonblocking(true).unwrap();
    while slow.stream.peek(&mut [0]).is_err() {
        assert!(begin.elapsed() < PATIENCE);
        slow.send([*bytes.next().unwrap_or(&b'a')]);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
    slow.stream.set_nonblocking(false).unwrap();
    assert_eq!(slow.answer().status, 408);
    specimen.wait_for(|w| matches!(w, What::Closed { reason: CloseReason::Timeout, .. }));
    // Heads that are whole in time are nobody's concern, in however many parts, and neither is a body or a silent connection.
    let mut honest = specimen.connect();
    for part in ["POST / HTTP", "/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhe", "ll"] {
        honest.send(part);
        std::thread::sleep(Duration::from_millis(30));
    }
    std::thread::sleep(Duration::from_millis(500));
    honest.send("o worl");
    assert_eq!(honest.answer().text(), "hello worl");
    let mut silent = specimen.connect();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(silent.get("/").status, 200);
    let closed = specimen.facts().iter().filter(|w| matches!(w, What::Closed { .. })).count();
    assert_eq!(closed, 1);
}
