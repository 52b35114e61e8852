//! The long-term spectrum of speech: its average log mel, voiced and unvoiced frames apart.

use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::Result;

/// Frames so far below the loud ones do not count, in nepers: 25 dB where it is voiced, 35 dB where it is not, whose
/// sounds are softer.
const VOICED_RANGE: f32 = 2.88;
const UNVOICED_RANGE: f32 = 4.03;

/// Where a recording holds so much less than the voice says, it was cut off there, nepers: 16 dB.
const CUT_OFF: f32 = 1.84;

/// Bands that a cut-off reaches before it is seen, and bands whose mean stands in for those beyond it.
const EDGE: usize = 2;
pub(crate) const BESIDE: usize = 6;

/// Averages of the log mel of speech over the frames that sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spectrum {
    /// Of the frames that have a fundamental frequency.
    pub voiced: Average,
    /// Of those that have none.
    pub unvoiced: Average,
}

/// An average of frames, nepers in each band; of no frames, it has no bands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Average {
    /// Log mel, `[bands]`.
    pub mean: Vec<f32>,
    /// Number of frames.
    pub frames: usize,
}

impl Spectrum {
    /// Of a log mel [bands, T] and its F0 `[T]` in Hz, 0 where unvoiced; frames that only one of them has are left out.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn of(mel: &Tensor, f0_hz: &[f32]) -> Result<Self> {
        let frames = mel.t()?.to_vec2::<f32>()?;
        let sounds = sounding(&frames, f0_hz);
        let (mut voiced, mut unvoiced) = (Vec::new(), Vec::new());
        for (frame, sounds) in frames.iter().zip(sounds) {
            match sounds {
                Some(true) => voiced.push(frame.as_slice()),
                Some(false) => unvoiced.push(frame.as_slice()),
                None => {}
            }
        }
        Ok(Self {
            voiced: Average::of(&voiced),
            unvoiced: Average::of(&unvoiced),
        })
    }

    /// As a tensor [2, bands + 1]: voiced and unvoiced, the number of frames at the end of each row.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn tensor(&self) -> Result<Tensor> {
        let (voiced, unvoiced) = (&self.voiced, &self.unvoiced);
        let bands = voiced.mean.len().max(unvoiced.mean.len());
        let mut values = Vec::with_capacity(2 * bands + 2);
        for average in [voiced, unvoiced] {
            let missing = bands - average.mean.len();
            values.extend(average.mean.iter().copied().chain(vec![0.0; missing]));
            values.push(average.frames as f32);
        }
        Ok(Tensor::from_vec(values, (2, bands + 1), &Device::Cpu)?)
    }

    /// What [`Spectrum::tensor`] has made; none of any other tensor.
    pub fn read(stored: &Tensor) -> Option<Self> {
        let average = |row: &Vec<f32>| {
            let (frames, mean) = row.split_last()?;
            match *frames as usize {
                _ if !row.iter().all(|x| x.is_finite()) => None,
                0 => Some(Average::default()),
                frames => Some(Average {
                    mean: mean.to_vec(),
                    frames,
                }),
            }
        };
        let rows = stored.to_vec2::<f32>().ok()?;
        let [voiced, unvoiced] = rows.as_slice() else {
            return None;
        };
        Some(Self {
            voiced: average(voiced)?,
            unvoiced: average(unvoiced)?,
        })
    }

    /// The same averages, as of `most` frames where they are of more.
    pub fn counting_at_most(&self, most: usize) -> Self {
        let counting = |average: &Average| Average {
            frames: average.frames.min(most),
            ..average.clone()
        };
        Self {
            voiced: counting(&self.voiced),
            unvoiced: counting(&self.unvoiced),
        }
    }

    /// Takes in a frame; averages of `most` frames forget as much as they learn.
    pub fn follow(&mut self, frame: &[f32], voiced: bool, most: usize) {
        let average = if voiced {
            &mut self.voiced
        } else {
            &mut self.unvoiced
        };
        average.frames = average.frames.min(most - 1);
        average.join(&Average {
            mean: frame.to_vec(),
            frames: 1,
        });
    }

    /// That of several stretches of speech together.
    pub fn together<'a>(spectra: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for spectrum in spectra {
            sum.voiced.join(&spectrum.voiced);
            sum.unvoiced.join(&spectrum.unvoiced);
        }
        sum
    }
}

/// Whether each frame, log mel with its F0 in Hz, is voiced; none where it is too soft to count.
pub(super) fn sounding(frames: &[Vec<f32>], f0_hz: &[f32]) -> Vec<Option<bool>> {
    let loudness = Loudness::of(frames);
    let sounds = |(frame, hz): (&Vec<f32>, &f32)| {
        let voiced = *hz > 0.0;
        loudness.counts(frame, voiced).then_some(voiced)
    };
    frames.iter().zip(f0_hz).map(sounds).collect()
}

/// How loud the loud frames of speech are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Loudness(f32);

impl Loudness {
    /// Of log mel frames: one of twenty is louder.
    pub fn of(frames: &[Vec<f32>]) -> Self {
        let mut levels: Vec<f32> = frames.iter().map(|frame| level(frame)).collect();
        levels.sort_unstable_by(f32::total_cmp);
        let at = (0.95 * levels.len().saturating_sub(1) as f64) as usize;
        Self(levels.get(at).copied().unwrap_or_default())
    }

    /// Whether a frame of such speech is loud enough to count.
    pub fn counts(self, frame: &[f32], voiced: bool) -> bool {
        let range = if voiced { VOICED_RANGE } else { UNVOICED_RANGE };
        level(frame) > self.0 - range
    }
}

/// The bands that were recorded, where the networks speak as `own`: below and above, a recording holds much less.
pub(crate) fn recorded_bands(recorded: &Average, own: &Average) -> Range<usize> {
    let pairs = recorded.mean.iter().zip(&own.mean);
    let there: Vec<bool> = pairs
        .map(|(recorded, own)| recorded - own > -CUT_OFF)
        .collect();
    let (Some(first), Some(last)) = (
        there.iter().position(|there| *there),
        there.iter().rposition(|there| *there),
    ) else {
        return 0..0;
    };
    let (mut from, mut to) = (first, last + 1);
    if first > 0 {
        from = (first + EDGE).min(last);
    }
    if to < there.len() {
        to = to.saturating_sub(EDGE).max(from + 1);
    }
    from..to
}

impl Average {
    pub fn of(frames: &[&[f32]]) -> Self {
        let bands = frames.first().map_or(0, |frame| frame.len());
        let mean = |band: usize| {
            let sum: f64 = frames.iter().map(|frame| f64::from(frame[band])).sum();
            (sum / frames.len() as f64) as f32
        };
        Self {
            mean: (0..bands).map(mean).collect(),
            frames: frames.len(),
        }
    }

    /// Takes in another average, each weighing as its frames. What has another number of bands is not taken in.
    fn join(&mut self, other: &Self) {
        if self.frames == 0 {
            self.clone_from(other);
        } else if self.mean.len() == other.mean.len() {
            let frames = self.frames + other.frames;
            let share = other.frames as f32 / frames as f32;
            for (mean, other) in self.mean.iter_mut().zip(&other.mean) {
                *mean += share * (other - *mean);
            }
            self.frames = frames;
        }
    }
}

/// Half the logarithm of a frame's power.
fn level(frame: &[f32]) -> f32 {
    let power: f64 = frame.iter().map(|&x| (2.0 * f64::from(x)).exp()).sum();
    (0.5 * power.ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of two bands: two voiced, an unvoiced one, a pause.
    fn mel() -> Tensor {
        Tensor::new(
            &[[0.0f32, -1.0, -3.0, -11.0], [1.0, 0.0, -2.0, -11.0]],
            &Device::Cpu,
        )
        .unwrap()
    }

    #[test]
    fn voiced_and_unvoiced_frames_are_averaged_apart_and_pauses_left_out() {
        let spectrum = Spectrum::of(&mel(), &[100.0, 110.0, 0.0, 0.0]).unwrap();
        assert_eq!(
            spectrum.voiced,
            Average {
                mean: vec![-0.5, 0.5],
                frames: 2
            }
        );
        assert_eq!(
            spectrum.unvoiced,
            Average {
                mean: vec![-3.0, -2.0],
                frames: 1
            }
        );
        // A pause is none of the voice, whatever a pitch tracker makes of it.
        let octave = Spectrum::of(&mel(), &[100.0, 110.0, 0.0, 50.0]).unwrap();
        assert_eq!(octave, spectrum);
        assert_eq!(Spectrum::read(&spectrum.tensor().unwrap()), Some(spectrum));
    }

    #[test]
    fn stretches_weigh_as_their_frames() {
        let one = Spectrum::of(&mel(), &[100.0, 0.0, 0.0, 0.0]).unwrap();
        let other = Spectrum::of(&mel(), &[0.0, 100.0, 0.0, 0.0]).unwrap();
        let both = Spectrum::together([&Spectrum::default(), &one, &other]);
        assert_eq!(
            both.voiced,
            Average {
                mean: vec![-0.5, 0.5],
                frames: 2
            }
        );
        assert_eq!(both.unvoiced.frames, 4);
        assert_eq!(Spectrum::together([]), Spectrum::default());
    }

    #[test]
    fn silence_and_mels_of_no_frames_have_averages_without_harm() {
        let silence = Tensor::full(-11.5f32, (3, 5), &Device::Cpu).unwrap();
        let spectrum = Spectrum::of(&silence, &[0.0; 5]).unwrap();
        assert_eq!((spectrum.voiced.frames, spectrum.unvoiced.frames), (0, 5));
        assert_eq!(Spectrum::read(&spectrum.tensor().unwrap()), Some(spectrum));
        assert_eq!(Spectrum::read(&silence), None);
        assert_eq!(Spectrum::of(&silence, &[]).unwrap(), Spectrum::default());
    }
}
