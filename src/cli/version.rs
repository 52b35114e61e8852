//! What `--version` tells: features and licence, so that a bug report or a packager needs no more.

use std::sync::LazyLock;

static LONG: LazyLock<String> = LazyLock::new(|| {
    let features = [
        ("playback", cfg!(feature = "playback")),
        ("starter-voice", cfg!(feature = "starter-voice")),
        ("starter-convert", cfg!(feature = "starter-convert")),
        ("starter-dream", cfg!(feature = "starter-dream")),
        ("cuda", cfg!(feature = "cuda")),
        ("metal", cfg!(feature = "metal")),
    ];
    let on = features.iter().filter(|(_, on)| *on);
    let names: Vec<&str> = on.map(|(name, _)| *name).collect();
    let names = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    format!(
        "{}\nfeatures: {names}\nlicence: {} (no GPL code; voices and pronunciation data under permissive licences)",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_LICENSE"),
    )
});

/// The version, the compiled features and the licence.
pub fn long() -> &'static str {
    &LONG
}
