//! What the networks make of a clip.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use syrinx_models::aligner::Aligner;
use syrinx_models::megatts2::{
    AcousticFrames, MegaTts2, Prompt, ProsodyConfig, Timbre, TimbreConfig,
};
use syrinx_vocoder::kernel;
use syrinx_vocoder::mel::{Mel, MelConfig};
use syrinx_vocoder::pitch::{Pitch, PitchConfig};

use super::clip::Clip;
use super::digest::Digest;
use super::recording::Recording;
use super::resynthesis::Resynthesis;
use super::spectrum::Spectrum;
use super::speech::Speech;
use crate::engine::Model;
use crate::text::FrontEnd;
use crate::{Error, Result};

/// Changes whenever the same clip would be encoded differently by the same networks.
const VERSION: u32 = 1;

/// A clip as the networks know it.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The clip it was made from.
    pub name: String,
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
    /// What the user should know of the clip.
    pub warnings: Vec<String>,
}

/// A stretch of a clip.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Timbre keys, [M, K].
    pub keys: Tensor,
    /// Its prosody, and its symbols and durations where the text is known.
    pub prompts: Vec<Prompt>,
    /// How long it is.
    pub seconds: f64,
    /// Its melody.
    pub melody: Melody,
    /// Its long-term spectrum, at the level that references are brought to; none in files of earlier versions.
    pub spectrum: Option<Spectrum>,
    /// The same sounds as recorded and as the networks speak them; none of a model without an aligner, of later pieces
    /// of a clip, and in files of earlier versions.
    pub resynthesis: Option<Resynthesis>,
}

/// What is heard in a piece of a clip.
struct Heard {
    /// [bands, T].
    mel: Tensor,
    /// Hz, 0 where unvoiced, `[T]`.
    f0_hz: Vec<f32>,
    melody: Melody,
    /// Of its prosody.
    codes: Vec<u32>,
    timbre: Timbre,
    /// The likeliest symbol of every unit that is spoken again, if they were to be named.
    symbols: Option<Vec<u32>>,
}

/// How high a stretch of speech lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Melody {
    /// Median F0 of the voiced frames, Hz; 0 where there are none.
    median_f0_hz: f32,
    /// Standard deviation of ln F0 by its 10th and 90th percentile; 0 if it is not known.
    #[serde(default)]
    spread: f32,
    /// Number of voiced frames.
    voiced: usize,
}

impl Melody {
    /// Of F0, Hz, 0 where unvoiced.
    fn of(mut f0: Vec<f32>) -> Self {
        f0.retain(|&hz| hz > 0.0);
        f0.sort_unstable_by(f32::total_cmp);
        Self {
            median_f0_hz: f0.get(f0.len() / 2).copied().unwrap_or_default(),
            spread: spread(&f0),
            voiced: f0.len(),
        }
    }

    /// The median F0, Hz, unless of too few frames.
    fn known(self) -> Option<f32> {
        (self.voiced >= FEW_FRAMES).then_some(self.median_f0_hz)
    }
}

impl Reference {
    /// Seconds of speech.
    pub fn seconds(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.seconds).sum()
    }
}

/// Clips to references, with the networks of one model.
pub(crate) struct Encoder {
    networks: MegaTts2,
    aligner: Option<Arc<Aligner>>,
    mel: Mel,
    pitch: Pitch,
    fingerprint: String,
}

/// What a fingerprint stands for, apart from the weights.
#[derive(Serialize)]
struct Recipe<'a> {
    version: u32,
    mel: &'a MelConfig,
    timbre: &'a TimbreConfig,
    prosody: &'a ProsodyConfig,
}

/// Fewer voiced frames tell nothing of how high a voice lies.
const FEW_FRAMES: usize = 9;

/// Fewer voiced frames tell nothing of how far a melody spreads.
const FEW_TO_SPREAD: usize = 40;

/// Pieces of a clip that are spoken again.
const SPOKEN_AGAIN: usize = 3;

/// Frames of each of them that are, from its start: 8 s. It costs as much as all else that is done to a clip.
const SPOKEN_AGAIN_FRAMES: usize = 640;

/// The symbol that begins and ends what is spoken.
const EDGE: u32 = 0;

/// Where a voice is taken to lie whose height is unknown, ln Hz, as in training.
const UNKNOWN: f64 = 5.0;

/// Mels are moved along frequency by no more than this, ln, as in training.
const FARTHEST: f64 = 0.7;

/// The median F0, Hz, of pieces together: the mean of the logarithms of theirs, by their voiced frames. None of too few.
pub(crate) fn median_f0_hz(pieces: &[Piece]) -> Option<f32> {
    let heard = pieces
        .iter()
        .map(|piece| piece.melody)
        .filter(|melody| melody.voiced > 0);
    let (sum, voiced) = heard.fold((0.0, 0), |(sum, voiced), melody| {
        let weight = melody.voiced as f64;
        (
            sum + weight * f64::from(melody.median_f0_hz).ln(),
            voiced + melody.voiced,
        )
    });
    (voiced >= FEW_FRAMES).then(|| (sum / voiced as f64).exp() as f32)
}

/// How far the melody of pieces spreads, the standard deviation of ln F0 within them. None of too few voiced frames.
pub(crate) fn melody_spread<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Option<f32> {
    let known = pieces
        .map(|piece| piece.melody)
        .filter(|melody| melody.spread > 0.0);
    let (sum, voiced) = known.fold((0.0, 0), |(sum, voiced), melody| {
        (
            sum + melody.voiced as f32 * melody.spread,
            voiced + melody.voiced,
        )
    });
    (voiced >= FEW_TO_SPREAD).then(|| sum / voiced as f32)
}

/// The standard deviation of ln F0 of voiced frames, sorted: that of a normal distribution whose 10th and 90th percentile
/// lie as far apart, so that a few octave errors change nothing. 0 of too few.
pub(crate) fn spread(sorted_hz: &[f32]) -> f32 {
    if sorted_hz.len() < FEW_FRAMES {
        return 0.0;
    }
    let at = |share: f32| sorted_hz[(share * (sorted_hz.len() - 1) as f32) as usize];
    (at(0.9) / at(0.1)).ln() / 2.563
}

impl Encoder {
    /// # Errors
    /// [`Error::Compute`] only.
    pub fn new(model: &Model, acoustic: &syrinx_models::Checkpoint) -> Result<Self> {
        let mel = model.vocoder.mel().clone();
        let config = model.networks.config();
        let recipe = Recipe {
            version: VERSION,
            mel: &mel,
            timbre: &config.timbre,
            prosody: &config.prosody,
        };
        let pitch = PitchConfig {
            rate_hz: mel.rate_hz,
            hop: mel.hop,
            ..PitchConfig::starter()
        };
        Ok(Self {
            fingerprint: fingerprint(&recipe, acoustic)?,
            pitch: Pitch::new(pitch)?,
            networks: model.networks.clone(),
            aligner: model.aligner.clone(),
            mel: Mel::new(mel)?,
        })
    }

    /// Names the networks that encode, so that what others made is not taken for theirs.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Hears a clip. `front_end` reads its text, if it has one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Audio`] or [`Error::Input`], naming the clip.
    pub fn encode(&self, clip: &Clip, front_end: &FrontEnd) -> Result<Reference> {
        let name = clip.name();
        let recording = Recording::read(clip, self.mel.config().rate_hz)?;
        let speech = Speech::find(&name, recording)?;
        let mut pieces = Vec::with_capacity(speech.pieces.len());
        for (at, samples) in speech.pieces.iter().enumerate() {
            let heard = self.hear(samples, at < SPOKEN_AGAIN)?;
            let spectrum = Spectrum::of(&heard.mel, &heard.f0_hz)?;
            let resynthesis = match &heard.symbols {
                Some(symbols) => {
                    let spoken = self.spoken_again(symbols, &heard)?;
                    let recorded = (&heard.mel, heard.f0_hz.as_slice());
                    let spoken = (&spoken.mel, spoken.f0_hz.as_slice());
                    Some(Resynthesis::of(recorded, spoken)?)
                }
                None => None,
            };
            let seconds = samples.len() as f64 / f64::from(self.mel.config().rate_hz);
            let prompt = match clip.text() {
                Some(_) => None,
                None => Some(Prompt {
                    ids: Vec::new(),
                    units: Vec::new(),
                    codes: heard.codes,
                }),
            };
            pieces.push(Piece {
                keys: heard.timbre.keys().clone(),
                prompts: prompt.into_iter().collect(),
                seconds,
                melody: heard.melody,
                spectrum: Some(spectrum),
                resynthesis,
            });
        }
        if let Some(text) = clip.text() {
            let prompts = self
                .align(&speech, text, front_end, median_f0_hz(&pieces))
                .map_err(|error| match error {
                    Error::Input(text) => Error::Input(format!("{name}: {text}")),
                    other => other,
                })?;
            if let Some(first) = pieces.first_mut() {
                first.prompts = prompts;
            }
        }
        Ok(Reference {
            name,
            pieces,
            warnings: speech.warnings,
        })
    }

    /// What is heard in `samples`; the sounds are named if they are to be `spoken_again`. The melody and the sounds are heard side by
    /// side where there are threads, as following a pitch keeps but one busy.
    fn hear(&self, samples: &[f32], spoken_again: bool) -> Result<Heard> {
        let mel = self.mel(samples)?;
        let melody = || {
            let f0_hz = self.pitch.track(samples)?;
            let melody = Melody::of(f0_hz.clone());
            let codes = self.codes(&mel, melody.known())?;
            Ok((f0_hz, melody, codes))
        };
        let sounds = || {
            let timbre = self.networks.acoustic.timbre(std::slice::from_ref(&mel))?;
            let symbols = match &self.aligner {
                Some(aligner) if spoken_again => {
                    let frames = mel.dim(1)?.min(SPOKEN_AGAIN_FRAMES);
                    let start = mel.narrow(1, 0, frames)?.contiguous()?;
                    Some(aligner.posteriors(&start)?.argmax(1)?.to_vec1()?)
                }
                _ => None,
            };
            Ok((timbre, symbols))
        };
        let (melody, sounds): (Result<_>, Result<_>) = match kernel::threads() {
            1 => (melody(), sounds()),
            _ => thread::scope(|scope| {
                let melody = scope.spawn(melody);
                let sounds = sounds();
                let melody = melody.join();
                (melody.unwrap_or_else(|panic| resume_unwind(panic)), sounds)
            }),
        };
        let ((f0_hz, melody, codes), (timbre, symbols)) = (melody?, sounds?);
        Ok(Heard {
            mel,
            f0_hz,
            melody,
            codes,
            timbre,
            symbols,
        })
    }

    /// The `symbols` of every unit as the networks speak them in the timbre and with the prosody that are heard.
    fn spoken_again(&self, symbols: &[u32], heard: &Heard) -> Result<AcousticFrames> {
        let acoustic = &self.networks.acoustic;
        let (mut ids, mut units) = (vec![EDGE], vec![1]);
        let inside = symbols.get(1..symbols.len().saturating_sub(1));
        for &id in inside.unwrap_or_default().iter().chain([&EDGE]) {
            match (ids.last() == Some(&id), units.last_mut()) {
                (true, Some(last)) => *last += 1,
                _ => {
                    ids.push(id);
                    units.push(1);
                }
            }
        }
        let timbre = match heard.melody.known() {
            Some(hz) => acoustic.at_register(&heard.timbre, hz)?,
            None => heard.timbre.clone(),
        };
        let content = acoustic.content(&ids)?;
        let lasts = symbols.len().div_ceil(acoustic.config().units_per_code());
        // More were heard if only the start is spoken again.
        let codes = heard.codes.get(..lasts).unwrap_or(&heard.codes);
        Ok(acoustic.decode(&content, &timbre, &units, codes)?)
    }

    /// Prompts with content: a sentence of `text` each, with the durations it has in the recording.
    fn align(
        &self,
        speech: &Speech,
        text: &str,
        front_end: &FrontEnd,
        f0_hz: Option<f32>,
    ) -> Result<Vec<Prompt>> {
        let Some(aligner) = &self.aligner else {
            return Err(Error::Config(
                "this model has no aligner, which finds the words of a text in a recording: leave the text out, or use \
                 weights with aligner.safetensors"
                    .into(),
            ));
        };
        let utterances = front_end.utterances(text).collect::<Result<Vec<_>, _>>()?;
        let sentences: Vec<Vec<u32>> = utterances.iter().map(|u| u.ids()).collect();
        let mel = self.mel(&speech.samples())?;
        let units = aligner.align(&mel, &sentences.concat())?.units;

        let per_unit = self.networks.config().frames_per_unit;
        let frames = mel.dim(1)?;
        let (mut symbols, mut start) = (0, 0);
        let mut prompts = Vec::with_capacity(sentences.len());
        for ids in sentences {
            let units = units[symbols..symbols + ids.len()].to_vec();
            symbols += ids.len();
            let lasts = units.iter().sum::<u32>() as usize * per_unit;
            // The aligner hears an odd last frame twice.
            let end = (start + lasts).min(frames);
            let codes = self.codes(&mel.narrow(1, start, end - start)?, f0_hz)?;
            start = end;
            prompts.push(Prompt { ids, units, codes });
        }
        Ok(prompts)
    }

    /// Prosody codes of a mel [bands, T] of a voice of this median F0: taken at the register of the model, if it has one.
    fn codes(&self, mel: &Tensor, f0_hz: Option<f32>) -> Result<Vec<u32>> {
        let acoustic = &self.networks.acoustic;
        let Some(register_hz) = acoustic.config().prosody.register_hz else {
            return Ok(acoustic.prosody_codes(mel)?);
        };
        let own = f0_hz.map_or(UNKNOWN, |hz| f64::from(hz).ln());
        let by = (f64::from(register_hz).ln() - own).clamp(-FARTHEST, FARTHEST);
        Ok(acoustic.prosody_codes(&self.mel.config().warp(&mel.contiguous()?, by.exp())?)?)
    }

    /// [bands, T].
    fn mel(&self, samples: &[f32]) -> Result<Tensor> {
        Ok(self.mel.tensor(samples, &Device::Cpu)?.squeeze(0)?)
    }
}

/// Of all that decides what a clip becomes: the front end, and the weights of the two encoders.
fn fingerprint(recipe: &Recipe, acoustic: &syrinx_models::Checkpoint) -> Result<String> {
    let recipe = serde_json::to_vec(recipe).map_err(|error| Error::Config(error.to_string()))?;
    let mut digest = Digest::of(&recipe);
    let mut names = acoustic.names();
    names.retain(|name| name.starts_with("timbre.") || name.starts_with("prosody."));
    names.sort_unstable();
    for name in names {
        digest.add(name.as_bytes());
        let values = acoustic.tensor(&name, &Device::Cpu)?;
        for value in values.flatten_all()?.to_vec1::<f32>()? {
            digest.add(&value.to_le_bytes());
        }
    }
    Ok(digest.hex())
}
