//! Models of other shapes, the paper's size among them.

use super::*;

/// Random codes.
fn noise(count: usize) -> Vec<u32> {
    let uniform = |i: usize| crate::sampling::uniform(99, i as u64);
    (0..count).map(|i| (uniform(i) * 256.0) as u32).collect()
}

#[test]
fn convolution_equals_stepping() {
    for (width, layers, states, unet, tied) in [
        (8, 2, 4, false, false),
        (12, 1, 5, true, true),
        (64, 8, 32, false, true),
    ] {
        let tensors = random_model(width, layers, states, unet, tied);
        let model = Sashimi::load(&tensors, Config::default()).unwrap();
        let codes = noise(256);
        let (by_steps, at_once) = (stepped(&model, &codes, true), convolved(&model, &codes));
        let worst = relative(&by_steps, &at_once);
        assert!(worst < 1e-4, "{width} x {layers}, U-net {unet}: {worst}");
    }
}

#[test]
fn rounded_weights_are_close_to_the_whole_ones() {
    let tensors = random_model(16, 2, 8, false, true);
    let model = Sashimi::load(&tensors, Config::default()).unwrap();
    let codes = noise(64);
    let run = |precision| {
        let mut streams = Streams::new(model.stepper(precision).unwrap(), 1, false);
        let step = |code: &u32| streams.step(&[*code]).unwrap().to_vec();
        codes.iter().flat_map(step).collect::<Vec<f32>>()
    };
    let worst = relative(&run(Precision::Bf16), &run(Precision::F32));
    assert!(worst > 1e-5 && worst < 0.05, "{worst}");
}

#[test]
fn the_papers_model_costs_what_it_should() {
    let tensors = random_model(64, 8, 32, false, true);
    let model = Sashimi::load(&tensors, Config::default()).unwrap();
    let stepper = model.stepper(Precision::F32).unwrap();
    let cost = stepper.cost();
    // 12 H² for the dense layers of a pair, and 20 for each complex state: at H = 64, 128 / 4, 256 / 16.
    let tier = |h: f64| 8.0 * (12.0 * h * h + 20.0 * 32.0 * h);
    let pools = 2.0 * (128.0 * 256.0 * 2.0 / 4.0 + 256.0 * 512.0 * 2.0 / 16.0);
    let expected = tier(64.0) + tier(128.0) / 4.0 + tier(256.0) / 16.0 + 2.0 * 256.0 * 64.0 + pools;
    assert!(
        (cost.flops / expected - 1.0).abs() < 1e-9,
        "{} {expected}",
        cost.flops
    );
}
