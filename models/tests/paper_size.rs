//! The sizes of the paper: as many parameters as its Table 5 has, and the same results incrementally.
//!
//! The whole model speaking at this size is `examples/paper_size.rs`.

mod random_weights;

use std::sync::Arc;

use candle_core::Tensor;
use random_weights::{random_weights, shapes};
use syrinx_models::megatts2::{
    Acoustic, Config, DurationModel, DurationSession, ProsodyLm, ProsodySession,
};

/// Parameters of tensors whose names begin with one of `parts`.
fn count(tensors: &[(String, Vec<usize>)], parts: &[&str]) -> usize {
    let own = |name: &str| parts.iter().any(|part| name.starts_with(part));
    tensors
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum()
}

fn linear(inputs: usize, outputs: usize) -> usize {
    inputs * outputs + outputs
}

fn conv(inputs: usize, outputs: usize, kernel: usize) -> usize {
    inputs * outputs * kernel + outputs
}

/// Two convolutions and a norm: how we read the "× 2 conv layers" of the table.
fn block(channels: usize, hidden: usize, kernel: usize) -> usize {
    channels + conv(channels, hidden, kernel) + conv(hidden, channels, 1)
}

fn decoder_layers(layers: usize, channels: usize, hidden: usize) -> usize {
    let attention = linear(channels, 3 * channels) + linear(channels, channels);
    let feed_forward = linear(channels, hidden) + linear(hidden, channels);
    layers * (2 * channels + attention + feed_forward) + channels
}

/// Table 5, row by row, in numbers of its own. Where it can be read in two ways:
///
/// * "3 × 2 conv layers" and "5 × 2 conv layers" are blocks of two convolutions, the second pointwise; the prosody
///   encoder has three blocks on either side of its pooling, the timbre encoder one at each of five stages, the third
///   after the convolution of stride 16; "4 conv layers" of the mel decoder are four such blocks;
/// * a language model's feed-forward part is four times as wide as the model;
/// * the duration model has "the same architecture": as many layers of the same width;
/// * the symbol table, which the paper does not tell, is ours.
#[test]
fn parameters_are_those_of_the_table() {
    let config = Config::paper();
    let acoustic = shapes(|vb| Acoustic::new(&config, vb).unwrap());
    let plm = shapes(|vb| ProsodyLm::new(&config, vb).unwrap());
    let adm = shapes(|vb| DurationModel::new(&config, vb).unwrap());

    // Content encoder: 8 layers, hidden 512, kernel 5, filter 1024.
    let attention = linear(512, 3 * 512) + linear(512, 512);
    let layer = 2 * 512 + attention + conv(512, 1024, 5) + conv(1024, 512, 1);
    let content = config.symbols * 512 + 8 * layer + 512;
    assert_eq!(count(&acoustic, &["content."]), content);

    // MRTE: 5 × 2 conv layers, hidden 512 (queries) and 256 (keys), stride 16.
    let encoder =
        conv(80, 512, 3) + 5 * block(512, 512, 3) + conv(512, 512, 17) + conv(512, 256, 1);
    let attention = 512 + 2 * linear(512, 512) + 2 * linear(256, 512);
    assert_eq!(count(&acoustic, &["timbre"]), encoder + attention);

    // Prosody encoder: 3 × 2 conv layers, hidden 384, kernel 5; 1024 codes of 256.
    let prosody = conv(20, 384, 5) + 2 * 3 * block(384, 384, 5) + conv(384, 256, 1) + 1024 * 256;
    assert_eq!(count(&acoustic, &["prosody."]), prosody);

    // Mel decoder: 4 layers, hidden 512, kernel 5, over content, position in the symbol and code.
    let decoder =
        conv(512 + 3 + 256, 512, 5) + 4 * block(512, 512, 5) + conv(512, 512, 1) + conv(512, 80, 1);
    assert_eq!(count(&acoustic, &["decoder."]), decoder);
    assert_eq!(
        count(&acoustic, &[""]),
        content + encoder + attention + prosody + decoder
    );

    // P-LLM: 12 layers, 1024 wide, about 151 M.
    let stack = decoder_layers(12, 1024, 4096);
    assert_eq!(count(&plm, &["blocks.", "norm."]), stack);
    assert_eq!((stack as f64 / 1e6).round(), 151.0);
    let tables = 1025 * 512 + linear(512 + 512, 1024) + linear(1024, 1025) + 2 * 512;
    assert_eq!(count(&plm, &[""]), stack + tables);

    // ADM: the same.
    assert_eq!(count(&adm, &["blocks.", "norm."]), stack);
    let ends = linear(512 + 2, 1024) + linear(1024, 1) + 512;
    assert_eq!(count(&adm, &[""]), stack + ends);

    // Together 367 M in Table 5.
    let total = count(&acoustic, &[""]) + count(&plm, &[""]) + count(&adm, &[""]);
    assert!((total as f64 / 367e6 - 1.0).abs() < 0.01, "{total}");
}

/// Two layers of the paper's width: everything that depends on width or heads is as in all twelve.
#[test]
fn incremental_decoding_equals_full_recomputation_at_the_papers_widths() {
    let mut config = Config::paper();
    config.plm.layers = 2;
    config.adm.layers = 2;
    let steps = 24;
    let content = random_weights()
        .get((steps, config.content.channels), "content")
        .unwrap();
    let content = (content * 20.0).unwrap();
    let rows = content.to_vec2::<f32>().unwrap();

    let plm = Arc::new(ProsodyLm::new(&config, random_weights().pp("plm")).unwrap());
    let codes: Vec<u32> = (0..steps as u32).map(|i| i * 389 % 1024).collect();
    let previous = [&[1024], &codes[..steps - 1]].concat();
    let whole = plm.forward(&content, &previous).unwrap();
    let mut session = ProsodySession::new(plm);
    for (i, row) in rows.iter().enumerate() {
        let step = session.step(row).unwrap();
        assert_close(step, &whole, i);
        session.accept(codes[i]);
    }

    let adm = Arc::new(DurationModel::new(&config, random_weights().pp("adm")).unwrap());
    let units: Vec<u32> = (0..steps as u32).map(|i| 1 + i * 5 % 17).collect();
    let whole = adm.forward(&content, &units).unwrap();
    let mut session = DurationSession::new(adm);
    for ((row, &units), whole) in rows.iter().zip(&units).zip(whole) {
        assert!((session.step(row).unwrap() - whole).abs() < 1e-4);
        session.accept(units);
    }
}

#[track_caller]
fn assert_close(step: &[f32], whole: &Tensor, row: usize) {
    let whole = whole.get(row).unwrap().to_vec1::<f32>().unwrap();
    let worst = step.iter().zip(&whole).map(|(a, b)| (a - b).abs());
    let worst = worst.fold(0.0, f32::max);
    let spread = step.iter().fold(0.0f32, |top, x| top.max(x.abs()));
    assert!(spread > 0.1, "the logits say something: {spread}");
    assert!(worst < 1e-4, "{row}: {worst}");
}
