//! Draws the mel spectrogram of a text as it is spoken, or of a sound file.
//!
//! `cargo run --release --example mel_png -- "Hello there." mel.png`

use std::fs::File;
use std::io::BufWriter;

use syrinx::audio::Decoder;
use syrinx::{Engine, Error};
use syrinx_vocoder::mel::{Mel, MelConfig};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| "Hello there.".into());
    let path = arguments.next().unwrap_or_else(|| "mel.png".into());

    let audio = if std::path::Path::new(&source).is_file() {
        Decoder::open(&source)?.read_all()?.audio
    } else {
        let engine = Engine::new()?;
        engine
            .speech(&engine.voice(&engine.voices()[0].name)?)
            .say(source)?
            .audio
    };
    let config = MelConfig {
        rate_hz: audio.rate_hz(),
        fmax: f64::from(audio.rate_hz()) / 2.0,
        ..MelConfig::starter()
    };
    let bands = config.bands;
    let mel = Mel::new(config)?.extract(&audio.to_mono().channels()[0]);
    let frames = mel.len() / bands;

    // Frames run to the right, bands upwards; the 80 dB below the loudest value make the greys.
    let loudest = mel.iter().copied().fold(f32::MIN, f32::max);
    let grey = |band: usize, frame: usize| {
        let below_db = (loudest - mel[frame * bands + band]) * 20.0 / std::f32::consts::LN_10;
        255 - (below_db / 80.0 * 255.0) as u8
    };
    let pixels: Vec<u8> = (0..bands)
        .rev()
        .flat_map(|band| (0..frames).map(move |frame| (band, frame)))
        .map(|(b, f)| grey(b, f))
        .collect();
    let file = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
    let mut image = png::Encoder::new(file, frames as u32, bands as u32);
    image.set_color(png::ColorType::Grayscale);
    image.write_header()?.write_image_data(&pixels)?;
    println!("{path}: {frames} frames of {bands} bands");
    Ok(())
}
