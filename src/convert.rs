//! Voice conversion: what is said stays, who says it changes.
//!
//! ```text
//! source ─ analysis ─► mel, F0, power ─ profile, melody, gate ─► network (StableVC) ─► mel ─ vocoder ─► converted speech
//! ```
//!
//! A file and a live stream go the same way; they differ in their [`Pace`] and in where the [`Profile`] of the source
//! comes from.

mod analysis;
mod colour;
mod gains;
mod gate;
mod melody;
mod pace;
mod package;
mod profile;
mod rendering;
mod request;
mod retiming;
mod settings;
mod stream;
mod style;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use syrinx_models::stablevc::StableVc;
use syrinx_vocoder::harmonic_noise::HarmonicNoise;

pub use syrinx_models::stablevc::{Grid, LookAhead, Solver};

pub use pace::Pace;
pub use profile::{Profile, SourceProfile};
pub use request::{ConversionRequest, ConversionTarget, Converted};
pub use stream::ConversionStream;

use crate::Result;
use crate::engine::{Model, Package};

/// The networks that convert voices; cheap to clone, shared between threads. See
/// [`Engine::conversion`](crate::Engine::conversion).
#[derive(Clone)]
pub struct Converter {
    inner: Arc<Inner>,
}

struct Inner {
    network: Arc<StableVc>,
    vocoder: Arc<HarmonicNoise>,
    device: Device,
    load_ms: f64,
}

impl Converter {
    /// Loads the networks for the voices of `model`.
    pub(crate) fn load(package: &Package, model: &Model, device: &Device) -> Result<Self> {
        let started = Instant::now();
        let (network, vocoder) = package::load(package, model, device)?;
        let inner = Inner {
            network,
            vocoder,
            device: device.clone(),
            load_ms: started.elapsed().as_secs_f64() * 1e3,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// How long loading took, ms.
    pub fn load_ms(&self) -> f64 {
        self.inner.load_ms
    }

    /// Sample rate that the networks work at, Hz; sources and outputs may have any.
    pub fn rate_hz(&self) -> u32 {
        self.inner.vocoder.mel().rate_hz
    }

    fn network(&self) -> &Arc<StableVc> {
        &self.inner.network
    }

    fn vocoder(&self) -> &Arc<HarmonicNoise> {
        &self.inner.vocoder
    }

    fn device(&self) -> &Device {
        &self.inner.device
    }
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converter")
            .field("rate_hz", &self.rate_hz())
            .finish_non_exhaustive()
    }
}
