//! Cepstra: the shape of a log mel frame in a few numbers.

/// Cepstra that are told apart, the level not among them.
pub(crate) const CEPSTRA: usize = 16;

/// The orthonormal cosines of a frame of `bands` bands, without the constant one: `[CEPSTRA · bands]`, row-major.
pub(crate) fn basis(bands: usize) -> Vec<f32> {
    let width = bands as f64;
    let scale = (2.0 / width).sqrt();
    let cosine = |order: usize, band: usize| {
        scale * (std::f64::consts::PI * order as f64 * (band as f64 + 0.5) / width).cos()
    };
    (1..=CEPSTRA)
        .flat_map(|order| (0..bands).map(move |band| cosine(order, band) as f32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_is_orthonormal() {
        let basis = basis(100);
        let rows: Vec<&[f32]> = basis.chunks_exact(100).collect();
        assert_eq!(rows.len(), CEPSTRA);
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                let product: f32 = a.iter().zip(*b).map(|(a, b)| a * b).sum();
                let expected = f32::from(u8::from(i == j));
                assert!((product - expected).abs() < 1e-5, "{i} {j}: {product}");
            }
            assert!(a.iter().sum::<f32>().abs() < 1e-4, "no level in {i}");
        }
    }
}
