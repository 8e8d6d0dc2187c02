//! The Latency screen: what the clients measured, and where the time of the slowest requests went.
//!
//! ```text
//! head, cards
//! ╭ latencies ──────────────────────────╮╭ figures ──────────────╮
//! │ histogram                           ││ percentiles           │
//! ╰─────────────────────────────────────╯│                       │
//! ╭ over time ──────────────────────────╮│ how requests ended    │   (without room for both, the histogram)
//! ╰─────────────────────────────────────╯╰───────────────────────╯
//! ╭ slowest requests ────────────────────────────────────────────╮
//! ╰──────────────────────────────────────────────────────────────╯
//! keys
//! ```
//!
//! Where several rates were offered, latency against offered load comes in: beside the histogram where that is wide enough, else in its place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::command::Command;
use crate::scope::panels::{clients, curve, latency, slowest};
use crate::scope::pen::frame;
use crate::scope::{Drawn, Scene};
use crate::world::window::Quantiles;

use super::{inset, surround};

/// Draws the screen.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer, drawn: &mut Drawn) {
    let body = surround(scene, buf, drawn);
    let look = scene.look;
    let Some(specimen) = scene.chosen() else { return };
    let gaze = scene.eye.gaze(usize::from(specimen.id.0));

    let below = (body.height * 2 / 5).clamp(5, 24).min(body.height);
    let above = Rect { height: body.height - below, ..body };
    let right = (body.width * 2 / 5).clamp(34, 48);
    let left = Rect { width: body.width.saturating_sub(right), ..above };
    let right = Rect { x: left.right(), width: body.width - left.width, ..above };
    let against = curve::shape(specimen);
    let upper = match (&against, above.height) {
        (Some(_), 16..) => (above.height * 3 / 5).clamp(9, 22),
        (None, 11..) => (above.height * 2 / 5).clamp(5, 16),
        _ => above.height,
    };
    let mut at = Rect { height: upper, ..left };
    if let Some(shape) = &against {
        let wide = if left.width >= 100 { left.width / 2 } else { left.width };
        let inner = inset(frame(
            buf,
            Rect { x: left.right() - wide, width: wide, ..at },
            look,
            &look.text("latency.against"),
            &look.text("latency.points"),
        ));
        curve::Curve { shape, look }.render(inner, buf);
        at.width -= wide;
    }
    // Which of the two is shown, and what the other would say: their difference is what an open loop is for.
    let uncorrected = scene.ui.uncorrected;
    let (recent, other) = match (gaze.figures.recent, gaze.figures.uncorrected) {
        (corrected, sent) if uncorrected => (sent, corrected),
        both => both,
    };
    let p99 = |q: Quantiles| if q.count == 0 { "–".to_owned() } else { q.p99.to_string() };
    let key = look.key(&Command::Correction, scene.context());
    let title = look.text(if uncorrected { "latency.uncorrected" } else { "latency.corrected" });
    let note = look.fill(if uncorrected { "latency.hides" } else { "latency.otherwise" }, &[("key", &key), ("other", &p99(other))]);
    if !at.is_empty() {
        let inner = inset(frame(buf, at, look, &title, &note));
        let shape = latency::histogram(specimen, recent, uncorrected, inner.width);
        latency::Histogram { shape: &shape, look }.render(inner, buf);
    }

    let at = Rect { y: left.y + upper, height: left.height - upper, ..left };
    if !at.is_empty() {
        let inner = frame(buf, at, look, &look.text("latency.over_time"), "");
        let shape = clients::shape(specimen, &gaze, scene.world.stall_threshold, inner.width);
        let changes = &specimen.changes;
        clients::Spectrogram { shape: &shape, newest: specimen.clients.spectrogram.newest, changes, look }.render(inset(inner), buf);
        clients::legend(buf, Rect { y: inner.bottom(), height: 1, ..inset(inner) }, look);
    }

    let inner = inset(frame(buf, right, look, &look.text("latency.figures"), ""));
    let paths: Vec<_> = scene.scenario.load.mix.iter().map(|row| row.path.clone()).collect();
    let shape = latency::figures(specimen, recent, uncorrected, &paths);
    latency::Figures { shape: &shape, look }.render(inner, buf);

    let at = Rect { y: above.bottom(), height: below, ..body };
    let note = look.text(slowest::order(scene.ui.rows.requests));
    let inner = inset(frame(buf, at, look, &look.text("latency.slowest"), &note));
    let high = usize::from(inner.height.saturating_sub(slowest::AROUND));
    let shape = slowest::shape(specimen, scene.answers, scene.world.now, &scene.ui.rows, high);
    drawn.shown.clone_from(&shape.shown);
    slowest::Slowest { shape: &shape, look }.draw(inner, buf, &mut drawn.targets);
}
