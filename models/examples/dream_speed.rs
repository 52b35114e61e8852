//! How fast a SaShiMi checkpoint runs: one stream, a batch, convolution.
//!
//! ```text
//! dream_speed CHECKPOINT [SECONDS]
//! ```

use std::time::Instant;

use syrinx_models::sashimi::{Config, Precision, Sashimi, Stepper, Streams, Tensors};
use syrinx_vocoder::kernel;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const RATE_HZ: f64 = 16_000.0;
/// Samples of a run; the best of several counts, as the machine does other things too.
const RUN: usize = 1600;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a checkpoint")?;
    let seconds: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let model = Sashimi::load(&Tensors::open(&path)?, Config::default())?;
    println!(
        "{path}: {} threads, {:?}",
        kernel::threads(),
        kernel::Level::best()
    );
    for precision in [Precision::F32, Precision::Bf16] {
        let began = Instant::now();
        let stepper = model.stepper(precision)?;
        let packed = began.elapsed().as_secs_f64();
        let cost = stepper.cost();
        let (mflop, mb) = (cost.flops / 1e6, cost.bytes / 1e6);
        println!(
            "{precision:?}: {mflop:.2} MFLOP and {mb:.2} MB a sample; packed in {packed:.2} s"
        );
        for (streams, two_threads) in [(1, false), (1, true), (8, false), (16, false)] {
            let (wall, cpu) = stepping(&stepper, streams, two_threads, seconds)?;
            let threads = if two_threads {
                "two threads"
            } else {
                "one thread"
            };
            println!(
                "  {streams} streams, {threads}: wall {wall:.3}, CPU {cpu:.3} s per second of each"
            );
        }
    }
    let samples = (seconds * RATE_HZ) as usize;
    let codes: Vec<u32> = (0..samples as u32).map(|t| t * 7919 % 256).collect();
    let (began, cpu) = (Instant::now(), kernel::cpu_time());
    let teacher = model.teacher(samples)?;
    let kernels = began.elapsed().as_secs_f64();
    let kernels_cpu = spent(cpu);
    teacher.log2_likelihoods(&codes)?;
    println!(
        "convolution of {seconds} s: kernels wall {kernels:.2}, CPU {kernels_cpu:.2} s; all wall {:.2}, CPU {:.2} s",
        began.elapsed().as_secs_f64(),
        spent(cpu)
    );
    Ok(())
}

/// Seconds of work, wall and CPU, per second of audio of each stream.
fn stepping(
    stepper: &std::sync::Arc<Stepper>,
    streams: usize,
    two_threads: bool,
    seconds: f64,
) -> Outcome<(f64, f64)> {
    let mut running = Streams::new(stepper.clone(), streams, two_threads);
    let codes: Vec<u32> = (0..streams as u32)
        .map(|stream| stream * 31 % 256)
        .collect();
    let runs = ((seconds * RATE_HZ) as usize)
        .div_ceil(RUN * streams)
        .max(3);
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..runs {
        let (began, cpu) = (Instant::now(), kernel::cpu_time());
        for _ in 0..RUN {
            running.step(&codes)?;
        }
        let wall = began.elapsed().as_secs_f64();
        best = (best.0.min(wall), best.1.min(spent(cpu)));
    }
    let scale = RATE_HZ / RUN as f64 / streams as f64;
    Ok((best.0 * scale, best.1 * scale))
}

/// CPU seconds of all threads since `before`.
fn spent(before: Option<std::time::Duration>) -> f64 {
    let now = kernel::cpu_time();
    let spent = before
        .zip(now)
        .map(|(before, now)| (now - before).as_secs_f64());
    spent.unwrap_or(f64::NAN)
}
