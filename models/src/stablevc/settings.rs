//! How a conversion is computed.

use super::{Config, LookAhead};
use crate::{Error, Result};

/// Settings of a [`super::Conversion`].
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Steps of the solver, 1 or more (10 in the paper).
    pub steps: usize,
    /// What a step computes.
    pub solver: Solver,
    /// Where the steps stand.
    pub grid: Grid,
    /// Scale of the noise that the flow starts from: 1 as trained, less is calmer.
    pub temperature: f64,
    /// How far to go beyond the field towards what the target adds to it, v + g (v - v without a target): 0 computes the
    /// field alone, anything else doubles the work.
    pub guidance: f64,
    /// Which noise.
    pub seed: u64,
    /// Frames that are computed together, a multiple of the model's frames per unit: what a stream waits for.
    pub chunk: usize,
    /// Frames before a chunk that its frames look back to, a multiple of the model's frames per unit.
    pub past: usize,
    /// Which content is converted.
    pub content: ContentKind,
    /// How far ahead the content extractor hears.
    pub look_ahead: LookAhead,
}

/// What one step of the flow computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Solver {
    /// One evaluation: the field at the beginning of the step (the paper's).
    Euler,
    /// Two evaluations: the field half a step on.
    Midpoint,
}

/// Where the steps of the flow stand in its time, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Grid {
    /// Equal steps (the paper's).
    Uniform,
    /// t = 1 - cos(π u / 2): smaller steps at the beginning.
    Cosine,
    /// t = u + s (cos(π u / 2) - 1 + u) (sway sampling, F5-TTS, arXiv 2410.06885), -1 <= s <= 2 / (π - 2): smaller steps
    /// at the beginning where s is negative, as [`Grid::Cosine`] at -1.
    Sway(f64),
}

/// Which content is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentKind {
    /// The features themselves.
    Features,
    /// The centroid nearest to them (the paper's).
    Tokens,
}

impl Default for Settings {
    /// Ten Euler steps as in the paper; chunks of 8 frames that look back 128, as the starter model has been trained to.
    fn default() -> Self {
        Self {
            steps: 10,
            solver: Solver::Euler,
            grid: Grid::Uniform,
            temperature: 1.0,
            guidance: 0.0,
            seed: 0,
            chunk: 8,
            past: 128,
            content: ContentKind::Features,
            look_ahead: LookAhead::default(),
        }
    }
}

impl Settings {
    /// Checks the settings for a model of `config`.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting that nothing can be computed with.
    pub fn validate(&self, config: &Config) -> Result<()> {
        let unit = config.frames_per_unit;
        require((1..=1000).contains(&self.steps), || {
            format!("steps = {}: give 1 to 1000", self.steps)
        })?;
        if let Grid::Sway(sway) = self.grid {
            let most = 2.0 / (std::f64::consts::PI - 2.0);
            require((-1.0..=most).contains(&sway), || {
                format!("grid: sway {sway}: give -1 to {most:.3}")
            })?;
        }
        require((0.0..=10.0).contains(&self.temperature), || {
            format!("temperature = {}: give 0 to 10", self.temperature)
        })?;
        require((0.0..=100.0).contains(&self.guidance), || {
            format!("guidance = {}: give 0 to 100", self.guidance)
        })?;
        require(
            (1..=1 << 16).contains(&self.chunk) && self.chunk.is_multiple_of(unit),
            || {
                format!(
                    "chunk = {}: give a multiple of {unit} frames up to 65536",
                    self.chunk
                )
            },
        )?;
        require(
            self.past <= 1 << 16 && self.past.is_multiple_of(unit),
            || {
                format!(
                    "past = {}: give a multiple of {unit} frames up to 65536",
                    self.past
                )
            },
        )
    }

    /// The times 0 = t₀ < .. < 1 of the steps, `[steps + 1]`.
    pub(super) fn times(&self) -> Vec<f64> {
        let time = |i: usize| {
            let u = i as f64 / self.steps as f64;
            let cosine = (u * std::f64::consts::FRAC_PI_2).cos();
            match self.grid {
                Grid::Uniform => u,
                Grid::Cosine => 1.0 - cosine,
                Grid::Sway(sway) => u + sway * (cosine - 1.0 + u),
            }
        };
        (0..=self.steps).map(time).collect()
    }
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Config(message()))
    }
}
