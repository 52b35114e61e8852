//! Converting with other timing.

use candle_core::Tensor;
use syrinx_models::stablevc::{Chunks, Durations, Settings, Timing, dedup};

use crate::{Fixture, Source, assert_close};

fn settings() -> Settings {
    Settings {
        steps: 2,
        chunk: 8,
        past: 16,
        seed: 3,
        ..Settings::default()
    }
}

fn timing(durations: Durations, speed: f64) -> Timing {
    Timing { durations, speed }
}

#[test]
fn the_timing_of_the_source_keeps_it_frame_by_frame() {
    let fixture = Fixture::new();
    let (target, source) = (fixture.target(true), Source::new(10, 44));
    let model = &fixture.model;
    let same = timing(Durations::Source, 1.0);
    let frames = model
        .retime(&source.mel, &source.f0_hz, &target, &settings(), same)
        .unwrap();
    assert_eq!(frames.f0(), source.f0_hz);

    // By the parts: tokens that stand alone in the content module, repeated after it.
    let content = model.content().unwrap();
    let features = content.features(&source.mel.squeeze(0).unwrap()).unwrap();
    let (tokens, runs) = dedup(&model.clusters().tokens(&features).unwrap());
    assert!(tokens.len() < 22, "some tokens repeat");
    let centroids = model.clusters().centroids(&tokens).unwrap();
    let hidden = model.hidden(&centroids, None, &target, None).unwrap();
    let columns: Vec<Tensor> = runs
        .iter()
        .enumerate()
        .flat_map(|(i, &run)| vec![hidden.narrow(2, i, 1).unwrap(); run as usize])
        .collect();
    let hidden = Tensor::cat(&columns, 2).unwrap();
    let envelopes = model.envelopes(&source.mel).unwrap();
    let condition = model
        .condition(&hidden, &source.f0_hz, &envelopes, &target)
        .unwrap();
    let noise = model.noise(3, 0, 44).unwrap();
    let chunks = Chunks { chunk: 8, past: 16 };
    let mel = model
        .sample(&noise, &condition, &target, &settings(), Some(chunks))
        .unwrap();
    assert_close(frames.mel(), &mel, 1e-4, "retimed");
}

#[test]
fn lengths_are_those_predicted_over_the_speed() {
    let fixture = Fixture::new();
    let (target, source) = (fixture.target(true), Source::new(10, 41));
    let model = &fixture.model;
    let content = model.content().unwrap();
    let features = content.features(&source.mel.squeeze(0).unwrap()).unwrap();
    let (tokens, runs) = dedup(&model.clusters().tokens(&features).unwrap());
    let centroids = model.clusters().centroids(&tokens).unwrap();
    let hidden = model.hidden(&centroids, None, &target, None).unwrap();
    let logs = model.log_run_lengths(&hidden).unwrap();
    let predicted: Vec<f64> = logs.iter().map(|&log| f64::from(log).exp()).collect();
    let given: Vec<f64> = runs.iter().map(|&run| f64::from(run)).collect();
    for (durations, lengths) in [
        (Durations::Predicted, &predicted),
        (Durations::Source, &given),
    ] {
        for speed in [0.4, 1.0, 2.5] {
            let units: f64 = lengths.iter().map(|l| (l / speed).round().max(1.0)).sum();
            let timing = timing(durations, speed);
            let frames = model
                .retime(&source.mel, &source.f0_hz, &target, &settings(), timing)
                .unwrap();
            assert_eq!(frames.len(), 2 * units as usize, "{timing:?}");
            assert_eq!(frames.f0().len(), frames.len());
        }
    }
}
