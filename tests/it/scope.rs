//! Whole frames, as text and as pictures to look at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::base::units::Nanos;
use crate::command::table::Menu;
use crate::scenario::catalogue::BUILT_IN;
use crate::scope::ui::Open;
use crate::world::testing::Story;

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

fn scenario(name: &str) -> Scenario {
    BUILT_IN.iter().map(|e| e.scenario().unwrap()).find(|s| s.id.contains(name)).unwrap()
}

fn frame(state: &State, size: (u16, u16), theme: &Theme, lang: Lang) -> Buffer {
    let lessons: Vec<_> = BUILT_IN.iter().map(|e| e.scenario().unwrap()).collect();
    let world = &state.world;
    let mut eye = Eye::default();
    eye.look(world);
    let addresses = vec![Some("127.0.0.1:7070".parse().unwrap()); world.specimens.len()];
    let look = Look { theme, lang };
    let scene = Scene { world, scenario: &state.scenario, lessons: &lessons, ui: &state.ui, eye: &eye, look, addresses: &addresses };
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&scene, &mut buf);
    buf
}

struct State {
    name: &'static str,
    world: World,
    ui: Ui,
    scenario: Scenario,
}

/// The states that a picture is taken of.
fn states() -> Vec<State> {
    let one = || Story::new(&["naive"]).calm(Nanos::secs(12));
    let three = || Story::new(&["naive", "pool", "sliced"]).calm(Nanos::secs(11));
    let computing = scenario("computing");
    let base = Ui { screen: Screen::Scope, ..Ui::default().for_lesson(&computing) };
    let at = |step: usize| Ui { step, ..base.clone() };
    let state = |name, world, ui, scenario: &Scenario| State { name, world, ui, scenario: scenario.clone() };
    let healthy = scenario("healthy");
    vec![
        state("start", one().world(), Ui { screen: Screen::Start, ..base.clone() }, &healthy),
        state("calm", one().world(), at(0), &computing),
        state("stalled", one().hang(Nanos::millis(612)).world(), at(1), &computing),
        state("after", one().stall(Nanos::millis(812)).calm(Nanos::millis(2300)).world(), Ui { answers: vec![None, Some(0), None], ..at(1) }, &computing),
        state("dead", one().panic().calm(Nanos::millis(1700)).world(), at(2), &computing),
        state("three", three().stall(Nanos::millis(800)).calm(Nanos::millis(1500)).world(), at(2), &computing),
        state("unseen", World::new(&Story::new(&["naive"]).setup()), at(0), &computing),
        state("faults", one().world(), Ui { open: Open::Menu(Menu::Faults), ..at(0) }, &computing),
        state("mitigations", three().world(), Ui { open: Open::Menu(Menu::Mitigations), chosen: 1, ..at(0) }, &computing),
        state("help", one().world(), Ui { open: Open::Help, ..at(0) }, &computing),
        state("frozen", one().world(), Ui { frozen: true, ..at(0) }, &computing),
    ]
}

/// Writes every picture into the directory that LOOK names, for eyes.
#[test]
fn pictures() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    let only = std::env::var("ONLY").unwrap_or_default();
    for state in states() {
        for size in [(60, 18), (80, 24), (120, 36), (200, 60), (300, 80)] {
            for (tier_name, tier) in [("true", Tier::True), ("256", Tier::Indexed), ("16", Tier::Basic), ("mono", Tier::Mono)] {
                for lang in [Lang::En, Lang::Zh] {
                    let file = format!("{}-{}x{}-{tier_name}-{lang}", state.name, size.0, size.1);
                    if only.split(',').any(|o| file.contains(o)) {
                        let buf = frame(&state, size, &Theme::dark(tier), lang);
                        std::fs::write(format!("{dir}/{file}.ans"), ansi(&buf)).unwrap();
                    }
                }
            }
        }
    }
}
