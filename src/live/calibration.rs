//! What this machine was found to be fast enough for.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Preset;
use crate::voice::{data_folder, write_whole};
use crate::{Error, Result};

impl Preset {
    /// What [`remember`](Self::remember) was told last, by the same user; none if nothing usable is there.
    pub fn remembered() -> Option<Self> {
        let told = fs::read(place()?).ok()?;
        let told: Value = serde_json::from_slice(&told).ok()?;
        told["preset"].as_str()?.parse().ok()
    }

    /// Keeps it for this user, as `syrinx/live.json` in the system's folder for data of programs, and returns the file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Config`] if the user has no home.
    pub fn remember(self) -> Result<PathBuf> {
        let path = place().ok_or_else(|| {
            Error::Config("no folder for data of programs: HOME is not set".into())
        })?;
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let told = json!({ "preset": self.name() }).to_string();
        write_whole(&path, told.as_bytes(), true).map_err(Error::io(&path))?;
        Ok(path)
    }
}

fn place() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    Some(data_folder(set)?.join("syrinx").join("live.json"))
}
