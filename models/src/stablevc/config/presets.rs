//! Named sizes.

use super::{
    Config, ContentConfig, EncoderConfig, FlowConfig, FrameConfig, ModuleConfig, ShapeConfig,
    SpeakerConfig, StyleConfig,
};

impl Config {
    /// The starter model: the same networks at a size that converts in real time on one core, on the front end, the
    /// timbre keys and the prosody codes of [`crate::megatts2::Config::starter`].
    pub fn starter() -> Self {
        Self {
            bands: 100,
            symbols: 178,
            frames_per_unit: 2,
            content: ContentConfig {
                encoder: Some(EncoderConfig {
                    channels: 160,
                    hidden: 192,
                    kernel: 7,
                    ahead: vec![
                        vec![0, 1, 0, 1, 0],
                        vec![0, 1, 1, 1, 1],
                        vec![2, 3, 2, 3, 3],
                    ],
                }),
                features: 64,
                clusters: 512,
            },
            shape: Some(ShapeConfig {
                bands: 84,
                features: 24,
                speaker: true,
            }),
            key_channels: 192,
            speaker: SpeakerConfig {
                channels: Some(256),
                features: 256,
            },
            style: StyleConfig {
                codes: Some(256),
                code_channels: 64,
                code_frames: 8,
                channels: 128,
                hidden: 192,
                kernel: 3,
                blocks: 2,
                pool: 4,
                centred: true,
            },
            module: ModuleConfig {
                channels: 192,
                heads: 3,
                hidden: 288,
                kernel: 3,
                blocks: 2,
            },
            frame: FrameConfig {
                hidden: 288,
                kernel: 3,
                blocks: 2,
            },
            flow: FlowConfig {
                channels: 192,
                heads: 3,
                hidden: 288,
                kernel: 3,
                blocks: 2,
                time: 64,
            },
            prior: true,
            conditions: true,
        }
    }

    /// The paper's size, 166 M acoustic parameters (Table 1): features of WavLM with K = 1024 clusters (section
    /// "Content Extractor"), style vectors of FACodec (256 at 80 Hz) averaged four to one, raw mels as timbre keys, an
    /// embedding of a speaker verification model; no prior mean and no explicit pitch.
    ///
    /// The paper gives neither width nor depth: 512 channels in 8 heads, a feed-forward part of 2048 with kernel 3, 4
    /// blocks of style, 4 of content and 19 of flow are ours, chosen to make up that number.
    pub fn paper() -> Self {
        Self {
            bands: 80,
            symbols: 0,
            frames_per_unit: 2,
            content: ContentConfig {
                encoder: None,
                features: 1024,
                clusters: 1024,
            },
            shape: None,
            key_channels: 80,
            speaker: SpeakerConfig {
                channels: None,
                features: 256,
            },
            style: StyleConfig {
                codes: None,
                code_channels: 256,
                code_frames: 1,
                channels: 512,
                hidden: 512,
                kernel: 3,
                blocks: 4,
                pool: 4,
                centred: false,
            },
            module: ModuleConfig {
                channels: 512,
                heads: 8,
                hidden: 2048,
                kernel: 3,
                blocks: 4,
            },
            frame: FrameConfig {
                hidden: 512,
                kernel: 3,
                blocks: 0,
            },
            flow: FlowConfig {
                channels: 512,
                heads: 8,
                hidden: 2048,
                kernel: 3,
                blocks: 19,
                time: 256,
            },
            prior: false,
            conditions: false,
        }
    }
}
