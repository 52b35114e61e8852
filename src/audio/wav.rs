//! The WAV header, for files and for pipes.
//!
//! RIFF WAVE as in Microsoft's *Multimedia Programming Interface and Data Specifications 1.0*: for
//! integers the canonical 44 bytes; for floats the 18-byte `fmt ` chunk and the `fact` chunk that
//! the specification asks of every format but PCM.
//!
//! A pipe cannot be patched afterwards, so both sizes are `0xffff_ffff` there, which ffmpeg,
//! libsndfile, Python's `wave` and we ourselves read as *until the end*. Nothing ever follows the
//! samples of a pipe: players without a size to go by would sound it.

use super::{SampleFormat, Spec};

/// What a size field holds when the size is not known, or does not fit.
const UNKNOWN: u32 = u32::MAX;

/// The header of a stream of `format` samples, of `data_len` bytes if that is known.
///
/// Files beyond 4 GiB get the unknown size too, for which the format has no other place.
pub(super) fn header(spec: Spec, format: SampleFormat, data_len: Option<u64>) -> Vec<u8> {
    let float = format == SampleFormat::F32;
    let mut fmt = Vec::with_capacity(18);
    let block = spec.channels * format.bytes();
    fmt.extend_from_slice(&if float { 3u16 } else { 1u16 }.to_le_bytes());
    fmt.extend_from_slice(&(spec.channels as u16).to_le_bytes());
    fmt.extend_from_slice(&spec.rate_hz.to_le_bytes());
    fmt.extend_from_slice(&spec.rate_hz.wrapping_mul(block as u32).to_le_bytes());
    fmt.extend_from_slice(&(block as u16).to_le_bytes());
    fmt.extend_from_slice(&(format.bits() as u16).to_le_bytes());
    if float {
        fmt.extend_from_slice(&0u16.to_le_bytes());
    }

    let fact_len = if float { 12 } else { 0 };
    let before_data = (4 + 8 + fmt.len() + fact_len + 8) as u64;
    let riff = data_len.map(|len| before_data + padded(len));
    let riff = riff.and_then(|len| u32::try_from(len).ok());
    // Either both sizes hold or neither does: a reader must not trust one of them.
    let (riff, data, frames) = match (riff, data_len) {
        (Some(riff), Some(data)) => (riff, data as u32, (data / block.max(1) as u64) as u32),
        _ => (UNKNOWN, UNKNOWN, UNKNOWN),
    };

    let mut header = Vec::with_capacity(58);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&riff.to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&(fmt.len() as u32).to_le_bytes());
    header.extend_from_slice(&fmt);
    if float {
        header.extend_from_slice(b"fact");
        header.extend_from_slice(&4u32.to_le_bytes());
        header.extend_from_slice(&frames.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data.to_le_bytes());
    header
}

/// The length of a chunk of `len` bytes with the byte that keeps the next one at an even place.
pub(super) fn padded(len: u64) -> u64 {
    len + len % 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_pipe() {
        let header = header(Spec::mono(24_000), SampleFormat::S16, None);
        #[rustfmt::skip]
        let expected = [
            b'R', b'I', b'F', b'F', 0xff, 0xff, 0xff, 0xff, b'W', b'A', b'V', b'E',
            b'f', b'm', b't', b' ', 16, 0, 0, 0,
            1, 0,                       // PCM
            1, 0,                       // one channel
            0xc0, 0x5d, 0, 0,           // 24,000 Hz
            0x80, 0xbb, 0, 0,           // 48,000 bytes per second
            2, 0,                       // bytes per frame
            16, 0,                      // bits per sample
            b'd', b'a', b't', b'a', 0xff, 0xff, 0xff, 0xff,
        ];
        assert_eq!(header, expected);
    }

    #[test]
    fn the_header_of_a_file() {
        let spec = Spec {
            rate_hz: 48_000,
            channels: 2,
        };
        let pcm = header(spec, SampleFormat::S24, Some(9));
        assert_eq!(pcm.len(), 44);
        assert_eq!(
            pcm[4..8],
            46u32.to_le_bytes(),
            "44 - 8 bytes of header, 9 of samples, 1 of padding"
        );
        assert_eq!(pcm[40..44], 9u32.to_le_bytes());
        let float = header(spec, SampleFormat::F32, Some(80));
        assert_eq!(float.len(), 58);
        assert_eq!(float[20..22], 3u16.to_le_bytes());
        assert_eq!(&float[38..42], b"fact");
        assert_eq!(float[46..50], 10u32.to_le_bytes());
        assert_eq!(float[4..8], (50u32 + 80).to_le_bytes());
    }

    #[test]
    fn a_file_beyond_4_gib_has_no_size() {
        let header = header(
            Spec::mono(24_000),
            SampleFormat::S16,
            Some(u64::from(u32::MAX) - 30),
        );
        assert_eq!(header[4..8], [0xff; 4]);
        assert_eq!(header[40..44], [0xff; 4]);
    }
}
