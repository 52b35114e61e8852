//! HiFi-GAN against the reference implementation, and in pieces.
//!
//! Set `SYRINX_HIFIGAN_DIR` to a folder with the published `generator_universal.pth.tar` and
//! `config.json` to test against the real weights as well.

mod fixture;

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use fixture::{Fixture, assert_close, max_difference, path, pieces};
use proptest::prelude::*;
use syrinx_vocoder::hifigan::{HifiGan, HifiGanConfig, Resblock};
use syrinx_vocoder::kernel::fold_weight_norm;
use syrinx_vocoder::mel::MelConfig;
use syrinx_vocoder::stream::{Frames, Stream};
use syrinx_vocoder::{Error, Result};

/// V1 with 32 channels.
fn tiny() -> HifiGanConfig {
    HifiGanConfig {
        upsample_initial_channel: 32,
        ..HifiGanConfig::v1()
    }
}

/// The third kind of generator, hop 8.
fn third() -> HifiGanConfig {
    HifiGanConfig {
        mel: MelConfig {
            n_fft: 32,
            win: 32,
            hop: 8,
            bands: 5,
            ..MelConfig::hifigan_22k()
        },
        resblock: Resblock::Two,
        upsample_rates: vec![4, 2],
        upsample_kernel_sizes: vec![8, 4],
        upsample_initial_channel: 8,
        resblock_kernel_sizes: vec![3, 5],
        resblock_dilation_sizes: vec![vec![1, 2], vec![2, 6]],
    }
}

fn open_third(format: &str) -> Result<HifiGan> {
    HifiGan::open(
        &path(&format!("hifigan_third_{format}.pth")),
        third(),
        &Device::Cpu,
    )
}

#[test]
fn the_first_kind_equals_the_reference() {
    let io = Fixture::load("hifigan_tiny_io.safetensors");
    let vocoder = HifiGan::open(&path("hifigan_tiny.safetensors"), tiny(), &Device::Cpu).unwrap();
    let wave = vocoder.synthesise(io.tensor("mel")).unwrap();
    assert_close(&wave, &io.values("wav"), 1e-5);
}

#[test]
fn folded_weights_are_the_same_generator() {
    let io = Fixture::load("hifigan_tiny_io.safetensors");
    let file = path("hifigan_tiny.safetensors");
    let normed = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let mut folded = normed.clone();
    for (name, v) in &normed {
        if let Some(layer) = name.strip_suffix("_v") {
            let g = &normed[&format!("{layer}_g")];
            folded.insert(
                format!("generator.{layer}"),
                fold_weight_norm(g, v).unwrap(),
            );
        } else {
            folded.insert(format!("generator.{name}"), v.clone());
        }
    }
    folded.retain(|name, _| name.starts_with("generator."));
    let vb = VarBuilder::from_tensors(folded, DType::F32, &Device::Cpu).pp("generator");
    let wave = HifiGan::load(tiny(), vb)
        .unwrap()
        .synthesise(io.tensor("mel"))
        .unwrap();
    assert_close(&wave, &io.values("wav"), 1e-5);
}

#[test]
fn the_third_kind_equals_torch_from_both_file_formats() {
    let io = Fixture::load("hifigan_third_io.safetensors");
    for format in ["zip", "legacy"] {
        let wave = open_third(format)
            .unwrap()
            .synthesise(io.tensor("mel"))
            .unwrap();
        assert_close(&wave, &io.values("wave"), 1e-5);
    }
}

#[test]
fn the_published_universal_generator_equals_torch() {
    let Some(directory) = std::env::var_os("SYRINX_HIFIGAN_DIR").map(PathBuf::from) else {
        eprintln!("SKIPPED: set SYRINX_HIFIGAN_DIR to test the published HiFi-GAN weights");
        return;
    };
    let json = std::fs::read_to_string(directory.join("config.json")).unwrap();
    let config = HifiGanConfig::from_reference_json(&json).unwrap();
    assert_eq!(config, HifiGanConfig::v1());
    let file = directory.join("generator_universal.pth.tar");
    let vocoder = Arc::new(HifiGan::open(&file, config, &Device::Cpu).unwrap());
    let io = Fixture::load("hifigan_universal_io.safetensors");
    let expected = io.values("wave");
    let wave = vocoder.synthesise(io.tensor("mel")).unwrap();
    let peak = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    eprintln!(
        "largest error {:e}, peak {peak}",
        max_difference(&wave, &expected)
    );
    assert!(peak > 0.05);
    assert_close(&wave, &expected, 2e-5);
    let streamed = stream(&vocoder, io.tensor("mel"), &[2, 5]).unwrap();
    assert_close(&streamed, &wave, 1e-6);
}

fn stream(vocoder: &Arc<HifiGan>, mel: &Tensor, sizes: &[usize]) -> Result<Vec<f32>> {
    let mut stream = vocoder.stream();
    let mut wave = Vec::new();
    for piece in pieces(mel.dims()[2], sizes) {
        let part = mel.narrow(2, piece.start, piece.len())?;
        stream.push(&Frames::new(&part)?, &mut wave)?;
    }
    stream.flush(&mut wave)?;
    Ok(wave)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn streaming_equals_offline(
        len in 1usize..12,
        first_kind in any::<bool>(),
        mut sizes in prop::collection::vec(0usize..9, 1..5),
    ) {
        sizes.push(1);
        let (vocoder, mel) = if first_kind {
            let file = path("hifigan_tiny.safetensors");
            let io = Fixture::load("hifigan_tiny_io.safetensors");
            (HifiGan::open(&file, tiny(), &Device::Cpu).unwrap(), io.tensor("mel").clone())
        } else {
            let io = Fixture::load("hifigan_third_io.safetensors");
            (open_third("legacy").unwrap(), io.tensor("mel").clone())
        };
        let vocoder = Arc::new(vocoder);
        let mel = mel.narrow(2, 0, len.min(mel.dims()[2])).unwrap();
        let offline = vocoder.synthesise(&mel).unwrap();
        let wave = stream(&vocoder, &mel, &sizes).unwrap();
        let worst = max_difference(&wave, &offline);
        prop_assert!(worst <= 1e-6, "differ by {}", worst);
    }
}

#[test]
fn the_output_trails_by_the_stated_latency() {
    let vocoder = Arc::new(open_third("zip").unwrap());
    let mut stream = vocoder.stream();
    let mut wave = Vec::new();
    for k in 1..60 {
        let frame = Tensor::zeros((1, 5, 1), DType::F32, &Device::Cpu).unwrap();
        stream
            .push(&Frames::new(&frame).unwrap(), &mut wave)
            .unwrap();
        if k > 40 {
            assert_eq!(k * 8 - wave.len(), stream.latency_samples());
        }
    }
    stream.flush(&mut wave).unwrap();
    assert_eq!(wave.len(), 59 * 8);
    assert_eq!(
        wave,
        vocoder
            .synthesise(&Tensor::zeros((1, 5, 59), DType::F32, &Device::Cpu).unwrap())
            .unwrap()
    );
}

#[test]
fn a_checkpoint_of_other_sizes_is_named() {
    let file = path("hifigan_tiny.safetensors");
    match HifiGan::open(&file, HifiGanConfig::v2(), &Device::Cpu) {
        Err(Error::Weights {
            path: Some(path),
            name,
            expected,
            found,
        }) => {
            assert_eq!(path, file);
            assert!(name.starts_with("conv_pre.weight"), "{name}");
            assert!(
                expected.starts_with("[128, ") && found.starts_with("[32, "),
                "{expected} {found}"
            );
        }
        other => panic!("{other:?}"),
    }
    let missing = HifiGan::open(&path("signal.safetensors"), tiny(), &Device::Cpu).unwrap_err();
    assert!(missing.to_string().contains("conv_pre"), "{missing}");
}

#[test]
fn truncated_and_foreign_files_are_errors() {
    let folder = std::env::temp_dir().join(format!("syrinx-hifigan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in [
        "hifigan_third_zip.pth",
        "hifigan_third_legacy.pth",
        "hifigan_tiny.safetensors",
    ] {
        let whole = std::fs::read(path(name)).unwrap();
        for len in [0, 3, 20, 300, whole.len() / 2, whole.len() - 9] {
            let file = folder.join(name);
            std::fs::write(&file, &whole[..len]).unwrap();
            let error = HifiGan::open(&file, third(), &Device::Cpu).unwrap_err();
            assert!(
                matches!(error, Error::Weights { .. }),
                "{name} cut at {len}: {error}"
            );
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    let file = folder.join("text.pth");
    std::fs::write(&file, "not a checkpoint").unwrap();
    assert!(matches!(
        HifiGan::open(&file, third(), &Device::Cpu),
        Err(Error::Weights { .. })
    ));
    std::fs::remove_dir_all(&folder).unwrap();
    let gone = HifiGan::open(&folder.join("none.pth"), third(), &Device::Cpu);
    assert!(matches!(gone, Err(Error::Io { .. })));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let vocoder = Arc::new(open_third("zip").unwrap());
    for shape in [(1, 4, 3), (1, 5, 0)] {
        let mel = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert!(
            matches!(vocoder.synthesise(&mel), Err(Error::Input(_))),
            "{shape:?}"
        );
    }
}

#[test]
fn impossible_sizes_are_refused() {
    let refused = |edit: fn(&mut HifiGanConfig)| {
        let mut config = HifiGanConfig::v1();
        edit(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(refused(|c| c.upsample_rates = vec![8, 8, 2]).contains("hop, 256"));
    assert!(refused(|c| c.upsample_kernel_sizes[0] = 15).contains("even"));
    assert!(refused(|c| c.upsample_initial_channel = 8).contains("halved"));
    assert!(refused(|c| c.resblock_kernel_sizes[1] = 4).contains("odd"));
    for config in [
        HifiGanConfig::v1(),
        HifiGanConfig::v2(),
        HifiGanConfig::v3(),
    ] {
        assert!(config.validate().is_ok());
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<HifiGanConfig>(&json).unwrap(),
            config
        );
    }
}
