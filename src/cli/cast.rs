//! Who speaks, and whose prosody is heard: names and clips to voices.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use syrinx::{Accent, Clip, Engine, Voice};

use super::flags::VoiceFlags;
use super::{Failure, console, source};

/// Endings that make a value a clip, whether or not there is such a file.
const SOUND: [&str; 15] = [
    "wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "m4a", "mp4", "aac", "aif", "aiff", "caf",
    "mka", "mkv",
];

/// The voices of a run, each made once.
pub struct Cast<'a> {
    engine: &'a Engine,
    quiet: bool,
    made: RefCell<HashMap<Part, Voice>>,
}

/// What a voice is asked for by: names or clips, the texts of the clips, their accent.
type Part = (Vec<String>, Vec<String>, Option<Accent>);

impl<'a> Cast<'a> {
    pub fn new(engine: &'a Engine, quiet: bool) -> Self {
        Self {
            engine,
            quiet,
            made: RefCell::default(),
        }
    }

    /// Who speaks; the first voice there is unless the flags say otherwise.
    pub fn voice(&self, flags: &VoiceFlags) -> Result<Voice, Failure> {
        if flags.voice.is_empty() {
            let Some(first) = self.engine.voices().first() else {
                return Err(Failure::failed("these weights hold no voice"));
            };
            let first = vec![first.name.clone()];
            return self.part("--voice", (first, Vec::new(), flags.accent));
        }
        self.part("--voice", (flags.voice.clone(), Vec::new(), flags.accent))
    }

    /// Whose prosody is heard, and its share.
    pub fn donor(&self, flags: &VoiceFlags) -> Result<Option<(Voice, f32)>, Failure> {
        if flags.prosody.is_empty() {
            return match flags.prosody_mix.is_none() && flags.prosody_text.is_empty() {
                true => Ok(None),
                false => Err(Failure::usage(
                    "the text and the share of a prosody are given, but not whose it is: give --prosody too",
                )),
            };
        }
        let texts = flags.prosody_text.iter().map(|text| read_text(text));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        // The accent is that of the speaker; a donor's matters only for reading its text.
        let accent = flags.accent.filter(|_| !texts.is_empty());
        let donor = self.part("--prosody", (flags.prosody.clone(), texts, accent))?;
        Ok(Some((donor, flags.prosody_mix.unwrap_or(1.0))))
    }

    /// The voice that `flag` asks for by a name or by clips, with what is said in each of these.
    pub fn chosen(
        &self,
        flag: &str,
        values: &[String],
        texts: &[String],
        accent: Option<Accent>,
    ) -> Result<Voice, Failure> {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| read_text(text))
            .collect::<Result<_, _>>()?;
        self.part(flag, (values.to_vec(), texts, accent))
    }

    fn part(&self, flag: &str, part: Part) -> Result<Voice, Failure> {
        if let Some(voice) = self.made.borrow().get(&part) {
            return Ok(voice.clone());
        }
        let voice = self.make(flag, &part)?;
        if !self.quiet {
            voice
                .warnings()
                .iter()
                .for_each(|told| console::warning(told));
        }
        self.made.borrow_mut().insert(part, voice.clone());
        Ok(voice)
    }

    fn make(&self, flag: &str, (values, texts, accent): &Part) -> Result<Voice, Failure> {
        let (clips, names): (Vec<&String>, Vec<&String>) =
            values.iter().partition(|value| is_clip(self.engine, value));
        match (clips.first(), names.as_slice()) {
            (Some(clip), [name, ..]) => Err(Failure::usage(format!(
                "{flag} {name} is a name and {flag} {clip} a clip: give one name, or clips of one speaker"
            ))),
            (Some(_), []) => {
                let mut builder = self
                    .engine
                    .voice_builder()
                    .clips(with_texts(flag, values, texts)?);
                if let Some(accent) = accent {
                    builder = builder.accent(*accent);
                }
                builder.build().map_err(refused)
            }
            (None, [name]) if !texts.is_empty() => Err(Failure::usage(format!(
                "{flag}-text tells what is said in a clip; {name} is a voice, which knows it"
            ))),
            (None, [name]) if accent.is_some() => Err(Failure::usage(format!(
                "--accent is for voices made from clips; {name} has its own"
            ))),
            (None, [name]) => Ok(self.engine.voice(name)?),
            (None, _) => Err(Failure::usage(format!(
                "{flag} can be given several times for clips of one speaker, not for names ({}); give one",
                values.join(", ")
            ))),
        }
    }
}

/// Clips with what is said in them.
pub fn with_texts(flag: &str, paths: &[String], texts: &[String]) -> Result<Vec<Clip>, Failure> {
    if texts.is_empty() {
        return Ok(paths.iter().map(Clip::file).collect());
    }
    if texts.len() != paths.len() {
        let told = match flag {
            "--style" => "--style-text",
            _ => "--prosody-text",
        };
        return Err(Failure::usage(format!(
            "{} {told} for {} clips of {flag}: give one for each, in the same order",
            texts.len(),
            paths.len()
        )));
    }
    let pairs = paths.iter().zip(texts);
    Ok(pairs
        .map(|(path, text)| Clip::file(path).says(text))
        .collect())
}

/// A text, or the file named after an `@`.
pub fn read_text(text: &str) -> Result<String, Failure> {
    match text.strip_prefix('@') {
        Some(path) => source::read_file(Path::new(path)),
        None => Ok(text.to_owned()),
    }
}

/// Clips are the user's to mend.
pub fn refused(error: syrinx::Error) -> Failure {
    use syrinx::Error as E;
    match error {
        E::Audio { .. } | E::Io { .. } => Failure::Usage(error.to_string()),
        other => other.into(),
    }
}

/// Whether a name ends like that of a sound file.
pub fn is_sound(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| SOUND.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Whether a value means a file: it looks like a path, ends like a sound file, or is a file and no known voice.
fn is_clip(engine: &Engine, value: &str) -> bool {
    let path = Path::new(value);
    let looks = is_sound(path) || value.contains(std::path::is_separator);
    looks || (!engine.has_voice(value) && path.exists())
}
