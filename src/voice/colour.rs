//! The colour of a voice: what its long-term spectrum has that its clone's lacks.

use candle_core::{Device, Tensor};
use syrinx_models::megatts2::AcousticFrames;

use crate::Result;
use crate::reference::{Average, Spectrum};

/// No band is moved by more than this, nepers: 12 dB.
const FARTHEST: f32 = 1.38;

/// A difference is trusted by half if it was heard for so many frames: 0.25 s.
const DOUBT: f32 = 20.0;

/// Where a recording holds so much less than the voice says, it was cut off there, nepers: 16 dB.
const CUT_OFF: f32 = 1.84;

/// Bands that a cut-off reaches before it is seen, and bands whose mean stands in for those beyond it.
const EDGE: usize = 2;
const BESIDE: usize = 6;

/// Standard deviations of the smoothing along frequency, bands: voiced speech has many frames, its envelope is known
/// better than that of the rest.
const SMOOTHING: [f32; 2] = [1.0, 2.0];

/// A constant for each band, added to the log mel that the networks decode for a voice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Colour {
    /// Where it is voiced, nepers, `[bands]`.
    voiced: Vec<f32>,
    /// Where it is not.
    unvoiced: Vec<f32>,
}

impl Colour {
    /// What takes speech of the long-term spectrum `own` to that of the references. None where nothing was heard.
    pub fn between(references: &Spectrum, own: &Spectrum) -> Option<Self> {
        let voiced = offsets(&references.voiced, &own.voiced, SMOOTHING[0])?;
        let unvoiced = offsets(&references.unvoiced, &own.unvoiced, SMOOTHING[1]);
        Some(Self {
            unvoiced: unvoiced.unwrap_or_else(|| vec![0.0; voiced.len()]),
            voiced,
        })
    }

    /// Stored [2, bands]: voiced, unvoiced. None if it is no such tensor, or of another number of `bands`.
    pub fn read(stored: &Tensor, bands: usize) -> Option<Self> {
        let rows = stored.to_vec2::<f32>().ok()?;
        let [voiced, unvoiced] = <[Vec<f32>; 2]>::try_from(rows).ok()?;
        let usable = |x: &f32| x.is_finite() && x.abs() <= FARTHEST;
        let sound = |row: &[f32]| row.len() == bands && row.iter().all(usable);
        (sound(&voiced) && sound(&unvoiced)).then_some(Self { voiced, unvoiced })
    }

    /// [2, bands], as [`Colour::read`] reads it.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn tensor(&self) -> Result<Tensor> {
        let values = [self.voiced.as_slice(), &self.unvoiced].concat();
        Ok(Tensor::from_vec(
            values,
            (2, self.voiced.len()),
            &Device::Cpu,
        )?)
    }

    /// The mel [bands, T] of decoded frames in a colour, or as they are without one.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn applied(colour: Option<&Self>, frames: &AcousticFrames) -> Result<Tensor> {
        match colour {
            Some(colour) => colour.apply(frames),
            None => Ok(frames.mel.clone()),
        }
    }

    /// The mel [bands, T] of decoded frames in this colour: each frame by itself, so that pieces joined equal the whole.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn apply(&self, frames: &AcousticFrames) -> Result<Tensor> {
        let AcousticFrames { mel, voicing, .. } = frames;
        let column = |values: &[f32]| Tensor::new(values, mel.device())?.unsqueeze(1);
        let (voiced, unvoiced) = (column(&self.voiced)?, column(&self.unvoiced)?);
        let voicing = Tensor::new(voicing.as_slice(), mel.device())?.unsqueeze(0)?;
        let offsets = (voiced - &unvoiced)?
            .matmul(&voicing)?
            .broadcast_add(&unvoiced)?;
        Ok((mel + offsets)?)
    }
}

/// The difference of two averages: level with what lies beside it where the reference was cut off, smooth along
/// frequency, the less the fewer frames tell it, bounded.
fn offsets(reference: &Average, own: &Average, smoothing: f32) -> Option<Vec<f32>> {
    if reference.frames == 0 || own.frames == 0 || reference.mean.len() != own.mean.len() {
        return None;
    }
    let pairs = reference.mean.iter().zip(&own.mean);
    let mut difference: Vec<f32> = pairs.map(|(reference, own)| reference - own).collect();
    level_beyond(&mut difference);
    let frames = reference.frames.min(own.frames) as f32;
    let trust = frames / (frames + DOUBT);
    let smooth = smoothed(&difference, smoothing);
    let offsets = smooth
        .iter()
        .map(|x| (trust * x).clamp(-FARTHEST, FARTHEST));
    Some(offsets.collect())
}

/// Below and above the frequencies that were recorded there is no difference to be known: it stays what it is beside.
fn level_beyond(difference: &mut [f32]) {
    let recorded = |x: &f32| *x > -CUT_OFF;
    let (Some(first), Some(last)) = (
        difference.iter().position(recorded),
        difference.iter().rposition(recorded),
    ) else {
        difference.fill(0.0);
        return;
    };
    let (mut from, mut to) = (first, last + 1);
    if first > 0 {
        from = (first + EDGE).min(last);
    }
    if to < difference.len() {
        to = to.saturating_sub(EDGE).max(from + 1);
    }
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    let below = mean(&difference[from..(from + BESIDE).min(to)]);
    let above = mean(&difference[to.saturating_sub(BESIDE).max(from)..to]);
    difference[..from].fill(below);
    difference[to..].fill(above);
}

/// Convolved with a Gaussian of a standard deviation of `width` bands; the ends go on as they are.
fn smoothed(values: &[f32], width: f32) -> Vec<f32> {
    let reach = (3.0 * width) as isize;
    let last = values.len() as isize - 1;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|step| (-0.5 * (step as f32 / width).powi(2)).exp())
        .collect();
    let total: f32 = weights.iter().sum();
    let at = |band: isize| {
        let near = (-reach..=reach).map(|step| values[(band + step).clamp(0, last) as usize]);
        near.zip(&weights)
            .map(|(x, weight)| x * weight)
            .sum::<f32>()
            / total
    };
    (0..=last).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: usize = 100;

    fn spectrum(level: impl Fn(usize) -> f32, frames: usize) -> Spectrum {
        let average = Average {
            mean: (0..BANDS).map(level).collect(),
            frames,
        };
        Spectrum {
            voiced: average.clone(),
            unvoiced: average,
        }
    }

    fn own() -> Spectrum {
        spectrum(|_| -5.0, 1_000_000)
    }

    #[test]
    fn a_constant_moves_the_decoded_mel_by_itself() {
        let colour = Colour {
            voiced: vec![0.5, -0.25],
            unvoiced: vec![0.0, 1.0],
        };
        let frames = |voicing: &[f32]| AcousticFrames {
            mel: Tensor::full(-4.0f32, (2, voicing.len()), &Device::Cpu).unwrap(),
            f0_hz: voicing.iter().map(|p| 100.0 * p.round()).collect(),
            voicing: voicing.to_vec(),
        };
        let mel = colour.apply(&frames(&[1.0, 0.0, 0.5])).unwrap();
        let expected = [vec![-3.5, -4.0, -3.75], vec![-4.25, -3.0, -3.625]];
        assert_eq!(mel.to_vec2::<f32>().unwrap(), expected);
        assert_eq!(
            Colour::read(&colour.tensor().unwrap(), 2),
            Some(colour.clone())
        );
        assert_eq!(Colour::read(&colour.tensor().unwrap(), 3), None);
    }

    #[test]
    fn much_speech_is_followed_and_little_is_not() {
        let strength = |frames| {
            let colour = Colour::between(&spectrum(|_| -4.0, frames), &own()).unwrap();
            assert!(
                colour
                    .voiced
                    .iter()
                    .all(|x| (x - colour.voiced[0]).abs() < 1e-6)
            );
            colour.voiced[0]
        };
        let strengths = [1, 10, 100, 1000, 100_000].map(strength);
        assert!(
            strengths.is_sorted() && strengths[0] < 0.05,
            "{strengths:?}"
        );
        assert!((strengths[4] - 1.0).abs() < 1e-3);
        let far = Colour::between(&spectrum(|_| 9.0, 100_000), &own()).unwrap();
        assert_eq!(far.voiced, [FARTHEST; BANDS]);
    }

    #[test]
    fn frequencies_that_were_not_recorded_are_left_to_those_beside() {
        // 16 kHz and 8 kHz hold nothing above; a telephone nothing below either.
        for (from, to) in [(0, 84), (0, 60), (8, 60)] {
            let cut = |band| {
                if (from..to).contains(&band) {
                    -4.5
                } else {
                    -11.5
                }
            };
            let colour = Colour::between(&spectrum(cut, 100_000), &own()).unwrap();
            for (band, x) in colour.voiced.iter().chain(&colour.unvoiced).enumerate() {
                assert!((x - 0.5).abs() < 0.01, "{from}..{to}: {x} in band {band}");
            }
        }
        let silence = Colour::between(&spectrum(|_| -11.5, 1000), &own()).unwrap();
        assert_eq!(silence.voiced, [0.0; BANDS]);
    }

    #[test]
    fn nothing_heard_is_no_colour() {
        assert_eq!(Colour::between(&Spectrum::default(), &own()), None);
        assert_eq!(Colour::between(&own(), &Spectrum::default()), None);
        let voiced = Spectrum {
            unvoiced: Average::default(),
            ..spectrum(|_| -4.0, 1000)
        };
        assert_eq!(
            Colour::between(&voiced, &own()).unwrap().unvoiced,
            [0.0; BANDS]
        );
    }
}
