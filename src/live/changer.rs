//! What makes another voice of the samples, as the engine sees it.

use crate::convert::{ConversionStream, ConversionTarget};
use crate::{Error, Result};

/// Something that samples go through, chunk by chunk, and come out of changed: as many, and in order.
///
/// It can work at several levels, from the best (0) to the cheapest; the engine goes down when the machine is too slow.
pub trait Changer: Send {
    /// The rate it works at, Hz.
    fn rate_hz(&self) -> u32;

    /// Samples it is given at a time, always as many but for the last.
    fn quantum(&self) -> usize;

    /// C: samples that are changed together at the present level.
    fn chunk_samples(&self) -> usize;

    /// W: samples under the window of its spectra, which no output can do without.
    fn window_samples(&self) -> usize;

    /// C + R + W: the most samples that have gone in and not come out.
    fn latency_samples(&self) -> usize;

    /// Takes samples, full scale at ±1, and appends what is ready.
    ///
    /// # Errors
    /// [`Error::Compute`], or [`Error::Input`] if a sample is not a number.
    fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<()>;

    /// Appends the rest and begins anew; as many samples have come out then as have gone in.
    ///
    /// # Errors
    /// [`Error::Compute`] only.
    fn flush(&mut self, ready: &mut Vec<f32>) -> Result<()>;

    /// How many levels there are, 1 at least.
    fn levels(&self) -> usize {
        1
    }

    /// Begins anew at a level, with what is known of the speaker.
    fn set_level(&mut self, level: usize);

    /// Begins anew and forgets the speaker too.
    fn forget(&mut self) {
        self.set_level(0);
    }

    /// The level in words.
    fn level_name(&self, level: usize) -> String {
        format!("level {level}")
    }

    /// Shifts the pitch from the next frame on, semitones.
    fn set_pitch(&mut self, semitones: f32);

    /// Changes to another voice from the next chunk on.
    ///
    /// # Errors
    /// [`Error::Config`] for a voice of other weights.
    fn aim(&mut self, target: &ConversionTarget) -> Result<()>;
}

/// Voice conversion as a [`Changer`].
pub struct Converting {
    /// By level.
    streams: Vec<(ConversionStream, String)>,
    level: usize,
}

impl Converting {
    /// Of streams that convert to the same voice at the rate of the networks, from the best to the cheapest, each with a
    /// name.
    ///
    /// # Errors
    /// [`Error::Config`] if there is none.
    pub fn new(streams: Vec<(ConversionStream, String)>) -> Result<Self> {
        match streams.is_empty() {
            true => Err(Error::Config(
                "live conversion needs a stream at least; this is a defect, report it".into(),
            )),
            false => Ok(Self { streams, level: 0 }),
        }
    }

    fn stream(&self) -> &ConversionStream {
        &self.streams[self.level].0
    }

    fn stream_mut(&mut self) -> &mut ConversionStream {
        &mut self.streams[self.level].0
    }
}

impl Changer for Converting {
    fn rate_hz(&self) -> u32 {
        self.stream().rate_hz()
    }

    fn quantum(&self) -> usize {
        self.stream().frame_samples()
    }

    fn chunk_samples(&self) -> usize {
        self.stream().chunk_samples()
    }

    fn window_samples(&self) -> usize {
        self.stream().window_samples()
    }

    fn latency_samples(&self) -> usize {
        self.stream().latency_samples()
    }

    fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<()> {
        let stream = self.stream_mut();
        stream.push(samples)?;
        ready.append(&mut stream.take());
        Ok(())
    }

    fn flush(&mut self, ready: &mut Vec<f32>) -> Result<()> {
        let stream = self.stream_mut();
        stream.finish()?;
        ready.append(&mut stream.take());
        Ok(())
    }

    fn levels(&self) -> usize {
        self.streams.len()
    }

    fn set_level(&mut self, level: usize) {
        let level = level.min(self.streams.len() - 1);
        if let Ok([old, new]) = self.streams.get_disjoint_mut([self.level, level]) {
            new.0.take_over(&mut old.0);
        } else {
            self.stream_mut().restart();
        }
        self.level = level;
    }

    fn forget(&mut self) {
        self.streams
            .iter_mut()
            .for_each(|(stream, _)| stream.reset());
        self.level = 0;
    }

    fn level_name(&self, level: usize) -> String {
        self.streams
            .get(level)
            .map(|(_, name)| name.clone())
            .unwrap_or_default()
    }

    fn set_pitch(&mut self, semitones: f32) {
        for (stream, _) in &mut self.streams {
            stream.set_pitch(semitones);
        }
    }

    fn aim(&mut self, target: &ConversionTarget) -> Result<()> {
        self.streams
            .iter_mut()
            .try_for_each(|(stream, _)| stream.aim(target))
    }
}
