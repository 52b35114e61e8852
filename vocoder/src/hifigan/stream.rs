//! Streaming synthesis.

use std::sync::Arc;

use candle_core::Tensor;

use super::{HifiGan, OUTER_KERNEL, Stage};
use crate::Result;
use crate::stream::{Context, Frames, Queue, Stream};

/// The state of one signal: the context of every layer, and the queues in which the faster
/// residual blocks wait for the slower ones.
pub struct HifiGanStream {
    model: Arc<HifiGan>,
    pre: Context,
    stages: Vec<StageStream>,
    post: Context,
}

struct StageStream {
    up: Context,
    branches: Vec<Branch>,
}

/// One residual block beside others.
struct Branch {
    units: Vec<Context>,
    done: Queue,
}

impl HifiGanStream {
    pub(super) fn new(model: Arc<HifiGan>) -> Self {
        let outer = || Context::new(OUTER_KERNEL / 2, OUTER_KERNEL / 2);
        let rates = model.config.upsample_rates.iter();
        let taps = &model.config.upsample_kernel_sizes;
        let stages = model.stages.iter().zip(rates.zip(taps));
        Self {
            pre: outer(),
            stages: stages
                .map(|(stage, (rate, taps))| StageStream::new(stage, *rate, *taps))
                .collect(),
            post: outer(),
            model,
        }
    }

    fn step(&mut self, mel: Option<&Tensor>, last: bool, wave: &mut Vec<f32>) -> Result<()> {
        let model = &self.model;
        let mut x = self.pre.step(mel, last, |x| model.conv_pre.forward(x))?;
        for (stream, stage) in self.stages.iter_mut().zip(&model.stages) {
            x = stream.step(stage, x, last)?;
        }
        if let Some(y) = self.post.step(x.as_ref(), last, |x| model.finish(x))? {
            wave.extend(y.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(())
    }
}

impl StageStream {
    fn new(stage: &Stage, rate: usize, taps: usize) -> Self {
        let branch = |block: &super::ResidualBlock| Branch {
            units: block
                .units()
                .iter()
                .map(|unit| Context::new(unit.context(), unit.context()))
                .collect(),
            done: Queue::new(),
        };
        Self {
            up: Context::transposed(taps, rate, (taps - rate) / 2),
            branches: stage.blocks.iter().map(branch).collect(),
        }
    }

    fn step(&mut self, stage: &Stage, x: Option<Tensor>, last: bool) -> Result<Option<Tensor>> {
        let x = self.up.step(x.as_ref(), last, |x| stage.upsample(x))?;
        for (branch, block) in self.branches.iter_mut().zip(&stage.blocks) {
            let mut y = x.clone();
            for (context, unit) in branch.units.iter_mut().zip(block.units()) {
                y = context.step(y.as_ref(), last, |y| unit.forward(y))?;
            }
            branch.done.push(y)?;
        }
        let ready = self.branches.iter().map(|b| b.done.len()).min();
        let mut sum: Option<Tensor> = None;
        for branch in &mut self.branches {
            sum = match (sum, branch.done.take(ready.unwrap_or(0))?) {
                (Some(sum), Some(y)) => Some((sum + y)?),
                (sum, y) => sum.or(y),
            };
        }
        Ok(sum.map(|sum| stage.mean(sum)).transpose()?)
    }

    /// Frames held back, in frames of the upsampled signal.
    fn delay(&self, rate: usize) -> usize {
        let branch = |b: &Branch| b.units.iter().map(Context::right).sum::<usize>();
        self.up.right() * rate + self.branches.iter().map(branch).max().unwrap_or(0)
    }

    fn reset(&mut self) {
        self.up.reset();
        for branch in &mut self.branches {
            branch.units.iter_mut().for_each(Context::reset);
            branch.done.clear();
        }
    }
}

impl Stream for HifiGanStream {
    type Input = Frames;

    fn push(&mut self, frames: &Frames, wave: &mut Vec<f32>) -> Result<()> {
        self.model.check(frames.mel())?;
        self.step(Some(frames.mel()), false, wave)
    }

    fn flush(&mut self, wave: &mut Vec<f32>) -> Result<()> {
        let done = self.step(None, true, wave);
        self.reset();
        done
    }

    fn reset(&mut self) {
        self.pre.reset();
        self.stages.iter_mut().for_each(StageStream::reset);
        self.post.reset();
    }

    fn latency_samples(&self) -> usize {
        let rates = &self.model.config.upsample_rates;
        let mut samples = self.pre.right();
        for (stage, rate) in self.stages.iter().zip(rates) {
            samples = samples * rate + stage.delay(*rate);
        }
        samples + self.post.right()
    }
}
