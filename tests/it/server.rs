//! The specimen as its clients see it: HTTP/1.1 over real sockets.

use std::io::Write;
use std::time::Duration;

use loopscope::telemetry::What;
use loopscope::telemetry::vocabulary::CloseReason;

use crate::harness::Specimen;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// The statuses of all answers in a conversation, the interim ones too.
fn statuses(text: &str) -> Vec<u16> {
    // A body that ends without a line's end is followed by the next answer directly.
    text.match_indices("HTTP/1.1 ").filter_map(|(at, mark)| text[at + mark.len()..].get(..3)?.parse().ok()).collect()
}

#[test]
fn it_keeps_a_connection_and_tells_of_it() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, world!\n"));
        assert_eq!(answer.field("Connection"), None);
        assert_eq!(answer.field("Date").map(|date| (date.len(), date.ends_with(" GMT"))), Some((29, true)));
    }
    drop(client);
    specimen.wait_for(|what| matches!(what, What::Closed { reason: CloseReason::PeerClosed, .. }));
    let facts = specimen.facts();
    let count = |is_it: fn(&What) -> bool| facts.iter().filter(|what| is_it(what)).count();
    assert_eq!(count(|w| matches!(w, What::Opened { .. })), 1);
    assert_eq!(count(|w| matches!(w, What::Requested { .. })), 3);
    let nths: Vec<u16> =
        facts.iter().filter_map(|w| if let What::Responded { status_nth: (200, n), .. } = w { Some(*n) } else { None }).collect();
    assert_eq!(nths, [1, 2, 3]);
}

#[test]
fn its_stamps_never_go_back() {
    let mut specimen = Specimen::naive();
    specimen.talk(format!("{}GET /compute?ms=3 HTTP/1.1\r\nHost: a\r\n\r\n{LAST}", GET.repeat(20)));
    specimen.get("/bytes?n=3000000");
    let times = specimen.timed();
    assert!(times.len() > 60);
    assert!(times.windows(2).all(|w| w[0].0 <= w[1].0));
}

#[test]
fn pipelined_requests_are_answered_in_order_with_one_write() {
    let mut specimen = Specimen::naive();
    let text = specimen.talk(format!(
        "{GET}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none\
         POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n{LAST}"
    ));
    assert_eq!(statuses(&text), [200; 4]);
    let order: Vec<usize> = ["Hello", "one", "two", "close"].iter().map(|word| text.find(word).unwrap()).collect();
    assert!(order.is_sorted(), "{text}");
    let writes = specimen.facts().iter().filter(|what| matches!(what, What::Wrote { .. })).count();
    assert_eq!(writes, 1);
}

#[test]
fn a_long_batch_is_answered_whole() {
    let specimen = Specimen::naive();
    let mut client = specimen.connect();
    let mut stream = client.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || stream.write_all(GET.repeat(20_000).as_bytes()).unwrap());
    for _ in 0..20_000 {
        assert_eq!(client.answer().status, 200);
    }
    writer.join().unwrap();
}

#[test]
fn a_request_cut_at_any_byte_is_the_same_request() {
    let specimen = Specimen::naive();
    let stream = format!("{GET}POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n{GET}");
    let mut client = specimen.connect();
    let mut expected = None;
    for cut in 1..stream.len() {
        client.send(&stream[..cut]);
        // Time enough, mostly, to be read in two parts.
        std::thread::sleep(Duration::from_micros(300));
        client.send(&stream[cut..]);
        let answers = [client.answer(), client.answer(), client.answer()].map(|answer| (answer.status, answer.body));
        assert_eq!(*expected.get_or_insert(answers.clone()), answers, "cut at {cut}");
    }
    let mut client = specimen.connect();
    for byte in stream.as_bytes() {
        client.send([*byte]);
    }
    let answers = [client.answer(), client.answer(), client.answer()].map(|answer| (answer.status, answer.body));
    assert_eq!(expected, Some(answers));
}

#[test]
fn each_handler_answers() {
    let specimen = Specimen::naive();
    let mut client = specimen.connect();
    let echo = client.get("/echo?x=%41");
    assert_eq!(echo.text(), "GET /echo?x=%41 HTTP/1.1\r\nHost: a\r\n\r\n");
    let bytes = client.get("/bytes?n=100000");
    assert_eq!(bytes.body.len(), 100_000);
    assert!(bytes.body.chunks(64).all(|line| line[0] == b'0'));
    assert_eq!(client.get("/bytes?n=0").body.len(), 0);
    assert_eq!(client.get("/sleep?ms=1").text(), "Slept.\n");
    assert_eq!(client.get("/compute?ms=1").text(), "Computed.\n");
    let stats: serde_json::Value = serde_json::from_slice(&client.get("/stats").body).unwrap();
    assert_eq!((&stats["name"], &stats["connections"]["open"], &stats["requests"]["answered"]), (&"test".into(), &1.into(), &5.into()));
    for (path, status) in [
        ("/nothing", 404),
        ("/%65cho", 404),
        ("/bytes", 400),
        ("/bytes?n=-1", 400),
        ("/bytes?n=67108865", 400),
        ("/sleep", 400),
        ("/sleep?ms=1e3", 400),
        ("/compute?ms=600001", 400),
        ("/?fault=nonsense", 400),
        ("/?fault=compute&ms=x", 400),
        ("http://elsewhere/echo", 200),
    ] {
        assert_eq!(client.get(path).status, status, "{path}");
    }
}

#[test]
fn methods_are_kept_apart() {
    let specimen = Specimen::naive();
    let mut client = specimen.connect();
    for path in ["/", "/echo", "/bytes?n=100000", "/stats", "/nothing"] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = client.answer_head();
        assert!(head.field("Content-Length").unwrap() != "0", "{path}");
    }
    for (request, status, allow) in [
        ("DELETE / HTTP/1.1", 405, Some("GET, HEAD, POST, OPTIONS")),
        ("TRACE / HTTP/1.1", 405, Some("GET, HEAD, POST, OPTIONS")),
        ("POST /stats HTTP/1.1", 405, Some("GET, HEAD, OPTIONS")),
        ("OPTIONS /echo HTTP/1.1", 204, Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")),
        ("OPTIONS * HTTP/1.1", 204, Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")),
        ("BREW / HTTP/1.1", 501, None),
        ("get / HTTP/1.1", 501, None),
        ("PUT /echo HTTP/1.1", 200, None),
    ] {
        client.send(format!("{request}\r\nHost: a\r\n\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("Allow")), (status, allow), "{request}");
    }
    assert_eq!(client.get("/").status, 200, "none of these has cost the connection");
    let text = specimen.talk("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(statuses(&text), [501]);
}

#[test]
fn older_clients_are_served_as_they_expect() {
    let specimen = Specimen::naive();
    let text = specimen.talk("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_eq!((statuses(&text).len(), text.contains("Connection: close\r\n")), (1, true), "{text}");
    let mut client = specimen.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        assert_eq!(client.answer().field("Connection"), Some("keep-alive"));
    }
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().field("Connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn what_a_client_waits_for_before_its_body_is_said() {
    let specimen = Specimen::naive();
    let mut client = specimen.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_eq!((client.answer().status, client.answer().text().as_str()), (100, "hello"));
    client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn what_cannot_be_trusted_is_refused_after_what_came_before() {
    let mut specimen = Specimen::naive();
    let broken = [
        (400, "GET /\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
        (400, "GET / HTTP/1.1\nHost: a\n\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab"),
        (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        (417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"),
        (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHos"),
    ];
    for (status, request) in broken {
        let text = specimen.talk(format!("{GET}{request}"));
        assert_eq!(statuses(&text), [200, status], "{request:?}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{request:?}");
        // Nothing after it is read.
        if request.ends_with("\r\n\r\n") {
            assert_eq!(statuses(&specimen.talk(format!("{request}{GET}"))), [status], "{request:?}");
        }
    }
    let closed = |what: &What| matches!(what, What::Closed { reason: CloseReason::BadRequest, .. });
    specimen.wait_for(closed);
}

#[test]
fn what_is_too_long_is_refused_and_the_client_hears_it() {
    let specimen = Specimen::naive();
    let long = "a".repeat(200_000);
    for (status, request) in [
        (414, format!("GET /{long} HTTP/1.1\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(100))),
        // The client is still sending when it is refused: it must hear the answer and not a reset.
        (413, format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n{}", long.repeat(20))),
    ] {
        assert_eq!(statuses(&specimen.talk(request)), [status]);
    }
    let most = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n{}", "b".repeat(1_048_576));
    let text = specimen.talk(most);
    assert_eq!((statuses(&text), text.len() > 1_048_576), (vec![200], true));
}

#[test]
fn a_client_that_has_said_all_still_hears_all() {
    let mut specimen = Specimen::naive();
    let text = specimen.talk("GET /sleep?ms=30 HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes?n=3000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(statuses(&text), [200, 200]);
    assert!(text.len() > 3_000_000);
    specimen.wait_for(|what| matches!(what, What::Closed { reason: CloseReason::PeerClosed, .. }));
}

#[test]
fn a_pending_answer_holds_up_its_own_connection_only() {
    let specimen = Specimen::naive();
    let mut sleeper = specimen.connect();
    sleeper.send(format!("GET /sleep?ms=300 HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
    let mut other = specimen.connect();
    let begin = std::time::Instant::now();
    assert_eq!(other.get("/").status, 200);
    let others = begin.elapsed();
    assert_eq!((sleeper.answer().text().as_str(), sleeper.answer().text().as_str()), ("Slept.\n", "Hello, world!\n"));
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(250) && others < took, "{others:?} of {took:?}");
}

#[test]
fn a_reset_ends_its_own_connection_only() {
    let mut specimen = Specimen::naive();
    let mut other = specimen.connect();
    assert_eq!(other.get("/").status, 200);
    for request in ["GET / HT", "GET /sleep?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /bytes?n=60000000 HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut client = specimen.connect();
        client.send(request);
        std::thread::sleep(Duration::from_millis(20));
        // Closing with a linger time of zero sends a reset.
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
    }
    specimen.wait_until(|facts| facts.iter().filter(|w| matches!(w, What::Closed { reason: CloseReason::Reset, .. })).count() == 3);
    assert_eq!(other.get("/").status, 200);
}

#[test]
fn a_slow_reader_gets_all_and_costs_little() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    client.send(format!("GET /bytes?n=50000000 HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
    specimen.wait_for(|what| matches!(what, What::Blocked { .. }));
    let resident = specimen.status("VmRSS");
    // Meanwhile others are served, and the fifty million bytes are nowhere in memory.
    assert_eq!(specimen.connect().get("/").status, 200);
    assert!(resident < 40_000, "{resident} KiB");
    let answer = client.answer();
    assert_eq!(answer.body.len(), 50_000_000);
    let line: Vec<u8> = (0..64).map(|n| if n == 63 { b'\n' } else { b'0' + n }).collect();
    assert!(answer.body.chunks(64).all(|chunk| chunk == &line[..chunk.len()]));
    assert_eq!(client.answer().text(), "Hello, world!\n");
    // Write interest only while something is left to write.
    let interests: Vec<u8> =
        specimen.facts().iter().filter_map(|w| if let What::Interested { interest, .. } = w { Some(interest.0) } else { None }).collect();
    assert!(interests.contains(&3) && interests.last() == Some(&1), "{interests:?}");
}

#[test]
fn requests_that_overlap_an_unread_answer_wait_their_turn() {
    let specimen = Specimen::naive();
    let mut client = specimen.connect();
    let mut stream = client.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let body = "x".repeat(500_000);
        for _ in 0..40 {
            stream.write_all(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(50));
    for _ in 0..40 {
        let answer = client.answer();
        assert!(answer.status == 200 && answer.body.len() > 500_000 && answer.body.ends_with(b"xxx"));
    }
    writer.join().unwrap();
}
