//! Triggers as the person sees them: for how long each waits that has a length, and what is said of what is armed and of what came.
//!
//! Whether anything has come, the world judges.

use super::panels::{head, latency};
use super::{Look, Scene, words};
use crate::base::text::visible;
use crate::base::units::{Nanos, count};
use crate::command::table::{LONG_CALLBACK, LONG_LATENCY};
use crate::telemetry::vocabulary::Trigger;
use crate::world::clients::NOBODY;
use crate::world::{Armed, Strike, Struck, TriggerSetting, World};

/// The lengths that keys go through.
pub const LENGTHS: &[Nanos] = &[
    Nanos::millis(1),
    Nanos::millis(2),
    Nanos::millis(5),
    Nanos::millis(10),
    Nanos::millis(20),
    Nanos::millis(50),
    Nanos::millis(100),
    Nanos::millis(200),
    Nanos::millis(500),
    Nanos::secs(1),
    Nanos::secs(2),
    Nanos::secs(5),
];

/// For how long those triggers wait that have a length, until another one is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    stall: Nanos,
    latency: Nanos,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { stall: LONG_CALLBACK, latency: LONG_LATENCY }
    }
}

impl Lengths {
    /// The trigger with the length that is chosen for it.
    #[must_use]
    pub fn apply(&self, setting: TriggerSetting) -> TriggerSetting {
        match setting {
            TriggerSetting::Stall { .. } => TriggerSetting::Stall { over: self.stall },
            TriggerSetting::Latency { .. } => TriggerSetting::Latency { over: self.latency },
            other => other,
        }
    }

    /// From here on that of this trigger, where it has one.
    pub fn take(&mut self, setting: TriggerSetting) {
        match setting {
            TriggerSetting::Stall { over } => self.stall = over,
            TriggerSetting::Latency { over } => self.latency = over,
            _ => {}
        }
    }

    /// The next longer one for this trigger, or the next shorter one. What was written out need not be among them.
    pub fn change(&mut self, kind: Trigger, longer: bool) {
        let length = match kind {
            Trigger::Stall => &mut self.stall,
            Trigger::Latency => &mut self.latency,
            _ => return,
        };
        let next = if longer { LENGTHS.iter().find(|other| **other > *length) } else { LENGTHS.iter().rfind(|other| **other < *length) };
        *length = next.copied().unwrap_or(*length);
    }
}

/// A length as people write it: `50 ms`, `1 s`.
pub fn length(over: Nanos) -> String {
    match over.0 {
        n if n > 0 && n.is_multiple_of(1_000_000_000) => format!("{} s", n / 1_000_000_000),
        n if n > 0 && n.is_multiple_of(1_000_000) => format!("{} ms", n / 1_000_000),
        _ => over.to_string(),
    }
}

/// What is waited for, in a few words.
pub fn awaited(setting: TriggerSetting, look: Look<'_>) -> String {
    let over = setting.over().map(length).unwrap_or_default();
    let key = match setting.kind() {
        Trigger::Stall => "trigger.stall",
        Trigger::Latency => "trigger.latency",
        Trigger::Panic => "trigger.panic",
        Trigger::Death => "trigger.death",
        Trigger::ClientError => "trigger.client_error",
        Trigger::LostEvents => "trigger.lost_events",
    };
    look.fill(key, &[("over", &over)])
}

/// The same, and where, if that matters.
pub fn armed(armed: Armed, world: &World, look: Look<'_>) -> String {
    let what = awaited(armed.setting, look);
    match armed.only.and_then(|only| world.specimens.get(usize::from(only.0))).filter(|_| world.specimens.len() > 1) {
        Some(specimen) => look.fill("trigger.of", &[("what", &what), ("name", &visible(&specimen.name))]),
        None => what,
    }
}

/// What came, in a sentence.
pub fn struck(strike: &Strike, scene: &Scene<'_>) -> String {
    let (look, world) = (scene.look, scene.world);
    let over = strike.armed.setting.over().map(length).unwrap_or_default();
    let said = match strike.what {
        Struck::Callback(running) => {
            let what = words::callback(look.lang, running.cause, running.handler);
            let conn = words::conn(look.lang, running.conn);
            let key = if running.conn.is_some() { "struck.callback_of" } else { "struck.callback" };
            look.fill(key, &[("what", &what), ("conn", &conn), ("over", &over)])
        }
        Struck::Panic(conn) => look.fill("struck.panic", &[("conn", &words::conn(look.lang, conn))]),
        Struck::Death { signal, code } => look.fill("struck.death", &[("how", &head::ending(signal, code, look))]),
        Struck::Request { client, conn, latency: took, outcome } => {
            let took = took.map_or_else(|| "?".to_owned(), |took| took.to_string());
            let key = match (client == NOBODY, conn.is_some()) {
                (true, _) => "struck.never_sent",
                (false, true) => "struck.request_on",
                (false, false) => "struck.request",
            };
            let outcome = look.text(latency::outcome(outcome));
            look.fill(key, &[("latency", &took), ("conn", &conn.0.to_string()), ("client", &client.0.to_string()), ("outcome", &outcome)])
        }
        Struck::Lost(events) => look.fill("struck.lost", &[("n", &count(f64::from(events)))]),
    };
    match world.specimens.get(usize::from(strike.specimen.0)).filter(|_| world.specimens.len() > 1) {
        Some(specimen) => format!("{}: {said}", visible(&specimen.name)),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::command::table::{self, Menu};
    use crate::scenario::Scenario;
    use crate::scenario::catalogue::BUILT_IN;
    use crate::scope::ui::Open;
    use crate::scope::{Frozen, Screen, Ui};
    use crate::world::testing::Story;

    fn scenario() -> Scenario {
        BUILT_IN[0].scenario().unwrap()
    }

    #[test]
    fn lengths_go_up_and_down_and_stop_at_their_ends() {
        let mut lengths = Lengths::default();
        let stall = TriggerSetting::Stall { over: Nanos::ZERO };
        assert_eq!(lengths.apply(stall), TriggerSetting::Stall { over: LONG_CALLBACK });
        lengths.change(Trigger::Stall, true);
        assert_eq!(lengths.apply(stall).over(), Some(Nanos::millis(100)));
        lengths.take(TriggerSetting::Stall { over: Nanos::millis(30) });
        lengths.change(Trigger::Stall, false);
        assert_eq!(lengths.apply(stall).over(), Some(Nanos::millis(20)));
        for _ in 0..20 {
            lengths.change(Trigger::Stall, true);
            lengths.change(Trigger::Latency, false);
            lengths.change(Trigger::Panic, true);
        }
        assert_eq!(lengths.apply(stall).over(), LENGTHS.last().copied());
        assert_eq!(lengths.apply(TriggerSetting::Latency { over: Nanos::ZERO }).over(), Some(LENGTHS[0]));
        assert_eq!(lengths.apply(TriggerSetting::Panic), TriggerSetting::Panic);
    }

    #[test]
    fn an_entry_arms_with_its_length_and_disarms_what_is_armed() {
        let story = Story::new(&["naive"]).calm(Nanos::millis(100));
        let (world, scenario) = (story.world(), scenario());
        let mut ui = Ui { screen: Screen::Scope, frozen: Some(Frozen::default()), ..Ui::default().for_lesson(&scenario) };
        let press = |ui: &mut Ui, command: Command| ui.carry_out(command, &scenario, &world, &[]);
        press(&mut ui, Command::TriggerMenu);
        assert_eq!((ui.open, ui.entry), (Open::Menu(Menu::Triggers), 0));
        press(&mut ui, Command::Longer);
        let armed = Armed { setting: TriggerSetting::Stall { over: Nanos::millis(100) }, only: None, at: Nanos::ZERO };
        assert_eq!(press(&mut ui, Command::Select), Some(Command::Arm(armed.setting)));
        assert_eq!((ui.open, ui.frozen), (Open::Nothing, None), "who arms waits in the present");
        (ui.armed, ui.last_armed) = (Some(armed), Some(armed));
        press(&mut ui, Command::TriggerMenu);
        assert_eq!(press(&mut ui, Command::Pick(0)), Some(Command::Disarm));
        // Armed with another length it is armed anew, not switched off.
        press(&mut ui, Command::TriggerMenu);
        press(&mut ui, Command::Shorter);
        assert_eq!(press(&mut ui, Command::Select), Some(Command::Arm(TriggerSetting::Stall { over: Nanos::millis(50) })));
        ui.armed = None;
        ui.frozen = Some(Frozen::default());
        assert_eq!((press(&mut ui, Command::Rearm), ui.frozen), (Some(Command::Arm(armed.setting)), None));
        // One that is for the past stands still first.
        press(&mut ui, Command::TriggerMenu);
        let place = table::menu(Menu::Triggers).position(|row| row.id == "to-trigger").unwrap();
        assert_eq!(press(&mut ui, Command::Pick(place as u8)), Some(Command::ToTrigger));
        assert!(ui.frozen.is_some());
    }

    #[test]
    fn lengths_are_written_as_people_do() {
        assert_eq!([Nanos::millis(50), Nanos::secs(2), Nanos::millis(1_500)].map(length), ["50 ms", "2 s", "1500 ms"]);
        assert_eq!(length(Nanos::micros(1_500)), Nanos::micros(1_500).to_string());
    }
}
