//! The few layers the network for unknown words is made of.

const EPSILON: f32 = 1e-5;

pub(crate) struct Linear {
    /// `[outputs][inputs]`.
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub inputs: usize,
}

impl Linear {
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        self.weight
            .chunks_exact(self.inputs)
            .zip(&self.bias)
            .map(|(row, b)| dot(row, x) + b)
            .collect()
    }
}

pub(crate) struct Norm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Norm {
    pub fn apply(&self, x: &mut [f32]) {
        let n = x.len() as f32;
        let mean = x.iter().sum::<f32>() / n;
        let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / n;
        let scale = 1.0 / (variance + EPSILON).sqrt();
        for ((v, w), b) in x.iter_mut().zip(&self.weight).zip(&self.bias) {
            *v = (*v - mean) * scale * w + b;
        }
    }

    /// `x = norm(x + delta)`.
    pub fn residual(&self, x: &mut [f32], delta: &[f32]) {
        x.iter_mut().zip(delta).for_each(|(v, d)| *v += d);
        self.apply(x);
    }
}

/// Single-head attention.
pub(crate) struct Attention {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub output: Linear,
}

impl Attention {
    pub fn keys_values(&self, xs: &[Vec<f32>]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        (
            xs.iter().map(|x| self.key.apply(x)).collect(),
            xs.iter().map(|x| self.value.apply(x)).collect(),
        )
    }

    pub fn attend(&self, x: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f32> {
        let query = self.query.apply(x);
        let scale = (query.len() as f32).powf(-0.5);
        let mut scores: Vec<f32> = keys.iter().map(|k| dot(&query, k) * scale).collect();
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores.iter_mut().for_each(|s| *s = (*s - top).exp());
        let sum: f32 = scores.iter().sum();
        let mut mixed = vec![0.0; query.len()];
        for (s, v) in scores.iter().zip(values) {
            mixed.iter_mut().zip(v).for_each(|(m, x)| *m += s / sum * x);
        }
        self.output.apply(&mixed)
    }
}

pub(crate) struct FeedForward {
    pub first: Linear,
    pub second: Linear,
}

impl FeedForward {
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut hidden = self.first.apply(x);
        hidden.iter_mut().for_each(|v| *v = gelu(*v));
        self.second.apply(&hidden)
    }
}

/// Eight running sums so that the compiler can use vector registers.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum()
}

/// Exact GELU, with erf after Abramowitz and Stegun 7.1.26 (error below 1.5e-7).
fn gelu(x: f32) -> f32 {
    let z = x.abs() / std::f32::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly = t
        * (0.254_829_6
            + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4))));
    let erf = 1.0 - poly * (-z * z).exp();
    0.5 * x * (1.0 + erf.copysign(x))
}
