//! Units that people read and write: nanoseconds as `812 ms`, and `"800ms"` back; counts as `2.0 k`; bytes as `1.2 KB`.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A moment (nanoseconds since the lab's beginning) or a length of time, in nanoseconds.
///
/// In RON and JSON it is text with a unit, `"800ms"`; see [`Nanos::parse`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The beginning, or no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const MAX: Self = Self(u64::MAX);

    /// So many microseconds.
    pub const fn micros(n: u64) -> Self {
        Self(n * 1_000)
    }

    /// So many milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// So many seconds.
    pub const fn secs(n: u64) -> Self {
        Self(n * 1_000_000_000)
    }

    /// In seconds, for arithmetic and drawing.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In milliseconds, for arithmetic and drawing.
    pub fn as_millis(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time from `earlier` to here, zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// For the standard library.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Reads a time as people write it: a number and one of `ns`, `us` (or `µs`), `ms`, `s`, `min`, as in `"1.5s"`.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time: write a number and a unit (ns, us, ms, s, min), such as \"800ms\" or \"1.5s\"");
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
        let (number, unit) = trimmed.split_at(split);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match unit.trim() {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "min" => 60e9,
            _ => return Err(wrong()),
        };
        let ns = number * factor;
        if ns > 86_400e9 {
            return Err(format!("{text:?} is longer than a day"));
        }
        Ok(Self(ns.round() as u64))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl From<Duration> for Nanos {
    fn from(d: Duration) -> Self {
        Self(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Three significant figures and the unit that suits: `85 ns`, `1.20 µs`, `0.95 ms` as `950 µs`, `812 ms`, `1.50 s`, `12 min`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0 as f64;
        let (value, unit) = match self.0 {
            0 => return f.pad("0 ms"),
            1..1_000 => (ns, "ns"),
            1_000..1_000_000 => (ns / 1e3, "µs"),
            1_000_000..1_000_000_000 => (ns / 1e6, "ms"),
            1_000_000_000..120_000_000_000 => (ns / 1e9, "s"),
            _ => (ns / 60e9, "min"),
        };
        f.pad(&format!("{} {unit}", significant(value)))
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let (n, unit) = match self.0 {
            n if n % 1_000_000_000 == 0 => (n / 1_000_000_000, "s"),
            n if n % 1_000_000 == 0 => (n / 1_000_000, "ms"),
            n if n % 1_000 == 0 => (n / 1_000, "us"),
            n => (n, "ns"),
        };
        s.collect_str(&format_args!("{n}{unit}"))
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Nanos;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"800ms\" or \"2s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Nanos, E> {
                Nanos::parse(text).map_err(E::custom)
            }
        }
        d.deserialize_str(Text)
    }
}

/// Three significant figures, without trailing noise: `1.50`, `12.3`, `812`.
fn significant(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// A count as people say it: `67`, `2.0 k`, `48.2 k`, `1.3 M`.
pub fn count(n: f64) -> String {
    match n {
        n if n < 999.5 => format!("{n:.0}"),
        n if n < 99_950.0 => format!("{:.1} k", n / 1e3),
        n if n < 999_500.0 => format!("{:.0} k", n / 1e3),
        n if n < 99_950_000.0 => format!("{:.1} M", n / 1e6),
        n => format!("{:.0} M", n / 1e6),
    }
}

/// Bytes in powers of 1024 with the customary letters: `512 B`, `1.2 KB`, `64 MB`.
pub fn bytes(n: u64) -> String {
    let n = n as f64;
    match n {
        n if n < 1024.0 => format!("{n:.0} B"),
        n if n < 1024.0 * 1024.0 => format!("{} KB", short(n / 1024.0)),
        n if n < 1024.0 * 1024.0 * 1024.0 => format!("{} MB", short(n / 1024.0 / 1024.0)),
        n => format!("{} GB", short(n / 1024.0 / 1024.0 / 1024.0)),
    }
}

fn short(value: f64) -> String {
    if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_write() {
        for (text, ns) in [
            ("800ms", 800_000_000),
            ("2s", 2_000_000_000),
            ("1.5 s", 1_500_000_000),
            ("50us", 50_000),
            ("7ns", 7),
            ("1min", 60_000_000_000),
        ] {
            assert_eq!(Nanos::parse(text), Ok(Nanos(ns)), "{text}");
        }
        for text in ["", "5", "ms", "-5ms", "5 hours", "1e9s", "99999min", "5.5.5s"] {
            assert!(Nanos::parse(text).is_err(), "{text}");
        }
        for (ns, text) in
            [(0, "0 ms"), (85, "85.0 ns"), (1_200, "1.20 µs"), (950_000, "950 µs"), (812_000_000, "812 ms"), (1_500_000_000, "1.50 s")]
        {
            assert_eq!(Nanos(ns).to_string(), text);
        }
    }

    #[test]
    fn every_time_survives_its_text() {
        for ns in [0, 1, 999, 1_000, 1_500_000, 800_000_000, 2_000_000_000, 61_000_000_001] {
            let text = ron::to_string(&Nanos(ns)).unwrap();
            assert_eq!(ron::from_str::<Nanos>(&text).unwrap(), Nanos(ns), "{text}");
        }
    }

    #[test]
    fn counts_and_bytes_are_short() {
        assert_eq!([count(0.0), count(67.0), count(2_000.0), count(48_213.0), count(1_300_000.0)], ["0", "67", "2.0 k", "48.2 k", "1.3 M"]);
        assert_eq!([bytes(0), bytes(1_234), bytes(64 << 20)], ["0 B", "1.2 KB", "64 MB"]);
    }
}
