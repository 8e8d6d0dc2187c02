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
use loopscope::specimen::control::{Control, Message};
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

    channel::send(&lab, &Message { seq: 1, control: Control::Stop }).unwrap();
    specimen.join().unwrap().unwrap();
}
