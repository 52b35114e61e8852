//! Against the reference at random weights, and each mode of computing against the others.
//!
//! The fixtures are outputs of the reference's code in double precision (tests/fixtures/README.md).

mod larger;
mod more_fixtures;
mod reference;
mod streams;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use super::*;

fn fixture(name: &str) -> Tensors {
    Tensors::open(folder().join(format!("{name}.safetensors"))).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Largest difference relative to the largest number there is.
fn relative(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let top = expected.iter().fold(0.0f32, |top, x| top.max(x.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs())) / top
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_dtype(DType::F32).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The tensors of a fixture less those of its inputs and outputs.
fn weights(tensors: &Tensors) -> Tensors {
    let names = tensors.names().filter(|name| !name.starts_with("io."));
    let all: HashMap<String, Tensor> = names.map(|n| (n.to_owned(), tensors.tensor(n))).collect();
    Tensors::new(tensors.path(), all)
}

fn codes(tensors: &Tensors) -> Vec<u32> {
    let codes = numbers(&tensors.tensor("io.tokens"));
    codes.into_iter().map(|code| code as u32).collect()
}

/// The logits \[T, codes\] of a model that steps through `codes`.
fn stepped(model: &Sashimi, codes: &[u32], two_threads: bool) -> Vec<f32> {
    let stepper = model.stepper(Precision::F32).unwrap();
    let mut streams = Streams::new(stepper, 1, two_threads);
    let step = |code: &u32| streams.step(&[*code]).unwrap().to_vec();
    codes.iter().flat_map(step).collect()
}

/// The same by convolution.
fn convolved(model: &Sashimi, codes: &[u32]) -> Vec<f32> {
    let teacher = model.teacher(codes.len()).unwrap();
    numbers(&teacher.logits(codes).unwrap().t().unwrap())
}

/// The tensors of an snet or U-net with random weights, and state spaces as training begins with them.
pub(super) fn random_model(
    width: usize,
    layers: usize,
    states: usize,
    unet: bool,
    tied: bool,
) -> Tensors {
    let mut made = Made::default();
    made.add("encoder.0.weight", &[256, width], 1.0);
    made.add("decoder.0.output_transform.weight", &[256, width], 1.0);
    made.add("decoder.0.output_transform.bias", &[256], 0.1);
    made.fill("model.norm.weight", &[width], 1.0);
    made.fill("model.norm.bias", &[width], 0.0);
    let mut pairs = |list: String, from: usize, channels: usize| {
        for pair in 0..layers {
            let s4 = format!("{list}.{}", from + 2 * pair);
            made.s4(&s4, channels, states, if tied { 1 } else { channels });
            made.feed_forward(&format!("{list}.{}", from + 2 * pair + 1), channels);
        }
    };
    pairs("model.c_layers".into(), 0, 4 * width);
    if unet {
        pairs("model.d_layers".into(), 0, width);
        pairs("model.d_layers".into(), 2 * layers + 1, 2 * width);
        pairs("model.u_layers".into(), 1, 2 * width);
        pairs("model.u_layers".into(), 2 * layers + 2, width);
    } else {
        pairs("model.u_layers.0".into(), 1, 2 * width);
        pairs("model.u_layers.1".into(), 1, width);
    }
    let step = 2 * layers + 1;
    let names = match unet {
        true => [
            "d_layers.".to_owned() + &(step - 1).to_string(),
            format!("d_layers.{}", 2 * step - 1),
            "u_layers.0".into(),
            format!("u_layers.{step}"),
        ],
        false => [
            "d_layers.0".into(),
            "d_layers.1".into(),
            "u_layers.0.0".into(),
            "u_layers.1.0".into(),
        ],
    };
    let sizes = [(2, 4), (4, 8), (8, 4), (4, 2)];
    for (name, (rows, columns)) in names.iter().zip(sizes) {
        let name = format!("model.{name}.linear");
        made.add(
            &format!("{name}.weight"),
            &[rows * width, columns * width],
            1.0,
        );
        made.add(&format!("{name}.bias"), &[rows * width], 0.1);
    }
    Tensors::new("random", made.tensors)
}

#[derive(Default)]
struct Made {
    tensors: HashMap<String, Tensor>,
}

impl Made {
    /// Uniform numbers of the variance that keeps a signal's, times `scale`.
    fn add(&mut self, name: &str, shape: &[usize], scale: f64) {
        let inputs: usize = shape.iter().skip(1).product();
        let scale = scale * (3.0 / inputs as f64).sqrt();
        self.put(name, shape, |u| (2.0 * u - 1.0) * scale);
    }

    fn fill(&mut self, name: &str, shape: &[usize], value: f64) {
        self.put(name, shape, |_| value);
    }

    fn put(&mut self, name: &str, shape: &[usize], value: impl Fn(f64) -> f64) {
        let hash = |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte);
        let seed = name.bytes().fold(17, hash);
        let uniform = |i| crate::sampling::uniform(seed, i as u64);
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count).map(|i| value(uniform(i)) as f32).collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
        self.tensors.insert(name.to_owned(), tensor);
    }

    fn norm(&mut self, prefix: &str) {
        self.fill(&format!("{prefix}.norm.norm.m"), &[1], 0.1);
        self.fill(&format!("{prefix}.norm.norm.s"), &[1], 0.9);
    }

    fn feed_forward(&mut self, prefix: &str, channels: usize) {
        self.norm(prefix);
        for (part, rows, columns) in [
            ("0.0", 2 * channels, channels),
            ("2", channels, 2 * channels),
        ] {
            let name = format!("{prefix}.layer.ff.{part}");
            self.add(&format!("{name}.weight"), &[rows, columns], 1.0);
            self.add(&format!("{name}.bias"), &[rows], 0.1);
        }
    }

    fn s4(&mut self, prefix: &str, channels: usize, states: usize, sets: usize) {
        self.norm(prefix);
        let output = format!("{prefix}.layer.output_linear.0");
        self.add(&format!("{output}.weight"), &[2 * channels, channels], 1.0);
        self.add(&format!("{output}.bias"), &[2 * channels], 0.1);
        let name = |part: &str| format!("{prefix}.layer.layer.kernel.{part}");
        self.put(&format!("{prefix}.layer.layer.D"), &[1, channels], |u| {
            2.0 * u - 1.0
        });
        // Steps from 0.001 to 0.1, evenly in their logarithm.
        let (low, high) = (1e-3f64.ln(), 1e-1f64.ln());
        self.put(&name("inv_dt"), &[channels, 1], |u| low + (high - low) * u);
        self.put(&name("C"), &[1, channels, states, 2], |u| 2.4 * u - 1.2);
        let legs = legs(states);
        let all = |of: &[syrinx_vocoder::kernel::Complex64]| -> Vec<f32> {
            let pairs = of.iter().flat_map(|z| [z.re as f32, z.im as f32]);
            pairs.collect::<Vec<_>>().repeat(sets)
        };
        let shape = (1, sets, states, 2);
        let tensor = |numbers| Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
        self.tensors.insert(name("B"), tensor(all(&legs.b)));
        self.tensors.insert(name("P"), tensor(all(&legs.p)));
        self.fill(&name("A_real"), &[sets, states], 0.5f64.ln());
        let imaginary = legs.lambda.iter().map(|l| -l.im as f32);
        let imaginary = imaginary.collect::<Vec<_>>().repeat(sets);
        let tensor = Tensor::from_vec(imaginary, (sets, states), &Device::Cpu).unwrap();
        self.tensors.insert(name("A_imag"), tensor);
        let zero = Tensor::new(0i64, &Device::Cpu).unwrap();
        self.tensors.insert(name("l_kernel"), zero);
    }
}
