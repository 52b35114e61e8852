//! A recording that is a valid file at any moment.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::quantise::Quantiser;
use super::{Clipping, SampleFormat, Spec, Written, wav};
use crate::{Error, Result};

/// A WAV file (16 bit, one channel) of something that may end at any time.
///
/// A [`Writer`](super::Writer) makes a file appear when it is complete; this one is there from its first sample on, and its
/// header is put right twice a second, so that after a crash or a power cut it plays up to then. Until the first sample a file
/// that it replaces is as it was: what cannot begin loses nothing.
pub struct Recording {
    file: File,
    path: PathBuf,
    /// Whether there was such a file before.
    replaces: bool,
    begun: bool,
    spec: Spec,
    quantiser: Quantiser,
    bytes: Vec<u8>,
    frames: u64,
    /// Frames that the header tells of.
    told: u64,
}

impl Recording {
    /// Starts a recording of one channel at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file exists and may not be replaced, or cannot be made.
    pub fn create(path: impl AsRef<Path>, rate_hz: u32, overwrite: bool) -> Result<Self> {
        let path = path.as_ref();
        let mut options = File::options();
        options.write(true);
        match overwrite {
            true => options.create(true),
            false => options.create_new(true),
        };
        let replaces = path.exists();
        Ok(Self {
            file: options.open(path).map_err(Error::io(path))?,
            path: path.to_owned(),
            replaces,
            begun: false,
            spec: Spec::mono(rate_hz),
            quantiser: Quantiser::new(SampleFormat::S16, Clipping::default(), None),
            bytes: Vec::new(),
            frames: 0,
            told: 0,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds samples.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.begin()?;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.quantiser.bytes(&[samples], &mut bytes);
        self.put(&bytes)?;
        self.bytes = bytes;
        self.frames += samples.len() as u64;
        if self.frames - self.told >= u64::from(self.spec.rate_hz) / 2 {
            self.tell()?;
        }
        Ok(())
    }

    /// Puts the header right.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn finish(mut self) -> Result<Written> {
        self.begin()?;
        self.tell()?;
        let header = self.header().len() as u64;
        Ok(Written {
            frames: self.frames,
            bytes: header + 2 * self.frames,
            clipped: self.quantiser.clipped,
            invalid: self.quantiser.invalid,
        })
    }

    /// Replaces what was there with a header.
    fn begin(&mut self) -> Result<()> {
        if !self.begun {
            // Opened anew, as a device such as /dev/null has no length that could be set.
            self.file = File::create(&self.path).map_err(Error::io(&self.path))?;
            self.begun = true;
            let header = self.header();
            self.put(&header)?;
        }
        Ok(())
    }

    fn tell(&mut self) -> Result<()> {
        let header = self.header();
        let done = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&header))
            .and_then(|()| self.file.seek(SeekFrom::End(0)));
        done.map_err(Error::io(&self.path))?;
        self.told = self.frames;
        Ok(())
    }

    fn header(&self) -> Vec<u8> {
        wav::header(self.spec, SampleFormat::S16, Some(2 * self.frames))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io(&self.path))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Whoever drops it without `finish` has something worse to report.
        if self.begun {
            let _ = self.tell();
        } else if !self.replaces {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Decoder;

    #[test]
    fn it_is_valid_at_any_moment_and_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let frames = || {
            Decoder::open(&path)
                .unwrap()
                .read_all()
                .unwrap()
                .audio
                .frames()
        };
        let mut recording = Recording::create(&path, 8_000, false).unwrap();
        recording.write(&vec![0.25; 4_500]).unwrap();
        recording.write(&vec![0.25; 100]).unwrap();
        assert_eq!(frames(), 4_500, "up to the last header");
        drop(recording);
        assert_eq!(frames(), 4_600);
        assert!(Recording::create(&path, 8_000, false).is_err());
        let written = Recording::create(&path, 8_000, true).unwrap().finish();
        assert_eq!(written.unwrap().frames, 0);
    }

    #[test]
    fn what_never_begins_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        drop(Recording::create(&path, 8_000, false).unwrap());
        assert!(!path.exists());
        std::fs::write(&path, "an earlier take").unwrap();
        drop(Recording::create(&path, 8_000, true).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"an earlier take");
    }

    #[cfg(unix)]
    #[test]
    fn it_may_go_to_a_device_without_a_length() {
        let mut recording = Recording::create("/dev/null", 8_000, true).unwrap();
        recording.write(&[0.25; 5_000]).unwrap();
        assert_eq!(recording.finish().unwrap().frames, 5_000);
    }
}
