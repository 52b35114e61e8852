//! Samples to spectrum frames.

use super::framing::reflect;
use super::{Complex32, PadMode, Stft};

/// Buffers of one forward transform.
pub(super) struct FrameTransform {
    stft: Stft,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl FrameTransform {
    pub(super) fn new(stft: &Stft) -> Self {
        Self {
            frame: vec![0.0; stft.config.n_fft],
            spectrum: vec![Complex32::default(); stft.bins()],
            scratch: stft.forward.make_scratch_vec(),
            stft: stft.clone(),
        }
    }

    /// Spectrum of the `n_fft` samples from `start` of a signal of `total` samples, of which
    /// `segment` holds those from `base` on.
    pub(super) fn run(
        &mut self,
        segment: &[f32],
        base: usize,
        total: usize,
        start: isize,
    ) -> &[Complex32] {
        let end = start + self.frame.len() as isize;
        if start >= base as isize && end <= total as isize {
            let first = start as usize - base;
            let inside = &segment[first..first + self.frame.len()];
            self.frame.copy_from_slice(inside);
        } else {
            let pad = self.stft.config.pad;
            for (index, sample) in (start..end).zip(&mut self.frame) {
                let outside = index < 0 || index >= total as isize;
                *sample = match pad {
                    PadMode::Constant if outside => 0.0,
                    _ => segment[reflect(index, total) - base],
                };
            }
        }
        for (x, w) in self.frame.iter_mut().zip(self.stft.window.iter()) {
            *x *= w;
        }
        self.stft
            .forward
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("buffers are made by the plan that uses them");
        &self.spectrum
    }
}

/// Streaming analysis: samples in, the frames they complete out.
///
/// A frame comes out as soon as its last sample is in, the frames that reach beyond the end of the
/// signal at [`flush`](StftStream::flush). The concatenated output equals [`Stft::analyse`] bit
/// for bit.
pub struct StftStream {
    transform: FrameTransform,
    /// The samples still needed, from absolute position `base`.
    segment: Vec<f32>,
    base: usize,
    next_frame: usize,
}

impl StftStream {
    pub(super) fn new(stft: Stft) -> Self {
        Self {
            transform: FrameTransform::new(&stft),
            segment: Vec::new(),
            base: 0,
            next_frame: 0,
        }
    }

    /// Takes `samples` and calls `visit` with the spectrum of every frame they complete.
    pub fn push_with(&mut self, samples: &[f32], mut visit: impl FnMut(&[Complex32])) {
        self.segment.extend_from_slice(samples);
        let config = self.transform.stft.config;
        let total = self.total();
        loop {
            let start = config.frame_start(self.next_frame);
            let complete = start + config.n_fft as isize <= total as isize;
            // A mirrored left end looks as far into the signal as it reaches out of it.
            let mirrored = -start < total as isize;
            if !(complete && mirrored) {
                break;
            }
            visit(self.transform.run(&self.segment, self.base, total, start));
            self.next_frame += 1;
        }
        self.forget(total);
    }

    /// Takes `samples` and appends every frame they complete to `spectrum`, frame-major.
    pub fn push(&mut self, samples: &[f32], spectrum: &mut Vec<Complex32>) {
        self.push_with(samples, |frame| spectrum.extend_from_slice(frame));
    }

    /// Ends the signal: calls `visit` with the remaining frames and resets the stream.
    pub fn flush_with(&mut self, mut visit: impl FnMut(&[Complex32])) {
        let config = self.transform.stft.config;
        let total = self.total();
        for frame in self.next_frame..config.frames(total) {
            let start = config.frame_start(frame);
            visit(self.transform.run(&self.segment, self.base, total, start));
        }
        self.reset();
    }

    /// Ends the signal: appends the remaining frames to `spectrum` and resets the stream.
    pub fn flush(&mut self, spectrum: &mut Vec<Complex32>) {
        self.flush_with(|frame| spectrum.extend_from_slice(frame));
    }

    /// Forgets the signal so far.
    pub fn reset(&mut self) {
        self.segment.clear();
        self.base = 0;
        self.next_frame = 0;
    }

    /// Samples a frame waits for after its first hop has begun: what lies right of the frame's
    /// position `k · hop`.
    pub fn latency_samples(&self) -> usize {
        let config = &self.transform.stft.config;
        config.n_fft - config.padding()
    }

    fn total(&self) -> usize {
        self.base + self.segment.len()
    }

    /// Drops samples that neither the next frame nor a mirrored right end can reach.
    fn forget(&mut self, total: usize) {
        let config = &self.transform.stft.config;
        let mirror = total as isize - 1 - config.padding() as isize;
        let keep = config.frame_start(self.next_frame).min(mirror).max(0) as usize;
        let drop = keep.saturating_sub(self.base).min(self.segment.len());
        // Moving the rest costs; do it once in a while, not at every push.
        if drop >= config.n_fft || drop == self.segment.len() {
            self.segment.drain(..drop);
            self.base += drop;
        }
    }
}
