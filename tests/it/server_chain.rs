//! Handlers that wait for others: `/chain` in its three styles against a real upstream, promises that nobody handles, branches that were
//! forgotten.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, FaultSetting, MitigationSetting};
use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::{Cause, Style};

use super::harness::{Client, PATIENCE, Specimen};

const STYLES: [(Style, Option<MitigationSetting>); 3] = [
    (Style::Callbacks, None),
    (Style::Promises, Some(MitigationSetting::PromiseChain)),
    (Style::AsyncAwait, Some(MitigationSetting::AsyncAwait)),
];

fn with(mitigations: impl IntoIterator<Item = MitigationSetting>) -> Specimen {
    with_upstream(mitigations, None)
}

fn with_upstream(mitigations: impl IntoIterator<Item = MitigationSetting>, upstream: Option<SocketAddr>) -> Specimen {
    Specimen::start(&Config { mitigations: mitigations.into_iter().collect(), upstream, ..Config::naive("test") })
}

/// The steps of the code, and the upstream's answers, in their order.
fn steps(specimen: &mut Specimen) -> (Vec<u16>, Vec<u32>) {
    let facts = specimen.facts();
    let steps = facts.iter().filter_map(|what| if let What::Stepped { at: (_, step), .. } = what { Some(*step) } else { None }).collect();
    let ended = facts.iter().filter_map(|what| if let What::CallEnded { status, .. } = what { Some(*status) } else { None }).collect();
    (steps, ended)
}

/// Whether nothing comes for a while.
fn hangs(client: &mut Client) -> bool {
    client.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let hangs = std::io::Read::read(&mut client.stream, &mut [0; 1]).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    hangs
}

#[test]
fn every_style_makes_the_same_three_calls_and_gives_the_same_answer() {
    let upstream = Specimen::naive();
    for (style, mitigation) in STYLES {
        let mut specimen = with_upstream(mitigation, Some(upstream.address));
        let mut client = specimen.connect();
        let answer = client.get("/chain?ms=5&user=7");
        assert_eq!((answer.status, &answer.text()[..]), (200, "price-of-orders-of-user-7\n"), "{style}");
        let (reached, ended) = steps(&mut specimen);
        assert_eq!((&reached[..], &ended[..]), (&[1, 2, 3, 4][..], &[200; 3][..]), "{style}");
        assert!(specimen.facts().iter().all(|what| !matches!(what, What::Stepped { at: (s, _), .. } if *s != style)));
        // One connection to the upstream serves all three, and the next request too.
        assert_eq!(client.get("/chain?ms=0").status, 200);
        let sockets = |what: &What| if let What::Called { socket, .. } = what { Some(*socket) } else { None };
        let sockets: std::collections::HashSet<_> = specimen.facts().iter().filter_map(sockets).collect();
        assert_eq!(sockets.len(), 1, "{style}");
    }
}

#[test]
fn every_style_answers_a_failure_at_every_step() {
    let upstream = Specimen::naive();
    for (style, mitigation) in STYLES {
        let mut specimen = with_upstream(mitigation, Some(upstream.address));
        for fail in 1..=3 {
            let answer = specimen.connect().get(&format!("/chain?ms=1&fail={fail}"));
            let why = format!("502 Bad Gateway: Step {fail} of 3 failed: upstream answered 503.\n");
            assert_eq!((answer.status, answer.text()), (502, why), "{style}");
        }
        let (reached, ended) = steps(&mut specimen);
        assert_eq!(reached, [1, 5, 1, 2, 6, 1, 2, 3, 7], "{style}");
        assert_eq!(ended, [503, 200, 503, 200, 200, 503], "{style}");
    }
}

#[test]
fn the_loop_serves_others_while_a_chain_waits() {
    for (style, mitigation) in STYLES {
        let mut specimen = with(mitigation);
        let mut slow: Vec<Client> = (0..20).map(|_| specimen.connect()).collect();
        for client in &mut slow {
            client.send("GET /chain?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        specimen.wait_for(|what| matches!(what, What::Stepped { .. }));
        assert_eq!(specimen.connect().get("/").status, 200);
        let answered = |what: &What| matches!(what, What::Stepped { at: (_, 4), .. });
        assert!(!specimen.facts().iter().any(answered), "{style}: the quick one was first");
        for client in &mut slow {
            assert_eq!(client.answer().status, 200);
        }
    }
}

#[test]
fn code_that_waits_runs_as_tasks_and_a_callback_at_its_socket() {
    for (style, mitigation) in STYLES {
        let mut specimen = with(mitigation);
        specimen.connect().get("/chain?ms=1");
        let (mut cause, mut at_step) = (None, Vec::new());
        for what in specimen.facts() {
            match what {
                What::Began { cause: c, .. } => cause = Some(c),
                What::Stepped { .. } => at_step.extend(cause),
                _ => {}
            }
        }
        let after_first = if style == Style::Callbacks { Cause::Readable } else { Cause::Task };
        assert_eq!(at_step, [Cause::Task, after_first, after_first, after_first], "{style}");
    }
}

#[test]
fn the_style_is_switched_while_it_runs() {
    let mut specimen = with([]);
    let style = |specimen: &mut Specimen| {
        specimen.connect().get("/chain?ms=0");
        let last = specimen.facts().into_iter().rev().find_map(|what| if let What::Stepped { at, .. } = what { Some(at.0) } else { None });
        last.unwrap()
    };
    assert_eq!(style(&mut specimen), Style::Callbacks);
    assert!(specimen.order(Control::Apply(MitigationSetting::PromiseChain)));
    assert_eq!(style(&mut specimen), Style::Promises);
    assert!(specimen.order(Control::Apply(MitigationSetting::AsyncAwait)));
    assert_eq!(style(&mut specimen), Style::AsyncAwait);
}

#[test]
fn an_upstream_that_is_not_there_or_gone_is_a_failure_and_no_more() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (style, mitigation) in STYLES {
        let specimen = with_upstream(mitigation, Some(nobody));
        let answer = specimen.connect().get("/chain?ms=1");
        assert_eq!(answer.text(), "502 Bad Gateway: Step 1 of 3 failed: upstream refused the connection.\n", "{style}");

        let upstream = Specimen::naive();
        let mut specimen = with_upstream(mitigation, Some(upstream.address));
        let mut client = specimen.connect();
        client.send("GET /chain?ms=900 HTTP/1.1\r\nHost: a\r\n\r\n");
        specimen.wait_for(|what| matches!(what, What::Wrote { conn, .. } if conn.0 >= 1 << 31));
        drop(upstream);
        assert_eq!(client.answer().text(), "502 Bad Gateway: Step 1 of 3 failed: upstream closed the connection.\n", "{style}");
    }
}

#[test]
fn a_kept_connection_that_the_upstream_has_lost_is_not_the_call_s_fault() {
    let listener = super::harness::listener();
    let address = listener.local_addr().unwrap();
    let mut upstream = Specimen::start_on(&Config::naive("upstream"), &listener);
    let specimen = with_upstream([], Some(address));
    let mut client = specimen.connect();
    assert_eq!(client.get("/chain?ms=0").status, 200);
    upstream.child.kill().unwrap();
    upstream.child.wait().unwrap();
    let _next = Specimen::start_on(&Config::naive("upstream"), &listener);
    assert_eq!(client.get("/chain?ms=0").status, 200);
}

#[test]
fn a_call_that_takes_too_long_has_failed() {
    // Somebody who accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut specimen = with_upstream([MitigationSetting::AsyncAwait], Some(silent.local_addr().unwrap()));
    let answer = specimen.connect().get("/chain?ms=1");
    assert_eq!(answer.text(), "502 Bad Gateway: Step 1 of 3 failed: upstream took too long.\n");
    assert_eq!(steps(&mut specimen), (vec![1, 5], vec![0]));
}

#[test]
fn what_chain_is_asked_for_is_checked() {
    let specimen = with([]);
    for query in ["ms=1001", "ms=x", "fail=4", "user=-1"] {
        assert_eq!(specimen.connect().get(&format!("/chain?{query}")).status, 400, "{query}");
    }
    let mut client = specimen.connect();
    client.send("HEAD /chain?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer_head().status, 200);
}

#[test]
fn a_forgotten_branch_leaves_one_client_hanging_and_only_in_the_pyramid() {
    for (style, mitigation) in STYLES {
        let mut specimen = with(mitigation);
        assert!(specimen.order(Control::Inject(FaultSetting::ForgottenBranch)));
        for fail in [1, 3] {
            assert_eq!(specimen.connect().get(&format!("/chain?ms=0&fail={fail}")).status, 502, "{style}");
        }
        let mut client = specimen.connect();
        client.send("GET /chain?ms=0&fail=2 HTTP/1.1\r\nHost: a\r\n\r\n");
        if style == Style::Callbacks {
            specimen.wait_for(|what| matches!(what, What::Abandoned { .. }));
            assert!(hangs(&mut client));
            assert_eq!(specimen.connect().get("/").status, 200);
            // When the client stops waiting, nothing of it stays.
            drop(client);
            let what = specimen.wait_for(|what| matches!(what, What::Closed { conn, .. } if conn.0 == 3));
            assert!(matches!(what, What::Closed { .. }));
        } else {
            assert_eq!(client.answer().status, 502, "{style}");
            assert!(!specimen.facts().iter().any(|what| matches!(what, What::Abandoned { .. })));
        }
        assert!(specimen.order(Control::Cure(loopscope::telemetry::vocabulary::Fault::ForgottenBranch)));
        assert_eq!(specimen.connect().get("/chain?ms=0&fail=2").status, 502);
    }
}

#[test]
fn a_rejected_promise_is_silence_unless_somebody_looks() {
    let mut specimen = with([]);
    specimen.order(Control::Inject(FaultSetting::RejectedPromise));
    let mut client = specimen.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|what| matches!(what, What::Unhandled { then: 0, .. }));
    assert!(hangs(&mut client));
    assert_eq!(specimen.connect().get("/").status, 200);
    specimen.child.kill().unwrap();
    assert_eq!(specimen.wait().1, "", "not a word");

    let mut specimen = with([MitigationSetting::CatchAtEnd]);
    let answer = specimen.connect().get("/?fault=rejected-promise");
    assert_eq!((answer.status, &answer.text()[..]), (502, "502 Bad Gateway: There is no such user.\n"));
    assert!(!specimen.facts().iter().any(|what| matches!(what, What::Unhandled { .. } | What::Abandoned { .. })));
}

#[test]
fn the_hook_writes_it_down_or_ends_the_process_on_purpose() {
    let mut specimen = with([MitigationSetting::RejectionHook { die: false }]);
    let mut client = specimen.connect();
    client.send("GET /?fault=rejected-promise HTTP/1.1\r\nHost: a\r\n\r\n");
    specimen.wait_for(|what| matches!(what, What::Unhandled { then: 1, .. }));
    assert!(hangs(&mut client), "a log line answers nobody");
    assert!(specimen.order(Control::Stop));
    let (status, words) = specimen.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(words, "unhandled rejection for connection 1: There is no such user\n");

    let mut specimen = with([MitigationSetting::RejectionHook { die: true }]);
    let mut other = specimen.connect();
    assert_eq!(other.get("/").status, 200);
    specimen.connect().send("GET /?fault=rejected-promise HTTP/1.1\r\nHost: a\r\n\r\n");
    let (status, words) = specimen.wait();
    assert!(status.code().is_some_and(|code| code != 0), "{status:?}");
    assert!(words.contains("unhandled rejection") && words.contains("There is no such user"), "{words}");
    assert!(other.is_closed(), "everybody is cut off");
}

#[test]
fn a_chain_whose_client_has_gone_is_run_to_its_end() {
    for (style, mitigation) in STYLES {
        let mut specimen = with(mitigation);
        let client = specimen.connect();
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
        let mut client = client;
        client.send("GET /chain?ms=50 HTTP/1.1\r\nHost: a\r\n\r\n");
        specimen.wait_for(|what| matches!(what, What::Stepped { at: (_, 1), .. }));
        drop(client);
        specimen.wait_for(|what| matches!(what, What::Closed { .. }));
        specimen.wait_for(|what| matches!(what, What::Stepped { at: (_, 4), .. }));
        assert_eq!(specimen.connect().get("/").status, 200, "{style}");
    }
}

#[test]
fn requests_behind_a_chain_keep_their_order() {
    for (style, mitigation) in STYLES {
        let specimen = with(mitigation);
        let answers = specimen.talk("GET /chain?ms=5 HTTP/1.1\r\nHost: a\r\n\r\nGET /chain?ms=0&fail=1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "502", "200"], "{style}: {answers}");
    }
}
