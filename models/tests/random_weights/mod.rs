//! Weights for networks of any size, where only shapes and time matter.

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use syrinx_models::sampling::uniform;

/// A builder that has a tensor of any name and shape, such that outputs are O(1).
pub fn random_weights() -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(RandomWeights), DType::F32, Device::Cpu)
}

struct RandomWeights;

impl SimpleBackend for RandomWeights {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        _: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        if name.ends_with("gain") {
            return Tensor::ones(shape, DType::F32, device);
        }
        let inputs: usize = shape.dims().iter().skip(1).product();
        let scale = 1.0 / (inputs as f64).sqrt();
        let seed = name
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let value = |i| ((uniform(seed, i as u64) - 0.5) * scale) as f32;
        Tensor::from_vec(
            (0..shape.elem_count()).map(value).collect::<Vec<_>>(),
            shape,
            device,
        )
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name}: asked for without a shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}
