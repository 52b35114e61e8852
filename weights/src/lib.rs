//! Starter weights of Syrinx, embedded behind features. Data only.
//!
//! A model is a list of files under the names they have in their folder of this crate, so that
//! the same loader reads an embedded model and one on disk.

/// Files of a model: name and contents.
pub type Files = &'static [(&'static str, &'static [u8])];

/// The starter text-to-speech model and its voices; `None` without the feature `starter-voice`. A static, not a constant:
/// every crate that uses a constant gets a copy of the bytes.
pub static STARTER_VOICE: Option<Files> = starter_voice();

#[cfg(feature = "starter-voice")]
const fn starter_voice() -> Option<Files> {
    macro_rules! files {
        ($($name:literal),+) => {
            &[$(($name, include_bytes!(concat!("../starter-voice/", $name)) as &[u8])),+]
        };
    }
    Some(files![
        "config.json",
        "voices.json",
        "acoustic.safetensors",
        "plm.safetensors",
        "adm.safetensors",
        "vocoder.safetensors",
        "aligner.safetensors",
        "voices.safetensors"
    ])
}

/// The starter voice conversion model, which takes the voices of [`STARTER_VOICE`]; `None` without the feature
/// `starter-convert`.
pub static STARTER_CONVERT: Option<Files> = starter_convert();

#[cfg(feature = "starter-convert")]
const fn starter_convert() -> Option<Files> {
    macro_rules! files {
        ($($name:literal),+) => {
            &[$(($name, include_bytes!(concat!("../starter-convert/", $name)) as &[u8])),+]
        };
    }
    Some(files![
        "config.json",
        "stablevc.safetensors",
        "vocoder.safetensors"
    ])
}

/// The models of raw audio, each under its name; empty without the feature `starter-dream`.
pub static STARTER_DREAM: &[(&str, Files)] = starter_dream();

#[cfg(feature = "starter-dream")]
const fn starter_dream() -> &'static [(&'static str, Files)] {
    macro_rules! models {
        ($($model:literal),+) => {
            &[$(($model, &[
                ("config.json", include_bytes!(concat!("../starter-dream/", $model, "/config.json")) as &[u8]),
                ("model.safetensors", include_bytes!(concat!("../starter-dream/", $model, "/model.safetensors"))),
            ] as Files)),+]
        };
    }
    models!["digits", "words", "piano"]
}

#[cfg(not(feature = "starter-dream"))]
const fn starter_dream() -> &'static [(&'static str, Files)] {
    &[]
}

#[cfg(not(feature = "starter-convert"))]
const fn starter_convert() -> Option<Files> {
    None
}

#[cfg(not(feature = "starter-voice"))]
const fn starter_voice() -> Option<Files> {
    None
}
