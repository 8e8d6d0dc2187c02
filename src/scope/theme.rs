//! Colour is a role and a palette: panels name roles, a theme file says what a role looks like, a tier what the terminal can do.
//!
//! A role has a colour (24 bit, from which the nearest of the 256 is found), a name among the 16, and modifiers for a terminal
//! without colours. Nothing is said by colour alone: every state that a colour shows is also a glyph or a word.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// How much colour the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tier {
    /// 24 bit.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 that the user has chosen.
    Basic,
    /// None: bold, dim, reverse and underline (`NO_COLOR`).
    Mono,
}

impl Tier {
    /// What an environment allows, given as a look-up: `NO_COLOR` first, then `COLORTERM`, then `TERM`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|v| !v.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt") {
            Self::Mono
        } else if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256") {
            Self::Indexed
        } else {
            Self::Basic
        }
    }
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What something is, as far as its looks are concerned.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        pub enum Role { $($(#[$doc])* $name,)+ }
        impl Role {
            /// Every role.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

roles! {
    /// Ordinary text.
    Text,
    /// A figure or a word that matters.
    Strong,
    /// Labels and explanations.
    Dim,
    /// What is hardly there: tracks, axes, empty states.
    Faint,
    /// Frames of panels.
    Border,
    /// Titles of panels.
    Title,
    /// loopscope's own colour.
    Accent,
    /// The loop waits in `epoll_wait`.
    Poll,
    /// The loop runs callbacks of ready connections.
    Dispatch,
    /// The loop runs timers.
    Timers,
    /// The loop runs tasks.
    Tasks,
    /// The loop carries out orders.
    Control,
    /// The hand of the wheel.
    Hand,
    /// Workers off the loop.
    Worker,
    /// Requests under way.
    Waiting,
    /// All is well.
    Good,
    /// Look here.
    Warn,
    /// This is wrong.
    Alarm,
    /// A stall, when it begins.
    BurnYoung,
    /// A stall, when it has lasted.
    BurnOld,
    /// Text upon a burning block.
    OnBurn,
    /// The line that announces a stall.
    BannerStall,
    /// The line that announces a death.
    BannerDead,
    /// The line of a finding.
    BannerFinding,
    /// The line that says that the picture is held.
    BannerFrozen,
    /// A key to press.
    Key,
    /// What a key does.
    KeyLabel,
    /// The chosen entry of a list.
    Chosen,
    /// Words of the programming language.
    CodeKeyword,
    /// Comments.
    CodeComment,
    /// Literals.
    CodeLiteral,
    /// Names of functions and macros.
    CodeCall,
    /// The line that runs.
    CodeRunning,
}

/// Where in the table of styles a role is.
const fn at(role: Role) -> usize {
    role as usize
}

/// What a theme file says of one role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    fg: Option<String>,
    bg: Option<String>,
    /// Names among the 16, `red` or `light-red`.
    fg16: Option<String>,
    bg16: Option<String>,
    bold: bool,
    italic: bool,
    /// What stands for it without colours: letters of `b` bold, `d` dim, `u` underlined, `r` reversed.
    mono: String,
}

/// A theme file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The screen's own ground; the 16 colours and mono keep the terminal's.
    ground: String,
    /// Stops of the shades from nothing to all, for shares.
    shades: Vec<String>,
    roles: BTreeMap<Role, Entry>,
}

/// Red, green, blue.
type Rgb = (u8, u8, u8);

/// A theme, resolved for one tier.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name, as `--theme` takes it.
    pub name: &'static str,
    /// How much colour it uses: as much as the terminal has, or none.
    pub tier: Tier,
    /// Whether only ASCII is drawn: see [`super::ascii`].
    pub ascii: bool,
    /// What the terminal can do.
    terminal: Tier,
    ground: Rgb,
    shades: Vec<Rgb>,
    rgb: Vec<Rgb>,
    styles: Vec<Style>,
}

/// The themes: name and file.
pub const THEMES: &[(&str, &str)] = &[
    ("dark", include_str!("../../assets/themes/dark.ron")),
    ("light", include_str!("../../assets/themes/light.ron")),
    ("high-contrast", include_str!("../../assets/themes/high-contrast.ron")),
    ("colour-blind", include_str!("../../assets/themes/colour-blind.ron")),
    (MONO, include_str!("../../assets/themes/mono.ron")),
];

/// The theme that uses no colour on any terminal.
const MONO: &str = "mono";

/// Glyphs of the shades from nothing to all, where colour cannot tell them apart.
const SHADE_GLYPHS: [&str; 5] = [" ", "░", "▒", "▓", "█"];

impl Theme {
    /// A theme by name for a terminal of this tier; `None` where there is no such theme.
    pub fn load(name: &str, tier: Tier) -> Option<Self> {
        let (name, text) = THEMES.iter().find(|(n, _)| *n == name)?;
        // A test reads every file of the table; a theme that cannot be read is not offered.
        Self::resolve(name, &read(text).ok()?, tier)
    }

    /// The theme that everybody gets who has asked for none.
    ///
    /// # Panics
    /// Never: a test reads the file that is compiled in.
    #[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
    pub fn dark(tier: Tier) -> Self {
        Self::load("dark", tier).expect("the dark theme")
    }

    /// The next theme of the table, on the same terminal.
    #[must_use]
    pub fn next(&self) -> Self {
        let here = THEMES.iter().position(|(n, _)| *n == self.name).unwrap_or(0);
        let next = Self::load(THEMES[(here + 1) % THEMES.len()].0, self.terminal);
        next.map_or_else(|| self.clone(), |next| next.in_ascii(self.ascii))
    }

    /// The same, drawn with ASCII only or with everything.
    #[must_use]
    pub fn in_ascii(mut self, ascii: bool) -> Self {
        self.ascii = ascii;
        self
    }

    fn resolve(name: &'static str, file: &File, tier: Tier) -> Option<Self> {
        let ground = rgb(&file.ground)?;
        let shades = file.shades.iter().map(|s| rgb(s)).collect::<Option<Vec<_>>>()?;
        let terminal = tier;
        let tier = if name == MONO { Tier::Mono } else { terminal };
        let mut theme = Self { name, tier, ascii: false, terminal, ground, shades, rgb: Vec::new(), styles: Vec::new() };
        for role in Role::ALL {
            let entry = file.roles.get(role)?;
            theme.rgb.push(entry.fg.as_deref().map_or(Some(ground), rgb)?);
            theme.styles.push(theme.style_of(entry)?);
        }
        Some(theme)
    }

    fn style_of(&self, entry: &Entry) -> Option<Style> {
        let mut style = Style::new();
        match self.tier {
            Tier::True | Tier::Indexed => {
                style.fg = match &entry.fg {
                    Some(hex) => Some(self.color(rgb(hex)?)),
                    None => None,
                };
                style.bg = match &entry.bg {
                    Some(hex) => Some(self.color(rgb(hex)?)),
                    None => None,
                };
            }
            Tier::Basic => {
                style.fg = match &entry.fg16 {
                    Some(name) => Some(name.parse().ok()?),
                    None => None,
                };
                style.bg = match &entry.bg16 {
                    Some(name) => Some(name.parse().ok()?),
                    None => None,
                };
            }
            Tier::Mono => {
                for letter in entry.mono.chars() {
                    style = style.add_modifier(match letter {
                        'b' => Modifier::BOLD,
                        'd' => Modifier::DIM,
                        'u' => Modifier::UNDERLINED,
                        'r' => Modifier::REVERSED,
                        _ => return None,
                    });
                }
                return Some(style);
            }
        }
        if entry.bold {
            style = style.add_modifier(Modifier::BOLD);
        }
        if entry.italic {
            style = style.add_modifier(Modifier::ITALIC);
        }
        Some(style)
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles[at(role)]
    }

    /// The style of the whole screen, before anything is drawn.
    pub fn ground(&self) -> Style {
        match self.tier {
            Tier::True | Tier::Indexed => Style::new().bg(self.color(self.ground)),
            Tier::Basic | Tier::Mono => Style::new(),
        }
    }

    /// Whether colours can be mixed.
    pub fn has_shades(&self) -> bool {
        matches!(self.tier, Tier::True | Tier::Indexed)
    }

    /// Whether two colours can stand in one cell, one above the other.
    pub fn has_halves(&self) -> bool {
        self.has_shades() && !self.ascii
    }

    /// A colour between two roles' foregrounds: the first at 0, the second at 1. Without shades the nearer of the two.
    pub fn between(&self, first: Role, second: Role, share: f64) -> Style {
        if self.has_shades() {
            self.style(first).fg(self.color(mix(self.rgb[at(first)], self.rgb[at(second)], share)))
        } else {
            self.style(if share < 0.5 { first } else { second })
        }
    }

    /// A role's foreground at this strength over the ground: at 0 invisible. Without shades dim, plain or bold.
    pub fn glow(&self, role: Role, strength: f64) -> Style {
        let style = self.style(role);
        match self.tier {
            Tier::True | Tier::Indexed => style.fg(self.color(mix(self.ground, self.rgb[at(role)], strength))),
            Tier::Basic | Tier::Mono if strength < 0.45 => style.remove_modifier(Modifier::BOLD).add_modifier(Modifier::DIM),
            Tier::Basic | Tier::Mono => style,
        }
    }

    /// The colour of a burning block of this age: it turns from young to old within a second.
    pub fn burn(&self, seconds: f64) -> Style {
        self.between(Role::BurnYoung, Role::BurnOld, seconds)
    }

    /// A share from 0 to 1 as a colour; `None` for nothing, or where only glyphs can tell (see [`Theme::shade_glyph`]).
    pub fn shade(&self, share: f64) -> Option<Color> {
        if !self.has_shades() || share <= 0.0 {
            return None;
        }
        let position = share.clamp(0.0, 1.0) * self.shades.len().saturating_sub(1) as f64;
        let low = (position as usize).min(self.shades.len().saturating_sub(2));
        let (a, b) = (self.shades.get(low)?, self.shades.get(low + 1).or(self.shades.get(low))?);
        Some(self.color(mix(*a, *b, position - low as f64)))
    }

    /// A share from 0 to 1 as a whole cell: a glyph, and the colour that goes with it where there are shades.
    pub fn shade_cell(&self, share: f64) -> (&'static str, Style) {
        let style = self.style(Role::Dispatch);
        (Self::shade_glyph(share), self.shade(share).map_or(style, |colour| style.fg(colour)))
    }

    /// A share from 0 to 1 as a glyph.
    pub fn shade_glyph(share: f64) -> &'static str {
        if share <= 0.0 { SHADE_GLYPHS[0] } else { SHADE_GLYPHS[1 + ((share.min(1.0) * 3.999) as usize).min(3)] }
    }

    fn color(&self, (r, g, b): Rgb) -> Color {
        match self.tier {
            Tier::True => Color::Rgb(r, g, b),
            _ => Color::Indexed(nearest((r, g, b))),
        }
    }
}

/// Reads a theme file. Colours need no `Some` around them.
fn read(text: &str) -> Result<File, ron::error::SpannedError> {
    ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME).from_str(text)
}

fn rgb(hex: &str) -> Option<Rgb> {
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    // Eight steps are enough for the eye, and cells that have not visibly changed are not sent again.
    let share = (share * 24.0).round() / 24.0;
    let part = |x: u8, y: u8| (f64::from(x) + (f64::from(y) - f64::from(x)) * share).round() as u8;
    (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

/// The nearest of the 240 fixed colours of the 256: the cube of six steps, or the ramp of greys.
fn nearest(wanted: Rgb) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |v: u8| (0..6).min_by_key(|&s| STEPS[s].abs_diff(v)).unwrap_or(0);
    let part = |p: u8, q: u8| u32::from(p.abs_diff(q)).pow(2);
    let distance = |found: Rgb| part(found.0, wanted.0) + part(found.1, wanted.1) + part(found.2, wanted.2);
    let (red, green, blue) = (step(wanted.0), step(wanted.1), step(wanted.2));
    let grey = ((u32::from(wanted.0) + u32::from(wanted.1) + u32::from(wanted.2)) / 3).saturating_sub(3) / 10;
    let grey = grey.min(23) as u8;
    let level = 8 + 10 * grey;
    if distance((level, level, level)) < distance((STEPS[red], STEPS[green], STEPS[blue])) {
        232 + grey
    } else {
        16 + (36 * red + 6 * green + blue) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_names_every_role_in_every_tier() {
        for (name, text) in THEMES {
            let file = read(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            for role in Role::ALL {
                assert!(file.roles.contains_key(role), "{name} has no {role:?}");
            }
            for tier in [Tier::True, Tier::Indexed, Tier::Basic, Tier::Mono] {
                assert!(Theme::load(name, tier).is_some(), "{name} in {tier:?}");
            }
        }
    }

    #[test]
    fn the_round_of_themes_passes_each() {
        let mut theme = Theme::dark(Tier::True);
        let mut seen = vec![theme.name];
        for _ in 1..THEMES.len() {
            theme = theme.next();
            seen.push(theme.name);
        }
        assert_eq!((seen, theme.next().name), (THEMES.iter().map(|t| t.0).collect(), "dark"));
    }

    /// What a colour weighs in light (WCAG 2.1, relative luminance).
    fn luminance(rgb: [f64; 3]) -> f64 {
        0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    }

    /// A colour in linear light.
    fn linear((r, g, b): Rgb) -> [f64; 3] {
        [r, g, b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// How much one stands out from the other (WCAG 2.1, contrast ratio): 1 for none, 21 for black on white.
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(linear(a)), luminance(linear(b)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The colours that a style has in 24 bit, where it has them.
    fn seen(colour: Option<Color>) -> Option<Rgb> {
        match colour {
            Some(Color::Rgb(r, g, b)) => Some((r, g, b)),
            _ => None,
        }
    }

    /// The colour of a number of the 256, as xterm has them.
    fn of_256(n: u8) -> Rgb {
        let step = |v: u8| [0, 95, 135, 175, 215, 255][usize::from(v)];
        match n {
            232.. => [8 + 10 * (n - 232); 3].into(),
            _ => (step((n - 16) / 36), step((n - 16) / 6 % 6), step((n - 16) % 6)),
        }
    }

    /// What is hardly there on purpose: axes and empty states must be seen, lines of frames need not be read.
    fn least(role: Role, theme: &str) -> f64 {
        match (role, theme) {
            (Role::Border, _) => 1.5,
            (_, "high-contrast") => 7.0,
            (Role::Faint, _) => 3.0,
            _ => 4.5,
        }
    }

    #[test]
    fn every_text_stands_out_from_its_ground() {
        for (name, _) in THEMES.iter().filter(|theme| theme.0 != MONO) {
            let theme = Theme::load(name, Tier::True).unwrap();
            let chosen = seen(theme.style(Role::Chosen).bg).unwrap();
            for role in Role::ALL.iter().copied().filter(|role| *role != Role::OnBurn) {
                let style = theme.style(role);
                let ground = seen(style.bg).unwrap_or(theme.ground);
                let ratio = contrast(seen(style.fg).unwrap(), ground);
                assert!(ratio >= least(role, name), "{name}: {role:?} has {ratio:.2}");
            }
            for role in [Role::Good, Role::Dim, Role::Warn] {
                let ratio = contrast(theme.rgb[at(role)], chosen);
                assert!(ratio >= 4.0, "{name}: {role:?} upon the chosen entry has {ratio:.2}");
            }
            for role in [Role::BurnYoung, Role::BurnOld] {
                let ratio = contrast(theme.rgb[at(Role::OnBurn)], theme.rgb[at(role)]);
                assert!(ratio >= 4.5, "{name}: text upon {role:?} has {ratio:.2}");
            }
            // The nearest of 256 is a little off.
            let indexed = Theme::load(name, Tier::Indexed).unwrap();
            for role in [Role::Text, Role::Strong, Role::Dim, Role::Good, Role::Warn, Role::Alarm, Role::KeyLabel, Role::BannerStall] {
                let style = indexed.style(role);
                let of = |colour| match colour {
                    Some(Color::Indexed(n)) => Some(of_256(n)),
                    _ => None,
                };
                let ground = of(style.bg).or(of(indexed.ground().bg)).unwrap();
                let ratio = contrast(of(style.fg).unwrap(), ground);
                assert!(ratio >= 4.0, "{name} in 256 colours: {role:?} has {ratio:.2}");
            }
        }
    }

    /// A colour as it is seen without cones for red (protanopia) or green (deuteranopia), in linear light: Machado, Oliveira and
    /// Fernandes, 2009, severity 1.
    const PROTAN: [[f64; 3]; 3] =
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
    const DEUTAN: [[f64; 3]; 3] =
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
    const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    /// How far apart two colours are for such eyes, in CIELAB (1976); 2 is just seen, 20 is not mixed up.
    #[expect(clippy::many_single_char_names, reason = "r, g, b and x, y, z are what they are called")]
    fn apart(a: Rgb, b: Rgb, eyes: &[[f64; 3]; 3]) -> f64 {
        let lab = |colour: Rgb| {
            let v = linear(colour);
            let [r, g, b] = [0, 1, 2].map(|n: usize| eyes[n].iter().zip(v).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0));
            let xyz = [
                (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47,
                luminance([r, g, b]),
                (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83,
            ];
            let [x, y, z] = xyz.map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        };
        lab(a).iter().zip(lab(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn states_stay_apart_for_eyes_that_do_not_tell_red_from_green() {
        let theme = Theme::load("colour-blind", Tier::True).unwrap();
        let banner = |role| seen(theme.style(role).bg).unwrap();
        let colour = |role| theme.rgb[at(role)];
        let groups: [Vec<(Role, Rgb)>; 4] = [
            [Role::Good, Role::Warn, Role::Alarm].map(|role| (role, colour(role))).to_vec(),
            [Role::Poll, Role::Dispatch, Role::Timers, Role::Tasks, Role::Control].map(|role| (role, colour(role))).to_vec(),
            [Role::Waiting, Role::Dispatch, Role::BurnOld].map(|role| (role, colour(role))).to_vec(),
            [Role::BannerStall, Role::BannerDead, Role::BannerFinding, Role::BannerFrozen].map(|role| (role, banner(role))).to_vec(),
        ];
        for (eyes, name) in [(&NORMAL, "all cones"), (&PROTAN, "protanopia"), (&DEUTAN, "deuteranopia")] {
            for group in &groups {
                for (n, (a, x)) in group.iter().enumerate() {
                    for (b, y) in &group[n + 1..] {
                        let apart = apart(*x, *y, eyes);
                        assert!(apart >= 20.0, "{name}: {a:?} and {b:?} are {apart:.0} apart");
                    }
                }
            }
        }
        // The measure itself: what such eyes mix up is near, what nobody does is far.
        assert!(apart((0xd0, 0x40, 0x20), (0x70, 0x78, 0x20), &DEUTAN) < apart((0xd0, 0x40, 0x20), (0x70, 0x78, 0x20), &NORMAL) / 2.0);
    }

    #[test]
    fn mono_has_no_colour_on_any_terminal_and_the_round_goes_on_in_colour() {
        let theme = Theme::load(MONO, Tier::True).unwrap();
        for role in Role::ALL {
            assert_eq!((theme.style(*role).fg, theme.style(*role).bg), (None, None), "{role:?}");
        }
        assert_eq!((theme.ground(), theme.shade(0.5)), (Style::new(), None));
        assert_eq!(theme.in_ascii(true).next().tier, Tier::True);
    }

    #[test]
    fn without_colour_there_is_none() {
        for (name, _) in THEMES {
            let theme = Theme::load(name, Tier::Mono).unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
            }
            assert_eq!((theme.shade(0.7), theme.burn(1.0).fg, theme.glow(Role::Dispatch, 0.7).fg), (None, None, None));
        }
    }

    #[test]
    fn the_environment_decides_the_tier() {
        let env = |pairs: &'static [(&str, &str)]| {
            Tier::of_environment(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(env(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Tier::Mono);
        assert_eq!(env(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Tier::True);
        assert_eq!(env(&[("TERM", "xterm-256color")]), Tier::Indexed);
        assert_eq!(env(&[("TERM", "linux")]), Tier::Basic);
        assert_eq!(env(&[("TERM", "dumb")]), Tier::Mono);
    }

    #[test]
    fn the_nearest_of_the_256_is_itself_where_it_is_one() {
        assert_eq!([nearest((0, 0, 0)), nearest((255, 255, 255)), nearest((255, 0, 0)), nearest((8, 8, 8))], [16, 231, 196, 232]);
    }

    #[test]
    fn shades_rise() {
        assert_eq!([0.0, 0.01, 0.3, 0.6, 1.0, 7.0].map(Theme::shade_glyph), [" ", "░", "▒", "▓", "█", "█"]);
    }
}
