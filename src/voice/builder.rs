//! Voices made from recordings.

use std::path::PathBuf;
use std::time::SystemTime;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use syrinx_models::megatts2::Prompt;

use super::trial::Trial;
use super::{Accent, Sex, Voice, VoiceInfo, date};
use crate::engine::Engine;
use crate::reference::{
    self, Clip, LONGEST_S, Piece, Reference, Resynthesis, SHORTEST_S, Spectrum, median_f0_hz,
};
use crate::{Error, Result};

/// The speech level of the built-in voices, dB: theirs are -20.2 to -22.0, the mean is this.
const LEVEL_DB: f32 = -21.4;

/// No voice is made louder or softer than by so much, dB.
const MOST_GAIN_DB: f32 = 20.0;

/// A voice to be made from clips, see [`Engine::voice_builder`].
#[derive(Debug, Clone)]
pub struct VoiceBuilder {
    engine: Engine,
    name: Option<String>,
    description: String,
    sex: Option<Sex>,
    accent: Accent,
    clips: Vec<Clip>,
}

/// Where a voice comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VoiceOrigin {
    /// The clips it was made from.
    pub sources: Vec<VoiceSource>,
    /// Seconds of speech that were used.
    pub speech_s: f64,
    /// When it was made, UTC, as `2026-01-31T12:00:00Z`.
    pub created: String,
    /// Fingerprint of the model it was made for; others need it to be made again.
    pub model: String,
}

/// A clip that a voice was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VoiceSource {
    /// The file, absolute, or the name of samples in memory.
    pub clip: PathBuf,
    /// Hash of its contents, if it is a file.
    pub digest: Option<String>,
    /// What is said in it, if that was told.
    pub text: Option<String>,
    /// Seconds of speech in it.
    pub speech_s: f64,
}

impl VoiceBuilder {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            name: None,
            description: String::new(),
            sex: None,
            accent: Accent::default(),
            clips: Vec::new(),
        }
    }

    /// Its name; that of the first clip unless given.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A sentence about it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The sex it is heard as.
    #[must_use]
    pub fn sex(mut self, sex: Sex) -> Self {
        self.sex = Some(sex);
        self
    }

    /// The English it speaks; American unless given.
    #[must_use]
    pub fn accent(mut self, accent: Accent) -> Self {
        self.accent = accent;
        self
    }

    /// Adds a recording.
    #[must_use]
    pub fn clip(mut self, clip: impl Into<Clip>) -> Self {
        self.clips.push(clip.into());
        self
    }

    /// Adds recordings.
    #[must_use]
    pub fn clips<C: Into<Clip>>(mut self, clips: impl IntoIterator<Item = C>) -> Self {
        self.clips.extend(clips.into_iter().map(Into::into));
        self
    }

    /// Listens to the clips. What was odd about them is told by [`Voice::warnings`].
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Audio`] naming the clip that cannot be used; [`Error::Audio`] for less than a second
    /// of speech in all; [`Error::Input`] for a text that does not fit its clip; [`Error::Config`] for no clips, or a
    /// text if the model has no aligner.
    pub fn build(self) -> Result<Voice> {
        let Some(first) = self.clips.first() else {
            return Err(Error::Config("a voice needs a clip to be made from".into()));
        };
        let name = self.name.clone().unwrap_or_else(|| match first.path() {
            Some(path) => path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            None => first.name(),
        });
        let references: Vec<Reference> = self
            .clips
            .iter()
            .map(|clip| self.engine.reference(clip, self.accent.dialect()))
            .collect::<Result<_>>()?;
        let speech_s: f64 = references.iter().map(Reference::seconds).sum();
        if speech_s < SHORTEST_S {
            let names: Vec<String> = self.clips.iter().map(Clip::name).collect();
            return Err(Error::audio(
                names.join(", "),
                format!(
                    "{speech_s:.2} s of speech are too short; give at least {SHORTEST_S:.0} s, better 10 s"
                ),
            ));
        }
        let sources = self.clips.iter().zip(&references).map(source).collect();
        let origin = VoiceOrigin {
            sources,
            speech_s: speech_s.min(LONGEST_S),
            created: date::utc(SystemTime::now()),
            model: self.engine.encoder()?.fingerprint().to_owned(),
        };
        let info = VoiceInfo {
            name,
            sex: self.sex,
            accent: self.accent,
            description: self.description,
            median_f0_hz: None,
            prompts: 0,
            gain_db: 0.0,
        };
        let voice = assemble(&self.engine, info, origin, references)?;
        let pieces = || voice.references().iter().flat_map(|heard| &heard.pieces);
        let heard = Spectrum::together(pieces().filter_map(|piece| piece.spectrum.as_ref()));
        let spoken = Resynthesis::together(pieces().filter_map(|piece| piece.resynthesis.as_ref()));
        let trial = match spoken {
            Some(_) => Trial::repeated(&self.engine, &voice)?,
            None => Trial::of(&self.engine, &voice)?,
        };
        let colour = trial.colour(&heard, spoken.as_ref())?;
        let level = trial.level_db(&self.engine, colour.as_ref())?;
        let gain_db = if level.is_finite() {
            LEVEL_DB - level
        } else {
            0.0
        };
        let info = VoiceInfo {
            gain_db: gain_db.clamp(-MOST_GAIN_DB, MOST_GAIN_DB),
            ..voice.info().clone()
        };
        Ok(voice.with_colour(colour).with_info(info))
    }
}

fn source((clip, reference): (&Clip, &Reference)) -> VoiceSource {
    let path = clip.path();
    let absolute = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.into()));
    let digest = path.and_then(|path| reference::contents(path).ok());
    VoiceSource {
        clip: absolute.unwrap_or_else(|| clip.name().into()),
        digest: digest.map(|digest| digest.hex()),
        text: clip.text().map(str::to_owned),
        speech_s: reference.seconds(),
    }
}

/// A voice from what has been heard; `info` but for what that tells.
pub(super) fn assemble(
    engine: &Engine,
    mut info: VoiceInfo,
    origin: VoiceOrigin,
    references: Vec<Reference>,
) -> Result<Voice> {
    let mut warnings: Vec<String> = Vec::new();
    for reference in &references {
        let told = reference.warnings.iter();
        warnings.extend(told.map(|told| format!("{}: {told}", reference.name)));
    }
    let (mut pieces, mut seconds, mut left_out) = (Vec::<Piece>::new(), 0.0, false);
    for piece in references.iter().flat_map(|reference| &reference.pieces) {
        seconds += piece.seconds;
        if seconds > LONGEST_S {
            left_out = true;
            break;
        }
        pieces.push(piece.clone());
    }
    if left_out {
        warnings.push(format!(
            "of more than {:.0} minutes of speech, the first {:.0} are used",
            LONGEST_S / 60.0,
            LONGEST_S / 60.0
        ));
    }
    let networks = &engine.model().networks;
    let keys: Vec<&Tensor> = pieces.iter().map(|piece| &piece.keys).collect();
    let mut timbre = networks
        .acoustic
        .timbre_from_keys(&Tensor::cat(&keys, 0)?)?;
    info.median_f0_hz = median_f0_hz(&pieces);
    if let Some(register_hz) = info.median_f0_hz {
        timbre = networks.acoustic.at_register(&timbre, register_hz)?;
    }
    let prompts: Vec<Prompt> = pieces.into_iter().flat_map(|piece| piece.prompts).collect();
    let known = prompts.iter().filter(|prompt| !prompt.ids.is_empty());
    info.prompts = known.count();
    let voice = networks.voice(timbre, &prompts)?;
    Ok(Voice::made(info, voice, origin, references, warnings))
}
