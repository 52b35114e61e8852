//! Where the state spaces of an untrained model start: HiPPO-LegS.
//!
//! Gu et al., *Efficiently Modeling Long Sequences with Structured State Spaces*, appendix C.3: the
//! matrix A\[n, k\] = −√((2n+1)(2k+1)) below the diagonal, −(n+1) on it, becomes normal with the
//! rank-one term p pᵀ, p\[n\] = √(n + ½), added: A + p pᵀ = −½ + S with S skew. The eigenvectors of S
//! turn A into diagonal plus rank one.

use syrinx_vocoder::kernel::Complex64;

/// λ, b and p of one channel, N conjugate pairs of a state of 2N.
#[derive(Debug, Clone)]
pub struct Hippo {
    /// Poles, with negative imaginary parts.
    pub lambda: Vec<Complex64>,
    /// Input.
    pub b: Vec<Complex64>,
    /// The rank-one term A = diag(λ) − p p*.
    pub p: Vec<Complex64>,
}

/// HiPPO-LegS with `states` conjugate pairs, from the largest frequency to the smallest. The phase of
/// each pair is arbitrary, and nothing depends on it.
pub fn legs(states: usize) -> Hippo {
    let size = 2 * states;
    let p: Vec<f64> = (0..size).map(|n| (n as f64 + 0.5).sqrt()).collect();
    let b: Vec<f64> = (0..size).map(|n| (2.0 * n as f64 + 1.0).sqrt()).collect();
    // S[n, k] below the diagonal: −b b + p p = −p p, as b = √2 p; −i S is Hermitian.
    let hermitian = |n: usize, k: usize| {
        let below = -p[n] * p[k];
        match n.cmp(&k) {
            std::cmp::Ordering::Greater => Complex64::new(0.0, -below),
            std::cmp::Ordering::Less => Complex64::new(0.0, below),
            std::cmp::Ordering::Equal => Complex64::default(),
        }
    };
    let matrix = (0..size * size).map(|i| hermitian(i / size, i % size));
    let (values, vectors) = eigen(matrix.collect(), size);
    let mut order: Vec<usize> = (0..size).filter(|i| values[*i] < 0.0).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let project = |real: &[f64], column: usize| -> Complex64 {
        let products = real.iter().enumerate();
        products
            .map(|(n, x)| vectors[n * size + column].conj() * x)
            .sum()
    };
    Hippo {
        lambda: order
            .iter()
            .map(|i| Complex64::new(-0.5, values[*i]))
            .collect(),
        b: order.iter().map(|i| project(&b, *i)).collect(),
        p: order.iter().map(|i| project(&p, *i)).collect(),
    }
}

/// Eigenvalues and eigenvectors (in columns) of a Hermitian matrix, by Jacobi's rotations.
fn eigen(mut a: Vec<Complex64>, size: usize) -> (Vec<f64>, Vec<Complex64>) {
    let mut vectors = vec![Complex64::default(); size * size];
    (0..size).for_each(|i| vectors[i * size + i] = Complex64::new(1.0, 0.0));
    let scale: f64 = a.iter().map(|x| x.norm_sqr()).sum();
    // Converges quadratically: a handful of sweeps.
    for _ in 0..60 {
        let off = |a: &[Complex64]| -> f64 {
            let cells = (0..size * size).filter(|i| i / size != i % size);
            cells.map(|i| a[i].norm_sqr()).sum()
        };
        if off(&a) <= 1e-30 * scale {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut a, &mut vectors, size, p, q);
            }
        }
    }
    let values = (0..size).map(|i| a[i * size + i].re).collect();
    (values, vectors)
}

/// Makes a\[p, q\] zero by a rotation of the two coordinates.
fn rotate(a: &mut [Complex64], vectors: &mut [Complex64], size: usize, p: usize, q: usize) {
    let apq = a[p * size + q];
    if apq.norm_sqr() < 1e-300 {
        return;
    }
    let phase = apq / apq.norm();
    let theta = (a[q * size + q].re - a[p * size + p].re) / (2.0 * apq.norm());
    let t = 1f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = phase * (t * c);
    // Columns, then rows: a ← Rᴴ a R with R = [c, s; −s*, c].
    let columns = |m: &mut [Complex64]| {
        for row in m.chunks_exact_mut(size) {
            let (x, y) = (row[p], row[q]);
            row[p] = x * c - y * s.conj();
            row[q] = x * s + y * c;
        }
    };
    columns(a);
    columns(vectors);
    for k in 0..size {
        let (x, y) = (a[p * size + k], a[q * size + k]);
        a[p * size + k] = x * c - y * s;
        a[q * size + k] = x * s.conj() + y * c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_diagonalise() {
        let size = 6;
        let entry = |i: usize, j: usize| {
            let x = ((i * 7 + j * 3) % 11) as f64 / 11.0;
            Complex64::new(x, if i == j { 0.0 } else { x - 0.3 })
        };
        let mut a = vec![Complex64::default(); size * size];
        for i in 0..size {
            for j in 0..=i {
                a[i * size + j] = entry(i, j);
                a[j * size + i] = entry(i, j).conj();
            }
        }
        let (values, v) = eigen(a.clone(), size);
        for (column, value) in values.iter().enumerate() {
            for i in 0..size {
                let product: Complex64 = (0..size)
                    .map(|k| a[i * size + k] * v[k * size + column])
                    .sum();
                assert!((product - v[i * size + column] * value).norm() < 1e-12);
            }
        }
    }

    #[test]
    fn legs_is_similar_to_the_matrix_it_comes_from() {
        // The impulse response of x' = A x + b u, y = Σ x needs no eigenvectors: compare moments b, A b, A² b.
        let states = 4;
        let size = 2 * states;
        let hippo = legs(states);
        assert_eq!(hippo.lambda.len(), states);
        let a = |n: usize, k: usize| match n.cmp(&k) {
            std::cmp::Ordering::Greater => -(((2 * n + 1) * (2 * k + 1)) as f64).sqrt(),
            std::cmp::Ordering::Equal => -(n as f64 + 1.0),
            std::cmp::Ordering::Less => 0.0,
        };
        let mut x: Vec<f64> = (0..size).map(|n| (2.0 * n as f64 + 1.0).sqrt()).collect();
        let output: Vec<f64> = (0..size).map(|n| (n as f64 + 0.5).sqrt()).collect();
        let mut s = hippo.b.clone();
        for power in 0..4 {
            let direct: f64 = x.iter().zip(&output).map(|(x, c)| x * c).sum();
            // p is the image of the same output row.
            let pairs = s.iter().zip(&hippo.p);
            let through: f64 = 2.0 * pairs.map(|(s, p)| (p.conj() * s).re).sum::<f64>();
            assert!(
                (direct - through).abs() < 1e-9 * direct.abs().max(1.0),
                "{power}: {direct} {through}"
            );
            let next = |n: usize| (0..size).map(|k| a(n, k) * x[k]).sum::<f64>();
            x = (0..size).map(next).collect();
            s = hippo
                .lambda
                .iter()
                .zip(&s)
                .zip(&hippo.p)
                .map(|((l, s), p)| l * s - p * through)
                .collect();
        }
    }
}
