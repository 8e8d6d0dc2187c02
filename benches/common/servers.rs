//! The servers that are measured, each a process of its own on the core of whoever starts it: the specimen, hyper, nginx.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use loopscope::base::channel;
use loopscope::base::clock::Clock;
use loopscope::load::plan::{LoadControl, Plan};
use loopscope::specimen::config::Config;
use loopscope::specimen::control::{Control, Message};
use loopscope::telemetry::shared::{LOOP_RING, Shared};

/// A child process that ends with its owner.
pub struct Process(pub Child);

impl Process {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A listener as the lab makes it: a long queue, and what is accepted from it neither blocks nor waits to send.
pub fn listener() -> anyhow::Result<(TcpListener, SocketAddr)> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.listen(4096)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A running specimen and whoever reads its ring.
pub struct Specimen {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub process: Process,
    reader: Reader,
    control: UnixStream,
}

impl Specimen {
    /// Starts one on the caller's core; its ring is read on `reader_core`.
    pub fn start(clock: &Clock, watched: bool, reader_core: usize) -> anyhow::Result<Self> {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_loopscope")), clock, watched, reader_core)
    }

    /// As [`Specimen::start`], by a command that is given the hidden subcommand as its last argument.
    pub fn start_by(mut command: Command, clock: &Clock, watched: bool, reader_core: usize) -> anyhow::Result<Self> {
        let (listener, address) = listener()?;
        let (shared, mapping) = Shared::create("bench", clock, 9, LOOP_RING)?;
        let (ours, theirs) = UnixStream::pair()?;
        let process = command
            .arg(loopscope::specimen::process::SUBCOMMAND)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .context("start the specimen")?;
        let process = Process(process);
        let config = Config { watched, ..Config::naive("bench") };
        channel::send_with_fds(&ours, &config, &[mapping.as_fd(), listener.as_fd()])?;
        Ok(Self { address, process, reader: Reader::start(shared, reader_core), control: ours })
    }

    /// Events read so far, and events that were lost.
    pub fn events(&self) -> (u64, u64) {
        self.reader.events()
    }

    /// Says that it is to stop, and waits for its end.
    pub fn stop(mut self) -> anyhow::Result<()> {
        channel::send(&self.control, &Message { seq: 1, control: Control::Stop })?;
        let status = self.process.0.wait()?;
        anyhow::ensure!(status.success(), "the specimen ended with {status}");
        Ok(())
    }

    /// A line of /proc/PID/status in KiB.
    pub fn memory(&self, line: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid()))?;
        let value = status.lines().find_map(|l| l.strip_prefix(line)).with_context(|| format!("no {line} in the status"))?;
        Ok(value.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
    }
}

/// Reads a ring sixty times a second, as the lab does.
pub struct Reader {
    over: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Reads the first ring of this mapping on a thread of its own, on this core.
    pub fn start(shared: Shared, core: usize) -> Self {
        let (over, read, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (over, read, lost) = (Arc::clone(&over), Arc::clone(&read), Arc::clone(&lost));
            move || {
                // Where it cannot be pinned it reads all the same; the figures say what that costs.
                let _ = super::pin(core);
                let (mut ring, mut records) = (shared.consumer(0), Vec::with_capacity(LOOP_RING));
                while !over.load(Relaxed) {
                    std::thread::sleep(Duration::from_millis(16));
                    records.clear();
                    lost.fetch_add(ring.drain(usize::MAX, &mut records), Relaxed);
                    read.fetch_add(records.len() as u64, Relaxed);
                }
            }
        });
        Self { over, read, lost, thread: Some(thread) }
    }

    /// Events read so far, and events that were lost.
    pub fn events(&self) -> (u64, u64) {
        (self.read.load(Relaxed), self.lost.load(Relaxed))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A running load and the reading end of its ring.
pub struct Load {
    /// Its process.
    pub process: Process,
    /// What it tells.
    pub ring: loopscope::telemetry::ring::Consumer,
    control: UnixStream,
}

impl Load {
    /// Starts a load process.
    pub fn start(clock: &Clock, plan: &Plan) -> anyhow::Result<Self> {
        let (shared, mapping) = Shared::create("load", clock, 1, LOOP_RING)?;
        let (control, theirs) = UnixStream::pair()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_loopscope"));
        let process = command
            .arg(loopscope::load::process::SUBCOMMAND)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .context("start the load")?;
        let process = Process(process);
        channel::send_with_fds(&control, plan, &[mapping.as_fd()])?;
        Ok(Self { process, ring: shared.consumer(0), control })
    }

    /// Ends it, and waits for its end.
    pub fn stop(mut self) -> anyhow::Result<()> {
        channel::send(&self.control, &LoadControl::Stop)?;
        anyhow::ensure!(self.process.0.wait()?.success(), "the load did not end well");
        Ok(())
    }
}

/// Starts hyper on a current-thread tokio runtime: this very program with a hidden argument.
pub fn hyper(body: &str, pipelined: bool) -> anyhow::Result<(Process, SocketAddr)> {
    let (listener, address) = listener()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("__hyper").arg(body).arg(if pipelined { "pipelined" } else { "plain" });
    Ok((Process(command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).spawn().context("start hyper")?), address))
}

/// Serves as hyper where the hidden argument asks for it; then it never returns.
pub fn hyper_if_asked() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some("__hyper") {
        return Ok(());
    }
    let body = bytes_of(&args.next().context("no body")?);
    let pipelined = args.next().as_deref() == Some("pipelined");
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve_hyper(listener, body, pipelined))
}

fn bytes_of(text: &str) -> hyper::body::Bytes {
    hyper::body::Bytes::copy_from_slice(text.as_bytes())
}

async fn serve_hyper(listener: TcpListener, body: hyper::body::Bytes, pipelined: bool) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let body = body.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |_| {
                let body = http_body_util::Full::new(body.clone());
                let mut response = hyper::Response::new(body);
                let plain = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, plain);
                async { Ok::<_, Infallible>(response) }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            // The client hangs up in the middle at the end of a bench; that is no error worth telling.
            let _ = hyper::server::conn::http1::Builder::new().pipeline_flush(pipelined).serve_connection(stream, service).await;
        });
    }
}

/// Starts nginx with one worker and everything off that costs; nothing where it is not installed.
pub fn nginx(body: &str) -> anyhow::Result<Option<(Process, SocketAddr, tempfile::TempDir)>> {
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let place = tempfile::tempdir()?;
    // nginx cannot be handed a listener; between these two lines the port could be taken, and the wait below would say so.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let text: String = body.chars().fold(String::new(), |mut text, c| {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
        text
    });
    let mut config = String::from(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log crit;\n\
         events { worker_connections 16384; }\n\
         http { access_log off; server_tokens off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;\n\
           default_type \"text/plain; charset=utf-8\";\n",
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(config, "  {kind}_temp_path {kind};")?;
    }
    writeln!(config, "  server {{ listen {address} backlog=4096; location / {{ return 200 \"{text}\"; }} }}\n}}")?;
    std::fs::write(place.path().join("nginx.conf"), config)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(place.path()).args(["-c", "nginx.conf", "-e", "error.log"]);
    let process = Process(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("start nginx")?);
    Ok(Some((process, address, place)))
}

/// Waits until a server answers, for ten seconds at most.
pub fn wait_for(address: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut last = None;
    for _ in 0..200 {
        match super::client::ask(address, request.as_bytes()) {
            Ok((_, body)) => return Ok(body),
            Err(error) => last = Some(error),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(last.context("never tried")?).context("the server does not answer")
}
