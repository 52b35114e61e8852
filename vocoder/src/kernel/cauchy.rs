//! The frequency response of diagonal-plus-rank-one state spaces, in double precision.
//!
//! Goel et al., *It's Raw! Audio Generation with State-Space Models* (ICML 2022) and Gu et al.,
//! *Efficiently Modeling Long Sequences with Structured State Spaces* (ICLR 2022), appendix C: the
//! kernel of an S4 layer is the inverse transform of
//!
//! ```text
//! K̂(ω) = 2/(1+ω) · [ r_CB − r_CP · r_QB / (1 + r_QP) ],   ω = e^(−iθ), θ = 2πk/L
//! r_v  = Σ v/(z − μ) + v*/(z − μ*),                        z = 2 (1−ω)/(1+ω) = 2i tan(θ/2)
//! ```
//!
//! z is infinite at k = L/2. With both sides of the fraction multiplied by cos²(θ/2) nothing is:
//!
//! ```text
//! r_v = cos(θ/2) h_v,  h_v = Σ (2i sin(θ/2) α − cos(θ/2) β) q,   α = 2 Re v, β = 2 Re v μ*
//! q   = 1 / (|μ|² cos² − 4 sin² − 4i Re μ sin cos)
//! K̂   = e^(iθ/2) [ h_CB − h_CP cos · h_QB / (1 + cos · h_QP) ]
//! ```

use realfft::RealFftPlanner;
pub use rustfft::num_complex::Complex64;

use super::pool::{self, SharedMut};
use super::simd::{Level, Simd, dispatch};
use super::tensor::unwritten;

/// Frequencies computed side by side.
const LANES: usize = 4;

/// One of the conjugate pairs of poles of a channel.
#[derive(Debug, Clone, Copy)]
pub struct DplrPole {
    /// The pole times the step, μ = Δ λ.
    pub pole: Complex64,
    /// The products times the step: Δ (c b, c p, q b, q p).
    pub products: [Complex64; 4],
}

/// Impulse responses \[H, taps\] of the channels, each given by its poles: the inverse transform of
/// their frequency responses at `length` points, cut to the first `taps` ≤ `length`.
///
/// # Panics
/// If `taps` is larger than `length`.
pub fn dplr_kernels(channels: &[Vec<DplrPole>], length: usize, taps: usize) -> Vec<f32> {
    assert!(taps <= length, "{taps} taps of a response of {length}");
    let mut kernels = vec![0.0; channels.len() * taps];
    if kernels.is_empty() {
        return kernels;
    }
    let inverse = RealFftPlanner::<f64>::new().plan_fft_inverse(length);
    let rows = SharedMut::new(unwritten(&mut kernels));
    pool::run(channels.len(), &|channel| {
        let mut spectrum = inverse.make_input_vec();
        let mut response = inverse.make_output_vec();
        dplr_spectrum(&channels[channel], length, &mut spectrum);
        inverse
            .process(&mut spectrum, &mut response)
            .expect("buffers made by the plan, real at both ends");
        // SAFETY: rows of different channels do not overlap.
        let row = unsafe { std::slice::from_raw_parts_mut(rows.get().add(channel * taps), taps) };
        for (tap, value) in row.iter_mut().zip(&response) {
            *tap = (value / length as f64) as f32;
        }
    });
    kernels
}

/// The response at the frequencies 2πk/`length`, k = 0 … `length`/2.
fn dplr_spectrum(poles: &[DplrPole], length: usize, spectrum: &mut [Complex64]) {
    let pairs: Vec<Pair> = poles.iter().map(Pair::new).collect();
    let (pairs, level) = (pairs.as_slice(), Level::best());
    // SAFETY: only slices are touched; the dispatch is for the width of the vectors.
    dispatch!(level, respond(pairs: &[Pair], length: usize, spectrum: &mut [Complex64]));
    // Real by symmetry; what is left of rounding would be refused by the inverse transform.
    spectrum[0].im = 0.0;
    if length.is_multiple_of(2) {
        spectrum[length / 2].im = 0.0;
    }
}

struct Pair {
    /// |μ|², 4 Re μ
    square: f64,
    real: f64,
    /// α and β of the four products.
    alpha: [f64; 4],
    beta: [f64; 4],
}

impl Pair {
    fn new(pole: &DplrPole) -> Self {
        Self {
            square: pole.pole.norm_sqr(),
            real: 4.0 * pole.pole.re,
            alpha: pole.products.map(|v| 2.0 * v.re),
            beta: pole.products.map(|v| 2.0 * (v * pole.pole.conj()).re),
        }
    }
}

/// Plain arithmetic that the compiler turns into vectors of the instruction set it is compiled for.
#[inline(always)]
unsafe fn respond<S: Simd>(pairs: &[Pair], length: usize, spectrum: &mut [Complex64]) {
    for (chunk, out) in spectrum.chunks_mut(LANES).enumerate() {
        let half =
            |lane: usize| std::f64::consts::PI * (chunk * LANES + lane) as f64 / length as f64;
        let angles: [(f64, f64); LANES] = std::array::from_fn(|lane| half(lane).sin_cos());
        let mut real = [[0.0; LANES]; 8];
        let mut imaginary = [[0.0; LANES]; 8];
        let square: [f64; LANES] = angles.map(|(_, cos)| cos * cos);
        let four: [f64; LANES] = angles.map(|(sin, _)| 4.0 * sin * sin);
        let mixed: [f64; LANES] = angles.map(|(sin, cos)| sin * cos);
        for pair in pairs {
            let mut q = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                let re = pair.square * square[lane] - four[lane];
                let im = pair.real * mixed[lane];
                let scale = 1.0 / (re * re + im * im);
                (q.0[lane], q.1[lane]) = (re * scale, im * scale);
            }
            for product in 0..4 {
                for lane in 0..LANES {
                    real[product][lane] += pair.alpha[product] * q.0[lane];
                    imaginary[product][lane] += pair.alpha[product] * q.1[lane];
                    real[4 + product][lane] += pair.beta[product] * q.0[lane];
                    imaginary[4 + product][lane] += pair.beta[product] * q.1[lane];
                }
            }
        }
        for (lane, value) in out.iter_mut().enumerate() {
            let (sin, cos) = angles[lane];
            let h: [Complex64; 4] = std::array::from_fn(|product| {
                let a = Complex64::new(real[product][lane], imaginary[product][lane]);
                let b = Complex64::new(real[4 + product][lane], imaginary[4 + product][lane]);
                Complex64::new(0.0, 2.0 * sin) * a - b * cos
            });
            let [cb, cp, qb, qp] = h;
            *value = Complex64::new(cos, sin) * (cb - cp * qb * cos / (qp * cos + 1.0));
        }
    }
}
