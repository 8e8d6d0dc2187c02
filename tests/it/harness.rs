//! Starts a specimen as the lab does: our own binary, a channel on its standard input, a mapping, a listener.

pub mod labs;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use loopscope::base::channel;
use loopscope::base::clock::{Clock, TimeBase};
use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, Message};
use loopscope::specimen::process::SUBCOMMAND;
use loopscope::telemetry::What;
use loopscope::telemetry::event::Record;
use loopscope::telemetry::ring::Consumer;
use loopscope::telemetry::shared::{LOOP_RING, Shared};

/// Longer than anything here takes on the busiest machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A specimen that runs, and the lab's ends of everything. It is killed when this is dropped.
pub struct Specimen {
    pub address: SocketAddr,
    pub shared: Shared,
    pub base: TimeBase,
    pub child: Child,
    pub channel: UnixStream,
    rings: Vec<Consumer>,
    events: Vec<(usize, Record)>,
    seq: u32,
}

/// A listener as the lab makes it: one that does not block, with a long queue, whose connections do not wait to send.
pub fn listener() -> TcpListener {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_tcp_nodelay(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(4096).unwrap();
    socket.into()
}

impl Specimen {
    pub fn start(config: &Config) -> Self {
        Self::start_on(config, &listener())
    }

    pub fn naive() -> Self {
        Self::start(&Config::naive("test"))
    }

    pub fn start_on(config: &Config, listener: &TcpListener) -> Self {
        let clock = Clock::start();
        let (shared, mapping) = Shared::create("specimen", &clock, 9, LOOP_RING).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_loopscope"))
            .arg(SUBCOMMAND)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        channel::send_with_fds(&ours, config, &[mapping.as_fd(), listener.as_fd()]).unwrap();
        let rings = (0..9).map(|ring| shared.consumer(ring)).collect();
        Self {
            address: listener.local_addr().unwrap(),
            shared,
            base: clock.base(),
            child,
            channel: ours,
            rings,
            events: Vec::new(),
            seq: 0,
        }
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends these bytes, closes the sending half, and gives back all that comes.
    pub fn talk(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(bytes);
        client.finish();
        client.rest()
    }

    /// Asks for a path on a connection of its own.
    pub fn get(&self, path: &str) -> String {
        self.talk(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    }

    /// Gives an order and waits until it is carried out; whether it could be.
    pub fn order(&mut self, control: Control) -> bool {
        let seq = self.send_order(control);
        let found = self.wait_for(|what| matches!(what, What::Applied { seq: s, .. } if *s == seq));
        matches!(found, What::Applied { done: 1, .. })
    }

    /// Gives an order.
    pub fn send_order(&mut self, control: Control) -> u32 {
        self.seq += 1;
        channel::send(&self.channel, &Message { seq: self.seq, control }).unwrap();
        self.seq
    }

    /// All events so far: ring and record, each ring in its order.
    pub fn events(&mut self) -> &[(usize, Record)] {
        let mut records = Vec::new();
        for (ring, consumer) in self.rings.iter_mut().enumerate() {
            assert_eq!(consumer.drain(usize::MAX, &mut records), 0, "a ring has dropped events");
            self.events.extend(records.drain(..).map(|record| (ring, record)));
        }
        &self.events
    }

    /// The facts so far, of all rings.
    pub fn facts(&mut self) -> Vec<What> {
        self.events().iter().map(|(_, record)| record.what().expect("a known fact")).collect()
    }

    /// The loop's facts so far, with their times in seconds.
    pub fn timed(&mut self) -> Vec<(f64, What)> {
        let base = self.base;
        let timed = |(_, record): &(usize, Record)| (base.nanos(record.stamp()).as_secs(), record.what().expect("a known fact"));
        self.events().iter().filter(|(ring, _)| *ring == 0).map(timed).collect()
    }

    /// Waits for a fact, and gives it back.
    pub fn wait_for(&mut self, is_it: impl Fn(&What) -> bool) -> What {
        let begin = Instant::now();
        loop {
            if let Some(found) = self.facts().into_iter().find(&is_it) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "it never happened; so far: {:?}", self.facts());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until this holds of all facts so far.
    pub fn wait_until(&mut self, holds: impl Fn(&[What]) -> bool) {
        let begin = Instant::now();
        while !holds(&self.facts()) {
            assert!(begin.elapsed() < PATIENCE, "it never came to that; so far: {:?}", self.facts());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the process to end; how it did, and its last words.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        };
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut words).unwrap();
        }
        (status, words)
    }

    /// Lines of /proc/PID/status that begin so, as a number.
    pub fn status(&self, field: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a field of /proc/PID/status");
        line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Specimen {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection to a specimen.
pub struct Client {
    pub stream: TcpStream,
    /// What was read beyond the last answer.
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Closes the sending half.
    pub fn finish(&mut self) {
        // The other side may have closed already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.answer()
    }

    /// All that comes until the end.
    pub fn rest(&mut self) -> String {
        let mut all = std::mem::take(&mut self.buffer);
        self.stream.read_to_end(&mut all).unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Whether the other side has closed in an orderly way, with nothing more to say.
    pub fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.stream.read(&mut [0; 16]), Ok(0))
    }

    /// The next answer, to anything but HEAD.
    pub fn answer(&mut self) -> Answer {
        self.answer_to(true)
    }

    /// The next answer, to HEAD.
    pub fn answer_head(&mut self) -> Answer {
        self.answer_to(false)
    }

    fn answer_to(&mut self, with_body: bool) -> Answer {
        let end = self.read_until(|buffer| buffer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4));
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut answer = Answer { status: head[9..12].parse().unwrap(), head, body: Vec::new() };
        let length = answer.field("Content-Length").map_or(0, |n| n.parse().unwrap());
        if with_body {
            self.read_until(|buffer| (buffer.len() >= length).then_some(length));
            answer.body = self.buffer.drain(..length).collect();
        }
        answer
    }

    fn read_until(&mut self, there: impl Fn(&[u8]) -> Option<usize>) -> usize {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some(at) = there(&self.buffer) {
                return at;
            }
            let n = self.stream.read(&mut chunk).unwrap();
            assert!(n > 0, "closed in the middle of an answer: {:?}", String::from_utf8_lossy(&self.buffer));
            self.buffer.extend_from_slice(&chunk[..n]);
        }
    }
}
