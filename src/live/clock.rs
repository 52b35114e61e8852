//! Time, real or simulated.

use std::time::{Duration, Instant};

/// Tells how late it is.
pub(super) trait Clock: Send + Sync {
    /// Time since some moment.
    fn now(&self) -> Duration;
}

/// The time of the machine.
#[derive(Debug)]
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
