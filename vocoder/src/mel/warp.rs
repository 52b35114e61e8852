//! A mel spectrogram moved along frequency.

use candle_core::Tensor;

use super::MelConfig;
use crate::{Error, Result};

impl MelConfig {
    /// Log mel [bands, T] as if every frequency lay higher by `factor`: formants and harmonics of a smaller person
    /// above 1, of a larger one below. Durations stay.
    ///
    /// Band b takes the level that lay at its centre divided by `factor`, between the two nearest bands; beyond the
    /// lowest and the highest band, theirs.
    ///
    /// # Errors
    /// [`Error::Config`] for a factor that is not positive and finite, or a single band; [`Error::Input`] for a mel of
    /// another number of bands.
    pub fn warp(&self, mel: &Tensor, factor: f64) -> Result<Tensor> {
        if !(factor > 0.0 && factor.is_finite()) || self.bands < 2 {
            return Err(Error::Config(format!(
                "a mel of {} bands moved along frequency by {factor}: give a positive factor and 2 bands or more",
                self.bands
            )));
        }
        self.check_bands(mel)?;
        let edges = self.edges_hz();
        let centres = &edges[1..=self.bands];
        let last = self.bands - 1;
        let (mut below, mut share) = (Vec::new(), Vec::new());
        for centre in centres {
            let source = centre / factor;
            let above = centres.partition_point(|centre| *centre <= source);
            let i = above.clamp(1, last) - 1;
            let at = (source - centres[i]) / (centres[i + 1] - centres[i]);
            below.push(i as u32);
            share.push(at.clamp(0.0, 1.0) as f32);
        }
        let above: Vec<u32> = below.iter().map(|i| i + 1).collect();
        let device = mel.device();
        let low = mel.index_select(&Tensor::new(below, device)?, 0)?;
        let high = mel.index_select(&Tensor::new(above, device)?, 0)?;
        let share = Tensor::new(share, device)?.reshape((self.bands, 1))?;
        Ok((&low + (high - &low)?.broadcast_mul(&share)?)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// A mel whose level is the logarithm of frequency: warped, it is lower by the logarithm of the factor.
    #[test]
    fn levels_move_along_frequency() {
        let config = MelConfig::starter();
        let levels: Vec<f32> = config.edges_hz()[1..=100]
            .iter()
            .map(|hz| hz.ln() as f32)
            .collect();
        let mel = Tensor::from_vec(levels.clone(), (100, 1), &Device::Cpu).unwrap();
        for factor in [0.6, 1.0, 1.7] {
            let warped = config.warp(&mel, factor).unwrap();
            let warped: Vec<f32> = warped.flatten_all().unwrap().to_vec1().unwrap();
            for (band, (before, after)) in levels.iter().zip(&warped).enumerate().skip(20).take(60)
            {
                let expected = before - factor.ln() as f32;
                assert!(
                    (after - expected).abs() < 0.01,
                    "band {band}: {after}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn the_ends_stay_within_the_bands() {
        let config = MelConfig::starter();
        let levels: Vec<f32> = (0..100).map(|band| band as f32).collect();
        let mel = Tensor::from_vec(levels, (100, 1), &Device::Cpu).unwrap();
        let ends = |factor| {
            let warped: Vec<f32> = config
                .warp(&mel, factor)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            (warped[0], warped[99])
        };
        assert_eq!(ends(2.0).0, 0.0);
        assert_eq!(ends(0.5).1, 99.0);
        assert!(config.warp(&mel, 0.0).is_err());
        assert!(config.warp(&mel.t().unwrap(), 1.0).is_err());
    }
}
