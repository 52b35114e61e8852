//! Live voice conversion: from the microphone to the loudspeaker in another voice, with a delay that is known.
//!
//! ```text
//! microphone ─ callback ─ ring ─► worker: resample ─ Changer ─ resample ─► ring ─ callback ─ loudspeaker
//!                                    ▲ commands        │ status, recording
//! ```
//!
//! Callbacks only copy. The worker alone computes; it leaves out what is late, does with less where the machine is too
//! slow, and keeps the output ring at its level although no two clocks are the same. [`Live`] starts a [`LiveSession`] on
//! any [`Hardware`]; [`LiveFile`] drives the same engine from samples that are there, and leaves nothing out.

mod changer;
mod clock;
mod core;
mod drift;
mod file;
mod hardware;
mod inlet;
mod ladder;
mod latency;
mod mixer;
mod outlet;
mod port;
mod preset;
mod seam;
mod session;
#[cfg(test)]
mod simulation;
#[cfg(feature = "playback")]
mod sound_card;
mod status;
mod supervisor;
mod timings;
mod trial;
mod worker;

pub use changer::{Changer, Converting};
pub use file::{LiveFile, LiveFileEnd};
pub use hardware::{Hardware, Line};
pub use latency::Latency;
pub use port::{Mic, Speaker};
pub use preset::Preset;
pub use session::{Live, LiveEnd, LiveSession};
pub use status::LiveStatus;
pub use timings::Percentiles;
pub use trial::{Trial, try_presets};
