//! Where a measurement stands: how many descriptors, and how many of them are active.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many of the descriptors have something to read. Written `1`, `100` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Active {
    /// So many, beside the idle ones.
    Count(usize),
    /// Every one; there are no idle ones.
    All,
}

/// The most descriptors that can be asked for; more would need minutes to set up and no limit is that high by default.
pub const MOST: usize = 200_000;

/// One place on the axes: what is measured there is measured by every selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// Idle descriptors, or, where all are active, descriptors.
    pub size: usize,
    /// How many are active.
    pub active: Active,
}

impl Point {
    /// Descriptors with nothing to read.
    pub fn idle(self) -> usize {
        match self.active {
            Active::Count(_) => self.size,
            Active::All => 0,
        }
    }

    /// Descriptors with something to read.
    pub fn ready(self) -> usize {
        match self.active {
            Active::Count(count) => count,
            Active::All => self.size,
        }
    }

    /// Descriptors in all.
    pub fn total(self) -> usize {
        self.idle().saturating_add(self.ready())
    }

    /// The places of the active ones: spread evenly, as clients of a server are.
    pub fn active_places(self) -> Vec<usize> {
        let (ready, total) = (self.ready() as u128, self.total() as u128);
        (0..ready).map(|n| ((2 * n + 1) * total / (2 * ready)) as usize).collect()
    }

    /// The same with so few descriptors that they fit into `room`; none where not even the active ones do.
    #[must_use]
    pub fn within(self, room: usize) -> Option<Self> {
        let over = self.total().saturating_sub(room);
        (over < self.size || over == 0).then(|| Self { size: self.size - over, ..self })
    }
}

impl fmt::Display for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => f.pad(&count.to_string()),
            Self::All => f.pad("all"),
        }
    }
}

impl FromStr for Active {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self::All),
            number => match number.parse() {
                Ok(count) if (1..=MOST).contains(&count) => Ok(Self::Count(count)),
                _ => Err(format!("{text:?} is not a number of active descriptors: write 1 to {MOST}, or \"all\"")),
            },
        }
    }
}

impl From<Active> for String {
    fn from(active: Active) -> Self {
        active.to_string()
    }
}

impl TryFrom<String> for Active {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_reads_and_writes() {
        for (text, active) in [("1", Active::Count(1)), (" 100", Active::Count(100)), ("all", Active::All)] {
            assert_eq!(text.parse(), Ok(active));
            assert_eq!(active.to_string(), text.trim());
            assert_eq!(serde_json::from_str::<Active>(&serde_json::to_string(&active).unwrap()).unwrap(), active);
        }
        for text in ["", "0", "-1", "some", "1e9", "99999999999999999999999"] {
            assert!(text.parse::<Active>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_active_ones_are_spread_and_each_is_there_once() {
        assert_eq!(Point { size: 9, active: Active::Count(1) }.active_places(), [5]);
        assert_eq!(Point { size: 4, active: Active::All }.active_places(), [0, 1, 2, 3]);
        for (size, count) in [(0, 3), (10, 100), (1000, 7)] {
            let point = Point { size, active: Active::Count(count) };
            let places = point.active_places();
            assert_eq!(places.len(), count);
            assert!(places.is_sorted_by(|a, b| a < b) && places.iter().all(|place| *place < point.total()), "{places:?}");
        }
        assert!(Point { size: 0, active: Active::All }.active_places().is_empty());
    }

    #[test]
    fn a_point_shrinks_to_what_there_is_room_for() {
        let one = Point { size: 50_000, active: Active::Count(1) };
        assert_eq!(one.within(60_000), Some(one));
        assert_eq!(one.within(20_000), Some(Point { size: 19_999, ..one }));
        assert_eq!(one.within(1), None, "one active and nothing idle is not what was asked");
        assert_eq!(Point { size: 100, active: Active::All }.within(64).map(Point::total), Some(64));
        assert_eq!(Point { size: 10, active: Active::Count(100) }.within(50), None);
        let empty = Point { size: 0, active: Active::Count(5) };
        assert_eq!((empty.within(5), empty.within(4)), (Some(empty), None));
    }
}
