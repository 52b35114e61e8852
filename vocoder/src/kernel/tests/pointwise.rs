//! Activations, gates and norms.

use candle_core::Result;

use super::super::*;
use super::{difference, tensor, worst};

/// Abramowitz and Stegun 7.1.5: the Taylor series, good for the |x| ≤ 5 tested here in f64.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn activations_are_their_definitions_at_every_level() {
    use Activation::*;
    type Reference = fn(f64) -> f64;
    let table: [(Activation, Reference); 10] = [
        (Identity, |x| x),
        (Relu, |x| x.max(0.0)),
        (LeakyRelu(0.1), |x| {
            if x > 0.0 { x } else { x * f64::from(0.1f32) }
        }),
        (Elu(1.5), |x| if x > 0.0 { x } else { 1.5 * x.exp_m1() }),
        (GeluErf, |x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))),
        (GeluTanh, |x| {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
        }),
        (Silu, |x| x / (1.0 + (-x).exp())),
        (Tanh, f64::tanh),
        (Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Exp, f64::exp),
    ];
    let x: Vec<f32> = (-6001..=6001).map(|i| i as f32 / 1200.0).collect();
    for level in Level::available() {
        for (f, reference) in table {
            let expected: Vec<f64> = x.iter().map(|x| reference(f64::from(*x))).collect();
            let mut y = x.clone();
            // SAFETY: pointer and length of the vector.
            unsafe { f.map_at(level, y.as_mut_ptr(), y.as_ptr(), y.len()) };
            let worst = worst(&y, &expected);
            assert!(worst < 1e-6, "{f:?} at {}: {worst:.1e}", level.name());
        }
        for f in [Elu(1.0), GeluErf, GeluTanh, Silu, Tanh, Sigmoid, Exp] {
            let mut y = [f32::NAN, -1e4, -200.0, -90.0, 90.0, 200.0, 1e4, 0.0];
            // SAFETY: pointer and length of the array.
            unsafe { f.map_at(level, y.as_mut_ptr(), y.as_ptr(), y.len()) };
            assert!(y[0].is_nan(), "{f:?} hides a NaN at {}", level.name());
            assert!(
                y[1..].iter().all(|y| y.is_finite()),
                "{f:?} at {}: {y:?}",
                level.name()
            );
        }
    }
}

#[test]
fn gates_and_snake_are_their_definitions() -> Result<()> {
    let x = (tensor((2, 6, 333), 1) * 8.0)?;
    let (a, b) = (x.narrow(1, 0, 3)?, x.narrow(1, 3, 3)?);
    let sigmoid = candle_nn::ops::sigmoid(&b.contiguous()?)?;
    assert!(difference(&gated_tanh(&a, &b)?, &(a.tanh()? * &sigmoid)?) < 1e-6);
    assert!(difference(&glu(&x, 1)?, &(&a * &sigmoid)?) < 1e-6);
    let mean = ((&a + &b)? + &sigmoid)?.affine(1.0 / 3.0, 0.0)?;
    assert!(difference(&average(&[a.clone(), b.clone(), sigmoid])?, &mean) < 1e-6);
    assert!(average(&[]).is_err() && average(&[a, x.clone()]).is_err());
    let (alpha, beta) = ((tensor(6, 2).abs()? + 0.1)?, (tensor(6, 3).abs()? + 0.1)?);
    let wave = x.broadcast_mul(&alpha.reshape((1, 6, 1))?)?.sin()?.sqr()?;
    let expected = (&x + wave.broadcast_div(&(beta.reshape((1, 6, 1))? + 1e-9)?)?)?;
    assert!(difference(&snake_beta(&x, &alpha, &beta)?, &expected) < 1e-5);
    let expected = (&x + wave.broadcast_div(&(alpha.reshape((1, 6, 1))? + 1e-9)?)?)?;
    assert!(difference(&snake(&x, &alpha)?, &expected) < 1e-5);
    Ok(())
}

#[test]
fn norms_are_their_definitions() -> Result<()> {
    let (x, gain, bias) = (tensor((2, 5, 131), 1), tensor(5, 2), tensor(5, 3));
    let columns = |f: fn(&[f64]) -> (f64, f64)| -> Result<Vec<f64>> {
        let (gain, bias): (Vec<f32>, Vec<f32>) = (gain.to_vec1()?, bias.to_vec1()?);
        let mut y = vec![0.0; 2 * 5 * 131];
        for (n, item) in x.to_vec3::<f32>()?.iter().enumerate() {
            for t in 0..131 {
                let column: Vec<f64> = item.iter().map(|row| f64::from(row[t])).collect();
                let (mean, power) = f(&column);
                for c in 0..5 {
                    let v = (column[c] - mean) / (power + 1e-5).sqrt() * f64::from(gain[c]);
                    y[(n * 5 + c) * 131 + t] = if mean == 0.0 {
                        v
                    } else {
                        v + f64::from(bias[c])
                    };
                }
            }
        }
        Ok(y)
    };
    let rms = columns(|c| (0.0, c.iter().map(|v| v * v).sum::<f64>() / 5.0))?;
    let ours: Vec<f32> = rms_norm_channels(&x, &gain, 1e-5)?
        .flatten_all()?
        .to_vec1()?;
    assert!(worst(&ours, &rms) < 1e-6);
    let layer = columns(|c| {
        let mean = c.iter().sum::<f64>() / 5.0;
        (
            mean,
            c.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 5.0,
        )
    })?;
    let ours: Vec<f32> = layer_norm_channels(&x, &gain, &bias, 1e-5)?
        .flatten_all()?
        .to_vec1()?;
    assert!(worst(&ours, &layer) < 1e-6);
    Ok(())
}
