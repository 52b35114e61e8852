//! Configurations and numbers of parameters.

use serde_json::json;
use syrinx_models::stablevc::{Config, StableVc};

use crate::random_weights::{NamedShape, shapes};

/// The dictionary `STARTER` of `training/stablevc/network.py`.
#[test]
fn the_starter_is_the_one_that_is_trained() {
    let starter = json!({
        "bands": 100, "symbols": 178, "frames_per_unit": 2,
        "content": {"channels": 160, "hidden": 192, "kernel": 7, "ahead": [[0, 1, 0, 1, 0], [0, 1, 1, 1, 1], [2, 3, 2, 3, 3]], "features": 64, "clusters": 512},
        "shape": {"bands": 84, "features": 24, "speaker": true},
        "key_channels": 192,
        "speaker": {"channels": 256, "features": 256},
        "style": {"codes": 256, "code_channels": 64, "code_frames": 8, "channels": 128, "hidden": 192, "kernel": 3, "blocks": 2, "pool": 4, "centred": true},
        "module": {"channels": 192, "heads": 3, "hidden": 288, "kernel": 3, "blocks": 2},
        "frame": {"hidden": 288, "kernel": 3, "blocks": 2},
        "flow": {"channels": 192, "heads": 3, "hidden": 288, "kernel": 3, "blocks": 2, "time": 64},
    });
    assert_eq!(serde_json::to_value(Config::starter()).unwrap(), starter);
    let read = Config::from_json("starter", &starter.to_string()).unwrap();
    assert_eq!(read, Config::starter());
}

#[test]
fn configurations_survive_their_json() {
    for config in [Config::starter(), Config::paper()] {
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(Config::from_json("again", &json).unwrap(), config);
    }
}

/// Parameters of tensors whose names begin with one of `parts`; clusters, codebooks and spreads are not trained with them.
fn count(tensors: &[NamedShape], parts: &[&str]) -> usize {
    let buffers = [
        "content.centroids",
        "style.codebook",
        "spread",
        "shape.basis",
        "shape.mean",
    ];
    let fixed = |name: &str| buffers.contains(&name);
    let own = |name: &str| parts.iter().any(|part| name.starts_with(part)) && !fixed(name);
    let mine = tensors.iter().filter(|(name, _)| own(name));
    mine.map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

fn linear(inputs: usize, outputs: usize) -> usize {
    inputs * outputs + outputs
}

fn conv(inputs: usize, outputs: usize, kernel: usize) -> usize {
    inputs * outputs * kernel + outputs
}

fn conv_block(channels: usize, hidden: usize, kernel: usize) -> usize {
    channels + conv(channels, hidden, kernel) + conv(hidden, channels, 1)
}

/// A block of the content module: `wide` is its channels, its heads, its feed-forward part.
fn block(
    c: usize,
    heads: usize,
    hidden: usize,
    keys: usize,
    speaker: usize,
    style: usize,
) -> usize {
    let attention = linear(c, 3 * c) + linear(c, c);
    let timbre = linear(keys + speaker, c) + linear(keys, c);
    let dual = 2 * linear(c, c) + timbre + 2 * linear(style, c) + 1 + 3 * (c / heads);
    3 * c + attention + dual + conv(c, hidden, 3) + conv(hidden, c, 1)
}

const MODULE: &[&str] = &["enter.", "shaped.", "module."];
const FRAME: &[&str] = &["up.", "conditions.", "frame.", "film.", "norm.", "mean."];
const FLOW: &[&str] = &["time.", "input.", "flow.", "flow_norm.", "output."];

#[test]
fn parameters_of_the_starter() {
    let config = Config::starter();
    let tensors = shapes(|vb| StableVc::new(&config, vb).unwrap());
    let content = conv(100, 160, 5) + conv(160, 160, 4) + 5 * conv_block(160, 192, 7) + 160;
    assert_eq!(count(&tensors, &["content."]), content + conv(160, 64, 1));
    let speaker = linear(192, 256) + linear(256, 256) + linear(512, 256);
    assert_eq!(count(&tensors, &["speaker."]), speaker);
    let style = conv(64, 128, 3) + 2 * conv_block(128, 192, 3) + 128;
    assert_eq!(count(&tensors, &["style."]), style);
    let one = block(192, 3, 288, 192, 256, 128);
    let shaped = 96 * 192;
    assert_eq!(count(&tensors, MODULE), linear(64, 192) + shaped + 2 * one);
    let duration = linear(192, 192) + linear(192, 1);
    assert_eq!(count(&tensors, &["duration."]), duration);
    let film = linear(257, 2 * 192 * 2);
    let frame = linear(192, 384) + linear(52, 192) + 2 * conv_block(192, 288, 3) + film;
    assert_eq!(count(&tensors, FRAME), frame + 192 + conv(192, 100, 1));
    let ends = linear(64, 192) + linear(2 * 100 + 192, 192) + 192 + linear(192, 100);
    let flow = ends + 2 * (one + linear(192, 2 * 192));
    assert_eq!(count(&tensors, FLOW), flow);
    let total = count(&tensors, &[""]);
    assert_eq!((total as f64 / 1e5).round() / 10.0, 5.4, "{total}");
}

/// Table 1: 166 M acoustic parameters.
#[test]
fn parameters_of_the_paper() {
    let config = Config::paper();
    let tensors = shapes(|vb| StableVc::new(&config, vb).unwrap());
    assert_eq!(count(&tensors, &["content.", "speaker."]), 0);
    let style = conv(256, 512, 3) + 4 * conv_block(512, 512, 3) + 512;
    assert_eq!(count(&tensors, &["style."]), style);
    let one = block(512, 8, 2048, 80, 256, 512);
    assert_eq!(count(&tensors, MODULE), linear(1024, 512) + 4 * one);
    assert_eq!(
        count(&tensors, &["duration."]),
        linear(512, 512) + linear(512, 1)
    );
    assert_eq!(count(&tensors, FRAME), linear(512, 1024) + 512);
    let ends = linear(256, 512) + linear(80 + 512, 512) + 512 + linear(512, 80);
    assert_eq!(count(&tensors, FLOW), ends + 19 * (one + linear(512, 1024)));
    let total = count(&tensors, &[""]);
    assert!((total as f64 / 166e6 - 1.0).abs() < 0.005, "{total}");
}
