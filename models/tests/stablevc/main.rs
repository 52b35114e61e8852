//! StableVC against PyTorch, and against itself; `training/stablevc/fixtures.py` writes the fixture.
//!
//! Test numbers are those of the acceptance list in the project's notes on the paper: 1 the gate of the style, 2 order of
//! keys, 7 numbers of frames, 8 cached keys and values, 9 noise.

mod acceptance;
mod flow;
mod parity;
#[path = "../random_weights/mod.rs"]
mod random_weights;
mod refusals;
mod retiming;
mod sizes;
mod streaming;
mod without_extras;

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_models::Checkpoint;
use syrinx_models::stablevc::{Chunks, Config, ContentKind, Settings, StableVc, Target};

const TINY: &[u8] = include_bytes!("../fixtures/stablevc_tiny.safetensors");

/// A tiny model with what PyTorch makes of it.
struct Fixture {
    checkpoint: Checkpoint<'static>,
    model: Arc<StableVc>,
}

impl Fixture {
    fn new() -> Self {
        Self::of(Checkpoint::from_bytes("fixture", TINY).unwrap())
    }

    /// The model with other values in the tensors that `edit` returns one for.
    fn edited(edit: impl Fn(&str, &Tensor) -> Option<Tensor>) -> Self {
        let original = Checkpoint::from_bytes("fixture", TINY).unwrap();
        let mut tensors = HashMap::new();
        for name in original.names() {
            let tensor = original.tensor(&name, &Device::Cpu).unwrap();
            let tensor = edit(&name, &tensor).unwrap_or(tensor);
            tensors.insert(name, tensor);
        }
        let config = original.metadata("config").unwrap().to_owned();
        let metadata = Some(HashMap::from([("config".to_owned(), config)]));
        let bytes = safetensors::serialize(tensors, metadata).unwrap();
        Self::of(Checkpoint::from_bytes("edited", bytes).unwrap())
    }

    fn of(checkpoint: Checkpoint<'static>) -> Self {
        let config = Config::from_json("fixture", checkpoint.metadata("config").unwrap()).unwrap();
        let model = StableVc::load(&config, &checkpoint, &Device::Cpu).unwrap();
        Self {
            checkpoint,
            model: Arc::new(model),
        }
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.checkpoint
            .tensor(&format!("io.{name}"), &Device::Cpu)
            .unwrap()
    }

    fn values(&self, name: &str) -> Vec<f32> {
        flat(&self.tensor(name))
    }

    fn numbers(&self, name: &str) -> Vec<u32> {
        self.values(name).into_iter().map(|x| x as u32).collect()
    }

    fn target(&self, styled: bool) -> Target {
        let style = self.model.style(&self.numbers("codes")).unwrap();
        let register = self.values("register_hz")[0];
        self.model
            .target(&self.tensor("keys"), register, styled.then_some(&style))
            .unwrap()
    }
}

/// A mel [1, bands, T] with F0 `[T]`, unvoiced now and then.
struct Source {
    mel: Tensor,
    f0_hz: Vec<f32>,
}

impl Source {
    fn new(bands: usize, frames: usize) -> Self {
        let value = |i: usize| ((i as f32 * 0.37).sin() + (i as f32 * 0.011).cos()) * 2.0 - 5.0;
        let values: Vec<f32> = (0..bands * frames).map(value).collect();
        let f0 = |t: usize| match t / 7 % 3 {
            0 => 0.0,
            _ => 180.0 + 40.0 * (t as f32 * 0.2).sin(),
        };
        Self {
            mel: Tensor::from_vec(values, (1, bands, frames), &Device::Cpu).unwrap(),
            f0_hz: (0..frames).map(f0).collect(),
        }
    }

    /// Frames `first..last`.
    fn piece(&self, first: usize, last: usize) -> (Tensor, &[f32]) {
        let mel = self.mel.narrow(2, first, last - first).unwrap();
        (mel, &self.f0_hz[first..last])
    }

    fn frames(&self) -> usize {
        self.f0_hz.len()
    }

    /// The conversion as one masked pass over the whole signal, by the model's parts.
    fn offline(&self, model: &StableVc, target: &Target, settings: &Settings) -> Tensor {
        let frames = self.frames();
        let rate = model.config().frames_per_unit;
        let (mut mel, mut f0_hz) = (self.mel.clone(), self.f0_hz.clone());
        let mut envelopes = model.envelopes(&mel).unwrap();
        let width = envelopes.len() / frames;
        while f0_hz.len() % rate != 0 {
            let last = mel.narrow(2, f0_hz.len() - 1, 1).unwrap();
            mel = Tensor::cat(&[&mel, &last], 2).unwrap();
            f0_hz.push(f0_hz[f0_hz.len() - 1]);
            envelopes.extend_from_within(envelopes.len() - width..);
        }
        let content = model.content().unwrap();
        let mut features = content.features(&mel.squeeze(0).unwrap()).unwrap();
        if settings.content == ContentKind::Tokens {
            let tokens = model.clusters().tokens(&features).unwrap();
            features = model.clusters().centroids(&tokens).unwrap();
        }
        let (chunk, past) = (settings.chunk, settings.past);
        let units = Chunks {
            chunk: chunk / rate,
            past: past / rate,
        };
        let hidden = model
            .hidden(&features, Some(&envelopes), target, Some(units))
            .unwrap();
        let condition = model
            .condition(&hidden, &f0_hz, &envelopes, target)
            .unwrap();
        let noise = model.noise(settings.seed, 0, f0_hz.len()).unwrap();
        let noise = (noise * settings.temperature).unwrap();
        let chunks = Some(Chunks { chunk, past });
        let mel = model
            .sample(&noise, &condition, target, settings, chunks)
            .unwrap();
        mel.narrow(2, 0, frames).unwrap()
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The largest difference.
#[track_caller]
fn distance(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.elem_count(), b.elem_count());
    let (a, b) = (flat(a), flat(b));
    let pairs = a.iter().zip(&b);
    // A number that is none is as far as can be.
    pairs
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |most, d| if d <= most { most } else { d })
}

#[track_caller]
fn assert_close(a: &Tensor, b: &Tensor, tolerance: f32, what: &str) {
    let distance = distance(a, b);
    assert!(distance < tolerance, "{what}: {distance}");
}
