//! What the lab asks for: read from its channel, and carried out in the `control` phase of a tick.

use std::io;
use std::os::unix::net;

use mio::net::UnixStream;
use mio::{Interest, Registry};

use super::control::{Control, FaultSetting, Message, MitigationSetting};
use super::faults;
use super::server::{CONTROL, Server};
use crate::base::channel::Frames;
use crate::telemetry::vocabulary::{Fault, Mitigation};
use crate::telemetry::{Probe, What};

/// The lab's channel.
#[derive(Debug)]
pub struct Orders {
    channel: UnixStream,
    frames: Frames,
    expected: bool,
}

impl Orders {
    /// Listens to this channel.
    ///
    /// # Errors
    /// What registering it says.
    pub fn new(channel: net::UnixStream, registry: &Registry) -> io::Result<Self> {
        channel.set_nonblocking(true)?;
        let mut channel = UnixStream::from_std(channel);
        registry.register(&mut channel, CONTROL, Interest::READABLE)?;
        Ok(Self { channel, frames: Frames::default(), expected: false })
    }
}

impl<P: Probe> Server<P> {
    /// The lab's channel is ready: the `control` phase of this tick will see to it.
    pub fn expect_orders(&mut self) {
        self.orders.expected = true;
    }

    /// Whether it is.
    #[inline]
    pub fn has_orders(&self) -> bool {
        self.orders.expected
    }

    /// Carries out what the lab has asked for, in its order. When the lab is gone, so are we.
    pub fn carry_out_orders(&mut self) {
        self.orders.expected = false;
        // Whatever goes wrong with the channel: without the lab there is nothing to live for.
        let filled = self.orders.frames.fill(&self.orders.channel);
        loop {
            match self.orders.frames.next::<Message>() {
                Ok(Some(message)) => {
                    let done = self.carry_out(message.control);
                    self.common.probe.note_now(What::Applied { seq: message.seq, done: u32::from(done) });
                }
                Ok(None) if filled.is_ok() && !self.orders.frames.ended() => return,
                Ok(None) | Err(_) => return self.stop(),
            }
        }
    }

    fn carry_out(&mut self, control: Control) -> bool {
        match control {
            Control::Inject(fault) => self.inject(fault),
            Control::Cure(fault) => {
                let was_on = self.common.hooks.cure(fault);
                if was_on {
                    self.faulted(fault, false);
                }
                was_on
            }
            Control::Apply(setting) => self.apply(setting).is_ok(),
            Control::Revoke(kind) => {
                let was_on = self.common.hooks.revoke(kind);
                if was_on {
                    self.switched(kind, false);
                }
                was_on
            }
            Control::Stop => {
                self.stop();
                true
            }
        }
    }

    /// Arms a fault for the next request, or switches a standing one on. False if too many are armed already.
    pub(super) fn inject(&mut self, setting: FaultSetting) -> bool {
        if !faults::row(setting.kind()).standing {
            return self.common.hooks.arm(setting);
        }
        self.common.hooks.stand(setting);
        self.faulted(setting.kind(), true);
        true
    }

    fn faulted(&mut self, fault: Fault, on: bool) {
        self.common.stats.faults = self.common.hooks.standing().collect();
        self.common.probe.note_now(What::Faulted { fault, on: u32::from(on) });
    }

    /// Switches a mitigation on, or changes how it is set.
    ///
    /// # Errors
    /// As [`super::hooks::Hooks::apply`].
    pub(super) fn apply(&mut self, setting: MitigationSetting) -> io::Result<()> {
        self.common.hooks.apply(setting, self.common.poll.registry())?;
        self.switched(setting.kind(), true);
        Ok(())
    }

    fn switched(&mut self, mitigation: Mitigation, on: bool) {
        self.common.stats.mitigations = self.common.hooks.mitigations().collect();
        self.common.probe.note_now(What::Mitigated { mitigation, on: u32::from(on) });
    }
}
