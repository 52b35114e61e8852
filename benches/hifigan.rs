//! A HiFi-GAN generator (Kong et al. 2020, V1 and V2) timed on request; the Rust side of
//! `benches/peers/hifigan.py`, which runs it in turn with PyTorch and onnxruntime.
//!
//! `hifigan WEIGHTS.safetensors THREADS OUT.f32`: reads the weights and the tensor `mel`
//! \[1, 80, T\], writes the wave, then answers each line on standard input with the wall and CPU
//! seconds of one more run.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{
    Activation, Conv1d, Conv1dSpec, ConvTranspose1d, ConvTranspose1dSpec, Level, average,
    set_threads, threads,
};

const SLOPE: Activation = Activation::LeakyRelu(0.1);
const NONE: Activation = Activation::Identity;

/// x + Σ of pairs of convolutions, the first of each pair dilated (ResBlock1).
struct ResBlock(Vec<(Conv1d, Conv1d)>);

impl ResBlock {
    fn load(channels: usize, taps: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let conv = |dilation, vb: VarBuilder<'_>| {
            Conv1d::load(
                channels,
                channels,
                taps,
                &Conv1dSpec::same(taps, dilation),
                vb,
            )
        };
        let pairs = [1, 3, 5].into_iter().enumerate().map(|(i, dilation)| {
            Ok((
                conv(dilation, vb.pp("convs1").pp(i))?,
                conv(1, vb.pp("convs2").pp(i))?,
            ))
        });
        Ok(Self(pairs.collect::<Result<_>>()?))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (dilated, plain) in &self.0 {
            let inner = dilated.forward_fused(&x, SLOPE, NONE, None)?;
            x = plain.forward_fused(&inner, SLOPE, NONE, Some(&x))?;
        }
        Ok(x)
    }
}

struct Generator {
    pre: Conv1d,
    stages: Vec<(ConvTranspose1d, Vec<ResBlock>)>,
    post: Conv1d,
}

impl Generator {
    fn load(first: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let mut channels = first;
        let mut stages = Vec::new();
        for (i, (stride, taps)) in [(8, 16), (8, 16), (2, 4), (2, 4)].into_iter().enumerate() {
            let spec = ConvTranspose1dSpec::strided(stride, (taps - stride) / 2);
            let up =
                ConvTranspose1d::load(channels, channels / 2, taps, &spec, vb.pp("ups").pp(i))?;
            channels /= 2;
            let blocks = [3, 7, 11].into_iter().enumerate();
            let block =
                |(j, taps)| ResBlock::load(channels, taps, &vb.pp("resblocks").pp(3 * i + j));
            stages.push((up, blocks.map(block).collect::<Result<_>>()?));
        }
        Ok(Self {
            pre: Conv1d::load(80, first, 7, &Conv1dSpec::same(7, 1), vb.pp("conv_pre"))?,
            stages,
            post: Conv1d::load(channels, 1, 7, &Conv1dSpec::same(7, 1), vb.pp("conv_post"))?,
        })
    }

    fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let mut x = self.pre.forward(mel)?;
        for (up, blocks) in &self.stages {
            x = up.forward_fused(&x, SLOPE, NONE, None)?;
            let outputs: Vec<Tensor> = blocks
                .iter()
                .map(|block| block.forward(&x))
                .collect::<Result<_>>()?;
            x = average(&outputs)?;
        }
        self.post
            .forward_fused(&x, Activation::LeakyRelu(0.01), Activation::Tanh, None)
    }
}

/// CPU time of all threads of this process, in seconds.
#[cfg(unix)]
fn cpu_time() -> f64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `t` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

#[cfg(not(unix))]
fn cpu_time() -> f64 {
    f64::NAN
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [weights, wanted, out] = &arguments[..] else {
        eprintln!(
            "usage: hifigan WEIGHTS.safetensors THREADS OUT.f32 (see benches/peers/hifigan.py)"
        );
        return Ok(());
    };
    let Ok(wanted) = wanted.parse() else {
        bail!("the number of threads is `{wanted}`")
    };
    set_threads(wanted);
    let tensors: HashMap<String, Tensor> = candle_core::safetensors::load(weights, &Device::Cpu)?;
    let Some(mel) = tensors.get("mel").cloned() else {
        bail!("{weights} holds no tensor `mel`")
    };
    let Some(pre) = tensors.get("conv_pre.bias") else {
        bail!("{weights} holds no `conv_pre.bias`")
    };
    let first = pre.elem_count();
    let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let generator = Generator::load(first, &vb)?;
    let wave: Vec<f32> = generator.forward(&mel)?.flatten_all()?.to_vec1()?;
    let bytes: Vec<u8> = wave.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(out, bytes)?;
    println!("ready: {}, {} threads", Level::best().name(), threads());
    for line in std::io::stdin().lock().lines() {
        line?;
        let (wall, cpu) = (Instant::now(), cpu_time());
        std::hint::black_box(generator.forward(&mel)?);
        println!("{} {}", wall.elapsed().as_secs_f64(), cpu_time() - cpu);
        std::io::stdout().flush()?;
    }
    Ok(())
}
