//! Flags that subcommands share: how to speak, and with what.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use syrinx::{Accent, DeviceChoice, Engine, SpeechRequest, Voice, VoiceLibrary};

use super::Failure;

const SPEED: RangeInclusive<f32> = 0.25..=4.0;
const PITCH: RangeInclusive<f32> = -24.0..=24.0;
const VOLUME: RangeInclusive<f32> = -60.0..=24.0;
const TEMPERATURE: RangeInclusive<f32> = 0.0..=2.0;
const MIX: RangeInclusive<f32> = 0.0..=1.0;

/// How to speak.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Voice")]
pub struct VoiceFlags {
    /// Who speaks: a name (`syrinx voices` lists them), or a recording of anybody; repeat it for several recordings of
    /// one speaker [default: the first voice]
    #[arg(short, long, value_name = "NAME|CLIP")]
    pub voice: Vec<String>,

    /// The English of a voice made from clips: american or british [default: american]
    #[arg(long, value_name = "ACCENT", value_parser = accent)]
    pub accent: Option<Accent>,

    /// Whose prosody is heard instead of the voice's own: a name, or recordings as for --voice
    #[arg(long, value_name = "NAME|CLIP")]
    pub prosody: Vec<String>,

    /// What is said in the clip of --prosody, or @FILE that holds it; once for each clip
    #[arg(long, value_name = "TEXT|@FILE", requires = "prosody")]
    pub prosody_text: Vec<String>,

    /// How much of it: 0 is the voice's own prosody, 1 that of --prosody [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = mix, requires = "prosody", allow_negative_numbers = true)]
    pub prosody_mix: Option<f32>,

    /// Speed, 0.25 to 4; 2 is twice as fast
    #[arg(short, long, value_name = "FACTOR", value_parser = speed, allow_negative_numbers = true)]
    pub speed: Option<f32>,

    /// Pitch in semitones, -24 to 24
    #[arg(short, long, value_name = "ST", value_parser = pitch, allow_negative_numbers = true)]
    pub pitch: Option<f32>,

    /// Volume in dB, -60 to 24
    #[arg(long, value_name = "DB", value_parser = volume, allow_negative_numbers = true)]
    pub volume: Option<f32>,

    /// The same seed reads the same text the same way [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Liveliness of the prosody: 0 takes the likeliest reading, 1 draws as the model predicts; 0 to 2
    #[arg(long, value_name = "T", value_parser = temperature, allow_negative_numbers = true)]
    pub temperature: Option<f32>,

    /// Draw the prosody from this many likeliest codes; 0 for all
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,

    /// Silence after a sentence in ms, 0 to 10000
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub sentence_pause: Option<u32>,
}

impl VoiceFlags {
    /// These settings, and `other`'s where these have none.
    pub fn or(&self, other: &Self) -> Self {
        let (cast, score) = (
            if self.voice.is_empty() { other } else { self },
            if self.prosody.is_empty() { other } else { self },
        );
        Self {
            voice: cast.voice.clone(),
            accent: self.accent.or(other.accent),
            prosody: score.prosody.clone(),
            prosody_text: score.prosody_text.clone(),
            prosody_mix: self.prosody_mix.or(other.prosody_mix),
            speed: self.speed.or(other.speed),
            pitch: self.pitch.or(other.pitch),
            volume: self.volume.or(other.volume),
            seed: self.seed.or(other.seed),
            temperature: self.temperature.or(other.temperature),
            top_k: self.top_k.or(other.top_k),
            sentence_pause: self.sentence_pause.or(other.sentence_pause),
        }
    }

    /// A request with these settings; what is not set stays as the engine has it.
    pub fn request(
        &self,
        engine: &Engine,
        voice: &Voice,
        donor: Option<&(Voice, f32)>,
    ) -> SpeechRequest {
        let mut request = engine.speech(voice);
        if let Some((donor, share)) = donor {
            request = request.prosody(donor, *share);
        }
        if let Some(speed) = self.speed {
            request = request.speed(speed);
        }
        if let Some(pitch) = self.pitch {
            request = request.pitch(pitch);
        }
        if let Some(volume) = self.volume {
            request = request.volume_db(volume);
        }
        if let Some(seed) = self.seed {
            request = request.seed(seed);
        }
        if let Some(temperature) = self.temperature {
            request = request.temperature(temperature);
        }
        if let Some(top_k) = self.top_k {
            request = request.top_k(top_k);
        }
        if let Some(pause) = self.sentence_pause {
            request = request.sentence_pause_ms(pause);
        }
        request
    }
}

/// What to compute with.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineFlags {
    /// Where to compute: auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    pub device: DeviceChoice,

    /// Threads to compute with [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,

    /// Use the weights in this folder instead of the embedded ones
    #[arg(long, value_name = "DIR")]
    pub weights: Option<PathBuf>,

    /// Listen to clips anew, and keep nothing of them for the next time
    #[arg(long)]
    pub no_cache: bool,
}

impl EngineFlags {
    /// Loads the engine, which finds stored voices in `library`.
    pub fn load(&self, library: Option<VoiceLibrary>) -> Result<Engine, Failure> {
        self.load_converting(library, None)
    }

    /// The same, to convert with the model in the folder `model` instead of the embedded one.
    pub fn load_converting(
        &self,
        library: Option<VoiceLibrary>,
        model: Option<&Path>,
    ) -> Result<Engine, Failure> {
        let mut builder = Engine::builder().device(self.device);
        if let Some(folder) = model {
            builder = builder.convert_weights(folder);
        }
        if let Some(library) = library {
            builder = builder.library(library);
        }
        if !self.no_cache {
            builder = builder.user_cache();
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads.into());
        }
        if let Some(folder) = &self.weights {
            builder = builder.weights(folder);
        }
        Ok(builder.build()?)
    }
}

fn speed(text: &str) -> Result<f32, String> {
    number(text, SPEED, "1 is the voice's own speed, 2 twice as fast")
}

pub fn pitch(text: &str) -> Result<f32, String> {
    number(
        text,
        PITCH,
        "semitones; 12 is an octave up, -12 an octave down",
    )
}

fn volume(text: &str) -> Result<f32, String> {
    number(text, VOLUME, "dB; 6 is twice the amplitude, -6 half of it")
}

fn temperature(text: &str) -> Result<f32, String> {
    number(
        text,
        TEMPERATURE,
        "0 is the likeliest reading, 1 as the model predicts",
    )
}

fn mix(text: &str) -> Result<f32, String> {
    number(text, MIX, "0 is the voice's own prosody, 1 the donor's")
}

/// An accent by its name.
pub fn accent(text: &str) -> Result<Accent, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "american" => Ok(Accent::American),
        "british" => Ok(Accent::British),
        _ => Err("give american or british".into()),
    }
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    text.parse()
        .map_err(|error: syrinx::Error| error.to_string())
}

/// A finite number within `range`; the message explains with `meaning`.
pub fn number(text: &str, range: RangeInclusive<f32>, meaning: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => {
            let (low, high) = range.into_inner();
            Err(format!("give a number from {low} to {high} ({meaning})"))
        }
    }
}

/// The settings of one line of a batch, with the ranges of the flags.
pub fn check(flags: &VoiceFlags) -> Result<(), String> {
    let within = |name: &str, value: Option<f32>, range: RangeInclusive<f32>| match value {
        Some(value) if !range.contains(&value) => {
            let (low, high) = range.into_inner();
            Err(format!(
                "{name} {value}: give a number from {low} to {high}"
            ))
        }
        _ => Ok(()),
    };
    within("speed", flags.speed, SPEED)?;
    within("pitch", flags.pitch, PITCH)?;
    within("volume", flags.volume, VOLUME)?;
    within("prosody_mix", flags.prosody_mix, MIX)?;
    within("temperature", flags.temperature, TEMPERATURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_held_to_their_range() {
        assert_eq!(speed("1.5"), Ok(1.5));
        assert_eq!(pitch("-12"), Ok(-12.0));
        for text in ["0.2", "5", "NaN", "inf", "fast", ""] {
            let message = speed(text).unwrap_err();
            assert!(message.contains("0.25 to 4"), "{text}: {message}");
        }
    }

    #[test]
    fn a_line_of_a_batch_overrides_the_flags() {
        let line = VoiceFlags {
            speed: Some(2.0),
            ..VoiceFlags::default()
        };
        let flags = VoiceFlags {
            speed: Some(0.5),
            voice: vec!["Wren".into()],
            ..VoiceFlags::default()
        };
        let both = line.or(&flags);
        assert_eq!((both.speed, &both.voice[0][..]), (Some(2.0), "Wren"));
        assert!(check(&both).is_ok());
        let wild = VoiceFlags {
            speed: Some(f32::NAN),
            ..VoiceFlags::default()
        };
        assert!(check(&wild).unwrap_err().contains("0.25 to 4"));
    }
}
