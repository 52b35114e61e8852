//! How fast the starter vocoder is on this machine, offline and in pieces of 100 ms.
//!
//!     cargo run --release -p syrinx-vocoder --example vocoder_speed -- [vocoder.safetensors]
//!
//! Without a file the weights are zero: as slow, and silent but for the noise.

use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::harmonic_noise::{HarmonicNoise, HarmonicNoiseConfig};
use syrinx_vocoder::stream::{Frames, Stream};
use syrinx_vocoder::{checkpoint, kernel};

const SECONDS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::Cpu;
    let vb = match std::env::args_os().nth(1) {
        Some(file) => checkpoint::open(file.as_ref(), None, &device)?,
        None => VarBuilder::from_backend(Box::new(Level), DType::F32, device.clone()),
    };
    let start = Instant::now();
    let vocoder = Arc::new(HarmonicNoise::load(HarmonicNoiseConfig::starter(), vb)?);
    println!("load {:.0} ms", 1e3 * start.elapsed().as_secs_f64());

    let frames = SECONDS * 80;
    let mel = Tensor::full(-5f32, (1, 100, frames), &device)?;
    let f0: Vec<f32> = (0..frames).map(|k| 120.0 + (k % 100) as f32).collect();
    for threads in [1, kernel::physical_cores()] {
        kernel::set_threads(threads);
        let real_time_factor = |run: &dyn Fn() -> syrinx_vocoder::Result<()>| {
            let times = (0..3).map(|_| {
                let start = Instant::now();
                run().map(|()| start.elapsed().as_secs_f64())
            });
            let best = times
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .fold(f64::MAX, f64::min);
            syrinx_vocoder::Result::Ok(best / SECONDS as f64)
        };
        let offline = real_time_factor(&|| vocoder.synthesise(&mel, &f0, 0).map(drop))?;
        let streamed = real_time_factor(&|| {
            let mut stream = vocoder.stream(0);
            let mut wave = Vec::new();
            for (k, hz) in f0.chunks(8).enumerate() {
                let part = mel.narrow(2, 8 * k, hz.len())?;
                stream.push(&Frames::with_f0(&part, hz)?, &mut wave)?;
            }
            stream.flush(&mut wave)
        })?;
        println!(
            "{threads} threads: real-time factor {offline:.4} offline, {streamed:.4} in pieces"
        );
    }
    Ok(())
}

/// Tensors that are one where a division needs it and zero elsewhere.
struct Level;

impl candle_nn::var_builder::SimpleBackend for Level {
    fn get(
        &self,
        shape: candle_core::Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        match name {
            "mel_std" => Tensor::ones(shape, dtype, device),
            _ => Tensor::zeros(shape, dtype, device),
        }
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name} has no known shape")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        !name.contains("weight_") && !name.contains("parametrizations")
    }
}
