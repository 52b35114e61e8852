//! The way from the microphone to the engine.

use super::port::Heard;
use crate::Result;
use crate::audio::{Audio, Resampler, Spec};

/// What may wait besides two chunks, seconds; what is more is late and left out.
const SLACK_S: f64 = 0.1;

/// How long what is left out is faded over, seconds.
const FADE_S: f64 = 0.01;

/// An input ring, kept short.
pub(super) struct Inlet {
    pub heard: Heard,
    resampler: Resampler,
    samples: Vec<f32>,
    lost: u64,
}

impl Inlet {
    /// Into an engine at `engine_hz`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for rates that cannot be resampled.
    pub fn new(heard: Heard, engine_hz: u32) -> Result<Self> {
        Ok(Self {
            resampler: Resampler::low_latency(Spec::mono(heard.rate_hz), engine_hz)?,
            heard,
            samples: Vec::new(),
            lost: 0,
        })
    }

    /// What the ring holds, seconds.
    pub fn level_s(&self) -> f64 {
        self.heard.ring.slots() as f64 / f64::from(self.heard.rate_hz)
    }

    /// What the filter may hold, seconds.
    pub fn filter_s(&self) -> f64 {
        let rate_hz = self.resampler.output().rate_hz;
        self.resampler.latency() as f64 / f64::from(rate_hz)
    }

    /// Leaves out whole chunks of `chunk_s` seconds, the oldest first, if more waits than two and a tenth of a second;
    /// how many.
    pub fn drop_late(&mut self, chunk_s: f64) -> u64 {
        let rate = f64::from(self.heard.rate_hz);
        let lost = self.heard.port.lost();
        let mut late = ((lost - self.lost) as f64 / rate / chunk_s).ceil() as u64;
        self.lost = lost;
        let waiting = self.level_s();
        if waiting > 2.0 * chunk_s + SLACK_S {
            let chunks = ((waiting - chunk_s) / chunk_s).floor();
            late += chunks as u64;
            self.leave_out((chunks * chunk_s * rate) as usize);
        }
        late
    }

    /// Leaves out `count` samples, from what was heard before to what was heard after with a short crossfade.
    fn leave_out(&mut self, count: usize) {
        let fade = (FADE_S * f64::from(self.heard.rate_hz)) as usize;
        let ring = &mut self.heard.ring;
        let fade = fade.min(count).min(ring.slots().saturating_sub(count));
        let before = read(ring, fade);
        let _ = read(ring, count - fade);
        let after = read(ring, fade);
        let share = |at: usize| (at as f32 + 0.5) / fade as f32;
        let faded = before
            .iter()
            .zip(&after)
            .enumerate()
            .map(|(at, (before, after))| before + share(at) * (after - before));
        self.samples.extend(faded);
    }

    /// What there is, at the rate of the engine.
    ///
    /// # Errors
    /// [`crate::Error::Audio`] if the filter fails, which it does not on any input.
    pub fn take(&mut self) -> Result<Option<Audio>> {
        let count = self.heard.ring.slots();
        let mut samples = std::mem::take(&mut self.samples);
        samples.append(&mut read(&mut self.heard.ring, count));
        if samples.is_empty() {
            return Ok(None);
        }
        let audio = Audio::mono(samples, self.heard.rate_hz);
        Ok(Some(self.resampler.push(&audio)?))
    }
}

fn read(ring: &mut rtrb::Consumer<f32>, count: usize) -> Vec<f32> {
    match ring.read_chunk(count) {
        Ok(chunk) => {
            let (first, second) = chunk.as_slices();
            let samples = [first, second].concat();
            chunk.commit_all();
            samples
        }
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::port;
    use super::*;

    #[test]
    fn the_oldest_chunks_are_left_out_whole_and_without_a_click() {
        let spec = Spec::mono(1000);
        let (mut mic, heard) = port::mic(spec);
        let mut inlet = Inlet::new(heard, 1000).unwrap();
        let ramp: Vec<f32> = (0..200).map(|t| t as f32 / 1000.0).collect();
        mic.hear(&ramp, None, |x| x);
        assert_eq!(inlet.drop_late(0.05), 0, "two chunks and a tenth may wait");
        mic.hear(&[0.2; 70], None, |x| x);
        assert_eq!(inlet.drop_late(0.05), 4);
        let left = inlet.take().unwrap().unwrap().into_channels().remove(0);
        assert_eq!(left.len(), 70);
        assert_eq!(left[20..], [0.2; 50]);
        assert!(left.windows(2).all(|w| (w[1] - w[0]).abs() < 0.03));
        assert!(inlet.take().unwrap().is_none());
    }
}
