//! What a session tells of itself.

use serde::Serialize;

use super::{Latency, Percentiles};

/// How a session is doing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct LiveStatus {
    /// Seconds that have been converted.
    pub seconds: f64,
    /// Where the delay comes from.
    pub latency: Latency,
    /// From mouth to ear, ms, as counted in samples: now, and the most since the start.
    pub delay_now_ms: f64,
    /// The most so far.
    pub delay_worst_ms: f64,
    /// What waits before the networks, in them, and before the loudspeaker, ms: the parts of `delay_now_ms` that move.
    pub waiting_ms: [f64; 3],
    /// Sound that was left out before the loudspeaker because too much waited there, ms.
    pub cut_ms: f64,
    /// Peak levels since the last look, dB below full scale.
    pub input_db: f32,
    /// What is played.
    pub output_db: f32,
    /// Time that a chunk takes in the networks.
    pub convert: Percentiles,
    /// To the rate of the networks.
    pub resample_in: Percentiles,
    /// To the rate of the loudspeaker.
    pub resample_out: Percentiles,
    /// Chunks that came too late and were left out.
    pub late: u64,
    /// Gaps in what was played that are ours.
    pub xruns: u64,
    /// Gaps that are not: the microphone gave nothing, or a device was opened anew.
    pub device_gaps: u64,
    /// By how much the clock of the loudspeaker is faster than that of the microphone, parts per million.
    pub drift_ppm: f64,
    /// The level at work, 0 for the best.
    pub level: usize,
    /// The level in words.
    pub working: String,
    /// Whether the machine is too slow, so that the voice is passed on unchanged.
    pub passing: bool,
    /// Times a device was opened anew.
    pub reopened: u64,
    /// The devices, if any is open.
    pub input: Option<String>,
    /// The loudspeaker.
    pub output: Option<String>,
    /// What last changed, for the user.
    pub message: Option<String>,
}

/// A magnitude in dB, no less than -99.
pub(super) fn db(magnitude: f32) -> f32 {
    (20.0 * magnitude.log10()).max(-99.0)
}
