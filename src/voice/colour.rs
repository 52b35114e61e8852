//! The colour of a voice: what its long-term spectrum has that its clone's lacks.

use std::ops::Range;

use candle_core::{Device, Tensor};
use syrinx_models::megatts2::AcousticFrames;

use super::cepstral_map::CepstralMap;
use crate::Result;
use crate::reference::{Average, BESIDE, Resynthesis, Spectrum, recorded_bands};

/// No band is moved by more than this, nepers: 12 dB.
const FARTHEST: f32 = 1.38;

/// A difference is trusted by half if it was heard for so many frames: 0.25 s.
const DOUBT: f32 = 20.0;

/// Standard deviations of the smoothing along frequency, bands: voiced speech has many frames, its envelope is known
/// better than that of the rest.
const SMOOTHING: [f32; 2] = [1.0, 2.0];

/// What is added to the log mel that the networks decode for a voice: a constant for each band and, where it is voiced, what
/// brings its sounds as far apart as they are in the references.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Colour {
    /// Where it is voiced, nepers, `[bands]`.
    voiced: Vec<f32>,
    /// Where it is not.
    unvoiced: Vec<f32>,
    /// Where it is voiced, on top.
    map: Option<CepstralMap>,
}

impl Colour {
    /// What takes speech of the long-term spectrum `own` to that of the references. None where nothing was heard.
    pub fn between(references: &Spectrum, own: &Spectrum) -> Option<Self> {
        let voiced = offsets(&references.voiced, &own.voiced, SMOOTHING[0])?;
        let unvoiced = offsets(&references.unvoiced, &own.unvoiced, SMOOTHING[1]);
        Some(Self {
            unvoiced: unvoiced.unwrap_or_else(|| vec![0.0; voiced.len()]),
            voiced,
            map: None,
        })
    }

    /// With what the references spoken again tell: the same frames as recorded and as spoken, which other sentences are not.
    /// Of what is voiced, half of the constants, as there the recogniser's mistakes tell too; those of the rest, and the map.
    pub fn refined(self, resynthesis: &Resynthesis) -> Self {
        let Resynthesis { recorded, spoken } = resynthesis;
        let Some(again) = Self::between(&recorded.spectrum, &spoken.spectrum) else {
            return self;
        };
        let means = self.voiced.iter().zip(&again.voiced);
        Self {
            voiced: means.map(|(a, b)| 0.5 * (a + b)).collect(),
            unvoiced: match spoken.spectrum.unvoiced.frames {
                0 => self.unvoiced,
                _ => again.unvoiced,
            },
            map: CepstralMap::between(resynthesis),
        }
    }

    /// Stored [2, bands], voiced and unvoiced, with the rows of a map or without. None if it is no such tensor, or of
    /// another number of `bands`.
    pub fn read(stored: &Tensor, bands: usize) -> Option<Self> {
        let rows = stored.to_vec2::<f32>().ok()?;
        let (constants, map) = rows.split_at_checked(2)?;
        let usable = |x: &f32| x.is_finite() && x.abs() <= FARTHEST;
        let sound = |row: &Vec<f32>| row.len() == bands && row.iter().all(usable);
        Some(Self {
            voiced: constants.first().filter(|row| sound(row))?.clone(),
            unvoiced: constants.last().filter(|row| sound(row))?.clone(),
            map: match map.is_empty() {
                true => None,
                false => Some(CepstralMap::read(map)?),
            },
        })
    }

    /// As [`Colour::read`] reads it.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn tensor(&self) -> Result<Tensor> {
        let bands = self.voiced.len();
        let mut values = [self.voiced.as_slice(), &self.unvoiced].concat();
        values.extend(self.map.iter().flat_map(CepstralMap::values));
        let shape = (values.len() / bands, bands);
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    /// Adds the constants to one frame `[bands]`.
    pub fn add_to(&self, frame: &mut [f32], voiced: bool) {
        let constants = if voiced { &self.voiced } else { &self.unvoiced };
        for (x, constant) in frame.iter_mut().zip(constants) {
            *x += constant;
        }
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
        let mut offsets = (voiced - &unvoiced)?
            .matmul(&voicing)?
            .broadcast_add(&unvoiced)?;
        if let Some(map) = &self.map {
            offsets = (offsets + map.offsets(mel)?.broadcast_mul(&voicing)?)?;
        }
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
    level_beyond(&mut difference, recorded_bands(reference, own));
    let frames = reference.frames.min(own.frames) as f32;
    let trust = frames / (frames + DOUBT);
    let smooth = smoothed(&difference, smoothing);
    let offsets = smooth
        .iter()
        .map(|x| (trust * x).clamp(-FARTHEST, FARTHEST));
    Some(offsets.collect())
}

/// Below and above the frequencies that were recorded there is no difference to be known: it stays what it is beside.
fn level_beyond(difference: &mut [f32], recorded: Range<usize>) {
    if recorded.is_empty() {
        difference.fill(0.0);
        return;
    }
    let Range {
        start: from,
        end: to,
    } = recorded;
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
    use crate::reference::basis;

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
            map: None,
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

    /// Voiced frames whose second cepstrum swings by `swing` about `level`, log mel [bands, T].
    fn hum(swing: f32, level: f32) -> Tensor {
        let basis = basis(BANDS);
        let frame = |t: usize| {
            let cepstrum = swing * (0.7 * t as f32).sin();
            let shape = basis[BANDS..2 * BANDS].iter();
            shape.map(move |x| level + cepstrum * x).collect::<Vec<_>>()
        };
        let frames: Vec<f32> = (0..HUM).flat_map(frame).collect();
        let frames = Tensor::from_vec(frames, (HUM, BANDS), &Device::Cpu).unwrap();
        frames.t().unwrap().contiguous().unwrap()
    }

    const HUM: usize = 2000;

    fn voiced(mel: Tensor) -> AcousticFrames {
        let frames = mel.dim(1).unwrap();
        AcousticFrames {
            mel,
            f0_hz: vec![100.0; frames],
            voicing: vec![1.0; frames],
        }
    }

    /// One of sentences that lack 1 neper, of clips that hold 0.5 more and swing twice as far as they are spoken again.
    fn refined() -> Colour {
        let f0_hz = [100.0; HUM];
        let (recorded, spoken) = (hum(1.0, -4.5), hum(0.5, -5.0));
        let resynthesis = Resynthesis::of((&recorded, &f0_hz), (&spoken, &f0_hz)).unwrap();
        let colour = Colour::between(&spectrum(|_| -4.0, 100_000), &own()).unwrap();
        colour.refined(&resynthesis)
    }

    #[test]
    fn clips_spoken_again_tell_half_of_the_constants_and_how_far_apart_the_sounds_are() {
        let colour = refined();
        let all = |values: &[f32], wanted: f32| values.iter().all(|x| (x - wanted).abs() < 0.01);
        assert!(all(&colour.voiced, 0.75), "{:?}", colour.voiced);
        // None of their frames is unvoiced.
        assert!(all(&colour.unvoiced, 1.0), "{:?}", colour.unvoiced);
        let found = colour.apply(&voiced(hum(0.5, -5.0))).unwrap();
        let off = (found - hum(1.0, -4.25)).unwrap().abs().unwrap();
        let off = off.flatten_all().unwrap().max(0).unwrap();
        assert!(off.to_scalar::<f32>().unwrap() < 0.02, "{off}");
    }

    #[test]
    fn a_map_is_kept_and_pieces_joined_equal_the_whole() {
        let colour = refined();
        let kept = Colour::read(&colour.tensor().unwrap(), BANDS);
        assert_eq!(kept, Some(colour.clone()));
        let apart = Colour::read(&colour.tensor().unwrap().narrow(0, 0, 3).unwrap(), BANDS);
        assert_eq!(apart, None, "half a map");
        let mel = hum(0.8, -6.0);
        let piece = |from, frames| {
            let mel = mel.narrow(1, from, frames).unwrap();
            colour.apply(&voiced(mel)).unwrap()
        };
        let joined = Tensor::cat(&[piece(0, 7), piece(7, 1), piece(8, HUM - 8)], 1).unwrap();
        let off = (joined - piece(0, HUM)).unwrap().abs().unwrap();
        let off = off.flatten_all().unwrap().max(0).unwrap();
        assert!(off.to_scalar::<f32>().unwrap() < 1e-5, "{off}");
        let unvoiced = AcousticFrames {
            voicing: vec![0.0; HUM],
            ..voiced(mel.clone())
        };
        let moved = (colour.apply(&unvoiced).unwrap() - &mel).unwrap();
        let moved = moved.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(moved.iter().all(|x| (x - 1.0).abs() < 0.01), "no map");
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
