//! Reading samples without any header.

use std::io::{ErrorKind, Read};

use super::{Audio, SampleFormat, Spec};
use crate::{Error, Result};

/// Bytes read at a time at most.
const BLOCK: usize = 1 << 16;

/// Reads interleaved little-endian samples that nothing but the caller knows the shape of, block by block as they come.
///
/// It is an iterator over blocks of [`Audio`]; bytes at the end that make no whole frame are left out.
pub struct RawReader {
    name: String,
    inner: Box<dyn Read + Send>,
    spec: Spec,
    format: SampleFormat,
    /// Bytes of a frame that is not whole yet.
    partial: Vec<u8>,
    frames: u64,
    ended: bool,
}

impl RawReader {
    /// Reads `inner`, which messages call `name`.
    ///
    /// # Errors
    /// [`Error::Config`] for no channels or a rate of 0.
    pub fn new(
        name: impl Into<String>,
        inner: impl Read + Send + 'static,
        spec: Spec,
        format: SampleFormat,
    ) -> Result<Self> {
        if spec.rate_hz == 0 || spec.channels == 0 {
            return Err(Error::Config(format!(
                "raw samples of {} channels at {} Hz; both must be above 0",
                spec.channels, spec.rate_hz
            )));
        }
        Ok(Self {
            name: name.into(),
            inner: Box::new(inner),
            spec,
            format,
            partial: Vec::new(),
            frames: 0,
            ended: false,
        })
    }

    /// The rate and the number of channels.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    fn block(&mut self) -> Result<Option<Audio>> {
        let width = self.spec.channels * self.format.bytes();
        let mut bytes = std::mem::take(&mut self.partial);
        while !self.ended && bytes.len() < width {
            let start = bytes.len();
            bytes.resize(start + BLOCK, 0);
            let read = match self.inner.read(&mut bytes[start..]) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    bytes.truncate(start);
                    continue;
                }
                Err(error) => return Err(Error::io(&self.name)(error)),
            };
            self.ended = read == 0;
            bytes.truncate(start + read);
        }
        let frames = bytes.len() / width;
        if frames == 0 {
            return Ok(None);
        }
        self.partial = bytes.split_off(frames * width);
        let mut channels = vec![Vec::with_capacity(frames); self.spec.channels];
        let samples = bytes.chunks_exact(self.format.bytes());
        for (at, sample) in samples.enumerate() {
            let value = self.value(sample);
            if !value.is_finite() {
                let frame = self.frames + (at / self.spec.channels) as u64;
                return Err(Error::audio(
                    &self.name,
                    format!(
                        "sample {frame} is {value}, which is no sound; is it raw audio of this format?"
                    ),
                ));
            }
            channels[at % self.spec.channels].push(value);
        }
        self.frames += frames as u64;
        Audio::from_channels(channels, self.spec.rate_hz).map(Some)
    }

    fn value(&self, bytes: &[u8]) -> f32 {
        match (self.format, bytes) {
            (SampleFormat::S16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (SampleFormat::S24, &[a, b, c]) => {
                (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0
            }
            (_, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        }
    }
}

impl Iterator for RawReader {
    type Item = Result<Audio>;

    /// The next block: [`Error::Io`] if the system fails to read, [`Error::Audio`] for a sample that is no number.
    fn next(&mut self) -> Option<Self::Item> {
        let block = self.block();
        self.ended |= block.is_err();
        block.transpose()
    }
}

impl std::fmt::Debug for RawReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawReader")
            .field("name", &self.name)
            .field("spec", &self.spec)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops(std::vec::IntoIter<u8>);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            Ok(match self.0.next() {
                Some(byte) => {
                    buffer[0] = byte;
                    1
                }
                None => 0,
            })
        }
    }

    fn read(bytes: Vec<u8>, channels: usize, format: SampleFormat) -> Result<Vec<Vec<f32>>> {
        let spec = Spec {
            rate_hz: 8_000,
            channels,
        };
        let mut all = vec![Vec::new(); channels];
        for block in RawReader::new("x", Drops(bytes.into_iter()), spec, format)? {
            for (all, new) in all.iter_mut().zip(block?.into_channels()) {
                all.extend(new);
            }
        }
        Ok(all)
    }

    #[test]
    fn samples_are_read_whatever_pieces_they_come_in() {
        let stereo = [i16::MIN, 0, 16_384, -1]
            .iter()
            .flat_map(|x| x.to_le_bytes());
        let mut bytes: Vec<u8> = stereo.collect();
        bytes.push(7);
        let read_s16 = read(bytes, 2, SampleFormat::S16).unwrap();
        assert_eq!(read_s16, [vec![-1.0, 0.5], vec![0.0, -1.0 / 32_768.0]]);
        let floats = [0.25f32, -1.5].iter().flat_map(|x| x.to_le_bytes());
        let read_f32 = read(floats.collect(), 1, SampleFormat::F32).unwrap();
        assert_eq!(read_f32, [vec![0.25, -1.5]]);
        let s24 = read(vec![0, 0, 0xc0], 1, SampleFormat::S24).unwrap();
        assert_eq!(s24, [vec![-0.5]]);
    }

    #[test]
    fn what_is_no_number_is_named() {
        let bytes = [0.0f32, f32::NAN].iter().flat_map(|x| x.to_le_bytes());
        let error = read(bytes.collect(), 1, SampleFormat::F32).unwrap_err();
        assert!(error.to_string().contains("x: sample 1 is NaN"), "{error}");
    }
}
