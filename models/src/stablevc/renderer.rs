//! From hidden content to mel, chunk by chunk: what converting and retiming share.

use std::sync::Arc;

use super::block::Sight;
use super::causal_block::CausalState;
use super::level::natural;
use super::solver::{FlowStates, Steps};
use super::{Settings, StableVc, Target};
use candle_core::{Result, Tensor};

/// State of the frame part and of the flow.
#[derive(Debug)]
pub(super) struct Renderer {
    model: Arc<StableVc>,
    steps: Steps,
    seed: u64,
    temperature: f64,
    past: usize,
    /// Frames rendered so far.
    position: usize,
    frame: Vec<CausalState>,
    flow: FlowStates,
}

impl Renderer {
    /// Of checked settings.
    pub fn new(model: Arc<StableVc>, settings: &Settings) -> Result<Self> {
        let steps = Steps::new(&model.flow, settings, model.widths())?;
        Ok(Self {
            seed: settings.seed,
            temperature: settings.temperature,
            past: settings.past,
            position: 0,
            frame: model.frame.states(),
            flow: steps.states(&model.flow),
            steps,
            model,
        })
    }

    /// As new.
    pub fn reset(&mut self) {
        self.position = 0;
        self.frame = self.model.frame.states();
        self.flow = self.steps.states(&self.model.flow);
    }

    /// The mel [1, bands, T] of the next chunk: hidden content [1, C, U] with F0 in Hz `[T]` and envelope [T, 1 + F] of each
    /// frame.
    pub fn chunk(
        &mut self,
        hidden: &Tensor,
        f0_hz: &[f32],
        envelopes: &[f32],
        target: &Target,
    ) -> Result<Tensor> {
        let (model, frames) = (self.model.clone(), f0_hz.len());
        let (flow, parts) = (&model.flow, &target.parts);
        let voice = (&parts.films[..], parts.register);
        let condition = model
            .frame
            .step(hidden, (f0_hz, envelopes), voice, &mut self.frame)?;
        let given = flow.given(&condition)?;
        let noise = model.noise(self.seed, self.position, frames)?;
        let noise = (noise * self.temperature)?;
        let sight = Sight {
            angles: &flow.angles(self.position, frames),
            mask: None,
            past: self.past,
        };
        let steps = &self.steps;
        let x = steps.solve(flow, noise, &given, &parts.flow, sight, &mut self.flow)?;
        self.position += frames;
        natural(&x)
    }
}
