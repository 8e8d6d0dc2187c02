//! Whole frames, as text and as pictures to look at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::base::units::Nanos;
use crate::telemetry::vocabulary::Mitigation;

/// A buffer as a terminal would be told to show it.
fn ansi(buf: &Buffer) -> String {
    let colour = |c: Color, ground: u32| match c {
        Color::Reset => format!("{}", ground + 9),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", ground + 8),
        Color::Indexed(n) => format!("{};5;{n}", ground + 8),
        named => {
            let names = [
                Color::Black, Color::Red, Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::Cyan, Color::Gray,
                Color::DarkGray, Color::LightRed, Color::LightGreen, Color::LightYellow, Color::LightBlue, Color::LightMagenta,
                Color::LightCyan, Color::White,
            ];
            let n = names.iter().position(|c| *c == named).unwrap() as u32;
            if n < 8 { format!("{}", ground + n) } else { format!("{}", ground + 60 + n - 8) }
        }
    };
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut skip = 0;
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let cell = &buf[(x, y)];
            skip = text::width(cell.symbol()).saturating_sub(1);
            let mut codes = vec!["0".to_owned(), colour(cell.fg, 30), colour(cell.bg, 40)];
            for (modifier, code) in
                [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::ITALIC, "3"), (Modifier::UNDERLINED, "4"), (Modifier::REVERSED, "7")]
            {
                if cell.modifier.contains(modifier) {
                    codes.push(code.into());
                }
            }
            out.push_str(&format!("\x1b[{}m{}", codes.join(";"), cell.symbol()));
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

fn frame(world: &World, ui: &Ui, size: (u16, u16), theme: &Theme, lang: Lang) -> Buffer {
    let scenario = samples::scenario();
    let lessons = [scenario.clone()];
    let mut eye = Eye::default();
    eye.look(world);
    let addresses = vec![Some("127.0.0.1:7070".parse().unwrap()); world.specimens.len()];
    let look = Look { theme, lang };
    let scene = Scene { world, scenario: &scenario, lessons: &lessons, ui, eye: &eye, look, addresses: &addresses };
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&scene, &mut buf);
    buf
}

/// The states that a picture is taken of.
fn states() -> Vec<(&'static str, World, Ui)> {
    let now = Nanos::millis(25_300);
    let ui = Ui { screen: Screen::Scope, answers: vec![None; 3], done: vec![false; 3], ..Ui::default() };
    let calm = samples::world(&["naive"], now);
    let mut stalled = calm.clone();
    samples::stall(&mut stalled.specimens[0], now, Nanos::millis(612), None);
    let mut after = calm.clone();
    samples::stall(&mut after.specimens[0], now, Nanos::millis(812), Some(Nanos::millis(2_300)));
    let mut dead = calm.clone();
    samples::kill(&mut dead.specimens[0], now, Nanos::millis(1_700));
    let mut three = samples::world(&["naive", "pool", "sliced"], now);
    samples::stall(&mut three.specimens[0], now, Nanos::millis(612), None);
    three.specimens[1].mitigations[Mitigation::WorkerPool as usize] = true;
    three.specimens[2].mitigations[Mitigation::Slicing as usize] = true;
    let unseen = World { specimens: vec![samples::unseen(0, "naive")], now: Nanos::ZERO, ..calm.clone() };
    vec![
        ("calm", calm, ui.clone()),
        ("stalled", stalled, Ui { step: 1, ..ui.clone() }),
        ("after", after, Ui { step: 1, answers: vec![None, Some(0), None], ..ui.clone() }),
        ("dead", dead, Ui { step: 2, ..ui.clone() }),
        ("three", three, Ui { step: 2, ..ui.clone() }),
        ("unseen", unseen, ui),
    ]
}

/// Writes every picture into the directory that LOOK names, for eyes.
#[test]
fn pictures() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, world, ui) in states() {
        for size in [(60, 18), (80, 24), (120, 36), (200, 60), (300, 80)] {
            for (tier_name, tier) in [("true", Tier::True), ("256", Tier::Indexed), ("16", Tier::Basic), ("mono", Tier::Mono)] {
                for lang in [Lang::En, Lang::Zh] {
                    let file = format!("{name}-{}x{}-{tier_name}-{lang}", size.0, size.1);
                    if only.split(',').any(|o| file.contains(o)) {
                        let buf = frame(&world, &ui, size, &Theme::dark(tier), lang);
                        std::fs::write(format!("{dir}/{file}.ans"), ansi(&buf)).unwrap();
                    }
                }
            }
        }
    }
}
