//! One input into one output: the loop that a single conversion and a folder share.

use std::collections::VecDeque;
use std::time::Instant;

use syrinx::audio::{Audio, Sink, Spec, Written};
use syrinx::{ConversionRequest, ConversionStream, Engine, SourceProfile, Voice};

use super::Args;
use super::flags;
use super::source::Source;
use crate::cli::Failure;
use crate::cli::figures::Figures;
use crate::cli::interrupt::Interrupt;
use crate::cli::output::{Outputs, Plan};
use crate::cli::progress::Progress;

/// What all inputs of a run have in common.
pub struct Job<'a> {
    args: &'a Args,
    engine: &'a Engine,
    pub voice: &'a Voice,
    pub style: Option<&'a Voice>,
    request: ConversionRequest,
    pub interrupt: &'a Interrupt,
}

/// What was converted.
pub struct Outcome {
    /// The input.
    pub name: String,
    pub source_s: f64,
    /// What each channel was like.
    pub sources: Vec<SourceProfile>,
    pub output: Spec,
    pub figures: Figures,
    pub written: Written,
}

impl<'a> Job<'a> {
    pub fn new(
        args: &'a Args,
        engine: &'a Engine,
        (voice, style): (&'a Voice, Option<&'a Voice>),
        interrupt: &'a Interrupt,
    ) -> Result<Self, Failure> {
        let mut request = flags::request(engine, (voice, style), &args.target, &args.network)?;
        if let Some(rate_hz) = args.output_rate {
            request = request.output_rate(rate_hz);
        }
        Ok(Self {
            args,
            engine,
            voice,
            style,
            request,
            interrupt,
        })
    }

    /// Converts `source`; hands back the sound card, which may still be sounding.
    pub fn run(
        &self,
        mut source: Source,
        plan: &Plan,
        progress: &Progress,
    ) -> Result<(Outcome, Option<Box<dyn Sink>>), Failure> {
        let (began, input) = (Instant::now(), source.spec());
        let mut channels = self.channels(input)?;
        let output = Spec {
            rate_hz: channels.rate_hz(),
            channels: channels.streams.len(),
        };
        let converter_ms = self.request.converter().load_ms();
        let mut figures = Figures::new(self.engine).also_loaded(converter_ms, output.rate_hz);
        figures.worked(began.elapsed());
        let mut outputs = plan.open(output).map_err(unwritable)?;
        let mut frames = 0;
        loop {
            let (began, waited) = (Instant::now(), source.waited());
            let block = source.next();
            self.interrupt.check()?;
            let Some(block) = block.transpose()? else {
                break;
            };
            frames += block.frames();
            channels.push(block)?;
            figures.worked(began.elapsed().saturating_sub(source.waited() - waited));
            self.pass_on(&mut channels, &mut figures, &mut outputs)?;
            let seconds = frames / input.rate_hz.max(1) as usize;
            progress.at(seconds, format!("{:.1} s converted", figures.audio_s()));
        }
        let began = Instant::now();
        let sources = channels.flush()?;
        figures.worked(began.elapsed());
        self.interrupt.check()?;
        self.pass_on(&mut channels, &mut figures, &mut outputs)?;
        if frames == 0 {
            return Err(Failure::usage(format!(
                "{}: it holds no samples; give a longer recording",
                source.name()
            )));
        }
        let (written, player) = outputs.finish()?;
        self.warn(&source, &written, progress);
        let outcome = Outcome {
            name: source.name().to_owned(),
            source_s: frames as f64 / f64::from(input.rate_hz),
            sources,
            output,
            figures,
            written,
        };
        Ok((outcome, player))
    }

    fn channels(&self, input: Spec) -> Result<Channels, Failure> {
        let count = match self.args.keeps_channels() {
            true => input.channels,
            false => 1,
        };
        let streams = (0..count).map(|_| self.request.stream(input.rate_hz));
        Ok(Channels {
            streams: streams.collect::<syrinx::Result<_>>()?,
            ready: vec![VecDeque::new(); count],
        })
    }

    fn pass_on(
        &self,
        channels: &mut Channels,
        figures: &mut Figures,
        outputs: &mut Outputs,
    ) -> Result<(), Failure> {
        let audio = channels.take()?;
        if !audio.is_empty() {
            figures.heard(audio.frames());
            outputs.write(&audio)?;
        }
        Ok(())
    }

    fn warn(&self, source: &Source, written: &Written, progress: &Progress) {
        if self.args.quiet {
            return;
        }
        let told = source.flaws().into_iter();
        let mut told: Vec<String> = told
            .map(|flaw| format!("{}: {flaw}", source.name()))
            .collect();
        if written.clipped > 0 {
            told.push(format!(
                "{}: {} samples were above full scale and limited",
                source.name(),
                written.clipped
            ));
        }
        for told in told {
            progress.line(format_args!("warning: {told}"));
        }
    }
}

/// The channels that are converted, each by itself.
struct Channels {
    streams: Vec<ConversionStream>,
    /// What is ready of each; not all are ready as far.
    ready: Vec<VecDeque<f32>>,
}

impl Channels {
    fn rate_hz(&self) -> u32 {
        self.streams
            .first()
            .map_or(0, ConversionStream::output_rate_hz)
    }

    fn push(&mut self, block: Audio) -> Result<(), Failure> {
        let block = match self.streams.len() {
            1 => block.into_mono(),
            _ => block,
        };
        for (stream, samples) in self.streams.iter_mut().zip(block.channels()) {
            stream.push(samples)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<Vec<SourceProfile>, Failure> {
        let profiles = self.streams.iter_mut().map(ConversionStream::flush);
        Ok(profiles.collect::<syrinx::Result<_>>()?)
    }

    /// What is ready of all.
    fn take(&mut self) -> Result<Audio, Failure> {
        for (ready, stream) in self.ready.iter_mut().zip(&mut self.streams) {
            ready.extend(stream.take());
        }
        let frames = self.ready.iter().map(VecDeque::len).min().unwrap_or(0);
        let planes = self
            .ready
            .iter_mut()
            .map(|ready| ready.drain(..frames).collect());
        Ok(Audio::from_channels(planes.collect(), self.rate_hz())?)
    }
}

/// An output that cannot be opened is the user's to mend.
fn unwritable(failure: Failure) -> Failure {
    match failure {
        Failure::Failed(message) => Failure::Usage(message),
        other => other,
    }
}
