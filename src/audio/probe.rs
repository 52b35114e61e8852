//! Finding out what a file is: its container, its sound track, a decoder for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};

use super::codec;
use crate::{Error, Result};

/// What `decode` returns, or an error if it panics: symphonia's arithmetic on damaged headers
/// overflows in builds that check for it. What panicked is not used again, except that a codec goes
/// on with the next packet, as it does after an error.
pub(super) fn caught<T>(
    decode: impl FnOnce() -> symphonia::core::errors::Result<T>,
) -> symphonia::core::errors::Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or(Err(Symphonia::DecodeError(
        "the decoder failed on damaged data",
    )))
}

/// The sound track of a file, a decoder for it, and the frames it promises.
pub(super) fn first_track(
    name: &str,
    reader: &dyn FormatReader,
) -> Result<(u32, Box<dyn AudioDecoder>, Option<u64>)> {
    let track = reader
        .default_track(TrackType::Audio)
        .or_else(|| reader.first_track(TrackType::Audio))
        .ok_or_else(|| Error::audio(name, "it has no sound track; give a file with one"))?;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        return Err(Error::audio(
            name,
            "its sound track does not say what codec it is in",
        ));
    };
    let codecs = symphonia::default::get_codecs();
    let codec = caught(|| codecs.make_audio_decoder(parameters, &AudioDecoderOptions::default()))
        .map_err(|_| {
            let codec = codec::name(parameters.codec);
            Error::audio(
                name,
                format!("{codec} sound cannot be decoded here; convert it first, for example with `ffmpeg -i {name} out.wav`"),
            )
        })?;
    // The length of an MP3 file without a LAME header is a guess from its bit rate, and all ones in
    // a WAV header stand for a pipe.
    let guess = codec.codec_info().short_name == "mp3" && track.delay.is_none();
    let unknown = |frames: u64| guess || frames == u64::from(u32::MAX);
    Ok((
        track.id,
        codec,
        track.num_frames.filter(|&frames| !unknown(frames)),
    ))
}

pub(super) type Probed = symphonia::core::errors::Result<Box<dyn FormatReader>>;

/// Finds out what container `source` is.
pub(super) fn probe(source: Box<dyn MediaSource>, hint: &Hint) -> Probed {
    if source.byte_len() == Some(0) {
        return Err(Symphonia::Unsupported(EMPTY));
    }
    let stream = MediaSourceStream::new(source, Default::default());
    let probe = symphonia::default::get_probe();
    caught(|| probe.probe(hint, stream, Default::default(), Default::default()))
}

/// What [`probe`] says of a file without a byte.
pub(super) const EMPTY: &str = "it is empty";

pub(super) fn is_cut_off(error: &Symphonia) -> bool {
    matches!(error, Symphonia::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof)
}

/// What to say of a file that is no audio file, or whose header is beyond reading.
pub(super) fn unreadable(name: &str, error: &Symphonia) -> Error {
    match error {
        Symphonia::Unsupported(EMPTY) => Error::audio(name, "it is empty (0 bytes); give audio"),
        Symphonia::IoError(source) if !is_cut_off(error) => {
            Error::io(name)(io::Error::new(source.kind(), source.to_string()))
        }
        Symphonia::IoError(_) => Error::audio(
            name,
            "it ends within its header, or is no audio file; get another copy",
        ),
        _ => Error::audio(
            name,
            format!(
                "it is no audio file that can be read ({error}); give WAV, FLAC, MP3, Ogg Vorbis, M4A/AAC, AIFF, CAF or Matroska"
            ),
        ),
    }
}
