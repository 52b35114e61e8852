//! A recording of somebody, and what is looked at in what was spoken.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syrinx::Engine;
use syrinx::audio::{Audio, Decoder, OutputFormat, Writer, WriterOptions};

/// Some seconds of speech, which stand for a recording of somebody.
pub fn speech() -> &'static Audio {
    static SPEECH: OnceLock<Audio> = OnceLock::new();
    SPEECH.get_or_init(|| {
        let engine = Engine::new().unwrap();
        let text =
            "The boat left the harbour before dawn, and nobody saw it go. By noon it was back.";
        let voice = engine.voice("rook").unwrap();
        engine.speech(&voice).say(text).unwrap().audio
    })
}

pub fn write(path: &Path, audio: &Audio) -> PathBuf {
    let format = OutputFormat::from_path(path).unwrap();
    let mut writer = Writer::create(path, audio.spec(), format, WriterOptions::default()).unwrap();
    writer.write(audio).unwrap();
    writer.finish().unwrap();
    path.to_owned()
}

/// The recording at a rate and a gain, with that many channels.
pub fn take(rate_hz: u32, gain: f32, channels: usize) -> Audio {
    let mut audio = speech().resample(rate_hz).unwrap();
    audio.scale(gain);
    let plane = audio.into_channels().remove(0);
    Audio::from_channels(vec![plane; channels], rate_hz).unwrap()
}

pub fn samples(path: &Path) -> Vec<f32> {
    let decoded = Decoder::open(path).unwrap().read_all().unwrap();
    decoded.audio.into_channels().remove(0)
}

pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Level of what sounds, dB.
pub fn level_db(samples: &[f32]) -> f32 {
    let power = |frame: &[f32]| frame.iter().map(|x| x * x).sum::<f32>() / 300.0;
    let mut powers: Vec<f32> = samples.chunks_exact(300).map(power).collect();
    powers.sort_unstable_by(f32::total_cmp);
    let top = powers[(powers.len() - 1) * 19 / 20];
    powers.retain(|power| *power > top * 10f32.powf(-2.5));
    10.0 * (powers.iter().sum::<f32>() / powers.len() as f32).log10()
}
