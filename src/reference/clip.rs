//! A recording given as a reference.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::audio::{Audio, Decoder, Flaw};

/// A recording of a speaker: a file of any format that [`Decoder`] reads, or samples in memory.
///
/// A second to ten minutes of one person, in all clips of a voice together; ten seconds are plenty. Silence is cut
/// out, the level does not matter, noise and music do.
#[derive(Debug, Clone)]
pub struct Clip {
    source: Source,
    text: Option<String>,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Memory { name: String, audio: Audio },
}

impl Clip {
    /// A file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            source: Source::File(path.into()),
            text: None,
        }
    }

    /// Samples in memory; messages call them `name`.
    pub fn audio(name: impl Into<String>, audio: Audio) -> Self {
        let name = name.into();
        Self {
            source: Source::Memory { name, audio },
            text: None,
        }
    }

    /// Tells what is said in it. The prosody model then knows which sound each prosody code belongs to, and the
    /// duration model how fast the speaker speaks; without it the one hears the melody alone and the other nothing.
    #[must_use]
    pub fn says(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// What is said in it, if it was told.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The file, or the name of the samples.
    pub fn name(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Memory { name, .. } => name.clone(),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Memory { .. } => None,
        }
    }

    /// Its blocks of samples, as they are decoded.
    pub(super) fn open(&self) -> Result<Blocks> {
        match &self.source {
            Source::File(path) => Ok(Blocks::File(Box::new(Decoder::open(path)?))),
            Source::Memory { audio, .. } => Ok(Blocks::Memory(Some(audio.clone()))),
        }
    }
}

impl From<&str> for Clip {
    fn from(path: &str) -> Self {
        Self::file(path)
    }
}

impl From<String> for Clip {
    fn from(path: String) -> Self {
        Self::file(path)
    }
}

impl From<&Path> for Clip {
    fn from(path: &Path) -> Self {
        Self::file(path)
    }
}

impl From<&PathBuf> for Clip {
    fn from(path: &PathBuf) -> Self {
        Self::file(path)
    }
}

impl From<PathBuf> for Clip {
    fn from(path: PathBuf) -> Self {
        Self::file(path)
    }
}

impl From<Audio> for Clip {
    fn from(audio: Audio) -> Self {
        Self::audio("the recording", audio)
    }
}

/// A clip, block by block.
pub(super) enum Blocks {
    File(Box<Decoder>),
    Memory(Option<Audio>),
}

impl Blocks {
    pub fn flaws(&self) -> &[Flaw] {
        match self {
            Self::File(decoder) => decoder.flaws(),
            Self::Memory(_) => &[],
        }
    }
}

impl Iterator for Blocks {
    type Item = Result<Audio>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(decoder) => decoder.next(),
            Self::Memory(audio) => audio.take().map(Ok),
        }
    }
}
