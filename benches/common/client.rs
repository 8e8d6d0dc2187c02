//! A client that costs as little as it can and still believes nothing: closed loop, raw epoll, every response checked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use loopscope::base::clock::Clock;
use loopscope::base::units::Nanos;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// What every response of a server begins with.
const STATUS: &[u8] = b"HTTP/1.1 200";

/// What came of one window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Requests that were answered.
    pub requests: u64,
    /// How long it took.
    pub time: Nanos,
    /// What client and server used of their core in that time. The two keep it busy without a break, so on a quiet machine this is the same;
    /// where somebody else was let in between, it is what they would have needed alone.
    pub core: Nanos,
}

impl Window {
    /// Requests a second of the clock on the wall.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs()
    }

    /// Requests for a second of the core.
    pub fn per_core(&self) -> f64 {
        self.requests as f64 / self.core.as_secs()
    }
}

/// Connections to one server, all of which ask for `/`.
pub struct Client {
    clock: Clock,
    /// The server's process.
    server: u32,
    poll: OwnedFd,
    streams: Vec<TcpStream>,
    /// Bytes that each connection still has to receive.
    left: Vec<usize>,
    batch: usize,
    request: Vec<u8>,
    /// The length of one response, and how it ends.
    length: usize,
    body: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    /// So many connections to the server in this process, each of which sends `batch` requests at once.
    pub fn new(clock: Clock, server: u32, target: SocketAddr, connections: usize, batch: usize) -> anyhow::Result<Self> {
        let one = format!("GET / HTTP/1.1\r\nHost: {target}\r\n\r\n").into_bytes();
        let (length, body) = ask(target, &one)?;
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut streams = Vec::with_capacity(connections);
        for n in 0..connections {
            let stream = dial(target, n).with_context(|| format!("connection {n} to {target}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(&poll, &stream, EventData::new_u64(n as u64), EventFlags::IN | EventFlags::RDHUP | EventFlags::ET)?;
            streams.push(stream);
        }
        let (left, buffer) = (vec![0; connections], vec![0; (length * batch).max(4096) + 1]);
        let mut client = Self { clock, server, poll, streams, left, batch, request: one.repeat(batch), length, body, buffer };
        // Every connection is accepted and warm before anything is measured.
        client.run(Duration::ZERO)?;
        Ok(client)
    }

    /// The length of one response.
    pub fn response_length(&self) -> usize {
        self.length
    }

    /// Asks for so long, over all connections, and waits for the last response.
    pub fn run(&mut self, window: Duration) -> anyhow::Result<Window> {
        let (begin, core) = (self.clock.now(), self.core()?);
        let end = begin + Nanos::from(window);
        let mut events: Vec<Event> = Vec::with_capacity(256);
        for n in 0..self.streams.len() {
            self.send(n)?;
        }
        let (mut open, mut answered) = (self.streams.len(), 0_u64);
        while open > 0 {
            events.clear();
            match epoll::wait(&self.poll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let over = self.clock.now() >= end;
            for event in &events {
                let n = event.data.u64() as usize;
                if !self.receive(n)? {
                    continue;
                }
                answered += self.batch as u64;
                if over {
                    open -= 1;
                } else {
                    self.send(n)?;
                }
            }
        }
        Ok(Window { requests: answered, time: self.clock.now() - begin, core: self.core()? - core })
    }

    /// CPU time of this thread and of the server. The server shares our core, so it does not run now, and its figure is exact.
    fn core(&self) -> anyhow::Result<Nanos> {
        let ours = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let ours = Nanos(ours.tv_sec as u64 * 1_000_000_000 + ours.tv_nsec as u64);
        Ok(ours + on_cpu(self.server)?)
    }

    /// Sends exactly so many requests one after another on the first connection.
    pub fn count(&mut self, requests: usize) -> anyhow::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(4);
        for _ in 0..requests {
            self.send(0)?;
            loop {
                events.clear();
                epoll::wait(&self.poll, spare_capacity(&mut events), None)?;
                if self.receive(0)? {
                    break;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, n: usize) -> anyhow::Result<()> {
        let sent = rustix::net::send(&self.streams[n], &self.request, SendFlags::NOSIGNAL)?;
        ensure!(sent == self.request.len(), "a socket buffer cannot hold one batch of requests");
        self.left[n] = self.length * self.batch;
        Ok(())
    }

    /// Reads what is there: whether everything that was asked for has come.
    fn receive(&mut self, n: usize) -> anyhow::Result<bool> {
        loop {
            let got = match rustix::net::recv(&self.streams[n], &mut self.buffer[..], RecvFlags::empty()) {
                Ok((_, 0)) => bail!("the server closed a connection that was to be kept"),
                Ok((_, got)) => got,
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            ensure!(got <= self.left[n], "a response was longer than its first one: {}", String::from_utf8_lossy(&self.buffer[..got]));
            self.check(self.left[n], got)?;
            self.left[n] -= got;
            if self.left[n] == 0 {
                return Ok(true);
            }
            if got < self.buffer.len() {
                return Ok(false);
            }
        }
    }

    /// Every response that begins or ends in these bytes does so as it must.
    fn check(&self, left: usize, got: usize) -> anyhow::Result<()> {
        let bytes = &self.buffer[..got];
        let mut at = left % self.length;
        loop {
            if let Some(end) = bytes.get(..at)
                && end.len() >= self.body.len()
            {
                ensure!(end.ends_with(&self.body), "not the same body: {}", String::from_utf8_lossy(end));
            }
            if at >= got {
                return Ok(());
            }
            let begin = &bytes[at..got.min(at + STATUS.len())];
            ensure!(STATUS.starts_with(begin), "no 200: {}", String::from_utf8_lossy(&bytes[at..]));
            at += self.length;
        }
    }
}

/// Connections from one address: the kernel gives each a port of its own, and has 28,232 for each address unless it was told otherwise.
const FROM_ONE: usize = 20_000;

/// The n-th connection to this server: where there are many, from another of the addresses that lead back to this machine.
fn dial(target: SocketAddr, n: usize) -> std::io::Result<TcpStream> {
    if n < FROM_ONE || !target.is_ipv4() {
        return TcpStream::connect(target);
    }
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(1 + n / FROM_ONE).unwrap_or(u8::MAX));
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&target.into())?;
    Ok(socket.into())
}

/// CPU time of a process of one thread.
pub fn on_cpu(pid: u32) -> anyhow::Result<Nanos> {
    let schedstat = std::fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    Ok(Nanos(schedstat.split_whitespace().next().context("an empty schedstat")?.parse()?))
}

/// Asks once and gives the length of the whole response, and its body.
pub fn ask(target: SocketAddr, request: &[u8]) -> anyhow::Result<(usize, Vec<u8>)> {
    let mut stream = TcpStream::connect(target).with_context(|| format!("connect to {target}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut chunk)?;
        ensure!(got > 0, "the server closed before it answered");
        bytes.extend_from_slice(&chunk[..got]);
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(head) = response.parse(&bytes)? else { continue };
        ensure!(response.code == Some(200), "status {:?}", response.code);
        let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
        let length: usize = std::str::from_utf8(length.context("no Content-Length")?.value)?.trim().parse()?;
        if bytes.len() >= head + length {
            ensure!(bytes.len() == head + length, "more than was asked for");
            return Ok((bytes.len(), bytes.split_off(head)));
        }
    }
}
