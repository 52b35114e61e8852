//! Residual blocks of the multi-receptive-field fusion.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use super::{Resblock, SLOPE};
use crate::Result;
use crate::checkpoint::explain;
use crate::kernel::{Activation, Conv1d, Conv1dSpec};

/// Residual units one after the other, `[B, C, T]` to `[B, C, T]`.
#[derive(Debug)]
pub(super) struct ResidualBlock {
    units: Vec<Unit>,
}

/// `x + conv(leaky(…))`: a dilated convolution, in the first kind of block with an undilated one
/// after it.
#[derive(Debug)]
pub(super) struct Unit {
    dilated: Conv1d,
    plain: Option<Conv1d>,
}

impl ResidualBlock {
    pub(super) fn load(
        kind: Resblock,
        channels: usize,
        kernel: usize,
        dilations: &[usize],
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        let load = |name: &str, i: usize, dilation: usize| {
            let spec = Conv1dSpec::same(kernel, dilation);
            Conv1d::load(channels, channels, kernel, &spec, vb.pp(name).pp(i)).map_err(explain)
        };
        let unit = |(i, dilation): (usize, &usize)| match kind {
            Resblock::One => Ok(Unit {
                dilated: load("convs1", i, *dilation)?,
                plain: Some(load("convs2", i, 1)?),
            }),
            Resblock::Two => Ok(Unit {
                dilated: load("convs", i, *dilation)?,
                plain: None,
            }),
        };
        let units = dilations.iter().enumerate().map(unit);
        Ok(Self {
            units: units.collect::<Result<_>>()?,
        })
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.units
    }

    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = x.clone();
        for unit in &self.units {
            x = unit.forward(&x)?;
        }
        Ok(x)
    }
}

impl Unit {
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let none = Activation::Identity;
        match &self.plain {
            None => self.dilated.forward_fused(x, SLOPE, none, Some(x)),
            Some(plain) => {
                let hidden = self.dilated.forward_fused(x, SLOPE, none, None)?;
                plain.forward_fused(&hidden, SLOPE, none, Some(x))
            }
        }
    }

    /// Samples the unit sees on either side.
    pub(super) fn context(&self) -> usize {
        let plain = self.plain.as_ref().map_or(0, |conv| conv.spec().padding.0);
        self.dilated.spec().padding.0 + plain
    }
}
