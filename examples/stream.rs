//! Speaks standard input line by line as raw PCM (s16le), each piece as soon as it is there.
//!
//! `cargo run --release --example stream | aplay -r 24000 -f S16_LE`

use std::io::{BufReader, Write, stdin, stdout};

use syrinx::{Engine, Error, MarkKind};

fn main() -> syrinx::Result<()> {
    let engine = Engine::new()?;
    let voice = engine.voice(&engine.voices()[0].name)?;
    let mut output = stdout().lock();
    for chunk in engine
        .speech(&voice)
        .stream_lines(BufReader::new(stdin()))?
    {
        let chunk = chunk?;
        for word in chunk
            .marks
            .iter()
            .filter(|mark| mark.kind == MarkKind::Word)
        {
            eprintln!("{:8.2} s  {}", word.start_s, word.text);
        }
        let samples = chunk.audio.channels()[0].iter();
        let pcm: Vec<u8> = samples
            .flat_map(|x| ((x * 32767.0) as i16).to_le_bytes())
            .collect();
        output
            .write_all(&pcm)
            .and_then(|()| output.flush())
            .map_err(Error::io("standard output"))?;
    }
    Ok(())
}
