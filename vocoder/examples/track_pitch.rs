//! F0 of a prepared training set, by the tracker that the engine uses.
//!
//!     track_pitch AUDIO.i16 F0.f32 [LOOK_AHEAD] < frames.txt
//!
//! AUDIO.i16 holds utterances at 24 kHz one after the other, standard input their lengths in frames of 300 samples, one a
//! line; F0.f32 gets a value in Hz for each frame, 0 where unvoiced (little-endian). `training/track_pitch.py` runs it.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write, stdin};

use syrinx_vocoder::pitch::{Pitch, PitchConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(audio), Some(f0)) = (arguments.next(), arguments.next()) else {
        return Err("usage: track_pitch AUDIO.i16 F0.f32 [LOOK_AHEAD] < frames.txt".into());
    };
    let mut config = PitchConfig::starter();
    if let Some(look_ahead) = arguments.next() {
        config.look_ahead = look_ahead.parse()?;
    }
    let hop = config.hop;
    let pitch = Pitch::new(config)?;
    let mut audio = BufReader::new(File::open(audio)?);
    let mut out = BufWriter::new(File::create(f0)?);
    for line in stdin().lines() {
        let frames: usize = line?.trim().parse()?;
        let mut bytes = vec![0u8; frames * hop * 2];
        audio.read_exact(&mut bytes)?;
        let samples: Vec<f32> = bytes
            .chunks_exact(2)
            .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32767.0)
            .collect();
        for hz in pitch.track(&samples)? {
            out.write_all(&hz.to_le_bytes())?;
        }
    }
    out.flush()?;
    Ok(())
}
