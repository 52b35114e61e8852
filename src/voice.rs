//! Who speaks.

mod builder;
mod cepstral_map;
mod colour;
mod date;
mod library;
mod trial;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use syrinx_models::Checkpoint;
use syrinx_models::megatts2::{self, DurationSession, Prompt, ProsodySession, Timbre};

pub use builder::{VoiceBuilder, VoiceOrigin, VoiceSource};
pub(crate) use colour::Colour;
pub use library::{StoredVoice, VoiceLibrary};
pub(crate) use library::{cache_folder, data_folder, write_whole};
pub(crate) use trial::Trial;

use crate::engine::Model;
use crate::reference::{self, Reference};
use crate::text::Dialect;
use crate::{Error, Result};

/// The sex a voice is heard as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// Female.
    #[serde(alias = "f", alias = "Female")]
    Female,
    /// Male.
    #[serde(alias = "m", alias = "Male")]
    Male,
}

/// Which English a voice speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accent {
    /// General American.
    #[default]
    #[serde(alias = "American")]
    American,
    /// Southern British.
    #[serde(alias = "British")]
    British,
}

impl fmt::Display for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Female => "female",
            Self::Male => "male",
        })
    }
}

impl Accent {
    /// The dialect the text front end reads with.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::American => Dialect::American,
            Self::British => Dialect::British,
        }
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::American => "American",
            Self::British => "British",
        })
    }
}

/// What is told about a voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VoiceInfo {
    /// The name to ask for it by.
    pub name: String,
    /// Heard as; not known of a voice made from clips unless it was told.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// The English it speaks.
    pub accent: Accent,
    /// A sentence about how it sounds.
    pub description: String,
    /// Median fundamental frequency, Hz, where it is known.
    #[serde(default)]
    pub median_f0_hz: Option<f32>,
    /// Sentences of its own speech that the prosody and the durations are modelled on.
    #[serde(default)]
    pub prompts: usize,
    /// Gain that brings it to the loudness of the other voices, dB.
    #[serde(default)]
    pub gain_db: f32,
}

/// A voice ready to speak; cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Voice {
    inner: Arc<Inner>,
}

struct Inner {
    info: VoiceInfo,
    /// The timbre, and the prosody and duration models after they have read the voice's prompts; each sentence goes
    /// on from there.
    voice: megatts2::Voice,
    made: Option<Made>,
}

/// What is known of a voice made from clips.
#[derive(Clone)]
struct Made {
    origin: VoiceOrigin,
    references: Vec<Reference>,
    /// What its spectrum has that the networks leave out; not known before the voice has been heard.
    colour: Option<Colour>,
    warnings: Vec<String>,
}

impl Voice {
    /// Reads the voice's data and lets the networks read its prompts.
    pub(crate) fn load(model: &Model, file: &Checkpoint, info: &VoiceInfo) -> Result<Self> {
        let voice = model.networks.load_voice(file, &info.name)?;
        Ok(Self {
            inner: Arc::new(Inner {
                info: info.clone(),
                voice,
                made: None,
            }),
        })
    }

    /// A voice made from clips.
    fn made(
        info: VoiceInfo,
        voice: megatts2::Voice,
        origin: VoiceOrigin,
        references: Vec<Reference>,
        warnings: Vec<String>,
    ) -> Self {
        let made = Made {
            origin,
            references,
            colour: None,
            warnings,
        };
        Self {
            inner: Arc::new(Inner {
                info,
                voice,
                made: Some(made),
            }),
        }
    }

    /// The same voice, told of otherwise.
    fn with_info(self, info: VoiceInfo) -> Self {
        let Inner { voice, made, .. } = &*self.inner;
        Self {
            inner: Arc::new(Inner {
                info,
                voice: voice.clone(),
                made: made.clone(),
            }),
        }
    }

    /// The same voice made from clips, in this colour.
    fn with_colour(self, colour: Option<Colour>) -> Self {
        let Inner { info, voice, made } = &*self.inner;
        let made = made.clone().map(|made| Made { colour, ..made });
        Self {
            inner: Arc::new(Inner {
                info: info.clone(),
                voice: voice.clone(),
                made,
            }),
        }
    }

    /// What is added to the mel that the networks decode; nothing for a built-in voice.
    pub(crate) fn colour(&self) -> Option<&Colour> {
        let made = self.inner.made.as_ref();
        made.and_then(|made| made.colour.as_ref())
    }

    /// Where a voice made from clips comes from; none for a built-in one.
    pub fn origin(&self) -> Option<&VoiceOrigin> {
        self.inner.made.as_ref().map(|made| &made.origin)
    }

    /// What was odd about the clips it was made from, each with the clip's name before it; made for the user.
    pub fn warnings(&self) -> &[String] {
        let made = self.inner.made.as_ref();
        made.map_or(&[], |made| &made.warnings)
    }

    fn references(&self) -> &[Reference] {
        let made = self.inner.made.as_ref();
        made.map_or(&[], |made| &made.references)
    }

    /// Name, accent and the like.
    pub fn info(&self) -> &VoiceInfo {
        &self.inner.info
    }

    /// The name it was asked for by.
    pub fn name(&self) -> &str {
        &self.inner.info.name
    }

    /// Prosody codes of its prompts, the most recent last; `file` has those of the built-in voices.
    pub(crate) fn prosody_codes(&self, file: &Checkpoint) -> Result<Vec<u32>> {
        if self.inner.made.is_some() {
            let pieces = self.references().iter().flat_map(|heard| &heard.pieces);
            let prompts = pieces.flat_map(|piece| &piece.prompts);
            return Ok(prompts.flat_map(|prompt| &prompt.codes).copied().collect());
        }
        let prompts = Prompt::stored(file, self.name())?.into_iter();
        Ok(prompts.flat_map(|prompt| prompt.codes).collect())
    }

    /// Standard deviation of ln F0 in the clips it was made from; not known of a built-in voice.
    pub(crate) fn melody_spread(&self) -> Option<f32> {
        reference::melody_spread(self.references().iter().flat_map(|heard| &heard.pieces))
    }

    pub(crate) fn timbre(&self) -> &Timbre {
        &self.inner.voice.timbre
    }

    /// A prosody session that has read the prompts.
    pub(crate) fn prosody(&self) -> ProsodySession {
        self.inner.voice.prosody.fork()
    }

    /// A duration session that has read the prompts.
    pub(crate) fn durations(&self) -> DurationSession {
        self.inner.voice.durations.fork()
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Voice").field(self.info()).finish()
    }
}

/// The voice called `name`, in any case.
pub(crate) fn find<'a>(voices: &'a [VoiceInfo], name: &str) -> Option<&'a VoiceInfo> {
    let wanted = name.trim().to_lowercase();
    voices
        .iter()
        .find(|voice| voice.name.to_lowercase() == wanted)
}

/// That no voice is called `name`; lists what there is and suggests the nearest.
pub(crate) fn unknown(names: &[&str], name: &str) -> Error {
    let wanted = name.trim().to_lowercase();
    let nearest = names
        .iter()
        .map(|name| (edits(&wanted, &name.to_lowercase()), name))
        .min()
        .filter(|(edits, name)| *edits <= name.chars().count() / 2)
        .map(|(_, name)| format!("; did you mean {name:?}?"));
    Error::Config(format!(
        "no voice is called {name:?}{} The voices are {}",
        nearest.unwrap_or_else(|| ".".into()),
        names.join(", ")
    ))
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices() -> Vec<VoiceInfo> {
        let json = r#"[
            {"name": "Wren", "sex": "female", "accent": "American", "description": "", "median_f0_hz": 210.0},
            {"name": "Rook", "sex": "m", "accent": "british", "description": "", "median_f0_hz": 105.0}
        ]"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn names_are_found_in_any_case() {
        let voices = voices();
        assert_eq!(find(&voices, " wREN ").unwrap().sex, Some(Sex::Female));
        assert_eq!(find(&voices, "rook").unwrap().accent, Accent::British);
        assert_eq!(find(&voices, "wran"), None);
    }

    #[test]
    fn unknown_names_get_the_list_and_the_nearest() {
        let names = ["Wren", "Rook"];
        assert_eq!(
            unknown(&names, "wran").to_string(),
            "no voice is called \"wran\"; did you mean \"Wren\"? The voices are Wren, Rook"
        );
        assert_eq!(
            unknown(&names, "xylophone").to_string(),
            "no voice is called \"xylophone\". The voices are Wren, Rook"
        );
    }
}
