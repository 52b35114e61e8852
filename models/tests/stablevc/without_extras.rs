//! The paper's network, small: content, speaker and style from outside, no mean, no explicit pitch.

use std::sync::Arc;

use candle_core::Tensor;
use syrinx_models::stablevc::{
    Config, ContentExtractor, ContentStream, Conversion, LookAhead, Settings, StableVc, Target,
};
use syrinx_models::{Error, Result};

use crate::random_weights::random_weights;
use crate::{Source, assert_close, distance, flat};

fn config() -> Config {
    let mut config = Config::paper();
    config.bands = 10;
    config.key_channels = 10;
    config.content.features = 10;
    config.content.clusters = 5;
    config.speaker.features = 6;
    (config.style.channels, config.style.hidden) = (8, 8);
    config.style.code_channels = 5;
    (config.module.channels, config.module.heads) = (12, 2);
    (config.module.hidden, config.module.blocks) = (16, 2);
    (config.flow.channels, config.flow.heads) = (12, 2);
    (config.flow.hidden, config.flow.blocks) = (16, 3);
    config.flow.time = 8;
    config.validate().unwrap();
    config
}

/// Takes the first frame of each unit for its features.
#[derive(Debug, Default)]
struct FirstFrame {
    kept: Option<Tensor>,
}

impl FirstFrame {
    fn rows(mel: &Tensor) -> Result<Tensor> {
        let even: Vec<u32> = (0..mel.dim(1)? as u32).step_by(2).collect();
        let columns = mel
            .contiguous()?
            .index_select(&Tensor::new(even, mel.device())?, 1)?;
        Ok(columns.t()?.contiguous()?)
    }
}

impl ContentExtractor for FirstFrame {
    fn features(&self, mel: &Tensor) -> Result<Tensor> {
        Self::rows(mel)
    }

    fn width(&self) -> usize {
        10
    }

    fn frames_per_unit(&self) -> usize {
        2
    }

    fn look_aheads(&self) -> Vec<usize> {
        vec![0]
    }

    fn stream(&self, _: LookAhead) -> Box<dyn ContentStream> {
        Box::new(Self::default())
    }
}

impl ContentStream for FirstFrame {
    fn push(&mut self, mel: &Tensor) -> Result<Option<Tensor>> {
        let mel = match self.kept.take() {
            Some(kept) => Tensor::cat(&[&kept, mel], 2)?,
            None => mel.clone(),
        };
        let even = mel.dim(2)? / 2 * 2;
        if even < mel.dim(2)? {
            self.kept = Some(mel.narrow(2, even, 1)?);
        }
        match even {
            0 => Ok(None),
            _ => Self::rows(&mel.narrow(2, 0, even)?.squeeze(0)?).map(Some),
        }
    }

    fn flush(&mut self) -> Result<Option<Tensor>> {
        let rest = self.kept.take();
        rest.map(|mel| Self::rows(&mel.squeeze(0)?)).transpose()
    }

    fn reset(&mut self) {
        self.kept = None;
    }
}

fn model() -> StableVc {
    StableVc::new(&config(), random_weights()).unwrap()
}

fn tensor(name: &str, shape: impl Into<candle_core::Shape>) -> Tensor {
    random_weights().get(shape.into(), name).unwrap()
}

fn target(model: &StableVc) -> Target {
    let style = model.style_of_vectors(&tensor("vectors", (12, 5))).unwrap();
    assert_eq!(style.dims(), [3, 8]);
    let (keys, speaker) = (tensor("keys", (20, 10)), tensor("speaker", 6));
    model
        .target_with_speaker(&keys, &speaker, 150.0, Some(&style))
        .unwrap()
}

#[test]
fn chunks_are_as_the_whole() {
    let model = Arc::new(
        model()
            .with_content(Arc::new(FirstFrame::default()))
            .unwrap(),
    );
    let target = target(&model);
    let source = Source::new(10, 37);
    for guidance in [0.0, 0.8] {
        let settings = Settings {
            steps: 3,
            past: 8,
            guidance,
            ..Settings::default()
        };
        let mut conversion = Conversion::new(model.clone(), target.clone(), &settings).unwrap();
        assert_eq!(conversion.latency_frames(), 8);
        let mut mels = Vec::new();
        for t in 0..source.frames() {
            let (mel, f0_hz) = source.piece(t, t + 1);
            mels.extend(conversion.push(&mel, f0_hz).unwrap());
        }
        mels.extend(conversion.flush().unwrap());
        let mels: Vec<&Tensor> = mels.iter().map(|frames| frames.mel()).collect();
        let whole = source.offline(&model, &target, &settings);
        assert_close(&Tensor::cat(&mels, 2).unwrap(), &whole, 1e-4, "chunked");
    }
}

#[test]
fn pitch_is_not_heard_but_the_voice_is() {
    let model = model();
    let content = tensor("content", (6, 10));
    let noise = model.noise(1, 0, 12).unwrap();
    let sample = |f0: f32, target: &Target| {
        let hidden = model.hidden(&content, None, target, None).unwrap();
        let condition = model
            .condition(&hidden, &[f0; 12], &[0.0; 12], target)
            .unwrap();
        assert!(condition.mean.is_none());
        let settings = Settings::default();
        model
            .sample(&noise, &condition, target, &settings, None)
            .unwrap()
    };
    let target = target(&model);
    assert_eq!(flat(&sample(0.0, &target)), flat(&sample(200.0, &target)));
    let (keys, speaker) = (tensor("others", (9, 10)), tensor("speaker", 6));
    let other = model.target_with_speaker(&(keys * 9.0).unwrap(), &speaker, 150.0, None);
    assert!(distance(&sample(0.0, &target), &sample(0.0, &other.unwrap())) > 1e-4);
}

#[test]
fn what_comes_from_outside_has_to_come() {
    let model = model();
    let refused = |result: Result<()>| assert!(matches!(result, Err(Error::Config(_))));
    refused(model.speaker(&tensor("keys", (20, 10))).map(drop));
    refused(model.style(&[1, 2, 3, 4]).map(drop));
    let target = target(&model);
    let model = Arc::new(model);
    refused(Conversion::new(model, target, &Settings::default()).map(drop));
    let mut wider = config();
    wider.content.features = 11;
    let wider = StableVc::new(&wider, random_weights()).unwrap();
    refused(
        wider
            .with_content(Arc::new(FirstFrame::default()))
            .map(drop),
    );
}
