//! Between C and the C̃ = C (1 − Āᴸ) of a kernel that ends after L taps.
//!
//! A checkpoint stores C̃ for the length it was trained at; stepping needs C, and a longer kernel
//! another C̃ (the doubling C̃₂ₗ = C̃ₗ (1 + Āᴸ)). Over conjugate pairs everything is real: with a state
//! as its real and imaginary parts, Ā is a real matrix of twice the size, a quarter of the work.

use candle_core::{Device, Tensor};
use syrinx_vocoder::kernel::Complex64;

use super::dplr::{Discrete, Dplr};
use crate::{Error, Result};

/// C̃ for a kernel of at least `taps`, and the length it is for.
pub(super) fn corrected(dplr: &Dplr, taps: usize) -> Result<(Vec<Vec<Complex64>>, usize)> {
    let length = dplr.length;
    if length >= taps {
        return Ok((dplr.c.clone(), length));
    }
    if length == 0 {
        let power = Powers::new(dplr)?.to(taps)?;
        return Ok((change(dplr, &power, -1.0, apply)?, taps));
    }
    let mut wider = dplr.clone();
    let mut power = Powers::new(dplr)?.to(length)?;
    while wider.length < taps {
        wider.c = change(&wider, &power, 1.0, apply)?;
        wider.length *= 2;
        power = power.matmul(&power)?;
    }
    Ok((wider.c, wider.length))
}

/// C itself.
pub(super) fn uncorrected(dplr: &Dplr) -> Result<Vec<Vec<Complex64>>> {
    if dplr.length == 0 {
        return Ok(dplr.c.clone());
    }
    let power = Powers::new(dplr)?.to(dplr.length)?;
    change(dplr, &power, -1.0, solve)
}

/// Ā of every channel, \[H, 2N, 2N\].
struct Powers(Tensor);

impl Powers {
    fn new(dplr: &Dplr) -> Result<Self> {
        let size = 2 * dplr.states;
        let mut matrices = Vec::with_capacity(dplr.channels() * size * size);
        for channel in 0..dplr.channels() {
            matrices.extend(matrix(&dplr.discrete(channel)));
        }
        let shape = (dplr.channels(), size, size);
        Ok(Self(Tensor::from_vec(matrices, shape, &Device::Cpu)?))
    }

    /// Āⁿ by repeated squaring, n ≥ 1.
    fn to(self, mut n: usize) -> Result<Tensor> {
        let (mut square, mut power) = (self.0, None::<Tensor>);
        loop {
            if n % 2 == 1 {
                power = Some(match power {
                    Some(power) => power.matmul(&square)?,
                    None => square.clone(),
                });
            }
            n /= 2;
            match power {
                Some(power) if n == 0 => return Ok(power),
                _ => square = square.matmul(&square)?,
            }
        }
    }
}

/// G s + v 2 Re m·s on \[real parts, imaginary parts\].
fn matrix(Discrete { g, v, m, .. }: &Discrete) -> Vec<f64> {
    let states = g.len();
    let size = 2 * states;
    let mut a = vec![0.0; size * size];
    for row in 0..states {
        for column in 0..states {
            let (re, im) = (2.0 * m[column].re, -2.0 * m[column].im);
            a[row * size + column] = v[row].re * re;
            a[row * size + states + column] = v[row].re * im;
            a[(states + row) * size + column] = v[row].im * re;
            a[(states + row) * size + states + column] = v[row].im * im;
        }
        a[row * size + row] += g[row].re;
        a[row * size + states + row] -= g[row].im;
        a[(states + row) * size + row] += g[row].im;
        a[(states + row) * size + states + row] += g[row].re;
    }
    a
}

/// What is done with M = 1 ± Āᴸ and a row c.
type Change = fn(m: Vec<f64>, row: Vec<f64>) -> Option<Vec<f64>>;

/// Every C with `change` by 1 + `sign` · `power`, channels shared out between two threads.
fn change(dplr: &Dplr, power: &Tensor, sign: f64, change: Change) -> Result<Vec<Vec<Complex64>>> {
    let (states, size) = (dplr.states, 2 * dplr.states);
    let power: Vec<f64> = power.flatten_all()?.to_vec1()?;
    let channels: Vec<usize> = (0..dplr.channels()).collect();
    let one = |c: &[Complex64], channel: usize| -> Option<Vec<Complex64>> {
        let mut m: Vec<f64> = power[channel * size * size..(channel + 1) * size * size]
            .iter()
            .map(|a| sign * a)
            .collect();
        (0..size).for_each(|i| m[i * size + i] += 1.0);
        let c = &c[channel * states..(channel + 1) * states];
        // 2 Re c·s is a row over [real, imaginary].
        let row = c.iter().map(|c| c.re).chain(c.iter().map(|c| -c.im));
        let changed = change(m, row.collect())?;
        let pairs = changed[..states].iter().zip(&changed[states..]);
        Some(pairs.map(|(re, im)| Complex64::new(*re, -im)).collect())
    };
    let all = |c: &Vec<Complex64>| -> Option<Vec<Complex64>> {
        let halves = channels.split_at(channels.len() / 2);
        let run = |part: &[usize]| -> Option<Vec<Complex64>> {
            let changed: Option<Vec<_>> = part.iter().map(|channel| one(c, *channel)).collect();
            Some(changed?.concat())
        };
        std::thread::scope(|scope| {
            let second = scope.spawn(|| run(halves.1));
            let mut first = run(halves.0)?;
            first.extend(second.join().ok()??);
            Some(first)
        })
    };
    let changed: Option<Vec<_>> = dplr.c.iter().map(all).collect();
    changed.ok_or_else(|| {
        Error::Config("a state space that does not decay over the length of its kernel".into())
    })
}

/// c M
fn apply(m: Vec<f64>, row: Vec<f64>) -> Option<Vec<f64>> {
    let size = row.len();
    let mut product = vec![0.0; size];
    for (c, m) in row.iter().zip(m.chunks_exact(size)) {
        for (sum, m) in product.iter_mut().zip(m) {
            *sum += c * m;
        }
    }
    Some(product)
}

/// c M⁻¹ by elimination with pivots; none if M is singular.
fn solve(m: Vec<f64>, mut row: Vec<f64>) -> Option<Vec<f64>> {
    let size = row.len();
    // Mᵀ xᵀ = cᵀ
    let mut t: Vec<f64> = (0..size * size)
        .map(|i| m[i % size * size + i / size])
        .collect();
    for k in 0..size {
        let pivot =
            (k..size).max_by(|a, b| t[a * size + k].abs().total_cmp(&t[b * size + k].abs()))?;
        let value = t[pivot * size + k].abs();
        if value.is_nan() || value < 1e-300 {
            return None;
        }
        if pivot != k {
            (0..size).for_each(|j| t.swap(k * size + j, pivot * size + j));
            row.swap(k, pivot);
        }
        let (above, below) = t.split_at_mut((k + 1) * size);
        let top = &above[k * size..];
        for (i, line) in below.chunks_exact_mut(size).enumerate() {
            let factor = line[k] / top[k];
            if factor != 0.0 {
                for (a, b) in line[k..].iter_mut().zip(&top[k..]) {
                    *a -= factor * b;
                }
                row[k + 1 + i] -= factor * row[k];
            }
        }
    }
    for k in (0..size).rev() {
        let known: f64 = (k + 1..size).map(|j| t[k * size + j] * row[j]).sum();
        row[k] = (row[k] - known) / t[k * size + k];
    }
    row.iter().all(|x| x.is_finite()).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solving_undoes_applying() {
        let size = 7;
        let m: Vec<f64> = (0..size * size)
            .map(|i| crate::sampling::uniform(5, i as u64) - 0.4)
            .collect();
        let row: Vec<f64> = (0..size).map(|i| i as f64 - 2.5).collect();
        let back = solve(m.clone(), apply(m, row.clone()).unwrap()).unwrap();
        for (a, b) in row.iter().zip(back) {
            assert!((a - b).abs() < 1e-10, "{a} {b}");
        }
        assert!(solve(vec![0.0; 4], vec![1.0; 2]).is_none());
    }
}
