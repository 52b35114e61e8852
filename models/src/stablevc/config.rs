//! Sizes of the network.

mod presets;
mod validate;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Sizes of a StableVC model; its JSON is the `config.json` beside the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Mel bands.
    pub bands: usize,
    /// Symbols whose posteriors the content encoder was trained on; converting does not use them.
    #[serde(default)]
    pub symbols: usize,
    /// Mel frames per unit, the step of content and durations.
    pub frames_per_unit: usize,
    /// What is said: features and their clusters.
    pub content: ContentConfig,
    /// Coarse spectral shape of the source as a condition beside F0 and level; none in the paper, nor without `conditions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeConfig>,
    /// Width of a timbre key.
    pub key_channels: usize,
    /// Who speaks, in one vector.
    pub speaker: SpeakerConfig,
    /// How it is said.
    pub style: StyleConfig,
    /// Content module, at the rate of units.
    pub module: ModuleConfig,
    /// Causal convolutions at the rate of frames, between the content and the flow module.
    pub frame: FrameConfig,
    /// Flow-matching module.
    pub flow: FlowConfig,
    /// Whether a mean of the mel is predicted and the flow starts from the field of a Gaussian around it; if not, the
    /// flow module gives the whole field, as in the paper.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub prior: bool,
    /// Whether F0, voicing, level, register and shape are conditions; the paper has none.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub conditions: bool,
}

/// Content features and their clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FlatContent", into = "FlatContent")]
pub struct ContentConfig {
    /// The encoder that makes the features; none where they come from outside, by [`super::ContentExtractor`].
    pub encoder: Option<EncoderConfig>,
    /// Width of the features.
    pub features: usize,
    /// Clusters of features, that is tokens.
    pub clusters: usize,
}

/// Sizes of the content encoder; in JSON they stand beside `features` and `clusters`, all or none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Width of the encoder.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the blocks' convolutions.
    pub kernel: usize,
    /// The look-aheads that one set of weights serves, the shortest first: how many units each block sees ahead.
    pub ahead: Vec<Vec<usize>>,
}

/// Spectral shape of the source: cepstra of each frame over its mean so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeConfig {
    /// The lowest so many mel bands are looked at.
    pub bands: usize,
    /// Numbers that describe a frame.
    pub features: usize,
    /// Whether as many numbers follow that describe the speaker, as far as the mean tells it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub speaker: bool,
}

impl ShapeConfig {
    /// All numbers of a frame.
    pub(super) fn width(&self) -> usize {
        self.features * (1 + usize::from(self.speaker))
    }
}

/// Speaker encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeakerConfig {
    /// Width of the encoder; none where embeddings come from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Width of the embedding.
    pub features: usize,
}

/// Style encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleConfig {
    /// Size of the codebook of the prosody codes; none where their vectors come from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<usize>,
    /// Width of a code's vector.
    pub code_channels: usize,
    /// Frames that a code, or a vector from outside, stands for.
    pub code_frames: usize,
    /// Width of the encoder and of the style.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the convolutions, odd.
    pub kernel: usize,
    /// Blocks.
    pub blocks: usize,
    /// Frames that are averaged to one vector of the style.
    pub pool: usize,
    /// Whether a style's mean over time is taken away: what holds all the time tells who speaks, a style is how it moves.
    #[serde(default, skip_serializing_if = "is_no")]
    pub centred: bool,
}

/// Sizes of a stack of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleConfig {
    /// Width of the stack.
    pub channels: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub hidden: usize,
    /// Width of its causal convolution.
    pub kernel: usize,
    /// Blocks.
    pub blocks: usize,
}

/// Sizes of the frame part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameConfig {
    /// Width inside a block.
    pub hidden: usize,
    /// Width of its causal convolution.
    pub kernel: usize,
    /// Blocks.
    pub blocks: usize,
}

/// Sizes of the flow module: a stack of blocks that also know the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowConfig {
    /// Width of the stack.
    pub channels: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub hidden: usize,
    /// Width of its causal convolution.
    pub kernel: usize,
    /// Blocks.
    pub blocks: usize,
    /// Width of the embedding of the time, even.
    pub time: usize,
}

impl FlowConfig {
    /// The stack without its time.
    pub fn stack(&self) -> ModuleConfig {
        let Self {
            channels,
            heads,
            hidden,
            kernel,
            blocks,
            ..
        } = *self;
        ModuleConfig {
            channels,
            heads,
            hidden,
            kernel,
            blocks,
        }
    }
}

impl Config {
    /// Numbers of an envelope: the level of a frame, and its shape where there is one.
    pub(super) fn envelope_width(&self) -> usize {
        1 + self.shape.as_ref().map_or(0, ShapeConfig::width)
    }

    /// Reads a `config.json`; `name` stands for the file in messages.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no such configuration, or one that [`Config::validate`] refuses.
    pub fn from_json(name: &str, json: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json).map_err(|error| {
            Error::Config(format!(
                "{name}: no configuration of a StableVC model: {error}"
            ))
        })?;
        config
            .validate()
            .map_err(|error| Error::Config(format!("{name}: {error}")))?;
        Ok(config)
    }
}

/// The JSON of [`ContentConfig`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatContent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channels: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hidden: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kernel: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ahead: Option<Vec<Vec<usize>>>,
    features: usize,
    clusters: usize,
}

impl TryFrom<FlatContent> for ContentConfig {
    type Error = &'static str;

    fn try_from(flat: FlatContent) -> std::result::Result<Self, Self::Error> {
        let encoder = match (flat.channels, flat.hidden, flat.kernel, flat.ahead) {
            (Some(channels), Some(hidden), Some(kernel), Some(ahead)) => Some(EncoderConfig {
                channels,
                hidden,
                kernel,
                ahead,
            }),
            (None, None, None, None) => None,
            _ => return Err("content: give all of channels, hidden, kernel, ahead, or none"),
        };
        Ok(Self {
            encoder,
            features: flat.features,
            clusters: flat.clusters,
        })
    }
}

impl From<ContentConfig> for FlatContent {
    fn from(config: ContentConfig) -> Self {
        let encoder = config.encoder;
        Self {
            channels: encoder.as_ref().map(|e| e.channels),
            hidden: encoder.as_ref().map(|e| e.hidden),
            kernel: encoder.as_ref().map(|e| e.kernel),
            ahead: encoder.map(|e| e.ahead),
            features: config.features,
            clusters: config.clusters,
        }
    }
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn is_no(value: &bool) -> bool {
    !value
}
