//! The block of the content and the flow module.
//!
//! ```text
//! x [1, C, T] ── (FiLM(t)) ─┬─ norm ─ self-attention ─(+)─┬─ norm ─ DualAGC ─(+)─┬─ norm ─ conv k ─ SiLU ─ conv 1 ─(+)──
//!                           └──────────────────────────┘  └───────────────────┘  └───────────────────────────────┘
//! ```
//!
//! Self-attention looks at the columns at hand and at `past` columns before them, the convolution at the k - 1 columns
//! before; both are in the [`BlockState`], so that a signal in chunks gives what it gives as a whole under the mask.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};

use super::ModuleConfig;
use super::attention::{Angles, attend};
use super::causal_block::Film;
use super::dual_attention::{BlockKeys, DualAttention, KeyWidths, References};
use super::pointwise::{from_linear, pointwise};
use super::tail::Tail;

/// One block of a stack.
#[derive(Debug, Clone)]
pub(super) struct Block {
    norm1: Tensor,
    /// The rows of the queries are scaled by 1 / √d.
    qkv: Conv1d,
    attended: Conv1d,
    norm2: Tensor,
    dual: DualAttention,
    norm3: Tensor,
    expand: Conv1d,
    project: Conv1d,
    kernel: usize,
    heads: usize,
}

/// What a block remembers of a signal.
#[derive(Debug, Clone)]
pub(super) struct BlockState {
    /// Keys, then values of the past, [2 H, D, past].
    kv: Option<Tensor>,
    normed: Tail,
}

/// How far self-attention looks from the columns at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    /// Positions of the columns.
    pub angles: &'a Angles,
    /// Added to the scores, [T, past + T]; none where every column sees all there is.
    pub mask: Option<&'a Tensor>,
    /// Columns that stay in sight of later ones.
    pub past: usize,
}

impl Block {
    /// Weights: `norm1.gain`, `qkv`, `attended` (linear), `norm2.gain`, `dual`, `norm3.gain`, `expand` [H, C, k],
    /// `project` [C, H, 1].
    pub fn new(sizes: &ModuleConfig, widths: KeyWidths, vb: VarBuilder) -> Result<Self> {
        let ModuleConfig {
            channels,
            heads,
            hidden,
            kernel,
            ..
        } = *sizes;
        let gain = |name: &str| vb.pp(name).get(channels, "gain");
        let point = Conv1dSpec::default();
        Ok(Self {
            norm1: gain("norm1")?,
            qkv: scaled_qkv(channels, heads, vb.pp("qkv"))?,
            attended: pointwise(channels, channels, vb.pp("attended"))?,
            norm2: gain("norm2")?,
            dual: DualAttention::new(channels, heads, widths, vb.pp("dual"))?,
            norm3: gain("norm3")?,
            expand: Conv1d::load(channels, hidden, kernel, &point, vb.pp("expand"))?,
            project: Conv1d::load(hidden, channels, 1, &point, vb.pp("project"))?,
            kernel,
            heads,
        })
    }

    /// The state before a signal begins.
    pub fn state(&self) -> BlockState {
        BlockState {
            kv: None,
            normed: Tail::new(self.kernel - 1),
        }
    }

    /// Keys and values of a target.
    pub fn project(&self, references: &References) -> Result<BlockKeys> {
        self.dual.project(references)
    }

    /// The next columns `x` [1, C, T] of a signal.
    pub fn step(
        &self,
        x: &Tensor,
        keys: &BlockKeys,
        film: Option<&Film>,
        sight: Sight,
        state: &mut BlockState,
    ) -> Result<Tensor> {
        let modulated = film.map(|film| film.apply(x)).transpose()?;
        let x = modulated.as_ref().unwrap_or(x);
        let x = self.self_attention(x, sight, &mut state.kv)?;
        let x = self.dual.forward(&x, &norm(&x, &self.norm2)?, keys)?;
        let h = state.normed.extend(&norm(&x, &self.norm3)?)?;
        let none = Activation::Identity;
        let h = self
            .expand
            .forward_fused(&h, none, Activation::Silu, None)?;
        self.project.forward_fused(&h, none, none, Some(&x))
    }

    fn self_attention(
        &self,
        x: &Tensor,
        sight: Sight,
        past: &mut Option<Tensor>,
    ) -> Result<Tensor> {
        let (_, channels, columns) = x.dims3()?;
        let (heads, width) = (self.heads, channels / self.heads);
        let qkv = self.qkv.forward(&norm(x, &self.norm1)?)?;
        let qkv = sight.angles.rotate(qkv, 2 * channels)?;
        let qkv = qkv.reshape((3 * heads, width, columns))?;
        let new = qkv.narrow(0, heads, 2 * heads)?;
        let kv = match past.as_ref() {
            Some(past) => Tensor::cat(&[past, &new], 2)?,
            None => new,
        };
        let (k, v) = (kv.narrow(0, 0, heads)?, kv.narrow(0, heads, heads)?);
        let split = kv.dim(2)?;
        let read = attend(&qkv.narrow(0, 0, heads)?, &k, &v, split, sight.mask)?;
        let keep = sight.past.min(split);
        *past = match keep {
            0 => None,
            // A copy: a view would keep the whole alive.
            _ => Some(kv.narrow(2, split - keep, keep)?.force_contiguous()?),
        };
        let none = Activation::Identity;
        self.attended
            .forward_fused(&read.reshape((1, channels, columns))?, none, none, Some(x))
    }
}

fn norm(x: &Tensor, gain: &Tensor) -> Result<Tensor> {
    rms_norm_channels(x, gain, NORM_EPS)
}

/// The layer `qkv` [3 C, C] with 1 / √d in the rows of the queries.
fn scaled_qkv(channels: usize, heads: usize, vb: VarBuilder) -> Result<Conv1d> {
    let scale = 1.0 / ((channels / heads) as f64).sqrt();
    let scaled = |x: Tensor| {
        let (queries, rest) = (
            x.narrow(0, 0, channels)?,
            x.narrow(0, channels, 2 * channels)?,
        );
        Tensor::cat(&[(queries * scale)?, rest], 0)
    };
    let weight = scaled(vb.get((3 * channels, channels), "weight")?)?;
    from_linear(&weight, Some(&scaled(vb.get(3 * channels, "bias")?)?))
}
