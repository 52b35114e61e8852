//! A voice: a timbre, and prompts already read.

use candle_core::Tensor;

use super::durations::total;
use super::{DurationSession, MegaTts2, ProsodySession, Timbre, pool_content};
use crate::error::input;
use crate::{Checkpoint, Result};

/// A sentence a speaker has said, as the language models read it.
///
/// Where its text is unknown, `ids` and `units` are empty: the prosody is heard without content, and nothing is learned
/// about durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Symbols, `[N]`.
    pub ids: Vec<u32>,
    /// Duration of each symbol in units, `[N]`.
    pub units: Vec<u32>,
    /// Prosody codes, [ceil(Σ units / r)].
    pub codes: Vec<u32>,
}

impl Prompt {
    /// Those stored under `name`: for i = 0, 1, .., `NAME.prompt.i.symbols`, `.units` and `.codes`.
    ///
    /// # Errors
    /// [`crate::Error::Weights`] if a part of one is missing.
    pub fn stored(checkpoint: &Checkpoint, name: &str) -> Result<Vec<Self>> {
        let mut prompts = Vec::new();
        loop {
            let part = |part: &str| format!("{name}.prompt.{}.{part}", prompts.len());
            if !checkpoint.contains(&part("symbols")) {
                return Ok(prompts);
            }
            prompts.push(Self {
                ids: checkpoint.integers(&part("symbols"))?,
                units: checkpoint.integers(&part("units"))?,
                codes: checkpoint.integers(&part("codes"))?,
            });
        }
    }

    /// Codes that are kept of all prompts together: five minutes of the starter model's, the longest prompt of the paper.
    ///
    /// What a session remembers grows with each code by 2 · layers · channels numbers: 4.5 KiB in the starter model,
    /// 96 KiB at the sizes of the paper.
    pub const LONGEST_CODES: usize = 3000;

    /// Symbols that are kept: as much time of speech at 15 symbols a second.
    pub const LONGEST_SYMBOLS: usize = 4500;

    /// The end of the sentence: `codes` and `symbols` at most, the cut between two codes of `units_per_code` units.
    fn latest(&self, codes: usize, symbols: usize, units_per_code: usize) -> Self {
        let all = total(&self.units);
        let last = |count: usize| self.units.len().saturating_sub(count);
        let before_symbols = total(&self.units[..last(symbols)]);
        let before_codes = all.saturating_sub(codes * units_per_code);
        let cut = before_symbols
            .max(before_codes)
            .next_multiple_of(units_per_code);
        if cut == 0 || cut >= all {
            return self.clone();
        }
        let (mut first, mut passed) = (0, 0);
        while passed + self.units[first] as usize <= cut {
            passed += self.units[first] as usize;
            first += 1;
        }
        let mut units = self.units[first..].to_vec();
        units[0] -= (cut - passed) as u32;
        Self {
            ids: self.ids[first..].to_vec(),
            units,
            codes: self.codes[cut / units_per_code..].to_vec(),
        }
    }
}

/// The most recent of `prompts` that are within [`Prompt::LONGEST_CODES`] and [`Prompt::LONGEST_SYMBOLS`] together.
fn most_recent(prompts: &[Prompt]) -> &[Prompt] {
    let (mut codes, mut symbols) = (0, 0);
    let fits = |prompt: &&Prompt| {
        codes += prompt.codes.len();
        symbols += prompt.ids.len();
        codes <= Prompt::LONGEST_CODES && symbols <= Prompt::LONGEST_SYMBOLS
    };
    let count = prompts.iter().rev().take_while(fits).count();
    &prompts[prompts.len() - count.max(1).min(prompts.len())..]
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
    /// A voice from a timbre and any number of prompts, also none; the most recent last.
    ///
    /// Prompts beyond [`Prompt::LONGEST_CODES`] or [`Prompt::LONGEST_SYMBOLS`] are not read: the oldest sentences are
    /// left out whole, and of one that is too long by itself the beginning.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a prompt whose lengths do not fit together or whose numbers are out of range.
    pub fn voice(&self, timbre: Timbre, prompts: &[Prompt]) -> Result<Voice> {
        let mut prosody = ProsodySession::new(self.plm.clone());
        let mut durations = DurationSession::new(self.adm.clone());
        let units_per_code = self.config().units_per_code();
        for prompt in most_recent(prompts) {
            if prompt.ids.is_empty() && prompt.units.is_empty() {
                prosody.queue(None, &prompt.codes)?;
                continue;
            }
            let codes = total(&prompt.units).div_ceil(units_per_code);
            if prompt.ids.len() != prompt.units.len() || prompt.codes.len() != codes {
                return input(format!(
                    "a prompt of {} symbols, {} durations and {} prosody codes, expected {codes}",
                    prompt.ids.len(),
                    prompt.units.len(),
                    prompt.codes.len()
                ));
            }
            let kept = prompt.latest(
                Prompt::LONGEST_CODES,
                Prompt::LONGEST_SYMBOLS,
                units_per_code,
            );
            let content = self.acoustic.content(&kept.ids)?;
            durations.queue(Some(&content), &kept.units)?;
            let pooled = pool_content(&content, &kept.units, units_per_code)?;
            prosody.queue(Some(&pooled), &kept.codes)?;
        }
        prosody.settle()?;
        durations.settle()?;
        Ok(Voice {
            timbre,
            prosody,
            durations,
        })
    }

    /// A voice stored under `name`: `NAME.keys` [M, K], `NAME.register` (median ln F0, a number) if the model
    /// has one, and its prompts ([`Prompt::stored`]).
    ///
    /// # Errors
    /// [`crate::Error::Weights`] if a part of it is missing, [`crate::Error::Input`] if it belongs to another model.
    pub fn load_voice(&self, checkpoint: &Checkpoint, name: &str) -> Result<Voice> {
        let keys: Tensor = checkpoint.tensor(&format!("{name}.keys"), self.acoustic.device())?;
        let prompts = Prompt::stored(checkpoint, name)?;
        let mut timbre = self.acoustic.timbre_from_keys(&keys)?;
        if self.config().decoder.register {
            let register =
                checkpoint.tensor(&format!("{name}.register"), self.acoustic.device())?;
            let register = register.flatten_all()?.get(0)?.to_scalar::<f32>()?;
            timbre = self.acoustic.at_register(&timbre, register.exp())?;
        }
        self.voice(timbre, &prompts)
    }
}
