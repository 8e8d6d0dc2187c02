//! What somebody has done of the lessons: which steps they have seen, what they answered, which tasks they solved, what they reviewed.
//!
//! Two records of the same lesson are merged so that nothing is lost, whichever comes first: the first answer counts, the better solution,
//! everything that was seen. So several instances can write one file. [`Store`] is that file; nothing here knows a screen.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::schema::{Scenario, Step};

pub use store::{Store, Trouble};

/// The version of the file.
pub const VERSION: u32 = 1;

/// What has been done of all lessons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// [`VERSION`].
    pub version: u32,
    /// By the id of the lesson.
    pub lessons: BTreeMap<String, Done>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { version: VERSION, lessons: BTreeMap::new() }
    }
}

/// What has been done of one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Done {
    /// The steps that were turned to, from 0.
    pub seen: BTreeSet<u16>,
    /// The first answer to each question, by its step.
    pub answers: BTreeMap<u16, u8>,
    /// Which tasks were solved, by their step, and how.
    pub solved: BTreeMap<u16, Solved>,
    /// The review's questions whose answers were opened, from 0.
    pub reviewed: BTreeSet<u16>,
}

/// How a task was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Solved {
    /// With the solution shown.
    Shown,
    /// By own means.
    Alone,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Steps that were seen, of how many.
    pub steps: (usize, usize),
    /// Right answers, of how many questions that were answered, of how many there are.
    pub right: (usize, usize, usize),
    /// Tasks that were solved by own means, solved at all, and there are.
    pub solved: (usize, usize, usize),
    /// Review questions that were opened, of how many.
    pub reviewed: (usize, usize),
}

impl Done {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes in what another record of the same lesson knows.
    pub fn merge(&mut self, other: &Self) {
        self.seen.extend(&other.seen);
        self.reviewed.extend(&other.reviewed);
        for (step, answer) in &other.answers {
            self.answers.entry(*step).or_insert(*answer);
        }
        for (step, solved) in &other.solved {
            let best = self.solved.entry(*step).or_insert(*solved);
            *best = (*best).max(*solved);
        }
    }

    /// What it comes to in this lesson. What a lesson no longer has does not count.
    pub fn standing(&self, scenario: &Scenario) -> Standing {
        let mut standing = Standing { steps: (0, scenario.lesson.len()), reviewed: (0, scenario.review.len()), ..Standing::default() };
        for (n, step) in (0_u16..).zip(&scenario.lesson) {
            standing.steps.0 += usize::from(self.seen.contains(&n));
            match step {
                Step::Predict { answer, .. } => {
                    let given = self.answers.get(&n);
                    standing.right.0 += usize::from(given == Some(answer));
                    standing.right.1 += usize::from(given.is_some());
                    standing.right.2 += 1;
                }
                Step::Task(_) => {
                    let solved = self.solved.get(&n);
                    standing.solved.0 += usize::from(solved == Some(&Solved::Alone));
                    standing.solved.1 += usize::from(solved.is_some());
                    standing.solved.2 += 1;
                }
                Step::Say(_) | Step::Try { .. } => {}
            }
        }
        let reviewed = (0_u16..).take(scenario.review.len()).filter(|n| self.reviewed.contains(n));
        standing.reviewed.0 = reviewed.count();
        standing
    }
}

impl Standing {
    /// Whether every step was seen, every question answered, every task solved.
    pub fn is_done(&self) -> bool {
        self.steps.0 == self.steps.1 && self.right.1 == self.right.2 && self.solved.1 == self.solved.2
    }
}

impl Progress {
    /// What has been done of this lesson.
    pub fn of(&self, id: &str) -> Option<&Done> {
        self.lessons.get(id).filter(|done| !done.is_empty())
    }

    /// Takes in what a record of a lesson knows. Whether that was news.
    pub fn merge(&mut self, id: &str, done: &Done) -> bool {
        let known = self.lessons.entry(id.to_owned()).or_default();
        let before = known.clone();
        known.merge(done);
        *known != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::catalogue::find;

    fn done(answers: &[(u16, u8)], solved: &[(u16, Solved)], seen: &[u16]) -> Done {
        Done {
            seen: seen.iter().copied().collect(),
            answers: answers.iter().copied().collect(),
            solved: solved.iter().copied().collect(),
            reviewed: BTreeSet::new(),
        }
    }

    #[test]
    fn merging_loses_nothing_whichever_comes_first() {
        let a = done(&[(1, 0)], &[(5, Solved::Alone)], &[0, 1]);
        let b = done(&[(3, 2)], &[(5, Solved::Shown)], &[1, 2]);
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        assert_eq!(ab, ba);
        assert_eq!((ab.answers.len(), ab.seen.len(), ab.solved[&5]), (2, 3, Solved::Alone));
        ab.merge(&done(&[(1, 1)], &[], &[]));
        assert_eq!(ab.answers[&1], 0, "the first answer counts");
        let mut progress = Progress::default();
        assert!(progress.merge("x", &a) && !progress.merge("x", &a) && progress.merge("x", &b));
    }

    #[test]
    fn a_standing_counts_what_the_lesson_has() {
        let scenario = find("04-computing-callback").unwrap().scenario;
        let steps = 0..scenario.lesson.len() as u16;
        let questions: Vec<(u16, u8)> = steps
            .clone()
            .zip(&scenario.lesson)
            .filter_map(|(n, step)| if let Step::Predict { answer, .. } = step { Some((n, *answer)) } else { None })
            .collect();
        let task = steps.clone().zip(&scenario.lesson).find(|(_, step)| matches!(step, Step::Task(_))).unwrap().0;
        let all: Vec<u16> = steps.collect();
        let whole = done(&questions, &[(task, Solved::Shown)], &all).standing(&scenario);
        assert!(whole.is_done());
        assert_eq!((whole.right, whole.solved), ((questions.len(), questions.len(), questions.len()), (0, 1, 1)));
        let wrong = [(questions[0].0, questions[0].1 + 1), (999, 0)];
        let part = done(&wrong, &[], &[0, 999]).standing(&scenario);
        assert_eq!((part.steps.0, part.right.0, part.right.1, part.is_done()), (1, 0, 1, false));
    }
}
