//! Streaming synthesis.

use std::sync::Arc;

use super::{KERNEL, Vocos};
use crate::elementary::sin_cos_turns;
use crate::kernel::Activation;
use crate::stft::{Complex32, IstftStream};
use crate::stream::{Context, Frames, Stream};
use crate::{Error, Result};

/// Magnitudes are held below this, as in the reference.
const MAX_MAGNITUDE: f32 = 100.0;

/// The state of one signal: the context of every convolution and the overlap-add tail.
pub struct VocosStream {
    model: Arc<Vocos>,
    embed: Context,
    blocks: Vec<Context>,
    synthesis: IstftStream,
    magnitude: Vec<f32>,
    frame: Vec<Complex32>,
}

impl VocosStream {
    pub(super) fn new(model: Arc<Vocos>) -> Self {
        let context = Context::new(KERNEL / 2, KERNEL / 2);
        let bins = model.config.mel.bins();
        Self {
            embed: context.clone(),
            blocks: vec![context; model.blocks.len()],
            synthesis: model.synthesis.synthesis(),
            magnitude: vec![0.0; bins],
            frame: vec![Complex32::default(); bins],
            model,
        }
    }

    fn step(&mut self, frames: Option<&Frames>, last: bool, wave: &mut Vec<f32>) -> Result<()> {
        let model = Arc::clone(&self.model);
        let mel = frames.map(Frames::mel);
        let mut x = self
            .embed
            .step(mel, last, |x| model.norm.forward(&model.embed.forward(x)?))?;
        for (context, block) in self.blocks.iter_mut().zip(&model.blocks) {
            x = context.step(x.as_ref(), last, |x| block.forward(x))?;
        }
        let Some(x) = x else { return Ok(()) };
        let rows = model
            .head(&x)?
            .transpose(1, 2)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        for row in rows.chunks_exact(2 * self.frame.len()) {
            self.sound(row, wave)?;
        }
        Ok(())
    }

    /// Adds one frame of `bins` log magnitudes and `bins` phases.
    fn sound(&mut self, row: &[f32], wave: &mut Vec<f32>) -> Result<()> {
        let (ln_magnitude, phase) = row.split_at(self.frame.len());
        self.magnitude.copy_from_slice(ln_magnitude);
        Activation::Exp.apply(&mut self.magnitude);
        for ((z, m), phase) in self.frame.iter_mut().zip(&self.magnitude).zip(phase) {
            let (sin, cos) = sin_cos_turns(phase * (0.5 * std::f32::consts::FRAC_1_PI));
            let m = m.min(MAX_MAGNITUDE);
            *z = Complex32::new(m * cos, m * sin);
        }
        self.synthesis.push(&self.frame, wave)
    }
}

impl Stream for VocosStream {
    type Input = Frames;

    fn push(&mut self, frames: &Frames, wave: &mut Vec<f32>) -> Result<()> {
        let bands = self.model.config.mel.bands;
        let (_, found, _) = frames.mel().dims3()?;
        if found != bands {
            return Err(Error::Input(format!(
                "the vocoder takes {bands} mel bands, got {found}"
            )));
        }
        self.step(Some(frames), false, wave)
    }

    fn flush(&mut self, wave: &mut Vec<f32>) -> Result<()> {
        let done = self.step(None, true, wave);
        if done.is_ok() {
            self.synthesis.flush(wave);
        }
        self.reset();
        done
    }

    fn reset(&mut self) {
        self.embed.reset();
        self.blocks.iter_mut().for_each(Context::reset);
        self.synthesis.reset();
    }

    fn latency_samples(&self) -> usize {
        let blocks = self.blocks.iter().map(Context::right);
        let frames = self.embed.right() + blocks.sum::<usize>();
        frames * self.model.config.mel.hop + self.synthesis.latency_samples()
    }
}
