//! A greedy peer: one client that sends requests without end. It teaches that "read until EAGAIN" has no end either where somebody keeps
//! sending: no single request is long, and their callback is. The peer is the load's doing; the loop only says that it knows.

use super::{Row, is_standing};
use crate::specimen::control::FaultSetting;
use crate::specimen::hooks::{Hook, Point};
use crate::telemetry::vocabulary::{Fault, Mitigation};

pub(super) const ROW: Row = Row {
    kind: Fault::GreedyPeer,
    about: "One more client sends requests of 1 ms each without end, and never waits for an answer.",
    see: "One connection's callback goes on for as long as there is something to read, and all others wait for it.",
    at: Point::Load,
    standing: true,
    default: FaultSetting::GreedyPeer,
    parameters: &[],
    answers: &[Mitigation::ReadBudget, Mitigation::WorkerPool],
    from_request: is_standing,
    hook: |_| Box::new(GreedyPeer),
};

struct GreedyPeer;

impl Hook for GreedyPeer {}
