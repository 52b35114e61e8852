//! How long the parts of Mega-TTS 2 take on this machine, with random weights.
//!
//!     cargo run --release -p syrinx-models --example speed [-- paper]
//!
//! Prints the shortest and the median of repeated runs; threads as `RAYON_NUM_THREADS` says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use random_weights::random_weights;
use syrinx_models::megatts2::{
    Acoustic, Config, DurationModel, DurationSession, MegaTts2, Prompt, ProsodyLm, ProsodySession,
    pool_content,
};
use syrinx_models::sampling::{Sampler, Sampling, uniform};

#[path = "../tests/random_weights/mod.rs"]
mod random_weights;

/// Prints the shortest and the median time of `run`.
fn report(what: &str, mut run: impl FnMut()) {
    run();
    let mut times: Vec<Duration> = Vec::new();
    let began = Instant::now();
    while times.len() < 5 || (times.len() < 300 && began.elapsed() < Duration::from_secs(3)) {
        let start = Instant::now();
        run();
        times.push(start.elapsed());
    }
    times.sort();
    println!(
        "{what:<44} {:>9.3?} {:>9.3?}",
        times[0],
        times[times.len() / 2]
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paper = std::env::args().any(|arg| arg == "paper");
    let config = if paper {
        Config::paper()
    } else {
        Config::starter()
    };
    let vb = random_weights();
    let acoustic = Acoustic::new(&config, vb.clone())?;
    let lm = Arc::new(ProsodyLm::new(&config, vb.clone())?);
    let adm = Arc::new(DurationModel::new(&config, vb)?);

    // Three seconds at 80 frames a second, 45 symbols.
    let ids: Vec<u32> = (0..45).map(|i| i * 31 % config.symbols as u32).collect();
    let frames = 240 / config.frames_per_unit as u32;
    let units: Vec<u32> = (0..45)
        .map(|i| (i + 1) * frames / 45 - i * frames / 45)
        .collect();
    let mel = |frames: usize| {
        let value = |i: usize| (uniform(1, i as u64) * 6.0 - 8.0) as f32;
        let values = (0..config.bands * frames).map(value).collect::<Vec<_>>();
        Tensor::from_vec(values, (config.bands, frames), &Device::Cpu)
    };
    let reference = mel(800)?;
    let content = acoustic.content(&ids)?;
    let pooled = pool_content(&content, &units, config.units_per_code())?;
    let timbre = acoustic.timbre(std::slice::from_ref(&reference))?;
    let sampler = Sampler::new(Sampling::default(), 1)?;

    let mut prosody = ProsodySession::new(lm.clone());
    let mut durations = DurationSession::new(adm.clone());
    for _ in 0..8 {
        prosody.prefill(Some(&pooled), &vec![1; pooled.dim(0)?])?;
        durations.prefill(Some(&content), &units)?;
    }
    let codes = prosody.fork().generate(&pooled, &sampler, 0)?;

    println!("{:<44} {:>9} {:>9}", "", "shortest", "median");
    report("content, 45 symbols", || drop(acoustic.content(&ids)));
    report("timbre, 10 s", || {
        drop(acoustic.timbre(std::slice::from_ref(&reference)))
    });
    report("prosody codes, 10 s", || {
        drop(acoustic.prosody_codes(&reference))
    });
    report("decode, 3 s", || {
        drop(acoustic.decode(&content, &timbre, &units, &codes))
    });
    let row = content.get(0)?.to_vec1::<f32>()?;
    let what = format!("P-LLM, a code after {} positions", prosody.positions());
    report(&what, || {
        if let Ok(logits) = prosody.step(&row) {
            sampler.probabilities(logits);
            let code = sampler.draw(logits, 0);
            prosody.accept(code);
        }
    });
    let what = format!("ADM, a symbol after {} positions", durations.positions());
    report(&what, || {
        let _ = durations.step(&row).map(|_| durations.accept(3));
    });
    let model = MegaTts2 {
        acoustic: Arc::new(acoustic),
        plm: lm,
        adm,
    };
    // The last five minutes are kept: ten should cost no more.
    for count in [8, 100, 200] {
        let prompts = vec![
            Prompt {
                ids: ids.clone(),
                units: units.clone(),
                codes: codes.clone()
            };
            count
        ];
        report(&format!("voice of {count} prompts of 3 s"), || {
            drop(model.voice(timbre.clone(), &prompts))
        });
    }
    Ok(())
}
