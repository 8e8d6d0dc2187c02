//! How a headless run is ended early: by the first signal in good order, by the second where it stands.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::headless::Interrupted;

/// Between two looks at the lab.
const TURN: Duration = Duration::from_millis(10);

/// The signal that asked for the end, if one did. A second one ends the process where it stands; its children die with it.
pub(super) struct Signal(Arc<AtomicUsize>);

impl Signal {
    /// Watches from here on.
    ///
    /// # Errors
    /// Where the system takes no handler.
    pub(super) fn watch() -> io::Result<Self> {
        let number = Arc::new(AtomicUsize::new(0));
        let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal finds the flag unset and sets it.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked))?;
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&number), signal as usize)?;
        }
        Ok(Self(number))
    }

    /// Lets a turn's time pass.
    ///
    /// # Errors
    /// A signal has come.
    pub(super) fn wait(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => {
                thread::park_timeout(TURN);
                Ok(())
            }
            signal => Err(Interrupted(u8::try_from(signal).unwrap_or(0))),
        }
    }
}
