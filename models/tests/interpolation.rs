//! Prosody between two speakers: equation 3 of the paper to the digit, on a tiny model.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_models::Checkpoint;
use syrinx_models::megatts2::{Config, ProsodyLm, ProsodyMix, ProsodySession};
use syrinx_models::sampling::{Sampler, Sampling};

fn lm() -> Arc<ProsodyLm> {
    let bytes = &include_bytes!("fixtures/megatts2_tiny.safetensors")[..];
    let checkpoint = Checkpoint::from_bytes("fixture", bytes).unwrap();
    let config = Config::from_json("fixture", checkpoint.metadata("config").unwrap()).unwrap();
    let lm = checkpoint.build(&Device::Cpu, |vb| ProsodyLm::new(&config, vb.pp("plm")));
    Arc::new(lm.unwrap())
}

fn prompted(lm: &Arc<ProsodyLm>, codes: &[u32]) -> ProsodySession {
    let mut session = ProsodySession::new(lm.clone());
    session.prefill(None, codes).unwrap();
    session
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let weights: Vec<f64> = logits.iter().map(|x| f64::from(*x).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// Acceptance test 5, as far as no data is needed: the codes drawn are those of
/// (1 − γ) · p(own prompt) + γ · p(donor's prompt), both prompts followed by the same codes.
#[test]
fn codes_come_from_the_mixture_of_the_two_distributions() {
    let lm = lm();
    let (own, donor) = (
        prompted(&lm, &[1, 2, 3, 4, 5]),
        prompted(&lm, &[15, 15, 14]),
    );
    let content: Vec<f32> = (0..40 * 16).map(|i| (i as f32 * 0.37).sin()).collect();
    let content = Tensor::from_vec(content, (40, 16), &Device::Cpu).unwrap();
    let sampling = Sampling {
        temperature: 1.0,
        top_k: 6,
        top_p: 1.0,
    };
    let mut seen = Vec::new();
    for gamma in [0.0f32, 0.3, 0.5, 1.0] {
        let sampler = Sampler::new(sampling, 9).unwrap();
        let drawn = ProsodyMix::new(own.fork(), donor.fork(), gamma)
            .unwrap()
            .generate(&content, &sampler, 100)
            .unwrap();

        let (mut a, mut b) = (own.fork(), donor.fork());
        for (i, row) in content.to_vec2::<f32>().unwrap().iter().enumerate() {
            let p = softmax(a.step(row).unwrap());
            let q = softmax(b.step(row).unwrap());
            let g = f64::from(gamma);
            let mixed = p.iter().zip(&q).map(|(p, q)| (1.0 - g) * p + g * q);
            let mut mixed: Vec<f32> = mixed.map(|p| p as f32).collect();
            assert!((mixed.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            // The draw narrows to the six most probable, renormalises, and inverts the distribution.
            let mut order: Vec<usize> = (0..mixed.len()).collect();
            order.sort_by(|i, j| mixed[*j].total_cmp(&mixed[*i]));
            let code = sampler.draw(&mut mixed, 100 + i as u64);
            assert_eq!(drawn[i], code, "gamma {gamma}, position {i}");
            assert!(order[..6].contains(&(code as usize)));
            a.accept(code);
            b.accept(code);
        }
        seen.push(drawn);
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[2] != seen[3]);
}
