//! A clip as mono samples at the model's rate.

use super::clip::Clip;
use crate::audio::{Audio, Resampler, Spec};
use crate::{Error, Result};

/// What lies further into a clip is not listened to, seconds: it bounds the memory, and leaves room for pauses beside
/// the speech that is used.
const LISTENED_S: f64 = 900.0;

/// Samples so near the highest count as flattened.
const FLAT: f32 = 0.985;

/// Share of flattened samples, among those above a tenth of the highest, that unclipped speech stays far below.
const CLIPPED_SHARE: f64 = 0.01;

/// Bins of the histogram of magnitudes, for full scale.
const BINS: usize = 2048;

/// Samples of a clip, and what was noticed on the way.
pub(super) struct Recording {
    /// Mono.
    pub samples: Vec<f32>,
    /// What the user should know of the clip.
    pub warnings: Vec<String>,
}

impl Recording {
    /// # Errors
    /// [`Error::Io`] or [`Error::Audio`] naming the clip.
    pub fn read(clip: &Clip, rate_hz: u32) -> Result<Self> {
        let mut blocks = clip.open()?;
        let mut resampler: Option<Resampler> = None;
        let mut magnitudes = Magnitudes::default();
        let limit = (LISTENED_S * f64::from(rate_hz)) as usize;
        let mut samples = Vec::new();
        let mut ended = false;
        while samples.len() < limit {
            let Some(block) = blocks.next() else {
                ended = true;
                break;
            };
            let block = block?;
            magnitudes.add(&block);
            let from = Spec::mono(block.rate_hz());
            let resampler = match &mut resampler {
                Some(resampler) => resampler,
                None => resampler.insert(
                    Resampler::new(from, rate_hz)
                        .map_err(|error| Error::audio(clip.name(), error.to_string()))?,
                ),
            };
            extend(&mut samples, resampler.push(&block.into_mono())?);
        }
        let mut warnings: Vec<String> = blocks.flaws().iter().map(ToString::to_string).collect();
        if let Some(resampler) = &mut resampler {
            extend(&mut samples, resampler.flush()?);
            let from = resampler.input().rate_hz;
            if from < 16_000 {
                warnings.push(format!(
                    "recorded at {from} Hz, which holds nothing above {} Hz: the voice will sound muffled",
                    from / 2
                ));
            }
        }
        if !ended {
            samples.truncate(limit);
            warnings.push(format!(
                "only its first {:.0} minutes were listened to",
                LISTENED_S / 60.0
            ));
        }
        if magnitudes.flattened() > CLIPPED_SHARE {
            warnings.push(format!(
                "{:.0} % of its loud samples are clipped: the voice will sound harsh; record it at a lower level",
                100.0 * magnitudes.flattened()
            ));
        }
        // A microphone's offset is no sound, but it would count as one.
        let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / samples.len().max(1) as f64;
        samples.iter_mut().for_each(|x| *x -= mean as f32);
        Ok(Self { samples, warnings })
    }
}

fn extend(samples: &mut Vec<f32>, audio: Audio) {
    if let Some(mono) = audio.channels().first() {
        samples.extend_from_slice(mono);
    }
}

/// How often which magnitude occurs.
struct Magnitudes {
    counts: Vec<u64>,
    top: usize,
}

impl Default for Magnitudes {
    fn default() -> Self {
        Self {
            counts: vec![0; BINS + 1],
            top: 0,
        }
    }
}

impl Magnitudes {
    fn add(&mut self, block: &Audio) {
        for x in block.channels().iter().flatten() {
            let bin = ((x.abs() * BINS as f32) as usize).min(BINS);
            self.counts[bin] += 1;
            self.top = self.top.max(bin);
        }
    }

    /// Share of the loud samples that are as loud as can be.
    fn flattened(&self) -> f64 {
        let count = |from: usize| self.counts[from..].iter().sum::<u64>();
        let flat = count((self.top as f32 * FLAT) as usize);
        flat as f64 / count(self.top / 10 + 1).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise with a speech-like distribution of magnitudes.
    fn laplacian(frames: usize) -> Vec<f32> {
        let mut state = 1u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 + 0.5) / (1u64 << 24) as f32
        };
        (0..frames)
            .map(|_| 0.05 * (uniform() / uniform()).ln())
            .collect()
    }

    fn read(samples: Vec<f32>, rate_hz: u32) -> Recording {
        Recording::read(&Clip::from(Audio::mono(samples, rate_hz)), 24_000).unwrap()
    }

    #[test]
    fn clipping_is_noticed_at_any_level() {
        let fair = laplacian(48_000);
        assert!(read(fair.clone(), 24_000).warnings.is_empty());
        for gain in [1.0, 0.2] {
            let clipped = fair
                .iter()
                .map(|x| gain * (8.0 * x).clamp(-1.0, 1.0))
                .collect();
            let told = read(clipped, 24_000).warnings;
            assert!(told[0].contains("clipped"), "{told:?}");
        }
    }

    #[test]
    fn rates_and_offsets_are_evened_out() {
        let tone = |rate: f32| {
            (0..rate as usize).map(move |t| 0.3 + 0.2 * (t as f32 * 700.0 / rate).sin())
        };
        for rate in [8_000u32, 44_100, 192_000] {
            let recording = read(tone(rate as f32).collect(), rate);
            assert_eq!(recording.samples.len(), 24_000);
            let mean = recording.samples.iter().sum::<f32>() / 24_000.0;
            assert!(mean.abs() < 1e-3, "{mean}");
            let muffled = recording
                .warnings
                .iter()
                .any(|told| told.contains("muffled"));
            assert_eq!(muffled, rate == 8_000);
        }
    }

    #[test]
    fn a_long_clip_is_not_taken_whole() {
        let recording = read(vec![0.1; 8_000 * 1_000], 8_000);
        assert_eq!(recording.samples.len(), 900 * 24_000);
        assert!(
            recording
                .warnings
                .iter()
                .any(|told| told.contains("15 minutes"))
        );
    }
}
