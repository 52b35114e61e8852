//! Speaks a text into a file.
//!
//! `cargo run --release --example say -- "Hello there." hello.wav`

use syrinx::Engine;
use syrinx::audio::{OutputFormat, Writer, WriterOptions};

fn main() -> syrinx::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let text = arguments.next().unwrap_or_else(|| "Hello there.".into());
    let path = arguments.next().unwrap_or_else(|| "speech.wav".into());

    let engine = Engine::new()?;
    let voice = engine.voice(&engine.voices()[0].name)?;
    let speech = engine.speech(&voice).speed(1.0).seed(1).say(text)?;

    let format = OutputFormat::from_path(&path)?;
    let mut writer = Writer::create(&path, speech.audio.spec(), format, WriterOptions::default())?;
    writer.write(&speech.audio)?;
    writer.finish()?;
    println!(
        "{path}: {:.2} s of {}",
        speech.audio.duration(),
        voice.name()
    );
    Ok(())
}
