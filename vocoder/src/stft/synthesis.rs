//! Spectrum frames to samples: inverse transform and overlap-add.

use super::{Complex32, Stft};
use crate::{Error, Result};

/// Below this sum of squared windows a sample is not covered by any frame.
const UNCOVERED: f32 = 1e-8;

/// Streaming overlap-add synthesis: spectrum frames in, finished samples out.
///
/// Every frame finishes `hop` samples; the tail comes out at [`flush`](IstftStream::flush). The
/// concatenated output equals [`Stft::synthesise`] bit for bit.
pub struct IstftStream {
    stft: Stft,
    /// Windowed frames added up, and the squared windows likewise, from position `emitted` on.
    sum: Vec<f32>,
    weight: Vec<f32>,
    /// Positions finished so far, counted from the left padding.
    emitted: usize,
    frames: usize,
    spectrum: Vec<Complex32>,
    frame: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl IstftStream {
    pub(super) fn new(stft: Stft) -> Self {
        let n_fft = stft.config.n_fft;
        Self {
            sum: vec![0.0; n_fft],
            weight: vec![0.0; n_fft],
            emitted: 0,
            frames: 0,
            spectrum: vec![Complex32::default(); stft.bins()],
            frame: vec![0.0; n_fft],
            scratch: stft.inverse.make_scratch_vec(),
            stft,
        }
    }

    /// Takes whole frames of `spectrum`, frame-major, and appends the samples they finish.
    ///
    /// # Errors
    /// [`Error::Input`] if `spectrum` is not a whole number of frames; nothing is taken then.
    pub fn push(&mut self, spectrum: &[Complex32], wave: &mut Vec<f32>) -> Result<()> {
        let bins = self.stft.bins();
        if !spectrum.len().is_multiple_of(bins) {
            return Err(Error::Input(format!(
                "a spectrum of {} values is not a whole number of {bins}-bin frames",
                spectrum.len()
            )));
        }
        for frame in spectrum.chunks_exact(bins) {
            self.add(frame);
            let hop = self.stft.config.hop;
            self.emit(hop, usize::MAX, wave);
            self.shift(hop);
        }
        Ok(())
    }

    /// Ends the signal: appends the tail, `config.samples(T)` samples in all, and resets.
    pub fn flush(&mut self, wave: &mut Vec<f32>) {
        let config = self.stft.config;
        let end = config.padding() + config.samples(self.frames);
        self.emit(config.n_fft - config.hop, end, wave);
        self.reset();
    }

    /// Forgets the signal so far.
    pub fn reset(&mut self) {
        self.sum.fill(0.0);
        self.weight.fill(0.0);
        self.emitted = 0;
        self.frames = 0;
    }

    /// Samples by which finished output trails the frames pushed: the left padding that is cut.
    pub fn latency_samples(&self) -> usize {
        self.stft.config.padding()
    }

    fn add(&mut self, frame: &[Complex32]) {
        self.spectrum.copy_from_slice(frame);
        // A real signal has real first and last bins; torch drops what is there, so do we.
        self.spectrum[0].im = 0.0;
        if self.frame.len().is_multiple_of(2)
            && let Some(nyquist) = self.spectrum.last_mut()
        {
            nyquist.im = 0.0;
        }
        self.stft
            .inverse
            .process_with_scratch(&mut self.spectrum, &mut self.frame, &mut self.scratch)
            .expect("buffers are made by the plan that uses them");
        let scale = 1.0 / self.frame.len() as f32;
        let covered = self.sum.iter_mut().zip(&mut self.weight);
        for ((sum, weight), (x, w)) in covered.zip(self.frame.iter().zip(self.stft.window.iter())) {
            *sum += x * scale * w;
            *weight += w * w;
        }
        self.frames += 1;
    }

    /// Appends the next `count` positions, but none inside the left padding nor from `end` on.
    fn emit(&mut self, count: usize, end: usize, wave: &mut Vec<f32>) {
        let first = self.stft.config.padding().max(self.emitted);
        let last = (self.emitted + count).min(end);
        if first < last {
            let range = first - self.emitted..last - self.emitted;
            let covered = self.sum[range.clone()].iter().zip(&self.weight[range]);
            wave.extend(covered.map(|(s, w)| if *w > UNCOVERED { s / w } else { 0.0 }));
        }
        self.emitted += count;
    }

    fn shift(&mut self, count: usize) {
        for buffer in [&mut self.sum, &mut self.weight] {
            let rest = buffer.len() - count;
            buffer.copy_within(count.., 0);
            buffer[rest..].fill(0.0);
        }
    }
}
