//! The cues of a scenario in the order of their times.

use crate::base::ids::SpecimenId;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::scenario::Scenario;

/// How long a script without a `Stop` goes on after its last cue.
pub const AFTERMATH: Nanos = Nanos::secs(2);

/// What is to be done when, counted from the moment at which the lab is up.
#[derive(Clone, Debug)]
pub struct Script {
    cues: Vec<(Nanos, Option<SpecimenId>, Command)>,
    next: usize,
    end: Nanos,
}

impl Script {
    /// The script of a scenario that has been validated: cues for specimens that do not exist are left out.
    pub fn new(scenario: &Scenario) -> Self {
        let place = |name: &String| scenario.specimens.iter().position(|s| &s.name == name).map(|n| SpecimenId(n as u8));
        let mut cues: Vec<_> = scenario
            .script
            .iter()
            .filter_map(|cue| match &cue.specimen {
                None => Some((cue.at, None, cue.command.clone())),
                Some(name) => place(name).map(|id| (cue.at, Some(id), cue.command.clone())),
            })
            .collect();
        cues.sort_by_key(|cue| cue.0);
        let stop = cues.iter().find(|cue| cue.2 == Command::Stop).map(|cue| cue.0);
        let end = stop.unwrap_or_else(|| cues.last().map_or(AFTERMATH, |cue| cue.0 + AFTERMATH));
        cues.retain(|cue| cue.2 != Command::Stop && cue.0 <= end);
        Self { cues, next: 0, end }
    }

    /// What has fallen due by `elapsed`, in order; each cue once.
    pub fn due(&mut self, elapsed: Nanos) -> impl Iterator<Item = &(Nanos, Option<SpecimenId>, Command)> {
        let from = self.next;
        self.next += self.cues[from..].iter().take_while(|cue| cue.0 <= elapsed).count();
        self.cues[from..self.next].iter()
    }

    /// When it ends.
    pub fn end(&self) -> Nanos {
        self.end
    }

    /// Whether it is over by `elapsed`.
    pub fn finished(&self, elapsed: Nanos) -> bool {
        elapsed >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        let ron = format!("(id: \"t\", title: {{}}, specimens: [(name: \"a\"), (name: \"b\")], script: {text})");
        Script::new(&ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME).from_str(&ron).unwrap())
    }

    #[test]
    fn cues_come_in_their_order_and_once() {
        let mut s =
            script("[(at: \"2s\", specimen: \"b\", do: Kill), (at: \"1s\", do: LoadUp), (at: \"5s\", do: Stop), (at: \"6s\", do: LoadUp)]");
        assert_eq!(s.due(Nanos::millis(999)).count(), 0);
        let due: Vec<_> = s.due(Nanos::secs(3)).cloned().collect();
        assert_eq!(due, [(Nanos::secs(1), None, Command::LoadUp), (Nanos::secs(2), Some(SpecimenId(1)), Command::Kill)]);
        assert_eq!(s.due(Nanos::secs(9)).count(), 0);
        assert!(!s.finished(Nanos::millis(4999)) && s.finished(Nanos::secs(5)));
    }

    #[test]
    fn a_script_without_an_end_ends_after_its_last_cue() {
        assert_eq!(script("[(at: \"3s\", do: Kill)]").end(), Nanos::secs(5));
        assert_eq!(script("[]").end(), AFTERMATH);
    }
}
