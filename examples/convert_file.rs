//! Converts a recording to a voice of the engine, or to that of another recording, block by block in constant memory.
//!
//! `cargo run --release --example convert_file -- me.wav merlin converted.wav`

use std::path::Path;

use syrinx::Engine;
use syrinx::audio::{Audio, Decoder, OutputFormat, Spec, Writer, WriterOptions};

fn main() -> syrinx::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| "me.wav".into());
    let voice = arguments.next().unwrap_or_else(|| "merlin".into());
    let path = arguments.next().unwrap_or_else(|| "converted.wav".into());

    let engine = Engine::new()?;
    let voice = match Path::new(&voice).is_file() {
        true => engine.voice_from_clips([voice])?,
        false => engine.voice(&voice)?,
    };
    let source = Decoder::open(source)?;
    let mut stream = engine.conversion(&voice)?.stream(source.spec().rate_hz)?;
    let mut writer = Writer::create(
        &path,
        Spec::mono(stream.output_rate_hz()),
        OutputFormat::from_path(&path)?,
        WriterOptions::default(),
    )?;
    for block in source {
        stream.push(&block?.into_mono().channels()[0])?;
        writer.write(&Audio::mono(stream.take(), stream.output_rate_hz()))?;
    }
    let heard = stream.flush()?;
    writer.write(&Audio::mono(stream.take(), stream.output_rate_hz()))?;
    writer.finish()?;
    println!("{path}: {} instead of {heard:?}", voice.name());
    Ok(())
}
