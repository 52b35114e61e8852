//! The pitch tracker on signals whose F0 is known in closed form.

use std::f64::consts::TAU;

use syrinx_vocoder::Error;
use syrinx_vocoder::pitch::{Pitch, PitchConfig};
use syrinx_vocoder::stream::Stream;

const RATE: f64 = 24e3;
const HOP: usize = 300;

/// Noise in -1 to 1 (a linear congruential generator).
fn noise(len: usize, mut seed: u64) -> Vec<f32> {
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Harmonics of F0 `f0(t)` below 4 kHz; harmonic k has the amplitude `amplitude(k)`.
fn voice(
    seconds: f64,
    rate: f64,
    f0: impl Fn(f64) -> f64,
    amplitude: impl Fn(usize) -> f64,
) -> Vec<f32> {
    let mut phase = 0.0;
    let sample = |i: usize| {
        let f0 = f0(i as f64 / rate);
        phase += TAU * f0 / rate;
        let harmonics = 1..=((4000.0 / f0) as usize);
        let sum: f64 = harmonics
            .map(|k| amplitude(k) * (k as f64 * phase + 0.7 * k as f64).sin())
            .sum();
        (0.2 * sum) as f32
    };
    (0..(seconds * rate) as usize).map(sample).collect()
}

fn falling(k: usize) -> f64 {
    1.0 / k as f64
}

fn tracker() -> Pitch {
    Pitch::new(PitchConfig::starter()).unwrap()
}

fn with_noise(wave: &[f32], below_db: f32) -> Vec<f32> {
    let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
    let noise = noise(wave.len(), 5);
    let gain = (power(wave) / power(&noise)).sqrt() * 10f32.powf(-below_db / 20.0);
    wave.iter().zip(noise).map(|(x, n)| x + gain * n).collect()
}

/// Frames away from the ends must be voiced and within `cents` of the truth.
#[track_caller]
fn assert_tracks(found: &[f32], truth: impl Fn(f64) -> f64, cents: f64) {
    assert!(found.len() > 20);
    for (frame, &f0) in found.iter().enumerate().take(found.len() - 4).skip(4) {
        let truth = truth(frame as f64 * HOP as f64 / RATE);
        let error = 1200.0 * (f64::from(f0) / truth).log2();
        assert!(
            error.abs() < cents,
            "frame {frame}: {f0} Hz for {truth:.1} Hz"
        );
    }
}

#[test]
fn steady_voices_of_any_pitch() {
    for f0 in [55.0, 80.0, 111.1, 160.0, 220.0, 333.3, 440.0, 550.0] {
        let wave = voice(0.8, RATE, |_| f0, falling);
        assert_tracks(&tracker().track(&wave).unwrap(), |_| f0, 6.0);
        let noisy = with_noise(&wave, 10.0);
        assert_tracks(&tracker().track(&noisy).unwrap(), |_| f0, 35.0);
    }
}

#[test]
fn glides() {
    for (from, octaves) in [(90.0, 1.5), (400.0, -1.5), (180.0, 0.7)] {
        let f0 = |t: f64| from * 2f64.powf(octaves * t);
        let wave = with_noise(&voice(1.0, RATE, f0, falling), 20.0);
        assert_tracks(&tracker().track(&wave).unwrap(), f0, 25.0);
    }
    let vibrato = |t: f64| 250.0 + 12.0 * (TAU * 5.0 * t).sin();
    let wave = voice(1.0, RATE, vibrato, falling);
    assert_tracks(&tracker().track(&wave).unwrap(), vibrato, 25.0);
}

/// The fundamental missing, one harmonic far above the others, odd harmonics weak: the period is what counts.
#[test]
fn octaves_are_not_mistaken() {
    let colours: [fn(usize) -> f64; 4] = [
        |k| if k == 1 { 0.0 } else { 1.0 / k as f64 },
        |k| if k == 2 { 3.0 } else { 0.6 / k as f64 },
        |k| if k == 3 { 2.0 } else { 0.5 / k as f64 },
        |k| if k % 2 == 1 { 0.4 } else { 1.0 } / k as f64,
    ];
    for f0 in [75.0, 120.0, 200.0, 280.0] {
        for colour in colours {
            let wave = with_noise(&voice(0.6, RATE, |_| f0, colour), 25.0);
            assert_tracks(&tracker().track(&wave).unwrap(), |_| f0, 20.0);
        }
    }
}

#[test]
fn silence_and_noise_have_no_pitch() {
    let silent = tracker().track(&vec![0.0; 48_000]).unwrap();
    assert_eq!(silent, vec![0.0; 160]);
    for seed in 1..6 {
        let hiss = noise(48_000, seed);
        // Low-passed too, as breath is.
        let mut held = 0.0;
        let breath: Vec<f32> = hiss
            .iter()
            .map(|x| {
                held += 0.3 * (x - held);
                held
            })
            .collect();
        for wave in [hiss, breath] {
            let found = tracker().track(&wave).unwrap();
            let voiced = found.iter().filter(|f0| **f0 > 0.0).count();
            assert!(voiced <= 3, "{voiced} of {} frames", found.len());
        }
    }
}

#[test]
fn voicing_begins_and_ends_with_the_voice() {
    let mut wave = noise(24_000, 3)
        .iter()
        .map(|x| 1e-3 * x)
        .collect::<Vec<_>>();
    let speech = voice(0.5, RATE, |t| 150.0 + 40.0 * t, falling);
    wave[6_000..18_000]
        .iter_mut()
        .zip(speech)
        .for_each(|(x, y)| *x += y);
    let found = tracker().track(&wave).unwrap();
    for (frame, f0) in found.iter().enumerate() {
        match frame {
            0..=18 | 62.. => assert_eq!(*f0, 0.0, "{frame}"),
            22..=57 => assert!(*f0 > 0.0, "{frame}"),
            _ => {}
        }
    }
}

#[test]
fn level_does_not_matter() {
    let wave = voice(0.6, RATE, |_| 170.0, falling);
    let usual = tracker().track(&wave).unwrap();
    for gain in [1e-2, 0.1, 3.0] {
        let scaled: Vec<f32> = wave.iter().map(|x| gain * x).collect();
        let found = tracker().track(&scaled).unwrap();
        for (a, b) in usual.iter().zip(&found) {
            assert!((a - b).abs() < 0.1, "{a} {b}");
        }
    }
    // Nor does a direct component.
    let raised: Vec<f32> = wave.iter().map(|x| x + 0.5).collect();
    let found = tracker().track(&raised).unwrap();
    assert_tracks(&found[8..], |_| 170.0, 6.0);
}

#[test]
fn pieces_give_what_the_whole_gives() {
    let mut wave = voice(0.7, RATE, |t| 100.0 + 90.0 * t, falling);
    wave.extend(noise(7_000, 2));
    wave.extend(voice(0.31, RATE, |_| 260.0, falling));
    for look_ahead in [0, 3, 16] {
        let config = PitchConfig {
            look_ahead,
            ..PitchConfig::starter()
        };
        let pitch = Pitch::new(config).unwrap();
        let whole = pitch.track(&wave).unwrap();
        assert_eq!(whole.len(), wave.len() / HOP);
        let mut stream = pitch.stream();
        for piece in [1, 7, 299, 300, 4096, 100_000] {
            let mut found = Vec::new();
            let mut latest = 0;
            for samples in wave.chunks(piece) {
                stream.push(samples, &mut found).unwrap();
                latest += samples.len();
                // Every frame is there as soon as the latency allows.
                let due = latest.saturating_sub(stream.latency_samples()) / HOP;
                assert!(found.len() >= due.min(whole.len()), "{latest}");
            }
            stream.flush(&mut found).unwrap();
            assert_eq!(found, whole, "pieces of {piece}");
        }
        let mut found = Vec::new();
        stream.push(&wave[..5000], &mut found).unwrap();
        stream.reset();
        found.clear();
        stream.push(&wave, &mut found).unwrap();
        stream.flush(&mut found).unwrap();
        assert_eq!(found, whole, "after a reset");
    }
}

#[test]
fn other_rates_and_short_signals() {
    for (rate_hz, hop) in [(8_000, 80), (16_000, 200), (44_100, 512), (48_000, 600)] {
        let config = PitchConfig {
            rate_hz,
            hop,
            ..PitchConfig::starter()
        };
        let pitch = Pitch::new(config).unwrap();
        let wave = voice(0.5, f64::from(rate_hz), |_| 140.0, falling);
        let found = pitch.track(&wave).unwrap();
        assert_eq!(found.len(), wave.len() / hop);
        for f0 in &found[4..found.len() - 4] {
            assert!((f0 - 140.0).abs() < 1.0, "{rate_hz}: {f0}");
        }
        for len in [0, 1, hop - 1, hop, 3 * hop + 1] {
            assert_eq!(pitch.track(&wave[..len]).unwrap().len(), len / hop);
        }
    }
}

#[test]
fn what_cannot_be_tracked_is_told() {
    let wrong = |change: fn(&mut PitchConfig)| {
        let mut config = PitchConfig::starter();
        change(&mut config);
        Pitch::new(config).unwrap_err().to_string()
    };
    assert!(wrong(|c| c.rate_hz = 4000).contains("rate_hz = 4000"));
    assert!(wrong(|c| c.hop = 0).contains("hop = 0"));
    assert!(wrong(|c| c.lowest_hz = 700.0).contains("700 to 600 Hz"));
    assert!(wrong(|c| c.highest_hz = f32::NAN).contains("NaN"));
    assert!(wrong(|c| c.look_ahead = 5000).contains("look_ahead"));
    let mut wave = vec![0.1; 1000];
    wave[700] = f32::NAN;
    let error = tracker().track(&wave).unwrap_err();
    assert!(
        matches!(&error, Error::Input(text) if text.contains("sample 700 is NaN")),
        "{error}"
    );
}
