//! How long StableVC takes to convert on this machine, with random weights.
//!
//!     cargo run --release -p syrinx-models --example convert_speed [-- paper | threads N]
//!
//! Prints, for chunks of 8, 16 and 160 frames at 1, 2, 4 and 10 steps, the median time of a chunk, the median CPU time of
//! one (which other programs disturb less) and the real-time factor: CPU time over the duration of the chunk. Vocoder, pitch and timbre keys are not included. `paper` takes the size
//! of the paper, whose content features come from outside and are not included either; it needs about 1.5 GB.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::Tensor;
use random_weights::random_weights;
use syrinx_models::Result;
use syrinx_models::sampling::uniform;
use syrinx_models::stablevc::{
    Config, ContentExtractor, ContentStream, Conversion, LookAhead, Settings, StableVc, Target,
};
use syrinx_vocoder::kernel::cpu_time;

#[path = "../tests/random_weights/mod.rs"]
mod random_weights;

/// Seconds of a frame of the starter, and of the paper's 16 kHz at a hop of 160.
const FRAME: f64 = 0.0125;
const PAPER_FRAME: f64 = 0.01;

/// Chunks that are converted before the clock starts, so that the past is full.
const WARM_UP_FRAMES: usize = 160;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let paper = args.iter().any(|arg| arg == "paper");
    let threads = args.iter().position(|arg| arg == "threads");
    if let Some(n) = threads.and_then(|i| args.get(i + 1)) {
        syrinx_vocoder::kernel::set_threads(n.parse()?);
    }
    let (config, frame) = match paper {
        true => (Config::paper(), PAPER_FRAME),
        false => (Config::starter(), FRAME),
    };
    let start = Instant::now();
    let model = StableVc::new(&config, random_weights())?;
    let model = Arc::new(match paper {
        true => model.with_content(Arc::new(Outside(config.content.features)))?,
        false => model,
    });
    println!("built in {:.1?}; {}", start.elapsed(), memory());

    // Ten seconds of references: 50 keys of the starter, raw frames in the paper.
    let keys = if paper { 1000 } else { 50 };
    let keys = values(1, keys * config.key_channels, 2.0)?.reshape((keys, ()))?;
    let start = Instant::now();
    let target = target(&model, &config, &keys)?;
    println!(
        "target of {} keys in {:.1?}; {}",
        keys.dim(0)?,
        start.elapsed(),
        memory()
    );

    println!(
        "{} threads\n{:>6} {:>6} {:>12} {:>12} {:>8}",
        syrinx_vocoder::kernel::threads(),
        "chunk",
        "steps",
        "median",
        "CPU",
        "RTF"
    );
    for chunk in [8, 16, 160] {
        for steps in [1, 2, 4, 10] {
            let settings = Settings {
                steps,
                chunk,
                ..Settings::default()
            };
            let (median, cpu) = measure(&model, &target, &settings)?;
            let factor = cpu.as_secs_f64() / (chunk as f64 * frame);
            println!("{chunk:>6} {steps:>6} {median:>12.2?} {cpu:>12.2?} {factor:>8.3}");
        }
    }
    println!("{}", memory());
    Ok(())
}

/// The median time of a chunk, and its median CPU time.
fn measure(
    model: &Arc<StableVc>,
    target: &Target,
    settings: &Settings,
) -> Result<(Duration, Duration)> {
    let (bands, chunk) = (model.config().bands, settings.chunk);
    let mut conversion = Conversion::new(model.clone(), target.clone(), settings)?;
    let mel = (values(2, bands * chunk, 3.0)? - 5.0)?.reshape((1, bands, chunk))?;
    let f0_hz = vec![170.0; chunk];
    for _ in 0..WARM_UP_FRAMES / chunk + 1 {
        conversion.push(&mel, &f0_hz)?;
    }
    let (mut times, mut cpu_times, began) = (Vec::new(), Vec::new(), Instant::now());
    while times.is_empty() || (times.len() < 200 && began.elapsed() < Duration::from_secs(3)) {
        let (start, cpu_start) = (Instant::now(), cpu_time().unwrap_or_default());
        conversion.push(&mel, &f0_hz)?;
        times.push(start.elapsed());
        cpu_times.push(cpu_time().unwrap_or_default() - cpu_start);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    Ok((median(&mut times), median(&mut cpu_times)))
}

fn target(model: &StableVc, config: &Config, keys: &Tensor) -> Result<Target> {
    // Three seconds of style.
    let style = match config.style.codes {
        Some(codes) => model.style(&(0..30).map(|i| i % codes as u32).collect::<Vec<_>>())?,
        None => {
            let vectors = values(3, 240 * config.style.code_channels, 1.0)?;
            model.style_of_vectors(&vectors.reshape((240, ()))?)?
        }
    };
    match config.speaker.channels {
        Some(_) => model.target(keys, 170.0, Some(&style)),
        None => {
            let speaker = values(4, config.speaker.features, 0.1)?;
            model.target_with_speaker(keys, &speaker, 170.0, Some(&style))
        }
    }
}

/// Numbers from -spread to spread.
fn values(seed: u64, count: usize, spread: f64) -> Result<Tensor> {
    let value = |i| ((2.0 * uniform(seed, i as u64) - 1.0) * spread) as f32;
    let values: Vec<f32> = (0..count).map(value).collect();
    Ok(Tensor::from_vec(values, count, &candle_core::Device::Cpu)?)
}

/// Stands for an extractor of features of this width, and takes no time.
#[derive(Debug, Clone)]
struct Outside(usize);

impl Outside {
    fn ones(&self, units: usize) -> Result<Tensor> {
        let shape = (units, self.0);
        let (dtype, device) = (candle_core::DType::F32, candle_core::Device::Cpu);
        Ok(Tensor::ones(shape, dtype, &device)?)
    }
}

impl ContentExtractor for Outside {
    fn features(&self, mel: &Tensor) -> Result<Tensor> {
        self.ones(mel.dim(1)?.div_ceil(2))
    }

    fn width(&self) -> usize {
        self.0
    }

    fn frames_per_unit(&self) -> usize {
        2
    }

    fn look_aheads(&self) -> Vec<usize> {
        vec![0]
    }

    fn stream(&self, _: LookAhead) -> Box<dyn ContentStream> {
        Box::new(self.clone())
    }
}

/// Of pieces of whole units only.
impl ContentStream for Outside {
    fn push(&mut self, mel: &Tensor) -> Result<Option<Tensor>> {
        self.ones(mel.dim(2)? / 2).map(Some)
    }

    fn flush(&mut self) -> Result<Option<Tensor>> {
        Ok(None)
    }

    fn reset(&mut self) {}
}

/// Memory of the process, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |field: &str| {
        let line = status.lines().find(|line| line.starts_with(field))?;
        let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes / 1000.0)
    };
    match (megabytes("VmRSS:"), megabytes("VmHWM:")) {
        (Some(now), Some(most)) => format!("{now:.0} MB, {most:.0} MB at most"),
        _ => "memory unknown".into(),
    }
}
