//! Voices stored for later.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::{Deserialize, Serialize};
use syrinx_models::Checkpoint;

use super::builder::{VoiceOrigin, assemble};
use super::{Colour, Voice, VoiceInfo};
use crate::engine::Engine;
use crate::reference::{self, Clip};
use crate::{Error, Result};

/// Where the header of a voice file has its description.
const VOICE: &str = "voice";

/// The tensor of a voice file that holds its colour; files of earlier versions have none.
const COLOUR: &str = "colour";

const ENDING: &str = "safetensors";

/// Names that some systems keep for devices.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// What is told about a voice made from clips: the JSON in the header of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredVoice {
    /// Name, accent and the like.
    #[serde(flatten)]
    pub info: VoiceInfo,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: VoiceOrigin,
}

/// A folder of voices made from clips, one file each.
#[derive(Debug, Clone)]
pub struct VoiceLibrary {
    folder: PathBuf,
}

impl VoiceLibrary {
    /// The library in a folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The library of the user: `SYRINX_VOICES`, or `syrinx/voices` in the system's folder for data of programs
    /// (`XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support`, `%APPDATA%`); none without a home.
    pub fn user() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        set("SYRINX_VOICES")
            .map(PathBuf::from)
            .or_else(|| data_folder(set).map(|data| data.join("syrinx").join("voices")))
            .map(Self::new)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is told about its voices, by name. Files that are no voices are passed over.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder is there but cannot be read.
    pub fn voices(&self) -> Result<Vec<StoredVoice>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&self.folder)(error)),
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut voices: Vec<StoredVoice> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|path| describe(&Checkpoint::open(path).ok()?).ok())
            .collect();
        voices.sort_by(|a, b| a.info.name.cmp(&b.info.name));
        Ok(voices)
    }

    /// What is told about the voice of this name, in any case; none if it is not there.
    ///
    /// # Errors
    /// [`Error::Weights`] or [`Error::Config`] if its file is damaged.
    pub fn find(&self, name: &str) -> Result<Option<StoredVoice>> {
        match self.path(name) {
            Ok(path) if path.is_file() => Ok(Some(describe(&Checkpoint::open(path)?)?)),
            _ => Ok(None),
        }
    }

    /// Stores a voice made from clips under its name and returns the file, which appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Config`] for a built-in voice or a name that cannot be a file's; [`Error::Io`] if the voice is there and
    /// `overwrite` is not set, or the system refuses.
    pub fn store(&self, voice: &Voice, overwrite: bool) -> Result<PathBuf> {
        let path = self.path(voice.name())?;
        fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder))?;
        voice.save(&path, overwrite)?;
        Ok(path)
    }

    /// Removes the voice of this name, in any case.
    ///
    /// # Errors
    /// [`Error::Config`] if there is none, [`Error::Io`] if the system refuses.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Config(format!(
                "no stored voice is called {name:?}; `syrinx voices` lists them"
            ))),
            removed => removed.map_err(Error::io(&path)),
        }
    }

    /// The file of a voice; equal for names that differ in case only, as they do on some systems anyway.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no name.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let lower = name.to_lowercase();
        let fault = if name.is_empty() || name.chars().count() > 64 {
            "give 1 to 64 characters"
        } else if !name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_".contains(c))
        {
            "give letters, digits, `-` and `_` only"
        } else if name.starts_with('-') {
            "begin it with a letter"
        } else if RESERVED.contains(&lower.as_str()) || is_port(&lower) {
            "some systems keep it for a device; choose another"
        } else {
            return Ok(self.folder.join(format!("{lower}.{ENDING}")));
        };
        Err(Error::Config(format!(
            "{name:?} cannot be a voice's name: {fault}"
        )))
    }
}

impl Voice {
    /// Writes a voice made from clips to a file, which appears whole or not at all; [`Engine::open_voice`] reads it.
    ///
    /// # Errors
    /// [`Error::Config`] for a built-in voice; [`Error::Io`] if the file is there and `overwrite` is not set, or the
    /// system refuses.
    pub fn save(&self, path: impl AsRef<Path>, overwrite: bool) -> Result<()> {
        let path = path.as_ref();
        let Some(origin) = self.origin() else {
            return Err(Error::Config(format!(
                "{} is a built-in voice, which needs no file",
                self.name()
            )));
        };
        let description = StoredVoice {
            info: self.info().clone(),
            origin: origin.clone(),
        };
        let description = serde_json::to_string(&description)
            .map_err(|error| Error::Config(format!("the voice cannot be stored: {error}")))?;
        let mut tensors = Vec::new();
        if let Some(colour) = self.colour() {
            tensors.push((COLOUR.to_owned(), colour.tensor()?));
        }
        let bytes = reference::write(self.references(), tensors, &[(VOICE, description)])?;
        write_whole(path, &bytes, overwrite).map_err(Error::io(path))
    }
}

/// Writes a file beside its place, then puts it there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], overwrite: bool) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut part = tempfile::Builder::new()
        .prefix(".syrinx-")
        .tempfile_in(folder)?;
    part.write_all(bytes)?;
    match overwrite {
        true => part.persist(path),
        false => part.persist_noclobber(path),
    }
    .map(drop)
    .map_err(|refused| refused.error)
}

impl Engine {
    /// Reads a voice that [`Voice::save`] wrote.
    ///
    /// One that was made for another model is made again from its clips, if all of them are still there.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Weights`] or [`Error::Config`] for a file that is none of a voice; [`Error::Config`] for
    /// a voice of another model whose clips are not there any more.
    pub fn open_voice(&self, path: impl AsRef<Path>) -> Result<Voice> {
        let path = path.as_ref();
        let file = Checkpoint::open(path)?;
        let StoredVoice { info, origin } = describe(&file)?;
        if origin.model == self.encoder()?.fingerprint() {
            let voice = assemble(self, info, origin, reference::read(&file)?)?;
            return Ok(voice.with_colour(colour(&file, self)?));
        }
        let mut builder = self
            .voice_builder()
            .name(&info.name)
            .description(&info.description)
            .accent(info.accent);
        if let Some(sex) = info.sex {
            builder = builder.sex(sex);
        }
        for source in &origin.sources {
            let there = reference::contents(&source.clip)
                .ok()
                .map(|digest| digest.hex());
            if there.is_none() || there != source.digest {
                return Err(Error::Config(format!(
                    "{} was made for another model, and its clip {} is not there any more: add the voice again, with \
                     `syrinx voices add {} CLIPS --force`",
                    info.name,
                    source.clip.display(),
                    info.name
                )));
            }
            let clip = Clip::file(&source.clip);
            builder = builder.clip(match &source.text {
                Some(text) => clip.says(text),
                None => clip,
            });
        }
        let voice = builder.build()?;
        // If it cannot be kept, it is made again the next time.
        let _ = voice.save(path, true);
        Ok(voice)
    }
}

fn describe(file: &Checkpoint) -> Result<StoredVoice> {
    let fault = |reason: String| Error::Config(format!("{}: {reason}", file.path().display()));
    let text = file
        .metadata(VOICE)
        .ok_or_else(|| fault("this is not a voice that `syrinx voices add` has stored".into()))?;
    serde_json::from_str(text)
        .map_err(|error| fault(format!("its description is damaged: {error}")))
}

/// The colour of a stored voice, if its file has one.
fn colour(file: &Checkpoint, engine: &Engine) -> Result<Option<Colour>> {
    if !file.contains(COLOUR) {
        return Ok(None);
    }
    let bands = engine.model().vocoder.mel().bands;
    Ok(Colour::read(&file.tensor(COLOUR, &Device::Cpu)?, bands))
}

/// `com1` to `lpt9`.
fn is_port(name: &str) -> bool {
    let digit = name
        .strip_prefix("com")
        .or_else(|| name.strip_prefix("lpt"));
    digit.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit()))
}

/// Where the system has data of programs.
pub(crate) fn data_folder(set: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = || set("HOME").map(PathBuf::from);
    if cfg!(windows) {
        set("APPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        Some(home()?.join("Library/Application Support"))
    } else {
        let xdg = set("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        xdg.or_else(|| Some(home()?.join(".local/share")))
    }
}

/// The folder for what can be computed again: `SYRINX_CACHE`, or `syrinx/references` in the system's folder for caches.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("SYRINX_CACHE") {
        return Some(folder.into());
    }
    let home = || set("HOME").map(PathBuf::from);
    let caches = if cfg!(windows) {
        set("LOCALAPPDATA").map(PathBuf::from)?
    } else if cfg!(target_os = "macos") {
        home()?.join("Library/Caches")
    } else {
        let xdg = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        xdg.or_else(|| Some(home()?.join(".cache")))?
    };
    Some(caches.join("syrinx").join("references"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        let library = VoiceLibrary::new("voices");
        for name in ["Anna", "anna-2", "my_voice", "Zoë", "声"] {
            assert!(library.path(name).is_ok(), "{name}");
        }
        assert_eq!(library.path("Anna").unwrap(), library.path("ANNA").unwrap());
        let long = "a".repeat(65);
        for name in [
            "", ".", "..", "../a", "a/b", "a\\b", "a.b", "a b", "-a", "con", "COM1", "a\0", &long,
        ] {
            let error = library.path(name).unwrap_err().to_string();
            assert!(error.contains("cannot be a voice's name"), "{error}");
        }
    }

    #[test]
    fn a_library_that_is_not_there_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let library = VoiceLibrary::new(folder.path().join("none"));
        assert_eq!(library.voices().unwrap(), []);
        assert_eq!(library.find("Anna").unwrap(), None);
        assert!(
            library
                .remove("Anna")
                .unwrap_err()
                .to_string()
                .contains("Anna")
        );
    }
}
