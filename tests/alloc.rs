//! A request costs no allocation in the steady state: a reactor on a thread of this process, and an allocator that counts.
//!
//! A test binary of its own, with this one test: nothing else may allocate meanwhile.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use loopscope::base::channel;
use loopscope::base::clock::Clock;
use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, Message, MitigationSetting};
use loopscope::specimen::process::serve;
use loopscope::telemetry::shared::{LOOP_RING, Shared};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sends a request so many times and takes as many bytes as the first answer had, without an allocation of its own.
fn ask(client: &mut TcpStream, request: &[u8], times: usize, answer: &mut [u8]) {
    for _ in 0..times {
        client.write_all(request).unwrap();
        client.read_exact(answer).unwrap();
    }
}

/// A request to `/chain` keeps something between its steps; how much, by style. Three calls that it makes of itself, as a client would
/// make them, are not counted. What a specimen counts of itself, and the lesson on the pyramid says, is somewhat less: its reading and its
/// answering, which are the same in all styles, are the connection's and not the code's.
fn styles(lab: &UnixStream, client: &mut TcpStream) {
    let mut per_request = |request: &[u8]| {
        let mut answer = [0; 4096];
        let length = {
            client.write_all(request).unwrap();
            client.read(&mut answer).unwrap()
        };
        ask(client, request, 50, &mut answer[..length]);
        let region = Region::new(ALLOCATOR);
        ask(client, request, 200, &mut answer[..length]);
        let change = region.change();
        (change.allocations + change.reallocations) as f64 / 200.0
    };
    let sleep = per_request(b"GET /sleep?ms=0&say=price-of-orders-of-user-1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut chain = |seq, setting: Option<MitigationSetting>| {
        if let Some(setting) = setting {
            channel::send(lab, &Message { seq, control: Control::Apply(setting) }).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        per_request(b"GET /chain?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n") - 3.0 * sleep
    };
    let nested = chain(1, None);
    let promises = chain(2, Some(MitigationSetting::PromiseChain));
    let futures = chain(3, Some(MitigationSetting::AsyncAwait));
    // As they were counted, and a tenth for a standard library that allocates otherwise.
    for (name, counted, said) in [("nested", nested, 37.0), ("promises", promises, 74.0), ("async", futures, 44.0)] {
        assert!((counted / said - 1.0_f64).abs() < 0.1, "{name}: {counted} allocations for a request, {said} before");
    }
}

#[test]
fn a_request_in_the_steady_state_allocates_nothing() {
    let clock = Clock::start();
    let (shared, _mapping) = Shared::create("alloc", &clock, 9, LOOP_RING).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (lab, channel) = UnixStream::pair().unwrap();
    let specimen = std::thread::spawn(move || serve(Config::naive("alloc"), shared, listener, channel));

    let mut client = TcpStream::connect(address).unwrap();
    let one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".as_slice();
    let batch = one.repeat(16);
    let bytes = b"GET /bytes?n=10000 HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    for request in [one, post, &batch, bytes] {
        let mut first = vec![0; 64 * 1024];
        client.write_all(request).unwrap();
        let mut length = 0;
        loop {
            client.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
            match client.read(&mut first[length..]) {
                Ok(n) => length += n,
                Err(_) if length > 0 => break,
                Err(_) => {}
            }
        }
        client.set_read_timeout(None).unwrap();
        let answer = &mut first[..length];
        // Buffers grow to what they need, once.
        ask(&mut client, request, 50, answer);
        let region = Region::new(ALLOCATOR);
        ask(&mut client, request, 1000, answer);
        let change = region.change();
        let name = request[..request.len().min(20)].escape_ascii();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{name} ... allocates");
    }

    styles(&lab, &mut client);
    channel::send(&lab, &Message { seq: 9, control: Control::Stop }).unwrap();
    specimen.join().unwrap().unwrap();
}
