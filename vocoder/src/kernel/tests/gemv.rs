//! What single steps are made of: matrix times vector, softmax.

use super::super::gemv::{dot_at, gemv_at, gemv_strided_at, gemv_transposed_at};
use super::super::softmax::softmax_at;
use super::super::*;
use super::{noise, worst};

/// Below, at and above one vector, a block of vectors and several, at every level.
const LENGTHS: [usize; 14] = [0, 1, 3, 4, 7, 8, 9, 15, 17, 31, 64, 65, 129, 515];

fn exact(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum()
}

#[test]
fn products_with_a_vector_are_their_definition_at_every_level() {
    for level in Level::available() {
        for columns in LENGTHS {
            let x = noise(columns, 1);
            for rows in [0, 1, 2, 3, 4, 5, 8, 11] {
                let (weight, bias) = (noise(rows * columns, 2), noise(rows, 3));
                let mut y = vec![f32::NAN; rows];
                gemv_at(level, &weight, &bias, &x, &mut y).unwrap();
                let expected: Vec<f64> = (0..rows)
                    .map(|r| exact(&weight[r * columns..][..columns], &x) + f64::from(bias[r]))
                    .collect();
                let worst = worst(&y, &expected);
                assert!(
                    worst < 2e-6,
                    "{rows}x{columns} at {}: {worst:.1e}",
                    level.name()
                );
            }
        }
    }
}

#[test]
fn rows_may_lie_apart() {
    for level in Level::available() {
        for (rows, columns) in [
            (0, 3),
            (1, 1),
            (3, 64),
            (4, 65),
            (9, 19),
            (130, 64),
            (6, 200),
        ] {
            let stride = columns + 5;
            let weight = noise(rows * stride, 1);
            let row = |r: usize| &weight[r * stride..][..columns];
            let x = noise(columns, 2);
            let mut y = vec![f32::NAN; rows];
            gemv_strided_at(level, &weight, stride, &x, &mut y).unwrap();
            let expected: Vec<f64> = (0..rows).map(|r| exact(row(r), &x)).collect();
            let off = worst(&y, &expected);
            assert!(
                off < 2e-6,
                "{rows}x{columns} at {}: {off:.1e}",
                level.name()
            );

            let (x, mut y) = (noise(rows, 3), noise(columns, 4));
            let column = |c: usize| (0..rows).map(|r| row(r)[c]).collect::<Vec<_>>();
            let expected: Vec<f64> = y
                .iter()
                .enumerate()
                .map(|(c, y)| f64::from(*y) + exact(&column(c), &x))
                .collect();
            gemv_transposed_at(level, &weight, stride, &x, &mut y).unwrap();
            let off = worst(&y, &expected);
            assert!(
                off < 4e-6,
                "{columns}x{rows} at {}: {off:.1e}",
                level.name()
            );
        }
    }
}

#[test]
fn dot_is_its_definition_and_stops_at_the_shorter() {
    for level in Level::available() {
        for n in LENGTHS {
            let (a, b) = (noise(n + 5, 1), noise(n, 2));
            let expected = exact(&a, &b);
            for product in [dot_at(level, &a, &b), dot_at(level, &b, &a)] {
                let off = worst(&[product], &[expected]);
                assert!(off < 2e-6, "dot {n} at {}: {off:.1e}", level.name());
            }
        }
    }
}

#[test]
fn softmax_is_its_definition_at_every_level() {
    for level in Level::available() {
        for n in LENGTHS {
            let x: Vec<f32> = noise(n, 5).iter().map(|x| 40.0 * x).collect();
            let exps: Vec<f64> = x.iter().map(|x| (0.25 * f64::from(*x)).exp()).collect();
            let sum: f64 = exps.iter().sum();
            let expected: Vec<f64> = exps.iter().map(|e| e / sum).collect();
            let mut y = x.clone();
            softmax_at(level, &mut y, 0.25);
            let off = worst(&y, &expected);
            assert!(off < 1e-6, "softmax {n} at {}: {off:.1e}", level.name());
        }
        let mut y = [-1e4, -1e4, -2e4];
        softmax_at(level, &mut y, 1.0);
        assert_eq!(y[..2], [0.5, 0.5], "at {}", level.name());
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let mut y = [0.0; 2];
    assert!(gemv(&[0.0; 5], &[0.0; 2], &[0.0; 3], &mut y).is_err());
    assert!(gemv(&[0.0; 6], &[0.0; 3], &[0.0; 3], &mut y).is_err());
    assert!(gemv(&[1.0; 6], &[0.5; 2], &[1.0; 3], &mut y).is_ok());
    assert_eq!(y, [3.5, 3.5]);
    assert!(gemv_strided(&[0.0; 7], 5, &[0.0; 3], &mut y).is_err());
    assert!(gemv_strided(&[0.0; 8], usize::MAX, &[0.0; 3], &mut y).is_err());
    assert!(gemv_transposed(&[0.0; 6], 5, &[0.0; 2], &mut y).is_err());
    assert!(gemv_transposed(&[0.0; 7], 5, &[0.0; 2], &mut y).is_ok());
}
