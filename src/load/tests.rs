//! The whole load against small servers of threads: what it sends, what it says of it, and what it survives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::plan::{Load, LoadControl, Plan, Row};
use super::process::Loop;
use crate::base::channel;
use crate::base::clock::Clock;
use crate::base::units::Nanos;
use crate::telemetry::What;
use crate::telemetry::ring::Consumer;
use crate::telemetry::shared::Shared;
use crate::telemetry::vocabulary::Outcome;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A load that runs on a thread of the test.
struct Run {
    lab: UnixStream,
    consumer: Consumer,
    clock: Clock,
    thread: JoinHandle<std::io::Result<()>>,
    events: Vec<(Nanos, What)>,
}

impl Run {
    fn start(load: Load, target: SocketAddr) -> Self {
        let clock = Clock::start();
        let (shared, _fd) = Shared::create("load", &clock, 1, 1 << 16).unwrap();
        let (lab, theirs) = UnixStream::pair().unwrap();
        let consumer = shared.consumer(0);
        let plan = Plan { target, load, core: None };
        let thread = std::thread::spawn(move || Loop::new(theirs, &plan, &shared, 1000)?.run());
        Self { lab, consumer, clock, thread, events: Vec::new() }
    }

    fn order(&self, order: LoadControl) {
        channel::send(&self.lab, &order).unwrap();
    }

    fn drain(&mut self) -> &[(Nanos, What)] {
        let mut records = Vec::new();
        assert_eq!(self.consumer.drain(usize::MAX, &mut records), 0);
        self.events.extend(records.into_iter().map(|r| (self.clock.base().nanos(r.stamp()), r.what().unwrap())));
        &self.events
    }

    /// Lets it run until what it has told satisfies `enough`, for 20 seconds at most.
    fn until(&mut self, enough: impl Fn(&[(Nanos, What)]) -> bool) {
        for _ in 0..2000 {
            if enough(self.drain()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not come to that; last: {:?}", &self.events[self.events.len().saturating_sub(20)..]);
    }

    fn ended(&mut self, n: usize) {
        self.until(|events| requests(events).iter().filter(|r| r.outcome.is_some()).count() >= n);
    }

    fn stop(mut self) -> Vec<(Nanos, What)> {
        self.order(LoadControl::Stop);
        while !self.thread.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.drain();
        self.thread.join().unwrap().unwrap();
        self.events
    }
}

/// One request as the events tell of it.
#[derive(Clone, Copy, Debug)]
struct Request {
    client: u32,
    row: u32,
    sent: Option<(Nanos, Nanos)>,
    outcome: Option<(Nanos, Outcome, u16)>,
}

impl Request {
    fn intended(&self) -> Nanos {
        let (sent, late) = self.sent.unwrap();
        sent - late
    }

    fn latency(&self) -> Nanos {
        self.outcome.unwrap().0 - self.intended()
    }

    fn is(&self, wanted: Outcome) -> bool {
        self.outcome.is_some_and(|(_, outcome, _)| outcome == wanted)
    }
}

/// Puts the requests together: for each client `Chose`, `Sent`, `Finished`, in this order and no other.
fn requests(events: &[(Nanos, What)]) -> Vec<Request> {
    let mut all = Vec::<Request>::new();
    let mut open = std::collections::HashMap::new();
    for (at, what) in events {
        match *what {
            What::Chose { client, row } => {
                assert_eq!(open.insert(client.0, all.len()), None, "a client carries one request at a time");
                all.push(Request { client: client.0, row, sent: None, outcome: None });
            }
            What::Sent { client, late } => all[open[&client.0]].sent = Some((*at, Nanos::micros(u64::from(late)))),
            What::Finished { client, outcome } => {
                let n = open.remove(&client.0).expect("only what was chosen can end");
                all[n].outcome = Some((*at, outcome.0, outcome.1));
            }
            What::GaveUp { row, .. } => {
                all.push(Request { client: u32::MAX, row, sent: None, outcome: Some((*at, Outcome::Timeout, 0)) });
            }
            _ => {}
        }
    }
    all
}

fn share(requests: &[Request], outcome: Outcome) -> f64 {
    let ended = requests.iter().filter(|r| r.outcome.is_some()).count();
    requests.iter().filter(|r| r.is(outcome)).count() as f64 / ended.max(1) as f64
}

fn load(connections: u32, rate: Option<f64>) -> Load {
    Load { connections, rate, seed: 7, ..Load::default() }
}

/// A server that gives each connection to `serve` on a thread of its own, until it is dropped.
struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), serve)
    }

    fn at(address: SocketAddr, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (over, serve) = (Arc::new(AtomicBool::new(false)), Arc::new(serve));
        let (accepted, streams) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let thread = std::thread::spawn({
            let (over, accepted, streams) = (Arc::clone(&over), Arc::clone(&accepted), Arc::clone(&streams));
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if over.load(SeqCst) {
                        return;
                    }
                    accepted.fetch_add(1, SeqCst);
                    streams.lock().unwrap().push(stream.try_clone().unwrap());
                    let serve = Arc::clone(&serve);
                    std::thread::spawn(move || serve(stream));
                }
            }
        });
        Self { address, over, accepted, streams, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Reads one request; its head and its body, nothing at the end of the stream.
fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).map_or(0, |n| n.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                assert_eq!(bytes.len(), end + 4 + length, "one request at a time");
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        match stream.read(&mut chunk) {
            Ok(n @ 1..) => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

/// Answers every request with these bytes.
fn answering(bytes: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync {
    move |mut stream| while read_request(&mut stream).is_some() && stream.write_all(bytes).is_ok() {}
}

#[test]
fn an_open_loop_keeps_its_rate_and_tells_three_facts_a_request() {
    let server = Server::new(answering(OK));
    let mut run = Run::start(load(8, Some(1000.0)), server.address);
    run.until(|events| events.last().is_some_and(|last| last.0 > events[0].0 + Nanos::millis(1500)));
    let events = run.stop();
    let all = requests(&events);
    let expected = (events.last().unwrap().0 - events[0].0).as_secs() * 1000.0;
    assert!((all.len() as f64 / expected - 1.0).abs() < 0.15, "{} requests, {expected:.0} expected", all.len());
    assert!(share(&all, Outcome::Answered) > 0.999);
    assert!(all.iter().filter_map(|r| r.outcome).all(|(_, _, status)| status == 200));
    assert!(all.iter().all(|r| r.client < 8 && r.row == 0));
    assert!(matches!(events[0].1, What::Offered { millirate: 1_000_000, connections: 8 }));
    let others = events.len() - 3 * all.len();
    let connections = events.iter().filter(|e| matches!(e.1, What::Connected { .. } | What::Dialled { .. } | What::HungUp { .. })).count();
    let backlogs = events.iter().filter(|e| matches!(e.1, What::Backlog { .. })).count();
    assert!(connections == 24 && backlogs <= 200 && others <= connections + backlogs + 12, "{others}, {connections}, {backlogs}");
}

#[test]
fn the_same_seed_asks_for_the_same_at_the_same_times() {
    let server = Server::new(answering(OK));
    let row = |path: &str, weight| Row { path: path.into(), weight, body: 0 };
    let seen = || {
        let mix = vec![row("/a", 3), row("/b", 1)];
        let mut run = Run::start(Load { mix, churn: 0.1, ..load(16, Some(500.0)) }, server.address);
        run.ended(200);
        let mut all = requests(&run.stop());
        all.retain(|r| r.sent.is_some());
        all.sort_by_key(Request::intended);
        all.truncate(150);
        let first = all[0].intended();
        all.iter().map(|r| ((r.intended() - first).0 as f64 / 1e3, r.row)).collect::<Vec<_>>()
    };
    let (one, two) = (seen(), seen());
    for (a, b) in one.iter().zip(&two) {
        // Lateness travels in whole microseconds.
        assert!(a.1 == b.1 && (a.0 - b.0).abs() <= 3.0, "{a:?} and {b:?}");
    }
}

#[test]
fn a_closed_loop_sends_when_it_is_answered() {
    let server = Server::new(answering(OK));
    let mut run = Run::start(load(4, None), server.address);
    run.ended(400);
    run.order(LoadControl::Rate(Some(0.0)));
    run.until(|events| requests(events).iter().all(|r| r.outcome.is_some()));
    let all = requests(&run.stop());
    assert!(share(&all, Outcome::Answered) > 0.999);
    let late = all.iter().filter(|r| r.sent.unwrap().1 > Nanos::millis(2)).count();
    assert!(late * 20 < all.len(), "{late} of {} were late in a loop that waits for nothing", all.len());

    let thinking = Load { think: Nanos::millis(20), ..load(10, None) };
    let mut run = Run::start(thinking, server.address);
    run.ended(200);
    let all = requests(&run.stop());
    // From one answer to the same client's next request: 20 ms on average, and more only where the machine is busy.
    let mut answered = std::collections::HashMap::new();
    let mut thoughts = Vec::new();
    for r in all.iter().filter(|r| r.sent.is_some()) {
        if let Some((at, _, _)) = answered.insert(r.client, r.outcome.unwrap_or((Nanos::MAX, Outcome::Closed, 0))) {
            thoughts.push((r.intended() - at).as_millis());
        }
    }
    let mean = thoughts.iter().sum::<f64>() / thoughts.len() as f64;
    assert!((15.0..60.0).contains(&mean), "{mean} ms");
}

#[test]
fn every_kind_of_failure_has_its_own_name() {
    let silent = Server::new(|mut stream| while read_request(&mut stream).is_some() {});
    let resetting = Server::new(|mut stream| {
        read_request(&mut stream);
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let half = Server::new(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(&OK[..OK.len() - 1]);
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let garbage = Server::new(answering(b"220 smtp.example.org ESMTP\r\n"));
    let error = Server::new(answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, address, outcome) in [
        ("silent", silent.address, Outcome::Timeout),
        ("half", half.address, Outcome::Closed),
        ("garbage", garbage.address, Outcome::Garbled),
        ("error", error.address, Outcome::ErrorStatus),
        ("nobody", nobody, Outcome::Refused),
        ("resetting", resetting.address, Outcome::Reset),
    ] {
        let timeout = if name == "silent" { Nanos::millis(300) } else { Nanos::secs(10) };
        let mut run = Run::start(Load { timeout, ..load(8, Some(100.0)) }, address);
        // The clone that the server keeps holds a reset back until it is gone.
        for _ in 0..1000 {
            if requests(run.drain()).iter().filter(|r| r.outcome.is_some()).count() >= 20 {
                break;
            }
            if name == "resetting" {
                resetting.streams.lock().unwrap().clear();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let all = requests(&run.stop());
        assert!(share(&all, outcome) > 0.9, "{name}: {:?}", all.iter().map(|r| r.outcome).collect::<Vec<_>>());
        for r in all.iter().filter(|r| r.is(Outcome::Timeout) && r.sent.is_some()) {
            assert!(r.latency() >= Nanos::millis(299), "patience counts from the intended send: {r:?}");
        }
    }
}

#[test]
fn a_pause_of_the_server_is_seen_by_all_who_were_due_in_it() {
    let (gate, pause) = (Mutex::new(0_u32), Arc::new(Mutex::new(None)));
    let server = Server::new({
        let pause = Arc::clone(&pause);
        move |mut stream| {
            while read_request(&mut stream).is_some() {
                {
                    let mut served = gate.lock().unwrap();
                    *served += 1;
                    if *served == 300 {
                        let begin = std::time::Instant::now();
                        std::thread::sleep(Duration::from_millis(200));
                        *pause.lock().unwrap() = Some((begin, std::time::Instant::now()));
                    }
                }
                let _ = stream.write_all(OK);
            }
        }
    });
    // Four clients: without counting from the intended send only four requests would have met the pause.
    let mut run = Run::start(load(4, Some(1000.0)), server.address);
    run.ended(1200);
    let (begin, end) = pause.lock().unwrap().unwrap();
    let (clock, now) = (run.clock.now(), std::time::Instant::now());
    let at = |instant: std::time::Instant| clock - Nanos::from(now - instant);
    let (begin, end) = (at(begin) + Nanos::millis(20), at(end));
    let all = requests(&run.stop());
    let due: Vec<_> = all.iter().filter(|r| r.sent.is_some() && r.outcome.is_some() && (begin..end).contains(&r.intended())).collect();
    // About 180 were due, and each waited at least until the pause was over: from 180 ms down to nothing.
    assert!((100..300).contains(&due.len()), "{} were due in a pause of {}", due.len(), end - begin);
    for r in &due {
        assert!(r.latency() + Nanos::millis(2) >= end - r.intended(), "{r:?}");
    }
    let waited = |ms| due.iter().filter(|r| r.latency() > Nanos::millis(ms)).count();
    assert!(waited(100) >= 40 && waited(150) >= 10, "{} {}", waited(100), waited(150));
    assert!(due.iter().any(|r| r.sent.is_some_and(|(_, late)| late > Nanos::millis(100))), "most could not even be sent");
}

#[test]
fn it_survives_the_death_of_the_server() {
    let server = Server::new(answering(OK));
    let address = server.address;
    let mut run = Run::start(Load { timeout: Nanos::secs(2), ..load(8, Some(400.0)) }, address);
    run.ended(100);
    drop(server);
    run.until(|events| requests(events).iter().any(|r| r.is(Outcome::Refused)));
    let back = Server::at(address, answering(OK));
    run.until(|_| back.accepted.load(SeqCst) >= 8);
    run.until(|events| requests(events).iter().rev().take(60).filter(|r| r.is(Outcome::Answered)).count() >= 40);
    let all = requests(&run.stop());
    assert!(all.iter().filter(|r| r.is(Outcome::Timeout)).count() < 20);
}

#[test]
fn orders_are_carried_out_while_it_runs() {
    let server = Server::new(answering(OK));
    let mut run = Run::start(load(4, Some(200.0)), server.address);
    run.ended(20);
    run.order(LoadControl::Connections(12));
    run.order(LoadControl::Rate(Some(2000.0)));
    let clients = |events: &[(Nanos, What)]| requests(events).iter().map(|r| r.client).max().unwrap_or(0);
    run.until(|events| clients(events) == 11);
    run.order(LoadControl::Connections(2));
    let hung_up = |events: &[(Nanos, What)]| events.iter().filter(|e| matches!(e.1, What::HungUp { .. })).count();
    run.until(|events| hung_up(events) >= 10);
    let from = run.drain().len();
    run.ended(requests(&run.events).len() + 100);
    assert!(run.events[from..].iter().all(|e| !matches!(e.1, What::Chose { client, .. } if client.0 >= 2)));

    run.order(LoadControl::Pause);
    let paused = |e: &(Nanos, What)| matches!(e.1, What::Offered { millirate: 0, .. });
    run.until(|events| events.iter().any(paused));
    std::thread::sleep(Duration::from_secs(1));
    run.drain();
    let at = run.events.iter().position(paused).unwrap();
    assert!(!run.events[at..].iter().any(|e| matches!(e.1, What::Sent { .. })), "nothing is sent in a pause");
    run.order(LoadControl::Pause);
    run.order(LoadControl::Resume);
    let from = run.events.len();
    run.until(|events| requests(events).iter().filter(|r| r.outcome.is_some()).count() > 50 && events.len() > from + 200);
    let late = |e: &(Nanos, What)| matches!(e.1, What::Sent { late, .. } if late > 900_000);
    assert!(!run.events[from..].iter().any(late), "what a pause held back is not late");
    let events = run.stop();
    let told: Vec<u32> = events.iter().filter_map(|e| if let What::Paused { on } = e.1 { Some(on) } else { None }).collect();
    assert_eq!(told, [1, 0], "a pause is told once");
    assert!(events.iter().rev().take(8).any(|e| matches!(e.1, What::Offered { millirate: 0, connections: 0 })));
}

#[test]
fn the_end_of_the_lab_is_the_end_of_the_load() {
    let server = Server::new(answering(OK));
    let mut run = Run::start(load(4, Some(200.0)), server.address);
    run.ended(5);
    drop(run.lab);
    run.thread.join().unwrap().unwrap();
}

#[test]
fn churn_dials_anew_and_says_so() {
    let server = Server::new(answering(OK));
    let mut run = Run::start(Load { churn: 0.5, ..load(8, Some(400.0)) }, server.address);
    run.ended(400);
    let events = run.stop();
    let all = requests(&events);
    assert!(share(&all, Outcome::Answered) > 0.99);
    let connected = events.iter().filter(|e| matches!(e.1, What::Connected { .. })).count();
    let anew = (connected - 8) as f64 / all.len() as f64;
    assert!((0.35..0.65).contains(&anew), "{anew}");
    // Between them each connection is dialled, established and hung up, always from the same port.
    let mut ports = std::collections::HashMap::new();
    for (_, what) in &events {
        match *what {
            What::Dialled { client, port } => assert_eq!(ports.insert(client, port), None),
            What::Connected { client, port } => assert_eq!(ports[&client], port),
            What::HungUp { client, port } => assert_eq!(ports.remove(&client), Some(port)),
            _ => {}
        }
    }
}

#[test]
fn bodies_arrive_whole() {
    let server = Server::new(|mut stream| {
        while let Some((head, body)) = read_request(&mut stream) {
            let whole = body.len() == 300_000 && body.iter().enumerate().all(|(n, b)| *b == b"abcdefghijklmnopqrstuvwxyz"[n % 65_536 % 26]);
            let status = if head.starts_with("POST /up HTTP/1.1\r\n") && whole { "200 OK" } else { "400 Bad Request" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n");
        }
    });
    let mix = vec![Row { path: "/up".into(), weight: 1, body: 300_000 }];
    let mut run = Run::start(Load { mix, ..load(4, Some(50.0)) }, server.address);
    run.ended(30);
    assert!(share(&requests(&run.stop()), Outcome::Answered) > 0.99);
}

#[test]
fn many_connections_do_not_overflow_the_queue() {
    // Nobody accepts: what does not fit into the queue of the listener would have to wait for a second try of the kernel.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(4096).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut run = Run::start(load(600, Some(10.0)), address);
    let connected = |events: &[(Nanos, What)]| events.iter().filter(|e| matches!(e.1, What::Connected { .. })).count();
    run.until(|events| connected(events) == 600);
    let events = run.stop();
    let dialled: Vec<_> = events.iter().filter(|e| matches!(e.1, What::Dialled { .. })).map(|e| e.0).collect();
    assert_eq!(dialled.len(), 600);
    // 64 a millisecond at most.
    assert!(dialled[599] - dialled[0] >= Nanos::millis(8));
}
