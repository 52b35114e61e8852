//! Properties of durations and of sampling that hold for any input.

use candle_core::{Device, Tensor};
use proptest::prelude::*;
use syrinx_models::megatts2::{expand, pool_content, scale_units};
use syrinx_models::sampling::{Sampler, Sampling, mix, softmax, top_k, top_p};

fn units() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0u32..12, 1..40)
}

fn logits() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-8f32..8.0, 1..40)
}

fn sum(values: &[f32]) -> f32 {
    values.iter().sum()
}

proptest! {
    #[test]
    fn expansion_gives_each_symbol_its_units(units in units()) {
        let laid = expand(&units);
        prop_assert_eq!(laid.index.len(), laid.position.len());
        prop_assert!(laid.index.is_sorted());
        for (symbol, &duration) in units.iter().enumerate() {
            let own: Vec<_> = (0..laid.index.len()).filter(|&unit| laid.index[unit] == symbol as u32).collect();
            prop_assert_eq!(own.len(), duration as usize);
            for (at, &unit) in own.iter().enumerate() {
                let [relative, since, length] = laid.position[unit];
                prop_assert!((relative * duration as f32 - at as f32 - 0.5).abs() < 1e-4);
                prop_assert_eq!(since, at.min(15) as f32 / 8.0);
                prop_assert!((length - (1.0 + duration as f32).ln() / 2.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn pooling_takes_the_largest_of_each_stretch(units in units(), r in 1usize..6) {
        let content: Vec<f32> = (0..units.len() * 3).map(|i| (i as f32 * 1.7).sin()).collect();
        let tensor = Tensor::from_vec(content.clone(), (units.len(), 3), &Device::Cpu).unwrap();
        let index = expand(&units).index;
        let pooled = pool_content(&tensor, &units, r);
        if index.is_empty() {
            prop_assert!(pooled.is_err());
            return Ok(());
        }
        let pooled = pooled.unwrap().to_vec2::<f32>().unwrap();
        prop_assert_eq!(pooled.len(), index.len().div_ceil(r));
        for (row, symbols) in pooled.iter().zip(index.chunks(r)) {
            for channel in 0..3 {
                let values = symbols.iter().map(|&symbol| content[symbol as usize * 3 + channel]);
                prop_assert_eq!(row[channel], values.fold(f32::MIN, f32::max));
            }
        }
    }

    #[test]
    fn scaling_keeps_every_symbol_and_the_length(units in prop::collection::vec(1u32..40, 1..60), rate in 0.4f32..2.5) {
        let scaled = scale_units(&units, rate);
        prop_assert_eq!(scaled.len(), units.len());
        prop_assert!(scaled.iter().all(|&units| units > 0));
        let ideal = f64::from(units.iter().sum::<u32>()) / f64::from(rate);
        let got = f64::from(scaled.iter().sum::<u32>());
        // Longer than ideal only where symbols would have vanished.
        let vanishing = units.iter().filter(|&&units| f64::from(units) < f64::from(rate)).count() as f64;
        prop_assert!(got >= ideal - 0.51 && got <= ideal + 0.51 + vanishing, "{got} for {ideal}");
        prop_assert_eq!(scale_units(&units, 1.0), units);
    }

    #[test]
    fn distributions_stay_distributions(mut a in logits(), k in 0usize..50, p in 0.01f32..1.0, t in 0.0f32..3.0) {
        let logits = a.clone();
        softmax(&mut a, t);
        prop_assert!((sum(&a) - 1.0).abs() < 1e-4);
        let mut narrow = a.clone();
        top_k(&mut narrow, k);
        prop_assert!((sum(&narrow) - 1.0).abs() < 1e-4);
        let kept = narrow.iter().filter(|p| **p > 0.0).count();
        prop_assert!(kept >= 1 && (k == 0 || kept <= k));
        let mut nucleus = a.clone();
        top_p(&mut nucleus, p);
        prop_assert!((sum(&nucleus) - 1.0).abs() < 1e-4);
        let mass: f32 = a.iter().zip(&nucleus).filter(|(_, kept)| **kept > 0.0).map(|(p, _)| p).sum();
        prop_assert!(mass >= p - 1e-4);
        // The most probable always stays.
        let best = (0..a.len()).max_by(|&i, &j| logits[i].total_cmp(&logits[j])).unwrap();
        prop_assert!(narrow[best] > 0.0 || a.iter().filter(|p| **p == a[best]).count() > 1);
        let mut mixed = a.clone();
        mix(&mut mixed, &narrow, 0.3);
        prop_assert!((sum(&mixed) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn draws_depend_on_seed_and_position_alone(logits in logits(), seed: u64, position: u64) {
        let sampler = Sampler::new(Sampling { temperature: 0.8, top_k: 5, top_p: 0.9 }, seed).unwrap();
        let draw = || {
            let mut p = logits.clone();
            sampler.probabilities(&mut p);
            let code = sampler.draw(&mut p, position);
            (code, p[code as usize])
        };
        prop_assert_eq!(draw().0, draw().0);
        prop_assert!(draw().1 > 0.0, "only what is possible is drawn");
        let greedy = Sampler::new(Sampling::greedy(), seed).unwrap();
        let mut p = logits.clone();
        greedy.probabilities(&mut p);
        let code = greedy.draw(&mut p, position) as usize;
        prop_assert!(logits.iter().all(|x| *x <= logits[code]));
    }
}

#[test]
fn draws_follow_the_distribution() {
    let sampler = Sampler::new(
        Sampling {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
        },
        11,
    )
    .unwrap();
    let distribution = [0.5f32, 0.0, 0.3, 0.15, 0.05];
    let mut counts = [0f32; 5];
    for position in 0..40_000 {
        counts[sampler.draw(&mut distribution.clone(), position) as usize] += 1.0;
    }
    for (count, p) in counts.iter().zip(distribution) {
        // Four standard errors.
        assert!(
            (count / 40_000.0 - p).abs() <= 4.0 * (p * (1.0 - p) / 40_000.0).sqrt(),
            "{counts:?}"
        );
    }
}

#[test]
fn unusable_settings_are_refused() {
    for sampling in [
        Sampling {
            temperature: -1.0,
            ..Sampling::default()
        },
        Sampling {
            temperature: f32::NAN,
            ..Sampling::default()
        },
        Sampling {
            top_p: 0.0,
            ..Sampling::default()
        },
        Sampling {
            top_p: 1.5,
            ..Sampling::default()
        },
    ] {
        assert!(Sampler::new(sampling, 0).is_err(), "{sampling:?}");
    }
}
