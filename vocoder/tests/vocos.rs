//! Vocos against torch, and in pieces.

mod fixture;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use fixture::{Fixture, assert_close, max_difference, pieces};
use proptest::prelude::*;
use syrinx_vocoder::Error;
use syrinx_vocoder::mel::MelConfig;
use syrinx_vocoder::stft::Framing;
use syrinx_vocoder::stream::{Frames, Stream};
use syrinx_vocoder::vocos::{Vocos, VocosConfig};

fn config(framing: Framing) -> VocosConfig {
    VocosConfig {
        mel: MelConfig {
            n_fft: 64,
            win: 64,
            hop: 16,
            bands: 12,
            framing,
            ..MelConfig::vocos_24k()
        },
        dim: 8,
        intermediate_dim: 24,
        num_layers: 2,
    }
}

fn load(fixture: &Fixture, framing: Framing) -> Arc<Vocos> {
    let vb = VarBuilder::from_tensors(fixture.below("weights"), DType::F32, &Device::Cpu);
    Arc::new(Vocos::load(config(framing), vb).unwrap())
}

#[test]
fn waves_equal_torch_with_either_padding() {
    let fixture = Fixture::load("vocos.safetensors");
    for (framing, key) in [(Framing::Centred, "center"), (Framing::HopAligned, "same")] {
        let wave = load(&fixture, framing)
            .synthesise(fixture.tensor("mel"))
            .unwrap();
        let expected = fixture.values(key);
        let peak = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(peak > 0.1);
        assert_close(&wave, &expected, 1e-5 * peak.max(1.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn streaming_equals_offline(
        len in 0usize..15,
        same in any::<bool>(),
        mut sizes in prop::collection::vec(0usize..9, 1..5),
    ) {
        sizes.push(1);
        let fixture = Fixture::load("vocos.safetensors");
        let framing = if same { Framing::HopAligned } else { Framing::Centred };
        let vocoder = load(&fixture, framing);
        let mel = fixture.tensor("mel").narrow(2, 0, len).unwrap();
        let offline = vocoder.synthesise(&mel).unwrap();
        prop_assert_eq!(offline.len(), vocoder.mel().stft().samples(len));
        let mut stream = vocoder.stream();
        let mut wave = Vec::new();
        for piece in pieces(len, &sizes) {
            let part = mel.narrow(2, piece.start, piece.len()).unwrap();
            stream.push(&Frames::new(&part).unwrap(), &mut wave).unwrap();
        }
        stream.flush(&mut wave).unwrap();
        let worst = max_difference(&wave, &offline);
        prop_assert!(worst <= 1e-6, "differ by {}", worst);
    }
}

#[test]
fn the_output_trails_by_the_stated_latency() {
    let fixture = Fixture::load("vocos.safetensors");
    let mut stream = load(&fixture, Framing::HopAligned).stream();
    let mut wave = Vec::new();
    let frame = fixture.tensor("mel").narrow(2, 0, 1).unwrap();
    for k in 1..30 {
        stream
            .push(&Frames::new(&frame).unwrap(), &mut wave)
            .unwrap();
        if k > 15 {
            assert_eq!(k * 16 - wave.len(), stream.latency_samples());
        }
    }
}

#[test]
fn a_wrong_checkpoint_or_input_is_named() {
    let fixture = Fixture::load("vocos.safetensors");
    let vb = VarBuilder::from_tensors(fixture.below("weights"), DType::F32, &Device::Cpu);
    match Vocos::load(VocosConfig::mel_24k(), vb) {
        Err(Error::Weights {
            name,
            expected,
            found,
            ..
        }) => {
            assert_eq!(name, "backbone.embed.weight");
            assert_eq!(
                (expected.as_str(), found.as_str()),
                ("[512, 100, 7]", "[8, 12, 7]")
            );
        }
        other => panic!("{other:?}"),
    }
    let mel = Tensor::zeros((1, 13, 4), DType::F32, &Device::Cpu).unwrap();
    let error = load(&fixture, Framing::Centred)
        .synthesise(&mel)
        .unwrap_err();
    assert!(
        error.to_string().contains("12 mel bands, got 13"),
        "{error}"
    );
}

#[test]
fn the_published_size_is_valid() {
    VocosConfig::mel_24k().validate().unwrap();
    let bare = config(Framing::Bare);
    assert!(bare.validate().unwrap_err().to_string().contains("centred"));
}
