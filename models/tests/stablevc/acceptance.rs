//! The acceptance list.

use candle_core::{Device, Tensor};
use syrinx_models::stablevc::{Conversion, Settings, StableVc, Target};

use crate::{Fixture, Source, assert_close, distance, flat};

fn settings() -> Settings {
    Settings {
        steps: 2,
        past: 16,
        ..Settings::default()
    }
}

fn convert(fixture: &Fixture, target: &Target, source: &Source, settings: &Settings) -> Vec<f32> {
    flat(&converted(fixture, target, source, settings))
}

fn converted(fixture: &Fixture, target: &Target, source: &Source, settings: &Settings) -> Tensor {
    let mut conversion = Conversion::new(fixture.model.clone(), target.clone(), settings).unwrap();
    let first = conversion.push(&source.mel, &source.f0_hz).unwrap();
    let rest = conversion.flush().unwrap();
    let mels: Vec<Tensor> = first
        .into_iter()
        .chain(rest)
        .map(|frames| frames.mel().clone())
        .collect();
    Tensor::cat(&mels, 2).unwrap()
}

#[test]
fn test_1_a_closed_gate_keeps_the_style_out_to_the_bit() {
    let closed = Fixture::edited(|name, tensor| {
        name.ends_with("alpha")
            .then(|| tensor.zeros_like().unwrap())
    });
    let source = Source::new(10, 21);
    let both = [true, false].map(|styled| closed.target(styled));
    let [with, without] = both.map(|target| convert(&closed, &target, &source, &settings()));
    assert_eq!(with, without);

    let open = Fixture::new();
    let both = [true, false].map(|styled| open.target(styled));
    let [with, without] = both.map(|target| converted(&open, &target, &source, &settings()));
    assert!(distance(&with, &without) > 1e-2, "an open gate lets it in");
}

#[test]
fn test_2_the_order_of_keys_is_irrelevant() {
    let fixture = Fixture::new();
    let keys = fixture.tensor("keys");
    let count = keys.dim(0).unwrap() as u32;
    let order: Vec<u32> = (0..count).map(|i| (i * 5 + 3) % count).collect();
    let order = Tensor::new(order, &Device::Cpu).unwrap();
    let permuted = keys.index_select(&order, 0).unwrap();
    let style = fixture.model.style(&fixture.numbers("codes")).unwrap();
    let source = Source::new(10, 24);
    let mels = [keys, permuted].map(|keys| {
        let target = fixture.model.target(&keys, 190.0, Some(&style)).unwrap();
        converted(&fixture, &target, &source, &settings())
    });
    assert_close(&mels[0], &mels[1], 1e-5, "permuted keys");
}

#[test]
fn test_7_as_many_frames_come_out_as_go_in() {
    let fixture = Fixture::new();
    let target = fixture.target(false);
    for frames in [1, 2, 3, 7, 8, 9, 13, 16, 31, 40] {
        let source = Source::new(10, frames);
        let mut conversion =
            Conversion::new(fixture.model.clone(), target.clone(), &settings()).unwrap();
        let first = conversion.push(&source.mel, &source.f0_hz).unwrap();
        let rest = conversion.flush().unwrap();
        let f0: Vec<f32> = first
            .into_iter()
            .chain(rest)
            .flat_map(|frames| frames.f0().to_vec())
            .collect();
        assert_eq!(f0, source.f0_hz, "{frames} frames, with the F0 of each");
    }
    let mut nothing = Conversion::new(fixture.model.clone(), target, &settings()).unwrap();
    assert!(nothing.flush().unwrap().is_none());
}

#[test]
fn test_8_cached_keys_and_values_are_those_recomputed() {
    let fixture = Fixture::new();
    let source = Source::new(10, 50);
    // The masked pass computes all keys and values of all positions in every evaluation; the target is made anew.
    let chunked = converted(&fixture, &fixture.target(true), &source, &settings());
    let whole = source.offline(&fixture.model, &fixture.target(true), &settings());
    assert_close(&chunked, &whole, 1e-4, "cached");
}

#[test]
fn test_9_a_seed_is_a_sound() {
    let fixture = Fixture::new();
    let (target, source) = (fixture.target(true), Source::new(10, 30));
    let of = |seed| {
        let settings = Settings { seed, ..settings() };
        convert(&fixture, &target, &source, &settings)
    };
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    // Noise is addressed by frame and band.
    let noise = fixture.model.noise(7, 0, 30).unwrap();
    let late = fixture.model.noise(7, 11, 19).unwrap();
    assert_eq!(flat(&noise.narrow(2, 11, 19).unwrap()), flat(&late));
}

#[test]
fn temperature_zero_has_no_seed() {
    let fixture = Fixture::new();
    let (target, source) = (fixture.target(true), Source::new(10, 30));
    let of = |seed| {
        let settings = Settings {
            seed,
            temperature: 0.0,
            ..settings()
        };
        convert(&fixture, &target, &source, &settings)
    };
    assert_eq!(of(7), of(8));
}

#[test]
fn weights_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<StableVc>();
    shared::<Target>();
    sent::<Conversion>();
}
