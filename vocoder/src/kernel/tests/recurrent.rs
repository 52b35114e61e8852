//! What networks step with: packed matrices, state spaces, norms, gates.

use super::*;
use crate::kernel::state_space::{Recurrence, StateSpace};
use crate::kernel::{Dense, Level, Precision, VectorNorm, glu_add};

#[test]
fn packed_matrices_multiply() {
    for (rows, columns, streams) in [(1, 1, 1), (64, 64, 1), (70, 33, 5), (128, 64, 9), (3, 7, 4)] {
        let (weight, bias) = (noise(rows * columns, 1), noise(rows, 2));
        let x = noise(streams * columns, 3);
        let expected = |weight: &[f32]| -> Vec<f64> {
            let one = |i: usize| {
                let (stream, row) = (i / rows, i % rows);
                let products = (0..columns).map(|c| {
                    f64::from(weight[row * columns + c]) * f64::from(x[stream * columns + c])
                });
                products.sum::<f64>() + f64::from(bias[row])
            };
            (0..streams * rows).map(one).collect()
        };
        let rounded: Vec<f32> = weight
            .iter()
            .map(|w| half::bf16::from_f32(*w).to_f32())
            .collect();
        for (precision, weight) in [(Precision::F32, &weight), (Precision::Bf16, &rounded)] {
            let dense = Dense::new(weight, &bias, precision).unwrap();
            for level in Level::available() {
                let mut y = vec![f32::NAN; streams * rows];
                dense.run(level, &x, &mut y, false).unwrap();
                assert!(
                    worst(&y, &expected(weight)) < 1e-5,
                    "{rows}x{columns} {level:?}"
                );
                // A stream by itself gives the same bits.
                let mut alone = vec![f32::NAN; rows];
                let last = streams - 1;
                let x = &x[last * columns..];
                dense.run(level, x, &mut alone, false).unwrap();
                assert_eq!(alone, y[last * rows..], "{level:?}");
                dense.run(level, x, &mut alone, true).unwrap();
                let twice: Vec<f64> = y[last * rows..]
                    .iter()
                    .map(|y| 2.0 * f64::from(*y))
                    .collect();
                assert!(worst(&alone, &twice) < 1e-5);
            }
        }
        let dense = Dense::new(&weight, &bias, Precision::F32).unwrap();
        assert!(
            dense
                .forward(&x[1..], &mut vec![0.0; streams * rows])
                .is_err()
                || columns == 1
        );
        assert!(
            dense
                .forward(&x, &mut vec![0.0; streams * rows + 1])
                .is_err()
        );
    }
    assert!(Dense::new(&[0.0; 5], &[0.0; 2], Precision::F32).is_err());
    assert!(Dense::new(&[], &[], Precision::F32).is_err());
}

#[test]
fn state_spaces_step_as_they_are_defined() {
    for (channels, states, streams) in [(1, 1, 1), (16, 4, 1), (21, 3, 2), (40, 5, 3)] {
        let numbers = noise(channels * states * 8, 5);
        let skips = noise(channels, 6);
        let recurrences: Vec<Recurrence> = numbers
            .chunks(states * 8)
            .zip(&skips)
            .map(|(numbers, skip)| Recurrence {
                states: numbers
                    .chunks(8)
                    .map(|n| {
                        let pair = |i: usize| [0.4 * n[i], 0.4 * n[i + 1]];
                        [pair(0), pair(2), pair(4), pair(6)]
                    })
                    .collect(),
                skip: *skip,
            })
            .collect();
        let space = StateSpace::new(&recurrences).unwrap();
        for level in Level::available() {
            let mut state = space.start(streams);
            let mut reference = vec![vec![(0.0f64, 0.0f64); states]; channels * streams];
            for t in 0..20 {
                let u = noise(channels * streams, 100 + t);
                let mut y = vec![f32::NAN; u.len()];
                space.step_at(level, &mut state, &u, &mut y).unwrap();
                let expected: Vec<f64> = (0..channels * streams)
                    .map(|i| one_step(&recurrences[i % channels], &mut reference[i], u[i]))
                    .collect();
                assert!(worst(&y, &expected) < 1e-5, "{channels} {level:?} step {t}");
            }
            state.reset();
            let mut y = vec![f32::NAN; channels * streams];
            space
                .step_at(level, &mut state, &vec![0.0; y.len()], &mut y)
                .unwrap();
            assert!(y.iter().all(|y| *y == 0.0));
            assert!(space.step(&mut state, &[0.0], &mut [0.0; 2]).is_err());
        }
    }
    assert!(StateSpace::new(&[]).is_err());
}

/// The definition, in complex numbers.
fn one_step(r: &Recurrence, s: &mut [(f64, f64)], u: f32) -> f64 {
    let d = |x: f32| f64::from(x);
    let real = |a: [f32; 2], s: (f64, f64)| d(a[0]) * s.0 - d(a[1]) * s.1;
    let f: f64 = r
        .states
        .iter()
        .zip(s.iter())
        .map(|(p, s)| 2.0 * real(p[2], *s))
        .sum();
    let mut y = d(r.skip) * d(u);
    for ([g, w, _, c], s) in r.states.iter().zip(s) {
        let re = real(*g, *s) + f + d(w[0]) * d(u);
        let im = d(g[1]) * s.0 + d(g[0]) * s.1 + d(w[1]) * d(u);
        *s = (re, im);
        y += 2.0 * real(*c, *s);
    }
    y
}

#[test]
fn vectors_are_normalised_as_columns_are() {
    for channels in [1, 5, 8, 37, 64] {
        let x = tensor((2, channels, 3), 7);
        let (gain, bias) = (noise(channels, 8), noise(channels, 9));
        for norm in [
            VectorNorm::new(gain.clone(), bias.clone(), 1e-5).unwrap(),
            VectorNorm::scalar(channels, 0.7, 0.3).unwrap(),
        ] {
            let whole = norm.forward(&x).unwrap();
            let columns = x.transpose(1, 2).unwrap().flatten_all().unwrap();
            let columns: Vec<f32> = columns.to_vec1().unwrap();
            let mut found = vec![f32::NAN; columns.len()];
            norm.apply(&columns, &mut found).unwrap();
            let whole = whole.transpose(1, 2).unwrap().flatten_all().unwrap();
            let whole: Vec<f64> = whole
                .to_vec1::<f32>()
                .unwrap()
                .into_iter()
                .map(f64::from)
                .collect();
            // One channel is its own mean: what is left of rounding is divided by almost nothing.
            assert!(channels == 1 || worst(&found, &whole) < 2e-5, "{channels}");
        }
    }
    // y = scale / deviation · (x − mean + shift), by hand: mean 2, deviation 1.
    let norm = VectorNorm::scalar(2, 3.0, 0.5).unwrap();
    let mut y = [0.0; 2];
    norm.apply(&[1.0, 3.0], &mut y).unwrap();
    assert!(
        (y[0] + 1.5).abs() < 1e-6 && (y[1] - 4.5).abs() < 1e-6,
        "{y:?}"
    );
    norm.apply(&[2.0, 2.0], &mut y).unwrap();
    assert!(y.iter().all(|y| y.is_finite()));
    assert!(norm.apply(&[1.0; 3], &mut [0.0; 3]).is_err());
    assert!(VectorNorm::new(vec![], vec![], 0.0).is_err());
}

#[test]
fn gates_are_added() {
    let n = 37;
    let (x, start) = (noise(2 * n, 11), noise(n, 12));
    let mut y = start.clone();
    glu_add(&x, &mut y).unwrap();
    let expected: Vec<f64> = (0..n)
        .map(|i| {
            let gate = 1.0 / (1.0 + (-f64::from(x[n + i])).exp());
            f64::from(start[i]) + f64::from(x[i]) * gate
        })
        .collect();
    assert!(worst(&y, &expected) < 1e-6);
    assert!(glu_add(&x[1..], &mut y).is_err());
}
