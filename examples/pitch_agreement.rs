//! How well the pitch tracker agrees with a known F0, and how fast it is.
//!
//!     cargo run --release --example pitch_agreement -- FOLDER
//!
//! FOLDER holds pairs NAME.wav (mono, 16 bits) and NAME.f0 (text, one value in Hz for each 12.5 ms, 0 where unvoiced),
//! as `training/evaluation/pitch_pairs.py` writes them. Gross errors are frames voiced in both that differ by more than
//! 20 %, fine errors the deviation in cents of the others; voicing errors are frames voiced in one only.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use syrinx_vocoder::kernel::cpu_time;
use syrinx_vocoder::pitch::{Pitch, PitchConfig};

#[derive(Default)]
struct Agreement {
    frames: usize,
    both: usize,
    gross: usize,
    missed: usize,
    invented: usize,
    cents: Vec<f64>,
}

impl Agreement {
    fn count(&mut self, found: f32, known: f32) {
        self.frames += 1;
        match (found > 0.0, known > 0.0) {
            (true, true) => {
                self.both += 1;
                let ratio = f64::from(found / known);
                if (ratio - 1.0).abs() > 0.2 {
                    self.gross += 1;
                } else {
                    self.cents.push(1200.0 * ratio.log2());
                }
            }
            (false, true) => self.missed += 1,
            (true, false) => self.invented += 1,
            (false, false) => {}
        }
    }

    fn print(mut self) {
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        let mean = self.cents.iter().sum::<f64>() / self.cents.len().max(1) as f64;
        self.cents.iter_mut().for_each(|x| *x = x.abs());
        self.cents.sort_by(f64::total_cmp);
        let median = self.cents.get(self.cents.len() / 2).copied();
        println!("frames            {}", self.frames);
        println!(
            "gross errors      {:.2} % of {} frames voiced in both",
            percent(self.gross, self.both),
            self.both
        );
        println!(
            "voicing errors    {:.2} % (missed {:.2}, invented {:.2})",
            percent(self.missed + self.invented, self.frames),
            percent(self.missed, self.frames),
            percent(self.invented, self.frames)
        );
        println!(
            "fine errors       {:.1} cents in the median, {mean:+.1} on average",
            median.unwrap_or_default()
        );
    }
}

fn read(path: &Path) -> Result<(Vec<f32>, Vec<f32>)> {
    let mut wav = hound::WavReader::open(path).with_context(|| path.display().to_string())?;
    let spec = wav.spec();
    ensure!(
        spec.channels == 1 && spec.sample_rate == 24_000,
        "{}: give 24 kHz mono",
        path.display()
    );
    let samples: Result<Vec<f32>, _> = wav
        .samples::<i16>()
        .map(|sample| sample.map(|sample| f32::from(sample) / 32768.0))
        .collect();
    let text = std::fs::read_to_string(path.with_extension("f0"))?;
    let known: Result<Vec<f32>, _> = text.split_whitespace().map(str::parse).collect();
    Ok((samples?, known?))
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("give the folder")?;
    let pitch = Pitch::new(PitchConfig::starter())?;
    let mut agreement = Agreement::default();
    let (mut seconds, mut audio) = (0.0, 0.0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "wav") {
            continue;
        }
        let (samples, known) = read(&path)?;
        let start = cpu_time();
        let found = pitch.track(&samples)?;
        let took = cpu_time().zip(start).map(|(end, start)| end - start);
        seconds += took.as_ref().map_or(0.0, Duration::as_secs_f64);
        audio += samples.len() as f64 / 24e3;
        for (&found, &known) in found.iter().zip(&known) {
            agreement.count(found, known);
        }
    }
    agreement.print();
    println!(
        "CPU time          {:.2} ms for 10 s, one thread",
        1e4 * seconds / audio
    );
    Ok(())
}
