//! The moment at which one stands in the past, as text: the last event, the speed of playback.

use crate::base::ids::ConnId;
use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::scope::panels::wheel::grouped;
use crate::scope::{Look, Scene, words};
use crate::telemetry::event::{Event, Lane, Readiness, What};

/// The last event in one line: its number, when, whose, what.
pub fn told(n: u64, event: &Event, scene: &Scene<'_>) -> String {
    let look = scene.look;
    let mut lane = lane(event.from.lane, look);
    if let Some(specimen) = scene.world.specimens.get(usize::from(event.from.specimen.0)).filter(|_| scene.world.specimens.len() > 1) {
        lane = format!("{} {lane}", visible(&specimen.name));
    }
    look.fill("moment.event", &[("n", &grouped(n)), ("at", &stamp(event.at)), ("lane", &lane), ("what", &fact(event.what, look))])
}

/// Who reported it.
pub fn lane(lane: Lane, look: Look<'_>) -> String {
    match lane {
        Lane::Loop => look.text("moment.loop").into_owned(),
        Lane::Worker(n) => look.fill("moment.worker", &[("n", &n.to_string())]),
        Lane::Load => look.text("moment.load").into_owned(),
        Lane::Kernel => look.text("moment.kernel").into_owned(),
        Lane::Lab => look.text("moment.lab").into_owned(),
        Lane::Threads(_) => look.text("moment.thread").into_owned(),
        Lane::Process(n, part) => {
            look.fill("moment.process", &[("n", &(u32::from(n) + 1).to_string()), ("lane", &self::lane(part.lane(), look))])
        }
    }
}

/// The fact as one sentence.
pub fn fact(what: What, look: Look<'_>) -> String {
    let (_, a, b) = what.pack();
    let conn = words::conn(look.lang, ConnId(a));
    let x = match what {
        What::Entered { phase, .. } => words::phase(look.lang, phase).into_owned(),
        What::Began { cause, .. } => words::cause(look.lang, cause).into_owned(),
        What::Ready { readiness, .. } | What::Interested { interest: readiness, .. } => sides(readiness),
        What::Requested { handler, .. }
        | What::TaskQueued { handler, .. }
        | What::JobQueued { handler, .. }
        | What::JobBegan { handler, .. } => handler.name().to_owned(),
        What::Stepped { at: (style, step), .. } => format!("{}, {step}", style.name()),
        What::Allocated { by: (style, count), .. } => look.fill("code.allocated", &[("style", style.name()), ("n", &count.to_string())]),
        What::Responded { status_nth: (status, _), .. } => status.to_string(),
        What::Closed { reason, .. } => reason.name().to_owned(),
        What::Modelled { model, .. } => model.name().to_owned(),
        What::Finished { outcome: (outcome, status), .. } => format!("{} {status}", outcome.name()),
        What::Struck { fault, .. } | What::Faulted { fault, .. } | What::FaultAsked { fault, .. } => {
            words::fault(look.lang, fault).into_owned()
        }
        What::Mitigated { mitigation, .. } => words::mitigation(look.lang, mitigation).into_owned(),
        What::Gated { held } => {
            let place = ["moment.gate_open", "moment.gate_callback", "moment.gate_tick"];
            look.text(place.get(held as usize).copied().unwrap_or("moment.gate_callback")).into_owned()
        }
        What::Armed { trigger: (trigger, _), .. } => trigger.name().to_owned(),
        What::ThreadState { letter, .. } => char::from_u32(letter).filter(char::is_ascii_graphic).unwrap_or('?').to_string(),
        _ => String::new(),
    };
    let key = format!("event.{}", what.name().to_ascii_lowercase());
    look.fill(&key, &[("conn", &conn), ("a", &a.to_string()), ("b", &b.to_string()), ("x", &x)])
}

/// What a connection is ready for, in the letters of `epoll`.
fn sides(readiness: Readiness) -> String {
    let sides = [(Readiness::READABLE, "IN"), (Readiness::WRITABLE, "OUT"), (Readiness::CLOSED, "RDHUP")];
    sides.iter().filter(|(side, _)| readiness.has(*side)).map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}

/// A moment since the lab's beginning, to the microsecond.
fn stamp(at: Nanos) -> String {
    let micros = at.0 / 1_000;
    format!("{}.{:03} {:03} s", micros / 1_000_000, micros / 1_000 % 1_000, micros % 1_000)
}

/// A part of real time: `1/1000`, `1×`, `10×`.
pub fn speed(speed: f64) -> String {
    if speed < 1.0 { format!("1/{}", grouped((1.0 / speed).round() as u64)) } else { format!("{speed:.0}×") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::command::keymap::Keymap;
    use crate::scope::theme::{Theme, Tier};
    use crate::telemetry::vocabulary::Cause;

    #[test]
    fn every_fact_is_a_sentence_in_every_language() {
        let theme = Theme::dark(Tier::True);
        let mut told = 0;
        for what in (0..=u8::MAX).filter_map(|kind| What::unpack(kind, 1, 1)) {
            let said =
                Lang::ALL.iter().map(|lang| fact(what, Look { theme: &theme, lang: *lang, keys: &Keymap::default() })).collect::<Vec<_>>();
            assert!(said.iter().all(|s| !s.contains("event.") && !s.contains("%{")), "{what:?}: {said:?}");
            assert_ne!(said[0], said[1], "{what:?}");
            told += 1;
        }
        assert!(told > 50, "{told}");
        let look = Look { theme: &theme, lang: Lang::En, keys: &Keymap::default() };
        assert_eq!(fact(What::Began { conn: ConnId(17), cause: Cause::Readable }, look), "a callback begins: readable, conn 17");
        assert_eq!(fact(What::Ready { conn: ConnId::NONE, readiness: Readiness::BOTH }, look), "listener is ready (IN|OUT)");
    }

    #[test]
    fn speeds_are_parts_or_multiples() {
        assert_eq!([1e-5, 1e-3, 0.1, 1.0, 10.0].map(speed), ["1/100 000", "1/1 000", "1/10", "1×", "10×"]);
        assert_eq!(stamp(Nanos(12_345_678_901)), "12.345 678 s");
    }
}
