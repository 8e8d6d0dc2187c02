//! The palette: one line to type in, and the commands that answer it, each with its key; those that cannot be carried out now are dim
//! and say why. Its frame keeps its size while one types.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::command::Command;
use crate::scope::palette::{Asked, Offer, offers};
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::rows::offset;
use crate::scope::text::{clip, width, wrap};
use crate::scope::theme::Role;
use crate::scope::ui::Reach;
use crate::scope::{Look, Scene};

/// Columns and lines that it takes where it may.
const SIZE: (u16, u16) = (96, 26);
/// Lines that tell more of the chosen command.
const MORE: u16 = 2;

/// Draws it over an area; says how far one can go in it.
pub fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) -> Reach {
    let look = scene.look;
    let offers = offers(&Asked::of(scene));
    let last = offers.len().saturating_sub(1);
    let chosen = scene.ui.entry.min(last);
    let (wide, high) = (SIZE.0.min(area.width.saturating_sub(2)), SIZE.1.min(area.height));
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 3, width: wide, height: high };
    targets.cover();
    targets.add(area, Command::Back);
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    let note = if offers.is_empty() { String::new() } else { format!("{}/{}", chosen + 1, offers.len()) };
    let inner = frame_lit(buf, at, look, &look.text("palette.title"), &note, Some(Role::Accent));
    let body = Rect { y: inner.y + 2, height: inner.height.saturating_sub(3 + MORE), ..inner };
    let mut pen = Pen::new(buf, inner);
    let x = pen.text(inner.x + 1, inner.y, ":", look.style(Role::Accent)) + 1;
    let x = pen.text(x, inner.y, scene.ui.line.text(), look.style(Role::Strong));
    pen.put(x, inner.y, '▏', look.style(Role::Accent));
    if scene.ui.line.text().is_empty() {
        pen.text(x + 1, inner.y, &look.text("palette.hint"), look.style(Role::Dim));
    }
    for y in [inner.y + 1, body.bottom()] {
        pen.fill(Rect { y, height: 1, ..inner }, '─', look.style(Role::Border));
    }
    let page = usize::from(body.height);
    let from = offset(Some(chosen), offers.len(), page);
    for (n, offer) in offers.iter().enumerate().skip(from).take(page) {
        let line = Rect { y: body.y + (n - from) as u16, height: 1, ..body };
        if let Ok(n) = u8::try_from(n) {
            targets.add(line, Command::Pick(n));
        }
        entry(&mut pen, offer, n == chosen, line, look);
    }
    let more = Rect { y: body.bottom() + 1, height: MORE, ..inner };
    match offers.get(chosen) {
        None => drop(pen.text(inner.x + 3, body.y, &look.text("palette.none"), look.style(Role::Dim))),
        Some(offer) => {
            let (text, role) = match &offer.why_not {
                Some(why) => (format!("✗ {why}"), Role::Warn),
                None => (offer.help.clone(), Role::Text),
            };
            for (n, runs) in wrap(&text, usize::from(more.width.saturating_sub(4))).iter().take(usize::from(MORE)).enumerate() {
                let text: String = runs.iter().map(|run| run.text.as_str()).collect();
                pen.text(more.x + 3, more.y + n as u16, &text, look.style(role));
            }
        }
    }
    Reach { last, page }
}

/// One command: label, how it is written, whether it is on, its key.
fn entry(pen: &mut Pen<'_>, offer: &Offer, chosen: bool, line: Rect, look: Look<'_>) {
    if chosen {
        pen.fill(line, ' ', look.style(Role::Chosen));
    }
    let over = |role: Role| if chosen { look.style(Role::Chosen) } else { look.style(role) };
    let (label, id) = if offer.why_not.is_some() { (Role::Dim, Role::Faint) } else { (Role::Text, Role::Dim) };
    pen.text(line.x + 1, line.y, if chosen { "▸" } else { " " }, over(Role::Accent));
    let mut end = line.right().saturating_sub(1);
    if let Some(key) = offer.key {
        end = pen.text_right(end, line.y, &format!(" {} ", look.sign(key)), look.style(Role::Key)).saturating_sub(1);
    }
    // Keys stand in one column, so that what is on does, too.
    end = end.min(line.right().saturating_sub(10));
    let state = match (&offer.why_not, offer.on) {
        (Some(_), _) => Some(("✗ ".to_owned() + &look.text("palette.not_now"), Role::Dim)),
        (None, Some(true)) => Some(("● ".to_owned() + &look.text("menu.on"), Role::Good)),
        (None, Some(false)) => Some(("○ ".to_owned() + &look.text("menu.off"), Role::Dim)),
        (None, None) => None,
    };
    if let Some((text, role)) = state {
        let style = if chosen { look.style(Role::Chosen).patch(look.style(role)) } else { look.style(role) };
        end = pen.text_right(end, line.y, &text, style).saturating_sub(2);
    }
    // Names stand in a column of their own where there is room for one.
    let names = (line.width * 2 / 5).max(20);
    let x = line.x + 3;
    let label_end = end.min(x + names);
    let shown = clip(&offer.label, usize::from(label_end.saturating_sub(x)));
    let mut at = x;
    for (n, c) in shown.chars().enumerate() {
        let mut style = over(label);
        if offer.places.contains(&n) {
            style = if chosen { style.add_modifier(Modifier::UNDERLINED) } else { look.style(Role::Accent).add_modifier(Modifier::BOLD) };
        }
        at = pen.text_until(at, line.y, label_end, c.encode_utf8(&mut [0; 4]), style);
    }
    let from = x + names + 1;
    if usize::from(end.saturating_sub(from)) >= width(&offer.id).min(8) {
        pen.text_until(from, line.y, end, &clip(&offer.id, usize::from(end.saturating_sub(from))), over(id));
    }
}
