//! The engine between its drivers: the same for a file and for a sound card.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::changer::Changer;
use super::clock::Clock;
use super::mixer::Mixer;
use super::seam::Seam;
use super::timings::{Stage, Timings};
use crate::Result;
use crate::convert::ConversionTarget;

/// How long a step at a joint takes to die away, and a bypass to take effect, seconds.
const SEAM_S: f64 = 0.01;
const BYPASS_S: f64 = 0.02;

/// What the samples do in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The changed voice is heard.
    Changed,
    /// The machine is too slow: the unchanged voice is heard, as late as the changed one was.
    Passed,
    /// The unchanged voice is heard until the changer has caught up.
    Returning,
}

/// Samples in, as many samples out.
///
/// The unchanged voice is kept until the changed one comes out, so that bypass and overload take neither time nor place:
/// whatever is heard, a sample is as late as the changed voice is.
pub(super) struct Core {
    changer: Box<dyn Changer>,
    clock: Arc<dyn Clock>,
    /// Samples short of a quantum.
    pending: Vec<f32>,
    /// What has gone in and not come out.
    dry: VecDeque<f32>,
    /// What the changer has made and has not been heard.
    wet: Vec<f32>,
    mixer: Mixer,
    seam: Seam,
    way: Way,
    /// Of a changer that is to catch up: unchanged samples from before it began anew, less those heard since.
    older: i64,
    level: usize,
    pub timings: Timings,
    /// Time spent since the changer last gave something, and the longest since it was last asked for.
    spent: Duration,
    pub chunk_times: Vec<Duration>,
}

impl Core {
    pub fn new(changer: Box<dyn Changer>, clock: Arc<dyn Clock>) -> Self {
        let samples = |seconds: f64| (seconds * f64::from(changer.rate_hz())) as usize;
        Self {
            pending: Vec::with_capacity(changer.quantum()),
            dry: VecDeque::new(),
            wet: Vec::new(),
            mixer: Mixer::new(samples(BYPASS_S)),
            seam: Seam::new(samples(SEAM_S)),
            way: Way::Changed,
            older: 0,
            level: 0,
            timings: Timings::default(),
            spent: Duration::ZERO,
            chunk_times: Vec::new(),
            changer,
            clock,
        }
    }

    pub fn changer(&self) -> &dyn Changer {
        self.changer.as_ref()
    }

    /// Samples that have gone in and not come out.
    pub fn inside(&self) -> usize {
        self.pending.len() + self.dry.len()
    }

    /// Takes samples in pieces of any length and appends what is to be heard; what comes out does not depend on the pieces.
    ///
    /// # Errors
    /// Those of [`Changer::push`].
    pub fn push(&mut self, mut samples: &[f32], heard: &mut Vec<f32>) -> Result<()> {
        let quantum = self.changer.quantum();
        while !samples.is_empty() {
            let now = samples.len().min(quantum - self.pending.len());
            self.pending.extend_from_slice(&samples[..now]);
            samples = &samples[now..];
            if self.pending.len() == quantum {
                self.quantum(heard)?;
            }
        }
        Ok(())
    }

    /// Appends the rest, so that as many samples have come out as have gone in, and begins anew.
    ///
    /// # Errors
    /// Those of [`Changer::push`].
    pub fn flush(&mut self, heard: &mut Vec<f32>) -> Result<()> {
        if !self.pending.is_empty() {
            self.quantum(heard)?;
        }
        if self.way == Way::Changed {
            self.changer.flush(&mut self.wet)?;
            self.hear_changed(heard);
        }
        self.hear_dry(self.dry.len(), heard);
        self.changer.set_level(self.level);
        self.wet.clear();
        Ok(())
    }

    /// What comes next does not continue what came last.
    pub fn joint(&mut self) {
        self.seam.joint();
    }

    pub fn set_mute(&mut self, mute: bool) {
        self.mixer.mute = mute;
    }

    pub fn set_bypass(&mut self, bypass: bool) {
        self.mixer.bypass = bypass;
    }

    pub fn set_pitch(&mut self, semitones: f32) {
        self.changer.set_pitch(semitones);
    }

    /// # Errors
    /// Those of [`Changer::aim`].
    pub fn aim(&mut self, target: &ConversionTarget) -> Result<()> {
        self.changer.aim(target)
    }

    /// The level at work; one more than the changer has where the voice is passed on unchanged.
    pub fn level(&self) -> usize {
        match self.way {
            Way::Changed => self.level,
            Way::Passed | Way::Returning => self.changer.levels(),
        }
    }

    /// Changes the level: the rest of the old one is heard first, then, if the new one is later than that, a pause.
    ///
    /// # Errors
    /// Those of [`Changer::push`].
    pub fn set_level(&mut self, level: usize, heard: &mut Vec<f32>) -> Result<()> {
        let before = self.changer.latency_samples();
        if level >= self.changer.levels() {
            // Nothing but where the samples are taken from changes.
            self.wet.clear();
            self.way = Way::Passed;
            self.seam.joint();
            return Ok(());
        }
        if self.way == Way::Changed {
            self.changer.flush(&mut self.wet)?;
            self.hear_changed(heard);
            self.changer.set_level(level);
            let pause = self.changer.latency_samples().saturating_sub(before);
            self.silence(pause, heard);
        } else {
            self.changer.set_level(level);
            let pause = self.changer.latency_samples();
            self.silence(pause.saturating_sub(self.dry.len()), heard);
            self.older = self.dry.len() as i64;
            self.way = Way::Returning;
        }
        self.level = level;
        self.seam.joint();
        Ok(())
    }

    /// Passes on what is pending, which is a quantum, or less at the end.
    fn quantum(&mut self, heard: &mut Vec<f32>) -> Result<()> {
        self.dry.extend(&self.pending);
        let began = self.clock.now();
        if self.way != Way::Passed {
            let before = self.wet.len();
            self.changer.push(&self.pending, &mut self.wet)?;
            self.spent += self.clock.now() - began;
            if self.wet.len() > before {
                self.timings.add(Stage::Convert, self.spent);
                self.chunk_times.push(self.spent);
                self.spent = Duration::ZERO;
            }
        }
        let passed = self.pending.len();
        self.pending.clear();
        match self.way {
            Way::Changed => self.hear_changed(heard),
            Way::Passed => self.pass(passed, heard),
            // Of those that have been heard unchanged already, the changed ones are left out.
            Way::Returning if (self.wet.len() as i64) <= -self.older || self.wet.is_empty() => {
                self.pass(passed, heard);
            }
            Way::Returning => {
                // Its first sample is the oldest of those it was given since it began anew.
                match usize::try_from(self.older) {
                    Ok(older) => self.hear_dry(older.min(self.dry.len()), heard),
                    Err(_) => drop(self.wet.drain(..(-self.older) as usize)),
                }
                self.way = Way::Changed;
                self.seam.joint();
                self.hear_changed(heard);
            }
        }
        Ok(())
    }

    fn hear_changed(&mut self, heard: &mut Vec<f32>) {
        let from = heard.len();
        let (mixer, dry) = (&mut self.mixer, &mut self.dry);
        heard.extend(
            self.wet
                .drain(..)
                .map(|wet| mixer.mix(wet, dry.pop_front().unwrap_or_default())),
        );
        self.seam.apply(&mut heard[from..]);
    }

    /// As many unchanged samples as came in, unless the changed ones have to catch up.
    fn pass(&mut self, samples: usize, heard: &mut Vec<f32>) {
        self.hear_dry(samples.min(self.dry.len()), heard);
    }

    fn hear_dry(&mut self, samples: usize, heard: &mut Vec<f32>) {
        let from = heard.len();
        let mixer = &mut self.mixer;
        heard.extend(self.dry.drain(..samples).map(|dry| mixer.mix(dry, dry)));
        self.older -= samples as i64;
        self.seam.apply(&mut heard[from..]);
    }

    fn silence(&mut self, samples: usize, heard: &mut Vec<f32>) {
        let from = heard.len();
        self.seam.joint();
        heard.resize(from + samples, 0.0);
        self.seam.apply(&mut heard[from..]);
    }
}
