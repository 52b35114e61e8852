//! Functions of small symmetric matrices, in f64.

/// Pivots below this fraction of the largest diagonal entry count as rank deficiency.
const RANK_TOLERANCE: f64 = 1e-12;

/// Inverts symmetric positive semi-definite matrices of one size.
pub(crate) struct SymmetricInverse {
    n: usize,
}

impl SymmetricInverse {
    pub(crate) fn new(n: usize) -> Self {
        Self { n }
    }

    /// Pseudo-inverse of the row-major `matrix`: by Cholesky where it has full rank, otherwise
    /// from its eigenvalues.
    pub(crate) fn pseudo_inverse(&self, matrix: Vec<f64>) -> Vec<f64> {
        match self.cholesky(&matrix) {
            Some(factor) => self.invert_factored(&factor),
            None => self.invert_by_eigenvalues(matrix),
        }
    }

    /// Lower factor `L` with `L L^T = matrix`, or `None` if a pivot vanishes.
    fn cholesky(&self, matrix: &[f64]) -> Option<Vec<f64>> {
        let n = self.n;
        let largest = (0..n).map(|i| matrix[i * n + i]).fold(0.0, f64::max);
        let mut factor = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (row_i, row_j) = (&factor[i * n..i * n + j], &factor[j * n..j * n + j]);
                let dot: f64 = row_i.iter().zip(row_j).map(|(a, b)| a * b).sum();
                let rest = matrix[i * n + j] - dot;
                if i == j {
                    if rest <= RANK_TOLERANCE * largest {
                        return None;
                    }
                    factor[i * n + i] = rest.sqrt();
                } else {
                    factor[i * n + j] = rest / factor[j * n + j];
                }
            }
        }
        Some(factor)
    }

    /// `(L L^T)^-1`, column by column.
    fn invert_factored(&self, factor: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut x = vec![0.0; n];
        for column in 0..n {
            x.fill(0.0);
            x[column] = 1.0;
            for i in column..n {
                let dot: f64 = (column..i).map(|j| factor[i * n + j] * x[j]).sum();
                x[i] = (x[i] - dot) / factor[i * n + i];
            }
            for i in (0..n).rev() {
                let dot: f64 = (i + 1..n).map(|j| factor[j * n + i] * x[j]).sum();
                x[i] = (x[i] - dot) / factor[i * n + i];
            }
            // Symmetric: a column may be stored as a row.
            inverse[column * n..(column + 1) * n].copy_from_slice(&x);
        }
        inverse
    }

    /// The reciprocal of every eigenvalue that is not noise.
    fn invert_by_eigenvalues(&self, matrix: Vec<f64>) -> Vec<f64> {
        let n = self.n;
        // No eigenvalue is above the trace.
        let largest: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
        symmetric_function(matrix, n, |x| match x <= RANK_TOLERANCE * largest {
            true => 0.0,
            false => x.recip(),
        })
    }
}

/// `V f(Λ) V^T` of the row-major, symmetric `a` = `V Λ V^T` of `n` rows, by cyclic Jacobi rotations (Golub & Van Loan, 8.5).
///
/// # Panics
/// If `a` has not `n · n` entries.
pub fn symmetric_function(mut a: Vec<f64>, n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    assert_eq!(a.len(), n * n, "a matrix of {n} rows");
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let scale: f64 = a.iter().map(|x| x * x).sum();
    for _sweep in 0..30 {
        let off: f64 = (0..n * n)
            .filter(|i| i / n != i % n)
            .map(|i| a[i] * a[i])
            .sum();
        if off <= 1e-30 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(n, &mut a, &mut vectors, p, q);
            }
        }
    }
    let mut image = vec![0.0; n * n];
    for k in 0..n {
        let value = f(a[k * n + k]);
        for i in 0..n {
            let left = vectors[i * n + k] * value;
            for j in 0..n {
                image[i * n + j] += left * vectors[j * n + k];
            }
        }
    }
    image
}

/// One rotation that makes `a[p][q]` vanish.
fn rotate(n: usize, a: &mut [f64], vectors: &mut [f64], p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (vectors[k * n + p], vectors[k * n + q]);
        (vectors[k * n + p], vectors[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiply(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        (0..n * n)
            .map(|i| (0..n).map(|k| a[i / n * n + k] * b[k * n + i % n]).sum())
            .collect()
    }

    #[test]
    fn full_rank_is_inverted() {
        let a = vec![4.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0, 1.0, 2.0];
        let product = multiply(&a, &SymmetricInverse::new(3).pseudo_inverse(a.clone()), 3);
        for (i, x) in product.iter().enumerate() {
            assert!((x - f64::from(i / 3 == i % 3)).abs() < 1e-14, "{product:?}");
        }
    }

    #[test]
    fn deficient_rank_meets_the_penrose_conditions() {
        // Rank two of three: the third row and column are zero, as for an empty mel band.
        let a = vec![2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        let inverse = SymmetricInverse::new(3).pseudo_inverse(a.clone());
        let back = multiply(&multiply(&a, &inverse, 3), &a, 3);
        let forth = multiply(&multiply(&inverse, &a, 3), &inverse, 3);
        for i in 0..9 {
            assert!((back[i] - a[i]).abs() < 1e-12);
            assert!((forth[i] - inverse[i]).abs() < 1e-12);
        }
    }
}
