//! Streaming synthesis.

use std::sync::Arc;

use super::HarmonicNoise;
use super::filters::Filters;
use super::network::NetworkStream;
use super::pulse::PulseStream;
use crate::noise::NoiseField;
use crate::stft::{Complex32, IstftStream, StftStream};
use crate::stream::{Frames, Stream};
use crate::{Error, Result};

/// Frames computed together: what the network makes of them (3005 numbers a frame in the starter)
/// stays in the cache, and a long signal needs no more memory than a short one.
const BLOCK: usize = 64;

/// The state of one signal: caches of the network's layers, the phase of the pulses, the pulses
/// and frames that wait, the overlap-add tail, and the number of the next frame, by which its
/// noise is addressed.
///
/// The network waits for its receptive field, the pulses for their frame; neither recomputes
/// anything but a block's few context frames.
pub struct HarmonicNoiseStream {
    model: Arc<HarmonicNoise>,
    noise: NoiseField,
    network: NetworkStream,
    pulses: PulseStream,
    analysis: StftStream,
    synthesis: IstftStream,
    filters: Filters,
    samples: Vec<f32>,
    /// Spectra of the pulses that wait for the network.
    excitation: Vec<Complex32>,
    frame: Vec<Complex32>,
    next_frame: u64,
    /// Frames whose pulses are made and whose mel has not come.
    foretold: usize,
}

impl HarmonicNoiseStream {
    pub(super) fn new(model: Arc<HarmonicNoise>, seed: u64) -> Self {
        let mel = &model.config.mel;
        Self {
            noise: NoiseField::new(seed, 0),
            network: NetworkStream::new(&model.network),
            pulses: PulseStream::new(mel.rate_hz, mel.hop, model.config.max_harmonic_hz),
            analysis: model.excitation.analysis(),
            synthesis: model.synthesis.synthesis(),
            filters: Filters::new(mel.bins()),
            samples: Vec::new(),
            excitation: Vec::new(),
            frame: vec![Complex32::default(); mel.bins()],
            next_frame: 0,
            foretold: 0,
            model,
        }
    }

    /// Takes the noise of another seed from the next frame on.
    pub fn set_seed(&mut self, seed: u64) {
        self.noise = NoiseField::new(seed, 0);
    }

    /// Tells the F0 of the next frames before their mel is known, so that their pulses need not be waited for: in order,
    /// and the same that will be pushed with them.
    pub fn foretell(&mut self, f0: &[f32]) {
        self.foretold += f0.len();
        self.excite(f0);
    }

    /// As [`latency_samples`](Stream::latency_samples), if the F0 of so many frames after the last is foretold.
    pub fn latency_samples_foretold(&self, frames: usize) -> usize {
        let hop = self.model.config.mel.hop;
        // A frame of pulses is half a hop late and needs all its samples.
        let pulses = (hop.div_ceil(2) + self.analysis.latency_samples()).div_ceil(hop);
        // Of the frames it has, the pulses' analysis gives one less than the quotient.
        let pulses = (pulses - 1).saturating_sub(frames);
        self.network.delay().max(pulses) * hop + self.synthesis.latency_samples()
    }

    fn excite(&mut self, f0: &[f32]) {
        self.samples.clear();
        self.pulses.push(f0, &mut self.samples);
        self.analysis.push(&self.samples, &mut self.excitation);
    }

    fn check(&self, frames: &Frames) -> Result<()> {
        let bands = self.model.config.mel.bands;
        let (_, found, len) = frames.mel().dims3()?;
        if found != bands {
            return Err(Error::Input(format!(
                "the vocoder takes {bands} mel bands, got {found}"
            )));
        }
        if frames.f0().len() != len {
            return Err(Error::Input(
                "the harmonic-noise vocoder needs F0 with its mel frames: use `Frames::with_f0`"
                    .into(),
            ));
        }
        Ok(())
    }

    fn push_block(&mut self, frames: &Frames, wave: &mut Vec<f32>) -> Result<()> {
        let known = self.foretold.min(frames.len());
        self.foretold -= known;
        self.excite(&frames.f0()[known..]);
        self.network
            .step(&self.model.network, Some(frames), false)?;
        self.synthesise_ready(wave)
    }

    /// Filters and adds every frame for which both the network and the pulses are there.
    fn synthesise_ready(&mut self, wave: &mut Vec<f32>) -> Result<()> {
        let bins = self.frame.len();
        let width = self.model.config.parts() * bins;
        let (parts, prior) = (&mut self.network.parts, &mut self.network.prior);
        let ready = (parts.values().len() / width).min(self.excitation.len() / bins);
        let rows = parts.values().chunks_exact(width);
        let priors = prior.values().chunks_exact(bins);
        let excitation = self.excitation.chunks_exact(bins);
        for ((row, prior), excitation) in rows.zip(priors).zip(excitation) {
            self.noise.fill_complex(self.next_frame, &mut self.frame);
            self.filters.apply(row, prior, excitation, &mut self.frame);
            self.synthesis.push(&self.frame, wave)?;
            self.next_frame += 1;
        }
        parts.drop(ready * width);
        prior.drop(ready * bins);
        self.excitation.drain(..ready * bins);
        Ok(())
    }
}

impl Stream for HarmonicNoiseStream {
    type Input = Frames;

    fn push(&mut self, frames: &Frames, wave: &mut Vec<f32>) -> Result<()> {
        self.check(frames)?;
        let mut first = 0;
        for f0 in frames.f0().chunks(BLOCK) {
            let mel = frames.mel().narrow(2, first, f0.len())?;
            self.push_block(&Frames::with_f0(&mel, f0)?, wave)?;
            first += f0.len();
        }
        Ok(())
    }

    fn flush(&mut self, wave: &mut Vec<f32>) -> Result<()> {
        self.samples.clear();
        self.pulses.flush(&mut self.samples);
        self.analysis.push(&self.samples, &mut self.excitation);
        self.analysis.flush(&mut self.excitation);
        let done = self
            .network
            .step(&self.model.network, None, true)
            .and_then(|()| self.synthesise_ready(wave));
        if done.is_ok() {
            self.synthesis.flush(wave);
        }
        self.reset();
        done
    }

    fn reset(&mut self) {
        self.network.reset();
        self.pulses.reset();
        self.analysis.reset();
        self.synthesis.reset();
        self.excitation.clear();
        self.next_frame = 0;
        self.foretold = 0;
    }

    fn latency_samples(&self) -> usize {
        self.latency_samples_foretold(0)
    }
}
