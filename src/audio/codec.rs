//! Names of the codecs that can be met but not decoded.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known as known;

/// What people call `codec`.
pub(super) fn name(codec: AudioCodecId) -> String {
    let name = match codec {
        known::CODEC_ID_OPUS => "Opus",
        known::CODEC_ID_SPEEX => "Speex",
        known::CODEC_ID_MUSEPACK => "Musepack",
        known::CODEC_ID_MP1 => "MPEG layer I",
        known::CODEC_ID_MP2 => "MPEG layer II",
        known::CODEC_ID_AC3 => "AC-3",
        known::CODEC_ID_EAC3 => "E-AC-3",
        known::CODEC_ID_AC4 => "AC-4",
        known::CODEC_ID_DCA => "DTS",
        known::CODEC_ID_WMA => "Windows Media",
        known::CODEC_ID_WAVPACK => "WavPack",
        known::CODEC_ID_MONKEYS_AUDIO => "Monkey's Audio",
        known::CODEC_ID_TTA => "True Audio",
        known::CODEC_ID_TRUEHD => "TrueHD",
        other => return format!("this file's ({other})"),
    };
    name.to_owned()
}
