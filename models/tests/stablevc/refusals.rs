//! What cannot be computed is refused, in words.

use candle_core::{Device, Tensor};
use syrinx_models::stablevc::{
    Config, Conversion, Durations, Grid, Settings, StableVc, Target, Timing,
};
use syrinx_models::{Checkpoint, Error, Result};

use crate::random_weights::random_weights;
use crate::{Fixture, Source, TINY};

#[track_caller]
fn config_fault<T>(result: Result<T>, about: &str) {
    match result {
        Err(Error::Config(message)) => assert!(message.contains(about), "{message}"),
        Err(other) => panic!("{about}: {other}"),
        Ok(_) => panic!("{about}: taken"),
    }
}

#[track_caller]
fn input_fault<T>(result: Result<T>, about: &str) {
    match result {
        Err(Error::Input(message)) => assert!(message.contains(about), "{message}"),
        Err(other) => panic!("{about}: {other}"),
        Ok(_) => panic!("{about}: taken"),
    }
}

#[test]
fn configurations() {
    type Spoil = fn(&mut Config);
    let cases: [(&str, Spoil); 17] = [
        ("bands", |c| c.bands = 0),
        ("frames_per_unit", |c| c.frames_per_unit = 0),
        ("frames_per_unit", |c| c.frames_per_unit = 3),
        ("content.features", |c| c.content.features = 1 << 20),
        ("content.clusters", |c| c.content.clusters = 0),
        ("content.ahead", |c| {
            c.content.encoder.as_mut().unwrap().ahead = vec![vec![7]]
        }),
        ("content.ahead", |c| {
            c.content.encoder.as_mut().unwrap().ahead = vec![vec![1, 2], vec![2, 1]]
        }),
        ("content.ahead", |c| {
            c.content.encoder.as_mut().unwrap().ahead = vec![vec![1], vec![1, 2]]
        }),
        ("content.ahead", |c| {
            c.content.encoder.as_mut().unwrap().ahead = Vec::new()
        }),
        ("content.kernel", |c| {
            c.content.encoder.as_mut().unwrap().kernel = 0
        }),
        ("speaker.channels", |c| c.speaker.channels = Some(0)),
        ("style.pool", |c| c.style.pool = 0),
        ("style.kernel", |c| c.style.kernel = 4),
        ("module.heads", |c| c.module.heads = 5),
        ("flow.heads", |c| c.flow.heads = 0),
        ("flow.blocks", |c| c.flow.blocks = 1000),
        ("flow.time", |c| c.flow.time = 7),
    ];
    let checkpoint = Checkpoint::from_bytes("fixture", TINY).unwrap();
    for (field, spoil) in cases {
        let mut config = Config::starter();
        spoil(&mut config);
        config_fault(config.validate(), field);
        config_fault(StableVc::load(&config, &checkpoint, &Device::Cpu), field);
    }
    config_fault(Config::from_json("there", "{}"), "there");
    let starter = Config::starter();
    let ahead = serde_json::to_string(&starter.content.encoder.as_ref().unwrap().ahead).unwrap();
    let half = serde_json::to_string(&starter)
        .unwrap()
        .replace(&format!("\"ahead\":{ahead},"), "");
    config_fault(Config::from_json("half", &half), "ahead");
    let more = half.replacen('{', "{\"more\":1,", 1);
    config_fault(Config::from_json("more", &more), "more");
}

#[test]
fn checkpoints() {
    let checkpoint = Checkpoint::from_bytes("fixture", TINY).unwrap();
    let load = |config: &Config| StableVc::load(config, &checkpoint, &Device::Cpu);
    match load(&Config::starter()) {
        Err(Error::Weights { expected, .. }) => assert!(!expected.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings() {
    let fixture = Fixture::new();
    type Spoil = fn(&mut Settings);
    let cases: [(&str, Spoil); 9] = [
        ("steps", |s| s.steps = 0),
        ("sway", |s| s.grid = Grid::Sway(-1.5)),
        ("sway", |s| s.grid = Grid::Sway(f64::NAN)),
        ("temperature", |s| s.temperature = f64::NAN),
        ("temperature", |s| s.temperature = -1.0),
        ("guidance", |s| s.guidance = f64::INFINITY),
        ("chunk", |s| s.chunk = 0),
        ("chunk", |s| s.chunk = 5),
        ("past", |s| s.past = 3),
    ];
    for (field, spoil) in cases {
        let mut settings = Settings::default();
        spoil(&mut settings);
        let target = fixture.target(false);
        config_fault(
            Conversion::new(fixture.model.clone(), target, &settings),
            field,
        );
    }
}

#[test]
fn targets() {
    let fixture = Fixture::new();
    let (model, keys) = (&fixture.model, fixture.tensor("keys"));
    for register in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e5] {
        input_fault(model.target(&keys, register, None), "register");
    }
    let narrow = keys.narrow(1, 0, 3).unwrap();
    input_fault(model.target(&narrow, 150.0, None), "timbre keys");
    let none = keys.narrow(0, 0, 0).unwrap();
    input_fault(model.target(&none, 150.0, None), "timbre keys");
    let wild = (&keys / 0.0).unwrap();
    input_fault(model.target(&wild, 150.0, None), "finite");
    input_fault(
        model.target(&keys, 150.0, Some(&keys.narrow(1, 0, 5).unwrap())),
        "style",
    );
    let speaker = Tensor::zeros(5, candle_core::DType::F32, &Device::Cpu).unwrap();
    input_fault(
        model.target_with_speaker(&keys, &speaker, 150.0, None),
        "embedding",
    );
    input_fault(model.style(&[11]), "code 11");
    input_fault(model.style(&[]), "too few");
    input_fault(model.clusters().centroids(&[9]), "token 9");
    input_fault(model.clusters().tokens(&keys), "features");
}

/// The target of a model of other sizes.
fn foreign() -> Target {
    let mut config = Fixture::new().model.config().clone();
    config.flow.blocks = 1;
    let model = StableVc::new(&config, random_weights()).unwrap();
    let keys = Fixture::new().tensor("keys");
    model.target(&keys, 150.0, None).unwrap()
}

#[test]
fn signals() {
    let fixture = Fixture::new();
    let (model, target) = (&fixture.model, fixture.target(true));
    let settings = Settings {
        steps: 1,
        ..Settings::default()
    };
    input_fault(
        Conversion::new(model.clone(), foreign(), &settings),
        "target",
    );
    let mut conversion = Conversion::new(model.clone(), target.clone(), &settings).unwrap();
    input_fault(conversion.set_target(foreign()), "target");

    let source = Source::new(10, 20);
    let good = |conversion: &mut Conversion| {
        conversion.push(&source.mel, &source.f0_hz).unwrap();
        let rest = conversion.flush().unwrap();
        rest.unwrap().mel().clone()
    };
    let before = good(&mut conversion);
    let narrow = source.mel.narrow(1, 0, 9).unwrap();
    input_fault(conversion.push(&narrow, &source.f0_hz), "mel");
    input_fault(
        conversion.push(&source.mel.squeeze(0).unwrap(), &source.f0_hz),
        "mel",
    );
    input_fault(conversion.push(&source.mel, &source.f0_hz[1..]), "F0");
    for f0 in [-1.0, f32::NAN, 1e6] {
        let mut f0_hz = source.f0_hz.clone();
        f0_hz[4] = f0;
        input_fault(conversion.push(&source.mel, &f0_hz), "F0");
    }
    for level in [f64::NAN, 100.0] {
        let mel = (&source.mel * 0.0).unwrap();
        let mel = (mel + level).unwrap();
        input_fault(conversion.push(&mel, &source.f0_hz), "level");
    }
    let nothing = source.mel.narrow(2, 0, 0).unwrap();
    assert!(conversion.push(&nothing, &[]).unwrap().is_none());
    // What was refused has left no trace.
    assert_eq!(crate::flat(&good(&mut conversion)), crate::flat(&before));

    let content = model.content().unwrap();
    input_fault(content.features(&source.mel), "mel");
    input_fault(content.features(&nothing.squeeze(0).unwrap()), "mel");
    let retime = |mel: &Tensor, f0_hz: &[f32], speed: f64| {
        let timing = Timing {
            durations: Durations::Predicted,
            speed,
        };
        model.retime(mel, f0_hz, &target, &settings, timing)
    };
    input_fault(retime(&source.mel, &source.f0_hz, 0.0), "speed");
    input_fault(retime(&source.mel, &source.f0_hz, f64::NAN), "speed");
    input_fault(retime(&nothing, &[], 1.0), "no frames");
}
