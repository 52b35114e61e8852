//! Devices, real or simulated.

use std::time::Duration;

use super::port::{Mic, Speaker};
use crate::Result;
use crate::audio::Spec;

/// A system of devices that sound comes from and goes to.
pub trait Hardware: Send + Sync {
    /// Opens the input device of that name, the default one without a name, and starts it. `connect` is called once with
    /// its rate and number of channels and returns what its callback is to fill, every `call` if the device can.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if there is no such device or it cannot be used.
    fn open_mic(
        &self,
        name: Option<&str>,
        call: Duration,
        connect: &mut dyn FnMut(Spec) -> Mic,
    ) -> Result<Box<dyn Line>>;

    /// Opens the output device of that name, the default one without a name, and starts it. `connect` is called once with
    /// its rate and number of channels and returns what its callback is to play, every `call` if the device can.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if there is no such device or it cannot be used.
    fn open_speaker(
        &self,
        name: Option<&str>,
        call: Duration,
        connect: &mut dyn FnMut(Spec) -> Speaker,
    ) -> Result<Box<dyn Line>>;
}

/// A device that is open until this is dropped.
pub trait Line: Send {
    /// The name of the device.
    fn name(&self) -> String;

    /// What made it end by itself, if anything did.
    fn fault(&self) -> Option<String>;

    /// How often it lost sound because it was not called back in time; then longer calls are tried.
    fn xruns(&self) -> u64 {
        0
    }
}
