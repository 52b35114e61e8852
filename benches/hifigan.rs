//! A HiFi-GAN generator timed on request; the Rust side of
//! `benches/peers/hifigan.py`, which runs it in turn with PyTorch and onnxruntime.
//!
//! `hifigan v1|v2 WEIGHTS.safetensors THREADS OUT.f32`: reads the weights and the tensor `mel`
//! \[1, 80, T\], writes the wave, then answers each line on standard input with the wall and CPU
//! seconds of one more run.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use syrinx_vocoder::hifigan::{HifiGan, HifiGanConfig};
use syrinx_vocoder::kernel::{self, Level, set_threads, threads};

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    kernel::cpu_time().map_or(f64::NAN, |time| time.as_secs_f64())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [model, weights, wanted, out] = &arguments[..] else {
        eprintln!(
            "usage: hifigan v1|v2 WEIGHTS.safetensors THREADS OUT.f32 (see benches/peers/hifigan.py)"
        );
        return Ok(());
    };
    let Ok(wanted) = wanted.parse() else {
        return Err(format!("the number of threads is `{wanted}`").into());
    };
    set_threads(wanted);
    let config = match model.as_str() {
        "v1" => HifiGanConfig::v1(),
        "v2" => HifiGanConfig::v2(),
        other => return Err(format!("model `{other}`: v1 or v2").into()),
    };
    let tensors = candle_core::safetensors::load(weights, &Device::Cpu)?;
    let Some(mel) = tensors.get("mel") else {
        return Err(format!("{weights} holds no tensor `mel`").into());
    };
    let generator = HifiGan::open(Path::new(weights), config, &Device::Cpu)?;
    let wave: Vec<f32> = generator.forward(mel)?.flatten_all()?.to_vec1()?;
    let bytes: Vec<u8> = wave.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(out, bytes)?;
    println!("ready: {}, {} threads", Level::best().name(), threads());
    for line in std::io::stdin().lock().lines() {
        line?;
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        std::hint::black_box(generator.forward(mel)?);
        println!("{} {}", wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        std::io::stdout().flush()?;
    }
    Ok(())
}
