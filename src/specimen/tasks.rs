//! Tasks: computing work that was put off to a later tick, so that others have their turn in between.

use std::collections::VecDeque;

use super::hooks::Job;

/// The tasks of one loop, in the order in which they were queued. There is at most one for each connection.
#[derive(Debug, Default)]
pub struct Tasks {
    queue: VecDeque<Job>,
}

impl Tasks {
    /// Queues a task.
    pub fn put(&mut self, task: Job) {
        self.queue.push_back(Job { is_task: true, ..task });
    }

    /// How many a tick runs: one. Each is a slice of long work, and a tick with two would make the others wait twice as long.
    pub fn due(&self) -> u32 {
        u32::from(!self.queue.is_empty())
    }

    /// Takes the first `n`.
    pub fn take(&mut self, n: u32) -> Vec<Job> {
        self.queue.drain(..self.queue.len().min(n as usize)).collect()
    }

    /// Whether none is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
