//! Whole signals at once, under masks: what a [`super::Conversion`] computes chunk by chunk.

use candle_core::{Device, Tensor};
use syrinx_vocoder::kernel::Activation;
use syrinx_vocoder::noise::NoiseField;

use super::attention::{Angles, chunk_mask};
use super::block::Sight;
use super::conversion::check_mel;
use super::solver::Steps;
use super::{Condition, Settings, StableVc, Target};
use crate::Result;
use crate::error::input;

/// Which positions see which: each its own chunk and those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunks {
    /// Positions of a chunk, 1 or more.
    pub chunk: usize,
    /// Positions before a chunk that are seen from it.
    pub past: usize,
}

/// Which of the noise fields of a seed is the flow's; those of the vocoders are others.
const NOISE_STREAM: u32 = 0x5643;

impl Chunks {
    fn mask(self, positions: usize, device: &Device) -> candle_core::Result<Tensor> {
        chunk_mask(positions, self.chunk.max(1), self.past)?.to_device(device)
    }
}

impl StableVc {
    /// The content module over features (or centroids) [U, F]: [1, C, U], with the [`envelopes`](Self::envelopes) of their
    /// frames, unless they stand elsewhere than in the source. Without `chunks`, every unit sees every other.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for features of another width, another number of envelopes, or a target of another model.
    pub fn hidden(
        &self,
        features: &Tensor,
        envelopes: Option<&[f32]>,
        target: &Target,
        chunks: Option<Chunks>,
    ) -> Result<Tensor> {
        self.check_target(target)?;
        let features = self.rows("content", features, self.config().content.features)?;
        let units = features.dim(0)?;
        let needed = units * self.config().frames_per_unit * self.envelopes.width();
        if let Some(given) = envelopes.map(<[f32]>::len).filter(|n| *n != needed) {
            return input(format!(
                "{given} numbers of envelopes for {units} units: give {needed}"
            ));
        }
        let angles = Angles::new(&self.module_rotary, 0, units);
        let mask = chunks
            .map(|chunks| chunks.mask(units, self.device()))
            .transpose()?;
        let sight = Sight {
            angles: &angles,
            mask: mask.as_ref(),
            past: 0,
        };
        let states = &mut self.module_states();
        Ok(self.module_step(&features, envelopes, target, sight, states)?)
    }

    /// Predicted ln of the run length of each unit of `hidden` [1, C, N], in units: `[N]` (section "Duration module").
    ///
    /// # Errors
    /// If `hidden` is not that of this model.
    pub fn log_run_lengths(&self, hidden: &Tensor) -> Result<Vec<f32>> {
        Ok(self.log_durations(hidden)?)
    }

    /// Level and shape of each frame of a source's mel [1, bands, T], at nominal level: [T, 1 + F], frame by frame, where F
    /// is `shape.features` of the configuration.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for another shape, or levels that make no sense.
    pub fn envelopes(&self, mel: &Tensor) -> Result<Vec<f32>> {
        let rows = check_mel(self.config().bands, mel)?;
        let mut state = self.envelopes.state();
        Ok(self.envelopes.step(&rows, self.config().bands, &mut state))
    }

    /// The frame part over hidden content [1, C, U], with F0 in Hz (0: unvoiced) `[T]` and the
    /// [`envelopes`](Self::envelopes) of T frames.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other numbers of frames, or a target of another model.
    pub fn condition(
        &self,
        hidden: &Tensor,
        f0_hz: &[f32],
        envelopes: &[f32],
        target: &Target,
    ) -> Result<Condition> {
        self.check_target(target)?;
        let frames = hidden.dim(2)? * self.config().frames_per_unit;
        let width = self.envelopes.width();
        if f0_hz.len() != frames || envelopes.len() != frames * width {
            return input(format!(
                "{} values of F0 and {} of envelopes for {frames} frames, which need {width} each of the latter",
                f0_hz.len(),
                envelopes.len()
            ));
        }
        let parts = &target.parts;
        let voice = (&parts.films[..], parts.register);
        let mut states = self.frame.states();
        Ok(self
            .frame
            .step(hidden, (f0_hz, envelopes), voice, &mut states)?)
    }

    /// What the flow of frames `first..first + frames` starts from, [1, bands, frames]: standard normal numbers that depend
    /// on (seed, frame, band) alone.
    ///
    /// # Errors
    /// Those of the device.
    pub fn noise(&self, seed: u64, first: usize, frames: usize) -> candle_core::Result<Tensor> {
        let bands = self.config().bands;
        let field = NoiseField::new(seed, NOISE_STREAM);
        let mut rows = vec![0.0; frames * bands];
        for (i, row) in rows.chunks_exact_mut(bands).enumerate() {
            field.fill((first + i) as u64, row);
        }
        let rows = Tensor::from_vec(rows, (frames, bands), self.device())?;
        rows.t()?.unsqueeze(0)?.contiguous()
    }

    /// The vector field at time `t`, 0 to 1, in the state `x` [1, bands, T] on the scale of the networks.
    ///
    /// # Errors
    /// If the shapes do not fit, or the target is of another model.
    pub fn field(
        &self,
        x: &Tensor,
        t: f64,
        condition: &Condition,
        target: &Target,
        chunks: Option<Chunks>,
    ) -> Result<Tensor> {
        self.check_target(target)?;
        let (evaluation, given) = (self.flow.evaluation(t)?, self.flow.given(condition)?);
        self.with_sight(x.dim(2)?, chunks, |sight| {
            Ok(self.flow.field(x, &evaluation, &given, |input| {
                let at = (&evaluation, &given);
                let keys = &target.parts.flow;
                self.flow
                    .network(input, at, keys, sight, &mut self.flow.states())
            })?)
        })
    }

    /// Carries `noise` [1, bands, T] to a mel [1, bands, T] (natural logarithm), by the steps, the solver and the
    /// guidance of `settings`; the noise is taken as it is.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings that nothing can be computed with; if the shapes do not fit, or the target
    /// is of another model.
    pub fn sample(
        &self,
        noise: &Tensor,
        condition: &Condition,
        target: &Target,
        settings: &Settings,
        chunks: Option<Chunks>,
    ) -> Result<Tensor> {
        settings.validate(self.config())?;
        self.check_target(target)?;
        let steps = Steps::new(&self.flow, settings, self.widths())?;
        let given = self.flow.given(condition)?;
        self.with_sight(noise.dim(2)?, chunks, |sight| {
            let mut states = steps.states(&self.flow);
            let keys = &target.parts.flow;
            let x = steps.solve(&self.flow, noise.clone(), &given, keys, sight, &mut states)?;
            Ok(super::level::natural(&x)?)
        })
    }

    /// The next units [U, F], with the envelopes of their frames where they are known, through the content module: [1, C, U].
    pub(super) fn module_step(
        &self,
        features: &Tensor,
        envelopes: Option<&[f32]>,
        target: &Target,
        sight: Sight,
        states: &mut [super::block::BlockState],
    ) -> candle_core::Result<Tensor> {
        let features = features.t()?.unsqueeze(0)?.contiguous()?;
        let shape = match (&self.shaped, envelopes) {
            (Some(shaped), Some(envelopes)) => {
                let shape = self.envelopes.units(envelopes, features.dim(2)?);
                let rows = shape.len() / features.dim(2)?;
                let shape = Tensor::from_vec(shape, (1, rows, ()), features.device())?;
                Some(shaped.forward(&shape)?)
            }
            _ => None,
        };
        let none = Activation::Identity;
        let mut x = self
            .enter
            .forward_fused(&features, none, none, shape.as_ref())?;
        for ((block, keys), state) in self.module.iter().zip(&target.parts.module).zip(states) {
            x = block.step(&x, keys, None, sight, state)?;
        }
        Ok(x)
    }

    pub(super) fn check_target(&self, target: &Target) -> Result<()> {
        if target.parts.config != *self.config() {
            return input("the target was made by a model of other sizes");
        }
        Ok(())
    }

    fn with_sight<T>(
        &self,
        frames: usize,
        chunks: Option<Chunks>,
        run: impl FnOnce(Sight) -> Result<T>,
    ) -> Result<T> {
        let angles = self.flow.angles(0, frames);
        let mask = chunks
            .map(|chunks| chunks.mask(frames, self.device()))
            .transpose()?;
        run(Sight {
            angles: &angles,
            mask: mask.as_ref(),
            past: 0,
        })
    }
}
