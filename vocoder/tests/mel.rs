//! Mel spectrograms against librosa and torch, and in pieces.

mod fixture;

use fixture::{Fixture, assert_close, pieces, ramble};
use syrinx_vocoder::mel::{Mel, MelConfig, MelFilterbank};
use syrinx_vocoder::stream::Stream;

#[test]
fn log_mels_equal_torch() {
    let fixture = Fixture::load("signal.safetensors");
    let wave = fixture.values("wave");
    for (config, key) in [
        (MelConfig::starter(), "mel.starter"),
        (MelConfig::hifigan_22k(), "mel.hifigan_22k"),
    ] {
        let mel = Mel::new(config).unwrap().extract(&wave);
        assert_close(&mel, &fixture.values(key), 1e-4);
    }
}

#[test]
fn power_mels_equal_librosa_and_torchaudio() {
    let fixture = Fixture::load("signal.safetensors");
    let wave = fixture.values("wave");
    for (config, key) in [
        (MelConfig::librosa(22_050), "mel.librosa_22k"),
        (MelConfig::torchaudio(16_000), "mel.torchaudio_16k"),
    ] {
        let expected = fixture.values(key);
        let scale = expected.iter().fold(0.0, |m: f32, x| m.max(*x));
        let mel = Mel::new(config).unwrap().extract(&wave);
        assert_close(&mel, &expected, 2e-6 * scale);
    }
}

#[test]
fn filters_equal_librosa() {
    let fixture = Fixture::load("signal.safetensors");
    let filters = MelFilterbank::new(&MelConfig::starter()).unwrap();
    let dense = filters.dense();
    let rows: Vec<f32> = [0, 40, 99]
        .iter()
        .flat_map(|row| &dense[row * 601..(row + 1) * 601])
        .copied()
        .collect();
    assert_close(&rows, &fixture.values("mel.starter_rows"), 4e-9);
    let inverse = filters.pseudo_inverse();
    let rows: Vec<f32> = (0..601)
        .step_by(50)
        .flat_map(|bin| &inverse[bin * 100..(bin + 1) * 100])
        .map(|x| *x as f32)
        .collect();
    assert_close(&rows, &fixture.values("mel.starter_pinv"), 1e-5);
}

#[test]
fn the_pseudo_inverse_keeps_every_reachable_band() {
    // 128 HTK bands of a 400-point transform: some triangles are empty, the matrix has no full
    // rank, and still F F^+ F = F.
    for config in [MelConfig::starter(), MelConfig::torchaudio(16_000)] {
        let filters = MelFilterbank::new(&config).unwrap();
        let (dense, inverse) = (filters.dense(), filters.pseudo_inverse());
        let mut spectrum = vec![0.0f32; filters.bins()];
        for bin in [3, 17, filters.bins() / 2] {
            spectrum.fill(0.0);
            spectrum[bin] = 1.0;
            let mut bands = Vec::new();
            filters.append(&spectrum, &mut bands);
            let least: Vec<f32> = inverse
                .chunks_exact(bands.len())
                .map(|row| {
                    row.iter()
                        .zip(&bands)
                        .map(|(a, b)| a * f64::from(*b))
                        .sum::<f64>() as f32
                })
                .collect();
            let again: Vec<f32> = dense
                .chunks_exact(filters.bins())
                .map(|row| row.iter().zip(&least).map(|(a, b)| a * b).sum())
                .collect();
            assert_close(&again, &bands, 1e-5);
        }
    }
}

#[test]
fn streaming_equals_offline_bit_for_bit() {
    let wave = ramble(10_000, 11);
    for config in [
        MelConfig::starter(),
        MelConfig::hifigan_22k(),
        MelConfig::vocos_24k(),
        MelConfig::librosa(22_050),
    ] {
        let mel = Mel::new(config).unwrap();
        let mut stream = mel.stream();
        for len in [0, 1, 299, 600, 601, 10_000] {
            for sizes in [&[1usize][..], &[300], &[7, 0, 1000], &[20_000]] {
                let mut frames = Vec::new();
                for piece in pieces(len, sizes) {
                    stream.push(&wave[piece], &mut frames).unwrap();
                }
                stream.flush(&mut frames).unwrap();
                assert_eq!(frames, mel.extract(&wave[..len]));
            }
        }
    }
}

#[test]
fn a_frame_is_no_later_than_the_stated_latency() {
    let mel = Mel::new(MelConfig::starter()).unwrap();
    let mut stream = mel.stream();
    let mut frames = Vec::new();
    let wave = ramble(stream.latency_samples() + 1, 2);
    stream.push(&wave, &mut frames).unwrap();
    assert_eq!(frames.len(), 100);
}

#[test]
fn tensors_are_bands_by_frames() {
    let mel = Mel::new(MelConfig::starter()).unwrap();
    let wave = ramble(950, 1);
    let tensor = mel.tensor(&wave, &candle_core::Device::Cpu).unwrap();
    assert_eq!(tensor.dims(), [1, 100, 3]);
    let frames = mel.extract(&wave);
    let band = tensor
        .get(0)
        .unwrap()
        .get(42)
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(band, [frames[42], frames[142], frames[242]]);
    let error = mel
        .tensor(&wave[..10], &candle_core::Device::Cpu)
        .unwrap_err();
    assert!(error.to_string().contains("too short"), "{error}");
}

#[test]
fn a_configuration_survives_json_and_differences_are_named() {
    let starter = MelConfig::starter();
    let json = serde_json::to_string(&starter).unwrap();
    assert_eq!(serde_json::from_str::<MelConfig>(&json).unwrap(), starter);
    assert!(starter.check(&starter).is_ok());
    let error = starter
        .check(&MelConfig::hifigan_22k())
        .unwrap_err()
        .to_string();
    assert!(error.contains("hop 300 against 256"), "{error}");
    assert!(!error.contains("scale"), "{error}");
    assert!(serde_json::from_str::<MelConfig>(&json.replace("\"hop\"", "\"hopp\"")).is_err());
}

#[test]
fn impossible_bands_are_refused() {
    let bad = |edit: fn(&mut MelConfig)| {
        let mut config = MelConfig::starter();
        edit(&mut config);
        Mel::new(config).unwrap_err().to_string()
    };
    assert!(bad(|c| c.fmax = 13_000.0).contains("12000"));
    assert!(bad(|c| c.fmin = f64::NAN).contains("fmin"));
    assert!(bad(|c| c.bands = 0).contains("bands"));
    assert!(bad(|c| c.power = 3).contains("power 3"));
    assert!(bad(|c| c.floor = 0.0).contains("floor"));
    assert!(bad(|c| c.hop = 0).contains("hop"));
}
