//! Two jobs that are to run every so often, from when somebody first asks for them on. They teach what drift is: one sets its next timer when it
//! has run, so that each delay is added to all before; the other reckons each moment from the first one, and leaves out what it has missed.

use crate::base::units::Nanos;
use crate::telemetry::What;

/// The two jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beats {
    began: Nanos,
    every: Nanos,
    /// The one that counts from its last run, and the one that counts from the first moment.
    pub jobs: [Beat; 2],
}

/// One of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// How often it has run.
    pub runs: u64,
    /// How long after the moment at which its last run was to be.
    pub behind: Nanos,
}

impl Beats {
    /// They begin now.
    pub fn start(now: Nanos, every: Nanos) -> Self {
        Self { began: now, every: Nanos(every.0.max(1_000_000)), jobs: [Beat::default(); 2] }
    }

    /// When each runs first.
    pub fn first(&self) -> Nanos {
        self.began + self.every
    }

    /// One of them runs: what there is to report, and when it runs next.
    pub fn run(&mut self, fixed: bool, now: Nanos) -> (What, Nanos) {
        let job = &mut self.jobs[usize::from(fixed)];
        job.runs += 1;
        // Which beat this is: the next one for whoever just counts, the last one that is due for whoever looks at the clock.
        let beat = if fixed { now.since(self.began).0 / self.every.0 } else { job.runs };
        job.behind = now.since(self.began + Nanos(self.every.0 * beat));
        let next = if fixed { self.began + Nanos(self.every.0 * (beat + 1)) } else { now + self.every };
        let behind = u32::try_from(job.behind.0 / 1_000).unwrap_or(u32::MAX);
        (What::Beat { fixed: u32::from(fixed), behind }, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_adds_its_delays_up_and_the_other_leaves_out() {
        let at = Nanos::millis;
        let mut beats = Beats::start(at(1_000), at(100));
        let mut due = [beats.first(); 2];
        // Each run is 2 ms late, and one is held up for 350 ms.
        for turn in 0..20 {
            for fixed in [false, true] {
                let late = if turn == 5 { at(350) } else { at(2) };
                due[usize::from(fixed)] = beats.run(fixed, due[usize::from(fixed)] + late).1;
            }
        }
        let [chained, fixed] = beats.jobs;
        assert_eq!((chained.runs, chained.behind), (20, at(19 * 2 + 350)));
        assert_eq!((fixed.runs, fixed.behind), (20, at(2)), "it has left out three");
    }
}
