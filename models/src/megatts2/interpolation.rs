//! Prosody between two speakers, or wholly from another one (section 3.3, equation 3).

use candle_core::Tensor;

use super::adm::rounded;
use super::{DurationSession, ProsodySession};
use crate::sampling::{Sampler, mix};
use crate::{Error, Result};

/// Codes from the mixture of what two prompts make likely; both sessions hear the same codes.
///
/// `gamma` 0 is the speaker's own prosody, 1 the donor's, whatever voice speaks.
#[derive(Debug, Clone)]
pub struct ProsodyMix {
    own: ProsodySession,
    donor: ProsodySession,
    gamma: f32,
}

impl ProsodyMix {
    /// Mixes two prompted sessions of one model.
    ///
    /// # Errors
    /// [`Error::Config`] if `gamma` is outside 0 to 1.
    pub fn new(own: ProsodySession, donor: ProsodySession, gamma: f32) -> Result<Self> {
        Ok(Self {
            own,
            donor,
            gamma: share(gamma)?,
        })
    }

    /// Says a sentence, as [`ProsodySession::generate`]: probabilities are mixed, then narrowed, then drawn from.
    ///
    /// # Errors
    /// [`Error::Input`] if `content` has another width than the model's.
    pub fn generate(
        &mut self,
        content: &Tensor,
        sampler: &Sampler,
        first: u64,
    ) -> Result<Vec<u32>> {
        self.own.end_sentence()?;
        self.donor.end_sentence()?;
        let mut codes = Vec::with_capacity(content.dim(0)?);
        for (position, row) in (first..).zip(content.to_vec2::<f32>()?) {
            let own = self.own.step(&row)?;
            let donor = self.donor.step(&row)?;
            if own.len() != donor.len() {
                return Err(Error::Config(
                    "the two prosody sessions belong to different models".into(),
                ));
            }
            sampler.probabilities(own);
            sampler.probabilities(donor);
            mix(own, donor, self.gamma);
            let code = sampler.draw(own, position);
            self.own.accept(code);
            self.donor.accept(code);
            codes.push(code);
        }
        Ok(codes)
    }
}

/// Durations between those that two prompts make likely, in the domain of ln(1 + duration); both hear the result.
#[derive(Debug, Clone)]
pub struct DurationMix {
    own: DurationSession,
    donor: DurationSession,
    gamma: f32,
}

impl DurationMix {
    /// Mixes two prompted sessions of one model.
    ///
    /// # Errors
    /// [`Error::Config`] if `gamma` is outside 0 to 1.
    pub fn new(own: DurationSession, donor: DurationSession, gamma: f32) -> Result<Self> {
        Ok(Self {
            own,
            donor,
            gamma: share(gamma)?,
        })
    }

    /// Times a sentence, as [`DurationSession::generate`].
    ///
    /// # Errors
    /// [`Error::Input`] if `content` has another width than the model's.
    pub fn generate(&mut self, content: &Tensor) -> Result<Vec<u32>> {
        self.own.end_sentence();
        self.donor.end_sentence();
        let mut durations = Vec::with_capacity(content.dim(0)?);
        for row in content.to_vec2::<f32>()? {
            let (own, donor) = (self.own.step(&row)?, self.donor.step(&row)?);
            let units = rounded((1.0 - self.gamma) * own + self.gamma * donor);
            self.own.accept(units);
            self.donor.accept(units);
            durations.push(units);
        }
        Ok(durations)
    }
}

fn share(gamma: f32) -> Result<f32> {
    if (0.0..=1.0).contains(&gamma) {
        Ok(gamma)
    } else {
        Err(Error::Config(format!(
            "prosody mix {gamma}: give 0 (own prosody) to 1 (the donor's)"
        )))
    }
}
