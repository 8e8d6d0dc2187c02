//! Slow senders ("slowloris"). It teaches that waiting, which costs a loop nothing, still costs whatever is kept for the one who waits:
//! a descriptor each. Here the server is as it always is, and its clients are the fault; the lab tells the load.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::SlowSenders,
    about: "So many more clients send the head of a request byte by byte, ten a second, and never finish it.",
    see: "The loop is idle; descriptors are used up by connections that wait for the end of a head, and honest clients are turned away.",
    at: Point::Load,
    standing: true,
    default: FaultSetting::SlowSenders { senders: 200 },
    parameters: &[],
    answers: &[Mitigation::HeaderTimeout],
    from_request: is_standing,
    hook: |_| Box::new(SlowSenders),
};

struct SlowSenders;

impl Hook for SlowSenders {}
