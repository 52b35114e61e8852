//! Convolution weights from a checkpoint, with weight norm folded in.

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;

/// w = g · v / ‖v‖, the norm taken over all dimensions but the first (torch's `weight_norm`, which
/// has dim 0 for convolutions and transposed convolutions alike). `g` \[N, 1, 1\], `v` \[N, M, K\].
///
/// # Errors
/// If the shapes do not fit together.
pub fn fold_weight_norm(g: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (g, v) = (g.to_dtype(DType::F32)?, v.to_dtype(DType::F32)?);
    let norm = v.sqr()?.sum_keepdim((1, 2))?.sqrt()?;
    v.broadcast_mul(&(g.reshape(norm.shape())? / norm)?)
}

/// The weight of a convolution under any of its three names in checkpoints: `weight`, `weight_g` and
/// `weight_v`, or `parametrizations.weight.original0` and `…original1`.
pub(crate) fn weight(shape: (usize, usize, usize), vb: &VarBuilder<'_>) -> Result<Tensor> {
    if !vb.contains_tensor("weight") {
        let parametrized = "parametrizations.weight.original";
        let pairs = [
            ("weight_g".to_owned(), "weight_v".to_owned()),
            (format!("{parametrized}0"), format!("{parametrized}1")),
        ];
        for (g, v) in pairs {
            if vb.contains_tensor(&g) && vb.contains_tensor(&v) {
                let folded = fold_weight_norm(&vb.get((shape.0, 1, 1), &g)?, &vb.get(shape, &v)?)?;
                return folded.to_dtype(vb.dtype());
            }
        }
    }
    vb.get(shape, "weight")
}
