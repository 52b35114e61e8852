//! Writing audio, chunk by chunk.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::destination::Destination;
use super::quantise::Quantiser;
use super::{Audio, Clipping, Container, OutputFormat, Spec, flac, wav};
use crate::{Error, Result};

/// Something that takes audio as it is made: a [`Writer`] or a sound card.
pub trait Sink {
    /// The rate and the number of channels it takes.
    fn spec(&self) -> Spec;

    /// Takes the next chunk.
    ///
    /// # Errors
    /// [`Error::Config`] if the shape of the chunk differs from [`spec`](Self::spec); whatever the
    /// medium reports. After an error the sink is good for nothing but to be dropped.
    fn write(&mut self, chunk: &Audio) -> Result<()>;

    /// Completes the output and waits until it is out.
    ///
    /// # Errors
    /// Whatever the medium reports.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// What a [`Sink`] took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Frames written.
    pub frames: u64,
    /// Bytes written, header included; 0 for a sound card.
    pub bytes: u64,
    /// Samples above full scale that had to be limited.
    pub clipped: u64,
    /// Samples that were infinite or not a number and were written as silence.
    pub invalid: u64,
}

/// How a [`Writer`] treats an existing file and the samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriterOptions {
    /// Replace an existing file instead of refusing.
    pub overwrite: bool,
    /// What to do above full scale; [`SampleFormat::F32`](super::SampleFormat::F32) keeps it.
    pub clipping: Clipping,
    /// Seed for triangular dither of integer samples; none by default. The file depends on the
    /// audio and the seed alone, not on how it was cut into chunks.
    pub dither: Option<u64>,
}

/// Encodes audio into a file or a stream in constant memory.
///
/// A file is written under a temporary name in the same folder and takes its own name in
/// [`finish`](Self::finish): nobody ever sees half of it, and a writer dropped without `finish`
/// leaves nothing behind.
pub struct Writer {
    destination: Destination,
    encoder: Encoder,
    quantiser: Quantiser,
    format: OutputFormat,
    spec: Spec,
    written: Written,
    /// Reused between chunks.
    bytes: Vec<u8>,
    integers: Vec<i32>,
}

enum Encoder {
    Pcm,
    Flac(Box<flac::Encoder>),
}

impl Writer {
    /// Starts a file at `path`.
    ///
    /// A `path` that names a pipe or a device is written as a stream, see
    /// [`to_stream`](Self::to_stream).
    ///
    /// # Errors
    /// [`Error::Io`] if the file exists and may not be replaced, or cannot be made;
    /// [`Error::Config`] for a shape the format cannot hold.
    pub fn create(
        path: impl AsRef<Path>,
        spec: Spec,
        format: OutputFormat,
        options: WriterOptions,
    ) -> Result<Self> {
        // The shape first, so that a refusal touches no file.
        let encoder = Encoder::new(spec, format)?;
        let destination = Destination::create(path.as_ref(), options.overwrite)?;
        Self::start(destination, encoder, spec, format, options)
    }

    /// Starts a stream on standard output.
    ///
    /// # Errors
    /// As [`to_stream`](Self::to_stream).
    pub fn stdout(spec: Spec, format: OutputFormat, options: WriterOptions) -> Result<Self> {
        Self::to_stream(io::stdout(), "standard output", spec, format, options)
    }

    /// Starts a stream on `inner`, which messages call `name`.
    ///
    /// Every chunk goes out as soon as it is encoded. What a stream cannot go back to fill in says
    /// *unknown*: the sizes of a WAV header are `0xffff_ffff` and nothing follows the samples; a
    /// FLAC header has neither length nor digest.
    ///
    /// # Errors
    /// [`Error::Config`] for a shape the format cannot hold; [`Error::Io`] if the header cannot be
    /// written, see [`Error::is_closed_pipe`].
    pub fn to_stream(
        inner: impl Write + Send + 'static,
        name: impl Into<String>,
        spec: Spec,
        format: OutputFormat,
        options: WriterOptions,
    ) -> Result<Self> {
        let encoder = Encoder::new(spec, format)?;
        let destination = Destination::stream(Box::new(inner), name.into());
        Self::start(destination, encoder, spec, format, options)
    }

    fn start(
        destination: Destination,
        encoder: Encoder,
        spec: Spec,
        format: OutputFormat,
        options: WriterOptions,
    ) -> Result<Self> {
        let quantiser = Quantiser::new(format.sample(), options.clipping, options.dither);
        let mut writer = Self {
            destination,
            encoder,
            quantiser,
            format,
            spec,
            written: Written::default(),
            bytes: Vec::new(),
            integers: Vec::new(),
        };
        let header = writer.header(false);
        writer.put(&header)?;
        Ok(writer)
    }

    /// The rate and the number of channels it takes.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The file it will become, or the name of the stream.
    pub fn path(&self) -> PathBuf {
        self.destination.name()
    }

    /// Writes a chunk.
    ///
    /// # Errors
    /// [`Error::Config`] if its shape is not [`spec`](Self::spec); [`Error::Io`] if the system
    /// refuses, see [`Error::is_closed_pipe`].
    pub fn write(&mut self, chunk: &Audio) -> Result<()> {
        if chunk.spec() != self.spec {
            return Err(mismatch(chunk.spec(), self.spec));
        }
        let planes: Vec<&[f32]> = chunk.channels().iter().map(Vec::as_slice).collect();
        self.write_planes(&planes)
    }

    /// Writes samples of a single channel.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_mono(&mut self, samples: &[f32]) -> Result<()> {
        if self.spec.channels != 1 {
            return Err(mismatch(Spec::mono(self.spec.rate_hz), self.spec));
        }
        self.write_planes(&[samples])
    }

    fn write_planes(&mut self, planes: &[&[f32]]) -> Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        match &mut self.encoder {
            Encoder::Pcm => self.quantiser.bytes(planes, &mut bytes),
            Encoder::Flac(encoder) => {
                self.integers.clear();
                self.quantiser.integers(planes, &mut self.integers);
                encoder.push(&self.integers, &mut bytes)?;
            }
        }
        self.put(&bytes)?;
        self.written.frames += planes.first().map_or(0, |p| p.len()) as u64;
        self.bytes = bytes;
        Ok(())
    }

    /// Completes the output; a file appears under its name now.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses; then no file appears.
    pub fn finish(mut self) -> Result<Written> {
        let mut rest = Vec::new();
        if let Encoder::Flac(encoder) = &mut self.encoder {
            encoder.finish(&mut rest)?;
        }
        if self.destination.is_seekable() {
            if self.format.container() == Container::Wav && self.data_len() % 2 == 1 {
                rest.push(0);
            }
            let header = self.header(true);
            self.put(&rest)?;
            self.destination.patch(&header)?;
        } else {
            self.put(&rest)?;
        }
        self.destination.commit()?;
        let (clipped, invalid) = (self.quantiser.clipped, self.quantiser.invalid);
        Ok(Written {
            clipped,
            invalid,
            ..self.written
        })
    }

    /// The bytes before the samples, as far as they are known.
    fn header(&self, finished: bool) -> Vec<u8> {
        match (&self.encoder, self.format.container()) {
            (Encoder::Flac(encoder), _) => encoder.header(finished),
            (Encoder::Pcm, Container::Wav) => {
                let data_len = finished.then(|| self.data_len());
                wav::header(self.spec, self.format.sample(), data_len)
            }
            (Encoder::Pcm, _) => Vec::new(),
        }
    }

    /// Bytes of uncompressed samples written.
    fn data_len(&self) -> u64 {
        self.written.frames * (self.spec.channels * self.format.sample().bytes()) as u64
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if !bytes.is_empty() {
            self.destination.write(bytes)?;
            self.written.bytes += bytes.len() as u64;
        }
        Ok(())
    }
}

impl Sink for Writer {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn write(&mut self, chunk: &Audio) -> Result<()> {
        Self::write(self, chunk)
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        Self::finish(*self)
    }
}

impl Encoder {
    fn new(spec: Spec, format: OutputFormat) -> Result<Self> {
        if spec.rate_hz == 0 || spec.channels == 0 || spec.channels > usize::from(u16::MAX) / 4 {
            return Err(Error::Config(format!(
                "cannot write {} channels at {} Hz; both must be above 0",
                spec.channels, spec.rate_hz
            )));
        }
        Ok(match format.container() {
            Container::Flac => Self::Flac(Box::new(flac::Encoder::new(spec, format.sample())?)),
            Container::Wav | Container::Raw => Self::Pcm,
        })
    }
}

/// The complaint about a chunk of the wrong shape.
pub(super) fn mismatch(chunk: Spec, sink: Spec) -> Error {
    Error::Config(format!(
        "a chunk of {} channels at {} Hz cannot go to an output of {} channels at {} Hz; resample or mix down first",
        chunk.channels, chunk.rate_hz, sink.channels, sink.rate_hz
    ))
}
