//! Measuring while somebody watches: a screen asks for a point and goes on drawing; the answer comes when it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use super::facts::{self, Facts};
use super::limits::Trouble;
use super::measure::{Effort, measure};
use super::point::Point;
use super::series::Measurement;
use crate::base::clock::Clock;
use crate::base::units::Nanos;

/// An answer: what was measured, or why not.
pub type Answer = Result<Vec<Measurement>, Trouble>;

/// For how long each loop that has nothing to do is watched.
const WINDOW: Nanos = Nanos::millis(100);

/// Something that measures one point at a time and is never waited for.
pub trait Runner {
    /// Asks for a point. False while the one before is not done, or when nobody measures any more.
    fn ask(&mut self, point: Point) -> bool;

    /// The answer to what was asked, once.
    fn take(&mut self) -> Option<Answer>;
}

/// What the thread is asked for.
#[derive(Debug)]
enum Ask {
    Point(Point),
    Facts,
}

/// What it answers.
#[derive(Debug)]
enum Told {
    Point(Answer),
    Facts(Result<Facts, Trouble>),
}

/// A runner with a thread of its own, which sleeps while nothing is asked. Dropping it ends the thread within a few milliseconds, or,
/// where it is just observing the facts, within half a second.
#[derive(Debug)]
pub struct Background {
    asks: Option<SyncSender<Ask>>,
    answers: Receiver<Told>,
    busy: bool,
    facts: Option<Result<Facts, Trouble>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// What starting a thread says.
    pub fn start(clock: Clock, effort: Effort) -> std::io::Result<Self> {
        let (asks, asked) = sync_channel::<Ask>(1);
        let (answer, answers) = sync_channel(1);
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("selectors".to_owned()).spawn(move || {
            for ask in asked {
                let told = match ask {
                    Ask::Point(point) => {
                        let result = measure(&clock, &[point], effort, &mut |_| !end.load(Ordering::Relaxed));
                        Told::Point(result.map_err(Trouble::from))
                    }
                    Ask::Facts => Told::Facts(facts::observe(&clock, WINDOW).map_err(Trouble::from)),
                };
                if answer.send(told).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asks: Some(asks), answers, busy: false, facts: None, ended, thread: Some(thread) })
    }

    /// Asks for the facts. False while something else is not done.
    pub fn observe(&mut self) -> bool {
        self.send(Ask::Facts)
    }

    /// The facts that were asked for, once.
    pub fn take_facts(&mut self) -> Option<Result<Facts, Trouble>> {
        self.facts.take()
    }

    fn send(&mut self, ask: Ask) -> bool {
        if self.busy {
            return false;
        }
        self.busy = self.asks.as_ref().is_some_and(|asks| asks.try_send(ask).is_ok());
        self.busy
    }
}

impl Runner for Background {
    fn ask(&mut self, point: Point) -> bool {
        self.send(Ask::Point(point))
    }

    fn take(&mut self) -> Option<Answer> {
        if !self.busy {
            return None;
        }
        let told = self.answers.try_recv();
        self.busy = matches!(told, Err(TryRecvError::Empty));
        match told {
            Ok(Told::Point(answer)) => Some(answer),
            Ok(Told::Facts(facts)) => {
                self.facts = Some(facts);
                None
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.asks = None;
                Some(Err(Trouble::Ended))
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say any more, not even how it ended.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selectors::descriptors::tests::alone;
    use crate::selectors::kinds::SELECTORS;
    use crate::selectors::limits::Limit;
    use crate::selectors::point::Active;

    fn wait(runner: &mut Background) -> Answer {
        for _ in 0..2000 {
            if let Some(answer) = runner.take() {
                return answer;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("no answer within ten seconds")
    }

    #[test]
    fn a_background_runner_answers_what_it_was_asked() {
        let _alone = alone();
        let mut runner = Background::start(Clock::start(), Effort::QUICK).unwrap();
        assert!(runner.take().is_none(), "nothing was asked");
        for size in [10, 200] {
            let point = Point { size, active: Active::Count(1) };
            assert!(runner.ask(point));
            let answer = wait(&mut runner).unwrap();
            assert_eq!(answer.len(), SELECTORS.len());
            assert!(answer.iter().all(|m| m.point == point));
        }
    }

    #[test]
    fn it_says_why_when_it_cannot_and_one_thing_at_a_time_is_enough() {
        let _alone = alone();
        let mut runner = Background::start(Clock::start(), Effort::QUICK).unwrap();
        // More eventfds than any process may have by default: EMFILE.
        let too_many = Point { size: 100_000_000, active: Active::Count(1) };
        assert!(runner.ask(too_many));
        assert!(!runner.ask(too_many), "busy");
        assert_eq!(wait(&mut runner), Err(Trouble::Limit(Limit::Descriptors)));
        assert!(runner.ask(Point { size: 10, active: Active::Count(1) }), "and goes on");
    }
}
