//! What the networks decide about a sentence before anything sounds.

use std::ops::Range;

use candle_core::Tensor;
use syrinx_models::megatts2::{DurationMix, ProsodyMix, pool_content, scale_units};
use syrinx_models::sampling::Sampler;

use super::mark::{Mark, MarkKind};
use super::settings::Settings;
use crate::Result;
use crate::engine::Model;
use crate::text::Utterance;
use crate::voice::Voice;

/// Units kept of the silence that every sentence of the training speech begins with; pauses are ours to make.
const LEAD_UNITS: u32 = 3;

/// Content, durations and prosody of one sentence.
pub(super) struct Plan {
    /// [N, C].
    pub content: Tensor,
    /// Durations, `[N]`.
    pub units: Vec<u32>,
    /// Prosody codes.
    pub codes: Vec<u32>,
    /// Units at the beginning that are not spoken.
    pub skip: u32,
}

impl Plan {
    /// Decides how `voice` says an utterance, the `sentence`-th of its text.
    pub fn new(
        model: &Model,
        voice: &Voice,
        settings: &Settings,
        utterance: &Utterance,
        sentence: usize,
    ) -> Result<Self> {
        let content = model.networks.acoustic.content(&utterance.ids())?;
        let donor = settings.donor.as_ref();
        let told = donor.filter(|(donor, _)| donor.durations().positions() > 0);
        let own = match told {
            Some((donor, share)) => DurationMix::new(voice.durations(), donor.durations(), *share)?
                .generate(&content)?,
            None => voice.durations().generate(&content)?,
        };
        let units = scale_units(&own, settings.speed * utterance.prosody.rate);
        let pooled = pool_content(&content, &units, model.networks.config().units_per_code())?;
        let sampler = Sampler::new(settings.sampling, settings.seed)?;
        // A sentence never has that many codes, so that no two draws share a position.
        let first = (sentence as u64) << 32;
        let codes = match donor {
            Some((donor, share)) => ProsodyMix::new(voice.prosody(), donor.prosody(), *share)?
                .generate(&pooled, &sampler, first)?,
            None => voice.prosody().generate(&pooled, &sampler, first)?,
        };
        let skip = units
            .first()
            .map_or(0, |lead| lead.saturating_sub(LEAD_UNITS));
        Ok(Self {
            content,
            units,
            codes,
            skip,
        })
    }

    /// Units that are spoken.
    pub fn spoken_units(&self) -> usize {
        let total: u32 = self.units.iter().sum();
        total.saturating_sub(self.skip) as usize
    }

    /// When what is heard: the sentence, its words and phones, its bookmarks; `seconds_per_unit` long units, from
    /// `start_s` on. In the order of their start.
    pub fn marks(&self, utterance: &Utterance, start_s: f64, seconds_per_unit: f64) -> Vec<Mark> {
        let mut ends = vec![0u32];
        ends.extend(self.units.iter().scan(0, |sum, units| {
            *sum += units;
            Some(*sum)
        }));
        // A pad comes before the utterance's own symbols.
        let time = |boundary: usize| {
            let units = ends
                .get(boundary + 1)
                .or(ends.last())
                .copied()
                .unwrap_or_default();
            start_s + f64::from(units.saturating_sub(self.skip)) * seconds_per_unit
        };
        let mark = |kind, text: String, symbols: Range<usize>, span: &Range<usize>| Mark {
            kind,
            text,
            start_s: time(symbols.start),
            end_s: time(symbols.end),
            span: span.clone(),
        };
        let text: Vec<&str> = utterance
            .words
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        let mut marks = vec![mark(
            MarkKind::Sentence,
            text.join(" "),
            0..utterance.phonemes.len(),
            &utterance.span,
        )];
        for (name, symbol) in &utterance.marks {
            let at = utterance
                .phonemes
                .get(*symbol)
                .map_or(utterance.span.end, |symbol| symbol.span.start);
            marks.push(mark(
                MarkKind::Bookmark,
                name.clone(),
                *symbol..*symbol,
                &(at..at),
            ));
        }
        for word in &utterance.words {
            marks.push(mark(
                MarkKind::Word,
                word.text.clone(),
                word.symbols.clone(),
                &word.span,
            ));
            for phone in phones(utterance, word.symbols.clone()) {
                let symbols = utterance.phonemes.get(phone.clone()).unwrap_or_default();
                let text = symbols.iter().map(|symbol| symbol.ch).collect();
                let first = symbols.first().map_or(0, |symbol| symbol.span.start);
                let last = symbols.last().map_or(first, |symbol| symbol.span.end);
                marks.push(mark(MarkKind::Phone, text, phone, &(first..last)));
            }
        }
        marks.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        marks
    }
}

/// The symbols of each phone: a stress mark belongs to the vowel after it, a length mark to the one before.
fn phones(utterance: &Utterance, symbols: Range<usize>) -> Vec<Range<usize>> {
    let mut phones: Vec<Range<usize>> = Vec::new();
    let mut start = symbols.start;
    for index in symbols {
        let Some(symbol) = utterance.phonemes.get(index) else {
            break;
        };
        match (symbol.ch, phones.last_mut()) {
            ('ˈ' | 'ˌ', _) => continue,
            ('ː' | 'ʰ' | 'ʲ', Some(before)) if before.end == index => before.end = index + 1,
            _ => phones.push(start..index + 1),
        }
        start = index + 1;
    }
    phones
}
