//! The aligner against PyTorch; `training/megatts2/fixtures.py` writes the fixture.

use candle_core::{DType, Device, Tensor};
use syrinx_models::aligner::{Aligner, AlignerConfig};
use syrinx_models::{Checkpoint, Error};

fn checkpoint() -> Checkpoint<'static> {
    let bytes = &include_bytes!("fixtures/aligner_tiny.safetensors")[..];
    Checkpoint::from_bytes("aligner_tiny", bytes).unwrap()
}

fn config() -> AlignerConfig {
    serde_json::from_str(checkpoint().metadata("config").unwrap()).unwrap()
}

fn aligner() -> Aligner {
    Aligner::load(&config(), &checkpoint(), &Device::Cpu).unwrap()
}

fn tensor(name: &str) -> Tensor {
    checkpoint()
        .tensor(&format!("io.{name}"), &Device::Cpu)
        .unwrap()
}

fn numbers(name: &str) -> Vec<u32> {
    let values = tensor(name).to_vec1::<f32>().unwrap();
    values.into_iter().map(|x| x as u32).collect()
}

#[test]
fn posteriors_equal_pytorch() {
    let ours = aligner().posteriors(&tensor("mel")).unwrap();
    let theirs = tensor("posteriors");
    // An odd last frame is heard twice: 61 frames are 31 units.
    assert_eq!(ours.dims(), [31, 178]);
    let difference = (ours - theirs).unwrap().abs().unwrap();
    let worst: f32 = difference.max_all().unwrap().to_scalar().unwrap();
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn alignment_equals_pytorch() {
    let found = aligner().align(&tensor("mel"), &numbers("ids")).unwrap();
    assert_eq!(found.units, numbers("units"));
    let score = tensor("score").to_vec1::<f32>().unwrap()[0];
    assert!((found.score - score).abs() < 1e-4, "{}", found.score);
}

#[test]
fn durations_fill_the_recording_whatever_it_holds() {
    let aligner = aligner();
    let ids: Vec<u32> = vec![0, 50, 83, 54, 0];
    for frames in [9, 10, 57, 400] {
        let mel = Tensor::rand(-11f32, 1.0, (100, frames), &Device::Cpu).unwrap();
        let found = aligner.align(&mel, &ids).unwrap();
        assert!(found.units.iter().all(|&units| units >= 1));
        let units: u32 = found.units.iter().sum();
        assert_eq!(units as usize, frames.div_ceil(2));
        assert!(found.score.is_finite());
    }
}

#[test]
fn which_punctuation_is_written_does_not_matter() {
    let (aligner, mel) = (aligner(), tensor("mel"));
    let with = |pause: u32| {
        let ids = [0, 50, 83, pause, 54, 57, 0];
        aligner.align(&mel, &ids).unwrap()
    };
    assert_eq!(with(3), with(4));
    assert_eq!(with(3), with(16));
    assert_ne!(with(3), with(60));
}

#[test]
fn what_cannot_be_aligned_is_told() {
    let aligner = aligner();
    let mel = |frames| Tensor::zeros((100, frames), DType::F32, &Device::Cpu).unwrap();
    let message = |result: Result<_, Error>| match result {
        Err(Error::Input(message)) => message,
        other => panic!("{other:?}"),
    };
    let ids: Vec<u32> = (40..50).collect();
    let short = message(aligner.align(&mel(18), &ids));
    assert!(
        short.contains("9 units of duration, too short for the 10 symbols"),
        "{short}"
    );
    assert!(aligner.align(&mel(19), &ids).is_ok());
    assert_eq!(message(aligner.align(&mel(40), &[])), "no symbols to align");
    assert_eq!(
        message(aligner.align(&mel(40), &[178])),
        "symbol 178: the aligner has 178"
    );
    assert!(message(aligner.align(&mel(0), &ids)).contains("expected [100, frames]"));

    let score = aligner
        .align(&tensor("mel"), &numbers("ids"))
        .unwrap()
        .score;
    let strict = |lowest_score| {
        let config = AlignerConfig {
            lowest_score: Some(lowest_score),
            ..config()
        };
        let aligner = Aligner::load(&config, &checkpoint(), &Device::Cpu).unwrap();
        aligner.align(&tensor("mel"), &numbers("ids"))
    };
    assert!(strict(score - 0.01).is_ok());
    assert!(message(strict(score + 0.01)).starts_with("the text does not fit the recording"));
}

#[test]
fn configurations_are_checked() {
    let starter: AlignerConfig =
        serde_json::from_str(r#"{"channels": 160, "hidden": 256, "kernel": 5, "blocks": 4}"#)
            .unwrap();
    assert_eq!(starter, AlignerConfig::starter());
    starter.validate().unwrap();
    let wrong = |change: fn(&mut AlignerConfig)| {
        let mut config = AlignerConfig::starter();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(wrong(|c| c.kernel = 4).contains("aligner.kernel = 4"));
    assert!(wrong(|c| c.channels = 0).contains("aligner.channels = 0"));
    assert!(wrong(|c| c.pauses = vec![178]).contains("aligner.pauses: 178"));
    assert!(wrong(|c| c.lowest_score = Some(f32::NAN)).contains("aligner.lowest_score"));
    let error = Aligner::load(&AlignerConfig::starter(), &checkpoint(), &Device::Cpu).unwrap_err();
    assert!(
        matches!(&error, Error::Weights { name, .. } if name.contains("input.weight")),
        "{error}"
    );
}
