//! Reading until the kernel says `EAGAIN`. It teaches the contract of an edge-triggered epoll: an edge is used up only when nothing is left.

use super::Row;
use crate::specimen::control::MitigationSetting;
use crate::specimen::hooks::{Habits, Hook, Point};
use crate::telemetry::vocabulary::Mitigation;

pub(super) const ROW: Row = Row {
    kind: Mitigation::ReadUntilEagain,
    about: "Reads a readable connection until the kernel has no more, however small the buffer is.",
    price: "A small buffer costs a system call for each filling, and a peer that never stops sending is never done with.",
    at: Point::Read,
    default: MitigationSetting::ReadUntilEagain,
    hook: |_, _, _| Ok(Box::new(ReadUntilEagain)),
};

struct ReadUntilEagain;

impl Hook for ReadUntilEagain {
    fn habits(&self, habits: &mut Habits) {
        habits.drains = true;
    }
}
