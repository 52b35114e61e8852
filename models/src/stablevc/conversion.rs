//! Converting a voice, live or from a file.

use std::collections::VecDeque;
use std::sync::Arc;

use candle_core::Tensor;
use syrinx_vocoder::stream::Frames;

use super::attention::Angles;
use super::block::{BlockState, Sight};
use super::content::{ContentExtractor, ContentStream};
use super::envelope::EnvelopeState;
use super::renderer::Renderer;
use super::{ContentKind, Settings, StableVc, Target};
use crate::Result;
use crate::error::input;

/// The loudest mel level that is taken for one, ln of an amplitude; its square is far from what f32 can hold.
const LOUDEST: f32 = 40.0;

/// One signal being converted.
///
/// Frames go in by pieces of any size and come out in chunks; what comes out does not depend on the pieces. Memory is
/// bounded whatever the length of the signal. Creating a conversion computes nothing of the signal, so that a stream is
/// cheap to begin; the weights are shared.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use syrinx_models::stablevc::{Conversion, Settings, StableVc, Target};
/// # fn convert(model: Arc<StableVc>, target: Target, pieces: &[(candle_core::Tensor, Vec<f32>)]) -> syrinx_models::Result<()> {
/// let mut conversion = Conversion::new(model, target, &Settings::default())?;
/// for (mel, f0_hz) in pieces {
///     if let Some(frames) = conversion.push(mel, f0_hz)? {
///         println!("{} frames", frames.len());
///     }
/// }
/// let rest = conversion.flush()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Conversion {
    model: Arc<StableVc>,
    target: Target,
    settings: Settings,
    content: Box<dyn ContentStream>,
    look_ahead: usize,
    envelope: EnvelopeState,
    waiting: Waiting,
    module: Vec<BlockState>,
    renderer: Renderer,
    /// Units converted so far.
    units: usize,
}

/// What has been pushed and waits for its chunk.
#[derive(Debug, Default)]
struct Waiting {
    /// Features [U, F].
    features: Option<Tensor>,
    /// Of every frame pushed and not yet converted.
    f0_hz: VecDeque<f32>,
    envelopes: VecDeque<f32>,
}

impl Conversion {
    /// Begins a signal.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings that nothing can be computed with, or a model without a content extractor;
    /// [`crate::Error::Input`] for a target of another model.
    pub fn new(model: Arc<StableVc>, target: Target, settings: &Settings) -> Result<Self> {
        settings.validate(model.config())?;
        model.check_target(&target)?;
        let content = model.need_content()?;
        Ok(Self {
            content: content.stream(settings.look_ahead),
            look_ahead: look_ahead(content.as_ref(), settings),
            envelope: model.envelopes.state(),
            waiting: Waiting::default(),
            module: model.module_states(),
            renderer: Renderer::new(model.clone(), settings)?,
            units: 0,
            settings: settings.clone(),
            target,
            model,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The target of the next chunk.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Frames that the content extractor hears beyond a chunk before the chunk is converted.
    pub fn look_ahead_frames(&self) -> usize {
        self.look_ahead
    }

    /// Frames that have been pushed, at most, when a frame comes out, from that frame on: the chunk and the look-ahead.
    pub fn latency_frames(&self) -> usize {
        self.settings.chunk + self.look_ahead
    }

    /// Converts to another target from the next chunk on.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a target of another model; the old one stays.
    pub fn set_target(&mut self, target: Target) -> Result<()> {
        self.model.check_target(&target)?;
        self.target = target;
        Ok(())
    }

    /// The chunks that the next frames complete, if any: mel (natural logarithm) with F0 as it was pushed.
    ///
    /// `mel` [1, bands, T] is the source's, at nominal level; `f0_hz` `[T]` is the F0 to speak with, in the register of
    /// the target, 0 where unvoiced.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for shapes or numbers that do not fit; nothing has been taken then. If the computation
    /// fails, [`reset`](Self::reset) before the conversion is used again.
    pub fn push(&mut self, mel: &Tensor, f0_hz: &[f32]) -> Result<Option<Frames>> {
        let bands = self.model.config().bands;
        let rows = check_source(bands, mel, f0_hz)?;
        if f0_hz.is_empty() {
            return Ok(None);
        }
        let envelopes = self.model.envelopes.step(&rows, bands, &mut self.envelope);
        self.waiting.f0_hz.extend(f0_hz);
        self.waiting.envelopes.extend(envelopes);
        if let Some(features) = self.content.push(mel)? {
            self.waiting.add(features)?;
        }
        let per_chunk = self.settings.chunk / self.model.config().frames_per_unit;
        let mut done = Vec::new();
        while self.waiting.units() >= per_chunk && self.waiting.f0_hz.len() >= self.settings.chunk {
            done.push(self.convert(per_chunk)?);
        }
        joined(done)
    }

    /// The chunks of what is left, if anything, and a reset. As many frames have come out then as have gone in.
    ///
    /// # Errors
    /// If the computation fails; the conversion is reset all the same.
    pub fn flush(&mut self) -> Result<Option<Frames>> {
        let rest = self.finish();
        self.reset();
        rest
    }

    /// As [`flush`](Self::flush), but for what is known of the source, from which it goes on: the mean of its shape.
    ///
    /// # Errors
    /// If the computation fails; the conversion is restarted all the same.
    pub fn finish(&mut self) -> Result<Option<Frames>> {
        let rest = self.rest();
        self.restart();
        rest
    }

    /// Goes on from what `other` knows of its source, and `other` from what this one does.
    pub fn swap_sources(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.envelope, &mut other.envelope);
    }

    /// Forgets the signal so far: as new, with the target that was set last.
    pub fn reset(&mut self) {
        self.restart();
        self.envelope = self.model.envelopes.state();
    }

    /// As [`reset`](Self::reset), but for what is known of the source, from which it goes on.
    pub fn restart(&mut self) {
        self.content.reset();
        self.waiting = Waiting::default();
        self.module = self.model.module_states();
        self.renderer.reset();
        self.units = 0;
    }

    fn rest(&mut self) -> Result<Option<Frames>> {
        if let Some(features) = self.content.flush()? {
            self.waiting.add(features)?;
        }
        let rate = self.model.config().frames_per_unit;
        let frames = self.waiting.f0_hz.len();
        if self.waiting.units() * rate < frames {
            return input(format!(
                "the content extractor made {} units of the last {frames} frames",
                self.waiting.units()
            ));
        }
        // Where frames are missing to a whole unit, the last was heard again.
        let width = self.model.envelopes.width();
        self.waiting.pad(self.waiting.units() * rate, width);
        let per_chunk = self.settings.chunk / rate;
        let mut done = Vec::new();
        while self.waiting.units() > 0 {
            done.push(self.convert(per_chunk.min(self.waiting.units()))?);
        }
        let all = joined(done)?;
        all.map(|all| cut(&all, frames)).transpose()
    }

    /// Converts the next units, all of one chunk.
    fn convert(&mut self, units: usize) -> Result<Frames> {
        let rate = self.model.config().frames_per_unit;
        let features = self.waiting.take_features(units)?;
        let features = match self.settings.content {
            ContentKind::Features => features,
            ContentKind::Tokens => {
                let clusters = self.model.clusters();
                clusters.centroids(&clusters.tokens(&features)?)?
            }
        };
        let frames = units * rate;
        let numbers = frames * self.model.envelopes.width();
        let envelopes: Vec<f32> = self.waiting.envelopes.drain(..numbers).collect();
        let sight = Sight {
            angles: &Angles::new(&self.model.module_rotary, self.units, units),
            mask: None,
            past: self.settings.past / rate,
        };
        let (target, states) = (&self.target, &mut self.module);
        let hidden = self
            .model
            .module_step(&features, Some(&envelopes), target, sight, states)?;
        self.units += units;
        let f0_hz: Vec<f32> = self.waiting.f0_hz.drain(..frames).collect();
        let mel = self.renderer.chunk(&hidden, &f0_hz, &envelopes, target)?;
        with_f0(&mel, &f0_hz)
    }
}

/// Frames that the extractor hears ahead.
fn look_ahead(content: &dyn ContentExtractor, settings: &Settings) -> usize {
    let all = content.look_aheads();
    all.get(settings.look_ahead.of(all.len()))
        .copied()
        .unwrap_or_default()
}

/// The frames [T, bands] of a mel [1, bands, T] with F0 `[T]`, once it is certain that both make sense.
pub(super) fn check_source(bands: usize, mel: &Tensor, f0_hz: &[f32]) -> Result<Vec<f32>> {
    let rows = check_mel(bands, mel)?;
    let frames = rows.len() / bands;
    if f0_hz.len() != frames {
        return input(format!(
            "{frames} mel frames with {} values of F0; every frame needs one",
            f0_hz.len()
        ));
    }
    if let Some(f0) = f0_hz.iter().find(|f0| !(0.0..=10_000.0).contains(*f0)) {
        return input(format!("an F0 of {f0} Hz: give 0 where unvoiced"));
    }
    Ok(rows)
}

/// The frames [T, bands] of a mel [1, bands, T], once it is certain that it makes sense.
pub(super) fn check_mel(bands: usize, mel: &Tensor) -> Result<Vec<f32>> {
    if !matches!(*mel.dims(), [1, b, _] if b == bands) {
        return input(format!(
            "mel frames of shape {:?}, expected [1, {bands}, frames]",
            mel.dims()
        ));
    }
    let rows = mel
        .squeeze(0)?
        .t()?
        .to_dtype(candle_core::DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    if let Some(level) = rows.iter().find(|x| !(x.is_finite() && **x <= LOUDEST)) {
        return input(format!(
            "a mel level of {level}: give the natural logarithm of amplitudes"
        ));
    }
    Ok(rows)
}

impl Waiting {
    fn units(&self) -> usize {
        self.features.as_ref().map_or(0, |f| f.dims()[0])
    }

    fn add(&mut self, features: Tensor) -> Result<()> {
        self.features = Some(match self.features.take() {
            Some(before) => Tensor::cat(&[before, features], 0)?,
            None => features,
        });
        Ok(())
    }

    /// The next `units` features, which are there.
    fn take_features(&mut self, units: usize) -> Result<Tensor> {
        let Some(features) = self.features.take() else {
            return input("no content is waiting");
        };
        let rest = features.dim(0)? - units;
        if rest > 0 {
            let rest = features.narrow(0, units, rest)?;
            self.features = Some(rest.force_contiguous()?);
        }
        Ok(features.narrow(0, 0, units)?)
    }

    /// Repeats the last frame until there are `frames`, with envelopes of `width` numbers.
    fn pad(&mut self, frames: usize, width: usize) {
        for (values, width) in [(&mut self.f0_hz, 1), (&mut self.envelopes, width)] {
            while !values.is_empty() && values.len() < frames * width {
                values.push_back(values[values.len() - width]);
            }
        }
    }
}

/// Chunks as one piece, if there are any.
pub(super) fn joined(chunks: Vec<Frames>) -> Result<Option<Frames>> {
    if chunks.len() < 2 {
        return Ok(chunks.into_iter().next());
    }
    let mels: Vec<&Tensor> = chunks.iter().map(Frames::mel).collect();
    let f0_hz: Vec<f32> = chunks.iter().flat_map(|c| c.f0()).copied().collect();
    with_f0(&Tensor::cat(&mels, 2)?, &f0_hz).map(Some)
}

/// The first `frames` frames.
fn cut(all: &Frames, frames: usize) -> Result<Frames> {
    if all.len() == frames {
        return Ok(all.clone());
    }
    let mel = all.mel().narrow(2, 0, frames)?.contiguous()?;
    with_f0(&mel, &all.f0()[..frames])
}

pub(super) fn with_f0(mel: &Tensor, f0_hz: &[f32]) -> Result<Frames> {
    Frames::with_f0(mel, f0_hz).map_err(|error| crate::Error::Input(error.to_string()))
}
