//! What this machine allows: how many connections its servers can hold, and which limit says so.
//!
//! A load has all connections of a server in one process, and so has a server that is one process: what a process may have of
//! descriptors is the first limit for every model. Where each connection has a thread, the kernel's limits of threads come on top. Ports are
//! none: a load takes those beside `ip_local_port_range` too, and a server has 64,512 that way.
//!
//! Only asked, never changed: the limits are the administrator's.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use crate::base::lang::Lang;
use crate::specimen::config::ModelSetting;
use crate::telemetry::vocabulary::Model;

/// Descriptors, threads and mappings that a process has beside those of its connections.
const BESIDE: u64 = 64;
/// Mappings of a thread: its stack, the one on which the runtime would tell of an overflow, and a guard page before each.
const MAPPINGS: u64 = 4;

/// One limit, and how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it is called where it is set.
    pub name: &'static str,
    /// What it is set to.
    pub value: u64,
    /// How much of it can still be had.
    pub room: u64,
}

/// The limits that connections meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Open descriptors of a process.
    descriptors: Limit,
    /// Open files of the whole machine: each connection is one on either side.
    files: Limit,
    /// Mappings of a process.
    mappings: Limit,
    /// Threads, whoever counts them.
    threads: Vec<Limit>,
}

/// The servers of a lab, as far as limits go: how many there are, how many of them give each connection a thread, and how many connections those
/// and all have by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    all: u64,
    threaded: u64,
    held: u64,
    held_by_threads: u64,
}

/// More connections were asked for than there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// So many were asked for.
    pub wanted: u32,
    /// So many there can be.
    pub most: u64,
    /// What says so.
    pub limit: Limit,
}

impl Servers {
    /// Another one, which has so many connections by now.
    #[must_use]
    pub fn and(self, model: ModelSetting, held: u32) -> Self {
        let threaded = model.kind() == Model::ThreadPerConnection;
        let by_threads = if threaded { u64::from(held) } else { 0 };
        Self {
            all: self.all + 1,
            threaded: self.threaded + u64::from(threaded),
            held: self.held + u64::from(held),
            held_by_threads: self.held_by_threads + by_threads,
        }
    }
}

impl Machine {
    /// What it says now.
    pub fn here() -> Self {
        let hard = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let mine = rustix::process::getuid();
        Self::of(&|path| fs::read_to_string(path).ok(), hard(Resource::Nofile), (!mine.is_root()).then(|| hard(Resource::Nproc)))
    }

    /// By these files and limits. Whoever may do everything has no limit of processes of their own.
    fn of(read: &dyn Fn(&Path) -> Option<String>, descriptors: u64, processes: Option<u64>) -> Self {
        let number = |path: &str| read(Path::new(path)).and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        // `0.20 0.18 0.12 1/80 11206`: 80 threads, the kernel's own included.
        let threads = read(Path::new("/proc/loadavg")).and_then(|text| text.split('/').nth(1)?.split_whitespace().next()?.parse().ok());
        let threads: u64 = threads.unwrap_or(0);
        let of_threads = |name, value: u64| Limit { name, value, room: value.saturating_sub(threads) };
        let mut all = Vec::new();
        all.extend(number("/proc/sys/kernel/threads-max").map(|value| of_threads("kernel.threads-max", value)));
        all.extend(number("/proc/sys/kernel/pid_max").map(|value| of_threads("kernel.pid_max", value)));
        // The threads of this user are some of these; to count them would mean to look at every process.
        all.extend(processes.map(|value| of_threads("RLIMIT_NPROC", value)));
        all.extend(groups(read));
        let files = number("/proc/sys/fs/file-max").unwrap_or(u64::MAX);
        let mappings = number("/proc/sys/vm/max_map_count").unwrap_or(u64::MAX);
        let left = |name, value: u64, used: u64| Limit { name, value, room: value.saturating_sub(used) };
        Self {
            descriptors: left("RLIMIT_NOFILE", descriptors, BESIDE),
            files: left("fs.file-max", files, number("/proc/sys/fs/file-nr").unwrap_or(0)),
            mappings: left("vm.max_map_count", mappings, BESIDE * MAPPINGS),
            threads: all,
        }
    }

    /// A machine that has enough of everything but threads, for tests.
    #[cfg(test)]
    pub fn with_threads(room: u64) -> Self {
        let limit = |name, room| Limit { name, value: room, room };
        let plenty = |name| limit(name, 1 << 40);
        let threads = vec![limit("kernel.threads-max", room)];
        Self { descriptors: plenty("RLIMIT_NOFILE"), files: plenty("fs.file-max"), mappings: plenty("vm.max_map_count"), threads }
    }

    /// The most connections that each of these servers can hold at once, and the limit that says so.
    pub fn most(&self, servers: Servers) -> (u64, Limit) {
        let each = |limit: Limit, held: u64, cost: u64| (limit.room.saturating_add(held.saturating_mul(cost)) / cost.max(1), limit);
        let mut all = vec![(self.descriptors.room, self.descriptors)];
        if let Some(share) = (servers.all > 0).then_some(servers.all) {
            let (most, limit) = each(self.files, servers.held, 2);
            all.push((most / share, limit));
        }
        if let Some(share) = (servers.threaded > 0).then_some(servers.threaded) {
            all.push((self.mappings.room / MAPPINGS, self.mappings));
            for limit in &self.threads {
                let (most, limit) = each(*limit, servers.held_by_threads, 1);
                all.push((most / share, limit));
            }
        }
        all.into_iter().min_by_key(|(most, _)| *most).unwrap_or((u64::MAX, self.descriptors))
    }

    /// Whether so many connections are more than each of these servers can hold.
    ///
    /// # Errors
    /// They are.
    pub fn allows(&self, servers: Servers, wanted: u32) -> Result<(), TooMany> {
        let (most, limit) = self.most(servers);
        if u64::from(wanted) <= most { Ok(()) } else { Err(TooMany { wanted, most, limit }) }
    }
}

/// The limits of threads of the control groups that this process is in, and of those around them: of each hierarchy that knows such, the narrowest.
fn groups(read: &dyn Fn(&Path) -> Option<String>) -> Vec<Limit> {
    let list = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let narrowest = |line: &str| {
        // `8:pids:/path` in the old hierarchies, `0::/path` in the new one.
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let root = match controllers {
            "" => "/sys/fs/cgroup",
            _ if controllers.split(',').any(|name| name == "pids") => "/sys/fs/cgroup/pids",
            _ => return None,
        };
        let group = Path::new(root).join(path.trim_start_matches('/'));
        let around = group.ancestors().take_while(|folder| folder.starts_with(root));
        let limit = |folder: &Path| {
            let number = |file: &str| read(&folder.join(file))?.trim().parse::<u64>().ok();
            let value = number("pids.max")?;
            Some(Limit { name: "pids.max", value, room: value.saturating_sub(number("pids.current").unwrap_or(0)) })
        };
        around.filter_map(limit).min_by_key(|limit| limit.room)
    };
    list.lines().filter_map(narrowest).collect()
}

impl Limit {
    /// What it is, in a few words.
    fn about(&self, lang: Lang) -> &'static str {
        let of = |en, zh| match lang {
            Lang::En => en,
            Lang::Zh => zh,
        };
        match self.name {
            "RLIMIT_NOFILE" => {
                of("the hard limit of open descriptors of a process (ulimit -Hn)", "每个进程打开描述符的硬限制（ulimit -Hn）")
            }
            "RLIMIT_NPROC" => of("the hard limit of a user's threads (ulimit -Hu)", "每个用户线程数的硬限制（ulimit -Hu）"),
            "fs.file-max" => of("the open files of the whole machine (sysctl)", "整台机器的打开文件数（sysctl）"),
            "vm.max_map_count" => {
                of("the mappings of a process, four for each thread (sysctl)", "每个进程的内存映射数，每个线程占四个（sysctl）")
            }
            "pids.max" => of("the threads of its control group (cgroup)", "所在控制组的线程数（cgroup）"),
            _ => of("the threads of the whole machine (sysctl)", "整台机器的线程数（sysctl）"),
        }
    }
}

impl TooMany {
    /// It in a sentence, which names the limit as it is called where it is set.
    pub fn words(&self, lang: Lang) -> String {
        let Self { wanted, most, limit } = self;
        let (name, value, about) = (limit.name, limit.value, limit.about(lang));
        match lang {
            Lang::En => format!("{wanted} connections are too many here: {name} is {value}, {about}; it leaves room for {most}"),
            Lang::Zh => format!("{wanted} 个连接在这里太多了：{name} 为 {value}，即{about}；最多只能有 {most} 个"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOP: ModelSetting = ModelSetting::EventLoop;
    const EACH: ModelSetting = ModelSetting::ThreadPerConnection;

    fn machine(files: &[(&str, &str)], descriptors: u64, processes: Option<u64>) -> Machine {
        let of = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        Machine::of(&of, descriptors, processes)
    }

    const ROOMY: &[(&str, &str)] = &[
        ("/proc/loadavg", "0.20 0.18 0.12 1/80 11206\n"),
        ("/proc/sys/kernel/threads-max", "192731\n"),
        ("/proc/sys/kernel/pid_max", "4194304\n"),
        ("/proc/sys/vm/max_map_count", "1048576\n"),
        ("/proc/sys/fs/file-max", "2466183\n"),
        ("/proc/sys/fs/file-nr", "1579\t0\t2466183\n"),
        ("/proc/self/cgroup", "8:pids:/\n1:cpu:/\n0::/user.slice/one\n"),
    ];

    /// The same with this file.
    fn but(file: &'static str, text: &'static str) -> Vec<(&'static str, &'static str)> {
        ROOMY.iter().copied().filter(|(name, _)| *name != file).chain([(file, text)]).collect()
    }

    fn said(machine: &Machine, servers: Servers, wanted: u32) -> Option<(&'static str, u64)> {
        machine.allows(servers, wanted).err().map(|no| (no.limit.name, no.most))
    }

    #[test]
    fn the_narrowest_limit_is_named_whichever_it_is() {
        let [of_loop, of_each] = [LOOP, EACH].map(|model| Servers::default().and(model, 0));
        let roomy = machine(ROOMY, 1 << 20, Some(300_000));
        assert_eq!((said(&roomy, of_loop, 50_000), said(&roomy, of_each, 50_000)), (None, None));
        let few = machine(ROOMY, 20_000, None);
        assert_eq!(said(&few, of_loop, 50_000), Some(("RLIMIT_NOFILE", 20_000 - BESIDE)));
        assert_eq!(said(&few, of_loop, 19_000), None);
        // What threads meet, a loop does not.
        for (file, text, name, most) in [
            ("/proc/sys/kernel/threads-max", "30000", "kernel.threads-max", 29_920),
            ("/proc/sys/kernel/pid_max", "32768", "kernel.pid_max", 32_688),
            ("/proc/sys/vm/max_map_count", "65530", "vm.max_map_count", (65_530 - BESIDE * MAPPINGS) / MAPPINGS),
            ("/sys/fs/cgroup/user.slice/pids.max", "5000", "pids.max", 5_000),
            ("/sys/fs/cgroup/pids/pids.max", "max", "", 0),
        ] {
            let machine = machine(&but(file, text), 1 << 20, None);
            assert_eq!(said(&machine, of_each, 50_000), (most > 0).then_some((name, most)), "{file}");
            assert_eq!(said(&machine, of_loop, 50_000), None, "{file}");
        }
        let user = machine(ROOMY, 1 << 20, Some(1_080));
        assert_eq!(said(&user, of_each, 50_000), Some(("RLIMIT_NPROC", 1_000)));
        let files = machine(&but("/proc/sys/fs/file-max", "81579"), 1 << 20, None);
        assert_eq!(said(&files, of_loop, 50_000), Some(("fs.file-max", 40_000)));
    }

    #[test]
    fn what_the_servers_have_already_is_theirs() {
        let machine = machine(&but("/proc/sys/kernel/pid_max", "10080"), 1 << 20, None);
        let one = Servers::default().and(LOOP, 4_000).and(EACH, 4_000);
        assert_eq!(machine.most(one).0, 14_000, "of ten thousand that are free, and its own");
        assert_eq!(machine.most(one.and(EACH, 0)).0, 7_000, "two must share");
    }

    #[test]
    fn a_refusal_names_what_is_set_where_and_to_what() {
        let no = machine(ROOMY, 1_024, None).allows(Servers::default().and(LOOP, 0), 50_000).unwrap_err();
        for lang in Lang::ALL {
            let words = no.words(*lang);
            assert!(["50000", "RLIMIT_NOFILE", "1024", "ulimit -Hn", "960"].iter().all(|part| words.contains(part)), "{words}");
        }
        let here = Machine::here();
        let (most, limit) = here.most(Servers::default().and(EACH, 0));
        assert!(most > 0 && limit.value >= most, "{here:?}");
        assert!(!here.threads.is_empty() && here.threads.iter().all(|limit| limit.room < limit.value), "{here:?}");
    }
}
