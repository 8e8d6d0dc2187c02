//! The specimen's standing faults: bad habits that last until they are cured, and what mends them.

use std::time::Duration;

use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{Fault, Mitigation};

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
