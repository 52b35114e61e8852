//! Conversion as the source comes.

use syrinx_vocoder::mel::MelConfig;

use super::analysis::{Analysis, Heard};
use super::gate::Gate;
use super::melody::Melody;
use super::profile::{Hearing, Listener};
use super::rendering::Rendering;
use super::request::{ConversionTarget, Who};
use super::retiming::SourceFrame;
use super::settings::Settings;
use super::{Converter, SourceProfile};
use crate::audio::{Audio, Resampler, Spec};
use crate::reference::REFERENCE_DB as NOMINAL_DB;
use crate::voice::Voice;
use crate::{Error, Result};

/// No source is made louder or softer than by so much, dB.
const MOST_GAIN_DB: f32 = 50.0;

/// Frames that are converted before further ones are looked at: two seconds.
const BLOCK: usize = 160;

/// Frames of a source that are converted in advance, at most, where it waits to be measured: ten seconds.
const REHEARSED: usize = 800;

/// A source on its way to another voice, one channel at any rate.
///
/// ```text
/// samples ─ resample ─► mel, F0, power by frame ─ profile ─► mel at the nominal level, F0 at the target's register
///                                          └─ gate ─► gain ┐        └─► network ─► vocoder ─► gain ─ resample ─► samples
/// ```
///
/// Samples are pushed as they come and taken as they are done; the output does not depend on how the input was cut.
/// After [`flush`](Self::flush) there are as many as were pushed (at another rate, in proportion), and each sounds when
/// its source did, unless they are retimed.
pub struct ConversionStream {
    who: Who,
    melody: Melody,
    mel: MelConfig,
    frames_per_unit: usize,
    input: Resampler,
    analysis: Analysis,
    listener: Listener,
    gate: Gate,
    /// Frames that wait until enough is known of the source.
    held: Heard,
    rendering: Rendering,
    output: Resampler,
    retimed: bool,
    /// Frames converted together.
    chunk: usize,
    ready: Vec<f32>,
    /// Samples pushed, samples analysed, and samples that became ready.
    pushed: u64,
    analysed: usize,
    made: u64,
}

impl ConversionStream {
    pub(super) fn new(
        converter: &Converter,
        who: Who,
        settings: &Settings,
        rate_hz: u32,
    ) -> Result<Self> {
        let mel = converter.vocoder().mel().clone();
        let resampler = match settings.pace.is_live() {
            true => Resampler::low_latency,
            false => Resampler::new,
        };
        let output_rate_hz = settings.output_rate_hz.unwrap_or(rate_hz);
        let (target, melody) = (who.target()?, who.melody(settings));
        Ok(Self {
            input: resampler(Spec::mono(rate_hz), mel.rate_hz)?,
            output: resampler(Spec::mono(mel.rate_hz), output_rate_hz)?,
            analysis: Analysis::new(&mel, settings.pace.pitch_look_ahead())?,
            listener: Listener::new(settings.profile),
            gate: Gate::default(),
            held: Heard::default(),
            rendering: Rendering::new(converter, target, who.spectrum.clone(), settings)?,
            frames_per_unit: converter.network().config().frames_per_unit,
            who,
            melody,
            mel,
            retimed: settings.retime,
            chunk: settings.pace.chunk(),
            ready: Vec::new(),
            pushed: 0,
            analysed: 0,
            made: 0,
        })
    }

    /// Sample rate of what is pushed, Hz.
    pub fn rate_hz(&self) -> u32 {
        self.input.input().rate_hz
    }

    /// Sample rate of what is taken, Hz.
    pub fn output_rate_hz(&self) -> u32 {
        self.output.output().rate_hz
    }

    /// Takes the next samples of the source, full scale at ±1.
    ///
    /// # Errors
    /// [`Error::Input`] if a sample is not a number; then none of them is taken.
    pub fn push(&mut self, samples: &[f32]) -> Result<()> {
        if let Some(at) = samples.iter().position(|x| !x.is_finite()) {
            return Err(Error::Input(format!(
                "sample {} is {}: no sound to convert; is the format of the samples the right one?",
                self.pushed + at as u64,
                samples[at]
            )));
        }
        // In pieces, so that a long source is not held several times.
        for piece in samples.chunks(self.rate_hz() as usize) {
            self.pushed += piece.len() as u64;
            let audio = Audio::mono(piece.to_vec(), self.rate_hz());
            let resampled = self.input.push(&audio)?;
            self.analyse(&resampled.channels()[0])?;
        }
        Ok(())
    }

    /// The samples that are ready and have not been taken, at [`output_rate_hz`](Self::output_rate_hz).
    pub fn take(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.ready)
    }

    /// Ends the source and makes the rest ready; the stream is as new then. Returns what the source was like.
    ///
    /// # Errors
    /// [`Error::Compute`] only.
    pub fn flush(&mut self) -> Result<SourceProfile> {
        let profile = self.finish()?;
        self.forget_speaker();
        Ok(profile)
    }

    /// As [`flush`](Self::flush), but for what is known of the source, from which it goes on.
    ///
    /// # Errors
    /// [`Error::Compute`] only.
    pub fn finish(&mut self) -> Result<SourceProfile> {
        let total = self.total();
        if total > 0 {
            self.drain()?;
        }
        self.cut(total);
        self.forget_sound();
        Ok(self.listener.settle())
    }

    /// As [`reset`](Self::reset), but for what is known of the source, from which it goes on.
    pub fn restart(&mut self) {
        self.ready.clear();
        self.forget_sound();
    }

    /// Forgets the source so far, and what is ready of it.
    pub fn reset(&mut self) {
        self.restart();
        self.forget_speaker();
    }

    /// Samples that what is ready trails what was pushed by at most, at the output rate; while a
    /// [`Profile::Measured`](super::Profile::Measured) source is measured, all of it waits.
    pub fn latency_samples(&self) -> usize {
        let hop = self.mel.hop;
        let gate = (Gate::AHEAD + 1) * hop;
        // Whatever a frame waits for, it is looked at when a frame is complete.
        let analysis = self.analysis.latency_samples().next_multiple_of(hop);
        let frames = analysis + self.rendering.latency_samples().max(gate);
        let inner = (self.input.latency() + frames) as f64;
        let outer = inner * f64::from(self.output_rate_hz()) / f64::from(self.mel.rate_hz);
        outer.ceil() as usize + self.output.latency()
    }

    /// Converts to another voice from the next chunk on. The voice is listened to first, which takes as long as converting
    /// some ten seconds.
    ///
    /// # Errors
    /// [`Error::Config`] for a voice of other weights.
    pub fn set_target(&mut self, voice: &Voice) -> Result<()> {
        self.who.voice = voice.clone();
        self.who.spectrum = self.who.heard()?;
        let spectrum = self.who.spectrum.clone();
        self.rendering.set_target(self.who.target()?, spectrum)?;
        if self.melody.register_hz.is_some() {
            self.melody.register_hz = Some(self.who.register_hz());
        }
        Ok(())
    }

    /// Converts to a target that has been listened to already from the next chunk on, which takes no time to speak of;
    /// the pitch stays shifted as it is.
    ///
    /// # Errors
    /// [`Error::Config`] for a voice of other weights.
    pub fn aim(&mut self, target: &ConversionTarget) -> Result<()> {
        let spectrum = target.who.spectrum.clone();
        self.rendering.set_target(target.target.clone(), spectrum)?;
        self.melody = Melody {
            semitones: self.melody.semitones,
            ..target.melody
        };
        self.who = target.who.clone();
        Ok(())
    }

    /// Shifts the pitch from the next frame on, in semitones.
    pub fn set_pitch(&mut self, semitones: f32) {
        self.melody.semitones = semitones;
    }

    /// As new, but for what `other` knows of the source, which this one goes on from. `other` begins anew.
    pub fn take_over(&mut self, other: &mut Self) {
        self.reset();
        std::mem::swap(&mut self.listener, &mut other.listener);
        self.rendering.swap_speakers(&mut other.rendering);
        other.reset();
    }

    /// Samples of a frame, at the rate of the networks.
    pub fn frame_samples(&self) -> usize {
        self.mel.hop
    }

    /// Samples that are converted together, at the rate of the networks.
    pub fn chunk_samples(&self) -> usize {
        self.chunk * self.mel.hop
    }

    /// Samples under a window of the spectra, at the rate of the networks.
    pub fn window_samples(&self) -> usize {
        self.mel.win
    }

    /// What is known of the source, once it is.
    pub fn profile(&self) -> Option<SourceProfile> {
        self.listener.known()
    }

    /// How much wider the melody becomes for the sake of the style.
    pub fn melody_scale(&self) -> f32 {
        self.profile()
            .map_or(1.0, |source| self.melody.scale(&source))
    }

    /// Samples that shall have come out in the end.
    fn total(&self) -> u64 {
        let (to, from) = (self.output_rate_hz(), self.rate_hz());
        let (to, from) = (u128::from(to), u128::from(from));
        ((2 * u128::from(self.pushed) * to + from) / (2 * from)) as u64
    }

    /// Makes the output `total` samples long: the last unit was filled up, and rounding between three rates can fall short
    /// by a sample.
    fn cut(&mut self, total: u64) {
        if !self.retimed {
            let surplus = self.made.saturating_sub(total) as usize;
            self.ready
                .truncate(self.ready.len().saturating_sub(surplus));
            let missing = total.saturating_sub(self.made) as usize;
            self.ready.resize(self.ready.len() + missing, 0.0);
        }
    }

    fn analyse(&mut self, samples: &[f32]) -> Result<()> {
        self.analysed += samples.len();
        let heard = self.analysis.push(samples)?;
        self.hear(heard)?;
        let wave = self.rendering.advance()?;
        self.emit(wave)
    }

    /// Fills the last unit up with silence and converts what is left.
    fn drain(&mut self) -> Result<()> {
        let rest = self.input.flush()?;
        self.analyse(&rest.channels()[0])?;
        let unit = self.mel.hop * self.frames_per_unit;
        let whole = (self.analysed + self.mel.hop).next_multiple_of(unit);
        self.analyse(&vec![0.0; whole - self.analysed])?;
        let heard = self.analysis.flush()?;
        self.hear(heard)?;
        let profile = self.listener.settle();
        self.release_held(&profile)?;
        while let Some(gain) = self.gate.gain(true) {
            self.rendering.gate(gain)?;
        }
        let wave = self.rendering.flush()?;
        self.emit(wave)?;
        let rest = self.output.flush()?;
        self.give(&rest);
        Ok(())
    }

    /// Takes frames of the source, which wait if too little is known of it.
    fn hear(&mut self, heard: Heard) -> Result<()> {
        let frames = heard.mel.chunks_exact(self.mel.bands);
        for ((mel, &f0_hz), &power) in frames.zip(&heard.f0_hz).zip(&heard.powers) {
            match self.listener.hear(power, f0_hz) {
                Hearing::Wait => {
                    self.held.mel.extend_from_slice(mel);
                    self.held.f0_hz.push(f0_hz);
                    self.held.powers.push(power);
                }
                Hearing::Known(profile) => {
                    self.release_held(&profile)?;
                    self.release(mel, f0_hz, power, &profile)?;
                }
            }
        }
        Ok(())
    }

    /// Passes on the frames that have waited, after a rehearsal of the first of them.
    fn release_held(&mut self, profile: &SourceProfile) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if !held.f0_hz.is_empty() {
            let frames =
                held.f0_hz.len().min(REHEARSED) / self.frames_per_unit * self.frames_per_unit;
            let mel = &held.mel[..frames * self.mel.bands];
            let mel = self.nominal(mel, self.gain(profile)).collect();
            let f0_hz = held.f0_hz[..frames].iter();
            let f0_hz = f0_hz.map(|hz| self.melody.convert(*hz, profile)).collect();
            self.rendering.rehearse(mel, f0_hz)?;
        }
        let frames = held.mel.chunks_exact(self.mel.bands);
        for ((mel, &f0_hz), &power) in frames.zip(&held.f0_hz).zip(&held.powers) {
            self.release(mel, f0_hz, power, profile)?;
        }
        Ok(())
    }

    /// Passes a frame on as the networks hear it.
    fn release(
        &mut self,
        mel: &[f32],
        f0_hz: f32,
        power: f32,
        profile: &SourceProfile,
    ) -> Result<()> {
        let gain = self.gain(profile);
        let f0_hz = match self.gate.hear(power, profile.level_db) {
            true => self.melody.convert(f0_hz, profile),
            false => 0.0,
        };
        self.rendering.push(SourceFrame {
            mel: self.nominal(mel, gain).collect(),
            f0_hz,
            power,
            gain: (-gain).exp(),
        });
        if let Some(gain) = self.gate.gain(false) {
            self.rendering.gate(gain)?;
        }
        if self.rendering.waiting() >= BLOCK {
            let wave = self.rendering.advance()?;
            self.emit(wave)?;
        }
        Ok(())
    }

    /// What brings a source to the nominal level, nepers.
    fn gain(&self, profile: &SourceProfile) -> f32 {
        let gain_db = profile.level_db.map_or(0.0, |level| NOMINAL_DB - level);
        gain_db.clamp(-MOST_GAIN_DB, MOST_GAIN_DB) * std::f32::consts::LN_10 / 20.0
    }

    /// Log mel levels as the networks hear them.
    fn nominal<'a>(&self, mel: &'a [f32], gain: f32) -> impl Iterator<Item = f32> + use<'a> {
        let floor = self.mel.floor.ln();
        mel.iter().map(move |x| (x + gain).max(floor))
    }

    /// Forgets whose voice the source is.
    fn forget_speaker(&mut self) {
        self.listener.reset();
        self.rendering.reset();
    }

    fn emit(&mut self, wave: Vec<f32>) -> Result<()> {
        if !wave.is_empty() {
            let audio = self.output.push(&Audio::mono(wave, self.mel.rate_hz))?;
            self.give(&audio);
        }
        Ok(())
    }

    fn give(&mut self, audio: &Audio) {
        self.made += audio.frames() as u64;
        self.ready.extend_from_slice(&audio.channels()[0]);
    }

    fn forget_sound(&mut self) {
        self.input.reset();
        self.analysis.reset();
        self.gate.reset();
        self.held = Heard::default();
        self.rendering.restart();
        self.output.reset();
        (self.pushed, self.analysed, self.made) = (0, 0, 0);
    }
}
