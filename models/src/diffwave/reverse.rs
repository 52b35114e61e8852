//! From noise to a wave, step by step.

use candle_core::{Device, Tensor};
use syrinx_vocoder::noise::NoiseField;

use super::model::Denoiser;
use crate::Result;

impl Denoiser<'_> {
    /// One wave \[T\] for each of `seeds`; `progress` is told how many steps are done.
    ///
    /// A wave depends on its seed alone, not on the waves beside it. `mel` \[B, bands, F\] for a vocoder.
    ///
    /// # Errors
    /// As [`Denoiser::noise`], and whatever `progress` fails with.
    pub fn sample(
        &self,
        seeds: &[u64],
        mel: Option<&Tensor>,
        mut progress: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<Vec<f32>>> {
        let steps = self.model().config().steps;
        let mut done = 0;
        // Row 0 is where the process begins, row t + 1 what is added by step t.
        let noise = |row: usize| -> Result<Tensor> {
            let mut values = vec![0.0; seeds.len() * self.samples()];
            for (seed, wave) in seeds.iter().zip(values.chunks_exact_mut(self.samples())) {
                NoiseField::new(*seed, 0).fill(row as u64, wave);
            }
            let shape = (seeds.len(), 1, self.samples());
            Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
        };
        let x = self.reverse(noise(0)?, mel, |step| {
            done += 1;
            progress(done)?;
            noise(step + 1)
        })?;
        debug_assert_eq!(done, steps);
        let waves = x.squeeze(1)?.to_vec2()?;
        Ok(waves)
    }

    /// The reverse process from `x` \[B, 1, T\], with `noise(step)` \[B, 1, T\] added in every step t, of
    /// which that of step 0 counts nothing.
    ///
    /// # Errors
    /// As [`Denoiser::noise`], and those of `noise`.
    pub fn reverse(
        &self,
        mut x: Tensor,
        mel: Option<&Tensor>,
        mut noise: impl FnMut(usize) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let schedule = self.model().config().schedule();
        for (step, numbers) in schedule.iter().enumerate().rev() {
            let at = vec![step as f32; x.dim(0)?];
            let predicted = (self.noise(&x, &at, mel)? * numbers.predicted)?;
            x = ((x - predicted)? * numbers.scale)?;
            let added = noise(step)?;
            if numbers.noise > 0.0 {
                x = (x + (added * numbers.noise)?)?;
            }
        }
        Ok(x)
    }
}
