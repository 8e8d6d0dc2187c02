//! The lab on a thread of its own: pumped every 10 ms, started, changed and ended there, so that no key and no picture waits for it.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Wake;
use crate::base::clock::TimeBase;
use crate::base::ids::SpecimenId;
use crate::command::Command;
use crate::lab::{Lab, Options};
use crate::scenario::Scenario;
use crate::selectors::bench::View;
use crate::world::history::History;
use crate::world::{Setup, World};

/// Between two looks at the rings.
const TURN: Duration = Duration::from_millis(25);

/// What the lab's thread is asked for.
#[derive(Debug)]
pub enum Order {
    /// Carry this out, on one specimen or on all.
    Carry(Option<SpecimenId>, Command),
    /// Begin to measure the selectors, where that has not begun.
    Selectors,
    /// End the lab and start this scenario's.
    Open(Box<Scenario>),
    /// Stop every process where it stands, say so, and wait for the next order.
    Suspend(Sender<()>),
    /// Let them go on.
    Resume,
}

/// The lab, or what stands for it while there is none.
#[derive(Debug)]
pub struct Stage {
    lab: Option<Lab>,
    /// The world of a lab that has not started.
    empty: World,
    /// How many labs there have been: what was remembered of one means nothing to the next.
    opened: u64,
}

impl Stage {
    /// What is known.
    pub fn world(&self) -> &World {
        self.lab.as_ref().map_or(&self.empty, Lab::world)
    }

    /// The recorded past of the lab that runs.
    pub fn history(&self) -> Option<&History> {
        self.lab.as_ref().and_then(Lab::history)
    }

    /// What taking in facts takes the lab that runs: nanoseconds of CPU an event, and the share of a core.
    pub fn effort(&self) -> Option<(f64, f64)> {
        let effort = self.lab.as_ref()?.effort();
        Some((effort.an_event()?, effort.share()?))
    }

    /// What the stamps of the lab that runs count from.
    pub fn time_base(&self) -> Option<TimeBase> {
        self.lab.as_ref().map(Lab::time_base)
    }

    /// Which lab this is, counted from the first.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// The selectors, as they are measured.
    pub fn selectors(&self) -> Option<View<'_>> {
        self.lab.as_ref().and_then(Lab::selectors)
    }

    /// Where the specimens answer.
    pub fn addresses(&self) -> Vec<Option<SocketAddr>> {
        let Some(lab) = &self.lab else { return Vec::new() };
        (0..lab.world().specimens.len()).map(|n| lab.address(SpecimenId(n as u8))).collect()
    }
}

/// The lab's thread.
#[derive(Debug)]
pub struct Pump {
    stage: Arc<Mutex<Stage>>,
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Pump {
    /// Starts the thread, and on it the lab.
    ///
    /// # Errors
    /// Where the thread cannot be had; what the lab says comes as [`Wake::Failed`].
    pub fn start(scenario: Scenario, options: Options, wakes: Sender<Wake>) -> io::Result<Self> {
        let stage = Arc::new(Mutex::new(Stage { lab: None, empty: empty(&scenario), opened: 0 }));
        let (orders, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("lab".into()).spawn({
            let stage = Arc::clone(&stage);
            move || {
                let mut thread = Thread { stage, options, wakes, seen: Vec::new() };
                if let Err(error) = thread.open(&scenario).and_then(|()| thread.run(&receiver)) {
                    thread.tell(Wake::Failed(error));
                }
                // Whatever ended it, the processes end here, before the thread does.
                drop(thread.hold().lab.take());
            }
        })?;
        Ok(Self { stage, orders: Some(orders), thread: Some(thread) })
    }

    /// The lab as it is now; it stands still while this is held.
    pub fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something. A thread that has ended has said why.
    pub fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // Without anybody to order anything the thread ends the lab, and then itself.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Thread {
    stage: Arc<Mutex<Stage>>,
    options: Options,
    wakes: Sender<Wake>,
    /// What was urgent at the last look: for each specimen, whether it is stalled, how often it was, and how often it died.
    seen: Vec<(bool, u64, u32)>,
}

impl Thread {
    fn hold(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, wake: Wake) {
        // Where the main loop is gone, the thread is about to be told to end.
        let _ = self.wakes.send(wake);
    }

    fn open(&mut self, scenario: &Scenario) -> anyhow::Result<()> {
        // The old processes and listeners are gone before the new ones ask for their ports; nobody holds the stage meanwhile.
        let before = {
            let mut stage = self.hold();
            stage.empty = empty(scenario);
            stage.opened += 1;
            stage.lab.take()
        };
        drop(before);
        let lab = Lab::start(scenario, &self.options)?;
        self.hold().lab = Some(lab);
        self.tell(Wake::Urgent);
        Ok(())
    }

    fn run(&mut self, orders: &Receiver<Order>) -> anyhow::Result<()> {
        loop {
            match orders.recv_timeout(TURN) {
                // It goes on where it was stopped, and where it was not there is nothing to do but to pump.
                Err(RecvTimeoutError::Timeout) | Ok(Order::Resume) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Order::Open(scenario)) => self.open(&scenario)?,
                Ok(Order::Carry(target, command)) => {
                    let result = self.hold().lab.as_mut().map(|lab| lab.carry_out(target, &command));
                    if let Some(Err(refusal)) = result {
                        self.tell(Wake::Refused(refusal));
                    }
                }
                Ok(Order::Selectors) => {
                    let result = self.hold().lab.as_mut().map(|lab| lab.watch_selectors().map(drop));
                    if let Some(Err(refusal)) = result {
                        self.tell(Wake::Refused(refusal));
                    }
                }
                Ok(Order::Suspend(done)) => {
                    self.with(Lab::suspend);
                    let _ = done.send(());
                    match orders.recv() {
                        Ok(_) => self.with(Lab::resume),
                        Err(_) => return Ok(()),
                    }
                }
            }
            self.pump()?;
        }
    }

    fn with(&self, act: impl FnOnce(&mut Lab)) {
        if let Some(lab) = self.hold().lab.as_mut() {
            act(lab);
        }
    }

    fn pump(&mut self) -> anyhow::Result<()> {
        let mut stage = self.hold();
        let Some(lab) = stage.lab.as_mut() else { return Ok(()) };
        lab.pump()?;
        let now: Vec<_> = lab.world().specimens.iter().map(|s| (s.stalls.current.is_some(), s.stalls.count, s.died)).collect();
        drop(stage);
        if now != self.seen {
            self.seen = now;
            self.tell(Wake::Urgent);
        }
        Ok(())
    }
}

fn empty(scenario: &Scenario) -> World {
    let specimens = scenario.specimens.iter().map(|s| s.name.clone()).collect();
    World::new(&Setup { specimens, stall_threshold: scenario.stall_threshold })
}
