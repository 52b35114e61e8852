//! `syrinx dream`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use syrinx::audio::{Audio, Decoder, OutputFormat, Spec};
use syrinx::{DreamRequest, WaveModel, keep_likeliest};

use super::figures::round;
use super::interrupt::Interrupt;
use super::output::{OutputFlags, Plan, ending, refuse_existing};
use super::progress::Progress;
use super::{Failure, console};

const EXAMPLES: &str = "\
Examples:
  syrinx dream --model digits -o digit.wav
  syrinx dream --model sashimi_sc09.pt -o digit.wav
  syrinx dream --model my-model --continue start.wav --duration 2 -o on.wav
  syrinx dream --model my-model --count 32 --keep-best 0.5 -o out/clip.wav
  syrinx dream --model my-model -o - | aplay

Exit codes: 0 done, 1 failed, 2 flags or input that cannot be used, 130 interrupted";

/// Let a model of raw audio make a sound up
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model: digits, words or piano, which are built in; a folder with config.json and model.safetensors;
    /// or a SaShiMi or DiffWave-SaShiMi checkpoint (.safetensors, .pt, .ckpt, .pkl) [default: digits]
    #[arg(long, value_name = "NAME|FILE|DIR")]
    model: Option<PathBuf>,

    /// List the models that are built in, the default first
    #[arg(long, exclusive = true)]
    list: bool,

    /// The codes of a bare checkpoint are linear, not mu-law
    #[arg(long)]
    linear: bool,

    /// Length of each clip in seconds, without the clip that is continued [default: what the model recommends, or 1]
    #[arg(long, value_name = "S", value_parser = duration)]
    duration: Option<f64>,

    /// How many clips; more than one are numbered: clip-1.wav, clip-2.wav, ...
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,

    /// The first clip's seed; the n-th clip of a count is the only one of seed + n - 1
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// 1 draws as the model predicts, less prefers the likely, 0 always takes the likeliest; 0 to 2 [default: what
    /// the model recommends, or 1]
    #[arg(long, value_name = "T", value_parser = temperature, allow_negative_numbers = true)]
    temperature: Option<f32>,

    /// Draw from the fewest values that together have this probability; above 0, 1 for all [default: what the
    /// model recommends, or 1]
    #[arg(long, value_name = "P", value_parser = share, allow_negative_numbers = true)]
    top_p: Option<f32>,

    /// Go on from the end of this clip, which comes first in the output
    #[arg(long = "continue", value_name = "CLIP")]
    prompt: Option<PathBuf>,

    /// Keep only this share of the clips, those the model finds likeliest; above 0, up to 1
    #[arg(long, value_name = "P", value_parser = share, allow_negative_numbers = true)]
    keep_best: Option<f32>,

    /// Clips made side by side [default: up to 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    batch_streams: Option<u32>,

    /// Round the weights to 16 bits (bf16): faster where memory is slow, and other clips
    #[arg(long)]
    bf16: bool,

    #[command(flatten)]
    output: OutputFlags,

    /// Threads to compute with [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), help_heading = "Engine")]
    threads: Option<u16>,

    /// Tell each clip as a JSON object: on standard output, on standard error if audio goes there
    #[arg(long, help_heading = "Reports")]
    json: bool,

    /// Tell loading time and real-time factor
    #[arg(long, help_heading = "Reports")]
    stats: bool,

    /// Errors only
    #[arg(short, long, help_heading = "Reports")]
    quiet: bool,
}

/// Clips side by side where nothing else is said.
const STREAMS: u32 = 16;

/// Makes the clips.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.list {
        return WaveModel::names().try_for_each(console::print);
    }
    let mut output = args.output.clone();
    if output.output.is_none() && !output.play && !output.raw {
        let ending = output.format.map_or("wav", ending);
        output.output = Some(format!("dream.{ending}").into());
    }
    let single = args.count == 1;
    if !single && (output.play || output.raw || output.output.as_deref() == Some(Path::new("-"))) {
        return Err(Failure::usage(
            "several clips go to numbered files: give `-o FILE`, or `--count 1` for a pipe or the sound card",
        ));
    }
    let interrupt = Interrupt::listen();
    let model = open(args.model.as_deref(), args.linear, args.threads)?;
    let run = Run {
        args,
        output,
        model,
        prompt: args.prompt.as_deref().map(read).transpose()?,
        interrupt,
        began: Instant::now(),
    };
    match single {
        true => run.one(),
        false => run.several(),
    }
}

/// Loads the model that was named.
pub fn open(path: Option<&Path>, linear: bool, threads: Option<u16>) -> Result<WaveModel, Failure> {
    if let Some(threads) = threads {
        WaveModel::set_threads(threads.into());
    }
    let mut names = WaveModel::names();
    let name = match path {
        None => names.next(),
        Some(path) => names.find(|name| path == Path::new(name)),
    };
    if let Some(name) = name {
        if linear {
            return Err(Failure::usage(format!(
                "--linear is for bare checkpoints: {name} knows its codes"
            )));
        }
        return Ok(WaveModel::embedded(name)?);
    }
    let Some(path) = path else {
        return Err(Failure::usage(
            "this build embeds no model of raw audio: give `--model` a folder with config.json and \
             model.safetensors, or a SaShiMi checkpoint",
        ));
    };
    if looks_like_a_name(path) {
        let names: Vec<&str> = WaveModel::names().collect();
        return Err(Failure::usage(format!(
            "{}: neither a file nor a folder, nor a built-in model ({})",
            path.display(),
            if names.is_empty() {
                "this build has none".into()
            } else {
                names.join(", ")
            }
        )));
    }
    Ok(match linear {
        true => WaveModel::open_linear(path)?,
        false => WaveModel::open(path)?,
    })
}

/// That a path is rather the misspelt name of a model than that of a file which is missing.
fn looks_like_a_name(path: &Path) -> bool {
    path.components().count() == 1 && path.extension().is_none() && !path.exists()
}

/// A clip, whole.
pub fn read(path: &Path) -> Result<Audio, Failure> {
    Ok(Decoder::open(path)?.read_all()?.audio)
}

struct Run<'a> {
    args: &'a Args,
    output: OutputFlags,
    model: WaveModel,
    prompt: Option<Audio>,
    interrupt: Interrupt,
    began: Instant,
}

impl Run<'_> {
    fn request(&self, seeds: Vec<u64>) -> DreamRequest {
        let args = self.args;
        let usual = self.model.defaults();
        let request = DreamRequest::new(args.duration.unwrap_or(usual.seconds))
            .seeds(seeds)
            .temperature(args.temperature.unwrap_or(usual.temperature))
            .top_p(args.top_p.unwrap_or(usual.top_p))
            .rounded(args.bf16);
        match &self.prompt {
            Some(clip) => request.continue_from(clip.clone()),
            None => request,
        }
    }

    /// One clip, which goes out as it is made.
    fn one(&self) -> Result<(), Failure> {
        let plan = Plan::new(&self.output)?;
        let mut outputs = plan.open(Spec::mono(self.model.rate_hz()))?;
        let mut frames = 0;
        let bits = self.make(vec![self.args.seed], |mut clips| {
            let clip = clips.remove(0);
            frames += clip.frames();
            outputs.write(&clip)
        })?;
        let (_, player) = outputs.finish()?;
        self.interrupt.nothing_to_lose();
        if let Some(player) = player {
            player.finish()?;
        }
        self.report(
            plan.file(),
            self.args.seed,
            frames,
            bits.map(|bits| bits[0]),
            plan.is_stdout(),
        )?;
        self.stats(frames);
        Ok(())
    }

    /// Several clips, a batch at a time.
    fn several(&self) -> Result<(), Failure> {
        let args = self.args;
        let stem = self.output.output.clone().unwrap_or_default();
        let names: Vec<PathBuf> = (1..=args.count).map(|n| numbered(&stem, n)).collect();
        if let Some(name) = names.first() {
            // The format is refused before any work is done.
            OutputFormat::from_path(name).or_else(|error| self.output.format.ok_or(error))?;
        }
        for name in &names {
            refuse_existing(name, self.output.yes)?;
        }
        let seeds: Vec<u64> = (0..u64::from(args.count))
            .map(|n| args.seed.wrapping_add(n))
            .collect();
        let batch = args.batch_streams.unwrap_or(STREAMS.min(args.count)) as usize;
        let mut kept: Vec<(usize, Audio)> = Vec::new();
        let mut all_bits = Vec::new();
        let mut frames = 0;
        for (index, seeds) in seeds.chunks(batch).enumerate() {
            let mut clips: Vec<Option<Audio>> = vec![None; seeds.len()];
            let bits = self.make(seeds.to_vec(), |chunk| {
                for (clip, more) in clips.iter_mut().zip(chunk) {
                    match clip {
                        Some(clip) => clip.append(&more)?,
                        None => *clip = Some(more),
                    }
                }
                Ok(())
            })?;
            for (n, clip) in clips.into_iter().flatten().enumerate() {
                let number = index * batch + n;
                let bits = bits.as_ref().map(|bits| bits[n]);
                frames += clip.frames();
                match args.keep_best {
                    Some(_) => kept.push((number, clip)),
                    None => self.write(&names[number], seeds[n], &clip, bits)?,
                }
                all_bits.extend(bits);
            }
        }
        if let Some(share) = args.keep_best {
            if all_bits.len() != kept.len() {
                return Err(Failure::usage(
                    "--keep-best: this model has no likelihoods; give a SaShiMi model",
                ));
            }
            for number in keep_likeliest(&all_bits, share.into())? {
                let (_, clip) = &kept[number];
                self.write(&names[number], seeds[number], clip, Some(all_bits[number]))?;
            }
        }
        self.stats(frames);
        Ok(())
    }

    /// Clips of these seeds, handed to `take` in chunks; and their bits per sample.
    fn make(
        &self,
        seeds: Vec<u64>,
        mut take: impl FnMut(Vec<Audio>) -> Result<(), Failure>,
    ) -> Result<Option<Vec<f64>>, Failure> {
        let request = self.request(seeds);
        let mut dream = self.model.dream(&request)?;
        let all = dream.left();
        let progress = Progress::over(all, "samples", self.args.quiet || all < 8_000);
        let interrupted = || syrinx::Error::Input("interrupted".into());
        loop {
            let chunk = dream.next_chunk_watched(|done, steps| {
                progress.at(all * done / steps.max(1), format!("step {done} of {steps}"));
                self.interrupt.check().map_err(|_| interrupted())
            });
            self.interrupt.check()?;
            let Some(chunk) = chunk? else { break };
            take(chunk.clips)?;
            let done = all - dream.left();
            let seconds = done as f64 / f64::from(self.model.rate_hz());
            progress.at(done, format!("{seconds:.1} s of audio"));
        }
        Ok(dream.bits_per_sample())
    }

    fn write(
        &self,
        path: &Path,
        seed: u64,
        clip: &Audio,
        bits: Option<f64>,
    ) -> Result<(), Failure> {
        let flags = OutputFlags {
            output: Some(path.to_owned()),
            ..self.output.clone()
        };
        let mut outputs = Plan::new(&flags)?.open(clip.spec())?;
        outputs.write(clip)?;
        outputs.finish()?;
        self.report(Some(path), seed, clip.frames(), bits, false)
    }

    fn report(
        &self,
        path: Option<&Path>,
        seed: u64,
        frames: usize,
        bits: Option<f64>,
        on_stdout: bool,
    ) -> Result<(), Failure> {
        let audio_s = round(frames as f64 / f64::from(self.model.rate_hz()), 3);
        let bits = bits.map(|bits| round(bits, 4));
        if self.args.json {
            let summary = Summary {
                output: path,
                seed,
                rate_hz: self.model.rate_hz(),
                audio_s,
                frames,
                bits_per_sample: bits,
            };
            let json = serde_json::to_string(&summary)
                .map_err(|error| Failure::failed(error.to_string()))?;
            match on_stdout {
                true => console::note(json),
                false => console::print(json)?,
            }
        } else if let (Some(path), false) = (path, self.args.quiet) {
            let bits = bits.map_or(String::new(), |bits| format!(", {bits} bits per sample"));
            console::note(format_args!(
                "{}: {audio_s} s, seed {seed}{bits}",
                path.display()
            ));
        }
        Ok(())
    }

    fn stats(&self, frames: usize) {
        if self.args.stats {
            let took = self.began.elapsed().as_secs_f64();
            let audio_s = frames as f64 / f64::from(self.model.rate_hz());
            console::note(format_args!(
                "{audio_s:.2} s of audio in {took:.2} s, RTF {:.3}",
                took / audio_s.max(1e-9)
            ));
        }
    }
}

/// `clip.wav` to `clip-3.wav`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(ending) => format!("{stem}-{number}.{}", ending.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

/// The JSON object of a clip.
#[derive(Serialize)]
struct Summary<'a> {
    output: Option<&'a Path>,
    seed: u64,
    rate_hz: u32,
    audio_s: f64,
    frames: usize,
    bits_per_sample: Option<f64>,
}

fn duration(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("give seconds, from 0.001 to 86400".into()),
    }
}

fn temperature(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(value) if (0.0..=2.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 to 2 (1 draws as the model predicts)".into()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("give a number above 0, up to 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_clips_are_numbered_before_the_ending() {
        assert_eq!(
            numbered(Path::new("out/a.b.wav"), 12),
            Path::new("out/a.b-12.wav")
        );
        assert_eq!(numbered(Path::new("clip"), 1), Path::new("clip-1"));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(share("0").is_err() && share("1.1").is_err() && share("nan").is_err());
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(temperature("-1").is_err() && duration("0").is_err() && duration("inf").is_err());
    }
}
