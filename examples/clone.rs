//! Speaks a text in the voice of a recording, if wanted with the prosody of another one.
//!
//! `cargo run --release --example clone -- me.wav "Hello there." [prosody.wav]`

use syrinx::audio::{OutputFormat, Writer, WriterOptions};
use syrinx::{Engine, VoiceLibrary};

fn main() -> syrinx::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let clip = arguments.next().unwrap_or_else(|| "me.wav".into());
    let text = arguments.next().unwrap_or_else(|| "Hello there.".into());
    let donor = arguments.next();

    let engine = Engine::new()?;
    let voice = engine.voice_builder().name("me").clip(clip).build()?;
    voice
        .warnings()
        .iter()
        .for_each(|told| eprintln!("warning: {told}"));
    // From now on, `syrinx say --voice me` knows it too.
    if let Some(library) = VoiceLibrary::user() {
        println!("kept in {}", library.store(&voice, true)?.display());
    }

    let mut request = engine.speech(&voice);
    if let Some(donor) = donor {
        request = request.prosody(&engine.voice_from_clips([donor])?, 1.0);
    }
    let speech = request.say(text)?;
    let mut writer = Writer::create(
        "speech.wav",
        speech.audio.spec(),
        OutputFormat::WAV,
        WriterOptions::default(),
    )?;
    writer.write(&speech.audio)?;
    writer.finish()?;
    Ok(())
}
