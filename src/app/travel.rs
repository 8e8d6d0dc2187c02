//! Travelling in the recorded past: what the keys of time do, and which world is shown.
//!
//! The loop runs on, and so does the lab; only what is looked at is of then.

use super::App;
use super::pump::Stage;
use crate::base::ids::{ConnId, SpecimenId};
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::lab::{Past, Surroundings};
use crate::scope::{Eye, Frozen, Meanwhile, Screen, Ui, words};
use crate::world::findings::moments;
use crate::world::history::History;
use crate::world::life;
use crate::world::{Strike, World, trace};

/// How far an arrow scrubs.
const SCRUB: Nanos = Nanos::millis(10);
/// How far one with shift does.
const FAR: Nanos = Nanos::secs(1);

/// A place in the past of one lab.
#[derive(Debug)]
pub struct Then {
    /// Of which lab: see [`Stage::opened`].
    opened: u64,
    past: Past,
    /// What lies around it, where a screen draws that.
    around: Option<Surroundings>,
}

impl Then {
    /// Stands still at the present of this lab, where it keeps a past.
    fn freeze(stage: &Stage) -> Option<Self> {
        Some(Self { opened: stage.opened(), past: Past::freeze(stage.history()?, stage.world()), around: None })
    }
}

impl App {
    /// Sees to it that one stands in the past where the view says so, and nowhere else.
    pub(super) fn stand_or_return(&mut self) {
        if self.ui.frozen.is_some() == self.then.is_some() {
            return;
        }
        self.then = if self.ui.frozen.is_some() { Then::freeze(&self.pump.stage()) } else { None };
        if self.ui.frozen.is_some() && self.then.is_none() {
            self.ui.frozen = None;
            self.say(words::text(self.lang, "notice.no_past").into_owned());
        }
    }

    /// Moves in the past.
    pub(super) fn travel(&mut self, command: &Command) {
        let steps = if self.ui.screen == Screen::Timeline { self.ui.timebase.steps() } else { (SCRUB, FAR) };
        let moved = {
            let stage = self.pump.stage();
            let (Some(then), Some(history)) = (&mut self.then, stage.history()) else { return };
            // A lab that has been replaced meanwhile is noticed by the next picture.
            let specimen = SpecimenId(self.ui.chosen as u8);
            if then.opened != stage.opened() {
                true
            } else if *command == Command::FrameStall {
                let framed = frame_stall(&mut then.past, history, stage.world(), specimen);
                if let Some((from, to)) = framed {
                    self.ui.timebase.frame(from, to, then.past.at());
                }
                framed.is_some()
            } else if matches!(command, Command::NextRequest | Command::PreviousRequest) {
                to_request(&mut then.past, history, specimen, self.ui.connection(), *command == Command::NextRequest)
            } else {
                go(&mut then.past, history, stage.world(), specimen, command, steps)
            }
        };
        if !moved {
            let key = match command {
                Command::NextRequest | Command::PreviousRequest => "notice.no_request",
                Command::ToTrigger => "notice.no_strike",
                Command::NextFinding | Command::PreviousFinding => "notice.no_finding",
                _ => "notice.no_stall",
            };
            self.say(words::text(self.lang, key).into_owned());
        }
    }
}

/// Goes to the stall of this specimen that is under way at this place, or to the last one before it, else the first one after it. From when to
/// when it is, its victims included.
fn frame_stall(past: &mut Past, history: &History, live: &World, specimen: SpecimenId) -> Option<(Nanos, Nanos)> {
    let stalls = &live.specimens.get(usize::from(specimen.0))?.stalls;
    let kept = history.span().0;
    let mut known = stalls.past.iter().chain(&stalls.current).filter(|stall| stall.until() > kept);
    let at = past.at();
    let stall = known.clone().rfind(|stall| stall.began <= at).or_else(|| known.next())?;
    past.go_to(history, stall.began + Nanos::micros(1));
    Some((stall.began, trace::aftermath(history, live, specimen, stall)))
}

/// Goes to the next request of a connection, or to the one before. False where there is no such place.
fn to_request(past: &mut Past, history: &History, specimen: SpecimenId, conn: Option<ConnId>, forwards: bool) -> bool {
    let Some(at) = conn.and_then(|conn| life::request(history, specimen, conn, past.at(), forwards)) else { return false };
    // It stands there, also where it played.
    past.scrub(history, Nanos(at.0.abs_diff(past.at().0)), forwards);
    true
}

/// Carries out one key of time. False where there is no such place. `steps`: how far an arrow goes, and one with shift.
fn go(past: &mut Past, history: &History, live: &World, specimen: SpecimenId, command: &Command, steps: (Nanos, Nanos)) -> bool {
    match command {
        Command::Play => past.play_or_stand(),
        Command::Faster => past.change_speed(true),
        Command::Slower => past.change_speed(false),
        Command::NextEvent => past.step_event(history, true),
        Command::PreviousEvent => past.step_event(history, false),
        Command::NextTick => past.step_tick(history, specimen, true),
        Command::PreviousTick => past.step_tick(history, specimen, false),
        Command::Forwards => past.scrub(history, steps.0, true),
        Command::Backwards => past.scrub(history, steps.0, false),
        Command::FarForwards => past.scrub(history, steps.1, true),
        Command::FarBackwards => past.scrub(history, steps.1, false),
        Command::Seek(to) => past.go_to(history, *to),
        Command::ToTrigger => match &live.triggers.strike {
            Some(strike) => past.stand_at(history, strike),
            None => return false,
        },
        Command::NextFinding | Command::PreviousFinding => {
            let forwards = *command == Command::NextFinding;
            let found =
                moments::next(live, specimen, past.at().max(history.span().0), forwards).filter(|found| found.at >= history.span().0);
            let Some(found) = found else { return false };
            past.go_to(history, found.at);
        }
        Command::Earliest => past.go_to(history, Nanos::ZERO),
        Command::Latest => past.go_to(history, Nanos::MAX),
        Command::NextStall => return past.jump_to_stall(history, live, specimen, true).is_some(),
        Command::PreviousStall => return past.jump_to_stall(history, live, specimen, false).is_some(),
        _ => {}
    }
    true
}

/// What is shown: the world of a moment, and what lies around that moment.
pub(super) struct Shown<'a> {
    pub world: &'a World,
    pub around: &'a World,
}

/// The world that is shown after so much real time: that of then, or the present one. Tells the view where it stands, and lets the eye look.
pub(super) fn shown<'a>(then: &'a mut Option<Then>, stage: &'a Stage, passed: Nanos, ui: &mut Ui, eye: &mut Eye, lang: Lang) -> Shown<'a> {
    let live = stage.world();
    if then.as_ref().is_some_and(|then| then.opened != stage.opened()) {
        *then = None;
    }
    ui.armed = live.triggers.armed;
    ui.last_armed = ui.armed.or(ui.last_armed);
    ui.strike = live.triggers.strike;
    // Nothing is taken from whoever looks at the past: it is only said that there is something to be gone to.
    match struck(live, ui) {
        Some(strike) if then.is_none() => *then = stand(stage, ui, &strike),
        Some(strike) => {
            let behind = live.now.since(strike.at).to_string();
            ui.notice = Some(words::fill(lang, "notice.struck_elsewhere", &[("behind", &behind)]));
        }
        None => {}
    }
    let (Some(Then { past, around, .. }), Some(history)) = (then, stage.history()) else {
        ui.frozen = None;
        eye.look(live);
        return Shown { world: live, around: live };
    };
    past.pass(history, passed);
    let event = past.event().and_then(|n| Some((n, history.event(n)?)));
    let meanwhile = live.specimens.get(ui.chosen).map(Meanwhile::of).unwrap_or_default();
    let ahead = past.ahead(live, SpecimenId(ui.chosen as u8));
    let strike = live.triggers.strike.filter(|strike| past.is_at(strike));
    ui.frozen = Some(Frozen { meanwhile, behind: past.behind(live.now), speed: past.speed(), event, ahead, strike });
    eye.stand(past.world());
    let world = past.world();
    if ui.screen != Screen::Compare {
        *around = None;
        return Shown { world, around: world };
    }
    let around = around.get_or_insert_with(|| Surroundings::ending(live));
    around.follow(history, past.at());
    Shown { world, around: around.world() }
}

/// What the trigger has struck on since the last look. Behind the list of lessons nobody waits for anything.
fn struck(live: &World, ui: &mut Ui) -> Option<Strike> {
    let before = std::mem::replace(&mut ui.strikes, live.triggers.strikes);
    live.triggers.strike.filter(|_| live.triggers.strikes > before && ui.screen != Screen::Start)
}

/// Stands still where the trigger struck, before the specimen that it struck on.
fn stand(stage: &Stage, ui: &mut Ui, strike: &Strike) -> Option<Then> {
    let mut then = Then::freeze(stage)?;
    then.past.stand_at(stage.history()?, strike);
    let specimen = usize::from(strike.specimen.0);
    if specimen != ui.chosen {
        ui.turn_to_specimen(specimen);
    }
    Some(then)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::*;
    use crate::world::testing::{Story, recorded};

    #[test]
    fn every_key_of_time_moves() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(2)).stall(Nanos::millis(400)).calm(Nanos::secs(2));
        let (live, history) = recorded(&story);
        let mut past = Past::freeze(&history, &live);
        let mut press = |command: Command| {
            let (at, event) = (past.at(), past.event());
            assert!(command.travels(), "{command:?}");
            assert!(go(&mut past, &history, &live, SpecimenId(0), &command, (SCRUB, FAR)), "{command:?}");
            (past.at().0.cmp(&at.0), past.event().cmp(&event), past.speed())
        };
        assert_eq!(press(Command::Earliest).0, Less);
        assert_eq!(press(Command::Latest).0, Greater);
        assert_eq!(press(Command::Seek(Nanos::millis(4_100))).0, Less);
        assert_eq!(press(Command::PreviousStall).0, Less);
        assert_eq!(press(Command::NextFinding).0, Greater, "it becomes a stall");
        assert_eq!(press(Command::FarBackwards).0, Less);
        assert_eq!(press(Command::NextStall).0, Greater);
        assert_eq!(press(Command::FarForwards).0, Greater);
        assert_eq!(press(Command::PreviousFinding).0, Less);
        for (forwards, back) in [
            (Command::NextEvent, Command::PreviousEvent),
            (Command::NextTick, Command::PreviousTick),
            (Command::Forwards, Command::Backwards),
            (Command::FarForwards, Command::FarBackwards),
        ] {
            // A moment in the middle of a long callback: the first step leaves it.
            press(forwards.clone());
            assert_eq!(press(forwards.clone()).1, Greater, "{forwards:?}");
            assert_eq!(press(back.clone()).1, Less, "{back:?}");
        }
        assert_eq!(press(Command::Play), (Equal, Equal, Some(1e-3)));
        assert_eq!(press(Command::Slower).2, Some(1e-4));
        assert_eq!(press(Command::Faster).2, Some(1e-3));
        assert_eq!(press(Command::NextEvent).2, None, "who steps stands");
        assert!(!Command::Freeze.travels() && !Command::Quit.travels());
    }

    #[test]
    fn a_stall_is_framed_from_before_it_from_within_it_and_from_after_it() {
        let story = Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(400)).calm(Nanos::secs(1));
        let (nothing, empty) = recorded(&Story::new(&[]));
        assert_eq!(frame_stall(&mut Past::freeze(&empty, &nothing), &empty, &nothing, SpecimenId(0)), None);
        let (live, history) = recorded(&story);
        let mut past = Past::freeze(&history, &live);
        let stall = live.specimens[0].stalls.past[0];
        for from in [Nanos::ZERO, stall.began + Nanos::millis(100), live.now] {
            past.go_to(&history, from);
            let (began, until) = frame_stall(&mut past, &history, &live, SpecimenId(0)).unwrap();
            assert!(began == stall.began && until > stall.until(), "{began} {until}");
            assert_eq!(past.at(), stall.began + Nanos::micros(1));
        }
    }
}
