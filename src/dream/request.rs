//! What is asked of a model of raw audio, and what comes of it.

use syrinx_models::diffwave::DiffWave;
use syrinx_models::sashimi::{Drawing, Generation, Quantisation, Sashimi};
use syrinx_vocoder::kernel;

use super::{Network, WaveModel};
use crate::audio::Audio;
use crate::{Error, Result};

/// Settings of clips to be made.
#[derive(Debug, Clone)]
pub struct DreamRequest {
    seconds: f64,
    seeds: Vec<u64>,
    temperature: f32,
    top_p: f32,
    prompt: Option<Audio>,
    rounded: bool,
}

impl DreamRequest {
    /// One clip of so many seconds, seed 0, drawn as the model predicts.
    pub fn new(seconds: f64) -> Self {
        Self {
            seconds,
            seeds: vec![0],
            temperature: 1.0,
            top_p: 1.0,
            prompt: None,
            rounded: false,
        }
    }

    /// A clip for each seed, made side by side. A clip depends on its seed alone.
    #[must_use]
    pub fn seeds(mut self, seeds: impl Into<Vec<u64>>) -> Self {
        self.seeds = seeds.into();
        self
    }

    /// Less than 1 prefers the likely, 0 always takes the likeliest.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Draws only from the fewest values that together have this probability.
    #[must_use]
    pub fn top_p(mut self, top_p: f32) -> Self {
        self.top_p = top_p;
        self
    }

    /// Goes on from the end of `clip`, which comes first in the result.
    #[must_use]
    pub fn continue_from(mut self, clip: Audio) -> Self {
        self.prompt = Some(clip);
        self
    }

    /// Rounds the weights to bf16: less memory to read, other clips.
    #[must_use]
    pub fn rounded(mut self, rounded: bool) -> Self {
        self.rounded = rounded;
        self
    }
}

/// The next part of every clip.
#[derive(Debug, Clone)]
pub struct DreamChunk {
    /// One for each seed, all equally long.
    pub clips: Vec<Audio>,
}

/// Clips that are being made.
pub struct Dream<'a> {
    rate_hz: u32,
    /// Samples still to come.
    left: usize,
    drawn: usize,
    course: Course<'a>,
}

enum Course<'a> {
    Drawn {
        generation: Generation,
        quantisation: Quantisation,
        /// What the clips begin with, not handed out yet.
        prompt: Vec<u32>,
        clips: usize,
    },
    Diffused {
        model: &'a DiffWave,
        seeds: Vec<u64>,
    },
}

/// Parts of a second that are handed out at a time.
const PARTS: usize = 10;

impl<'a> Dream<'a> {
    pub(super) fn new(model: &'a WaveModel, request: &DreamRequest) -> Result<Self> {
        let rate_hz = model.rate_hz();
        let samples = request.seconds * f64::from(rate_hz);
        if !(1.0..1e10).contains(&samples) {
            return Err(Error::Config(format!(
                "{} s: give a duration of at least one sample",
                request.seconds
            )));
        }
        let left = samples.round() as usize;
        let course = match &model.network {
            Network::Sashimi(network) => Self::drawn(model, network, request)?,
            Network::DiffWave(network) => Self::diffused(network, request)?,
        };
        Ok(Self {
            rate_hz,
            left,
            drawn: 0,
            course,
        })
    }

    fn drawn(model: &WaveModel, network: &Sashimi, request: &DreamRequest) -> Result<Course<'a>> {
        let quantisation = network.config().quantisation;
        let drawing = Drawing {
            temperature: request.temperature,
            top_p: request.top_p,
        };
        let prompt = request.prompt.as_ref().map(|clip| model.codes(clip));
        let prompt = prompt.transpose()?.unwrap_or_default();
        let stepper = WaveModel::stepper(network, request.rounded)?;
        let (silence, threads) = (quantisation.silence(), kernel::threads());
        let mut generation = Generation::new(&stepper, &request.seeds, drawing, silence, threads)?;
        generation.listen(&prompt)?;
        Ok(Course::Drawn {
            generation,
            quantisation,
            prompt,
            clips: request.seeds.len(),
        })
    }

    fn diffused(model: &'a DiffWave, request: &DreamRequest) -> Result<Course<'a>> {
        let refuse = |what: &str| Err(Error::Config(format!("{what}: give a SaShiMi model")));
        if model.conditional() {
            return refuse("this model is a vocoder, which needs a mel");
        }
        if request.prompt.is_some() {
            return refuse("a DiffWave model cannot continue a clip");
        }
        if request.temperature != 1.0 || request.top_p != 1.0 {
            return refuse("a DiffWave model has neither temperature nor top-p");
        }
        if request.seeds.is_empty() {
            return Err(Error::Input("no seeds: give one for each clip".into()));
        }
        Ok(Course::Diffused {
            model,
            seeds: request.seeds.clone(),
        })
    }

    /// Samples of each clip that are still to come, less those of a prompt.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The next part of every clip, a tenth of a second or a whole prompt; none at the end. A model that makes
    /// whole waves hands them out at once.
    ///
    /// # Errors
    /// [`Error::Compute`] if a kernel fails.
    pub fn next_chunk(&mut self) -> Result<Option<DreamChunk>> {
        self.next_chunk_watched(|_, _| Ok(()))
    }

    /// [`Dream::next_chunk`], where `watch(done, all)` is told of the steps of a model that takes many for its
    /// only chunk, and may end it with an error.
    ///
    /// # Errors
    /// As there, and those of `watch`.
    pub fn next_chunk_watched(
        &mut self,
        mut watch: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<Option<DreamChunk>> {
        let rate_hz = self.rate_hz;
        let audio = |samples: Vec<f32>| Audio::mono(samples, rate_hz);
        match &mut self.course {
            Course::Drawn {
                quantisation,
                prompt,
                clips,
                ..
            } if !prompt.is_empty() => {
                let prompt = audio(quantisation.decode(&std::mem::take(prompt)));
                let clips = vec![prompt; *clips];
                Ok(Some(DreamChunk { clips }))
            }
            _ if self.left == 0 => Ok(None),
            Course::Drawn {
                generation,
                quantisation,
                ..
            } => {
                let samples = self.left.min((rate_hz as usize / PARTS).max(1));
                let codes = generation.advance(samples)?;
                self.left -= samples;
                self.drawn += samples;
                let clips = codes.iter().map(|codes| audio(quantisation.decode(codes)));
                let clips = clips.collect();
                Ok(Some(DreamChunk { clips }))
            }
            Course::Diffused { model, seeds } => {
                let samples = std::mem::take(&mut self.left);
                let steps = model.config().steps;
                let denoiser = model.denoiser(samples.next_multiple_of(model.pool()))?;
                let mut failure = None;
                let waves = denoiser.sample(seeds, None, |done| {
                    watch(done, steps).map_err(|error| {
                        let text = error.to_string();
                        failure = Some(error);
                        syrinx_models::Error::Input(text)
                    })
                });
                let waves = waves.map_err(|error| failure.unwrap_or_else(|| error.into()))?;
                let clips = waves.into_iter().map(|mut wave| {
                    wave.truncate(samples);
                    audio(wave)
                });
                let clips = clips.collect();
                Ok(Some(DreamChunk { clips }))
            }
        }
    }

    /// −log₂ p per sample drawn so far of each clip, as the model predicts it; none of a model without likelihoods.
    pub fn bits_per_sample(&self) -> Option<Vec<f64>> {
        match &self.course {
            Course::Drawn { generation, .. } if self.drawn > 0 => {
                let bits = generation.log2_likelihoods().into_iter();
                Some(bits.map(|bits| -bits / self.drawn as f64).collect())
            }
            _ => None,
        }
    }
}
