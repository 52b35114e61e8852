//! Length, quality, timing, and independence of the chunks.

use std::f64::consts::TAU;

use proptest::prelude::*;
use syrinx::audio::{Audio, Resampler, Spec};

const RATES: [u32; 10] = [
    8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000,
];

fn sine(hertz: f64, rate_hz: u32, frames: usize) -> Vec<f32> {
    let step = TAU * hertz / f64::from(rate_hz);
    (0..frames)
        .map(|t| (0.5 * (step * t as f64).sin()) as f32)
        .collect()
}

/// Signal-to-noise ratio in dB of `found` against `wanted`, away from the ends.
fn snr(found: &[f32], wanted: &[f32]) -> f64 {
    let margin = found.len() / 4;
    let range = margin..found.len() - margin;
    let pairs = || found[range.clone()].iter().zip(&wanted[range.clone()]);
    let signal: f64 = pairs().map(|(_, w)| f64::from(*w).powi(2)).sum();
    let noise: f64 = pairs()
        .map(|(f, w)| (f64::from(*f) - f64::from(*w)).powi(2))
        .sum();
    10.0 * (signal / noise.max(1e-30)).log10()
}

#[test]
fn a_sine_comes_out_in_place_at_every_pair_of_rates() {
    for from in RATES {
        for to in RATES {
            let frames = from as usize / 2;
            // In the band of both, and not a divisor of anything.
            let hertz = 0.37 * f64::from(from.min(to));
            let out = Audio::mono(sine(hertz, from, frames), from)
                .resample(to)
                .unwrap();
            let expected = (frames as f64 * f64::from(to) / f64::from(from)).round() as usize;
            assert_eq!(out.frames(), expected, "{from} to {to}");
            let snr = snr(&out.channels()[0], &sine(hertz, to, out.frames()));
            assert!(snr > 100.0, "{from} to {to}: {snr:.1} dB");
        }
    }
}

#[test]
fn rates_without_a_common_divisor() {
    for (from, to) in [
        (44_100, 48_001),
        (22_050, 23_999),
        (48_000, 7_919),
        (7_919, 48_000),
        (191_999, 24_000),
    ] {
        let frames = from as usize;
        let hertz = 0.3 * f64::from(from.min(to));
        let out = Audio::mono(sine(hertz, from, frames), from)
            .resample(to)
            .unwrap();
        assert_eq!(out.frames(), to as usize, "{from} to {to}");
        let snr = snr(&out.channels()[0], &sine(hertz, to, out.frames()));
        assert!(snr > 60.0, "{from} to {to}: {snr:.1} dB");
    }
}

#[test]
fn what_the_lower_rate_cannot_hold_is_gone() {
    for (from, to) in [
        (48_000, 24_000),
        (44_100, 16_000),
        (192_000, 8_000),
        (48_000, 7_919),
    ] {
        for above in [1.05, 1.3, 1.9] {
            let hertz = above * f64::from(to) / 2.0;
            let input = Audio::mono(sine(hertz, from, from as usize / 2), from);
            let out = input.resample(to).unwrap();
            let middle = out.slice(out.frames() / 4..out.frames() * 3 / 4);
            let db = 20.0 * f64::from(middle.rms() / input.rms()).log10();
            assert!(db < -80.0, "{from} to {to}, {hertz} Hz: {db:.1} dB");
        }
    }
}

#[test]
fn equal_rates_pass_through() {
    let audio = Audio::mono(sine(440.0, 24_000, 1_000), 24_000);
    assert_eq!(audio.resample(24_000).unwrap(), audio);
    assert_eq!(Resampler::new(audio.spec(), 24_000).unwrap().latency(), 0);
}

#[test]
fn channels_stay_apart() {
    let left = sine(440.0, 24_000, 4_800);
    let right = sine(1_000.0, 24_000, 4_800);
    let both = Audio::from_channels(vec![left.clone(), right.clone()], 24_000).unwrap();
    let both = both.resample(44_100).unwrap();
    for (channel, alone) in [left, right].into_iter().enumerate() {
        let alone = Audio::mono(alone, 24_000).resample(44_100).unwrap();
        assert_eq!(both.channels()[channel], alone.channels()[0]);
    }
}

#[test]
fn nonsense_is_refused() {
    for (from, to) in [(0, 24_000), (24_000, 0), (8_000, 3_000_000)] {
        let error = Resampler::new(Spec::mono(from), to)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("check the rates"), "{error}");
    }
    let mut resampler = Resampler::new(Spec::mono(24_000), 48_000).unwrap();
    assert!(resampler.push(&Audio::mono(vec![0.0], 16_000)).is_err());
}

#[test]
fn the_latency_is_what_it_says() {
    for make in [Resampler::new, Resampler::low_latency] {
        for to in [48_000, 44_100, 23_999] {
            let mut resampler = make(Spec::mono(24_000), to).unwrap();
            let mut ready = 0;
            for pushed in 1..600 {
                let chunk = Audio::mono(vec![0.1; 10], 24_000);
                ready += resampler.push(&chunk).unwrap().frames();
                let due = pushed * 10 * to as usize / 24_000;
                assert!(ready + resampler.latency() >= due, "{to} Hz, {pushed}");
            }
        }
    }
    let short = Resampler::low_latency(Spec::mono(24_000), 48_000).unwrap();
    assert!(
        short.latency() <= 480,
        "10 ms at 48 kHz: {}",
        short.latency()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn chunks_make_no_difference(
        from in prop::sample::select(RATES.to_vec()),
        to in prop_oneof![prop::sample::select(RATES.to_vec()), 8_000u32..50_000],
        frames in 0usize..6_000,
        cuts in prop::collection::vec(0usize..2_000, 0..12),
        short in prop::bool::ANY,
    ) {
        let audio = Audio::mono(sine(997.0, from, frames), from);
        let make = if short { Resampler::low_latency } else { Resampler::new };
        let mut resampler = make(audio.spec(), to).unwrap();
        let mut whole = resampler.push(&audio).unwrap();
        whole.append(&resampler.flush().unwrap()).unwrap();
        let expected = (frames as f64 * f64::from(to) / f64::from(from)).round() as usize;
        prop_assert_eq!(whole.frames(), expected);

        // The same object again: a flush leaves it as new.
        let mut pieces = Audio::silence(0, resampler.output());
        let mut start = 0;
        for cut in cuts {
            let end = (start + cut).min(frames);
            pieces.append(&resampler.push(&audio.slice(start..end)).unwrap()).unwrap();
            start = end;
        }
        pieces.append(&resampler.push(&audio.slice(start..frames)).unwrap()).unwrap();
        pieces.append(&resampler.flush().unwrap()).unwrap();
        prop_assert_eq!(pieces, whole);
    }
}
