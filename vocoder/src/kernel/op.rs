//! A packed convolution as a candle operation.

use std::mem::MaybeUninit;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::activation::Activation;
use super::tensor::{elements, filled};

/// What the two convolutions over slices have in common.
pub(crate) trait Convolution: Send + Sync {
    const NAME: &'static str;
    fn inputs(&self) -> usize;
    fn outputs(&self) -> usize;
    fn output_len(&self, time: usize) -> Result<usize>;
    /// Writes all of `out` where it succeeds.
    fn run(
        &self,
        x: &[f32],
        batch: usize,
        time: usize,
        around: (Activation, Activation),
        residual: Option<&[f32]>,
        out: &mut [MaybeUninit<f32>],
    ) -> Result<()>;
}

/// A convolution with the functions around it; one operand, or two with a residual.
pub(crate) struct Fused<K> {
    pub kernel: Arc<K>,
    pub pre: Activation,
    pub post: Activation,
}

impl<K: Convolution> Fused<K> {
    /// Applies the operation to f32 tensors on the CPU.
    pub fn apply(&self, x: &Tensor, residual: Option<&Tensor>) -> Result<Tensor> {
        if !x.device().is_cpu() {
            bail!(
                "{}: the weights are on the CPU, the input is on {:?}",
                K::NAME,
                x.device().location()
            )
        }
        let x = x.contiguous()?;
        match residual {
            None => x.apply_op1_no_bwd(self),
            Some(r) => x.apply_op2_no_bwd(&r.contiguous()?, self),
        }
    }

    fn compute(
        &self,
        x: &[f32],
        shape: &Shape,
        residual: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, inputs, time) = shape.dims3()?;
        if inputs != self.kernel.inputs() {
            bail!(
                "{}: input {shape:?} for a convolution of {} channels",
                K::NAME,
                self.kernel.inputs()
            )
        }
        let dims = (batch, self.kernel.outputs(), self.kernel.output_len(time)?);
        let around = (self.pre, self.post);
        let write =
            |out: &mut [MaybeUninit<f32>]| self.kernel.run(x, batch, time, around, residual, out);
        // SAFETY: `run` writes every number of the output.
        let out = unsafe { filled(dims.0 * dims.1 * dims.2, write)? };
        Ok((CpuStorage::F32(out), dims.into()))
    }
}

impl<K: Convolution> CustomOp1 for Fused<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.compute(elements(x, layout)?, layout.shape(), None)
    }
}

impl<K: Convolution> CustomOp2 for Fused<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let residual = elements(residual, residual_layout)?;
        let out = self.compute(elements(x, x_layout)?, x_layout.shape(), Some(residual))?;
        if &out.1 != residual_layout.shape() {
            bail!(
                "{}: the residual is {:?}, the output {:?}",
                K::NAME,
                residual_layout.shape(),
                out.1
            )
        }
        Ok(out)
    }
}
