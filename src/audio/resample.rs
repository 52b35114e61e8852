//! Changing the sample rate.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Indexing, SincInterpolationParameters, WindowFunction,
};

use super::writer::mismatch;
use super::{Audio, Spec};
use crate::{Error, Result};

/// Frames of the lower rate that the filter spans. 512 leave the band up to 0.97 of the lower
/// Nyquist frequency untouched.
const SPAN: usize = 512;

/// The same, where delay matters more than the top of the band (0.89).
const SHORT_SPAN: usize = 128;

/// Blocks beyond this, in frames of the higher rate, are longer than a stream can wait: such
/// rates, with hardly a common divisor, go through an interpolated filter instead.
const LONGEST_BLOCK: usize = 16_384;

/// Tabulated filters between two input frames, where the filter is interpolated.
const OVERSAMPLING: usize = 256;

/// The steepest change of rate; beyond it somebody mistook something else for a rate.
const STEEPEST: u32 = 256;

/// Resamples a stream, at any pair of rates.
///
/// The delay of the filter is compensated: frame `n` of the output sounds at the time of frame
/// `n · from / to` of the input, and after [`flush`](Self::flush) there are exactly
/// `round(frames · to / from)` of them. The output does not depend on how the input was cut into
/// chunks.
///
/// Rates with a common divisor go through one linear-phase FFT filter, others through a windowed
/// sinc with cubic interpolation between its taps.
pub struct Resampler {
    inner: Option<Box<dyn rubato::Resampler<f32>>>,
    from: Spec,
    to_hz: u32,
    /// Silence put before the input, which makes the delay a whole number of output frames.
    lead: usize,
    /// Delay of the output, `lead` included, in output frames.
    delay: usize,
    /// Input short of a block, `[C][T]`.
    pending: Vec<Vec<f32>>,
    /// One output block, `[C][T]`.
    block: Vec<Vec<f32>>,
    /// Output frames still to drop for the delay.
    to_drop: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// From the rate of `from` to `to_hz`, with the full band.
    ///
    /// # Errors
    /// [`Error::Config`] if a rate or the number of channels is 0, or one rate is more than 256
    /// times the other.
    pub fn new(from: Spec, to_hz: u32) -> Result<Self> {
        Self::with_span(from, to_hz, SPAN)
    }

    /// The same with a quarter of the delay and the band up to 0.89 of the lower Nyquist
    /// frequency.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn low_latency(from: Spec, to_hz: u32) -> Result<Self> {
        Self::with_span(from, to_hz, SHORT_SPAN)
    }

    fn with_span(from: Spec, to_hz: u32, span: usize) -> Result<Self> {
        let (low, high) = (from.rate_hz.min(to_hz), from.rate_hz.max(to_hz));
        if low == 0 || from.channels == 0 || high / low > STEEPEST {
            return Err(Error::Config(format!(
                "cannot resample {} channels from {} Hz to {to_hz} Hz; check the rates",
                from.channels, from.rate_hz
            )));
        }
        let (inner, lead, delay) = filter(from, to_hz, span).map_err(|error| {
            Error::Config(format!(
                "cannot resample from {} Hz to {to_hz} Hz: {error}",
                from.rate_hz
            ))
        })?;
        let block = inner.as_ref().map_or(0, |inner| inner.output_frames_max());
        let mut resampler = Self {
            inner,
            from,
            to_hz,
            lead,
            delay,
            pending: Vec::new(),
            block: vec![vec![0.0; block]; from.channels],
            to_drop: 0,
            taken: 0,
            given: 0,
        };
        resampler.reset();
        Ok(resampler)
    }

    /// What it takes.
    pub fn input(&self) -> Spec {
        self.from
    }

    /// What it gives.
    pub fn output(&self) -> Spec {
        Spec {
            rate_hz: self.to_hz,
            channels: self.from.channels,
        }
    }

    /// The most output frames that may be missing while it runs: the delay of the filter and a
    /// block that is not full yet. 0 if the rates are equal.
    pub fn latency(&self) -> usize {
        let Some(inner) = &self.inner else { return 0 };
        let lead = (self.lead as f64 * inner.resample_ratio()) as usize;
        self.delay.saturating_sub(lead) + inner.output_frames_max()
    }

    /// Takes a chunk and returns the frames that are ready, often fewer, sometimes none.
    ///
    /// # Errors
    /// [`Error::Config`] if the chunk is not of the shape [`input`](Self::input).
    pub fn push(&mut self, chunk: &Audio) -> Result<Audio> {
        if chunk.spec() != self.from {
            return Err(mismatch(chunk.spec(), self.from));
        }
        self.taken += chunk.frames() as u64;
        if self.inner.is_none() {
            self.given = self.taken;
            return Ok(chunk.clone());
        }
        for (pending, new) in self.pending.iter_mut().zip(chunk.channels()) {
            pending.extend_from_slice(new);
        }
        self.advance()
    }

    /// Returns what is left and makes the resampler ready for another stream.
    ///
    /// # Errors
    /// [`Error::Audio`] if the filter fails, which it does not on any input.
    pub fn flush(&mut self) -> Result<Audio> {
        let (to, from) = (u128::from(self.to_hz), u128::from(self.from.rate_hz));
        let total = ((2 * u128::from(self.taken) * to + from) / (2 * from)) as u64;
        let mut rest = Audio::silence(0, self.output());
        while let Some(inner) = &self.inner
            && self.given < total
        {
            let silence = inner.input_frames_next();
            for pending in &mut self.pending {
                pending.resize(pending.len() + silence, 0.0);
            }
            rest.append(&self.advance()?)?;
        }
        let surplus = self.given.saturating_sub(total) as usize;
        let rest = rest.slice(0..rest.frames().saturating_sub(surplus));
        self.reset();
        Ok(rest)
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.reset();
        }
        self.pending = vec![vec![0.0; self.lead]; self.from.channels];
        self.to_drop = self.delay;
        self.taken = 0;
        self.given = 0;
    }

    /// Filters every full block of what is pending.
    fn advance(&mut self) -> Result<Audio> {
        let channels = self.from.channels;
        let mut out = vec![Vec::new(); channels];
        let mut start = 0;
        let Some(inner) = &mut self.inner else {
            return Ok(Audio::silence(0, self.output()));
        };
        while self.pending[0].len() - start >= inner.input_frames_next() {
            let failed = |error: &dyn std::fmt::Display| {
                Error::audio("resampler", format!("{error}; report this"))
            };
            let pending =
                SequentialSliceOfVecs::new(&self.pending, channels, self.pending[0].len());
            let room = self.block[0].len();
            let block = SequentialSliceOfVecs::new_mut(&mut self.block, channels, room);
            let (used, made) = inner
                .process_into_buffer(
                    &pending.map_err(|e| failed(&e))?,
                    &mut block.map_err(|e| failed(&e))?,
                    Some(&Indexing::new().input_offset(start)),
                )
                .map_err(|e| failed(&e))?;
            start += used;
            let dropped = made.min(self.to_drop);
            self.to_drop -= dropped;
            self.given += (made - dropped) as u64;
            for (out, block) in out.iter_mut().zip(&self.block) {
                out.extend_from_slice(&block[dropped..made]);
            }
        }
        for pending in &mut self.pending {
            pending.drain(..start);
        }
        Audio::from_channels(out, self.to_hz)
    }
}

/// The filter, the silence to lead with in input frames, and the delay in output frames; no filter
/// for equal rates.
type Filter = (Option<Box<dyn rubato::Resampler<f32>>>, usize, usize);

fn filter(
    from: Spec,
    to_hz: u32,
    span: usize,
) -> Result<Filter, rubato::ResamplerConstructionError> {
    if from.rate_hz == to_hz {
        return Ok((None, 0, 0));
    }
    let (from_hz, to_hz) = (from.rate_hz as usize, to_hz as usize);
    let divisor = gcd(from_hz, to_hz);
    let (unit_in, unit_out) = (from_hz / divisor, to_hz / divisor);
    // An even number of units makes both block lengths even, and half of them, which is the delay,
    // whole numbers on both sides.
    let units = span.div_ceil(unit_in.min(unit_out)).next_multiple_of(2);
    if units * unit_in.max(unit_out) <= LONGEST_BLOCK {
        let fft = Fft::<f32>::new_custom(
            from_hz,
            to_hz,
            units * unit_in,
            1,
            from.channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )?;
        let delay = rubato::Resampler::<f32>::output_delay(&fft);
        return Ok((Some(Box::new(fft)), 0, delay));
    }
    let ratio = to_hz as f64 / from_hz as f64;
    // The filter spans input frames, so that lowering the rate takes a longer one.
    let taps = ((span as f64 / 2.0 / ratio.min(1.0)).ceil() as usize).next_multiple_of(8);
    let parameters = SincInterpolationParameters::new(taps, WindowFunction::BlackmanHarris2)
        .oversampling_factor(OVERSAMPLING);
    let sinc = Async::<f32>::new_sinc(
        ratio,
        1.0,
        &parameters,
        span,
        from.channels,
        FixedAsync::Input,
    )?;
    // Output frame m comes from the input at (m + 1) / ratio - taps / 2 + 1 / oversampling, so that
    // the delay is hardly ever a whole number of output frames; with the right lead it nearly is.
    let delay =
        |lead: usize| (lead as f64 + taps as f64 / 2.0 - 1.0 / OVERSAMPLING as f64) * ratio - 1.0;
    let off = |lead: usize| (delay(lead) - delay(lead).round()).abs();
    let whole = |lead: &usize| delay(*lead) >= 0.0;
    let lead = (0..4096)
        .filter(whole)
        .min_by(|&a, &b| off(a).total_cmp(&off(b)));
    let lead = lead.unwrap_or(0);
    Ok((Some(Box::new(sinc)), lead, delay(lead).round() as usize))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Audio {
    /// The same sound at `rate_hz`, in exactly `round(frames · rate_hz / rate)` frames.
    ///
    /// # Errors
    /// As [`Resampler::new`].
    pub fn resample(&self, rate_hz: u32) -> Result<Self> {
        let mut resampler = Resampler::new(self.spec(), rate_hz)?;
        let mut audio = resampler.push(self)?;
        audio.append(&resampler.flush()?)?;
        Ok(audio)
    }
}
