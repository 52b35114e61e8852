//! Griffin-Lim against librosa, and on its own terms.

mod fixture;

use fixture::{Fixture, assert_close, pieces, ramble};
use syrinx_vocoder::griffin_lim::{GriffinLim, MelGriffinLim};
use syrinx_vocoder::mel::{Mel, MelConfig};
use syrinx_vocoder::stft::{Stft, StftConfig};
use syrinx_vocoder::stream::{Frames, Stream};

#[test]
fn ten_iterations_equal_librosa() {
    let fixture = Fixture::load("signal.safetensors");
    let mut vocoder = GriffinLim::new(StftConfig::centred(64, 16)).unwrap();
    vocoder.iterations = 10;
    vocoder.seed = None;
    let wave = vocoder
        .from_magnitude(&fixture.values("griffin_lim.magnitude"))
        .unwrap();
    assert_close(&wave, &fixture.values("griffin_lim.wave"), 1e-4);
}

/// Relative error of the magnitudes of `wave`, in dB.
fn inconsistency(stft: &Stft, wave: &[f32], magnitude: &[f32]) -> f32 {
    let again = stft.analyse(wave);
    let error: f32 = again
        .iter()
        .zip(magnitude)
        .map(|(z, m)| (z.norm() - m).powi(2))
        .sum();
    10.0 * (error / magnitude.iter().map(|m| m * m).sum::<f32>()).log10()
}

#[test]
fn iterations_and_momentum_make_magnitudes_consistent() {
    let wave = Fixture::load("signal.safetensors").values("wave");
    let config = StftConfig::centred(256, 64);
    let stft = Stft::new(config).unwrap();
    let magnitude: Vec<f32> = stft.analyse(&wave).iter().map(|z| z.norm()).collect();
    let error = |iterations, momentum| {
        let mut vocoder = GriffinLim::new(config).unwrap();
        (vocoder.iterations, vocoder.momentum) = (iterations, momentum);
        let wave = vocoder.from_magnitude(&magnitude).unwrap();
        inconsistency(&stft, &wave, &magnitude)
    };
    let (none, plain, fast) = (error(0, 0.0), error(32, 0.0), error(32, 0.99));
    assert!(
        plain < none - 6.0 && fast < plain - 1.0,
        "{none} {plain} {fast}"
    );
}

#[test]
fn a_mel_spectrogram_is_sounded() {
    let wave = Fixture::load("signal.safetensors").values("wave");
    for config in [MelConfig::starter(), MelConfig::librosa(22_050)] {
        let analysis = Mel::new(config.clone()).unwrap();
        let mel = analysis.extract(&wave);
        let vocoder = MelGriffinLim::new(config.clone()).unwrap();
        let again = analysis.extract(&vocoder.synthesise(&mel).unwrap());
        let difference: f32 = mel.iter().zip(&again).map(|(a, b)| (a - b).abs()).sum();
        let size: f32 = if config.power == 1 {
            mel.len() as f32
        } else {
            mel.iter().sum()
        };
        assert!(difference / size < 0.5, "{}", difference / size);
    }
}

#[test]
fn the_stream_gives_the_same_wave_at_the_flush() {
    let config = MelConfig::starter();
    let analysis = Mel::new(config.clone()).unwrap();
    let wave = ramble(3000, 8);
    let mel = analysis.tensor(&wave, &candle_core::Device::Cpu).unwrap();
    let vocoder = MelGriffinLim::new(config).unwrap();
    let mut stream = vocoder.stream();
    let mut streamed = Vec::new();
    for piece in pieces(10, &[3, 4]) {
        let part = mel.narrow(2, piece.start, piece.len()).unwrap();
        stream
            .push(&Frames::new(&part).unwrap(), &mut streamed)
            .unwrap();
        assert!(streamed.is_empty());
    }
    stream.flush(&mut streamed).unwrap();
    assert_eq!(
        streamed,
        vocoder.synthesise(&analysis.extract(&wave)).unwrap()
    );
}

#[test]
fn odd_sizes_are_errors_or_silence() {
    let vocoder = GriffinLim::new(StftConfig::centred(64, 16)).unwrap();
    assert!(vocoder.from_magnitude(&[1.0; 34]).is_err());
    assert!(vocoder.from_magnitude(&[]).unwrap().is_empty());
    assert!(vocoder.from_magnitude(&[1.0; 33]).unwrap().is_empty());
    assert!(
        vocoder
            .from_magnitude(&[0.0; 66])
            .unwrap()
            .iter()
            .all(|x| *x == 0.0)
    );
    let mel = MelGriffinLim::new(MelConfig::starter()).unwrap();
    assert!(mel.synthesise(&[0.0; 101]).is_err());
}
