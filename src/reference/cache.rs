//! References that have been encoded before.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use candle_core::Tensor;
use syrinx_models::Checkpoint;

use super::clip::Clip;
use super::digest::Digest;
use super::encoding::{Piece, Reference};
use super::storage;
use crate::Result;

/// The most entries that are kept, and their bytes together; the oldest go first.
const MOST_ENTRIES: usize = 200;
const MOST_BYTES: u64 = 64 << 20;

/// Changes whenever entries hold more than before; older ones are made again.
const CONTENTS: &str = "resynthesis";

/// Bytes at the beginning and at the end of a file that name its contents, with its length: more than is listened to
/// of any but the largest formats.
const HEAD: u64 = 64 << 20;
const TAIL: u64 = 1 << 20;

/// A folder of encoded references; what goes wrong with it costs time, never the result.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The reference of a clip that has been stored, or what `encode` makes of it, which is stored then.
    ///
    /// # Errors
    /// Those of `encode`.
    pub fn reference(
        &self,
        clip: &Clip,
        fingerprint: &str,
        encode: impl FnOnce() -> Result<Reference>,
    ) -> Result<Reference> {
        let Some(path) = self.entry(clip, fingerprint) else {
            return encode();
        };
        if let Some(reference) = load(&path) {
            return Ok(Reference {
                name: clip.name(),
                ..reference
            });
        }
        let reference = encode()?;
        // A folder that cannot be written is no reason not to speak.
        let _ = self.store(&path, &reference);
        Ok(reference)
    }

    /// The file of a clip's entry; none for samples in memory, files that cannot be read, and clips whose text is told,
    /// which depend on more than the encoders.
    fn entry(&self, clip: &Clip, fingerprint: &str) -> Option<PathBuf> {
        if clip.text().is_some() {
            return None;
        }
        let mut digest = contents(clip.path()?).ok()?;
        digest.add(fingerprint.as_bytes());
        digest.add(CONTENTS.as_bytes());
        Some(self.folder.join(format!("{}.safetensors", digest.hex())))
    }

    fn store(&self, path: &Path, reference: &Reference) -> Result<()> {
        let bytes = storage::write(std::slice::from_ref(reference), Vec::new(), &[])?;
        fs::create_dir_all(&self.folder).map_err(crate::Error::io(&self.folder))?;
        let written = || {
            let mut part = tempfile::NamedTempFile::new_in(&self.folder)?;
            part.write_all(&bytes)?;
            part.persist(path).map_err(|error| error.error)
        };
        written().map_err(crate::Error::io(path))?;
        self.trim();
        Ok(())
    }

    /// Removes the oldest entries beyond what is kept.
    fn trim(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let is_ours = entry.path().extension()? == "safetensors";
                let meta = entry
                    .metadata()
                    .ok()
                    .filter(|meta| is_ours && meta.is_file())?;
                Some((meta.modified().ok()?, meta.len(), entry.path()))
            })
            .collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        for (count, (_, length, path)) in entries.into_iter().enumerate() {
            bytes += length;
            if count >= MOST_ENTRIES || bytes > MOST_BYTES {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// An entry, unless it is not there or damaged; it counts as used now.
fn load(path: &Path) -> Option<Reference> {
    let file = Checkpoint::open(path).ok()?;
    let reference = storage::read(&file).ok()?.into_iter().next()?;
    let finite = |keys: &Tensor| {
        let values = keys.flatten_all().and_then(|keys| keys.to_vec1::<f32>());
        values.is_ok_and(|values| values.iter().all(|x| x.is_finite()))
    };
    // Entries of earlier versions have no spectra.
    let whole = |piece: &Piece| finite(&piece.keys) && piece.spectrum.is_some();
    if !reference.pieces.iter().all(whole) {
        return None;
    }
    if let Ok(file) = File::options().write(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
    Some(reference)
}

/// Names the contents of a file.
pub(crate) fn contents(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut digest = Digest::of(&length.to_le_bytes());
    io::copy(&mut Read::by_ref(&mut file).take(HEAD), &mut digest)?;
    if length > HEAD {
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL).max(HEAD)))?;
        io::copy(&mut file.take(TAIL), &mut digest)?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::time::Duration;

    fn reference() -> Result<Reference> {
        Ok(Reference {
            name: "a.wav".into(),
            pieces: Vec::new(),
            warnings: vec!["noisy".into()],
        })
    }

    fn unexpected() -> Result<Reference> {
        Err(Error::Config("encoded again".into()))
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_clip_is_encoded_once_for_each_model_unless_its_text_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("new"));
        let path = folder.path().join("a.wav");
        fs::write(&path, b"sound").unwrap();
        let clip = Clip::file(&path);
        cache.reference(&clip, "m", reference).unwrap();
        let again = cache.reference(&clip, "m", unexpected).unwrap();
        assert_eq!(again.warnings, ["noisy"]);
        assert!(cache.reference(&clip, "other", unexpected).is_err());
        let text = clip.clone().says("Hello.");
        assert!(cache.reference(&text, "m", unexpected).is_err());
        fs::write(&path, b"other sound").unwrap();
        assert!(cache.reference(&clip, "m", unexpected).is_err());
    }

    #[test]
    fn damaged_entries_are_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cached) = (folder.path().join("a.wav"), folder.path().join("cache"));
        fs::write(&path, b"sound").unwrap();
        let cache = Cache::new(cached.clone());
        let clip = Clip::file(&path);
        cache.reference(&clip, "m", reference).unwrap();
        let entry = entries(&cached).remove(0);
        for damage in [&b""[..], b"\x40\0\0\0\0\0\0\0{}", &[0xff; 100]] {
            fs::write(&entry, damage).unwrap();
            cache.reference(&clip, "m", reference).unwrap();
            cache.reference(&clip, "m", unexpected).unwrap();
        }
        assert_eq!(entries(&cached).len(), 1);
    }

    #[test]
    fn the_oldest_entries_go() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        for age in 0..MOST_ENTRIES as u64 + 5 {
            let path = folder.path().join(format!("{age}.safetensors"));
            fs::write(&path, b"x").unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), b"not ours").unwrap();
        Cache::new(folder.path().into()).trim();
        assert_eq!(entries(folder.path()).len(), MOST_ENTRIES + 1);
        assert!(folder.path().join("0.safetensors").exists());
        assert!(!folder.path().join("201.safetensors").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_only_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        fs::write(&path, b"sound").unwrap();
        let cache = Cache::new(path.join("not-a-folder"));
        let clip = Clip::file(&path);
        assert!(cache.reference(&clip, "m", reference).is_ok());
    }
}
