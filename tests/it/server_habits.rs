//! The specimen's standing faults: bad habits that last until they are cured, and what mends them.

use std::time::Duration;

use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{Fault, Handler, Mitigation};

use crate::harness::{Client, Specimen};

/// Long enough for a server that is going to answer, short enough to wait for one that is not.
const SILENCE: Duration = Duration::from_millis(400);

fn with(fault: FaultSetting, mitigations: Vec<MitigationSetting>) -> Specimen {
    Specimen::start(&Config { faults: vec![fault], mitigations, ..Config::naive("spoiled") })
}

/// Whether nothing comes.
fn is_silent(client: &mut Client) -> bool {
    client.stream.set_read_timeout(Some(SILENCE)).unwrap();
    let silent = client.stream.peek(&mut [0]).is_err();
    client.stream.set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
    silent
}

fn post(bytes: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n{}", "x".repeat(bytes))
}

#[test]
fn a_forgotten_drain_leaves_bytes_in_the_kernel_until_an_edge_comes() {
    let mut specimen = with(FaultSetting::ForgottenDrain { buffer: 256 }, Vec::new());
    let mut client = specimen.connect();
    assert_eq!(client.get("/").status, 200, "what fits is answered");
    client.send(post(300));
    assert!(is_silent(&mut client), "the rest lies in the kernel, and nobody is told of it again");
    let read: u32 = specimen.facts().iter().map(|w| if let What::Read { bytes, .. } = w { *bytes } else { 0 }).sum();
    assert!(read < 300, "{read}");
    // One more byte is one more edge, and one more read.
    client.send("G");
    assert_eq!(client.answer().body.len(), 300);
    // Cured, it takes what lies there as soon as it looks again.
    assert!(specimen.order(Control::Cure(Fault::ForgottenDrain)));
    assert!(!specimen.order(Control::Cure(Fault::ForgottenDrain)), "it is off already");
    client.send("ET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    client.send(post(100_000));
    assert_eq!(client.answer().body.len(), 100_000);
    let switched: Vec<u32> =
        specimen.facts().iter().filter_map(|w| if let What::Faulted { on, .. } = w { Some(*on) } else { None }).collect();
    assert_eq!(switched, [1, 0]);
}

#[test]
fn reading_until_eagain_mends_it_with_the_same_small_buffer() {
    let mut specimen = with(FaultSetting::ForgottenDrain { buffer: 64 }, vec![MitigationSetting::ReadUntilEagain]);
    let mut client = specimen.connect();
    client.send(post(50_000));
    assert_eq!(client.answer().body.len(), 50_000);
    let reads: Vec<u32> =
        specimen.facts().iter().filter_map(|w| if let What::Read { bytes, .. } = w { Some(*bytes) } else { None }).collect();
    assert!(reads.len() > 50_000 / 64 && reads.iter().all(|bytes| *bytes <= 64), "{} reads", reads.len());
    // Without it the habit is back.
    assert!(specimen.order(Control::Revoke(Mitigation::ReadUntilEagain)));
    client.send(post(1_000));
    assert!(is_silent(&mut client));
}

#[test]
fn a_standing_fault_is_no_request_s_and_is_told_by_stats() {
    let specimen = with(FaultSetting::ForgottenDrain { buffer: 4096 }, Vec::new());
    assert!(specimen.get("/?fault=forgotten-drain").starts_with("HTTP/1.1 400 "));
    let stats: serde_json::Value = serde_json::from_slice(&specimen.connect().get("/stats").body).unwrap();
    assert_eq!(stats["faults"], serde_json::json!(["forgotten-drain"]));
}

/// Resident memory in KiB.
fn resident(specimen: &Specimen) -> u64 {
    specimen.status("VmRSS")
}

/// A peer that asks for 200 × 100 KB and reads nothing of it; how much memory the server has taken once it has done what it will.
fn grown_by(specimen: &mut Specimen, client: &mut Client) -> u64 {
    assert_eq!(client.get("/").status, 200);
    let before = resident(specimen);
    client.send("GET /bytes?n=100000 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200));
    specimen.wait_for(|w| matches!(w, What::Blocked { .. }));
    // It serves this one too, and what the others have sent lies behind it in time.
    let mut last = 0;
    loop {
        assert_eq!(specimen.connect().get("/").status, 200);
        let now = specimen.facts().iter().filter(|w| matches!(w, What::Responded { conn, .. } if conn.0 == 1)).count();
        if now == last {
            return resident(specimen).saturating_sub(before);
        }
        last = now;
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn answers_that_nobody_reads_pile_up_or_are_not_made() {
    let mut unbounded = with(FaultSetting::UnboundedResponses, Vec::new());
    let mut reader = unbounded.connect();
    let piled = grown_by(&mut unbounded, &mut reader);
    assert!(piled > 8 * 1024, "{piled} KiB");
    // They are whole and in their order all the same.
    for _ in 0..200 {
        assert_eq!(reader.answer().body.len(), 100_000);
    }
    let mark = MitigationSetting::Backpressure { high_water: 64 * 1024 };
    for mut bounded in [with(FaultSetting::UnboundedResponses, vec![mark]), Specimen::naive()] {
        let mut reader = bounded.connect();
        let held = grown_by(&mut bounded, &mut reader);
        assert!(held < 4 * 1024, "{held} KiB");
        for n in 0..200 {
            let body = reader.answer().body;
            assert!(body.len() == 100_000 && body[..64] == body[99_904..99_968], "answer {n}");
        }
    }
}

#[test]
fn a_read_budget_gives_each_connection_its_turn() {
    let run = |mitigations: Vec<MitigationSetting>| {
        let mut specimen = Specimen::start(&Config { mitigations, ..Config::naive("fair") });
        let (mut greedy, mut other) = (specimen.connect(), specimen.connect());
        assert_eq!((greedy.get("/").status, other.get("/").status), (200, 200));
        greedy.send("GET /compute?ms=2 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
        specimen.wait_for(|w| matches!(w, What::Requested { handler: Handler::Compute, .. }));
        assert_eq!(other.get("/").status, 200);
        let before = specimen.facts().iter().filter(|w| matches!(w, What::Responded { conn, .. } if conn.0 == 1)).count();
        (0..100).for_each(|_| assert_eq!(greedy.answer().status, 200));
        before
    };
    let (without, with) = (run(Vec::new()), run(vec![MitigationSetting::ReadBudget { bytes: 128 }]));
    assert!(without == 101, "all of the greedy one's came first: {without}");
    assert!(with < 60, "{with} of the greedy one's came before the other's");
}
