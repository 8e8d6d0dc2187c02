//! The moment at which one stands in the past, as text: the last event, the speed of playback.

use crate::base::text::visible;
use crate::base::units::Nanos;
use crate::scope::panels::wheel::grouped;
use crate::scope::{Look, Scene};
use crate::telemetry::event::{Event, Lane};

/// The last event in one line: its number, when, whose, what.
pub fn told(n: u64, event: &Event, scene: &Scene<'_>) -> String {
    let look = scene.look;
    let mut lane = lane(event.from.lane, look);
    if let Some(specimen) = scene.world.specimens.get(usize::from(event.from.specimen.0)).filter(|_| scene.world.specimens.len() > 1) {
        lane = format!("{} {lane}", visible(&specimen.name));
    }
    look.fill("moment.event", &[("n", &grouped(n)), ("at", &stamp(event.at)), ("lane", &lane), ("what", &fact(event))])
}

/// Who reported it.
fn lane(lane: Lane, look: Look<'_>) -> String {
    match lane {
        Lane::Loop => look.text("moment.loop").into_owned(),
        Lane::Worker(n) => look.fill("moment.worker", &[("n", &n.to_string())]),
        Lane::Load => look.text("moment.load").into_owned(),
        Lane::Kernel => look.text("moment.kernel").into_owned(),
        Lane::Lab => look.text("moment.lab").into_owned(),
    }
}

/// The fact as logs write it, its fields by their names.
fn fact(event: &Event) -> String {
    let written = format!("{:?}", event.what);
    let mut out = String::with_capacity(written.len());
    for word in written.split([' ', '{', '}', '(', ')']).filter(|w| !w.is_empty()) {
        // The names of the types that wrap a number say no more than the field's.
        if !matches!(word, "ConnId" | "ClientId" | "Readiness") {
            if !out.is_empty() && !word.starts_with(',') {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out.replace(": ", " ")
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
    use crate::base::ids::{ConnId, SpecimenId};
    use crate::telemetry::event::{Origin, What};
    use crate::telemetry::vocabulary::Cause;

    #[test]
    fn facts_are_written_without_the_types_of_their_fields() {
        let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
        let event = |what| Event { at: Nanos(0), from, what };
        assert_eq!(fact(&event(What::Began { conn: ConnId(17), cause: Cause::Readable })), "Began conn 17, cause Readable");
        assert_eq!(fact(&event(What::Rested {})), "Rested");
        assert_eq!(fact(&event(What::Responded { conn: ConnId(3), status_nth: (200, 9) })), "Responded conn 3, status_nth 200, 9");
    }

    #[test]
    fn speeds_are_parts_or_multiples() {
        assert_eq!([1e-5, 1e-3, 0.1, 1.0, 10.0].map(speed), ["1/100 000", "1/1 000", "1/10", "1×", "10×"]);
        assert_eq!(stamp(Nanos(12_345_678_901)), "12.345 678 s");
    }
}
