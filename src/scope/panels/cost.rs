//! What watching costs, in a corner over whatever screen is shown: each figure, and where there is room how it is known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::units::{bytes, count};
use crate::command::Command;
use crate::scope::pen::{Pen, Targets, frame_lit};
use crate::scope::text::width;
use crate::scope::theme::Role;
use crate::scope::{Cost, Look};

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// Its value, with its unit.
    pub value: String,
    /// How it is known.
    pub about: String,
}

/// Columns of a value: the longest that there is, so that the box does not move when figures do.
const VALUE: u16 = 34;

/// The figures, from the loop to the screen.
pub fn shape(cost: &Cost, look: Look<'_>) -> Vec<Row> {
    let share = |share: f64| format!("{:.*} %", if share < 0.000_995 { 2 } else { 1 }, share * 100.0);
    let fill = |key: &str, values: &[(&str, String)]| {
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        look.fill(key, &values)
    };
    let events = count(cost.events as f64);
    let an_event = |(nanos, of_a_core): (f64, f64)| fill("cost.an_event", &[("ns", format!("{nanos:.1}")), ("share", share(of_a_core))]);
    let probe = cost.probe.map(|nanos| an_event((nanos, nanos * cost.own.event_rate / 1e9)));
    let frame = cost.frame.map(|(median, worst)| fill("cost.frame_value", &[("median", median.to_string()), ("worst", worst.to_string())]));
    let history = cost.history.map(|(size, events, span)| {
        fill("cost.history_value", &[("size", bytes(size as u64)), ("events", count(events as f64)), ("span", span.to_string())])
    });
    let rows = [
        (
            "cost.events",
            "cost.events_about",
            Some(fill("cost.events_value", &[("rate", count(cost.own.event_rate)), ("n", events.clone())])),
        ),
        ("cost.lost", "cost.lost_about", Some(fill("cost.lost_value", &[("lost", count(cost.lost as f64)), ("n", events)]))),
        ("cost.probe", "cost.probe_about", probe),
        ("cost.fold", "cost.fold_about", cost.fold.map(an_event)),
        ("cost.frame", "cost.frame_about", frame),
        (
            "cost.cpu",
            "cost.cpu_about",
            Some(fill("cost.cpu_value", &[("share", share(cost.own.cpu)), ("spent", format!("{:.2}", cost.spent.as_secs()))])),
        ),
        ("cost.memory", "cost.memory_about", Some(bytes(u64::from(cost.own.resident) * 1024))),
        ("cost.history", "cost.history_about", history),
    ];
    let pid = cost.pid.to_string();
    let row = |(name, about, value): (&str, &str, Option<String>)| Row {
        label: look.text(name).into_owned(),
        value: value.unwrap_or_else(|| look.text("cost.unmeasured").into_owned()),
        about: look.fill(about, &[("pid", &pid)]),
    };
    rows.map(row).into()
}

/// Draws it into the lower right corner of an area. A click into it puts it away.
pub fn draw(rows: &[Row], look: Look<'_>, area: Rect, buf: &mut Buffer, targets: &mut Targets) {
    let widest = |of: fn(&Row) -> &str| rows.iter().map(|row| width(of(row)) as u16).max().unwrap_or(0);
    let (label, value) = (widest(|row| &row.label), widest(|row| &row.value).max(VALUE));
    let least = label + value + 6;
    let all = least + widest(|row| &row.about) + 2;
    let wide = if all <= area.width { all } else { least.min(area.width) };
    let high = (rows.len() as u16 + 2).min(area.height);
    let at = Rect { x: area.right() - wide, y: area.bottom() - high, width: wide, height: high };
    Pen::new(buf, at).fill(at, ' ', look.theme.ground().patch(look.style(Role::Text)));
    targets.add(at, Command::OwnCost);
    let note = look.keyed("cost.note");
    let inner = frame_lit(buf, at, look, &look.text("cost.title"), &note, Some(Role::Accent));
    let mut pen = Pen::new(buf, inner);
    for (y, row) in (inner.y..inner.bottom()).zip(rows) {
        pen.text(inner.x + 1, y, &row.label, look.style(Role::Title));
        pen.text(inner.x + label + 3, y, &row.value, look.style(Role::Strong));
        if wide == all {
            pen.text(inner.x + label + value + 5, y, &row.about, look.style(Role::Dim));
        }
    }
}
