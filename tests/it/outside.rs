//! The models as anybody would look at them who does not trust the screen: by `/proc`, by clients of their own, and with `kill -9`.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use loopscope::base::ids::SpecimenId;
use loopscope::base::units::Nanos;
use loopscope::command::Command;
use loopscope::lab::Lab;
use loopscope::load::plan::{Load, Row};
use loopscope::scenario::Scenario;
use loopscope::scenario::load::from_text;

use super::harness::labs::{pids, pump_for, ready, until};

const MODELS: [&str; 4] = ["EventLoop", "ThreadPerConnection", "ThreadPool(threads: 6)", "Workers(processes: 2)"];

fn lab(model: &str, load: Load) -> Lab {
    let text = format!("(id: \"test\", title: {{ \"en\": \"test\" }}, specimens: [(name: \"one\", model: {model})])");
    ready(&Scenario { load, ..from_text(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}")) })
}

/// What `/proc` says of some processes together.
#[derive(Clone, Copy, Debug, Default)]
struct Outside {
    threads: f64,
    resident: f64,
    descriptors: f64,
    voluntary: f64,
    involuntary: f64,
    /// In seconds, to a hundredth.
    cpu: f64,
}

impl Outside {
    fn of(pids: &[u32]) -> Self {
        let mut all = Self::default();
        for pid in pids {
            let read = |path: &str| fs::read_to_string(format!("/proc/{pid}/{path}")).unwrap();
            all.resident += number(&read("status"), "VmRSS:");
            all.descriptors += fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as f64;
            let stat = read("stat");
            let field = |n: usize| stat.rsplit_once(") ").unwrap().1.split(' ').nth(n - 3).unwrap().parse::<f64>().unwrap();
            all.cpu += (field(14) + field(15)) / rustix::param::clock_ticks_per_second() as f64;
            for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
                let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
                all.threads += 1.0;
                all.voluntary += number(&status, "voluntary_ctxt_switches:");
                all.involuntary += number(&status, "nonvoluntary_ctxt_switches:");
            }
        }
        all
    }
}

fn number(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Whether two figures that were taken at moments which lie a little apart say the same.
fn agree(what: &str, inside: Option<f64>, outside: f64, share: f64, slack: f64) {
    let inside = inside.unwrap_or_else(|| panic!("{what} is not known"));
    assert!((inside - outside).abs() <= share * outside + slack, "{what}: {inside} here, {outside} by /proc");
}

#[test]
fn what_is_shown_of_each_model_is_what_proc_says() {
    // Work enough that all of it can be told from what comes by itself.
    let mix = vec![Row { path: "/compute?ms=1".into(), weight: 1, body: 0 }];
    let load = Load { connections: 20, rate: Some(250.0), mix, ..Load::default() };
    for model in MODELS {
        let mut lab = lab(model, load.clone());
        pump_for(&mut lab, Nanos::millis(700));
        let processes = pids(&lab.world().specimens[0]);
        assert_eq!(processes.len(), if model.starts_with("Workers") { 3 } else { 1 }, "{model}");
        lab.carry_out(None, &Command::Mark("from here".into())).unwrap();
        let (before, from) = (Outside::of(&processes), lab.now());
        pump_for(&mut lab, Nanos::millis(3500));
        let (after, seconds) = (Outside::of(&processes), lab.now().since(from).as_secs());
        let seen = &lab.world().specimens[0];
        let says = |what: &str| format!("{what} of {model}");
        agree(&says("threads"), seen.thread_count().map(f64::from), after.threads, 0.0, 0.0);
        agree(&says("resident memory"), seen.resident().map(|kib| kib as f64), after.resident, 0.02, 256.0);
        let open = seen.all_processes().filter_map(|process| process.kernel.descriptors).map(|(open, _)| f64::from(open));
        agree(&says("descriptors"), open.reduce(|sum, open| sum + open), after.descriptors, 0.0, 4.0);
        // Rates of the same stretch, but for half a second at either end.
        agree(&says("cores"), seen.cores_used(), (after.cpu - before.cpu) / seconds, 0.25, 0.03);
        let (voluntary, involuntary) = seen.switch_rates().unwrap();
        agree(&says("voluntary switches"), Some(voluntary), (after.voluntary - before.voluntary) / seconds, 0.3, 60.0);
        // Whom the kernel lets wait depends on who else is there just then.
        agree(&says("involuntary switches"), Some(involuntary), (after.involuntary - before.involuntary) / seconds, 0.5, 150.0);
    }
}

/// A client of its own: asks who serves it, again and again, and dials anew when it is cut off.
struct Asker {
    address: SocketAddr,
    /// How many workers had been killed when this connection was dialled, the connection, and who answers on it once that is known.
    line: Option<(u32, TcpStream, Option<u32>)>,
    answered: u64,
    /// Requests that were not answered: who should have, where that was known, and how many workers had been killed before and after.
    lost: Vec<(Option<u32>, u32, u32)>,
}

impl Asker {
    fn ask(&mut self, killed: &AtomicU32) {
        let (before, stream, _) = self.line.get_or_insert_with(|| {
            let before = killed.load(SeqCst);
            let stream = TcpStream::connect(self.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            (before, stream, None)
        });
        let before = *before;
        let answer = question(stream);
        let (.., server) = self.line.as_mut().unwrap();
        if let Ok(pid) = answer {
            self.answered += 1;
            assert!(server.is_none_or(|before| before == pid), "a connection stays where it is");
            *server = Some(pid);
        } else {
            // The one that kills counts before it does.
            self.lost.push((*server, before, killed.load(SeqCst)));
            self.line = None;
        }
    }
}

/// Asks `/stats`, and gives back the process that has answered.
fn question(stream: &mut TcpStream) -> std::io::Result<u32> {
    stream.write_all(b"GET /stats HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
        if bytes.ends_with(b"}\n") {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
            let body: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
            return Ok(body["pid"].as_u64().unwrap() as u32);
        }
    }
}

#[test]
fn whoever_a_living_worker_has_accepted_is_answered_while_others_are_killed() {
    for share in ["Listener", "ReusePort"] {
        let quiet = Load { connections: 4, rate: Some(50.0), ..Load::default() };
        let mut lab = lab(&format!("Workers(processes: 3, share: {share})"), quiet);
        let address = lab.address(SpecimenId(0)).unwrap();
        let (over, killed) = (AtomicBool::new(false), AtomicU32::new(0));
        let asker = || Asker { address, line: None, answered: 0, lost: Vec::new() };
        let mut dead = HashSet::new();
        let askers: Vec<Asker> = thread::scope(|scope| {
            let ask = || {
                let mut asker = asker();
                while !over.load(SeqCst) {
                    asker.ask(&killed);
                    thread::sleep(Duration::from_micros(500));
                }
                asker
            };
            let running: Vec<_> = (0..24).map(|_| scope.spawn(ask)).collect();
            let workers = |lab: &Lab| pids(&lab.world().specimens[0]).into_iter().skip(1).collect::<Vec<_>>();
            pump_for(&mut lab, Nanos::millis(400));
            for round in 0..4 {
                let victim = workers(&lab)[round % 3];
                dead.insert(victim);
                killed.fetch_add(1, SeqCst);
                let pid = rustix::process::Pid::from_raw(victim as i32).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                until(&mut lab, "it is replaced", |lab| workers(lab).len() == 3 && !workers(lab).contains(&victim));
                pump_for(&mut lab, Nanos::millis(300));
            }
            over.store(true, SeqCst);
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(lab.world().specimens[0].all_deaths(), 4, "{share}");
        for asker in &askers {
            assert!(asker.answered > 50, "{share}: {} answers", asker.answered);
            for (server, before, after) in &asker.lost {
                // One that was cut off before its first answer never learnt by whom: then somebody was killed meanwhile.
                assert!(
                    server.map_or(before < after, |pid| dead.contains(&pid)),
                    "{share}: {:?} by the living; dead: {dead:?}",
                    asker.lost
                );
            }
        }
        assert!(askers.iter().any(|asker| !asker.lost.is_empty()), "{share}: those of the dead were cut off");
    }
}
