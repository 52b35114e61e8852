//! How a voice moves between its sounds: a linear map of cepstra.

use candle_core::Tensor;
use syrinx_vocoder::linalg::symmetric_function;

use crate::Result;
use crate::reference::{CEPSTRA, Likeness, Resynthesis, basis, recorded_bands};

/// No band is moved by more than this by the map, nepers: 7 dB.
const FARTHEST: f64 = 0.8;

/// Half of what is heard is believed after so many voiced frames: 0.25 s.
const DOUBT: f64 = 20.0;

/// Fewer voiced frames have no covariance to speak of: 1.5 s.
const FEW: usize = 120;

/// What is added to the variances, so that a cepstrum that hardly moves is not blown up.
const SHRINKAGE: f64 = 0.05;

/// The smallest variance, square nepers.
const SMALLEST: f64 = 1e-6;

/// The linear map that gives frames spoken by the networks the covariance of those recorded and moves them the least:
/// the optimal transport between two normal distributions (Knott and Smith 1984),
/// `M = S^-½ (S^½ R S^½)^½ S^-½` with R the covariance of the recorded cepstra and S that of the spoken ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CepstralMap {
    /// Mean of the spoken frames, which stays where it is, `[bands]`.
    centre: Vec<f32>,
    /// From the distance of a frame from the centre to what its cepstra are moved by, `[CEPSTRA · bands]`.
    rows: Vec<f32>,
    /// From cepstra to bands, `[CEPSTRA · bands]`: every chunk that is spoken needs it.
    basis: Vec<f32>,
}

impl CepstralMap {
    /// From spoken frames to recorded ones; none of too few.
    pub fn between(resynthesis: &Resynthesis) -> Option<Self> {
        let Resynthesis { recorded, spoken } = resynthesis;
        let centre = &spoken.spectrum.voiced.mean;
        let frames = spoken.spectrum.voiced.frames;
        let size = CEPSTRA * CEPSTRA;
        if frames < FEW
            || [recorded, spoken]
                .iter()
                .any(|x| x.covariance.len() != size)
        {
            return None;
        }
        let trust = frames as f64 / (frames as f64 + DOUBT);
        let mut moved = transport(&shrunk(spoken), &shrunk(recorded));
        (0..CEPSTRA).for_each(|i| moved[i * CEPSTRA + i] -= 1.0);
        let heard = recorded_bands(&recorded.spectrum.voiced, &spoken.spectrum.voiced);
        let basis = basis(centre.len());
        let mut rows = vec![0.0; CEPSTRA * centre.len()];
        for (row, moved) in rows
            .chunks_exact_mut(centre.len())
            .zip(moved.chunks_exact(CEPSTRA))
        {
            for band in heard.clone() {
                let column = basis[band..].iter().step_by(centre.len());
                let sum: f64 = moved
                    .iter()
                    .zip(column)
                    .map(|(m, b)| m * f64::from(*b))
                    .sum();
                row[band] = (trust * sum) as f32;
            }
        }
        Some(Self {
            centre: centre.clone(),
            rows,
            basis,
        })
    }

    /// What it moves the frames of a mel [bands, T] by, [bands, T].
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn offsets(&self, mel: &Tensor) -> Result<Tensor> {
        let bands = self.centre.len();
        let tensor = |values: &[f32]| {
            Tensor::from_slice(values, (values.len() / bands, bands), mel.device())
        };
        let distance = mel.broadcast_sub(&tensor(&self.centre)?.t()?)?;
        let cepstra = tensor(&self.rows)?.matmul(&distance)?;
        let offsets = tensor(&self.basis)?.t()?.contiguous()?.matmul(&cepstra)?;
        Ok(offsets.clamp(-FARTHEST, FARTHEST)?)
    }

    /// The rows of [`read`](Self::read).
    pub fn values(&self) -> impl Iterator<Item = f32> {
        self.centre.iter().chain(&self.rows).copied()
    }

    /// From stored rows of `bands` values: the centre, and one for each cepstrum. None if they are no such rows.
    pub fn read(rows: &[Vec<f32>]) -> Option<Self> {
        let (centre, rows) = rows.split_first()?;
        let sound =
            rows.len() == CEPSTRA && rows.iter().chain([centre]).flatten().all(|x| x.is_finite());
        sound.then(|| Self {
            centre: centre.clone(),
            rows: rows.concat(),
            basis: basis(centre.len()),
        })
    }
}

fn shrunk(likeness: &Likeness) -> Vec<f64> {
    let value = |(at, x): (usize, &f32)| match at / CEPSTRA == at % CEPSTRA {
        true => f64::from(*x) * (1.0 + SHRINKAGE),
        false => f64::from(*x),
    };
    likeness.covariance.iter().enumerate().map(value).collect()
}

/// The symmetric matrix that takes one covariance to another.
fn transport(from: &[f64], to: &[f64]) -> Vec<f64> {
    let root = symmetric_function(from.to_vec(), CEPSTRA, |x| x.max(SMALLEST).sqrt());
    let inverse = symmetric_function(from.to_vec(), CEPSTRA, |x| x.max(SMALLEST).sqrt().recip());
    let middle = product(&product(&root, to), &root);
    // Products of two variances: what moves in neither stays as it is.
    let middle = symmetric_function(middle, CEPSTRA, |x| x.max(SMALLEST * SMALLEST).sqrt());
    product(&product(&inverse, &middle), &inverse)
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = CEPSTRA;
    let at = |i: usize, j: usize| (0..n).map(|k| a[i * n + k] * b[k * n + j]).sum();
    (0..n * n).map(|at_| at(at_ / n, at_ % n)).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::reference::{Average, Spectrum};

    const BANDS: usize = 100;

    /// Frames whose cepstra have these standard deviations, and the second follows the first by `follows`.
    fn likeness(deviations: [f32; 2], follows: f32, frames: usize) -> Likeness {
        let average = Average {
            mean: vec![-5.0; BANDS],
            frames,
        };
        let mut covariance = vec![0.0; CEPSTRA * CEPSTRA];
        (0..CEPSTRA).for_each(|i| covariance[i * CEPSTRA + i] = 0.01);
        let [a, b] = deviations;
        covariance[0] = a * a;
        covariance[CEPSTRA + 1] = b * b;
        (covariance[1], covariance[CEPSTRA]) = (follows * a * b, follows * a * b);
        Likeness {
            spectrum: Spectrum {
                voiced: average.clone(),
                unvoiced: average,
            },
            covariance,
        }
    }

    fn map(recorded: Likeness, spoken: Likeness) -> Option<CepstralMap> {
        CepstralMap::between(&Resynthesis { recorded, spoken })
    }

    /// The frame whose cepstra are these.
    fn frame(cepstra: [f32; 2]) -> Tensor {
        let basis = basis(BANDS);
        let level =
            |band: usize| -5.0 + cepstra[0] * basis[band] + cepstra[1] * basis[BANDS + band];
        Tensor::from_vec((0..BANDS).map(level).collect(), (BANDS, 1), &Device::Cpu).unwrap()
    }

    fn moved(map: &CepstralMap, cepstra: [f32; 2]) -> [f32; 2] {
        let offsets = map.offsets(&frame(cepstra)).unwrap();
        let offsets = offsets.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let basis = basis(BANDS);
        [0, 1].map(|k| {
            let row = &basis[k * BANDS..][..BANDS];
            cepstra[k] + row.iter().zip(&offsets).map(|(a, b)| a * b).sum::<f32>()
        })
    }

    #[test]
    fn one_covariance_becomes_the_other() {
        let many = 1_000_000;
        let map = map(
            likeness([0.4, 0.9], 0.6, many),
            likeness([0.8, 0.6], -0.3, many),
        )
        .unwrap();
        // Linear: the images of the axes tell what becomes of any covariance.
        let (x, y) = (moved(&map, [0.1, 0.0]), moved(&map, [0.0, 0.1]));
        let columns = [[x[0] / 0.1, x[1] / 0.1], [y[0] / 0.1, y[1] / 0.1]];
        let (a, b, c) = (0.64 * 1.05, 0.36 * 1.05, -0.3 * 0.8 * 0.6);
        let image = |i: usize, j: usize| {
            let [p, q] = [0, 1].map(|k| [columns[0][k], columns[1][k]]);
            let (u, v) = ([p, q][i], [p, q][j]);
            u[0] * v[0] * a + u[1] * v[1] * b + (u[0] * v[1] + u[1] * v[0]) * c
        };
        for (found, wanted) in [
            (image(0, 0), 0.16 * 1.05),
            (image(1, 1), 0.81 * 1.05),
            (image(0, 1), 0.6 * 0.4 * 0.9),
        ] {
            assert!((found - wanted).abs() < 2e-3, "{found}, {wanted} wanted");
        }
    }

    #[test]
    fn equal_covariances_move_nothing_and_nothing_is_moved_far() {
        let same = || likeness([0.5, 0.7], 0.2, 5000);
        let same = map(same(), same()).unwrap();
        let [a, b] = moved(&same, [0.5, -1.0]);
        assert!((a - 0.5).abs() < 1e-4 && (b + 1.0).abs() < 1e-4, "{a} {b}");
        let still = || likeness([0.5, 0.0], 0.0, 5000);
        let still = map(still(), still()).unwrap();
        let [a, b] = moved(&still, [0.5, -1.0]);
        assert!((a - 0.5).abs() < 1e-4 && (b + 1.0).abs() < 1e-4, "{a} {b}");
        let wild = map(
            likeness([9.0, 9.0], 0.0, 5000),
            likeness([0.1, 0.1], 0.0, 5000),
        )
        .unwrap();
        let offsets = wild
            .offsets(&frame([3.0, 3.0]))
            .unwrap()
            .flatten_all()
            .unwrap();
        let largest = offsets
            .abs()
            .unwrap()
            .max(0)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!((largest - FARTHEST as f32).abs() < 1e-6, "{largest}");
    }

    #[test]
    fn little_speech_is_not_believed() {
        let of = |frames| {
            map(
                likeness([0.5, 0.5], 0.0, frames),
                likeness([0.25, 0.25], 0.0, frames),
            )
        };
        assert_eq!(of(FEW - 1), None);
        let [little, much] =
            [FEW, 100_000].map(|frames| moved(&of(frames).unwrap(), [0.1, 0.0])[0]);
        assert!(
            0.1 < little && little < much && (much - 0.2).abs() < 1e-3,
            "{little} {much}"
        );
    }
}
