//! From frames of the source to samples: the network, the vocoder, and the level that the source has.

use std::collections::VecDeque;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_models::stablevc::{Conversion, Target};
use syrinx_vocoder::harmonic_noise::HarmonicNoiseStream;
use syrinx_vocoder::stream::{Frames, Stream};

use super::Converter;
use super::colour::{Colouring, VoiceSpectrum};
use super::gains::Gains;
use super::retiming::{self, Retimed, Retiming, SourceFrame};
use super::settings::Settings;
use crate::Result;

/// A source on its way through the networks.
pub(super) struct Rendering {
    way: Way,
    colouring: Colouring,
    vocoder: HarmonicNoiseStream,
    hop: usize,
    /// What the vocoder has made, at the nominal level.
    wave: Vec<f32>,
    gains: Gains,
}

/// How frames become frames.
enum Way {
    /// Each as long as it was.
    Kept(Box<Kept>),
    /// As long as the target makes them.
    Retimed(Box<Retiming>),
}

impl Rendering {
    pub fn new(
        converter: &Converter,
        target: Target,
        spectrum: VoiceSpectrum,
        settings: &Settings,
    ) -> Result<Self> {
        let (network, vocoder) = (converter.network(), converter.vocoder());
        let (mel, device) = (vocoder.mel(), converter.device());
        let way = match settings.retime {
            false => Way::Kept(Box::new(Kept {
                network: Conversion::new(Arc::clone(network), target, &settings.network())?,
                device: device.clone(),
                bands: mel.bands,
                block: match settings.pace.is_live() {
                    true => 1,
                    false => settings.pace.chunk(),
                },
                mel: Vec::new(),
                f0_hz: Vec::new(),
                levels: VecDeque::new(),
            })),
            true => {
                let (network, floor) = (Arc::clone(network), mel.floor.ln());
                let retiming = Retiming::new(network, target, settings.network(), device, floor);
                Way::Retimed(Box::new(retiming))
            }
        };
        Ok(Self {
            way,
            colouring: Colouring::new(spectrum),
            vocoder: vocoder.stream(settings.seed),
            hop: mel.hop,
            wave: Vec::new(),
            gains: Gains::new(mel.hop),
        })
    }

    /// Converts log mel frames `mel`, frame-major, of F0 `f0_hz` as a rehearsal: only what it tells of the spectrum of their
    /// speaker, as it is and converted, is kept. Nothing else may be on its way.
    pub fn rehearse(&mut self, mel: Vec<f32>, f0_hz: Vec<f32>) -> Result<()> {
        if let Way::Kept(kept) = &mut self.way {
            (kept.mel, kept.f0_hz) = (mel, f0_hz);
            for frames in [kept.hear()?, kept.network.finish()?].into_iter().flatten() {
                self.colouring.hear(&frames)?;
            }
        }
        Ok(())
    }

    /// As new, with the same target.
    pub fn reset(&mut self) {
        self.restart();
        self.colouring.reset();
        if let Way::Kept(kept) = &mut self.way {
            kept.network.reset();
        }
    }

    /// Goes on from what `other` knows of the speaker, and `other` from what this one does.
    pub fn swap_speakers(&mut self, other: &mut Self) {
        self.colouring.swap_sources(&mut other.colouring);
        if let (Way::Kept(kept), Way::Kept(others)) = (&mut self.way, &mut other.way) {
            kept.network.swap_sources(&mut others.network);
        }
    }

    /// Takes a frame of the source.
    pub fn push(&mut self, frame: SourceFrame) {
        match &mut self.way {
            Way::Kept(kept) => {
                self.vocoder.foretell(&[frame.f0_hz]);
                kept.push(&frame);
            }
            Way::Retimed(retiming) => retiming.push(frame),
        }
    }

    /// Tells how far the next of the frames taken is let through, 0 to 1; none is heard before that.
    pub fn gate(&mut self, gain: f32) -> Result<()> {
        match &mut self.way {
            Way::Kept(kept) => {
                let level = kept.levels.pop_front().unwrap_or_default();
                self.gains.add(level * gain);
            }
            Way::Retimed(retiming) => {
                for retimed in retiming.decide(gain > 0.0)? {
                    self.sound(&retimed)?;
                }
            }
        }
        Ok(())
    }

    /// Frames that the network has not heard yet.
    pub fn waiting(&self) -> usize {
        match &self.way {
            Way::Kept(kept) => kept.f0_hz.len(),
            Way::Retimed(_) => 0,
        }
    }

    /// Converts what can be converted and returns the samples that are done.
    pub fn advance(&mut self) -> Result<Vec<f32>> {
        if let Way::Kept(kept) = &mut self.way
            && kept.f0_hz.len() >= kept.block
            && let Some(frames) = kept.hear()?
        {
            let frames = self.colouring.apply(&frames)?;
            self.vocoder.push(&frames, &mut self.wave)?;
        }
        Ok(self.gains.apply(&mut self.wave, false))
    }

    /// Ends the signal and returns the rest; what is known of the speaker stays.
    pub fn flush(&mut self) -> Result<Vec<f32>> {
        match &mut self.way {
            Way::Kept(kept) => {
                for frames in [kept.hear()?, kept.network.finish()?].into_iter().flatten() {
                    let frames = self.colouring.apply(&frames)?;
                    self.vocoder.push(&frames, &mut self.wave)?;
                }
            }
            Way::Retimed(retiming) => {
                if let Some(retimed) = retiming.finish()? {
                    self.sound(&retimed)?;
                }
            }
        }
        self.vocoder.flush(&mut self.wave)?;
        let rest = self.gains.apply(&mut self.wave, true);
        self.restart();
        Ok(rest)
    }

    /// As new, with the same target, but for what is known of the speaker.
    pub fn restart(&mut self) {
        match &mut self.way {
            Way::Kept(kept) => kept.restart(),
            Way::Retimed(retiming) => retiming.reset(),
        }
        self.vocoder.reset();
        self.wave.clear();
        self.gains = Gains::new(self.hop);
    }

    /// Takes another target from the next chunk on.
    pub fn set_target(&mut self, target: Target, spectrum: VoiceSpectrum) -> Result<()> {
        match &mut self.way {
            Way::Kept(kept) => kept.network.set_target(target)?,
            Way::Retimed(retiming) => retiming.set_target(target),
        }
        self.colouring = Colouring::new(spectrum);
        Ok(())
    }

    /// Samples that the output trails the frames by; of pieces that are retimed, as long as the longest.
    pub fn latency_samples(&self) -> usize {
        let (frames, foretold) = match &self.way {
            Way::Kept(kept) => {
                let chunk = kept.network.latency_frames() - 1;
                (kept.block - 1 + chunk, kept.network.look_ahead_frames())
            }
            Way::Retimed(_) => (retiming::LONGEST, 0),
        };
        frames * self.hop + self.vocoder.latency_samples_foretold(foretold)
    }

    fn sound(&mut self, retimed: &Retimed) -> Result<()> {
        retimed.gains.iter().for_each(|gain| self.gains.add(*gain));
        let frames = self.colouring.apply(&retimed.frames)?;
        Ok(self.vocoder.push(&frames, &mut self.wave)?)
    }
}

/// Converts frames to as many frames.
struct Kept {
    network: Conversion,
    device: Device,
    bands: usize,
    /// Frames passed to the network at a time at least; it works chunk by chunk anyway.
    block: usize,
    /// Log mel, frame-major, and F0 of the frames that the network has not heard yet.
    mel: Vec<f32>,
    f0_hz: Vec<f32>,
    /// Gains of the frames that the gate has not decided on yet.
    levels: VecDeque<f32>,
}

impl Kept {
    fn push(&mut self, frame: &SourceFrame) {
        self.mel.extend_from_slice(&frame.mel);
        self.f0_hz.push(frame.f0_hz);
        self.levels.push_back(frame.gain);
    }

    /// Passes on what has been collected.
    fn hear(&mut self) -> Result<Option<Frames>> {
        if self.f0_hz.is_empty() {
            return Ok(None);
        }
        let shape = (1, self.f0_hz.len(), self.bands);
        let mel = Tensor::from_vec(std::mem::take(&mut self.mel), shape, &self.device)?;
        let mel = mel.transpose(1, 2)?.contiguous()?;
        let f0_hz = std::mem::take(&mut self.f0_hz);
        Ok(self.network.push(&mel, &f0_hz)?)
    }

    fn restart(&mut self) {
        self.network.restart();
        self.mel.clear();
        self.f0_hz.clear();
        self.levels.clear();
    }
}
