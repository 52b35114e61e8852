//! What to convert to, and how.

use std::fmt;
use std::sync::{Arc, OnceLock};

use syrinx_models::stablevc::{Grid, Solver, Target};

use super::colour::VoiceSpectrum;
use super::melody::Melody;
use super::settings::Settings;
use super::style::Style;
use super::{ConversionStream, Converter, Pace, Profile, SourceProfile};
use crate::audio::Audio;
use crate::engine::Engine;
use crate::voice::Voice;
use crate::{Error, Result};

/// A request to convert speech, see [`Engine::conversion`]; cheap to clone and to use again.
///
/// ```no_run
/// # fn main() -> syrinx::Result<()> {
/// use syrinx::{Engine, audio::Decoder};
///
/// let engine = Engine::new()?;
/// let source = Decoder::open("me.wav")?.read_all()?.audio;
/// let converted = engine.conversion(&engine.voice("merlin")?)?.convert(&source)?;
/// assert_eq!(converted.audio.frames(), source.frames());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConversionRequest {
    engine: Engine,
    converter: Converter,
    voice: Voice,
    style: Option<Voice>,
    settings: Settings,
    /// Voice and style, once they have been listened to.
    who: Arc<OnceLock<Who>>,
}

/// A source, converted whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Converted {
    /// The samples, as many channels as the source has.
    pub audio: Audio,
    /// What the source was like, by channel.
    pub sources: Vec<SourceProfile>,
}

impl ConversionRequest {
    pub(crate) fn new(engine: Engine, voice: Voice) -> Result<Self> {
        Ok(Self {
            converter: engine.converter()?,
            engine,
            voice,
            style: None,
            settings: Settings::default(),
            who: Arc::default(),
        })
    }

    /// Converts to another voice, in the same style and with the same settings.
    #[must_use]
    pub fn to(mut self, voice: &Voice) -> Self {
        self.voice = voice.clone();
        self.who = Arc::default();
        self
    }

    /// Takes the style of another voice, that is how it stresses and moves, for the network and for the width of the
    /// melody; the timbre stays that of the request's voice.
    #[must_use]
    pub fn style(mut self, style: &Voice) -> Self {
        self.style = Some(style.clone());
        self.who = Arc::default();
        self
    }

    /// Steps of the solver, 1 to 100; more are slower. 1 unless set, with which the starter weights lose the fewest words.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.settings.steps = steps;
        self
    }

    /// How a step is made.
    #[must_use]
    pub fn solver(mut self, solver: Solver) -> Self {
        self.settings.solver = solver;
        self
    }

    /// How the steps are spaced.
    #[must_use]
    pub fn grid(mut self, grid: Grid) -> Self {
        self.settings.grid = grid;
        self
    }

    /// Classifier-free guidance, 0 to 10: how far to exaggerate what voice and style change; it doubles the work. 0, that
    /// is none, unless set.
    #[must_use]
    pub fn guidance(mut self, guidance: f32) -> Self {
        self.settings.guidance = guidance;
        self
    }

    /// How far drawn noise strays, 0 to 2; 0 gives the mean of what is likely.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.settings.temperature = temperature;
        self
    }

    /// Shift of the pitch in semitones, -24 to 24, on top of what else happens to it.
    #[must_use]
    pub fn pitch(mut self, semitones: f32) -> Self {
        self.settings.semitones = semitones;
        self
    }

    /// Whether the source keeps its F0 instead of being moved to the register of the voice.
    #[must_use]
    pub fn keep_pitch(mut self, keep: bool) -> Self {
        self.settings.keep_pitch = keep;
        self
    }

    /// Whether sounds become as long as the voice and the style make them (the duration module); the output has another
    /// length than the source then. Pauses keep theirs.
    #[must_use]
    pub fn retime(mut self, retime: bool) -> Self {
        self.settings.retime = retime;
        self
    }

    /// Seed of everything drawn. The same seed gives the same samples, whatever pieces the source comes in and the
    /// number of threads.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How much is converted at a time.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings.pace = pace;
        self
    }

    /// Where what the source is like is known from.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.settings.profile = profile;
        self
    }

    /// Sample rate of the output, Hz; that of the source unless set.
    #[must_use]
    pub fn output_rate(mut self, rate_hz: u32) -> Self {
        self.settings.output_rate_hz = Some(rate_hz);
        self
    }

    /// Begins to convert a source of one channel that comes piece by piece.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings out of range, a rate that cannot be, or a voice of other weights.
    pub fn stream(&self, rate_hz: u32) -> Result<ConversionStream> {
        self.settings
            .validate(self.converter.network().config().frames_per_unit)?;
        let who = self.who()?;
        ConversionStream::new(&self.converter, who, &self.settings, rate_hz)
    }

    /// Converts a source whole, each channel by itself.
    ///
    /// # Errors
    /// As [`stream`](Self::stream), and [`crate::Error::Input`] for samples that are no numbers, or several channels that
    /// are to be retimed, each to a length of its own.
    pub fn convert(&self, source: &Audio) -> Result<Converted> {
        if self.settings.retime && source.channels().len() > 1 {
            return Err(Error::Input(
                "channels that are retimed would not stay together: mix them down first".into(),
            ));
        }
        let (mut channels, mut sources, mut rate_hz) = (Vec::new(), Vec::new(), source.rate_hz());
        for samples in source.channels() {
            let mut stream = self.stream(source.rate_hz())?;
            rate_hz = stream.output_rate_hz();
            stream.push(samples)?;
            sources.push(stream.flush()?);
            channels.push(stream.take());
        }
        Ok(Converted {
            audio: Audio::from_channels(channels, rate_hz)?,
            sources,
        })
    }

    /// Listens to the voice and the style for a conversion that runs already, see [`ConversionStream::aim`]; this takes as
    /// long as converting some ten seconds, and can be done on any thread.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn target(&self) -> Result<ConversionTarget> {
        let who = self.who()?;
        Ok(ConversionTarget {
            target: who.target()?,
            melody: who.melody(&self.settings),
            who,
        })
    }

    /// Who shall be heard, listened to.
    fn who(&self) -> Result<Who> {
        if let Some(who) = self.who.get() {
            return Ok(who.clone());
        }
        let style = self.style.as_ref();
        let mut who = Who {
            engine: self.engine.clone(),
            converter: self.converter.clone(),
            voice: self.voice.clone(),
            style: style
                .map(|style| Style::of(&self.engine, style))
                .transpose()?,
            spectrum: VoiceSpectrum::default(),
        };
        who.spectrum = who.heard()?;
        Ok(self.who.get_or_init(|| who).clone())
    }

    /// The voice asked for.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// The networks that convert.
    pub fn converter(&self) -> &Converter {
        &self.converter
    }
}

/// A voice and a style that have been listened to, see [`ConversionRequest::target`].
#[derive(Clone)]
pub struct ConversionTarget {
    pub(super) who: Who,
    pub(super) target: Target,
    pub(super) melody: Melody,
}

impl ConversionTarget {
    /// The voice.
    pub fn voice(&self) -> &Voice {
        &self.who.voice
    }
}

impl fmt::Debug for ConversionTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversionTarget")
            .field("voice", &self.voice().name())
            .finish_non_exhaustive()
    }
}

/// Who shall be heard, and in what style.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub engine: Engine,
    pub converter: Converter,
    pub voice: Voice,
    pub style: Option<Style>,
    /// What the voice sounds like, and converted to itself, once it has been listened to.
    pub spectrum: VoiceSpectrum,
}

impl Who {
    /// Listens to the voice as it is and converted to itself.
    pub fn heard(&self) -> Result<VoiceSpectrum> {
        let target = self.plain_target()?;
        VoiceSpectrum::of(&self.engine, &self.converter, &self.voice, &target)
    }

    /// The voice without a style.
    pub fn plain_target(&self) -> Result<Target> {
        let keys = self.voice.timbre().keys();
        let network = self.converter.network();
        Ok(network.target(keys, self.register_hz(), None)?)
    }

    /// Median F0 of the voice, Hz.
    pub fn register_hz(&self) -> f32 {
        let known = self.voice.info().median_f0_hz;
        known.unwrap_or_else(|| self.voice.timbre().register_hz())
    }

    /// What the network knows of them.
    pub fn target(&self) -> Result<Target> {
        let network = self.converter.network();
        let style = match &self.style {
            Some(style) => Some(network.style(&style.codes)?),
            None => None,
        };
        let keys = self.voice.timbre().keys();
        Ok(network.target(keys, self.register_hz(), style.as_ref())?)
    }

    pub fn melody(&self, settings: &Settings) -> Melody {
        Melody {
            register_hz: (!settings.keep_pitch).then(|| self.register_hz()),
            spread: self.style.as_ref().and_then(|style| style.spread),
            semitones: settings.semitones,
        }
    }
}
