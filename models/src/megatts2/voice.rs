//! A voice: a timbre, and prompts already read.

use candle_core::Tensor;

use super::{DurationSession, MegaTts2, ProsodySession, Timbre, pool_content};
use crate::{Checkpoint, Result};

/// A sentence a speaker has said, as the language models read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Symbols, `[N]`.
    pub ids: Vec<u32>,
    /// Duration of each symbol in units, `[N]`.
    pub units: Vec<u32>,
    /// Prosody codes, [ceil(Σ units / r)].
    pub codes: Vec<u32>,
}

/// A timbre, and sessions that have read the speaker's prompts; each sentence forks them.
///
/// The timbre and the prompts need not come from the same speaker: the one decides who is heard, the others how
/// it is said.
#[derive(Debug, Clone)]
pub struct Voice {
    /// Who is heard.
    pub timbre: Timbre,
    /// How it is said: the prosody of the prompts.
    pub prosody: ProsodySession,
    /// How fast it is said: the durations of the prompts.
    pub durations: DurationSession,
}

impl MegaTts2 {
    /// A voice from a timbre and any number of prompts, also none.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a prompt whose lengths do not fit together or whose numbers are out of range.
    pub fn voice(&self, timbre: Timbre, prompts: &[Prompt]) -> Result<Voice> {
        let mut prosody = ProsodySession::new(self.plm.clone());
        let mut durations = DurationSession::new(self.adm.clone());
        for prompt in prompts {
            let content = self.acoustic.content(&prompt.ids)?;
            durations.prefill(Some(&content), &prompt.units)?;
            let pooled = pool_content(&content, &prompt.units, self.config().units_per_code())?;
            prosody.prefill(Some(&pooled), &prompt.codes)?;
        }
        Ok(Voice {
            timbre,
            prosody,
            durations,
        })
    }

    /// A voice stored under `name`: `NAME.keys` [M, K] and, for i = 0, 1, .., `NAME.prompt.i.symbols`, `.units` and `.codes`.
    ///
    /// # Errors
    /// [`crate::Error::Weights`] if a part of it is missing, [`crate::Error::Input`] if it belongs to another model.
    pub fn load_voice(&self, checkpoint: &Checkpoint, name: &str) -> Result<Voice> {
        let keys: Tensor = checkpoint.tensor(&format!("{name}.keys"), self.acoustic.device())?;
        let mut prompts = Vec::new();
        loop {
            let part = |part: &str| format!("{name}.prompt.{}.{part}", prompts.len());
            if !checkpoint.contains(&part("symbols")) {
                break;
            }
            let ids = checkpoint.integers(&part("symbols"))?;
            let units = checkpoint.integers(&part("units"))?;
            let codes = checkpoint.integers(&part("codes"))?;
            prompts.push(Prompt { ids, units, codes });
        }
        self.voice(self.acoustic.timbre_from_keys(&keys)?, &prompts)
    }
}
