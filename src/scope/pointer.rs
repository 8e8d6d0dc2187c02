//! What the pointer means: clicks, the wheel, and dragging the timeline. It only produces commands.
//!
//! Knows where things were drawn last, and nothing of the terminal.

use ratatui::layout::Rect;

use super::Screen;
use super::panels::selectors::Axis;
use super::pen::Targets;
use super::ui::{Open, Ui};
use crate::base::units::Nanos;
use crate::command::Command;
use crate::world::trace::Grid;

/// Lines of text that go by with each step of the wheel.
const LINES: usize = 3;

/// What the pointer did, at a column and a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The left button was pressed.
    Press,
    /// It was moved with the button held.
    Drag,
    /// The button was let go.
    Release,
    /// The wheel was turned away from the person.
    WheelUp,
    /// The wheel was turned towards the person.
    WheelDown,
}

/// Where the timeline was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plot {
    /// The cells that show moments.
    pub area: Rect,
    /// Which moments those are.
    pub grid: Grid,
    /// The line that shows all that is kept, where there is one.
    pub overview: Rect,
    /// From when to when that is.
    pub kept: (Nanos, Nanos),
}

impl Plot {
    /// The moment under a cell of the timeline.
    pub fn moment(&self, x: u16, y: u16) -> Option<Nanos> {
        self.area.contains((x, y).into()).then(|| self.grid.start(usize::from(x - self.area.x)))
    }

    /// The moment under a cell of the line that shows all.
    fn far_moment(&self, x: u16, y: u16) -> Option<Nanos> {
        let (from, to) = self.kept;
        let share = f64::from(x.checked_sub(self.overview.x)?) / f64::from(self.overview.width.max(1));
        self.overview.contains((x, y).into()).then(|| from + Nanos((to.since(from).0 as f64 * share) as u64))
    }
}

/// The timeline is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drag {
    /// The column at which it is held.
    at: u16,
    /// The moment at which it was taken.
    moment: Nanos,
    /// Whether it has been moved since.
    moved: bool,
}

impl Ui {
    /// What this means, where the picture was drawn last: a command, and how often it is to be carried out.
    pub fn point(&mut self, act: Act, x: u16, y: u16, targets: &Targets) -> Option<(Command, usize)> {
        let command = self.pointed(act, x, y, targets)?;
        // A page of text goes by in steps of some lines, a list entry by entry.
        let text = self.open == Open::Help && matches!(act, Act::WheelUp | Act::WheelDown);
        Some((command, if text { LINES } else { 1 }))
    }

    fn pointed(&mut self, act: Act, x: u16, y: u16, targets: &Targets) -> Option<Command> {
        if self.screen == Screen::Selectors && self.open == Open::Nothing {
            return self.pointed_at_sizes(act, x, y, targets);
        }
        let plot = self.plot.filter(|_| self.open == Open::Nothing);
        if self.screen == Screen::Compare
            && let Some(plot) = plot
        {
            return self.pointed_at_lanes(act, x, y, targets, &plot);
        }
        let plot = plot.filter(|_| self.screen == Screen::Timeline);
        let moment = plot.and_then(|plot| plot.moment(x, y));
        match act {
            Act::Press => {
                self.drag = moment.map(|moment| Drag { at: x, moment, moved: false });
                match (moment, plot.and_then(|plot| plot.far_moment(x, y))) {
                    (Some(_), _) => None,
                    (None, Some(far)) => Some(Command::Seek(far)),
                    (None, None) => targets.at(x, y).cloned(),
                }
            }
            Act::Drag => {
                let drag = self.drag.as_mut()?;
                let by = i32::from(drag.at) - i32::from(x);
                drag.at = x;
                drag.moved |= by != 0;
                (by != 0).then_some(Command::Pan(by))
            }
            // A click that moved nothing goes to where it was made.
            Act::Release => self.drag.take().filter(|drag| !drag.moved).map(|drag| Command::Seek(drag.moment)),
            Act::WheelUp | Act::WheelDown => {
                let up = act == Act::WheelUp;
                match moment {
                    Some(at) if up => Some(Command::ZoomInAt(at)),
                    Some(at) => Some(Command::ZoomOutAt(at)),
                    None if self.scrolls() => Some(if up { Command::Up } else { Command::Down }),
                    None => None,
                }
            }
        }
    }

    /// On lanes the pointer takes the moment along, in all of them at once; what stands upon them comes first.
    fn pointed_at_lanes(&mut self, act: Act, x: u16, y: u16, targets: &Targets, plot: &Plot) -> Option<Command> {
        let moment = plot.moment(x, y);
        match act {
            Act::Press => {
                let upon = targets.at(x, y).cloned();
                self.drag = moment.filter(|_| upon.is_none()).map(|moment| Drag { at: x, moment, moved: false });
                upon.or(moment.map(Command::Seek))
            }
            Act::Drag => self.drag.and(moment).map(Command::Seek),
            Act::Release => {
                self.drag = None;
                None
            }
            Act::WheelUp => Some(Command::Up),
            Act::WheelDown => Some(Command::Down),
        }
    }

    /// On the selectors' chart the pointer takes the number of idle descriptors along; the wheel goes rung by rung.
    fn pointed_at_sizes(&mut self, act: Act, x: u16, y: u16, targets: &Targets) -> Option<Command> {
        let size = self.axis.as_ref().and_then(|axis| Some(Command::Idle(u32::try_from(axis.size_at(x)?).ok()?)));
        match act {
            Act::Press => {
                // The labels below the axis are a part of it.
                let upon = |axis: &Axis| Rect { height: axis.area.height + 2, ..axis.area }.contains((x, y).into());
                self.grip = self.axis.as_ref().is_some_and(upon);
                if self.grip { size } else { targets.at(x, y).cloned() }
            }
            Act::Drag => size.filter(|_| self.grip),
            Act::Release => {
                self.grip = false;
                None
            }
            Act::WheelUp => Some(Command::MoreIdle),
            Act::WheelDown => Some(Command::FewerIdle),
        }
    }

    /// Whether there is something to scroll in: a list, a table, a page.
    fn scrolls(&self) -> bool {
        self.open != Open::Nothing || self.screen != Screen::Scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ui() -> Ui {
        let grid = Grid { from: Nanos::secs(10), cell: Nanos::millis(1), columns: 80 };
        let kept = (Nanos::ZERO, Nanos::secs(20));
        let plot = Plot { area: Rect::new(16, 5, 80, 10), grid, overview: Rect::new(16, 4, 80, 1), kept };
        Ui { screen: Screen::Timeline, plot: Some(plot), ..Ui::default() }
    }

    #[test]
    fn a_click_goes_to_its_moment_and_a_drag_pans() {
        let (mut ui, targets) = (ui(), Targets::default());
        let mut point = |act, x, y| ui.point(act, x, y, &targets).map(|(command, _)| command);
        assert_eq!(point(Act::Press, 26, 7), None);
        assert_eq!(point(Act::Release, 26, 7), Some(Command::Seek(Nanos::millis(10_010))));
        assert_eq!(point(Act::Press, 26, 7), None);
        assert_eq!(point(Act::Drag, 30, 0), Some(Command::Pan(-4)), "held, it may leave the area");
        assert_eq!(point(Act::Drag, 30, 9), None);
        assert_eq!(point(Act::Drag, 28, 9), Some(Command::Pan(2)));
        assert_eq!(point(Act::Release, 28, 9), None);
        assert_eq!(point(Act::Drag, 40, 7), None, "nothing is held");
        assert_eq!(point(Act::Press, 56, 4), Some(Command::Seek(Nanos::secs(10))));
    }

    #[test]
    fn on_lanes_the_pointer_takes_the_moment_along() {
        let mut targets = Targets::default();
        targets.add(Rect::new(16, 5, 80, 1), Command::Specimen(1));
        let mut ui = Ui { screen: Screen::Compare, ..ui() };
        let mut point = |act, x, y| ui.point(act, x, y, &targets).map(|(command, _)| command);
        assert_eq!(point(Act::Press, 20, 5), Some(Command::Specimen(1)), "a heading chooses");
        assert_eq!(point(Act::Drag, 26, 7), None);
        assert_eq!(point(Act::Press, 26, 7), Some(Command::Seek(Nanos::millis(10_010))));
        assert_eq!(point(Act::Drag, 30, 9), Some(Command::Seek(Nanos::millis(10_014))));
        assert_eq!(point(Act::Release, 30, 9), None);
        assert_eq!(point(Act::Drag, 40, 7), None, "nothing is held");
        assert_eq!(point(Act::WheelUp, 40, 7), Some(Command::Up));
    }

    #[test]
    fn on_the_selectors_chart_the_pointer_takes_the_number_of_idle_descriptors_along() {
        let mut targets = Targets::default();
        targets.add(Rect::new(0, 0, 5, 1), Command::Home);
        let axis = Axis { area: Rect::new(10, 5, 31, 10), ladder: vec![10, 100, 1000, 10_000] };
        let mut ui = Ui { screen: Screen::Selectors, axis: Some(axis), ..Ui::default() };
        let mut point = |act, x, y| ui.point(act, x, y, &targets).map(|(command, _)| command);
        assert_eq!(point(Act::Drag, 30, 7), None, "nothing is held");
        assert_eq!(point(Act::Press, 19, 7), Some(Command::Idle(100)));
        assert_eq!(point(Act::Drag, 31, 0), Some(Command::Idle(1000)), "held, it may leave the area");
        assert_eq!(point(Act::Drag, 200, 7), Some(Command::Idle(10_000)));
        assert_eq!(point(Act::Release, 200, 7), None);
        assert_eq!(point(Act::Drag, 10, 7), None);
        assert_eq!(point(Act::Press, 2, 0), Some(Command::Home));
        assert_eq!(point(Act::WheelUp, 30, 7), Some(Command::MoreIdle));
    }

    #[test]
    fn the_wheel_zooms_over_the_timeline_and_scrolls_elsewhere() {
        let targets = Targets::default();
        let mut ui = ui();
        assert_eq!(ui.point(Act::WheelUp, 17, 6, &targets), Some((Command::ZoomInAt(Nanos::millis(10_001)), 1)));
        assert_eq!(ui.point(Act::WheelDown, 17, 6, &targets), Some((Command::ZoomOutAt(Nanos::millis(10_001)), 1)));
        assert_eq!(ui.point(Act::WheelDown, 2, 6, &targets), Some((Command::Down, 1)));
        ui.open = Open::Help;
        assert_eq!(ui.point(Act::WheelDown, 17, 6, &targets), Some((Command::Down, LINES)));
        let mut scope = Ui { screen: Screen::Scope, ..Ui::default() };
        assert_eq!(scope.point(Act::WheelDown, 17, 6, &targets), None);
    }
}
