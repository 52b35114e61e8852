//! FLAC, encoded block by block so that memory stays bounded whatever the length.

use flacenc::bitsink::{BitSink, ByteSink};
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Context, Fill, FrameBuf};

use super::{SampleFormat, Spec};
use crate::{Error, Result};

/// Frames per FLAC block; the reference encoder's choice at its default level.
const BLOCK: usize = 4096;

/// The `fLaC` marker and the STREAMINFO block, in bytes.
const HEADER_LEN: usize = 4 + 4 + 34;

/// Encodes interleaved integers into FLAC frames.
pub(super) struct Encoder {
    config: Verified<config::Encoder>,
    info: StreamInfo,
    block: FrameBuf,
    /// Counts the frames and digests the samples for STREAMINFO.
    digest: Context,
    /// Interleaved samples short of a block.
    pending: Vec<i32>,
    channels: usize,
    blocks: usize,
    /// Smallest and largest encoded block, in bytes.
    extent: Option<(usize, usize)>,
}

impl Encoder {
    /// # Errors
    /// [`Error::Config`] for a shape that FLAC cannot hold.
    pub(super) fn new(spec: Spec, format: SampleFormat) -> Result<Self> {
        let refuse = |reason: String| {
            Error::Config(format!(
                "FLAC cannot hold {} channels at {} Hz: {reason}; write WAV, or resample or mix down first",
                spec.channels, spec.rate_hz
            ))
        };
        let config = config::Encoder::default().into_verified();
        let config = config.map_err(|(_, error)| refuse(error.to_string()))?;
        let info = StreamInfo::new(spec.rate_hz as usize, spec.channels, format.bits());
        let block = FrameBuf::with_size(spec.channels, BLOCK);
        Ok(Self {
            config,
            info: info.map_err(|error| refuse(error.to_string()))?,
            block: block.map_err(|error| refuse(error.to_string()))?,
            digest: Context::new(format.bits(), spec.channels),
            pending: Vec::with_capacity(BLOCK * spec.channels),
            channels: spec.channels,
            blocks: 0,
            extent: None,
        })
    }

    /// The start of the file as far as it is known: without length and digest before the end,
    /// which the format allows, and with them after [`finish`](Self::finish).
    pub(super) fn header(&self, finished: bool) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER_LEN);
        header.extend_from_slice(b"fLaC");
        // The last metadata block (0x80), of type STREAMINFO (0), 34 bytes long.
        header.extend_from_slice(&[0x80, 0, 0, 34]);
        header.extend_from_slice(&(BLOCK as u16).to_be_bytes());
        header.extend_from_slice(&(BLOCK as u16).to_be_bytes());
        let (smallest, largest) = self.extent.filter(|_| finished).unwrap_or((0, 0));
        header.extend_from_slice(&(smallest as u32).to_be_bytes()[1..]);
        header.extend_from_slice(&(largest as u32).to_be_bytes()[1..]);
        // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of length in frames.
        let frames = if finished {
            self.digest.total_samples() as u64
        } else {
            0
        };
        let packed = (self.info.sample_rate() as u64) << 44
            | (self.info.channels() as u64 - 1) << 41
            | (self.info.bits_per_sample() as u64 - 1) << 36
            | (frames & 0xf_ffff_ffff);
        header.extend_from_slice(&packed.to_be_bytes());
        let digest = if finished {
            self.digest.md5_digest()
        } else {
            [0; 16]
        };
        header.extend_from_slice(&digest);
        header
    }

    /// Encodes the blocks that `interleaved` completes and appends them to `bytes`.
    pub(super) fn push(&mut self, mut interleaved: &[i32], bytes: &mut Vec<u8>) -> Result<()> {
        let full = BLOCK * self.channels;
        while self.pending.len() + interleaved.len() >= full {
            let (now, later) = interleaved.split_at(full - self.pending.len());
            self.pending.extend_from_slice(now);
            self.encode(bytes)?;
            interleaved = later;
        }
        self.pending.extend_from_slice(interleaved);
        Ok(())
    }

    /// Encodes the last, shorter block.
    pub(super) fn finish(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        if self.pending.is_empty() {
            Ok(())
        } else {
            self.encode(bytes)
        }
    }

    fn encode(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::audio(
                "FLAC encoder",
                format!("{error}; write WAV instead and report this"),
            )
        };
        self.digest
            .fill_interleaved(&self.pending)
            .map_err(|e| failed(&e))?;
        self.block
            .fill_interleaved(&self.pending)
            .map_err(|e| failed(&e))?;
        let frame =
            flacenc::encode_fixed_size_frame(&self.config, &self.block, self.blocks, &self.info)
                .map_err(|e| failed(&e))?;
        let mut sink = ByteSink::with_capacity(frame.count_bits());
        frame.write(&mut sink).map_err(|e| failed(&e))?;
        sink.align_to_byte().map_err(|e| failed(&e))?;
        let len = sink.as_slice().len();
        let (smallest, largest) = self.extent.unwrap_or((len, len));
        self.extent = Some((smallest.min(len), largest.max(len)));
        bytes.extend_from_slice(sink.as_slice());
        self.pending.clear();
        self.blocks += 1;
        Ok(())
    }
}
