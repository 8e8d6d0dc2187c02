//! What the selectors do, apart from what they cost: who is told again of bytes that nobody reads, who never hears of the rest, which
//! loop turns without end, and where select ends.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::lang::Lang;
use crate::base::units::count;
use crate::scope::Look;
use crate::scope::panels::selectors::{CHINESE, ENGLISH};
use crate::scope::pen::Pen;
use crate::scope::text::{clip, width};
use crate::scope::theme::Role;
use crate::selectors::facts::{Facts, Interest, Reader};
use crate::selectors::{SELECTORS, Selector};

/// One line: what is looked at, or one way to do it and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What is looked at.
    Heading(String),
    /// A way to do it.
    Way(Way),
    /// Air.
    Blank,
}

/// One way to do something, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// What is done.
    pub how: String,
    /// The same where no heading says what it is about.
    pub short: String,
    /// A picture of what came of it: a mark for each call, or a bar; shown where there is room.
    pub picture: String,
    /// What came of it, in a word or a figure.
    pub told: String,
    /// The rest of the sentence, where there is room.
    pub more: String,
    /// Whether one does not want it.
    pub trouble: bool,
}

/// One experiment: what it is about, its ways, and how many of them tell most.
struct Group {
    heading: String,
    ways: Vec<Way>,
    first: usize,
}

/// The facts as lines, at most so many; with a heading for each experiment where there is room, else what differs most.
pub fn shape(facts: &Facts, look: Look<'_>, most: u16) -> Vec<Line> {
    let groups = [unread(facts, look), partial(facts, look), writable(facts, look), wall(facts, look)];
    let most = usize::from(most);
    let all: usize = groups.iter().map(|group| group.ways.len() + 1).sum();
    if all <= most {
        let air = all + groups.len() - 1 <= most;
        let mut lines = Vec::new();
        for group in groups {
            if air && !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Heading(group.heading));
            lines.extend(group.ways.into_iter().map(Line::Way));
        }
        return lines;
    }
    let (mut lines, mut rest) = (Vec::new(), Vec::new());
    for group in groups {
        for (n, way) in group.ways.into_iter().enumerate() {
            let way = Line::Way(Way { how: way.short.clone(), ..way });
            if n < group.first { lines.push(way) } else { rest.push(way) }
        }
    }
    lines.extend(rest);
    lines.truncate(most);
    lines
}

fn unread(facts: &Facts, look: Look<'_>) -> Group {
    let words = match look.lang {
        Lang::En => &ENGLISH,
        Lang::Zh => &CHINESE,
    };
    let short = |selector: Selector| match selector {
        Selector::EpollLevel => look.text("facts.unread_level").into_owned(),
        Selector::EpollEdge => look.text("facts.unread_edge").into_owned(),
        Selector::Poll | Selector::Select => look.fill("facts.unread_by", &[("name", selector.row().call)]),
    };
    let calls = facts.unread.first().map_or(0, |unread| unread.calls).to_string();
    let ways = facts.unread.iter().map(|unread| Way {
        how: SELECTORS.iter().position(|row| row.selector == unread.selector).map_or_else(String::new, |at| words.selectors[at].to_owned()),
        short: short(unread.selector),
        picture: (0..unread.calls).map(|n| if Some(n) < unread.reports { '●' } else { '○' }).collect(),
        told: match unread.reports {
            Some(reports) => format!("{reports}/{}", unread.calls),
            None => look.text("facts.not_possible").into_owned(),
        },
        more: String::new(),
        trouble: false,
    });
    Group { heading: look.fill("facts.unread", &[("n", &calls)]), ways: ways.collect(), first: 2 }
}

fn partial(facts: &Facts, look: Look<'_>) -> Group {
    let first = facts.partial.first();
    let (sent, once) = (first.map_or(0, |partial| partial.sent).to_string(), first.map_or(0, |partial| partial.read).to_string());
    let ways = facts.partial.iter().map(|partial| {
        let how = match partial.reader {
            Reader::EdgeOnce => "facts.edge_once",
            Reader::EdgeUntilEmpty => "facts.edge_until",
            Reader::LevelOnce => "facts.level_once",
        };
        let filled = (partial.read * 5).div_ceil(partial.sent.max(1)).min(5);
        let figures = [("left", &*partial.left.to_string()), ("wakeups", &*partial.wakeups.to_string())];
        Way {
            how: look.text(how).into_owned(),
            short: look.text(how).into_owned(),
            picture: (0..5).map(|n| if n < filled { '▮' } else { '▯' }).collect(),
            told: look.text(if partial.answered { "facts.answered" } else { "facts.hangs" }).into_owned(),
            more: look.fill(if partial.answered { "facts.woken" } else { "facts.left" }, &figures),
            trouble: !partial.answered,
        }
    });
    let heading = look.fill("facts.partial", &[("sent", &sent), ("once", &once)]);
    Group { heading, ways: ways.collect(), first: 1 }
}

fn writable(facts: &Facts, look: Look<'_>) -> Group {
    let window = facts.writable.first().map(|writable| writable.window.to_string()).unwrap_or_default();
    let ways = facts.writable.iter().map(|writable| {
        let (how, short) = match writable.interest {
            Interest::LevelLeftOn => ("facts.level_on", "facts.short_on"),
            Interest::LevelSwitchedOff => ("facts.level_off", "facts.short_off"),
            Interest::EdgeLeftOn => ("facts.edge_on", "facts.short_edge"),
        };
        // A mark for each factor of ten.
        let tens = (writable.calls.max(1) as f64).log10().round() as usize;
        Way {
            how: look.text(how).into_owned(),
            short: look.text(short).into_owned(),
            picture: "▮".repeat(tens.clamp(1, 5)),
            told: count(writable.calls as f64),
            more: look.text("facts.wakes").into_owned(),
            trouble: writable.interest == Interest::LevelLeftOn,
        }
    });
    Group { heading: look.fill("facts.writable", &[("window", &window)]), ways: ways.collect(), first: 2 }
}

fn wall(facts: &Facts, look: Look<'_>) -> Group {
    let refused = facts.wall.refusal.is_some();
    let descriptor = facts.wall.descriptor.to_string();
    let way = Way {
        how: look.fill("facts.wall_how", &[("n", &descriptor)]),
        short: look.fill("facts.short_wall", &[("n", &descriptor)]),
        picture: if refused { "×".into() } else { String::new() },
        told: look.text(if refused { "facts.refused" } else { "facts.no_such" }).into_owned(),
        more: String::new(),
        trouble: refused,
    };
    Group { heading: look.text("facts.wall").into_owned(), ways: vec![way], first: 1 }
}

/// The facts, ready to be drawn.
pub struct Panel<'a> {
    /// What.
    pub lines: &'a [Line],
    /// How.
    pub look: Look<'a>,
}

impl Widget for &Panel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, area);
        let (area, look) = (pen.area, self.look);
        let ways = || {
            self.lines.iter().filter_map(|line| match line {
                Line::Way(way) => Some(way),
                Line::Heading(_) | Line::Blank => None,
            })
        };
        let widest = |of: fn(&Way) -> &str| ways().map(|way| width(of(way))).max().unwrap_or(0) as u16;
        let (names, pictures, told) = (widest(|way| &way.how), widest(|way| &way.picture), widest(|way| &way.told));
        let pictures = if area.width >= names + pictures + told + 4 { pictures + 2 } else { 0 };
        let after = area.x + (names + 2).min(area.width.saturating_sub(pictures + told));
        for (line, y) in self.lines.iter().zip(area.top()..area.bottom()) {
            match line {
                Line::Blank => {}
                Line::Heading(text) => {
                    pen.text(area.x, y, &clip(text, usize::from(area.width)), look.style(Role::Title));
                }
                Line::Way(way) => {
                    let role = if way.trouble { Role::Alarm } else { Role::Good };
                    pen.text_until(
                        area.x,
                        y,
                        after,
                        &clip(&way.how, usize::from(after.saturating_sub(area.x + 1))),
                        look.style(Role::Text),
                    );
                    if pictures > 0 {
                        pen.text(after, y, &way.picture, look.style(role));
                    }
                    let role_of_told = if way.trouble { Role::Alarm } else { Role::Strong };
                    pen.text(after + pictures, y, &way.told, look.style(role_of_told));
                    let more = after + pictures + told + 1;
                    if more + width(&way.more) as u16 <= area.right() {
                        pen.text(more, y, &way.more, look.style(Role::Dim));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::keymap::Keymap;
    use crate::scope::{Theme, Tier};
    use crate::selectors::testing::facts;

    #[test]
    fn with_little_room_what_differs_most_is_told_and_with_more_all_of_it() {
        let look = Look { theme: &Theme::dark(Tier::Mono), lang: Lang::En, keys: &Keymap::default() };
        let shown = |most| shape(&facts(), look, most);
        let told = |line: &Line| match line {
            Line::Way(way) => format!("{} {}", way.short, way.told),
            Line::Heading(_) | Line::Blank => String::new(),
        };
        let few: Vec<String> = shown(6).iter().map(told).collect();
        assert_eq!(
            few,
            [
                "unread: level 5/5",
                "unread: edge 1/5",
                "edge, one read hangs",
                "EPOLLOUT left on 212 k",
                "EPOLLOUT off 2",
                "select on 1024 refused"
            ]
        );
        let ways = |lines: &[Line]| lines.iter().filter(|line| matches!(line, Line::Way(_))).count();
        assert_eq!((shown(0).len(), ways(&shown(14)), ways(&shown(15)), shown(15).len(), shown(60).len()), (0, 11, 11, 15, 18));
        let trouble = |line: &&Line| matches!(line, Line::Way(way) if way.trouble);
        assert_eq!(shown(60).iter().filter(trouble).count(), 3, "what hangs, what spins, what is refused");
    }
}
