//! Convolution layers: weights loaded, folded and packed once.

use std::sync::Arc;

use candle_core::{DType, Module, Result, Tensor};
use candle_nn::VarBuilder;

use super::activation::{Activation, activation};
use super::conv_transpose1d::{self, ConvTranspose1dKernel, ConvTranspose1dSpec};
use super::conv1d::{self, Conv1dKernel, Conv1dSpec};
use super::op::Fused;
use super::weight_norm;

/// Weights of a layer where they are used: packed for our kernels on the CPU, as tensors elsewhere.
#[derive(Debug, Clone)]
enum Weights<K> {
    Packed(Arc<K>),
    Tensors {
        weight: Tensor,
        bias: Option<Tensor>,
    },
}

/// The numbers of a tensor in row-major order, as f32.
fn numbers(x: &Tensor) -> Result<Vec<f32>> {
    x.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

fn fused(
    x: &Tensor,
    pre: Activation,
    post: Activation,
    residual: Option<&Tensor>,
    convolve: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let y = convolve(&activation(x, &pre)?)?;
    let y = match residual {
        Some(r) => (y + r)?,
        None => y,
    };
    activation(&y, &post)
}

/// A convolution \[B, Cin, T\] → \[B, Cout, T'\]. Cheap to clone, shared between threads freely.
#[derive(Debug, Clone)]
pub struct Conv1d {
    weights: Weights<Conv1dKernel>,
    spec: Conv1dSpec,
}

impl Conv1d {
    /// Loads `weight` \[`outputs`, `inputs` / groups, `taps`\] (or the two tensors of weight norm,
    /// which are folded) and `bias` \[`outputs`\].
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or the sizes do not fit together.
    pub fn load(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &Conv1dSpec,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        let weight = Self::weight(inputs, outputs, taps, spec, &vb)?;
        Self::from_tensors(&weight, Some(&vb.get(outputs, "bias")?), spec)
    }

    /// [`Conv1d::load`] for a convolution without bias.
    ///
    /// # Errors
    /// As there.
    pub fn load_no_bias(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &Conv1dSpec,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        Self::from_tensors(&Self::weight(inputs, outputs, taps, spec, &vb)?, None, spec)
    }

    fn weight(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &Conv1dSpec,
        vb: &VarBuilder<'_>,
    ) -> Result<Tensor> {
        spec.check(outputs, inputs, taps)?;
        weight_norm::weight((outputs, inputs / spec.groups, taps), vb)
    }

    /// From `weight` \[Cout, Cin / groups, K\] and `bias` \[Cout\], of any layout and float type.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn from_tensors(weight: &Tensor, bias: Option<&Tensor>, spec: &Conv1dSpec) -> Result<Self> {
        let (outputs, channels, taps) = weight.dims3()?;
        let inputs = channels * spec.groups;
        spec.check(outputs, inputs, taps)?;
        let weights = if weight.device().is_cpu() {
            let bias = bias.map(numbers).transpose()?;
            let sizes = (outputs, inputs, taps);
            let kernel = Conv1dKernel::new(&numbers(weight)?, bias.as_deref(), sizes, spec)?;
            Weights::Packed(Arc::new(kernel))
        } else {
            Weights::Tensors {
                weight: weight.contiguous()?,
                bias: bias.cloned(),
            }
        };
        Ok(Self {
            weights,
            spec: *spec,
        })
    }

    /// How the convolution walks.
    pub fn spec(&self) -> &Conv1dSpec {
        &self.spec
    }

    /// The packed kernel, for callers that work on slices; `None` on other devices than the CPU.
    pub fn kernel(&self) -> Option<&Conv1dKernel> {
        match &self.weights {
            Weights::Packed(kernel) => Some(kernel),
            Weights::Tensors { .. } => None,
        }
    }

    /// conv(x) + bias, `x` \[B, Cin, T\].
    ///
    /// # Errors
    /// If `x` has other channels, another type than the weights, or is too short.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_fused(x, Activation::Identity, Activation::Identity, None)
    }

    /// post(conv(pre(x)) + bias + residual) in one pass over memory; `residual` has the shape of the
    /// result.
    ///
    /// # Errors
    /// As [`Conv1d::forward`], and if the residual has another shape.
    pub fn forward_fused(
        &self,
        x: &Tensor,
        pre: Activation,
        post: Activation,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(kernel) => {
                let kernel = Arc::clone(kernel);
                Fused { kernel, pre, post }.apply(x, residual)
            }
            Weights::Tensors { weight, bias } => fused(x, pre, post, residual, |x| {
                conv1d::on_candle(x, weight, bias.as_ref(), &self.spec)
            }),
        }
    }
}

impl Module for Conv1d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Conv1d::forward(self, x)
    }
}

/// A transposed convolution \[B, Cin, T\] → \[B, Cout, T'\]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConvTranspose1d {
    weights: Weights<ConvTranspose1dKernel>,
    spec: ConvTranspose1dSpec,
}

impl ConvTranspose1d {
    /// Loads `weight` \[`inputs`, `outputs` / groups, `taps`\] (or the two tensors of weight norm,
    /// which are folded) and `bias` \[`outputs`\].
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or the sizes do not fit together.
    pub fn load(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &ConvTranspose1dSpec,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        let weight = Self::weight(inputs, outputs, taps, spec, &vb)?;
        Self::from_tensors(&weight, Some(&vb.get(outputs, "bias")?), spec)
    }

    /// [`ConvTranspose1d::load`] for a convolution without bias.
    ///
    /// # Errors
    /// As there.
    pub fn load_no_bias(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &ConvTranspose1dSpec,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        Self::from_tensors(&Self::weight(inputs, outputs, taps, spec, &vb)?, None, spec)
    }

    fn weight(
        inputs: usize,
        outputs: usize,
        taps: usize,
        spec: &ConvTranspose1dSpec,
        vb: &VarBuilder<'_>,
    ) -> Result<Tensor> {
        spec.check(outputs, inputs, taps)?;
        weight_norm::weight((inputs, outputs / spec.groups, taps), vb)
    }

    /// From `weight` \[Cin, Cout / groups, K\] and `bias` \[Cout\], of any layout and float type.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn from_tensors(
        weight: &Tensor,
        bias: Option<&Tensor>,
        spec: &ConvTranspose1dSpec,
    ) -> Result<Self> {
        let (inputs, per_group, taps) = weight.dims3()?;
        let sizes = (inputs, per_group * spec.groups, taps);
        spec.check(sizes.1, inputs, taps)?;
        let weights = if weight.device().is_cpu() {
            let bias = bias.map(numbers).transpose()?;
            let kernel =
                ConvTranspose1dKernel::new(&numbers(weight)?, bias.as_deref(), sizes, spec)?;
            Weights::Packed(Arc::new(kernel))
        } else {
            Weights::Tensors {
                weight: weight.contiguous()?,
                bias: bias.cloned(),
            }
        };
        Ok(Self {
            weights,
            spec: *spec,
        })
    }

    /// How the convolution spreads its input.
    pub fn spec(&self) -> &ConvTranspose1dSpec {
        &self.spec
    }

    /// The packed kernel, for callers that work on slices; `None` on other devices than the CPU.
    pub fn kernel(&self) -> Option<&ConvTranspose1dKernel> {
        match &self.weights {
            Weights::Packed(kernel) => Some(kernel),
            Weights::Tensors { .. } => None,
        }
    }

    /// conv(x) + bias, `x` \[B, Cin, T\].
    ///
    /// # Errors
    /// If `x` has other channels, another type than the weights, or is too short.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_fused(x, Activation::Identity, Activation::Identity, None)
    }

    /// post(conv(pre(x)) + bias + residual) in one pass over memory; `residual` has the shape of the
    /// result.
    ///
    /// # Errors
    /// As [`ConvTranspose1d::forward`], and if the residual has another shape.
    pub fn forward_fused(
        &self,
        x: &Tensor,
        pre: Activation,
        post: Activation,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(kernel) => {
                let kernel = Arc::clone(kernel);
                Fused { kernel, pre, post }.apply(x, residual)
            }
            Weights::Tensors { weight, bias } => fused(x, pre, post, residual, |x| {
                conv_transpose1d::on_candle(x, weight, bias.as_ref(), &self.spec)
            }),
        }
    }
}

impl Module for ConvTranspose1d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ConvTranspose1d::forward(self, x)
    }
}
