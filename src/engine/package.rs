//! The files of a model, embedded or in a folder.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::Deserialize;
use syrinx_models::Checkpoint;
use syrinx_weights::Files;

use crate::{Error, Result};

/// Where the files of a model are read from.
#[derive(Debug, Clone)]
pub(crate) enum Package {
    /// Part of this program.
    Embedded(Files),
    /// A folder of the user's.
    Folder(PathBuf),
}

/// What a configuration says of itself.
#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
}

impl Package {
    /// The path of a file, or what stands for it in messages.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Embedded(_) => format!("embedded {name}").into(),
            Self::Folder(folder) => folder.join(name),
        }
    }

    /// A file, whole.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Config`] if the folder is none of a model's.
    pub fn read(&self, name: &str) -> Result<Cow<'static, [u8]>> {
        match self {
            Self::Embedded(files) => {
                let found = files.iter().find(|(file, _)| *file == name);
                found
                    .map(|(_, bytes)| Cow::Borrowed(*bytes))
                    .ok_or_else(|| {
                        Error::Config(format!(
                            "the embedded model has no {name}: build the program again"
                        ))
                    })
            }
            Self::Folder(folder) => {
                let path = folder.join(name);
                std::fs::read(&path).map(Cow::Owned).map_err(|source| match folder.metadata() {
                    Ok(there) if there.is_dir() && source.kind() == std::io::ErrorKind::NotFound => Error::Config(format!(
                        "{}: there is no {name} in it; a folder of weights holds config.json, voices.json and \
                         acoustic, plm, adm, vocoder and voices.safetensors (and aligner.safetensors, if config.json \
                         has a section for it)",
                        folder.display()
                    )),
                    Ok(there) if !there.is_dir() => Error::Config(format!(
                        "{}: not a folder; give the folder that holds config.json and the safetensors files",
                        folder.display()
                    )),
                    _ => Error::io(&path)(source),
                })
            }
        }
    }

    /// A JSON file.
    ///
    /// # Errors
    /// As [`Package::read`], and [`Error::Config`] for JSON that is malformed or about something else.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let bytes = self.read(name)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Config(format!("{}: {error}", self.path(name).display())))
    }

    /// That the JSON file `name` says it is of `format`, in the `version` that this program reads; `hint` asks what else
    /// it might be.
    ///
    /// # Errors
    /// As [`Package::json`], and [`Error::Config`] for another format or version.
    pub fn check_format(&self, name: &str, format: &str, version: u32, hint: &str) -> Result<()> {
        let fault = |text: String| Error::Config(format!("{}: {text}", self.path(name).display()));
        let found: Format = self.json(name)?;
        if found.format != format {
            return Err(fault(format!(
                "the format is {:?}, expected {format:?}: {hint}",
                found.format
            )));
        }
        if found.version != version {
            return Err(fault(format!(
                "version {} of the format; this program reads version {version}: update the older of the two",
                found.version
            )));
        }
        Ok(())
    }

    /// A safetensors file.
    ///
    /// # Errors
    /// As [`Package::read`], and [`Error::Weights`] for a file that is truncated or something else.
    pub fn checkpoint(&self, name: &str) -> Result<Checkpoint<'static>> {
        Ok(Checkpoint::from_bytes(self.path(name), self.read(name)?)?)
    }
}
