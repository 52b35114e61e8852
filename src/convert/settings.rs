//! How to convert.

use syrinx_models::stablevc::{self, ContentKind, Grid, Solver};

use super::{Pace, Profile};
use crate::{Error, Result};

/// Settings of a request, with the ranges they may have.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub steps: usize,
    pub solver: Solver,
    pub grid: Grid,
    pub guidance: f32,
    pub temperature: f32,
    pub semitones: f32,
    pub keep_pitch: bool,
    pub retime: bool,
    pub seed: u64,
    pub pace: Pace,
    pub profile: Profile,
    pub output_rate_hz: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // One step is what the starter converter is taught for; further ones change little: see its model card.
            steps: 1,
            solver: Solver::Euler,
            grid: Grid::Uniform,
            guidance: 0.0,
            temperature: 0.0,
            semitones: 0.0,
            keep_pitch: false,
            retime: false,
            seed: 0,
            pace: Pace::File,
            profile: Profile::Measured,
            output_rate_hz: None,
        }
    }
}

impl Settings {
    /// # Errors
    /// [`Error::Config`] naming the setting and its range.
    pub fn validate(&self, frames_per_unit: usize) -> Result<()> {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::Config(format!(
                "{name} {value}: give {low} to {high}"
            )))
        };
        within("steps", self.steps as f32, 1.0, 100.0)?;
        within("guidance", self.guidance, 0.0, 10.0)?;
        within("temperature", self.temperature, 0.0, 2.0)?;
        within("pitch", self.semitones, -24.0, 24.0)?;
        self.pace.validate(frames_per_unit)
    }

    /// Those that concern the network.
    pub fn network(&self) -> stablevc::Settings {
        stablevc::Settings {
            steps: self.steps,
            solver: self.solver,
            grid: self.grid,
            temperature: self.temperature.into(),
            guidance: self.guidance.into(),
            seed: self.seed,
            chunk: self.pace.chunk(),
            past: self.pace.past(),
            content: ContentKind::Features,
            look_ahead: self.pace.look_ahead(),
        }
    }
}
