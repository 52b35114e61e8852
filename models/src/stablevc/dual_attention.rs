//! Timbre and style attention (section "DualAGC").
//!
//! ```text
//! O = softmax(q p_kᵀ / √d) p_v + tanh(α) softmax(q s_kᵀ / √d) s_v
//! ```
//!
//! Queries come from the content, `p_k` from the speaker's embedding beside each timbre key, `p_v` from the timbre keys
//! alone; `s_k`, `s_v` from the style. Queries and keys are RMS-normed per head. There are no positions.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Conv1d, rms_norm_channels};

use super::attention::attend;
use super::pointwise::pointwise;

/// The attention of one block.
#[derive(Debug, Clone)]
pub(super) struct DualAttention {
    q: Conv1d,
    key: Conv1d,
    value: Conv1d,
    style_key: Conv1d,
    style_value: Conv1d,
    out: Conv1d,
    /// tanh(α)
    gate: f64,
    /// Gain of the queries' norm over √d.
    q_gain: Tensor,
    key_gain: Tensor,
    style_gain: Tensor,
    heads: usize,
}

/// Keys and values that one block attends to, each [H, D, M + S]: the timbre's, then the style's, whose values are
/// scaled by the gate.
#[derive(Debug, Clone)]
pub(super) struct BlockKeys {
    k: Tensor,
    v: Tensor,
    timbre: usize,
}

/// Widths of what is attended to.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyWidths {
    pub keys: usize,
    pub speaker: usize,
    pub style: usize,
}

/// A target voice as the attentions see it.
#[derive(Debug, Clone)]
pub(super) struct References {
    /// Timbre keys, [1, K, M].
    keys: Tensor,
    /// The speaker above each of them, [1, V + K, M].
    named: Tensor,
    /// Style, [1, S channels, S].
    style: Option<Tensor>,
}

impl References {
    /// From timbre keys [M, K], a speaker `[V]` and a style [S, channels].
    pub fn new(keys: &Tensor, speaker: &Tensor, style: Option<&Tensor>) -> Result<Self> {
        let columns = |rows: &Tensor| rows.t()?.unsqueeze(0)?.contiguous();
        let keys = columns(keys)?;
        let speaker =
            speaker
                .reshape((1, (), 1))?
                .broadcast_as((1, speaker.elem_count(), keys.dim(2)?))?;
        Ok(Self {
            named: Tensor::cat(&[&speaker.contiguous()?, &keys], 1)?,
            keys,
            style: style.map(columns).transpose()?,
        })
    }
}

impl DualAttention {
    /// Weights: `q`, `key`, `value`, `style_key`, `style_value`, `out` (linear), `alpha` `[1]`, `q_gain`, `key_gain`,
    /// `style_gain` `[D]`.
    pub fn new(channels: usize, heads: usize, widths: KeyWidths, vb: VarBuilder) -> Result<Self> {
        let width = channels / heads;
        let linear = |name: &str, inputs| pointwise(inputs, channels, vb.pp(name));
        let alpha = f64::from(vb.get(1, "alpha")?.get(0)?.to_scalar::<f32>()?);
        Ok(Self {
            q: linear("q", channels)?,
            key: linear("key", widths.speaker + widths.keys)?,
            value: linear("value", widths.keys)?,
            style_key: linear("style_key", widths.style)?,
            style_value: linear("style_value", widths.style)?,
            out: linear("out", channels)?,
            gate: alpha.tanh(),
            q_gain: (vb.get(width, "q_gain")? / (width as f64).sqrt())?,
            key_gain: vb.get(width, "key_gain")?,
            style_gain: vb.get(width, "style_gain")?,
            heads,
        })
    }

    /// What [`DualAttention::forward`] attends to, computed once for a target.
    pub fn project(&self, references: &References) -> Result<BlockKeys> {
        let References { keys, named, style } = references;
        let k = self.normed(&self.key.forward(named)?, &self.key_gain)?;
        let v = self.split(&self.value.forward(keys)?)?;
        let timbre = k.dim(2)?;
        // A style that nothing is taken from is left out, so that it cannot change a bit.
        let Some(style) = style.as_ref().filter(|_| self.gate != 0.0) else {
            return Ok(BlockKeys { k, v, timbre });
        };
        let style_k = self.normed(&self.style_key.forward(style)?, &self.style_gain)?;
        let style_v = (self.split(&self.style_value.forward(style)?)? * self.gate)?;
        Ok(BlockKeys {
            k: Tensor::cat(&[k, style_k], 2)?,
            v: Tensor::cat(&[v, style_v], 2)?,
            timbre,
        })
    }

    /// `x` plus what its norm `h` reads from `keys`; all [1, C, T].
    pub fn forward(&self, x: &Tensor, h: &Tensor, keys: &BlockKeys) -> Result<Tensor> {
        let q = self.normed(&self.q.forward(h)?, &self.q_gain)?;
        let read = attend(&q, &keys.k, &keys.v, keys.timbre, None)?;
        let none = Default::default();
        self.out
            .forward_fused(&read.reshape(x.shape())?, none, none, Some(x))
    }

    /// [1, C, T] to [H, D, T].
    fn split(&self, x: &Tensor) -> Result<Tensor> {
        let (_, channels, columns) = x.dims3()?;
        x.reshape((self.heads, channels / self.heads, columns))
    }

    fn normed(&self, x: &Tensor, gain: &Tensor) -> Result<Tensor> {
        rms_norm_channels(&self.split(x)?, gain, NORM_EPS)
    }
}
