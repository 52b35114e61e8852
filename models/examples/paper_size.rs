//! Mega-TTS 2 at the sizes of the paper, with random weights: loads it from checkpoints, speaks, and tells time and memory.
//!
//!     cargo run --release -p syrinx-models --example paper_size
//!
//! The checkpoints are made in memory, in half precision as trained ones are stored; needs about 3 GB.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use random_weights::{random_weights, shapes};
use syrinx_models::megatts2::{
    Acoustic, Config, DurationModel, MegaTts2, Prompt, ProsodyLm, ProsodySession, pool_content,
};
use syrinx_models::sampling::{Sampler, Sampling, uniform};
use syrinx_models::{Checkpoint, Result};

#[path = "../tests/random_weights/mod.rs"]
mod random_weights;

/// Frames a second, those of 16 kHz at a hop of 200.
const FRAME_RATE: f64 = 80.0;

/// A checkpoint with the tensors that `build` asks for, and how many numbers they are.
fn random_checkpoint<T>(
    name: &str,
    build: impl FnOnce(VarBuilder<'static>) -> T,
) -> Result<(Checkpoint<'static>, usize)> {
    let (mut tensors, mut count) = (HashMap::new(), 0);
    for (name, shape) in shapes(build) {
        count += shape.iter().product::<usize>();
        let tensor = random_weights().get(shape, &name)?.to_dtype(DType::F16)?;
        tensors.insert(name, tensor);
    }
    let bytes = safetensors::serialize(tensors, None).map_err(candle_core::Error::wrap)?;
    Ok((Checkpoint::from_bytes(name, bytes)?, count))
}

/// Runs `work`, tells how long it took.
fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let done = work()?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:<52} {seconds:>8.2} s   {}", memory());
    Ok((done, seconds))
}

/// Memory of the process in MB, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |field: &str| {
        let line = status.lines().find(|line| line.starts_with(field))?;
        let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes / 1000.0)
    };
    match (megabytes("VmRSS:"), megabytes("VmHWM:")) {
        (Some(now), Some(most)) => format!("{now:>6.0} MB now, {most:>6.0} MB at most"),
        _ => String::new(),
    }
}

fn main() -> Result<()> {
    let (config, cpu) = (Config::paper(), Device::Cpu);
    let (checkpoint, in_acoustic) =
        random_checkpoint("acoustic", |vb| Acoustic::new(&config, vb).map(drop))?;
    let (acoustic, _) = timed("load the acoustic model", || {
        Acoustic::load(&config, &checkpoint, &cpu)
    })?;
    let (checkpoint, in_plm) =
        random_checkpoint("plm", |vb| ProsodyLm::new(&config, vb).map(drop))?;
    let (plm, _) = timed("load the P-LLM", || ProsodyLm::load(&config, &checkpoint))?;
    let (checkpoint, in_adm) =
        random_checkpoint("adm", |vb| DurationModel::new(&config, vb).map(drop))?;
    let (adm, _) = timed("load the ADM", || DurationModel::load(&config, &checkpoint))?;
    drop(checkpoint);
    println!(
        "{:.1} M parameters: acoustic {:.1}, P-LLM {:.1}, ADM {:.1}",
        (in_acoustic + in_plm + in_adm) as f64 / 1e6,
        in_acoustic as f64 / 1e6,
        in_plm as f64 / 1e6,
        in_adm as f64 / 1e6
    );
    let model = MegaTts2 {
        acoustic: Arc::new(acoustic),
        plm: Arc::new(plm),
        adm: Arc::new(adm),
    };

    // A minute of reference; ten seconds of prompt.
    let level = |i: usize| (uniform(1, i as u64) * 6.0 - 8.0) as f32;
    let mel: Vec<f32> = (0..80 * 4800).map(level).collect();
    let mel = Tensor::from_vec(mel, (80, 4800), &cpu)?;
    let (timbre, _) = timed("timbre of 60 s of reference", || {
        model.acoustic.timbre(std::slice::from_ref(&mel))
    })?;
    let prompt_codes = model.acoustic.prosody_codes(&mel.narrow(1, 0, 800)?)?;
    let prompt = Prompt {
        ids: (0..160).map(|i| i * 31 % 178).collect(),
        units: vec![5; 160],
        codes: prompt_codes,
    };
    let (voice, _) = timed("read a prompt of 10 s: 100 codes, 160 symbols", || {
        model.voice(timbre, &[prompt])
    })?;

    let ids: Vec<u32> = (0..60).map(|i| i * 29 % 178).collect();
    let (content, _) = timed("content of 60 symbols", || model.acoustic.content(&ids))?;
    let (own, seconds) = timed("durations, 60 steps", || {
        voice.durations.fork().generate(&content)
    })?;
    println!("{:>52} {:>8.1} steps a second", "", 60.0 / seconds);
    // What random weights make of durations is no speech: go on with four seconds.
    assert!(own.iter().all(|&units| units >= 1));
    let units: Vec<u32> = (0..60).map(|i| 4 + i % 3 + i % 2).collect();
    let frames: u32 = units.iter().sum();
    let pooled = pool_content(&content, &units, config.units_per_code())?;
    let sampler = Sampler::new(Sampling::default(), 1)?;
    let steps = pooled.dim(0)?;
    let (codes, in_codes) = timed(&format!("prosody, {steps} steps"), || {
        voice.prosody.fork().generate(&pooled, &sampler, 0)
    })?;
    println!("{:>52} {:>8.1} steps a second", "", steps as f64 / in_codes);
    let (decoded, in_mel) = timed(&format!("decode {frames} frames"), || {
        model
            .acoustic
            .decode(&content, &voice.timbre, &units, &codes)
    })?;
    let mel = decoded.mel.flatten_all()?.to_vec1::<f32>()?;
    assert!(decoded.frames() == frames as usize && mel.iter().all(|x| x.is_finite()));
    println!(
        "real-time factor of {:.2} s of mel: {:.2} (durations, prosody, decoder)",
        f64::from(frames) / FRAME_RATE,
        (seconds + in_codes + in_mel) * FRAME_RATE / f64::from(frames)
    );

    // Incremental steps equal the recomputation of the whole row, all twelve layers deep.
    let previous = [&[1024], &codes[..steps - 1]].concat();
    let whole = model.plm.forward(&pooled, &previous)?.to_vec2::<f32>()?;
    let mut session = ProsodySession::new(model.plm.clone());
    let mut worst = 0f32;
    for ((row, &code), whole) in pooled.to_vec2::<f32>()?.iter().zip(&codes).zip(&whole) {
        let step = session.step(row)?;
        let differences = step.iter().zip(whole).map(|(a, b)| (a - b).abs());
        worst = differences.fold(worst, f32::max);
        session.accept(code);
    }
    println!("incremental P-LLM against recomputation: {worst:.1e} at most");

    // The longest prompt that is kept.
    let longest = vec![7; Prompt::LONGEST_CODES];
    let mut session = ProsodySession::new(model.plm.clone());
    let (_, seconds) = timed("read the longest prompt", || {
        session.prefill(None, &longest)
    })?;
    println!(
        "{:>52} {:>8.1} codes a second; {:.0} MB of keys and values",
        "",
        longest.len() as f64 / seconds,
        session.cache_bytes() as f64 / 1e6
    );
    Ok(())
}
