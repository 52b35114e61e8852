//! The reference's fixtures that are too large to keep here, where `SYRINX_FIXTURES` names their folder.

use std::sync::Arc;

use super::*;
use crate::sashimi::cascade::Cascade;
use crate::sashimi::convolution::Convolution;
use crate::sashimi::stepping::Stepping;

/// Files of the folder; none, with a word about it, where there is no folder.
fn shared(path: &str) -> Option<PathBuf> {
    match std::env::var_os("SYRINX_FIXTURES") {
        Some(folder) => Some(Path::new(&folder).join(path)),
        None => {
            eprintln!("{path}: passed over; SYRINX_FIXTURES names no folder");
            None
        }
    }
}

/// The numbers of a .npy file of f32 or f64.
fn npy(path: &Path) -> Vec<f32> {
    let tensor = Tensor::read_npy(path).unwrap();
    numbers(&tensor)
}

#[test]
fn backbones_of_the_standalone_code() {
    for name in ["snet", "unet", "bidir"] {
        let Some(folder) = shared("sashimi") else {
            return;
        };
        let file = |tail: &str| folder.join(format!("sashimi_standalone_{name}{tail}"));
        let (x, y) = (npy(&file("_x.npy")), npy(&file("_y_f64.npy")));
        let raw = Tensors::open(file(".safetensors")).unwrap();
        let corrected = Tensors::open(file("_ctilde.safetensors")).unwrap();
        let mut both: HashMap<String, Tensor> =
            raw.names().map(|n| (n.to_owned(), raw.tensor(n))).collect();
        both.extend(
            corrected
                .names()
                .map(|n| (n.to_owned(), corrected.tensor(n))),
        );
        for tensors in [raw, Tensors::new("corrected", both)] {
            let backbone = Backbone::load(&tensors, "", 8, StepTransform::Exp).unwrap();
            let signal = Tensor::from_slice(&x, (x.len() / 512, 64, 8), &Device::Cpu).unwrap();
            let signal = signal.transpose(1, 2).unwrap().contiguous().unwrap();
            let convolution = Convolution::new(&backbone, 64).unwrap();
            let found = convolution.forward(&signal).unwrap();
            let found = numbers(&found.transpose(1, 2).unwrap());
            eprintln!("{name}, convolution: {}", relative(&found, &y));
            assert!(relative(&found, &y) < 1e-5, "{name}, convolution");
            if name == "bidir" {
                assert!(Stepping::new(&backbone, Precision::F32).is_err());
                continue;
            }
            let weights = Arc::new(Stepping::new(&backbone, Precision::F32).unwrap());
            let mut stepped = Vec::new();
            for clip in x.chunks(512) {
                let tiers = 0..weights.tiers.len();
                let mut cascade = Cascade::new(weights.clone(), tiers, 1);
                for sample in clip.chunks(8) {
                    let mut x = sample.to_vec();
                    cascade.step(&mut x, None).unwrap();
                    let mut normed = vec![0.0; 8];
                    weights.norm.apply(&x, &mut normed).unwrap();
                    stepped.extend(normed);
                }
            }
            eprintln!("{name}, steps: {}", relative(&stepped, &y));
            assert!(relative(&stepped, &y) < 1e-5, "{name}, steps");
        }
    }
}

#[test]
fn released_models() {
    for name in ["snet", "unet"] {
        let Some(folder) = shared("sashimi") else {
            return;
        };
        let file = |tail: &str| folder.join(format!("sashimi_release_{name}{tail}"));
        let tokens = npy(&file("_tokens.npy"));
        let expected = npy(&file("_logits_f64.npy"));
        for tail in [
            ".safetensors",
            "_v3keys.safetensors",
            "_untrained_lkernel0.safetensors",
        ] {
            let model =
                Sashimi::load(&Tensors::open(file(tail)).unwrap(), Config::default()).unwrap();
            for (tokens, expected) in tokens.chunks(64).zip(expected.chunks(64 * 256)) {
                let codes: Vec<u32> = tokens.iter().map(|t| *t as u32).collect();
                let at_once = relative(&convolved(&model, &codes), expected);
                let by_steps = relative(&stepped(&model, &codes, true), expected);
                eprintln!("{name}{tail}: convolution {at_once}, steps {by_steps}");
                assert!(at_once < 1e-5 && by_steps < 1e-5);
            }
        }
    }
}

#[test]
fn diffwave() {
    let Some(folder) = shared("diffwave") else {
        return;
    };
    let open = |tail: &str| {
        let path = folder.join(format!("diffwave_checkpoints{tail}.safetensors"));
        Tensors::open(path).unwrap()
    };
    let config = crate::diffwave::Config {
        steps: 5,
        ..crate::diffwave::Config::vocoder()
    };
    let model = crate::diffwave::DiffWave::load(&open(""), config).unwrap();
    let io = open("_io");
    let denoiser = model.denoiser(64).unwrap();
    let steps = numbers(&io.tensor("t"));
    let eps = denoiser.noise(&io.tensor("x"), &steps, None).unwrap();
    let eps = relative(&numbers(&eps), &numbers(&io.tensor("eps")));
    let noise = io.tensor("loop_noise");
    let wave = denoiser.reverse(io.tensor("loop_xT"), None, |step| Ok(noise.get(step)?));
    let wave = relative(&numbers(&wave.unwrap()), &numbers(&io.tensor("loop_x0")));
    eprintln!("noise {eps}, five steps {wave}");
    assert!(eps < 1e-5 && wave < 1e-5);
}
