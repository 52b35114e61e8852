//! `--timing`: when each word is heard, in a file beside the audio.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use syrinx::text::timing::Format;
use tempfile::NamedTempFile;

use super::Failure;
use super::render::Spoken;

/// A timing file to be.
#[derive(Debug, Clone)]
pub struct Timing {
    path: PathBuf,
    format: Format,
}

impl Timing {
    /// The format follows from the ending of `path`.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let Some(format) = Format::of(path) else {
            return Err(Failure::usage(format!(
                "{}: times are written as .srt, .vtt or .json; end the name in one of them",
                path.display()
            )));
        };
        Ok(Self {
            path: path.to_owned(),
            format,
        })
    }

    /// The file it will become.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if its folder is not there, which is better told before the work than after it.
    pub fn check_folder(&self) -> Result<(), Failure> {
        match self.folder().is_dir() {
            true => Ok(()),
            false => Err(syrinx::Error::io(&self.path)(io::ErrorKind::NotFound.into()).into()),
        }
    }

    /// The folder it will be in.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Writes it under a temporary name beside its own.
    pub fn prepare(&self, spoken: &Spoken) -> Result<Prepared, Failure> {
        let text = self.format.render(&spoken.marks, &spoken.source);
        let refused = |error: io::Error| {
            // The system's word names the temporary file, which nobody asked for.
            syrinx::Error::io(&self.path)(error.kind().into())
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".syrinx-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut part = builder.tempfile_in(self.folder()).map_err(refused)?;
        part.write_all(text.as_bytes()).map_err(refused)?;
        Ok(Prepared {
            part,
            path: self.path.clone(),
        })
    }
}

/// A timing file without its name.
#[derive(Debug)]
pub struct Prepared {
    part: NamedTempFile,
    path: PathBuf,
}

impl Prepared {
    /// Gives the file its name.
    pub fn keep(self, overwrite: bool) -> Result<(), Failure> {
        let kept = match overwrite {
            true => self.part.persist(&self.path),
            false => self.part.persist_noclobber(&self.path),
        };
        let kept = kept.map_err(|refused| syrinx::Error::io(&self.path)(refused.error));
        Ok(kept.map(drop)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_chooses_the_format() {
        assert!(Timing::new(Path::new("a.SRT")).is_ok());
        let failure = Timing::new(Path::new("a.txt")).unwrap_err();
        assert!(failure.message().unwrap().contains(".srt, .vtt or .json"));
    }
}
