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

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::scope::panels::{clients, latency, slowest};
use crate::scope::pen::frame;
use crate::scope::{Drawn, Scene};

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
    let upper = if above.height >= 11 { (above.height * 2 / 5).clamp(5, 16) } else { above.height };

    let at = Rect { height: upper, ..left };
    let inner = inset(frame(buf, at, look, &look.text("latency.histogram"), &look.text("clients.window")));
    let shape = latency::histogram(specimen, gaze.figures.recent, inner.width);
    latency::Histogram { shape: &shape, look }.render(inner, buf);

    let at = Rect { y: left.y + upper, height: left.height - upper, ..left };
    if !at.is_empty() {
        let inner = frame(buf, at, look, &look.text("latency.over_time"), "");
        let shape = clients::shape(specimen, &gaze, scene.world.stall_threshold, inner.width);
        clients::Spectrogram { shape: &shape, look }.render(inset(inner), buf);
        clients::legend(buf, Rect { y: inner.bottom(), height: 1, ..inset(inner) }, look);
    }

    let inner = inset(frame(buf, right, look, &look.text("latency.figures"), ""));
    let shape = latency::figures(specimen, gaze.figures.recent);
    latency::Figures { shape: &shape, look }.render(inner, buf);

    let at = Rect { y: above.bottom(), height: below, ..body };
    let note = look.text(slowest::order(scene.ui.rows.requests));
    let inner = inset(frame(buf, at, look, &look.text("latency.slowest"), &note));
    let high = usize::from(inner.height.saturating_sub(slowest::AROUND));
    let shape = slowest::shape(specimen, scene.answers, scene.world.now, &scene.ui.rows, high);
    drawn.shown.clone_from(&shape.shown);
    slowest::Slowest { shape: &shape, look }.draw(inner, buf, &mut drawn.targets);
}
