//! Where bytes go: a file that appears whole or not at all, or a stream.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// An open place for output.
pub(super) enum Destination {
    /// A file written beside its final name and renamed when complete. Dropped before that, it
    /// leaves nothing.
    File {
        part: BufWriter<NamedTempFile>,
        path: PathBuf,
        overwrite: bool,
    },
    /// Standard output, a named pipe, a device such as `/dev/null`: bytes go out as they come.
    Stream {
        inner: Box<dyn Write + Send>,
        name: String,
    },
}

impl Destination {
    /// A file at `path`; or, where `path` names a pipe or a device, that.
    ///
    /// # Errors
    /// [`Error::Io`] if the file exists and `overwrite` is not set, if the folder does not exist,
    /// or if the system refuses.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        // Writing through a link must change what it points to, not replace the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let existing = fs::metadata(&target).ok();
        match &existing {
            Some(meta) if meta.is_dir() => {
                return Err(Error::io(path)(io::ErrorKind::IsADirectory.into()));
            }
            // Renaming a file over a device or a pipe would destroy it.
            Some(meta) if !meta.is_file() => {
                let inner = File::options()
                    .write(true)
                    .open(&target)
                    .map_err(Error::io(path))?;
                return Ok(Self::stream(Box::new(inner), path.display().to_string()));
            }
            Some(_) if !overwrite => {
                return Err(Error::io(path)(io::ErrorKind::AlreadyExists.into()));
            }
            _ => {}
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".syrinx-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = existing.map_or(0o666, |meta| meta.permissions().mode());
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let part = builder.tempfile_in(folder).map_err(|error| {
            // The system's word names the temporary file, which nobody asked for.
            Error::io(path)(error.kind().into())
        })?;
        Ok(Self::File {
            part: BufWriter::with_capacity(1 << 16, part),
            path: target,
            overwrite,
        })
    }

    /// A stream under the name that messages give it.
    pub(super) fn stream(inner: Box<dyn Write + Send>, name: String) -> Self {
        Self::Stream { inner, name }
    }

    /// The file or the name of the stream.
    pub(super) fn name(&self) -> PathBuf {
        match self {
            Self::File { path, .. } => path.clone(),
            Self::Stream { name, .. } => name.into(),
        }
    }

    /// Whether [`patch`](Self::patch) will work.
    pub(super) fn is_seekable(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Writes `bytes` at the end; a stream passes them on at once.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self {
            Self::File { part, .. } => part.write_all(bytes),
            Self::Stream { inner, .. } => inner.write_all(bytes).and_then(|()| inner.flush()),
        };
        written.map_err(|error| Error::io(self.name())(error))
    }

    /// Replaces the first bytes of a file. A stream stays as it is.
    pub(super) fn patch(&mut self, bytes: &[u8]) -> Result<()> {
        let Self::File { part, path, .. } = self else {
            return Ok(());
        };
        part.seek(SeekFrom::Start(0))
            .and_then(|_| part.write_all(bytes))
            .and_then(|()| part.seek(SeekFrom::End(0)))
            .map(drop)
            .map_err(Error::io(path))
    }

    /// Gives a file its name.
    pub(super) fn commit(self) -> Result<()> {
        match self {
            Self::File {
                part,
                path,
                overwrite,
            } => {
                let part = part
                    .into_inner()
                    .map_err(|error| Error::io(&path)(error.into_error()))?;
                let kept = if overwrite {
                    part.persist(&path)
                } else {
                    part.persist_noclobber(&path)
                };
                kept.map(drop)
                    .map_err(|refused| Error::io(&path)(refused.error))
            }
            Self::Stream { mut inner, name } => inner.flush().map_err(Error::io(name)),
        }
    }
}
