//! Ctrl-C that leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::Failure;

/// The exit code of a command ended by Ctrl-C, as shells count it.
pub const EXIT_CODE: u8 = 130;

/// Whether the user (or the system, with SIGTERM) asked us to stop.
///
/// A part-written output file goes away when its writer is dropped, so the work has to come to a
/// [`check`](Self::check) and return; nothing is cleaned up by ending the process there and then.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    nothing_to_lose: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to listen.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            let (at_once, later) = (&interrupt.nothing_to_lose, &interrupt.requested);
            // Where a signal cannot be caught, its default action still ends the process.
            let _ = flag::register_conditional_shutdown(signal, EXIT_CODE.into(), at_once.clone());
            let _ = flag::register(signal, later.clone());
        }
        interrupt
    }

    /// From here on files are complete: end at once when asked.
    pub fn nothing_to_lose(&self) {
        self.nothing_to_lose.store(true, Ordering::SeqCst);
    }

    /// Asks to stop, as Ctrl-C does.
    #[cfg(test)]
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Fails if the user asked to stop.
    pub fn check(&self) -> Result<(), Failure> {
        match self.requested.load(Ordering::SeqCst) {
            true => Err(Failure::Interrupted),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_noticed_once_made() {
        let interrupt = Interrupt::default();
        assert!(interrupt.check().is_ok());
        interrupt.clone().request();
        assert!(matches!(interrupt.check(), Err(Failure::Interrupted)));
    }
}
