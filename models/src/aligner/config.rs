//! Sizes of the aligner.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Sizes of an aligner; its JSON is the section `aligner` of a model's `config.json`.
///
/// What the JSON leaves out is as in [`AlignerConfig::starter`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignerConfig {
    /// Size of the symbol table.
    pub symbols: usize,
    /// Mel bands.
    pub bands: usize,
    /// Width of the network.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the blocks' convolutions, odd.
    pub kernel: usize,
    /// Blocks.
    pub blocks: usize,
    /// Symbols that are heard as silence: the pad, the space and punctuation.
    pub pauses: Vec<u32>,
    /// Below this score, in nats per unit, a text does not fit a recording; any does where there is none.
    pub lowest_score: Option<f32>,
}

impl Default for AlignerConfig {
    fn default() -> Self {
        Self::starter()
    }
}

impl AlignerConfig {
    /// The aligner of the starter model: symbols and mel are those of [`crate::megatts2::Config::starter`].
    pub fn starter() -> Self {
        Self {
            symbols: 178,
            bands: 100,
            channels: 160,
            hidden: 256,
            kernel: 5,
            blocks: 4,
            // The pad, then ; : , . ! ? — … " “ ” and the space.
            pauses: vec![0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 14, 15, 16],
            lowest_score: None,
        }
    }

    /// # Errors
    /// [`Error::Config`] naming the first field that no network can be built from.
    pub fn validate(&self) -> Result<()> {
        let fault = |text: String| Err(Error::Config(format!("aligner.{text}")));
        let sizes = [
            ("symbols", self.symbols),
            ("bands", self.bands),
            ("channels", self.channels),
            ("hidden", self.hidden),
        ];
        for (name, size) in sizes {
            if !(1..=1 << 16).contains(&size) {
                return fault(format!("{name} = {size}: give 1 to 65536"));
            }
        }
        if self.kernel.is_multiple_of(2) || self.kernel > 255 {
            return fault(format!("kernel = {}: give an odd width", self.kernel));
        }
        if self.blocks > 256 {
            return fault(format!("blocks = {}: give 256 at most", self.blocks));
        }
        if let Some(pause) = self.pauses.iter().find(|&&p| p as usize >= self.symbols) {
            return fault(format!("pauses: {pause}: there are {}", self.symbols));
        }
        if self.lowest_score.is_some_and(|score| !score.is_finite()) {
            return fault("lowest_score: give a finite number".into());
        }
        Ok(())
    }
}
