//! Where the delay comes from.

use std::fmt;

use serde::Serialize;

/// From mouth to ear, ms, by what causes it:
///
/// ```text
/// t_ear = D_in + [C + R + W] + P + X + S + D_out
///          device  algorithmic  compute  ring  device
/// ```
///
/// The delays of the devices are what the system says of them, S includes the filters that change the rate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// D_in: from the microphone to the engine.
    pub device_in_ms: f64,
    /// C: a chunk waits until all of it is there.
    pub chunk_ms: f64,
    /// R: what the networks hear ahead.
    pub look_ahead_ms: f64,
    /// W: a window of the spectra, half of it in the analysis and half in the synthesis.
    pub window_ms: f64,
    /// P: computing a chunk, the median; what takes longer is what S is there for.
    pub compute_ms: f64,
    /// X: held back for crossfades; nothing, as chunks join exactly.
    pub crossfade_ms: f64,
    /// S: what the output ring is kept at, and the filters to and from the rates of the devices.
    pub ring_ms: f64,
    /// D_out: from the engine to the loudspeaker.
    pub device_out_ms: f64,
}

impl Latency {
    /// C + R + W, ms.
    pub fn algorithmic_ms(&self) -> f64 {
        self.chunk_ms + self.look_ahead_ms + self.window_ms
    }

    /// All of it, ms.
    pub fn total_ms(&self) -> f64 {
        let devices = self.device_in_ms + self.device_out_ms;
        devices + self.algorithmic_ms() + self.compute_ms + self.crossfade_ms + self.ring_ms
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} ms = D_in {:.1} + [C {:.1} + R {:.1} + W {:.1}] + P {:.1} + X {:.1} + S {:.1} + D_out {:.1}",
            self.total_ms(),
            self.device_in_ms,
            self.chunk_ms,
            self.look_ahead_ms,
            self.window_ms,
            self.compute_ms,
            self.crossfade_ms,
            self.ring_ms,
            self.device_out_ms
        )
    }
}
