//! DiffWave-SaShiMi: both branches and the vocoder against the definition in double precision.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use syrinx_models::diffwave::{Config, DiffWave};
use syrinx_models::sashimi::Tensors;

struct Fixture {
    model: DiffWave,
    io: HashMap<String, Tensor>,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let path = folder.join(format!("{name}.safetensors"));
        let all = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        let (io, weights) = all
            .into_iter()
            .partition(|(name, _)| name.starts_with("io."));
        // The loop of the fixture has five steps.
        let config = Config {
            steps: 5,
            ..Config::unconditional()
        };
        let model = DiffWave::load(&Tensors::new(path, weights), config).unwrap();
        Self { model, io }
    }

    fn get(&self, name: &str) -> &Tensor {
        &self.io[&format!("io.{name}")]
    }
}

fn relative(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    let largest = |x: &Tensor| {
        let x = x.abs().unwrap().max_all().unwrap();
        x.to_scalar::<f32>().unwrap()
    };
    largest(&(found - expected).unwrap()) / largest(expected)
}

#[test]
fn noise_and_the_reverse_process_follow_the_definition() {
    for name in [
        "diffwave_checkpoints",
        "diffwave_master",
        "diffwave_vocoder",
    ] {
        let fixture = Fixture::open(name);
        assert_eq!(fixture.model.conditional(), name == "diffwave_vocoder");
        let mel = fixture.io.get("io.mel");
        let x = fixture.get("x");
        let denoiser = fixture.model.denoiser(x.dim(2).unwrap()).unwrap();
        let steps: Vec<f32> = fixture.get("t").to_vec1().unwrap();
        let eps = denoiser.noise(x, &steps, mel).unwrap();
        let worst = relative(&eps, fixture.get("eps"));
        assert!(worst < 1e-5, "{name}: {worst}");
        let noise = fixture.get("noise");
        let wave = denoiser.reverse(x.clone(), mel, |step| Ok(noise.get(step)?));
        let worst = relative(&wave.unwrap(), fixture.get("wave"));
        assert!(worst < 1e-5, "{name}, five steps: {worst}");
    }
}

#[test]
fn waves_depend_on_their_seed_alone() {
    let fixture = Fixture::open("diffwave_checkpoints");
    let denoiser = fixture.model.denoiser(64).unwrap();
    let mut told = Vec::new();
    let together = denoiser.sample(&[3, 4], None, |done| {
        told.push(done);
        Ok(())
    });
    let together = together.unwrap();
    assert_eq!(told, [1, 2, 3, 4, 5]);
    for (wave, seed) in together.iter().zip([3, 4]) {
        let alone = denoiser.sample(&[seed], None, |_| Ok(())).unwrap();
        assert_eq!(&alone[0], wave);
    }
    assert_ne!(together[0], together[1]);
}

#[test]
fn what_a_model_cannot_do_is_said() {
    let free = Fixture::open("diffwave_master").model;
    let vocoder = Fixture::open("diffwave_vocoder").model;
    let message = |result: syrinx_models::Result<Tensor>| result.unwrap_err().to_string();
    assert!(
        free.denoiser(20)
            .err()
            .unwrap()
            .to_string()
            .contains("multiple of 16")
    );
    let x = Tensor::zeros((1, 1, 32), candle_core::DType::F32, &Device::Cpu).unwrap();
    let mel = Tensor::zeros((1, 5, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    let free = free.denoiser(32).unwrap();
    let vocoder = vocoder.denoiser(32).unwrap();
    assert!(message(free.noise(&x, &[0.0], Some(&mel))).contains("no mel"));
    assert!(message(vocoder.noise(&x, &[0.0], None)).contains("give it a mel"));
    let short = mel.narrow(2, 0, 1).unwrap();
    assert!(message(vocoder.noise(&x, &[0.0], Some(&short))).contains("16 samples"));
    let bands = Tensor::zeros((1, 4, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(message(vocoder.noise(&x, &[0.0], Some(&bands))).contains("5 bands"));
}
