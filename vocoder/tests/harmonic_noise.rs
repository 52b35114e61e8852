//! The harmonic-plus-noise vocoder against PyTorch, and in pieces.

mod fixture;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use fixture::{Fixture, assert_close, max_difference, pieces};
use proptest::prelude::*;
use syrinx_vocoder::harmonic_noise::{HarmonicNoise, HarmonicNoiseConfig, PulseStream};
use syrinx_vocoder::mel::MelConfig;
use syrinx_vocoder::stream::{Frames, Stream};
use syrinx_vocoder::{Error, Result};

fn config(free_phase: bool) -> HarmonicNoiseConfig {
    HarmonicNoiseConfig {
        channels: 8,
        hidden: 16,
        kernel: 5,
        blocks: 2,
        free_phase,
        ..HarmonicNoiseConfig::starter()
    }
}

fn load(fixture: &Fixture, free_phase: bool) -> Arc<HarmonicNoise> {
    let name = if free_phase { "free" } else { "plain" };
    let weights = fixture.below(&format!("{name}.weights"));
    let vb = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
    Arc::new(HarmonicNoise::load(config(free_phase), vb).unwrap())
}

#[test]
fn pulses_equal_torch() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let mut stream = PulseStream::new(24_000, 300, 11_000.0);
    let mut samples = Vec::new();
    stream.push(&fixture.values("f0"), &mut samples);
    stream.flush(&mut samples);
    // torch interpolates F0 in f32 and holds the phase in f32: 80 harmonics feel it.
    assert_close(&samples, &fixture.values("pulses"), 0.02);
}

#[test]
fn waves_equal_torch() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let (mel, f0) = (fixture.tensor("mel"), fixture.values("f0"));
    for free_phase in [false, true] {
        let vocoder = load(&fixture, free_phase);
        let wave = vocoder.synthesise(mel, &f0, 77).unwrap();
        let name = if free_phase { "free" } else { "plain" };
        let expected = fixture.values(&format!("{name}.wave"));
        let peak = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let error = max_difference(&wave, &expected) / peak;
        assert!(
            peak > 0.1 && error < 2e-4,
            "{name}: peak {peak}, error {error}"
        );
    }
}

#[test]
fn another_seed_changes_the_noise_and_nothing_else() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let (mel, f0) = (fixture.tensor("mel"), fixture.values("f0"));
    let vocoder = load(&fixture, false);
    let wave = |seed| vocoder.synthesise(mel, &f0, seed).unwrap();
    assert_eq!(wave(1), wave(1));
    let (a, b) = (wave(1), wave(2));
    let power = |x: &[f32]| x.iter().map(|v| v * v).sum::<f32>();
    let difference: Vec<f32> = a.iter().zip(&b).map(|(x, y)| x - y).collect();
    assert!(power(&difference) > 1e-3 * power(&a));
    assert!(power(&difference) < power(&a));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn streaming_equals_offline(
        len in 0usize..24,
        free_phase in any::<bool>(),
        mut sizes in prop::collection::vec(0usize..12, 1..5),
    ) {
        sizes.push(1);
        let fixture = Fixture::load("harmonic_noise.safetensors");
        let mel = fixture.tensor("mel").narrow(2, 0, len).unwrap();
        let f0 = &fixture.values("f0")[..len];
        let vocoder = load(&fixture, free_phase);
        let offline = vocoder.synthesise(&mel, f0, 5).unwrap();
        prop_assert_eq!(offline.len(), len * 300);
        let mut stream = vocoder.stream(5);
        // Twice: a flushed stream starts afresh.
        for _ in 0..2 {
            let mut wave = Vec::new();
            for piece in pieces(len, &sizes) {
                let part = mel.narrow(2, piece.start, piece.len()).unwrap();
                let frames = Frames::with_f0(&part, &f0[piece]).unwrap();
                stream.push(&frames, &mut wave).unwrap();
            }
            stream.flush(&mut wave).unwrap();
            let worst = max_difference(&wave, &offline);
            prop_assert!(worst <= 1e-6, "differ by {}", worst);
        }
    }
}

#[test]
fn a_long_push_worked_on_in_blocks_equals_short_ones() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let mel = fixture.tensor("mel");
    let mel = Tensor::cat(&[mel; 8], 2).unwrap();
    let f0 = fixture.values("f0").repeat(8);
    let vocoder = load(&fixture, true);
    let whole = vocoder.synthesise(&mel, &f0, 3).unwrap();
    let mut stream = vocoder.stream(3);
    let mut wave = Vec::new();
    for piece in pieces(f0.len(), &[63, 2]) {
        let part = mel.narrow(2, piece.start, piece.len()).unwrap();
        let frames = Frames::with_f0(&part, &f0[piece]).unwrap();
        stream.push(&frames, &mut wave).unwrap();
    }
    stream.flush(&mut wave).unwrap();
    assert_close(&wave, &whole, 1e-6);
}

#[test]
fn the_output_trails_by_the_stated_latency() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let (mel, f0) = (fixture.tensor("mel"), fixture.values("f0"));
    let mut stream = load(&fixture, true).stream(0);
    let mut wave = Vec::new();
    for (k, hz) in f0.iter().enumerate() {
        let frame = Frames::with_f0(&mel.narrow(2, k, 1).unwrap(), &[*hz]).unwrap();
        stream.push(&frame, &mut wave).unwrap();
        if k > 10 {
            assert_eq!((k + 1) * 300 - wave.len(), stream.latency_samples());
        }
    }
    stream.reset();
    let first = Frames::with_f0(&mel.narrow(2, 0, 1).unwrap(), &[0.0]).unwrap();
    let mut fresh = Vec::new();
    stream.push(&first, &mut fresh).unwrap();
    assert!(fresh.is_empty());
}

/// A vocoder whose convolutions see nothing of what comes, and the same as one that would see it with weights of zero.
fn blind() -> [Arc<HarmonicNoise>; 2] {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let mut weights = fixture.below("free.weights");
    let mut shifted = weights.clone();
    for name in [
        "input.weight",
        "blocks.0.expand.weight",
        "blocks.1.expand.weight",
    ] {
        let all = &weights[name];
        let (outputs, inputs, taps) = all.dims3().unwrap();
        let past = all.narrow(2, 0, taps / 2 + 1).unwrap();
        let none = Tensor::zeros((outputs, inputs, taps / 2), DType::F32, &Device::Cpu).unwrap();
        shifted.insert(name.into(), Tensor::cat(&[&none, &past], 2).unwrap());
        weights.insert(name.into(), Tensor::cat(&[&past, &none], 2).unwrap());
    }
    let load = |look_ahead, weights| {
        let config = HarmonicNoiseConfig {
            look_ahead,
            ..config(true)
        };
        let vb = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        Arc::new(HarmonicNoise::load(config, vb).unwrap())
    };
    [load(Some(vec![0; 3]), shifted), load(None, weights)]
}

#[test]
fn a_look_ahead_moves_the_taps_and_nothing_else() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let (mel, f0) = (fixture.tensor("mel"), fixture.values("f0"));
    let [short, long] = blind().map(|vocoder| vocoder.synthesise(mel, &f0, 4).unwrap());
    assert_close(&short, &long, 1e-5);
}

#[test]
fn pulses_foretold_are_the_same_and_need_not_be_waited_for() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let (mel, f0) = (fixture.tensor("mel"), fixture.values("f0"));
    let [vocoder, _] = blind();
    let offline = vocoder.synthesise(mel, &f0, 4).unwrap();
    for ahead in [0, 1, 2, 5] {
        let mut stream = vocoder.stream(4);
        let trails = stream.latency_samples_foretold(ahead);
        // Half a window, and what the pulses of this frame need of the next.
        assert_eq!(trails, 600 + 300 * 2usize.saturating_sub(ahead));
        let mut wave = Vec::new();
        stream.foretell(&f0[..ahead]);
        for (k, hz) in f0.iter().enumerate() {
            stream.foretell(&f0[(k + ahead).min(f0.len())..(k + ahead + 1).min(f0.len())]);
            let frame = Frames::with_f0(&mel.narrow(2, k, 1).unwrap(), &[*hz]).unwrap();
            stream.push(&frame, &mut wave).unwrap();
            if (10..f0.len() - ahead).contains(&k) {
                assert_eq!((k + 1) * 300 - wave.len(), trails, "{ahead} ahead");
            }
        }
        stream.flush(&mut wave).unwrap();
        assert_close(&wave, &offline, 1e-6);
    }
}

#[test]
fn an_untrained_network_keeps_the_level_of_the_mel() {
    // With a silent head the amplitudes are the prior, the input white noise. The overlap-add of
    // frames of independent noise takes some 4 dB from it.
    let config = HarmonicNoiseConfig {
        free_phase: false,
        ..config(false)
    };
    let mut weights = Fixture::load("harmonic_noise.safetensors").below("plain.weights");
    for (name, tensor) in &mut weights {
        if name.starts_with("head") {
            *tensor = tensor.zeros_like().unwrap();
        }
    }
    let vb = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
    let vocoder = Arc::new(HarmonicNoise::load(config, vb).unwrap());
    let level = -3.0f32;
    let mel = Tensor::full(level, (1, 100, 100), &Device::Cpu).unwrap();
    let wave = vocoder.synthesise(&mel, &[0.0; 100], 1).unwrap();
    let again = syrinx_vocoder::mel::Mel::new(MelConfig::starter())
        .unwrap()
        .extract(&wave);
    let inner = &again[1000..9000];
    let mean = inner.iter().sum::<f32>() / inner.len() as f32;
    assert!((mean - level + 0.5).abs() < 0.15, "{mean}");
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let fixture = Fixture::load("harmonic_noise.safetensors");
    let vocoder = load(&fixture, false);
    let message = |result: Result<Vec<f32>>| match result {
        Err(Error::Input(message)) => message,
        other => panic!("{other:?}"),
    };
    let mel = fixture.tensor("mel");
    assert!(message(vocoder.synthesise(mel, &[100.0], 0)).contains("24 mel frames with 1"));
    let wide = Tensor::zeros((1, 80, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(message(vocoder.synthesise(&wide, &[0.0; 4], 0)).contains("100 mel bands, got 80"));
    let batch = Tensor::zeros((2, 100, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(message(vocoder.synthesise(&batch, &[0.0; 4], 0)).contains("[1, bands, T]"));
    let mut wave = Vec::new();
    let error = vocoder
        .stream(0)
        .push(&Frames::new(mel).unwrap(), &mut wave)
        .unwrap_err();
    assert!(error.to_string().contains("F0"), "{error}");
}

#[test]
fn a_wrong_checkpoint_is_named() {
    let mut weights = Fixture::load("harmonic_noise.safetensors").below("plain.weights");
    let error = |weights| {
        let vb = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        match HarmonicNoise::load(config(false), vb) {
            Err(Error::Weights {
                name,
                expected,
                found,
                ..
            }) => (name, expected, found),
            other => panic!("{other:?}"),
        }
    };
    let narrow = Tensor::zeros((8, 16, 3), DType::F32, &Device::Cpu).unwrap();
    weights.insert("blocks.1.project.weight".into(), narrow);
    let (name, expected, found) = error(weights.clone());
    assert_eq!(name, "blocks.1.project.weight");
    assert_eq!(
        (expected.as_str(), found.as_str()),
        ("[8, 16, 1]", "[8, 16, 3]")
    );
    weights.remove("input.bias");
    assert_eq!(error(weights).0, "input.bias");
}

#[test]
fn impossible_configurations_are_refused() {
    let refused = |edit: fn(&mut HarmonicNoiseConfig)| {
        let mut config = HarmonicNoiseConfig::starter();
        edit(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(refused(|c| c.kernel = 4).contains("odd kernel"));
    assert!(refused(|c| c.max_harmonic_hz = 13_000.0).contains("12000"));
    assert!(refused(|c| c.look_ahead = Some(vec![1, 0])).contains("give 6 numbers"));
    assert!(refused(|c| c.look_ahead = Some(vec![7, 0, 0, 0, 0, 0])).contains("below 7"));
    assert!(refused(|c| c.look_ahead = Some(vec![6, 0, 0, 0, 0, 3])).contains("below 3"));
    assert!(refused(|c| c.mel = MelConfig::vocos_24k()).contains("centred_drop_last"));
    assert!(refused(|c| c.mel = MelConfig::librosa(24_000)).contains("ln"));
    assert!(HarmonicNoiseConfig::starter().validate().is_ok());
}
