//! Sizes of the networks.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Sizes of a Mega-TTS 2 model; its JSON is the `config.json` beside the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Size of the symbol table.
    pub symbols: usize,
    /// Mel bands.
    pub bands: usize,
    /// Mel frames per unit, the step of durations.
    pub frames_per_unit: usize,
    /// Content encoder.
    pub content: ContentConfig,
    /// Timbre encoder and timbre-to-content attention (MRTE).
    pub timbre: TimbreConfig,
    /// Vector-quantised prosody encoder.
    pub prosody: ProsodyConfig,
    /// Mel decoder.
    pub decoder: DecoderConfig,
    /// Prosody language model (P-LLM).
    pub plm: PlmConfig,
    /// Autoregressive duration model (ADM).
    pub adm: AdmConfig,
}

/// Sizes of the content encoder: feed-forward transformer blocks over symbols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentConfig {
    /// Width of the content.
    pub channels: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub hidden: usize,
    /// Width of its convolution, odd.
    pub kernel: usize,
}

/// Sizes of the timbre encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimbreConfig {
    /// Width of the encoder.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the convolutions, odd.
    pub kernel: usize,
    /// One block each, after a convolution of this stride; 1: a block without one.
    pub strides: Vec<usize>,
    /// Width of a timbre key.
    pub key_channels: usize,
    /// Heads of the timbre-to-content attention.
    pub heads: usize,
    /// Whether the mean key modulates the decoder (the global encoder of the paper's first version).
    pub global_vector: bool,
}

/// Sizes of the prosody encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProsodyConfig {
    /// Lowest mel bands it sees.
    pub bands: usize,
    /// Width of the encoder.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the convolutions, odd.
    pub kernel: usize,
    /// Blocks before the pooling, and as many after it.
    pub blocks: usize,
    /// Frames per code.
    pub pool: usize,
    /// Size of the codebook.
    pub codes: usize,
    /// Width of a code.
    pub code_channels: usize,
    /// Median F0, Hz, that mels are moved to along frequency before codes are taken from them, so that codes carry no
    /// register; taken as they are where there is none.
    #[serde(default)]
    pub register_hz: Option<u32>,
}

/// Sizes of the mel decoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfig {
    /// Width of the decoder.
    pub channels: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// Width of the convolutions at the rate of units, odd.
    pub kernel: usize,
    /// Blocks at the rate of units.
    pub blocks: usize,
    /// Blocks at the rate of frames.
    pub fine_blocks: usize,
    /// Width of their convolutions, odd.
    pub fine_kernel: usize,
    /// Whether F0 and voicing are predicted beside the mel.
    pub pitch_heads: bool,
    /// Whether F0 is predicted relative to the register of the voice, which also modulates the blocks.
    #[serde(default)]
    pub register: bool,
}

/// Sizes of the prosody language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlmConfig {
    /// Width of the network.
    pub channels: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub hidden: usize,
    /// Width of the embedding of the previous code.
    pub code_channels: usize,
}

/// Sizes of the duration model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmConfig {
    /// Width of the network.
    pub channels: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub hidden: usize,
}

impl Config {
    /// The starter model: the same networks at a size that speaks far faster than real time on one core.
    pub fn starter() -> Self {
        Self {
            symbols: 178,
            bands: 100,
            frames_per_unit: 2,
            content: ContentConfig {
                channels: 192,
                layers: 4,
                heads: 2,
                hidden: 512,
                kernel: 3,
            },
            timbre: TimbreConfig {
                channels: 128,
                hidden: 192,
                kernel: 3,
                strides: vec![2, 2, 2, 2],
                key_channels: 192,
                heads: 2,
                global_vector: true,
            },
            prosody: ProsodyConfig {
                bands: 20,
                channels: 128,
                hidden: 192,
                kernel: 3,
                blocks: 2,
                pool: 8,
                codes: 256,
                code_channels: 64,
                register_hz: Some(160),
            },
            decoder: DecoderConfig {
                channels: 256,
                hidden: 320,
                kernel: 5,
                blocks: 5,
                fine_blocks: 2,
                fine_kernel: 3,
                pitch_heads: true,
                register: true,
            },
            plm: PlmConfig {
                channels: 192,
                layers: 3,
                heads: 3,
                hidden: 512,
                code_channels: 64,
            },
            adm: AdmConfig {
                channels: 192,
                layers: 3,
                heads: 3,
                hidden: 256,
            },
        }
    }

    /// The paper's sizes (Table 5); what the table leaves open, such as the number of symbols, is as in [`Config::starter`].
    pub fn paper() -> Self {
        Self {
            symbols: 178,
            bands: 80,
            frames_per_unit: 1,
            content: ContentConfig {
                channels: 512,
                layers: 8,
                heads: 2,
                hidden: 1024,
                kernel: 5,
            },
            timbre: TimbreConfig {
                channels: 512,
                hidden: 512,
                kernel: 3,
                strides: vec![1, 1, 16, 1, 1],
                key_channels: 256,
                heads: 1,
                global_vector: false,
            },
            prosody: ProsodyConfig {
                bands: 20,
                channels: 384,
                hidden: 384,
                kernel: 5,
                blocks: 3,
                pool: 8,
                codes: 1024,
                code_channels: 256,
                register_hz: None,
            },
            decoder: DecoderConfig {
                channels: 512,
                hidden: 512,
                kernel: 5,
                blocks: 4,
                fine_blocks: 0,
                fine_kernel: 5,
                pitch_heads: false,
                register: false,
            },
            plm: PlmConfig {
                channels: 1024,
                layers: 12,
                heads: 16,
                hidden: 4096,
                code_channels: 512,
            },
            adm: AdmConfig {
                channels: 1024,
                layers: 12,
                heads: 16,
                hidden: 4096,
            },
        }
    }

    /// Reads a `config.json`; `name` stands for the file in messages.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no such configuration, or one that [`Config::validate`] refuses.
    pub fn from_json(name: &str, json: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json).map_err(|error| {
            Error::Config(format!(
                "{name}: no configuration of a Mega-TTS 2 model: {error}"
            ))
        })?;
        config
            .validate()
            .map_err(|error| Error::Config(format!("{name}: {error}")))?;
        Ok(config)
    }

    /// # Errors
    /// [`Error::Config`] naming the first field that no network can be built from.
    pub fn validate(&self) -> Result<()> {
        let Self {
            content,
            timbre,
            prosody,
            decoder,
            plm,
            adm,
            ..
        } = self;
        let sizes = [
            ("symbols", self.symbols),
            ("bands", self.bands),
            ("frames_per_unit", self.frames_per_unit),
            ("content.channels", content.channels),
            ("content.hidden", content.hidden),
            ("timbre.channels", timbre.channels),
            ("timbre.hidden", timbre.hidden),
            ("timbre.key_channels", timbre.key_channels),
            ("prosody.bands", prosody.bands),
            ("prosody.channels", prosody.channels),
            ("prosody.hidden", prosody.hidden),
            ("prosody.pool", prosody.pool),
            ("prosody.codes", prosody.codes),
            ("prosody.code_channels", prosody.code_channels),
            ("decoder.channels", decoder.channels),
            ("decoder.hidden", decoder.hidden),
            ("plm.hidden", plm.hidden),
            ("plm.code_channels", plm.code_channels),
            ("adm.hidden", adm.hidden),
        ];
        for (name, size) in sizes {
            require((1..=1 << 16).contains(&size), || {
                format!("{name} = {size}: give 1 to 65536")
            })?;
        }
        let stacks = [
            ("content.layers", content.layers),
            ("timbre.strides", timbre.strides.len()),
            ("prosody.blocks", prosody.blocks),
            ("decoder.blocks", decoder.blocks),
            ("decoder.fine_blocks", decoder.fine_blocks),
            ("plm.layers", plm.layers),
            ("adm.layers", adm.layers),
        ];
        for (name, count) in stacks {
            require(count <= 256, || {
                format!("{name}: {count} layers: give 256 at most")
            })?;
        }
        let kernels = [
            ("content.kernel", content.kernel),
            ("timbre.kernel", timbre.kernel),
            ("prosody.kernel", prosody.kernel),
            ("decoder.kernel", decoder.kernel),
            ("decoder.fine_kernel", decoder.fine_kernel),
        ];
        for (name, kernel) in kernels {
            require(kernel % 2 == 1 && kernel < 256, || {
                format!("{name} = {kernel}: give an odd width")
            })?;
        }
        let attentions = [
            ("content", content.channels, content.heads),
            ("plm", plm.channels, plm.heads),
            ("adm", adm.channels, adm.heads),
        ];
        for (name, channels, heads) in attentions {
            require(
                heads > 0 && channels > 0 && channels % (2 * heads) == 0 && channels <= 1 << 16,
                || format!("{name}: {channels} channels do not make {heads} heads of even width"),
            )?;
        }
        require(
            timbre.heads > 0 && content.channels % timbre.heads == 0,
            || {
                format!(
                    "timbre.heads = {}: does not divide content.channels = {}",
                    timbre.heads, content.channels
                )
            },
        )?;
        for &stride in &timbre.strides {
            require(
                stride == 1 || (stride % 2 == 0 && (2..=64).contains(&stride)),
                || format!("timbre.strides: {stride}: give 1 or an even number up to 64"),
            )?;
        }
        require(prosody.bands <= self.bands, || {
            format!(
                "prosody.bands = {}: more than bands = {}",
                prosody.bands, self.bands
            )
        })?;
        require(prosody.register_hz != Some(0), || {
            "prosody.register_hz = 0: give a median F0 in Hz, or none".into()
        })?;
        require(
            !decoder.register || (decoder.pitch_heads && timbre.global_vector),
            || "decoder.register: needs decoder.pitch_heads and timbre.global_vector".into(),
        )?;
        require(prosody.pool % self.frames_per_unit == 0, || {
            format!(
                "prosody.pool = {}: no multiple of frames_per_unit = {}",
                prosody.pool, self.frames_per_unit
            )
        })
    }

    /// Units per prosody code, the r of the paper in our unit of duration.
    pub fn units_per_code(&self) -> usize {
        self.prosody.pool / self.frames_per_unit
    }

    /// Mel frames per timbre key.
    pub fn frames_per_key(&self) -> usize {
        self.timbre.strides.iter().product()
    }
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Config(message()))
    }
}
