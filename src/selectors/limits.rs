//! Which limit of the machine ends the experiment, by the name under which one can raise it.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// Something that runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Descriptors of one process.
    Descriptors,
    /// Open files of the whole machine.
    Files,
    /// Entries in interest lists that one user may have.
    Watches,
    /// Memory of the kernel.
    Memory,
}

impl Limit {
    /// What it is called where it is set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "RLIMIT_NOFILE",
            Self::Files => "fs.file-max",
            Self::Watches => "fs.epoll.max_user_watches",
            Self::Memory => "ENOMEM",
        }
    }

    /// The limit that an error speaks of, where it speaks of one.
    pub fn of(error: &io::Error) -> Option<Self> {
        match rustix::io::Errno::from_io_error(error)? {
            rustix::io::Errno::MFILE => Some(Self::Descriptors),
            rustix::io::Errno::NFILE => Some(Self::Files),
            rustix::io::Errno::NOSPC => Some(Self::Watches),
            rustix::io::Errno::NOMEM => Some(Self::Memory),
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why something could not be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A limit was met.
    Limit(Limit),
    /// The system says no for another reason.
    System(String),
    /// Nobody measures any more.
    Ended,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Limit::of(&error).map_or_else(|| Self::System(error.to_string()), Self::Limit)
    }
}

/// What the machine as a whole leaves, beside this process's own limit: how many descriptors, and what ends them. Nothing where /proc does
/// not say.
pub fn of_the_machine() -> Option<(u64, Limit)> {
    let numbers = |file: &str| -> Vec<u64> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    let files = match numbers("/proc/sys/fs/file-nr")[..] {
        [open, unused, most] => Some((most.saturating_sub(open.saturating_sub(unused)), Limit::Files)),
        _ => None,
    };
    // Each descriptor is in two interest lists: of the level-triggered and of the edge-triggered instance.
    let watches = numbers("/proc/sys/fs/epoll/max_user_watches").first().map(|most| (most / 2, Limit::Watches));
    files.into_iter().chain(watches).min_by_key(|(room, _)| *room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_speaks_of_a_limit_names_it() {
        for (errno, limit) in [
            (rustix::io::Errno::MFILE, Limit::Descriptors),
            (rustix::io::Errno::NFILE, Limit::Files),
            (rustix::io::Errno::NOSPC, Limit::Watches),
            (rustix::io::Errno::NOMEM, Limit::Memory),
        ] {
            assert_eq!(Trouble::from(io::Error::from(errno)), Trouble::Limit(limit));
        }
        assert!(matches!(Trouble::from(io::Error::from(rustix::io::Errno::BADF)), Trouble::System(_)));
    }

    #[test]
    fn the_machine_says_what_it_leaves() {
        let (room, _) = of_the_machine().unwrap();
        assert!(room > 100, "{room}");
    }
}
