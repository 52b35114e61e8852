//! Reading audio: whatever symphonia decodes, from a file, from memory, or from a pipe.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::{MediaSource, ReadOnlySource};

use super::flaw::Flaw;
use super::probe::{EMPTY, Probed, caught, first_track, is_cut_off, probe, unreadable};
use super::{Audio, Spec};
use crate::{Error, Result};

/// Decodes a file, a byte slice or a pipe, block by block in constant memory.
///
/// Reads WAV (8 to 32 bits, float, A-law, µ-law, ADPCM, extensible), FLAC, MP3, Ogg Vorbis, AAC and
/// ALAC in MP4/M4A, AAC in ADTS, AIFF, CAF and Matroska; of a film, the sound. Encoder delay and
/// padding are removed from MP3 and Vorbis.
///
/// It is an iterator over blocks of [`Audio`], all of the same [`Spec`]; a block is as long as the
/// file's packets are. Damage that leaves something to hear is no error but a [`Flaw`].
pub struct Decoder {
    name: String,
    reader: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    track: u32,
    spec: Spec,
    /// Frames the header promises, where it can be relied on.
    promised: Option<u64>,
    /// Decoded at opening, to learn the spec, and not handed out yet.
    first: Option<Audio>,
    /// Frames decoded so far.
    frames: u64,
    flaws: Vec<Flaw>,
    ended: bool,
}

/// All of a file.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The samples.
    pub audio: Audio,
    /// What was wrong with the file, usually nothing.
    pub flaws: Vec<Flaw>,
}

impl Decoder {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened; [`Error::Audio`] if it is empty, is not audio, holds
    /// no sound track or one of an unknown codec, or not one sample of it can be decoded.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        if fs::metadata(path).map_err(Error::io(path))?.is_dir() {
            return Err(Error::io(path)(io::ErrorKind::IsADirectory.into()));
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let file = File::open(path).map_err(Error::io(path))?;
        if !file.is_seekable() {
            return Self::pipe(name, file);
        }
        let reader = match probe(Box::new(file), &hint) {
            // A file cut off may still be readable from front to back.
            Err(error) if is_cut_off(&error) => {
                let file = File::open(path).map_err(Error::io(path))?;
                probe(Box::new(ReadOnlySource::new(file)), &hint)
            }
            reader => reader,
        };
        Self::new(name, reader)
    }

    /// Decodes a file that is in memory; messages call it `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes: Arc<[u8]> = bytes.into().into();
        let hint = Hint::new();
        let reader = match probe(Box::new(Cursor::new(Arc::clone(&bytes))), &hint) {
            Err(error) if is_cut_off(&error) => {
                probe(Box::new(ReadOnlySource::new(Cursor::new(bytes))), &hint)
            }
            reader => reader,
        };
        Self::new(name.into(), reader)
    }

    /// Decodes a pipe, such as standard input, as it comes; messages call it `name`.
    ///
    /// MP4 is the exception: its index may be at the end, so that all of it is taken into memory
    /// first.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::pipe(name.into(), reader)
    }

    fn pipe(name: String, mut reader: impl Read + Send + Sync + 'static) -> Result<Self> {
        let mut start = Vec::new();
        reader
            .by_ref()
            .take(12)
            .read_to_end(&mut start)
            .map_err(Error::io(&name))?;
        if start.get(4..8) == Some(b"ftyp") {
            reader.read_to_end(&mut start).map_err(Error::io(&name))?;
            return Self::from_bytes(name, start);
        }
        if start.is_empty() {
            return Self::new(name, Err(Symphonia::Unsupported(EMPTY)));
        }
        let source = ReadOnlySource::new(Cursor::new(start).chain(reader));
        Self::new(name, probe(Box::new(source), &Hint::new()))
    }

    fn new(name: String, reader: Probed) -> Result<Self> {
        let reader = reader.map_err(|error| unreadable(&name, &error))?;
        let (track, codec, promised) = first_track(&name, reader.as_ref())?;
        let mut decoder = Self {
            name,
            reader,
            codec,
            track,
            spec: Spec {
                rate_hz: 0,
                channels: 0,
            },
            promised,
            first: None,
            frames: 0,
            flaws: Vec::new(),
            ended: false,
        };
        let Some(first) = decoder.next_block()? else {
            return Err(Error::audio(
                decoder.name,
                if decoder.flaws.is_empty() {
                    "it holds no samples; give a longer recording"
                } else {
                    "it is damaged: not one sample can be decoded; get another copy"
                },
            ));
        };
        decoder.first = Some(first);
        Ok(decoder)
    }

    /// The rate and the number of channels.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Duration in seconds according to the header, if it says so.
    pub fn duration(&self) -> Option<f64> {
        self.promised.map(|frames| self.seconds(frames))
    }

    /// The codec, such as `flac`.
    pub fn codec(&self) -> &'static str {
        self.codec.codec_info().short_name
    }

    /// What was wrong with the file up to here; complete once the iterator has ended.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Decodes everything that is left.
    ///
    /// # Errors
    /// As the iterator.
    pub fn read_all(self) -> Result<Decoded> {
        self.read_at_most(f64::INFINITY)
    }

    /// Decodes what is left up to `seconds`, which bounds the memory that a file can take.
    ///
    /// # Errors
    /// As the iterator.
    pub fn read_at_most(mut self, seconds: f64) -> Result<Decoded> {
        let limit = (seconds.max(0.0) * f64::from(self.spec.rate_hz)).round() as usize;
        let mut channels = vec![Vec::new(); self.spec.channels];
        while channels[0].len() < limit {
            let Some(block) = self.next() else { break };
            for (all, new) in channels.iter_mut().zip(block?.into_channels()) {
                let room = limit - all.len();
                all.extend_from_slice(&new[..new.len().min(room)]);
            }
        }
        let audio = Audio::from_channels(channels, self.spec.rate_hz)?;
        Ok(Decoded {
            audio,
            flaws: self.flaws,
        })
    }

    /// The next block that is not empty.
    fn next_block(&mut self) -> Result<Option<Audio>> {
        while !self.ended {
            match caught(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id != self.track => {}
                Ok(Some(packet)) => {
                    let decoded = caught(|| {
                        let buffer = self.codec.decode(&packet)?;
                        let mut channels = Vec::new();
                        buffer.copy_to_vecs_planar::<f32>(&mut channels);
                        Ok((buffer.spec().rate(), channels))
                    });
                    let (rate_hz, channels) = match decoded {
                        Ok(decoded) => decoded,
                        Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => {
                            self.note_damage();
                            continue;
                        }
                        Err(error) => return Err(self.broken(&error)),
                    };
                    let spec = Spec {
                        rate_hz,
                        channels: channels.len(),
                    };
                    if channels.first().is_some_and(|c| !c.is_empty()) {
                        return self.accept(channels, spec).map(Some);
                    }
                }
                Ok(None) => self.end(false),
                // Another piece follows, as in a chain of Ogg streams: radio recordings are such.
                Err(Symphonia::ResetRequired) => {
                    let (track, codec, promised) = first_track(&self.name, self.reader.as_ref())?;
                    (self.track, self.codec) = (track, codec);
                    self.promised = self.promised.zip(promised).map(|(a, b)| a + b);
                }
                Err(error) if is_cut_off(&error) => {
                    // The end of the pipe is the end of samples of unknown length.
                    let unbounded = self.promised.is_none() && self.codec().starts_with("pcm");
                    self.end(!unbounded);
                }
                Err(Symphonia::IoError(error)) => return Err(Error::io(&self.name)(error)),
                Err(error) if self.frames == 0 => return Err(self.broken(&error)),
                Err(_) => {
                    self.note_damage();
                    self.end(true);
                }
            }
        }
        Ok(None)
    }

    fn accept(&mut self, mut channels: Vec<Vec<f32>>, spec: Spec) -> Result<Audio> {
        if self.frames == 0 {
            self.spec = spec;
        } else if self.spec != spec {
            return Err(Error::audio(
                &self.name,
                format!(
                    "at {:.2} s it changes from {} channels at {} Hz to {} at {} Hz; convert it to one format first",
                    self.seconds(self.frames),
                    self.spec.channels,
                    self.spec.rate_hz,
                    spec.channels,
                    spec.rate_hz
                ),
            ));
        }
        self.silence_invalid(&mut channels);
        let block = Audio::from_channels(channels, spec.rate_hz)
            .map_err(|error| Error::audio(&self.name, error.to_string()))?;
        self.frames += block.frames() as u64;
        Ok(block)
    }

    /// A float file can hold NaN and infinity, which would spread through every filter.
    fn silence_invalid(&mut self, channels: &mut [Vec<f32>]) {
        let mut found = 0;
        for sample in channels
            .iter_mut()
            .flatten()
            .filter(|sample| !sample.is_finite())
        {
            *sample = 0.0;
            found += 1;
        }
        if found == 0 {
            return;
        }
        let here = self.seconds(self.frames);
        for flaw in &mut self.flaws {
            if let Flaw::Invalid { samples, .. } = flaw {
                *samples += found;
                return;
            }
        }
        self.flaws.push(Flaw::Invalid {
            samples: found,
            at: here,
        });
    }

    fn note_damage(&mut self) {
        let here = self.seconds(self.frames);
        for flaw in &mut self.flaws {
            if let Flaw::Damaged { packets, .. } = flaw {
                *packets += 1;
                return;
            }
        }
        self.flaws.push(Flaw::Damaged {
            packets: 1,
            at: here,
        });
    }

    /// Notes the end, and whether it came too early.
    fn end(&mut self, cut_off: bool) {
        self.ended = true;
        // Some codecs promise a padded length; a packet or two less is no damage.
        let missing = self
            .promised
            .map_or(0, |promised| promised.saturating_sub(self.frames));
        let short =
            missing > (self.frames / 100).max(4096) || (missing > 0 && self.codec_is_exact());
        if cut_off || short {
            let promised = self
                .promised
                .filter(|_| short)
                .map(|frames| self.seconds(frames));
            self.flaws.push(Flaw::Truncated {
                at: self.seconds(self.frames),
                promised,
            });
        }
    }

    /// Whether the frames that a header promises are exact, not whole packets.
    fn codec_is_exact(&self) -> bool {
        let name = self.codec();
        name.starts_with("pcm") || ["flac", "alac", "mp3", "vorbis"].contains(&name)
    }

    fn broken(&self, error: &Symphonia) -> Error {
        Error::audio(
            &self.name,
            format!(
                "it cannot be decoded beyond {:.2} s ({error}); get another copy or convert it to WAV",
                self.seconds(self.frames)
            ),
        )
    }

    fn seconds(&self, frames: u64) -> f64 {
        frames as f64 / f64::from(self.spec.rate_hz.max(1))
    }
}

impl Iterator for Decoder {
    type Item = Result<Audio>;

    /// The next block.
    ///
    /// [`Error::Io`] if the system fails to read, [`Error::Audio`] if the sound track changes its
    /// shape or cannot be decoded further.
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let block = self.next_block();
        self.ended |= block.is_err();
        block.transpose()
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("name", &self.name)
            .field("codec", &self.codec())
            .field("spec", &self.spec)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
