//! Worlds filled by hand, for looking at and for the tests of the panels.

use hdrhistogram::Histogram;

use crate::base::ids::{ConnId, SpecimenId};
use crate::base::units::Nanos;
use crate::scenario::Scenario;
use crate::telemetry::event::Readiness;
use crate::telemetry::vocabulary::{Cause, Fault, Handler, Mitigation, Outcome, Phase};
use crate::world::clients::{COLUMN, COLUMNS, Clients, ROWS, Spectrogram};
use crate::world::reactor::{Ready, Tally};
use crate::world::strip::{SLICE, SLICES};
use crate::world::window::Window;
use crate::world::{
    Connections, Death, Kernel, Life, OwnCost, Reactor, Running, Slice, Specimen, Stall, StallKind, Stalls, Strip, World,
};
use crate::world::stalls::StallEnd;

fn histogram() -> Histogram<u32> {
    Histogram::new_with_bounds(1, 200_000_000_000, 2).unwrap()
}

fn tally() -> Tally {
    Tally { count: 0, busy: Nanos::ZERO, max: Nanos::ZERO, histogram: histogram() }
}

fn noise(n: u64) -> f64 {
    let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678;
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x % 10_000) as f64 / 10_000.0
}

/// A specimen before its first event.
pub fn unseen(id: u8, name: &str) -> Specimen {
    Specimen {
        id: SpecimenId(id),
        name: name.into(),
        life: Life::Starting,
        port: None,
        respawns: 0,
        reactor: Reactor {
            ticks: 0,
            tick_rate: 0.0,
            phase: Phase::Poll,
            phase_since: Nanos::ZERO,
            shares: [0.0; Phase::COUNT],
            running: None,
            held: false,
            ready: Vec::new(),
            ready_count: 0,
            batch: 0,
            batch_max: 0,
            lag: Nanos::ZERO,
            causes: std::array::from_fn(|_| tally()),
            handlers: std::array::from_fn(|_| tally()),
            request_rate: 0.0,
            requests: 0,
        },
        connections: Connections::default(),
        stalls: Stalls::default(),
        kernel: Kernel::default(),
        clients: Clients {
            connected: 0,
            offered: None,
            clients: 0,
            pid: None,
            in_flight: 0,
            backlog: 0,
            outcomes: [0; Outcome::COUNT],
            rate: 0.0,
            total: histogram(),
            recent: Window { newest: 0, slices: vec![histogram(); 5] },
            spectrogram: Spectrogram { newest: 0, cells: vec![[0; ROWS]; COLUMNS] },
            tail: Vec::new(),
        },
        strip: Strip { newest: 0, slices: vec![Slice { gap: true, ..Slice::default() }; SLICES] },
        workers: Vec::new(),
        mitigations: [false; Mitigation::COUNT],
        deaths: Vec::new(),
        died: 0,
        caught: 0,
        lost: 0,
    }
}

/// A specimen in calm after so many seconds.
pub fn calm_specimen(id: u8, name: &str, now: Nanos) -> Specimen {
    let mut s = unseen(id, name);
    s.life = Life::Running { pid: 41_233 + u32::from(id), since: Nanos::millis(120) };
    s.reactor.ticks = 48_213;
    s.reactor.tick_rate = 1_937.0;
    s.reactor.phase_since = now;
    s.reactor.shares = [0.874, 0.119, 0.003, 0.001, 0.003];
    s.reactor.lag = Nanos::micros(212);
    s.reactor.request_rate = 2_003.0;
    s.reactor.requests = 50_114;
    s.connections.open = 64;
    s.kernel = Kernel {
        sampled: Some(now),
        accept_queue: Some((0, 4096)),
        unread: Some((0, 0)),
        descriptors: Some((71, 1024)),
        interest_list: Some(67),
        memory: Some((4_300, 900)),
        on_cpu: Some(Nanos::millis(900)),
        cpu: Some(0.123),
        run_delay: Some(0.002),
        switches: Some((1_900.0, 4.0)),
        thread: Some(('S', 1)),
    };
    s.clients.connected = 64;
    s.clients.clients = 64;
    s.clients.offered = Some(2000.0);
    s.clients.rate = 2_001.0;
    s.clients.in_flight = 2;
    s.clients.outcomes[0] = 50_114;
    for slice in &mut s.clients.recent.slices {
        for n in 0..2000_u64 {
            slice.record(180_000 + (noise(n) * noise(n + 7) * 900_000.0) as u64).unwrap();
        }
    }
    s.clients.spectrogram.newest = now.0 / COLUMN.0;
    for c in 0..=s.clients.spectrogram.newest.min(COLUMNS as u64 - 1) {
        let n = s.clients.spectrogram.newest - c;
        let cells = &mut s.clients.spectrogram.cells[(n % COLUMNS as u64) as usize];
        cells[5] = 180 + (noise(n) * 60.0) as u32;
        cells[6] = 120 + (noise(n + 1) * 60.0) as u32;
        cells[4] = 20;
        cells[7] = 40;
        cells[8] = 6;
        cells[9] = u32::from(noise(n + 3) > 0.6) * 3;
        cells[11] = u32::from(noise(n + 4) > 0.9);
    }
    s.strip.newest = now.0 / SLICE.0;
    for n in s.strip.newest.saturating_sub(SLICES as u64 - 1)..=s.strip.newest {
        s.strip.slices[(n % SLICES as u64) as usize] = Slice {
            busy: 900 + (noise(n) * 1_200.0) as u16,
            polling: 8_000,
            workers: 0,
            longest: Some((Cause::Readable, Some(Handler::Root), ConnId(3), Nanos(n * SLICE.0))),
            answered: 17 + (noise(n + 5) * 7.0) as u16,
            waiting: 1 + (noise(n + 9) * 5.0) as u16,
            gap: n < 20,
        };
    }
    s
}

/// A world of calm specimens.
pub fn world(names: &[&str], now: Nanos) -> World {
    World {
        now,
        stall_threshold: Nanos::millis(50),
        specimens: names.iter().enumerate().map(|(n, name)| calm_specimen(n as u8, name, now)).collect(),
        events: 1_000_000,
        lost: 0,
        own: OwnCost::default(),
    }
}

/// Puts a stall of this length into a specimen; it ended so long ago, or goes on.
pub fn stall(s: &mut Specimen, now: Nanos, length: Nanos, ago: Option<Nanos>) {
    let end = now.since(ago.unwrap_or(Nanos::ZERO));
    let began = end.since(length);
    let stall = Stall {
        began,
        length,
        cause: Cause::Readable,
        conn: ConnId(12),
        handler: Some(Handler::Root),
        fault: Some(Fault::Compute),
        kind: StallKind::Computing,
        on_cpu: length,
        victims: 63,
        accept_queue: 9,
        end: if ago.is_some() { StallEnd::Returned } else { StallEnd::Ongoing },
    };
    s.stalls.count = 1;
    s.stalls.longest = length;
    for n in began.0 / SLICE.0..=end.0 / SLICE.0 {
        let slice = &mut s.strip.slices[(n % SLICES as u64) as usize];
        slice.busy = 10_000;
        slice.answered = 0;
        slice.waiting = ((n - began.0 / SLICE.0) * 3).min(63) as u16;
    }
    for n in began.0 / COLUMN.0..=end.0 / COLUMN.0 {
        s.clients.spectrogram.cells[(n % COLUMNS as u64) as usize] = [0; ROWS];
    }
    if ago.is_some() {
        s.stalls.past.push(stall);
        let cells = &mut s.clients.spectrogram.cells[((end.0 / COLUMN.0) % COLUMNS as u64) as usize];
        for row in 8..20 {
            cells[row] = 30 + row as u32 * 3;
        }
        s.clients.recent.slices[4].record(length.0 - 3_000_000).unwrap();
        for n in 0..400 {
            s.clients.recent.slices[4].record(length.0 / 400 * n + 200_000).unwrap();
        }
    } else {
        s.stalls.current = Some(stall);
        s.reactor.phase = Phase::Dispatch;
        s.reactor.shares = [0.16, 0.835, 0.002, 0.001, 0.002];
        s.reactor.lag = length;
        s.reactor.tick_rate = 330.0;
        s.reactor.running = Some(Running {
            cause: Cause::Readable,
            conn: ConnId(12),
            handler: Some(Handler::Root),
            fault: Some(Fault::Compute),
            since: began,
        });
        s.reactor.ready = (0..9).map(|n| Ready { conn: ConnId(13 + n), readiness: Readiness::READABLE, since: began }).collect();
        s.reactor.ready_count = 9;
        s.kernel.accept_queue = Some((9, 4096));
        s.kernel.unread = Some((5_210, 54));
        s.kernel.thread = Some(('R', 1));
        s.kernel.cpu = Some(0.91);
        s.clients.in_flight = 63;
        s.clients.backlog = 1_204;
    }
}

/// Kills a specimen.
pub fn kill(s: &mut Specimen, now: Nanos, ago: Nanos) {
    let at = now.since(ago);
    s.life = Life::Dead { signal: 0, code: 101, since: at };
    s.died = 1;
    s.deaths.push(Death {
        at,
        pid: 41_233,
        signal: 0,
        code: 101,
        connections: 64,
        by_watchdog: false,
        last_words: "thread 'main' panicked at src/specimen/faults/panic.rs:21:9:\nthe fault `panic` was injected\n".into(),
    });
    s.reactor.running = None;
    s.clients.outcomes[Outcome::Reset as usize] = 64;
    s.clients.outcomes[Outcome::Refused as usize] = 1_840;
    s.clients.connected = 0;
    s.connections.open = 0;
    s.kernel.thread = None;
    s.kernel.accept_queue = Some((64, 4096));
    for n in at.0 / SLICE.0..=now.0 / SLICE.0 {
        s.strip.slices[(n % SLICES as u64) as usize] = Slice { gap: true, ..Slice::default() };
    }
}

/// A scenario to look at.
pub fn scenario() -> Scenario {
    ron::from_str(
        r#"Scenario(
            id: "02-computing-callback",
            title: { "en": "The computing callback", "zh": "占用 CPU 的回调" },
            summary: { "en": "One callback computes, and everybody waits.", "zh": "一个回调在计算，所有人都在等。" },
            specimens: [(name: "naive"), (name: "pool"), (name: "sliced")],
            lesson: [
                Say({ "en": "This loop answers 2,000 requests a second on one thread. It spends most of its time asleep in `epoll_wait`: there is room.\n\nPress `n` to go on.",
                      "zh": "这个事件循环在单个线程里每秒回答 2000 个请求。大部分时间它睡在 `epoll_wait` 里：还有余量。\n\n按 `n` 继续。" }),
                Predict(ask: { "en": "One callback computes for 800 ms. The other 63 clients have sent requests. What do they see?", "zh": "一个回调计算 800 ms。另外 63 个客户端已经发出请求。它们看到什么？" },
                    choices: [{ "en": "Nothing: they have their own connections", "zh": "没有影响：它们有自己的连接" }, { "en": "All of them wait up to 800 ms longer", "zh": "全部最多多等 800 ms" }, { "en": "Errors: the server refuses them", "zh": "出错：服务器拒绝它们" }],
                    answer: 1, because: { "en": "There is one thread. While the callback runs nobody else's can.", "zh": "只有一个线程。回调运行时，别的回调都不能运行。" }),
                Try(say: { "en": "Inject the fault and watch the wheel stand still.", "zh": "注入故障，看循环停住。" }, do: Inject(Compute(busy: "800ms"))),
            ],
        )"#,
    )
    .unwrap()
}
