//! The four ways to ask, as one table: a new one is one file and one row.
//!
//! What they have in common is small: they are given descriptors, asked without waiting, and afterwards it must be found out
//! who is ready. What the kernel has to look at meanwhile is what differs, and is written at the head of each file. Nothing
//! here knows how a call is timed.

mod epoll;
mod epoll_edge;
mod epoll_level;
mod poll;
mod select;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use serde::{Deserialize, Serialize};

/// One past the highest descriptor that an `fd_set` has a bit for.
pub use nix::sys::select::FD_SETSIZE;

/// A way to ask the kernel who is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// `epoll_wait`, level-triggered: whoever is ready, as long as it is.
    EpollLevel,
    /// `epoll_wait`, edge-triggered: whoever became ready since it was last reported.
    EpollEdge,
    /// `poll`: the whole list of descriptors with every call.
    Poll,
    /// `select`: bit sets of descriptors with every call.
    Select,
}

/// All of them, in the order in which they are shown.
pub static SELECTORS: [&Row; 4] = [&epoll_level::ROW, &epoll_edge::ROW, &poll::ROW, &select::ROW];

/// What is to be known of one selector.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub selector: Selector,
    /// Its name in files and on the command line, as serde writes it.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The system call.
    pub call: &'static str,
    /// Sets it up over these descriptors, to be asked for readability. Answers name a descriptor by its place in this list.
    pub watch: for<'fd> fn(&[BorrowedFd<'fd>]) -> Setup<'fd>,
    /// What one call copies, from the interface's definition.
    pub copied: fn(&Call) -> Copied,
}

/// A selector that has been set up over descriptors, or why it cannot be.
pub type Setup<'fd> = Result<Box<dyn Watch + 'fd>, Refusal>;

/// A selector that has been set up over descriptors.
pub trait Watch {
    /// Asks once, without waiting, and says how many are ready. What the interface demands before each call belongs to it.
    fn call(&mut self) -> io::Result<usize>;

    /// Finds out who was ready in the last call: their places are added to `found`.
    fn find(&self, found: &mut Vec<usize>);
}

/// One call, as far as its copies depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Descriptors asked about.
    pub descriptors: usize,
    /// The highest number among them.
    pub highest: usize,
    /// How many were reported.
    pub returned: usize,
}

/// Bytes that one call copies between the process and the kernel, the timeout (16 bytes, the same for all) left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Into the kernel.
    pub into: u64,
    /// Out of the kernel.
    pub out: u64,
}

/// Why a selector cannot be had over certain descriptors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// An `fd_set` has no bit for this descriptor. In C, setting it would silently write behind the set.
    BeyondSet {
        /// The first descriptor that does not fit.
        descriptor: u32,
    },
    /// The kernel refuses.
    Kernel {
        /// What it says.
        says: String,
    },
}

impl Selector {
    /// Its row in the table.
    pub fn row(self) -> &'static Row {
        match self {
            Self::EpollLevel => &epoll_level::ROW,
            Self::EpollEdge => &epoll_edge::ROW,
            Self::Poll => &poll::ROW,
            Self::Select => &select::ROW,
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.row().title
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeyondSet { descriptor } => {
                write!(f, "descriptor {descriptor} does not fit: an fd_set ends at {} (FD_SETSIZE {FD_SETSIZE})", FD_SETSIZE - 1)
            }
            Self::Kernel { says } => write!(f, "the kernel refuses: {says}"),
        }
    }
}

impl From<rustix::io::Errno> for Refusal {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Kernel { says: io::Error::from(errno).to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::fd::AsFd;

    use proptest::prelude::*;

    use super::*;
    use crate::selectors::descriptors::{Descriptors, tests::alone};

    #[test]
    fn every_selector_has_one_row_that_names_it() {
        let ids: BTreeSet<_> = SELECTORS.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), SELECTORS.len());
        for row in SELECTORS {
            assert!(std::ptr::eq(row.selector.row(), row), "{} is found by its own name", row.id);
            assert_eq!(serde_json::to_string(&row.selector).unwrap(), format!("\"{}\"", row.id));
            assert!(!row.title.is_empty() && !row.call.is_empty());
        }
    }

    #[test]
    fn copies_are_what_the_interfaces_say() {
        let call = Call { descriptors: 1000, highest: 1003, returned: 3 };
        let copied = |selector: Selector| (selector.row().copied)(&call);
        assert_eq!(copied(Selector::EpollLevel), copied(Selector::EpollEdge));
        if cfg!(target_arch = "x86_64") {
            assert_eq!(copied(Selector::EpollLevel), Copied { into: 0, out: 36 });
        }
        assert_eq!(copied(Selector::Poll), Copied { into: 8000, out: 2000 });
        // 1004 bits are 16 words of 64.
        assert_eq!(copied(Selector::Select), Copied { into: 128, out: 128 });
    }

    #[test]
    fn select_ends_at_descriptor_1023_and_says_so() {
        let _alone = alone();
        let pool = Descriptors::open(1).unwrap();
        let high = rustix::io::fcntl_dupfd_cloexec(pool.borrow(1)[0], FD_SETSIZE as i32).unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&high) as u32;
        for row in SELECTORS {
            let refused = (row.watch)(&[high.as_fd()]).err();
            let expected = (row.selector == Selector::Select).then_some(Refusal::BeyondSet { descriptor });
            assert_eq!(refused, expected, "{}", row.id);
        }
        assert!(Refusal::BeyondSet { descriptor }.to_string().contains("FD_SETSIZE 1024"));
    }

    #[test]
    fn nothing_to_watch_is_no_error_and_reports_nothing() {
        for row in SELECTORS {
            let mut watch = (row.watch)(&[]).unwrap();
            let mut found = Vec::new();
            assert_eq!(watch.call().unwrap(), 0, "{}", row.id);
            watch.find(&mut found);
            assert!(found.is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whoever is active, each selector reports these and no others, in however many calls, also after the set has changed.
        #[test]
        fn each_reports_exactly_the_active(
            count in 1_usize..150,
            first in prop::collection::btree_set(0_usize..150, 0..150),
            second in prop::collection::btree_set(0_usize..150, 0..40),
        ) {
            let _alone = alone();
            let pool = Descriptors::open(count).unwrap();
            let fds = pool.borrow(count);
            let mut watches: Vec<_> = SELECTORS.iter().map(|row| (row, (row.watch)(&fds))).collect();
            let mut found = Vec::new();
            for set in [first, second] {
                let active: Vec<usize> = set.into_iter().filter(|place| *place < count).collect();
                pool.signal(&active).unwrap();
                for (row, watch) in &mut watches {
                    let watch = match watch {
                        Ok(watch) => watch,
                        // Tests of other parts may hold a thousand descriptors at this moment: then, and only then, select is out.
                        Err(Refusal::BeyondSet { descriptor }) if row.selector == Selector::Select && *descriptor >= 1024 => continue,
                        Err(refusal) => panic!("{}: {refusal}", row.id),
                    };
                    for call in 0..3 {
                        let again = call == 0 || row.selector != Selector::EpollEdge;
                        let expected: &[usize] = if again { &active } else { &[] };
                        prop_assert_eq!(watch.call().unwrap(), expected.len(), "{} in call {}", row.id, call);
                        found.clear();
                        watch.find(&mut found);
                        found.sort_unstable();
                        prop_assert_eq!(&found[..], expected, "{} in call {}", row.id, call);
                    }
                }
                pool.drain(&active).unwrap();
            }
        }
    }
}
