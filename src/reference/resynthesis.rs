//! What the networks make of a clip's own sounds in its own voice: the same frames twice, as recorded and as spoken again.

use candle_core::{Device, Tensor};

use super::cepstra::{CEPSTRA, basis};
use super::spectrum::{self, Average, Spectrum};
use crate::Result;

/// A stretch of speech as recorded and as spoken again, over the frames that sound in both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resynthesis {
    /// As recorded.
    pub recorded: Likeness,
    /// As the networks speak it.
    pub spoken: Likeness,
}

/// How frames are spread.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Likeness {
    /// Their averages.
    pub spectrum: Spectrum,
    /// Covariance of the cepstra of voiced frames, `[CEPSTRA · CEPSTRA]`; empty of no frames.
    pub covariance: Vec<f32>,
}

impl Resynthesis {
    /// Of log mels [bands, T] with F0 `[T]` in Hz, 0 where unvoiced; frames that only one of them has are left out.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn of(recorded: (&Tensor, &[f32]), spoken: (&Tensor, &[f32])) -> Result<Self> {
        let rows = |mel: &Tensor| mel.t()?.to_vec2::<f32>();
        let (heard, said) = (rows(recorded.0)?, rows(spoken.0)?);
        let sounds = spectrum::sounding(&heard, recorded.1);
        let (mut voiced, mut unvoiced) = (Pairs::default(), Pairs::default());
        let frames = heard.iter().zip(&said).zip(sounds).zip(spoken.1);
        for ((pair, sounds), spoken_hz) in frames {
            match sounds {
                Some(true) if *spoken_hz > 0.0 => voiced.add(pair),
                Some(false) if *spoken_hz <= 0.0 => unvoiced.add(pair),
                _ => {}
            }
        }
        let spectra = |voiced: &[&[f32]], unvoiced: &[&[f32]]| Spectrum {
            voiced: Average::of(voiced),
            unvoiced: Average::of(unvoiced),
        };
        let recorded = spectra(&voiced.recorded, &unvoiced.recorded);
        let spoken = spectra(&voiced.spoken, &unvoiced.spoken);
        let bands = spectrum::recorded_bands(&recorded.voiced, &spoken.voiced);
        let likeness = |spectrum: Spectrum, frames: &[&[f32]]| Likeness {
            covariance: covariance(frames, &spectrum.voiced.mean, &bands),
            spectrum,
        };
        Ok(Self {
            recorded: likeness(recorded, &voiced.recorded),
            spoken: likeness(spoken, &voiced.spoken),
        })
    }

    /// That of several stretches of speech together; none of none.
    pub fn together<'a>(stretches: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut stretches = stretches.into_iter();
        let mut sum = stretches.next()?.clone();
        for stretch in stretches {
            sum.recorded.join(&stretch.recorded);
            sum.spoken.join(&stretch.spoken);
        }
        Some(sum)
    }

    /// As a tensor `[2, ..]`, recorded and spoken: the averages and numbers of frames, voiced and unvoiced, and the
    /// covariance.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn tensor(&self) -> Result<Tensor> {
        let row = |likeness: &Likeness| -> Result<Tensor> {
            let spectrum = likeness.spectrum.tensor()?.flatten_all()?;
            let mut covariance = likeness.covariance.clone();
            covariance.resize(CEPSTRA * CEPSTRA, 0.0);
            let covariance = Tensor::from_vec(covariance, CEPSTRA * CEPSTRA, &Device::Cpu)?;
            Ok(Tensor::cat(&[&spectrum, &covariance], 0)?)
        };
        // Of one length, as both have the same frames.
        let (recorded, spoken) = (row(&self.recorded)?, row(&self.spoken)?);
        Ok(Tensor::stack(&[&recorded, &spoken], 0)?)
    }

    /// What [`Resynthesis::tensor`] has made; none of any other tensor.
    pub fn read(stored: &Tensor) -> Option<Self> {
        let (rows, width) = stored.dims2().ok()?;
        let spectrum = width.checked_sub(CEPSTRA * CEPSTRA)?;
        if rows != 2 || spectrum % 2 != 0 {
            return None;
        }
        let likeness = |row: usize| {
            let row = stored.get(row).ok()?;
            let averages = row.narrow(0, 0, spectrum).ok()?;
            let covariance = row.narrow(0, spectrum, CEPSTRA * CEPSTRA).ok()?;
            let covariance = covariance.to_vec1::<f32>().ok()?;
            let sound = covariance.iter().all(|x| x.is_finite());
            Some(Likeness {
                spectrum: Spectrum::read(&averages.reshape((2, spectrum / 2)).ok()?)?,
                covariance: sound.then_some(covariance)?,
            })
        };
        Some(Self {
            recorded: likeness(0)?,
            spoken: likeness(1)?,
        })
    }
}

impl Likeness {
    /// Takes in another, each weighing as its voiced frames.
    fn join(&mut self, other: &Self) {
        let (own, others) = (
            self.spectrum.voiced.frames as f32,
            other.spectrum.voiced.frames as f32,
        );
        if own == 0.0 {
            self.covariance.clone_from(&other.covariance);
        } else if self.covariance.len() == other.covariance.len() {
            let share = others / (own + others);
            for (x, other) in self.covariance.iter_mut().zip(&other.covariance) {
                *x += share * (other - *x);
            }
        }
        self.spectrum = Spectrum::together([&self.spectrum, &other.spectrum]);
    }
}

/// Frames as recorded and as spoken.
#[derive(Default)]
struct Pairs<'a> {
    recorded: Vec<&'a [f32]>,
    spoken: Vec<&'a [f32]>,
}

impl<'a> Pairs<'a> {
    fn add(&mut self, (recorded, spoken): (&'a Vec<f32>, &'a Vec<f32>)) {
        self.recorded.push(recorded);
        self.spoken.push(spoken);
    }
}

/// Of the cepstra of `frames`, in which the bands outside of `bands` are at their mean.
fn covariance(frames: &[&[f32]], mean: &[f32], bands: &std::ops::Range<usize>) -> Vec<f32> {
    if frames.is_empty() {
        return Vec::new();
    }
    let basis = basis(mean.len());
    let mut sums = vec![0.0f64; CEPSTRA * CEPSTRA];
    for frame in frames {
        let cepstra: Vec<f64> = basis
            .chunks_exact(mean.len())
            .map(|row| {
                let terms = bands
                    .clone()
                    .map(|band| f64::from(row[band]) * f64::from(frame[band] - mean[band]));
                terms.sum()
            })
            .collect();
        for (sums, a) in sums.chunks_exact_mut(CEPSTRA).zip(&cepstra) {
            sums.iter_mut()
                .zip(&cepstra)
                .for_each(|(sum, b)| *sum += a * b);
        }
    }
    let count = frames.len() as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: usize = 40;

    /// Frames of these levels, in bands 0 to 19 and 20 to 39.
    fn mel(levels: &[[f32; 2]]) -> Tensor {
        let bands = |frame: &[f32; 2]| (0..BANDS).map(|band| frame[band / 20]).collect::<Vec<_>>();
        let frames = levels.iter().flat_map(bands).collect();
        let frames = Tensor::from_vec(frames, (levels.len(), BANDS), &Device::Cpu).unwrap();
        frames.t().unwrap().contiguous().unwrap()
    }

    /// Recorded frames that swing by 1, and the same spoken half as far.
    fn pair(frames: usize) -> Resynthesis {
        let swinging = |by: f32| {
            let frame = |t: usize| match t % 2 {
                0 => [-4.0 + by, -4.0 - by],
                _ => [-4.0 - by, -4.0 + by],
            };
            mel(&(0..frames).map(frame).collect::<Vec<_>>())
        };
        let f0_hz = vec![100.0; frames];
        Resynthesis::of((&swinging(1.0), &f0_hz), (&swinging(0.5), &f0_hz)).unwrap()
    }

    #[test]
    fn frames_count_where_both_sound_alike() {
        let recorded = mel(&[[-2.0, -3.0], [-2.5, -3.0], [-3.0, -2.0], [-11.0, -11.0]]);
        let spoken = mel(&[
            [-1.0, -4.0],
            [-9.0, -9.0],
            [-3.0, -3.0],
            [-2.0, -2.0],
            [-2.0, -2.0],
        ]);
        // The second is voiced in one alone, the fourth is a pause as recorded, the fifth is only spoken.
        let heard = (&recorded, &[100.0, 100.0, 0.0, 100.0][..]);
        let found = Resynthesis::of(heard, (&spoken, &[90.0, 0.0, 0.0, 90.0, 90.0])).unwrap();
        let Resynthesis { recorded, spoken } = &found;
        let mean = |average: &Average| (average.frames, average.mean[0], average.mean[BANDS - 1]);
        assert_eq!(mean(&recorded.spectrum.voiced), (1, -2.0, -3.0));
        assert_eq!(mean(&spoken.spectrum.voiced), (1, -1.0, -4.0));
        assert_eq!(mean(&recorded.spectrum.unvoiced), (1, -3.0, -2.0));
        assert_eq!(mean(&spoken.spectrum.unvoiced), (1, -3.0, -3.0));
        let nothing = Resynthesis::of(heard, (&mel(&[]), &[])).unwrap();
        assert_eq!(nothing.spoken, Likeness::default());
    }

    #[test]
    fn the_covariance_is_that_of_the_cepstra() {
        let Resynthesis { recorded, spoken } = pair(100);
        for (a, b) in recorded.covariance.iter().zip(&spoken.covariance) {
            assert!((a - 4.0 * b).abs() < 1e-4, "{a} {b}");
        }
        // A square wave of 40 bands, whose orders from 17 on and the even ones hold the rest.
        let trace: f32 = recorded.covariance.iter().step_by(CEPSTRA + 1).sum();
        assert!((0.9 * 40.0..40.0).contains(&trace), "{trace}");
    }

    #[test]
    fn what_was_not_recorded_tells_nothing() {
        let cut = mel(&[[-2.0, -11.5], [-3.0, -11.5], [-2.5, -11.5]]);
        let f0_hz = [100.0; 3];
        let loud = mel(&[[-2.0, -3.0], [-2.0, -1.0], [-2.0, -2.0]]);
        let found = Resynthesis::of((&cut, &f0_hz), (&loud, &f0_hz)).unwrap();
        // Spoken, only the bands that were cut off move.
        assert!(found.spoken.covariance.iter().all(|x| x.abs() < 1e-6));
        assert!(found.recorded.covariance[0] > 0.1);
    }

    #[test]
    fn stretches_weigh_as_their_frames() {
        assert_eq!(Resynthesis::together([]), None);
        let (few, many, none) = (pair(10), pair(30), pair(0));
        let all = Resynthesis::together([&none, &few, &many, &none]).unwrap();
        assert_eq!(all.recorded.spectrum.voiced.frames, 40);
        for (a, b) in all.recorded.covariance.iter().zip(&few.recorded.covariance) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        let mut other = many.clone();
        other.spoken.covariance.iter_mut().for_each(|x| *x *= 5.0);
        let both = Resynthesis::together([&few, &other]).unwrap();
        let (a, b) = (both.spoken.covariance[0], few.spoken.covariance[0]);
        assert!((a - 4.0 * b).abs() < 1e-3 * b, "{a} {b}");
    }
}
