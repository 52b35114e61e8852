//! Weights for networks of any size, where only shapes and time matter.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::sync::{Arc, Mutex};

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

/// A tensor's name and shape.
pub type NamedShape = (String, Vec<usize>);

/// Names and shapes of the tensors that `build` asks for; they are all views of one zero, so that little is allocated.
pub fn shapes<T>(build: impl FnOnce(VarBuilder<'static>) -> T) -> Vec<NamedShape> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let recorder = Recorder(asked.clone());
    build(VarBuilder::from_backend(
        Box::new(recorder),
        DType::F32,
        Device::Cpu,
    ));
    std::mem::take(&mut *asked.lock().unwrap())
}

struct Recorder(Arc<Mutex<Vec<NamedShape>>>);

impl SimpleBackend for Recorder {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let mut asked = self.0.lock().unwrap();
        // A tensor that several layers share counts once.
        if asked.iter().all(|(known, _)| known != name) {
            asked.push((name.to_owned(), shape.dims().to_vec()));
        }
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name}: asked for without a shape")
    }

    /// Only whole weights: there is no weight norm to fold.
    fn contains_tensor(&self, name: &str) -> bool {
        !name.ends_with("_g") && !name.ends_with("_v") && !name.contains("parametrizations")
    }
}
