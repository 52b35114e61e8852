//! STFT against torch, against itself in pieces, and there and back.

mod fixture;

use fixture::{Fixture, assert_close, pieces, ramble};
use proptest::prelude::*;
use syrinx_vocoder::stft::{Complex32, Framing, PadMode, Stft, StftConfig};

fn interleaved(spectrum: &[Complex32]) -> Vec<f32> {
    spectrum.iter().flat_map(|c| [c.re, c.im]).collect()
}

#[test]
fn analysis_equals_torch() {
    let fixture = Fixture::load("signal.safetensors");
    let wave = fixture.values("wave");
    let short_window = StftConfig {
        win: 300,
        ..StftConfig::centred(512, 100)
    };
    let zero_padded = StftConfig {
        pad: PadMode::Constant,
        ..StftConfig::centred(1200, 300)
    };
    for (config, key) in [
        (short_window, "stft.512_100_300"),
        (zero_padded, "stft.1200_300_constant"),
    ] {
        let spectrum = Stft::new(config).unwrap().analyse(&wave);
        assert_close(&interleaved(&spectrum), &fixture.values(key), 5e-5);
    }
}

#[test]
fn synthesis_equals_torch() {
    let fixture = Fixture::load("signal.safetensors");
    let spectrum: Vec<Complex32> = fixture
        .values("istft.spectrum")
        .chunks_exact(2)
        .map(|c| Complex32::new(c[0], c[1]))
        .collect();
    let config = StftConfig::centred(1200, 300).with_framing(Framing::CentredDropLast);
    let wave = Stft::new(config).unwrap().synthesise(&spectrum).unwrap();
    assert_close(&wave, &fixture.values("istft.wave"), 1e-6);
}

#[test]
fn analysis_then_synthesis_is_the_identity() {
    let wave = ramble(2400, 3);
    for framing in [Framing::Centred, Framing::CentredDropLast] {
        for (n_fft, hop) in [(1200, 300), (1024, 256), (300, 100), (240, 80)] {
            let stft = Stft::new(StftConfig::centred(n_fft, hop).with_framing(framing)).unwrap();
            let back = stft.synthesise(&stft.analyse(&wave)).unwrap();
            assert_close(&back, &wave[..back.len()], 2e-6);
            assert!(back.len() + hop > wave.len());
        }
    }
}

#[test]
fn a_partial_frame_is_refused() {
    let stft = Stft::new(StftConfig::centred(64, 16)).unwrap();
    let error = stft.synthesise(&[Complex32::default(); 34]).unwrap_err();
    assert!(error.to_string().contains("33-bin"), "{error}");
}

#[test]
fn nothing_in_nothing_out() {
    let stft = Stft::new(StftConfig::centred(64, 16)).unwrap();
    assert!(stft.analyse(&[]).is_empty());
    assert!(stft.synthesise(&[]).unwrap().is_empty());
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        Just(Framing::Centred),
        Just(Framing::CentredDropLast),
        Just(Framing::HopAligned),
        Just(Framing::Bare),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn streaming_equals_offline_bit_for_bit(
        framing in framing(),
        constant in any::<bool>(),
        half in 4usize..40,
        hop in 1usize..40,
        len in 0usize..700,
        mut sizes in prop::collection::vec(0usize..150, 1..6),
    ) {
        sizes.push(1 + len / 7);
        let n_fft = 2 * half;
        let pad = if constant { PadMode::Constant } else { PadMode::Reflect };
        let config = StftConfig { pad, ..StftConfig::centred(n_fft, hop.min(half)) };
        let stft = Stft::new(config.with_framing(framing)).unwrap();
        let wave = ramble(len, 5);
        let offline = stft.analyse(&wave);
        prop_assert_eq!(offline.len(), stft.config().frames(len) * stft.bins());

        let (mut analysis, mut synthesis) = (stft.analysis(), stft.synthesis());
        // Twice: a flushed stream starts afresh.
        for _ in 0..2 {
            let mut spectrum = Vec::new();
            for piece in pieces(len, &sizes) {
                analysis.push(&wave[piece], &mut spectrum);
            }
            analysis.flush(&mut spectrum);
            prop_assert_eq!(&spectrum, &offline);

            let mut back = Vec::new();
            for piece in pieces(spectrum.len() / stft.bins(), &sizes) {
                let bins = piece.start * stft.bins()..piece.end * stft.bins();
                synthesis.push(&spectrum[bins], &mut back).unwrap();
            }
            synthesis.flush(&mut back);
            prop_assert_eq!(&back, &stft.synthesise(&offline).unwrap());
        }
    }
}
